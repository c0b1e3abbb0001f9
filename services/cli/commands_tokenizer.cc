#include <memory>

#include "base/bytes.h"
#include "ingest/text/canonical.h"
#include "ingest/text/segments.h"
#include "ingest/text/utf8.h"
#include "ingest/tokens/token_counter.h"
#include "ingest/tokens/tokenizer.h"
#include "services/cli/commands.h"
#include "services/cli/display.h"
#include "services/cli/file_walk.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"

namespace jangbu::services::cli {
namespace {

using Align = Table::Align;

constexpr size_t kMaxTextFile = size_t{1} << 30;

StatusOr<std::shared_ptr<const ingest::Tokenizer>> LoadTokenizer(const std::string& path) {
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes,
                          ReadLocalFile(path, ingest::Tokenizer::kFileBytesMax));
  return ingest::Tokenizer::Load(bytes);
}

// What a text file holds, counted as an upload of it would be.
struct TextFigures {
  std::string name;
  std::string canonical;
  ingest::TextCounts counts;
};

StatusOr<TextFigures> ReadText(const LocalFile& file) {
  JANGBU_ASSIGN_OR_RETURN(std::string bytes, ReadLocalFile(file.open_path, kMaxTextFile));
  if (bytes.rfind("\xEF\xBB\xBF", 0) == 0) bytes.erase(0, 3);
  if (!ingest::IsValidUtf8(bytes)) {
    return InvalidArgument("not_utf8", "\"" + file.open_path + "\" is not UTF-8 text");
  }
  TextFigures figures;
  figures.name = file.name;
  figures.canonical = ingest::Canonicalize(bytes);
  figures.counts = ingest::CountText(figures.canonical);
  return figures;
}

// A ratio with three digits after the point, cut.
std::string Ratio(uint64_t part, uint64_t whole) {
  if (whole == 0) return "-";
  const uint64_t thousandths = part * 1000 / whole;
  std::string fraction = std::to_string(thousandths % 1000);
  return GroupedUnsigned(thousandths / 1000) + "." + std::string(3 - fraction.size(), '0') +
         fraction;
}

ExitCode FailLocal(const Console& console, const Status& status) {
  console.Fail(status);
  return ExitCode::kUsage;
}

}  // namespace

ExitCode TokenizerInspect(Session& session, const std::string& file) {
  const Console& console = session.console();
  const auto tokenizer = LoadTokenizer(file);
  if (!tokenizer.ok()) return FailLocal(console, tokenizer.status());
  const ingest::Tokenizer& t = **tokenizer;
  if (console.json) {
    console.out << JsonObject()
                       .Add("file", file)
                       .Add("family", ingest::FamilyName(t.family()))
                       .Add("algorithm", t.algorithm())
                       .Add("sha256", ToHex(t.file_sha256()))
                       .AddUnsigned("vocab_size", t.vocab_size())
                       .AddUnsigned("memory_bytes", t.memory_bytes())
                       .Take()
                << '\n';
    return ExitCode::kOk;
  }
  Table table({{console.Words(Msg::kColWhat)}, {console.Words(Msg::kColValue)}});
  table.Row({console.Words(Msg::kTokenizerFamily), std::string(ingest::FamilyName(t.family()))});
  table.Row({console.Words(Msg::kTokenizerAlgorithm), std::string(t.algorithm())});
  table.Row({"SHA-256", ToHex(t.file_sha256())});
  table.Row({console.Words(Msg::kTokenizerEntries), GroupedUnsigned(t.vocab_size())});
  table.Row({console.Words(Msg::kTokenizerMemory), HumanBytes(t.memory_bytes())});
  console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode TokenizerCount(Session& session, const std::string& tokenizer,
                        const std::vector<std::string>& files) {
  return TokenizerCompare(session, {tokenizer}, files);
}

ExitCode TokenizerCompare(Session& session, const std::vector<std::string>& tokenizers,
                          const std::vector<std::string>& files) {
  const Console& console = session.console();
  std::vector<std::unique_ptr<ingest::TokenCounter>> counters;
  std::vector<Table::Column> columns = {{console.Words(Msg::kColFile)},
                                        {console.Words(Msg::kColWords), Align::kRight},
                                        {console.Words(Msg::kColChars), Align::kRight}};
  for (const std::string& path : tokenizers) {
    const auto loaded = LoadTokenizer(path);
    if (!loaded.ok()) return FailLocal(console, loaded.status());
    counters.push_back(std::make_unique<ingest::TokenCounter>(*loaded));
    const std::string name =
        path.substr(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
    columns.push_back({Shorten(ForTerminal(name), 28), Align::kRight});
    columns.push_back({console.Words(Msg::kColTokensPerWord), Align::kRight});
  }
  const auto walked = WalkPaths(files);
  if (!walked.ok()) return FailLocal(console, walked.status());

  Table table(std::move(columns));
  ingest::TextCounts total;
  std::vector<uint64_t> total_tokens(counters.size(), 0);
  const auto row = [&](const std::string& name, const ingest::TextCounts& counts,
                       const std::vector<uint64_t>& tokens) {
    std::vector<std::string> cells = {ForTerminal(name), GroupedUnsigned(counts.words),
                                      GroupedUnsigned(counts.chars)};
    for (const uint64_t n : tokens) {
      cells.push_back(GroupedUnsigned(n));
      cells.push_back(Ratio(n, counts.words));
    }
    table.Row(std::move(cells));
  };
  ExitCode result = ExitCode::kOk;
  for (const LocalFile& file : walked->files) {
    const auto text = ReadText(file);
    if (!text.ok()) {
      console.Fail(text.status());
      result = ExitCode::kPartial;
      continue;
    }
    std::vector<uint64_t> tokens;
    std::vector<std::string> json;
    for (size_t i = 0; i < counters.size(); ++i) {
      tokens.push_back(static_cast<uint64_t>(counters[i]->CountText(text->canonical)));
      total_tokens[i] += tokens.back();
      json.push_back(JsonObject()
                         .Add("tokenizer", tokenizers[i])
                         .Add("sha256", ToHex(counters[i]->tokenizer().file_sha256()))
                         .AddUnsigned("tokens", tokens.back())
                         .Take());
    }
    total.chars += text->counts.chars;
    total.words += text->counts.words;
    total.syllables += text->counts.syllables;
    if (console.json) {
      console.out << JsonObject()
                         .Add("file", file.name)
                         .AddUnsigned("words", text->counts.words)
                         .AddUnsigned("chars", text->counts.chars)
                         .AddUnsigned("syllables", text->counts.syllables)
                         .AddRaw("counts", JsonArray(json))
                         .Take()
                  << '\n';
    } else {
      row(text->name, text->counts, tokens);
    }
  }
  if (!console.json) {
    if (table.rows() > 1) {
      table.Rule();
      row(console.Words(Msg::kTotal), total, total_tokens);
    }
    console.out << table.Render();
  }
  return result;
}

}  // namespace jangbu::services::cli
