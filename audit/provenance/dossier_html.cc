#include <array>
#include <cmath>
#include <functional>

#include "audit/provenance/dossier.h"
#include "audit/provenance/dossier_words.h"
#include "audit/provenance/json.h"
#include "base/bytes.h"

namespace jangbu::audit {
namespace {

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

std::string DossierHtml(const Examination& examination, DossierLang lang,
                        std::string_view json_sha256, std::string_view signed_by) {
  return Page(examination, lang).Render(json_sha256, signed_by);
}

}  // namespace jangbu::audit
