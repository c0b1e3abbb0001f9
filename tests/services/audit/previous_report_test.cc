#include "services/audit/previous_report.h"

#include <gtest/gtest.h>

#include "audit/extraction/report.h"

namespace jangbu::services {
namespace {

TEST(PreviousReport, ReadsWhatAReportSays) {
  audit::AuditFigures f;
  f.model = "tiny";
  f.plan = "ab";
  f.options.prefix_tokens = {25, 50};
  f.options.attacks = true;
  f.options.tokenizer = "pairs";
  f.has_control = true;
  for (const char* partner : {"book", "hani"}) {
    audit::PartnerFigures p;
    p.partner = partner;
    p.exact = {3, 400};
    p.frame.windows = 12'345;
    f.partners.push_back(p);
  }
  const std::string json = audit::ReportJson(f, {"11월 감사", "2026-11-26"});
  const auto previous = ReadPreviousReport(json);
  ASSERT_TRUE(previous.ok()) << previous.status().message();
  EXPECT_EQ(previous->title, "11월 감사");
  EXPECT_EQ(previous->made_at, "2026-11-26");
  EXPECT_EQ(previous->model, "tiny");
  EXPECT_EQ(previous->options.prefix_tokens, (std::vector<uint32_t>{25, 50}));
  EXPECT_TRUE(previous->options.attacks);
  EXPECT_TRUE(previous->has_control);
  EXPECT_EQ(previous->catalogue, audit::kCatalogueVersion);
  ASSERT_EQ(previous->partners.size(), 2U);
  EXPECT_EQ(previous->partners[1].partner, "hani");
  EXPECT_EQ(previous->partners[1].exact, (audit::HitCount{3, 400}));
  EXPECT_EQ(previous->partners[1].frame_windows, 12'345U);
}

TEST(PreviousReport, RefusesWhatContradictsItself) {
  const char* const partner =
      R"({"partner":"p","exact":{"hits":1,"windows":2},"frame":{"windows":9}})";
  const auto report = [](const std::string& partners) {
    return R"({"format":"jangbu-audit-report/1","suffix_tokens":50,"partners":[)" + partners + "]}";
  };
  EXPECT_TRUE(ReadPreviousReport(report(partner)).ok());
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("{}"), report(partner) + "x",
        report(std::string(partner) + "," + partner), report("{}"), report("7"),
        report(R"({"partner":"p","exact":{"hits":3,"windows":2},"frame":{"windows":9}})"),
        report(R"({"partner":"p","exact":{"hits":-1,"windows":2},"frame":{"windows":9}})"),
        std::string(R"({"format":"jangbu-audit-report/2","suffix_tokens":50,"partners":[]})")}) {
    EXPECT_EQ(ReasonOf(ReadPreviousReport(bad).status()), "bad_previous_report") << bad;
  }
}

}  // namespace
}  // namespace jangbu::services
