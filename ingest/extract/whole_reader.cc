#include "ingest/extract/whole_reader.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "ingest/extract/compression.h"
#include "ingest/extract/date.h"
#include "ingest/extract/file_reader.h"
#include "ingest/extract/tar_archive.h"
#include "ingest/extract/zip_archive.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

std::string ReadAs(std::string_view format, Encoding encoding, int confidence) {
  return std::string(format) + " " + std::string(NameOf(encoding)) + " " +
         std::to_string(confidence);
}

class Walk {
 public:
  Walk(const ReadOptions& options, const ExtractLimits& limits, const PdfReader& pdf,
       const RecordSink& sink, uint64_t file_size)
      : options_(options), limits_(limits), pdf_(pdf), sink_(sink) {
    budget_.members = limits.container_members_max;
    const uint64_t by_ratio =
        file_size > UINT64_MAX / limits.ratio_max ? UINT64_MAX : file_size * limits.ratio_max;
    budget_.bytes =
        std::min(limits.container_bytes_max, std::max(limits.ratio_free_bytes, by_ratio));
  }

  // What is refused as a whole is given last.
  void Run(std::string_view bytes, Format format, std::string_view name) {
    if (auto refused = Read(bytes, format, name, "", 1)) {
      RawRecord raw;
      raw.rejection = std::move(refused);
      if (!stopped_) sink_(std::move(raw));
    }
  }

 private:
  // A file inside a container: its refusal is a record.
  void Member(std::string_view bytes, const std::string& place, int depth) {
    const size_t slash = place.find_last_of('/');
    const std::string_view name =
        std::string_view(place).substr(slash == std::string::npos ? 0 : slash + 1);
    std::optional<Rejection> refused;
    if (bytes.empty()) {
      refused = Rejection{Reason::kNoText, "the file is empty"};
    } else if (DetectCompression(bytes) != Compression::kNone) {
      refused = Compressed(bytes, name, place, depth);
    } else {
      const FormatGuess guess = DetectFormat(bytes.substr(0, kFormatHeadBytes), name);
      refused = guess.format == Format::kUnsupported
                    ? std::optional(Rejection{guess.reason, std::string(guess.kind)})
                    : Read(bytes, guess.format, name, place, depth);
    }
    if (refused) Refuse(*std::move(refused), place);
  }

  std::optional<Rejection> Compressed(std::string_view bytes, std::string_view name,
                                      const std::string& place, int depth) {
    if (depth >= limits_.container_depth_max)
      return Rejection{Reason::kContainerLimit, "containers nested too deeply"};
    MemorySource source(bytes);
    ExtractLimits limits = limits_;
    limits.file_bytes_max = std::min(limits_.document_bytes_max, budget_.bytes);
    Peeler peeler(source, limits);
    std::string inner;
    char buffer[64 << 10];
    while (true) {
      const StatusOr<size_t> size = peeler.Read(buffer, sizeof buffer);
      if (!size.ok() || *size == 0) break;
      inner.append(buffer, *size);
    }
    if (peeler.fault()) return peeler.fault();
    budget_.bytes -= std::min<uint64_t>(budget_.bytes, inner.size());
    if (inner.empty()) return Rejection{Reason::kNoText, "the file is empty"};
    if (DetectCompression(inner) != Compression::kNone)
      return Compressed(inner, name, place, depth + 1);
    const FormatGuess guess =
        DetectFormat(std::string_view(inner).substr(0, kFormatHeadBytes), name);
    if (guess.format == Format::kUnsupported)
      return Rejection{guess.reason, std::string(guess.kind)};
    return Read(inner, guess.format, name, place, depth + 1);
  }

  std::optional<Rejection> Read(std::string_view bytes, Format format, std::string_view name,
                                const std::string& place, int depth) {
    switch (format) {
      case Format::kUnsupported:
        return Rejection{Reason::kUnsupportedFormat, {}};
      case Format::kJsonLines:
      case Format::kPlainText:
        return Lines(bytes, name, place, format);
      case Format::kJson:
      case Format::kTable:
      case Format::kMarkdown:
        return Text(bytes, format, place);
      case Format::kHtml: {
        DecodedAs as;
        Extracted result = ReadHtml(bytes, options_, limits_, &as);
        return One(std::move(result), bytes, ReadAs("html", as.encoding, as.confidence), place);
      }
      case Format::kXml:
        return Rows("xml", place, [&](const RowSink& sink) {
          return ReadXmlText(bytes, options_, limits_, sink);
        });
      case Format::kRtf:
        return One(ReadRtf(bytes, limits_), bytes, "rtf", place);
      case Format::kZip:
        return Zip(bytes, place, depth);
      case Format::kTar:
        return Tar(bytes, place, depth);
      case Format::kOle:
        return One(ReadOle(bytes, limits_), bytes, "hwp5", place);
      case Format::kPdf:
        if (!pdf_) return Rejection{Reason::kUnsupportedFormat, "pdf"};
        return One(pdf_(bytes, limits_), bytes, "pdf", place);
      case Format::kParquet:
        return Rows("parquet", place, [&](const RowSink& sink) {
          return ReadParquet(bytes, options_, limits_, sink);
        });
      case Format::kCompressed:
        return Compressed(bytes, name, place, depth);
    }
    return Rejection{Reason::kUnsupportedFormat, {}};
  }

  // JSON Lines and plain text inside a container, by the same reader as outside.
  std::optional<Rejection> Lines(std::string_view bytes, std::string_view name,
                                 const std::string& place, Format format) {
    MemorySource source(bytes);
    auto reader = FileReader::Open(source, name, limits_, nullptr, options_);
    if (!reader.ok()) return Rejection{Reason::kExtractionFailed, "lines"};
    while (!stopped_) {
      auto raw = (*reader)->Next();
      if (!raw.ok()) return Rejection{Reason::kExtractionFailed, "lines"};
      if (!*raw) break;
      const uint64_t line = (*raw)->record;
      ParsedRecord parsed = ParseRecord((*reader)->facts(), *std::move(*raw), limits_);
      if (line == 0) return parsed.rejection();
      const std::string where =
          format == Format::kJsonLines ? place + ":" + std::to_string(line) : place;
      if (parsed.ok()) {
        Give(std::move(parsed.document()), where);
      } else {
        Refuse(parsed.rejection(), where);
      }
    }
    return std::nullopt;
  }

  // Formats that are text in some encoding.
  std::optional<Rejection> Text(std::string_view bytes, Format format, const std::string& place) {
    const std::optional<EncodingGuess> given = GivenEncoding(options_.encoding, bytes);
    const EncodingGuess guess = given ? *given : DetectEncoding(bytes);
    if (guess.encoding == Encoding::kUnknown) return Rejection{Reason::kUnknownEncoding, {}};
    Decoded decoded = DecodeText(guess.encoding, std::string(bytes));
    if (decoded.rejection) return std::move(decoded.rejection);
    const std::string as = ReadAs(NameOf(format), guess.encoding, guess.confidence);
    if (format == Format::kMarkdown)
      return One(ReadMarkdown(decoded.utf8, limits_), bytes, as, place);
    return Rows(as, place, [&](const RowSink& sink) {
      return format == Format::kJson ? ReadJson(decoded.utf8, limits_, sink)
                                     : ReadTable(decoded.utf8, options_, limits_, sink);
    });
  }

  std::optional<Rejection> Zip(std::string_view bytes, const std::string& place, int depth) {
    auto opened = ZipArchive::Open(bytes, limits_, budget_);
    if (Rejection* rejection = std::get_if<Rejection>(&opened)) return std::move(*rejection);
    ZipArchive& zip = *std::get<std::unique_ptr<ZipArchive>>(opened);
    std::string type;
    if (const auto member = zip.Find("mimetype"); member && zip.members()[*member].size < 256) {
      auto read = zip.Read(*member, 256);
      if (std::string* text = std::get_if<std::string>(&read)) type = std::move(*text);
    }
    while (!type.empty() && static_cast<unsigned char>(type.back()) <= ' ') type.pop_back();
    if (type == "application/hwp+zip" || zip.Find("Contents/section0.xml"))
      return One(ReadHwpx(zip, limits_), bytes, "hwpx", place);
    if (type == "application/epub+zip" || zip.Find("META-INF/container.xml"))
      return One(ReadEpub(zip, limits_), bytes, "epub", place);
    if (type.starts_with("application/vnd.oasis.opendocument"))
      return Rejection{Reason::kUnsupportedFormat, "OpenDocument"};
    if (const auto types = zip.Find("[Content_Types].xml")) {
      auto read = zip.Read(*types, limits_.document_bytes_max);
      if (Rejection* rejection = std::get_if<Rejection>(&read)) return std::move(*rejection);
      const std::string& names = std::get<std::string>(read);
      const auto has = [&](std::string_view part, std::string_view content) {
        return zip.Find(part) || names.find(content) != std::string::npos;
      };
      if (has("word/document.xml", "wordprocessingml.document.main"))
        return One(ReadDocx(zip, limits_), bytes, "docx", place);
      if (has("xl/workbook.xml", "spreadsheetml.sheet.main"))
        return One(ReadXlsx(zip, limits_), bytes, "xlsx", place);
      if (has("ppt/presentation.xml", "presentationml.presentation.main"))
        return One(ReadPptx(zip, limits_), bytes, "pptx", place);
    }
    if (depth > limits_.container_depth_max)
      return Rejection{Reason::kContainerLimit, "containers nested too deeply"};
    for (size_t i = 0; i < zip.members().size() && !stopped_; ++i) {
      const ZipArchive::Member& member = zip.members()[i];
      if (member.folder && !member.rejection) continue;
      const std::string where = place.empty() ? member.name : place + "/" + member.name;
      auto read = zip.Read(i, limits_.document_bytes_max);
      if (Rejection* rejection = std::get_if<Rejection>(&read)) {
        Refuse(std::move(*rejection), where);
        continue;
      }
      Member(std::get<std::string>(read), where, depth + 1);
    }
    if (zip.members().empty()) return Rejection{Reason::kNoText, "the archive is empty"};
    return std::nullopt;
  }

  std::optional<Rejection> Tar(std::string_view bytes, const std::string& place, int depth) {
    if (depth > limits_.container_depth_max)
      return Rejection{Reason::kContainerLimit, "containers nested too deeply"};
    TarReader tar(bytes);
    while (!stopped_) {
      std::optional<TarReader::Member> member = tar.Next();
      if (!member) break;
      if (budget_.members == 0) return Rejection{Reason::kContainerLimit, "too many members"};
      --budget_.members;
      const std::string where = place.empty() ? member->name : place + "/" + member->name;
      if (member->rejection) {
        Refuse(*std::move(member->rejection), where);
      } else {
        Member(member->bytes, where, depth + 1);
      }
    }
    return tar.fault();
  }

  // ---- giving ----

  std::optional<Rejection> One(Extracted result, std::string_view bytes, std::string_view as,
                               const std::string& place) {
    if (Rejection* rejection = std::get_if<Rejection>(&result)) return std::move(*rejection);
    Document& document = std::get<Document>(result);
    document.received_sha256 = Sha256(bytes);
    document.read_as = as;
    Give(std::move(document), place);
    return std::nullopt;
  }

  template <typename Reader>
  std::optional<Rejection> Rows(std::string_view as, const std::string& place, Reader&& read) {
    return read([&](uint64_t row, Extracted result) {
      const std::string where = place.empty() ? "" : place + ":" + std::to_string(row);
      if (Rejection* rejection = std::get_if<Rejection>(&result)) {
        Refuse(std::move(*rejection), where);
      } else {
        std::get<Document>(result).read_as = as;
        Give(std::move(std::get<Document>(result)), where);
      }
      return !stopped_;
    });
  }

  void Give(Document&& document, std::string place) {
    RawRecord raw;
    raw.record = ++records_;
    raw.place = std::move(place);
    raw.document = std::move(document);
    stopped_ = stopped_ || !sink_(std::move(raw));
  }

  void Refuse(Rejection rejection, std::string place) {
    RawRecord raw;
    raw.record = ++records_;
    raw.place = std::move(place);
    raw.rejection = std::move(rejection);
    stopped_ = stopped_ || !sink_(std::move(raw));
  }

  const ReadOptions& options_;
  const ExtractLimits& limits_;
  const PdfReader& pdf_;
  const RecordSink& sink_;
  ContainerBudget budget_;
  uint64_t records_ = 0;
  bool stopped_ = false;
};

class Gathered final : public DocumentStream {
 public:
  StatusOr<std::optional<RawRecord>> Next() override {
    if (records.empty()) return std::optional<RawRecord>();
    std::optional<RawRecord> raw(std::move(records.front()));
    records.pop_front();
    return raw;
  }
  std::deque<RawRecord> records;
};

}  // namespace

void ReadWhole(std::string_view bytes, Format format, std::string_view file_name,
               const ReadOptions& options, const ExtractLimits& limits, const PdfReader& pdf,
               const RecordSink& sink) {
  Walk(options, limits, pdf, sink, bytes.size()).Run(bytes, format, file_name);
}

StatusOr<std::optional<std::string>> ReadAll(ByteSource& source, uint64_t bytes_max) {
  std::string bytes;
  constexpr size_t kReadBytes = 256 << 10;
  while (true) {
    const size_t used = bytes.size();
    bytes.resize(used + kReadBytes);
    auto size = source.Read(bytes.data() + used, kReadBytes);
    bytes.resize(used + (size.ok() ? *size : 0));
    if (!size.ok()) return size.status();
    if (*size == 0) return std::optional(std::move(bytes));
    if (bytes.size() > bytes_max) return std::optional<std::string>();
  }
}

Rejection FileTooLarge(uint64_t bytes_max) {
  return {Reason::kContainerLimit, "a file of this kind may have " + std::to_string(bytes_max) +
                                       " bytes after decompression"};
}

StatusOr<std::unique_ptr<DocumentStream>> WholeReader::Read(ByteSource& bytes, Format format,
                                                            std::string_view file_name,
                                                            const ReadOptions& options) {
  auto stream = std::make_unique<Gathered>();
  JANGBU_ASSIGN_OR_RETURN(const std::optional<std::string> all,
                          ReadAll(bytes, limits_.document_bytes_max));
  const auto take = [&](RawRecord raw) {
    stream->records.push_back(std::move(raw));
    return true;
  };
  if (!all) {
    RawRecord raw;
    raw.rejection = FileTooLarge(limits_.document_bytes_max);
    take(std::move(raw));
  } else {
    ReadWhole(*all, format, file_name, options, limits_, pdf_, take);
  }
  return stream;
}

std::string Metadata(std::string_view text, size_t bytes_max) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  if (text.size() > bytes_max) return {};
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return line;
}

std::string DateOf(std::string_view text) {
  std::string date = Metadata(text, 64);
  return IsDate(date) ? date : std::string();
}

}  // namespace jangbu::ingest
