// The whole story in one process: files in, verdicts out, confirmed once, proved, verified, opened
// again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <thread>

#include "base/bytes.h"
#include "ledger/merkle/receipt.h"
#include "tests/services/flow/flow_fixture.h"

namespace jangbu::services {
namespace {

using ledger::Verdict;

constexpr std::string_view kExample =
    "{\"id\":\"a\",\"text\":\"첫 문단입니다.\\n둘째 문단입니다.\"}\n"
    "{\"id\":\"b\",\"text\":\"둘째  문단입니다!\\n셋째 문단입니다.\"}\n";

// docs/counting.md, the worked example.
TEST(Flow, WorkedExampleOfCounting) {
  TestInstallation t;
  t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t upload = t.Upload(hani, "r1", {{"a.jsonl", std::string(kExample)}});
  const auto rows = t.Verdicts(hani, upload);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].document_id, "a");
  EXPECT_EQ(rows[0].file, "a.jsonl");
  EXPECT_EQ(rows[0].record, 1U);
  EXPECT_EQ(rows[0].item.words, 4);
  EXPECT_EQ(rows[0].item.korean_words, 4);
  EXPECT_EQ(rows[0].item.novel_korean_words, 4);
  EXPECT_EQ(rows[1].item.words, 4);
  EXPECT_EQ(rows[1].item.korean_words, 4);
  EXPECT_EQ(rows[1].item.novel_korean_words, 2);
  EXPECT_EQ(rows[1].item.verdict, Verdict::kAccepted);
}

TEST(Flow, EveryKindOfVerdictIsNamedByFileAndRecord) {
  TestInstallation t;
  t.Open();
  const uint32_t hani = t.Partner("hani");
  const std::string lines =
      "{\"id\":\"1\",\"text\":\"가나다 라마바 사아자.\"}\n"
      "\n"
      "{\"id\":\"2\",\"text\":\"가나다라마바, 사아자!\"}\n"  // the same comparison form
      "{\"id\":\"3\"}\n"
      "{\"id\":\"4\",\"text\":\"...\"}\n"
      "{broken\n"
      "{\"id\":\"5\",\"text\":\"다른 글입니다.\"}\n";
  const uint32_t upload = t.Upload(hani, "r1",
                                   {{"기사/한글.jsonl", lines},
                                    {"무늬.png", "\x89PNG\r\n\x1a\n...."},
                                    {"글.txt", "마지막 글."}});
  const auto rows = t.Verdicts(hani, upload);
  struct Expected {
    std::string file;
    uint64_t record;
    Verdict verdict;
    std::string reason;
  };
  const std::vector<Expected> expected = {
      {"기사/한글.jsonl", 1, Verdict::kAccepted, ""},
      {"기사/한글.jsonl", 3, Verdict::kExactDuplicate, ""},
      {"기사/한글.jsonl", 4, Verdict::kRejected, "no_text"},
      {"기사/한글.jsonl", 5, Verdict::kRejected, "no_text"},
      {"기사/한글.jsonl", 6, Verdict::kRejected, "invalid_json"},
      {"기사/한글.jsonl", 7, Verdict::kAccepted, ""},
      {"무늬.png", 0, Verdict::kRejected, "unsupported_format"},
      {"글.txt", 1, Verdict::kAccepted, ""},
  };
  ASSERT_EQ(rows.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(rows[i].file, expected[i].file) << i;
    EXPECT_EQ(rows[i].record, expected[i].record) << i;
    EXPECT_EQ(rows[i].item.verdict, expected[i].verdict) << i;
    EXPECT_EQ(rows[i].item.reason, expected[i].reason) << i;
  }
  EXPECT_EQ(rows[1].duplicate_of, "hani/u1#기사/한글.jsonl:1");
  EXPECT_EQ(rows[1].item.novel_korean_tokens, 0);
  const auto view = t.jangbu().GetUpload(hani, upload);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->counts.documents, 8);
  EXPECT_EQ(view->counts.accepted, 3);
  EXPECT_EQ(view->counts.exact_duplicate, 1);
  EXPECT_EQ(view->counts.rejected, 4);

  VerdictFilter filter;
  filter.verdicts = {Verdict::kRejected};
  filter.reason = "no_text";
  EXPECT_EQ(t.Verdicts(hani, upload, filter).size(), 2U);
}

std::string Documents(int from, int to) {
  std::string lines;
  for (int i = from; i < to; ++i) {
    lines += "{\"text\":\"" + std::to_string(i) + "번째 기사의 첫 문단은 이렇습니다.\\n그리고 " +
             std::to_string(i) + "번째 기사는 이렇게 끝납니다.\"}\n";
  }
  return lines;
}

// Invariant 1 and the rule of confirmation: what two gave is credited to the first in the journal,
// once.
TEST(Flow, Invariant1_TextGivenTwiceIsCreditedOnce) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t book = t.Partner("book");
  t.Upload(hani, "r", {{"a.jsonl", Documents(0, 10)}});
  t.Upload(book, "r", {{"a.jsonl", Documents(5, 15)}});
  const auto hani_before = t.Figures(hani);
  const auto book_before = t.Figures(book);
  // Before the run nobody can tell that the other was there.
  EXPECT_EQ(hani_before.provisional_korean_words, book_before.provisional_korean_words);
  EXPECT_EQ(book_before.counts.accepted, 10);
  EXPECT_EQ(hani_before.confirmed_korean_words, 0);

  const auto run = jangbu.RunConfirmation({}, "", "test");
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->documents_decided, 20);
  ASSERT_EQ(run->lots.size(), 2U);
  int64_t words[2] = {};
  int64_t held = 0;
  for (const uint32_t partner : {hani, book}) {
    ASSERT_TRUE(jangbu
                    .ListItems(partner, 1,
                               [&](const OperatorItem& item) {
                                 words[partner == book] += item.korean_words;
                                 held += item.verdict == "HELD" ? 1 : 0;
                                 if (item.verdict == "HELD") {
                                   EXPECT_TRUE(item.covered_by.starts_with("hani/u1#a.jsonl:"));
                                 }
                                 return true;
                               })
                    .ok());
  }
  EXPECT_EQ(held, 5);
  EXPECT_EQ(words[0], hani_before.provisional_korean_words);
  EXPECT_EQ(words[1] * 2, words[0]);
  const auto hani_after = t.Figures(hani);
  EXPECT_EQ(hani_after.provisional_korean_words, 0);
  EXPECT_EQ(hani_after.confirmed_korean_words, words[0] / 10 * 10);
  t.Close();
  const auto report = t.Verify();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->documents, 20U);
  EXPECT_EQ(report->texts_recounted, 20U);
}

// Invariant 4: what a partner sees is the same bytes with and without the other.
TEST(Flow, Invariant4_APartnerSeesTheSameWithAndWithoutOthers) {
  const auto seen_by_book = [](bool with_other) {
    TestInstallation t;
    t.Open();
    const uint32_t hani = t.Partner("hani");
    const uint32_t book = t.Partner("book");
    if (with_other) t.Upload(hani, "r", {{"a.jsonl", Documents(0, 50)}});
    const uint32_t upload =
        t.Upload(book, "r", {{"a.jsonl", Documents(20, 60) + Documents(30, 35)}});
    std::string seen;
    for (const VerdictView& row : t.Verdicts(book, upload)) {
      seen += row.file + "|" + std::to_string(row.record) + "|" +
              std::to_string(static_cast<int>(row.item.verdict)) + "|" + row.duplicate_of + "|" +
              std::to_string(row.item.novel_korean_tokens) + "|" + row.sha256 + "\n";
    }
    const auto figures = t.Figures(book);
    seen += std::to_string(figures.provisional_korean_tokens) + " " +
            std::to_string(figures.documents_waiting) + " " +
            std::to_string(figures.counts.exact_duplicate);
    return seen;
  };
  EXPECT_EQ(seen_by_book(false), seen_by_book(true));
}

// Invariant 4: another's upload, corpus or feed is as if it did not exist.
TEST(Flow, Invariant4_AnothersThingsDoNotExist) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t book = t.Partner("book");
  t.Upload(hani, "r1", {{"a.jsonl", Documents(0, 3)}});
  EXPECT_EQ(jangbu.GetUpload(book, 1).status(), jangbu.GetUpload(book, 77).status());
  EXPECT_EQ(jangbu.GetReceipt(book, 1).status(), jangbu.GetReceipt(book, 77).status());
  EXPECT_EQ(jangbu.GetUpload(book, 1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(jangbu.CreateUpload(book, 2, "x").status(), jangbu.CreateUpload(book, 9, "x").status());
}

// Invariant 1: an upload is the same however often it is opened, sent and sealed.
TEST(Flow, Invariant1_RetriesChangeNothing) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t upload = t.Upload(hani, "r1", {{"a.jsonl", Documents(0, 5)}});
  EXPECT_EQ(jangbu.CreateUpload(hani, 1, "r1")->number, upload);
  EXPECT_TRUE(jangbu.SealUpload(hani, upload, 1).ok());
  EXPECT_EQ(ReasonOf(jangbu.SealUpload(hani, upload, 2).status()), "sealed_differently");
  StageChunk late;
  late.path = "b.jsonl";
  late.file = 1;
  EXPECT_EQ(ReasonOf(jangbu.Stage(hani, upload, {late}).status()), "upload_not_open");
  EXPECT_EQ(t.Verdicts(hani, upload).size(), 5U);
}

TEST(Flow, StagingRefusesWhatDoesNotContinueAndGoesOn) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t upload = jangbu.CreateUpload(hani, 1, "r")->number;
  const auto stage = [&](uint32_t file, std::string path, uint64_t offset, std::string data,
                         bool last, std::string sha256 = "") {
    StageChunk chunk{.file = file,
                     .path = std::move(path),
                     .offset = offset,
                     .data = std::move(data),
                     .last = last,
                     .sha256 = std::move(sha256)};
    return jangbu.Stage(hani, upload, {chunk})->at(0);
  };
  EXPECT_EQ(ReasonOf(stage(0, "", 0, "x", false).error), "bad_path");
  EXPECT_EQ(stage(0, "a.txt", 0, "가나", false).acknowledged, 6U);
  EXPECT_EQ(ReasonOf(stage(0, "", 0, "가나", false).error), "offset_mismatch");
  EXPECT_EQ(ReasonOf(stage(0, "b.txt", 6, "다", false).error), "path_mismatch");
  // The bytes changed between two attempts: dropped, and sent again.
  const StageAck changed = stage(0, "", 6, "다", true, std::string(32, 'x'));
  EXPECT_EQ(ReasonOf(changed.error), "file_changed");
  EXPECT_EQ(changed.acknowledged, 0U);
  EXPECT_EQ(ReasonOf(jangbu.SealUpload(hani, upload, 1).status()), "files_missing");
  t.Open();  // a restart in the middle knows what was acknowledged
}

TEST(Flow, StagingSurvivesARestartInTheMiddleOfAFile) {
  TestInstallation t;
  Jangbu* jangbu = &t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t upload = jangbu->CreateUpload(hani, 1, "r")->number;
  const std::string bytes = Documents(0, 100);
  StageChunk first{.file = 0,
                   .path = "a.jsonl",
                   .offset = 0,
                   .data = bytes.substr(0, 1000),
                   .last = false,
                   .sha256 = ""};
  ASSERT_TRUE(jangbu->Stage(hani, upload, {first}).ok());
  t.Close();
  jangbu = &t.Open();
  const auto staged = jangbu->ListStagedFiles(hani, upload);
  ASSERT_TRUE(staged.ok()) << staged.status();
  ASSERT_EQ(staged->size(), 1U);
  EXPECT_EQ(staged->at(0).path, "a.jsonl");
  EXPECT_EQ(staged->at(0).acknowledged, 1000U);
  StageChunk rest{.file = 0,
                  .path = "",
                  .offset = 1000,
                  .data = bytes.substr(1000),
                  .last = true,
                  .sha256 = std::string(AsView(Sha256(bytes)))};
  const auto acks = jangbu->Stage(hani, upload, {rest});
  ASSERT_TRUE(acks.ok() && acks->at(0).complete) << acks->at(0).error;
  ASSERT_TRUE(jangbu->SealUpload(hani, upload, 1).ok());
  t.Await(hani, upload);
  EXPECT_EQ(t.Verdicts(hani, upload).size(), 100U);
}

// Invariant 1: a feed's document id is its idempotency key.
TEST(Flow, Invariant1_FeedsAreIdempotentByDocumentId) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t feed = jangbu.OpenFeed(hani, 1, "daily")->number;
  EXPECT_EQ(jangbu.OpenFeed(hani, 1, "daily")->number, feed);
  const FeedDocument one{
      .document_id = "n1", .text = "오늘의 첫 소식입니다.", .title = "소식", .published_at = ""};
  const FeedDocument two{
      .document_id = "n2", .text = "오늘의 둘째 소식입니다.", .title = "", .published_at = ""};
  const FeedDocument other{
      .document_id = "n1", .text = "전혀 다른 소식입니다.", .title = "", .published_at = ""};
  const FeedDocument nameless{
      .document_id = "", .text = "이름 없는 소식.", .title = "", .published_at = ""};
  const auto first = jangbu.Contribute(hani, feed, {one, two, one, other, nameless});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->at(0).replayed);
  EXPECT_EQ(first->at(0).verdict.item.verdict, Verdict::kAccepted);
  EXPECT_TRUE(first->at(2).replayed);
  EXPECT_EQ(first->at(2).verdict.record, first->at(0).verdict.record);
  EXPECT_EQ(ReasonOf(first->at(3).error), "document_id_reused");
  EXPECT_EQ(ReasonOf(first->at(4).error), "bad_document_id");
  t.Close();
  Jangbu& again = t.Open();
  const auto second = again.Contribute(hani, feed, {one, two});
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(second->at(0).replayed && second->at(1).replayed);
  EXPECT_EQ(again.GetUpload(hani, feed)->counts.documents, 2);
}

TEST(Flow, LotsWaitUntilTheyAreLargeEnoughAndCarryTheRest) {
  TestInstallation t;
  t.options().policy.lot_documents_min = 20;
  t.options().policy.grain = 100;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  t.Upload(hani, "r1", {{"a.jsonl", Documents(0, 15)}});
  auto run = jangbu.RunConfirmation({}, "", "test");
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_TRUE(run->lots.empty());
  EXPECT_EQ(run->documents_waiting, 15);
  t.Upload(hani, "r2", {{"b.jsonl", Documents(15, 25)}});
  run = jangbu.RunConfirmation({}, "", "test");
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_EQ(run->lots.size(), 1U);
  const ledger::Lot& lot = run->lots[0].lot;
  EXPECT_EQ(lot.documents, 25);
  EXPECT_EQ(lot.confirmed_korean_tokens % 100, 0);
  EXPECT_EQ(lot.confirmed_korean_tokens + lot.carry_tokens_after, lot.item_korean_tokens);
  EXPECT_EQ(t.Figures(hani).confirmed_korean_tokens, lot.confirmed_korean_tokens);
  // A small rest is released by an operator, with a reason.
  t.Upload(hani, "r3", {{"c.jsonl", Documents(25, 27)}});
  EXPECT_EQ(jangbu.RunConfirmation({"hani"}, "", "test").status().code(),
            absl::StatusCode::kInvalidArgument);
  run = jangbu.RunConfirmation({"hani"}, "end of contract", "test");
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_EQ(run->lots.size(), 1U);
  EXPECT_TRUE(run->lots[0].lot.released);
  EXPECT_EQ(run->lots[0].lot.carry_tokens_before, lot.carry_tokens_after);
}

TEST(Flow, MembershipMakesAllPendingEntitlementSpendable) {
  TestInstallation t;
  t.options().policy.membership_threshold_words = 150;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  t.Upload(hani, "r1", {{"a.jsonl", Documents(0, 10)}});
  ASSERT_TRUE(jangbu.RunConfirmation({}, "", "test").ok());
  auto figures = t.Figures(hani);
  EXPECT_FALSE(figures.member);
  EXPECT_GT(figures.entitlement_pending, 0);
  EXPECT_EQ(figures.entitlement_available, 0);
  t.Upload(hani, "r2", {{"b.jsonl", Documents(10, 30)}});
  ASSERT_TRUE(jangbu.RunConfirmation({}, "", "test").ok());
  figures = t.Figures(hani);
  EXPECT_TRUE(figures.member);
  EXPECT_EQ(figures.entitlement_pending, 0);
  EXPECT_EQ(figures.entitlement_available, figures.confirmed_korean_words);
}

TEST(Flow, BalancesOfAPastTime) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  t.Upload(hani, "r1", {{"a.jsonl", Documents(0, 10)}});
  const Timestamp between = t.clock().Now();
  const auto then = t.Figures(hani);
  t.Upload(hani, "r2", {{"b.jsonl", Documents(10, 30)}});
  ASSERT_TRUE(jangbu.RunConfirmation({}, "", "test").ok());
  ledger::PartnerFigures past;
  jangbu.ReadBooks([&](const ledger::Books& books) {
    past = books.FiguresOf(*books.FindPartner(hani), between);
  });
  EXPECT_EQ(past.counts, then.counts);
  EXPECT_EQ(past.provisional_korean_tokens, then.provisional_korean_tokens);
  EXPECT_EQ(past.documents_waiting, 10);
  EXPECT_EQ(past.confirmed_korean_tokens, 0);
}

// Invariant 3: a receipt proves its entry; it opens the partner's own part and nothing else.
TEST(Flow, Invariant3_ReceiptsVerifyOffline) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t upload = t.Upload(hani, "r1", {{"a.jsonl", Documents(0, 10)}});
  const auto receipt = jangbu.GetReceipt(hani, upload);
  ASSERT_TRUE(receipt.ok()) << receipt.status();
  const auto verifier = ledger::NoteVerifier::Parse(jangbu.LogVerifierKey());
  ASSERT_TRUE(verifier.ok());
  const auto opened = ledger::VerifyReceiptFile(*receipt, *verifier);
  ASSERT_TRUE(opened.ok()) << opened.status();
  int64_t documents = 0;
  for (const auto& one : *opened) {
    const auto entry = ledger::DecodeOwnPart(one.own_part);
    ASSERT_TRUE(entry.ok()) << entry.status();
    EXPECT_EQ(entry->partner, "hani");
    EXPECT_EQ(entry->seq, one.index);
    if (const auto* done = std::get_if<ledger::UploadDone>(&entry->body))
      documents = done->counts.documents;
  }
  EXPECT_EQ(documents, 10);
  std::string forged = *receipt;
  const size_t at = forged.find("extra ") + 80;
  forged[at] = forged[at] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(ledger::VerifyReceiptFile(forged, *verifier).ok());
}

// Invariant 3: confirmed credit has a receipt too; it says the lot's totals and nothing sealed.
TEST(Flow, Invariant3_LotsHaveReceipts) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t book = t.Partner("book");
  t.Upload(hani, "r1", {{"a.jsonl", Documents(0, 10)}});
  t.Upload(book, "r1", {{"b.jsonl", Documents(10, 5)}});
  ASSERT_TRUE(jangbu.RunConfirmation({"hani"}, "test", "k").ok());
  const auto lots = jangbu.ListLots(hani, 0, 100);
  ASSERT_TRUE(lots.ok()) << lots.status();
  ASSERT_EQ(lots->size(), 1u);
  const LotView& lot = lots->front();
  EXPECT_EQ(lot.partner_id, "hani");
  EXPECT_EQ(lot.lot.lot, 1u);
  EXPECT_EQ(lot.lot.documents, 10);
  EXPECT_TRUE(lot.lot.released);
  EXPECT_TRUE(lot.lot.ranges.empty());  // sealed
  EXPECT_EQ(lot.lot.item_korean_tokens, 0);
  EXPECT_TRUE(jangbu.ListLots(hani, 1, 100)->empty());
  EXPECT_TRUE(jangbu.ListLots(book, 0, 100)->empty());
  const auto receipt = jangbu.GetLotReceipt(hani, 1);
  ASSERT_TRUE(receipt.ok()) << receipt.status();
  const auto verifier = ledger::NoteVerifier::Parse(jangbu.LogVerifierKey());
  ASSERT_TRUE(verifier.ok());
  const auto opened = ledger::VerifyReceiptFile(*receipt, *verifier);
  ASSERT_TRUE(opened.ok()) << opened.status();
  ASSERT_EQ(opened->size(), 1u);
  EXPECT_EQ(opened->front().index, lot.seq);
  const auto entry = ledger::DecodeOwnPart(opened->front().own_part);
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(std::get<ledger::Lot>(entry->body), lot.lot);
  EXPECT_EQ(ReasonOf(jangbu.GetLotReceipt(hani, 2).status()), "no_such_lot");
  EXPECT_EQ(ReasonOf(jangbu.GetLotReceipt(hani, 0).status()), "no_such_lot");
  EXPECT_EQ(ReasonOf(jangbu.GetLotReceipt(book, 1).status()), "no_such_lot");
}

TEST(Flow, KeysAreIssuedRotatedRevoked) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  t.Partner("hani");
  const auto issued = jangbu.IssueKey("hani", ledger::Role::kPartner, "김하나");
  ASSERT_TRUE(issued.ok()) << issued.status();
  EXPECT_TRUE(issued->secret.starts_with("jb_live_"));
  const auto caller = jangbu.Authenticate(issued->secret);
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(caller->partner_id, "hani");
  std::string mistyped = issued->secret;
  mistyped[30] = mistyped[30] == '0' ? '1' : '0';
  EXPECT_EQ(jangbu.Authenticate(mistyped).status(), jangbu.Authenticate("nonsense").status());
  const auto rotated = jangbu.RotateKey(issued->record.key_id);
  ASSERT_TRUE(rotated.ok());
  EXPECT_FALSE(jangbu.Authenticate(issued->secret).ok());
  EXPECT_TRUE(jangbu.Authenticate(rotated->secret).ok());
  ASSERT_TRUE(jangbu.RevokeKey(rotated->record.key_id).ok());
  EXPECT_FALSE(jangbu.Authenticate(rotated->secret).ok());
  EXPECT_FALSE(jangbu.IssueKey("", ledger::Role::kPartner, "x").ok());
  EXPECT_FALSE(jangbu.IssueKey("hani", ledger::Role::kOperator, "x").ok());
}

// Invariant 6: the same inputs give the same books root with other threads, salts, times and
// restarts.
TEST(Flow, Invariant6_BooksRootDoesNotDependOnThreadsTimesOrSalts) {
  std::set<std::string> roots;
  for (const int workers : {1, 2, 8}) {
    TestInstallation t(static_cast<uint64_t>(workers));
    t.options().workers = workers;
    t.clock().Advance(workers * 1'000'000'000LL);
    Jangbu* jangbu = &t.Open();
    const uint32_t hani = t.Partner("hani");
    const uint32_t book = t.Partner("book");
    t.Upload(hani, "r" + std::to_string(workers),
             {{"a.jsonl", Documents(0, 200)}, {"b.jsonl", Documents(100, 300)}});
    if (workers == 8) {
      t.Close();
      jangbu = &t.Open();
    }
    t.Upload(book, "r", {{"c.jsonl", Documents(250, 400)}});
    ASSERT_TRUE(jangbu->RunConfirmation({}, "", "test").ok());
    const auto root = jangbu->BooksRoot();
    ASSERT_TRUE(root.ok()) << root.status();
    roots.insert(ToHex(*root));
    t.Close();
    const auto report = t.Verify();
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->books_root, ToHex(*root));
  }
  EXPECT_EQ(roots.size(), 1U);
}

TEST(Flow, NothingReadableIsOnDisk) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const std::string planted = "은하수를 건너온 비밀스러운 문장";
  t.Upload(hani, "r1",
           {{"비밀파일이름.jsonl",
             "{\"id\":\"secret-id-4711\",\"title\":\"비밀제목\",\"text\":\"" + planted + "\"}\n"}});
  const uint32_t open = jangbu.CreateUpload(hani, 1, "r2")->number;
  StageChunk chunk{.file = 0,
                   .path = "비밀파일이름2.txt",
                   .offset = 0,
                   .data = planted,
                   .last = false,
                   .sha256 = ""};
  ASSERT_TRUE(jangbu.Stage(hani, open, {chunk}).ok());
  const uint32_t feed = jangbu.OpenFeed(hani, 1, "secret-stream")->number;
  ASSERT_TRUE(jangbu
                  .Contribute(hani, feed,
                              {{.document_id = "secret-id-4712",
                                .text = planted + " 둘",
                                .title = "비밀제목",
                                .published_at = ""}})
                  .ok());
  ASSERT_TRUE(jangbu.RunConfirmation({}, "", "test").ok());
  const auto issued = jangbu.IssueKey("hani", ledger::Role::kPartner, "x");
  t.Close();
  const std::vector<std::string> secrets = {planted,
                                            "비밀",
                                            "secret-id",
                                            "secret-stream",
                                            "기사 모음",
                                            issued->secret,
                                            issued->secret.substr(25, 64)};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(t.root())) {
    if (!entry.is_regular_file() || entry.path().filename() == "operator.key") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    for (const std::string& secret : secrets) {
      EXPECT_EQ(bytes.find(secret), std::string::npos) << secret << " in " << entry.path();
    }
  }
}

// Two partners, several uploads each, all at once: everything adds up and verifies.
TEST(Flow, ConcurrentUploadsOfTwoPartners) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t book = t.Partner("book");
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    for (const uint32_t partner : {hani, book}) {
      clients.emplace_back([&t, partner, i] {
        t.Upload(partner, "r" + std::to_string(i),
                 {{"f.jsonl", Documents(i * 100, i * 100 + 150)},
                  {"g.jsonl", Documents(i * 50, i * 50 + 20)}});
      });
    }
  }
  for (std::thread& client : clients) client.join();
  const auto hani_figures = t.Figures(hani);
  EXPECT_EQ(hani_figures.provisional_korean_tokens, t.Figures(book).provisional_korean_tokens);
  const auto run = jangbu.RunConfirmation({}, "", "test");
  ASSERT_TRUE(run.ok()) << run.status();
  int64_t items = 0;
  for (const LotView& lot : run->lots) items += lot.lot.item_korean_tokens;
  EXPECT_EQ(items, hani_figures.provisional_korean_tokens);
  t.Close();
  const auto report = t.Verify();
  EXPECT_TRUE(report.ok()) << report.status();
}

TEST(Flow, CancelledUploadsKeepTheVerdictsGiven) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t upload = jangbu.CreateUpload(hani, 1, "r")->number;
  StageChunk chunk{
      .file = 0, .path = "a.txt", .offset = 0, .data = "글 하나.", .last = false, .sha256 = ""};
  ASSERT_TRUE(jangbu.Stage(hani, upload, {chunk}).ok());
  const auto cancelled = jangbu.CancelUpload(hani, upload);
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state, ledger::UploadState::kCancelled);
  EXPECT_TRUE(jangbu.CancelUpload(hani, upload).ok());
  EXPECT_EQ(ReasonOf(jangbu.SealUpload(hani, upload, 1).status()), "upload_cancelled");
  const uint32_t next = t.Upload(hani, "r2", {{"b.jsonl", Documents(0, 3)}});
  EXPECT_EQ(t.Verdicts(hani, next).size(), 3U);
}

TEST(Flow, AnotherTokenizerIsRefused) {
  TestInstallation t;
  t.Open();
  t.Close();
  const std::string other = (t.root() / "other.json").string();
  std::ofstream(other)
      << R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,)"
      << R"("pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},)"
      << R"("post_processor":null,"decoder":null,"model":{"type":"BPE","dropout":null,"unk_token":null,)"
      << R"("continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,)"
      << R"("vocab":{"a":0},"merges":[]}})";
  t.options().tokenizer_file = other;
  EXPECT_FALSE(t.TryOpen().ok());
}

TEST(Flow, AnotherMasterKeyIsRefused) {
  TestInstallation t;
  t.Open();
  t.Close();
  std::filesystem::remove(t.root() / "data.master-key");
  EXPECT_EQ(ReasonOf(t.TryOpen()), "master_key_missing");
  std::ofstream(t.root() / "data.master-key") << std::string(64, 'a');
  std::filesystem::permissions(t.root() / "data.master-key", std::filesystem::perms::owner_read);
  EXPECT_EQ(ReasonOf(t.TryOpen()), "wrong_master_key");
}

// Invariant 3: neither an old copy of the data nor another log goes on under the newest checkpoint
// known outside.
TEST(Flow, Invariant3_AnOldBackupCannotForkTheLog) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  t.Close();
  const std::string backup = (t.root() / "backup").string();
  ASSERT_TRUE(BackupDataDir(t.options().data_dir, backup).ok());
  t.Open();
  t.Upload(hani, "r1", {{"a.jsonl", Documents(0, 10)}});
  ASSERT_TRUE(t.jangbu().GetCheckpoint(true).ok());
  t.Close();
  static_cast<void>(jangbu);
  std::filesystem::remove_all(t.options().data_dir);
  VerifyOptions target;
  target.data_dir = t.options().data_dir;
  const Status refused = RestoreDataDir(backup, target);
  EXPECT_EQ(ReasonOf(refused), "backup_older_than_anchor") << refused;
  // Without an anchor there is nothing to go below: the operator says so by removing it.
  std::filesystem::remove(t.options().data_dir + ".anchor");
  const Status restored = RestoreDataDir(backup, target);
  ASSERT_TRUE(restored.ok()) << restored;
  t.Open();
  t.Close();
  EXPECT_TRUE(t.Verify().ok());
}

}  // namespace
}  // namespace jangbu::services
