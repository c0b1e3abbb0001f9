#pragma once

// Every tensor of two models, read once: the digest of each model, and for tensors at the same
// place of the same shape the plain figures: cosine, Pearson, and what chance gives.
//
// Plain figures are what a dispute begins with. They are shown, with what they are worth: a cosine
// only beside the Pearson correlation and beside the cosine that remains when the numbers of one
// side change places.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "audit/provenance/model.h"
#include "base/digest.h"
#include "base/status.h"

namespace jangbu::audit {

struct PlainFigures {
  uint64_t n = 0;
  double cosine = 0;
  double shuffled_cosine = 0;  // expected when the numbers of one side change places at random
  double pearson = 0;
  double z = 0;      // Fisher's z of the Pearson correlation, times √(n − 3)
  double p = 1;      // two-sided, were the numbers exchangeable
  double ratio = 0;  // root mean square of second ÷ first
};
// Figures of two vectors from their sums. REQUIRES: n > 0.
struct PairSums {
  uint64_t n = 0;
  double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
  PairSums& operator+=(const PairSums& other);
  PlainFigures Figures() const;
};
PairSums SumPairs(const float* a, const float* b, uint64_t n);

struct TensorDigest {
  uint32_t tensor = 0;
  Digest sha256{};
};

struct ScannedPair {
  uint32_t first = 0;  // tensors
  uint32_t second = 0;
  PairSums sums;
};

struct ScanResult {
  Digest first{};  // of the models, see ContentDigest
  Digest second{};
  std::vector<ScannedPair> pairs;  // in order of the first model's tensors
  uint64_t first_unpaired = 0;     // tensors without a counterpart
  uint64_t second_unpaired = 0;
};

// SHA-256 over the tensors in order of name: name, type, shape and SHA-256 of the bytes of each. So
// the same for one file or many shards in any order.
Digest ContentDigest(const Model& model, const std::vector<Digest>& tensors);

// Where results of finished pieces of work are kept, so that a run that was killed goes on.
// Implemented by ScanState; thread-safe.
class FinishedWork {
 public:
  virtual ~FinishedWork() = default;
  // The result stored under `key`, or false.
  virtual bool Find(const std::string& key, std::string& result) = 0;
  virtual Status Store(const std::string& key, const std::string& result) = 0;
};

struct ScanOptions {
  unsigned threads = 1;
  FinishedWork* finished = nullptr;              // may be null
  std::function<void(uint64_t bytes)> progress;  // bytes read since the last call; any thread
  std::function<bool()> stop;                    // true: give up with Cancelled("interrupted")
};

// Reads both models, each tensor once. Errors of ReadElements. Memory: a few MiB a thread.
StatusOr<ScanResult> ScanPair(const Model& first, const Model& second, const ScanOptions& options);
// The digest of one model.
StatusOr<Digest> ScanModel(const Model& model, const ScanOptions& options);

// A file of finished work: records with a checksum each, appended and flushed; a torn or damaged
// tail is cut off. The file belongs to inputs (names, sizes, headers) and options named by
// `identity`: one made for others is begun anew.
StatusOr<std::unique_ptr<FinishedWork>> OpenScanState(const std::string& path,
                                                      const Digest& identity);

// What tells apart two models before they are read: headers, sizes and names of their files.
Digest HeaderDigest(const Model& model);

}  // namespace jangbu::audit
