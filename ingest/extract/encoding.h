#pragma once

// Character encodings of uploaded files: which one it is, decided once per file, and its text as
// UTF-8.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "ingest/extract/reasons.h"

namespace jangbu::ingest {

enum class Encoding : uint8_t {
  kUnknown,
  kUtf8,  // ASCII included
  kUtf16Le,
  kUtf16Be,
  // Windows code page 949 (UHC), which holds all of EUC-KR; files labelled EUC-KR are read as it.
  kCp949,
  // The combination code of KS X 1001 annex 3 (CP1361), of old Korean programs.
  kJohab,
};
inline constexpr Encoding kLastEncoding = Encoding::kJohab;

// "unknown", "utf-8", "utf-16le", "utf-16be", "cp949", "johab".
std::string_view NameOf(Encoding encoding);

struct EncodingGuess {
  Encoding encoding = Encoding::kUnknown;
  // 0-100, how sure. 100: a byte order mark, or valid UTF-8 with enough that could have been wrong.
  int confidence = 0;
};

// Decides for a whole plain-text file, in this order: byte order mark; valid UTF-8; UTF-16 by its
// NUL bytes; mostly valid UTF-8 (damaged, and to be reported as such); the 8-bit Korean encodings
// by how Korean the outcome looks. Linear in the size.
EncodingGuess DetectEncoding(std::string_view file);

// The same for a file of lines, from its first bytes `head` (`whole` when that is all). A line that
// is invalid does not make the file another encoding, a majority of lines does.
EncodingGuess DetectLineEncoding(std::string_view head, bool whole);

// The encoding that a person gave for text without a byte order mark: nothing where `given` is
// kUnknown, or where `file` begins with a mark, which says more.
std::optional<EncodingGuess> GivenEncoding(Encoding given, std::string_view file);

// UTF-16 without a byte order mark, seen by its NUL bytes; nothing when it does not look like it.
std::optional<Encoding> LooksLikeUtf16(std::string_view head);

// Decodes all of `bytes`, less a byte order mark at its start, to valid UTF-8; or says where it
// could not: kInvalidUtf8 or kBadEncoding with a byte offset. Strict: no replacement characters, no
// unpaired surrogates, no C1 controls made of bytes the encoding does not define.
//
// REQUIRES: `encoding` is known.
struct Decoded {
  std::string utf8;
  std::optional<Rejection> rejection;
};
Decoded DecodeText(Encoding encoding, std::string&& bytes);

}  // namespace jangbu::ingest
