#include "ledger/entry.h"

#include <gtest/gtest.h>

#include <set>

#include "ledger/merkle/leaf.h"
#include "tests/ledger/books/entry_examples.h"

namespace jangbu::ledger {
namespace {

TEST(Entry, EveryTypeComesBackAsItWas) {
  std::set<EntryType> seen;
  for (const Entry& entry : EntryExamples()) {
    seen.insert(TypeOf(entry.body));
    const std::string bytes = EncodeEntry(entry);
    const auto again = DecodeEntry(entry.seq, bytes);
    ASSERT_TRUE(again.ok()) << NameOf(TypeOf(entry.body)) << again.status();
    EXPECT_EQ(*again, entry) << NameOf(TypeOf(entry.body));
    EXPECT_EQ(EncodeEntry(*again), bytes);
  }
  // An adjusted lot is a kind of its own with the body of a lot.
  EXPECT_EQ(seen.size(), std::variant_size_v<Body> + 1) << "a type without an example";
}

// Invariant 3: no changed byte decodes to the same leaf.
TEST(Entry, Invariant3_EveryChangedByteChangesTheLeafOrIsRefused) {
  for (const Entry& entry : EntryExamples()) {
    const std::string bytes = EncodeEntry(entry);
    const Digest leaf = LeafData(entry);
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (const int flip : {1, 0x80, 0xFF}) {
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ flip);
        const auto decoded = DecodeEntry(entry.seq, changed);
        if (!decoded.ok()) continue;
        EXPECT_NE(LeafData(*decoded), leaf) << NameOf(TypeOf(entry.body)) << " byte " << i;
      }
    }
  }
}

TEST(Entry, CutShortExtendedOrMisplacedIsRefused) {
  for (const Entry& entry : EntryExamples()) {
    const std::string bytes = EncodeEntry(entry);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(DecodeEntry(entry.seq, std::string_view(bytes).substr(0, size)).ok());
    }
    EXPECT_FALSE(DecodeEntry(entry.seq, bytes + '\0').ok());
    EXPECT_EQ(ReasonOf(DecodeEntry(entry.seq + 1, bytes).status()), "record_misplaced");
  }
}

TEST(Entry, TheOwnPartSaysNothingOfTheSealedOne) {
  for (const Entry& entry : EntryExamples()) {
    const auto opened = DecodeOwnPart(OwnPart(entry));
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->seq, entry.seq);
    EXPECT_EQ(opened->partner, entry.partner);
    Entry blank;
    std::visit([&blank](const auto& b) { blank.body = std::decay_t<decltype(b)>{}; }, entry.body);
    // What is sealed is as in an empty entry; where the own part says what kind it is, empty all
    // the same.
    const std::string sealed = SealedPart(*opened);
    EXPECT_TRUE(sealed == SealedPart(blank) ||
                sealed.find_first_not_of('\0', 1) == std::string::npos)
        << NameOf(TypeOf(entry.body));
  }
  Entry lot = EntryExamples()[15];
  const std::string own = OwnPart(lot);
  auto& body = std::get<Lot>(lot.body);
  body.item_korean_tokens += 1;
  body.carry_tokens_after += 1;
  body.ranges.clear();
  EXPECT_EQ(OwnPart(lot), own) << "exact items and carries are sealed";
  Entry key = EntryExamples()[3];
  EXPECT_EQ(OwnPart(key).find("00ff"), std::string::npos) << "keys are sealed";
}

TEST(Entry, AForgedCountReservesNoMemory) {
  std::string bytes = EncodeEntry(EntryExamples()[11]);
  // The count of items follows version, type, seq, time, partner, upload and token in the own part.
  const size_t at = 1 + 32 + 32 + 1 + 1 + 1 + 8 + 8 + 5 + 1 + 1;
  ASSERT_EQ(bytes[at], 3);
  for (const char forged : {'\x7F', '\x04', '\x00'}) {
    bytes[at] = forged;
    EXPECT_FALSE(DecodeEntry(11, bytes).ok());
  }
}

}  // namespace
}  // namespace jangbu::ledger
