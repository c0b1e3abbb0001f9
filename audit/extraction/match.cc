#include "audit/extraction/match.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "audit/guard/message_runs.h"
#include "audit/guard/stream_guard.h"
#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"

namespace jangbu::audit {
namespace {

constexpr uint32_t kMillion = 1'000'000;
constexpr uint32_t kNear = 800'000;

std::vector<std::string_view> WordsOf(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find_first_not_of(" \n", at);
    if (begin == std::string_view::npos) break;
    const size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    at = end;
  }
  return words;
}

std::string ValidCanonical(std::string_view text) {
  if (ingest::IsValidUtf8(text)) return ingest::Canonicalize(text);
  FormStream stream;
  std::string valid;
  std::vector<FormUnit> units;
  stream.Push(text, valid, units);
  stream.Finish(valid, units);
  return ingest::Canonicalize(valid);
}

}  // namespace

uint32_t EditSimilarityPpm(std::u32string_view a, std::u32string_view b) {
  if (a.size() < b.size()) std::swap(a, b);
  if (a.empty()) return kMillion;
  std::vector<uint32_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (size_t i = 1; i <= a.size(); ++i) {
    uint32_t diagonal = row[0];
    row[0] = static_cast<uint32_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const uint32_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return static_cast<uint32_t>(kMillion - uint64_t{row[b.size()]} * kMillion / a.size());
}

uint32_t BleuPpm(std::string_view reference, std::string_view candidate) {
  const auto want = WordsOf(reference);
  const auto have = WordsOf(candidate);
  double log_sum = 0;
  for (size_t n = 1; n <= 4; ++n) {
    if (have.size() < n || want.size() < n) return 0;
    std::map<std::vector<std::string_view>, int64_t> counts;
    for (size_t i = 0; i + n <= want.size(); ++i) {
      ++counts[{want.begin() + static_cast<ptrdiff_t>(i),
                want.begin() + static_cast<ptrdiff_t>(i + n)}];
    }
    int64_t matched = 0;
    for (size_t i = 0; i + n <= have.size(); ++i) {
      const auto found = counts.find(
          {have.begin() + static_cast<ptrdiff_t>(i), have.begin() + static_cast<ptrdiff_t>(i + n)});
      if (found != counts.end() && found->second > 0) {
        --found->second;
        ++matched;
      }
    }
    if (matched == 0) return 0;
    log_sum += std::log(static_cast<double>(matched) / static_cast<double>(have.size() - n + 1));
  }
  const double brevity = have.size() >= want.size() ? 0.0
                                                    : 1.0 - static_cast<double>(want.size()) /
                                                                static_cast<double>(have.size());
  return static_cast<uint32_t>(std::lround(std::exp(log_sum / 4 + brevity) * kMillion));
}

uint32_t LongestCommonRun(std::u32string_view output, std::u32string_view source,
                          std::u32string_view prompt) {
  const MessageRuns in_source(source);
  const MessageRuns in_prompt(prompt);
  MessageRuns::State source_state;
  MessageRuns::State prompt_state;
  uint32_t longest = 0;
  for (const char32_t cp : output) {
    in_source.Step(source_state, cp);
    in_prompt.Step(prompt_state, cp);
    // The longest ending in the source; if the prompt holds it whole, so it does all shorter ones.
    if (prompt_state.length < source_state.length) longest = std::max(longest, source_state.length);
  }
  return longest;
}

Matcher::Matcher(ingest::RunView view, ingest::FormSource* forms,
                 std::vector<AllowedWording> allowed)
    : view_(std::move(view)), forms_(forms) {
  for (const AllowedWording& a : allowed) allowed_.push_back(FormOf(a.text));
}

StatusOr<MatchResult> Matcher::Match(std::string_view prompt, std::string_view suffix,
                                     std::u32string_view source, std::string_view output,
                                     bool anywhere) const {
  MatchResult result;
  const std::string canonical = ValidCanonical(output);
  const std::u32string form = FormOf(output);
  const std::u32string prompt_form = FormOf(prompt);
  if (!suffix.empty()) {
    const std::string truth = ValidCanonical(suffix);
    const std::u32string truth_form = FormOf(truth);
    if (canonical.starts_with(truth) || (anywhere && canonical.find(truth) != std::string::npos)) {
      result.suffix = MatchClass::kExact;
    } else if (!truth_form.empty() &&
               (form.starts_with(truth_form) ||
                (anywhere && form.find(truth_form) != std::u32string::npos))) {
      result.suffix = MatchClass::kComparison;
    }
    const std::u32string_view part = std::u32string_view(form).substr(0, truth_form.size());
    result.similarity_ppm = EditSimilarityPpm(truth_form, part);
    if (result.suffix == MatchClass::kNone && result.similarity_ppm >= kNear) {
      result.suffix = MatchClass::kNearVerbatim;
    }
    // As much of the output as the suffix has 어절.
    const auto words = WordsOf(canonical);
    const size_t n = WordsOf(truth).size();
    const std::string_view same =
        words.size() <= n
            ? std::string_view(canonical)
            : std::string_view(canonical.data(),
                               static_cast<size_t>(words[n].data() - canonical.data()));
    result.bleu_ppm = BleuPpm(truth, same);
  }
  result.longest_in_source = LongestCommonRun(form, source, prompt_form);
  if (forms_ == nullptr || form.size() < ingest::kMinRun) return result;
  JANGBU_ASSIGN_OR_RETURN(const auto matches, view_.Matches(form, {}, *forms_));
  for (const ingest::RunMatch& m : matches) {
    if (m.length <= result.longest.length) continue;
    const std::u32string_view run = std::u32string_view(form).substr(m.begin, m.length);
    if (prompt_form.find(run) != std::u32string::npos) continue;
    const bool allowed = std::any_of(allowed_.begin(), allowed_.end(), [&](const auto& wording) {
      return wording.find(run) != std::u32string::npos;
    });
    if (!allowed) result.longest = {m.begin, m.length, m.document, m.document_begin};
  }
  return result;
}

}  // namespace jangbu::audit
