#include <algorithm>

#include "ingest/tokens/char_class.h"
#include "ingest/tokens/pipeline.h"

namespace jangbu::ingest::tokens {
namespace {

struct Step {
  std::string_view text;
  size_t consumed;
};

Step NextStep(const SentencePieceNormalizer& n, std::string_view rest) {
  if (!n.user_defined.empty()) {
    const ByteTrie::Match match = n.user_defined.Longest(rest.data(), rest.data() + rest.size());
    if (match.end != nullptr) {
      const auto size = static_cast<size_t>(match.end - rest.data());
      return {rest.substr(0, size), size};
    }
  }
  const Decoded d = DecodeUtf8(rest.data(), rest.data() + rest.size());
  const auto size = static_cast<size_t>(d.end - rest.data());
  if (d.code_point != kIllFormed && n.map.IsPlain(d.code_point))
    return {rest.substr(0, size), size};
  if (const Charsmap::Rule rule = n.map.Longest(rest); rule.size > 0)
    return {rule.replacement, rule.size};
  if (d.code_point == kIllFormed) return {"\xEF\xBF\xBD", 1};
  return {rest.substr(0, size), size};
}

}  // namespace

void SentencePieceNormalizer::Apply(std::string_view text, std::string& out) const {
  out.clear();
  if (remove_extra_whitespaces) {
    while (!text.empty()) {
      const Step step = NextStep(*this, text);
      if (step.text != " ") break;
      text.remove_prefix(step.consumed);
    }
  }
  if (text.empty()) return;
  if (add_dummy_prefix) out.append(kSpaceMark);
  bool after_space = remove_extra_whitespaces;
  const bool fast = user_defined.empty();
  while (!text.empty()) {
    // Hangul syllables without rules, the most of Korean text, go over as they are.
    if (fast && text.size() >= 3 && IsHangulSyllableAt(text.data())) {
      const Decoded d = DecodeUtf8(text.data(), text.data() + text.size());
      if (map.IsPlain(d.code_point)) {
        out.append(text.data(), 3);
        text.remove_prefix(3);
        after_space = false;
        continue;
      }
    }
    const Step step = NextStep(*this, text);
    std::string_view s = step.text;
    while (after_space && s.starts_with(' ')) s.remove_prefix(1);
    if (!s.empty()) {
      for (const char c : s) {
        if (c == ' ') {
          out.append(kSpaceMark);
        } else {
          out.push_back(c);
        }
      }
      after_space = s.ends_with(' ');
    }
    text.remove_prefix(step.consumed);
    if (!remove_extra_whitespaces) after_space = false;
  }
  if (remove_extra_whitespaces) {
    while (out.ends_with(kSpaceMark)) out.resize(out.size() - kSpaceMark.size());
  }
}

size_t Pipeline::memory_bytes() const {
  size_t bytes = added_raw.memory_bytes() + added_normalized.memory_bytes() +
                 user_defined.memory_bytes() + sentence_piece.map.memory_bytes() +
                 sentence_piece.user_defined.memory_bytes();
  if (bpe != nullptr) bytes += bpe->memory_bytes();
  if (unigram != nullptr) bytes += unigram->memory_bytes();
  for (const NormalizerStep& step : normalizer) {
    if (step.charsmap != nullptr) bytes += step.charsmap->memory_bytes();
  }
  return bytes;
}

}  // namespace jangbu::ingest::tokens
