#include "services/flow/guarding.h"

#include <gtest/gtest.h>

#include "audit/guard/stream_guard.h"
#include "base/bytes.h"
#include "ingest/text/utf8.h"
#include "services/flow/finance.h"
#include "services/storage/data_dir.h"
#include "tests/services/flow/flow_fixture.h"

namespace jangbu::services {
namespace {

// Syllables that nobody else has.
std::string Sentence(uint64_t seed, size_t syllables) {
  std::mt19937_64 random(seed);
  std::string text;
  for (size_t i = 0; i < syllables; ++i) {
    ingest::AppendUtf8(static_cast<char32_t>(0xAC00 + random() % 11'000), text);
    if (random() % 4 == 0) text += ' ';
  }
  return text;
}

class GuardingTest : public ::testing::Test {
 protected:
  // What became of an answer that says `text`: "", or what it was stopped for.
  std::string Stopped(const std::string& text) {
    auto index = t_.jangbu().guarding().Index();
    EXPECT_TRUE(index.ok()) << index.status();
    audit::StreamGuard guard(*index, {});
    for (auto answer : {guard.Push(text), guard.Finish()}) {
      EXPECT_TRUE(answer.ok()) << answer.status();
      if (answer.ok() && !answer->findings.empty()) {
        return answer->findings[0].kind == audit::Judgement::kWithdrawn ? "withdrawn" : "run";
      }
    }
    return "";
  }
  TestInstallation t_;
};

// Invariant 5 from the first verdict on, over withdrawal, restarts and a crash between the entry of
// a withdrawal and the destruction of its keys.
TEST_F(GuardingTest, Invariant5_FromTheVerdictOnAndAfterWithdrawal) {
  t_.Open();
  const auto key = t_.jangbu().IssueKey("", ledger::Role::kOperator, "김");
  ASSERT_TRUE(key.ok());
  const uint32_t hani = t_.Partner("hani");
  const std::string first = Sentence(1, 120), second = Sentence(2, 120), third = Sentence(3, 120);
  const std::string shorter = Sentence(4, 40);
  EXPECT_EQ(Stopped(first), "");
  const uint32_t a = t_.Upload(hani, "r1", {{"a.txt", first}, {"s.txt", shorter}});
  EXPECT_EQ(Stopped(first), "run") << "its verdict was shown";
  const uint32_t b = t_.Upload(hani, "r2", {{"b.txt", second}, {"c.txt", third}});
  EXPECT_EQ(Stopped(second), "run");

  const auto withdraw = [&](uint32_t upload,
                            std::optional<std::pair<uint32_t, uint64_t>> document) {
    const auto done = t_.jangbu().finance().Withdraw(
        hani, {.corpus = 0, .upload = upload, .document = document}, key->record.key_id);
    EXPECT_TRUE(done.ok()) << done.status();
  };
  withdraw(a, std::nullopt);
  EXPECT_EQ(Stopped(first), "withdrawn");
  EXPECT_EQ(Stopped(second), "run");
  EXPECT_EQ(Stopped(shorter), "") << "too short to be protected, and no error either";
  withdraw(b, {{0, 1}});
  t_.Open();
  EXPECT_EQ(Stopped(first), "withdrawn");
  EXPECT_EQ(Stopped(second), "withdrawn");
  EXPECT_EQ(Stopped(third), "run");
  EXPECT_EQ(Stopped(Sentence(9, 200)), "");

  // The MACs hold no text: nothing of it is left in the data directory.
  t_.Close();
  const auto report = t_.Verify(true);
  EXPECT_TRUE(report.ok()) << report.status();
}

// What a key was shown is counted before it is shown: nothing that happens to the process lets the
// key begin anew.
TEST_F(GuardingTest, WhatAKeyWasShownOutlivesTheProcess) {
  t_.Open();
  const uint32_t hani = t_.Partner("hani");
  const std::string text = Sentence(5, 600);  // a tenth: 60
  t_.Upload(hani, "r1", {{"a.txt", text}});
  ingest::RunDocument document;
  t_.jangbu().ReadBooks([&](const ledger::Books& books) {
    document.place = {books.batches().begin()->first, 0};
  });
  // Code points that `user` may still be shown.
  const auto left = [&](Jangbu& jangbu, const std::string& user) {
    Guarding& guarding = jangbu.guarding();
    return guarding.exposures().Left(std::string(AsView(guarding.UserMac(user))), document, 600,
                                     t_.clock().Now());
  };
  const auto show = [&](const std::string& user, size_t syllables) {
    Guarding& guarding = t_.jangbu().guarding();
    audit::ExposureLedger::Of budget(guarding.exposures(),
                                     std::string(AsView(guarding.UserMac(user))), t_.clock());
    audit::GuardOptions options;
    options.budget = &budget;
    audit::StreamGuard guard(*guarding.Index(), std::move(options));
    std::string form;
    for (const char32_t cp : audit::FormOf(text).substr(0, syllables)) ingest::AppendUtf8(cp, form);
    return guard.Push(form)->stopped ? "stopped" : "shown";
  };
  EXPECT_EQ(show("가", 40), "shown");
  EXPECT_EQ(show("나", 24), "shown") << "no run of 25: nothing counted";

  // The disk as it is now, without an orderly end: what a killed process leaves.
  const std::filesystem::path killed = t_.root() / "killed";
  std::filesystem::copy(t_.options().data_dir, killed, std::filesystem::copy_options::recursive);
  std::filesystem::copy(t_.options().data_dir + ".master-key", killed.string() + ".master-key");
  JangbuOptions options = t_.options();
  options.data_dir = killed.string();
  {
    const auto found = Jangbu::Open(options);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(left(**found, "가"), 20U);
    EXPECT_EQ(left(**found, "나"), 60U);
  }

  t_.Open();
  EXPECT_EQ(left(t_.jangbu(), "가"), 20U);
  EXPECT_EQ(show("가", 30), "stopped");
  EXPECT_EQ(show("다", 30), "shown");
  // A day later it is forgotten, and the hours that nobody looks back to are deleted.
  t_.clock().Advance(int64_t{26} * 3600 * 1'000'000);
  EXPECT_EQ(left(t_.jangbu(), "가"), 60U);
  EXPECT_EQ(show("라", 30), "shown");
  t_.Open();
  EXPECT_EQ(left(t_.jangbu(), "가"), 60U);
  EXPECT_EQ(left(t_.jangbu(), "라"), 30U);
  t_.Close();
  auto data = DataDir::Open(t_.options().data_dir);
  ASSERT_TRUE(data.ok()) << data.status();
  const auto hours = (*data)->blobs().ListTokens(BlobKind::kExposure, std::nullopt, 100);
  ASSERT_TRUE(hours.ok());
  EXPECT_EQ(hours->size(), 1U);
}

TEST_F(GuardingTest, AnIncidentStandsAfterARestart) {
  t_.Open();
  const auto gateway = t_.jangbu().IssueKey("", ledger::Role::kGateway, "문");
  ASSERT_TRUE(gateway.ok()) << gateway.status();
  const uint32_t hani = t_.Partner("hani");
  t_.Upload(hani, "r1", {{"a.txt", Sentence(1, 120)}});
  Owner document;
  t_.jangbu().ReadBooks([&](const ledger::Books& books) {
    document = {.token = books.batches().begin()->first, .ordinal = 0};
  });
  ledger::GuardRun run;
  run.begin = 0;
  run.end = 50;
  run.holders = {document};
  ledger::GuardIncident incident;
  incident.model = "모델";
  incident.by = gateway->record.key_id;
  incident.runs = {run};
  const auto seq = t_.jangbu().guarding().Record(incident);
  ASSERT_TRUE(seq.ok()) << seq.status();
  // What cannot be is refused by the books.
  struct Case {
    const char* why;
    std::function<void(ledger::GuardIncident&)> change;
  };
  const Case cases[] = {
      {"no run", [](auto& i) { i.runs.clear(); }},
      {"no holder", [](auto& i) { i.runs[0].holders.clear(); }},
      {"no such document", [](auto& i) { i.runs[0].holders[0].ordinal = 7; }},
      {"ends before it begins", [](auto& i) { i.runs[0].end = 0; }},
      {"no such key", [](auto& i) { i.by = "nobody"; }},
      {"a long name", [](auto& i) { i.model = std::string(201, 'm'); }},
  };
  for (const Case& c : cases) {
    ledger::GuardIncident wrong = incident;
    c.change(wrong);
    EXPECT_EQ(ReasonOf(t_.jangbu().guarding().Record(wrong).status()), "entry_contradicts_books")
        << c.why;
  }
  t_.Open();
  t_.jangbu().ReadBooks([&](const ledger::Books& books) {
    ASSERT_EQ(books.incidents().size(), 1U);
    EXPECT_EQ(books.incidents()[0].seq, *seq);
    EXPECT_EQ(books.incidents()[0].incident, incident);
  });
  t_.Close();
  const auto report = t_.Verify(false);
  EXPECT_TRUE(report.ok()) << report.status();
}

}  // namespace
}  // namespace jangbu::services
