// Receipts and their refusal through the command, offline: no server runs here.

#include "ledger/merkle/receipt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "base/bytes.h"
#include "ledger/entry.h"
#include "ledger/merkle/checkpoint.h"
#include "ledger/merkle/leaf.h"
#include "ledger/merkle/note.h"
#include "ledger/merkle/tree.h"
#include "services/cli/command_line.h"
#include "services/cli/known_logs.h"
#include "tests/services/cli/scratch_folder.h"

namespace jangbu::services::cli {
namespace {

using ::testing::HasSubstr;

class ReceiptTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ledger::Ed25519Bytes seed{};
    seed.fill(7);
    auto signer = ledger::NoteSigner::Create("jangbu.local/test", seed);
    ASSERT_TRUE(signer.ok());
    vkey_ = signer->verifier().Vkey();
    ledger::Entry entry;
    entry.seq = 3;
    entry.at = {1'700'000'000'000'000};
    entry.partner = "saebit";
    ledger::BatchCommit commit;
    commit.upload = 1;
    commit.token = 2;
    ledger::Item item;
    item.record = 1;
    item.chars = 100;
    item.words = 20;
    item.tokens = 30;
    item.korean_words = 19;
    item.korean_tokens = 29;
    item.novel_korean_words = 19;
    item.novel_korean_tokens = 29;
    commit.items.push_back(item);
    entry.body = commit;
    entry.own_salt.fill(1);
    entry.sealed_salt.fill(2);

    ledger::MerkleTree tree;
    for (char c = 'a'; c < 'f'; ++c) {
      tree.Append(c == 'd' ? ledger::LeafHash(AsView(ledger::LeafData(entry)))
                           : ledger::LeafHash(std::string(32, c)));
    }
    ledger::Checkpoint head{"jangbu.local/test", tree.size(), tree.Root()};
    const auto checkpoint = ledger::SignCheckpoint(head, *signer);
    ASSERT_TRUE(checkpoint.ok());
    const ledger::LeafOpening opening = Opening(entry);
    const auto receipt = ledger::MakeReceipt(tree, 3, opening, *checkpoint);
    ASSERT_TRUE(receipt.ok()) << receipt.status();
    bytes_ =
        *ledger::EncodeReceiptBundle(std::vector<std::string>{ledger::EncodeReceipt(*receipt)});
  }

  static ledger::LeafOpening Opening(const ledger::Entry& entry);

  int Run(std::vector<std::string> arguments) {
    out_.str("");
    err_.str("");
    return RunCommandLine(
        arguments,
        [this](const std::string& name) -> std::optional<std::string> {
          if (name == "HOME") return home_.path();
          return std::nullopt;
        },
        Terminal{out_, err_});
  }

  ScratchFolder home_;
  std::string vkey_;
  std::string bytes_;
  std::ostringstream out_;
  std::ostringstream err_;
};

ledger::LeafOpening ReceiptTest::Opening(const ledger::Entry& entry) {
  ledger::LeafOpening opening;
  opening.own_part = ledger::OwnPart(entry);
  opening.own_salt = entry.own_salt;
  opening.sealed_commitment =
      ledger::SealedCommitment(entry.sealed_salt, ledger::SealedPart(entry));
  return opening;
}

TEST_F(ReceiptTest, VerifiesWithTheKeyGiven) {
  const std::string file = home_.Write("a.receipt", bytes_);
  EXPECT_EQ(Run({"receipt", "verify", file, "--vkey", vkey_}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("saebit/u1: 1 documents (0 rejected), 20 words, 30 tokens"));
  const std::string key_file = home_.Write("log.vkey", vkey_ + "\n");
  EXPECT_EQ(Run({"--json", "receipt", "verify", file, "--vkey-file", key_file}), 0);
  EXPECT_THAT(out_.str(),
              HasSubstr("{\"verified\":true,\"origin\":\"jangbu.local/test\",\"tree_size\":5"));
}

TEST_F(ReceiptTest, VerifiesWithTheKeyRemembered) {
  const std::string file = home_.Write("a.receipt", bytes_);
  EXPECT_EQ(Run({"receipt", "verify", file}), 2) << "no key is known: nothing is believed";
  const KnownLogs logs(home_.path() + "/.local/state/jangbu");
  ASSERT_TRUE(logs.RememberKey("jangbu.local/test", vkey_).ok());
  EXPECT_EQ(Run({"receipt", "verify", file}), 0) << err_.str();
  EXPECT_EQ(ReasonOf(logs.RememberKey("jangbu.local/test", "another")), "log_key_changed");
}

TEST_F(ReceiptTest, AnyChangedByteIsRefused) {
  int refused = 0;
  for (size_t i = 0; i < bytes_.size(); i += 3) {
    std::string forged = bytes_;
    forged[i] = static_cast<char>(forged[i] ^ 1);
    const std::string file = home_.Write("forged.receipt", forged);
    const int code = Run({"receipt", "verify", file, "--vkey", vkey_});
    EXPECT_TRUE(code == 1) << "byte " << i << ": " << out_.str() << err_.str();
    ++refused;
  }
  EXPECT_GT(refused, 100);
}

TEST_F(ReceiptTest, AnotherLogsKeyIsRefused) {
  ledger::Ed25519Bytes seed{};
  seed.fill(8);
  const auto other = ledger::NoteSigner::Create("jangbu.local/test", seed);
  const std::string file = home_.Write("a.receipt", bytes_);
  EXPECT_EQ(Run({"--lang", "ko", "receipt", "verify", file, "--vkey", other->verifier().Vkey()}),
            1);
  EXPECT_THAT(err_.str(), HasSubstr("이 로그의 키로 서명된 것이 아닙니다"));
}

}  // namespace
}  // namespace jangbu::services::cli
