// Finance through the running system: keys that two persons make, use of an entitlement by many
// clients at once, a close from draft to proof, withdrawal to the last key, claims.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include "ledger/merkle/receipt.h"
#include "ledger/statement.h"
#include "services/api_key/api_key.h"
#include "services/flow/close_proof.h"
#include "services/flow/finance.h"
#include "tests/services/flow/flow_fixture.h"

namespace jangbu::services {
namespace {

// `count` paragraphs of words that nobody wrote before.
std::string Paragraphs(uint64_t seed, int count) {
  std::mt19937_64 rng(seed);
  std::string out;
  for (int p = 0; p < count; ++p) {
    for (int word = 0; word < 20; ++word) {
      for (int syllable = 0; syllable < 3; ++syllable) {
        const auto c = static_cast<uint32_t>(0xAC00 + rng() % 11'172);
        out += static_cast<char>(0xE0 | c >> 12);
        out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (c & 0x3F));
      }
      out += word == 19 ? "\n" : " ";
    }
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> Files(uint64_t seed, int count, int paragraphs) {
  std::vector<std::pair<std::string, std::string>> files;
  for (int i = 0; i < count; ++i)
    files.emplace_back(std::to_string(i) + ".txt", Paragraphs(seed * 1'000 + i, paragraphs));
  return files;
}

class FinanceFlow : public ::testing::Test {
 protected:
  void Open() {
    t_.Open();
    o1_ = CallerOf(*t_.jangbu().IssueKey("", ledger::Role::kOperator, "Kim"));
    o2_ = CallerOf(*t_.jangbu().IssueKey("", ledger::Role::kOperator, "Lee"));
    f1_ = CallerOf(*t_.jangbu().IssueKey("", ledger::Role::kFinance, "Park"));
    f2_ = CallerOf(*t_.jangbu().IssueKey("", ledger::Role::kFinance, "Choi"));
  }
  Caller CallerOf(const Jangbu::IssuedKey& key) { return *t_.jangbu().Authenticate(key.secret); }
  Finance& finance() { return t_.jangbu().finance(); }
  void Confirm() {
    const auto run = t_.jangbu().RunConfirmation({}, "", o1_.key_id);
    ASSERT_TRUE(run.ok()) << run.status();
  }

  TestInstallation t_;
  Caller o1_, o2_, f1_, f2_;
};

TEST_F(FinanceFlow, AFinanceKeyIsMadeByTwoPersonsAndKnownToNeither) {
  Open();
  const auto asked = t_.jangbu().AskForKey(o1_, "", ledger::Role::kFinance, "Han");
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_TRUE(asked->pending);
  EXPECT_EQ(ReasonOf(t_.jangbu().DecideKey(o1_, asked->record.key_id, true).status()),
            "same_person");
  const auto half = t_.jangbu().DecideKey(o2_, asked->record.key_id, true);
  ASSERT_TRUE(half.ok()) << half.status();
  const auto key = JoinHalves(asked->secret, *half);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(*JoinHalves(*half, asked->secret), *key);
  const auto caller = t_.jangbu().Authenticate(*key);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->person, "Han");
  EXPECT_EQ(caller->role, ledger::Role::kFinance);
  // Neither half is a key, nor is one half with a guess of the other.
  EXPECT_FALSE(t_.jangbu().Authenticate(asked->secret).ok());
  EXPECT_EQ(ReasonOf(JoinHalves(asked->secret, asked->secret).status()), "bad_half");
  EXPECT_FALSE(t_.jangbu()
                   .Authenticate(*JoinHalves(
                       asked->secret, HalfText(2, asked->record.key_id, std::string(32, '0'))))
                   .ok());
  // A rotated finance key of somebody else takes two persons as well; one's own does not.
  EXPECT_TRUE(t_.jangbu().AskToRotateKey(o1_, caller->key_id)->pending);
  EXPECT_FALSE(t_.jangbu().AskToRotateKey(o1_, o1_.key_id)->pending);
  // A third operator does too; a partner's key does not.
  EXPECT_TRUE(t_.jangbu().AskForKey(o2_, "", ledger::Role::kOperator, "New")->pending);
  t_.Partner("hani");
  EXPECT_FALSE(t_.jangbu().AskForKey(o2_, "hani", ledger::Role::kPartner, "P")->pending);
}

TEST_F(FinanceFlow, TheFirstOperatorMakesTheSecondAlone) {
  t_.Open();
  std::ifstream file(t_.options().data_dir + "/operator.key");
  std::string key;
  std::getline(file, key);
  const Caller first = *t_.jangbu().Authenticate(key);
  EXPECT_TRUE(t_.jangbu().AskForKey(first, "", ledger::Role::kFinance, "F")->pending);
  EXPECT_FALSE(t_.jangbu().AskForKey(first, "", ledger::Role::kOperator, "Second")->pending);
  EXPECT_TRUE(t_.jangbu().AskForKey(first, "", ledger::Role::kOperator, "Third")->pending);
}

// 64 clients on one entitlement, with retries, duplicates and timeouts: never overdrawn, never
// charged twice.
TEST_F(FinanceFlow, SixtyFourClientsNeverOverdrawAnEntitlement) {
  t_.options().policy.grain = 1;
  Open();
  const uint32_t hani = t_.Partner("hani");
  t_.Upload(hani, "r", Files(1, 4, 40));
  Confirm();
  const int64_t granted = t_.Figures(hani).entitlement_available;
  ASSERT_GT(granted, 1'000);
  const char* more = std::getenv("JANGBU_HAMMER");  // operations a client
  const int rounds = more != nullptr ? std::atoi(more) : 12;
  std::atomic<int64_t> free{0};
  std::atomic<int64_t> pairs{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> clients;
  const auto began = std::chrono::steady_clock::now();
  for (int c = 0; c < 64; ++c) {
    clients.emplace_back([&, c] {
      std::mt19937_64 rng(static_cast<uint64_t>(c));
      for (int i = 0; i < rounds; ++i) {
        const std::string id = std::to_string(c) + "/" + std::to_string(i);
        const uint64_t amount = 1 + rng() % 120;
        UsageCall reserve{.partner = hani,
                          .kind = ledger::UsageKind::kReserve,
                          .id = id,
                          .reservation = "",
                          .amount = amount,
                          .timeout_s = i % 7 == 6 ? 1U : 3'600U,
                          .only_free = false};
        // The same id twice in one batch, and again as a retry.
        const auto held = finance().Use({reserve, reserve});
        const auto again = finance().Use({reserve});
        if (!held.ok() || !again.ok() || (*held)[0].outcome != ledger::EntitlementOutcome::kOk ||
            (*held)[1].outcome != ledger::EntitlementOutcome::kExists ||
            (*again)[0].outcome != ledger::EntitlementOutcome::kExists ||
            (*held)[0].record.free != (*again)[0].record.free) {
          ++wrong;
          continue;
        }
        if (i % 7 == 6) continue;  // left to time out
        UsageCall commit{
            .partner = hani,
            .kind = i % 5 == 4 ? ledger::UsageKind::kRelease : ledger::UsageKind::kCommit,
            .id = id + "c",
            .reservation = id,
            .amount = i % 5 == 4 ? 0 : 1 + rng() % amount,
            .timeout_s = 0,
            .only_free = false};
        const auto first = finance().Use({commit});
        const auto retry = finance().Use({commit, commit});
        if (!first.ok() || !retry.ok() || (*first)[0].outcome != ledger::EntitlementOutcome::kOk ||
            (*retry)[0].outcome != ledger::EntitlementOutcome::kExists ||
            (*retry)[0].record.won != (*first)[0].record.won) {
          ++wrong;
          continue;
        }
        ++pairs;
        if (commit.kind == ledger::UsageKind::kCommit)
          free += static_cast<int64_t>((*first)[0].record.free);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::cout << "reserve+commit pairs a second, retries included: "
            << static_cast<int64_t>(static_cast<double>(pairs) / seconds) << " (" << pairs << " in "
            << seconds << " s)\n";
  EXPECT_EQ(wrong, 0);
  t_.clock().Advance(int64_t{10} * 1'000'000);
  ASSERT_TRUE(finance().Tick().ok());
  const ledger::PartnerFigures f = t_.Figures(hani);
  EXPECT_EQ(f.entitlement_spent, free);
  EXPECT_EQ(f.entitlement_reserved, 0);
  EXPECT_EQ(f.entitlement_available + f.entitlement_spent, granted);
  t_.Close();
  const auto report = t_.Verify(false);
  EXPECT_TRUE(report.ok()) << report.status();
}

TEST_F(FinanceFlow, ACloseFromDraftToProof) {
  t_.options().policy.grain = 1;
  Open();
  std::vector<std::string> ids = {"gaon", "hani", "narae", "saebit"};
  for (size_t i = 0; i < ids.size(); ++i)
    t_.Upload(t_.Partner(ids[i]), "r", Files(10 + i, 4, 10 + 7 * static_cast<int>(i)));
  Confirm();
  const ledger::Period may = 202605;
  EXPECT_EQ(ReasonOf(finance().DraftClose(may, 1'000'000'007, f1_.key_id)), "period_not_over");
  t_.clock().Advance(ledger::kMicrosPerDay * 10);  // June
  // A late upload counts in June, not in May.
  t_.Upload(t_.Partner("late"), "r", Files(99, 4, 10));
  Confirm();
  ASSERT_TRUE(finance().DraftClose(may, 1'000'000'007, f1_.key_id).ok());
  EXPECT_EQ(ReasonOf(finance().DecideClose(may, true, f1_.key_id)), "same_person");
  EXPECT_EQ(ReasonOf(finance().DecideClose(may, true, o1_.key_id)), "wrong_role");
  EXPECT_EQ(ReasonOf(finance().PostClose(may, f1_.key_id)), "close_not_approved");
  ASSERT_TRUE(finance().DecideClose(may, true, f2_.key_id).ok());
  ASSERT_TRUE(finance().PostClose(may, f1_.key_id).ok());
  EXPECT_EQ(ReasonOf(finance().PostClose(may, f1_.key_id)), "close_not_approved");
  EXPECT_EQ(ReasonOf(finance().DecideClose(may, false, f2_.key_id)), "close_not_draft");
  EXPECT_EQ(ReasonOf(finance().DraftClose(may, 1, f1_.key_id)), "close_posted");

  const ledger::CloseRecord close = *finance().GetClose(may);
  EXPECT_EQ(close.figures.split.shares.size(), 4u) << "the late partner is not of the period";
  EXPECT_EQ(close.figures.split.pool.value(), 100'000'000);
  EXPECT_TRUE(CheckPublished(close.published, close.figures, close.seed).ok());
  ledger::CloseFigures forged = close.figures;
  ++forged.split.shares[0].weight;
  EXPECT_EQ(ReasonOf(CheckPublished(close.published, forged, close.seed)), "close_forged");
  int64_t sum = 0;
  const char* keep = std::getenv("JANGBU_KEEP_PROOFS");
  for (const std::string& id : ids) {
    const auto proof = finance().ProveShare(id, may);
    ASSERT_TRUE(proof.ok()) << proof.status();
    EXPECT_TRUE(proof->starts_with("jangbu/share-proof@v1\n"));
    const size_t receipt = proof->find("c2sp.org/tlog-proof");
    ASSERT_NE(receipt, std::string::npos);
    const auto opened = ledger::VerifyReceipt(proof->substr(receipt), t_.jangbu().LogVerifierKey());
    ASSERT_TRUE(opened.ok()) << opened.status();
    for (const std::string& other : ids)
      EXPECT_EQ(opened->own_part.find(other), std::string::npos) << "a name is published";
    if (keep != nullptr) std::ofstream(std::string(keep) + "/" + id + ".proof") << *proof;
  }
  if (keep != nullptr) {
    std::ofstream(std::string(keep) + "/vkey") << t_.jangbu().LogVerifierKey() << '\n';
    std::ofstream(std::string(keep) + "/openings") << *finance().Openings(may);
  }
  for (const ledger::ShareLine& line : close.shares) sum += line.share_won;
  EXPECT_EQ(sum, close.figures.split.pool.value());
  EXPECT_EQ(ReasonOf(finance().ProveShare("late", may).status()), "no_share");

  // Payments: once, back, once more.
  EXPECT_EQ(ReasonOf(finance().RecordPayment(may, "hani", true, "", f1_.key_id)), "not_paid");
  ASSERT_TRUE(finance().RecordPayment(may, "hani", false, "B1", f1_.key_id).ok());
  EXPECT_EQ(ReasonOf(finance().RecordPayment(may, "hani", false, "B1", f1_.key_id)),
            "already_paid");
  ASSERT_TRUE(finance().RecordPayment(may, "hani", true, "B1", f1_.key_id).ok());
  ASSERT_TRUE(finance().RecordPayment(may, "hani", false, "B2", f2_.key_id).ok());
  const auto correction = finance().ProposeCorrection("hani", -5, may, "rounding", f1_.key_id);
  ASSERT_TRUE(correction.ok()) << correction.status();
  EXPECT_EQ(ReasonOf(finance().DecideCorrection(*correction, true, f1_.key_id)), "same_person");
  EXPECT_EQ(ReasonOf(finance().DecideCorrection(*correction, true, f2_.key_id)), "exceeds_payable");

  // What the next month would be under another share: nothing changes.
  const auto simulation =
      finance().Simulate(202606, 1'000'000, {{"pool_share_basis_points", "5000"}});
  ASSERT_TRUE(simulation.ok()) << simulation.status();
  EXPECT_EQ(simulation->now.split.pool.value(), 100'000);
  EXPECT_EQ(simulation->then.split.pool.value(), 500'000);

  // Everything stands after a restart, and the verifier recomputes it.
  t_.Open();
  EXPECT_EQ((*finance().GetClose(may)).shares, close.shares);
  t_.Close();
  const auto report = t_.Verify(false);
  EXPECT_TRUE(report.ok()) << report.status();
}

TEST_F(FinanceFlow, WithdrawnTextIsUnreadableAndItsCreditGoes) {
  t_.options().policy.grain = 1;
  Open();
  const uint32_t hani = t_.Partner("hani");
  const uint32_t first = t_.Upload(hani, "r1", Files(21, 4, 10));
  Confirm();
  const uint32_t second = t_.Upload(hani, "r2", Files(22, 4, 10));
  const ledger::PartnerFigures before = t_.Figures(hani);
  ASSERT_GT(before.provisional_korean_words, 0);

  // Of the second upload, which no lot has settled: provisional figures fall at once.
  const WithdrawalSubject whole{.corpus = 0, .upload = second, .document = std::nullopt};
  const auto preview = finance().PreviewWithdrawal(hani, whole);
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_EQ(preview->entry.documents, 4);
  EXPECT_EQ(preview->entry.provisional_korean_words, before.provisional_korean_words);
  EXPECT_EQ(t_.Figures(hani).provisional_korean_words, before.provisional_korean_words);
  const auto done = finance().Withdraw(hani, whole, o1_.key_id);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(t_.Figures(hani).provisional_korean_words, 0);
  EXPECT_EQ(ReasonOf(finance().Withdraw(hani, whole, o1_.key_id).status()), "nothing_to_withdraw");
  // The verdicts stay; the names that only its keys could open are gone.
  const auto rows = t_.Verdicts(hani, second);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].sha256, "");

  // Of the first, which is confirmed: the next lot takes it out.
  const WithdrawalSubject one{.corpus = 0, .upload = first, .document = {{0, 1}}};
  const auto taken = finance().Withdraw(hani, one, o1_.key_id);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->settled_documents, 1);
  EXPECT_EQ(t_.Figures(hani).confirmed_korean_words, before.confirmed_korean_words);
  t_.Upload(hani, "r3", Files(23, 2, 1));
  Confirm();
  const ledger::PartnerFigures after = t_.Figures(hani);
  EXPECT_LT(after.confirmed_korean_words, before.confirmed_korean_words);
  EXPECT_EQ(after.entitlement_available, after.confirmed_korean_words);
  EXPECT_EQ(
      ReasonOf(
          finance().PreviewWithdrawal(hani, {.corpus = 0, .upload = 77, .document = {}}).status()),
      "no_such_upload");
  EXPECT_EQ(
      ReasonOf(finance()
                   .PreviewWithdrawal(hani, {.corpus = 0, .upload = first, .document = {{9, 1}}})
                   .status()),
      "no_such_document");
  // Opening again destroys nothing more and finds everything in order.
  t_.Open();
  t_.Close();
  const auto report = t_.Verify(true);
  EXPECT_TRUE(report.ok()) << report.status();
}

TEST_F(FinanceFlow, WithdrawnTextIsNoReferenceFromThatMoment) {
  t_.options().policy.grain = 1;
  Open();
  const uint32_t hani = t_.Partner("hani");
  const uint32_t first = t_.Upload(hani, "r1", Files(31, 4, 10));
  // The same paragraphs in other documents are covered; their forms are in memory from here on.
  const auto again = [&](const std::string& label) {
    auto files = Files(31, 4, 10);
    for (auto& [path, bytes] : files) bytes += "\n" + label;
    return t_.Upload(hani, label, files);
  };
  const uint32_t second = again("r2");
  for (const auto& row : t_.Verdicts(hani, second)) EXPECT_LE(row.item.novel_korean_words, 1);
  for (const uint32_t upload : {first, second}) {
    const auto done = finance().Withdraw(
        hani, {.corpus = 0, .upload = upload, .document = std::nullopt}, o1_.key_id);
    ASSERT_TRUE(done.ok()) << done.status();
  }
  for (const auto& row : t_.Verdicts(hani, again("r3"))) EXPECT_GT(row.item.novel_korean_words, 20);
  Confirm();
  t_.Close();
  const auto report = t_.Verify(true);
  EXPECT_TRUE(report.ok()) << report.status();
}

TEST_F(FinanceFlow, AClaimAnswersAlikeWhoeverHoldsTheText) {
  t_.options().policy.grain = 1;
  Open();
  const uint32_t hani = t_.Partner("hani");
  const uint32_t book = t_.Partner("book");
  t_.Upload(hani, "r", Files(31, 4, 10));
  Confirm();
  // The first file is hani's text too; the others are book's alone.
  std::vector<std::pair<std::string, std::string>> files = Files(32, 3, 10);
  files.insert(files.begin(), {"same.txt", Paragraphs(31'000, 10)});
  const uint32_t upload = t_.Upload(book, "r", files);
  Confirm();
  const std::string evidence(32, 'e');
  const Caller key = CallerOf(*t_.jangbu().IssueKey("book", ledger::Role::kPartner, "B"));
  const auto held = finance().OpenClaim(book, upload, 0, 1, evidence, key.key_id);
  const auto free = finance().OpenClaim(book, upload, 1, 1, evidence, key.key_id);
  ASSERT_TRUE(held.ok()) << held.status();
  ASSERT_TRUE(free.ok()) << free.status();
  EXPECT_EQ(ReasonOf(finance().OpenClaim(book, upload, 0, 1, evidence, key.key_id).status()),
            "claim_open");
  const int64_t before = t_.Figures(hani).confirmed_korean_words;
  EXPECT_EQ(ReasonOf(finance().SettleClaim("book", *held, f2_.key_id)), "claim_not_decided");
  ASSERT_TRUE(finance().DecideClaim("book", *held, true, f1_.key_id).ok());
  EXPECT_EQ(ReasonOf(finance().SettleClaim("book", *held, f1_.key_id)), "same_person");
  ASSERT_TRUE(finance().SettleClaim("book", *held, f2_.key_id).ok());
  ASSERT_TRUE(finance().DecideClaim("book", *free, false, f1_.key_id).ok());
  ASSERT_TRUE(finance().SettleClaim("book", *free, f2_.key_id).ok());
  EXPECT_EQ(ReasonOf(finance().DecideClaim("book", *free, true, f1_.key_id)), "claim_settled");
  // Credit moves with the next lots of both.
  const int64_t of_book = t_.Figures(book).confirmed_korean_words;
  t_.Upload(hani, "r9", Files(33, 4, 1));
  t_.Upload(book, "r9", Files(34, 4, 1));
  Confirm();
  EXPECT_LT(t_.Figures(hani).confirmed_korean_words, before);
  EXPECT_GT(t_.Figures(book).confirmed_korean_words, of_book + 200);
  t_.Close();
  const auto report = t_.Verify(false);
  EXPECT_TRUE(report.ok()) << report.status();
}

}  // namespace
}  // namespace jangbu::services
