#pragma once

// A data directory: everything that an installation keeps.
//
//     DIR/FORMAT      "jangbu data 1\n"; another number is refused, not guessed at
//     DIR/LOCK        held while open: one process at a time
//     DIR/journal/    the truth                      rocks_journal.h
//     DIR/mark        how much of it was acknowledged  high_water_mark.h
//     DIR/store/keys, DIR/store/blobs                rocks_key_index.h, rocks_blob_store.h
//     DIR/vault/      wrapped keys, erasable         rocks_key_vault.h
//
// Opening has two steps, because the key that the mark is verified with is itself kept, wrapped, in
// the vault:
//
//     1. Open(dir): the lock, the vault, the key index, the blobs. The caller unwraps (or, when
//     is_new(), makes) its
//        signing key.
//     2. OpenJournal(seed): reads the mark and refuses, before any file of the journal is touched,
//     when the journal is
//        shorter. A new installation gets the mark of the empty log.
//
// The caller then replays the journal and calls CheckMark with its root before it serves anybody.

#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "services/storage/high_water_mark.h"
#include "services/storage/rocks_blob_store.h"
#include "services/storage/rocks_journal.h"
#include "services/storage/rocks_key_index.h"
#include "services/storage/rocks_key_vault.h"

namespace jangbu::services {

struct DataDirOptions {
  // Make the directory when it is missing or empty; otherwise NotFound("data_dir_missing").
  bool create = true;
  RocksJournalOptions journal;
  RocksKeyIndexOptions keys;
  RocksBlobStoreOptions blobs;
};

// Thread-safe after OpenJournal; opening is for one thread. Closes everything, in order, when
// destroyed.
class DataDir {
 public:
  // DataLoss("mark_missing") for a journal with records but no mark;
  // FailedPrecondition("data_dir_locked") when another process has it, ("data_dir_foreign") when
  // the directory holds something else, ("data_dir_version") for a format this program does not
  // know; NotFound("data_dir_missing"); otherwise the first error of a part, with its path.
  static StatusOr<std::unique_ptr<DataDir>> Open(const std::string& dir,
                                                 const DataDirOptions& options = {});
  ~DataDir();

  // True when nothing was ever acknowledged here (there is no mark): the caller makes its keys now.
  bool is_new() const;

  // Opens the journal against the mark, which is verified with the public key of `signing_seed` and
  // written with it from now on. DataLoss: ("mark_missing") with a journal that is not empty,
  // ("mark_damaged"),
  // ("journal_short_of_mark"), ("store_short_of_mark").
  Status OpenJournal(const SecretKey& signing_seed);

  const std::string& path() const;
  KeyVault& vault();
  KeyIndex& keys();
  BlobStore& blobs();

  // REQUIRES, from here on: OpenJournal returned OK.
  Journal& journal();
  // As OpenJournal read or made it. Give it to CheckMark when the journal is replayed.
  const Mark& opening_mark() const;

  // Fills in the positions of the other stores.
  MarkWriter& mark_writer();

  // For backup.h. Copies, consistent with each other, of all parts: directories journal,
  // store/keys, store/blobs and files mark, FORMAT below `to`, the vault as `vault_to`. `to` is an
  // empty directory, `vault_to` does not exist. Appends wait meanwhile. Hard links where it can.
  Status Checkpoint(const std::string& to, const std::string& vault_to);

 private:
  struct State;
  explicit DataDir(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jangbu::services
