#pragma once

// What holds for any bytes given as a tokenizer file.

#include <string>
#include <string_view>

#include "base/check.h"
#include "ingest/tokens/compare.h"
#include "ingest/tokens/inspect.h"
#include "ingest/tokens/token_counter.h"
#include "ingest/tokens/tokenizer.h"

namespace jangbu::ingest {

inline void CheckTokenizerLaw(std::string_view file, const TokenizerLoadOptions& options) {
  const auto tokenizer = Tokenizer::Load(file, options);
  const TokenizerReport report = InspectTokenizer(file, options);
  // Loading and inspection tell the same story.
  JANGBU_CHECK(report.supported.code() == tokenizer.status().code());
  if (!tokenizer.ok()) {
    JANGBU_CHECK(!ReasonOf(tokenizer.status()).empty());
    return;
  }
  JANGBU_CHECK(report.readable && report.vocab_size == (*tokenizer)->vocab_size());
  JANGBU_CHECK((*tokenizer)->file_sha256() == report.sha256);
  TokenCounter cached(*tokenizer, {.cache_bytes = 4096});
  TokenCounter plain(*tokenizer, {.cache_bytes = 0});
  const std::string_view texts[] = {
      "",
      " ",
      "가나다 abc 가나다 12345, don't",
      "대한민국의 헌법  제1조\xE3\x80\x80\xE2\x91\xA0\t\n\n x",
      "ㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋ",
      "e\xCC\x81\xE1\x84\x80\xE1\x85\xA1 \xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9 "
      "\xE2\x96\x81\xE2\x96\x81x",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "a",
      "<unk><s></s><|endoftext|>",
      "\xFF\xFE\x80 ill-formed \xED\xA0\x80",
      file.substr(0, 200),
  };
  for (const std::string_view text : texts) {
    const int64_t count = plain.Count(text);
    JANGBU_CHECK(count >= 0);
    JANGBU_CHECK(cached.Count(text) == count);
    JANGBU_CHECK(cached.Count(text) == count);
  }
}

}  // namespace jangbu::ingest
