#include "services/audit/audit_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "audit/extraction/audit_run.h"
#include "audit/extraction/figures.h"
#include "audit/extraction/report.h"
#include "base/bytes.h"
#include "base/check.h"
#include "services/audit/audit_texts.h"
#include "services/audit/openai_client.h"
#include "services/storage/system.h"
#include "tests/services/audit/memorising_endpoint.h"

namespace jangbu::services {
namespace {

class AuditFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/jangbu-audit-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
  }
  void TearDown() override {
    for (const char* f : {"/secret", "/plan", "/record"}) ::unlink((dir_ + f).c_str());
    ::rmdir(dir_.c_str());
  }
  static std::string Bytes(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void Write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  std::string dir_;
  OsRandom random_;
};

TEST_F(AuditFiles, PlanAndRecordAreUnreadableWithoutTheKey) {
  const auto key = AuditSecret(dir_ + "/secret", true, random_);
  ASSERT_TRUE(key.ok());
  struct stat info {};
  ASSERT_EQ(::stat((dir_ + "/secret").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_TRUE(WritePlanFile(dir_ + "/plan", "기여된 글", *key, random_).ok());
  EXPECT_EQ(Bytes(dir_ + "/plan").find("기여된"), std::string::npos);
  EXPECT_EQ(*ReadPlanFile(dir_ + "/plan", *key), "기여된 글");
  // The secret or the file: which one is not known, but the file is named.
  const auto says = [&](const Status& status, const char* reason) {
    EXPECT_EQ(ReasonOf(status), reason);
    EXPECT_NE(std::string(MessageOf(status)).find(dir_ + "/plan"), std::string::npos) << status;
  };
  says(ReadPlanFile(dir_ + "/plan", SecretKey::Random(random_)).status(),
       "wrong_secret_or_damaged");
  std::string plan = Bytes(dir_ + "/plan");
  plan.back() = static_cast<char>(plan.back() ^ 1);
  Write(dir_ + "/plan", plan);
  says(ReadPlanFile(dir_ + "/plan", *key).status(), "wrong_secret_or_damaged");
  Write(dir_ + "/plan", "?" + plan);
  says(ReadPlanFile(dir_ + "/plan", *key).status(), "plan_malformed");
  EXPECT_FALSE(AuditSecret(dir_ + "/none", false, random_).ok());
}

TEST_F(AuditFiles, CanariesAreUnreadableWithoutTheKeyAndPlacedWithoutTouchingTheRest) {
  const auto key = AuditSecret(dir_ + "/secret", true, random_);
  ASSERT_TRUE(key.ok());
  std::vector<audit::Canary> registry;
  ASSERT_TRUE(audit::IssueCanaries(registry, "hani", 2, 100, "t", "secret").ok());
  const std::string path = dir_ + "/plan";
  ASSERT_TRUE(WriteCanaryFile(path, registry, *key, random_).ok());
  for (const audit::Canary& c : registry) {
    EXPECT_EQ(Bytes(path).find(c.head), std::string::npos);
    EXPECT_EQ(Bytes(path).find(c.id), std::string::npos) << "not even whose";
  }
  EXPECT_EQ(*ReadCanaryFile(path, *key), registry);
  EXPECT_EQ(ReasonOf(ReadCanaryFile(path, SecretKey::Random(random_)).status()),
            "wrong_secret_or_damaged");
  EXPECT_FALSE(ReadPlanFile(path, *key).ok()) << "is no plan";
  // Documents keep their other fields, whatever stands in them.
  Write(path, R"({"id":"a","meta":{"n":[1,2.5,null]},"text":"첫 글"})"
              "\n\n"
              R"({"text":"둘째 \"글\"","id":"b"})"
              "\n");
  const auto placed = WithCanaries(path, registry, 2, "seed");
  ASSERT_TRUE(placed.ok()) << placed.status().message();
  EXPECT_NE(placed->find(R"({"id":"a","meta":{"n":[1,2.5,null]},"text":"첫 글\u000a)"),
            std::string::npos)
      << *placed;
  EXPECT_NE(placed->find(R"({"text":"둘째 \"글\"\u000a)"), std::string::npos) << *placed;
  for (const audit::Canary& c : registry) {
    size_t n = 0;
    for (size_t at = 0; (at = placed->find(audit::CanarySentence(c), at)) != std::string::npos;) {
      ++n;
      ++at;
    }
    EXPECT_EQ(n, 2U);
  }
  EXPECT_EQ(ReasonOf(WithCanaries(path, registry, 3, "seed").status()), "too_few_documents");
}

TEST_F(AuditFiles, ARecordGoesOnAfterACutAndRefusesDamage) {
  const SecretKey key = SecretKey::Random(random_);
  const Digest plan = Sha256("plan");
  const std::string path = dir_ + "/record";
  {
    auto record = AuditRecord::Open(path, plan, key.Copy(), random_);
    ASSERT_TRUE(record.ok());
    EXPECT_EQ(ReasonOf(AuditRecord::Open(path, plan, key.Copy(), random_).status()),
              "record_locked");
    for (const char* frame : {"하나", "둘", "셋"}) ASSERT_TRUE(record->Append(frame).ok());
  }
  const std::string whole = Bytes(path);
  EXPECT_EQ(ReadAuditRecord(path, plan, key, nullptr)->size(), 3U);
  EXPECT_EQ(ReasonOf(ReadAuditRecord(path, Sha256("other"), key, nullptr).status()), "other_plan");
  Write(path, whole.substr(0, whole.size() - 5));
  EXPECT_EQ(ReasonOf(ReadAuditRecord(path, plan, key, nullptr).status()), "record_cut_off");
  {
    auto record = AuditRecord::Open(path, plan, key.Copy(), random_);
    ASSERT_TRUE(record.ok());
    EXPECT_EQ(record->frames().size(), 2U) << "the cut one is dropped";
    ASSERT_TRUE(record->Append("다시").ok());
  }
  EXPECT_EQ(ReadAuditRecord(path, plan, key, nullptr)->back(), "다시");
  // Every byte that is changed is noticed, and the file named.
  std::set<std::string> reasons;
  for (size_t i = 0; i < whole.size(); i += 3) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
    Write(path, damaged);
    const auto read = ReadAuditRecord(path, plan, key, nullptr);
    ASSERT_FALSE(read.ok()) << "byte " << i;
    EXPECT_NE(std::string(MessageOf(read.status())).find(path), std::string::npos) << read.status();
    reasons.emplace(ReasonOf(read.status()));
  }
  EXPECT_EQ(reasons, (std::set<std::string>{"other_plan", "record_cut_off", "record_damaged",
                                            "record_malformed", "wrong_secret_or_damaged"}));
  Write(path, whole);
  EXPECT_EQ(ReasonOf(ReadAuditRecord(path, plan, SecretKey::Random(random_), nullptr).status()),
            "wrong_secret_or_damaged");
}

// Item 2: the whole way over HTTP, with faults and a kill, gives the same bytes as undisturbed.
TEST_F(AuditFiles, KilledAndResumedWithFaultsIsTheSameReport) {
  namespace at = audit::testing;
  auto texts = at::Texts(21, 4);
  std::vector<std::string> memory;
  for (const auto& t : texts) {
    if (t.copies == 64) memory.push_back(t.text);
  }
  audit::PlanOptions options;
  options.seed = "resume";
  options.windows = 15;
  options.control_windows = 10;
  options.attacks = true;
  options.tokenizer = "pairs";
  const auto plan = *audit::MakePlan(texts, options, at::PairTokens);
  const std::string encoded = audit::EncodePlan(plan);
  const Digest digest = audit::PlanDigest(encoded);
  testing::MemorisingEndpoint endpoint(memory);
  const SecretKey key = SecretKey::Random(random_);

  const auto report = [&](const std::vector<std::string>& frames) {
    std::vector<audit::AuditAnswer> answers;
    for (const std::string& f : frames) answers.push_back(*audit::DecodeAnswer(f));
    const auto figures = audit::ComputeFigures(plan, ToHex(digest), answers, {});
    JANGBU_CHECK(figures.ok());
    return audit::ReportJson(*figures, {}) +
           audit::ReportHtml(*figures, {}, audit::ReportLanguage::kKorean);
  };
  std::vector<std::string> undisturbed;
  {
    OpenAiOptions o;
    o.url = endpoint.url();
    OpenAiClient c(o);
    const auto can = c.Probe();
    ASSERT_TRUE(can.ok());
    EXPECT_TRUE(can->completions && can->chat);
    EXPECT_FALSE(can->echo_logprobs || can->bias_logprobs) << "capabilities are probed";
    ASSERT_TRUE(audit::RunAudit(plan, {}, c, {}, [&](std::string_view f) {
                  undisturbed.emplace_back(f);
                  return OkStatus();
                }).ok());
  }
  const std::string want = report(undisturbed);
  EXPECT_NE(want.find("\"class\":\"exact\""), std::string::npos) << "something is remembered";

  endpoint.faults = true;
  const std::string path = dir_ + "/record";
  int parts = 0;
  for (bool done = false; !done; ++parts) {
    ASSERT_LT(parts, 1'000);
    auto record = AuditRecord::Open(path, digest, key.Copy(), random_);
    ASSERT_TRUE(record.ok());
    std::vector<audit::AuditAnswer> answers;
    for (const std::string& f : record->frames()) answers.push_back(*audit::DecodeAnswer(f));
    OpenAiOptions o;
    o.url = endpoint.url();
    o.model = "memory";
    o.stream = parts % 2 == 0;
    OpenAiClient c(o);
    audit::RunOptions run;
    run.concurrency = 3;
    run.attempts = 8;
    run.max_requests = 70;
    done = audit::RunAudit(plan, answers, c, run, [&](std::string_view f) {
             return record->Append(f);
           }).ok();
    if (!done) {
      // A kill in the middle of a write.
      const std::string bytes = Bytes(path);
      Write(path, bytes.substr(0, bytes.size() - 9));
    }
  }
  EXPECT_GT(parts, 3);
  EXPECT_EQ(report(*ReadAuditRecord(path, digest, key, nullptr)), want);
}

}  // namespace
}  // namespace jangbu::services
