#pragma once

// Makes the files that tests read, and reads them.

#include <unicode/ucnv.h>
#include <unicode/unistr.h>
#include <zlib.h>
#include <zstd.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "ingest/extract/file_reader.h"

namespace jangbu::ingest::testing {

inline std::string Gzip(std::string_view bytes, int level = 6) {
  z_stream z{};
  JANGBU_CHECK(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  JANGBU_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

inline std::string Zstd(std::string_view bytes, int window_log = 0, bool checksum = true) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum);
  if (window_log != 0) {
    // The window shows in the header only when the size of the content does not.
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  }
  std::string out(ZSTD_compressBound(bytes.size()) + 64, '\0');
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  // In two steps, so that the size is not known when the header is written.
  ZSTD_inBuffer first{bytes.data(), bytes.size() / 2, 0};
  ZSTD_compressStream2(context, &output, &first, ZSTD_e_continue);
  input.pos = first.pos;
  JANGBU_CHECK(ZSTD_compressStream2(context, &output, &input, ZSTD_e_end) == 0);
  out.resize(output.pos);
  ZSTD_freeCCtx(context);
  return out;
}

// In an encoding ICU knows.
inline std::string Encode(std::string_view utf8, const char* encoding) {
  const icu::UnicodeString text = icu::UnicodeString::fromUTF8(
      icu::StringPiece(utf8.data(), static_cast<int32_t>(utf8.size())));
  std::string out(static_cast<size_t>(text.length()) * 4 + 16, '\0');
  UErrorCode error = U_ZERO_ERROR;
  UConverter* converter = ucnv_open(encoding, &error);
  const int32_t size = ucnv_fromUChars(converter, out.data(), static_cast<int32_t>(out.size()),
                                       text.getBuffer(), text.length(), &error);
  JANGBU_CHECK(U_SUCCESS(error));
  ucnv_close(converter);
  out.resize(static_cast<size_t>(size));
  return out;
}

inline const std::string kUtf8Mark = "\xEF\xBB\xBF";
inline const std::string kUtf16LeMark = "\xFF\xFE";
inline const std::string kUtf16BeMark = "\xFE\xFF";

// What became of one record: "3 <text>" or "3 !reason".
struct Outcome {
  uint64_t record = 0;
  std::string what;
  std::string detail;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << o.record << " " << o.what << (o.detail.empty() ? "" : " (" + o.detail + ")");
}

struct FileOutcome {
  FileFacts facts;
  std::vector<Outcome> records;

  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const Outcome& o : records) lines.push_back(std::to_string(o.record) + " " + o.what);
    return lines;
  }
};

inline FileOutcome ReadFile(std::string_view bytes, std::string_view name,
                            const ExtractLimits& limits = {}, size_t chunk = SIZE_MAX) {
  MemorySource source(bytes, chunk);
  auto reader = FileReader::Open(source, name, limits);
  JANGBU_CHECK(reader.ok());
  FileOutcome outcome{(*reader)->facts(), {}};
  while (true) {
    auto raw = (*reader)->Next();
    JANGBU_CHECK(raw.ok());
    if (!*raw) return outcome;
    const ParsedRecord parsed = ParseRecord(outcome.facts, *std::move(*raw), limits);
    if (parsed.ok()) {
      outcome.records.push_back({parsed.record, parsed.document().text, {}});
    } else {
      outcome.records.push_back({parsed.record,
                                 "!" + std::string(CodeOf(parsed.rejection().reason)),
                                 parsed.rejection().detail});
    }
  }
}

}  // namespace jangbu::ingest::testing
