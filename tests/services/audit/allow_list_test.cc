#include "services/audit/allow_list.h"

#include <gtest/gtest.h>

namespace jangbu::services {
namespace {

constexpr const char* kWording =
    "저작권자 ⓒ 한빛신문\n무단전재 및 재배포 금지, 이 기사는 협약에 따라 제공됩니다";

ledger::NoteSigner Person(const std::string& name, uint8_t seed) {
  ledger::Ed25519Bytes bytes{};
  bytes.fill(seed);
  return *ledger::NoteSigner::Create(name, bytes);
}

TEST(AllowList, AnEntryCountsOnceAnotherPersonApprovedIt) {
  const ledger::NoteSigner kim = Person("김하나", 1);
  const ledger::NoteSigner lee = Person("이둘", 2);
  const std::vector<ledger::NoteVerifier> both = {kim.verifier(), lee.verifier()};
  auto entry = *ProposeAllowed(kWording, "기사 끝의 상투구", "2026-11-26", kim);
  EXPECT_EQ(entry.wording.by, "김하나");
  EXPECT_TRUE(AllowedWordings(std::span(&entry, 1), both)->empty()) << "proposed";
  EXPECT_EQ(ReasonOf(ApproveAllowed(entry, kim)), "same_person");
  // The same key under another name is the same person.
  EXPECT_EQ(ReasonOf(ApproveAllowed(entry, Person("박셋", 1))), "same_person");
  ASSERT_TRUE(ApproveAllowed(entry, lee).ok());
  EXPECT_EQ(ReasonOf(ApproveAllowed(entry, Person("박셋", 3))), "already_approved");
  const auto allowed = *AllowedWordings(std::span(&entry, 1), both);
  ASSERT_EQ(allowed.size(), 1U);
  EXPECT_EQ(allowed[0].text, kWording);
  EXPECT_EQ(allowed[0].approved_by, "이둘");
  // Both keys must be known, and be two.
  EXPECT_FALSE(AllowedWordings(std::span(&entry, 1), {}).ok());
  EXPECT_FALSE(AllowedWordings(std::span(&entry, 1), std::span(both).first(1)).ok());
  EXPECT_FALSE(AllowedWordings(std::span(&entry, 1),
                               std::vector{kim.verifier(), Person("이둘", 9).verifier()})
                   .ok());
}

TEST(AllowList, OneSpellingAndNoChangeGoesUnnoticed) {
  const ledger::NoteSigner kim = Person("kim", 1);
  const ledger::NoteSigner lee = Person("lee", 2);
  std::vector<AllowEntry> entries;
  for (const char* more : {"하나", "둘", "셋"}) {
    entries.push_back(*ProposeAllowed(std::string(kWording) + more, "footer", "t", kim));
  }
  ASSERT_TRUE(ApproveAllowed(entries[0], lee).ok());
  ASSERT_TRUE(ApproveAllowed(entries[2], lee).ok());
  const std::string bytes = EncodeAllowList(entries);
  const auto again = ParseAllowList(bytes);
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(EncodeAllowList(*again), bytes);
  ASSERT_EQ(again->size(), 3U);
  EXPECT_EQ((*again)[1].wording.approved_by, "");
  EXPECT_EQ((*again)[2].wording.approved_by, "lee");
  const std::vector<ledger::NoteVerifier> both = {kim.verifier(), lee.verifier()};
  EXPECT_EQ(AllowedWordings(*again, both)->size(), 2U);
  EXPECT_TRUE(ParseAllowList("")->empty());
  // Of a changed list either nothing is read, or the change makes no approved entry another one.
  for (size_t i = 0; i < bytes.size(); i += 3) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto read = ParseAllowList(changed);
    if (!read.ok()) continue;
    EXPECT_EQ(EncodeAllowList(*read), changed);
    const auto allowed = AllowedWordings(*read, both);
    if (!allowed.ok()) continue;
    for (const auto& a : *allowed) {
      EXPECT_TRUE(a.text == std::string(kWording) + "하나" ||
                  a.text == std::string(kWording) + "셋")
          << i;
    }
  }
}

TEST(AllowList, Refusals) {
  const ledger::NoteSigner kim = Person("kim", 1);
  const auto why = [&](std::string_view wording, std::string_view reason) {
    return std::string(ReasonOf(ProposeAllowed(wording, reason, "t", kim).status()));
  };
  EXPECT_EQ(why("무단전재 금지", "short"), "wording_too_short");
  std::string document;
  for (int i = 0; i < 700; ++i) document += "가나다 ";
  EXPECT_EQ(why(document, "a document"), "wording_too_long");
  EXPECT_EQ(why(kWording, ""), "bad_reason");
  EXPECT_EQ(why(kWording, "two\nlines"), "bad_reason");
  EXPECT_EQ(why("\xFF\xFE", "bytes"), "not_utf8");
  for (const char* bytes :
       {"x", "jangbu-allow/1\n", "jangbu-allow/1\nat t\nby kim\nreason r\nwording w\n"}) {
    EXPECT_EQ(ReasonOf(ParseAllowList(bytes).status()), "bad_allow_list") << bytes;
  }
  // One person twice, by a list made by hand.
  AllowEntry entry = *ProposeAllowed(kWording, "r", "t", kim);
  entry.note.signatures.push_back(Person("other", 1).Sign(entry.note.text));
  EXPECT_EQ(ReasonOf(ParseAllowList(EncodeAllowList(std::span(&entry, 1))).status()),
            "bad_allow_list");
}

}  // namespace
}  // namespace jangbu::services
