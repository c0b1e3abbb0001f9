// The guard and the audits of a running server: two partners, a gateway, compliance.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "audit/extraction/report.h"
#include "audit/provenance/dossier_reading.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "jangbu/v1/audit.grpc.pb.h"
#include "jangbu/v1/finance.pb.h"
#include "jangbu/v1/log.pb.h"
#include "ledger/entry.h"
#include "ledger/merkle/note.h"
#include "ledger/merkle/receipt.h"
#include "tests/services/rpc/running_server.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Sentences of syllables that nobody else has.
std::string Text(uint64_t seed, size_t words) {
  std::mt19937_64 random(seed);
  std::string text;
  for (size_t i = 0; i < words; ++i) {
    if (i > 0) text += ' ';
    for (int k = 0; k < 3; ++k) {
      const auto cp = static_cast<uint32_t>(0xAC00 + random() % 11'000);
      text += static_cast<char>(0xE0 | cp >> 12);
      text += static_cast<char>(0x80 | (cp >> 6 & 63));
      text += static_cast<char>(0x80 | (cp & 63));
    }
  }
  return text;
}

std::string Lines(const std::vector<std::string>& texts) {
  std::string out;
  for (size_t i = 0; i < texts.size(); ++i) {
    out += "{\"id\":\"d" + std::to_string(i) + "\",\"text\":\"" + texts[i] + "\"}\n";
  }
  return out;
}

// A report of the audit that has `digest` for its plan and its raw record.
v1::ReportFiles FilesOf(const std::string& digest, const std::string& json,
                        const std::string& html_ko, const std::string& html_en,
                        const std::string& allow_list = "") {
  v1::ReportFiles files;
  files.set_statement(
      audit::ReportStatement(ToHex(digest), ToHex(digest), allow_list, json, html_ko, html_en));
  files.set_json(json);
  files.set_html_ko(html_ko);
  files.set_html_en(html_en);
  return files;
}

// That audit as it is entered, with the reports of such files.
v1::RecordAuditRequest AuditOf(const std::string& digest, const v1::ReportFiles& files) {
  v1::RecordAuditRequest record;
  record.set_model("모델");
  record.set_plan_sha256(digest);
  record.set_record_sha256(digest);
  record.set_statement_sha256(std::string(AsView(Sha256(files.statement()))));
  record.set_statement(files.statement());
  return record;
}

class GuardedServer : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto upload = [&](const std::string& partner, const std::vector<std::string>& texts) {
      const std::string& key = running_.KeyOf(partner);
      return running_.UploadFile(key, running_.CreateCorpus(key, "글"), partner + ".jsonl",
                                 Lines(texts));
    };
    hanbit_ = upload("hanbit", {own_, shared_});
    dolsan_ = upload("dolsan", {theirs_, shared_});
  }
  struct Watched {
    std::string released;
    bool stopped = false;
    uint64_t incident = 0;
    grpc::Status status;
  };
  Watched Watch(v1::GuardMode mode, const std::string& text, const std::string& user_message = "",
                const std::string& user_key = "user") {
    const auto context = RunningServer::Context(running_.KeyOf(ledger::Role::kGateway));
    const auto stub = v1::GuardService::NewStub(running_.channel());
    const auto stream = stub->WatchAnswer(context.get());
    Watched out;
    for (size_t at = 0; at < text.size() && !out.stopped; at += 7) {
      v1::WatchAnswerRequest request;
      if (at == 0) {
        request.set_mode(mode);
        request.set_model("모델");
        request.set_user_key(user_key);
        request.set_user_message(user_message);
      }
      request.set_text(text.substr(at, 7));
      request.set_end(at + 7 >= text.size());
      v1::WatchAnswerResponse response;
      if (!stream->Write(request) || !stream->Read(&response)) break;
      out.released += response.release();
      out.stopped = response.stopped();
      out.incident = std::max(out.incident, response.incident_id());
    }
    stream->WritesDone();
    out.status = stream->Finish();
    return out;
  }
  template <typename Response>
  Response Call(const std::string& method, const std::string& key,
                const google::protobuf::Message& request) {
    const Answer answer = running_.Call(method, key, {request.SerializeAsString()});
    EXPECT_TRUE(answer.status.ok()) << method << ": " << answer.status.error_message();
    Response response;
    if (!answer.responses.empty()) {
      EXPECT_TRUE(response.ParseFromString(answer.responses[0]));
    }
    return response;
  }
  v1::ListIncidentsResponse Incidents(const std::string& key) {
    return Call<v1::ListIncidentsResponse>("jangbu.v1.GuardService/ListIncidents", key,
                                           v1::ListIncidentsRequest());
  }

  const std::string own_ = Text(1, 80);
  const std::string shared_ = Text(2, 80);
  const std::string theirs_ = Text(3, 60);
  RunningServer running_;
  std::string hanbit_, dolsan_;
};

TEST_F(GuardedServer, ARunIsStoppedAndItsOwnersAreTold) {
  // The first answer to a key is within its budget until the run of 50.
  const Watched own = Watch(v1::GUARD_MODE_BLOCK, "예: " + own_, "", "a");
  EXPECT_TRUE(own.status.ok()) << own.status.error_message();
  EXPECT_TRUE(own.stopped);
  EXPECT_NE(own.incident, 0U);
  const Watched both = Watch(v1::GUARD_MODE_MASK, shared_, "", "b");
  EXPECT_FALSE(both.stopped);
  EXPECT_THAT(both.released, HasSubstr("■"));
  const Watched quoted = Watch(v1::GUARD_MODE_BLOCK, own_, "다듬어 줘: " + own_, "c");
  EXPECT_FALSE(quoted.stopped) << "the user's own message holds it";
  EXPECT_EQ(quoted.released, own_);
  EXPECT_EQ(quoted.incident, 0U);
  EXPECT_EQ(Watch(v1::GUARD_MODE_BLOCK, Text(99, 40)).released, Text(99, 40));

  const auto hanbit = Incidents(running_.KeyOf("hanbit"));
  ASSERT_EQ(hanbit.incidents_size(), 2);
  EXPECT_THAT(hanbit.incidents(0).runs(0).documents(), ElementsAre(hanbit_ + "#0:1"));
  EXPECT_THAT(hanbit.incidents(1).runs(0).documents(), ElementsAre(hanbit_ + "#0:2"));
  EXPECT_EQ(hanbit.incidents(0).user_mac() + hanbit.incidents(0).gateway_key_id() +
                hanbit.incidents(0).runs(0).run_mac(),
            "")
      << "who asked is compliance's business";
  const auto dolsan = Incidents(running_.KeyOf("dolsan"));
  ASSERT_EQ(dolsan.incidents_size(), 1);
  EXPECT_THAT(dolsan.incidents(0).runs(0).documents(), ElementsAre(dolsan_ + "#0:2"));
  EXPECT_EQ(dolsan.incidents(0).runs(0).length(), hanbit.incidents(1).runs(0).length())
      << "all holders are told alike";
  const auto all = Incidents(running_.KeyOf(ledger::Role::kCompliance));
  ASSERT_EQ(all.incidents_size(), 2);
  EXPECT_THAT(all.incidents(1).runs(0).documents(),
              ElementsAre(hanbit_ + "#0:2", dolsan_ + "#0:2"));
  EXPECT_EQ(all.incidents(0).user_mac().size(), 16U);
  EXPECT_THAT(running_.AccessLogText(),
              HasSubstr("\"method\":\"jangbu.v1.GuardService/WatchAnswer\""));
}

TEST_F(GuardedServer, WithdrawnTextIsStillStopped) {
  v1::WithdrawRequest withdraw;
  withdraw.set_partner_id("hanbit");
  withdraw.set_subject(hanbit_);
  Call<v1::WithdrawResponse>("jangbu.v1.FinanceService/Withdraw", running_.KeyOf("hanbit"),
                             withdraw);
  const Watched own = Watch(v1::GUARD_MODE_CUT, own_);
  EXPECT_TRUE(own.status.ok()) << own.status.error_message();
  EXPECT_TRUE(own.stopped);
  const auto incidents = Incidents(running_.KeyOf(ledger::Role::kCompliance));
  ASSERT_EQ(incidents.incidents_size(), 1);
  EXPECT_EQ(incidents.incidents(0).runs(0).kind(), v1::RUN_KIND_WITHDRAWN);
}

TEST_F(GuardedServer, AUsersBudgetLastsAcrossAnswers) {
  // 240 syllables: a tenth is 24, so the first run of 25 is over it.
  const std::string piece = own_.substr(0, 13 * 10);  // 39 syllables
  EXPECT_TRUE(Watch(v1::GUARD_MODE_BLOCK, piece, "", "d").stopped);
  EXPECT_EQ(Incidents(running_.KeyOf("hanbit")).incidents(0).runs(0).kind(), v1::RUN_KIND_BUDGET);
}

TEST_F(GuardedServer, ShapesAreChecked) {
  const auto first = [](v1::GuardMode mode, const std::string& user, size_t text) {
    v1::WatchAnswerRequest request;
    request.set_mode(mode);
    request.set_user_key(user);
    request.set_text(std::string(text, 'x'));
    return request;
  };
  struct Case {
    const char* reason;
    std::vector<v1::WatchAnswerRequest> messages;
  };
  auto over = first(v1::GUARD_MODE_BLOCK, "u", 3);
  over.set_end(true);
  v1::WatchAnswerRequest more;
  more.set_text("y");
  const Case cases[] = {
      {"guard_mode_missing", {first(v1::GUARD_MODE_UNSPECIFIED, "u", 1)}},
      {"guard_mode_missing", {}},
      {"user_key_missing", {first(v1::GUARD_MODE_BLOCK, "", 1)}},
      {"piece_too_large", {first(v1::GUARD_MODE_BLOCK, "u", (1 << 20) + 1)}},
      {"answer_changed",
       {first(v1::GUARD_MODE_BLOCK, "u", 1), first(v1::GUARD_MODE_REPORT_ONLY, "u", 1)}},
      {"answer_over", {over, more}},
  };
  for (const Case& c : cases) {
    std::vector<std::string> messages;
    for (const auto& m : c.messages) messages.push_back(m.SerializeAsString());
    const Answer answer = running_.Call("jangbu.v1.GuardService/WatchAnswer",
                                        running_.KeyOf(ledger::Role::kGateway), messages);
    EXPECT_EQ(answer.reason, c.reason) << answer.status.error_message();
  }
}

TEST_F(GuardedServer, AnAuditIsInTheLogAndAPartnerGetsItsOwnReport) {
  const std::string& compliance = running_.KeyOf(ledger::Role::kCompliance);
  v1::ReadTextsRequest read;
  read.set_upload_id(hanbit_);
  const Answer texts =
      running_.Call("jangbu.v1.AuditService/ReadTexts", compliance, {read.SerializeAsString()});
  ASSERT_EQ(texts.responses.size(), 2U) << texts.status.error_message();
  v1::ReadTextsResponse text;
  ASSERT_TRUE(text.ParseFromString(texts.responses[0]));
  EXPECT_EQ(text.text(), own_);
  EXPECT_THAT(running_.AccessLogText(),
              HasSubstr("\"method\":\"jangbu.v1.AuditService/ReadTexts\""));

  const std::string digest(AsView(Sha256("x")));
  const v1::ReportFiles all = FilesOf(digest, "{\"all\":1}\n", "<p></p>", "<p></p>");
  EXPECT_EQ(Call<v1::RecordAuditResponse>("jangbu.v1.AuditService/RecordAudit", compliance,
                                          AuditOf(digest, all))
                .audit(),
            1U);
  const auto audits = Call<v1::ListAuditsResponse>("jangbu.v1.AuditService/ListAudits", compliance,
                                                   v1::ListAuditsRequest());
  ASSERT_EQ(audits.audits_size(), 1);
  EXPECT_EQ(audits.audits(0).statement_sha256(), AsView(Sha256(all.statement())));

  v1::GiveReportRequest give;
  give.set_partner_id("hanbit");
  give.set_audit(1);
  *give.mutable_files() = FilesOf(digest, "{}\n", "<p>한빛</p>", "<p>hanbit</p>");
  EXPECT_EQ(
      Call<v1::GiveReportResponse>("jangbu.v1.AuditService/GiveReport", compliance, give).report(),
      1U);
  v1::GetReportRequest get;
  get.set_report(1);
  EXPECT_EQ(
      Call<v1::GetReportResponse>("jangbu.v1.AuditService/GetReport", running_.KeyOf("hanbit"), get)
          .files()
          .html_ko(),
      "<p>한빛</p>");
  // The other has none, and cannot ask for this one.
  EXPECT_EQ(Call<v1::ListReportsResponse>("jangbu.v1.AuditService/ListReports",
                                          running_.KeyOf("dolsan"), v1::ListReportsRequest())
                .reports_size(),
            0);
  EXPECT_EQ(running_
                .Call("jangbu.v1.AuditService/GetReport", running_.KeyOf("dolsan"),
                      {get.SerializeAsString()})
                .reason,
            "no_such_report");
  get.set_partner_id("hanbit");
  EXPECT_EQ(running_
                .Call("jangbu.v1.AuditService/GetReport", running_.KeyOf("dolsan"),
                      {get.SerializeAsString()})
                .reason,
            "no_such_partner");
  give.set_audit(2);
  EXPECT_EQ(
      running_.Call("jangbu.v1.AuditService/GiveReport", compliance, {give.SerializeAsString()})
          .reason,
      "no_such_audit");
}

// Nobody excuses leaks unseen: the allow-list that an audit or a report used stands in the access
// log, as its statement names it.
TEST_F(GuardedServer, TheAllowListOfAnAuditIsInTheAccessLog) {
  const std::string& compliance = running_.KeyOf(ledger::Role::kCompliance);
  const std::string digest(32, 'd');
  const std::string list = ToHex(Sha256("list"));
  const std::string other = ToHex(Sha256("another list"));
  const auto lines_with = [&](const std::string& method, const std::string& allow_list) {
    std::istringstream log(running_.AccessLogText());
    size_t n = 0;
    for (std::string line; std::getline(log, line);) {
      n += line.find("AuditService/" + method + "\"") != std::string::npos &&
                   line.find("\"allow_list_sha256\":\"" + allow_list + "\"") != std::string::npos
               ? 1
               : 0;
    }
    return n;
  };
  const v1::ReportFiles plain = FilesOf(digest, "{}", "<p></p>", "<p></p>");
  const v1::ReportFiles excused = FilesOf(digest, "{}", "<p></p>", "<p></p>", list);
  for (const v1::ReportFiles& files : {plain, excused}) {
    Call<v1::RecordAuditResponse>("jangbu.v1.AuditService/RecordAudit", compliance,
                                  AuditOf(digest, files));
  }
  EXPECT_EQ(lines_with("RecordAudit", ""), 1U);
  EXPECT_EQ(lines_with("RecordAudit", list), 1U);
  v1::GiveReportRequest give;
  give.set_partner_id("hanbit");
  give.set_audit(2);
  *give.mutable_files() = FilesOf(digest, "{}", "<p></p>", "<p></p>", other);
  Call<v1::GiveReportResponse>("jangbu.v1.AuditService/GiveReport", compliance, give);
  EXPECT_EQ(lines_with("GiveReport", other), 1U);
  // No other statement than the one that is entered.
  struct Case {
    const char* reason;
    v1::RecordAuditRequest request;
  };
  Case cases[] = {{"bad_statement", AuditOf(digest, excused)},
                  {"bad_statement", AuditOf(digest, excused)},
                  {"statement_of_another_audit", AuditOf(digest, excused)},
                  {"statement_of_another_audit", AuditOf(std::string(32, 'e'), excused)}};
  cases[0].request.clear_statement();
  cases[1].request.set_statement("allow-list " + list + "\n");
  cases[2].request.set_statement(plain.statement());
  for (const Case& c : cases) {
    EXPECT_EQ(
        running_
            .Call("jangbu.v1.AuditService/RecordAudit", compliance, {c.request.SerializeAsString()})
            .reason,
        c.reason);
  }
}

// Whatever a client hands in: what a partner is given shows nobody else through.
TEST_F(GuardedServer, AReportThatShowsAnotherPartnerIsNotGiven) {
  const std::string& compliance = running_.KeyOf(ledger::Role::kCompliance);
  const std::string digest = std::string(32, 'd');
  Call<v1::RecordAuditResponse>("jangbu.v1.AuditService/RecordAudit", compliance,
                                AuditOf(digest, FilesOf(digest, "{}", "<p></p>", "<p></p>")));

  const std::string other = theirs_.substr(0, 10 * 12);  // 36 syllables
  const std::string own = own_.substr(0, 10 * 30);
  const std::string tail = theirs_.substr(0, 10 * 5);  // 15 syllables
  const auto broken = [](const std::string& text) {    // after 11 words, within a letter's markup
    return text.substr(0, 110) + "<mark>" + text.substr(110) + "</mark>";
  };
  std::string escaped;
  for (size_t at = 0; at < other.size(); at += 10) {
    const std::string word = other.substr(at, 9);
    for (int k = 0; k < 3; ++k) {
      const auto byte = [&](int i) { return static_cast<uint8_t>(word[static_cast<size_t>(i)]); };
      const int cp =
          (byte(3 * k) & 15) << 12 | (byte(3 * k + 1) & 63) << 6 | (byte(3 * k + 2) & 63);
      char buffer[8];
      std::snprintf(buffer, sizeof(buffer), "\\u%04x", cp);
      escaped += buffer;
    }
  }
  const std::string say = "<p>한빛의 글: ";
  struct Case {
    const char* what;
    const char* reason;  // "": given
    std::string json, ko, en;
  };
  const Case cases[] = {
      {"its own text", "", "{\"a\":\"" + own + "\"}", say + own + "</p>", say + own + "</p>"},
      {"text that both gave", "", "{\"a\":\"" + shared_ + "\"}", say + shared_ + "</p>", "<p></p>"},
      {"24 code points of it", "", "{\"a\":\"" + other.substr(0, 80) + "\"}", "<p></p>", "<p></p>"},
      {"in JSON", "report_holds_others_text", "{\"a\":\"" + other + "\"}", "<p></p>", "<p></p>"},
      {"in JSON, as a key", "report_holds_others_text", "{\"" + other + "\":1}", "<p></p>",
       "<p></p>"},
      {"in JSON, escaped", "report_holds_others_text", "{\"a\":\"" + escaped + "\"}", "<p></p>",
       "<p></p>"},
      {"in Korean HTML", "report_holds_others_text", "{}", say + other + "</p>", "<p></p>"},
      {"in English HTML, marked", "report_holds_others_text", "{}", "<p></p>",
       say + broken(other) + "</p>"},
      {"in a comment", "report_holds_others_text", "{}", "<!-- " + other + " -->", "<p></p>"},
      {"after its own", "report_holds_others_text", "{}", say + own + " " + other + "</p>",
       "<p></p>"},
      {"a little after its own", "", "{}", say + own + " " + tail + "</p>", "<p></p>"},
      {"a name", "report_names_another_partner", "{\"a\":\"dolsan\"}", "<p></p>", "<p></p>"},
      {"a document's name", "report_names_another_partner", "{}", "<p>so (dolsan/u1#0:1)</p>",
       "<p></p>"},
      {"a word that begins so", "", "{\"a\":\"dolsaneun\"}", "<p>xdolsan/u1 dolsan/upper</p>",
       "<p></p>"},
  };
  uint32_t given = 0;
  for (const Case& c : cases) {
    v1::GiveReportRequest give;
    give.set_partner_id("hanbit");
    give.set_audit(1);
    *give.mutable_files() = FilesOf(digest, c.json, c.ko, c.en);
    const Answer answer =
        running_.Call("jangbu.v1.AuditService/GiveReport", compliance, {give.SerializeAsString()});
    EXPECT_EQ(answer.reason, c.reason) << c.what << ": " << answer.status.error_message();
    given += *c.reason == '\0' ? 1 : 0;
  }
  // The same text is its owner's to have; and a statement of something else is none.
  v1::GiveReportRequest give;
  give.set_partner_id("dolsan");
  give.set_audit(1);
  *give.mutable_files() = FilesOf(digest, "{\"a\":\"" + other + "\"}", "<p></p>", "<p></p>");
  Call<v1::GiveReportResponse>("jangbu.v1.AuditService/GiveReport", compliance, give);
  const std::string statement = give.files().statement();
  for (const std::string& wrong :
       {FilesOf(std::string(32, 'e'), give.files().json(), "<p></p>", "<p></p>").statement(),
        FilesOf(digest, "{}", "<p></p>", "<p></p>").statement(), statement + own_,
        statement + "\n" + own_ + "\n", std::string("?")}) {
    give.mutable_files()->set_statement(wrong);
    EXPECT_EQ(
        running_.Call("jangbu.v1.AuditService/GiveReport", compliance, {give.SerializeAsString()})
            .reason,
        "report_of_another_audit");
  }
  const auto signer = ledger::NoteSigner::Create("compliance.example", ledger::Ed25519Bytes{1});
  give.mutable_files()->set_statement(*ledger::SignNote(statement, *signer));
  Call<v1::GiveReportResponse>("jangbu.v1.AuditService/GiveReport", compliance, give);
  // Withdrawn, a text is still its owner's alone.
  v1::WithdrawRequest withdraw;
  withdraw.set_partner_id("dolsan");
  withdraw.set_subject(dolsan_);
  Call<v1::WithdrawResponse>("jangbu.v1.FinanceService/Withdraw", running_.KeyOf("dolsan"),
                             withdraw);
  give.set_partner_id("hanbit");
  *give.mutable_files() = FilesOf(digest, "{\"a\":\"" + theirs_ + "\"}", "<p></p>", "<p></p>");
  EXPECT_EQ(
      running_.Call("jangbu.v1.AuditService/GiveReport", compliance, {give.SerializeAsString()})
          .reason,
      "report_holds_others_text");
  EXPECT_EQ(Call<v1::ListReportsResponse>("jangbu.v1.AuditService/ListReports",
                                          running_.KeyOf("hanbit"), v1::ListReportsRequest())
                .reports_size(),
            static_cast<int>(given));
}

// A dossier as provenance compare writes it, as far as the server reads it.
std::string DossierOf(const std::string& answer) {
  return R"({"format":"jangbu-provenance-dossier","version":2,"request":{"subject":"s","reference":"r",)"
         R"("start":"","independents":[],"derived":[],"null_pairs":[],"logs":[],"checkpoints":[],)"
         R"("also":[],"manifest":"","lineage":"","seed":1},"verdict":{"answer":")" +
         answer + R"("},"subject":{"content_sha256":")" + ToHex(Sha256("s")) +
         R"("},"reference":{"content_sha256":")" + ToHex(Sha256("r")) + "\"}}\n";
}

TEST_F(GuardedServer, ADossierIsInTheLogAndItsReceiptSaysSoToAnybody) {
  const std::string& compliance = running_.KeyOf(ledger::Role::kCompliance);
  const std::string record_method = "jangbu.v1.AuditService/RecordDossier";
  const auto signer = ledger::NoteSigner::Create("compliance.example", ledger::Ed25519Bytes{1});
  ASSERT_TRUE(signer.ok());
  const auto note_of = [&](std::string_view json) {
    return *ledger::SignNote(audit::DossierNoteText(ToHex(Sha256(json))), *signer);
  };
  v1::RecordDossierRequest record;
  record.set_json(DossierOf("independent"));
  record.set_note(note_of(record.json()));
  const auto refused = [&](const std::string& key, const v1::RecordDossierRequest& request) {
    return running_.Call(record_method, key, {request.SerializeAsString()}).reason;
  };
  // Only compliance, only signed, only a dossier, and only once.
  EXPECT_EQ(refused(running_.KeyOf("hanbit"), record), "role_not_allowed");
  v1::RecordDossierRequest other = record;
  other.set_note(note_of(DossierOf("derived")));
  EXPECT_EQ(refused(compliance, other), "note_of_other_dossier");
  other.set_note("");
  EXPECT_NE(refused(compliance, other), "");
  other.set_json("{}");
  EXPECT_EQ(refused(compliance, other), "dossier_malformed");
  EXPECT_EQ(Call<v1::RecordDossierResponse>(record_method, compliance, record).dossier(), 1U);
  EXPECT_EQ(refused(compliance, record), "dossier_known");
  EXPECT_THAT(running_.AccessLogText(), HasSubstr("\"method\":\"" + record_method + "\""));

  const auto list = Call<v1::ListDossiersResponse>("jangbu.v1.AuditService/ListDossiers",
                                                   running_.KeyOf(ledger::Role::kOperator),
                                                   v1::ListDossiersRequest());
  ASSERT_EQ(list.dossiers_size(), 1);
  EXPECT_EQ(list.dossiers(0).answer(), v1::DOSSIER_ANSWER_INDEPENDENT);
  EXPECT_EQ(list.dossiers(0).signer(), "compliance.example");

  v1::GetDossierReceiptRequest get;
  get.set_dossier(1);
  const auto receipt = Call<v1::GetDossierReceiptResponse>(
      "jangbu.v1.AuditService/GetDossierReceipt", compliance, get);
  const auto head = Call<v1::GetCheckpointResponse>("jangbu.v1.LogService/GetCheckpoint",
                                                    compliance, v1::GetCheckpointRequest());
  const auto verifier = ledger::NoteVerifier::Parse(head.verifier_key());
  ASSERT_TRUE(verifier.ok());
  const auto opened = ledger::VerifyReceiptFile(receipt.receipt(), *verifier);
  ASSERT_TRUE(opened.ok()) << opened.status();
  ASSERT_EQ(opened->size(), 1U);
  EXPECT_EQ((*opened)[0].index, list.dossiers(0).entry());
  const auto entry = ledger::DecodeOwnPart((*opened)[0].own_part);
  ASSERT_TRUE(entry.ok());
  const auto& logged = std::get<ledger::DossierRecorded>(entry->body);
  EXPECT_EQ(logged.json_sha256, Sha256(record.json()));
  EXPECT_EQ(logged.note_sha256, Sha256(record.note()));
  EXPECT_EQ(logged.subject_sha256, Sha256("s"));
  EXPECT_EQ(logged.answer, ledger::DossierAnswer::kIndependent);
  get.set_dossier(2);
  EXPECT_EQ(
      running_
          .Call("jangbu.v1.AuditService/GetDossierReceipt", compliance, {get.SerializeAsString()})
          .reason,
      "no_such_dossier");
}

}  // namespace
}  // namespace jangbu::services::rpc
