#pragma once

// Quality of canonical text: what is hardly text, told by numbers. Each rule measures one thing; a
// policy says from which number on the text is flagged, and from which it is refused. A verdict
// shows the number that tripped the rule beside the threshold.
//
//   rule                 measures                                                          trips
//   too_short            Hangul syllables and Han characters                               below
//   not_korean           Hangul, per cent of the letters that are not Han                  below
//   spaced_out           Hangul 어절 of one syllable, per cent of Hangul 어절 (of 20 or more) above
//   duplicate_lines      code points of lines that stood before, per cent of all lines'    above
//                        (of 10 lines or more)
//   duplicate_paragraphs the same of blocks between empty lines (of 5 or more)             above
//   top_2gram … 4gram    code points of the commonest run of n 어절, per cent of all 어절's   above
//   repeated_5gram, 10   code points of 어절 in a run of n that stood before, per cent        above
//                        (these five: of 50 어절 or more)
//   symbols              neither letter, mark nor digit, per cent of what is not white space above
//   numbers              digits, per cent of what is not white space                       above
//   rare_syllables       syllables outside the 2,350 of KS X 1001, per cent (of 50)        above
//   character_noise      the same, per thousand (of 300 syllables or more)                 above
//   common_syllables     the 64 syllables that are half of all Korean, per cent (of 200)   below
//   shuffled_words       pairs of neighbouring 어절 that both end a sentence (다. 요.), per above
//                        cent of the pairs that chance would make (of 5 or more)
//   long_words           code points of 어절 of more than 64, per cent of all 어절's above
//   machine_translation  sentences that say a machine translated it                        above
//
// symbols, numbers and long_words are of 20 code points or more. The repetition rules are those of
// MassiveText (Rae et al., "Scaling Language Models: Gopher", 2021, table A1) as FineWeb applies
// them, on 어절; the defaults of the last two are higher, because law and decisions quote
// (docs/personal-data.md). Everything is counted in integers; per cent are rounded down. Pure,
// thread-safe, linear.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::ingest {

// Stored and on the wire: numbers are never reused.
enum class QualityRule : uint8_t {
  kTooShort = 1,
  kNotKorean = 2,
  kSpacedOut = 3,
  kDuplicateLines = 4,
  kDuplicateParagraphs = 5,
  kTop2Gram = 6,
  kTop3Gram = 7,
  kTop4Gram = 8,
  kRepeated5Gram = 9,
  kRepeated10Gram = 10,
  kSymbols = 11,
  kNumbers = 12,
  kRareSyllables = 13,
  kCommonSyllables = 14,
  kShuffledWords = 15,
  kMachineTranslation = 16,
  kLongWords = 17,
  kCharacterNoise = 18,
};
inline constexpr int kQualityRules = 18;

std::string_view NameOf(QualityRule rule);
std::optional<QualityRule> QualityRuleOf(std::string_view name);
// True when the rule trips below its threshold, not above it.
bool TripsBelow(QualityRule rule);
// A mark of style, never a reason to refuse.
inline bool FlagsOnly(QualityRule rule) { return rule == QualityRule::kMachineTranslation; }

// From which number on: a rule trips at a value over (or under) the threshold, never at it. -1:
// off.
struct QualityThreshold {
  int32_t flag = -1;
  int32_t reject = -1;
  friend bool operator==(const QualityThreshold&, const QualityThreshold&) = default;
};

struct QualityPolicy {
  // By rule number less one. The defaults flag and never refuse.
  std::array<QualityThreshold, kQualityRules> thresholds = DefaultThresholds();

  static std::array<QualityThreshold, kQualityRules> DefaultThresholds();
  QualityThreshold& of(QualityRule rule) { return thresholds[static_cast<size_t>(rule) - 1]; }
  const QualityThreshold& of(QualityRule rule) const {
    return thresholds[static_cast<size_t>(rule) - 1];
  }
  friend bool operator==(const QualityPolicy&, const QualityPolicy&) = default;
};

// Changes to the defaults as text: "spaced_out=50:80,too_short=10" (flag, then refuse; "off" for
// either). Written in the order of the rules; "" is the defaults. InvalidArgument("bad_quality")
// names the part that is wrong.
StatusOr<QualityPolicy> ParseQualityPolicy(std::string_view text);
std::string WriteQualityPolicy(const QualityPolicy& policy);

struct QualityFlag {
  QualityRule rule = QualityRule::kTooShort;
  bool rejects = false;
  uint32_t value = 0;      // what was measured
  uint32_t threshold = 0;  // what it is over or under
  friend bool operator==(const QualityFlag&, const QualityFlag&) = default;
};

// What each rule measures, by rule number less one; nothing where the text is too small to say.
using QualityFigures = std::array<std::optional<uint32_t>, kQualityRules>;

// REQUIRES: canonical text (ingest/text/canonical.h) of less than 4 GiB.
QualityFigures MeasureQuality(std::string_view canonical);

// The rules that trip, in their order; those that refuse have `rejects`.
std::vector<QualityFlag> JudgeQuality(const QualityFigures& figures, const QualityPolicy& policy);

}  // namespace jangbu::ingest
