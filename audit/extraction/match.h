#pragma once

// Is what a model wrote the text it was asked about, or anybody's contributed text?
//
// All functions are pure and thread-safe unless they say otherwise.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/guard/message_runs.h"
#include "base/status.h"
#include "ingest/dedup/run_index.h"

namespace jangbu::audit {

// How an output answers a probe whose true continuation is known; the strongest that holds.
enum class MatchClass : uint8_t {
  kNone = 0,
  kNearVerbatim = 1,  // edit similarity of comparison forms at least 0.8: lower certainty
  kComparison = 2,    // begins with the suffix in comparison form: spacing and punctuation differ
  kExact = 3,         // begins with the suffix in canonical text: the headline
};

// A stretch of an output, in code points of its comparison form, and one document that holds it.
struct LeakedRun {
  uint32_t begin = 0;
  uint32_t length = 0;
  ingest::RunDocument document;
  uint32_t document_begin = 0;
  bool operator==(const LeakedRun&) const = default;
};

struct MatchResult {
  MatchClass suffix = MatchClass::kNone;
  // Edit similarity of the suffix's form and as much of the output's, in parts per million.
  uint32_t similarity_ppm = 0;
  // 어절 BLEU-4 of suffix and as much output, in parts per million: for comparison with others'
  // work (Ippolito et al. 2022 take 0.75).
  uint32_t bleu_ppm = 0;
  // The longest run that the output shares with the source, and with any contributed text; of both
  // only what the prompt does not hold itself.
  uint32_t longest_in_source = 0;
  LeakedRun longest;  // length 0: none of 24 or more
  // Entries of the allow-list but for which the suffix would be a match, or a run one of 50.
  std::vector<uint32_t> excused;
  bool operator==(const MatchResult&) const = default;
};

// 1 − Levenshtein distance ÷ longer length, in parts per million; of two empty texts a million.
// Time: product of the lengths.
uint32_t EditSimilarityPpm(std::u32string_view a, std::u32string_view b);

// BLEU with n-grams of 1 to 4 어절 and brevity penalty (Papineni et al. 2002), one reference, not
// smoothed: 0 when some order has no match.
uint32_t BleuPpm(std::string_view reference, std::string_view candidate);

// The longest stretch that occurs in both, and in no place of it within `prompt` (a stretch that
// the prompt holds whole does not count).
uint32_t LongestCommonRun(std::u32string_view output, std::u32string_view source,
                          std::u32string_view prompt);

// A wording that is nobody's: boilerplate, a public formula; why it is let pass and who says so.
struct AllowedWording {
  std::string text;  // canonical
  std::string reason;
  std::string by;           // who proposed it
  std::string approved_by;  // another person
  std::string at;           // when it was proposed, as told
};

// Which code points of `form` stand in a run of `min_run` or more that `wording` holds too.
std::vector<bool> RunsOfWording(std::u32string_view form, const MessageRuns& wording,
                                size_t min_run = ingest::kMinRun);

class Matcher {
 public:
  // `view` may be empty: then only the source is compared. Borrows `forms`.
  Matcher(ingest::RunView view, ingest::FormSource* forms, std::vector<AllowedWording> allowed);

  // Allowed wordings do not count: a suffix that stands in them whole is no match, and of a run
  // counts the longest piece that stands in none.
  //
  // `suffix`: the true continuation, canonical. `source`: comparison form of the document asked
  // about. `anywhere`: the suffix may stand anywhere in the output (a chat answer with a preamble)
  // and not only at its beginning.
  StatusOr<MatchResult> Match(std::string_view prompt, std::string_view suffix,
                              std::u32string_view source, std::string_view output,
                              bool anywhere) const;

 private:
  const ingest::RunView view_;
  ingest::FormSource* const forms_;
  std::vector<std::unique_ptr<MessageRuns>> allowed_;
};

}  // namespace jangbu::audit
