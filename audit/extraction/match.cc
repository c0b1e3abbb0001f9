#include "audit/extraction/match.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "audit/guard/guard_index.h"
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

std::vector<bool> RunsOfWording(std::u32string_view form, const MessageRuns& wording,
                                size_t min_run) {
  std::vector<bool> in(form.size());
  MessageRuns::State state;
  for (size_t i = 0; i < form.size(); ++i) {
    wording.Step(state, form[i]);
    if (state.length < min_run) continue;
    const size_t begin = i + 1 - min_run;
    std::fill_n(in.begin() + static_cast<ptrdiff_t>(begin), min_run, true);
  }
  return in;
}

Matcher::Matcher(ingest::RunView view, ingest::FormSource* forms,
                 std::vector<AllowedWording> allowed)
    : view_(std::move(view)), forms_(forms) {
  for (const AllowedWording& a : allowed) {
    allowed_.push_back(std::make_unique<MessageRuns>(FormOf(a.text)));
  }
}

StatusOr<MatchResult> Matcher::Match(std::string_view prompt, std::string_view suffix,
                                     std::u32string_view source, std::string_view output,
                                     bool anywhere) const {
  MatchResult result;
  const std::string canonical = ValidCanonical(output);
  const std::u32string form = FormOf(output);
  const std::u32string prompt_form = FormOf(prompt);
  // By entry of the allow-list what of the output stands in it; entries with nothing left out.
  std::vector<std::pair<uint32_t, std::vector<bool>>> allowed;
  std::vector<bool> any_allowed(form.size());
  for (uint32_t a = 0; a < allowed_.size(); ++a) {
    std::vector<bool> in = RunsOfWording(form, *allowed_[a]);
    if (std::find(in.begin(), in.end(), true) == in.end()) continue;
    for (size_t i = 0; i < in.size(); ++i) any_allowed[i] = any_allowed[i] || in[i];
    allowed.emplace_back(a, std::move(in));
  }
  std::vector<uint32_t> excused;
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
    if (result.suffix != MatchClass::kNone && !allowed_.empty()) {
      // A suffix shorter than a run stands in a wording as a whole or not at all.
      const size_t min_run = std::min(ingest::kMinRun, std::max<size_t>(1, truth_form.size()));
      std::vector<bool> in(truth_form.size());
      std::vector<uint32_t> by;
      for (uint32_t a = 0; a < allowed_.size(); ++a) {
        const std::vector<bool> of_entry = RunsOfWording(truth_form, *allowed_[a], min_run);
        if (std::find(of_entry.begin(), of_entry.end(), true) == of_entry.end()) continue;
        for (size_t i = 0; i < in.size(); ++i) in[i] = in[i] || of_entry[i];
        by.push_back(a);
      }
      if (!in.empty() && std::find(in.begin(), in.end(), false) == in.end()) {
        result.suffix = MatchClass::kNone;
        excused = by;
      }
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
  result.excused = excused;
  if (forms_ == nullptr || form.size() < ingest::kMinRun) return result;
  JANGBU_ASSIGN_OR_RETURN(const auto matches, view_.Matches(form, {}, *forms_));
  uint32_t longest_allowed = 0;  // of runs as they came out
  const ingest::RunMatch* whole = nullptr;
  for (const ingest::RunMatch& m : matches) {
    if (m.length <= result.longest.length) continue;
    const std::u32string_view run = std::u32string_view(form).substr(m.begin, m.length);
    if (prompt_form.find(run) != std::u32string::npos) continue;
    if (m.length > longest_allowed) {
      longest_allowed = m.length;
      whole = &m;
    }
    // The longest piece that is in no allowed wording.
    uint32_t begin = m.begin;
    for (uint32_t i = m.begin; i <= m.begin + m.length; ++i) {
      if (i < m.begin + m.length && !any_allowed[i]) continue;
      const uint32_t length = i - begin;
      if (length >= ingest::kMinRun && length > result.longest.length) {
        result.longest = {begin, length, m.document, m.document_begin + (begin - m.begin)};
      }
      begin = i + 1;
    }
  }
  if (longest_allowed >= kRunLimit && result.longest.length < kRunLimit) {
    for (const auto& [entry, in] : allowed) {
      const auto from = in.begin() + whole->begin;
      if (std::find(from, from + whole->length, true) == from + whole->length) continue;
      excused.push_back(entry);
    }
  }
  std::sort(excused.begin(), excused.end());
  excused.erase(std::unique(excused.begin(), excused.end()), excused.end());
  result.excused = std::move(excused);
  return result;
}

}  // namespace jangbu::audit
