// Personal data and quality, end to end: what a corpus' policy does to a document, to its counts,
// to its verdict and to every byte that is kept.

#include <fstream>

#include "ingest/text/canonical.h"
#include "ingest/text/segments.h"
#include "services/flow/contribution_flow.h"
#include "services/flow/corpus_metadata.h"
#include "services/flow/document_blob.h"
#include "services/flow/jangbu_state.h"
#include "tests/ingest/screen/hard_forms.h"
#include "tests/services/flow/flow_fixture.h"

namespace jangbu::services {
namespace {

using ingest::testing::HardForms;
using ingest::testing::Planted;

std::string JsonText(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

// Every text that an installation keeps, opened with its keys, in order.
std::vector<std::string> StoredTexts(TestInstallation& t) {
  t.Close();
  TestRandom random(99);
  auto opened = OpenInstallation(t.options().data_dir, "", "", false, t.clock(), random);
  EXPECT_TRUE(opened.ok()) << opened.status();
  std::vector<std::string> texts;
  uint64_t size = 0;
  opened->scribe->Read(
      [&](const ledger::Books& books, const ledger::MerkleTree&) { size = books.size(); });
  for (uint64_t seq = 0; seq < size; ++seq) {
    const auto entry = opened->scribe->EntryAt(seq);
    EXPECT_TRUE(entry.ok());
    const auto* commit = std::get_if<ledger::BatchCommit>(&entry->body);
    if (commit == nullptr) continue;
    uint32_t partner = 0;
    uint64_t upload = 0;
    opened->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      upload = books.FindBatch(commit->token)->upload_token;
      partner = books.FindUpload(upload)->partner;
    });
    const auto key = opened->keyring->PartnerKey(partner);
    for (size_t i = 0; i < commit->items.size(); ++i) {
      const VaultName vault{
          .kind = VaultKind::kDocument, .id = commit->token, .ordinal = static_cast<uint32_t>(i)};
      const BlobName name{.kind = BlobKind::kText, .token = commit->token, .ordinal = i};
      const auto wrapped = opened->keyring->vault().Get({&vault, 1});
      const auto blob = opened->data->blobs().Get({&name, 1});
      const auto document_key = UnwrapKey(**key, vault, *(*wrapped)[0]);
      const DocumentPlace place{
          .upload = upload, .file = commit->items[i].file, .record = commit->items[i].record};
      const auto text = OpenText(*document_key, place, *(*blob)[0]);
      const auto facts = OpenFacts(*document_key, place, *(*blob)[0]);
      EXPECT_TRUE(text.ok() && facts.ok());
      texts.push_back(*text + "\n" + facts->title + "\n" + facts->detail);
    }
  }
  return texts;
}

// The letters and digits that give a value away; "" when it is too short to look for.
std::string Core(const Planted& planted) {
  std::string value = ingest::Canonicalize(planted.value);
  return value.size() < 8 ? "" : value;
}

TEST(Screening, NoPlantedValueIsKeptOrSaidAnywhere) {
  TestInstallation t;
  std::string log;
  std::mutex log_mutex;
  t.options().log = [&](std::string_view line) {
    const std::lock_guard lock(log_mutex);
    log.append(line).push_back('\n');
  };
  t.Open();
  const uint32_t hani = t.Partner("hani");
  const auto rejecting =
      t.jangbu().CreateCorpus(hani, "거절", ledger::SourceType::kText, "own", "", "",
                              {.personal_data = ingest::PersonalDataPolicy::kReject,
                               .legal_basis = "",
                               .quality = "",
                               .reading = {}});
  ASSERT_TRUE(rejecting.ok()) << rejecting.status();
  HardForms forms(5);
  const std::vector<Planted> planted = forms.All();
  std::string lines;
  for (size_t i = 0; i < planted.size(); ++i) {
    lines += "{\"id\":\"" + std::to_string(i) + "\",\"title\":\"" + JsonText(planted[i].text) +
             "\",\"text\":\"" +
             JsonText(forms.Prose(40) + "\n" + planted[i].text + "\n" + forms.Prose(20)) + "\"}\n";
  }
  std::string said;
  const auto listen = [&](uint32_t upload) {
    for (const VerdictView& row : t.Verdicts(hani, upload)) {
      said += row.detail + "\n" + row.item.reason + "\n" + row.duplicate_of + "\n";
    }
  };
  const uint32_t masked = t.Upload(hani, "masked", {{"a.jsonl", lines}});
  for (const VerdictView& row : t.Verdicts(hani, masked)) {
    EXPECT_NE(row.item.verdict, ledger::Verdict::kRejected) << row.record;
    EXPECT_FALSE(row.personal_data.empty()) << planted[row.record - 1].form;
  }
  listen(masked);
  // The same to the corpus that refuses.
  std::vector<FeedDocument> documents;
  for (size_t i = 0; i < planted.size(); ++i) {
    documents.push_back({.document_id = std::to_string(i),
                         .text = forms.Prose(10) + "\n" + planted[i].text,
                         .title = planted[i].text,
                         .published_at = ""});
  }
  const auto feed = t.jangbu().OpenFeed(hani, 2, "stream");
  ASSERT_TRUE(feed.ok()) << feed.status();
  const auto refused = t.jangbu().Contribute(hani, feed->number, documents);
  ASSERT_TRUE(refused.ok()) << refused.status();
  for (size_t i = 0; i < refused->size(); ++i) {
    const VerdictView& row = (*refused)[i].verdict;
    EXPECT_EQ(row.item.reason, "personal_data") << planted[i].form;
    EXPECT_FALSE(row.personal_data.empty());
    said += row.detail + "\n";
  }
  const auto receipt = t.jangbu().GetReceipt(hani, masked);
  ASSERT_TRUE(receipt.ok());
  said += *receipt;

  const std::vector<std::string> stored = StoredTexts(t);
  ASSERT_EQ(stored.size(), planted.size() * 2);
  std::string disk;
  for (const auto& file : std::filesystem::recursive_directory_iterator(t.root())) {
    if (!file.is_regular_file()) continue;
    std::ifstream in(file.path(), std::ios::binary);
    disk.append(std::istreambuf_iterator<char>(in), {});
  }
  EXPECT_GT(disk.size(), 100'000u);
  for (size_t i = 0; i < planted.size(); ++i) {
    const std::string core = Core(planted[i]);
    if (core.empty()) continue;
    EXPECT_EQ(stored[i].find(core), std::string::npos) << planted[i].form << " in the stored text";
    for (const std::string* where : {&said, &log, &disk}) {
      EXPECT_EQ(where->find(core), std::string::npos) << planted[i].form;
    }
  }
  EXPECT_TRUE(t.Verify().ok());
}

TEST(Screening, OffsetsAreThoseOfTheTextAndCountsThoseOfTheMaskedOne) {
  TestInstallation t;
  t.Open();
  const uint32_t hani = t.Partner("hani");
  const std::string text =
      "문의는 홍길동에게 하세요.\n전화 010-1234-5678, 서울특별시 강남구 테헤란로 152 입니다.";
  const uint32_t upload = t.Upload(hani, "one", {{"a.txt", text}});
  const std::vector<VerdictView> rows = t.Verdicts(hani, upload);
  ASSERT_EQ(rows.size(), 1u);
  ASSERT_EQ(rows[0].personal_data.size(), 2u);
  EXPECT_EQ(rows[0].personal_data[0],
            (ingest::PersonalSpan{ingest::PersonalKind::kMobile, 18, 13}));
  EXPECT_EQ(rows[0].personal_data[1].kind, ingest::PersonalKind::kAddress);
  const std::string masked =
      "문의는 홍길동에게 하세요.\n전화 ***-****-****, ○○○○○ ○○○ ○○○○ *** 입니다.";
  const ingest::TextCounts counts = ingest::CountText(masked);
  EXPECT_EQ(rows[0].item.chars, static_cast<int64_t>(counts.chars));
  EXPECT_EQ(rows[0].item.words, static_cast<int64_t>(counts.words));
  EXPECT_EQ(rows[0].item.syllables, static_cast<int64_t>(counts.syllables));
  EXPECT_EQ(StoredTexts(t)[0].substr(0, masked.size()), masked);
}

// Two letters that differ in the number alone are one text: the number is not kept, so it cannot
// make anything new.
TEST(Screening, DuplicatesAreJudgedOnMaskedText) {
  TestInstallation t;
  t.Open();
  const uint32_t hani = t.Partner("hani");
  const std::string letter = "안녕하십니까. 귀하의 접수 번호를 알려 드립니다. 연락처는 ";
  const uint32_t upload = t.Upload(
      hani, "two",
      {{"a.txt", letter + "010-1111-2222 입니다."}, {"b.txt", letter + "010-3333-4444 입니다."}});
  const std::vector<VerdictView> rows = t.Verdicts(hani, upload);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].item.verdict, ledger::Verdict::kExactDuplicate);
}

TEST(Screening, KeepingNeedsALegalBasisAndKeeps) {
  TestInstallation t;
  t.Open();
  const uint32_t hani = t.Partner("hani");
  const auto add = [&](ingest::PersonalDataPolicy policy, const std::string& basis,
                       const std::string& quality) {
    return t.jangbu().CreateCorpus(
        hani, "말뭉치", ledger::SourceType::kText, "own", "", "",
        {.personal_data = policy, .legal_basis = basis, .quality = quality, .reading = {}});
  };
  using enum ingest::PersonalDataPolicy;
  EXPECT_EQ(ReasonOf(add(kKeep, "", "").status()), "legal_basis_missing");
  EXPECT_EQ(ReasonOf(add(kMask, "동의", "").status()), "legal_basis_missing");
  EXPECT_EQ(ReasonOf(add(kMask, "", "nonsense=1").status()), "bad_quality");
  const auto kept = add(kKeep, "공개된 판결문 (개인정보 보호법 제15조 제1항 제6호)", "");
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->screen.personal_data, kKeep);
  const auto feed = t.jangbu().OpenFeed(hani, kept->number, "s");
  const std::string text = "담당자의 전화는 010-1234-5678 입니다.";
  const auto verdicts = t.jangbu().Contribute(
      hani, feed->number, {{.document_id = "1", .text = text, .title = "", .published_at = ""}});
  ASSERT_TRUE(verdicts.ok());
  EXPECT_EQ((*verdicts)[0].verdict.item.verdict, ledger::Verdict::kAccepted);
  EXPECT_EQ((*verdicts)[0].verdict.personal_data.size(), 1u);
  // Recorded: read again from the journal.
  t.Open();
  const auto corpora = t.jangbu().ListCorpora(hani);
  ASSERT_TRUE(corpora.ok());
  EXPECT_EQ((*corpora)[1].legal_basis, kept->legal_basis);
  EXPECT_EQ(StoredTexts(t)[0].substr(0, text.size()), text);
  EXPECT_TRUE(t.Verify().ok());
}

TEST(Screening, QualityFlagsByDefaultAndRefusesWhereTheCorpusSaysSo) {
  TestInstallation t;
  t.Open();
  const uint32_t hani = t.Partner("hani");
  const auto strict =
      t.jangbu().CreateCorpus(hani, "엄격", ledger::SourceType::kText, "own", "", "",
                              {.personal_data = ingest::PersonalDataPolicy::kMask,
                               .legal_basis = "",
                               .quality = "spaced_out=50:80",
                               .reading = {}});
  ASSERT_TRUE(strict.ok()) << strict.status();
  std::string spaced;
  for (int i = 0; i < 30; ++i) spaced += "가 나 다 라 ";
  const uint32_t upload = t.Upload(hani, "one", {{"a.txt", spaced}});
  const VerdictView flagged = t.Verdicts(hani, upload)[0];
  EXPECT_EQ(flagged.item.verdict, ledger::Verdict::kAccepted);
  ASSERT_FALSE(flagged.flags.empty());
  EXPECT_EQ(flagged.flags[0],
            (ingest::QualityFlag{ingest::QualityRule::kSpacedOut, false, 100, 50}));
  const auto feed = t.jangbu().OpenFeed(hani, strict->number, "s");
  const auto refused = t.jangbu().Contribute(
      hani, feed->number, {{.document_id = "1", .text = spaced, .title = "", .published_at = ""}});
  ASSERT_TRUE(refused.ok());
  const VerdictView& row = (*refused)[0].verdict;
  EXPECT_EQ(row.item.reason, "quality_spaced_out");
  EXPECT_EQ(row.detail, "spaced_out 100% > 80%");
  EXPECT_EQ(row.item.words, 120);
  t.Close();
  EXPECT_TRUE(t.Verify().ok());
}

// Facts and metadata written before there was screening read as they did.
TEST(Screening, WhatWasWrittenBeforeReadsTheSame) {
  TestRandom random(3);
  const SecretKey key = SecretKey::Random(random);
  DocumentFacts facts;
  facts.id = "a";
  const auto plain =
      OpenFacts(key, {.upload = 1, .file = 2, .record = 3},
                SealDocument(key, {.upload = 1, .file = 2, .record = 3}, facts, "글"));
  ASSERT_TRUE(plain.ok());
  EXPECT_TRUE(plain->personal_data.empty());
  facts.personal_data = {{ingest::PersonalKind::kCard, 7, 19}};
  facts.flags = {{ingest::QualityRule::kNumbers, true, 60, 50}};
  const auto screened =
      OpenFacts(key, {.upload = 1, .file = 2, .record = 3},
                SealDocument(key, {.upload = 1, .file = 2, .record = 3}, facts, "글"));
  ASSERT_TRUE(screened.ok());
  EXPECT_EQ(screened->personal_data, facts.personal_data);
  EXPECT_EQ(screened->flags, facts.flags);

  ByteWriter before;
  before.String("제목");
  before.String("권리");
  before.String("");
  ByteWriter aad;
  aad.Raw("jangbu corpus 1\n");
  aad.U32(1);
  aad.U32(1);
  const auto old = OpenCorpusMetadata(key, 1, 1, SealBox(key, aad.bytes(), before.bytes(), random));
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_EQ(old->screen, ingest::ScreenPolicy{});
  CorpusMetadata now = *old;
  EXPECT_EQ(OpenCorpusMetadata(key, 1, 1, SealCorpusMetadata(key, 1, 1, now, random))->title,
            "제목");
  now.screen.personal_data = ingest::PersonalDataPolicy::kKeep;
  now.legal_basis = "근거";
  now.screen.quality.of(ingest::QualityRule::kNumbers).reject = 90;
  EXPECT_EQ(*OpenCorpusMetadata(key, 1, 1, SealCorpusMetadata(key, 1, 1, now, random)), now);
}

}  // namespace
}  // namespace jangbu::services
