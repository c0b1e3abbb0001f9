#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "ingest/extract/file_reader.h"
#include "ingest/text/canonical.h"
#include "ingest/text/segments.h"
#include "ingest/tokens/compare.h"
#include "ingest/tokens/inspect.h"
#include "ingest/tokens/token_counter.h"
#include "ingest/tokens/tokenizer.h"
#include "services/cli/commands.h"
#include "services/cli/display.h"
#include "services/cli/file_walk.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"
#include "services/cli/reason_words.h"

namespace jangbu::services::cli {
namespace {

using Align = Table::Align;
using ingest::EntryKinds;

struct KindName {
  size_t EntryKinds::*kind;
  std::string_view json;
  Msg words;
};
constexpr KindName kKinds[] = {
    {&EntryKinds::hangul, "hangul", Msg::kKindHangul},
    {&EntryKinds::han, "han", Msg::kKindHan},
    {&EntryKinds::latin, "latin", Msg::kKindLatin},
    {&EntryKinds::kana, "kana", Msg::kKindKana},
    {&EntryKinds::other_script, "other_script", Msg::kKindOtherScript},
    {&EntryKinds::mixed, "mixed", Msg::kKindMixed},
    {&EntryKinds::digits, "digits", Msg::kKindDigits},
    {&EntryKinds::space, "space", Msg::kKindSpace},
    {&EntryKinds::other, "other", Msg::kKindOther},
    {&EntryKinds::partial, "partial", Msg::kKindPartial},
};

StatusOr<std::string> ReadTokenizer(const std::string& path) {
  return ReadLocalFile(path, ingest::Tokenizer::kFileBytesMax);
}

// The file's name in front of what is wrong with it.
Status OfFile(const std::string& path, const Status& status) {
  const std::string_view reason = ReasonOf(status);
  std::string_view rest = MessageOf(status);
  if (!reason.empty()) rest.remove_prefix(reason.size() + 2);
  return MakeError(status.code(), reason.empty() ? "tokenizer_malformed" : reason,
                   "\"" + path + "\": " + std::string(rest));
}

StatusOr<std::shared_ptr<const ingest::Tokenizer>> LoadTokenizer(const std::string& path) {
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, ReadTokenizer(path));
  auto tokenizer = ingest::Tokenizer::Load(bytes);
  if (!tokenizer.ok()) return OfFile(path, tokenizer.status());
  return tokenizer;
}

class DiskSource final : public ingest::ByteSource {
 public:
  static StatusOr<std::unique_ptr<DiskSource>> Open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Unreadable(path);
    return std::unique_ptr<DiskSource>(new DiskSource(path, fd));
  }
  ~DiskSource() override { ::close(fd_); }
  DiskSource(const DiskSource&) = delete;
  DiskSource& operator=(const DiskSource&) = delete;

  StatusOr<size_t> Read(char* out, size_t n) override {
    while (true) {
      const ssize_t got = ::read(fd_, out, n);
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) return Unreadable(path_);
    }
  }

 private:
  DiskSource(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  static Status Unreadable(const std::string& path) {
    return InvalidArgument("file_unreadable", "\"" + path + "\": " + std::strerror(errno));
  }

  const std::string path_;
  const int fd_;
};

struct Figures {
  uint64_t documents = 0;
  uint64_t rejected = 0;
  uint64_t segments = 0;
  uint64_t bytes = 0;  // of canonical text
  ingest::TextCounts counts;
  std::vector<uint64_t> tokens;  // by tokenizer

  void Add(const Figures& other) {
    documents += other.documents;
    rejected += other.rejected;
    segments += other.segments;
    bytes += other.bytes;
    counts.chars += other.counts.chars;
    counts.words += other.counts.words;
    counts.syllables += other.counts.syllables;
    for (size_t i = 0; i < tokens.size(); ++i) tokens[i] += other.tokens[i];
  }
};

// A ratio with three digits after the point, cut.
std::string Ratio(uint64_t part, uint64_t whole) {
  if (whole == 0) return "-";
  const uint64_t thousandths = part * 1000 / whole;
  std::string fraction = std::to_string(thousandths % 1000);
  return GroupedUnsigned(thousandths / 1000) + "." + std::string(3 - fraction.size(), '0') +
         fraction;
}

std::string JsonNumbers(const std::vector<uint64_t>& numbers) {
  std::string json = "[";
  for (const uint64_t n : numbers) {
    if (json.size() > 1) json += ',';
    json += std::to_string(n);
  }
  return json + "]";
}

std::string JsonKinds(const EntryKinds& kinds) {
  JsonObject json;
  for (const KindName& kind : kKinds) json.AddUnsigned(kind.json, kinds.*kind.kind);
  return json.Take();
}

ExitCode FailLocal(const Console& console, const Status& status) {
  console.Fail(status);
  return ExitCode::kUsage;
}

// Counts files as an upload of them would be counted.
class FileCounter {
 public:
  using OnSegment = std::function<void(uint64_t record, uint64_t number, const ingest::Segment&,
                                       std::string_view text, const std::vector<uint64_t>& tokens)>;

  explicit FileCounter(const std::vector<std::shared_ptr<const ingest::Tokenizer>>& tokenizers) {
    for (const auto& tokenizer : tokenizers) counters_.emplace_back(tokenizer);
  }

  // `on_segment` may be null: whole texts are counted faster.
  StatusOr<Figures> Count(const Console& console, const LocalFile& file,
                          const OnSegment& on_segment) {
    Figures figures;
    figures.tokens.resize(counters_.size());
    JANGBU_ASSIGN_OR_RETURN(const auto source, DiskSource::Open(file.open_path));
    JANGBU_ASSIGN_OR_RETURN(const auto reader, ingest::FileReader::Open(*source, file.name, {}));
    while (true) {
      JANGBU_ASSIGN_OR_RETURN(auto raw, reader->Next());
      if (!raw.has_value()) return figures;
      const ingest::ParsedRecord parsed = ingest::ParseRecord(reader->facts(), *std::move(raw));
      if (!parsed.ok()) {
        ++figures.rejected;
        console.Warn(Msg::kRecordNotCounted,
                     {ForTerminal(file.name), GroupedUnsigned(parsed.record),
                      RejectionWords(console.lang, CodeOf(parsed.rejection().reason))});
        continue;
      }
      AddDocument(parsed, on_segment, figures);
    }
  }

 private:
  void AddDocument(const ingest::ParsedRecord& parsed, const OnSegment& on_segment,
                   Figures& figures) {
    const std::string canonical = ingest::Canonicalize(parsed.document().text);
    const std::vector<ingest::Segment> segments = ingest::Segments(canonical);
    Figures one;
    one.documents = 1;
    one.segments = segments.size();
    one.bytes = canonical.size();
    one.counts = ingest::CountText(canonical, segments);
    one.tokens.resize(counters_.size());
    if (on_segment == nullptr) {
      for (size_t i = 0; i < counters_.size(); ++i) {
        one.tokens[i] = static_cast<uint64_t>(counters_[i].CountText(canonical));
      }
    } else {
      uint64_t number = 0;
      std::vector<uint64_t> tokens(counters_.size());
      for (const ingest::Segment& segment : segments) {
        const std::string_view text = segment.Text(canonical);
        for (size_t i = 0; i < counters_.size(); ++i) {
          tokens[i] = static_cast<uint64_t>(counters_[i].Count(text));
          one.tokens[i] += tokens[i];
        }
        on_segment(parsed.record, ++number, segment, text, tokens);
      }
    }
    figures.Add(one);
  }

  std::vector<ingest::TokenCounter> counters_;
};

}  // namespace

ExitCode TokenizerInspect(Session& session, const std::string& file) {
  const Console& console = session.console();
  const auto bytes = ReadTokenizer(file);
  if (!bytes.ok()) return FailLocal(console, bytes.status());
  const ingest::TokenizerReport report = ingest::InspectTokenizer(*bytes);
  if (console.json) {
    JsonObject json;
    json.Add("file", file)
        .AddUnsigned("file_bytes", report.file_bytes)
        .Add("sha256", ToHex(report.sha256))
        .AddBool("supported", report.supported.ok());
    if (report.readable) {
      std::vector<std::string> features;
      for (const std::string& feature : report.features) features.push_back(JsonString(feature));
      json.Add("family", ingest::FamilyName(report.family))
          .Add("algorithm", report.algorithm)
          .AddUnsigned("vocab_size", report.vocab_size)
          .AddUnsigned("added_tokens", report.added_tokens)
          .AddUnsigned("special_tokens", report.special_tokens)
          .AddUnsigned("merges", report.merges)
          .AddUnsigned("longest_entry_bytes", report.longest_entry_bytes)
          .AddUnsigned("memory_bytes", report.table_bytes)
          .AddRaw("features", JsonArray(features))
          .AddRaw("entries", JsonKinds(report.entries));
    }
    console.out << json.Take() << '\n';
  } else {
    Table table({{console.Words(Msg::kColWhat)}, {console.Words(Msg::kColValue)}});
    table.Row({"SHA-256", ToHex(report.sha256)});
    table.Row({console.Words(Msg::kColSize), HumanBytes(report.file_bytes)});
    if (report.readable) {
      table.Row(
          {console.Words(Msg::kTokenizerFamily), std::string(ingest::FamilyName(report.family))});
      table.Row({console.Words(Msg::kTokenizerAlgorithm), ForTerminal(report.algorithm)});
      std::string features;
      for (const std::string& feature : report.features) {
        features += (features.empty() ? "" : ", ") + feature;
      }
      table.Row({console.Words(Msg::kTokenizerFeatures), ForTerminal(features)});
      table.Row({console.Words(Msg::kTokenizerEntries), GroupedUnsigned(report.vocab_size)});
      for (const KindName& kind : kKinds) {
        const size_t n = report.entries.*kind.kind;
        if (n == 0) continue;
        table.Row({"  " + console.Words(kind.words),
                   GroupedUnsigned(n) + "  " + Percent(n, report.entries.total(), 1)});
      }
      table.Row({console.Words(Msg::kTokenizerAdded), GroupedUnsigned(report.added_tokens)});
      table.Row({console.Words(Msg::kTokenizerMerges), GroupedUnsigned(report.merges)});
      table.Row({console.Words(Msg::kTokenizerLongest), HumanBytes(report.longest_entry_bytes)});
      table.Row({console.Words(Msg::kTokenizerMemory), HumanBytes(report.table_bytes)});
    }
    console.out << table.Render();
  }
  // What the file asks for that is not done is told by name, as an upload to a server would be.
  if (!report.supported.ok()) return FailLocal(console, OfFile(file, report.supported));
  return ExitCode::kOk;
}

ExitCode TokenizerCount(Session& session, const TokenizerCountParams& params) {
  const Console& console = session.console();
  std::vector<std::string> names = {params.tokenizer};
  names.insert(names.end(), params.also.begin(), params.also.end());
  std::vector<std::shared_ptr<const ingest::Tokenizer>> tokenizers;
  std::vector<Table::Column> columns = {{console.Words(Msg::kColFile)},
                                        {console.Words(Msg::kColDocuments), Align::kRight},
                                        {console.Words(Msg::kColWords), Align::kRight},
                                        {console.Words(Msg::kColChars), Align::kRight}};
  for (const std::string& path : names) {
    auto loaded = LoadTokenizer(path);
    if (!loaded.ok()) return FailLocal(console, loaded.status());
    tokenizers.push_back(*std::move(loaded));
    const size_t slash = path.rfind('/');
    const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
    columns.push_back({Shorten(ForTerminal(name), 28), Align::kRight});
    columns.push_back({console.Words(Msg::kColTokensPerWord), Align::kRight});
    columns.push_back({console.Words(Msg::kColBytesPerToken), Align::kRight});
  }
  const auto walked = WalkPaths(params.paths);
  if (!walked.ok()) return FailLocal(console, walked.status());
  ExitCode result = walked->skipped.empty() ? ExitCode::kOk : ExitCode::kPartial;

  FileCounter counter(tokenizers);
  Table table(columns);
  const auto row = [&](const std::string& name, const Figures& figures) {
    std::vector<std::string> cells = {ForTerminal(name), GroupedUnsigned(figures.documents),
                                      GroupedUnsigned(figures.counts.words),
                                      GroupedUnsigned(figures.counts.chars)};
    for (const uint64_t n : figures.tokens) {
      cells.push_back(GroupedUnsigned(n));
      cells.push_back(Ratio(n, figures.counts.words));
      cells.push_back(Ratio(figures.bytes, n));
    }
    table.Row(std::move(cells));
  };
  Figures total;
  total.tokens.resize(tokenizers.size());
  for (const LocalFile& file : walked->files) {
    FileCounter::OnSegment on_segment;
    if (params.segments) {
      on_segment = [&](uint64_t record, uint64_t number, const ingest::Segment& segment,
                       std::string_view text, const std::vector<uint64_t>& tokens) {
        if (console.json) {
          console.out << JsonObject()
                             .Add("file", file.name)
                             .AddUnsigned("record", record)
                             .AddUnsigned("segment", number)
                             .AddBool("korean", segment.korean)
                             .AddUnsigned("chars", segment.chars)
                             .AddUnsigned("words", segment.words)
                             .AddUnsigned("korean_words", segment.korean_words)
                             .AddRaw("tokens", JsonNumbers(tokens))
                             .Take()
                      << '\n';
          return;
        }
        std::string line = GroupedUnsigned(record) + ":" + GroupedUnsigned(number);
        for (const uint64_t n : tokens) line += "\t" + GroupedUnsigned(n);
        console.out << line << '\t' << Shorten(ForTerminal(text.substr(0, 400)), 60) << '\n';
      };
    }
    const auto figures = counter.Count(console, file, on_segment);
    if (!figures.ok()) {
      console.Fail(figures.status());
      result = ExitCode::kPartial;
      continue;
    }
    if (figures->rejected > 0) result = ExitCode::kPartial;
    total.Add(*figures);
    if (!console.json) {
      row(file.name, *figures);
      continue;
    }
    std::vector<std::string> counts;
    for (size_t i = 0; i < tokenizers.size(); ++i) {
      counts.push_back(JsonObject()
                           .Add("tokenizer", names[i])
                           .Add("sha256", ToHex(tokenizers[i]->file_sha256()))
                           .AddUnsigned("tokens", figures->tokens[i])
                           .Take());
    }
    console.out << JsonObject()
                       .Add("file", file.name)
                       .AddUnsigned("documents", figures->documents)
                       .AddUnsigned("rejected", figures->rejected)
                       .AddUnsigned("segments", figures->segments)
                       .AddUnsigned("bytes", figures->bytes)
                       .AddUnsigned("words", figures->counts.words)
                       .AddUnsigned("chars", figures->counts.chars)
                       .AddUnsigned("syllables", figures->counts.syllables)
                       .AddRaw("counts", JsonArray(counts))
                       .Take()
                << '\n';
  }
  if (!console.json) {
    if (table.rows() > 1) {
      table.Rule();
      row(console.Words(Msg::kTotal), total);
    }
    console.out << table.Render();
  }
  return result;
}

ExitCode TokenizerCompare(Session& session, const std::string& a, const std::string& b) {
  const Console& console = session.console();
  const auto bytes_a = ReadTokenizer(a);
  if (!bytes_a.ok()) return FailLocal(console, bytes_a.status());
  const auto bytes_b = ReadTokenizer(b);
  if (!bytes_b.ok()) return FailLocal(console, bytes_b.status());
  const auto compared = ingest::CompareTokenizers(*bytes_a, *bytes_b);
  if (!compared.ok()) return FailLocal(console, compared.status());
  const ingest::TokenizerComparison& c = *compared;
  if (console.json) {
    const auto side = [](const std::string& file, const ingest::TokenizerReport& report,
                         size_t entries, size_t merges, const EntryKinds& kinds) {
      return JsonObject()
          .Add("file", file)
          .Add("sha256", ToHex(report.sha256))
          .Add("algorithm", report.algorithm)
          .AddUnsigned("entries", entries)
          .AddUnsigned("merges", merges)
          .AddRaw("kinds", JsonKinds(kinds))
          .Take();
    };
    console.out << JsonObject()
                       .AddRaw("a", side(a, c.a, c.entries_a, c.merges_a, c.kinds_a))
                       .AddRaw("b", side(b, c.b, c.entries_b, c.merges_b, c.kinds_b))
                       .AddUnsigned("entries_shared", c.entries_shared)
                       .AddUnsigned("same_id", c.same_id)
                       .AddRaw("kinds_shared", JsonKinds(c.kinds_shared))
                       .AddUnsigned("merges_shared", c.merges_shared)
                       .AddUnsigned("merges_prefix", c.merges_prefix)
                       .AddUnsigned("merges_in_order", c.merges_in_order)
                       .Take()
                << '\n';
    return ExitCode::kOk;
  }
  Table table({{console.Words(Msg::kColWhat)},
               {"A", Align::kRight},
               {"B", Align::kRight},
               {console.Words(Msg::kCompareShared), Align::kRight},
               {console.Words(Msg::kCompareOfA), Align::kRight},
               {console.Words(Msg::kCompareOfB), Align::kRight}});
  const auto row = [&](const std::string& what, size_t in_a, size_t in_b, size_t shared) {
    table.Row({what, GroupedUnsigned(in_a), GroupedUnsigned(in_b), GroupedUnsigned(shared),
               Percent(shared, in_a, 1), Percent(shared, in_b, 1)});
  };
  row(console.Words(Msg::kTokenizerEntries), c.entries_a, c.entries_b, c.entries_shared);
  for (const KindName& kind : kKinds) {
    const size_t in_a = c.kinds_a.*kind.kind;
    const size_t in_b = c.kinds_b.*kind.kind;
    if (in_a + in_b > 0)
      row("  " + console.Words(kind.words), in_a, in_b, c.kinds_shared.*kind.kind);
  }
  row("  " + console.Words(Msg::kCompareSameId), c.entries_a, c.entries_b, c.same_id);
  row(console.Words(Msg::kTokenizerMerges), c.merges_a, c.merges_b, c.merges_shared);
  row("  " + console.Words(Msg::kCompareInOrder), c.merges_a, c.merges_b, c.merges_in_order);
  row("  " + console.Words(Msg::kComparePrefix), c.merges_a, c.merges_b, c.merges_prefix);
  console.out << "A " << ForTerminal(a) << "  " << ToHex(c.a.sha256) << "\nB " << ForTerminal(b)
              << "  " << ToHex(c.b.sha256) << "\n"
              << table.Render();
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
