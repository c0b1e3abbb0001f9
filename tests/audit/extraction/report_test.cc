#include "audit/extraction/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "ingest/text/utf8.h"

namespace jangbu::audit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Text that would do something if it could.
const char* const kHostile[] = {"<script>alert(1)</script>",
                                "\"><img src=x onerror=alert(1)>",
                                "</title><svg onload=alert(1)>",
                                "javascript:alert(1)",
                                "<style>*{display:none}</style>",
                                "&lt;b&gt;",
                                "<!-- ",
                                "]]>",
                                "\u202E뒤집기",
                                "\u2066가림\u2069",
                                "a\u200Bb",
                                "\x01\x1B[31m",
                                "\xFF\xFE",
                                "<a href=//evil>"};

AuditFigures Hostile() {
  AuditFigures f;
  f.has_control = true;
  for (const char* text : kHostile) {
    PartnerFigures p;
    p.partner = text;
    p.exact = {1, 2};
    p.cells[text] = {1, 2};
    f.partners.push_back(p);
    Finding x;
    x.partner = x.text_id = x.cell = x.prompt = x.truth = x.output = x.source = text;
    x.leaked_partner = x.leaked_text_id = text;
    x.holders = {text, "b"};
    f.findings.push_back(x);
    f.by_source[text] = {1, 2};
    f.failures[text] = 1;
  }
  f.model = f.endpoint = f.options.seed = f.options.tokenizer = kHostile[0];
  return f;
}

TEST(Report, HostileTextIsInert) {
  for (const auto language : {ReportLanguage::kKorean, ReportLanguage::kEnglish}) {
    const std::string html = ReportHtml(Hostile(), {kHostile[1], kHostile[2]}, language);
    EXPECT_TRUE(ingest::IsValidUtf8(html));
    for (const char* never : {"<script", "<img", "onerror=alert(1)>", "<svg onload", "<a ", "<!--",
                              "\u202E", "\u2066", "\u200B", "\x1B", "<style>*"}) {
      EXPECT_THAT(html, Not(HasSubstr(never)));
    }
    EXPECT_THAT(html, HasSubstr("‹U+202E›"));
    EXPECT_THAT(html, HasSubstr("default-src 'none'"));
    EXPECT_THAT(html, Not(HasSubstr("http-equiv=\"refresh\"")));
    for (const char* outside : {"src=", "href=", "url("}) {
      // Only inside escaped text.
      for (size_t at = html.find(outside); at != std::string::npos;
           at = html.find(outside, at + 1)) {
        const size_t open = html.rfind('<', at);
        EXPECT_EQ(html.substr(open, at - open).find('>') == std::string::npos, false) << outside;
      }
    }
  }
}

TEST(Report, JsonIsOneLineOfValidText) {
  const std::string json = ReportJson(Hostile(), {kHostile[1], kHostile[2]});
  EXPECT_TRUE(ingest::IsValidUtf8(json));
  EXPECT_EQ(json.find('\n'), json.size() - 1);
  EXPECT_THAT(json, Not(HasSubstr("<script")));
  EXPECT_THAT(json, Not(HasSubstr("\x1B")));
}

TEST(Report, SaysPercentagesWithTheirDigits) {
  EXPECT_EQ(PercentText(0), "0.00 %");
  EXPECT_EQ(PercentText(0.000998), "0.0998 %");
  EXPECT_EQ(PercentText(0.0223), "2.23 %");
  EXPECT_EQ(PercentText(1), "100.00 %");
  EXPECT_EQ(PercentText(-0.004), "-0.4 %");
}

TEST(Report, AStatementReadsBackAndNothingElseDoes) {
  const std::string hex(64, 'a');
  for (const std::string& list : {std::string(), std::string(64, 'b')}) {
    const std::string statement = ReportStatement(hex, hex, list, "j", "k", "e");
    const auto names = ReadStatement(statement);
    ASSERT_TRUE(names.ok());
    EXPECT_EQ(names->plan, hex);
    EXPECT_EQ(names->allow_list, list);
    EXPECT_EQ(names->html_en, ToHex(Sha256("e")));
    EXPECT_TRUE(ReadStatement(statement + "\n— kim AAAA\n— lee AAAA\n").ok());
    for (size_t cut = 0; cut < statement.size(); ++cut) {
      EXPECT_FALSE(ReadStatement(statement.substr(0, cut)).ok()) << cut;
    }
    for (const char* more : {"x", "\nx\n", "\n— kim AAAA", "allow-list x\n"}) {
      EXPECT_EQ(ReasonOf(ReadStatement(statement + more).status()), "bad_statement") << more;
    }
    EXPECT_FALSE(ReadStatement("x" + statement).ok());
    std::string large = statement;
    large[large.find("json ") + 5] = 'A';
    EXPECT_FALSE(ReadStatement(large).ok()) << "one spelling";
  }
}

TEST(Report, WithoutControlThereIsNoVerdict) {
  AuditFigures f = Hostile();
  f.has_control = false;
  EXPECT_THAT(ReportJson(f, {}), HasSubstr("\"verdict\":\"NO_CONTROL\""));
  EXPECT_THAT(ReportHtml(f, {}, ReportLanguage::kEnglish), HasSubstr("no verdict"));
}

}  // namespace
}  // namespace jangbu::audit
