#pragma once

// Copies of a data directory, and the way back.
//
//     TO/MANIFEST            one line a file: SHA-256, size, path; then the SHA-256 of those lines
//     TO/data/...            FORMAT, mark, journal/, store/
//     TO/vault/MANIFEST      the same for the keys, so that they can be kept apart: whoever has
//     text and keys and the TO/vault/data/...      master key can read it
//
// A destroyed key lives on in older copies of the vault: those have their own deadline and must be
// deleted in time.

#include <functional>
#include <string>

#include "base/journal.h"
#include "base/status.h"
#include "services/storage/data_dir.h"
#include "services/storage/high_water_mark.h"

namespace jangbu::services {

// Copies the stopped data directory `dir` (takes its lock) to `to`, which does not exist or is
// empty. Durable on return. FailedPrecondition("data_dir_locked") while it is in use,
// AlreadyExists("backup_exists").
Status Backup(const std::string& dir, const std::string& to);

// The same of an open one: appends wait while hard links are made (milliseconds), not while bytes
// are copied.
Status Backup(DataDir& data, const std::string& to);

// Reads every file of a backup and compares. DataLoss("backup_damaged") names the first that is
// missing, changed or not listed.
Status VerifyBackup(const std::string& from, const std::string& vault_from);

struct RestoreOptions {
  // Where the copy of the vault is; FROM/vault when empty.
  std::string vault_from;

  // Required. The judgement of what is known outside of the data directory: shown the restored mark
  // (its signature is for this function to verify: it is given the encoded bytes too) and the
  // restored journal, open for reading, it refuses to go below the newest checkpoint known
  // elsewhere, and refuses a journal whose root at that size is another. An old backup that went on
  // from there would sign a fork of the log.
  std::function<Status(std::string_view encoded_mark, Journal& journal)> admit;
};

// Makes the data directory `dir`, which does not exist or is empty, from a backup: verifies every
// file, asks `admit`, and only then gives it its name. On an error nothing is left at `dir`.
// AlreadyExists("data_dir_not_empty"), DataLoss("backup_damaged"),
// InvalidArgument("restore_without_anchor"), or what `admit` said.
Status Restore(const std::string& from, const std::string& dir, const RestoreOptions& options);

}  // namespace jangbu::services
