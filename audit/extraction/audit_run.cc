#include "audit/extraction/audit_run.h"

#include <algorithm>
#include <bit>
#include <mutex>
#include <thread>

#include "base/bytes.h"

namespace jangbu::audit {
namespace {

// Room for the suffix in the model's own tokens, whatever its tokenizer.
uint32_t MaxTokens(const ProbePlan& plan, const Probe& probe) {
  return probe.chat ? plan.options.suffix_tokens * 4 : plan.options.suffix_tokens * 3 / 2 + 8;
}

bool MayPass(const Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         (status.code() == absl::StatusCode::kResourceExhausted &&
          ReasonOf(status) != "budget_spent");
}

}  // namespace

std::vector<AuditTask> TasksOf(const ProbePlan& plan) {
  std::vector<AuditTask> tasks;
  for (uint32_t p = 0; p < plan.probes.size();) {
    uint32_t main = p;
    uint32_t end = p;
    for (; end < plan.probes.size() && plan.probes[end].window == plan.probes[p].window; ++end) {
      if (plan.probes[end].cell == kReferenceCell) continue;
      tasks.push_back({end, TaskKind::kGreedy, 0});
      if (plan.probes[end].chat) continue;
      const std::string& best = plan.probes[main].cell;
      if (best != "prefix-50" && best != "given") main = end;
    }
    if (plan.probes[main].cell == kCanaryCell || plan.probes[main].cell == kReferenceCell) {
      if (plan.options.logprobs) tasks.push_back({main, TaskKind::kScore, 0});
    } else if (!plan.probes[main].chat) {
      for (uint32_t s = 1; s <= plan.options.samples; ++s) {
        tasks.push_back({main, TaskKind::kSample, s});
      }
      if (plan.options.logprobs) tasks.push_back({main, TaskKind::kScore, 0});
    }
    p = end;
  }
  return tasks;
}

std::string EncodeAnswer(const AuditAnswer& answer) {
  ByteWriter out;
  out.U32(answer.task);
  out.U8(answer.failed ? 1 : 0);
  out.String(answer.reason);
  out.String(answer.text);
  out.String(answer.finish);
  out.U64(std::bit_cast<uint64_t>(answer.low));
  out.U64(std::bit_cast<uint64_t>(answer.high));
  out.U32(answer.tokens);
  return out.Take();
}

StatusOr<AuditAnswer> DecodeAnswer(std::string_view bytes) {
  ByteReader in(bytes);
  AuditAnswer answer;
  answer.task = in.U32();
  const uint8_t failed = in.U8();
  answer.failed = failed == 1;
  answer.reason = in.String();
  answer.text = in.String();
  answer.finish = in.String();
  answer.low = std::bit_cast<double>(in.U64());
  answer.high = std::bit_cast<double>(in.U64());
  answer.tokens = in.U32();
  const bool sound = answer.low <= answer.high && answer.high <= 1e-6;
  if (!in.ok() || !in.empty() || failed > 1 || !sound) {
    return DataLoss("answer_malformed", "a record of the audit has a bad shape");
  }
  return answer;
}

StatusOr<uint64_t> RunAudit(const ProbePlan& plan, const std::vector<AuditAnswer>& answered,
                            ModelEndpoint& endpoint, const RunOptions& options,
                            const std::function<Status(std::string_view)>& append) {
  const std::vector<AuditTask> tasks = TasksOf(plan);
  std::vector<bool> done(tasks.size());
  uint64_t count = 0;
  for (const AuditAnswer& a : answered) {
    if (a.task >= tasks.size()) {
      return FailedPrecondition("other_plan", "the record was made with another plan");
    }
    if (!done[a.task]) ++count;
    done[a.task] = true;
  }
  std::mutex mutex;
  size_t next = 0;
  uint64_t asked = 0;
  Status status = OkStatus();
  const auto ask = [&](uint32_t number) -> StatusOr<AuditAnswer> {
    const AuditTask& task = tasks[number];
    const Probe& probe = plan.probes[task.probe];
    const Window& window = plan.windows[probe.window];
    AuditAnswer answer;
    answer.task = number;
    Status failure = OkStatus();
    for (int attempt = 1;; ++attempt) {
      if (task.kind == TaskKind::kScore) {
        // The suffix as it stands after the prefix: with the white space between them.
        const std::string& text = plan.texts[window.text].text;
        size_t begin = window.begin;
        while (begin > 0 && (text[begin - 1] == ' ' || text[begin - 1] == '\n')) --begin;
        if (probe.cell == "given") begin = window.begin;
        const auto score =
            endpoint.Score(probe.prompt, std::string_view(text).substr(begin, window.end - begin));
        failure = score.status();
        if (score.ok() && score->has_value()) {
          answer.low = (*score)->low;
          answer.high = (*score)->high;
          answer.tokens = (*score)->tokens;
        }
      } else {
        ModelRequest request;
        request.chat = probe.chat;
        request.system = probe.system;
        request.prompt = probe.prompt;
        request.max_tokens = MaxTokens(plan, probe);
        request.temperature = task.kind == TaskKind::kSample ? 1 : 0;
        request.seed = uint64_t{number} * 1'000'003 % 2'147'483'647;
        auto reply = endpoint.Complete(request);
        failure = reply.status();
        if (reply.ok()) {
          answer.text = std::move(reply->text);
          answer.finish = std::move(reply->finish_reason);
        }
      }
      if (failure.ok()) return answer;
      if (failure.code() == absl::StatusCode::kResourceExhausted && !MayPass(failure)) {
        return failure;
      }
      if (!MayPass(failure) || attempt >= options.attempts) break;
      if (options.stop != nullptr && *options.stop) return Aborted("stopped", "asked to stop");
      if (options.back_off) options.back_off(attempt);
    }
    answer.failed = true;
    answer.reason = std::string(ReasonOf(failure));
    if (answer.reason.empty()) answer.reason = "endpoint_error";
    return answer;
  };
  const auto work = [&] {
    while (true) {
      uint32_t number = 0;
      {
        const std::lock_guard lock(mutex);
        if (!status.ok()) return;
        while (next < tasks.size() && done[next]) ++next;
        if (next == tasks.size()) return;
        if (options.stop != nullptr && *options.stop) {
          status = Aborted("stopped", "stopped; run the same command again to go on");
          return;
        }
        if (options.max_requests != 0 && asked >= options.max_requests) {
          status = ResourceExhausted("budget_spent",
                                     "the limit of requests is reached; raise it to go on");
          return;
        }
        number = static_cast<uint32_t>(next++);
        ++asked;
      }
      auto answer = ask(number);
      const std::lock_guard lock(mutex);
      if (!answer.ok()) {
        if (status.ok()) status = answer.status();
        return;
      }
      if (const Status kept = append(EncodeAnswer(*answer)); !kept.ok()) {
        if (status.ok()) status = kept;
        return;
      }
      ++count;
      if (options.progress) options.progress(count, tasks.size());
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < options.concurrency; ++i) threads.emplace_back(work);
  work();
  for (std::thread& t : threads) t.join();
  if (!status.ok()) return status;
  return asked;
}

std::string ModelCapabilities::describe() const {
  std::string out = model;
  const auto add = [&](bool has, std::string_view what) {
    if (has) out.append(out.empty() ? "" : ", ").append(what);
  };
  add(completions, "completions");
  add(chat, "chat");
  add(streaming, "streaming");
  add(echo_logprobs, "logprobs by echo");
  add(bias_logprobs, "logprobs by logit_bias");
  return out;
}

}  // namespace jangbu::audit
