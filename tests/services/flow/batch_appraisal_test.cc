#include "services/flow/batch_appraisal.h"

#include <gtest/gtest.h>

#include "services/api_key/api_key.h"
#include "services/flow/document_blob.h"
#include "tests/services/flow/flow_fixture.h"

namespace jangbu::services {
namespace {

TEST(BatchAppraisal, ComesBackAsItWas) {
  BatchAppraisal batch(3);
  batch[0].item.file = 1;
  batch[0].item.record = 7;
  batch[0].item.chars = 12;
  batch[0].item.tokens = 300;
  batch[0].document_key = Key{1, 2, 3};
  batch[0].offers = {{.key = Key{9}, .korean_tokens = 5, .korean_words = 2},
                     {.key = Key{8}, .korean_tokens = 0, .korean_words = 0}};
  batch[1].item.record = UINT64_MAX;
  batch[1].item.verdict = ledger::Verdict::kRejected;
  batch[1].item.reason = "no_text";
  batch[1].item.chars = 3;
  batch[1].item.words = 1;
  batch[2].item.record = 1;
  batch[2].document_id_key = Key{4};
  const std::string bytes = EncodeBatchAppraisal(batch);
  const auto again = DecodeBatchAppraisal(bytes);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, batch);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeBatchAppraisal(std::string_view(bytes).substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeBatchAppraisal(bytes + "x").ok());
}

TEST(DocumentBlob, OpensInItsPlaceAlone) {
  TestRandom random(5);
  const SecretKey key = SecretKey::Random(random);
  const DocumentPlace place{.upload = 3, .file = 2, .record = 1};
  DocumentFacts facts;
  facts.id = "id";
  facts.title = "제목";
  for (const std::string& text :
       {std::string("짧은 글"), std::string(100'000, 'a'), std::string()}) {
    facts.text_bytes = text.size();
    const std::string blob = SealDocument(key, place, facts, text);
    EXPECT_EQ(*OpenFacts(key, place, blob), facts);
    EXPECT_EQ(*OpenText(key, place, blob), text);
    EXPECT_FALSE(OpenText(key, {.upload = 3, .file = 2, .record = 2}, blob).ok());
    EXPECT_FALSE(OpenFacts(SecretKey::Random(random), place, blob).ok());
    for (const size_t at : {size_t{0}, blob.size() / 2, blob.size() - 1}) {
      std::string damaged = blob;
      damaged[at] = static_cast<char>(damaged[at] ^ 1);
      EXPECT_FALSE(OpenFacts(key, place, damaged).ok() && OpenText(key, place, damaged).ok()) << at;
    }
  }
}

TEST(ApiKey, OneMistypedCharacterIsNoKey) {
  TestRandom random(6);
  const std::string key = MakeApiKey(random);
  ASSERT_TRUE(ParseApiKey(key).has_value());
  for (size_t i = 0; i < key.size(); ++i) {
    std::string mistyped = key;
    mistyped[i] = mistyped[i] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(ParseApiKey(mistyped).has_value()) << i;
  }
  EXPECT_FALSE(ParseApiKey("").has_value());
  EXPECT_FALSE(ParseApiKey(key + "0").has_value());
}

}  // namespace
}  // namespace jangbu::services
