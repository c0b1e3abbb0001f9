#include "audit/guard/run_follower.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace jangbu::audit {

using ingest::kTile;
using ingest::kTileStep;
using ingest::internal::DocumentTable;
using ingest::internal::KeyTable;

namespace {

constexpr size_t kKept = 4096;  // of the text behind us
constexpr size_t kTrimAt = 16384;
constexpr size_t kSeed = 512;  // of the message before the output
constexpr size_t kLookBack = 2 * kRunLimitOther;

}  // namespace

RunFollower::RunFollower(std::shared_ptr<const GuardIndex> index, std::u32string message,
                         ExposureBudget* budget)
    : index_(std::move(index)),
      message_(std::move(message)),
      budget_(budget),
      roller_(*index_->view().hasher(), kTile),
      wide_(*index_->view().hasher(), kRunLimit) {
  seeding_ = true;
  const size_t from = message_.size() > kSeed ? message_.size() - kSeed : 0;
  for (size_t i = from; i < message_.size(); ++i) {
    // An error here comes again with the first code point that needs the same text.
    static_cast<void>(Step(message_[i]));
  }
  seeding_ = false;
  start_ = End();
}

void RunFollower::Append(char32_t cp) {
  text_.push_back(cp);
  korean_.push_back(korean_all_);
  korean_all_ += IsHangulOrHan(cp) ? 1 : 0;
  hot_.push_back(0);
}

void RunFollower::Trim() {
  if (text_.size() < kTrimAt) return;
  const size_t gone = text_.size() - kKept;
  text_.erase(0, gone);
  korean_.erase(korean_.begin(), korean_.begin() + static_cast<ptrdiff_t>(gone));
  hot_.erase(hot_.begin(), hot_.begin() + static_cast<ptrdiff_t>(gone));
  base_ += gone;
}

size_t RunFollower::LeastRunHere() const {
  // LeastRun by the running count instead of by looking.
  const size_t n = text_.size();
  const uint32_t all = korean_all_;
  if (n >= kRunLimit && all - korean_[n - kRunLimit] >= kRunKorean) return kRunLimit;
  const size_t low = n > kRunLimitOther ? n - kRunLimitOther : 0;
  if (all - korean_[low] < kRunKorean) return kRunLimitOther;
  // The last place from which on there are 20.
  const auto first = korean_.begin() + static_cast<ptrdiff_t>(low);
  const auto after = std::upper_bound(first, korean_.end(), all - kRunKorean);
  const auto from = static_cast<size_t>(after - korean_.begin()) - 1;
  return std::max(kRunLimit, n - from);
}

Status RunFollower::Follow(const ingest::RunSegment& segment, KeyTable::Range rows,
                           uint64_t place) {
  DocumentTable::Entry entry;
  for (uint64_t r = rows.first; r < rows.last; ++r) {
    const auto tile = static_cast<uint32_t>(segment.tile_table().ValueAt(r));
    if (entry.tiles == 0 || tile < entry.first_tile || tile - entry.first_tile >= entry.tiles) {
      entry = segment.document_table().OfTile(tile);
    }
    const auto offset = static_cast<uint32_t>((tile - entry.first_tile) * kTileStep);
    const uint32_t next = offset + kTile;
    bool known = false;
    for (const Cursor& c : state_.cursors) {
      if (c.next == next && c.document.place == entry.document.place) {
        known = true;
        break;
      }
    }
    if (known) continue;
    JANGBU_ASSIGN_OR_RETURN(std::shared_ptr<const std::u32string> form,
                            index_->Form(entry.document));
    if (form == nullptr) continue;
    const size_t at = place - base_;
    if (next > form->size() ||
        std::memcmp(text_.data() + at, form->data() + offset, kTile * sizeof(char32_t)) != 0) {
      continue;
    }
    size_t back = 0;
    const size_t most = std::min({at, size_t{offset}, kRunLimitOther});
    while (back < most && text_[at - back - 1] == (*form)[offset - back - 1]) ++back;
    state_.cursors.push_back({std::move(form), entry.document, next, place - back});
  }
  return OkStatus();
}

Status RunFollower::LookUp() {
  const uint64_t place = End() - kTile;
  const size_t at = place - base_;
  if (rolled_ != UINT64_MAX && rolled_ + 1 == place) {
    roller_.Step(text_[at - 1], text_[at + kTile - 1]);
  } else {
    roller_.Reset(text_.data() + at);
  }
  rolled_ = place;
  const uint64_t key = roller_.key();
  for (const ingest::RunView::Group& group : index_->view().groups()) {
    if (group.summary != nullptr && !group.summary->filter().MayContain(key)) continue;
    for (const auto& segment : group.segments) {
      if (!segment->filter().MayContain(key)) continue;
      const KeyTable::Range rows = segment->tile_table().Find(key);
      if (rows.empty()) continue;
      if (rows.size() > kFollowed) {
        hot_[at] = 1;
      } else {
        JANGBU_RETURN_IF_ERROR(Follow(*segment, rows, place));
      }
    }
  }
  if (hot_[at] != 0) state_.last_hot = place + 1;
  if (hot_[at] != 0 && at >= 2 * kTileStep && hot_[at - kTileStep] != 0 &&
      hot_[at - 2 * kTileStep] != 0) {
    state_.last_triple = place + 1;
  }
  return OkStatus();
}

StatusOr<bool> RunFollower::FindHot(size_t least) {
  const std::u32string_view window = Ending(least);
  const uint64_t hash = HotRuns::HashOf(window, index_->view().hasher()->check());
  for (const GuardIndex::Segment& segment : index_->segments()) {
    if (segment.hot == nullptr) continue;
    const HotRuns::Place* const place = segment.hot->Find(hash);
    if (place == nullptr) continue;
    JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<const std::u32string> form,
                            index_->Form(place->document));
    if (form == nullptr) continue;
    if (std::u32string_view(*form).substr(std::min<size_t>(place->begin, form->size()), least) !=
        window) {
      continue;
    }
    found_ = {static_cast<int64_t>(End() - least) - static_cast<int64_t>(start_), place->document};
    return true;
  }
  return false;
}

size_t RunFollower::InMessage() {
  if (message_.empty()) return 0;
  if (message_runs_ == nullptr) message_runs_ = std::make_shared<MessageRuns>(message_);
  const uint64_t end = End();
  if (state_.message_at + kLookBack < end || state_.message_at < base_) {
    state_.message_at = end > base_ + kLookBack ? end - kLookBack : base_;
    state_.message = {};
  }
  for (; state_.message_at < end; ++state_.message_at) {
    message_runs_->Step(state_.message, text_[state_.message_at - base_]);
  }
  return state_.message.length;
}

uint64_t RunFollower::FullBegin(const Cursor& cursor) const {
  uint64_t begin = cursor.begin;
  while (begin > base_) {
    const uint64_t length = End() - begin;
    if (cursor.next < length + 1) break;
    if (text_[begin - 1 - base_] != (*cursor.form)[cursor.next - length - 1]) break;
    --begin;
  }
  return begin;
}

StatusOr<Judgement> RunFollower::Step(char32_t cp) {
  Trim();
  Append(cp);
  std::erase_if(state_.cursors, [cp](Cursor& c) {
    if (c.next >= c.form->size() || (*c.form)[c.next] != cp) return true;
    ++c.next;
    return false;
  });
  if (text_.size() < kTile) return Judgement::kFree;
  JANGBU_RETURN_IF_ERROR(LookUp());
  if (seeding_) return Judgement::kFree;

  const uint64_t end = End();
  const Cursor* longest = nullptr;
  for (const Cursor& c : state_.cursors) {
    if (longest == nullptr || c.begin < longest->begin) longest = &c;
  }
  const uint64_t length = longest == nullptr ? 0 : end - longest->begin;
  Judgement judgement = Judgement::kFree;
  size_t least = 0;
  if (length >= kRunLimit) {
    least = LeastRunHere();
    if (length >= least) {
      judgement = Judgement::kRun;
      found_ = {static_cast<int64_t>(FullBegin(*longest)) - static_cast<int64_t>(start_),
                longest->document};
    }
  }
  if (judgement == Judgement::kFree && index_->has_hot() && state_.last_triple != 0 &&
      state_.last_triple - 1 + kTile + kTileStep > end) {
    least = LeastRunHere();
    if (least <= text_.size()) {
      JANGBU_ASSIGN_OR_RETURN(const bool found, FindHot(least));
      if (found) judgement = Judgement::kRun;
    }
  }
  if (judgement == Judgement::kFree && index_->withdrawn() != nullptr &&
      text_.size() >= kRunLimit) {
    least = LeastRunHere();
    if (least <= text_.size()) {
      uint64_t key = 0;
      if (least == kRunLimit) {
        const uint64_t place = end - kRunLimit;
        const size_t at = place - base_;
        if (wide_rolled_ != UINT64_MAX && wide_rolled_ + 1 == place) {
          wide_.Step(text_[at - 1], text_[at + kRunLimit - 1]);
        } else {
          wide_.Reset(text_.data() + at);
        }
        wide_rolled_ = place;
        key = wide_.key();
      } else {
        key = index_->withdrawn()->hasher().KeyOf(Ending(least).data(), least);
      }
      if (const auto* document = index_->withdrawn()->Find(Ending(least), key)) {
        judgement = Judgement::kWithdrawn;
        found_ = {static_cast<int64_t>(end - least) - static_cast<int64_t>(start_), *document};
      }
    }
  }
  if (judgement != Judgement::kFree) {
    const bool crosses = end - least < start_;
    if ((crosses && end - start_ < kCrossing) || InMessage() >= least) {
      judgement = Judgement::kFree;
    }
  }
  if (judgement != Judgement::kFree || budget_ == nullptr || length < kExposedRun) {
    return judgement;
  }
  if (InMessage() >= kExposedRun) return judgement;
  // Twice over the documents: what is withheld is not shown of any of them.
  for (const bool count : {false, true}) {
    for (const Cursor& c : state_.cursors) {
      if (end - c.begin < kExposedRun) continue;
      auto x = std::find_if(state_.exposures.begin(), state_.exposures.end(),
                            [&](const auto& e) { return e.document.place == c.document.place; });
      if (x == state_.exposures.end()) {
        state_.exposures.push_back(
            {c.document, c.form->size(), budget_->Left(c.document, c.form->size()), 0, 0, start_});
        x = state_.exposures.end() - 1;
      }
      const uint64_t from = std::max({c.begin, start_, x->upto});
      if (from >= end) continue;
      const uint64_t n = end - from;
      if (count) {
        x->counted += static_cast<uint32_t>(n);
        x->upto = end;
      } else if (x->counted + n > x->left) {
        found_ = {static_cast<int64_t>(c.begin) - static_cast<int64_t>(start_), c.document};
        return Judgement::kBudget;
      }
    }
  }
  return judgement;
}

bool RunFollower::MayStopNext() const {
  if (index_->withdrawn() != nullptr) return true;
  const uint64_t end = End();
  for (const Cursor& c : state_.cursors) {
    if (end + 1 - c.begin >= kExposedRun) return true;
  }
  return state_.last_hot != 0 && state_.last_hot + kExposedRun + kTile > end;
}

std::u32string_view RunFollower::Last(size_t n) const { return Ending(std::min(n, text_.size())); }

StatusOr<bool> RunFollower::SpendExposures() {
  std::vector<ExposureUse> uses;
  std::vector<Exposure*> of;
  for (Exposure& x : state_.exposures) {
    if (x.counted <= x.spent) continue;
    uses.push_back({x.document, x.form_length, x.counted - x.spent});
    of.push_back(&x);
  }
  if (uses.empty()) return true;
  JANGBU_ASSIGN_OR_RETURN(const std::vector<bool> granted, budget_->Spend(uses));
  bool all = true;
  for (size_t i = 0; i < of.size(); ++i) {
    if (granted[i]) of[i]->spent = of[i]->counted;
    all = all && granted[i];
  }
  return all;
}

void RunFollower::Save(Mark& mark) const {
  mark.end = End();
  mark.state = state_;
  mark.found = found_;
  mark.roller = roller_;
  mark.rolled = rolled_;
  mark.wide = wide_;
  mark.wide_rolled = wide_rolled_;
}

void RunFollower::Restore(const Mark& mark) {
  JANGBU_CHECK(mark.end >= base_ && mark.end <= End());
  const size_t n = mark.end - base_;
  if (n < text_.size()) korean_all_ = korean_[n];
  text_.resize(n);
  korean_.resize(n);
  hot_.resize(n);
  const std::vector<Exposure> before = std::move(state_.exposures);
  state_ = mark.state;
  for (const Exposure& taken : before) {
    if (taken.spent == 0) continue;
    const auto x =
        std::find_if(state_.exposures.begin(), state_.exposures.end(),
                     [&](const auto& e) { return e.document.place == taken.document.place; });
    if (x != state_.exposures.end()) {
      x->spent = taken.spent;
    } else {
      state_.exposures.push_back(
          {taken.document, taken.form_length, taken.left, 0, taken.spent, start_});
    }
  }
  found_ = mark.found;
  roller_ = *mark.roller;
  rolled_ = mark.rolled;
  wide_ = *mark.wide;
  wide_rolled_ = mark.wide_rolled;
}

}  // namespace jangbu::audit
