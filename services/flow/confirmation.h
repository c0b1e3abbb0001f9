#pragma once

// The confirmation run: decides novelty against everybody, walking the journal in order, and
// settles the lots that are due. Provisional contributions become confirmed ones here and nowhere
// else.
//
//     RUN_BEGUN (its cut) ─► claims of text withdrawn before the cut are passed on
//                         ─► for each undecided commit before the cut: claims in everybody's
//     tables, runs shared with everybody's earlier text ─► DECISION
//                         ─► credit that came free goes to its heirs ─► SUCCESSION (crediting.h)
//                         ─► for each partner: LOT, when one is due ─► RUN_DONE
//
// A document is HELD, by a document of another partner, when that one is the same, or alone makes
// it a near duplicate, or when nothing of what it offered is new any more: then by the one that
// covers most of it.
//
// Claims are made in the name of (batch, document) and are the same when made again, so a run that
// a crash cut short goes on where it stopped and ends in the same decisions.

#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/blob_store.h"
#include "base/key_index.h"
#include "base/status.h"
#include "services/flow/crediting.h"
#include "services/flow/jangbu.h"
#include "services/flow/keyring.h"
#include "services/flow/scribe.h"
#include "services/flow/text_index.h"

namespace jangbu::services {

// Thread-safe; one run at a time.
class Confirmation {
 public:
  Confirmation(Scribe& scribe, BlobStore& blobs, KeyIndex& keys, Keyring& keyring, TextIndex& index,
               Crediting& crediting, int workers)
      : scribe_(scribe),
        blobs_(blobs),
        keys_(keys),
        keyring_(keyring),
        index_(index),
        crediting_(crediting),
        workers_(workers) {}

  // Ends a run that a crash left open, if there is one.
  Status Resume();
  // See Jangbu::RunConfirmation.
  StatusOr<ConfirmationView> Run(const std::vector<std::string>& release_partners,
                                 const std::string& reason, const std::string& key_id);

  // No run while it lives: waits for the one that is under way.
  std::unique_lock<std::mutex> HoldOff() { return std::unique_lock(mutex_); }

 private:
  Status Finish(ConfirmationView& view);
  // `everybody`: as it was when the run began; `withdrawn`: undecided documents that were withdrawn
  // before its cut.
  StatusOr<ledger::Decision> Decide(const EverybodysText& everybody, const DocumentSet& withdrawn,
                                    uint64_t token, uint64_t commit_seq, uint32_t partner);

  Scribe& scribe_;
  BlobStore& blobs_;
  KeyIndex& keys_;
  Keyring& keyring_;
  TextIndex& index_;
  Crediting& crediting_;
  const int workers_;
  std::mutex mutex_;
};

}  // namespace jangbu::services
