#include "services/audit/local_guard.h"

#include <utility>

#include "base/bytes.h"
#include "base/digest.h"

namespace jangbu::services {
namespace {

std::string_view KindOf(audit::Judgement judgement) {
  switch (judgement) {
    case audit::Judgement::kWithdrawn:
      return "withdrawn";
    case audit::Judgement::kBudget:
      return "budget";
    default:
      return "run";
  }
}

class LocalAnswer final : public AnswerGuard {
 public:
  LocalAnswer(std::shared_ptr<const LocalGuardOptions> options,
              std::shared_ptr<const audit::GuardIndex> index, const AnswerStart& start)
      : options_(std::move(options)), model_(start.model), mode_(start.mode) {
    key_ = ToHex(HmacSha256(options_->secret)({"caller", start.key})).substr(0, 16);
    audit::GuardOptions guard;
    guard.mode = start.mode;
    guard.user_message = start.user_message;
    if (options_->exposures != nullptr) {
      budget_ =
          std::make_unique<audit::ExposureLedger::Of>(*options_->exposures, key_, *options_->clock);
      guard.budget = budget_.get();
    }
    guard_ = std::make_unique<audit::StreamGuard>(std::move(index), std::move(guard));
  }
  StatusOr<GuardedPiece> Push(std::string_view text) override { return Tell(guard_->Push(text)); }
  StatusOr<GuardedPiece> Finish() override { return Tell(guard_->Finish()); }

 private:
  StatusOr<GuardedPiece> Tell(StatusOr<audit::GuardAnswer> answer) {
    JANGBU_RETURN_IF_ERROR(answer.status());
    for (const audit::GuardFinding& f : answer->findings) {
      if (!options_->incident) continue;
      GuardIncident incident;
      incident.key = key_;
      incident.model = model_;
      const std::string_view run(reinterpret_cast<const char*>(f.run.data()),
                                 f.run.size() * sizeof(char32_t));
      incident.finding_mac = ToHex(HmacSha256(options_->secret)({"incident", run})).substr(0, 32);
      incident.kind = KindOf(f.kind);
      incident.begin = f.begin;
      incident.end = f.end;
      incident.document = f.document;
      incident.holders = f.holders;
      incident.mode = mode_;
      options_->incident(incident);
    }
    return GuardedPiece{std::move(answer->release), answer->stopped,
                        static_cast<uint32_t>(answer->findings.size())};
  }

  const std::shared_ptr<const LocalGuardOptions> options_;
  const std::string model_;
  const audit::GuardMode mode_;
  std::string key_;
  std::unique_ptr<audit::ExposureLedger::Of> budget_;
  std::unique_ptr<audit::StreamGuard> guard_;
};

}  // namespace

AnswerGuards GuardLocally(LocalGuardOptions options) {
  return [options = std::make_shared<const LocalGuardOptions>(std::move(options))](
             const AnswerStart& start) -> StatusOr<std::unique_ptr<AnswerGuard>> {
    auto index = options->index();
    if (index == nullptr) return Unavailable("guard_not_ready", "the index is not there yet");
    return std::make_unique<LocalAnswer>(options, std::move(index), start);
  };
}

}  // namespace jangbu::services
