// What the reference libraries count (Hugging Face tokenizers, tiktoken, spm_encode), checked in by
// make_vectors.mjs: generated text, small tokenizers of every family.

#include <gtest/gtest.h>
#include <simdjson.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "ingest/tokens/token_counter.h"

namespace jangbu::ingest {
namespace {

std::string ReadData(std::string_view name) {
  std::ifstream in(
      std::string(JANGBU_SOURCE_DIR) + "/tests/ingest/tokens/data/" + std::string(name),
      std::ios::binary);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(Vectors, CountsAreThoseOfTheReferenceLibraries) {
  const std::string lines = ReadData("vectors.jsonl");
  simdjson::dom::parser parser;
  simdjson::dom::document_stream stream;
  ASSERT_EQ(parser.parse_many(lines).get(stream), simdjson::SUCCESS);
  std::vector<TokenCounter> counters;
  std::vector<std::string> files;
  size_t texts = 0;
  size_t compared = 0;
  for (auto record : stream) {
    if (files.empty()) {
      for (const std::string_view file : record["files"].get_array()) {
        auto tokenizer = Tokenizer::Load(ReadData(file), {.tiktoken_split = "o200k_base"});
        ASSERT_TRUE(tokenizer.ok()) << file << ": " << tokenizer.status();
        counters.emplace_back(*tokenizer);
        files.emplace_back(file);
      }
      continue;
    }
    ++texts;
    const std::string_view text = record["text"];
    size_t i = 0;
    for (const int64_t want : record["counts"].get_array()) {
      if (want >= 0) {
        EXPECT_EQ(counters[i].Count(text), want) << files[i] << ": " << text;
        ++compared;
      }
      ++i;
    }
    ASSERT_EQ(i, files.size());
  }
  EXPECT_EQ(files.size(), 11u);
  EXPECT_EQ(texts, 1506u);
  EXPECT_GT(compared, 15'000u);
}

}  // namespace
}  // namespace jangbu::ingest
