#include "audit/provenance/dossier_words.h"

#include <cmath>
#include <vector>

#include "audit/provenance/json.h"

namespace jangbu::audit {
namespace {

struct Words {
  std::string_view code, ko, en;
};

// {0}… are numbers, {a}… texts.
constexpr Words kGrounds[] = {
    {"same_content", "두 모델의 가중치는 한 자도 다르지 않은 같은 수입니다.",
     "The weights of the two models are the same numbers."},
    {"controls_missing",
     "대조군이 모자라 판정하지 않습니다: 서로 무관한 모델이 {0}개(2개 이상 필요), 파생이 확실한 "
     "대조가 {1}개(1개 "
     "이상 필요)입니다. 같은 구조의 무관한 모델을 --independent로 주십시오.",
     "No verdict without controls: {0} models without relation (two are needed) and {1} positives "
     "(one is needed). Give models of the same shape that have nothing to do with the two "
     "(--independent)."},
    {"control_contaminated",
     "무관하다고 한 대조 쌍 “{a}” / “{b}”이 파생 모델처럼 닮았습니다({0}; 파생이라 하는 선 {1}). "
     "대조로 쓸 수 없어 판정하지 않습니다.",
     "The control pair \"{a}\" / \"{b}\", said to be without relation, is as alike as derived "
     "models ({0}; the line of descent is {1}). It cannot serve as a control, so there is no "
     "verdict."},
    {"controls_do_not_stand_apart",
     "대조군이 갈라지지 않습니다: 우연의 한계 {0}, 가장 희미한 사본 {1}. 이 모델들에서는 이 검사로 "
     "판정할 수 없습니다.",
     "The controls do not stand apart (bound of chance {0}, faintest copy {1}): with these models "
     "the test cannot tell."},
    {"incomparable", "비교할 수 없는 구조입니다({a}). 판정하지 않습니다.",
     "The shapes cannot be compared ({a}); there is no verdict."},
    {"neurons_match",
     "두 모델의 뉴런이 하나씩 짝지어지고, 짝을 찾는 데 쓰지 않은 가중치가 {0}만큼 일치합니다(0 = "
     "우연, 1 = 같은 모델). 무관한 대조는 커야 {1}였고, 가중치 에너지의 4분의 3을 잡음으로 바꾼 "
     "사본이 {2}입니다. 두 모델이 무관한데 이만큼 일치할 확률(보정 p)은 ≤ {3}. 좌표: {a}.",
     "The neurons of the two models pair off one to one, and weights that had no part in the "
     "pairing agree by {0} (0 is chance, 1 the same model). Unrelated controls reached at most "
     "{1}; a copy with three quarters of its weights' energy replaced by noise has {2}. Without "
     "any relation, agreement like this comes up with probability (corrected p) ≤ {3}. "
     "Coordinates: {a}."},
    {"heads_match", "어텐션 헤드의 특이값도 짝이 맞습니다({0}).",
     "The singular values of the attention heads pair off too ({0})."},
    {"heads_match_only",
     "어텐션 헤드의 특이값이 파생 모델처럼 짝이 맞습니다({0}; 무관한 대조 최댓값 {1}, 파생이라 "
     "하는 선 {2}; 보정 p ≤ {3}). 이 값은 회전이나 순서 바꿈으로 숨길 수 없습니다.",
     "The singular values of the attention heads pair off as in derived models ({0}; unrelated "
     "controls at most {1}, line of descent {2}; corrected p ≤ {3}). Rotation and reordering "
     "cannot change them."},
    {"layers_match",
     "전체는 아니지만 {1}개 층 중 {0}개 층이 파생 모델처럼 일치합니다(전체 {2}). 일부를 가져온 "
     "것입니다.",
     "Not the whole, but {0} of {1} layers agree as only descent makes them (whole: {2}): a part "
     "was "
     "taken over."},
    {"start_taken_out", "알려진 공통 초기값의 몫을 뺀 값입니다: 빼기 전 {0}, 뺀 뒤 {1}.",
     "The share of the known common initialisation is taken out: {0} before, {1} after."},
    {"learnt_alike",
     "이 일치는 학습이 만든 부분에도 있습니다(나머지에 견준 몫 {0}; {1}부터 인정). 같은 무작위 "
     "초기값에서 따로 학습했을 뿐인 모델은 학습이 만든 부분에서 훨씬 덜 일치합니다.",
     "The agreement is in what training wrote, too (share {0} of that in the rest; {1} is needed). "
     "Models that only began from the same random numbers agree far less in what they learnt."},
    {"start_likely",
     "뉴런의 일치 {0}는 파생 모델만큼 크지만, 학습이 만든 부분에서는 그렇지 않습니다(나머지에 견준 "
     "몫 {1}; {2}부터 인정). 같은 무작위 초기값에서 따로 학습한 모델이 이렇게 보이므로 파생이라 "
     "하지 않습니다. 초기값을 --start로 주면 그 몫을 빼고 판정합니다.",
     "The agreement of neurons, {0}, is as large as in derived models, but not in what training "
     "wrote (share {1} of that in the rest; {2} is needed). Models that were trained apart from "
     "the same random start look like this, so this is not called descent. Give the start "
     "(--start) to take its share out."},
    {"derived_control_not_seen",
     "파생이 확실하다고 한 대조 “{a}”의 일치가 {0}로 무관한 것과 다르지 않습니다({1}까지 무관). "
     "그런 파생은 이 검사가 보지 못하므로 무관하다고 하지 않습니다.",
     "The control \"{a}\", known to be derived, agrees by {0} only, as unrelated models do (up to "
     "{1}). Such descent is not seen by this test, so the two are not called independent."},
    {"neurons_between",
     "뉴런의 일치 {0}는 무관하다고 하기에는 크고({1}까지) 파생이라 하기에는 작습니다({2}부터).",
     "The agreement of neurons, {0}, is above what counts as unrelated (up to {1}) and below what "
     "counts as descent (from {2})."},
    {"neurons_between_perhaps_start",
     "뉴런의 일치 {0}는 무관하다고 하기에는 크고({1}까지) 파생이라 하기에는 작습니다({2}부터). "
     "같은 무작위 초기값에서 출발한 모델, 여러 모델을 섞은 모델, 아주 길게 다시 학습한 모델이 "
     "이렇게 보입니다. 초기값이 있으면 --start로 주십시오.",
     "The agreement of neurons, {0}, is above what counts as unrelated (up to {1}) and below what "
     "counts as descent (from {2}). Models from the same random start, mixtures of several models "
     "and models trained on for very long look like this; if there is a common start, give it "
     "(--start)."},
    {"heads_between",
     "어텐션 헤드 특이값의 일치 {0}가 우연의 한계({1})를 넘습니다(파생이라 하는 선 {2}).",
     "The agreement of attention heads, {0}, is above the bound of chance ({1}; line of descent "
     "{2})."},
    {"entries_alike",
     "임베딩이 무관한 대조({1})보다 훨씬 닮았습니다({0}; 파생 {2}). 임베딩만 가져왔을 수 있습니다.",
     "The embeddings are far more alike ({0}) than those of unrelated controls ({1}; derived {2}): "
     "they alone may have been taken over."},
    {"gains_alike",
     "정규화 계수의 피어슨 상관이 {0}로, 우연이 아닙니다. 이것만으로 파생이라 하지 않지만 "
     "무관하다고도 하지 않습니다.",
     "The norm gains have a Pearson correlation of {0}, which is no chance. That alone never shows "
     "descent, but it forbids calling the two independent."},
    {"neurons_as_unrelated",
     "뉴런의 일치는 {0}입니다(0 = 우연, 1 = 같은 모델). 무관한 대조의 최댓값은 {1}, 무관하다고 "
     "하는 한계는 {2}이고, 파생이라 하는 값은 {3}부터입니다.",
     "The agreement of neurons is {0} (0 is chance, 1 the same model). Unrelated controls reached "
     "{1}; up to {2} counts as unrelated, and descent begins at {3}."},
};

constexpr Words kFindings[] = {
    {"log_bad_lines", "읽을 수 없는 줄이 {0}줄 있습니다(처음: {1}번째 줄).",
     "{0} lines cannot be read (the first: line {1})."},
    {"log_resumed", "단계가 {0}번 뒤로 돌아갑니다(예: {1}단계부터 다시). 재개한 흔적입니다.",
     "Steps go back {0} times (e.g. to {1}): the run was resumed."},
    {"log_step_twice", "같은 단계가 다른 손실로 두 번 적힌 곳이 {0}곳입니다(예: {1}단계).",
     "{0} steps stand twice with different losses (e.g. {1})."},
    {"log_without_loss", "손실이 적힌 줄이 없습니다.", "No row has a loss."},
    {"log_starts_late", "로그가 {0}단계부터 시작합니다. 처음이 빠졌습니다.",
     "The log begins at step {0}: its start is missing."},
    {"loss_starts_low",
     "첫 손실 {0}는 ln(어휘 수) = {1}의 {2}배로 낮습니다. 학습된 가중치에서 시작했다는 뜻입니다.",
     "The first loss, {0}, is only {2} of ln(vocabulary) = {1}: training began with weights that "
     "knew "
     "something."},
    {"loss_starts_high",
     "첫 손실 {0}는 ln(어휘 수) = {1}의 {2}배로, 무작위 초기값에서 시작한 것과 맞습니다(증명은 "
     "아닙니다: 어휘를 "
     "바꾼 파생 모델도 이렇게 시작합니다).",
     "The first loss, {0}, is {2} of ln(vocabulary) = {1}, as from a random start (no proof: a "
     "derived "
     "model with a new vocabulary begins there too)."},
    {"vocabulary_unknown", "어휘 수를 몰라 첫 손실을 견줄 수 없습니다.",
     "The vocabulary is not known, so the first loss cannot be judged."},
    {"log_short", "로그가 {0}줄뿐이라 곡선의 모양을 볼 수 없습니다.",
     "With {0} rows the shape of the curve cannot be judged."},
    {"loss_does_not_fall", "손실이 {0}에서 {1}로, 줄지 않습니다.",
     "The loss does not fall ({0} to {1})."},
    {"curve_falls_early",
     "손실 감소의 {0}이 앞 절반에서 일어났습니다. 처음부터 배우는 곡선과 맞습니다(이어 학습한 "
     "곡선도 이럴 수 "
     "있습니다).",
     "{0} of the fall comes in the first half: as when learning from nothing (training on can look "
     "like this too)."},
    {"curve_falls_late",
     "손실 감소의 {0}만 앞 절반에서 일어났습니다. 처음부터 배우는 곡선과 다릅니다.",
     "Only {0} of the fall comes in the first half, unlike learning from nothing."},
    {"loss_drops_at_once",
     "{1}단계 부근에서 손실이 한꺼번에 {0} 떨어집니다(보통의 움직임 {2}). 가중치가 바뀌었을 수 "
     "있습니다.",
     "Around step {1} the loss drops by {0} at once (usual move {2}): weights may have been "
     "exchanged."},
    {"log_gap", "{0}단계 다음 {1}단계가 비어 있습니다.", "After step {0}, {1} steps are missing."},
    {"tokens_shrink", "{0}단계에서 학습한 토큰 수가 줄어듭니다.",
     "At step {0} the number of tokens seen shrinks."},
    {"score_from_the_start", "평가 점수(열 {0})가 처음부터 높습니다: {1} → {2}.",
     "A score (column {0}) is high from the start: {1} to {2}."},
    {"score_grows", "평가 점수(열 {0})가 학습하며 달라집니다: {1} → {2}.",
     "A score (column {0}) changes with training: {1} to {2}."},
    {"logs_agree", "두 로그가 {0}단계에서 서로 맞습니다(최대 차 {1}).",
     "Two logs agree at {0} steps (largest difference {1})."},
    {"logs_disagree", "두 로그가 서로 다릅니다: {2}단계에서 손실 차 {1}(공통 {0}단계).",
     "Two logs disagree: by {1} at step {2} (of {0} common steps)."},
    {"logs_without_common_steps", "두 로그에 공통된 단계가 없습니다.", "Two logs share no step."},
    {"checkpoint_unexplained", "{0}번째 체크포인트가 {1}번째를 설명하지 못합니다(상관 {2}).",
     "Checkpoint {0} does not explain checkpoint {1} (correlation {2})."},
    {"checkpoint_out_of_order",
     "{0}번째 체크포인트가 바로 다음보다 {1}번째와 더 닮았습니다({2} > {3}). 순서가 바뀌었습니다.",
     "Checkpoint {0} is more like checkpoint {1} than like the next ({2} > {3}): out of order."},
    {"checkpoints_explain_each_other",
     "체크포인트 {0}개가 차례로 다음을 설명합니다(상관의 최솟값 {1}).",
     "{0} checkpoints each explain the next (smallest correlation {1})."},
    {"first_checkpoint_untrained",
     "첫 체크포인트는 학습되지 않은 초기값입니다(정규화 계수가 모두 같음).",
     "The first checkpoint is an untrained initialisation (all gains equal)."},
    {"data_as_declared", "{a}: 장부에 있는 대로입니다({0}어절).",
     "{a}: as in the books ({0} words)."},
    {"data_declared_twice", "{a}: 두 번 신고되었습니다.", "{a}: declared twice."},
    {"data_not_in_books", "{a}: 장부에 없는 업로드입니다.",
     "{a}: there is no such upload in the books."},
    {"data_not_done", "{a}: 장부에서는 끝나지 않은 업로드입니다({b}).",
     "{a}: in the books this upload is not finished ({b})."},
    {"data_words_differ", "{a}: 신고는 {0}어절, 장부는 {1}어절입니다.",
     "{a}: declared with {0} words, in the books with {1}."},
    {"data_licence_differs", "{a}: 신고한 라이선스 “{b}”, 장부의 라이선스 “{c}”.",
     "{a}: declared under “{b}”, in the books under “{c}”."},
    {"data_without_receipt", "{a}: 장부의 영수증이 없어 밖에서 확인할 수 없습니다.",
     "{a}: without a receipt, so that nobody outside can check it."},
    {"data_not_declared",
     "장부에는 신고되지 않은 업로드가 {0}개({1}어절) 더 있습니다(예: {a}). 학습에 쓰지 않았다는 "
     "뜻이면 "
     "그대로 맞습니다.",
     "The books hold {0} more uploads ({1} words) that are not declared (e.g. {a}). That is right "
     "if "
     "they were not trained on."},
    {"first_checkpoint_trained", "첫 체크포인트는 이미 학습된 상태입니다.",
     "The first checkpoint is already trained."},
};

// Names of things that are shown to people, by the names that stand in the JSON.
struct Shown {
  std::string_view name, ko, en;
};
constexpr Shown kShown[] = {
    {"as_is", "있는 그대로", "as they are"},
    {"permuted", "차원의 순서를 바꿈", "dimensions reordered"},
    {"rotated_by_embeddings", "회전 (임베딩에서 찾음)", "rotated (found from embeddings)"},
    {"rotated_by_weights", "회전 (가중치에서 찾음)", "rotated (found from weights)"},
    {"permuted and rescaled", "순서와 배율을 바꾼 사본", "reordered and rescaled copy"},
    {"rotated, permuted, rescaled, 5 % noise", "회전하고 순서와 배율을 바꾸고 잡음 5 %를 더한 사본",
     "copy rotated, reordered, rescaled, with 5 % noise"},
    {"30 % pruned, 5 % noise", "30 %를 지우고 잡음 5 %를 더한 사본",
     "copy 30 % pruned, with 5 % noise"},
    {"permuted, rescaled, three quarters noise",
     "순서와 배율을 바꾸고 에너지의 4분의 3이 잡음인 사본",
     "reordered and rescaled copy, three quarters noise"},
    {"weights", "가중치", "weights"},
    {"encoder", "인코더", "encoder"},
    {"tokenizer", "토크나이저", "tokenizer"},
    {"code", "코드", "code"},
    {"data", "자료", "data"},
    {"other", "그 밖", "other"},
    {"upload", "업로드", "upload"},
    {"snapshot", "스냅샷", "snapshot"},
    {"external", "외부 자료", "external"},
    {"query", "질의", "query"},
    {"key", "열쇠", "key"},
    {"value", "값", "value"},
    {"output", "출력", "output"},
    {"gate", "게이트", "gate"},
    {"up", "업", "up"},
    {"down", "다운", "down"},
    {"embedding", "임베딩", "embedding"},
};
std::string Fill(std::string_view words, const std::vector<double>& numbers,
                 const std::vector<std::string>& texts) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == '{' && i + 2 < words.size() && words[i + 2] == '}') {
      const char c = words[i + 1];
      if (c >= '0' && c <= '9') {
        const auto at = static_cast<size_t>(c - '0');
        // A p-value too small for a double is not zero ("≤ {3}").
        const bool bound = i >= 4 && words.substr(i - 4, 4) == "≤ ";
        if (at >= numbers.size()) {
          out += "?";
        } else if (bound && numbers[at] == 0) {
          out += "1e-300";
        } else if (numbers[at] == std::floor(numbers[at]) && std::abs(numbers[at]) >= 1e4 &&
                   std::abs(numbers[at]) < 1e15) {
          out +=
              (numbers[at] < 0 ? "-" : "") + Grouped(static_cast<uint64_t>(std::abs(numbers[at])));
        } else {
          out += JsonNumber(Rounded(numbers[at]));
        }
      } else {
        const auto at = static_cast<size_t>(c - 'a');
        out += at < texts.size() ? texts[at] : "?";
      }
      i += 2;
      continue;
    }
    out.push_back(words[i]);
  }
  return out;
}

template <size_t N>
std::string Lookup(const Words (&table)[N], std::string_view code, DossierLang lang,
                   std::vector<double> numbers, const std::vector<std::string>& texts) {
  // People read four digits.
  for (double& x : numbers) {
    if (x != std::floor(x) && std::abs(x) < 1e6)
      x = std::round(x * 1e4) / 1e4 != 0 ? std::round(x * 1e4) / 1e4 : x;
  }
  for (const Words& row : table) {
    if (row.code != code) continue;
    std::vector<std::string> shown;
    for (const std::string& text : texts) shown.push_back(ShownName(text, lang));
    return Fill(lang == DossierLang::kKo ? row.ko : row.en, numbers, shown);
  }
  return std::string(code);
}

}  // namespace

std::string Grouped(uint64_t n) {
  std::string digits = std::to_string(n);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string ShownName(std::string_view name, DossierLang lang) {
  for (const Shown& row : kShown) {
    if (row.name == name) return std::string(lang == DossierLang::kKo ? row.ko : row.en);
  }
  return std::string(name);
}

std::vector<std::string> GroundsInWords(const Verdict& verdict, DossierLang lang) {
  std::vector<std::string> words;
  for (const Ground& g : verdict.grounds)
    words.push_back(Lookup(kGrounds, g.code, lang, g.numbers, g.texts));
  return words;
}

std::string AnswerInWords(Answer answer, DossierLang lang) {
  const bool ko = lang == DossierLang::kKo;
  switch (answer) {
    case Answer::kDerived:
      return ko ? "판정: 파생 모델" : "Verdict: derived";
    case Answer::kIndependent:
      return ko ? "판정: 무관 (따로 학습)" : "Verdict: independent";
    default:
      return ko ? "판정 보류: 근거가 모자람" : "No verdict: inconclusive";
  }
}

std::string FindingInWords(const Finding& finding, DossierLang lang) {
  return Lookup(kFindings, finding.code, lang, finding.numbers, finding.texts);
}

}  // namespace jangbu::audit
