#pragma once

// What is behind the front door; shared by jangbu*.cc alone.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "ingest/dedup/fingerprint.h"
#include "ledger/merkle/checkpoint.h"
#include "ledger/merkle/note.h"
#include "services/flow/audits.h"
#include "services/flow/confirmation.h"
#include "services/flow/contribution_flow.h"
#include "services/flow/crediting.h"
#include "services/flow/duplicates.h"
#include "services/flow/finance.h"
#include "services/flow/guarding.h"
#include "services/flow/jangbu.h"
#include "services/flow/keyring.h"
#include "services/flow/recounting.h"
#include "services/flow/scribe.h"
#include "services/flow/staging.h"
#include "services/flow/text_index.h"
#include "services/storage/data_dir.h"

namespace jangbu::services {

// Members are destroyed from the last to the first: background work before what it works on.
struct Jangbu::State {
  JangbuOptions options;
  std::unique_ptr<DataDir> data;
  std::unique_ptr<Keyring> keyring;
  std::unique_ptr<Scribe> scribe;
  std::shared_ptr<const ingest::Tokenizer> tokenizer;
  std::unique_ptr<ingest::Fingerprinter> fingerprinter;
  std::unique_ptr<ledger::NoteSigner> signer;
  std::unique_ptr<Staging> staging;
  std::unique_ptr<TextIndex> index;
  std::unique_ptr<ContributionFlow> flow;
  std::unique_ptr<Crediting> crediting;
  std::unique_ptr<Confirmation> confirmation;
  std::unique_ptr<Recounting> recounting;
  std::unique_ptr<Duplicates> duplicates;
  std::unique_ptr<Guarding> guarding;
  std::unique_ptr<Finance> finance;
  std::unique_ptr<Audits> audits;

  static constexpr size_t kMaxTrials = 8;
  std::mutex trials_mutex;
  std::set<uint32_t> trials;  // partners with one; guarded by trials_mutex

  std::mutex checkpoint_mutex;  // guards what follows
  std::string checkpoint;       // newest published
  uint64_t checkpoint_size = 0;
  bool checkpoint_failing = false;

  std::mutex stop_mutex;
  std::condition_variable stop_changed;
  bool stopping = false;
  std::thread publisher;
  std::thread resumer;

  void Log(std::string_view line) const {
    if (options.log) options.log(line);
  }
  // Signs the head of the tree, when it is ahead of the newest checkpoint, and keeps it outside the
  // data directory.
  StatusOr<std::string> Publish();
  // The bundle of receipts of entries, under a fresh checkpoint.
  StatusOr<std::string> ReceiptsOf(const std::vector<uint64_t>& entries);
  // Enters a key whose text was made before.
  StatusOr<IssuedKey> IssueKey(const std::string& partner_id, ledger::Role role,
                               const std::string& person, const std::string& secret);
  // Asks for a key that takes two persons; its first half.
  StatusOr<AskedKey> RequestKey(const Caller& caller, ledger::Role role, const std::string& person,
                                const std::string& replaces);
  // The receipt of one entry, under a fresh checkpoint.
  StatusOr<std::string> ReceiptOf(uint64_t seq);
  // The upload of a partner; NotFound("no_such_upload").
  StatusOr<ledger::UploadRecord> FindUpload(uint32_t partner, uint32_t number) const;
  StatusOr<UploadView> ViewOf(const ledger::UploadRecord& upload);
};

// Opens the installation's storage, keys and journal, checked against mark and anchor, without
// changing anything.
struct OpenedInstallation {
  std::unique_ptr<DataDir> data;
  std::unique_ptr<Keyring> keyring;
  std::unique_ptr<Scribe> scribe;
  bool is_new = false;
};
StatusOr<OpenedInstallation> OpenInstallation(const std::string& data_dir,
                                              const std::string& master_key_file,
                                              const std::string& anchor_file, bool create,
                                              Clock& clock, RandomSource& random);

// The anchor: the newest checkpoint, kept outside the data directory. Checks the log in `scribe`
// against it.
std::string AnchorPath(const std::string& data_dir, const std::string& anchor_file);
Status CheckAnchor(const std::string& path, const Scribe& scribe, const Keyring& keyring);

// The public half of the log's signing key, under the log's origin.
StatusOr<ledger::NoteSigner> LogSigner(const Keyring& keyring, const std::string& origin);

}  // namespace jangbu::services
