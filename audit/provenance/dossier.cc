#include "audit/provenance/dossier.h"

#include <array>
#include <cmath>
#include <functional>

#include "audit/provenance/json.h"
#include "base/bytes.h"

namespace jangbu::audit {
namespace {

void WriteStrings(JsonWriter& out, std::string_view key, const std::vector<std::string>& list) {
  out.Key(key).BeginArray();
  for (const std::string& item : list) out.Text(item);
  out.EndArray();
}

void WriteFigures(JsonWriter& out, const PlainFigures& f) {
  out.Count("n", f.n).Field("cosine", f.cosine).Field("shuffled_cosine", f.shuffled_cosine);
  out.Field("pearson", f.pearson).Field("z", f.z).Field("p", f.p).Field("rms_ratio", f.ratio);
}

void WriteModel(JsonWriter& out, std::string_view key, const ModelFacts& m) {
  out.Key(key).BeginObject();
  out.Field("label", m.label).Field("content_sha256", ToHex(m.content));
  out.Field("format", m.format).Field("dtypes", m.dtypes);
  out.Count("bytes", m.bytes).Count("weights", m.elements).Count("tensors", m.tensors);
  out.Field("model_type", m.config.model_type).Field("architecture", m.config.architecture);
  out.Count("width", m.config.hidden).Count("layers", m.config.layers);
  out.Count("heads", m.config.heads).Count("kv_heads", m.config.kv_heads);
  out.Count("vocabulary", m.config.vocab);
  out.EndObject();
}

void WriteFigure(JsonWriter& out, std::string_view key, const Figure& f) {
  out.Key(key).BeginObject().Field("known", f.known);
  if (f.known) {
    out.Field("effect", f.effect).Field("z", f.z).Field("p", f.p);
    out.Field("chance_sd", f.chance_sd);
  }
  out.EndObject();
}

void WriteLikeness(JsonWriter& out, const Examination& e) {
  const Likeness& l = e.likeness;
  out.Key("likeness").BeginObject();
  out.Field("incomparable", l.incomparable).Field("basis", NameOf(l.basis));
  out.Key("basis_fit").BeginObject();
  for (size_t i = 0; i < l.basis_fit.size(); ++i)
    out.Field(NameOf(static_cast<BasisKind>(i)), l.basis_fit[i]);
  out.EndObject();
  WriteFigure(out, "neurons", l.neurons);
  if (l.learnt_known) out.Field("learnt", l.learnt);
  WriteFigure(out, "heads", l.heads);
  out.Field("head_distance", l.head_distance).Count("head_count", l.head_count);
  WriteFigure(out, "entries", l.entries);
  WriteFigure(out, "entries_rotated", l.entries_rotated);
  out.Count("entry_count", l.entry_count).Field("swapped", l.swapped);
  out.Field("rotation_null_mean", l.rotation_null_mean);
  out.Field("rotation_null_sd", l.rotation_null_sd).Count("rotation_nulls", l.rotation_nulls);
  out.Key("layers").BeginArray();
  for (size_t i = 0; i < l.layers.size(); ++i) {
    const LayerLikeness& layer = l.layers[i];
    out.BeginObject().Count("first", layer.first_layer).Count("second", layer.second_layer);
    out.Field("fit", layer.fit).Field("effect", layer.effect).Field("z", layer.z);
    out.Count("neurons", layer.neurons);
    out.Field("kept_large", layer.kept_large).Field("kept_rest", layer.kept_rest);
    out.Field("kept_back_large", layer.kept_back_large);
    out.Field("kept_back_rest", layer.kept_back_rest);
    if (i < e.partial_layers.size()) out.Field("partial", e.partial_layers[i]);
    out.EndObject();
  }
  out.EndArray();
  if (!e.partial_layers.empty()) out.Field("partial_neurons", e.partial_neurons);
  out.EndObject();
}

void WriteScale(JsonWriter& out, std::string_view key, const Scale& s) {
  out.Key(key).BeginObject().Field("known", s.known);
  if (s.known) {
    out.Field("null_max", s.null_max).Field("bound", s.bound);
    out.Field("independent_upto", s.independent_upto).Field("derived_from", s.derived_from);
    out.Field("positive_min", s.positive_min).Field("apart", s.apart);
  }
  out.EndObject();
}

void WriteFindings(JsonWriter& out, std::string_view key, const std::vector<Finding>& findings) {
  static constexpr std::string_view kKinds[] = {"consistent", "inconsistent", "note"};
  out.Key(key).BeginArray();
  for (const Finding& f : findings) {
    out.BeginObject().Field("kind", kKinds[static_cast<size_t>(f.kind)]).Field("code", f.code);
    out.Key("numbers").BeginArray();
    for (const double x : f.numbers) out.Number(x);
    out.EndArray();
    if (!f.texts.empty()) WriteStrings(out, "texts", f.texts);
    out.EndObject();
  }
  out.EndArray();
}

// --- words ---

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

std::string Grouped(uint64_t n) {
  std::string digits = std::to_string(n);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

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
std::string ShownName(std::string_view name, DossierLang lang) {
  for (const Shown& row : kShown) {
    if (row.name == name) return std::string(lang == DossierLang::kKo ? row.ko : row.en);
  }
  return std::string(name);
}

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

// --- HTML ---

std::string Escape(std::string_view text) {
  // By way of JSON's reader of UTF-8: what is not well-formed becomes U+FFFD there too.
  std::string out;
  const std::string quoted = JsonQuote(text);
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {
    const char c = quoted[i];
    if (c != '\\') {
      out.push_back(c);
      continue;
    }
    const char next = quoted[++i];
    if (next == 'u') {
      const std::string_view hex = std::string_view(quoted).substr(i + 1, 4);
      i += 4;
      if (hex == "003c") {
        out += "&lt;";
      } else if (hex == "003e") {
        out += "&gt;";
      } else if (hex == "0026") {
        out += "&amp;";
      } else {
        out += "\xEF\xBF\xBD";  // controls have no business in a report
      }
    } else if (next == 'n') {
      out.push_back('\n');
    } else if (next == '"') {
      out += "&quot;";
    } else {
      out.push_back(next);
    }
  }
  return out;
}

std::string Number(double x, int digits = 3) {
  if (!std::isfinite(x)) return "–";
  const double scale = std::pow(10.0, digits);
  return JsonNumber(std::round(x * scale) / scale + 0.0);
}

constexpr std::string_view kStyle =
    "body{font:16px/1.6 'Noto Sans KR','Noto Sans CJK KR',system-ui,sans-serif;max-width:60rem;"
    "margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}"
    "h1{font-size:1.7rem;margin-bottom:.2rem}h2{font-size:1.25rem;border-bottom:2px solid #ddd;"
    "margin-top:2.2rem}h3{font-size:1.05rem;margin-bottom:.3rem}"
    "table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.6rem 0}"
    "th,td{border:1px solid #ccc;padding:.25rem .5rem;text-align:left;overflow-wrap:anywhere}"
    "th{background:#f4f4f4;overflow-wrap:normal}td.n{text-align:right;font-variant-numeric:tabular-"
    "nums;"
    "white-space:nowrap}"
    ".v{padding:1rem 1.2rem;border-radius:.4rem;margin:1rem 0;border-left:.5rem solid}"
    ".derived{background:#fdecea;border-color:#b3261e}"
    ".independent{background:#e8f4ea;border-color:#1e7b34}"
    ".inconclusive{background:#fff6df;border-color:#a06800}"
    ".v b{font-size:1.3rem}.gap{color:#a06800}.bad{color:#b3261e}.ok{color:#1e7b34}"
    ".small{font-size:.82rem;color:#555}code{overflow-wrap:anywhere;font-size:.85em}"
    "svg{max-width:100%;height:auto}pre{white-space:pre-wrap;background:#f7f7f7;padding:.6rem}"
    "@media print{body{margin:0}}";

class Page {
 public:
  Page(const Examination& e, DossierLang lang)
      : e_(e), ko_(lang == DossierLang::kKo), lang_(lang) {}

  std::string Render(std::string_view sha256, std::string_view signed_by) {
    out_ += "<!DOCTYPE html>\n<html lang=\"";
    out_ += ko_ ? "ko" : "en";
    out_ +=
        "\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" "
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>";
    out_ += T("모델 출처 조사서", "Model provenance dossier");
    out_ += "</title><style>";
    out_ += kStyle;
    out_ += "</style></head><body>\n";
    Head();
    Technical();
    Policy();
    Ethics();
    Method();
    Foot(sha256, signed_by);
    out_ += "</body></html>\n";
    return std::move(out_);
  }

 private:
  const char* T(const char* ko, const char* en) const { return ko_ ? ko : en; }
  void H2(const std::string& text) { out_ += "<h2>" + text + "</h2>\n"; }
  void H3(const std::string& text) { out_ += "<h3>" + text + "</h3>\n"; }
  void P(const std::string& text, const char* style = nullptr) {
    out_ += style == nullptr ? "<p>" : std::string("<p class=\"") + style + "\">";
    out_ += text + "</p>\n";
  }
  void TableHead(std::initializer_list<const char*> names) {
    out_ += "<table><tr>";
    for (const char* name : names) out_ += std::string("<th>") + name + "</th>";
    out_ += "</tr>\n";
  }
  // Cells that begin with '#' are numbers.
  void Row(std::initializer_list<std::string> cells) {
    out_ += "<tr>";
    for (const std::string& cell : cells) {
      if (!cell.empty() && cell[0] == '#') {
        out_ += "<td class=\"n\">" + cell.substr(1) + "</td>";
      } else {
        out_ += "<td>" + cell + "</td>";
      }
    }
    out_ += "</tr>\n";
  }
  void TableEnd() { out_ += "</table>\n"; }

  void Head() {
    out_ += std::string("<h1>") + T("모델 출처 조사서", "Model provenance dossier") + "</h1>\n";
    P(std::string(T("물음: ", "Question: ")) +
      (ko_ ? "“" + Escape(e_.subject.label) + "”은(는) “" + Escape(e_.reference.label) +
                 "”에서 파생되었는가?"
           : "does “" + Escape(e_.subject.label) + "” descend from “" + Escape(e_.reference.label) +
                 "”?"));
    out_ += "<div class=\"v " + std::string(NameOf(e_.verdict.answer)) + "\"><b>" +
            AnswerInWords(e_.verdict.answer, lang_) + "</b><ul>";
    for (const std::string& ground : GroundsInWords(e_.verdict, lang_))
      out_ += "<li>" + Escape(ground) + "</li>";
    out_ += "</ul></div>\n";
    switch (e_.verdict.answer) {
      case Answer::kDerived:
        P(T("뜻: 한쪽의 가중치가 다른 쪽의 것을 이어받았습니다(둘 다 같은 모델을 이어받았을 수도 "
            "있습니다). "
            "닮음에는 방향이 없습니다: 어느 쪽이 먼저인지는 공개한 때, 학습 로그, 체크포인트가 "
            "말합니다. "
            "이어받는 것이 허락된 일인지는 라이선스가 정합니다.",
            "Meaning: the weights of one were taken over from the other (or those of both from the "
            "same model). Likeness has no direction: which came first is for dates of publication, "
            "training logs and checkpoints to say. Whether it was allowed is a matter of "
            "licences."));
        break;
      case Answer::kIndependent:
        P(T("뜻: 가중치를 이어받은 흔적이 없습니다. 여기서 시험한 변장을 했더라도 보였을 것입니다. "
            "사람들이 무엇을 "
            "했는지에 대한 증명은 아니며, 다른 모델의 답을 배웠는지(증류)는 이 검사가 보지 "
            "못합니다.",
            "Meaning: no trace that weights were taken over, measured by tests that would have "
            "seen "
            "the disguises tried here. It is no proof of what people did, and learning from "
            "another "
            "model's answers (distillation) is not seen by it."));
        break;
      case Answer::kInconclusive:
        P(T("뜻: 어느 쪽으로도 말할 근거가 모자랍니다. 파생이라는 혐의도, 무관하다는 증명도 "
            "아닙니다. 위의 까닭이 "
            "무엇이 더 있어야 하는지 말합니다.",
            "Meaning: the evidence does not suffice either way. This is neither a suspicion nor a "
            "clearance; the reasons above say what is missing."));
    }
    Scales();
    TableHead({T("모델", "model"), T("형식", "format"), T("가중치 수", "weights"),
               T("층", "layers"), T("너비", "width"), T("어휘", "vocabulary"),
               T("내용의 SHA-256", "SHA-256 of content")});
    const auto model = [&](const char* role, const ModelFacts& m) {
      Row({std::string(role) + ": " + Escape(m.label), Escape(m.format + " " + m.dtypes),
           "#" + Grouped(m.elements), "#" + Grouped(m.config.layers),
           "#" + Grouped(m.config.hidden), "#" + Grouped(m.config.vocab),
           "<code>" + ToHex(m.content) + "</code>"});
    };
    model(T("대상", "subject"), e_.subject);
    model(T("견줄 모델", "reference"), e_.reference);
    if (e_.start) model(T("공통 초기값", "common start"), *e_.start);
    TableEnd();
    if (!e_.start_refused.empty()) {
      P(std::string(T("공통 초기값은 쓰지 않았습니다: ", "The common start was not used: ")) +
            StartRefused(),
        "gap");
    }
  }

  std::string StartRefused() const {
    if (e_.start_refused == "start_is_trained")
      return T("학습되지 않은 초기값이 아닙니다(정규화 계수가 서로 다릅니다).",
               "it is not an untrained initialisation (its gains differ).");
    if (e_.start_refused == "start_is_of_the_pair")
      return T("견주는 두 모델 가운데 하나입니다.", "it is one of the two models.");
    return T("구조가 다릅니다.", "its shape differs.");
  }

  // Where the pair stands between the controls.
  void Scales() {
    if (!e_.verdict.neurons.known) return;
    const auto x = [](double v) { return 40 + 680 * std::min(1.0, std::max(-0.05, v)); };
    const auto at = [&](double v) { return JsonNumber(std::round(x(v) * 10) / 10); };
    std::string svg = "<svg viewBox=\"0 0 760 128\" role=\"img\" aria-label=\"";
    svg += T("대조군 사이의 위치", "place among the controls");
    svg += "\"><line x1=\"40\" x2=\"720\" y1=\"60\" y2=\"60\" stroke=\"#888\"/>";
    const auto rect = [&](double from, double to, const char* fill) {
      svg += "<rect x=\"" + at(from) + "\" y=\"44\" height=\"32\" width=\"" +
             JsonNumber(std::round((x(to) - x(from)) * 10) / 10) + "\" fill=\"" + fill + "\"/>";
    };
    rect(0, e_.verdict.neurons.independent_upto, "#cfe8d4");
    rect(e_.verdict.neurons.derived_from, 1, "#f6cfcb");
    for (const Control& c : e_.controls) {
      if (!c.figures.has_neurons) continue;
      svg += "<circle cx=\"" + at(c.figures.neurons) + "\" cy=\"60\" r=\"6\" fill=\"" +
             (c.kind == ControlKind::kIndependent ? "#1e7b34" : "#b3261e") +
             "\" fill-opacity=\"0.6\"/>";
    }
    const double pair = e_.partial_layers.empty() ? e_.likeness.neurons.effect : e_.partial_neurons;
    svg += "<path d=\"M" + at(pair) + " 40 l-8 -16 h16 z\" fill=\"#111\"/>";
    for (int i = 0; i <= 10; i += 2) {
      svg += "<text x=\"" + at(i / 10.0) + "\" y=\"94\" font-size=\"12\" text-anchor=\"middle\">" +
             JsonNumber(i / 10.0) + "</text>";
    }
    svg += std::string("<text x=\"40\" y=\"118\" font-size=\"13\" fill=\"#1e7b34\">● ") +
           T("무관한 대조", "unrelated controls") + "</text>";
    svg += std::string("<text x=\"260\" y=\"118\" font-size=\"13\" fill=\"#b3261e\">● ") +
           T("파생 대조", "derived controls") + "</text>";
    svg += std::string("<text x=\"480\" y=\"118\" font-size=\"13\">▼ ") +
           T("이 두 모델", "these two models") + "</text></svg>\n";
    out_ += svg;
    P(T("뉴런의 일치. 0은 우연, 1은 같은 모델입니다. 초록 구간은 무관하다고 하는 값, 붉은 구간은 "
        "파생이라 하는 값, 그 사이는 판정하지 않는 값입니다. 선은 대조군에서 나옵니다(아래 ‘어떻게 "
        "재었는가’).",
        "Agreement of neurons: 0 is chance, 1 the same model. Green counts as unrelated, red as "
        "descent; between them there is no verdict. The lines come from the controls (see “How it "
        "was measured”)."),
      "small");
  }

  void Technical() {
    H2(T("1. 기술: 가중치를 스스로 초기화해 학습했는가",
         "1. Technical: were the weights initialised and then trained?"));
    Statements("technical");
    H3(T("가중치의 일치", "Agreement of weights"));
    const Likeness& l = e_.likeness;
    TableHead({T("검사", "test"), T("값", "figure"), T("무관한 대조 (최대)", "unrelated (max)"),
               T("무관 (까지)", "unrelated (up to)"), T("파생 (부터)", "derived (from)"),
               T("뻔한 사본 (최소)", "plain copies (min)"), "p", T("보정 p", "corrected p")});
    const auto test = [&](const char* name, const char* words, const Figure& f, const Scale& s) {
      if (!f.known) return;
      double p = f.p, corrected = f.p;
      for (const Test& t : e_.verdict.tests) {
        if (t.name == name) corrected = t.corrected;
      }
      Row({words, "#" + Number(f.effect), s.known ? "#" + Number(s.null_max) : "–",
           s.known ? "#" + Number(s.independent_upto) : "–",
           s.known ? "#" + Number(s.derived_from) : "–",
           s.known ? "#" + Number(s.positive_min) : "–", "#" + Probability(p),
           "#" + Probability(corrected)});
    };
    test("neurons",
         T("뉴런 (게이트로 짝짓고 업·다운으로 검사)",
           "neurons (paired by gate, tested on up and down)"),
         l.neurons, e_.verdict.neurons);
    test("heads", T("어텐션 헤드의 특이값", "singular values of attention heads"), l.heads,
         e_.verdict.heads);
    test("entries", T("같은 낱말의 임베딩", "embeddings of shared entries"), l.entries,
         e_.verdict.entries);
    TableEnd();
    if (e_.verdict.neurons.known && l.learnt_known &&
        l.neurons.effect > e_.verdict.neurons.independent_upto) {
      P(std::string(T("학습이 만든 부분의 일치를 나머지의 일치에 견준 몫: ",
                      "Agreement in what training wrote, as a share of that in the rest: ")) +
        "<b>" + Number(l.learnt) + "</b>" +
        (e_.verdict.learnt_from > 0 ? T(" (파생이라 하려면 ", " (descent needs ") +
                                          Number(e_.verdict.learnt_from) + T(" 이상)", " or more)")
                                    : std::string()) +
        T(". 학습은 가중치를 몇몇 방향으로 크게 바꾸지만, 무작위 초기값에는 그런 방향이 없습니다. "
          "같은 초기값에서 출발했을 뿐인 모델은 나머지가 주로 닮고, 베낀 모델은 학습된 방향까지 "
          "닮습니다(1 근처).",
          ". Training makes the weights large in a few directions; random starting weights have "
          "none. Models that only share a start are alike mostly in the rest; a copy has the "
          "learnt "
          "directions too (near 1)."));
    }
    P(std::string(
          T("p는 “아무 관계도 없다”는 가설의 확률이며, 같은 언어와 같은 글로 학습한 것도 "
            "관계입니다. 파생인지는 "
            "대조군과 견주어 정합니다. 무작위 회전으로 얻은 우연의 값: ",
            "p is the probability under “no relation of any kind”; training on the same language "
            "and text is a relation too. Whether it is descent is decided against the "
            "controls. Chance, from random rotations: ")) +
          Number(l.rotation_null_mean, 4) + " ± " + Number(l.rotation_null_sd, 4) + ".",
      "small");
    if (!e_.controls.empty()) {
      H3(T("대조군", "Controls"));
      TableHead({T("관계", "relation"), T("쌍", "pair"), T("뉴런", "neurons"), T("헤드", "heads"),
                 T("임베딩", "embeddings")});
      for (const Control& c : e_.controls) {
        const char* kind = c.kind == ControlKind::kIndependent ? T("무관", "unrelated")
                           : c.kind == ControlKind::kDerived   ? T("파생", "derived")
                           : c.kind == ControlKind::kFaint
                               ? T("만든 희미한 사본", "constructed, faint")
                               : T("만든 사본", "constructed copy");
        const auto cell = [](bool has, double x) {
          return has ? "#" + Number(x) : std::string("–");
        };
        Row({kind,
             Escape(c.first) + " / " + Escape(ShownName(c.second, lang_)) +
                 (c.incomparable.empty() ? "" : " (" + Escape(c.incomparable) + ")"),
             cell(c.figures.has_neurons, c.figures.neurons),
             cell(c.figures.has_heads, c.figures.heads),
             cell(c.figures.has_entries, c.figures.entries)});
      }
      TableEnd();
    }
    if (!l.layers.empty()) {
      H3(T("층별", "By layer"));
      TableHead({T("층", "layer"), T("짝 층", "matched layer"), T("뉴런의 일치", "neurons"),
                 T("초기값을 뺀 값", "start taken out"), "z"});
      for (size_t i = 0; i < l.layers.size(); ++i) {
        Row({"#" + std::to_string(l.layers[i].first_layer),
             "#" + std::to_string(l.layers[i].second_layer), "#" + Number(l.layers[i].effect),
             i < e_.partial_layers.size() ? "#" + Number(e_.partial_layers[i]) : "–",
             "#" + Number(l.layers[i].z, 1)});
      }
      TableEnd();
    }
    for (const Mixture& m : e_.mixtures) {
      P(std::string(T("섞은 모델인가: 대상 = ", "A mixture? Subject = ")) +
        Number(m.weight_reference) + " × " + Escape(e_.reference.label) + " + " +
        Number(m.weight_other) + " × " + Escape(m.other) + T("; 설명되는 몫 ", "; explained ") +
        Number(m.explained) + T(" (따로: ", " (alone: ") + Number(m.explained_reference) + ", " +
        Number(m.explained_other) + ").");
    }
    Gains();
    VocabularyPart();
    Training();
  }

  // A p-value too small for a double is not zero.
  static std::string Probability(double p) {
    return p == 0 ? "&lt; 1e-300" : JsonNumber(std::stod(Short(p)));
  }
  static std::string Short(double p) {
    std::array<char, 32> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.2g", p);
    return buffer.data();
  }

  void Gains() {
    if (e_.gains.empty()) return;
    H3(T("정규화 계수: 왜 코사인 유사도로 판정하지 않는가",
         "Norm gains: why cosine similarity decides nothing"));
    P(T("정규화 층의 계수는 거의 모두 1 가까이에서 시작해 조금씩만 움직입니다. 모두 1에 가까운 두 "
        "수열은 서로 아무 관계가 "
        "없어도 코사인 유사도가 1에 가깝습니다. 키가 모두 170 cm 안팎인 두 반의 출석부를 나란히 "
        "놓으면 “거의 같은 "
        "수”가 되는 것과 같습니다: 아무도 같은 사람이 아니어도 그렇습니다. 그래서 한쪽의 순서를 "
        "마구 섞은 뒤의 코사인을 "
        "함께 보입니다. 섞어도 그대로라면 그 유사도는 아무것도 말하지 않습니다. 관계가 있는지는 "
        "평균을 뺀 피어슨 상관이 "
        "말합니다: 관계가 없으면 0 근처, 베꼈으면 1 근처입니다.",
        "The gains of a norm layer begin near 1 and move only a little. Two rows of numbers that "
        "are all "
        "near 1 have a cosine similarity near 1 even when they have nothing to do with each other. "
        "Put the "
        "class lists of two schools side by side, everybody about 170 cm tall: the lists are "
        "“nearly the "
        "same numbers”, though not one person is the same. So the cosine that remains after "
        "shuffling one "
        "side is shown beside it. If shuffling changes nothing, the similarity says nothing. "
        "Whether there "
        "is a relation is said by the Pearson correlation, from which the mean is taken out: near "
        "0 without "
        "relation, near 1 for a copy."));
    TableHead({T("정규화 계수 전체", "all norm gains"), T("코사인", "cosine"),
               T("섞은 뒤의 코사인", "cosine when shuffled"), T("피어슨", "Pearson"),
               T("전체 가중치에서의 몫", "share of all weights")});
    Row({Grouped(e_.gains.size()) + T("개 벡터", " vectors"), "#" + Number(e_.gains_cosine, 4),
         "#" + Number(e_.gains_shuffled, 4), "#" + Number(e_.gains_pearson, 4),
         "#" + Number(100 * e_.gains_share, 4) + " %"});
    size_t shown = 0;
    for (const NamedFigures& g : e_.gains) {
      if (shown++ == 24) break;
      Row({Escape(g.name), "#" + Number(g.figures.cosine, 4),
           "#" + Number(g.figures.shuffled_cosine, 4), "#" + Number(g.figures.pearson, 4), ""});
    }
    TableEnd();
    P(T("이 값은 참고로 보일 뿐, 어떤 경우에도 파생의 근거로 세지 않습니다.",
        "These figures are shown for information. They never count as a ground for descent."),
      "small");
    if (e_.roles.empty()) return;
    H3(T("같은 자리의 행렬 (변장하지 않은 경우)", "Matrices at the same places (undisguised)"));
    TableHead({T("역할", "role"), T("행렬", "matrices"), T("코사인", "cosine"),
               T("섞은 뒤", "shuffled"), T("피어슨", "Pearson")});
    for (const RoleFigures& r : e_.roles) {
      Row({Escape(ShownName(r.role, lang_)), "#" + Grouped(r.tensors),
           "#" + Number(r.figures.cosine, 4), "#" + Number(r.figures.shuffled_cosine, 4),
           "#" + Number(r.figures.pearson, 4)});
    }
    TableEnd();
  }

  void VocabularyPart() {
    H3(T("어휘 (참고: 판정에 쓰지 않음)",
         "Vocabulary (for information: not used for the verdict)"));
    const VocabularyFigures& v = e_.vocabulary;
    if (!v.files) {
      P(std::string(
            T("토크나이저 파일을 견줄 수 없습니다: ", "Tokenizer files cannot be compared: ")) +
            Escape(v.unknown),
        "gap");
      return;
    }
    const auto& f = *v.files;
    const auto share = [](uint64_t part, uint64_t whole) {
      return whole == 0
                 ? std::string("–")
                 : Number(100.0 * static_cast<double>(part) / static_cast<double>(whole), 1) + " %";
    };
    TableHead({T("무엇", "what"), T("공통", "shared"), T("대상 기준", "of the subject"),
               T("견줄 모델 기준", "of the reference")});
    Row({T("항목", "entries"), "#" + Grouped(f.entries_shared),
         "#" + share(f.entries_shared, f.entries_a), "#" + share(f.entries_shared, f.entries_b)});
    Row({T("세 글자 이상 (자카드 ", "three characters and more (Jaccard ") +
             share(v.long_shared, v.long_first + v.long_second - v.long_shared) + ")",
         "#" + Grouped(v.long_shared), "#" + share(v.long_shared, v.long_first),
         "#" + share(v.long_shared, v.long_second)});
    const std::pair<const char*, size_t ingest::EntryKinds::*> kinds[] = {
        {T("한글", "Hangul"), &ingest::EntryKinds::hangul},
        {T("한자", "Han"), &ingest::EntryKinds::han},
        {T("로마자", "Latin"), &ingest::EntryKinds::latin},
        {T("가나", "kana"), &ingest::EntryKinds::kana},
        {T("그 밖의 문자", "other scripts"), &ingest::EntryKinds::other_script}};
    for (const auto& [name, kind] : kinds) {
      if (f.kinds_a.*kind == 0 && f.kinds_b.*kind == 0) continue;
      Row({name, "#" + Grouped(f.kinds_shared.*kind),
           "#" + share(f.kinds_shared.*kind, f.kinds_a.*kind),
           "#" + share(f.kinds_shared.*kind, f.kinds_b.*kind)});
    }
    Row({T("번호까지 같은 항목", "entries with the same id"), "#" + Grouped(f.same_id),
         "#" + share(f.same_id, f.entries_a), "#" + share(f.same_id, f.entries_b)});
    Row({T("병합 규칙 (같은 순서 ", "merges (in the same order ") + Grouped(f.merges_in_order) +
             ")",
         "#" + Grouped(f.merges_shared), "#" + share(f.merges_shared, f.merges_a),
         "#" + share(f.merges_shared, f.merges_b)});
    TableEnd();
    P(T("따로 만든 어휘도 65–81 %를 공유하고, 파생 모델이 어휘를 통째로 바꾸기도 합니다. “몇 %면 "
        "같은 계열”이라는 규칙은 "
        "양쪽으로 틀립니다.",
        "Vocabularies made apart share 65 to 81 %, and a derived model may have another vocabulary "
        "altogether: a rule of “so many per cent means the same family” fails both ways."),
      "small");
  }

  void Findings(const std::vector<Finding>& findings) {
    out_ += "<ul>";
    for (const Finding& f : findings) {
      const char* style = f.kind == FindingKind::kInconsistent ? "bad"
                          : f.kind == FindingKind::kConsistent ? "ok"
                                                               : "gap";
      const char* mark = f.kind == FindingKind::kInconsistent ? "✗ "
                         : f.kind == FindingKind::kConsistent ? "✓ "
                                                              : "· ";
      out_ += std::string("<li class=\"") + style + "\">" + mark +
              Escape(FindingInWords(f, lang_)) + "</li>";
    }
    out_ += "</ul>\n";
  }

  void Training() {
    H3(T("학습의 증거", "Evidence of training"));
    if (e_.logs.empty()) {
      P(T("빈 곳: 학습 로그가 제출되지 않았습니다.", "Gap: no training log was given."), "gap");
    }
    for (const LogReport& log : e_.logs) {
      P("<code>" + Escape(log.label) + "</code>: " + Grouped(log.figures.rows) +
        T("줄, 단계 ", " rows, steps ") + std::to_string(log.figures.first_step) + "–" +
        std::to_string(log.figures.last_step) + T(", 손실 ", ", loss ") +
        Number(log.figures.first_loss) + " → " + Number(log.figures.last_loss));
      CurveOf(log);
      Findings(log.figures.findings);
    }
    if (e_.request.checkpoints.empty()) {
      P(T("빈 곳: 학습 중간의 체크포인트가 제출되지 않았습니다.",
          "Gap: no checkpoints from during training were given."),
        "gap");
    }
    if (!e_.findings.empty()) Findings(e_.findings);
  }

  void CurveOf(const LogReport& log) {
    if (log.curve.size() < 2) return;
    double low = log.curve[0].second, high = low;
    for (const auto& [step, loss] : log.curve) {
      low = std::min(low, loss);
      high = std::max(high, loss);
    }
    const double from = log.curve.front().first, to = log.curve.back().first;
    if (!(high > low) || !(to > from)) return;
    std::string points;
    for (const auto& [step, loss] : log.curve) {
      points += JsonNumber(std::round((50 + 690 * (step - from) / (to - from)) * 10) / 10) + "," +
                JsonNumber(std::round((150 - 130 * (loss - low) / (high - low)) * 10) / 10) + " ";
    }
    out_ +=
        std::string("<svg viewBox=\"0 0 760 180\" role=\"img\" aria-label=\"") +
        T("손실 곡선", "loss curve") +
        "\"><path d=\"M50 15V150H740\" fill=\"none\" stroke=\"#888\"/><polyline fill=\"none\" "
        "stroke=\"#1456a0\" stroke-width=\"2\" points=\"" +
        points + "\"/><text x=\"45\" y=\"24\" font-size=\"12\" text-anchor=\"end\">" +
        Number(high, 2) + "</text><text x=\"45\" y=\"152\" font-size=\"12\" text-anchor=\"end\">" +
        Number(low, 2) + "</text><text x=\"740\" y=\"170\" font-size=\"12\" text-anchor=\"end\">" +
        JsonNumber(to) + "</text></svg>\n";
  }

  void Statements(std::string_view heading) {
    if (!e_.manifest) return;
    for (const Statement& s : e_.manifest->statements) {
      if (s.heading == heading)
        P(std::string(T("신고한 말: ", "Declared: ")) + "“" + Escape(s.text) + "”");
    }
  }

  void Policy() {
    H2(T("2. 정책: 외부의 통제에서 자유로운가", "2. Policy: is it free of outside control?"));
    if (!e_.manifest) {
      P(T("빈 곳: 구성 요소 신고서가 제출되지 않았습니다.",
          "Gap: no manifest of components was given."),
        "gap");
      return;
    }
    const Manifest& m = *e_.manifest;
    P(std::string(T("신고한 이: ", "Declared by: ")) + Escape(m.maker) +
      T("; 처음부터 학습했다는 주장: ", "; claims to be trained from scratch: ") +
      (m.from_scratch_claimed ? T("예", "yes") : T("아니요", "no")));
    if (m.from_scratch_claimed && e_.verdict.answer == Answer::kDerived) {
      P(T("✗ 주장과 가중치의 판정이 서로 어긋납니다.",
          "✗ The claim contradicts the verdict on the weights."),
        "bad");
    }
    Statements("policy");
    TableHead({T("구성 요소", "component"), T("종류", "kind"), T("출처", "origin"),
               T("공급자", "supplier"), T("라이선스", "licence")});
    size_t foreign = 0;
    for (const Component& c : m.components) {
      if (c.origin == "foreign") ++foreign;
      Row({Escape(c.name), Escape(ShownName(c.kind, lang_)),
           c.origin == "foreign"
               ? std::string("<span class=\"bad\">") + T("외부", "foreign") + "</span>"
               : std::string(T("자체", "own")),
           Escape(c.supplier), Escape(c.licence)});
    }
    TableEnd();
    P(std::string(T("외부에서 온 구성 요소: ", "Components of foreign origin: ")) +
      std::to_string(foreign) + ".");
    bool weights = false;
    for (const Component& c : m.components)
      weights |= c.origin == "foreign" && (c.kind == "weights" || c.kind == "encoder");
    if (weights)
      P(T("✗ 외부의 가중치나 인코더가 들어 있다고 신고했습니다.",
          "✗ Foreign weights or an encoder are declared."),
        "bad");
  }

  void Ethics() {
    H2(T("3. 윤리: 라이선스를 지키고 검증에 열려 있는가",
         "3. Ethics: are licences kept and is verification open?"));
    if (!e_.manifest) {
      P(T("빈 곳: 신고서가 없어 라이선스와 학습 자료의 출처를 볼 수 없습니다.",
          "Gap: without a manifest, licences and training data cannot be shown."),
        "gap");
    } else {
      Statements("ethics");
      for (const Component& c : e_.manifest->components) {
        if (c.licence.empty() || (!c.licence_known && !c.licence.starts_with("LicenseRef-"))) {
          P(std::string(T("빈 곳: 라이선스를 알 수 없음: ", "Gap: licence unknown: ")) +
                Escape(c.name) + " (" + Escape(c.licence) + ")",
            "gap");
        }
        if (c.origin == "foreign" && c.attribution.empty())
          P(std::string(T("빈 곳: 저작자 표시가 없음: ", "Gap: no attribution text: ")) +
                Escape(c.name),
            "gap");
        if (!c.attribution.empty())
          out_ += "<h3>" + Escape(c.name) + "</h3><pre>" + Escape(c.attribution) + "</pre>\n";
      }
      H3(T("학습 자료의 출처", "Lineage of training data"));
      if (e_.manifest->data.empty()) {
        P(T("빈 곳: 학습 자료가 신고되지 않았습니다.", "Gap: no training data are declared."),
          "gap");
      } else {
        TableHead(
            {T("종류", "kind"), T("번호", "id"), T("라이선스", "licence"), T("어절", "words")});
        for (const DataSource& d : e_.manifest->data)
          Row({Escape(ShownName(d.kind, lang_)), Escape(d.id), Escape(d.licence),
               "#" + Grouped(d.words)});
        TableEnd();
        bool uploads = false;
        for (const DataSource& d : e_.manifest->data) uploads |= d.kind == "upload";
        if (e_.lineage) {
          P(std::string(T("아래는 신고한 업로드를 기여 장부와 견준 것입니다. 장부: ",
                          "Below, the declared uploads beside the books of contributions. Log: ")) +
            "<code>" + Escape(e_.lineage->log) + "</code>");
          Findings(e_.data_findings);
        } else if (uploads) {
          P(T("빈 곳: 신고한 업로드를 장부와 견주지 않았습니다(--lineage).",
              "Gap: the declared uploads were not compared with the books (--lineage)."),
            "gap");
        }
      }
    }
    P(T("이 조사서의 모든 수는 아래 입력에서 누구나 다시 계산할 수 있습니다: ",
        "Anybody can compute every figure here again from the inputs: ") +
      std::string("<code>jangbu provenance verify DOSSIER.json</code>"));
  }

  void Method() {
    H2(T("어떻게 재었는가", "How it was measured"));
    out_ += "<ol>";
    const auto item = [&](const char* ko, const char* en) {
      out_ += std::string("<li>") + T(ko, en) + "</li>";
    };
    item(
        "정규화 계수를 뒤따르는 행렬에 곱해 넣어, 계수를 옮겨 숨긴 것을 없앱니다.",
        "Norm gains are multiplied into the matrices that follow, which undoes moving them about.");
    item(
        "두 모델의 좌표를 맞춥니다: 그대로, 순서 바꿈, 회전(프로크루스테스) 가운데 게이트 행렬이 "
        "가장 잘 맞는 것.",
        "The coordinates of the two are aligned: as they are, reordered or rotated (Procrustes), "
        "whichever fits the gate matrices best.");
    item(
        "층마다 뉴런을 게이트 행렬로 하나씩 짝짓고(할당 문제), 짝짓기에 쓰지 않은 업·다운 행렬이 "
        "맞는지 검사합니다.",
        "In each layer neurons are paired one to one by gates (assignment), then up and down "
        "matrices, "
        "which had no part in it, are tested.");
    item(
        "어텐션 헤드는 값–출력 곱의 특이값으로 짝짓고 질의–열쇠 곱의 특이값으로 검사합니다. "
        "회전으로 바뀌지 않는 값입니다.",
        "Attention heads are paired by the singular values of value–output products and tested on "
        "those of query–key products, which no rotation changes.");
    item(
        "같은 일을 무관한 모델들과, 이 모델을 일부러 변장시킨 사본들에 되풀이해 눈금을 만듭니다. "
        "우연의 "
        "한계는 무관한 대조의 최댓값에 그 폭과 우연의 표준편차 네 배를 더한 값, 파생의 선은 가중치 "
        "에너지의 4분의 3을 잡음으로 바꾼 가장 희미한 사본의 값, 무관의 한계는 둘 사이 5분의 1 "
        "지점입니다. "
        "눈금 없이는 판정하지 않습니다.",
        "The same is done with unrelated models and with copies of this model in disguise, which "
        "makes the scale. The bound of chance is the largest unrelated figure, plus the range of "
        "the "
        "unrelated once more, plus four standard deviations of chance; the line of descent is the "
        "figure of the faintest copy, in which three quarters of the weights' energy is noise; "
        "unrelated is up to a fifth of the way between the two. Without a scale there is no "
        "verdict.");
    out_ += "</ol>\n";
    P(T("보지 못하는 것: 다른 모델의 출력을 배우는 증류, 너비가 다른 모델로의 변형, 아주 길게 다시 "
        "학습해 흔적이 지워진 경우.",
        "What this cannot see: distillation from another model's outputs, changes of width, "
        "training "
        "on for so long that the traces are gone."),
      "small");
  }

  void Foot(std::string_view sha256, std::string_view signed_by) {
    out_ += "<hr>";
    P("JSON SHA-256: <code>" + Escape(sha256) + "</code>" +
          (signed_by.empty() ? std::string(T("; 서명 없음", "; not signed"))
                             : std::string(T("; 서명: ", "; signed by ")) + Escape(signed_by)) +
          T("; 씨앗 값 ", "; seed ") + std::to_string(e_.request.seed),
      "small");
  }

  const Examination& e_;
  const bool ko_;
  const DossierLang lang_;
  std::string out_;
};

}  // namespace

std::string DossierJson(const Examination& e) {
  JsonWriter out;
  out.BeginObject();
  out.Field("format", kDossierFormat).Count("version", kDossierVersion);
  out.Key("request").BeginObject();
  const Request& r = e.request;
  out.Field("subject", r.subject).Field("reference", r.reference).Field("start", r.start);
  WriteStrings(out, "independents", r.independents);
  WriteStrings(out, "derived", r.derived);
  out.Key("null_pairs").BeginArray();
  for (const auto& [a, b] : r.null_pairs) out.BeginArray().Text(a).Text(b).EndArray();
  out.EndArray();
  WriteStrings(out, "logs", r.logs);
  WriteStrings(out, "checkpoints", r.checkpoints);
  WriteStrings(out, "also", r.also);
  out.Field("manifest", r.manifest).Field("lineage", r.lineage).Count("seed", r.seed).EndObject();

  out.Key("verdict").BeginObject().Field("answer", NameOf(e.verdict.answer));
  out.Key("grounds").BeginArray();
  for (const Ground& g : e.verdict.grounds) {
    out.BeginObject().Field("code", g.code).Key("numbers").BeginArray();
    for (const double x : g.numbers) out.Number(x);
    out.EndArray();
    WriteStrings(out, "texts", g.texts);
    out.EndObject();
  }
  out.EndArray();
  WriteScale(out, "neurons", e.verdict.neurons);
  WriteScale(out, "heads", e.verdict.heads);
  WriteScale(out, "entries", e.verdict.entries);
  out.Field("learnt_from", e.verdict.learnt_from);
  out.Key("tests").BeginArray();
  for (const Test& t : e.verdict.tests) {
    out.BeginObject().Field("name", t.name).Field("p", t.p).Field("corrected", t.corrected);
    out.EndObject();
  }
  out.EndArray();
  out.Count("independents", e.verdict.independents).Count("positives", e.verdict.positives);
  out.Key("shared_layers").BeginArray();
  for (const uint32_t l : e.verdict.shared_layers) out.Unsigned(l);
  out.EndArray().EndObject();

  WriteModel(out, "subject", e.subject);
  WriteModel(out, "reference", e.reference);
  if (e.start) WriteModel(out, "start", *e.start);
  out.Field("start_refused", e.start_refused);
  WriteLikeness(out, e);
  out.Key("controls").BeginArray();
  for (const Control& c : e.controls) {
    out.BeginObject().Field("kind", NameOf(c.kind)).Field("first", c.first);
    out.Field("second", c.second).Field("incomparable", c.incomparable);
    if (c.figures.has_neurons) out.Field("neurons", c.figures.neurons);
    if (c.figures.has_heads) out.Field("heads", c.figures.heads);
    if (c.figures.has_entries) out.Field("entries", c.figures.entries);
    if (c.figures.has_learnt) out.Field("learnt", c.figures.learnt);
    out.EndObject();
  }
  out.EndArray();
  out.Key("gains").BeginObject().Field("cosine", e.gains_cosine);
  out.Field("shuffled_cosine", e.gains_shuffled).Field("pearson", e.gains_pearson);
  out.Field("share_of_weights", e.gains_share).Key("each").BeginArray();
  for (const NamedFigures& g : e.gains) {
    out.BeginObject().Field("name", g.name);
    WriteFigures(out, g.figures);
    out.EndObject();
  }
  out.EndArray().EndObject();
  out.Key("matrices").BeginArray();
  for (const RoleFigures& role : e.roles) {
    out.BeginObject().Field("role", role.role).Count("tensors", role.tensors);
    WriteFigures(out, role.figures);
    out.EndObject();
  }
  out.EndArray();
  out.Count("unpaired_subject", e.unpaired_subject);
  out.Count("unpaired_reference", e.unpaired_reference);

  out.Key("vocabulary").BeginObject().Field("unknown", e.vocabulary.unknown);
  out.Field("same_file", e.vocabulary.same_file).Field("assumed", e.vocabulary_assumed);
  out.Count("shared_entries", e.shared_entries);
  out.Count("long_subject", e.vocabulary.long_first);
  out.Count("long_reference", e.vocabulary.long_second);
  out.Count("long_shared", e.vocabulary.long_shared);
  if (e.vocabulary.files) {
    const auto& f = *e.vocabulary.files;
    out.Count("entries_subject", f.entries_a).Count("entries_reference", f.entries_b);
    out.Count("entries_shared", f.entries_shared).Count("same_id", f.same_id);
    out.Count("merges_subject", f.merges_a).Count("merges_reference", f.merges_b);
    out.Count("merges_shared", f.merges_shared).Count("merges_in_order", f.merges_in_order);
    out.Count("hangul_subject", f.kinds_a.hangul).Count("hangul_reference", f.kinds_b.hangul);
    out.Count("hangul_shared", f.kinds_shared.hangul);
  }
  out.EndObject();
  out.Key("mixtures").BeginArray();
  for (const Mixture& m : e.mixtures) {
    out.BeginObject().Field("other", m.other).Field("weight_reference", m.weight_reference);
    out.Field("weight_other", m.weight_other).Field("explained", m.explained);
    out.Field("explained_reference", m.explained_reference);
    out.Field("explained_other", m.explained_other).EndObject();
  }
  out.EndArray();
  out.Key("logs").BeginArray();
  for (const LogReport& log : e.logs) {
    const LogFigures& f = log.figures;
    out.BeginObject().Field("label", log.label).Field("loss", log.loss_name);
    WriteStrings(out, "scores", log.score_names);
    out.Count("rows", f.rows).Count("bad_lines", f.bad_lines);
    out.Key("first_step").Integer(f.first_step).Key("last_step").Integer(f.last_step);
    out.Field("first_loss", f.first_loss).Field("last_loss", f.last_loss);
    out.Field("first_over_ln_vocabulary", f.first_over_ln_vocabulary);
    WriteFindings(out, "findings", f.findings);
    out.EndObject();
  }
  out.EndArray();
  WriteFindings(out, "findings", e.findings);
  out.Key("manifest");
  if (e.manifest) {
    out.Raw(EncodeManifest(*e.manifest));
  } else {
    out.Null();
  }
  out.Key("lineage").BeginObject().Field("known", e.lineage.has_value());
  if (e.lineage) {
    out.Field("log", e.lineage->log);
    out.Count("uploads", e.lineage->uploads.size());
    out.Count("not_declared", e.lineage->not_declared.size());
    WriteFindings(out, "findings", e.data_findings);
  }
  out.EndObject();
  out.EndObject();
  return out.Take() + "\n";
}

std::string DossierHtml(const Examination& examination, DossierLang lang,
                        std::string_view json_sha256, std::string_view signed_by) {
  return Page(examination, lang).Render(json_sha256, signed_by);
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
