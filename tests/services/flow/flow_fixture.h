#pragma once

// An installation in a temporary directory, with a clock and randomness of its own, and short ways
// to say what a partner does.

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "services/flow/jangbu.h"

namespace jangbu::services {

// Goes on by a millisecond a look, so that times are the same in every run of one thread.
class TestClock final : public Clock {
 public:
  Timestamp Now() override { return {now_.fetch_add(1000) + 1000}; }
  void Advance(int64_t micros) { now_.fetch_add(micros); }

 private:
  std::atomic<int64_t> now_{1'780'000'000'000'000};
};

class TestRandom final : public RandomSource {
 public:
  explicit TestRandom(uint64_t seed) : engine_(seed) {}
  void Fill(uint8_t* out, uint64_t size) override {
    const std::lock_guard lock(mutex_);
    for (uint64_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(engine_());
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

class TestInstallation {
 public:
  explicit TestInstallation(uint64_t seed = 1) : random_(seed) {
    root_ = std::filesystem::temp_directory_path() /
            ("jangbu-flow-" + std::to_string(::getpid()) + "-" + std::to_string(counter_++));
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
    options_.data_dir = (root_ / "data").string();
    options_.default_tokenizer_file =
        std::string(JANGBU_SOURCE_DIR) + "/data/tokenizer/jangbu-ko-64k.tokenizer.json";
    options_.log_origin = "test.example/log";
    options_.clock = &clock_;
    options_.random = &random_;
    options_.workers = 2;
    options_.policy.lot_documents_min = 3;
    options_.policy.lot_document_share_percent_max = 100;
    options_.policy.grain = 10;
    options_.policy.membership_threshold_words = 100;
  }
  ~TestInstallation() {
    jangbu_.reset();
    std::filesystem::remove_all(root_);
  }

  JangbuOptions& options() { return options_; }
  const std::filesystem::path& root() const { return root_; }
  TestClock& clock() { return clock_; }

  Jangbu& Open() {
    jangbu_.reset();
    auto opened = Jangbu::Open(options_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    jangbu_ = *std::move(opened);
    return *jangbu_;
  }
  Status TryOpen() {
    auto opened = Jangbu::Open(options_);
    return opened.status();
  }
  void Close() { jangbu_.reset(); }
  Jangbu& jangbu() { return *jangbu_; }

  uint32_t Partner(const std::string& id) {
    EXPECT_TRUE(jangbu_->AddPartner(id, "").ok());
    const uint32_t number = *jangbu_->PartnerNumber(id);
    EXPECT_TRUE(
        jangbu_->CreateCorpus(number, "기사 모음", ledger::SourceType::kArticle, "contract", "", "")
            .ok());
    return number;
  }

  // Uploads files (in order) to corpus 1 and waits for the verdicts. The upload's number.
  uint32_t Upload(uint32_t partner, const std::string& request,
                  const std::vector<std::pair<std::string, std::string>>& files) {
    const auto upload = jangbu_->CreateUpload(partner, 1, request);
    EXPECT_TRUE(upload.ok()) << upload.status();
    uint32_t number = 0;
    for (const auto& [path, bytes] : files) {
      std::vector<StageChunk> chunks;
      for (size_t at = 0; at == 0 || at < bytes.size(); at += 100'000) {
        StageChunk chunk;
        chunk.file = number;
        chunk.path = at == 0 ? path : "";
        chunk.offset = at;
        chunk.data = bytes.substr(at, 100'000);
        chunk.last = at + 100'000 >= bytes.size();
        if (chunk.last) chunk.sha256 = std::string(AsView(Sha256(bytes)));
        chunks.push_back(std::move(chunk));
      }
      const auto acks = jangbu_->Stage(partner, upload->number, std::move(chunks));
      EXPECT_TRUE(acks.ok()) << acks.status();
      if (acks.ok()) {
        EXPECT_TRUE(acks->back().error.ok()) << acks->back().error;
        EXPECT_TRUE(acks->back().complete);
      }
      ++number;
    }
    const auto sealed = jangbu_->SealUpload(partner, upload->number, number);
    EXPECT_TRUE(sealed.ok()) << sealed.status();
    Await(partner, upload->number);
    return upload->number;
  }

  void Await(uint32_t partner, uint32_t upload) {
    for (int i = 0; i < 3000; ++i) {
      const auto view = jangbu_->GetUpload(partner, upload);
      ASSERT_TRUE(view.ok()) << view.status();
      ASSERT_TRUE(jangbu_->fatal().ok()) << jangbu_->fatal();
      if (view->state == ledger::UploadState::kDone) return;
      jangbu_->AwaitProgress(partner, upload, 10);
    }
    FAIL() << "the upload was not processed";
  }

  std::vector<VerdictView> Verdicts(uint32_t partner, uint32_t upload,
                                    const VerdictFilter& filter = {}) {
    std::vector<VerdictView> rows;
    const Status status =
        jangbu_->ListVerdicts(partner, upload, filter, [&](const VerdictView& row) {
          rows.push_back(row);
          return true;
        });
    EXPECT_TRUE(status.ok()) << status;
    return rows;
  }

  ledger::PartnerFigures Figures(uint32_t partner) {
    ledger::PartnerFigures figures;
    jangbu_->ReadBooks([&](const ledger::Books& books) {
      figures = books.FiguresOf(*books.FindPartner(partner), std::nullopt);
    });
    return figures;
  }

  StatusOr<VerifyReport> Verify(bool deep = true) {
    VerifyOptions verify;
    verify.data_dir = options_.data_dir;
    verify.master_key_file = options_.master_key_file;
    verify.anchor_file = options_.anchor_file;
    verify.deep = deep;
    verify.clock = &clock_;
    verify.random = &random_;
    return VerifyDataDir(verify, nullptr);
  }

 private:
  static inline int counter_ = 0;
  TestClock clock_;
  TestRandom random_;
  std::filesystem::path root_;
  JangbuOptions options_;
  std::unique_ptr<Jangbu> jangbu_;
};

}  // namespace jangbu::services
