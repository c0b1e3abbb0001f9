#include "tools/corpus_gen/corpus_writer.h"

#include <unicode/ucnv.h>
#include <unicode/utf8.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace jangbu::tools {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

// A file that compresses what is appended to it.
class Sink {
 public:
  static StatusOr<std::unique_ptr<Sink>> Open(const FileSpec& spec) {
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(spec.path).parent_path(), ignored);
    auto sink = std::unique_ptr<Sink>(new Sink(spec));
    sink->file_ = std::fopen(spec.path.c_str(), "wb");
    if (sink->file_ == nullptr) return sink->Failed();
    return sink;
  }
  ~Sink() {
    if (file_ != nullptr) std::fclose(file_);
    if (zstd_ != nullptr) ZSTD_freeCStream(zstd_);
    if (gzip_open_) ::deflateEnd(&gzip_);
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  Status Append(std::string_view bytes) {
    buffer_.append(bytes);
    return buffer_.size() >= kBufferBytes ? Flush(false) : OkStatus();
  }
  Status Close() {
    JANGBU_RETURN_IF_ERROR(Flush(true));
    const int closed = std::fclose(file_);
    file_ = nullptr;
    return closed == 0 ? OkStatus() : Failed();
  }

 private:
  explicit Sink(const FileSpec& spec) : spec_(spec) {
    if (spec.compression == Compression::kZstd) {
      zstd_ = ZSTD_createCStream();
      ZSTD_initCStream(zstd_, 1);
    } else if (spec.compression == Compression::kGzip) {
      gzip_open_ = ::deflateInit2(&gzip_, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    }
  }

  Status Failed() const {
    return InvalidArgument("cannot_write", spec_.path + ": " + std::strerror(errno));
  }
  Status WriteOut(const char* data, size_t size) {
    return std::fwrite(data, 1, size, file_) == size ? OkStatus() : Failed();
  }
  Status Flush(bool end) {
    if (spec_.compression == Compression::kNone) {
      JANGBU_RETURN_IF_ERROR(WriteOut(buffer_.data(), buffer_.size()));
    } else if (spec_.compression == Compression::kZstd) {
      ZSTD_inBuffer in{buffer_.data(), buffer_.size(), 0};
      size_t left = 1;
      while (in.pos < in.size || (end && left != 0)) {
        ZSTD_outBuffer out{packed_.data(), packed_.size(), 0};
        left = ZSTD_compressStream2(zstd_, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left) != 0)
          return InvalidArgument("cannot_compress", ZSTD_getErrorName(left));
        JANGBU_RETURN_IF_ERROR(WriteOut(packed_.data(), out.pos));
      }
    } else {
      gzip_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
      gzip_.avail_in = static_cast<uInt>(buffer_.size());
      int state = Z_OK;
      do {
        gzip_.next_out = reinterpret_cast<Bytef*>(packed_.data());
        gzip_.avail_out = static_cast<uInt>(packed_.size());
        state = ::deflate(&gzip_, end ? Z_FINISH : Z_NO_FLUSH);
        JANGBU_RETURN_IF_ERROR(WriteOut(packed_.data(), packed_.size() - gzip_.avail_out));
      } while (gzip_.avail_out == 0 || (end && state != Z_STREAM_END));
    }
    buffer_.clear();
    return OkStatus();
  }

  FileSpec spec_;
  std::FILE* file_ = nullptr;
  ZSTD_CStream* zstd_ = nullptr;
  z_stream gzip_{};
  bool gzip_open_ = false;
  std::string buffer_;
  std::string packed_ = std::string(kBufferBytes, '\0');
};

void AppendJsonString(std::string_view text, std::string& out) {
  out.push_back('"');
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(run, i - run));
    run = i + 1;
    if (c == '\n') {
      out.append("\\n");
    } else if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
      out.append(escaped);
    }
  }
  out.append(text.substr(run)).push_back('"');
}

void AppendRecord(const Document& document, Style style, std::string& out) {
  out.append("{\"id\":");
  AppendJsonString(document.id, out);
  out.append(",\"title\":");
  AppendJsonString(document.title, out);
  out.append(",\"source_type\":\"").append(SourceTypeOf(style)).append("\",\"published_at\":");
  AppendJsonString(document.published_at, out);
  out.append(",\"text\":");
  AppendJsonString(document.text, out);
  out.append("}\n");
}

// The n-th kind of record that must be rejected.
std::string BadRecord(uint64_t n) {
  switch (n % 5) {
    case 0:
      return "{\"id\":\"bad-json\",\"text\":\"닫는 따옴표가 없는 줄\n";
    case 1:
      return "{\"id\":\"no-text\",\"title\":\"본문이 없는 문서\"}\n";
    case 2:
      return "{\"id\":\"number\",\"text\":12345}\n";
    case 3:
      return "[\"배열\",\"로 된 줄\"]\n";
    default:
      return "{\"id\":\"not-utf8\",\"text\":\"\xC7\xD1\xB1\xDB\"}\n";
  }
}

}  // namespace

StatusOr<Encoding> ParseEncoding(std::string_view name) {
  if (name == "utf-8") return Encoding::kUtf8;
  if (name == "utf-8-bom") return Encoding::kUtf8Bom;
  if (name == "cp949") return Encoding::kCp949;
  if (name == "utf-16le") return Encoding::kUtf16Le;
  return InvalidArgument("bad_encoding",
                         std::string(name) + " is none of utf-8, utf-8-bom, cp949, utf-16le");
}

StatusOr<Compression> ParseCompression(std::string_view name) {
  if (name == "none") return Compression::kNone;
  if (name == "gz") return Compression::kGzip;
  if (name == "zst") return Compression::kZstd;
  return InvalidArgument("bad_compression", std::string(name) + " is none of none, gz, zst");
}

StatusOr<std::string> Encode(std::string_view utf8, Encoding encoding) {
  if (encoding == Encoding::kUtf8) return std::string(utf8);
  if (encoding == Encoding::kUtf8Bom) return std::string("\xEF\xBB\xBF").append(utf8);
  const char* name = encoding == Encoding::kCp949 ? "windows-949" : "UTF-16LE";
  UErrorCode error = U_ZERO_ERROR;
  UConverter* to = ucnv_open(name, &error);
  UConverter* from = ucnv_open("UTF-8", &error);
  if (U_SUCCESS(error)) {
    ucnv_setFromUCallBack(to, UCNV_FROM_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
  }
  std::string out(utf8.size() * 2 + 16, '\0');
  char* target = out.data();
  const char* source = utf8.data();
  if (U_SUCCESS(error)) {
    ucnv_convertEx(to, from, &target, out.data() + out.size(), &source, utf8.data() + utf8.size(),
                   nullptr, nullptr, nullptr, nullptr, 1, 1, &error);
  }
  ucnv_close(to);
  ucnv_close(from);
  if (U_FAILURE(error))
    return InvalidArgument("not_in_encoding", std::string(name) + ": " + u_errorName(error));
  out.resize(static_cast<size_t>(target - out.data()));
  if (encoding == Encoding::kUtf16Le) out.insert(0, "\xFF\xFE");
  return out;
}

StatusOr<Written> WriteJsonl(const CorpusGenerator& corpus, uint64_t first, uint64_t text_bytes,
                             uint64_t bad_every, const FileSpec& file) {
  JANGBU_ASSIGN_OR_RETURN(const std::unique_ptr<Sink> sink, Sink::Open(file));
  Written written;
  written.next = first;
  Document document;
  std::string line;
  while (written.text_bytes < text_bytes) {
    corpus.Make(written.next++, document);
    line.clear();
    AppendRecord(document, corpus.plan().style, line);
    ++written.documents;
    written.text_bytes += document.text.size();
    if (file.encoding == Encoding::kUtf8) {
      JANGBU_RETURN_IF_ERROR(sink->Append(line));
    } else {
      JANGBU_ASSIGN_OR_RETURN(std::string encoded, Encode(line, file.encoding));
      const size_t mark = file.encoding == Encoding::kUtf8Bom   ? 3
                          : file.encoding == Encoding::kUtf16Le ? 2
                                                                : 0;
      if (written.documents > 1) encoded.erase(0, mark);
      JANGBU_RETURN_IF_ERROR(sink->Append(encoded));
    }
    if (bad_every > 0 && written.documents % bad_every == 0 && file.encoding == Encoding::kUtf8) {
      JANGBU_RETURN_IF_ERROR(sink->Append(BadRecord(written.bad_records++)));
    }
  }
  JANGBU_RETURN_IF_ERROR(sink->Close());
  return written;
}

StatusOr<Written> WriteText(const CorpusGenerator& corpus, uint64_t number, const FileSpec& file) {
  Document document;
  corpus.Make(number, document);
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, Encode(document.text, file.encoding));
  JANGBU_ASSIGN_OR_RETURN(const std::unique_ptr<Sink> sink, Sink::Open(file));
  JANGBU_RETURN_IF_ERROR(sink->Append(bytes));
  JANGBU_RETURN_IF_ERROR(sink->Close());
  Written written;
  written.documents = 1;
  written.next = number + 1;
  written.text_bytes = document.text.size();
  return written;
}

StatusOr<std::vector<std::string>> WriteDemo(const std::string& folder, uint64_t megabytes,
                                             uint64_t seed) {
  const uint64_t quarter = std::max<uint64_t>(megabytes, 1) * 250'000;
  const auto plan = [&](const char* name, const char* publisher, Style style, int exact, int near,
                        int wire) {
    CorpusPlan p;
    p.seed = MixSeed(seed, style == Style::kNews ? 11 : static_cast<uint64_t>(style) + 20);
    p.style = style;
    p.name = name;
    p.publisher = publisher;
    p.exact_share = exact;
    p.near_share = near;
    p.wire_share = wire;
    p.wire_seed = MixSeed(seed, 999);
    p.wire_pool = std::max<uint64_t>(quarter / 12'000, 20);
    return CorpusGenerator(p);
  };
  const std::string root = folder + "/";
  {  // A newspaper: a year in one file each, one of them compressed, a few broken records.
    const CorpusGenerator news = plan("saebit-ilbo", "새빛일보", Style::kNews, 30, 20, 200);
    JANGBU_ASSIGN_OR_RETURN(const Written a, WriteJsonl(news, 0, quarter * 5 / 10, 120,
                                                        {root + "saebit-ilbo/2023/기사.jsonl"}));
    JANGBU_ASSIGN_OR_RETURN(
        const Written b, WriteJsonl(news, a.next, quarter * 3 / 10, 0,
                                    {root + "saebit-ilbo/2024/기사.jsonl.gz", Compression::kGzip}));
    JANGBU_RETURN_IF_ERROR(
        WriteJsonl(news, b.next, quarter * 2 / 10, 0,
                   {root + "saebit-ilbo/2025/기사.jsonl.zst", Compression::kZstd})
            .status());
  }
  {  // A publisher: books as text files, the old ones in CP949 or UTF-16.
    const CorpusGenerator books = plan("daon-books", "다온출판사", Style::kBook, 20, 20, 0);
    uint64_t bytes = 0;
    for (uint64_t n = 0; bytes < quarter; ++n) {
      const Encoding encoding = n % 4 == 1   ? Encoding::kCp949
                                : n % 4 == 2 ? Encoding::kUtf16Le
                                             : Encoding::kUtf8;
      const char* shelf = n % 4 == 1 ? "옛책(완성형)" : n % 4 == 2 ? "유니코드" : "새책";
      char name[64];
      std::snprintf(name, sizeof name, "/책_%04llu.txt", static_cast<unsigned long long>(n + 1));
      JANGBU_ASSIGN_OR_RETURN(
          const Written one,
          WriteText(books, n, {root + "daon-books/" + shelf + name, Compression::kNone, encoding}));
      bytes += one.text_bytes;
    }
  }
  {  // A university: papers, and the wire stories its media institute collects.
    const CorpusGenerator papers = plan("hanbyeol-univ", "한별대학교", Style::kPaper, 10, 10, 150);
    JANGBU_RETURN_IF_ERROR(WriteJsonl(papers, 0, quarter, 200,
                                      {root + "hanbyeol-univ/논문.jsonl.zst", Compression::kZstd})
                               .status());
  }
  {  // A company: reports, press releases by wire, and a file nobody can read.
    const CorpusGenerator reports = plan("garam-tech", "가람기술", Style::kReport, 50, 30, 250);
    JANGBU_RETURN_IF_ERROR(
        WriteJsonl(reports, 0, quarter, 90, {root + "garam-tech/보고서.jsonl", Compression::kNone})
            .status());
    JANGBU_ASSIGN_OR_RETURN(const std::unique_ptr<Sink> odd,
                            Sink::Open({root + "garam-tech/로고.png"}));
    JANGBU_RETURN_IF_ERROR(odd->Append(std::string_view("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16)));
    JANGBU_RETURN_IF_ERROR(odd->Close());
  }
  return std::vector<std::string>{"saebit-ilbo", "daon-books", "hanbyeol-univ", "garam-tech"};
}

}  // namespace jangbu::tools
