// What the books refuse: every rule an entry may not break, one row each. A refused entry changes
// nothing.

#include "ledger/books.h"

#include <gtest/gtest.h>

#include <functional>

namespace jangbu::ledger {
namespace {

class Writer {
 public:
  Writer() {
    Genesis genesis;
    genesis.log_origin = "test";
    genesis.log_public_key = std::string(32, 'k');
    genesis.policy.lot_documents_min = 2;
    genesis.policy.lot_document_share_percent_max = 100;
    genesis.policy.grain = 10;
    Must("", genesis);
    Must("", EpochBegun{.epoch = 1, .software_version = ""});
    Must("hani", PartnerAdded{.name = "하니"});
    Must("book", PartnerAdded{.name = "북"});
    for (const char* partner : {"hani", "book"}) {
      Must(partner, CorpusAdded{.corpus = 1,
                                .source_type = SourceType::kArticle,
                                .sealed_metadata = "",
                                .request_mac = ""});
      Must(partner,
           UploadOpened{.upload = 1, .corpus = 1, .kind = UploadKind::kFiles, .request_mac = "r"});
    }
  }

  Status Try(const std::string& partner, Body body) {
    Entry entry;
    entry.seq = books.size();
    entry.at = {static_cast<int64_t>(books.size()) * 10};
    entry.partner = partner;
    entry.body = std::move(body);
    return books.Apply(entry);
  }
  uint64_t Must(const std::string& partner, Body body) {
    const Status status = Try(partner, std::move(body));
    EXPECT_TRUE(status.ok()) << status;
    return books.size() - 1;
  }

  static Item Accepted(uint64_t record, int64_t novel) {
    return {.file = 0,
            .record = record,
            .verdict = Verdict::kAccepted,
            .reason = "",
            .chars = 400,
            .syllables = 300,
            .words = 100,
            .tokens = 200,
            .korean_words = 90,
            .korean_tokens = 180,
            .novel_korean_words = novel / 2,
            .novel_korean_tokens = novel,
            .duplicate_of = std::nullopt,
            .similarity_ppm = 0};
  }
  uint64_t Begin(const std::string& partner, uint32_t documents, uint64_t first, uint64_t last) {
    return Must(partner, BatchBegin{.upload = 1,
                                    .documents = documents,
                                    .first_file = 0,
                                    .first_record = first,
                                    .last_file = 0,
                                    .last_record = last,
                                    .staged_mac = {}});
  }
  // A committed batch of accepted documents; its token.
  uint64_t Batch(const std::string& partner, uint64_t first, const std::vector<int64_t>& novel) {
    const uint64_t token =
        Begin(partner, static_cast<uint32_t>(novel.size()), first, first + novel.size() - 1);
    BatchCommit commit{.upload = 1, .token = token, .items = {}, .appraisal_mac = {}};
    for (size_t i = 0; i < novel.size(); ++i) commit.items.push_back(Accepted(first + i, novel[i]));
    Must(partner, commit);
    return token;
  }

  Books books;
};

struct Refusal {
  const char* why;
  std::function<Status(Writer&)> attempt;
};

TEST(Books, RefusesWhatCannotBe) {
  const std::vector<Refusal> rows = {
      {"a second genesis", [](Writer& w) { return w.Try("", Genesis{}); }},
      {"an epoch that does not grow",
       [](Writer& w) { return w.Try("", EpochBegun{.epoch = 1, .software_version = ""}); }},
      {"a partner twice", [](Writer& w) { return w.Try("hani", PartnerAdded{.name = "x"}); }},
      {"a partner id with capitals",
       [](Writer& w) { return w.Try("Hani", PartnerAdded{.name = "x"}); }},
      {"a partner id with a slash",
       [](Writer& w) { return w.Try("a/b", PartnerAdded{.name = "x"}); }},
      {"a key of role partner without partner",
       [](Writer& w) {
         return w.Try("", KeyIssued{.key_id = "k",
                                    .role = Role::kPartner,
                                    .person = "p",
                                    .secret_mac = {},
                                    .replaces = ""});
       }},
      {"an operator key of a partner",
       [](Writer& w) {
         return w.Try("hani", KeyIssued{.key_id = "k",
                                        .role = Role::kOperator,
                                        .person = "p",
                                        .secret_mac = {},
                                        .replaces = ""});
       }},
      {"a key of nobody",
       [](Writer& w) {
         return w.Try("", KeyIssued{.key_id = "k",
                                    .role = Role::kFinance,
                                    .person = "",
                                    .secret_mac = {},
                                    .replaces = ""});
       }},
      {"a corpus number left out",
       [](Writer& w) {
         return w.Try("hani", CorpusAdded{.corpus = 3,
                                          .source_type = SourceType::kBook,
                                          .sealed_metadata = "",
                                          .request_mac = ""});
       }},
      {"an upload into another's corpus",
       [](Writer& w) {
         return w.Try(
             "hani", UploadOpened{
                         .upload = 2, .corpus = 2, .kind = UploadKind::kFiles, .request_mac = "s"});
       }},
      {"an upload request twice",
       [](Writer& w) {
         return w.Try(
             "hani", UploadOpened{
                         .upload = 2, .corpus = 1, .kind = UploadKind::kFiles, .request_mac = "r"});
       }},
      {"a batch without documents",
       [](Writer& w) {
         return w.Try("hani", BatchBegin{.upload = 1,
                                         .documents = 0,
                                         .first_file = 0,
                                         .first_record = 1,
                                         .last_file = 0,
                                         .last_record = 1,
                                         .staged_mac = {}});
       }},
      {"two open batches of an upload",
       [](Writer& w) {
         w.Begin("hani", 1, 1, 1);
         return w.Try("hani", BatchBegin{.upload = 1,
                                         .documents = 1,
                                         .first_file = 0,
                                         .first_record = 2,
                                         .last_file = 0,
                                         .last_record = 2,
                                         .staged_mac = {}});
       }},
      {"documents a second time",
       [](Writer& w) {
         w.Batch("hani", 1, {10, 10});
         return w.Try("hani", BatchBegin{.upload = 1,
                                         .documents = 1,
                                         .first_file = 0,
                                         .first_record = 2,
                                         .last_file = 0,
                                         .last_record = 2,
                                         .staged_mac = {}});
       }},
      {"a commit of another's batch",
       [](Writer& w) {
         const uint64_t token = w.Begin("hani", 1, 1, 1);
         return w.Try("book", BatchCommit{.upload = 1,
                                          .token = token,
                                          .items = {Writer::Accepted(1, 5)},
                                          .appraisal_mac = {}});
       }},
      {"a commit that leaves documents out",
       [](Writer& w) {
         const uint64_t token = w.Begin("hani", 2, 1, 2);
         return w.Try("hani", BatchCommit{.upload = 1,
                                          .token = token,
                                          .items = {Writer::Accepted(1, 5)},
                                          .appraisal_mac = {}});
       }},
      {"a commit out of order",
       [](Writer& w) {
         const uint64_t token = w.Begin("hani", 2, 1, 2);
         return w.Try("hani", BatchCommit{.upload = 1,
                                          .token = token,
                                          .items = {Writer::Accepted(2, 5), Writer::Accepted(1, 5)},
                                          .appraisal_mac = {}});
       }},
      {"more novel than Korean tokens",
       [](Writer& w) {
         const uint64_t token = w.Begin("hani", 1, 1, 1);
         return w.Try("hani", BatchCommit{.upload = 1,
                                          .token = token,
                                          .items = {Writer::Accepted(1, 181)},
                                          .appraisal_mac = {}});
       }},
      {"a duplicate of a later document",
       [](Writer& w) {
         const uint64_t token = w.Begin("hani", 1, 1, 1);
         Item item = Writer::Accepted(1, 0);
         item.verdict = Verdict::kExactDuplicate;
         item.duplicate_of = Owner{.token = token, .ordinal = 0};
         item.similarity_ppm = 1'000'000;
         return w.Try(
             "hani",
             BatchCommit{.upload = 1, .token = token, .items = {item}, .appraisal_mac = {}});
       }},
      {"a duplicate of another partner's document",
       [](Writer& w) {
         const uint64_t other = w.Batch("book", 1, {10});
         const uint64_t token = w.Begin("hani", 1, 1, 1);
         Item item = Writer::Accepted(1, 0);
         item.verdict = Verdict::kExactDuplicate;
         item.duplicate_of = Owner{.token = other, .ordinal = 0};
         item.similarity_ppm = 1'000'000;
         return w.Try(
             "hani",
             BatchCommit{.upload = 1, .token = token, .items = {item}, .appraisal_mac = {}});
       }},
      {"credit for a duplicate",
       [](Writer& w) {
         const uint64_t first = w.Batch("hani", 1, {10});
         const uint64_t token = w.Begin("hani", 1, 2, 2);
         Item item = Writer::Accepted(2, 1);
         item.verdict = Verdict::kExactDuplicate;
         item.duplicate_of = Owner{.token = first, .ordinal = 0};
         item.similarity_ppm = 1'000'000;
         return w.Try(
             "hani",
             BatchCommit{.upload = 1, .token = token, .items = {item}, .appraisal_mac = {}});
       }},
      {"an end that does not add up",
       [](Writer& w) {
         w.Batch("hani", 1, {10});
         w.Must("hani", UploadSealed{.upload = 1, .file_count = 1, .staged_mac = {}});
         return w.Try("hani", UploadDone{.upload = 1, .file_count = 1, .counts = {}});
       }},
      {"an end before the seal",
       [](Writer& w) {
         return w.Try("hani", UploadDone{.upload = 1, .file_count = 0, .counts = {}});
       }},
      {"a cancellation in the middle of a commit",
       [](Writer& w) {
         w.Begin("hani", 1, 1, 1);
         return w.Try("hani", UploadCancelled{.upload = 1});
       }},
      {"a run within a run",
       [](Writer& w) {
         w.Must("", RunBegun{.run = 1,
                             .cut = w.books.size(),
                             .released_partners = {},
                             .release_reason = "",
                             .released_by = ""});
         return w.Try("", RunBegun{.run = 2,
                                   .cut = w.books.size(),
                                   .released_partners = {},
                                   .release_reason = "",
                                   .released_by = ""});
       }},
      {"a release without a reason",
       [](Writer& w) {
         return w.Try("", RunBegun{.run = 1,
                                   .cut = w.books.size(),
                                   .released_partners = {"hani"},
                                   .release_reason = "",
                                   .released_by = "k"});
       }},
      {"a decision outside a run",
       [](Writer& w) {
         const uint64_t token = w.Batch("hani", 1, {10});
         return w.Try("", Decision{.run = 1, .token = token, .items = {DecidedItem{}}});
       }},
      {"decisions out of order",
       [](Writer& w) {
         w.Batch("hani", 1, {10});
         const uint64_t second = w.Batch("book", 1, {10});
         w.Must("", RunBegun{.run = 1,
                             .cut = w.books.size(),
                             .released_partners = {},
                             .release_reason = "",
                             .released_by = ""});
         return w.Try("", Decision{.run = 1, .token = second, .items = {DecidedItem{}}});
       }},
      {"a decision that credits more than was offered",
       [](Writer& w) {
         const uint64_t token = w.Batch("hani", 1, {10});
         w.Must("", RunBegun{.run = 1,
                             .cut = w.books.size(),
                             .released_partners = {},
                             .release_reason = "",
                             .released_by = ""});
         return w.Try(
             "", Decision{
                     .run = 1,
                     .token = token,
                     .items = {{.korean_tokens = 11, .korean_words = 0, .held_by = std::nullopt}}});
       }},
      {"a lot before all is decided",
       [](Writer& w) {
         w.Batch("hani", 1, {10, 10});
         w.Must("", RunBegun{.run = 1,
                             .cut = w.books.size(),
                             .released_partners = {},
                             .release_reason = "",
                             .released_by = ""});
         return w.Try("hani", Lot{});
       }},
      {"the end of a run that owes a lot",
       [](Writer& w) {
         const uint64_t token = w.Batch("hani", 1, {10, 10});
         w.Must("", RunBegun{.run = 1,
                             .cut = w.books.size(),
                             .released_partners = {},
                             .release_reason = "",
                             .released_by = ""});
         w.Must("",
                Decision{
                    .run = 1,
                    .token = token,
                    .items = {{.korean_tokens = 10, .korean_words = 5, .held_by = std::nullopt},
                              {.korean_tokens = 10, .korean_words = 5, .held_by = std::nullopt}}});
         return w.Try("", RunDone{.run = 1});
       }},
      {"a lot with a token too many",
       [](Writer& w) {
         const uint64_t token = w.Batch("hani", 1, {10, 10});
         w.Must("", RunBegun{.run = 1,
                             .cut = w.books.size(),
                             .released_partners = {},
                             .release_reason = "",
                             .released_by = ""});
         w.Must("",
                Decision{
                    .run = 1,
                    .token = token,
                    .items = {{.korean_tokens = 10, .korean_words = 5, .held_by = std::nullopt},
                              {.korean_tokens = 10, .korean_words = 5, .held_by = std::nullopt}}});
         Lot lot = *w.books.NextLot(*w.books.FindPartner("hani"));
         lot.confirmed_korean_tokens += 10;
         return w.Try("hani", lot);
       }},
  };
  for (const Refusal& row : rows) {
    Writer writer;
    const Status status = row.attempt(writer);
    EXPECT_FALSE(status.ok()) << row.why;
    const uint64_t size = writer.books.size();
    const Digest state = writer.books.ledger().StateDigest();
    // The refused entry left no trace: the next one takes its place.
    EXPECT_TRUE(writer.Try("next", PartnerAdded{.name = "다음"}).ok()) << row.why;
    EXPECT_EQ(writer.books.size(), size + 1) << row.why;
    EXPECT_NE(writer.books.ledger().StateDigest(), state) << row.why;
  }
}

TEST(Books, Invariant2_EveryAssetSumsToZeroAfterEveryEntry) {
  Writer w;
  const auto sums_to_zero = [&] {
    for (const auto& [asset, totals] : w.books.ledger().totals()) {
      EXPECT_EQ(totals.debits_posted, totals.credits_posted);
    }
    EXPECT_TRUE(w.books.ledger().CheckBooks().ok());
  };
  const uint64_t first = w.Batch("hani", 1, {101, 57});
  sums_to_zero();
  const uint64_t second = w.Batch("book", 1, {33, 44});
  sums_to_zero();
  w.Must("", RunBegun{.run = 1,
                      .cut = w.books.size(),
                      .released_partners = {},
                      .release_reason = "",
                      .released_by = ""});
  w.Must("",
         Decision{.run = 1,
                  .token = first,
                  .items = {{.korean_tokens = 101, .korean_words = 50, .held_by = std::nullopt},
                            {.korean_tokens = 57, .korean_words = 28, .held_by = std::nullopt}}});
  w.Must("",
         Decision{.run = 1,
                  .token = second,
                  .items = {{.korean_tokens = 0,
                             .korean_words = 0,
                             .held_by = Owner{.token = first, .ordinal = 0}},
                            {.korean_tokens = 44, .korean_words = 22, .held_by = std::nullopt}}});
  for (const char* partner : {"book", "hani"}) {
    w.Must(partner, *w.books.NextLot(*w.books.FindPartner(partner)));
    sums_to_zero();
  }
  w.Must("", RunDone{.run = 1});
  const PartnerFigures hani = w.books.FiguresOf(*w.books.FindPartner("hani"), std::nullopt);
  EXPECT_EQ(hani.confirmed_korean_tokens, 150);
  EXPECT_EQ(w.books.FindPartner("hani")->carry_tokens, 8);
  EXPECT_EQ(hani.provisional_korean_tokens, 0);
  const PartnerFigures book = w.books.FiguresOf(*w.books.FindPartner("book"), std::nullopt);
  EXPECT_EQ(book.confirmed_korean_tokens, 40);
  EXPECT_EQ(book.entitlement_pending, 20);
}

}  // namespace
}  // namespace jangbu::ledger
