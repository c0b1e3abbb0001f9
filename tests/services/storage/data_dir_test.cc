// The data directory, backups, and what is left in files after a key was destroyed.

#include "services/storage/data_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "services/storage/backup.h"
#include "services/storage/files.h"
#include "services/storage/system.h"
#include "tests/support/temp_dir.h"

namespace jangbu::services {
namespace {

namespace fs = std::filesystem;

SecretKey Seed() { return SecretKey::FromBytes(std::string(32, 's')); }

std::string Slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void Spill(const fs::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << bytes;
}

// Files below `dir` that contain `needle`.
std::vector<std::string> FilesWith(const std::string& dir, std::string_view needle) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file() && Slurp(entry.path()).find(needle) != std::string::npos) {
      found.push_back(entry.path().string());
    }
  }
  return found;
}

// A stand-in for the root of the log: any function of all records will do here.
StatusOr<Digest> RootAt(Journal& journal, uint64_t size) {
  JANGBU_ASSIGN_OR_RETURN(const auto records, journal.Read(0, size, SIZE_MAX));
  Sha256Stream digest;
  for (const std::string& record : records) digest.Update(record);
  return digest.Peek();
}

StatusOr<std::unique_ptr<DataDir>> OpenAll(const std::string& dir) {
  JANGBU_ASSIGN_OR_RETURN(auto data, DataDir::Open(dir));
  JANGBU_RETURN_IF_ERROR(data->OpenJournal(Seed()));
  JANGBU_ASSIGN_OR_RETURN(const Seq tail, data->journal().Tail());
  Journal& journal = data->journal();
  JANGBU_RETURN_IF_ERROR(
      CheckMark(data->opening_mark(), tail, [&](uint64_t size) { return RootAt(journal, size); }));
  return data;
}

// Appends `count` records, writes the mark.
void AppendRecords(DataDir& data, int count) {
  const Epoch epoch = data.journal().Acquire().value();
  Seq seq = data.journal().Tail().value();
  for (int i = 0; i < count; ++i, ++seq) {
    const std::string record = "record " + std::to_string(seq);
    const std::string_view view = record;
    ASSERT_TRUE(data.journal().Append(epoch, seq, {&view, 1}).ok());
  }
  ASSERT_TRUE(data.mark_writer().Write({seq, epoch, RootAt(data.journal(), seq).value(), {}}).ok());
}

void PutSome(DataDir& data, uint64_t token) {
  const std::string bytes = "blob of " + std::to_string(token);
  const BlobPut blob{{BlobKind::kText, token, 0}, bytes};
  ASSERT_TRUE(data.blobs().Put({&blob, 1}).ok());
  KeyClaim claim{};
  claim.key[0] = static_cast<uint8_t>(token);
  ASSERT_TRUE(data.keys().Claim({1, 0}, token, {&claim, 1}).ok());
  const VaultPut key{{VaultKind::kDocument, token, 0}, bytes};
  ASSERT_TRUE(data.vault().Put({&key, 1}).ok());
}

class DataDirTest : public ::testing::Test {
 protected:
  support::TempDir temp_;
  const std::string dir_ = temp_ / "data";
};

TEST_F(DataDirTest, IsMadeAndFoundAgain) {
  {
    auto data = DataDir::Open(dir_).value();
    EXPECT_TRUE(data->is_new());
    ASSERT_TRUE(data->OpenJournal(Seed()).ok());
    PutSome(*data, 1);
    AppendRecords(*data, 3);
  }
  const auto data = OpenAll(dir_);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_FALSE((*data)->is_new());
  EXPECT_EQ((*data)->opening_mark().size, 3u);
  EXPECT_EQ((*data)->journal().Tail().value(), 3u);
  const BlobName name{BlobKind::kText, 1, 0};
  EXPECT_EQ((*data)->blobs().Get({&name, 1}).value()[0], "blob of 1");
  EXPECT_EQ(Slurp(dir_ + "/FORMAT"), "jangbu data 1\n");
}

TEST_F(DataDirTest, IsStillNewUntilItsJournalWasOpened) {
  { EXPECT_TRUE(DataDir::Open(dir_).value()->is_new()); }
  { EXPECT_TRUE(DataDir::Open(dir_).value()->is_new()); }
}

TEST_F(DataDirTest, AdmitsOneProcess) {
  const auto data = DataDir::Open(dir_).value();
  const Status refused = DataDir::Open(dir_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused), "data_dir_locked");
  const pid_t child = ::fork();
  if (child == 0) ::_exit(ReasonOf(Backup(dir_, dir_ + ".copy")) == "data_dir_locked" ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "a backup of a running directory is refused in another process";
}

TEST_F(DataDirTest, RefusesWhatItDoesNotKnow) {
  DataDirOptions existing;
  existing.create = false;
  EXPECT_EQ(ReasonOf(DataDir::Open(dir_, existing).status()), "data_dir_missing");
  fs::create_directory(dir_);
  EXPECT_EQ(ReasonOf(DataDir::Open(dir_, existing).status()), "data_dir_missing");
  Spill(dir_ + "/thesis.txt", "mine");
  EXPECT_EQ(ReasonOf(DataDir::Open(dir_).status()), "data_dir_foreign");
  EXPECT_EQ(Slurp(dir_ + "/thesis.txt"), "mine");
  fs::remove(dir_ + "/thesis.txt");
  for (const char* const format :
       {"jangbu data 2\n", "jangbu data 10\n", "jangbu data 1 \n", "jangbu data 1"}) {
    Spill(dir_ + "/FORMAT", format);
    EXPECT_EQ(ReasonOf(DataDir::Open(dir_).status()), "data_dir_version") << format;
  }
  Spill(dir_ + "/FORMAT", std::string(1000, 'x'));
  EXPECT_EQ(ReasonOf(DataDir::Open(dir_).status()), "data_dir_foreign");
  fs::remove_all(dir_);
  Spill(dir_, "a file");
  EXPECT_EQ(ReasonOf(DataDir::Open(dir_).status()), "data_dir_foreign");
}

TEST_F(DataDirTest, RefusesAJournalWithoutItsMark) {
  {
    auto data = OpenAll(dir_).value();
    AppendRecords(*data, 2);
  }
  fs::remove(dir_ + "/mark");
  EXPECT_EQ(ReasonOf(DataDir::Open(dir_).status()), "mark_missing");
}

TEST_F(DataDirTest, RefusesAJournalOrStoreThatLostItsEnd) {
  {
    auto data = OpenAll(dir_).value();
    PutSome(*data, 1);
    AppendRecords(*data, 2);
  }
  for (const char* const part : {"journal", "store/keys", "store/blobs", "vault"}) {
    const std::string old = dir_ + ".old";
    fs::remove_all(old);
    fs::copy(dir_, old, fs::copy_options::recursive);
    {
      auto data = OpenAll(dir_).value();
      PutSome(*data, data->journal().Tail().value() + 10);
      AppendRecords(*data, 1);
    }
    // One part as it was before: what a log cut short by a flipped bit looks like.
    const std::string now = dir_ + ".now";
    fs::remove_all(now);
    fs::copy(dir_, now, fs::copy_options::recursive);
    fs::remove_all(dir_ + "/" + part);
    fs::copy(old + "/" + part, dir_ + "/" + part, fs::copy_options::recursive);
    EXPECT_EQ(ReasonOf(OpenAll(dir_).status()),
              std::string_view(part) == "journal" ? "journal_short_of_mark" : "store_short_of_mark")
        << part;
    EXPECT_FALSE(OpenAll(dir_).ok()) << "and again: looking changed nothing";
    fs::remove_all(dir_);
    fs::rename(now, dir_);
    ASSERT_TRUE(OpenAll(dir_).ok());
  }
}

TEST_F(DataDirTest, AnotherKeysMarkIsRefused) {
  { AppendRecords(*OpenAll(dir_).value(), 1); }
  auto data = DataDir::Open(dir_).value();
  EXPECT_EQ(ReasonOf(data->OpenJournal(SecretKey::FromBytes(std::string(32, 'x')))),
            "mark_damaged");
}

// ---- Backup and restore ----

class BackupTest : public DataDirTest {
 protected:
  void SetUp() override {
    auto data = OpenAll(dir_).value();
    PutSome(*data, 1);
    PutSome(*data, 2);
    AppendRecords(*data, 5);
  }
  RestoreOptions Admit(uint64_t known_size) const {
    RestoreOptions options;
    options.admit = [known_size](std::string_view encoded, Journal& journal) -> Status {
      JANGBU_ASSIGN_OR_RETURN(const Mark mark, DecodeMark(encoded, PublicKeyOf(Seed())));
      JANGBU_ASSIGN_OR_RETURN(const Seq tail, journal.Tail());
      JANGBU_RETURN_IF_ERROR(
          CheckMark(mark, tail, [&](uint64_t size) { return RootAt(journal, size); }));
      if (tail < known_size) return FailedPrecondition("restore_below_anchor", "an older backup");
      return OkStatus();
    };
    return options;
  }
  void ExpectComplete(const std::string& dir, uint64_t records) {
    const auto data = OpenAll(dir);
    ASSERT_TRUE(data.ok()) << data.status();
    EXPECT_EQ((*data)->journal().Tail().value(), records);
    for (const uint64_t token : {1, 2}) {
      const BlobName blob{BlobKind::kText, token, 0};
      EXPECT_EQ((*data)->blobs().Get({&blob, 1}).value()[0], "blob of " + std::to_string(token));
      const VaultName key{VaultKind::kDocument, token, 0};
      EXPECT_EQ((*data)->vault().Get({&key, 1}).value()[0], "blob of " + std::to_string(token));
      Key claimed{};
      claimed[0] = static_cast<uint8_t>(token);
      EXPECT_EQ((*data)->keys().Lookup({1, 0}, {&claimed, 1}).value()[0], (Owner{token, 0}));
    }
  }
  const std::string copy_ = temp_ / "copy";
  const std::string back_ = temp_ / "back";
};

TEST_F(BackupTest, OfAStoppedDirectoryComesBack) {
  ASSERT_EQ(Backup(dir_, copy_), OkStatus());
  EXPECT_EQ(VerifyBackup(copy_, ""), OkStatus());
  ASSERT_EQ(Restore(copy_, back_, Admit(5)), OkStatus());
  ExpectComplete(back_, 5);
}

TEST_F(BackupTest, OfALiveDirectoryComesBackAndLeavesNothingBehind) {
  {
    auto data = OpenAll(dir_).value();
    AppendRecords(*data, 2);
    ASSERT_EQ(Backup(*data, copy_), OkStatus());
    AppendRecords(*data, 2);
    EXPECT_FALSE(fs::exists(dir_ + "/backup.new"));
  }
  ASSERT_EQ(Restore(copy_, back_, Admit(7)), OkStatus());
  ExpectComplete(back_, 7);
  ExpectComplete(dir_, 9);
}

TEST_F(BackupTest, KeysCanBeKeptApart) {
  ASSERT_EQ(Backup(dir_, copy_), OkStatus());
  const std::string safe = temp_ / "safe";
  fs::rename(copy_ + "/vault", safe);
  EXPECT_EQ(ReasonOf(Restore(copy_, back_, Admit(5))), "backup_damaged");
  EXPECT_FALSE(fs::exists(back_));
  RestoreOptions options = Admit(5);
  options.vault_from = safe;
  ASSERT_EQ(Restore(copy_, back_, options), OkStatus());
  ExpectComplete(back_, 5);
}

TEST_F(BackupTest, IsNeverWrittenOverAnything) {
  fs::create_directory(copy_);
  Spill(copy_ + "/something", "x");
  EXPECT_EQ(ReasonOf(Backup(dir_, copy_)), "backup_exists");
  fs::remove(copy_ + "/something");
  ASSERT_EQ(Backup(dir_, copy_), OkStatus()) << "an empty directory will do";
  fs::create_directory(back_);
  Spill(back_ + "/something", "x");
  EXPECT_EQ(ReasonOf(Restore(copy_, back_, Admit(5))), "data_dir_not_empty");
  EXPECT_EQ(Slurp(back_ + "/something"), "x");
  EXPECT_EQ(ReasonOf(Restore(copy_, dir_, Admit(5))), "data_dir_not_empty");
  fs::remove(back_ + "/something");
  EXPECT_EQ(Restore(copy_, back_ + "/", Admit(5)), OkStatus());
}

TEST_F(BackupTest, AnOldOneIsRefused) {
  ASSERT_EQ(Backup(dir_, copy_), OkStatus());
  EXPECT_EQ(ReasonOf(Restore(copy_, back_, Admit(6))), "restore_below_anchor");
  EXPECT_FALSE(fs::exists(back_));
  EXPECT_FALSE(fs::exists(back_ + ".restoring"));
  EXPECT_EQ(ReasonOf(Restore(copy_, back_, {})), "restore_without_anchor");
}

TEST_F(BackupTest, EveryChangeIsNoticed) {
  ASSERT_EQ(Backup(dir_, copy_), OkStatus());
  const std::vector<std::string> files = ListTree(copy_).value();
  EXPECT_GT(files.size(), 20u);
  std::mt19937_64 random(3);
  for (const std::string& file : files) {
    const std::string path = copy_ + "/" + file;
    const std::string bytes = Slurp(path);
    if (!bytes.empty()) {
      std::string changed = bytes;
      changed[random() % changed.size()] ^= static_cast<char>(1 << (random() % 8));
      Spill(path, changed);
      EXPECT_EQ(ReasonOf(VerifyBackup(copy_, "")), "backup_damaged") << file << " changed";
    }
    Spill(path, bytes + "x");
    EXPECT_EQ(ReasonOf(VerifyBackup(copy_, "")), "backup_damaged") << file << " longer";
    fs::remove(path);
    EXPECT_EQ(ReasonOf(VerifyBackup(copy_, "")), "backup_damaged") << file << " missing";
    Spill(path, bytes);
  }
  Spill(copy_ + "/data/extra", "");
  EXPECT_EQ(ReasonOf(VerifyBackup(copy_, "")), "backup_damaged") << "not listed";
  EXPECT_EQ(ReasonOf(Restore(copy_, back_, Admit(5))), "backup_damaged");
  EXPECT_FALSE(fs::exists(back_));
  fs::remove(copy_ + "/data/extra");
  EXPECT_EQ(VerifyBackup(copy_, ""), OkStatus());
}

TEST_F(BackupTest, AListedPathCannotLeaveTheBackup) {
  ASSERT_EQ(Backup(dir_, copy_), OkStatus());
  for (const std::string& path :
       {std::string("../outside"), std::string("/etc/outside"), std::string("a/../../b")}) {
    const std::string lines = "jangbu backup 1\n" + ToHex(Sha256("")) + " 0 " + path + "\n";
    Spill(copy_ + "/MANIFEST", lines + "end " + ToHex(Sha256(lines)) + "\n");
    EXPECT_EQ(ReasonOf(Restore(copy_, back_, Admit(0))), "backup_damaged") << path;
  }
}

// ---- Destroying keys ----

TEST(KeyVaultFiles, HoldNothingOfAnErasedKey) {
  support::TempDir temp;
  const std::string dir = temp / "vault";
  auto vault = RocksKeyVault::Open(dir).value();
  OsRandom random;
  std::mt19937_64 choose(17);
  std::map<VaultName, std::string> kept;
  const auto fresh = [&] {
    std::string bytes(60, '\0');
    random.Fill(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size());
    return bytes;
  };
  for (int round = 0; round < 30; ++round) {
    // Many keys, some replaced, some flushed to files by the size of what comes after.
    std::vector<std::string> bytes;
    std::vector<std::string> gone;
    for (int i = 0; i < 2000; ++i) bytes.push_back(fresh());
    std::vector<VaultPut> puts;
    for (const std::string& each : bytes) {
      puts.push_back(
          {{VaultKind::kDocument, choose() % 12, static_cast<uint32_t>(choose() % 500)}, each});
    }
    ASSERT_TRUE(vault->Put(puts).ok());
    std::map<VaultName, std::vector<std::string>> replaced;
    for (const VaultPut& put : puts) {
      auto& now = kept[put.name];
      if (!now.empty()) replaced[put.name].push_back(now);
      now = put.wrapped;
    }
    if (choose() % 4 == 0) vault.reset(), vault = RocksKeyVault::Open(dir).value();
    if (round % 3 == 2) {
      const uint64_t id = choose() % 12;
      ASSERT_EQ(vault->EraseAll(VaultKind::kDocument, id), OkStatus());
      std::erase_if(kept, [&](const auto& each) {
        if (each.first.id != id) return false;
        gone.push_back(each.second);
        for (const std::string& old : replaced[each.first]) gone.push_back(old);
        return true;
      });
    } else {
      std::vector<VaultName> names;
      for (const auto& [name, wrapped] : kept) {
        if (choose() % 200 != 0) continue;
        names.push_back(name);
        gone.push_back(wrapped);
        for (const std::string& old : replaced[name]) gone.push_back(old);
      }
      ASSERT_EQ(vault->Erase(names), OkStatus());
      for (const VaultName& name : names) kept.erase(name);
    }
    std::string all;
    for (const auto& entry : fs::recursive_directory_iterator(dir)) {
      if (entry.is_regular_file()) all += Slurp(entry.path());
    }
    for (const std::string& each : gone) {
      ASSERT_EQ(all.find(each), std::string::npos) << "round " << round;
      ASSERT_EQ(all.find(each.substr(20, 24)), std::string::npos) << "round " << round;
    }
  }
  // The search finds what is there: a key that was kept is in some file.
  EXPECT_FALSE(FilesWith(dir, kept.begin()->second).empty());
  for (const auto& [name, wrapped] : kept) ASSERT_EQ(vault->Get({&name, 1}).value()[0], wrapped);
}

TEST(KeyVaultFiles, AnErasureThatWasCutShortIsFinishedByTheNext) {
  support::TempDir temp;
  const std::string dir = temp / "vault";
  const std::string secret = "0123456789abcdef0123456789abcdef-the-wrapped-key-itself-xyz";
  const VaultName name{VaultKind::kPartner, 4, 0};
  const pid_t child = ::fork();
  if (child == 0) {
    auto vault = RocksKeyVault::Open(dir).value();
    const VaultPut put{name, secret};
    const bool ok = vault->Put({&put, 1}).ok();
    ::_exit(ok ? 0 : 1);  // as a crash: nothing is closed
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_FALSE(FilesWith(dir, secret).empty());
  auto vault = RocksKeyVault::Open(dir).value();
  ASSERT_EQ(vault->Erase({&name, 1}), OkStatus());
  EXPECT_TRUE(FilesWith(dir, secret).empty());
  vault.reset();
  EXPECT_TRUE(FilesWith(dir, secret).empty());
}

TEST(BlobFiles, AreGivenBack) {
  support::TempDir temp;
  const std::string dir = temp / "blobs";
  RocksBlobStoreOptions options;
  auto blobs = RocksBlobStore::Open(dir, options).value();
  const auto bytes_on_disk = [&] {
    uint64_t sum = 0;
    for (const auto& entry : fs::recursive_directory_iterator(dir)) {
      if (entry.is_regular_file()) sum += entry.file_size();
    }
    return sum;
  };
  OsRandom random;
  std::string chunk(1 << 20, '\0');
  random.Fill(reinterpret_cast<uint8_t*>(chunk.data()), chunk.size());
  for (const uint64_t token : {1, 2}) {
    for (uint64_t i = 0; i < 24; ++i) {
      const BlobPut put{{BlobKind::kStaging, token, i}, chunk};
      ASSERT_TRUE(blobs->Put({&put, 1}).ok());
    }
  }
  ASSERT_TRUE(blobs->DeleteAll(BlobKind::kStaging, 1).ok());
  ASSERT_EQ(blobs->Reclaim(), OkStatus());
  EXPECT_LT(bytes_on_disk(), uint64_t{33} << 20);
  const BlobName name{BlobKind::kStaging, 2, 23};
  EXPECT_EQ(blobs->Get({&name, 1}).value()[0], chunk);
}

}  // namespace
}  // namespace jangbu::services
