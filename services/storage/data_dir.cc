#include "services/storage/data_dir.h"

#include <sys/stat.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "base/check.h"
#include "services/storage/files.h"

namespace jangbu::services {
namespace {

constexpr std::string_view kFormat = "jangbu data 1\n";
constexpr std::string_view kFormatStart = "jangbu data ";

// RFC 6962, section 2.1: the root of the log without leaves.
Digest EmptyRoot() { return Sha256(""); }

// The directory as this program knows it, or as it may make it.
Status CheckFormat(const std::string& dir, bool create) {
  const StatusOr<std::string> format = ReadWholeFile(dir + "/FORMAT", 64);
  if (format.ok()) {
    if (*format == kFormat) return OkStatus();
    if (format->starts_with(kFormatStart)) {
      return FailedPrecondition(
          "data_dir_version", dir + " was made by another version (" +
                                  format->substr(0, format->find('\n')) +
                                  "); this program knows \"" + std::string(kFormat.substr(0, 13)) +
                                  "\". Use the program that made it, or its export");
    }
    return FailedPrecondition("data_dir_foreign", dir + "/FORMAT is not one of a data directory");
  }
  if (format.status().code() == absl::StatusCode::kResourceExhausted) {
    return FailedPrecondition("data_dir_foreign", dir + "/FORMAT is not one of a data directory");
  }
  if (format.status().code() != absl::StatusCode::kNotFound) return format.status();
  JANGBU_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListTree(dir));
  for (const std::string& file : files) {
    if (file == "LOCK" || file == "FORMAT.new") continue;  // of a start that was cut short
    return FailedPrecondition(
        "data_dir_foreign",
        dir + " holds " + file + " but no FORMAT: it is not a data directory, and not empty");
  }
  if (!create) return NotFound("data_dir_missing", dir + " is not a data directory");
  return ReplaceFile(dir + "/FORMAT", kFormat);
}

}  // namespace

struct DataDir::State {
  State(std::string directory, FileLock held, const DataDirOptions& opts)
      : dir(std::move(directory)), lock(std::move(held)), options(opts) {}

  std::string MarkPath() const { return dir + "/mark"; }
  StorePositions Positions() const {
    return {keys->Position(), blobs->Position(), vault->Position()};
  }

  const std::string dir;
  const FileLock lock;  // given up last
  const DataDirOptions options;
  bool is_new = false;
  std::unique_ptr<RocksKeyVault> vault;
  std::unique_ptr<RocksKeyIndex> keys;
  std::unique_ptr<RocksBlobStore> blobs;
  std::unique_ptr<RocksJournal> journal;
  std::unique_ptr<MarkWriter> mark_writer;
  Mark opening_mark;
};

DataDir::DataDir(std::unique_ptr<State> state) : state_(std::move(state)) {}
DataDir::~DataDir() = default;

StatusOr<std::unique_ptr<DataDir>> DataDir::Open(const std::string& dir,
                                                 const DataDirOptions& options) {
  std::error_code error;
  if (!std::filesystem::exists(dir, error)) {
    if (!options.create) return NotFound("data_dir_missing", "there is no " + dir);
    JANGBU_RETURN_IF_ERROR(MakeDirectory(dir));
  } else if (!std::filesystem::is_directory(dir, error)) {
    return FailedPrecondition("data_dir_foreign", dir + " is not a directory");
  }
  if (!options.create && !std::filesystem::exists(dir + "/FORMAT", error)) {
    return NotFound("data_dir_missing", dir + " is not a data directory");
  }
  JANGBU_ASSIGN_OR_RETURN(FileLock lock, FileLock::Take(dir + "/LOCK"));
  JANGBU_RETURN_IF_ERROR(CheckFormat(dir, options.create));
  JANGBU_RETURN_IF_ERROR(RemoveTree(dir + "/backup.new"));  // of a backup that was cut short

  auto state = std::make_unique<State>(dir, std::move(lock), options);
  JANGBU_RETURN_IF_ERROR(MakeDirectory(dir + "/store"));
  JANGBU_ASSIGN_OR_RETURN(state->vault, RocksKeyVault::Open(dir + "/vault"));
  JANGBU_ASSIGN_OR_RETURN(state->keys, RocksKeyIndex::Open(dir + "/store/keys", options.keys));
  JANGBU_ASSIGN_OR_RETURN(state->blobs, RocksBlobStore::Open(dir + "/store/blobs", options.blobs));
  JANGBU_RETURN_IF_ERROR(SyncDirectory(dir + "/store"));
  JANGBU_RETURN_IF_ERROR(SyncDirectory(dir));
  if (!std::filesystem::exists(state->MarkPath(), error)) {
    JANGBU_ASSIGN_OR_RETURN(const Seq tail, RocksJournal::PeekTail(dir + "/journal"));
    if (tail > 0) {
      return DataLoss(
          "mark_missing",
          state->MarkPath() + " is missing beside a journal of " + std::to_string(tail) +
              " records, so nobody can tell whether it is complete. Restore the mark, or the whole "
              "directory from a backup");
    }
    state->is_new = true;
  }
  return std::unique_ptr<DataDir>(new DataDir(std::move(state)));
}

bool DataDir::is_new() const { return state_->is_new; }

Status DataDir::OpenJournal(const SecretKey& signing_seed) {
  JANGBU_CHECK(state_->journal == nullptr);
  const std::string journal_dir = state_->dir + "/journal";
  std::optional<Mark> mark;
  StatusOr<Mark> read = ReadMark(state_->MarkPath(), PublicKeyOf(signing_seed));
  if (read.ok()) {
    mark = *read;
  } else if (read.status().code() != absl::StatusCode::kNotFound) {
    return read.status();
  }

  // Opening for writing settles what recovery made of a damaged log; look first, with nothing
  // changed.
  JANGBU_ASSIGN_OR_RETURN(const Seq tail, RocksJournal::PeekTail(journal_dir));
  if (mark.has_value()) {
    // The root is the caller's to compare, when it has replayed the journal.
    JANGBU_RETURN_IF_ERROR(CheckMark(*mark, tail, [&](uint64_t) { return mark->root; }));
    JANGBU_RETURN_IF_ERROR(CheckPositions(*mark, state_->Positions()));
  } else if (!state_->is_new || tail > 0) {
    return DataLoss("mark_missing", state_->MarkPath() + " went away while it was being opened");
  }
  State* const state = state_.get();
  auto writer = std::make_unique<MarkWriter>(state_->MarkPath(), signing_seed.Copy(), mark,
                                             [state] { return state->Positions(); });
  JANGBU_ASSIGN_OR_RETURN(auto journal, RocksJournal::Open(journal_dir, state_->options.journal));
  JANGBU_RETURN_IF_ERROR(SyncDirectory(state_->dir));
  if (!mark.has_value()) {
    // Before the first append, so that a journal with records always has a mark.
    mark = Mark{0, 0, EmptyRoot(), {}};
    JANGBU_RETURN_IF_ERROR(writer->Write(*mark));
  }
  state_->opening_mark = *mark;
  state_->mark_writer = std::move(writer);
  state_->journal = std::move(journal);
  return OkStatus();
}

const std::string& DataDir::path() const { return state_->dir; }
KeyVault& DataDir::vault() { return *state_->vault; }
KeyIndex& DataDir::keys() { return *state_->keys; }
BlobStore& DataDir::blobs() { return *state_->blobs; }

Journal& DataDir::journal() {
  JANGBU_CHECK(state_->journal != nullptr);
  return *state_->journal;
}

const Mark& DataDir::opening_mark() const {
  JANGBU_CHECK(state_->journal != nullptr);
  return state_->opening_mark;
}

MarkWriter& DataDir::mark_writer() {
  JANGBU_CHECK(state_->mark_writer != nullptr);
  return *state_->mark_writer;
}

Status DataDir::Checkpoint(const std::string& to, const std::string& vault_to) {
  JANGBU_CHECK(state_->journal != nullptr);
  JANGBU_RETURN_IF_ERROR(MakeDirectory(to + "/store"));
  // The mark first: everything copied after it is at least as far.
  std::string mark;
  JANGBU_ASSIGN_OR_RETURN(mark, ReadWholeFile(state_->MarkPath(), kMarkBytes));
  JANGBU_RETURN_IF_ERROR(ReplaceFile(to + "/mark", mark));
  JANGBU_RETURN_IF_ERROR(ReplaceFile(to + "/FORMAT", kFormat));
  return state_->journal->Checkpoint(to + "/journal", [&]() -> Status {
    JANGBU_RETURN_IF_ERROR(state_->vault->Checkpoint(vault_to));
    JANGBU_RETURN_IF_ERROR(state_->keys->Checkpoint(to + "/store/keys"));
    return state_->blobs->Checkpoint(to + "/store/blobs");
  });
}

}  // namespace jangbu::services
