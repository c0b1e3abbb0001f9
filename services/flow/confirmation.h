#pragma once

// The confirmation run: decides novelty against everybody, walking the journal in order, and
// settles the lots that are due. Provisional contributions become confirmed ones here and nowhere
// else.
//
//     RUN_BEGUN (its cut) ─► for each undecided commit before the cut: claims in everybody's tables
//     ─► DECISION
//                         ─► for each partner: LOT, when one is due ─► RUN_DONE
//
// Claims are made in the name of (batch, document) and are the same when made again, so a run that
// a crash cut short goes on where it stopped and ends in the same decisions.

#include <mutex>
#include <string>
#include <vector>

#include "base/blob_store.h"
#include "base/key_index.h"
#include "base/status.h"
#include "services/flow/jangbu.h"
#include "services/flow/keyring.h"
#include "services/flow/scribe.h"

namespace jangbu::services {

// Thread-safe; one run at a time.
class Confirmation {
 public:
  Confirmation(Scribe& scribe, BlobStore& blobs, KeyIndex& keys, Keyring& keyring)
      : scribe_(scribe), blobs_(blobs), keys_(keys), keyring_(keyring) {}

  // Ends a run that a crash left open, if there is one.
  Status Resume();
  // See Jangbu::RunConfirmation.
  StatusOr<ConfirmationView> Run(const std::vector<std::string>& release_partners,
                                 const std::string& reason, const std::string& key_id);

 private:
  Status Finish(ConfirmationView& view);
  StatusOr<ledger::Decision> Decide(uint64_t token, uint64_t commit_seq, uint32_t partner);

  Scribe& scribe_;
  BlobStore& blobs_;
  KeyIndex& keys_;
  Keyring& keyring_;
  std::mutex mutex_;
};

}  // namespace jangbu::services
