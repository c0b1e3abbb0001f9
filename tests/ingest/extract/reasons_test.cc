#include "ingest/extract/reasons.h"

#include <gtest/gtest.h>

#include <set>

namespace jangbu::ingest {
namespace {

TEST(Reasons, TheTableIsCompleteAndInOrder) {
  std::set<std::string_view> codes;
  for (size_t i = 0; i < AllReasons().size(); ++i) {
    const ReasonInfo& info = AllReasons()[i];
    EXPECT_EQ(static_cast<size_t>(info.reason), i) << info.code;
    EXPECT_EQ(&InfoOf(info.reason), &info);
    EXPECT_TRUE(codes.insert(info.code).second) << info.code;
    EXPECT_EQ(ReasonOfCode(info.code), info.reason);
    for (const char c : info.code)
      EXPECT_TRUE((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
    for (const auto text : {info.english, info.english_advice, info.korean, info.korean_advice}) {
      EXPECT_FALSE(text.empty()) << info.code;
    }
  }
  EXPECT_EQ(InfoOf(Reason::kBadId).code, "bad_id");
  EXPECT_EQ(AllReasons().back().reason, Reason::kMojibake)
      << "a reason was added after it: extend the table";
  EXPECT_EQ(ReasonOfCode("no_such_reason"), std::nullopt);
}

}  // namespace
}  // namespace jangbu::ingest
