#include "services/flow/guarding.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "audit/guard/stream_guard.h"
#include "base/bytes.h"

namespace jangbu::services {
namespace {

constexpr size_t kBlobsAtOnce = 64;
constexpr size_t kTokensAtOnce = 1000;
constexpr size_t kTextsAtOnce = 256;
constexpr size_t kHeadBytes = 8 + 8 + 4 + 4 + 8;  // of a record
constexpr size_t kRowBytes = 16;
constexpr size_t kRowsOfPart = (kMaxBlobBytes / 2 - kHeadBytes) / kRowBytes;
constexpr uint64_t kPartBits = 16;
constexpr int64_t kHourMicros = int64_t{3600} * 1'000'000;

Digest DerivedKey(const Keyring& keyring, std::string_view purpose) {
  return keyring.NameMac("guard key", {purpose});
}

// A record cut into records that each fit into a blob.
std::vector<std::string> Parts(std::string record) {
  if (record.size() <= kHeadBytes + kRowsOfPart * kRowBytes) return {std::move(record)};
  std::vector<std::string> parts;
  for (size_t at = kHeadBytes; at < record.size(); at += kRowsOfPart * kRowBytes) {
    const size_t n = std::min(kRowsOfPart * kRowBytes, record.size() - at);
    ByteWriter head;
    head.Raw(std::string_view(record).substr(0, kHeadBytes - 8));
    head.U64(n / kRowBytes);
    parts.push_back(head.Take() + record.substr(at, n));
  }
  return parts;
}

std::array<uint8_t, 16> Short(const Digest& digest) {
  std::array<uint8_t, 16> out{};
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

}  // namespace

Guarding::Guarding(Scribe& scribe, BlobStore& blobs, Keyring& keyring, TextIndex& index,
                   std::function<void(std::string_view)> log)
    : scribe_(scribe),
      blobs_(blobs),
      index_(index),
      log_(std::move(log)),
      window_mac_(AsView(DerivedKey(keyring, "windows"))),
      name_mac_(AsView(DerivedKey(keyring, "names"))),
      exposures_(
          {}, [this](std::span<const audit::ExposureLine> shown) { return KeepExposures(shown); }) {
}

StatusOr<std::unique_ptr<Guarding>> Guarding::Open(Scribe& scribe, BlobStore& blobs,
                                                   Keyring& keyring, TextIndex& index,
                                                   std::function<void(std::string_view)> log) {
  std::unique_ptr<Guarding> guarding(new Guarding(scribe, blobs, keyring, index, std::move(log)));
  const std::lock_guard lock(guarding->mutex_);
  JANGBU_RETURN_IF_ERROR(guarding->LoadWithdrawn());
  JANGBU_RETURN_IF_ERROR(guarding->LoadExposures());
  return guarding;
}

Status Guarding::EachBlob(BlobKind kind,
                          const std::function<Status(const BlobName&, std::string)>& blob) {
  std::optional<uint64_t> after;
  for (;;) {
    JANGBU_ASSIGN_OR_RETURN(const std::vector<uint64_t> tokens,
                            blobs_.ListTokens(kind, after, kTokensAtOnce));
    if (tokens.empty()) return OkStatus();
    after = tokens.back();
    for (const uint64_t token : tokens) {
      for (uint64_t from = 0;;) {
        JANGBU_ASSIGN_OR_RETURN(const std::vector<BlobStore::Listed> listed,
                                blobs_.List(kind, token, from, kBlobsAtOnce));
        if (listed.empty()) break;
        std::vector<BlobName> names;
        for (const auto& l : listed) names.push_back(l.name);
        JANGBU_ASSIGN_OR_RETURN(auto found, blobs_.Get(names));
        for (size_t i = 0; i < names.size(); ++i) {
          if (found[i].has_value()) JANGBU_RETURN_IF_ERROR(blob(names[i], *std::move(found[i])));
        }
        from = names.back().ordinal + 1;
      }
    }
  }
}

Status Guarding::LoadExposures() {
  return EachBlob(BlobKind::kExposure, [&](const BlobName& name, std::string bytes) -> Status {
    JANGBU_ASSIGN_OR_RETURN(const std::vector<audit::ExposureLine> kept,
                            audit::DecodeExposures(bytes));
    exposures_.Restore(kept);
    next_exposure_ = std::max(next_exposure_.load(), name.ordinal + 1);
    return OkStatus();
  });
}

Status Guarding::KeepExposures(std::span<const audit::ExposureLine> shown) {
  const std::string bytes = audit::EncodeExposures(shown);
  const int64_t hour = shown.front().at_micros / kHourMicros;
  const BlobPut put{.name = {.kind = BlobKind::kExposure,
                             .token = static_cast<uint64_t>(hour),
                             .ordinal = next_exposure_++},
                    .bytes = bytes};
  JANGBU_RETURN_IF_ERROR(blobs_.Put({&put, 1}));
  // The first of an hour clears away what no budget looks back to.
  int64_t newest = newest_exposure_hour_.load();
  if (hour <= newest || !newest_exposure_hour_.compare_exchange_strong(newest, hour)) {
    return OkStatus();
  }
  const int64_t window = exposures_.rule().window_micros / kHourMicros;
  JANGBU_ASSIGN_OR_RETURN(const std::vector<uint64_t> hours,
                          blobs_.ListTokens(BlobKind::kExposure, std::nullopt, kTokensAtOnce));
  for (const uint64_t old : hours) {
    if (static_cast<int64_t>(old) + 1 + window > hour) break;
    JANGBU_RETURN_IF_ERROR(blobs_.DeleteAll(BlobKind::kExposure, old));
  }
  return OkStatus();
}

Status Guarding::LoadWithdrawn() {
  std::vector<std::string> records;
  std::set<Owner> kept;
  JANGBU_RETURN_IF_ERROR(
      EachBlob(BlobKind::kWithdrawnRuns, [&](const BlobName& name, std::string bytes) {
        records.push_back(std::move(bytes));
        kept.insert({name.token, static_cast<uint32_t>(name.ordinal >> kPartBits)});
        return OkStatus();
      }));
  // Those of before: known to be withdrawn, and no more.
  std::vector<std::pair<Owner, uint32_t>> lost;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& partner : books.partners()) {
      for (const ledger::WithdrawalRecord& record : partner->withdrawals) {
        for (const ledger::DocumentRange& range : record.ranges) {
          for (uint32_t i = range.first; i < range.first + range.count; ++i) {
            // Only these are in the index: rejected ones are not guarded, an exact duplicate's
            // wording is its original's.
            if (!(*books.FactsOf(range.token))[i].credits) continue;
            const Owner document{.token = range.token, .ordinal = i};
            if (!kept.contains(document)) lost.emplace_back(document, partner->number);
          }
        }
      }
    }
  });
  size_t unprotected = 0;
  std::map<std::pair<uint32_t, uint64_t>, std::vector<uint32_t>> by_batch;
  for (const auto& [document, partner] : lost) {
    by_batch[{partner, document.token}].push_back(document.ordinal);
  }
  for (const auto& [batch, ordinals] : by_batch) {
    JANGBU_ASSIGN_OR_RETURN(const auto texts,
                            index_.texts().Read(batch.first, batch.second, ordinals));
    for (size_t i = 0; i < ordinals.size(); ++i) {
      // Still readable: its key is about to be destroyed, and Keep comes before that.
      if (texts[i].has_value()) continue;
      ++unprotected;
      records.push_back(audit::WithdrawnRuns::RecordOf(
          index_.hasher(), window_mac_, {{batch.second, ordinals[i]}, batch.first}, {}));
    }
  }
  if (unprotected > 0 && log_) {
    log_(std::to_string(unprotected) +
         " withdrawn documents have no MACs: an older version destroyed them; the guard does not "
         "know their wording");
  }
  JANGBU_ASSIGN_OR_RETURN(withdrawn_,
                          audit::WithdrawnRuns::Load(index_.hasher(), window_mac_, records));
  return OkStatus();
}

StatusOr<std::shared_ptr<const audit::GuardIndex>> Guarding::Index() {
  index_.AwaitCommits();
  ingest::RunView view = index_.Everybody();
  const std::lock_guard lock(mutex_);
  if (current_ != nullptr &&
      current_->withdrawn() == (withdrawn_->empty() ? nullptr : withdrawn_.get())) {
    size_t i = 0;
    bool same = true;
    for (const auto& group : view.groups()) {
      for (const auto& segment : group.segments) {
        same =
            same && i < current_->segments().size() && current_->segments()[i].segment == segment;
        ++i;
      }
    }
    if (same && i == current_->segments().size()) return current_;
  }
  JANGBU_ASSIGN_OR_RETURN(current_, audit::GuardIndex::Make(std::move(view), index_.forms(),
                                                            withdrawn_, current_.get()));
  return current_;
}

Status Guarding::Keep(const std::vector<Owner>& documents) {
  struct Text {
    uint32_t partner;
    std::vector<uint32_t> ordinals;
  };
  std::map<uint64_t, Text> by_batch;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const Owner& document : documents) {
      const std::optional<uint32_t> partner = books.PartnerOf(document);
      if (!partner.has_value()) continue;
      if (!(*books.FactsOf(document.token))[document.ordinal].credits) continue;
      Text& text = by_batch[document.token];
      text.partner = *partner;
      text.ordinals.push_back(document.ordinal);
    }
  });
  bool any = false;
  for (auto& [token, text] : by_batch) {
    std::sort(text.ordinals.begin(), text.ordinals.end());
    for (size_t from = 0; from < text.ordinals.size(); from += kTextsAtOnce) {
      const std::span<const uint32_t> ordinals =
          std::span(text.ordinals)
              .subspan(from, std::min(kTextsAtOnce, text.ordinals.size() - from));
      JANGBU_ASSIGN_OR_RETURN(const auto texts, index_.texts().Read(text.partner, token, ordinals));
      for (size_t i = 0; i < ordinals.size(); ++i) {
        if (!texts[i].has_value()) continue;
        const std::vector<std::string> parts = Parts(audit::WithdrawnRuns::RecordOf(
            index_.hasher(), window_mac_, {{token, ordinals[i]}, text.partner},
            audit::FormOf(*texts[i])));
        std::vector<BlobPut> puts;
        for (size_t p = 0; p < parts.size(); ++p) {
          puts.push_back({.name = {.kind = BlobKind::kWithdrawnRuns,
                                   .token = token,
                                   .ordinal = uint64_t{ordinals[i]} << kPartBits | p},
                          .bytes = parts[p]});
        }
        JANGBU_RETURN_IF_ERROR(blobs_.Put(puts));
        any = true;
      }
    }
  }
  if (!any) return OkStatus();
  const std::lock_guard lock(mutex_);
  return LoadWithdrawn();
}

std::array<uint8_t, 16> Guarding::UserMac(std::string_view user_key) const {
  return Short(name_mac_({"user", user_key}));
}

std::array<uint8_t, 16> Guarding::RunMac(std::u32string_view run) const {
  return Short(name_mac_({"run", std::string_view(reinterpret_cast<const char*>(run.data()),
                                                  run.size() * sizeof(char32_t))}));
}

StatusOr<uint64_t> Guarding::Record(ledger::GuardIncident incident) {
  JANGBU_ASSIGN_OR_RETURN(
      const Scribe::Appended appended,
      scribe_.Propose([&](const ledger::Books&) -> StatusOr<std::vector<ledger::Draft>> {
        return std::vector<ledger::Draft>{{.partner = "", .body = incident}};
      }));
  return appended.first_seq;
}

}  // namespace jangbu::services
