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
  form_.Push(bytes, text_, units_);
  auto answer = Advance(false);
  if (!answer.ok()) stopped_ = true;
  return answer;
}

StatusOr<GuardAnswer> StreamGuard::Finish() {
  if (stopped_) return GuardAnswer{{}, true, {}};
  form_.Finish(text_, units_);
  auto answer = Advance(true);
  stopped_ = true;
  return answer;
}

size_t StreamGuard::GroupEnd(std::span<const FormUnit> units, size_t begin, uint64_t& end_byte) {
  end_byte = units[begin].end;
  size_t end = begin + 1;
  for (; end < units.size() && units[end].begin < end_byte; ++end) {
    end_byte = std::max(end_byte, units[end].end);
  }
  return end;
}

StatusOr<bool> StreamGuard::Judge(Group group, GuardAnswer* answer) {
  const bool mask = mode_ == GuardMode::kMask;
  if (mask && !released_.has_value()) follower_.Save(mark_);
  bool free = true;
  for (const FormUnit& unit : group) {
    JANGBU_ASSIGN_OR_RETURN(const Judgement judgement, follower_.Step(unit.cp));
    if (judgement == Judgement::kFree) continue;
    free = false;
    if (answer == nullptr) return false;
    JANGBU_RETURN_IF_ERROR(Note(judgement, follower_, *answer));
    if (mode_ == GuardMode::kBlock || mode_ == GuardMode::kCut) return false;
  }
  if (!mask) return free;
  if (free && masked_last_ && JoinsBackwards(group.front().cp)) {
    // A jamo after ■ joins what stands before it.
    free = false;
    if (open_.has_value()) open_->end = static_cast<int64_t>(follower_.taken());
  }
  if (free && released_.has_value()) {
    RunFollower::Mark before;
    released_->Save(before);
    for (const FormUnit& unit : group) {
      JANGBU_ASSIGN_OR_RETURN(const Judgement judgement, released_->Step(unit.cp));
      if (judgement == Judgement::kFree) continue;
      free = false;
      if (answer != nullptr) JANGBU_RETURN_IF_ERROR(Note(judgement, *released_, *answer));
      break;
    }
    if (!free) released_->Restore(before);
  }
  if (free || answer == nullptr) return free;
  if (!released_.has_value()) {
    released_.emplace(follower_);
    released_->Restore(mark_);
  }
  // What was released of it when it was another letter stays released.
  for (const FormUnit& unit : shown_) {
    if (unit.begin < group.front().begin || unit.begin >= group.back().end) continue;
    JANGBU_RETURN_IF_ERROR(released_->Step(unit.cp).status());
  }
  return false;
}

void StreamGuard::CloseFinding(GuardAnswer& answer) {
  if (!open_.has_value()) return;
  answer.findings.push_back(std::move(*open_));
  open_.reset();
}

// Starts a finding that `from` made, or goes on with the open one.
Status StreamGuard::Note(Judgement judgement, const RunFollower& from, GuardAnswer& answer) {
  const auto end = static_cast<int64_t>(follower_.taken());
  if (open_.has_value() && (open_->end + 1 != end || open_->kind != judgement)) {
    CloseFinding(answer);
  }
  if (open_.has_value()) {
    open_->end = end;
    if (open_->run.size() < kMaxRun) open_->run += from.Last(1);
    return OkStatus();
  }
  const RunFollower::Found& found = from.found();
  const auto length = static_cast<int64_t>(from.taken()) - found.begin;
  GuardFinding finding;
  finding.kind = judgement;
  finding.begin = std::min(end - length, end - 1);
  finding.end = end;
  finding.document = found.document;
  finding.run = from.Last(std::min<size_t>(kMaxRun, static_cast<size_t>(end - finding.begin)));
  if (judgement == Judgement::kWithdrawn) {
    finding.holders.push_back(found.document);
  } else {
    const size_t window = judgement == Judgement::kBudget ? kExposedRun : from.LeastRunHere();
    const std::u32string_view run = from.Last(window);
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
  std::vector<FormUnit>& tail = tail_;
  tail.clear();
  if (!finish && form_.HasTail()) form_.Tail(tail);
  size_t at = 0;
  while (at < units_.size()) {
    uint64_t end_byte = 0;
    const size_t end = GroupEnd(units_, at, end_byte);
    if (end == units_.size() && !tail.empty() && tail.front().begin < end_byte) break;
    const Group group = Group(units_).subspan(at, end - at);
    at = end;
    JANGBU_ASSIGN_OR_RETURN(const bool free, Judge(group, &answer));
    masked_last_ = false;
    if (free) continue;
    if (mode_ == GuardMode::kBlock || mode_ == GuardMode::kCut) {
      // What the free part showed is spent even if it is the last of the answer.
      if (has_budget_) JANGBU_RETURN_IF_ERROR(follower_.SpendExposures().status());
      stop(std::max(text_begin_, group.front().begin));
      return answer;
    }
    if (mode_ == GuardMode::kMask) {
      masks_.push_back({0, group.front().begin, end_byte});
      masked_last_ = true;
    }
  }
  units_.erase(units_.begin(), units_.begin() + static_cast<ptrdiff_t>(at));
  if (has_budget_) {
    RunFollower& shown = released_.has_value() ? *released_ : follower_;
    JANGBU_ASSIGN_OR_RETURN(const bool granted, shown.SpendExposures());
    if (!granted && mode_ != GuardMode::kReport) {
      // Another answer to the same key took what was left meanwhile.
      JANGBU_RETURN_IF_ERROR(Note(Judgement::kBudget, follower_, answer));
      stop(text_begin_);
      return answer;
    }
  }
  uint64_t to = text_begin_ + text_.size();
  if (!finish && mode_ != GuardMode::kReport && !tail.empty()) {
    JANGBU_ASSIGN_OR_RETURN(to, ReleasableTo(tail));
  }
  if (finish || (open_.has_value() && open_->end != static_cast<int64_t>(follower_.taken()))) {
    CloseFinding(answer);
  }
  answer.release = Release(to);
  return answer;
}

// How far the text may be released while `tail` is not settled: judged as if it ended here, and
// gone back.
StatusOr<uint64_t> StreamGuard::ReleasableTo(std::span<const FormUnit> tail) {
  if (units_.empty() && tail.size() == 1 && !masked_last_ && !follower_.MayStopNext() &&
      (!released_.has_value() || !released_->MayStopNext())) {
    if (mode_ == GuardMode::kMask) shown_.assign(tail.begin(), tail.end());
    return text_begin_ + text_.size();
  }
  std::vector<FormUnit> units = units_;
  units.insert(units.end(), tail.begin(), tail.end());
  uint64_t to = text_begin_ + text_.size();
  RunFollower::Mark raw_before;
  RunFollower::Mark released_before;
  const bool masked_before = masked_last_;
  follower_.Save(raw_before);
  if (released_.has_value()) released_->Save(released_before);
  size_t at = 0;
  while (at < units.size()) {
    uint64_t end_byte = 0;
    const size_t end = GroupEnd(units, at, end_byte);
    JANGBU_ASSIGN_OR_RETURN(const bool free, Judge(Group(units).subspan(at, end - at), nullptr));
    if (!free) break;
    masked_last_ = false;
    at = end;
  }
  if (has_budget_ && at > 0) {
    // What is shown of it now is counted now.
    JANGBU_ASSIGN_OR_RETURN(const bool granted,
                            (released_.has_value() ? *released_ : follower_).SpendExposures());
    if (!granted) at = 0;
  }
  if (at < units.size()) to = std::max(text_begin_, std::min(to, units[at].begin));
  follower_.Restore(raw_before);
  if (released_.has_value()) released_->Restore(released_before);
  masked_last_ = masked_before;
  if (mode_ == GuardMode::kMask) {
    // Of the first that is held, what was released before is what it was then.
    std::vector<FormUnit> shown(units.begin(), units.begin() + static_cast<ptrdiff_t>(at));
    for (const FormUnit& unit : shown_) {
      if (at < units.size() && unit.begin >= units[at].begin) shown.push_back(unit);
    }
    shown_ = std::move(shown);
  }
  return to;
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
