#include "services/cli/upload_client.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <random>
#include <thread>

#include "tests/services/cli/fake_server.h"
#include "tests/services/cli/scratch_folder.h"

namespace jangbu::services::cli {
namespace {

using std::chrono::milliseconds;
using ::testing::IsEmpty;

constexpr uint32_t kSeed = 20240817;

std::string RandomBytes(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

struct Recorder : UploadObserver {
  void Opened(const std::string& upload_id, uint64_t resumed) override {
    id = upload_id;
    resumed_bytes = resumed;
  }
  void Retrying(const Status& why, milliseconds) override {
    ++retries;
    last_trouble = why;
  }
  void FileRestarted(const LocalFile& file, const std::string& reason) override {
    restarted.push_back(file.name + " " + reason);
  }
  std::string id;
  uint64_t resumed_bytes = 0;
  int retries = 0;
  Status last_trouble;
  std::vector<std::string> restarted;
};

class UploadClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.first_backoff = milliseconds(5);
    options_.last_backoff = milliseconds(20);
    options_.poll_interval = milliseconds(5);
    options_.retry_for = milliseconds(20'000);
    options_.chunk_bytes = 64 << 10;
    options_.window_bytes = 512 << 10;
    faults_.acknowledge_every = 100'000;
  }

  // Files of many sizes: empty, one byte, exact multiples of a chunk, large.
  void MakeFiles() {
    const size_t sizes[] = {0, 1, 777, 64 << 10, (64 << 10) + 1, 128 << 10, 3'000'000};
    uint32_t n = 0;
    for (const size_t size : sizes) {
      folder_.Write("파일/" + std::to_string(n) + ".bin", RandomBytes(size, kSeed + n));
      ++n;
    }
    for (int i = 0; i < 50; ++i) {
      folder_.Write("작은/" + std::to_string(i) + ".txt",
                    RandomBytes(static_cast<size_t>(i) * 37, kSeed + 100));
    }
    Walk();
  }
  void Walk() {
    auto walked = WalkPaths({folder_.path()});
    ASSERT_TRUE(walked.ok()) << walked.status();
    files_ = walked->files;
    total_ = walked->bytes;
  }

  void Start(int port = 0) { server_ = std::make_unique<FakeServer>(state_, faults_, port); }
  StatusOr<jangbu::v1::Upload> Run() {
    Settings settings;
    settings.server = server_->address();
    settings.key = "jb_live_test";
    auto connection = Connection::Open(settings, milliseconds(5'000));
    recorder_ = Recorder();
    return RunUpload(**connection, "saebit/1", files_, options_, recorder_);
  }

  void ExpectAllArrived(const FakeState::Upload& upload) {
    EXPECT_THAT(state_->violations, IsEmpty());
    ASSERT_EQ(upload.files.size(), files_.size());
    for (size_t i = 0; i < files_.size(); ++i) {
      const FakeState::File& file = upload.files.at(static_cast<uint32_t>(i));
      EXPECT_EQ(file.path, files_[i].name);
      EXPECT_TRUE(file.complete) << file.path;
      std::ifstream in(files_[i].open_path, std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(in)),
                              std::istreambuf_iterator<char>());
      EXPECT_TRUE(file.bytes == bytes) << file.path << " differs";
    }
    EXPECT_TRUE(upload.sealed);
    EXPECT_EQ(upload.file_count, files_.size());
  }

  ScratchFolder folder_;
  std::vector<LocalFile> files_;
  uint64_t total_ = 0;
  UploadOptions options_;
  FakeFaults faults_;
  std::shared_ptr<FakeState> state_ = std::make_shared<FakeState>();
  std::unique_ptr<FakeServer> server_;
  Recorder recorder_;
};

TEST_F(UploadClientTest, EveryByteArrivesInOrderOfNames) {
  MakeFiles();
  Start();
  const auto upload = Run();
  ASSERT_TRUE(upload.ok()) << upload.status();
  EXPECT_EQ(upload->state(), jangbu::v1::UPLOAD_STATE_DONE);
  ExpectAllArrived(state_->uploads.at(0));
  EXPECT_EQ(state_->bytes_received, total_) << "nothing is sent twice without need";
  EXPECT_EQ(state_->streams, 1U);
  EXPECT_EQ(recorder_.retries, 0);
}

TEST_F(UploadClientTest, GoesOnByItselfWhereverTheStreamBreaks) {
  MakeFiles();
  // Twelve streams that break after 0, 7, 14 … messages.
  faults_.break_after = [](uint64_t stream) {
    return stream < 12 ? static_cast<int64_t>(stream * 7) : -1;
  };
  Start();
  const auto upload = Run();
  ASSERT_TRUE(upload.ok()) << upload.status();
  ExpectAllArrived(state_->uploads.at(0));
  EXPECT_GE(state_->streams, 6U);
  EXPECT_GT(recorder_.retries, 0);
}

TEST_F(UploadClientTest, AcknowledgedBytesAreNotSentAgain) {
  folder_.Write("큰.bin", RandomBytes(4'000'000, kSeed));
  Walk();
  faults_.break_after = [](uint64_t stream) { return stream == 0 ? int64_t{40} : int64_t{-1}; };
  Start();
  ASSERT_TRUE(Run().ok());
  ExpectAllArrived(state_->uploads.at(0));
  // 40 messages of 64 KiB, all but the last 100,000 bytes of them acknowledged.
  EXPECT_LE(state_->bytes_received, total_ + faults_.acknowledge_every + 2 * options_.chunk_bytes);
}

TEST_F(UploadClientTest, AnotherRunOfTheSameCommandResumesTheSameUpload) {
  MakeFiles();
  faults_.break_after = [](uint64_t stream) { return stream == 0 ? int64_t{60} : int64_t{-1}; };
  Start();
  options_.retry_for = milliseconds(0);
  const auto first = Run();
  ASSERT_FALSE(first.ok());
  EXPECT_TRUE(absl::IsUnavailable(first.status())) << first.status();
  const auto second = Run();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_GT(recorder_.resumed_bytes, 0U);
  EXPECT_EQ(state_->uploads.size(), 1U);
  ExpectAllArrived(state_->uploads.at(0));
  const auto third = Run();
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(third->upload_id(), second->upload_id())
      << "a finished upload is found again, not repeated";
  EXPECT_EQ(state_->streams, 2U);
}

TEST_F(UploadClientTest, SurvivesARestartOfTheServer) {
  MakeFiles();
  faults_.break_after = [](uint64_t stream) { return stream < 3 ? int64_t{20} : int64_t{-1}; };
  Start();
  const int port = server_->port();
  std::thread restarter([&] {
    for (int i = 0; i < 2; ++i) {
      std::this_thread::sleep_for(milliseconds(30));
      server_.reset();
      std::this_thread::sleep_for(milliseconds(30));
      Start(port);
    }
  });
  Settings settings;
  settings.server = "127.0.0.1:" + std::to_string(port);
  auto connection = Connection::Open(settings, milliseconds(5'000));
  const auto upload = RunUpload(**connection, "saebit/1", files_, options_, recorder_);
  restarter.join();
  ASSERT_TRUE(upload.ok()) << upload.status();
  ExpectAllArrived(state_->uploads.at(0));
}

TEST_F(UploadClientTest, AFileThatChangedBetweenTwoAttemptsIsSentAgainWhole) {
  const std::string path = folder_.Write("변한다.bin", RandomBytes(3'000'000, 1));
  struct stat before {};
  ::stat(path.c_str(), &before);
  Walk();
  faults_.break_after = [](uint64_t stream) { return stream == 0 ? int64_t{30} : int64_t{-1}; };
  Start();
  options_.retry_for = milliseconds(0);
  ASSERT_FALSE(Run().ok());
  // Other bytes, the same size and time: the same upload, and only the digest can tell.
  folder_.Write("변한다.bin", RandomBytes(3'000'000, 2));
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ::utimensat(AT_FDCWD, path.c_str(), times, 0);
  Walk();
  const auto upload = Run();
  ASSERT_TRUE(upload.ok()) << upload.status();
  EXPECT_EQ(state_->uploads.size(), 1U);
  EXPECT_THAT(recorder_.restarted, ::testing::ElementsAre(files_[0].name + " file_changed"));
  ExpectAllArrived(state_->uploads.at(0));
}

TEST_F(UploadClientTest, AFileThatBecameShorterIsSentAgainWhole) {
  const std::string path = folder_.Write("준다.bin", RandomBytes(3'000'000, 1));
  Walk();
  faults_.break_after = [](uint64_t stream) { return stream == 0 ? int64_t{30} : int64_t{-1}; };
  Start();
  options_.retry_for = milliseconds(0);
  ASSERT_FALSE(Run().ok());
  folder_.Write("준다.bin", "짧다");  // files_ still says 3,000,000: the change came after the walk
  const auto upload = Run();
  ASSERT_TRUE(upload.ok()) << upload.status();
  EXPECT_EQ(state_->uploads.at(0).files.at(0).bytes, "짧다");
}

TEST_F(UploadClientTest, AVanishedFileStopsTheUploadAndNamesIt) {
  MakeFiles();
  std::filesystem::remove(files_.back().open_path);
  Start();
  const auto upload = Run();
  ASSERT_FALSE(upload.ok());
  EXPECT_EQ(ReasonOf(upload.status()), "file_unreadable");
  EXPECT_THAT(std::string(MessageOf(upload.status())),
              ::testing::HasSubstr(files_.back().open_path));
  EXPECT_FALSE(state_->uploads.at(0).sealed);
}

TEST_F(UploadClientTest, AServerThatAcknowledgesNothingIsLeftAndFoundAgain) {
  MakeFiles();
  faults_.acknowledge_nothing_once = true;
  options_.stall_timeout = milliseconds(300);
  Start();
  const auto upload = Run();
  ASSERT_TRUE(upload.ok()) << upload.status();
  EXPECT_EQ(ReasonOf(recorder_.last_trouble), "stalled");
  ExpectAllArrived(state_->uploads.at(0));
}

TEST_F(UploadClientTest, ACancelledUploadIsBegunAnew) {
  MakeFiles();
  Start();
  ASSERT_TRUE(Run().ok());
  state_->uploads[0].cancelled = true;
  const auto upload = Run();
  ASSERT_TRUE(upload.ok()) << upload.status();
  EXPECT_EQ(upload->upload_id(), "saebit/u2");
  ExpectAllArrived(state_->uploads.at(1));
}

TEST_F(UploadClientTest, PollsWhereTheServerCannotBeWatched) {
  MakeFiles();
  faults_.watch_unimplemented = true;
  Start();
  const auto upload = Run();
  ASSERT_TRUE(upload.ok()) << upload.status();
  EXPECT_EQ(upload->state(), jangbu::v1::UPLOAD_STATE_DONE);
}

TEST_F(UploadClientTest, DoesNotWaitWhenToldSo) {
  MakeFiles();
  options_.wait = false;
  Start();
  const auto upload = Run();
  ASSERT_TRUE(upload.ok()) << upload.status();
  EXPECT_EQ(upload->state(), jangbu::v1::UPLOAD_STATE_SEALED);
}

TEST_F(UploadClientTest, OpeningIsTriedAgain) {
  MakeFiles();
  faults_.create_failures = 3;
  Start();
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(state_->create_calls, 4U);
}

TEST_F(UploadClientTest, ARefusalIsNotTriedAgain) {
  MakeFiles();
  faults_.deny = true;
  Start();
  const auto upload = Run();
  EXPECT_TRUE(absl::IsPermissionDenied(upload.status())) << upload.status();
  EXPECT_EQ(recorder_.retries, 0);
}

TEST_F(UploadClientTest, AnUnreachableServerIsGivenUpAfterTheTimeAllowed) {
  MakeFiles();
  Start();
  const std::string address = server_->address();
  server_.reset();
  Settings settings;
  settings.server = address;
  auto connection = Connection::Open(settings, milliseconds(1'000));
  options_.retry_for = milliseconds(50);
  const auto upload = RunUpload(**connection, "saebit/1", files_, options_, recorder_);
  EXPECT_TRUE(absl::IsUnavailable(upload.status())) << upload.status();
  EXPECT_GT(recorder_.retries, 0);
}

TEST(UploadRequestIdTest, DependsOnEverythingThatMakesAnUpload) {
  const std::vector<LocalFile> files = {{"a", "a", 1, 100}, {"b", "b", 2, 200}};
  const std::string id = UploadRequestId("p/1", files, 0);
  EXPECT_EQ(UploadRequestId("p/1", files, 0), id);
  EXPECT_LE(id.size(), 64U);
  EXPECT_NE(UploadRequestId("p/2", files, 0), id);
  EXPECT_NE(UploadRequestId("p/1", files, 1), id);
  EXPECT_NE(UploadRequestId("p/1", {files[0]}, 0), id);
  EXPECT_NE(UploadRequestId("p/1", {{"a", "a", 1, 101}, files[1]}, 0), id);
  EXPECT_NE(UploadRequestId("p/1", {{"a", "a", 3, 100}, files[1]}, 0), id);
  EXPECT_NE(UploadRequestId("p/1", {{"c", "a", 1, 100}, files[1]}, 0), id);
}

}  // namespace
}  // namespace jangbu::services::cli
