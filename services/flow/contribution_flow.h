#pragma once

// ★ THE WHOLE STORY OF ONE DOCUMENT, from a staged file or a feed to its verdict in the journal.
//
//     record ─► parse ─► canonical text ─► appraise ─► seal           on every core; pure functions
//     of one document
//        └─ in (file, record) order, one batch of a partner at a time:
//     BEGIN entry ─► keys and texts put ─► claims in the partner's own tables ─► COMMIT entry
//
// The verdicts follow from claims (the same document, the same short segment) and from the runs
// that the document shares with its partner's earlier text, documents of the same batch included.
//
// The COMMIT entry is the commit. A batch whose texts and appraisal are stored is finished after a
// crash, with the same verdicts; one that lacks them claimed nothing and is aborted, and its
// documents come again from staging. Nothing here looks at another partner's text: what others gave
// is settled by the confirmation run.
//
// Thread-safe.

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/blob_store.h"
#include "base/key_index.h"
#include "base/status.h"
#include "ingest/appraise.h"
#include "ingest/dedup/fingerprint.h"
#include "services/flow/batch_appraisal.h"
#include "services/flow/batch_judging.h"
#include "services/flow/document_blob.h"
#include "services/flow/jangbu.h"
#include "services/flow/keyring.h"
#include "services/flow/prepare_pool.h"
#include "services/flow/scribe.h"
#include "services/flow/staging.h"
#include "services/flow/text_index.h"

namespace jangbu::services {

// How much makes a batch, and what is handed to one worker at a time.
inline constexpr int64_t kBatchBytes = int64_t{4} << 20;  // of canonical text
inline constexpr size_t kBatchDocuments = 4096;
inline constexpr size_t kGroupBytes = size_t{256} << 10;  // of raw records
inline constexpr size_t kGroupDocuments = 512;

// The stored appraisal of a batch. DataLoss("appraisal_missing") or what opening it says.
StatusOr<BatchAppraisal> ReadAppraisal(BlobStore& blobs, Keyring& keyring, uint32_t partner,
                                       uint64_t token);

class ContributionFlow {
 public:
  struct Parts {
    Scribe* scribe = nullptr;
    BlobStore* blobs = nullptr;
    KeyIndex* keys = nullptr;
    Keyring* keyring = nullptr;
    Staging* staging = nullptr;
    TextIndex* index = nullptr;
    std::shared_ptr<const ingest::Tokenizer> tokenizer;
    const ingest::Fingerprinter* fingerprinter = nullptr;
    // Reads whole documents; null: they are refused. Borrowed, thread-safe.
    ingest::DocumentReader* documents = nullptr;
    int workers = 1;
    std::function<void(std::string_view)> log;
  };

  explicit ContributionFlow(Parts parts);
  ~ContributionFlow();

  // Finishes or aborts every batch that a crash left open. Once, before Start.
  Status Recover();
  // Goes on with every unfinished upload, and with new ones as they are woken.
  void Start();
  // Something came for an upload of this partner: files were completed, it was sealed or cancelled.
  void Wake(uint32_t partner);
  // Ends background work at the next safe place.
  void Stop();

  // Bytes of an upload whose documents have their verdicts.
  int64_t ProcessedBytes(uint64_t upload) const;
  // Waits for something to change for this partner, at most so long.
  void AwaitChange(uint32_t partner, int timeout_ms);

  // See Jangbu::Contribute. `record` numbers go on from the upload's last.
  struct FeedOutcome {
    bool replayed = false;
    Status error;
    Owner document;  // where the verdict is
  };
  StatusOr<std::vector<FeedOutcome>> Contribute(uint32_t partner, uint64_t upload, uint32_t corpus,
                                                const std::vector<FeedDocument>& documents);

  // Runs `what` while no batch of the partner is being settled.
  Status WhileNothingSettles(uint32_t partner, const std::function<Status()>& what);

  // Storage trouble after which only a restart helps.
  Status fatal() const;

  // What prepares documents; for trials too.
  PreparePool& pool() { return pool_; }

 private:
  struct PartnerWork;
  using Batch = std::vector<PreparedDocument>;

  PartnerWork& WorkOf(uint32_t partner);
  void RunPartner(uint32_t partner, PartnerWork& work);
  // One turn over what is complete of an upload. True when it got further.
  StatusOr<bool> ProcessUpload(uint32_t partner, uint64_t upload, PartnerWork& work);
  // Commits a batch; returns its token. REQUIRES: the partner's commit mutex is held.
  StatusOr<uint64_t> Commit(uint32_t partner, uint64_t upload, Batch batch);
  // Claims, judgements and the COMMIT entry of a batch whose blobs are stored; `forms` belong to
  // its documents one to one.
  Status Settle(uint32_t partner, uint64_t upload, uint64_t token, const BatchAppraisal& batch,
                const std::vector<ingest::DocumentForm>& forms);
  Status Abort(uint32_t partner, uint64_t upload, uint64_t token);
  StatusOr<std::vector<Owner>> ClaimAll(TableId table, uint64_t token,
                                        const std::vector<KeyClaim>& claims);
  void SetFatal(const Status& status);
  void Changed(uint32_t partner);

  const Parts parts_;
  PreparePool pool_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<uint32_t, std::unique_ptr<PartnerWork>> work_;
  std::map<uint64_t, int64_t> processed_;
  bool started_ = false;
  bool stopping_ = false;
  Status fatal_;
};

}  // namespace jangbu::services
