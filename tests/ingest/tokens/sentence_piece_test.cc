#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ingest/tokens/token_counter.h"
#include "ingest/tokens/tokenizer_file.h"
#include "tests/ingest/tokens/random_text.h"
#include "tests/ingest/tokens/test_files.h"
#include "tests/reference/tokens.h"

namespace jangbu::ingest::tokens {
namespace {

TestModel Unigram() {
  TestModel model;
  model.pieces = {{"<unk>", 0, 2}, {"<s>", 0, 3},  {"▁", -3.0f},    {"▁가", -2.0f},
                  {"가", -2.5f},   {"나", -3.25f}, {"가나", -4.5f}, {"▁가나", -5.0f},
                  {"다", -4.0f},   {"ab", -3.0f},  {"a", -1.5f},    {"b", -1.5f}};
  return model;
}

std::shared_ptr<const Tokenizer> Load(const TestModel& model) {
  auto tokenizer = Tokenizer::Load(model.Encode());
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return tokenizer.ok() ? *tokenizer : nullptr;
}

Status Refused(const TestModel& model) { return Tokenizer::Load(model.Encode()).status(); }

TEST(SentencePiece, CountsUnigramByHand) {
  const auto tokenizer = Load(Unigram());
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->algorithm(), "sentencepiece-unigram/1");
  TokenCounter counter(tokenizer);
  EXPECT_EQ(counter.Count(""), 0);
  EXPECT_EQ(counter.Count("   "), 0) << "only white space";
  EXPECT_EQ(counter.Count("가"), 1);
  EXPECT_EQ(counter.Count(" 가  가 "), 2) << "extra white space is removed";
  EXPECT_EQ(counter.Count("가나"), 1) << "-5.0 is better than -2.0 - 3.25";
  EXPECT_EQ(counter.Count("하하"), 2) << "the space mark, then one run of unknown characters";
  EXPECT_EQ(counter.Count("하가하"), 4);
  EXPECT_EQ(counter.Count("ab"), 2) << "a tie goes to what is found first: ab, before a and b";
}

TEST(SentencePiece, ByteFallbackCountsBytes) {
  TestModel model = Unigram();
  model.byte_fallback = true;
  for (const TestPiece& piece : BytePieces()) model.pieces.push_back(piece);
  TokenCounter counter(Load(model));
  EXPECT_EQ(counter.Count("하하"), 1 + 6);
}

TEST(SentencePiece, BpeByHand) {
  TestModel model;
  model.model_type = 2;
  model.pieces = {{"<unk>", 0, 2}, {"▁가", -0.0f}, {"가나", -1}, {"▁가나", -2},
                  {"▁", -3},       {"가", -4},     {"나", -5},   {"[끝]", 0, 4}};
  const auto tokenizer = Load(model);
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->algorithm(), "sentencepiece-bpe/1");
  TokenCounter counter(tokenizer);
  EXPECT_EQ(counter.Count("가나"), 1) << "(▁, 가), then (▁가, 나)";
  EXPECT_EQ(counter.Count("나가나"), 3) << "▁ 나 가나";
  EXPECT_EQ(counter.Count("가[끝]가"), 3)
      << "a user-defined piece is one, and nothing merges over it";
  EXPECT_EQ(counter.Count("하하"), 2);
}

TEST(SentencePiece, CharsmapLongestRuleFirst) {
  const std::string blob =
      MakeCharsmap({{"A", "a"}, {"AB", "b"}, {"\xE3\x80\x80", " "}, {"x", ""}});
  auto map = Charsmap::Parse(blob);
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_EQ(map->Longest("ABC").replacement, "b");
  EXPECT_EQ(map->Longest("ABC").size, 2u);
  EXPECT_EQ(map->Shortest("ABC").replacement, "a");
  EXPECT_EQ(map->Longest("C").size, 0u);
  EXPECT_EQ(map->Longest("xy").replacement, "");
  EXPECT_FALSE(map->IsPlain('A'));
  EXPECT_FALSE(map->IsPlain(0x3000));
  EXPECT_TRUE(map->IsPlain(0xAC00));
  TestModel model = Unigram();
  model.charsmap = blob;
  TokenCounter counter(Load(model));
  EXPECT_EQ(counter.Count("A"), counter.Count("a"));
  EXPECT_EQ(counter.Count("가\xE3\x80\x80가"), 2) << "an ideographic space is a space";
  EXPECT_EQ(counter.Count("가x 가"), 2);
}

TEST(SentencePiece, MalformedCharsmapsAreRefused) {
  const std::string good = MakeCharsmap({{"A", "a"}});
  EXPECT_TRUE(Charsmap::Parse(good).ok());
  EXPECT_FALSE(Charsmap::Parse(good.substr(0, 3)).ok()) << "too short";
  EXPECT_FALSE(Charsmap::Parse(good.substr(0, good.size() - 1)).ok()) << "no NUL at the end";
  std::string size = good;
  size[3] = '\x7F';
  EXPECT_FALSE(Charsmap::Parse(size).ok()) << "an array larger than the blob";
  std::string text = good;
  text[text.size() - 2] = '\xFF';
  EXPECT_FALSE(Charsmap::Parse(text).ok()) << "replacements that are not UTF-8";
  EXPECT_TRUE(Charsmap::Parse(MakeCharsmap({{"A", std::string(64, 'a')}})).ok());
  EXPECT_FALSE(Charsmap::Parse(MakeCharsmap({{"A", std::string(65, 'a')}})).ok())
      << "a replacement that makes text grow without measure";
}

// Sentences long enough that float rounding decides near ties, with scores that make many.
TEST(SentencePiece, UnigramInFloatAgreesWithTheTwin) {
  Prng prng(5);
  for (int round = 0; round < 24; ++round) {
    TestModel model;
    model.byte_fallback = round % 2 == 0;
    model.pieces = {{"<unk>", 0, 2}, {"▁", -2.5f}};
    if (model.byte_fallback) {
      for (const TestPiece& piece : BytePieces()) model.pieces.push_back(piece);
    }
    reference::UnigramPieces twin;
    twin.byte_fallback = model.byte_fallback;
    twin.scores["▁"] = -2.5f;
    float score_min = -2.5f;
    const char* letters[] = {"가", "나", "다", "a", "b"};
    for (int i = 0; i < 60; ++i) {
      std::string piece = prng.OneIn(3) ? "▁" : "";
      for (uint64_t n = 1 + prng.Below(4); n > 0; --n) piece += letters[prng.Below(5)];
      // Scores of few digits tie often; those with all digits tie by rounding.
      const float score =
          prng.OneIn(2) ? -static_cast<float>(1 + prng.Below(12)) / 2
                        : -static_cast<float>(prng.Below(1 << 22)) / static_cast<float>(1 << 19);
      if (!twin.scores.emplace(piece, score).second) continue;
      model.pieces.push_back({piece, score});
      score_min = std::min(score_min, score);
    }
    twin.unknown_score = score_min - 10.0f;
    TokenCounter counter(Load(model));
    TokenCounter plain(Load(model), {.cache_bytes = 0});
    for (int text = 0; text < 33; ++text) {
      std::string spaced;
      std::string marked = "▁";
      for (uint64_t n = 1 + prng.Below(text < 30 ? 20 : 120); n > 0; --n) {
        if (!spaced.empty()) {
          spaced += " ";
          marked += "▁";
        }
        std::string word;
        for (uint64_t k = 1 + prng.Below(9); k > 0; --k)
          word += prng.OneIn(25) ? "하" : letters[prng.Below(5)];
        spaced += word;
        marked += word;
      }
      const int64_t want = reference::CountUnigram(twin, marked, true);
      ASSERT_EQ(counter.Count(spaced), want) << "round " << round << ": " << spaced;
      ASSERT_EQ(counter.Count(spaced), want) << "from the cache, round " << round;
      ASSERT_EQ(plain.Count(spaced), want) << "without cache, round " << round;
    }
  }
}

TEST(SentencePiece, WhatIsNotDoneIsRefusedByName) {
  const auto said = [](const Status& status, absl::StatusCode code, std::string_view what) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_NE(MessageOf(status).find(what), std::string_view::npos) << status;
  };
  using enum absl::StatusCode;
  TestModel model = Unigram();
  model.model_type = 3;
  said(Refused(model), kFailedPrecondition, "model_type");
  model = Unigram();
  model.pieces[4].type = 5;
  said(Refused(model), kFailedPrecondition, "UNUSED");
  model = Unigram();
  model.pieces[4].type = 9;
  said(Refused(model), kFailedPrecondition, "type 9");
  model = Unigram();
  model.more_trainer = ProtoWriter().Varint(24, 1).str();
  said(Refused(model), kFailedPrecondition, "treat_whitespace_as_suffix");
  model = Unigram();
  model.more_normalizer = ProtoWriter().Varint(5, 0).str();
  said(Refused(model), kFailedPrecondition, "escape_whitespaces");
  model = Unigram();
  model.more_normalizer = ProtoWriter().Varint(77, 1).str();
  said(Refused(model), kFailedPrecondition, "field 77");
  model = Unigram();
  model.pieces[0].type = 1;
  said(Refused(model), kInvalidArgument, "UNKNOWN");
  model = Unigram();
  model.pieces.push_back({"가", -1});
  said(Refused(model), kInvalidArgument, "pieces[12]");
  model = Unigram();
  model.pieces[3].text = "\xFF";
  said(Refused(model), kInvalidArgument, "UTF-8");
  model = Unigram();
  model.byte_fallback = true;
  said(Refused(model), kInvalidArgument, "BYTE");
  model = Unigram();
  model.charsmap = "xx";
  said(Refused(model), kInvalidArgument, "charsmap");
  model = Unigram();
  model.model_type = 2;
  model.pieces.push_back({"라마", -9});
  said(Refused(model), kFailedPrecondition, "no piece of its own");
  const std::string whole = Unigram().Encode();
  int accepted = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    if (Tokenizer::Load(whole.substr(0, size)).ok()) ++accepted;
  }
  // Only cuts between messages leave a model: after any of the twelve pieces, or of its trainer's
  // settings.
  EXPECT_EQ(accepted, 13);
}

}  // namespace
}  // namespace jangbu::ingest::tokens
