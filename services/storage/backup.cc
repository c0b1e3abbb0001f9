#include "services/storage/backup.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "services/storage/files.h"
#include "services/storage/rocks_journal.h"

namespace jangbu::services {
namespace {

//     manifest = "jangbu backup 1\n" line* "end " hex64 "\n"     ; SHA-256 of all that stands
//     before "end " line     = hex64 " " size " " path "\n"                    ; SHA-256, decimal,
//     relative with forward slashes
constexpr std::string_view kFirstLine = "jangbu backup 1\n";
constexpr size_t kMaxManifestBytes = size_t{256} << 20;

Status Damaged(const std::string& path, std::string_view why) {
  return DataLoss("backup_damaged", path + " " + std::string(why));
}

struct Listed {
  std::string path;
  uint64_t size = 0;
  std::string sha256;  // hexadecimal
  bool operator==(const Listed&) const = default;
};

std::string EncodeManifest(const std::vector<Listed>& files) {
  std::string out(kFirstLine);
  for (const Listed& file : files) {
    out += file.sha256 + " " + std::to_string(file.size) + " " + file.path + "\n";
  }
  const std::string end = ToHex(Sha256(out));
  return out + "end " + end + "\n";
}

StatusOr<std::vector<Listed>> ReadManifest(const std::string& path) {
  StatusOr<std::string> bytes = ReadWholeFile(path, kMaxManifestBytes);
  if (bytes.status().code() == absl::StatusCode::kNotFound) return Damaged(path, "is missing");
  JANGBU_RETURN_IF_ERROR(bytes.status());
  const size_t end = bytes->rfind("end ");
  if (!bytes->starts_with(kFirstLine) || end == std::string::npos || end < kFirstLine.size()) {
    return Damaged(path, "is not the manifest of a backup of this version");
  }
  std::vector<Listed> files;
  std::string_view rest =
      std::string_view(*bytes).substr(kFirstLine.size(), end - kFirstLine.size());
  while (!rest.empty()) {
    const size_t line_end = rest.find('\n');
    if (line_end == std::string_view::npos) return Damaged(path, "has a line without an end");
    const std::string_view line = rest.substr(0, line_end);
    rest.remove_prefix(line_end + 1);
    Listed file;
    const size_t size_end = line.find(' ', 65);
    if (line.size() < 66 || line[64] != ' ' || size_end == std::string_view::npos ||
        size_end - 65 > 19) {
      return Damaged(path, "has a line that is none");
    }
    file.sha256 = line.substr(0, 64);
    for (const char c : line.substr(65, size_end - 65)) {
      if (c < '0' || c > '9') return Damaged(path, "has a line that is none");
      file.size = file.size * 10 + static_cast<uint64_t>(c - '0');
    }
    file.path = line.substr(size_end + 1);
    files.push_back(std::move(file));
  }
  if (EncodeManifest(files) != *bytes) return Damaged(path, "does not read back as written");
  for (const Listed& file : files) {
    const std::filesystem::path relative(file.path);
    if (relative.empty() || relative.is_absolute() || relative.lexically_normal() != relative ||
        *relative.begin() == "..") {
      return Damaged(path, "lists a path outside of the backup");
    }
  }
  return files;
}

// Copies one file and says what was copied. Durable on return, but for its name.
StatusOr<Listed> CopyFile(const std::string& from, const std::string& to,
                          const std::string& relative) {
  JANGBU_ASSIGN_OR_RETURN(NewFile file, NewFile::Create(to, 0600));
  Sha256Stream digest;
  Listed listed{relative, 0, {}};
  JANGBU_RETURN_IF_ERROR(ForEachPiece(from, [&](std::string_view piece) -> Status {
    digest.Update(piece);
    listed.size += piece.size();
    return file.Append(piece);
  }));
  JANGBU_RETURN_IF_ERROR(file.Finish());
  listed.sha256 = ToHex(digest.Peek());
  return listed;
}

// Makes the directories that `relative` needs below `root`, and remembers them.
Status MakeParents(const std::string& root, const std::string& relative,
                   std::set<std::string>& made) {
  std::filesystem::path dir = root;
  const std::filesystem::path parent = std::filesystem::path(relative).parent_path();
  for (const std::filesystem::path& part : parent) {
    dir /= part;
    const bool is_new = made.insert(dir.string()).second;
    if (is_new) JANGBU_RETURN_IF_ERROR(MakeDirectory(dir.string()));
  }
  return OkStatus();
}

bool IsNothing(const std::string& file) {
  const std::string name = std::filesystem::path(file).filename().string();
  return name == "LOCK" || name.ends_with(".new") || name == "LOG" || name.starts_with("LOG.old");
}

// Copies the tree `from` to `to`/data and writes `to`/MANIFEST. `to` exists.
Status CopyTree(const std::string& from, const std::string& to,
                const std::function<bool(const std::string&)>& skip) {
  JANGBU_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListTree(from));
  const std::string data = to + "/data";
  JANGBU_RETURN_IF_ERROR(MakeDirectory(data));
  std::set<std::string> directories = {data};
  std::vector<Listed> listed;
  for (const std::string& file : files) {
    if (IsNothing(file) || skip(file)) continue;
    JANGBU_RETURN_IF_ERROR(MakeParents(data, file, directories));
    JANGBU_ASSIGN_OR_RETURN(Listed copied, CopyFile(from + "/" + file, data + "/" + file, file));
    listed.push_back(std::move(copied));
  }
  for (const std::string& dir : directories) JANGBU_RETURN_IF_ERROR(SyncDirectory(dir));
  return ReplaceFile(to + "/MANIFEST", EncodeManifest(listed));
}

bool IsApart(const std::string& file) {
  return file.starts_with("vault/") || file.starts_with("backup.new/");
}

// The directory `to`, new or empty.
Status MakeTarget(const std::string& to) {
  JANGBU_ASSIGN_OR_RETURN(const bool free, MissingOrEmpty(to));
  if (!free)
    return AlreadyExists("backup_exists", to + " is not empty; a backup is never written over");
  return MakeDirectory(to);
}

// Compares the tree below `from` with its manifest; hands each listed file to `use` when given.
Status CheckTree(const std::string& from, const std::function<Status(const Listed&)>& use) {
  JANGBU_ASSIGN_OR_RETURN(const std::vector<Listed> files, ReadManifest(from + "/MANIFEST"));
  JANGBU_ASSIGN_OR_RETURN(const std::vector<std::string> there, ListTree(from + "/data"));
  std::set<std::string> expected;
  for (const Listed& file : files) expected.insert(file.path);
  for (const std::string& file : there) {
    if (!expected.erase(file)) return Damaged(from + "/data/" + file, "is not in the manifest");
  }
  if (!expected.empty()) return Damaged(from + "/data/" + *expected.begin(), "is missing");
  for (const Listed& file : files) JANGBU_RETURN_IF_ERROR(use(file));
  return OkStatus();
}

Status CheckFile(const std::string& from, const Listed& expected) {
  const std::string path = from + "/data/" + expected.path;
  Sha256Stream digest;
  uint64_t size = 0;
  JANGBU_RETURN_IF_ERROR(ForEachPiece(path, [&](std::string_view piece) {
    digest.Update(piece);
    size += piece.size();
    return OkStatus();
  }));
  if (size != expected.size || ToHex(digest.Peek()) != expected.sha256) {
    return Damaged(path, "is not what was backed up");
  }
  return OkStatus();
}

// Copies a checked tree to `to`, checking while copying.
Status RestoreTree(const std::string& from, const std::string& to) {
  JANGBU_RETURN_IF_ERROR(MakeDirectory(to));
  std::set<std::string> directories = {to};
  const Status checked = CheckTree(from, [&](const Listed& file) -> Status {
    JANGBU_RETURN_IF_ERROR(MakeParents(to, file.path, directories));
    JANGBU_ASSIGN_OR_RETURN(const Listed copied,
                            CopyFile(from + "/data/" + file.path, to + "/" + file.path, file.path));
    if (copied != file) return Damaged(from + "/data/" + file.path, "is not what was backed up");
    return OkStatus();
  });
  JANGBU_RETURN_IF_ERROR(checked);
  for (const std::string& dir : directories) JANGBU_RETURN_IF_ERROR(SyncDirectory(dir));
  return OkStatus();
}

std::string ParentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Status RestoreInto(const std::string& from, const std::string& dir, const std::string& vault_from,
                   const RestoreOptions& options) {
  JANGBU_RETURN_IF_ERROR(RestoreTree(from, dir));
  JANGBU_RETURN_IF_ERROR(RestoreTree(vault_from, dir + "/vault"));
  const StatusOr<std::string> mark = ReadWholeFile(dir + "/mark", kMarkBytes);
  if (!mark.ok()) return Damaged(from, "holds no mark");
  StatusOr<std::unique_ptr<RocksJournal>> journal = RocksJournal::Open(dir + "/journal");
  if (!journal.ok())
    return Damaged(from,
                   "has a journal that does not open: " + std::string(MessageOf(journal.status())));
  return options.admit(*mark, **journal);
}

}  // namespace

Status Backup(const std::string& dir, const std::string& to) {
  std::error_code error;
  if (!std::filesystem::exists(dir + "/FORMAT", error)) {
    return NotFound("data_dir_missing", dir + " is not a data directory");
  }
  JANGBU_ASSIGN_OR_RETURN(const FileLock lock, FileLock::Take(dir + "/LOCK"));
  JANGBU_RETURN_IF_ERROR(MakeTarget(to));
  JANGBU_RETURN_IF_ERROR(MakeDirectory(to + "/vault"));
  JANGBU_RETURN_IF_ERROR(
      CopyTree(dir + "/vault", to + "/vault", [](const std::string&) { return false; }));
  JANGBU_RETURN_IF_ERROR(CopyTree(dir, to, IsApart));
  return SyncDirectory(to);
}

Status Backup(DataDir& data, const std::string& to) {
  JANGBU_RETURN_IF_ERROR(MakeTarget(to));
  // Links first, inside the directory and quickly; then bytes, with nobody waiting.
  const std::string links = data.path() + "/backup.new";
  JANGBU_RETURN_IF_ERROR(RemoveTree(links));
  JANGBU_RETURN_IF_ERROR(MakeDirectory(links));
  const auto copy = [&]() -> Status {
    JANGBU_RETURN_IF_ERROR(data.Checkpoint(links, links + "/vault"));
    JANGBU_RETURN_IF_ERROR(MakeDirectory(to + "/vault"));
    JANGBU_RETURN_IF_ERROR(
        CopyTree(links + "/vault", to + "/vault", [](const std::string&) { return false; }));
    return CopyTree(links, to, IsApart);
  };
  const Status copied = copy();
  const Status removed = RemoveTree(links);  // keys may be linked from here: it must not stay
  JANGBU_RETURN_IF_ERROR(copied);
  JANGBU_RETURN_IF_ERROR(removed);
  return SyncDirectory(to);
}

Status VerifyBackup(const std::string& from, const std::string& vault_from) {
  const std::string vault = vault_from.empty() ? from + "/vault" : vault_from;
  JANGBU_RETURN_IF_ERROR(
      CheckTree(from, [&](const Listed& file) { return CheckFile(from, file); }));
  return CheckTree(vault, [&](const Listed& file) { return CheckFile(vault, file); });
}

Status Restore(const std::string& from, const std::string& dir, const RestoreOptions& options) {
  if (options.admit == nullptr) {
    return InvalidArgument("restore_without_anchor",
                           "a restore must be judged against the newest checkpoint known outside");
  }
  const std::string target = WithoutSlash(dir);
  JANGBU_ASSIGN_OR_RETURN(const bool free, MissingOrEmpty(target));
  if (!free) {
    return AlreadyExists("data_dir_not_empty",
                         target + " is not empty; a restore never writes over anything");
  }
  const std::string vault_from = options.vault_from.empty() ? from + "/vault" : options.vault_from;
  const std::string unfinished = target + ".restoring";
  JANGBU_RETURN_IF_ERROR(RemoveTree(unfinished));
  const Status restored = RestoreInto(from, unfinished, vault_from, options);
  if (!restored.ok()) {
    RemoveTree(unfinished).IgnoreError();
    return restored;
  }
  std::error_code error;
  std::filesystem::rename(unfinished, target, error);  // over an empty directory too
  if (error) {
    RemoveTree(unfinished).IgnoreError();
    return Unavailable("io_error", "rename " + unfinished + ": " + error.message());
  }
  return SyncDirectory(ParentOf(target));
}

}  // namespace jangbu::services
