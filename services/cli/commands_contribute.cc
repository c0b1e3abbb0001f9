#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>

#include "jangbu/v1/contribute.grpc.pb.h"
#include "jangbu/v1/ledger.grpc.pb.h"
#include "services/cli/ask.h"
#include "services/cli/commands.h"
#include "services/cli/connection.h"
#include "services/cli/display.h"
#include "services/cli/file_walk.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"
#include "services/cli/progress.h"
#include "services/cli/reason_words.h"
#include "services/cli/trial_client.h"
#include "services/cli/upload_client.h"
#include "services/cli/views.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;
using Stub = v1::ContributeService::Stub;
using Align = Table::Align;
using Steady = std::chrono::steady_clock;

constexpr size_t kNamedSkips = 20;
constexpr size_t kNamedRejections = 20;

// Shows the progress of an upload on `console.err`: a line that is redrawn at most ten times a
// second on a terminal, otherwise a line every few seconds.
class ProgressScreen : public UploadObserver {
 public:
  ProgressScreen(const Console& console, uint64_t files, uint64_t bytes)
      : console_(console), shown_(!console.quiet) {
    state_.total_files = files;
    state_.total_bytes = bytes;
    if (shown_) painter_ = std::thread([this] { Paint(); });
  }
  ~ProgressScreen() override { Stop(); }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
      stop_ = true;
      wake_.notify_all();
    }
    if (painter_.joinable()) painter_.join();
    if (shown_ && console_.err_is_terminal) console_.err << "\r\033[K" << std::flush;
  }

  void Opened(const std::string& upload_id, uint64_t resumed_bytes) override {
    const std::lock_guard lock(mutex_);
    state_.phase = ProgressState::Phase::kSending;
    state_.sent_bytes = resumed_bytes;
    if (resumed_bytes > 0) {
      Line(
          console_.Words(Msg::kUploadResumed, {ForTerminal(upload_id), HumanBytes(resumed_bytes)}));
    } else {
      Line(console_.Words(Msg::kUploadOpened, {ForTerminal(upload_id)}));
    }
  }
  void Sent(uint64_t acknowledged_bytes, uint64_t complete_files) override {
    const std::lock_guard lock(mutex_);
    if (acknowledged_bytes > state_.sent_bytes) state_.trouble.clear();
    state_.sent_bytes = acknowledged_bytes;
    state_.sent_files = complete_files;
  }
  void Sealed() override {
    const std::lock_guard lock(mutex_);
    state_.phase = ProgressState::Phase::kProcessing;
    state_.sent_bytes = state_.total_bytes;
    state_.sent_files = state_.total_files;
    state_.trouble.clear();
    rate_ = RateMeter();
  }
  void Processed(const v1::Upload& upload) override {
    const std::lock_guard lock(mutex_);
    if (upload.counts().documents() > state_.documents) state_.trouble.clear();
    state_.processed_bytes = static_cast<uint64_t>(upload.processed_bytes());
    state_.documents = upload.counts().documents();
  }
  void Tried(const v1::TrialProgress& progress) {
    const std::lock_guard lock(mutex_);
    state_.phase = ProgressState::Phase::kSending;
    state_.sent_bytes = static_cast<uint64_t>(progress.bytes());
    state_.sent_files = static_cast<uint64_t>(progress.files());
    state_.processed_bytes = state_.sent_bytes;
    state_.documents = progress.documents();
  }
  void Retrying(const Status& why, std::chrono::milliseconds delay) override {
    const std::lock_guard lock(mutex_);
    const bool first = state_.trouble.empty();
    state_.trouble = console_.Words(Msg::kRetryIn, {DescribeError(console_.lang, why),
                                                    HumanSeconds((delay.count() + 999) / 1000)});
    if (first && !console_.err_is_terminal) Line(ProgressLogLine(state_, 0, console_.lang));
  }
  void FileRestarted(const LocalFile& file, const std::string& reason) override {
    const std::lock_guard lock(mutex_);
    Line(console_.Words(Msg::kFileRestarted, {ForTerminal(file.open_path), reason}));
  }

 private:
  // A line that stays. REQUIRES: mutex_ held.
  void Line(const std::string& text) {
    if (!shown_) return;
    console_.err << (console_.err_is_terminal ? "\r\033[K" : "") << text << '\n' << std::flush;
  }

  void Paint() {
    const auto started = Steady::now();
    const auto period =
        console_.err_is_terminal ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, period, [&] { return stop_; })) {
      const auto now_ms =
          std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - started).count();
      rate_.Observe(now_ms, state_.phase == ProgressState::Phase::kProcessing
                                ? state_.processed_bytes
                                : state_.sent_bytes);
      if (console_.err_is_terminal) {
        console_.err << '\r'
                     << ProgressBarLine(state_, rate_.BytesPerSecond(), console_.columns,
                                        console_.lang)
                     << "\033[K" << std::flush;
      } else {
        console_.err << ProgressLogLine(state_, rate_.BytesPerSecond(), console_.lang) << '\n'
                     << std::flush;
      }
    }
  }

  const Console& console_;
  const bool shown_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  ProgressState state_;
  RateMeter rate_;
  bool stop_ = false;
  std::thread painter_;
};

// Ctrl-C during an upload says how to go on. The message is made before, because a handler may only
// write.
std::string interrupt_message;  // NOLINT: read by the signal handler
extern "C" void SayHowToGoOn(int) {
  const ssize_t ignored =
      ::write(STDERR_FILENO, interrupt_message.data(), interrupt_message.size());
  static_cast<void>(ignored);
  ::_exit(static_cast<int>(ExitCode::kInterrupted));
}

class InterruptNotice {
 public:
  explicit InterruptNotice(const Console& console) {
    interrupt_message = "\n" + console.Words(Msg::kInterrupted) + "\n";
    struct sigaction action {};
    action.sa_handler = SayHowToGoOn;
    ::sigaction(SIGINT, &action, &before_);
  }
  ~InterruptNotice() { ::sigaction(SIGINT, &before_, nullptr); }
  InterruptNotice(const InterruptNotice&) = delete;
  InterruptNotice& operator=(const InterruptNotice&) = delete;

 private:
  struct sigaction before_ {};
};

void TellSkipped(const Console& console, const std::vector<SkippedFile>& skipped) {
  for (size_t i = 0; i < std::min(skipped.size(), kNamedSkips); ++i) {
    Msg why = Msg::kSkippedUnreadable;
    switch (skipped[i].why) {
      case SkippedFile::Why::kSymlink:
        why = Msg::kSkippedSymlink;
        break;
      case SkippedFile::Why::kSpecial:
        why = Msg::kSkippedSpecial;
        break;
      case SkippedFile::Why::kNameTooLong:
        why = Msg::kSkippedNameTooLong;
        break;
      case SkippedFile::Why::kUnreadable:
        break;
    }
    console.Warn(why, {ForTerminal(skipped[i].open_path)});
  }
  if (skipped.size() > kNamedSkips)
    console.Warn(Msg::kMoreSkipped, {GroupedUnsigned(skipped.size() - kNamedSkips)});
}

// What is counted of documents, after a rule.
void CountRows(const Console& console, const v1::Counts& c, Table& table) {
  table.Rule();
  table.Row({console.Words(Msg::kColDocuments), Grouped(c.documents())});
  table.Row({"  " + console.Words(Msg::kVerdictAccepted), Grouped(c.accepted())});
  table.Row({"  " + console.Words(Msg::kVerdictExact), Grouped(c.exact_duplicate())});
  table.Row({"  " + console.Words(Msg::kVerdictNear), Grouped(c.near_duplicate())});
  table.Row({"  " + console.Words(Msg::kVerdictRejected), Grouped(c.rejected())});
  table.Rule();
  table.Row({console.Words(Msg::kColWords), Grouped(c.words())});
  table.Row({console.Words(Msg::kColSyllables), Grouped(c.syllables())});
  table.Row({console.Words(Msg::kColChars), Grouped(c.chars())});
  table.Row({console.Words(Msg::kColTokens), Grouped(c.tokens())});
  table.Row({console.Words(Msg::kColKoreanWords), Grouped(c.korean_words())});
  table.Row({console.Words(Msg::kColKoreanTokens), Grouped(c.korean_tokens())});
  table.Rule();
  table.Row({console.Words(Msg::kColNovelWords), Grouped(c.novel_korean_words())});
  table.Row({console.Words(Msg::kColNovelTokens), Grouped(c.novel_korean_tokens())});
}

void ShowUpload(const Console& console, const v1::Upload& upload) {
  const v1::Counts& c = upload.counts();
  Table table({{console.Words(Msg::kColUpload)}, {ForTerminal(upload.upload_id()), Align::kRight}});
  table.Row({console.Words(Msg::kColState), StateWords(console.lang, upload.state())});
  table.Row({console.Words(Msg::kColCorpus), ForTerminal(upload.corpus_id())});
  table.Row({console.Words(Msg::kColFiles), Grouped(upload.files())});
  table.Row({console.Words(Msg::kColBytes), Grouped(upload.bytes())});
  if (upload.state() == v1::UPLOAD_STATE_OPEN || upload.state() == v1::UPLOAD_STATE_SEALED) {
    table.Row(
        {console.Words(Msg::kColProcessed), Percent(static_cast<uint64_t>(upload.processed_bytes()),
                                                    static_cast<uint64_t>(upload.bytes()))});
  }
  CountRows(console, c, table);
  console.out << table.Render();
}

// Rejected documents: how many for what reason, and the first of them by name.
struct Rejections {
  std::map<std::string, int64_t> by_reason;
  std::vector<v1::DocumentVerdict> first;

  void Add(const v1::DocumentVerdict& verdict) {
    ++by_reason[verdict.reason()];
    if (first.size() < kNamedRejections) first.push_back(verdict);
  }
  void Show(const Console& console) const {
    if (first.empty()) return;
    console.out << '\n' << console.Words(Msg::kRejectionsTitle) << '\n';
    for (const auto& [reason, count] : by_reason) {
      console.out << "  " << Grouped(count) << "  " << RejectionWords(console.lang, reason) << '\n';
    }
    console.out << '\n';
    for (const auto& verdict : first) {
      console.out << "  " << ForTerminal(verdict.file());
      if (verdict.record() > 0) console.out << ':' << verdict.record();
      console.out << "  " << ForTerminal(verdict.reason());
      if (!verdict.detail().empty()) console.out << " (" << ForTerminal(verdict.detail()) << ')';
      console.out << '\n';
    }
  }
};

Status ShowRejections(Session& session, const v1::Upload& upload) {
  const Console& console = session.console();
  JANGBU_ASSIGN_OR_RETURN(Connection* const connection, session.Connect());
  const auto stub = v1::ContributeService::NewStub(connection->channel());
  grpc::ClientContext context;
  connection->Prepare(context);
  v1::ListVerdictsRequest request;
  request.set_upload_id(upload.upload_id());
  request.add_verdicts(v1::VERDICT_REJECTED);
  auto stream = stub->ListVerdicts(&context, request);
  v1::ListVerdictsResponse response;
  Rejections rejections;
  while (stream->Read(&response)) rejections.Add(response.verdict());
  JANGBU_RETURN_IF_ERROR(FromGrpc(stream->Finish()));
  rejections.Show(console);
  const auto named = static_cast<int64_t>(rejections.first.size());
  if (named > 0 && upload.counts().rejected() > named) {
    console.out << "  "
                << console.Words(Msg::kMoreRejections, {Grouped(upload.counts().rejected() - named),
                                                        ForTerminal(upload.upload_id())})
                << '\n';
  }
  return OkStatus();
}

bool IsLocalTrouble(const Status& status) {
  const std::string_view reason = ReasonOf(status);
  return reason == "file_unreadable" || reason == "file_changed";
}

}  // namespace

ExitCode CorpusAdd(Session& session, const CorpusAddParams& params) {
  const Console& console = session.console();
  const auto type = ParseSourceType(params.source_type);
  if (!type.ok()) {
    console.Fail(type.status());
    return ExitCode::kUsage;
  }
  const auto personal_data = ParsePersonalData(params.personal_data);
  if (!personal_data.ok()) {
    console.Fail(personal_data.status());
    return ExitCode::kUsage;
  }
  v1::CreateCorpusRequest request;
  request.set_partner_id(params.partner);
  request.set_title(params.title);
  request.set_source_type(*type);
  request.set_rights(params.rights);
  request.set_licence(params.licence);
  request.set_personal_data(*personal_data);
  request.set_legal_basis(params.legal_basis);
  request.set_encoding(params.encoding);
  request.set_text_column(params.text_column);
  request.set_xml_text_path(params.xml_path);
  request.set_pua(params.pua);
  request.set_quality(params.quality);
  const auto response = Ask<v1::ContributeService>(session, &Stub::CreateCorpus, request);
  if (!response.ok()) return console.Fail(response.status());
  const v1::Corpus& corpus = response->corpus();
  if (console.json) {
    console.out << CorpusJson(corpus) << '\n';
  } else {
    console.out << ForTerminal(corpus.corpus_id()) << '\n';
    console.Note(Msg::kCorpusAdded, {ForTerminal(corpus.title()), ForTerminal(corpus.corpus_id())});
  }
  return ExitCode::kOk;
}

ExitCode CorpusList(Session& session, const std::string& partner) {
  const Console& console = session.console();
  v1::ListCorporaRequest request;
  request.set_partner_id(partner);
  const auto response = Ask<v1::ContributeService>(session, &Stub::ListCorpora, request);
  if (!response.ok()) return console.Fail(response.status());
  Table table({{console.Words(Msg::kColCorpus)},
               {console.Words(Msg::kColType)},
               {console.Words(Msg::kColTitle)},
               {console.Words(Msg::kColRights)},
               {console.Words(Msg::kColPersonalData)},
               {console.Words(Msg::kColSince)}});
  for (const auto& corpus : response->corpora()) {
    if (console.json) {
      console.out << CorpusJson(corpus) << '\n';
      continue;
    }
    table.Row({ForTerminal(corpus.corpus_id()), SourceTypeWords(console.lang, corpus.source_type()),
               Shorten(ForTerminal(corpus.title()), 40), Shorten(ForTerminal(corpus.rights()), 30),
               PersonalDataWords(console.lang, corpus.personal_data()),
               KstTime(corpus.created_at_micros())});
  }
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

namespace {

bool SomeUnreadable(const WalkResult& walked) {
  return std::any_of(walked.skipped.begin(), walked.skipped.end(), [](const SkippedFile& file) {
    return file.why == SkippedFile::Why::kUnreadable || file.why == SkippedFile::Why::kNameTooLong;
  });
}

void ShowTrial(const Console& console, const std::string& corpus, const v1::TrialOutcome& outcome) {
  Table table({{console.Words(Msg::kColTrial)}, {ForTerminal(corpus), Align::kRight}});
  table.Row({console.Words(Msg::kColFiles), Grouped(outcome.files())});
  table.Row({console.Words(Msg::kColBytes), Grouped(outcome.bytes())});
  CountRows(console, outcome.counts(), table);
  table.Rule();
  table.Row({console.Words(outcome.member() ? Msg::kTrialEarns : Msg::kTrialPending),
             Grouped(outcome.api_tokens())});
  console.out << table.Render();
}

// What the files would come to; nothing of them stays on the server.
ExitCode TryUpload(Session& session, Connection& connection, const UploadParams& params,
                   const WalkResult& walked) {
  const Console& console = session.console();
  Rejections rejections;
  StatusOr<v1::TrialOutcome> outcome = Unavailable("not_run", "");
  {
    ProgressScreen screen(console, walked.files.size(), walked.bytes);
    TrialListener listener;
    listener.progress = [&](const v1::TrialProgress& progress) { screen.Tried(progress); };
    listener.verdict = [&](const v1::DocumentVerdict& verdict) {
      if (console.json) {
        console.out << VerdictJson(verdict) << '\n';
      } else {
        rejections.Add(verdict);
      }
    };
    TrialOptions options;
    options.rejected_only = !console.json;
    outcome = RunTrial(connection, params.corpus, walked.files, options, listener);
  }
  if (!outcome.ok()) {
    const ExitCode code = console.Fail(outcome.status());
    return IsLocalTrouble(outcome.status()) ? ExitCode::kUsage : code;
  }
  if (console.json) {
    console.out << TrialJson(params.corpus, *outcome) << '\n';
  } else {
    ShowTrial(console, params.corpus, *outcome);
    rejections.Show(console);
    const auto named = static_cast<int64_t>(rejections.first.size());
    if (outcome->counts().rejected() > named) {
      console.out << "  "
                  << console.Words(Msg::kMoreTrialRejections,
                                   {Grouped(outcome->counts().rejected() - named)})
                  << '\n';
    }
    console.Note(Msg::kTrialKept);
  }
  if (outcome->cut_short()) {
    console.Warn(Msg::kTrialCutShort,
                 {Grouped(outcome->files()), GroupedUnsigned(walked.files.size())});
  }
  const bool refused = params.strict && outcome->counts().rejected() > 0;
  return SomeUnreadable(walked) || refused || outcome->cut_short() ? ExitCode::kPartial
                                                                   : ExitCode::kOk;
}

}  // namespace

ExitCode UploadFiles(Session& session, const UploadParams& params) {
  const Console& console = session.console();
  const auto walked = WalkPaths(params.paths);
  if (!walked.ok()) {
    console.Fail(walked.status());
    return ExitCode::kUsage;
  }
  TellSkipped(console, walked->skipped);
  if (walked->files.empty()) {
    console.err << "jangbu: " << console.Words(Msg::kNothingToUpload) << '\n';
    return ExitCode::kUsage;
  }
  const auto connection = session.Connect();
  if (!connection.ok()) return console.Fail(connection.status());
  console.Note(Msg::kFound, {GroupedUnsigned(walked->files.size()), HumanBytes(walked->bytes)});
  if (params.dry_run) return TryUpload(session, **connection, params, *walked);

  UploadOptions options;
  options.wait = params.wait;
  options.retry_for = std::chrono::milliseconds(params.retry_for_ms);
  StatusOr<v1::Upload> upload = Unavailable("not_run", "");
  {
    const InterruptNotice notice(console);
    ProgressScreen screen(console, walked->files.size(), walked->bytes);
    upload = RunUpload(**connection, params.corpus, walked->files, options, screen);
  }
  if (!upload.ok()) {
    const ExitCode code = console.Fail(upload.status());
    console.Note(Msg::kRunAgain);
    return IsLocalTrouble(upload.status()) ? ExitCode::kUsage : code;
  }
  if (console.json) {
    console.out << UploadJson(*upload) << '\n';
  } else if (!params.wait && upload->state() != v1::UPLOAD_STATE_DONE) {
    console.out << ForTerminal(upload->upload_id()) << '\n';
    console.Note(Msg::kProcessingGoesOn, {ForTerminal(upload->upload_id())});
  } else {
    ShowUpload(console, *upload);
    if (upload->counts().rejected() > 0) {
      const Status shown = ShowRejections(session, *upload);
      if (!shown.ok()) return console.Fail(shown);
    }
  }
  if (SomeUnreadable(*walked) || (params.strict && upload->counts().rejected() > 0))
    return ExitCode::kPartial;
  return ExitCode::kOk;
}

ExitCode UploadList(Session& session, const std::string& partner, const std::string& corpus) {
  const Console& console = session.console();
  Table table({{console.Words(Msg::kColUpload)},
               {console.Words(Msg::kColState)},
               {console.Words(Msg::kColCorpus)},
               {console.Words(Msg::kColFiles), Align::kRight},
               {console.Words(Msg::kColSize), Align::kRight},
               {console.Words(Msg::kColDocuments), Align::kRight},
               {console.Words(Msg::kVerdictRejected), Align::kRight},
               {console.Words(Msg::kColNovelTokens), Align::kRight},
               {console.Words(Msg::kColSince)}});
  v1::ListUploadsRequest request;
  request.set_partner_id(partner);
  request.set_corpus_id(corpus);
  request.set_page_size(1000);
  do {
    const auto response = Ask<v1::ContributeService>(session, &Stub::ListUploads, request);
    if (!response.ok()) return console.Fail(response.status());
    for (const auto& upload : response->uploads()) {
      if (console.json) {
        console.out << UploadJson(upload) << '\n';
        continue;
      }
      table.Row({ForTerminal(upload.upload_id()), StateWords(console.lang, upload.state()),
                 ForTerminal(upload.corpus_id()), Grouped(upload.files()),
                 HumanBytes(static_cast<uint64_t>(upload.bytes())),
                 Grouped(upload.counts().documents()), Grouped(upload.counts().rejected()),
                 Grouped(upload.counts().novel_korean_tokens()),
                 KstTime(upload.created_at_micros())});
    }
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode UploadShow(Session& session, const std::string& upload) {
  const Console& console = session.console();
  v1::GetUploadRequest request;
  request.set_upload_id(upload);
  const auto response = Ask<v1::ContributeService>(session, &Stub::GetUpload, request);
  if (!response.ok()) return console.Fail(response.status());
  if (console.json) {
    console.out << UploadJson(response->upload()) << '\n';
    return ExitCode::kOk;
  }
  ShowUpload(console, response->upload());
  if (response->upload().counts().rejected() > 0) {
    const Status shown = ShowRejections(session, response->upload());
    if (!shown.ok()) return console.Fail(shown);
  }
  return ExitCode::kOk;
}

ExitCode Verdicts(Session& session, const VerdictParams& params) {
  const Console& console = session.console();
  v1::ListVerdictsRequest request;
  request.set_upload_id(params.upload);
  request.set_reason(params.reason);
  request.set_file(params.file);
  request.set_limit(params.limit);
  for (const std::string& name : params.verdicts) {
    const auto verdict = ParseVerdict(name);
    if (!verdict.ok()) {
      console.Fail(verdict.status());
      return ExitCode::kUsage;
    }
    request.add_verdicts(*verdict);
  }
  const auto connection = session.Connect();
  if (!connection.ok()) return console.Fail(connection.status());
  const auto stub = v1::ContributeService::NewStub((*connection)->channel());
  grpc::ClientContext context;
  (*connection)->Prepare(context);
  auto stream = stub->ListVerdicts(&context, request);
  v1::ListVerdictsResponse response;
  // Rows leave as they come: there may be millions.
  const auto padded = [](const std::string& text, int width, bool right) {
    const std::string gap(static_cast<size_t>(std::max(0, width - DisplayWidth(text))), ' ');
    return right ? gap + text : text + gap;
  };
  if (!console.json) {
    console.out << padded(console.Words(Msg::kColVerdict), 16, false)
                << padded(console.Words(Msg::kColWords), 12, true)
                << padded(console.Words(Msg::kColTokens), 12, true)
                << padded(console.Words(Msg::kColNovelTokens), 20, true) << "  "
                << console.Words(Msg::kColDocument) << '\n';
  }
  while (stream->Read(&response)) {
    const v1::DocumentVerdict& v = response.verdict();
    if (console.json) {
      console.out << VerdictJson(v) << '\n';
      if (!console.out) break;
      continue;
    }
    console.out << padded(VerdictWords(console.lang, v.verdict()), 16, false)
                << padded(Grouped(v.words()), 12, true) << padded(Grouped(v.tokens()), 12, true)
                << padded(Grouped(v.novel_korean_tokens()), 20, true) << "  "
                << ForTerminal(v.file());
    if (v.record() > 0) console.out << ':' << v.record();
    if (!v.document_id().empty()) console.out << " [" << ForTerminal(v.document_id()) << ']';
    if (!v.duplicate_of().empty()) console.out << " = " << ForTerminal(v.duplicate_of());
    if (!v.reason().empty()) console.out << "  " << RejectionWords(console.lang, v.reason());
    if (!v.detail().empty()) console.out << " (" << ForTerminal(v.detail()) << ')';
    const std::string screened = ScreeningWords(console.lang, v);
    if (!screened.empty()) console.out << "  {" << screened << '}';
    console.out << '\n';
    if (!console.out) break;
  }
  if (!console.out) {
    // The reader of our output left (a pager, head): nothing went wrong.
    context.TryCancel();
    stream->Finish();
    return ExitCode::kOk;
  }
  const Status status = FromGrpc(stream->Finish());
  return status.ok() ? ExitCode::kOk : console.Fail(status);
}

ExitCode ExplainVerdict(Session& session, const std::string& upload, const std::string& document) {
  const Console& console = session.console();
  v1::ExplainVerdictRequest request;
  request.set_upload_id(upload);
  request.set_file(document);
  request.set_record(1);
  const size_t colon = document.rfind(':');
  if (colon != std::string::npos && colon + 1 < document.size() && document.size() - colon < 20 &&
      document.find_first_not_of("0123456789", colon + 1) == std::string::npos) {
    request.set_file(document.substr(0, colon));
    request.set_record(std::stoull(document.substr(colon + 1)));
  }
  const auto answer = Ask<v1::ContributeService>(session, &Stub::ExplainVerdict, request);
  if (!answer.ok()) return console.Fail(answer.status());
  const v1::ExplainVerdictResponse& e = *answer;
  if (console.json) {
    std::vector<std::string> runs;
    for (const v1::SharedRun& run : e.runs()) {
      runs.push_back(JsonObject()
                         .AddUnsigned("begin", run.begin())
                         .AddUnsigned("length", run.length())
                         .Add("document", run.document())
                         .AddUnsigned("document_begin", run.document_begin())
                         .Add("excerpt", run.excerpt())
                         .Take());
    }
    console.out << JsonObject()
                       .AddRaw("verdict", VerdictJson(e.verdict()))
                       .AddUnsigned("length", e.length())
                       .AddUnsigned("covered", e.covered())
                       .AddUnsigned("covered_with_self", e.covered_with_self())
                       .Add("earlier", e.earlier())
                       .AddUnsigned("covered_by_earlier", e.covered_by_earlier())
                       .AddRaw("word_jaccard", Millionths(e.word_jaccard_ppm()))
                       .AddRaw("char_jaccard", Millionths(e.char_jaccard_ppm()))
                       .AddBool("everybody", e.everybody())
                       .AddRaw("runs", JsonArray(runs))
                       .Take()
                << '\n';
    return ExitCode::kOk;
  }
  const v1::DocumentVerdict& v = e.verdict();
  console.out << ForTerminal(upload) << '#' << ForTerminal(v.file()) << ':' << v.record() << "  "
              << VerdictWords(console.lang, v.verdict());
  if (!v.reason().empty()) console.out << "  " << RejectionWords(console.lang, v.reason());
  if (!v.detail().empty()) console.out << " (" << ForTerminal(v.detail()) << ')';
  console.out << '\n';
  if (e.length() == 0) return ExitCode::kOk;
  console.out << console.Words(e.everybody() ? Msg::kExplainEverybody : Msg::kExplainOwn) << '\n'
              << console.Words(Msg::kExplainCovered,
                               {Grouped(static_cast<int64_t>(e.length())),
                                Grouped(static_cast<int64_t>(e.covered())),
                                Percent(e.covered(), e.length(), 1),
                                Percent(e.covered_with_self(), e.length(), 1)})
              << '\n';
  if (!e.earlier().empty()) {
    console.out << console.Words(
                       Msg::kExplainEarlier,
                       {ForTerminal(e.earlier()), Percent(e.covered_by_earlier(), e.length(), 1)})
                << '\n'
                << console.Words(Msg::kExplainJaccard, {Millionths(e.word_jaccard_ppm()),
                                                        Millionths(e.char_jaccard_ppm())})
                << '\n';
  }
  if (e.runs().empty()) return ExitCode::kOk;
  Table table({{console.Words(Msg::kColPlace), Table::Align::kRight},
               {console.Words(Msg::kColLength), Table::Align::kRight},
               {console.Words(Msg::kColFoundIn)},
               {console.Words(Msg::kColPlaceThere), Table::Align::kRight},
               {console.Words(Msg::kColBegins)}});
  for (const v1::SharedRun& run : e.runs()) {
    table.Row({Grouped(static_cast<int64_t>(run.begin())),
               Grouped(static_cast<int64_t>(run.length())), ForTerminal(run.document()),
               Grouped(static_cast<int64_t>(run.document_begin())), ForTerminal(run.excerpt())});
  }
  console.out << '\n' << table.Render();
  if (e.runs_size() >= 100) console.out << console.Words(Msg::kExplainMore, {"100"}) << '\n';
  return ExitCode::kOk;
}

ExitCode UploadCancel(Session& session, const std::string& upload) {
  const Console& console = session.console();
  v1::CancelUploadRequest request;
  request.set_upload_id(upload);
  const auto response = Ask<v1::ContributeService>(session, &Stub::CancelUpload, request);
  if (!response.ok()) return console.Fail(response.status());
  if (console.json) {
    console.out << UploadJson(response->upload()) << '\n';
  } else {
    console.Note(Msg::kUploadCancelled, {ForTerminal(response->upload().upload_id())});
  }
  return ExitCode::kOk;
}

namespace {

StatusOr<std::string> FetchReceipt(Session& session, const std::string& id) {
  JANGBU_ASSIGN_OR_RETURN(Connection* const connection, session.Connect());
  grpc::ClientContext context;
  connection->Prepare(context);
  if (id.find("/l") != std::string::npos) {  // the server says whether it is one
    v1::GetLotReceiptRequest request;
    request.set_lot_id(id);
    v1::GetLotReceiptResponse response;
    const auto stub = v1::LedgerService::NewStub(connection->channel());
    JANGBU_RETURN_IF_ERROR(FromGrpc(stub->GetLotReceipt(&context, request, &response)));
    return std::move(*response.mutable_receipt());
  }
  v1::GetReceiptRequest request;
  request.set_upload_id(id);
  v1::GetReceiptResponse response;
  const auto stub = v1::ContributeService::NewStub(connection->channel());
  JANGBU_RETURN_IF_ERROR(FromGrpc(stub->GetReceipt(&context, request, &response)));
  return std::move(*response.mutable_receipt());
}

}  // namespace

ExitCode ReceiptGet(Session& session, const std::string& id, const std::string& out_file) {
  const Console& console = session.console();
  const StatusOr<std::string> receipt = FetchReceipt(session, id);
  if (!receipt.ok()) return console.Fail(receipt.status());
  const Status known = RememberServerLog(session);
  if (absl::IsFailedPrecondition(known)) return console.Fail(known);
  if (!known.ok()) console.Warn(Msg::kNotRemembered, {ForTerminal(MessageOf(known))});
  if (out_file.empty() || out_file == "-") {
    console.out << *receipt;
    return ExitCode::kOk;
  }
  const Status written = WriteLocalFile(out_file, *receipt, false);
  if (!written.ok()) {
    console.Fail(written);
    return ExitCode::kUsage;
  }
  console.Note(Msg::kReceiptWritten, {out_file, HumanBytes(receipt->size())});
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
