#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <thread>

#include "audit/provenance/dossier.h"
#include "audit/provenance/examination.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "ledger/entry.h"
#include "ledger/merkle/note.h"
#include "ledger/merkle/receipt.h"
#include "services/cli/commands.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"

namespace jangbu::services::cli {
namespace {

using Align = Table::Align;

audit::DossierLang LangOf(const Console& console) {
  return console.lang == Lang::kKo ? audit::DossierLang::kKo : audit::DossierLang::kEn;
}

ExitCode FailLocal(const Console& console, const Status& status) {
  console.Fail(status);
  return ExitCodeOf(status) == ExitCode::kNotFound || ReasonOf(status) == "interrupted"
             ? ExitCodeOf(status)
             : ExitCode::kUsage;
}

std::string Fixed(double x, int digits) {
  std::string text(32, '\0');
  text.resize(static_cast<size_t>(
      std::snprintf(text.data(), text.size(), "%.*f", digits, std::isfinite(x) ? x : 0.0)));
  return text;
}

// One line that says how far it is; at most ten times a second.
class ScanMeter {
 public:
  explicit ScanMeter(const Console& console) : console_(console) {}
  ~ScanMeter() {
    if (drawn_) console_.err << "\r\x1b[K" << std::flush;
  }
  void operator()(std::string_view stage, uint64_t done, uint64_t total) {
    if (console_.quiet || console_.json || !console_.err_is_terminal) return;
    std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (drawn_ && stage == stage_ && now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    stage_ = std::string(stage);
    drawn_ = true;
    console_.err << "\r\x1b[K" << stage_;
    if (total > 1) console_.err << ' ' << Percent(done, total);
    console_.err << std::flush;
  }

 private:
  const Console& console_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point last_;
  std::string stage_;
  bool drawn_ = false;
};

unsigned ThreadsOr(uint64_t asked) {
  if (asked > 0) return static_cast<unsigned>(std::min<uint64_t>(asked, 256));
  return std::max(1u, std::thread::hardware_concurrency());
}

void ShowFigure(const Console& console, Table& table, Msg name, const audit::Figure& f,
                const audit::Scale& scale) {
  if (!f.known) return;
  table.Row({console.Words(name), Fixed(f.effect, 3), scale.known ? Fixed(scale.null_max, 3) : "-",
             scale.known ? Fixed(scale.independent_upto, 3) : "-",
             scale.known ? Fixed(scale.derived_from, 3) : "-"});
}

void Show(const Console& console, const audit::Examination& e) {
  const audit::DossierLang lang = LangOf(console);
  console.out << audit::AnswerInWords(e.verdict.answer, lang) << '\n';
  for (const std::string& ground : audit::GroundsInWords(e.verdict, lang))
    console.out << "  - " << ForTerminal(ground) << '\n';
  Table table({{console.Words(Msg::kProvenanceTest)},
               {console.Words(Msg::kColValue), Align::kRight},
               {console.Words(Msg::kProvenanceNullMax), Align::kRight},
               {console.Words(Msg::kProvenanceUnrelatedUpto), Align::kRight},
               {console.Words(Msg::kProvenanceDerivedFrom), Align::kRight}});
  ShowFigure(console, table, Msg::kProvenanceNeurons, e.likeness.neurons, e.verdict.neurons);
  if (!e.partial_layers.empty()) {
    table.Row({console.Words(Msg::kProvenancePartial), Fixed(e.partial_neurons, 3), "", "", ""});
  }
  if (e.likeness.learnt_known) {
    table.Row({console.Words(Msg::kProvenanceLearnt), Fixed(e.likeness.learnt, 3), "", "",
               e.verdict.learnt_from > 0 ? Fixed(e.verdict.learnt_from, 3) : "-"});
  }
  ShowFigure(console, table, Msg::kProvenanceHeads, e.likeness.heads, e.verdict.heads);
  ShowFigure(console, table, Msg::kProvenanceEntries, e.likeness.entries, e.verdict.entries);
  if (!e.gains.empty()) {
    table.Row({console.Words(Msg::kProvenanceGains), Fixed(e.gains_pearson, 3), "", "", ""});
    table.Row({console.Words(Msg::kProvenanceGainsCosine),
               Fixed(e.gains_cosine, 3) + " (" + Fixed(e.gains_shuffled, 3) + ")", "", "", ""});
  }
  console.out << '\n' << table.Render();
  for (const audit::LogReport& log : e.logs) {
    for (const audit::Finding& finding : log.figures.findings)
      console.out << "  " << ForTerminal(log.label) << ": "
                  << ForTerminal(audit::FindingInWords(finding, lang)) << '\n';
  }
  for (const audit::Finding& finding : e.data_findings)
    console.out << "  " << ForTerminal(audit::FindingInWords(finding, lang)) << '\n';
  for (const audit::Finding& finding : e.findings)
    console.out << "  " << ForTerminal(audit::FindingInWords(finding, lang)) << '\n';
}

Status SignDossier(const std::string& key_file, const std::string& sha256, std::string& note) {
  JANGBU_ASSIGN_OR_RETURN(std::string skey, ReadLocalFile(key_file, 4096));
  while (!skey.empty() && (skey.back() == '\n' || skey.back() == '\r')) skey.pop_back();
  JANGBU_ASSIGN_OR_RETURN(const ledger::NoteSigner signer, ledger::NoteSigner::Parse(skey));
  JANGBU_ASSIGN_OR_RETURN(note, ledger::SignNote(audit::DossierNoteText(sha256), signer));
  return OkStatus();
}

}  // namespace

ExitCode ProvenanceInspect(Session& session, const std::string& path) {
  const Console& console = session.console();
  const auto model = audit::Model::Open(path);
  if (!model.ok()) return FailLocal(console, model.status());
  const audit::Model& m = **model;
  audit::ScanOptions options;
  options.threads = ThreadsOr(0);
  ScanMeter meter(console);
  std::atomic<uint64_t> done{0};
  options.progress = [&](uint64_t bytes) { meter("scan", done += bytes, m.bytes()); };
  const auto content = audit::ScanModel(m, options);
  if (!content.ok()) return FailLocal(console, content.status());
  const auto untrained = audit::IsUntrained(m);
  if (!untrained.ok()) return FailLocal(console, untrained.status());
  const audit::ModelConfig& config = m.config();
  if (console.json) {
    console.out << JsonObject()
                       .Add("model", path)
                       .Add("format", m.gguf() ? "gguf" : "safetensors")
                       .AddUnsigned("files", m.files().size())
                       .AddUnsigned("tensors", m.tensors().size())
                       .AddUnsigned("weights", m.elements())
                       .AddUnsigned("bytes", m.bytes())
                       .Add("model_type", config.model_type)
                       .AddUnsigned("layers", config.layers)
                       .AddUnsigned("width", config.hidden)
                       .AddUnsigned("heads", config.heads)
                       .AddUnsigned("kv_heads", config.kv_heads)
                       .AddUnsigned("vocabulary", config.vocab)
                       .AddBool("untrained", *untrained)
                       .Add("tokenizer", m.tokenizer().path)
                       .Add("content_sha256", ToHex(*content))
                       .Take()
                << '\n';
    return ExitCode::kOk;
  }
  Table table({{console.Words(Msg::kColWhat)}, {console.Words(Msg::kColValue)}});
  table.Row({console.Words(Msg::kProvenanceFormat), std::string(m.gguf() ? "GGUF" : "safetensors") +
                                                        " × " + GroupedUnsigned(m.files().size())});
  table.Row({console.Words(Msg::kProvenanceModelType), ForTerminal(config.model_type)});
  table.Row({console.Words(Msg::kProvenanceWeights), GroupedUnsigned(m.elements())});
  table.Row({console.Words(Msg::kProvenanceShape),
             GroupedUnsigned(config.layers) + " × " + GroupedUnsigned(config.hidden) + ", " +
                 GroupedUnsigned(config.heads) + "/" + GroupedUnsigned(config.kv_heads) + ", " +
                 GroupedUnsigned(config.vocab)});
  table.Row(
      {console.Words(Msg::kProvenanceUntrained), console.Words(*untrained ? Msg::kYes : Msg::kNo)});
  table.Row({console.Words(Msg::kProvenanceContent), ToHex(*content)});
  console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode ProvenanceCompare(Session& session, const ProvenanceParams& params) {
  const Console& console = session.console();
  audit::Request request;
  request.subject = params.subject;
  request.reference = params.reference;
  request.start = params.start;
  request.independents = params.independents;
  request.derived = params.derived;
  request.logs = params.logs;
  request.checkpoints = params.checkpoints;
  request.also = params.also;
  request.manifest = params.manifest;
  request.lineage = params.lineage;
  request.seed = params.seed;
  if (params.null_pairs.size() % 2 != 0) {
    return FailLocal(console,
                     InvalidArgument("null_pair_incomplete", "--null-pair takes two models"));
  }
  for (size_t i = 0; i < params.null_pairs.size(); i += 2)
    request.null_pairs.emplace_back(params.null_pairs[i], params.null_pairs[i + 1]);
  audit::Running running;
  running.threads = ThreadsOr(params.threads);
  running.state_path = params.state;
  auto examination = [&] {
    ScanMeter meter(console);
    running.progress = [&](std::string_view stage, uint64_t done, uint64_t total) {
      meter(stage, done, total);
    };
    return audit::Examine(request, running);
  }();
  if (!examination.ok()) return FailLocal(console, examination.status());

  const std::string json = audit::DossierJson(*examination);
  const std::string sha256 = ToHex(Sha256(json));
  if (!params.out_prefix.empty()) {
    std::string note, signer;
    if (!params.sign_key.empty()) {
      if (Status status = SignDossier(params.sign_key, sha256, note); !status.ok())
        return FailLocal(console, status);
      const auto parsed = ledger::ParseNote(note);
      if (parsed.ok() && !parsed->signatures.empty()) signer = parsed->signatures[0].name;
    }
    const auto write = [&](const char* suffix, std::string_view bytes) {
      return WriteLocalFile(params.out_prefix + suffix, bytes, false);
    };
    Status status = write(".json", json);
    if (status.ok())
      status = write(".ko.html",
                     audit::DossierHtml(*examination, audit::DossierLang::kKo, sha256, signer));
    if (status.ok())
      status = write(".en.html",
                     audit::DossierHtml(*examination, audit::DossierLang::kEn, sha256, signer));
    if (status.ok() && !note.empty()) status = write(".sig", note);
    if (!status.ok()) return FailLocal(console, status);
    console.Note(Msg::kProvenanceWritten, {params.out_prefix});
  }
  if (!params.state.empty()) ::unlink(params.state.c_str());
  if (console.json) {
    console.out << json;
  } else {
    Show(console, *examination);
  }
  return ExitCode::kOk;
}

namespace {

// The note beside a dossier.
std::string NoteFileOf(std::string file) {
  if (file.ends_with(".json")) file.resize(file.size() - 5);
  return file + ".sig";
}

Status CheckSignature(const std::string& file, const std::string& sha256, const std::string& vkey) {
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, ReadLocalFile(NoteFileOf(file), 1 << 16));
  JANGBU_ASSIGN_OR_RETURN(const ledger::NoteVerifier verifier, ledger::NoteVerifier::Parse(vkey));
  JANGBU_ASSIGN_OR_RETURN(const ledger::Note note, ledger::ParseNote(bytes));
  JANGBU_RETURN_IF_ERROR(ledger::VerifyNote(note, {&verifier, 1}).status());
  if (note.text != audit::DossierNoteText(sha256))
    return DataLoss("dossier_changed", "\"" + file + "\" is not the file that was signed");
  return OkStatus();
}

// That the log holds this dossier; when it was entered.
StatusOr<Timestamp> CheckLogged(const ProvenanceVerifyParams& params, std::string_view json,
                                const audit::DossierFacts& facts) {
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes,
                          ReadLocalFile(params.receipt, ledger::kMaxReceiptBytes));
  JANGBU_ASSIGN_OR_RETURN(const ledger::NoteVerifier log,
                          ledger::NoteVerifier::Parse(params.log_vkey));
  JANGBU_ASSIGN_OR_RETURN(const auto opened, ledger::VerifyReceiptFile(bytes, log));
  const auto other = [&](const std::string& what) {
    return DataLoss("receipt_of_other_dossier", "\"" + params.receipt + "\" " + what);
  };
  if (opened.size() != 1) return other("is not the receipt of one entry");
  JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry,
                          ledger::DecodeOwnPart(opened.front().own_part));
  const auto* const logged = std::get_if<ledger::DossierRecorded>(&entry.body);
  if (logged == nullptr) return other("is the receipt of something else than a dossier");
  if (logged->json_sha256 != Sha256(json))
    return other("is of the dossier with SHA-256 " + ToHex(logged->json_sha256));
  static constexpr std::string_view kAnswers[] = {"", "derived", "independent", "inconclusive"};
  if (kAnswers[static_cast<size_t>(logged->answer)] != facts.answer ||
      logged->subject_sha256 != facts.subject || logged->reference_sha256 != facts.reference) {
    return other("says another verdict or other models than the dossier");
  }
  if (const auto note = ReadLocalFile(NoteFileOf(params.file), 1 << 16);
      note.ok() && Sha256(*note) != logged->note_sha256) {
    return other("is of another signature than the one beside the dossier");
  }
  return entry.at;
}

// That the log holds what a lineage says of each declared upload.
Status CheckLineage(const std::string& file, const std::string& log_vkey) {
  JANGBU_ASSIGN_OR_RETURN(const std::string json, ReadLocalFile(file, audit::kLineageMax));
  JANGBU_ASSIGN_OR_RETURN(const audit::Lineage lineage, audit::ReadLineage(file, json));
  JANGBU_ASSIGN_OR_RETURN(const ledger::NoteVerifier log, ledger::NoteVerifier::Parse(log_vkey));
  for (const audit::LineageUpload& upload : lineage.uploads) {
    const auto differs = [&](const std::string& what) {
      return DataLoss("lineage_differs",
                      "\"" + file + "\", upload " + upload.id.substr(0, 200) + ": " + what);
    };
    if (upload.receipt.empty()) {
      if (upload.state != "done") continue;
      return differs("it has no receipt");
    }
    JANGBU_ASSIGN_OR_RETURN(const ledger::OpenedReceipt opened,
                            ledger::VerifyReceipt(upload.receipt, log));
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, ledger::DecodeOwnPart(opened.own_part));
    const auto* const done = std::get_if<ledger::UploadDone>(&entry.body);
    if (done == nullptr || entry.partner + "/u" + std::to_string(done->upload) != upload.id)
      return differs("its receipt is of another entry");
    const ledger::Counts& counts = done->counts;
    if (static_cast<uint64_t>(counts.words) != upload.words ||
        static_cast<uint64_t>(counts.documents) != upload.documents ||
        static_cast<uint64_t>(counts.accepted) != upload.accepted ||
        static_cast<uint64_t>(counts.tokens) != upload.tokens) {
      return differs("the log says " + std::to_string(counts.words) + " words in " +
                     std::to_string(counts.accepted) + " of " + std::to_string(counts.documents) +
                     " documents");
    }
  }
  return OkStatus();
}

}  // namespace

ExitCode ProvenanceVerify(Session& session, const ProvenanceVerifyParams& params) {
  const Console& console = session.console();
  const auto json = ReadLocalFile(params.file, audit::kDossierBytesMax);
  if (!json.ok()) return FailLocal(console, json.status());
  const std::string sha256 = ToHex(Sha256(*json));
  const auto facts = audit::ReadDossier(params.file, *json);
  if (!facts.ok()) return FailLocal(console, facts.status());
  const auto refused = [&](const Status& status) {
    // A file that is not there is a wrong path; everything else failed to verify.
    if (ExitCodeOf(status) == ExitCode::kNotFound) return FailLocal(console, status);
    console.Fail(status);
    return ExitCode::kRefused;
  };
  if (!params.receipt.empty() && params.log_vkey.empty()) {
    return FailLocal(console, InvalidArgument("log_vkey_needed",
                                              "a receipt is believed only with the log's key; give "
                                              "--log-vkey (jangbu log checkpoint shows it)"));
  }
  if (!params.vkey.empty()) {
    if (const Status status = CheckSignature(params.file, sha256, params.vkey); !status.ok())
      return refused(status);
  }
  std::string logged_at;
  if (!params.receipt.empty()) {
    const auto at = CheckLogged(params, *json, *facts);
    if (!at.ok()) return refused(at.status());
    logged_at = UtcTime(at->micros);
  }
  const bool lineage = !params.log_vkey.empty() && !facts->request.lineage.empty();
  if (lineage) {
    if (const Status status = CheckLineage(facts->request.lineage, params.log_vkey); !status.ok())
      return refused(status);
  }
  audit::Running running;
  running.threads = ThreadsOr(params.threads);
  auto examination = [&] {
    ScanMeter meter(console);
    running.progress = [&](std::string_view stage, uint64_t done, uint64_t total) {
      meter(stage, done, total);
    };
    return audit::Examine(facts->request, running);
  }();
  if (!examination.ok()) return FailLocal(console, examination.status());
  const std::string again = audit::DossierJson(*examination);
  if (again != *json) {
    const auto differ = std::mismatch(again.begin(), again.end(), json->begin(), json->end());
    const auto at = static_cast<size_t>(differ.first - again.begin());
    const size_t from = at < 60 ? 0 : at - 60;
    return console.Fail(DataLoss("dossier_differs", "computed again, \"" + params.file +
                                                        "\" differs at byte " + std::to_string(at) +
                                                        ": ..." + again.substr(from, 100)));
  }
  if (console.json) {
    console.out << JsonObject()
                       .Add("dossier", params.file)
                       .Add("sha256", sha256)
                       .AddBool("signature", !params.vkey.empty())
                       .Add("logged_at", logged_at)
                       .AddBool("lineage", lineage)
                       .AddBool("recomputed", true)
                       .Add("answer", audit::NameOf(examination->verdict.answer))
                       .Take()
                << '\n';
    return ExitCode::kOk;
  }
  const auto yes = [&](bool is) { return std::string(console.Words(is ? Msg::kYes : Msg::kNo)); };
  console.out << console.Words(Msg::kProvenanceVerified,
                               {params.file, yes(!params.vkey.empty()),
                                logged_at.empty() ? yes(false) : logged_at, yes(lineage)})
              << '\n'
              << audit::AnswerInWords(examination->verdict.answer, LangOf(console)) << '\n';
  return ExitCode::kOk;
}

ExitCode ProvenanceKey(Session& session, const std::string& name, const std::string& out_file) {
  const Console& console = session.console();
  ledger::Ed25519Bytes seed{};
  if (::getentropy(seed.data(), seed.size()) != 0)
    return FailLocal(console, Unavailable("no_randomness", "the system gives no random bytes"));
  const auto signer = ledger::NoteSigner::Create(name, seed);
  if (!signer.ok()) return FailLocal(console, signer.status());
  if (Status status = WriteLocalFile(out_file, signer->Skey() + "\n", true); !status.ok())
    return FailLocal(console, status);
  console.out << signer->verifier().Vkey() << '\n';
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
