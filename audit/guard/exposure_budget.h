#pragma once

// How much of one document one key may be shown: at most 400 code points of it, or a tenth of it if
// that is less, in runs of 25 or more, in 24 hours. Past that, runs of 25 are stopped. So nobody
// reads the corpus back one answer at a time.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "ingest/dedup/run_index_segment.h"

namespace jangbu::audit {

struct ExposureRule {
  uint32_t most = 400;    // code points
  uint32_t percent = 10;  // of the document's comparison form, rounded down
  int64_t window_micros = int64_t{24} * 3600 * 1'000'000;

  uint32_t Allowed(size_t form_length) const;
};

// What a stream asks. Thread-safe.
class ExposureBudget {
 public:
  virtual ~ExposureBudget() = default;
  // Code points of the document that may still be shown.
  virtual uint32_t Left(const ingest::RunDocument& document, size_t form_length) = 0;
  // Takes them; false, and nothing is taken, when that many are not left any more.
  virtual bool Spend(const ingest::RunDocument& document, size_t form_length, uint32_t n) = 0;
};

// The budgets of all keys, in memory. Deterministic: the time is told. Thread-safe; about a
// microsecond a call.
class ExposureLedger {
 public:
  explicit ExposureLedger(ExposureRule rule = {}) : rule_(rule) {}

  uint32_t Left(const std::string& key, const ingest::RunDocument& document, size_t form_length,
                Timestamp now);
  bool Spend(const std::string& key, const ingest::RunDocument& document, size_t form_length,
             uint32_t n, Timestamp now);

  // One key's side of it at one time.
  class Of : public ExposureBudget {
   public:
    Of(ExposureLedger& ledger, std::string key, Timestamp now)
        : ledger_(ledger), key_(std::move(key)), now_(now) {}
    uint32_t Left(const ingest::RunDocument& document, size_t form_length) override {
      return ledger_.Left(key_, document, form_length, now_);
    }
    bool Spend(const ingest::RunDocument& document, size_t form_length, uint32_t n) override {
      return ledger_.Spend(key_, document, form_length, n, now_);
    }

   private:
    ExposureLedger& ledger_;
    std::string key_;
    Timestamp now_;
  };

 private:
  struct Spent {
    int64_t at_micros = 0;
    uint32_t n = 0;
  };
  uint32_t LeftLocked(std::vector<Spent>& spent, size_t form_length, Timestamp now) const;

  const ExposureRule rule_;
  std::mutex mutex_;
  std::map<std::pair<std::string, ingest::JournalPlace>, std::vector<Spent>> spent_;
};

}  // namespace jangbu::audit
