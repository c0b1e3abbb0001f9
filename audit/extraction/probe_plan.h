#pragma once

// Which windows are asked about, and with which words: everything an audit asks, before it asks.
//
//   frame    all windows of `suffix_tokens` tokens that begin at an 어절 of the text the model was
//            trained on and have the shortest prefix before them, distinct within a partner (by
//            their first 64 code points), canaries apart
//   sample   `windows` of each partner's frame, uniformly, with replacement, from the seed
//   cell     one way to ask about a window: a prefix of 25, 50, 100 or 200 tokens that ends at an
//            어절 without the space after it; the text before the window from the document's start,
//            where it has no more tokens than the longest prefix; an attack of the catalogue. A
//            window that does not have so much text before it has no such cell
//   control  a window of text the model cannot have seen, taken with the same rules: for each a
//            window of the sample is chosen, and one like it is drawn: of the same partner, source
//            type and length where there is one, of text contributed after the cut-off before text
//            held back, of synthetic text only where there is nothing else. None of it stands in
//            a run of 24 of the training text
//   canary   a sentence with a number (canary.h) that stands in the texts: asked for, and scored
//            beside the same sentence with other numbers
//
// A plan is a pure function of texts, options and seed: the same on any machine. It holds
// contributed text and is kept encrypted.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/extraction/canary.h"
#include "base/digest.h"
#include "base/status.h"

namespace jangbu::audit {

enum class TextRole : uint8_t {
  kContributed = 1,  // in the training set
  kControl = 2,      // contributed after the cut-off, held back, or synthetic
  kCanary = 3,
};

// Where a control comes from, best first. Stored.
enum class ControlOrigin : uint8_t {
  kNone = 0,         // is no control
  kAfterCutOff = 1,  // contributed, and committed after the training text was cut off
  kHeldBack = 2,
  kSynthetic = 3,
};
// What a control window has in common with the audited window it stands for, best first. Stored.
enum class ControlMatch : uint8_t {
  kPartner = 1,  // partner, source type and length (by tens: LengthClass)
  kSource = 2,   // source type and length
  kSourceType = 3,
  kAny = 4,
};

struct AuditText {
  std::string id;
  std::string partner;
  std::string source_type;
  TextRole role = TextRole::kContributed;
  uint32_t copies = 1;  // how often it stands in the training set, where known; of a canary in how
                        // many documents: 0, a reference for one, which stands in none
  std::string text;     // canonical
  ControlOrigin origin = ControlOrigin::kNone;
};

// Tokens of a text, by the audited model's tokenizer where it is known, else by the pinned one.
using TokenCount = std::function<int64_t(std::string_view)>;

struct PlanOptions {
  std::string seed;
  uint32_t windows = 3'000;          // of each partner
  uint32_t control_windows = 1'000;  // in all
  uint32_t suffix_tokens = 50;
  std::vector<uint32_t> prefix_tokens = {25, 50, 100, 200};
  bool attacks = false;   // of the catalogue, besides prefixes
  uint32_t samples = 0;   // random samples a window for (n, p) where no log-probabilities come
  bool logprobs = true;   // ask for the log-probability of the suffix where the endpoint can
  std::string tokenizer;  // its name, for the report
  // Until when texts were taken for training, as told; "": not told.
  std::string trained_until;
  uint32_t canary_references = 99;  // other numbers that a canary's is compared with
};

// The cell whose prefix is everything before the window: a model that learnt a document from its
// beginning knows a window best so, and a prefix that begins in the middle of it may miss.
inline constexpr std::string_view kFromStart = "from-start";
// Cells of a canary: its beginning is the prefix; and of one with another number, only scored.
inline constexpr std::string_view kCanaryCell = "canary";
inline constexpr std::string_view kReferenceCell = "canary-reference";

// One question. Several cells of one window share `window`.
struct Probe {
  uint32_t window = 0;
  std::string cell;  // "prefix-50", "from-start", "continue-ko/1", …
  bool chat = false;
  std::string prompt;  // the user's words, or the text to be continued
  std::string system;  // chat only; may be ""
};

struct Window {
  uint32_t text = 0;   // index in the plan's texts
  uint32_t begin = 0;  // bytes in the text: of the suffix
  uint32_t end = 0;
  uint32_t draws = 1;              // how often it was drawn
  uint32_t documents_windows = 1;  // windows its document has, for the document-level rate
};

// What the frame of one partner (or of the control) was.
struct FrameSize {
  std::string partner;
  TextRole role = TextRole::kContributed;
  uint64_t documents = 0;
  uint64_t too_short = 0;  // documents without a window
  uint64_t windows = 0;
  uint64_t duplicates = 0;  // windows left out as said before
  uint64_t drawn = 0;
  uint64_t canaries = 0;  // windows left out because a canary stands in them
};

// Of how many draws of control windows this holds.
struct ControlDraws {
  ControlOrigin origin = ControlOrigin::kNone;
  ControlMatch match = ControlMatch::kAny;
  uint64_t draws = 0;
};

struct ProbePlan {
  PlanOptions options;
  std::vector<AuditText> texts;  // all: outputs are compared with every contributed one
  std::vector<Window> windows;
  std::vector<Probe> probes;           // ascending by window
  std::vector<FrameSize> frames;       // ascending by partner, controls last
  std::vector<ControlDraws> controls;  // ascending by match, then origin
  uint64_t control_runs = 0;           // control windows drawn and left out for a run in the frame
  uint64_t canaries_unplaced = 0;      // of the registry: stand in no text
  uint64_t canaries_withdrawn = 0;
};

// "after_cut_off", "partner_source_length", …: as reports name them.
std::string_view NameOf(ControlOrigin origin);
std::string_view NameOf(ControlMatch match);

// Of a document by code points of comparison form: 0, 1,000, 10,000 or 100,000, the least it has.
uint32_t LengthClass(size_t code_points);

// InvalidArgument("no_text") when nothing contributed has a window. `canaries`: a registry.
// Withdrawn canaries are not asked about; no window of the frame holds any.
StatusOr<ProbePlan> MakePlan(std::vector<AuditText> texts, PlanOptions options,
                             const TokenCount& tokens, std::span<const Canary> canaries = {});

// A plan of given prefixes and suffixes: another's benchmark, asked as it was published.
struct GivenProbe {
  std::string id, partner;
  TextRole role = TextRole::kContributed;
  uint32_t copies = 1;
  std::string text, prefix, suffix;
};
StatusOr<ProbePlan> MakeGivenPlan(std::vector<GivenProbe> given, PlanOptions options);

// One encoding a plan; others: DataLoss("plan_malformed"), or of before: "plan_of_other_version".
std::string EncodePlan(const ProbePlan& plan);
StatusOr<ProbePlan> DecodePlan(std::string_view bytes);
// Names a plan: SHA-256 of its encoding.
Digest PlanDigest(std::string_view encoded);

// Random numbers from a seed by SHA-256 in counter mode; the same everywhere.
class SeededDraw {
 public:
  explicit SeededDraw(std::string_view seed);
  // Uniform in [0, below), by rejection. REQUIRES: below > 0.
  uint64_t Below(uint64_t below);

 private:
  uint64_t Next();
  std::string seed_;
  uint64_t counter_ = 0;
  Digest block_{};
  size_t used_ = 4;
};

// ---- the catalogue of attacks: data (attacks.def), versioned ----

struct Attack {
  std::string_view id;  // "continue-ko/1": a change of wording is a new number
  std::string_view system;
  std::string_view wording;  // {prefix}, {title}, {first} stand for text of the document
  std::string_view source;   // where it is from
};
inline constexpr std::string_view kCatalogueVersion = "2026-11";
const std::vector<Attack>& AttackCatalogue();

}  // namespace jangbu::audit
