#include "tests/reference/tokens.h"

#include <unicode/regex.h>
#include <unicode/unistr.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace jangbu::reference {
namespace {

size_t CharBytes(unsigned char lead) {
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

void Replace(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::vector<uint32_t> MergeRepeatedly(const std::vector<MergeRule>& rules,
                                      std::vector<uint32_t> row) {
  std::map<std::pair<uint32_t, uint32_t>, const MergeRule*> by_pair;
  for (const MergeRule& rule : rules) by_pair[{rule.left, rule.right}] = &rule;
  while (true) {
    const MergeRule* best = nullptr;
    size_t best_at = 0;
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      const auto it = by_pair.find({row[i], row[i + 1]});
      if (it == by_pair.end()) continue;
      if (best == nullptr || it->second->rank < best->rank) {
        best = it->second;
        best_at = i;
      }
    }
    if (best == nullptr) return row;
    row[best_at] = best->result;
    row.erase(row.begin() + static_cast<std::ptrdiff_t>(best_at) + 1);
  }
}

std::vector<std::string> SplitByPattern(std::string_view pattern, std::string_view text) {
  // ICU's \s is another set than the White_Space of the engines that define the tokenizers.
  std::string spelled(pattern);
  Replace(spelled, "\\s", "\\p{White_Space}");
  Replace(spelled, "\\S", "\\P{White_Space}");
  UErrorCode error = U_ZERO_ERROR;
  static std::map<std::string, std::unique_ptr<icu::RegexPattern>> compiled;
  auto& regex = compiled[spelled];
  if (regex == nullptr) {
    UParseError where;
    regex.reset(icu::RegexPattern::compile(icu::UnicodeString::fromUTF8(spelled), where, error));
  }
  const icu::UnicodeString subject = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  const std::unique_ptr<icu::RegexMatcher> matcher(regex->matcher(subject, error));
  if (U_FAILURE(error)) {
    std::fprintf(stderr, "ICU refuses the pattern: %s\n", u_errorName(error));
    std::abort();
  }
  std::vector<std::string> pieces;
  int32_t at = 0;
  const auto add = [&](int32_t from, int32_t to) {
    if (from == to) return;
    std::string piece;
    subject.tempSubStringBetween(from, to).toUTF8String(piece);
    pieces.push_back(std::move(piece));
  };
  while (matcher->find(error) && U_SUCCESS(error)) {
    const int32_t start = matcher->start(error);
    const int32_t end = matcher->end(error);
    add(at, start);
    add(start, end);
    at = end;
  }
  add(at, subject.length());
  return pieces;
}

int64_t CountUnigram(const UnigramPieces& pieces, std::string_view text, bool in_float) {
  struct Best {
    bool reached = false;
    double score = 0;
    std::vector<std::pair<size_t, bool>> path;  // bytes of each piece, and whether it is unknown
  };
  std::vector<Best> best(text.size() + 1);
  best[0].reached = true;
  for (size_t at = 0; at < text.size(); at += CharBytes(static_cast<unsigned char>(text[at]))) {
    const size_t character = CharBytes(static_cast<unsigned char>(text[at]));
    const auto offer = [&](size_t size, double score, bool unknown) {
      Best& target = best[at + size];
      if (target.reached && score <= target.score) return;
      target.reached = true;
      target.score = in_float ? static_cast<double>(static_cast<float>(score)) : score;
      target.path = best[at].path;
      target.path.emplace_back(size, unknown);
    };
    bool single = false;
    for (size_t size = 1; at + size <= text.size(); ++size) {
      const auto it = pieces.scores.find(text.substr(at, size));
      if (it == pieces.scores.end()) continue;
      offer(size, best[at].score + static_cast<double>(it->second), false);
      if (size == character) single = true;
    }
    if (!single) {
      // In SentencePiece the unknown piece's sum is rounded before it is compared: float plus
      // float.
      const double sum = best[at].score + static_cast<double>(pieces.unknown_score);
      offer(character, in_float ? static_cast<double>(static_cast<float>(sum)) : sum, true);
    }
  }
  int64_t count = 0;
  bool after_unknown = false;
  for (const auto& [size, unknown] : best[text.size()].path) {
    if (unknown && pieces.byte_fallback) {
      count += static_cast<int64_t>(size);
    } else if (!unknown || !after_unknown) {
      ++count;
    }
    after_unknown = unknown;
  }
  return count;
}

}  // namespace jangbu::reference
