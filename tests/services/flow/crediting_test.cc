// Credit after the fact: who inherits withdrawn text, what a re-count reports and moves.
//
// The slow twin of succession is an installation in which the withdrawn documents never were: after
// a confirmation run both credit every document alike.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

#include "ingest/text/utf8.h"
#include "ingest/tokens/token_counter.h"
#include "ledger/merkle/receipt.h"
#include "ledger/statement.h"
#include "services/flow/duplicates.h"
#include "services/flow/finance.h"
#include "services/flow/recounting.h"
#include "tests/services/flow/flow_fixture.h"

namespace jangbu::services {
namespace {

class Writer {
 public:
  explicit Writer(uint64_t seed) : engine_(seed) {}
  uint64_t Below(uint64_t n) { return engine_() % n; }
  std::string Sentence(size_t words) {
    std::string s;
    for (size_t i = 0; i < words; ++i) {
      if (i > 0) s += ' ';
      for (uint64_t k = 0; k < 3; ++k)
        ingest::AppendUtf8(static_cast<char32_t>(0xAC00 + Below(11'172)), s);
    }
    return s;
  }
  std::string Text(size_t paragraphs) {
    std::string text;
    for (size_t i = 0; i < paragraphs; ++i) text += (i == 0 ? "" : "\n") + Sentence(14);
    return text;
  }

 private:
  std::mt19937_64 engine_;
};

class CreditingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    t_.options().policy.grain = 1;
    t_.options().policy.lot_documents_min = 1;
    t_.Open();
    operator_ = KeyOf("", ledger::Role::kOperator, "Kim");
    f1_ = KeyOf("", ledger::Role::kFinance, "Park");
    f2_ = KeyOf("", ledger::Role::kFinance, "Choi");
  }
  std::string KeyOf(const std::string& partner, ledger::Role role, const std::string& person) {
    return t_.jangbu().Authenticate(t_.jangbu().IssueKey(partner, role, person)->secret)->key_id;
  }
  void Confirm() {
    const auto run = t_.jangbu().RunConfirmation({}, "", operator_);
    ASSERT_TRUE(run.ok()) << run.status();
  }
  // One document an upload.
  uint32_t Give(uint32_t partner, const std::string& text) {
    return t_.Upload(partner, "r" + std::to_string(++requests_), {{"a.txt", text}});
  }
  void Withdraw(uint32_t partner, uint32_t upload) {
    const auto done = t_.jangbu().finance().Withdraw(
        partner, {.corpus = 0, .upload = upload, .document = std::nullopt}, operator_);
    ASSERT_TRUE(done.ok()) << done.status();
  }
  // What the only document of an upload is credited for now: words.
  int64_t Credit(uint32_t partner, uint32_t upload) {
    int64_t words = -1;
    t_.jangbu().ReadBooks([&](const ledger::Books& books) {
      const ledger::UploadRecord& record = *books.FindUpload(*books.FindPartner(partner), upload);
      for (const auto& [token, batch] : books.batches()) {
        if (batch.upload_token == record.token && batch.commit != 0)
          words = (*books.FactsOf(token))[0].item_words;
      }
    });
    return words;
  }
  void VerifyAll() {
    t_.Close();
    const auto report = t_.Verify(true);
    EXPECT_TRUE(report.ok()) << report.status();
  }

  TestInstallation t_;
  std::string operator_, f1_, f2_;
  int requests_ = 0;
};

TEST_F(CreditingTest, TheEarliestOtherOfferInheritsInTheNextRun) {
  const uint32_t hani = t_.Partner("hani");
  const uint32_t book = t_.Partner("book");
  const uint32_t sesang = t_.Partner("sesang");
  Writer writer(1);
  const std::string text = writer.Text(5);
  const uint32_t first = Give(hani, text);
  const uint32_t second = Give(book, text);
  const uint32_t third = Give(sesang, text);
  Confirm();
  EXPECT_EQ(Credit(hani, first), 70);
  EXPECT_EQ(Credit(book, second), 0);
  const int64_t provisional = t_.Figures(book).provisional_korean_words;
  Withdraw(hani, first);
  EXPECT_EQ(Credit(book, second), 0) << "nothing moves before the run";
  Confirm();
  EXPECT_EQ(Credit(hani, first), 0);
  EXPECT_EQ(Credit(book, second), 70);
  EXPECT_EQ(Credit(sesang, third), 0);
  EXPECT_EQ(t_.Figures(book).provisional_korean_words, provisional) << "a partner feels nothing";
  // It enters with the next lot that the partner can feel, and no earlier.
  EXPECT_EQ(t_.Figures(book).confirmed_korean_words, 0);
  Give(book, writer.Text(1));
  Confirm();
  EXPECT_EQ(t_.Figures(book).confirmed_korean_words, 84);
  // Once more: the next in line. And a run that finds nothing changes nothing.
  Withdraw(book, second);
  Confirm();
  Confirm();
  EXPECT_EQ(Credit(sesang, third), 70);
  t_.Open();
  VerifyAll();
}

TEST_F(CreditingTest, OnlyWhatTheOthersHeldIsInherited) {
  const uint32_t hani = t_.Partner("hani");
  const uint32_t book = t_.Partner("book");
  Writer writer(2);
  const std::string a = writer.Sentence(14), b = writer.Sentence(14), c = writer.Sentence(14);
  const uint32_t one = Give(hani, a + "\n" + b);
  const uint32_t two = Give(hani, b + "\n" + c);  // its own b again
  const uint32_t three = Give(book, a + "\n" + b + "\n" + c);
  Confirm();
  EXPECT_EQ(Credit(hani, one), 28);
  EXPECT_EQ(Credit(hani, two), 14);
  EXPECT_EQ(Credit(book, three), 0);
  Withdraw(hani, one);
  Confirm();
  EXPECT_EQ(Credit(hani, two), 28) << "its own second copy of b comes first";
  EXPECT_EQ(Credit(book, three), 14) << "a";
  VerifyAll();
}

TEST_F(CreditingTest, TextWithdrawnBeforeItsRunIsNobodysReference) {
  const uint32_t hani = t_.Partner("hani");
  const uint32_t book = t_.Partner("book");
  Writer writer(3);
  const std::string text = writer.Text(3) + "\n짧은 문단";
  const uint32_t first = Give(hani, text);
  const uint32_t second = Give(book, text);
  Withdraw(hani, first);
  Confirm();
  EXPECT_EQ(Credit(book, second), 44);
  VerifyAll();
}

// Neither the document's form nor its short segments are known any more.
TEST_F(CreditingTest, WithdrawnTextGivenAgainIsNew) {
  const uint32_t hani = t_.Partner("hani");
  const uint32_t book = t_.Partner("book");
  Writer writer(4);
  const std::string text = writer.Text(3) + "\n짧은 문단";
  const uint32_t first = Give(hani, text);
  EXPECT_EQ(t_.Verdicts(hani, Give(hani, text))[0].item.verdict, ledger::Verdict::kExactDuplicate);
  Confirm();
  Withdraw(hani, first);
  const uint32_t again = Give(hani, text);
  EXPECT_EQ(t_.Verdicts(hani, again)[0].item.verdict, ledger::Verdict::kAccepted);
  EXPECT_EQ(t_.Verdicts(hani, again)[0].item.novel_korean_words, 44);
  const uint32_t other = Give(book, text);
  Confirm();
  EXPECT_EQ(Credit(hani, again), 44);
  EXPECT_EQ(Credit(book, other), 0);
  // A crash between the entry and the passing on: the next opening looks at it again, to no effect.
  Withdraw(hani, again);
  t_.Open();
  Confirm();
  EXPECT_EQ(Credit(book, other), 44);
  VerifyAll();
}

// A short segment goes to the earliest of the partner's other documents that has it.
TEST_F(CreditingTest, ShortSegmentsAreInheritedInTheOrderOfTheJournal) {
  const uint32_t hani = t_.Partner("hani");
  const uint32_t book = t_.Partner("book");
  Writer writer(5);
  const std::string line = "같은 짧은 줄";
  const uint32_t one = Give(hani, writer.Text(1) + "\n" + line);
  const uint32_t two = Give(hani, writer.Text(1) + "\n" + line);
  const uint32_t three = Give(book, writer.Text(1) + "\n" + line);
  Confirm();
  EXPECT_EQ(Credit(hani, one), 17);
  EXPECT_EQ(Credit(hani, two), 14);
  EXPECT_EQ(Credit(book, three), 14);
  Withdraw(hani, one);
  const uint32_t four = Give(hani, writer.Text(1) + "\n" + line);
  Confirm();
  EXPECT_EQ(Credit(hani, two), 17);
  EXPECT_EQ(Credit(book, three), 14);
  EXPECT_EQ(Credit(hani, four), 14);
  Withdraw(hani, two);
  Withdraw(hani, four);
  Confirm();
  EXPECT_EQ(Credit(book, three), 17);
  VerifyAll();
}

TEST_F(CreditingTest, WhoLostAClaimDoesNotInheritBack) {
  const uint32_t hani = t_.Partner("hani");
  const uint32_t book = t_.Partner("book");
  Writer writer(6);
  const std::string text = writer.Text(4);
  const uint32_t first = Give(hani, text);
  const uint32_t second = Give(book, text);
  Confirm();
  const auto claim = t_.jangbu().finance().OpenClaim(book, second, 0, 1, std::string(32, 'e'),
                                                     KeyOf("book", ledger::Role::kPartner, "B"));
  ASSERT_TRUE(claim.ok()) << claim.status();
  ASSERT_TRUE(t_.jangbu().finance().DecideClaim("book", *claim, true, f1_).ok());
  ASSERT_TRUE(t_.jangbu().finance().SettleClaim("book", *claim, f2_).ok());
  EXPECT_EQ(Credit(book, second), 56);
  Withdraw(book, second);
  Confirm();
  EXPECT_EQ(Credit(hani, first), 0);
  VerifyAll();
}

// Documents that share text in many ways, some of them withdrawn at different times, and the twin
// in which those never were.
TEST(Succession, AgreesWithAnInstallationThatNeverHadTheWithdrawnText) {
  const char* many = std::getenv("JANGBU_SUCCESSION_SEEDS");
  const uint64_t seeds = many != nullptr ? std::strtoull(many, nullptr, 10) : 3;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Writer writer(100 + seed);
    struct Document {
      uint32_t partner = 0;
      std::string text;
      int withdrawn_after = 0;  // 0: never; 1: before the first run; 2: after it
    };
    std::vector<Document> documents;
    std::vector<std::string> pool;
    for (int i = 0; i < 24; ++i) {
      Document document;
      document.partner = static_cast<uint32_t>(writer.Below(3));
      // Of its own, so that no two documents are the same.
      document.text = writer.Sentence(5) + " " + std::to_string(i);
      for (uint64_t p = 0; p < 1 + writer.Below(4); ++p) {
        std::string paragraph = !pool.empty() && writer.Below(3) != 0
                                    ? pool[writer.Below(pool.size())]
                                    : writer.Sentence(2 + writer.Below(16));
        document.text += "\n" + paragraph;
        pool.push_back(std::move(paragraph));
      }
      document.withdrawn_after = writer.Below(3) == 0 ? 1 + static_cast<int>(writer.Below(2)) : 0;
      documents.push_back(std::move(document));
    }
    const auto run = [&](bool twin) {
      std::vector<std::pair<int64_t, int64_t>> credits;
      TestInstallation t(seed);
      t.options().policy.lot_documents_min = 1;
      Jangbu& jangbu = t.Open();
      const uint32_t partners[] = {t.Partner("hani"), t.Partner("book"), t.Partner("sesang")};
      std::vector<uint32_t> uploads(documents.size());
      const auto take_back = [&](int when) {
        for (size_t i = 0; i < documents.size(); ++i) {
          if (twin || documents[i].withdrawn_after != when) continue;
          const auto done = jangbu.finance().Withdraw(
              partners[documents[i].partner],
              {.corpus = 0, .upload = uploads[i], .document = std::nullopt}, "test");
          ASSERT_TRUE(done.ok()) << done.status();
        }
      };
      for (size_t i = 0; i < documents.size(); ++i) {
        if (twin && documents[i].withdrawn_after != 0) continue;
        uploads[i] = t.Upload(partners[documents[i].partner], "r" + std::to_string(i),
                              {{"a.txt", documents[i].text}});
      }
      take_back(1);
      EXPECT_TRUE(jangbu.RunConfirmation({}, "", "test").ok());
      take_back(2);
      EXPECT_TRUE(jangbu.RunConfirmation({}, "", "test").ok());
      jangbu.ReadBooks([&](const ledger::Books& books) {
        for (size_t i = 0; i < documents.size(); ++i) {
          if (documents[i].withdrawn_after != 0) continue;
          const auto& upload =
              *books.FindUpload(*books.FindPartner(partners[documents[i].partner]), uploads[i]);
          for (const auto& [token, batch] : books.batches()) {
            if (batch.upload_token != upload.token) continue;
            const ledger::DocumentFacts& facts = (*books.FactsOf(token))[0];
            credits.emplace_back(facts.item_tokens, facts.item_words);
          }
        }
      });
      t.Close();
      const auto report = t.Verify(true);
      EXPECT_TRUE(report.ok()) << report.status();
      return credits;
    };
    EXPECT_EQ(run(false), run(true));
  }
}

TEST_F(CreditingTest, ARecountChangesNothingUntilAnotherPersonApprovesIt) {
  const uint32_t hani = t_.Partner("hani");
  const uint32_t book = t_.Partner("book");
  Writer writer(8);
  // 30 letters shared, within a paragraph of 70: novel by the half, not by a quarter.
  const std::string shared = writer.Sentence(10);
  const uint32_t first = Give(hani, shared + " " + writer.Sentence(10));
  const uint32_t second = Give(book, shared + " " + writer.Sentence(12));
  Confirm();
  EXPECT_EQ(Credit(book, second), 22);
  Recounting& recounting = t_.jangbu().recounting();
  const ledger::NoveltyRule strict{.min_run = 24, .near_ppm = 800'000, .novel_ppm = 250'000};
  EXPECT_EQ(ReasonOf(recounting.Begin(std::nullopt, "", f1_).status()), "nothing_to_recount");
  EXPECT_EQ(ReasonOf(recounting.Begin(ledger::NoveltyRule{}, "", f1_).status()),
            "nothing_to_recount");
  EXPECT_EQ(ReasonOf(recounting.Begin(ledger::NoveltyRule{.min_run = 7}, "", f1_).status()),
            "bad_novelty_rule");
  const auto shadow =
      t_.jangbu().duplicates().Shadow(strict, [](uint64_t, uint64_t) { return true; });
  ASSERT_TRUE(shadow.ok()) << shadow.status();
  const auto number = recounting.Begin(strict, "", f1_);
  ASSERT_TRUE(number.ok()) << number.status();
  EXPECT_EQ(ReasonOf(recounting.Begin(strict, "", f1_).status()), "recount_open");
  std::vector<ledger::RecountLine> lines;
  t_.jangbu().ReadBooks(
      [&](const ledger::Books& books) { lines = books.recounts()[*number - 1].lines; });
  ASSERT_EQ(lines.size(), 2u);
  ASSERT_EQ(shadow->size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    // The shadow run that enters nothing says the same.
    EXPECT_EQ((*shadow)[i].partner, lines[i].partner);
    EXPECT_EQ((*shadow)[i].documents, static_cast<uint64_t>(lines[i].documents));
    EXPECT_EQ((*shadow)[i].changed, static_cast<uint64_t>(lines[i].changed));
    EXPECT_EQ((*shadow)[i].korean_words_before, lines[i].korean_words_before);
    EXPECT_EQ((*shadow)[i].korean_words_after, lines[i].korean_words_after);
    EXPECT_EQ((*shadow)[i].korean_tokens_before, lines[i].korean_tokens_before);
    EXPECT_EQ((*shadow)[i].korean_tokens_after, lines[i].korean_tokens_after);
  }
  EXPECT_EQ(lines[0].partner, "book");
  EXPECT_EQ(lines[0].changed, 1);
  EXPECT_EQ(lines[0].korean_words_before, 22);
  EXPECT_EQ(lines[0].korean_words_after, 0);
  EXPECT_EQ(lines[1].changed, 0);
  EXPECT_EQ(lines[1].korean_words_before, lines[1].korean_words_after);
  EXPECT_EQ(Credit(book, second), 22);
  Confirm();
  EXPECT_EQ(t_.Figures(book).confirmed_korean_words, 22);

  EXPECT_EQ(ReasonOf(recounting.Decide(*number, true, f1_)), "same_person");
  EXPECT_EQ(ReasonOf(recounting.Decide(*number, true, operator_)), "wrong_role");
  EXPECT_EQ(ReasonOf(recounting.Decide(9, true, f2_)), "no_such_recount");
  ASSERT_TRUE(recounting.Decide(*number, true, f2_).ok());
  EXPECT_EQ(ReasonOf(recounting.Decide(*number, true, f2_)), "recount_decided");
  EXPECT_EQ(Credit(hani, first), 20);
  EXPECT_EQ(Credit(book, second), 0);
  EXPECT_EQ(t_.Figures(book).confirmed_korean_words, 22) << "a lot settles it";
  Confirm();
  EXPECT_EQ(t_.Figures(book).confirmed_korean_words, 0);
  EXPECT_EQ(t_.Figures(hani).confirmed_korean_words, 20);
  // What is given from now on is judged by the new rule; what it inherits too.
  const uint32_t third = Give(hani, shared + " " + writer.Sentence(12));
  EXPECT_EQ(t_.Verdicts(hani, third)[0].item.novel_korean_words, 0);
  Withdraw(hani, first);
  Confirm();
  EXPECT_EQ(Credit(book, second), 22);
  EXPECT_EQ(Credit(hani, third), 0);
  t_.Open();
  VerifyAll();
}

TEST_F(CreditingTest, WhatIsApprovedIsWhatWasReported) {
  const uint32_t hani = t_.Partner("hani");
  Writer writer(9);
  const uint32_t first = Give(hani, writer.Text(2));
  Give(hani, writer.Text(2));
  Confirm();
  Recounting& recounting = t_.jangbu().recounting();
  const ledger::NoveltyRule other{.min_run = 32, .near_ppm = 800'000, .novel_ppm = 500'000};
  const auto one = recounting.Begin(other, "", f1_);
  ASSERT_TRUE(one.ok()) << one.status();
  Withdraw(hani, first);
  EXPECT_EQ(ReasonOf(recounting.Decide(*one, true, f2_)), "recount_stale");
  ASSERT_TRUE(recounting.Decide(*one, false, f1_).ok());
  EXPECT_EQ(ReasonOf(recounting.Begin(other, "", f1_).status()), "confirmation_first");
  Confirm();
  const auto two = recounting.Begin(other, "", operator_);
  ASSERT_TRUE(two.ok()) << two.status();
  ASSERT_TRUE(recounting.Decide(*two, false, operator_).ok()) << "its maker may give it up";
  VerifyAll();
}

// What the tokenizer in `bytes` counts: segments are lines.
int64_t CountOf(const std::string& bytes, const std::string& text) {
  ingest::TokenCounter counter(*ingest::Tokenizer::Load(bytes), {});
  int64_t tokens = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) tokens += counter.Count(line);
  return tokens;
}

TEST_F(CreditingTest, AnotherTokenizerCountsFromTheNextOpeningOn) {
  const uint32_t hani = t_.Partner("hani");
  Writer writer(10);
  std::ifstream in(
      std::string(JANGBU_SOURCE_DIR) + "/tests/ingest/tokens/data/bytelevel.tokenizer.json",
      std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  const std::string text = writer.Text(3);
  const uint32_t first = Give(hani, text);
  Confirm();
  const ledger::PartnerFigures before = t_.Figures(hani);
  ASSERT_NE(before.confirmed_korean_tokens, CountOf(bytes, text));
  const auto receipt = t_.jangbu().GetReceipt(hani, first);
  const auto lot_receipt = t_.jangbu().GetLotReceipt(hani, 1);
  Recounting& recounting = t_.jangbu().recounting();
  EXPECT_FALSE(recounting.Begin(std::nullopt, "no tokenizer", f1_).ok());
  const auto number = recounting.Begin(std::nullopt, bytes, f1_);
  ASSERT_TRUE(number.ok()) << number.status();
  ASSERT_TRUE(recounting.Decide(*number, true, f2_).ok());
  Confirm();
  const ledger::PartnerFigures after = t_.Figures(hani);
  EXPECT_EQ(after.confirmed_korean_words, before.confirmed_korean_words);
  EXPECT_EQ(after.confirmed_korean_tokens, CountOf(bytes, text));
  EXPECT_EQ(t_.Verdicts(hani, first)[0].item.korean_tokens, before.confirmed_korean_tokens)
      << "a verdict is never rewritten";
  // Until the next opening the old one counts, afterwards the new one.
  const auto tokens = [&](uint32_t upload) {
    return t_.Verdicts(hani, upload)[0].item.korean_tokens;
  };
  const std::string one = writer.Text(2);
  const std::string two = writer.Text(2);
  EXPECT_NE(tokens(Give(hani, one)), CountOf(bytes, one));
  t_.Open();
  EXPECT_EQ(tokens(Give(hani, two)), CountOf(bytes, two));
  Confirm();
  // The statement of a month of before still adds up, and the receipts of before still hold.
  t_.jangbu().ReadBooks([&](const ledger::Books& books) {
    EXPECT_TRUE(
        ledger::StatementOf(books, *books.FindPartner(hani), ledger::PeriodOf(t_.clock().Now()))
            .ok());
  });
  const auto verifier = ledger::NoteVerifier::Parse(t_.jangbu().LogVerifierKey());
  ASSERT_TRUE(verifier.ok());
  for (const auto& held : {receipt, lot_receipt}) {
    ASSERT_TRUE(held.ok()) << held.status();
    const auto opened = ledger::VerifyReceiptFile(*held, *verifier);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_FALSE(opened->empty());
  }
  // One fetched today is of the same entries, word for word.
  const auto own_parts = [&](const std::string& file) {
    std::vector<std::string> parts;
    const auto opened = ledger::VerifyReceiptFile(file, *verifier);
    EXPECT_TRUE(opened.ok()) << opened.status();
    if (!opened.ok()) return parts;
    for (const auto& entry : *opened) parts.push_back(entry.own_part);
    return parts;
  };
  EXPECT_EQ(own_parts(*t_.jangbu().GetReceipt(hani, first)), own_parts(*receipt));
  EXPECT_EQ(own_parts(*t_.jangbu().GetLotReceipt(hani, 1)), own_parts(*lot_receipt));
  VerifyAll();
}

}  // namespace
}  // namespace jangbu::services
