#pragma once

// How much of one document one key may be shown: at most 400 code points of it, or a tenth of it if
// that is less, in runs of 25 or more, in 24 hours. Past that, runs of 25 are stopped. So nobody
// reads the corpus back one answer at a time.
//
//   show = taken in memory ─► kept (durable) ─► released
//
// So a crash at any instant leaves counted what was shown, and at most what was about to be.
//
//   kept = ( key:string entry:u64 ordinal:u32 n:u32 at:i64 ) × 1…     little-endian, at in µs

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "ingest/dedup/run_index_segment.h"

namespace jangbu::audit {

struct ExposureRule {
  uint32_t most = 400;    // code points
  uint32_t percent = 10;  // of the document's comparison form, rounded down
  int64_t window_micros = int64_t{24} * 3600 * 1'000'000;

  uint32_t Allowed(size_t form_length) const;
};

// Code points of a document that are about to be shown.
struct ExposureUse {
  ingest::RunDocument document;
  size_t form_length = 0;
  uint32_t n = 0;
};

// What a stream asks. Thread-safe.
class ExposureBudget {
 public:
  virtual ~ExposureBudget() = default;
  // Code points of the document that may still be shown.
  virtual uint32_t Left(const ingest::RunDocument& document, size_t form_length) = 0;
  // Takes each of `uses` of which that many are left, and says which: all or nothing of one. An
  // error: they may not be shown.
  virtual StatusOr<std::vector<bool>> Spend(std::span<const ExposureUse> uses) = 0;
};

// One line of what keys were shown, as it is kept.
struct ExposureLine {
  std::string key;
  ingest::JournalPlace place;
  uint32_t n = 0;
  int64_t at_micros = 0;
  bool operator==(const ExposureLine&) const = default;
};

std::string EncodeExposures(std::span<const ExposureLine> exposures);
// DataLoss("exposures_malformed").
StatusOr<std::vector<ExposureLine>> DecodeExposures(std::string_view bytes);

// The budgets of all keys. Deterministic: the time is told. Thread-safe; about a microsecond a
// call, and what keeping takes.
class ExposureLedger {
 public:
  // Makes lines durable before what they count is shown; called without a lock held.
  using Keep = std::function<Status(std::span<const ExposureLine>)>;

  // Without `keep` a restart forgets.
  explicit ExposureLedger(ExposureRule rule = {}, Keep keep = nullptr)
      : rule_(rule), keep_(std::move(keep)) {}

  // Counts what was kept before.
  void Restore(std::span<const ExposureLine> kept);

  uint32_t Left(const std::string& key, const ingest::RunDocument& document, size_t form_length,
                Timestamp now);
  // As ExposureBudget::Spend. After an error of keeping they stay taken until the process ends.
  StatusOr<std::vector<bool>> Spend(const std::string& key, std::span<const ExposureUse> uses,
                                    Timestamp now);

  const ExposureRule& rule() const { return rule_; }

  // One key's side of it. Borrows both.
  class Of : public ExposureBudget {
   public:
    Of(ExposureLedger& ledger, std::string key, Clock& clock)
        : ledger_(ledger), key_(std::move(key)), clock_(clock) {}
    uint32_t Left(const ingest::RunDocument& document, size_t form_length) override {
      return ledger_.Left(key_, document, form_length, clock_.Now());
    }
    StatusOr<std::vector<bool>> Spend(std::span<const ExposureUse> uses) override {
      return ledger_.Spend(key_, uses, clock_.Now());
    }

   private:
    ExposureLedger& ledger_;
    const std::string key_;
    Clock& clock_;
  };

 private:
  struct Spent {
    int64_t at_micros = 0;
    uint32_t n = 0;
  };
  using Lines = std::vector<Spent>;
  void DropOld(Lines& lines, Timestamp now) const;
  uint32_t LeftLocked(Lines& lines, size_t form_length, Timestamp now) const;
  void SweepLocked(Timestamp now);

  const ExposureRule rule_;
  const Keep keep_;
  std::mutex mutex_;  // guards what follows
  std::map<std::pair<std::string, ingest::JournalPlace>, Lines> spent_;
  int64_t swept_hour_ = 0;
};

}  // namespace jangbu::audit
