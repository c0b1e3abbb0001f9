#include "ingest/tokens/tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "ingest/tokens/byte_alphabet.h"
#include "ingest/tokens/token_counter.h"
#include "ingest/tokens/tokenizer_file.h"
#include "tests/ingest/tokens/random_text.h"
#include "tests/reference/tokens.h"
#include "tools/tokenizer/bpe_trainer.h"

namespace jangbu::ingest {
namespace {

using tokens::Prng;
using tokens::RandomText;

// A small tokenizer of random text, as the trainer writes it.
const std::string& SmallJson() {
  static const std::string* const json = [] {
    tokenizer::TrainerOptions options;
    options.vocab_size = 900;
    options.count_min = 1;
    tokenizer::BpeTrainer trainer(options);
    Prng prng(3);
    for (int i = 0; i < 3000; ++i) trainer.Add(RandomText(prng, 6));
    return new std::string(*trainer.Train());
  }();
  return *json;
}

std::string With(std::string json, std::string_view from, std::string_view to) {
  const size_t at = json.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return json.replace(at, from.size(), to);
}

std::shared_ptr<const Tokenizer> Load(std::string_view json) {
  auto tokenizer = Tokenizer::Load(json);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return tokenizer.ok() ? *tokenizer : nullptr;
}

// The definition: split by the expression, merge each piece.
class SlowCounter {
 public:
  explicit SlowCounter(std::string_view json) : file_(*tokens::ParseHfTokenizerJson(json)) {
    for (size_t i = 0; i < file_.merges.size(); ++i) {
      const auto& m = file_.merges[i];
      rules_.push_back({m.left, m.right, m.result, static_cast<uint32_t>(i)});
    }
    for (uint32_t id = 0; id < file_.tokens.size(); ++id) {
      if (file_.tokens[id].size() == 1)
        byte_ids_[static_cast<unsigned char>(file_.tokens[id][0])] = id;
    }
  }
  int64_t Count(std::string_view text) const {
    int64_t count = 0;
    for (const std::string& piece :
         reference::SplitByPattern(PatternOf(*file_.stages[0].shape), text)) {
      std::vector<uint32_t> row;
      for (const char c : piece) row.push_back(byte_ids_[static_cast<unsigned char>(c)]);
      count += static_cast<int64_t>(reference::MergeRepeatedly(rules_, std::move(row)).size());
    }
    return count;
  }

 private:
  tokens::TokenizerFile file_;
  std::vector<reference::MergeRule> rules_;
  uint32_t byte_ids_[256] = {};
};

TEST(TokenCounter, AgreesWithTheDefinition) {
  const std::string json = With(SmallJson(), "<|endoftext|>", "never in the text");
  const SlowCounter slow(json);
  TokenCounter counter(Load(json));
  TokenCounter plain(Load(json), {.cache_bytes = 0});
  TokenCounter tiny(Load(json), {.cache_bytes = 4096});
  Prng prng(4);
  int64_t total = 0;
  std::string all;
  for (int round = 0; round < 1200; ++round) {
    std::string text = RandomText(prng, 1 + prng.Below(10));
    // Later Unicode than ICU's is judged by the scanners alone.
    const int64_t want = slow.Count(text);
    ASSERT_EQ(counter.Count(text), want) << "round " << round << ": " << text;
    ASSERT_EQ(counter.Count(text), want) << "from the cache, round " << round;
    ASSERT_EQ(plain.Count(text), want) << "without cache, round " << round;
    ASSERT_EQ(tiny.Count(text), want) << "with a cache that forgets, round " << round;
    for (size_t at = 0; at <= text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      total += counter.Count(std::string_view(text).substr(at, end - at));
      at = end + 1;
    }
    all += text + "\n";
  }
  EXPECT_EQ(counter.CountText(all), total) << "a text is the sum of its segments";
  EXPECT_EQ(tiny.CountText(all), total);

  // All segments of a text at once, by counters that know nothing yet: most words are counted
  // together with others.
  std::vector<std::string_view> segments;
  std::vector<int64_t> want;
  for (size_t at = 0; at < all.size();) {
    const size_t end = all.find('\n', at);
    segments.push_back(std::string_view(all).substr(at, end - at));
    want.push_back(plain.Count(segments.back()));
    at = end + 1;
  }
  for (const size_t cache : {size_t{0}, size_t{4096}, size_t{32} << 20}) {
    TokenCounter fresh(Load(json), {.cache_bytes = cache});
    std::vector<int64_t> counts(segments.size(), -1);
    fresh.CountEach(all, segments, counts);
    EXPECT_EQ(counts, want) << cache;
    fresh.CountEach(all, segments, counts);
    EXPECT_EQ(counts, want) << "again, " << cache;
  }
}

TEST(TokenCounter, EqualOnAnyNumberOfThreads) {
  const auto tokenizer = Load(SmallJson());
  Prng prng(9);
  std::vector<std::string> texts;
  for (int i = 0; i < 400; ++i) texts.push_back(RandomText(prng, 8));
  std::vector<int64_t> alone;
  TokenCounter counter(tokenizer);
  for (const std::string& text : texts) alone.push_back(counter.Count(text));
  std::vector<std::vector<int64_t>> answers(4);
  std::vector<std::thread> threads;
  for (auto& answer : answers) {
    threads.emplace_back([&] {
      TokenCounter own(tokenizer);
      for (const std::string& text : texts) answer.push_back(own.Count(text));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& answer : answers) EXPECT_EQ(answer, alone);
}

TEST(TokenCounter, AnyBytesAreSafe) {
  TokenCounter counter(Load(SmallJson()));
  Prng prng(21);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes;
    for (uint64_t n = prng.Below(90); n > 0; --n) bytes.push_back(static_cast<char>(prng.Next()));
    const int64_t count = counter.Count(bytes);
    EXPECT_GE(count, 0);
    EXPECT_LE(count, static_cast<int64_t>(bytes.size()));
    EXPECT_EQ(counter.Count(bytes), count);
  }
}

TEST(TokenCounter, NoiseThatPassesTheCacheByCountsTheSame) {
  const auto tokenizer = Load(SmallJson());
  TokenCounter cached(tokenizer);
  TokenCounter plain(tokenizer, {.cache_bytes = 0});
  Prng prng(4);
  std::string text;
  for (int word = 0; word < 40000; ++word) {
    text.push_back(' ');
    for (uint64_t n = 1 + prng.Below(4); n > 0; --n) {
      tokens::AppendUtf8(static_cast<char32_t>(0xAC00 + prng.Below(11172)), text);
    }
    // Words that do come again, in the middle of it.
    if (word % 10000 > 9000) text += " 대한민국의 있습니다";
  }
  const int64_t count = plain.CountText(text);
  EXPECT_EQ(cached.CountText(text), count);
  EXPECT_EQ(cached.CountText(text), count);
}

TEST(TokenCounter, AddedTokensAreCutOutLeftmostLongest) {
  const std::string added =
      R"([{"id":5000,"content":"<a>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},)"
      R"({"id":5001,"content":"<a><b>","special":false,"normalized":true}])";
  std::string json = SmallJson();
  const size_t from = json.find("\"added_tokens\":[") + 15;
  json.replace(from, json.find(']', from) + 1 - from, added);
  TokenCounter counter(Load(json));
  EXPECT_EQ(counter.Count("<a>"), 1);
  EXPECT_EQ(counter.Count("<a><b>"), 1);
  EXPECT_EQ(counter.Count("<a><a><b>"), 2);
  EXPECT_EQ(counter.Count("<a>."), 2);
}

TEST(Tokenizer, IsPinnedByAlgorithmAndHash) {
  const auto tokenizer = Load(SmallJson());
  EXPECT_EQ(tokenizer->algorithm(), "hf-bytelevel-bpe/1");
  EXPECT_EQ(tokenizer->family(), TokenizerFamily::kHfByteLevelBpe);
  EXPECT_EQ(tokenizer->file_sha256(), Sha256(SmallJson()));
  EXPECT_EQ(tokenizer->vocab_size(), 900u);
  EXPECT_GT(tokenizer->memory_bytes(), 1000u);
}

TEST(Tokenizer, WhatIsNotDoneIsRefusedByName) {
  struct Row {
    const char* from;
    const char* to;
    absl::StatusCode code;
    const char* said;
  };
  using enum absl::StatusCode;
  const Row rows[] = {
      {R"("version":"1.0")", R"("version":"2.0")", kFailedPrecondition, "version"},
      {R"("truncation":null)", R"("truncation":{"max_length":5})", kFailedPrecondition,
       "truncation"},
      {R"("padding":null)", R"("padding":{})", kFailedPrecondition, "padding"},
      {R"("padding":null)", R"("paddling":null)", kFailedPrecondition, "paddling"},
      {R"("normalizer":null)", R"("normalizer":{"type":"Lowercase"})", kFailedPrecondition,
       "Lowercase"},
      {R"("normalizer":null)", R"("normalizer":{"type":"NFC","strict":true})", kFailedPrecondition,
       "strict"},
      {R"("normalizer":null)",
       R"("normalizer":{"type":"Replace","pattern":{"Regex":"a+"},"content":"a"})",
       kFailedPrecondition, "a+"},
      {R"("normalizer":null)",
       R"("normalizer":{"type":"Sequence","normalizers":[)"
       R"({"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaa"},)"
       R"({"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaa"}]})",
       kFailedPrecondition, "64 times"},
      {R"("normalizer":null)",
       R"("normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"})", kInvalidArgument,
       "precompiled_charsmap"},
      {R"("behavior":"Isolated")", R"("behavior":"Removed")", kFailedPrecondition, "Removed"},
      {R"("invert":false)", R"("invert":true)", kFailedPrecondition, "invert"},
      {R"(|\\s+(?!\\S)|\\s+")", R"(|\\s+")", kFailedPrecondition, "Split"},
      {R"("type":"BPE")", R"("type":"WordPiece")", kFailedPrecondition, "WordPiece"},
      {R"("dropout":null)", R"("dropout":0.1)", kFailedPrecondition, "dropout"},
      {R"("continuing_subword_prefix":null)", R"("continuing_subword_prefix":"##")",
       kFailedPrecondition, "##"},
      {R"("end_of_word_suffix":null)", R"("end_of_word_suffix":"</w>")", kFailedPrecondition,
       "</w>"},
      {R"("ignore_merges":false)", R"("ignore_merges":3)", kInvalidArgument, "ignore_merges"},
      {R"("ignore_merges":false)", R"("ignore_merges":false,"speed":1)", kFailedPrecondition,
       "speed"},
      {R"("lstrip":false)", R"("lstrip":true)", kFailedPrecondition, "lstrip"},
      {R"("special":true)", R"("special":true,"content":"x")", kInvalidArgument, "twice"},
      {R"("vocab":{"!":0)", R"("vocab":{"!":-1)", kInvalidArgument, "vocab"},
      {R"("vocab":{"!":0)", R"("vocab":{"!":1)", kInvalidArgument, "given twice"},
      {R"("vocab":{"!":0)", R"("vocab":{"!!":0)", kInvalidArgument, "not in the vocabulary"},
      {R"("vocab":{"!":0)", R"("vocab":{"!":9999999)", kInvalidArgument, "2^21"},
      {R"("merges":[)", R"("merges":["a",)", kInvalidArgument, "merges[0]"},
      {R"("merges":[)", R"("merges":["a b c",)", kInvalidArgument, "merges[0]"},
      {R"("merges":[)", R"("merges":["q nothing",)", kInvalidArgument, "merges[0]"},
      {R"("merges":[)", R"("merges":[7,)", kInvalidArgument, "merges[0]"},
      {R"("model":{)", R"("mode":{)", kInvalidArgument, "model: is missing"},
      {R"({"version")", R"({{"version")", kInvalidArgument, "tokenizer.json"},
  };
  for (const Row& row : rows) {
    const Status status = Tokenizer::Load(With(SmallJson(), row.from, row.to)).status();
    EXPECT_EQ(status.code(), row.code) << row.to << ": " << status;
    EXPECT_NE(MessageOf(status).find(row.said), std::string_view::npos) << row.to << ": " << status;
  }
}

TEST(Tokenizer, CutAnywhereItIsRefused) {
  for (size_t size = 0; size < SmallJson().size() - 1; size += 97) {
    EXPECT_FALSE(Tokenizer::Load(SmallJson().substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(Tokenizer::Load("").ok());
  EXPECT_FALSE(Tokenizer::Load("\n\n").ok());
  EXPECT_FALSE(Tokenizer::Load(std::string(100, '\0')).ok());
  EXPECT_FALSE(Tokenizer::Load(std::string(1000, '[')).ok());
}

TEST(Tokenizer, RankFilesNeedASplit) {
  std::string ranks;
  int rank = 0;
  for (int b = 0; b < 256; ++b)
    ranks += ToBase64(std::string(1, static_cast<char>(b))) + " " + std::to_string(rank++) + "\n";
  for (const char* token : {"ab", "abc", "bc", "가", " 가", "나다"}) {
    for (size_t size = 2; size <= std::string_view(token).size(); ++size) {
      const std::string prefix(token, size);
      const std::string line = ToBase64(prefix) + " ";
      if (ranks.find(line) == std::string::npos) ranks += line + std::to_string(rank++) + "\n";
    }
  }
  EXPECT_EQ(Tokenizer::Load(ranks).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Tokenizer::Load(ranks, {.tiktoken_split = "gpt-9"}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  auto tokenizer = Tokenizer::Load(ranks, {.tiktoken_split = "o200k_base"});
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->algorithm(), "tiktoken-o200k/1");
  TokenCounter counter(*tokenizer);
  EXPECT_EQ(counter.Count("abc"), 1);
  EXPECT_EQ(counter.Count("bc"), 1) << "a whole piece that is a token is one";
  EXPECT_EQ(counter.Count("가 가"), 2);
  const std::pair<std::string, const char*> bad[] = {{"IQ==\n", "line 1"},
                                                     {"I! 0\n", "neither"},
                                                     {"IQ== x\n", "line 1"},
                                                     {"IQ== 0\nIg== 0\n", "twice"},
                                                     {"IQ== 0\n =0 1\n", "line 2"}};
  for (const auto& [bytes, said] : bad) {
    const Status status = Tokenizer::Load(bytes, {.tiktoken_split = "o200k_base"}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bytes;
    EXPECT_NE(MessageOf(status).find(said), std::string_view::npos) << status;
  }
}

TEST(Tokenizer, MetaspaceAndUnigramJson) {
  const char* bpe =
      R"({"version":"1.0","normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},)"
      R"({"type":"Replace","pattern":{"String":" "},"content":"▁"}]},"pre_tokenizer":null,"model":{"type":"BPE",)"
      R"("unk_token":"<unk>","fuse_unk":true,"vocab":{"<unk>":0,"▁":1,"가":2,"나":3,"▁가":4,"가나":5},)"
      R"("merges":["▁ 가","가 나"]}})";
  TokenCounter counter(Load(bpe));
  EXPECT_EQ(counter.Count("가나 가"), 3) << "▁가 나 ▁가";
  EXPECT_EQ(counter.Count("나가나"), 3);
  EXPECT_EQ(counter.Count("하하가"), 3) << "▁, one fused unknown, 가";
  EXPECT_EQ(counter.Count(""), 0);
  const char* unigram =
      R"({"version":"1.0","pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},)"
      R"("model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["▁",-2],["▁가",-2.5],["가",-3],["나",-3]]}})";
  TokenCounter uni(Load(unigram));
  EXPECT_EQ(uni.Count("가 가나"), 3);
  EXPECT_EQ(uni.Count("하하"), 2);
  EXPECT_EQ(uni.tokenizer().algorithm(), "hf-unigram/1");
  EXPECT_EQ(Tokenizer::Load(With(unigram, R"("unk_id":0)", R"("unk_id":null)")).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Tokenizer::Load(With(bpe, R"("unk_token":"<unk>",)", "")).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(Normalizer, FormsAreThoseOfUnicode9) {
  using Kind = tokens::NormalizerStep::Kind;
  const auto apply = [](Kind kind, std::string_view text) {
    std::string buffer;
    std::string spare;
    return std::string(tokens::Normalize({{kind, "", "", nullptr}}, text, buffer, spare));
  };
  EXPECT_EQ(apply(Kind::kNfc, "\u1112\u1161\u11ab"), "한");
  EXPECT_EQ(apply(Kind::kNfc, "e\u0301"), "é");
  EXPECT_EQ(apply(Kind::kNfkc, "ﬁ㈜"), "fi(주)");
  EXPECT_EQ(apply(Kind::kNfkc, "\U0001F16C"), "\U0001F16C") << "encoded in 12.0";
  EXPECT_EQ(apply(Kind::kNfd, "한"), "\u1112\u1161\u11ab");
  EXPECT_TRUE(tokens::IsPlainlyNfc("대한민국 ABC 漢字"));
  EXPECT_FALSE(tokens::IsPlainlyNfc("e\u0301"));
}

TEST(ByteAlphabet, RoundTrips) {
  std::string bytes;
  for (int b = 0; b < 256; ++b) bytes.push_back(static_cast<char>(b));
  std::string token = tokens::AlphabetOfBytes(bytes);
  EXPECT_TRUE(tokens::AlphabetToBytes(token));
  EXPECT_EQ(token, bytes);
  EXPECT_EQ(tokens::AlphabetOfBytes(" \n"), "ĠĊ");
  for (std::string outside : {"가", "Ġ가", "\u0144", " ", "Ġ\xC4", "\xC4Ġ", "\xA1"}) {
    EXPECT_FALSE(tokens::AlphabetToBytes(outside)) << outside;
  }
}

// --- The trainer
// -----------------------------------------------------------------------------------------------------

std::string Train(uint64_t seed, bool backwards) {
  std::vector<std::string> texts;
  Prng prng(seed);
  for (int i = 0; i < 800; ++i) texts.push_back(RandomText(prng, 6));
  if (backwards) std::reverse(texts.begin(), texts.end());
  tokenizer::TrainerOptions options;
  options.vocab_size = 700;
  tokenizer::BpeTrainer trainer(options);
  for (const std::string& text : texts) trainer.Add(text);
  return *trainer.Train();
}

TEST(Trainer, SameDataSameBytesInAnyOrder) {
  EXPECT_EQ(Train(1, false), Train(1, false));
  EXPECT_EQ(Train(1, false), Train(1, true));
  EXPECT_NE(Train(1, false), Train(2, false));
}

// What a token may be: nothing crosses white space, and no part of a character joins another.
void CheckTokens(const tokens::TokenizerFile& file) {
  size_t bytes = 0;
  for (const std::string& token : file.tokens) {
    if (token.size() == 1) ++bytes;
    const size_t space = token.find(' ', 1);
    EXPECT_TRUE(space == std::string::npos || token.find_first_not_of(' ') == std::string::npos)
        << token;
    if (tokens::IsValidUtf8(token)) continue;
    EXPECT_LT(token.size(), 4u);
    EXPECT_FALSE(token.size() > 1 && static_cast<unsigned char>(token[0]) < 0xC2)
        << tokens::AlphabetOfBytes(token);
  }
  EXPECT_EQ(bytes, 256u);
}

TEST(Trainer, TokensAreWholeCharactersAndDoNotCrossSpaces) {
  CheckTokens(*tokens::ParseHfTokenizerJson(Train(1, false)));
}

TEST(Trainer, BoundsAreKept) {
  tokenizer::TrainerOptions options;
  options.vocab_size = 200;
  EXPECT_FALSE(tokenizer::BpeTrainer(options).Train().ok());
  options.vocab_size = 400;
  options.pieces_max = 500;
  tokenizer::BpeTrainer trainer(options);
  Prng prng(8);
  for (int i = 0; i < 2000; ++i) trainer.Add(RandomText(prng, 5));
  EXPECT_LE(trainer.pieces(), 500u);
  EXPECT_GT(trainer.pieces_dropped(), 0u);
  EXPECT_TRUE(Tokenizer::Load(*trainer.Train()).ok());
}

// --- The shipped tokenizer
// ------------------------------------------------------------------------------------------

TEST(ShippedTokenizer, IsWhatTheDocumentationSays) {
  std::ifstream in(std::string(JANGBU_SOURCE_DIR) + "/data/tokenizer/jangbu-ko-64k.tokenizer.json",
                   std::ios::binary);
  const std::string json((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto tokenizer = Load(json);
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->vocab_size(), 64'000u);
  CheckTokens(*tokens::ParseHfTokenizerJson(json));
  std::ifstream doc(std::string(JANGBU_SOURCE_DIR) + "/docs/tokenizer.md");
  const std::string page((std::istreambuf_iterator<char>(doc)), std::istreambuf_iterator<char>());
  EXPECT_NE(page.find(ToHex(tokenizer->file_sha256())), std::string::npos);
  TokenCounter counter(tokenizer);
  EXPECT_EQ(counter.Count("대한민국의 헌법 제1조 ①항은"), 9);
  EXPECT_EQ(counter.Count("안녕하세요, 세계! Hello World's 12345  foo"), 14);
}

}  // namespace
}  // namespace jangbu::ingest
