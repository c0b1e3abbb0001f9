#include "ingest/tokens/inspect.h"

#include <gtest/gtest.h>

#include <string>

#include "ingest/tokens/compare.h"
#include "tests/ingest/tokens/test_files.h"

namespace jangbu::ingest {
namespace {

using tokens::TestModel;

std::string Model(std::vector<tokens::TestPiece> pieces, uint64_t type) {
  TestModel model;
  model.model_type = type;
  model.pieces = {{"<unk>", 0, 2}, {"<s>", 0, 3}};
  for (auto& piece : pieces) model.pieces.push_back(std::move(piece));
  return model.Encode();
}

TEST(Inspect, SaysWhatAFileIs) {
  const std::string file = Model({{"▁", -1},
                                  {"가", -2},
                                  {"▁가", -3},
                                  {"漢", -4},
                                  {"ab", -5},
                                  {"a가", -6},
                                  {"12", -7},
                                  {"…", -8}},
                                 1);
  const TokenizerReport report = InspectTokenizer(file);
  EXPECT_TRUE(report.supported.ok());
  EXPECT_TRUE(report.readable);
  EXPECT_EQ(report.algorithm, "sentencepiece-unigram/1");
  EXPECT_EQ(report.file_bytes, file.size());
  EXPECT_EQ(report.sha256, Sha256(file));
  EXPECT_EQ(report.vocab_size, 10u);
  EXPECT_EQ(report.entries.hangul, 2u);
  EXPECT_EQ(report.entries.han, 1u);
  EXPECT_EQ(report.entries.mixed, 1u);
  EXPECT_EQ(report.entries.digits, 1u);
  EXPECT_EQ(report.entries.space, 1u);
  EXPECT_EQ(report.entries.latin, 3u) << "ab, <unk> and <s>";
  EXPECT_EQ(report.entries.other, 1u);
  EXPECT_EQ(report.entries.total(), 10u);
}

TEST(Inspect, SaysWhyAFileIsNotDone) {
  const TokenizerReport report = InspectTokenizer("{\"version\":\"9\"}");
  EXPECT_EQ(report.supported.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(report.readable);
  EXPECT_EQ(InspectTokenizer("").supported.code(), absl::StatusCode::kInvalidArgument);
}

TEST(Compare, CountsWhatTwoVocabulariesShare) {
  const std::string a = Model(
      {{"▁가", -1}, {"가나", -2}, {"나다", -3}, {"▁", -4}, {"가", -5}, {"나", -6}, {"다", -7}}, 2);
  const std::string b = Model({{"▁가", -1},
                               {"나다", -2},
                               {"가나", -3},
                               {"▁", -4},
                               {"가", -5},
                               {"나", -6},
                               {"다", -7},
                               {"라", -8}},
                              2);
  const auto c = CompareTokenizers(a, b);
  ASSERT_TRUE(c.ok()) << c.status();
  EXPECT_EQ(c->entries_a, 7u);
  EXPECT_EQ(c->entries_b, 8u);
  EXPECT_EQ(c->entries_shared, 7u);
  EXPECT_EQ(c->kinds_shared.hangul, 6u);
  EXPECT_EQ(c->kinds_shared.space, 1u);
  EXPECT_EQ(c->same_id, 5u);
  EXPECT_EQ(c->merges_shared, 3u)
      << "of a model by ranks, its entries in order: single characters are what it begins with";
  EXPECT_EQ(c->merges_prefix, 1u);
  EXPECT_EQ(c->merges_in_order, 2u);
  const auto same = CompareTokenizers(a, a);
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(same->entries_shared, same->entries_a);
  EXPECT_EQ(same->merges_prefix, same->merges_a);
}

TEST(Compare, SaysWhichFileIsBad) {
  const std::string good = Model({{"가", -1}}, 1);
  EXPECT_NE(MessageOf(CompareTokenizers("x", good).status()).find("a: "), std::string_view::npos);
  EXPECT_NE(MessageOf(CompareTokenizers(good, "x").status()).find("b: "), std::string_view::npos);
}

}  // namespace
}  // namespace jangbu::ingest
