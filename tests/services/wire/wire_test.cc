// The border, both ways: whatever the domain says arrives, whatever strangers say is judged.

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "google/protobuf/descriptor.h"
#include "services/wire/convert.h"
#include "services/wire/ids.h"
#include "services/wire/page_token.h"
#include "services/wire/status.h"
#include "services/wire/text.h"

namespace jangbu::services::wire {
namespace {

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

// ---- ids ----

TEST(Ids, OneThingHasOneName) {
  struct Row {
    const char* why;
    std::string text;
    bool corpus;
    bool upload;
  };
  const Row rows[] = {
      {"a corpus", "hanbit/3", true, false},
      {"an upload", "hanbit/u3", false, true},
      {"digits and hyphens in the partner", "a-1/9", true, false},
      {"the largest number", "hanbit/4294967295", true, false},
      {"one more wraps", "hanbit/4294967296", false, false},
      {"far more", "hanbit/99999999999999999999999", false, false},
      {"zero names nothing", "hanbit/0", false, false},
      {"zero names no upload either", "hanbit/u0", false, false},
      {"a leading zero would be a second name", "hanbit/03", false, false},
      {"and in uploads", "hanbit/u03", false, false},
      {"a sign", "hanbit/+3", false, false},
      {"a minus", "hanbit/-3", false, false},
      {"hexadecimal", "hanbit/0x3", false, false},
      {"white space", "hanbit/ 3", false, false},
      {"white space after", "hanbit/3 ", false, false},
      {"a NUL after", std::string("hanbit/3\0", 9), false, false},
      {"nothing after the slash", "hanbit/", false, false},
      {"only the letter", "hanbit/u", false, false},
      {"an upper-case letter", "hanbit/U3", false, false},
      {"two slashes", "hanbit/3/4", false, false},
      {"no slash", "hanbit", false, false},
      {"no partner", "/3", false, false},
      {"upper case in the partner", "Hanbit/3", false, false},
      {"Hangul in the partner", "한빛/3", false, false},
      {"a partner of one letter", "h/3", false, false},
      {"a partner of 40", std::string(40, 'h') + "/3", true, false},
      {"a partner of 41", std::string(41, 'h') + "/3", false, false},
      {"a hyphen first", "-hanbit/3", false, false},
      {"a hyphen last", "hanbit-/3", false, false},
      {"nothing", "", false, false},
      {"very long", std::string(1 << 20, '1'), false, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.why);
    const StatusOr<NumberedId> corpus = ParseCorpusId(row.text);
    const StatusOr<NumberedId> upload = ParseUploadId(row.text);
    EXPECT_EQ(corpus.ok(), row.corpus);
    EXPECT_EQ(upload.ok(), row.upload);
    // A lot is called as an upload, with another letter.
    std::string lot_text = row.text;
    if (const size_t slash = lot_text.find("/u"); slash != std::string::npos)
      lot_text.replace(slash, 2, "/l");
    const StatusOr<NumberedId> lot = ParseLotId(lot_text);
    EXPECT_EQ(lot.ok(), row.upload);
    if (lot.ok()) {
      EXPECT_EQ(LotId(lot->partner_id, lot->number), lot_text);
    }
    EXPECT_FALSE(ParseLotId(row.text).ok() && row.upload);
    if (corpus.ok()) {
      EXPECT_EQ(CorpusId(corpus->partner_id, corpus->number), row.text);
    } else {
      EXPECT_EQ(corpus.status().code(), kInvalid);
      EXPECT_EQ(ReasonOf(corpus.status()), "bad_corpus_id");
      EXPECT_LT(MessageOf(corpus.status()).size(), 200u);
    }
    if (upload.ok()) {
      EXPECT_EQ(UploadId(upload->partner_id, upload->number), row.text);
    } else {
      EXPECT_EQ(ReasonOf(upload.status()), "bad_upload_id");
    }
  }
}

// ---- text ----

TEST(Text, OnlyWellFormedUtf8Passes) {
  struct Row {
    const char* why;
    std::string bytes;
    bool good;
  };
  const Row rows[] = {
      {"nothing", "", true},
      {"ASCII", "abc", true},
      {"Hangul", "가나다", true},
      {"the last code point", "\xF4\x8F\xBF\xBF", true},
      {"one past it", "\xF4\x90\x80\x80", false},
      {"an overlong slash", "\xC0\xAF", false},
      {"an overlong slash in three", "\xE0\x80\xAF", false},
      {"an overlong in four", "\xF0\x80\x80\xAF", false},
      {"a surrogate", "\xED\xA0\x80", false},
      {"the code point before the surrogates", "\xED\x9F\xBF", true},
      {"a lone continuation", "\x80", false},
      {"a truncated syllable", "\xEA\xB0", false},
      {"CP949 bytes", "\xB0\xA1", false},
      {"0xFF", "\xFF", false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.why);
    EXPECT_EQ(IsUtf8(row.bytes), row.good);
    const std::string mended = ToUtf8(row.bytes, 100);
    EXPECT_TRUE(IsUtf8(mended));
    EXPECT_EQ(mended == row.bytes, row.good);
  }
}

TEST(Text, CutsAtACharacter) {
  const std::string text = "가나다라";  // 12 bytes
  EXPECT_EQ(ToUtf8(text, 12), text);
  EXPECT_EQ(ToUtf8(text, 11), "가나…");
  EXPECT_EQ(ToUtf8(text, 9), "가나…");
  EXPECT_EQ(ToUtf8(text, 8), "가…");
  EXPECT_EQ(ToUtf8(text, 3), "…");
  for (size_t max = 3; max < 40; ++max) {
    const std::string cut = ToUtf8(
        "a가\xFF나b😀"
        "c다라마바사",
        max);
    EXPECT_LE(cut.size(), max);
    EXPECT_TRUE(IsUtf8(cut));
  }
}

TEST(Text, QuotesWhatStrangersSend) {
  EXPECT_EQ(Quoted("a\nb\"c\x7F"), "\"a?b?c?\"");
  EXPECT_LT(Quoted(std::string(1 << 20, 'x')).size(), 90u);
}

// ---- Status ----

TEST(GrpcStatus, EveryCodeKeepsItsNumberAndMessage) {
  for (int code = 0; code <= 16; ++code) {
    const Status status(static_cast<absl::StatusCode>(code), code == 0 ? "" : "some_reason: 까닭");
    const grpc::Status sent = ToGrpc(status);
    EXPECT_EQ(static_cast<int>(sent.error_code()), code);
    EXPECT_EQ(sent.error_message(), code == 0 ? "" : "some_reason: 까닭");
    EXPECT_NE(NameOfCode(sent.error_code()).find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
              std::string::npos);
  }
  EXPECT_EQ(NameOfCode(grpc::StatusCode::NOT_FOUND), "NOT_FOUND");
}

TEST(GrpcStatus, MessagesFitIntoATrailer) {
  const grpc::Status sent = ToGrpc(NotFound("no_such_file", std::string(1 << 20, '\xB0')));
  EXPECT_LE(sent.error_message().size(), kMaxMessageBytes);
  EXPECT_TRUE(IsUtf8(sent.error_message()));
  EXPECT_TRUE(sent.error_message().starts_with("no_such_file: "));
}

// ---- enums ----

template <typename Domain, typename Wire>
void EveryValueBothWays(const google::protobuf::EnumDescriptor* descriptor, const char* reason) {
  int known = 0;
  for (int number = -2; number < descriptor->value_count() + 3; ++number) {
    const StatusOr<Domain> domain = FromWire(static_cast<Wire>(number));
    if (number > 0 && descriptor->FindValueByNumber(number) != nullptr) {
      ASSERT_TRUE(domain.ok()) << number;
      EXPECT_EQ(static_cast<int>(ToWire(*domain)), number);
      ++known;
    } else {
      EXPECT_EQ(domain.status().code(), kInvalid) << number;
      EXPECT_EQ(ReasonOf(domain.status()), reason);
    }
  }
  EXPECT_EQ(known, descriptor->value_count() - 1);
}

TEST(Enums, EveryValueBothWays) {
  EveryValueBothWays<ledger::SourceType, v1::SourceType>(v1::SourceType_descriptor(),
                                                         "bad_source_type");
  EveryValueBothWays<ledger::Role, v1::Role>(v1::Role_descriptor(), "bad_role");
  EveryValueBothWays<ledger::Verdict, v1::Verdict>(v1::Verdict_descriptor(), "bad_verdict");
}

TEST(Enums, APolicyForPersonalDataThatIsNotSaidIsToMask) {
  EXPECT_EQ(*FromWire(v1::PERSONAL_DATA_POLICY_UNSPECIFIED), ingest::PersonalDataPolicy::kMask);
  EXPECT_EQ(*FromWire(v1::PERSONAL_DATA_POLICY_MASK), ingest::PersonalDataPolicy::kMask);
  EXPECT_EQ(*FromWire(v1::PERSONAL_DATA_POLICY_REJECT), ingest::PersonalDataPolicy::kReject);
  EXPECT_EQ(*FromWire(v1::PERSONAL_DATA_POLICY_KEEP), ingest::PersonalDataPolicy::kKeep);
  EXPECT_EQ(ReasonOf(FromWire(static_cast<v1::PersonalDataPolicy>(4)).status()),
            "bad_personal_data");
}

TEST(Enums, NamesAreThoseOfTheWireInLowerCase) {
  for (int number = 1; number < v1::Role_descriptor()->value_count(); ++number) {
    std::string name = v1::Role_descriptor()->FindValueByNumber(number)->name().substr(5);
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(NameOf(static_cast<ledger::Role>(number)), name);
  }
}

// ---- messages: every field set arrives; checked against the descriptor so that a field cannot be
// forgotten ----

// Names of the fields of `message` that have their default.
std::vector<std::string> Unset(const google::protobuf::Message& message) {
  std::vector<std::string> names;
  const auto* descriptor = message.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    const bool set = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) > 0
                                          : message.GetReflection()->HasField(message, field);
    if (!set) names.push_back(field->name());
  }
  return names;
}
using Names = std::vector<std::string>;

ledger::Counts SomeCounts(int64_t from) {
  return {from,     from + 1, from + 2, from + 3,  from + 4,  from + 5, from + 6,
          from + 7, from + 8, from + 9, from + 10, from + 11, from + 12};
}

TEST(Messages, CountsBothWays) {
  for (const int64_t from : {int64_t{1}, int64_t{0}, int64_t{-5}, int64_t{1} << 53,
                             std::numeric_limits<int64_t>::max() - 12}) {
    EXPECT_EQ(FromWire(ToWire(SomeCounts(from))), SomeCounts(from));
  }
  const v1::Counts wire = ToWire(SomeCounts(1));
  EXPECT_EQ(Unset(wire), Names{});
  EXPECT_EQ(wire.documents(), 1);
  EXPECT_EQ(wire.rejected(), 5);
  EXPECT_EQ(wire.novel_korean_tokens(), 13);
}

VerdictView SomeVerdict() {
  VerdictView view;
  view.file = "글/가.jsonl";
  view.file_number = 7;
  view.record = 42;
  view.document_id = "문서-1";
  view.item.verdict = ledger::Verdict::kNearDuplicate;
  view.item.reason = "no_text";
  view.item.chars = 1;
  view.item.syllables = 2;
  view.item.words = 3;
  view.item.tokens = 4;
  view.item.korean_words = 5;
  view.item.korean_tokens = 6;
  view.item.novel_korean_words = 7;
  view.item.novel_korean_tokens = 8;
  view.item.similarity_ppm = 900'000;
  view.detail = "detail";
  view.duplicate_of = "hanbit/u1#0:1";
  view.sha256 = std::string(64, 'a');
  view.read_as = "text cp949 90";
  view.personal_data = {{ingest::PersonalKind::kMobile, 18, 13}};
  view.flags = {{ingest::QualityRule::kNotKorean, true, 12, 30}};
  return view;
}

TEST(Messages, AVerdictArrivesWhole) {
  const v1::DocumentVerdict wire = ToWire(SomeVerdict());
  EXPECT_EQ(Unset(wire), Names{});
  EXPECT_EQ(wire.file(), "글/가.jsonl");
  EXPECT_EQ(wire.file_number(), 7u);
  EXPECT_EQ(wire.record(), 42u);
  EXPECT_EQ(wire.verdict(), v1::VERDICT_NEAR_DUPLICATE);
  EXPECT_EQ(wire.novel_korean_words(), 7);
  EXPECT_EQ(wire.novel_korean_tokens(), 8);
  EXPECT_EQ(wire.similarity_ppm(), 900'000u);
  EXPECT_EQ(Unset(wire.personal_data(0)), Names{});
  EXPECT_EQ(wire.personal_data(0).kind(), "mobile");
  EXPECT_EQ(Unset(wire.flags(0)), Names{});
  EXPECT_EQ(wire.flags(0).rule(), "not_korean");
}

TEST(Messages, BrokenBytesOfAFileNameDoNotBreakAClient) {
  VerdictView view = SomeVerdict();
  view.file = "\xB0\xA1.txt";
  view.detail = "byte \xFF";
  v1::DocumentVerdict parsed;
  ASSERT_TRUE(parsed.ParseFromString(ToWire(view).SerializeAsString()));
  EXPECT_TRUE(IsUtf8(parsed.file()));
  EXPECT_TRUE(IsUtf8(parsed.detail()));
}

TEST(Messages, AnUploadArrivesWhole) {
  UploadView view;
  view.partner_id = "hanbit";
  view.partner = 1;
  view.number = 17;
  view.corpus = 3;
  view.state = ledger::UploadState::kDone;
  view.files = 1;
  view.bytes = 2;
  view.processed_bytes = 3;
  view.counts = SomeCounts(1);
  view.created_at = Timestamp{4};
  view.finished_at = Timestamp{5};
  const v1::Upload wire = ToWire(view, std::string(32, '\x0A'));
  EXPECT_EQ(Unset(wire), Names{});
  EXPECT_EQ(wire.upload_id(), "hanbit/u17");
  EXPECT_EQ(wire.corpus_id(), "hanbit/3");
  EXPECT_EQ(wire.state(), v1::UPLOAD_STATE_DONE);
  EXPECT_EQ(wire.processed_bytes(), 3);
  EXPECT_EQ(wire.tokenizer_sha256().substr(0, 4), "0a0a");
  view.finished_at.reset();
  EXPECT_EQ(ToWire(view, "").finished_at_micros(), 0);
}

TEST(Messages, ACorpusArrivesWhole) {
  ingest::ScreenPolicy screen;
  screen.personal_data = ingest::PersonalDataPolicy::kKeep;
  screen.quality.of(ingest::QualityRule::kNumbers).reject = 80;
  const CorpusView view{.partner_id = "hanbit",
                        .number = 3,
                        .title = "한빛 신문",
                        .source_type = ledger::SourceType::kArticle,
                        .rights = "own",
                        .licence = "CC BY 4.0",
                        .screen = screen,
                        .legal_basis = "consent",
                        .reading = {.encoding = ingest::Encoding::kJohab,
                                    .text_column = "본문",
                                    .xml_text_path = "책/장",
                                    .private_use = ingest::PrivateUse::kHanyang},
                        .created_at = Timestamp{9}};
  const v1::Corpus wire = ToWire(view);
  EXPECT_EQ(Unset(wire), Names{});
  EXPECT_EQ(wire.corpus_id(), "hanbit/3");
  EXPECT_EQ(wire.title(), "한빛 신문");
  EXPECT_EQ(wire.source_type(), v1::SOURCE_TYPE_ARTICLE);
  EXPECT_EQ(wire.personal_data(), v1::PERSONAL_DATA_POLICY_KEEP);
  EXPECT_EQ(wire.quality(), "numbers=50:80");
}

TEST(Messages, PiecesOfFilesBothWays) {
  v1::UploadFilesRequest request;
  request.set_file(3);
  request.set_path("가.txt");
  request.set_offset(uint64_t{1} << 40);
  request.set_data(std::string("\0\xFF", 2));
  request.set_last(true);
  request.set_sha256(std::string(32, 's'));
  const StageChunk chunk = TakeChunk(request);
  EXPECT_EQ(chunk.file, 3u);
  EXPECT_EQ(chunk.path, "가.txt");
  EXPECT_EQ(chunk.offset, uint64_t{1} << 40);
  EXPECT_EQ(chunk.data, std::string("\0\xFF", 2));
  EXPECT_TRUE(chunk.last);
  EXPECT_EQ(chunk.sha256.size(), 32u);

  StageAck ack{.file = 3, .acknowledged = 9, .complete = true, .error = OkStatus()};
  EXPECT_EQ(Unset(ToWire(ack)), (Names{"error_reason", "error_message"}));
  ack.error = FailedPrecondition("file_changed", "its digest is another");
  const v1::UploadFilesResponse wire = ToWire(ack);
  EXPECT_EQ(Unset(wire), Names{});
  EXPECT_EQ(wire.error_reason(), "file_changed");
  EXPECT_EQ(wire.error_message(), "file_changed: its digest is another");
  EXPECT_EQ(Unset(ToWire(StagedFile{.file = 1, .path = "p", .acknowledged = 2, .complete = true})),
            Names{});
}

TEST(Messages, DocumentsOfAFeedBothWays) {
  v1::ContributeRequest request;
  request.set_document_id("문서-1");
  request.set_text("본문");
  request.set_title("제목");
  request.set_published_at("2024-01-01");
  const FeedDocument document = TakeDocument(request);
  EXPECT_EQ(document.document_id, "문서-1");
  EXPECT_EQ(document.text, "본문");
  EXPECT_EQ(document.title, "제목");
  EXPECT_EQ(document.published_at, "2024-01-01");

  FeedVerdict verdict{
      .document_id = "문서-1", .replayed = true, .error = OkStatus(), .verdict = SomeVerdict()};
  EXPECT_EQ(Unset(ToWire(verdict, "hanbit/u1")), (Names{"error_reason", "error_message"}));
  verdict.error = AlreadyExists("document_id_reused", "with other text");
  const v1::ContributeResponse wire = ToWire(verdict, "hanbit/u1");
  EXPECT_EQ(Unset(wire), Names{"verdict"});
  EXPECT_EQ(wire.error_reason(), "document_id_reused");
}

TEST(Messages, FiltersRefuseUnknownVerdicts) {
  v1::ListVerdictsRequest request;
  request.add_verdicts(v1::VERDICT_REJECTED);
  request.add_verdicts(v1::VERDICT_REJECTED);
  request.add_verdicts(v1::VERDICT_ACCEPTED);
  request.set_reason("no_text");
  request.set_file("a");
  request.set_limit(3);
  const StatusOr<VerdictFilter> filter = FilterOf(request);
  ASSERT_TRUE(filter.ok());
  EXPECT_EQ(filter->verdicts.size(), 2u);
  EXPECT_EQ(filter->reason, "no_text");
  EXPECT_EQ(filter->file, "a");
  EXPECT_EQ(filter->limit, 3u);
  request.add_verdicts(static_cast<v1::Verdict>(99));
  EXPECT_EQ(FilterOf(request).status().code(), kInvalid);
}

TEST(Messages, ABalanceArrivesWhole) {
  ledger::PartnerFigures figures;
  figures.counts = SomeCounts(1);
  figures.by_source_type[static_cast<size_t>(ledger::SourceType::kPaper)] = SomeCounts(1);
  figures.provisional_korean_tokens = 1;
  figures.provisional_korean_words = 2;
  figures.confirmed_korean_tokens = 3;
  figures.confirmed_korean_words = 4;
  figures.entitlement_pending = 5;
  figures.entitlement_available = 6;
  figures.entitlement_reserved = 7;
  figures.entitlement_spent = 8;
  figures.documents_waiting = 9;
  figures.member = true;
  ledger::Genesis genesis;
  const v1::Balance wire = ToWire(figures, "hanbit", Timestamp{10}, genesis);
  EXPECT_EQ(Unset(wire), Names{});
  ASSERT_EQ(wire.by_source_type_size(), 1);
  EXPECT_EQ(wire.by_source_type(0).source_type(), v1::SOURCE_TYPE_PAPER);
  EXPECT_EQ(wire.confirmed_korean_words(), 4);
  EXPECT_EQ(wire.entitlement_spent(), 8);
  EXPECT_EQ(wire.membership_threshold_words(), 100'000'000);
}

TEST(Messages, KeysPartnersRunsAndItemsArriveWhole) {
  ledger::KeyRecord key{.key_id = "k1",
                        .role = ledger::Role::kPartner,
                        .partner = 1,
                        .person = "김",
                        .secret_mac = {},
                        .issued_at = Timestamp{1},
                        .revoked_at = Timestamp{2}};
  EXPECT_EQ(Unset(ToWire(key, "hanbit")), Names{});
  key.revoked_at.reset();
  EXPECT_EQ(ToWire(key, "hanbit").revoked_at_micros(), 0);

  ledger::PartnerRecord partner;
  partner.id = "hanbit";
  partner.name = "한빛";
  partner.created_at = Timestamp{1};
  EXPECT_EQ(Unset(ToWire(partner)), Names{});

  ConfirmationView run;
  run.documents_decided = 1;
  run.documents_waiting = 2;
  LotView lot;
  lot.partner_id = "hanbit";
  lot.lot.lot = 1;
  lot.lot.documents = 2;
  lot.lot.provisional_korean_tokens = 3;
  lot.lot.provisional_korean_words = 4;
  lot.lot.confirmed_korean_tokens = 5;
  lot.lot.confirmed_korean_words = 6;
  lot.lot.released = true;
  run.lots.push_back(lot);
  const v1::RunConfirmationResponse wire = ToWire(run);
  EXPECT_EQ(Unset(wire), Names{});
  EXPECT_EQ(Unset(wire.lots(0)), Names{});

  const OperatorItem item{.file_number = 1,
                          .record = 2,
                          .verdict = "HELD",
                          .korean_tokens = 3,
                          .korean_words = 4,
                          .covered_by = "dolsan/u1#0:1"};
  EXPECT_EQ(Unset(ToWire(item)), Names{});
}

TEST(Names, AccountsReadAsPaths) {
  EXPECT_EQ(NameOfAccount({.partner = 1,
                           .role = ledger::AccountRole::kConfirmed,
                           .asset = ledger::kAssetKoreanTokens},
                          "hanbit"),
            "hanbit/confirmed/korean_tokens");
  EXPECT_EQ(NameOfAccount({.partner = 0,
                           .role = ledger::AccountRole::kProgramme,
                           .asset = ledger::kAssetKoreanWords},
                          ""),
            "programme/korean_words");
}

// ---- page tokens ----

TEST(PageTokens, GoOnWhereTheyWereMade) {
  for (const PagePosition position :
       {PagePosition{0, 0}, PagePosition{1, 2}, PagePosition{~uint64_t{0}, ~uint64_t{0}}}) {
    const StatusOr<PagePosition> read =
        ReadPageToken("uploads", MakePageToken("uploads", position));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, position);
  }
  EXPECT_EQ(*ReadPageToken("uploads", ""), PagePosition{});
}

TEST(PageTokens, ForgedOnesAreRefused) {
  const std::string token = MakePageToken("uploads of hanbit", {7, 9});
  std::vector<std::string> forged = {"x", "AAAA", std::string(1 << 20, 'A'), token + "A",
                                     token.substr(0, token.size() - 1)};
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    if (const auto read = ReadPageToken("uploads of hanbit", changed); read.ok()) {
      // The position alone may be invented: it is the forger's own listing.
      EXPECT_NE(*read, (PagePosition{7, 9}));
    }
  }
  for (const std::string& text : forged) {
    EXPECT_EQ(ReasonOf(ReadPageToken("uploads of hanbit", text).status()), "bad_page_token");
  }
  EXPECT_EQ(ReasonOf(ReadPageToken("uploads of dolsan", token).status()), "bad_page_token");
}

TEST(PageTokens, PagesHaveALimit) {
  EXPECT_EQ(*PageSize(0), 100u);
  EXPECT_EQ(*PageSize(1), 1u);
  EXPECT_EQ(*PageSize(1000), 1000u);
  EXPECT_EQ(ReasonOf(PageSize(1001).status()), "bad_page_size");
}

// ---- shapes ----

TEST(Shapes, TextsAndIds) {
  EXPECT_TRUE(CheckText("title", "한빛 신문", 5, true).ok());
  EXPECT_EQ(ReasonOf(CheckText("title", "한빛 신문", 4, true)), "bad_title");
  EXPECT_EQ(ReasonOf(CheckText("title", "", 4, true)), "bad_title");
  EXPECT_TRUE(CheckText("licence", "", 4, false).ok());
  EXPECT_EQ(ReasonOf(CheckText("title", "a\nb", 9, true)), "bad_title");
  EXPECT_TRUE(CheckRequestId("request_id", std::string(64, 'x'), 64, true).ok());
  EXPECT_EQ(ReasonOf(CheckRequestId("request_id", std::string(65, 'x'), 64, true)),
            "bad_request_id");
  EXPECT_EQ(ReasonOf(CheckRequestId("request_id", "", 64, true)), "bad_request_id");
}

}  // namespace
}  // namespace jangbu::services::wire
