#pragma once

// The wide part of the story: parse, canonicalise, appraise and seal documents on every core. What
// comes out is a pure function of each record (but for the random key it is sealed under), in the
// order of what went in.

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ingest/appraise.h"
#include "ingest/extract/file_reader.h"
#include "services/flow/batch_appraisal.h"
#include "services/flow/document_blob.h"
#include "services/storage/envelope.h"

namespace jangbu::services {

// Verdicts on a file as a whole come after those on its records; shown as record 0.
inline constexpr uint64_t kWholeFile = UINT64_MAX;

// A record as it came out of a file.
struct RawDocument {
  uint32_t file = 0;
  std::shared_ptr<const ingest::FileFacts> facts;
  ingest::RawRecord record;
};
// A document of a feed.
struct RawFeedDocument {
  uint64_t record = 0;
  Key id_key{};
  std::string id;
  std::string text;
  std::string title;
  std::string published_at;
};

// A document ready to be committed.
struct PreparedDocument {
  DocumentAppraisal appraisal;
  SecretKey key;              // its data key
  std::string blob;           // sealed facts and text
  ingest::DocumentForm form;  // empty when rejected
  Digest received_sha256{};
  int64_t weight = 0;  // bytes it adds to a batch
};

// Thread-safe.
class PreparePool {
 public:
  PreparePool(int workers, std::shared_ptr<const ingest::Tokenizer> tokenizer,
              const ingest::Fingerprinter& fingerprinter, RandomSource& random);
  ~PreparePool();

  using Result = std::future<std::vector<PreparedDocument>>;
  using Policy = std::shared_ptr<const ingest::ScreenPolicy>;
  Result Prepare(uint64_t upload, Policy policy, std::vector<RawDocument> group);
  Result Prepare(uint64_t upload, Policy policy, std::vector<RawFeedDocument> group);

  int workers() const { return static_cast<int>(threads_.size()); }

 private:
  using Task = std::function<void(ingest::Appraiser&)>;
  void Run();
  Result Submit(std::function<std::vector<PreparedDocument>(ingest::Appraiser&)> work);
  PreparedDocument PrepareOne(uint64_t upload, const ingest::ScreenPolicy& policy, RawDocument raw,
                              ingest::Appraiser& appraiser);
  PreparedDocument PrepareOne(uint64_t upload, const ingest::ScreenPolicy& policy,
                              RawFeedDocument raw, ingest::Appraiser& appraiser);
  void Accept(uint64_t upload, ingest::Appraisal appraisal, DocumentFacts facts,
              PreparedDocument& out);
  void Reject(uint64_t upload, std::string_view reason, DocumentFacts facts, PreparedDocument& out);

  const std::shared_ptr<const ingest::Tokenizer> tokenizer_;
  const ingest::Fingerprinter& fingerprinter_;
  RandomSource& random_;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace jangbu::services
