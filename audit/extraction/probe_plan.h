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
//   control  the same of text the model cannot have seen, taken with the same rules
//
// A plan is a pure function of texts, options and seed: the same on any machine. It holds
// contributed text and is kept encrypted.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"

namespace jangbu::audit {

enum class TextRole : uint8_t {
  kContributed = 1,  // in the training set
  kControl = 2,      // contributed after the cut-off, held back, or synthetic
  kCanary = 3,
};

struct AuditText {
  std::string id;
  std::string partner;
  std::string source_type;
  TextRole role = TextRole::kContributed;
  uint32_t copies = 1;  // how often it stands in the training set, where known
  std::string text;     // canonical
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
};

// The cell whose prefix is everything before the window: a model that learnt a document from its
// beginning knows a window best so, and a prefix that begins in the middle of it may miss.
inline constexpr std::string_view kFromStart = "from-start";

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
};

struct ProbePlan {
  PlanOptions options;
  std::vector<AuditText> texts;  // all: outputs are compared with every contributed one
  std::vector<Window> windows;
  std::vector<Probe> probes;      // ascending by window
  std::vector<FrameSize> frames;  // ascending by partner, controls last
};

// InvalidArgument("no_text") when nothing has a window.
StatusOr<ProbePlan> MakePlan(std::vector<AuditText> texts, PlanOptions options,
                             const TokenCount& tokens);

// A plan of given prefixes and suffixes: another's benchmark, asked as it was published.
struct GivenProbe {
  std::string id, partner;
  TextRole role = TextRole::kContributed;
  uint32_t copies = 1;
  std::string text, prefix, suffix;
};
StatusOr<ProbePlan> MakeGivenPlan(std::vector<GivenProbe> given, PlanOptions options);

// One encoding a plan; Decode refuses any other bytes. DataLoss("plan_malformed").
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

// ---- canaries ----

// A made-up sentence with a number drawn from `space` (at least 2): placed in a partner's uploads,
// its exposure says whether the model remembers it (Carlini et al., "The Secret Sharer", 2019).
std::string CanaryText(std::string_view seed, uint64_t number, uint64_t space);
// log2(space) − log2(rank), rank from 1.
double Exposure(uint64_t rank, uint64_t space);

}  // namespace jangbu::audit
