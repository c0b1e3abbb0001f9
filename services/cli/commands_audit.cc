#include "services/cli/commands_audit.h"

#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <iostream>
#include <iterator>
#include <mutex>
#include <thread>

#include "audit/extraction/audit_run.h"
#include "audit/extraction/figures.h"
#include "audit/extraction/probe_plan.h"
#include "audit/extraction/report.h"
#include "audit/guard/stream_guard.h"
#include "base/bytes.h"
#include "ingest/tokens/token_counter.h"
#include "ledger/merkle/note.h"
#include "services/audit/allow_list.h"
#include "services/audit/audit_files.h"
#include "services/audit/audit_texts.h"
#include "services/audit/guard_proxy.h"
#include "services/audit/local_guard.h"
#include "services/audit/local_index.h"
#include "services/audit/openai_client.h"
#include "services/audit/previous_report.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"
#include "services/cli/server_guard.h"
#include "services/storage/system.h"

namespace jangbu::services::cli {
namespace {

#define JANGBU_MESSAGE(name, ko, en) \
  static_assert(sizeof(ko) > 1 && sizeof(en) > 1, "a message lacks a translation");
#include "services/cli/audit_messages.def"
#undef JANGBU_MESSAGE

struct AuditEntry {
  std::string_view ko, en;
};
constexpr AuditEntry kAuditCatalogue[] = {
#define JANGBU_MESSAGE(name, ko, en) {ko, en},
#include "services/cli/audit_messages.def"
#undef JANGBU_MESSAGE
};

std::string Words(const Console& console, AuditMsg message,
                  std::initializer_list<std::string_view> args = {}) {
  return Fill(Text(console.lang, message), args);
}
// As Console::Note and Console::Warn.
void Note(const Console& console, AuditMsg message,
          std::initializer_list<std::string_view> args = {}) {
  if (!console.quiet) console.err << Words(console, message, args) << '\n';
}
void Warn(const Console& console, AuditMsg message,
          std::initializer_list<std::string_view> args = {}) {
  const std::string text = Words(console, message, args);
  if (console.json) {
    console.err << JsonObject().Add("warning", text).Take() << '\n';
  } else {
    console.err << console.Words(Msg::kWarningPrefix) << text << '\n';
  }
}

using Align = Table::Align;

constexpr uint32_t kInfo = UINT32_MAX;  // the frame that says what was asked: no task has it

constexpr AuditMsg kOrigins[] = {AuditMsg::kControlHeldBack, AuditMsg::kControlAfterCutOff,
                                 AuditMsg::kControlHeldBack, AuditMsg::kControlSynthetic};
constexpr AuditMsg kControlMatches[] = {AuditMsg::kMatchAny, AuditMsg::kMatchPartner,
                                        AuditMsg::kMatchSource, AuditMsg::kMatchSourceType,
                                        AuditMsg::kMatchAny};

std::vector<std::string> ControlsJson(const audit::ProbePlan& plan) {
  std::vector<std::string> rows;
  for (const audit::ControlDraws& c : plan.controls) {
    rows.push_back(JsonObject()
                       .Add("origin", audit::NameOf(c.origin))
                       .Add("match", audit::NameOf(c.match))
                       .AddUnsigned("windows", c.draws)
                       .Take());
  }
  return rows;
}

// The same, naming the file.
Status OfFile(const std::string& path, const Status& status) {
  const std::string_view reason = ReasonOf(status);
  const std::string why(MessageOf(status).substr(reason.size() + 2));
  return MakeError(status.code(), reason, path + ": " + why);
}

struct Loaded {
  audit::ProbePlan plan;
  Digest digest{};
};

StatusOr<Loaded> LoadPlan(const std::string& path, const SecretKey& key) {
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, ReadPlanFile(path, key));
  Loaded loaded;
  auto plan = audit::DecodePlan(bytes);
  if (!plan.ok()) return OfFile(path, plan.status());
  loaded.plan = *std::move(plan);
  loaded.digest = audit::PlanDigest(bytes);
  return loaded;
}

struct Answers {
  std::vector<audit::AuditAnswer> answers;
  std::string model, endpoint;
};

StatusOr<Answers> SplitAnswers(const std::string& path, const std::vector<std::string>& frames) {
  Answers out;
  for (const std::string& frame : frames) {
    auto answer = audit::DecodeAnswer(frame);
    if (!answer.ok()) return OfFile(path, answer.status());
    if (answer->task == kInfo) {
      out.model = answer->text;
      out.endpoint = answer->finish;
    } else {
      out.answers.push_back(*std::move(answer));
    }
  }
  return out;
}

// Everything a report is made of.
struct Reports {
  audit::AuditFigures figures;
  std::string json, html_ko, html_en, statement;
  Digest plan{}, record{};
};

// Into `digest` goes that of the file: whose use of it is seen in the statement and on the server.
StatusOr<std::vector<audit::AllowedWording>> LoadAllowed(const AuditReportParams& params,
                                                         std::string& digest) {
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, ReadLocalFile(params.allow, size_t{64} << 20));
  digest = ToHex(Sha256(bytes));
  JANGBU_ASSIGN_OR_RETURN(const auto entries, ParseAllowList(bytes));
  std::vector<ledger::NoteVerifier> verifiers;
  for (const std::string& vkey : params.allow_vkeys) {
    JANGBU_ASSIGN_OR_RETURN(auto verifier, ledger::NoteVerifier::Parse(vkey));
    verifiers.push_back(std::move(verifier));
  }
  return AllowedWordings(entries, verifiers);
}

// The report of another audit, as its statement names it.
StatusOr<audit::PreviousAudit> LoadPrevious(const AuditReportParams& params) {
  JANGBU_ASSIGN_OR_RETURN(const std::string json,
                          ReadLocalFile(params.previous + "/report.json", size_t{1} << 30));
  JANGBU_ASSIGN_OR_RETURN(const std::string note,
                          ReadLocalFile(params.previous + "/report.note", size_t{1} << 20));
  JANGBU_ASSIGN_OR_RETURN(audit::PreviousAudit previous, ReadPreviousReport(json));
  if (note.find("\njson " + previous.sha256 + "\n") == std::string::npos) {
    return DataLoss("report_differs",
                    params.previous + "/report.json is not the file that its report.note names");
  }
  if (params.previous_vkey.empty()) return previous;
  JANGBU_ASSIGN_OR_RETURN(const auto verifier, ledger::NoteVerifier::Parse(params.previous_vkey));
  JANGBU_ASSIGN_OR_RETURN(const auto parsed, ledger::ParseNote(note));
  JANGBU_RETURN_IF_ERROR(ledger::VerifyNote(parsed, std::span(&verifier, 1)).status());
  return previous;
}

StatusOr<Reports> MakeReports(const AuditReportParams& params) {
  OsRandom random;
  JANGBU_ASSIGN_OR_RETURN(const SecretKey key, AuditSecret(params.secret, false, random));
  JANGBU_ASSIGN_OR_RETURN(const Loaded loaded, LoadPlan(params.plan, key));
  Digest record_digest{};
  JANGBU_ASSIGN_OR_RETURN(const auto frames,
                          ReadAuditRecord(params.record, loaded.digest, key, &record_digest));
  JANGBU_ASSIGN_OR_RETURN(const Answers answers, SplitAnswers(params.record, frames));
  audit::FigureOptions options;
  options.releases = params.releases;
  options.quota = params.quota;
  options.only_partner = params.partner;
  options.model = answers.model;
  options.endpoint = answers.endpoint;
  if (params.fail_over > 0) options.policy_threshold = params.fail_over;
  if (!params.allow.empty()) {
    JANGBU_ASSIGN_OR_RETURN(options.allowed, LoadAllowed(params, options.allow_list));
  }
  if (!params.previous.empty()) {
    JANGBU_ASSIGN_OR_RETURN(options.previous, LoadPrevious(params));
  }
  Reports reports;
  JANGBU_ASSIGN_OR_RETURN(reports.figures, audit::ComputeFigures(loaded.plan, ToHex(loaded.digest),
                                                                 answers.answers, options));
  const audit::ReportHead head{params.title, params.made_at};
  reports.json = audit::ReportJson(reports.figures, head);
  reports.html_ko = audit::ReportHtml(reports.figures, head, audit::ReportLanguage::kKorean);
  reports.html_en = audit::ReportHtml(reports.figures, head, audit::ReportLanguage::kEnglish);
  reports.plan = loaded.digest;
  reports.record = record_digest;
  reports.statement =
      audit::ReportStatement(ToHex(loaded.digest), ToHex(record_digest), options.allow_list,
                             reports.json, reports.html_ko, reports.html_en);
  return reports;
}

// The texts of a plan: what was committed after the cut-off is a control and not in the frame.
StatusOr<std::vector<audit::AuditText>> TextsOfPlan(const AuditPlanParams& params) {
  std::vector<audit::AuditText> texts;
  if (params.trained_until.empty()) {
    for (const std::string& file : params.corpus) {
      JANGBU_ASSIGN_OR_RETURN(auto more, ReadAuditTexts(file, audit::TextRole::kContributed));
      texts.insert(texts.end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
    }
  } else {
    JANGBU_ASSIGN_OR_RETURN(const int64_t cut_off, ParseTime(params.trained_until));
    for (const std::string& file : params.corpus) {
      JANGBU_ASSIGN_OR_RETURN(auto dated, ReadDatedTexts(file));
      for (DatedText& d : dated) {
        const auto at = ParseTime(d.committed_at);
        if (!at.ok()) {
          return InvalidArgument("bad_committed_at",
                                 file + ": the text " + d.text.id +
                                     " does not say when it was committed (\"committed_at\"); "
                                     "`jangbu audit texts` writes it");
        }
        if (*at > cut_off) {
          d.text.role = audit::TextRole::kControl;
          d.text.origin = audit::ControlOrigin::kAfterCutOff;
        }
        texts.push_back(std::move(d.text));
      }
    }
  }
  const auto controls = [&](const std::vector<std::string>& files,
                            audit::ControlOrigin origin) -> Status {
    for (const std::string& file : files) {
      JANGBU_ASSIGN_OR_RETURN(auto more, ReadAuditTexts(file, audit::TextRole::kControl));
      for (audit::AuditText& text : more) {
        text.origin = origin;
        texts.push_back(std::move(text));
      }
    }
    return OkStatus();
  };
  JANGBU_RETURN_IF_ERROR(controls(params.control, audit::ControlOrigin::kHeldBack));
  JANGBU_RETURN_IF_ERROR(controls(params.synthetic, audit::ControlOrigin::kSynthetic));
  return texts;
}

std::atomic<bool> interrupted{false};
void OnSignal(int) { interrupted = true; }

void WatchSignals() {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

std::string_view Text(Lang lang, AuditMsg message) {
  const AuditEntry& entry = kAuditCatalogue[static_cast<size_t>(message)];
  return lang == Lang::kKo ? entry.ko : entry.en;
}

ExitCode FailOfFile(const Console& console, const Status& status) {
  const std::string_view reason = ReasonOf(status);
  const auto say = [&](AuditMsg message) {
    console.err << "jangbu: " << Words(console, message, {ForTerminal(MessageOf(status))}) << '\n';
  };
  if (!console.json && reason == "wrong_secret_or_damaged") {
    say(AuditMsg::kErrorAuditSecret);
  } else if (!console.json && reason == "file_missing") {
    say(AuditMsg::kErrorAuditFileMissing);
  } else if (!console.json && absl::IsDataLoss(status) && reason != "report_differs") {
    say(AuditMsg::kErrorAuditFile);
  } else {
    console.Fail(status);
  }
  return ExitCode::kUsage;
}

StatusOr<MadeReports> MakeAuditReports(const AuditReportParams& params) {
  JANGBU_ASSIGN_OR_RETURN(Reports reports, MakeReports(params));
  return MadeReports{reports.statement,     reports.json, reports.html_ko, reports.html_en,
                     reports.figures.model, reports.plan, reports.record};
}

ExitCode AuditPlan(Session& session, const AuditPlanParams& params) {
  const Console& console = session.console();
  OsRandom random;
  auto secret = AuditSecret(params.secret, true, random);
  if (!secret.ok()) return FailOfFile(console, secret.status());
  audit::PlanOptions options;
  options.seed = params.seed;
  options.windows = params.windows;
  options.control_windows = params.control_windows;
  options.attacks = params.attacks;
  options.samples = params.samples;
  options.logprobs = !params.no_logprobs;
  StatusOr<audit::ProbePlan> plan = audit::ProbePlan();
  if (!params.given.empty()) {
    std::vector<audit::GivenProbe> given;
    for (const std::string& file : params.given) {
      auto more = ReadGivenProbes(file);
      if (!more.ok()) return FailOfFile(console, more.status());
      given.insert(given.end(), std::make_move_iterator(more->begin()),
                   std::make_move_iterator(more->end()));
    }
    options.tokenizer = "given";
    plan = audit::MakeGivenPlan(std::move(given), options);
  } else {
    const auto bytes = ReadLocalFile(params.tokenizer, ingest::Tokenizer::kFileBytesMax);
    if (!bytes.ok()) return FailOfFile(console, bytes.status());
    const auto tokenizer = ingest::Tokenizer::Load(*bytes);
    if (!tokenizer.ok()) return FailOfFile(console, tokenizer.status());
    ingest::TokenCounter counter(*tokenizer);
    options.tokenizer =
        std::string((*tokenizer)->algorithm()) + " " + ToHex((*tokenizer)->file_sha256());
    options.trained_until = params.trained_until;
    options.canary_references = params.canary_references;
    auto texts = TextsOfPlan(params);
    if (!texts.ok()) return FailOfFile(console, texts.status());
    std::vector<audit::Canary> canaries;
    if (!params.canaries.empty()) {
      auto registry = ReadCanaryFile(params.canaries, *secret);
      if (!registry.ok()) return FailOfFile(console, registry.status());
      canaries = *std::move(registry);
    }
    plan = audit::MakePlan(
        *std::move(texts), options, [&](std::string_view text) { return counter.CountText(text); },
        canaries);
  }
  if (!plan.ok()) return FailOfFile(console, plan.status());
  const std::string encoded = audit::EncodePlan(*plan);
  const Status written = WritePlanFile(params.out, encoded, *secret, random);
  if (!written.ok()) return FailOfFile(console, written);
  const uint64_t tasks = audit::TasksOf(*plan).size();
  if (console.json) {
    console.out << JsonObject()
                       .Add("plan", ToHex(audit::PlanDigest(encoded)))
                       .AddUnsigned("windows", plan->windows.size())
                       .AddUnsigned("probes", plan->probes.size())
                       .AddUnsigned("questions", tasks)
                       .AddRaw("controls", JsonArray(ControlsJson(*plan)))
                       .AddUnsigned("control_windows_left_out", plan->control_runs)
                       .AddUnsigned("canaries_unplaced", plan->canaries_unplaced)
                       .AddUnsigned("canaries_withdrawn", plan->canaries_withdrawn)
                       .Take()
                << '\n';
    return ExitCode::kOk;
  }
  Table table({{console.Words(Msg::kColPartner)},
               {Words(console, AuditMsg::kColAuditDocuments), Align::kRight},
               {Words(console, AuditMsg::kColAuditFrame), Align::kRight},
               {Words(console, AuditMsg::kColAuditDrawn), Align::kRight},
               {Words(console, AuditMsg::kColAuditUpperIfNone), Align::kRight}});
  size_t partners = 0;
  for (const auto& f : plan->frames) partners += f.role == audit::TextRole::kContributed ? 1 : 0;
  for (const audit::FrameSize& f : plan->frames) {
    const auto power = audit::PlannedPower(
        f.drawn, 0.05 / static_cast<double>(std::max<size_t>(1, partners)), 0.001, 0.001);
    table.Row({f.role == audit::TextRole::kControl ? Words(console, AuditMsg::kAuditControl)
                                                   : ForTerminal(f.partner),
               GroupedUnsigned(f.documents), GroupedUnsigned(f.windows), GroupedUnsigned(f.drawn),
               audit::PercentText(power.upper_if_none)});
  }
  console.out << table.Render();
  if (plan->controls.empty()) {
    Warn(console, AuditMsg::kAuditNoControl);
  } else {
    Table controls({{Words(console, AuditMsg::kColControlOrigin)},
                    {Words(console, AuditMsg::kColControlMatch)},
                    {Words(console, AuditMsg::kColAuditDrawn), Align::kRight}});
    for (const audit::ControlDraws& c : plan->controls) {
      controls.Row({Words(console, kOrigins[static_cast<size_t>(c.origin)]),
                    Words(console, kControlMatches[static_cast<size_t>(c.match)]),
                    GroupedUnsigned(c.draws)});
    }
    console.out << '\n' << controls.Render();
  }
  if (plan->canaries_unplaced > 0) {
    Warn(console, AuditMsg::kCanariesUnplaced, {GroupedUnsigned(plan->canaries_unplaced)});
  }
  Note(console, AuditMsg::kAuditPlanMade, {params.out, GroupedUnsigned(tasks)});
  return ExitCode::kOk;
}

ExitCode AuditRun(Session& session, const AuditRunParams& params) {
  const Console& console = session.console();
  OsRandom random;
  auto secret = AuditSecret(params.secret, false, random);
  if (!secret.ok()) return FailOfFile(console, secret.status());
  const auto loaded = LoadPlan(params.plan, *secret);
  if (!loaded.ok()) return FailOfFile(console, loaded.status());
  auto record = AuditRecord::Open(params.record, loaded->digest, secret->Copy(), random);
  if (!record.ok()) return FailOfFile(console, record.status());
  const auto before = SplitAnswers(params.record, record->frames());
  if (!before.ok()) return FailOfFile(console, before.status());
  OpenAiOptions options;
  options.url = params.endpoint;
  options.model = params.model;
  options.stream = params.stream;
  options.requests_per_second = params.rate;
  options.max_requests = params.max_requests;
  options.limits.max_tokens = params.max_tokens;
  options.limits.max_won = params.max_won;
  options.limits.prompt_won = params.prompt_won;
  options.limits.completion_won = params.answer_won;
  options.http.ca_file = params.ca;
  if (!params.api_key_file.empty()) {
    auto key = ReadLocalFile(params.api_key_file, 4096);
    if (!key.ok()) return FailOfFile(console, key.status());
    while (key->ends_with('\n')) key->pop_back();
    options.api_key = *key;
  }
  OpenAiClient client(std::move(options));
  const auto back_off = [](int attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(30'000, 100 << attempt)));
  };
  StatusOr<audit::ModelCapabilities> can = audit::ModelCapabilities();
  for (uint32_t attempt = 1;; ++attempt) {
    can = client.Probe();
    if (can.ok() || can.status().code() != absl::StatusCode::kUnavailable ||
        attempt >= params.attempts) {
      break;
    }
    back_off(static_cast<int>(attempt));
  }
  if (!can.ok()) return console.Fail(can.status());
  if (before->endpoint.empty()) {
    audit::AuditAnswer info;
    info.task = kInfo;
    info.text = can->model;
    info.finish = can->describe();
    const Status kept = record->Append(audit::EncodeAnswer(info));
    if (!kept.ok()) return FailOfFile(console, kept);
  } else if (before->model != can->model) {
    console.Fail(FailedPrecondition("other_model", "the record is of " + before->model +
                                                       ", the endpoint serves " + can->model));
    return ExitCode::kRefused;
  }
  WatchSignals();
  audit::RunOptions run;
  run.concurrency = static_cast<int>(params.concurrency);
  run.attempts = static_cast<int>(params.attempts);
  run.back_off = back_off;
  run.stop = &interrupted;
  auto last = std::chrono::steady_clock::now();
  run.progress = [&](uint64_t done, uint64_t all) {
    const auto now = std::chrono::steady_clock::now();
    if (console.quiet || console.json || (done != all && now - last < std::chrono::seconds(1))) {
      return;
    }
    last = now;
    console.err << (console.err_is_terminal ? "\r" : "")
                << Words(console, AuditMsg::kAuditProgress,
                         {GroupedUnsigned(done), GroupedUnsigned(all)})
                << (console.err_is_terminal && done != all ? "" : "\n") << std::flush;
  };
  const auto asked = audit::RunAudit(loaded->plan, before->answers, client, run,
                                     [&](std::string_view frame) { return record->Append(frame); });
  if (!asked.ok()) {
    console.Fail(asked.status());
    return interrupted ? ExitCode::kInterrupted : ExitCodeOf(asked.status());
  }
  if (console.json) {
    console.out << JsonObject()
                       .AddUnsigned("asked", *asked)
                       .AddUnsigned("http_requests", client.requests())
                       .AddUnsigned("tokens", client.tokens())
                       .AddUnsigned("won", client.won())
                       .Add("model", can->model)
                       .Add("endpoint", can->describe())
                       .Take()
                << '\n';
  } else {
    Note(console, AuditMsg::kAuditRunDone,
         {GroupedUnsigned(*asked), GroupedUnsigned(client.requests())});
    Note(console, AuditMsg::kAuditRunCost,
         {GroupedUnsigned(client.tokens()), GroupedUnsigned(client.won())});
  }
  return ExitCode::kOk;
}

ExitCode AuditReport(Session& session, const AuditReportParams& params) {
  const Console& console = session.console();
  const auto reports = MakeReports(params);
  if (!reports.ok()) return FailOfFile(console, reports.status());
  std::string note;
  if (!params.sign_key.empty()) {
    OsRandom random;
    const auto seed = AuditSecret(params.sign_key, true, random);
    if (!seed.ok()) return FailOfFile(console, seed.status());
    ledger::Ed25519Bytes bytes{};
    std::copy_n(reinterpret_cast<const uint8_t*>(seed->bytes().data()), bytes.size(),
                bytes.begin());
    const auto signer = ledger::NoteSigner::Create("jangbu-audit", bytes);
    if (!signer.ok()) return FailOfFile(console, signer.status());
    auto signed_note = ledger::SignNote(reports->statement, *signer);
    if (!signed_note.ok()) return FailOfFile(console, signed_note.status());
    note = *signed_note;
    Note(console, AuditMsg::kAuditVkey, {signer->verifier().Vkey()});
  }
  if (::mkdir(params.dir.c_str(), 0700) != 0 && errno != EEXIST) {
    return FailOfFile(console, InvalidArgument("path_unwritable", "cannot make " + params.dir));
  }
  const std::pair<const char*, const std::string*> files[] = {
      {"/report.json", &reports->json},
      {"/report.ko.html", &reports->html_ko},
      {"/report.en.html", &reports->html_en},
      {"/report.note", note.empty() ? &reports->statement : &note}};
  for (const auto& [name, bytes] : files) {
    const Status written = WriteLocalFile(params.dir + name, *bytes, true);
    if (!written.ok()) return FailOfFile(console, written);
  }
  const audit::AuditFigures& f = reports->figures;
  if (console.json) {
    console.out << reports->json;
  } else {
    Table table({{console.Words(Msg::kColPartner)},
                 {Words(console, AuditMsg::kColAuditDrawn), Align::kRight},
                 {Words(console, AuditMsg::kColAuditHits), Align::kRight},
                 {Words(console, AuditMsg::kColAuditRate), Align::kRight},
                 {Words(console, AuditMsg::kColAuditUpper), Align::kRight}});
    const auto row = [&](const audit::PartnerFigures& p, const std::string& name) {
      const double rate =
          p.exact.n == 0 ? 0 : static_cast<double>(p.exact.hits) / static_cast<double>(p.exact.n);
      table.Row({name, GroupedUnsigned(p.exact.n), GroupedUnsigned(p.exact.hits),
                 audit::PercentText(rate), audit::PercentText(p.high)});
    };
    for (const auto& p : f.partners) row(p, ForTerminal(p.partner));
    if (f.has_control) row(f.control, Words(console, AuditMsg::kAuditControl));
    console.out << table.Render();
    if (f.comparison.has_value()) {
      Table changes({{console.Words(Msg::kColPartner)},
                     {Words(console, AuditMsg::kColAuditUpperThen), Align::kRight},
                     {Words(console, AuditMsg::kColAuditUpper), Align::kRight},
                     {Words(console, AuditMsg::kColAuditChange), Align::kRight},
                     {Words(console, AuditMsg::kColAuditJudgement)}});
      for (const audit::PartnerChange& p : f.comparison->partners) {
        const AuditMsg judgement = p.change.low > 0    ? AuditMsg::kAuditMore
                                   : p.change.high < 0 ? AuditMsg::kAuditLess
                                                       : AuditMsg::kAuditWithinChance;
        changes.Row({ForTerminal(p.partner), audit::PercentText(p.high_then),
                     audit::PercentText(p.high_now),
                     audit::PercentText(p.change.low) + " – " + audit::PercentText(p.change.high),
                     Words(console, judgement)});
      }
      console.out << '\n' << changes.Render();
      for (const std::string& name : f.comparison->unlike) {
        Warn(console, AuditMsg::kAuditUnlike, {name});
      }
    }
    for (const audit::AllowedFigure& a : f.allowed) {
      if (a.partners == 1)
        Warn(console, AuditMsg::kAllowOneHolder, {ForTerminal(a.wording.reason)});
    }
    Note(console, AuditMsg::kAuditReportMade,
         {params.dir, audit::PercentText(f.overall.rate), audit::PercentText(f.overall.high)});
  }
  if (params.fail_over >= 0 && f.overall.high > params.fail_over) {
    Warn(console, AuditMsg::kAuditOver,
         {audit::PercentText(f.overall.high), audit::PercentText(params.fail_over)});
    return ExitCode::kRefused;
  }
  return ExitCode::kOk;
}

ExitCode AuditVerify(Session& session, const AuditReportParams& params) {
  const Console& console = session.console();
  const auto reports = MakeReports(params);
  if (!reports.ok()) return FailOfFile(console, reports.status());
  const std::pair<const char*, const std::string*> files[] = {
      {"/report.json", &reports->json},
      {"/report.ko.html", &reports->html_ko},
      {"/report.en.html", &reports->html_en}};
  for (const auto& [name, want] : files) {
    const auto have = ReadLocalFile(params.dir + name, size_t{1} << 30);
    if (!have.ok()) return FailOfFile(console, have.status());
    if (*have != *want) {
      console.Fail(
          DataLoss("report_differs", params.dir + name + " is not what the raw record gives"));
      return ExitCode::kRefused;
    }
  }
  const auto note = ReadLocalFile(params.dir + "/report.note", size_t{1} << 20);
  if (!note.ok()) return FailOfFile(console, note.status());
  bool is_signed = false;
  if (!params.vkey.empty()) {
    const auto verifier = ledger::NoteVerifier::Parse(params.vkey);
    if (!verifier.ok()) return FailOfFile(console, verifier.status());
    const auto parsed = ledger::ParseNote(*note);
    if (!parsed.ok()) return FailOfFile(console, parsed.status());
    const auto who = ledger::VerifyNote(*parsed, std::span(&*verifier, 1));
    if (!who.ok()) {
      console.Fail(who.status());
      return ExitCode::kRefused;
    }
    is_signed = true;
  }
  if (!note->starts_with(reports->statement)) {
    console.Fail(DataLoss("report_differs", "the statement is not of this plan and record"));
    return ExitCode::kRefused;
  }
  if (console.json) {
    console.out << JsonObject().AddBool("verified", true).AddBool("signed", is_signed).Take()
                << '\n';
  } else {
    Note(console, is_signed ? AuditMsg::kAuditVerified : AuditMsg::kAuditVerifiedUnsigned,
         {params.dir});
  }
  return ExitCode::kOk;
}

ExitCode AuditAttacks(Session& session) {
  const Console& console = session.console();
  Table table(
      {{Words(console, AuditMsg::kColAuditAttack)}, {Words(console, AuditMsg::kColAuditSource)}});
  for (const audit::Attack& attack : audit::AttackCatalogue()) {
    if (console.json) {
      console.out << JsonObject()
                         .Add("id", attack.id)
                         .Add("system", attack.system)
                         .Add("wording", attack.wording)
                         .Add("source", attack.source)
                         .Add("catalogue", audit::kCatalogueVersion)
                         .Take()
                  << '\n';
    }
    table.Row({std::string(attack.id), std::string(attack.source)});
  }
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode GuardCheck(Session& session, const GuardParams& params) {
  const Console& console = session.console();
  OsRandom random;
  const auto mode = ParseGuardMode(params.mode);
  if (!mode.ok()) return FailOfFile(console, mode.status());
  const auto local = LocalIndex::Load(params.corpus, random);
  if (!local.ok()) return FailOfFile(console, local.status());
  audit::GuardOptions options;
  options.mode = *mode;
  options.user_message = params.message;
  audit::StreamGuard guard((*local)->index(), options);
  bool found = false;
  const auto take = [&](const audit::GuardAnswer& answer) {
    if (!console.json) console.out << answer.release;
    for (const audit::GuardFinding& f : answer.findings) {
      found = true;
      if (console.json) {
        std::vector<std::string> holders;
        for (const auto& h : f.holders) holders.push_back(JsonString((*local)->NameOf(h)));
        console.out << JsonObject()
                           .Add("begin", f.begin)
                           .Add("end", f.end)
                           .Add("document", (*local)->NameOf(f.document))
                           .AddRaw("holders", JsonArray(holders))
                           .Take()
                    << '\n';
      }
    }
  };
  std::string piece(4096, '\0');
  while (std::cin.read(piece.data(), static_cast<std::streamsize>(piece.size())) ||
         std::cin.gcount() > 0) {
    const auto answer =
        guard.Push(std::string_view(piece).substr(0, static_cast<size_t>(std::cin.gcount())));
    if (!answer.ok()) return FailOfFile(console, answer.status());
    take(*answer);
  }
  const auto answer = guard.Finish();
  if (!answer.ok()) return FailOfFile(console, answer.status());
  take(*answer);
  if (found) Warn(console, AuditMsg::kGuardFound);
  return found ? ExitCode::kRefused : ExitCode::kOk;
}

namespace {

// Says why answers cannot be judged, at most once in ten seconds: what breaks breaks for every
// request.
class Trouble {
 public:
  explicit Trouble(const Console& console) : console_(console) {}
  void Tell(const Status& why) {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (told_ && now - last_ < std::chrono::seconds(10)) return;
    told_ = true;
    last_ = now;
    Warn(console_, AuditMsg::kGuardTrouble, {std::string(why.message())});
  }

 private:
  const Console& console_;
  std::mutex mutex_;
  bool told_ = false;
  std::chrono::steady_clock::time_point last_;
};

constexpr std::chrono::milliseconds kGuardPatience{10'000};

}  // namespace

ExitCode GuardProxyServe(Session& session, const GuardParams& params) {
  const Console& console = session.console();
  const auto mode = ParseGuardMode(params.mode);
  if (!mode.ok()) return FailOfFile(console, mode.status());
  const size_t colon = params.listen.rfind(':');
  int port = -1;
  if (colon != std::string::npos) {
    const std::string digits = params.listen.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), port);
  }
  if (port < 0 || port > 65535) {
    return FailOfFile(console, InvalidArgument("bad_listen", params.listen + " is not HOST:PORT"));
  }
  GuardProxyOptions options;
  options.upstream = params.upstream;
  options.http.ca_file = params.upstream_ca;
  options.listen_host = params.listen.substr(0, colon);
  options.listen_port = port;
  options.mode = *mode;

  OsRandom random;
  SystemClock clock;
  std::mutex mutex;  // of console.out
  std::unique_ptr<LocalIndex> local;
  audit::ExposureLedger exposures;
  if (params.corpus.empty()) {
    const auto connection = session.Connect();
    if (!connection.ok()) return console.Fail(connection.status());
    options.guards =
        GuardByServer(**connection, kGuardPatience, [&](uint64_t entry, const std::string& model) {
          const std::lock_guard lock(mutex);
          console.out << JsonObject()
                             .Add("at", UtcTime(clock.Now().micros))
                             .AddUnsigned("incident", entry)
                             .Add("mode", services::NameOf(*mode))
                             .Add("model", model)
                             .Take()
                      << std::endl;
        });
    // A server that is not there, or a key that may not ask, is told now and not to every client.
    const auto tried = options.guards({.key = "", .model = "", .user_message = "", .mode = *mode});
    if (!tried.ok()) return console.Fail(tried.status());
    if (const auto ended = (*tried)->Finish(); !ended.ok()) return console.Fail(ended.status());
  } else {
    auto loaded = LocalIndex::Load(params.corpus, random);
    if (!loaded.ok()) return FailOfFile(console, loaded.status());
    local = *std::move(loaded);
    LocalGuardOptions guard;
    guard.clock = &clock;
    guard.exposures = params.no_budget ? nullptr : &exposures;
    guard.secret.resize(32);
    random.Fill(reinterpret_cast<uint8_t*>(guard.secret.data()), guard.secret.size());
    guard.index = [&local] { return local->index(); };
    guard.incident = [&](const GuardIncident& i) {
      std::vector<std::string> holders;
      for (const auto& h : i.holders) holders.push_back(JsonString(local->NameOf(h)));
      const std::lock_guard lock(mutex);
      console.out << JsonObject()
                         .Add("at", UtcTime(clock.Now().micros))
                         .Add("kind", i.kind)
                         .Add("mode", services::NameOf(i.mode))
                         .Add("model", i.model)
                         .Add("key", i.key)
                         .Add("run", i.finding_mac)
                         .Add("begin", i.begin)
                         .Add("end", i.end)
                         .AddRaw("holders", JsonArray(holders))
                         .Take()
                  << std::endl;
    };
    options.guards = GuardLocally(std::move(guard));
  }
  Trouble trouble(console);
  options.trouble = [&trouble](const Status& why) { trouble.Tell(why); };
  auto proxy = GuardProxy::Start(std::move(options));
  if (!proxy.ok()) return FailOfFile(console, proxy.status());
  const std::string listening =
      params.listen.substr(0, colon) + ":" + std::to_string((*proxy)->port());
  if (local != nullptr) {
    Note(console, AuditMsg::kGuardServing,
         {listening, params.upstream, GroupedUnsigned(local->documents()),
          GroupedUnsigned(local->too_short())});
    Warn(console, AuditMsg::kGuardOfFiles);
  } else {
    Note(console, AuditMsg::kGuardServingByServer,
         {listening, params.upstream, session.settings().server});
  }
  WatchSignals();
  while (!interrupted) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto counts = (*proxy)->counts();
  Note(console, AuditMsg::kGuardStopped,
       {GroupedUnsigned(counts.answers), GroupedUnsigned(counts.stopped)});
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
