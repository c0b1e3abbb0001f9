#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/guard/stream_guard.h"
#include "base/bytes.h"
#include "jangbu/v1/audit.grpc.pb.h"
#include "services/flow/finance.h"
#include "services/flow/guarding.h"
#include "services/rpc/gathered_stream.h"
#include "services/rpc/limits.h"
#include "services/rpc/services.h"
#include "services/wire/page_token.h"
#include "services/wire/text.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;

constexpr std::chrono::milliseconds kPatience{200};
constexpr size_t kMaxAnswerPiece = size_t{1} << 20;
constexpr size_t kMaxUserKeyBytes = 256;

using AnswerStream = GatheredStream<v1::WatchAnswerRequest, v1::WatchAnswerResponse>;
using Base = v1::GuardService::WithCallbackMethod_WatchAnswer<v1::GuardService::Service>;

class GuardServiceImpl final : public Base {
 public:
  GuardServiceImpl(FrontDoor& door, ThreadSet& threads) : door_(door), threads_(threads) {}

  grpc::ServerBidiReactor<v1::WatchAnswerRequest, v1::WatchAnswerResponse>* WatchAnswer(
      grpc::CallbackServerContext* context) override {
    constexpr std::string_view kMethod = "jangbu.v1.GuardService/WatchAnswer";
    return AnswerStream::Begin(
        threads_,
        {.group_bytes = kStageGroupBytes, .group_messages = 64, .ahead_bytes = kReadAheadBytes},
        [this, context, kMethod](AnswerStream& stream) {
          return door_.Serve(*context, kMethod,
                             [&](Call& call) { return ServeAnswer(call, stream); });
        },
        [this, context, kMethod] {
          return door_.Serve(*context, kMethod, [](Call&) -> Status {
            return ResourceExhausted("too_many_streams",
                                     "the server serves as many streams as it may; try again");
          });
        });
  }

  grpc::Status ListIncidents(grpc::ServerContext* context, const v1::ListIncidentsRequest* request,
                             v1::ListIncidentsResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.GuardService/ListIncidents", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      return FillIncidents(call, *request, *response);
    });
  }

 private:
  struct Answer {
    std::shared_ptr<audit::ExposureLedger::Of> budget;
    std::unique_ptr<audit::StreamGuard> guard;
    ledger::GuardIncident incident;
    bool found = false;
    bool over = false;
  };

  Status ServeAnswer(Call& call, AnswerStream& stream) {
    std::optional<Answer> answer;
    std::vector<v1::WatchAnswerRequest> group;
    for (;;) {
      switch (stream.Take(group, kPatience)) {
        case AnswerStream::Taken::kCancelled:
          // What was found before stays found.
          if (answer.has_value() && !answer->over) {
            v1::WatchAnswerResponse nobody;
            JANGBU_RETURN_IF_ERROR(Go(*answer, {}, true, nobody));
          }
          return call.WhyGone();
        case AnswerStream::Taken::kWaiting:
          if (call.Over()) return call.WhyGone();
          continue;
        case AnswerStream::Taken::kHalfClosed: {
          if (!answer.has_value()) {
            return InvalidArgument("guard_mode_missing", "the first message must say the mode");
          }
          if (answer->over) return OkStatus();
          v1::WatchAnswerResponse response;
          JANGBU_RETURN_IF_ERROR(Go(*answer, {}, true, response));
          return stream.Write(response, false) ? OkStatus() : call.WhyGone();
        }
        case AnswerStream::Taken::kGroup:
          break;
      }
      for (size_t i = 0; i < group.size(); ++i) {
        const v1::WatchAnswerRequest& message = group[i];
        JANGBU_RETURN_IF_ERROR(call.Admit(message));
        if (message.text().size() > kMaxAnswerPiece ||
            message.user_message().size() > kMaxAnswerPiece) {
          return InvalidArgument("piece_too_large", "a piece is at most 1 MiB");
        }
        if (!answer.has_value()) {
          JANGBU_ASSIGN_OR_RETURN(answer, Begin(call, message));
        } else if (message.mode() != v1::GUARD_MODE_UNSPECIFIED ||
                   !message.user_message().empty() || !message.user_key().empty() ||
                   !message.model().empty()) {
          return InvalidArgument("answer_changed",
                                 "one stream is one answer, said in its beginning");
        }
        if (answer->over) return InvalidArgument("answer_over", "the answer has ended");
        v1::WatchAnswerResponse response;
        JANGBU_RETURN_IF_ERROR(Go(*answer, message.text(), message.end(), response));
        if (!stream.Write(response, i + 1 < group.size())) return call.WhyGone();
      }
    }
  }

  StatusOr<Answer> Begin(Call& call, const v1::WatchAnswerRequest& first) {
    if (first.mode() < v1::GUARD_MODE_BLOCK || first.mode() > v1::GUARD_MODE_REPORT_ONLY) {
      return InvalidArgument("guard_mode_missing", "the first message must say the mode");
    }
    if (first.model().size() > ledger::kMaxModelBytes) {
      return InvalidArgument("model_too_long", "a model's name is at most 200 bytes");
    }
    if (first.user_key().empty() || first.user_key().size() > kMaxUserKeyBytes) {
      return InvalidArgument("user_key_missing",
                             "the first message must name the key that asks, in 1 to 256 bytes");
    }
    Guarding& guarding = door_.jangbu().guarding();
    Answer answer;
    answer.incident.model = first.model();
    answer.incident.action = static_cast<ledger::GuardAction>(first.mode());
    answer.incident.user_mac = guarding.UserMac(first.user_key());
    answer.incident.by = call.caller().key_id;
    // The user's key, whichever gateway it comes through.
    answer.budget = std::make_shared<audit::ExposureLedger::Of>(
        guarding.exposures(), std::string(AsView(answer.incident.user_mac)), door_.clock());
    JANGBU_ASSIGN_OR_RETURN(auto index, guarding.Index());
    audit::GuardOptions options;
    options.mode = static_cast<audit::GuardMode>(first.mode());
    options.user_message = first.user_message();
    options.budget = answer.budget.get();
    answer.guard = std::make_unique<audit::StreamGuard>(std::move(index), std::move(options));
    return answer;
  }

  // One piece. When the answer ends with it, what was found is in the journal before the response.
  Status Go(Answer& answer, std::string_view text, bool end, v1::WatchAnswerResponse& response) {
    const auto take = [&](StatusOr<audit::GuardAnswer> said) -> Status {
      JANGBU_RETURN_IF_ERROR(said.status());
      response.mutable_release()->append(said->release);
      for (const audit::GuardFinding& finding : said->findings) Note(answer, finding);
      answer.over = answer.over || said->stopped;
      return OkStatus();
    };
    Status status = take(answer.guard->Push(text));
    if (status.ok() && end && !answer.over) status = take(answer.guard->Finish());
    if (!status.ok()) {
      answer.over = true;
      JANGBU_RETURN_IF_ERROR(Record(answer).status());
      // A text that was withdrawn since the stream began: nothing can be said with its index.
      if (absl::IsNotFound(status)) {
        return Unavailable("guard_index_outdated",
                           "a text was withdrawn while the answer was watched; ask again");
      }
      return status;
    }
    const bool stopped = answer.over;
    answer.over = answer.over || end;
    response.set_stopped(stopped);
    response.set_found(answer.found);
    if (answer.over) {
      JANGBU_ASSIGN_OR_RETURN(const uint64_t seq, Record(answer));
      response.set_incident_id(seq);
    }
    return OkStatus();
  }

  void Note(Answer& answer, const audit::GuardFinding& finding) {
    answer.found = true;
    if (answer.incident.runs.size() >= ledger::kMaxGuardRuns) return;
    ledger::GuardRun run;
    run.kind = finding.kind == audit::Judgement::kWithdrawn ? ledger::RunKind::kWithdrawn
               : finding.kind == audit::Judgement::kBudget  ? ledger::RunKind::kBudget
                                                            : ledger::RunKind::kRun;
    run.begin = finding.begin;
    run.end = finding.end;
    run.run_mac = door_.jangbu().guarding().RunMac(finding.run);
    for (const ingest::RunDocument& holder : finding.holders) {
      run.holders.push_back({.token = holder.place.entry, .ordinal = holder.place.ordinal});
    }
    run.holders.push_back(
        {.token = finding.document.place.entry, .ordinal = finding.document.place.ordinal});
    std::sort(run.holders.begin(), run.holders.end());
    run.holders.erase(std::unique(run.holders.begin(), run.holders.end()), run.holders.end());
    if (run.holders.size() > ledger::kMaxGuardHolders) {
      run.holders.resize(ledger::kMaxGuardHolders);
    }
    answer.incident.runs.push_back(std::move(run));
  }

  // 0 when nothing was found.
  StatusOr<uint64_t> Record(Answer& answer) {
    if (answer.incident.runs.empty()) return 0;
    ledger::GuardIncident incident = std::move(answer.incident);
    answer.incident.runs.clear();
    return door_.jangbu().guarding().Record(std::move(incident));
  }

  Status FillIncidents(Call& call, const v1::ListIncidentsRequest& request,
                       v1::ListIncidentsResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const uint32_t size, wire::PageSize(request.page_size()));
    const std::string query = "incidents " + request.partner_id();
    JANGBU_ASSIGN_OR_RETURN(const wire::PagePosition after,
                            wire::ReadPageToken(query, request.page_token()));
    JANGBU_ASSIGN_OR_RETURN(const std::vector<PartnerRef> partners,
                            call.Partners(request.partner_id()));
    const bool everything = call.caller().role == ledger::Role::kCompliance;
    const auto admits = [&](uint32_t partner) {
      return std::any_of(partners.begin(), partners.end(),
                         [&](const PartnerRef& p) { return p.number == partner; });
    };
    // Of each incident the runs of which a partner that was asked for holds something, and of the
    // holders those that the caller may see.
    std::vector<ledger::Books::IncidentRecord> page;
    bool more = false;
    door_.jangbu().ReadBooks([&](const ledger::Books& books) {
      for (const auto& record : books.incidents()) {
        if (record.seq <= after.major) continue;
        ledger::Books::IncidentRecord shown{record.seq, record.at, record.incident};
        std::erase_if(shown.incident.runs, [&](ledger::GuardRun& run) {
          const auto held = [&](const Owner& o) { return admits(books.PartnerOf(o).value_or(0)); };
          if (std::none_of(run.holders.begin(), run.holders.end(), held)) return true;
          if (!everything) std::erase_if(run.holders, [&](const Owner& o) { return !held(o); });
          return false;
        });
        if (shown.incident.runs.empty()) continue;
        if (page.size() == size) {
          more = true;
          return;
        }
        page.push_back(std::move(shown));
      }
    });
    for (const auto& record : page) {
      v1::Incident& incident = *response.add_incidents();
      incident.set_incident_id(record.seq);
      incident.set_at_micros(record.at.micros);
      incident.set_model(wire::ToUtf8(record.incident.model, ledger::kMaxModelBytes));
      incident.set_mode(static_cast<v1::GuardMode>(record.incident.action));
      if (everything) {
        incident.set_user_mac(record.incident.user_mac.data(), record.incident.user_mac.size());
        incident.set_gateway_key_id(record.incident.by);
      }
      for (const ledger::GuardRun& run : record.incident.runs) {
        v1::IncidentRun& row = *incident.add_runs();
        row.set_kind(static_cast<v1::RunKind>(run.kind));
        row.set_length(run.end - run.begin);
        for (const Owner& holder : run.holders) {
          JANGBU_ASSIGN_OR_RETURN(std::string name,
                                  door_.jangbu().finance().NameOfDocument(holder));
          row.add_documents(std::move(name));
        }
        if (everything) {
          row.set_begin(run.begin);
          row.set_run_mac(run.run_mac.data(), run.run_mac.size());
        }
      }
    }
    if (more) response.set_next_page_token(wire::MakePageToken(query, {page.back().seq, 0}));
    return OkStatus();
  }

  FrontDoor& door_;
  ThreadSet& threads_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeGuardService(FrontDoor& door, ThreadSet& threads) {
  return std::make_unique<GuardServiceImpl>(door, threads);
}

}  // namespace jangbu::services::rpc
