#include "ingest/text/hanyang_pua.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace jangbu::ingest {
namespace {

constexpr char32_t kFirst = 0xE000;
constexpr char32_t kLast = 0xF8FF;

struct Run {
  char32_t first;
  size_t size;
  std::string_view jamo;
};
constexpr Run kRuns[] = {
#include "ingest/text/hanyang_pua.inc"
};

using Table = std::array<std::string_view, kLast - kFirst + 1>;

Table MakeTable() {
  Table table;
  for (const Run& run : kRuns) {
    std::string_view rest = run.jamo;
    for (size_t i = 0; i < run.size; ++i) {
      const size_t end = std::min(rest.find(' '), rest.size());
      table[run.first - kFirst + i] = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    JANGBU_CHECK(rest.empty());
  }
  return table;
}

const Table& TheTable() {
  static const Table table = MakeTable();
  return table;
}

// Where the next code point of U+E000-FFFF begins, at or after `from`: its lead byte is EE or EF.
size_t NextHigh(std::string_view utf8, size_t from) {
  for (size_t i = from; i < utf8.size(); ++i) {
    if ((static_cast<unsigned char>(utf8[i]) & 0xFE) == 0xEE) return i;
  }
  return utf8.size();
}

}  // namespace

std::string_view HanyangJamo(char32_t code_point) {
  if (code_point < kFirst || code_point > kLast) return {};
  return TheTable()[code_point - kFirst];
}

HanyangMapped MapHanyangPua(std::string&& utf8) {
  HanyangMapped out;
  std::string mapped;
  size_t kept = 0;
  for (size_t i = NextHigh(utf8, 0); i < utf8.size(); i = NextHigh(utf8, i + 3)) {
    JANGBU_CHECK(i + 2 < utf8.size());
    const auto byte = [&](size_t k) {
      return static_cast<char32_t>(static_cast<unsigned char>(utf8[k]) & 0x3F);
    };
    const char32_t code_point =
        (char32_t{0xE} + (utf8[i] & 1)) << 12 | byte(i + 1) << 6 | byte(i + 2);
    const std::string_view jamo = HanyangJamo(code_point);
    if (jamo.data() == nullptr) continue;
    mapped.append(utf8, kept, i - kept);
    mapped += jamo;
    kept = i + 3;
    ++out.mapped;
  }
  if (out.mapped == 0) {
    out.utf8 = std::move(utf8);
  } else {
    mapped.append(utf8, kept);
    out.utf8 = std::move(mapped);
  }
  return out;
}

}  // namespace jangbu::ingest
