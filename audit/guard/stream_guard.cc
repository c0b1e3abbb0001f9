#include "audit/guard/stream_guard.h"

#include <algorithm>
#include <utility>

namespace jangbu::audit {
namespace {

constexpr std::string_view kMask = "■";
constexpr size_t kMaxHolders = 256;
constexpr size_t kMaxRun = 4096;

}  // namespace

std::u32string FormOf(std::string_view utf8) {
  FormStream stream;
  std::string text;
  std::vector<FormUnit> units;
  stream.Push(utf8, text, units);
  stream.Finish(text, units);
  std::u32string form;
  form.reserve(units.size());
  for (const FormUnit& unit : units) form.push_back(unit.cp);
  return form;
}

StreamGuard::StreamGuard(std::shared_ptr<const GuardIndex> index, GuardOptions options)
    : index_(std::move(index)),
      mode_(options.mode),
      has_budget_(options.budget != nullptr),
      follower_(index_, FormOf(options.user_message), options.budget) {}

StatusOr<GuardAnswer> StreamGuard::Push(std::string_view bytes) {
  if (stopped_) return GuardAnswer{{}, true, {}};
  units_.clear();
  form_.Push(bytes, text_, units_);
  auto answer = Advance(false);
  if (!answer.ok()) stopped_ = true;
  return answer;
}

StatusOr<GuardAnswer> StreamGuard::Finish() {
  if (stopped_) return GuardAnswer{{}, true, {}};
  units_.clear();
  form_.Finish(text_, units_);
  auto answer = Advance(true);
  stopped_ = true;
  return answer;
}

StatusOr<Judgement> StreamGuard::Judge(RunFollower& raw, std::optional<RunFollower>& released,
                                       char32_t cp) {
  if (mode_ != GuardMode::kMask) return raw.Step(cp);
  if (!released.has_value()) raw.Save(mark_);
  JANGBU_ASSIGN_OR_RETURN(Judgement judgement, raw.Step(cp));
  // A jamo after ■ could join what stands before it.
  if (judgement == Judgement::kFree && masked_last_ && JoinsBackwards(cp)) {
    judgement = Judgement::kRun;
  }
  if (judgement != Judgement::kFree) {
    if (!released.has_value()) {
      released.emplace(raw);
      released->Restore(mark_);
    }
    return judgement;
  }
  if (!released.has_value()) return judgement;
  RunFollower::Mark before;
  released->Save(before);
  JANGBU_ASSIGN_OR_RETURN(judgement, released->Step(cp));
  if (judgement != Judgement::kFree) released->Restore(before);
  return judgement;
}

void StreamGuard::CloseFinding(GuardAnswer& answer) {
  if (!open_.has_value()) return;
  answer.findings.push_back(std::move(*open_));
  open_.reset();
}

// Starts a finding, or goes on with the open one.
Status StreamGuard::Note(Judgement judgement, GuardAnswer& answer) {
  const auto end = static_cast<int64_t>(follower_.taken());
  if (open_.has_value() && (open_->end + 1 != end || open_->kind != judgement)) {
    CloseFinding(answer);
  }
  if (open_.has_value()) {
    open_->end = end;
    if (open_->run.size() < kMaxRun) open_->run += follower_.Last(1);
    return OkStatus();
  }
  const RunFollower::Found& found = follower_.found();
  GuardFinding finding;
  finding.kind = judgement;
  finding.begin = std::min(found.begin, end - 1);
  finding.end = end;
  finding.document = found.document;
  finding.run = follower_.Last(std::min<size_t>(kMaxRun, static_cast<size_t>(end - finding.begin)));
  if (judgement == Judgement::kWithdrawn) {
    finding.holders.push_back(found.document);
  } else {
    const size_t window = judgement == Judgement::kBudget ? kExposedRun : follower_.LeastRunHere();
    const std::u32string_view run = follower_.Last(window);
    if (run.size() >= ingest::kMinRun) {
      JANGBU_ASSIGN_OR_RETURN(finding.holders,
                              index_->view().Holders(run, {}, index_->forms(), kMaxHolders));
    }
  }
  open_ = std::move(finding);
  return OkStatus();
}

StatusOr<GuardAnswer> StreamGuard::Advance(bool finish) {
  GuardAnswer answer;
  const auto stop = [&](uint64_t release_to) {
    CloseFinding(answer);
    if (mode_ == GuardMode::kCut) answer.release = Release(release_to);
    answer.stopped = stopped_ = true;
    text_.clear();
  };
  for (const FormUnit& unit : units_) {
    JANGBU_ASSIGN_OR_RETURN(const Judgement judgement, Judge(follower_, released_, unit.cp));
    masked_last_ = false;
    if (judgement == Judgement::kFree) continue;
    JANGBU_RETURN_IF_ERROR(Note(judgement, answer));
    if (mode_ == GuardMode::kBlock || mode_ == GuardMode::kCut) {
      // What the free part showed is spent even if it is the last of the answer.
      if (has_budget_) static_cast<void>(follower_.SpendExposures());
      stop(std::max(text_begin_, unit.begin));
      return answer;
    }
    if (mode_ == GuardMode::kMask) {
      masks_.push_back(unit);
      masked_last_ = true;
    }
  }
  if (has_budget_) {
    RunFollower& shown = released_.has_value() ? *released_ : follower_;
    if (!shown.SpendExposures() && mode_ != GuardMode::kReport) {
      // Another answer to the same key took what was left meanwhile.
      JANGBU_RETURN_IF_ERROR(Note(Judgement::kBudget, answer));
      stop(text_begin_);
      return answer;
    }
  }
  uint64_t to = text_begin_ + text_.size();
  if (!finish && mode_ != GuardMode::kReport && form_.HasTail()) {
    // As if it ended here; then back.
    RunFollower::Mark raw_before;
    RunFollower::Mark released_before;
    const bool had_released = released_.has_value();
    const bool masked_before = masked_last_;
    follower_.Save(raw_before);
    if (had_released) released_->Save(released_before);
    for (const FormUnit& unit : form_.Tail()) {
      JANGBU_ASSIGN_OR_RETURN(const Judgement judgement, Judge(follower_, released_, unit.cp));
      if (judgement != Judgement::kFree) {
        to = std::max(text_begin_, std::min(to, unit.begin));
        break;
      }
      masked_last_ = false;
    }
    follower_.Restore(raw_before);
    if (had_released) {
      released_->Restore(released_before);
    } else {
      released_.reset();
    }
    masked_last_ = masked_before;
  }
  if (finish || (open_.has_value() && open_->end != static_cast<int64_t>(follower_.taken()))) {
    CloseFinding(answer);
  }
  answer.release = Release(to);
  return answer;
}

std::string StreamGuard::Release(uint64_t to) {
  std::string out;
  size_t used = 0;  // masks that end before `to`
  uint64_t at = text_begin_;
  const auto copy = [&](uint64_t end) {
    if (end > at) out.append(text_, at - text_begin_, end - at);
    at = std::max(at, end);
  };
  for (FormUnit& mask : masks_) {
    if (mask.begin >= to) break;
    copy(mask.begin);
    out.append(kMask);
    at = std::max(at, std::min(mask.end, to));
    if (mask.end > to) {
      mask.begin = to;
      break;
    }
    ++used;
  }
  masks_.erase(masks_.begin(), masks_.begin() + static_cast<ptrdiff_t>(used));
  copy(to);
  text_.erase(0, to - text_begin_);
  text_begin_ = to;
  return out;
}

}  // namespace jangbu::audit
