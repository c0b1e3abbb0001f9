#pragma once

// The guard of one answer: text in pieces in, what may be released out. Invariant 5.
//
//   promise  The comparison form of everything released holds no run of 50 or more code points of
//            one contributed document (20 of them Hangul or Han; else 150) that the user's own last
//            message does not hold: the 50th code point is never released, whatever the pieces, the
//            spacing, punctuation, width, case or invisible characters.
//   honesty  Nothing is stopped for a run that is not in the corpus.
//
// What is not settled yet (the last letter, if a mark or jamo may still change it into one that
// would complete a run) is held until it is. Ordinary text is released in the call that brings it.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/guard/form_stream.h"
#include "audit/guard/run_follower.h"
#include "base/status.h"

namespace jangbu::audit {

enum class GuardMode : uint8_t {
  kBlock = 1,   // nothing of the piece that completes a run is released, and the answer ends
  kCut = 2,     // the answer ends before the code point that completes the run
  kMask = 3,    // that code point and those that go on with the run become ■, the rest goes on
  kReport = 4,  // everything is released; findings are told
};

struct GuardFinding {
  Judgement kind = Judgement::kRun;
  // Offsets in the comparison form of the output, in code points; a begin below 0 lies in the
  // user's message. [begin, end) is the run as far as it was followed.
  int64_t begin = 0;
  int64_t end = 0;
  ingest::RunDocument document;  // one that holds it
  // All that hold its first forbidden window, at most 256. For compliance only: who holds a text
  // is nobody else's business.
  std::vector<ingest::RunDocument> holders;
  std::u32string run;  // its last code points, at most 4,096
};

struct GuardAnswer {
  std::string release;
  bool stopped = false;
  std::vector<GuardFinding> findings;  // that ended, or that stopped the answer
};

struct GuardOptions {
  GuardMode mode = GuardMode::kBlock;
  // The user's own last message, as UTF-8; never a system's or an assistant's turn. Only runs that
  // it holds are exempt.
  std::string user_message;
  ExposureBudget* budget = nullptr;  // borrowed; null: none
};

// One answer. Not thread-safe; many may share an index. About 30 ns a syllable of novel text; 8
// bytes a code point of memory, bounded.
class StreamGuard {
 public:
  StreamGuard(std::shared_ptr<const GuardIndex> index, GuardOptions options);

  // Takes the next bytes. An error is one of reading stored text or of counting what is shown; then
  // nothing was released, and nothing more will be: the caller ends the answer.
  StatusOr<GuardAnswer> Push(std::string_view bytes);
  // The end of the answer. Releases what was held.
  StatusOr<GuardAnswer> Finish();

  bool stopped() const { return stopped_; }

 private:
  // Code points of the form whose bytes overlap (a letter and the jamo of the next one in one
  // unit): released or held back together, so that what is released reads as it was judged.
  using Group = std::span<const FormUnit>;
  static size_t GroupEnd(std::span<const FormUnit> units, size_t begin, uint64_t& end_byte);

  StatusOr<GuardAnswer> Advance(bool finish);
  // Follows a group; is it free? With `answer` (null: only asked, and gone back from) findings are
  // told and, in mask mode, what is not free is left out of what is followed as released.
  StatusOr<bool> Judge(Group group, GuardAnswer* answer);
  Status Note(Judgement judgement, const RunFollower& from, GuardAnswer& answer);
  void CloseFinding(GuardAnswer& answer);
  StatusOr<uint64_t> ReleasableTo(std::span<const FormUnit> tail);
  std::string Release(uint64_t to);

  const std::shared_ptr<const GuardIndex> index_;
  const GuardMode mode_;
  const bool has_budget_;
  FormStream form_;
  std::vector<FormUnit> tail_;   // of form_
  std::vector<FormUnit> units_;  // settled, not judged: what follows may share their bytes
  RunFollower follower_;
  // In mask mode, from the first ■ on: follows what is released, where it differs from what came.
  std::optional<RunFollower> released_;
  RunFollower::Mark mark_;
  bool masked_last_ = false;
  // In mask mode: of letters that are not settled, what was released, as it reads so far.
  std::vector<FormUnit> shown_;

  std::string text_;         // not released
  uint64_t text_begin_ = 0;  // its offset
  std::vector<FormUnit> masks_;
  std::optional<GuardFinding> open_;
  bool stopped_ = false;
};

// The code points of the comparison form of `utf8`, which need not be valid.
std::u32string FormOf(std::string_view utf8);

}  // namespace jangbu::audit
