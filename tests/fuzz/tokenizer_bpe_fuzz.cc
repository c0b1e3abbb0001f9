// Counting itself: the bytes are a small vocabulary (merge list or ranks, chosen by the first byte)
// and a word; the count must be what merging for real gives.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "ingest/tokens/bpe_model.h"
#include "tests/reference/tokens.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using jangbu::ingest::tokens::BpeModel;
  using jangbu::ingest::tokens::BpeScratch;
  if (size < 4) return 0;
  BpeModel::Spec spec;
  std::vector<jangbu::reference::MergeRule> rules;
  constexpr std::string_view kLetters = "abc";
  for (const char c : kLetters) {
    spec.atoms.push_back(static_cast<uint32_t>(spec.tokens.size()));
    spec.tokens.emplace_back(1, c);
  }
  const auto add = [&](uint32_t left, uint32_t right, uint32_t rank) {
    const std::string whole = spec.tokens[left] + spec.tokens[right];
    if (whole.size() > 12) return;
    for (const auto& rule : rules) {
      if (rule.left == left && rule.right == right) return;
    }
    uint32_t result = 0;
    while (result < spec.tokens.size() && spec.tokens[result] != whole) ++result;
    if (result == spec.tokens.size()) spec.tokens.push_back(whole);
    spec.rules.push_back({left, right, result, rank});
    rules.push_back({left, right, result, rank});
  };
  const size_t entries = data[1] % 24;
  size_t at = 2;
  if (data[0] % 3 == 0) {
    for (uint32_t i = 0; i < entries && at + 1 < size; ++i, at += 2) {
      add(data[at] % static_cast<uint32_t>(spec.tokens.size()),
          data[at + 1] % static_cast<uint32_t>(spec.tokens.size()), i);
    }
  } else {
    for (size_t i = 0; i < entries && at + 1 < size; ++i, at += 2) {
      std::string token;
      unsigned bits = data[at] | (data[at + 1] << 8);
      for (unsigned n = 2 + bits % 5; n > 0; --n) {
        bits = bits * 25173 + 13849;
        token.push_back(kLetters[(bits >> 8) % kLetters.size()]);
      }
      bool there = false;
      for (const std::string& t : spec.tokens) there = there || t == token;
      if (!there) spec.tokens.push_back(token);
    }
    const auto count = static_cast<uint32_t>(spec.tokens.size());
    uint32_t rank = 0;
    for (uint32_t id = 3; id < count; ++id) {
      for (uint32_t left = 0; left < count; ++left) {
        for (uint32_t right = 0; right < count; ++right) {
          if (spec.tokens[left] + spec.tokens[right] == spec.tokens[id])
            add(left, right, data[0] % 3 == 1 ? id : rank++);
        }
      }
    }
  }
  std::string word;
  std::vector<uint32_t> row;
  for (; at < size && word.size() < 150; ++at) {
    for (unsigned n = 1 + (data[at] >> 2) % 16; n > 0; --n) {
      row.push_back(data[at] % 3);
      word.push_back(kLetters[data[at] % 3]);
    }
  }
  if (word.empty()) return 0;
  const auto model = BpeModel::Build(spec);
  JANGBU_CHECK(model.ok());
  BpeScratch scratch;
  const auto want = static_cast<int64_t>(jangbu::reference::MergeRepeatedly(rules, row).size());
  JANGBU_CHECK(model->Count(word, scratch) == want);
  JANGBU_CHECK(model->Count(word, scratch) == want);
  return 0;
}
