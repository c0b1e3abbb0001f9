#include "ingest/extract/encoding.h"

#include <algorithm>

#include "base/check.h"
#include "ingest/extract/cp949.h"
#include "ingest/extract/johab.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::string_view kUtf16LeMark = "\xFF\xFE";
constexpr std::string_view kUtf16BeMark = "\xFE\xFF";
constexpr std::string_view kUtf32LeMark{"\xFF\xFE\0\0", 4};

char16_t UnitAt(std::string_view bytes, size_t i, bool big) {
  const auto a = static_cast<unsigned char>(bytes[i]);
  const auto b = static_cast<unsigned char>(bytes[i + 1]);
  return static_cast<char16_t>(big ? a << 8 | b : b << 8 | a);
}

bool IsAscii(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::optional<EncodingGuess> FromMark(std::string_view bytes) {
  if (bytes.starts_with(kUtf8Mark)) return EncodingGuess{Encoding::kUtf8, 100};
  if (bytes.starts_with(kUtf32LeMark)) return EncodingGuess{Encoding::kUnknown, 0};
  if (bytes.starts_with(kUtf16LeMark)) return EncodingGuess{Encoding::kUtf16Le, 100};
  if (bytes.starts_with(kUtf16BeMark)) return EncodingGuess{Encoding::kUtf16Be, 100};
  return std::nullopt;
}

// Well-formed multi-byte sequences, and bytes that belong to none.
struct Utf8Tally {
  uint64_t sequences = 0;
  uint64_t bad = 0;
};

Utf8Tally TallyUtf8(std::string_view bytes) {
  Utf8Tally tally;
  while (!bytes.empty()) {
    const size_t valid =
        tally.bad == 0 && IsValidUtf8(bytes) ? bytes.size() : ValidUtf8Prefix(bytes);
    for (size_t i = 0; i < valid; ++i)
      tally.sequences += static_cast<unsigned char>(bytes[i]) >= 0xC0;
    bytes.remove_prefix(valid);
    if (!bytes.empty()) {
      ++tally.bad;
      bytes.remove_prefix(1);
    }
  }
  return tally;
}

// The 8-bit Korean encodings. Each row decodes the whole sample and says how Korean the outcome
// looks, 0 for not at all; the best one wins. Johab, when it is read one day, is a row here.
struct Candidate {
  Encoding encoding;
  int (*score)(std::string_view sample);
};

int ScoreCp949(std::string_view sample) {
  const Cp949Tally t = TallyCp949(sample);
  const uint64_t pairs = t.common_hangul + t.other_hangul + t.han + t.other;
  // Korean seldom needs the syllables outside the 2,350; other encodings read as CP949 are full of
  // them, or of symbols, or of pairs without a meaning. A few of those are damage, which is for the
  // reader of that record to report.
  if (pairs == 0 || 4 * t.other_hangul > pairs || 2 * t.other > pairs + 4 || 20 * t.bad > pairs)
    return 0;
  const uint64_t share = 100 * (2 * t.common_hangul + t.han) / (2 * pairs);
  const auto score = static_cast<int>(40 + share * 59 / 100);
  return pairs < 8 || t.bad > 0 ? std::min(score, 70) : score;
}

int ScoreJohab(std::string_view sample) {
  const JohabTally t = TallyJohab(sample);
  const uint64_t pairs = t.common_hangul + t.other_hangul + t.han + t.other;
  // Any letter after an accented one is Han in Johab: Hangul has to be half of it.
  if (pairs == 0 || 2 * t.common_hangul < pairs || 4 * t.other_hangul > pairs ||
      2 * t.other > pairs + 4 || 20 * t.bad > pairs)
    return 0;
  const uint64_t share = 100 * (2 * t.common_hangul + t.han) / (2 * pairs);
  // One less than CP949 would get: of two that fit equally, it is the usual one.
  const auto score = static_cast<int>(39 + share * 59 / 100);
  return pairs < 8 || t.bad > 0 ? std::min(score, 69) : score;
}

constexpr Candidate kCandidates[] = {
    {Encoding::kCp949, ScoreCp949},
    {Encoding::kJohab, ScoreJohab},
};

EncodingGuess BestCandidate(std::string_view sample) {
  EncodingGuess best;
  for (const Candidate& candidate : kCandidates) {
    const int score = candidate.score(sample);
    if (score > best.confidence) best = {candidate.encoding, score};
  }
  return best;
}

int Utf8Confidence(uint64_t sequences) {
  // ASCII alone may be anything that extends it; each well-formed sequence makes chance less
  // likely.
  return sequences >= 4 ? 100 : 90 + static_cast<int>(sequences) * 2;
}

Decoded DecodeUtf16(std::string_view bytes, bool big) {
  Decoded decoded;
  std::string& out = decoded.utf8;
  out.reserve(bytes.size() + bytes.size() / 2);
  const auto bad = [&](size_t at, std::string_view what) {
    decoded.utf8.clear();
    decoded.rejection =
        Rejection{Reason::kBadEncoding, std::string(what) + " at byte " + std::to_string(at)};
    return decoded;
  };
  size_t i = bytes.size() >= 2 && UnitAt(bytes, 0, big) == 0xFEFF ? 2 : 0;
  while (bytes.size() - i >= 2) {
    char32_t cp = UnitAt(bytes, i, big);
    size_t size = 2;
    if (cp >= 0xD800 && cp <= 0xDFFF) {
      const bool paired =
          cp < 0xDC00 && bytes.size() - i >= 4 && (UnitAt(bytes, i + 2, big) & 0xFC00) == 0xDC00;
      if (!paired) return bad(i, "unpaired UTF-16 surrogate");
      cp = 0x10000 + ((cp - 0xD800) << 10) + (UnitAt(bytes, i + 2, big) - 0xDC00u);
      size = 4;
    }
    AppendUtf8(cp, out);
    i += size;
  }
  if (i != bytes.size()) return bad(i, "half a UTF-16 unit");
  return decoded;
}

}  // namespace

std::string_view NameOf(Encoding encoding) {
  switch (encoding) {
    case Encoding::kUnknown:
      return "unknown";
    case Encoding::kUtf8:
      return "utf-8";
    case Encoding::kUtf16Le:
      return "utf-16le";
    case Encoding::kUtf16Be:
      return "utf-16be";
    case Encoding::kCp949:
      return "cp949";
    case Encoding::kJohab:
      return "johab";
  }
  return "unknown";
}

std::optional<Encoding> LooksLikeUtf16(std::string_view head) {
  const std::string_view even = head.substr(0, head.size() / 2 * 2);
  const size_t units = even.size() / 2;
  if (units < 2) return std::nullopt;
  // ASCII characters, spaces and line breaks at least, have a NUL for their high byte; Hangul and
  // Han never have one.
  size_t nul_first = 0, nul_second = 0;
  for (size_t i = 0; i < even.size(); i += 2) {
    nul_first += even[i] == 0;
    nul_second += even[i + 1] == 0;
  }
  const bool big = nul_first > nul_second;
  const size_t high = std::max(nul_first, nul_second), low = std::min(nul_first, nul_second);
  if (high * 100 < units || low * 4 > high) return std::nullopt;
  size_t plausible = 0;
  for (size_t i = 0; i < even.size(); i += 2) {
    const char16_t unit = UnitAt(even, i, big);
    const bool printable =
        (unit >= 0x20 && unit < 0x7F) || unit == '\n' || unit == '\r' || unit == '\t';
    const bool korean = (unit >= 0xAC00 && unit <= 0xD7A3) || (unit >= 0x3000 && unit <= 0x9FFF) ||
                        (unit >= 0x1100 && unit <= 0x11FF) || (unit >= 0xF900 && unit <= 0xFAFF);
    const bool other = (unit >= 0xA0 && unit < 0x2E80) || (unit >= 0xFF00 && unit <= 0xFFEF);
    plausible += printable || korean || other;
  }
  if (plausible * 20 < units * 19) return std::nullopt;
  return big ? Encoding::kUtf16Be : Encoding::kUtf16Le;
}

std::optional<EncodingGuess> GivenEncoding(Encoding given, std::string_view file) {
  if (given == Encoding::kUnknown || file.starts_with(kUtf8Mark) ||
      file.starts_with(kUtf16LeMark) || file.starts_with(kUtf16BeMark)) {
    return std::nullopt;
  }
  return EncodingGuess{given, 100};
}

EncodingGuess DetectEncoding(std::string_view file) {
  if (const auto mark = FromMark(file)) return *mark;
  const bool has_nul = file.substr(0, 1 << 16).find('\0') != std::string_view::npos;
  if (has_nul) {
    if (const auto utf16 = LooksLikeUtf16(file.substr(0, 1 << 20))) return {*utf16, 90};
  }
  const Utf8Tally utf8 = TallyUtf8(file);
  if (utf8.bad == 0) return {Encoding::kUtf8, Utf8Confidence(utf8.sequences)};
  if (utf8.sequences >= 10 && utf8.sequences >= 9 * utf8.bad) return {Encoding::kUtf8, 80};
  return BestCandidate(file);
}

EncodingGuess DetectLineEncoding(std::string_view head, bool whole) {
  if (const auto mark = FromMark(head)) return *mark;
  if (const auto utf16 = LooksLikeUtf16(head.substr(0, 1 << 16))) return {*utf16, 90};
  uint64_t sequences = 0;  // in lines that are valid UTF-8
  uint64_t valid_bytes = 0, invalid_bytes = 0;
  std::string invalid;  // the other lines
  while (!head.empty()) {
    const size_t end = head.find('\n');
    if (end == std::string_view::npos && !whole) break;  // its rest is not here
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(head.size(), line.size() + 1));
    if (IsAscii(line)) continue;
    if (IsValidUtf8(line)) {
      valid_bytes += line.size();
      for (const char c : line) sequences += static_cast<unsigned char>(c) >= 0xC0;
    } else {
      invalid_bytes += line.size();
      invalid.append(line).push_back('\n');
    }
  }
  if (invalid_bytes > valid_bytes) {
    const Utf8Tally tally = TallyUtf8(invalid);
    if (tally.sequences < 9 * tally.bad) {
      if (const EncodingGuess best = BestCandidate(invalid); best.encoding != Encoding::kUnknown)
        return best;
    }
  }
  return {Encoding::kUtf8, invalid_bytes > 0 ? 80 : Utf8Confidence(sequences)};
}

Decoded DecodeText(Encoding encoding, std::string&& bytes) {
  switch (encoding) {
    case Encoding::kUtf8: {
      Decoded decoded;
      if (!IsValidUtf8(bytes)) {
        decoded.rejection =
            Rejection{Reason::kInvalidUtf8,
                      "invalid UTF-8 at byte " + std::to_string(ValidUtf8Prefix(bytes))};
        return decoded;
      }
      decoded.utf8 = std::move(bytes);
      if (decoded.utf8.starts_with(kUtf8Mark)) decoded.utf8.erase(0, kUtf8Mark.size());
      return decoded;
    }
    case Encoding::kUtf16Le:
      return DecodeUtf16(bytes, false);
    case Encoding::kUtf16Be:
      return DecodeUtf16(bytes, true);
    case Encoding::kCp949: {
      Cp949Text text = DecodeCp949(bytes);
      Decoded decoded;
      if (text.bad_at != bytes.size()) {
        decoded.rejection = Rejection{Reason::kBadEncoding,
                                      "no CP949 character at byte " + std::to_string(text.bad_at)};
        return decoded;
      }
      decoded.utf8 = std::move(text.utf8);
      return decoded;
    }
    case Encoding::kJohab: {
      JohabText text = DecodeJohab(bytes);
      Decoded decoded;
      if (text.bad_at != bytes.size()) {
        decoded.rejection = Rejection{Reason::kBadEncoding,
                                      "no Johab character at byte " + std::to_string(text.bad_at)};
        return decoded;
      }
      decoded.utf8 = std::move(text.utf8);
      return decoded;
    }
    case Encoding::kUnknown:
      break;
  }
  JANGBU_CHECK(false);
}

}  // namespace jangbu::ingest
