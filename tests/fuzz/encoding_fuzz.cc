// Any bytes in any encoding: decoded to valid UTF-8 or refused with a reason, and what was decoded
// is what the bytes say.

#include <unicode/ucnv.h>
#include <unicode/unistr.h>

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "ingest/extract/cp949.h"
#include "ingest/extract/encoding.h"
#include "ingest/text/utf8.h"

using namespace jangbu::ingest;

namespace {

std::string Utf16Of(std::string_view utf8, bool big) {
  const icu::UnicodeString units = icu::UnicodeString::fromUTF8(
      icu::StringPiece(utf8.data(), static_cast<int32_t>(utf8.size())));
  std::string out;
  for (int32_t i = 0; i < units.length(); ++i) {
    const char high = static_cast<char>(units[i] >> 8), low = static_cast<char>(units[i] & 0xFF);
    out.push_back(big ? high : low);
    out.push_back(big ? low : high);
  }
  return out;
}

std::string LibraryCp949(std::string_view bytes) {
  static UConverter* const converter = [] {
    UErrorCode error = U_ZERO_ERROR;
    UConverter* c = ucnv_open("windows-949", &error);
    JANGBU_CHECK(U_SUCCESS(error));
    return c;
  }();
  UErrorCode error = U_ZERO_ERROR;
  const icu::UnicodeString text(bytes.data(), static_cast<int32_t>(bytes.size()), converter, error);
  JANGBU_CHECK(U_SUCCESS(error));
  std::string out;
  return text.toUTF8String(out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  for (const Encoding encoding :
       {Encoding::kUtf8, Encoding::kUtf16Le, Encoding::kUtf16Be, Encoding::kCp949}) {
    const Decoded decoded = DecodeText(encoding, std::string(bytes));
    if (decoded.rejection) {
      const Reason expected =
          encoding == Encoding::kUtf8 ? Reason::kInvalidUtf8 : Reason::kBadEncoding;
      JANGBU_CHECK(decoded.rejection->reason == expected && decoded.utf8.empty());
      continue;
    }
    JANGBU_CHECK(IsValidUtf8(decoded.utf8));
    if (encoding == Encoding::kUtf8) {
      JANGBU_CHECK(bytes.ends_with(decoded.utf8) && bytes.size() - decoded.utf8.size() <= 3);
    } else if (encoding != Encoding::kCp949) {
      const std::string again = Utf16Of(decoded.utf8, encoding == Encoding::kUtf16Be);
      JANGBU_CHECK(bytes.ends_with(again) && bytes.size() - again.size() <= 2);
    }
  }

  const Cp949Text text = DecodeCp949(bytes);
  const std::string good = bytes.substr(0, text.bad_at);
  if (good.find("\xA4\xD4") == std::string::npos) JANGBU_CHECK(text.utf8 == LibraryCp949(good));
  // No character can begin where it stopped.
  if (text.bad_at != bytes.size()) {
    JANGBU_CHECK(DecodeCp949(bytes.substr(text.bad_at)).bad_at == 0);
    JANGBU_CHECK(TallyCp949(bytes).bad > 0);
  } else {
    JANGBU_CHECK(TallyCp949(bytes).bad == 0);
  }

  for (const EncodingGuess guess :
       {DetectEncoding(bytes), DetectLineEncoding(bytes, true), DetectLineEncoding(bytes, false)}) {
    JANGBU_CHECK(guess.confidence >= 0 && guess.confidence <= 100);
    JANGBU_CHECK((guess.encoding == Encoding::kUnknown) == (guess.confidence == 0));
  }
  if (IsValidUtf8(bytes) && bytes.find('\0') == std::string::npos) {
    JANGBU_CHECK(DetectEncoding(bytes).encoding == Encoding::kUtf8);
  }
  return 0;
}
