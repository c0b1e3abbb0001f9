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
#include "ledger/merkle/note.h"
#include "services/cli/commands.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"

namespace jangbu::services::cli {
namespace {

using Align = Table::Align;

constexpr size_t kDossierMax = size_t{256} << 20;

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
             scale.known ? Fixed(scale.positive_min, 3) : "-"});
}

void Show(const Console& console, const audit::Examination& e) {
  const audit::DossierLang lang = LangOf(console);
  console.out << audit::AnswerInWords(e.verdict.answer, lang) << '\n';
  for (const std::string& ground : audit::GroundsInWords(e.verdict, lang))
    console.out << "  - " << ForTerminal(ground) << '\n';
  Table table({{console.Words(Msg::kProvenanceTest)},
               {console.Words(Msg::kColValue), Align::kRight},
               {console.Words(Msg::kProvenanceNullMax), Align::kRight},
               {console.Words(Msg::kProvenancePositiveMin), Align::kRight}});
  ShowFigure(console, table, Msg::kProvenanceNeurons, e.likeness.neurons, e.verdict.neurons);
  if (!e.partial_layers.empty()) {
    table.Row({console.Words(Msg::kProvenancePartial), Fixed(e.partial_neurons, 3), "", ""});
  }
  ShowFigure(console, table, Msg::kProvenanceHeads, e.likeness.heads, e.verdict.heads);
  ShowFigure(console, table, Msg::kProvenanceEntries, e.likeness.entries, e.verdict.entries);
  if (!e.gains.empty()) {
    table.Row({console.Words(Msg::kProvenanceGains), Fixed(e.gains_pearson, 3), "", ""});
    table.Row({console.Words(Msg::kProvenanceGainsCosine),
               Fixed(e.gains_cosine, 3) + " (" + Fixed(e.gains_shuffled, 3) + ")", "", ""});
  }
  console.out << '\n' << table.Render();
  for (const audit::LogReport& log : e.logs) {
    for (const audit::Finding& finding : log.figures.findings)
      console.out << "  " << ForTerminal(log.label) << ": "
                  << ForTerminal(audit::FindingInWords(finding, lang)) << '\n';
  }
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

ExitCode ProvenanceVerify(Session& session, const std::string& file, const std::string& vkey,
                          uint64_t threads) {
  const Console& console = session.console();
  const auto json = ReadLocalFile(file, kDossierMax);
  if (!json.ok()) return FailLocal(console, json.status());
  const std::string sha256 = ToHex(Sha256(*json));
  if (!vkey.empty()) {
    std::string note_file = file;
    if (note_file.ends_with(".json")) note_file.resize(note_file.size() - 5);
    note_file += ".sig";
    const auto bytes = ReadLocalFile(note_file, 1 << 16);
    if (!bytes.ok()) return FailLocal(console, bytes.status());
    const auto verifier = ledger::NoteVerifier::Parse(vkey);
    if (!verifier.ok()) return FailLocal(console, verifier.status());
    const auto note = ledger::ParseNote(*bytes);
    if (!note.ok()) return console.Fail(note.status());
    const auto verified = ledger::VerifyNote(*note, {&*verifier, 1});
    if (!verified.ok()) return console.Fail(verified.status());
    if (note->text != audit::DossierNoteText(sha256)) {
      return console.Fail(
          DataLoss("dossier_changed", "\"" + file + "\" is not the file that was signed"));
    }
  }
  const auto request = audit::RequestOfDossier(file, *json);
  if (!request.ok()) return FailLocal(console, request.status());
  audit::Running running;
  running.threads = ThreadsOr(threads);
  auto examination = [&] {
    ScanMeter meter(console);
    running.progress = [&](std::string_view stage, uint64_t done, uint64_t total) {
      meter(stage, done, total);
    };
    return audit::Examine(*request, running);
  }();
  if (!examination.ok()) return FailLocal(console, examination.status());
  const std::string again = audit::DossierJson(*examination);
  if (again != *json) {
    const auto differ = std::mismatch(again.begin(), again.end(), json->begin(), json->end());
    const auto at = static_cast<size_t>(differ.first - again.begin());
    const size_t from = at < 60 ? 0 : at - 60;
    return console.Fail(DataLoss("dossier_differs", "computed again, \"" + file +
                                                        "\" differs at byte " + std::to_string(at) +
                                                        ": ..." + again.substr(from, 100)));
  }
  if (console.json) {
    console.out << JsonObject()
                       .Add("dossier", file)
                       .Add("sha256", sha256)
                       .AddBool("signature", !vkey.empty())
                       .AddBool("recomputed", true)
                       .Add("answer", audit::NameOf(examination->verdict.answer))
                       .Take()
                << '\n';
    return ExitCode::kOk;
  }
  console.out << console.Words(
                     Msg::kProvenanceVerified,
                     {file, std::string(console.Words(vkey.empty() ? Msg::kNo : Msg::kYes))})
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
