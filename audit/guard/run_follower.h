#pragma once

// Follows a text, code point by code point of its comparison form, and says at each whether a
// forbidden run ends there.
//
// Each tile of the index that ends here (one filter look-up) starts a cursor in every document that
// holds it, which goes on as long as the document does; a tile that stands at too many places is
// left to the table of hot runs. What is found is exactly
//
//   forbidden(e)  the last LeastRun(text up to e) code points up to e occur in one document and do
//                 not all occur, in a row, in the user's message
//
// (tests/reference/guard.h). Besides, with a budget: a run of 25 or more in a document of which the
// key has been shown enough.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/guard/exposure_budget.h"
#include "audit/guard/guard_index.h"
#include "audit/guard/message_runs.h"
#include "base/status.h"

namespace jangbu::audit {

inline constexpr size_t kExposedRun = 25;
// A run that begins in the user's message and goes on in the output is counted from its beginning
// there, once so much of it is output: less is chance.
inline constexpr size_t kCrossing = 12;

enum class Judgement : uint8_t {
  kFree,
  kRun,        // a forbidden run of a document in force
  kWithdrawn,  // of a withdrawn one
  kBudget,     // 25 or more of a document that the key has been shown enough of
};

// Copyable: a copy goes on from the same place. Not thread-safe. About 20 ns a code point of novel
// text.
class RunFollower {
 public:
  // `message`: comparison form of the user's last message, which the text answers. `budget` (may be
  // null: none) is borrowed.
  RunFollower(std::shared_ptr<const GuardIndex> index, std::u32string message,
              ExposureBudget* budget);

  // Takes the next code point. An error is one of the source of forms: nothing can be said then,
  // and nothing may be released.
  StatusOr<Judgement> Step(char32_t cp);

  // Where Step last found something: the run's beginning, as an offset in the output (negative: in
  // the user's message), and the document.
  struct Found {
    int64_t begin = 0;
    ingest::RunDocument document;
  };
  const Found& found() const { return found_; }
  // Code points of output taken.
  uint64_t taken() const { return End() - start_; }
  // The last `n` code points taken (fewer if there are not so many, at most about 4,096).
  std::u32string_view Last(size_t n) const;
  size_t LeastRunHere() const;

  // Could the next code point be judged anything but free, whatever it is? False is certain: a run
  // of 25 holds a tile that ended before, so its cursor is there by now, or the tile was hot.
  bool MayStopNext() const;

  // Takes from the budget what was found free since the last call. False when another stream of
  // the same key was quicker; an error when it could not be counted: then it may not be shown.
  StatusOr<bool> SpendExposures();

  // A place to go back to. Valid until something before it is gone back to; costs little when no
  // run is open. What was taken from the budget meanwhile stays taken, and is not taken twice.
  struct Mark;
  void Save(Mark& mark) const;
  void Restore(const Mark& mark);

 private:
  struct Cursor {
    std::shared_ptr<const std::u32string> form;
    ingest::RunDocument document;
    uint32_t next = 0;   // place in the form
    uint64_t begin = 0;  // of the run, absolute
  };
  struct Exposure {
    ingest::RunDocument document;
    size_t form_length = 0;
    uint32_t left = 0;  // when first asked
    uint32_t counted = 0;
    uint32_t spent = 0;
    uint64_t upto = 0;
  };
  struct State {
    std::vector<Cursor> cursors;
    std::vector<Exposure> exposures;
    uint64_t last_triple = 0;  // place + 1 of the last hot tile that is the third in a row
    uint64_t last_hot = 0;     // place + 1 of the last hot tile
    MessageRuns::State message;
    uint64_t message_at = 0;  // `message` is of the text up to here
  };

  uint64_t End() const { return base_ + text_.size(); }
  std::u32string_view Ending(size_t n) const {
    return std::u32string_view(text_).substr(text_.size() - n);
  }
  void Append(char32_t cp);
  void Trim();
  Status LookUp();
  Status Follow(const ingest::RunSegment& segment, ingest::internal::KeyTable::Range rows,
                uint64_t place);
  StatusOr<bool> FindHot(size_t least);
  size_t InMessage();
  uint64_t FullBegin(const Cursor& cursor) const;

  std::shared_ptr<const GuardIndex> index_;
  std::u32string message_;
  std::shared_ptr<const MessageRuns> message_runs_;  // made when first needed
  ExposureBudget* budget_;

  // The text, from `base_` on, and beside it for each code point: Hangul and Han before it, and
  // whether a hot tile begins there.
  std::u32string text_;
  std::vector<uint32_t> korean_;
  uint32_t korean_all_ = 0;
  std::vector<uint8_t> hot_;
  uint64_t base_ = 0;
  uint64_t start_ = 0;  // where the output begins
  bool seeding_ = false;
  ingest::RunHasher::Roller roller_;
  uint64_t rolled_ = UINT64_MAX;  // place of the roller's window
  ingest::RunHasher::Roller wide_;
  uint64_t wide_rolled_ = UINT64_MAX;
  State state_;
  Found found_;
};

struct RunFollower::Mark {
  uint64_t end = 0;
  State state;
  Found found;
  std::optional<ingest::RunHasher::Roller> roller, wide;
  uint64_t rolled = UINT64_MAX, wide_rolled = UINT64_MAX;
};

}  // namespace jangbu::audit
