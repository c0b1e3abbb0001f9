#include "ingest/dedup/shingles.h"

#include <xxhash.h>

#include <algorithm>
#include <vector>

#include "ingest/dedup/run_index_segment.h"

namespace jangbu::ingest {
namespace {

constexpr size_t kGram = 5;

// Sorted, distinct.
using Grams = std::vector<uint64_t>;

Grams Distinct(Grams grams) {
  std::sort(grams.begin(), grams.end());
  grams.erase(std::unique(grams.begin(), grams.end()), grams.end());
  return grams;
}

Grams WordGrams(std::string_view text) {
  std::vector<uint64_t> words;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find_first_not_of(" \n", at);
    if (begin == std::string_view::npos) break;
    const size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    words.push_back(XXH3_64bits(text.data() + begin, end - begin));
    at = end;
  }
  Grams grams;
  const size_t n = std::min(words.size(), kGram);
  for (size_t i = 0; n > 0 && i + n <= words.size(); ++i)
    grams.push_back(XXH3_64bits(&words[i], n * sizeof(uint64_t)));
  return Distinct(std::move(grams));
}

Grams CharGrams(std::string_view text) {
  std::u32string chars = CodePoints(text);
  std::erase_if(chars, [](char32_t c) { return c == U' ' || c == U'\n'; });
  Grams grams;
  const size_t n = std::min(chars.size(), kGram);
  for (size_t i = 0; n > 0 && i + n <= chars.size(); ++i)
    grams.push_back(XXH3_64bits(&chars[i], n * sizeof(char32_t)));
  return Distinct(std::move(grams));
}

uint32_t Jaccard(const Grams& a, const Grams& b) {
  uint64_t common = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) ++common;
    const uint64_t left = a[i];
    if (left <= b[j]) ++i;
    if (b[j] <= left) ++j;
  }
  const uint64_t all = a.size() + b.size() - common;
  return all == 0 ? 0 : static_cast<uint32_t>(common * 1'000'000 / all);
}

}  // namespace

uint32_t WordJaccard(std::string_view a, std::string_view b) {
  return Jaccard(WordGrams(a), WordGrams(b));
}
uint32_t CharJaccard(std::string_view a, std::string_view b) {
  return Jaccard(CharGrams(a), CharGrams(b));
}

}  // namespace jangbu::ingest
