#include "tests/support/faulty_seams.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace jangbu::support {
namespace {

Status Injected() {
  return Unavailable("injected_fault", "this call was made to fail; its outcome is unknown");
}

// A part of `all` in order, drawn from the plan: between none and all.
template <typename T>
std::vector<T> SomeOf(std::span<const T> all, FaultPlan& plan) {
  std::vector<T> some;
  for (const T& each : all) {
    if (plan.Draw(2) == 0) some.push_back(each);
  }
  return some;
}

}  // namespace

// ---- FaultPlan ----

void FaultPlan::FailCall(uint64_t n, Fault how) {
  const std::lock_guard lock(mutex_);
  chosen_[calls_ + n] = how;
}

void FaultPlan::FailOften(uint32_t per_mille) {
  const std::lock_guard lock(mutex_);
  per_mille_ = per_mille;
}

void FaultPlan::FreezeAfterFault() {
  const std::lock_guard lock(mutex_);
  freeze_after_fault_ = true;
}

void FaultPlan::Freeze() {
  const std::lock_guard lock(mutex_);
  frozen_ = true;
}

void FaultPlan::Thaw() {
  const std::lock_guard lock(mutex_);
  frozen_ = false;
}

bool FaultPlan::frozen() const {
  const std::lock_guard lock(mutex_);
  return frozen_;
}

uint64_t FaultPlan::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

uint64_t FaultPlan::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

Fault FaultPlan::Next() {
  const std::lock_guard lock(mutex_);
  ++calls_;
  if (frozen_) return Fault::kBefore;
  Fault fate = Fault::kNone;
  if (const auto it = chosen_.find(calls_); it != chosen_.end()) {
    fate = it->second;
    chosen_.erase(it);
  } else if (per_mille_ > 0 && random_() % 1000 < per_mille_) {
    fate = static_cast<Fault>(1 + random_() % 3);
  }
  if (fate != Fault::kNone) {
    ++faults_;
    if (freeze_after_fault_) frozen_ = true;
  }
  return fate;
}

uint64_t FaultPlan::Draw(uint64_t n) {
  const std::lock_guard lock(mutex_);
  return random_() % n;
}

// ---- UndoLog ----

void UndoLog::Start() {
  const std::lock_guard lock(mutex_);
  started_ = true;
}

void UndoLog::Sync() {
  const std::lock_guard lock(mutex_);
  inverses_.clear();
}

void UndoLog::Undo() {
  std::vector<std::function<void()>> inverses;
  {
    const std::lock_guard lock(mutex_);
    inverses.swap(inverses_);
  }
  for (auto it = inverses.rbegin(); it != inverses.rend(); ++it) (*it)();
}

bool UndoLog::started() const {
  const std::lock_guard lock(mutex_);
  return started_;
}

void UndoLog::Add(std::function<void()> inverse) {
  const std::lock_guard lock(mutex_);
  inverses_.push_back(std::move(inverse));
}

// ---- FaultyJournal ----

StatusOr<Epoch> FaultyJournal::Acquire() {
  const Fault fate = plan_.Next();
  if (fate == Fault::kBefore) return Injected();
  StatusOr<Epoch> epoch = inner_.Acquire();
  if (epoch.ok()) {
    const std::lock_guard lock(mutex_);
    epoch_ = *epoch;
  }
  if (fate != Fault::kNone) return Injected();
  return epoch;
}

Status FaultyJournal::Append(Epoch epoch, Seq expected, std::span<const std::string_view> records) {
  Fault fate = plan_.Next();
  if (fate == Fault::kPartly) fate = plan_.Draw(2) == 0 ? Fault::kBefore : Fault::kAfter;
  if (fate == Fault::kBefore) return Injected();
  Status appended;
  {
    const std::lock_guard lock(mutex_);
    appended =
        lying_ ? AppendUnsynced(epoch, expected, records) : inner_.Append(epoch, expected, records);
  }
  return fate == Fault::kNone ? appended : Injected();
}

Status FaultyJournal::AppendUnsynced(Epoch epoch, Seq expected,
                                     std::span<const std::string_view> records) {
  JANGBU_ASSIGN_OR_RETURN(const Seq durable, inner_.Tail());
  if (epoch != epoch_)
    return Aborted("writer_fenced", "epoch " + std::to_string(epoch) + " is not the newest");
  if (expected != durable + unsynced_.size()) {
    return Aborted("seq_conflict", "the tail is not at " + std::to_string(expected));
  }
  for (const std::string_view record : records) unsynced_.emplace_back(record);
  return OkStatus();
}

StatusOr<std::vector<std::string>> FaultyJournal::Read(Seq from, size_t max_records,
                                                       size_t max_bytes) {
  if (plan_.Next() != Fault::kNone) return Injected();
  const std::lock_guard lock(mutex_);
  JANGBU_ASSIGN_OR_RETURN(std::vector<std::string> out, inner_.Read(from, max_records, max_bytes));
  if (unsynced_.empty()) return out;
  JANGBU_ASSIGN_OR_RETURN(const Seq durable, inner_.Tail());
  size_t bytes = 0;
  for (const std::string& record : out) bytes += record.size();
  for (Seq seq = from + out.size(); seq >= durable && seq < durable + unsynced_.size(); ++seq) {
    const std::string& record = unsynced_[seq - durable];
    if (out.size() >= max_records) break;
    if (!out.empty() && record.size() > max_bytes - std::min(max_bytes, bytes)) break;
    bytes += record.size();
    out.push_back(record);
  }
  return out;
}

StatusOr<Seq> FaultyJournal::Tail() {
  if (plan_.Next() != Fault::kNone) return Injected();
  const std::lock_guard lock(mutex_);
  JANGBU_ASSIGN_OR_RETURN(const Seq durable, inner_.Tail());
  return durable + unsynced_.size();
}

void FaultyJournal::StartLying() {
  const std::lock_guard lock(mutex_);
  lying_ = true;
}

Status FaultyJournal::Sync() {
  const std::lock_guard lock(mutex_);
  JANGBU_ASSIGN_OR_RETURN(const Seq durable, inner_.Tail());
  const std::vector<std::string_view> records(unsynced_.begin(), unsynced_.end());
  JANGBU_RETURN_IF_ERROR(inner_.Append(epoch_, durable, records));
  unsynced_.clear();
  return OkStatus();
}

void FaultyJournal::LoseUnsynced() {
  const std::lock_guard lock(mutex_);
  unsynced_.clear();
}

// ---- FaultyKeyIndex ----

StatusOr<std::vector<ClaimResult>> FaultyKeyIndex::Claim(TableId table, uint64_t token,
                                                         std::span<const KeyClaim> claims) {
  switch (plan_.Next()) {
    case Fault::kNone:
      return DoClaim(table, token, claims);
    case Fault::kBefore:
      break;
    case Fault::kAfter:
      DoClaim(table, token, claims).IgnoreError();
      break;
    case Fault::kPartly:
      DoClaim(table, token, SomeOf(claims, plan_)).IgnoreError();
      break;
  }
  return Injected();
}

StatusOr<std::vector<ClaimResult>> FaultyKeyIndex::DoClaim(TableId table, uint64_t token,
                                                           std::span<const KeyClaim> claims) {
  auto results = inner_.Claim(table, token, claims);
  if (results.ok() && undo_.started()) {
    std::vector<Key> added;
    for (size_t i = 0; i < claims.size(); ++i) {
      if ((*results)[i].state == ClaimState::kNew) added.push_back(claims[i].key);
    }
    undo_.Add(
        [this, table, token, added] { JANGBU_CHECK(inner_.Release(table, token, added).ok()); });
  }
  return results;
}

StatusOr<std::vector<std::optional<Owner>>> FaultyKeyIndex::Lookup(TableId table,
                                                                   std::span<const Key> keys) {
  if (plan_.Next() != Fault::kNone) return Injected();
  return inner_.Lookup(table, keys);
}

Status FaultyKeyIndex::Release(TableId table, uint64_t token, std::span<const Key> keys) {
  switch (plan_.Next()) {
    case Fault::kNone:
      return DoRelease(table, token, keys);
    case Fault::kBefore:
      break;
    case Fault::kAfter:
      DoRelease(table, token, keys).IgnoreError();
      break;
    case Fault::kPartly:
      DoRelease(table, token, SomeOf(keys, plan_)).IgnoreError();
      break;
  }
  return Injected();
}

Status FaultyKeyIndex::DoRelease(TableId table, uint64_t token, std::span<const Key> keys) {
  if (undo_.started()) {
    JANGBU_ASSIGN_OR_RETURN(const auto owners, inner_.Lookup(table, keys));
    std::vector<KeyClaim> freed;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (owners[i].has_value() && owners[i]->token == token)
        freed.push_back({keys[i], owners[i]->ordinal});
    }
    undo_.Add(
        [this, table, token, freed] { JANGBU_CHECK(inner_.Claim(table, token, freed).ok()); });
  }
  return inner_.Release(table, token, keys);
}

StatusOr<std::vector<IndexedKey>> FaultyKeyIndex::Scan(TableId table, std::optional<Key> after,
                                                       size_t max) {
  if (plan_.Next() != Fault::kNone) return Injected();
  return inner_.Scan(table, after, max);
}

// ---- FaultyBlobStore ----

Status FaultyBlobStore::Put(std::span<const BlobPut> blobs) {
  switch (plan_.Next()) {
    case Fault::kNone:
      return DoPut(blobs);
    case Fault::kBefore:
      break;
    case Fault::kAfter:
      DoPut(blobs).IgnoreError();
      break;
    case Fault::kPartly:
      DoPut(SomeOf(blobs, plan_)).IgnoreError();
      break;
  }
  return Injected();
}

Status FaultyBlobStore::DoPut(std::span<const BlobPut> blobs) {
  if (!undo_.started()) return inner_.Put(blobs);
  std::vector<BlobName> names;
  for (const BlobPut& put : blobs) names.push_back(put.name);
  JANGBU_ASSIGN_OR_RETURN(const auto before, inner_.Get(names));
  JANGBU_RETURN_IF_ERROR(inner_.Put(blobs));
  std::vector<BlobName> added;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!before[i].has_value()) added.push_back(names[i]);
  }
  undo_.Add([this, added] { JANGBU_CHECK(inner_.Delete(added).ok()); });
  return OkStatus();
}

StatusOr<std::vector<std::optional<std::string>>> FaultyBlobStore::Get(
    std::span<const BlobName> names) {
  if (plan_.Next() != Fault::kNone) return Injected();
  return inner_.Get(names);
}

Status FaultyBlobStore::Delete(std::span<const BlobName> names) {
  switch (plan_.Next()) {
    case Fault::kNone:
      return DoDelete(names);
    case Fault::kBefore:
      break;
    case Fault::kAfter:
      DoDelete(names).IgnoreError();
      break;
    case Fault::kPartly:
      DoDelete(SomeOf(names, plan_)).IgnoreError();
      break;
  }
  return Injected();
}

Status FaultyBlobStore::DoDelete(std::span<const BlobName> names) {
  if (undo_.started()) {
    JANGBU_ASSIGN_OR_RETURN(auto gone, inner_.Get(names));
    std::vector<BlobName> copied(names.begin(), names.end());
    undo_.Add([this, copied, gone] {
      std::vector<BlobPut> back;
      for (size_t i = 0; i < copied.size(); ++i) {
        if (gone[i].has_value()) back.push_back({copied[i], *gone[i]});
      }
      JANGBU_CHECK(inner_.Put(back).ok());
    });
  }
  return inner_.Delete(names);
}

Status FaultyBlobStore::DeleteAll(BlobKind kind, uint64_t token) {
  const Fault fate = plan_.Next();
  if (fate == Fault::kBefore) return Injected();
  JANGBU_ASSIGN_OR_RETURN(const auto listed, inner_.List(kind, token, 0, SIZE_MAX));
  std::vector<BlobName> names;
  for (const Listed& each : listed) names.push_back(each.name);
  if (fate == Fault::kPartly) names = SomeOf(std::span<const BlobName>(names), plan_);
  const Status deleted = DoDelete(names);
  return fate == Fault::kNone ? deleted : Injected();
}

StatusOr<std::vector<BlobStore::Listed>> FaultyBlobStore::List(BlobKind kind, uint64_t token,
                                                               uint64_t from, size_t max) {
  if (plan_.Next() != Fault::kNone) return Injected();
  return inner_.List(kind, token, from, max);
}

StatusOr<std::vector<uint64_t>> FaultyBlobStore::ListTokens(BlobKind kind,
                                                            std::optional<uint64_t> after,
                                                            size_t max) {
  if (plan_.Next() != Fault::kNone) return Injected();
  return inner_.ListTokens(kind, after, max);
}

// ---- FaultyKeyVault ----

Status FaultyKeyVault::Put(std::span<const VaultPut> keys) {
  Fault fate = plan_.Next();
  if (fate == Fault::kPartly) fate = plan_.Draw(2) == 0 ? Fault::kBefore : Fault::kAfter;
  if (fate == Fault::kBefore) return Injected();
  const Status put = DoPut(keys);
  return fate == Fault::kNone ? put : Injected();
}

Status FaultyKeyVault::DoPut(std::span<const VaultPut> keys) {
  if (!undo_.started()) return inner_.Put(keys);
  std::vector<VaultName> names;
  for (const VaultPut& put : keys) names.push_back(put.name);
  JANGBU_ASSIGN_OR_RETURN(const auto before, inner_.Get(names));
  JANGBU_RETURN_IF_ERROR(inner_.Put(keys));
  undo_.Add([this, names, before] {
    std::vector<VaultPut> back;
    std::vector<VaultName> added;
    for (size_t i = 0; i < names.size(); ++i) {
      if (before[i].has_value()) {
        back.push_back({names[i], *before[i]});
      } else {
        added.push_back(names[i]);
      }
    }
    JANGBU_CHECK(inner_.Put(back).ok());
    JANGBU_CHECK(inner_.Erase(added).ok());
  });
  return OkStatus();
}

StatusOr<std::vector<std::optional<std::string>>> FaultyKeyVault::Get(
    std::span<const VaultName> names) {
  if (plan_.Next() != Fault::kNone) return Injected();
  return inner_.Get(names);
}

Status FaultyKeyVault::Erase(std::span<const VaultName> names) {
  const Fault fate = plan_.Next();
  if (fate == Fault::kBefore) return Injected();
  undo_.Sync();
  const Status erased =
      fate == Fault::kPartly ? inner_.Erase(SomeOf(names, plan_)) : inner_.Erase(names);
  return fate == Fault::kNone ? erased : Injected();
}

Status FaultyKeyVault::EraseAll(VaultKind kind, uint64_t id) {
  const Fault fate = plan_.Next();
  if (fate == Fault::kBefore) return Injected();
  undo_.Sync();
  const Status erased = inner_.EraseAll(kind, id);
  return fate == Fault::kNone ? erased : Injected();
}

}  // namespace jangbu::support
