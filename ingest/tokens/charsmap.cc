#include "ingest/tokens/charsmap.h"

#include "ingest/tokens/char_class.h"

namespace jangbu::ingest::tokens {
namespace {

// The longest in use has 33 (U+FDFA by NFKC). A file could otherwise ask for text without end.
constexpr size_t kReplacementBytesMax = 64;

// The unit layout of darts-clone 0.32.
bool HasLeaf(uint32_t unit) { return ((unit >> 8) & 1) == 1; }
uint32_t ValueOf(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t LabelOf(uint32_t unit) { return unit & (0x80000000 | 0xFF); }
uint32_t OffsetOf(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

}  // namespace

// Calls on_match(size, value) for each rule that `text` starts with, shortest first, while it
// returns true. False when the array has no rule that goes on past the end of `text`.
template <typename OnMatch>
bool Charsmap::Walk(std::string_view text, OnMatch on_match) const {
  if (units_.empty()) return false;
  size_t node = OffsetOf(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    node ^= c;
    if (node >= units_.size() || LabelOf(units_[node]) != c) return false;
    const uint32_t unit = units_[node];
    node ^= OffsetOf(unit);
    if (HasLeaf(unit)) {
      if (node >= units_.size()) return false;
      if (!on_match(i + 1, ValueOf(units_[node]))) return true;
    }
  }
  return true;
}

std::string_view Charsmap::ReplacementAt(uint32_t offset) const {
  if (offset >= replacements_.size()) return {};
  return replacements_.data() + offset;  // The text ends in NUL.
}

Charsmap::Rule Charsmap::Longest(std::string_view text) const {
  Rule rule;
  uint32_t value = 0;
  Walk(text, [&](size_t size, uint32_t v) {
    rule.size = size;
    value = v;
    return true;
  });
  if (rule.size > 0) rule.replacement = ReplacementAt(value);
  return rule;
}

Charsmap::Rule Charsmap::Shortest(std::string_view text) const {
  Rule rule;
  Walk(text, [&](size_t size, uint32_t v) {
    rule = {size, ReplacementAt(v)};
    return false;
  });
  return rule;
}

StatusOr<Charsmap> Charsmap::Parse(std::string_view blob) {
  Charsmap map;
  if (blob.empty()) return map;
  const auto u32 = [&](size_t at) {
    uint32_t v = 0;
    for (size_t i = 0; i < 4; ++i)
      v |= static_cast<uint32_t>(static_cast<unsigned char>(blob[at + i])) << (8 * i);
    return v;
  };
  if (blob.size() < 8) return InvalidArgument("charsmap_malformed", "it is too short");
  const size_t array_bytes = u32(0);
  if (array_bytes == 0 || array_bytes % 4 != 0 || array_bytes >= blob.size() - 4) {
    return InvalidArgument("charsmap_malformed", "the double array does not fit");
  }
  map.units_.reserve(array_bytes / 4);
  for (size_t at = 4; at < 4 + array_bytes; at += 4) map.units_.push_back(u32(at));
  map.replacements_ = blob.substr(4 + array_bytes);
  if (map.replacements_.back() != '\0') {
    return InvalidArgument("charsmap_malformed", "the replacements do not end in NUL");
  }
  if (!IsValidUtf8(map.replacements_)) {
    return InvalidArgument("charsmap_malformed", "the replacements are not UTF-8");
  }
  for (size_t at = 0; at < map.replacements_.size();) {
    const size_t end = map.replacements_.find('\0', at);
    if (end - at > kReplacementBytesMax) {
      return InvalidArgument("charsmap_malformed", "a replacement is longer than 64 bytes");
    }
    at = end + 1;
  }
  std::string c;
  for (char32_t code = 0; code < 0x10000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    c.clear();
    AppendUtf8(code, c);
    bool rule = false;
    const bool goes_on = map.Walk(c, [&](size_t, uint32_t) {
      rule = true;
      return false;
    });
    if (rule || goes_on) map.plain_[code >> 6] &= ~(uint64_t{1} << (code & 63));
  }
  return map;
}

}  // namespace jangbu::ingest::tokens
