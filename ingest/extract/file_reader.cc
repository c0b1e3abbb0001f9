#include "ingest/extract/file_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "ingest/extract/encoding.h"
#include "ingest/extract/format.h"

namespace jangbu::ingest {
namespace {

constexpr size_t kReadBytes = 64 << 10;

// Nothing but blanks after a byte order mark: the same bytes in every encoding read here, save the
// NULs of UTF-16.
bool IsBlankLine(std::string_view line) {
  for (const std::string_view mark : {"\xEF\xBB\xBF", "\xFF\xFE", "\xFE\xFF"}) {
    if (line.starts_with(mark)) {
      line.remove_prefix(mark.size());
      break;
    }
  }
  return line.find_first_not_of(std::string_view(" \t\r\v\f\0", 6)) == std::string_view::npos;
}

Rejection TooLarge(uint64_t bytes_max) {
  return {Reason::kRecordTooLarge, "more than " + std::to_string(bytes_max) + " bytes"};
}

RawRecord Refused(uint64_t record, Rejection rejection) {
  RawRecord raw;
  raw.record = record;
  raw.rejection = std::move(rejection);
  return raw;
}

RawRecord Received(uint64_t record, std::string bytes) {
  RawRecord raw;
  raw.record = record;
  raw.bytes = std::move(bytes);
  return raw;
}

}  // namespace

// The decompressed bytes from the first, for a reader of whole documents.
class FileReader::Rest final : public ByteSource {
 public:
  explicit Rest(FileReader& reader) : reader_(reader) {}

  StatusOr<size_t> Read(char* out, size_t n) override {
    std::string& head = reader_.buffer_;
    if (pos_ < head.size()) {
      const size_t size = std::min(n, head.size() - pos_);
      std::memcpy(out, head.data() + pos_, size);
      pos_ += size;
      return size;
    }
    JANGBU_ASSIGN_OR_RETURN(const size_t size, reader_.peeler_.Read(out, n));
    // What was cut off is no document: the reader must not take it for the end.
    if (size == 0 && reader_.peeler_.fault()) return DataLoss("bad_compression", "cut short");
    return size;
  }

 private:
  FileReader& reader_;
  size_t pos_ = 0;
};

FileReader::FileReader(ByteSource& source, const ExtractLimits& limits, DocumentReader* documents,
                       const ReadOptions& options)
    : limits_(limits), peeler_(source, limits_), documents_(documents), options_(options) {
  facts_.private_use = options_.private_use;
}
FileReader::~FileReader() = default;

StatusOr<std::unique_ptr<FileReader>> FileReader::Open(ByteSource& source,
                                                       std::string_view file_name,
                                                       const ExtractLimits& limits,
                                                       DocumentReader* documents,
                                                       const ReadOptions& options) {
  std::unique_ptr<FileReader> reader(new FileReader(source, limits, documents, options));
  JANGBU_RETURN_IF_ERROR(reader->Decide(file_name));
  return reader;
}

Status FileReader::FillTo(size_t size) {
  while (!data_ended_ && buffer_.size() < size) {
    const size_t used = buffer_.size();
    const size_t more = std::min(size - used, kReadBytes);
    buffer_.resize(used + more);
    auto read = peeler_.Read(buffer_.data() + used, more);
    buffer_.resize(used + (read.ok() ? *read : 0));
    if (!read.ok()) return read.status();
    data_ended_ = *read == 0;
  }
  return OkStatus();
}

void FileReader::RefuseFile(Reason reason, std::string detail) {
  pending_ = Refused(0, {reason, std::move(detail)});
  ended_ = true;
  buffer_.clear();
  buffer_.shrink_to_fit();
}

Status FileReader::Decide(std::string_view file_name) {
  JANGBU_RETURN_IF_ERROR(FillTo(kFormatHeadBytes));
  facts_.compression = peeler_.compression();
  if (buffer_.empty()) {
    if (peeler_.fault()) {
      RefuseFile(peeler_.fault()->reason, peeler_.fault()->detail);
    } else {
      RefuseFile(Reason::kNoText, "the file is empty");
    }
    return OkStatus();
  }
  if (documents_ == nullptr && facts_.compression != Compression::kNone &&
      DetectCompression(buffer_) != Compression::kNone) {
    RefuseFile(Reason::kNestedCompression, std::string(NameOf(DetectCompression(buffer_))) +
                                               " inside " +
                                               std::string(NameOf(facts_.compression)));
    return OkStatus();
  }
  const FormatGuess guess = DetectFormat(buffer_, file_name);
  facts_.format = guess.format;
  if (guess.format == Format::kUnsupported) {
    RefuseFile(guess.reason, std::string(guess.kind));
    return OkStatus();
  }
  if (IsReadWhole(guess.format)) {
    if (documents_ == nullptr) {
      RefuseFile(Reason::kUnsupportedFormat, std::string(NameOf(guess.format)));
      return OkStatus();
    }
    rest_ = std::make_unique<Rest>(*this);
    StatusOr<std::unique_ptr<DocumentStream>> stream =
        documents_->Read(*rest_, guess.format, file_name, options_);
    if (!stream.ok() && peeler_.fault()) {
      RefuseFile(peeler_.fault()->reason, peeler_.fault()->detail);
      return OkStatus();
    }
    JANGBU_RETURN_IF_ERROR(stream.status());
    stream_ = *std::move(stream);
    return OkStatus();
  }

  const std::optional<EncodingGuess> given = GivenEncoding(options_.encoding, buffer_);
  EncodingGuess encoding;
  if (guess.format == Format::kJsonLines) {
    encoding = given ? *given : DetectLineEncoding(buffer_, data_ended_);
  } else {
    JANGBU_RETURN_IF_ERROR(FillTo(limits_.record_bytes_max + 1));
    encoding = given ? *given : DetectEncoding(buffer_);
  }
  facts_.encoding = encoding.encoding;
  facts_.confidence = encoding.confidence;
  if (guess.format == Format::kPlainText) {
    if (buffer_.size() > limits_.record_bytes_max) {
      pending_ = Refused(1, TooLarge(limits_.record_bytes_max));
    } else if (peeler_.fault()) {
      RefuseFile(peeler_.fault()->reason, peeler_.fault()->detail);
    } else if (encoding.encoding == Encoding::kUnknown) {
      RefuseFile(Reason::kUnknownEncoding, {});
    } else {
      pending_ = Received(1, std::move(buffer_));
    }
    ended_ = true;
    return OkStatus();
  }
  if (encoding.encoding == Encoding::kUnknown) RefuseFile(Reason::kUnknownEncoding, {});
  unit_ =
      encoding.encoding == Encoding::kUtf16Le || encoding.encoding == Encoding::kUtf16Be ? 2 : 1;
  return OkStatus();
}

StatusOr<std::optional<RawRecord>> FileReader::Next() {
  if (pending_) return std::exchange(pending_, std::nullopt);
  if (ended_) return std::optional<RawRecord>();
  if (stream_ != nullptr) {
    JANGBU_ASSIGN_OR_RETURN(std::optional<RawRecord> raw, stream_->Next());
    if (raw) return raw;
    ended_ = true;
    return std::optional<RawRecord>();
  }
  JANGBU_ASSIGN_OR_RETURN(std::optional<RawRecord> line, NextLine());
  if (line) return line;
  ended_ = true;
  if (peeler_.fault()) return std::optional(Refused(0, *peeler_.fault()));
  return line;
}

size_t FileReader::FindBreak(size_t from) const {
  while (true) {
    const void* found = std::memchr(buffer_.data() + from, '\n', buffer_.size() - from);
    if (found == nullptr) return std::string::npos;
    const auto at = static_cast<size_t>(static_cast<const char*>(found) - buffer_.data());
    if (unit_ == 1) return at;
    // A unit begins at an even distance from begin_, which is where a unit begins.
    const bool low_first = facts_.encoding == Encoding::kUtf16Le;
    const bool aligned = (at - begin_) % 2 == (low_first ? 0 : 1);
    const size_t other = low_first ? at + 1 : at - 1;
    if (aligned && other < buffer_.size() && buffer_[other] == 0) return low_first ? at : at - 1;
    from = at + 1;
  }
}

StatusOr<std::optional<RawRecord>> FileReader::NextLine() {
  while (true) {
    const size_t line_break = FindBreak(std::max(scanned_, begin_));
    if (line_break == std::string::npos) {
      if (data_ended_) {
        const bool rest = begin_ < buffer_.size();
        // What a fault cut off is no record.
        if (peeler_.fault() || (!rest && !skipping_)) return std::optional<RawRecord>();
      } else {
        // A longer line than is accepted is not kept: two units may yet turn out to be its CRLF.
        if (buffer_.size() - begin_ > limits_.record_bytes_max + 2 * unit_) {
          skipping_ = true;
          begin_ = buffer_.size() - (buffer_.size() - begin_) % unit_;
        }
        buffer_.erase(0, begin_);
        begin_ = 0;
        scanned_ = buffer_.size() - buffer_.size() % unit_;  // whole units, none of them a break
        JANGBU_RETURN_IF_ERROR(FillTo(buffer_.size() + kReadBytes));
        continue;
      }
    }
    const size_t end = line_break == std::string::npos ? buffer_.size() : line_break;
    std::string_view line(buffer_.data() + begin_, end - begin_);
    begin_ = line_break == std::string::npos ? end : end + unit_;
    scanned_ = begin_;
    ++line_;
    if (line_break != std::string::npos) {
      if (unit_ == 1 && line.ends_with('\r')) line.remove_suffix(1);
      if (unit_ == 2) {
        const std::string_view cr = facts_.encoding == Encoding::kUtf16Le
                                        ? std::string_view("\r\0", 2)
                                        : std::string_view("\0\r", 2);
        if (line.size() % 2 == 0 && line.ends_with(cr)) line.remove_suffix(2);
      }
    }
    if (std::exchange(skipping_, false) || line.size() > limits_.record_bytes_max) {
      return std::optional(Refused(line_, TooLarge(limits_.record_bytes_max)));
    }
    if (IsBlankLine(line)) continue;
    return std::optional(Received(line_, std::string(line)));
  }
}

}  // namespace jangbu::ingest
