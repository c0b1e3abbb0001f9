#include "audit/provenance/evidence.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace jangbu::audit {
namespace {

// Below this share of ln(vocabulary) a first loss is one of a model that knows something already.
constexpr double kStartsLow = 0.9;

double MeanLoss(const std::vector<std::pair<int64_t, double>>& losses, size_t from, size_t to) {
  double sum = 0;
  for (size_t i = from; i < to; ++i) sum += losses[i].second;
  return to > from ? sum / static_cast<double>(to - from) : 0;
}

}  // namespace

LogFigures ExamineLog(const TrainingLog& log, uint64_t vocabulary) {
  LogFigures f;
  f.rows = log.rows.size();
  f.bad_lines = log.bad_lines;
  const auto add = [&](FindingKind kind, const char* code, std::vector<double> numbers = {}) {
    f.findings.push_back({kind, code, std::move(numbers)});
  };
  if (f.bad_lines > 0)
    add(FindingKind::kNote, "log_bad_lines",
        {static_cast<double>(f.bad_lines), static_cast<double>(log.bad[0].line)});

  // Order as written: a step that goes back is a resumption, a step that comes twice with another
  // loss is two histories.
  std::vector<std::pair<int64_t, double>> losses;
  uint64_t backward = 0;
  std::map<int64_t, double> by_step;
  uint64_t conflicting = 0;
  int64_t conflict_at = 0, backward_at = 0;
  const LogRow* before = nullptr;
  for (const LogRow& row : log.rows) {
    if (before != nullptr && row.step < before->step) {
      ++backward;
      backward_at = row.step;
    }
    before = &row;
    if (!row.loss) continue;
    const auto [it, fresh] = by_step.emplace(row.step, *row.loss);
    if (!fresh && std::abs(it->second - *row.loss) > 1e-4 * std::abs(it->second)) {
      ++conflicting;
      conflict_at = row.step;
    }
  }
  losses.assign(by_step.begin(), by_step.end());
  f.first_step = log.rows.front().step;
  f.last_step = log.rows.front().step;
  for (const LogRow& row : log.rows) {
    f.first_step = std::min(f.first_step, row.step);
    f.last_step = std::max(f.last_step, row.step);
  }
  if (backward > 0)
    add(FindingKind::kNote, "log_resumed",
        {static_cast<double>(backward), static_cast<double>(backward_at)});
  if (conflicting > 0)
    add(FindingKind::kInconsistent, "log_step_twice",
        {static_cast<double>(conflicting), static_cast<double>(conflict_at)});
  if (losses.empty()) {
    add(FindingKind::kInconsistent, "log_without_loss");
    return f;
  }

  // The start.
  f.first_loss = losses.front().second;
  if (losses.front().first > std::max<int64_t>(10, f.last_step / 1000)) {
    add(FindingKind::kInconsistent, "log_starts_late", {static_cast<double>(losses.front().first)});
  }
  if (vocabulary > 1) {
    f.first_over_ln_vocabulary = f.first_loss / std::log(static_cast<double>(vocabulary));
    const std::vector<double> numbers = {f.first_loss, std::log(static_cast<double>(vocabulary)),
                                         f.first_over_ln_vocabulary};
    if (f.first_over_ln_vocabulary < kStartsLow) {
      add(FindingKind::kInconsistent, "loss_starts_low", numbers);
    } else {
      add(FindingKind::kConsistent, "loss_starts_high", numbers);
    }
  } else {
    add(FindingKind::kNote, "vocabulary_unknown");
  }

  // The curve: with n rows in tenths.
  const size_t n = losses.size();
  f.last_loss = MeanLoss(losses, n - std::max<size_t>(1, n / 20), n);
  if (n < 20) {
    add(FindingKind::kNote, "log_short", {static_cast<double>(n)});
    return f;
  }
  std::vector<double> tenth;
  for (size_t i = 0; i < 10; ++i) tenth.push_back(MeanLoss(losses, i * n / 10, (i + 1) * n / 10));
  if (f.last_loss >= f.first_loss) {
    add(FindingKind::kInconsistent, "loss_does_not_fall", {f.first_loss, f.last_loss});
  } else {
    // From nothing, most is learnt early: half of the fall within the first half of the rows.
    const double fall = f.first_loss - tenth[9];
    const double early = f.first_loss - tenth[4];
    add(early >= 0.5 * fall ? FindingKind::kConsistent : FindingKind::kInconsistent,
        early >= 0.5 * fall ? "curve_falls_early" : "curve_falls_late",
        {fall > 0 ? early / fall : 0});
  }
  // A step down that noise does not give: weights that changed other than by training.
  std::vector<double> moves;
  for (size_t i = n / 10; i + 1 < n; ++i)
    moves.push_back(std::abs(losses[i + 1].second - losses[i].second));
  std::vector<double> sorted = moves;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2),
                   sorted.end());
  const double usual = sorted[sorted.size() / 2];
  const size_t window = std::max<size_t>(3, n / 50);
  double deepest = 0;
  int64_t deepest_at = 0;
  for (size_t i = std::max(n / 10, window); i + window <= n; ++i) {
    const double before_mean = MeanLoss(losses, i - window, i);
    const double after_mean = MeanLoss(losses, i, i + window);
    if (before_mean - after_mean > deepest) {
      deepest = before_mean - after_mean;
      deepest_at = losses[i].first;
    }
  }
  if (deepest > std::max(6 * usual, 0.12 * f.first_loss)) {
    add(FindingKind::kInconsistent, "loss_drops_at_once",
        {deepest, static_cast<double>(deepest_at), usual});
  }
  // Gaps.
  std::vector<int64_t> steps;
  for (size_t i = 0; i + 1 < n; ++i) steps.push_back(losses[i + 1].first - losses[i].first);
  std::vector<int64_t> order = steps;
  std::sort(order.begin(), order.end());
  const int64_t usual_step = std::max<int64_t>(1, order[order.size() / 2]);
  const auto widest = std::max_element(steps.begin(), steps.end());
  if (*widest > 20 * usual_step && *widest > (f.last_step - f.first_step) / 20) {
    add(FindingKind::kInconsistent, "log_gap",
        {static_cast<double>(losses[static_cast<size_t>(widest - steps.begin())].first),
         static_cast<double>(*widest)});
  }
  // Tokens must grow with the steps.
  double tokens = -1;
  for (const LogRow& row : log.rows) {
    if (!row.tokens) continue;
    if (*row.tokens < tokens && backward == 0) {
      add(FindingKind::kInconsistent, "tokens_shrink", {static_cast<double>(row.step)});
      break;
    }
    tokens = *row.tokens;
  }
  // Benchmarks: known from the start?
  for (size_t s = 0; s < log.score_names.size(); ++s) {
    double first = 0, last = 0;
    size_t count = 0;
    for (const LogRow& row : log.rows) {
      if (!row.scores[s]) continue;
      if (count++ == 0) first = *row.scores[s];
      last = *row.scores[s];
    }
    if (count < 2) continue;
    const bool loss_like = log.score_names[s].find("loss") != std::string::npos;
    const bool flat = loss_like ? first < 1.1 * last : last > 0 && first > 0.9 * last;
    add(flat ? FindingKind::kNote : FindingKind::kConsistent,
        flat ? "score_from_the_start" : "score_grows", {static_cast<double>(s), first, last});
  }
  return f;
}

Finding CompareLogs(const TrainingLog& a, const TrainingLog& b) {
  std::map<int64_t, double> losses;
  for (const LogRow& row : a.rows) {
    if (row.loss) losses[row.step] = *row.loss;
  }
  double widest = 0;
  uint64_t shared = 0;
  int64_t at = 0;
  for (const LogRow& row : b.rows) {
    if (!row.loss) continue;
    const auto it = losses.find(row.step);
    if (it == losses.end()) continue;
    ++shared;
    const double difference = std::abs(it->second - *row.loss);
    if (difference > widest) {
      widest = difference;
      at = row.step;
    }
  }
  Finding finding;
  finding.numbers = {static_cast<double>(shared), widest, static_cast<double>(at)};
  if (shared == 0) {
    finding.kind = FindingKind::kNote;
    finding.code = "logs_without_common_steps";
  } else if (widest <= 1e-3) {
    finding.kind = FindingKind::kConsistent;
    finding.code = "logs_agree";
  } else {
    finding.kind = FindingKind::kInconsistent;
    finding.code = "logs_disagree";
  }
  return finding;
}

std::vector<Finding> ExamineCheckpoints(const std::vector<double>& next,
                                        const std::vector<double>& skip) {
  std::vector<Finding> findings;
  bool good = true;
  for (size_t i = 0; i < next.size(); ++i) {
    if (next[i] < 0.1) {
      good = false;
      findings.push_back({FindingKind::kInconsistent,
                          "checkpoint_unexplained",
                          {static_cast<double>(i + 1), static_cast<double>(i + 2), next[i]}});
    }
    if (i < skip.size() && skip[i] > next[i] + 0.02) {
      good = false;
      findings.push_back(
          {FindingKind::kInconsistent,
           "checkpoint_out_of_order",
           {static_cast<double>(i + 1), static_cast<double>(i + 3), skip[i], next[i]}});
    }
  }
  if (good && !next.empty()) {
    findings.push_back(
        {FindingKind::kConsistent,
         "checkpoints_explain_each_other",
         {static_cast<double>(next.size() + 1), *std::min_element(next.begin(), next.end())}});
  }
  return findings;
}

}  // namespace jangbu::audit
