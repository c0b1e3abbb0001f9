#include "audit/extraction/report_parts.h"

#include <cstdio>
#include <vector>

#include "audit/guard/form_stream.h"
#include "ingest/text/utf8.h"

namespace jangbu::audit {

std::string NumberText(double v) {
  char buffer[40];
  std::snprintf(buffer, sizeof(buffer), "%.8g", v);
  return buffer;
}

std::string ValidText(std::string_view text) {
  if (ingest::IsValidUtf8(text)) return std::string(text);
  FormStream stream;
  std::string out;
  std::vector<FormUnit> units;
  stream.Push(text, out, units);
  stream.Finish(out, units);
  return out;
}

const Words& WordsIn(ReportLanguage language) {
  static const Words ko = {
      "ko",
      "추출 감사 보고서",
      "작성",
      "판정",
      "요약",
      "파트너사",
      "모집단(창)",
      "표본",
      "추출됨",
      "비율",
      "상한(전체 동시)",
      "상한(이 파트너사만)",
      "거의 같음",
      "50자 이상 연속",
      "문서 단위",
      "대조군",
      "전체(크기 가중)",
      "차이(감사 − 대조)",
      "검정력",
      "질문 방식별",
      "방식",
      "학습 반복 횟수별",
      "자료 종류별",
      "문서 길이별(글자)",
      "창 앞에 있는 가장 긴 접두어별(토큰)",
      "확률적 추출 (n, p)",
      "원문과 겹친 가장 긴 연속 글자 수",
      "발견",
      "질문",
      "원문",
      "모델 출력",
      "이 방법의 한계",
      "이 보고서는 추출이 “불가능하다”고 말하지 않습니다. 물어본 방식으로, "
      "뽑은 표본에서 얻은 수와 그 상한을 말할 뿐입니다. 다른 "
      "질문 방식, 더 긴 접두어, 다른 온도에서는 더 나올 수 있습니다. 50자보다 "
      "짧은 문서와 창이 없는 짧은 문서는 모집단에 들어 "
      "있지 않습니다. 같은 뜻을 다른 말로 옮긴 출력은 세지 않습니다. "
      "대조군에서도 나온 정형구는 유출로 볼 수 없습니다.",
      "대조군이 없어 판정하지 않습니다. 수치만 적습니다.",
      "표본에서 추출된 창이 없습니다.",
      "표본에서 추출된 창이 있습니다.",
      "답 없음",
      "질문",
      "실패",
      "모델",
      "계획",
      "씨앗",
      "귀속",
      "가진 파트너사",
      "해당 없음",
      "나머지 발견은 JSON 보고서에 있습니다",
      "확률이 이 이상인 창",
      "할당량 안에서 0.9 확률로 추출되는 창",
      "표본 추출과 로그확률의 구간이 만나는 창",
      "이하",
      "상한은 신뢰 수준 95 %의 정확한(클로퍼–피어슨) 한쪽 상한이며, 전체 동시 "
      "상한은 파트너사와 출시 횟수로 나눈 α를 씁니다.",
      "대조군의 출처",
      "출처",
      "감사한 창과 같은 점",
      "대조군이 모두 지어낸 글입니다. 실제 글의 대조군보다 약한 증거입니다.",
      "학습 글과 24자 이상 겹쳐서 뺀 대조 창",
      "대조군 출력이 기여된 글 전체와 겹친 가장 긴 연속 글자 수",
      "허용 목록",
      "문구",
      "이유",
      "올린 사람",
      "승인한 사람",
      "제외한 답",
      "가진 파트너사 수",
      "이 문구 안에서만 겹친 것은 추출로 세지 않았습니다. 한 파트너사만 가진 "
      "문구는 상투구가 아닐 수 있으니 살펴보십시오.",
      "카나리아",
      "카나리아",
      "들어 있는 문서",
      "순위",
      "노출(비트)",
      "답한 것",
      "노출은 log2(견준 수) − log2(순위)입니다(Carlini 등 2019). 하나도 외우지 "
      "않은 모델에서도 평균 1.4비트쯤 나옵니다.",
      "하나도 외우지 않았을 때 이만큼 나올 확률",
      "어느 글에도 없음",
      "철회됨",
      "지난 감사와 비교",
      "지난번",
      "이번",
      "상한(지난번)",
      "상한(이번)",
      "변화의 구간",
      "판단",
      "조건이 달라 그대로 견줄 수 없는 항목",
      "지난번에만 있음",
      "이번에만 있음",
      "구간이 0을 품으면 우연으로 설명되는 차이입니다. 상한은 둘 다 이번 "
      "보고서의 신뢰 수준으로 다시 계산했습니다.",
      "대조군보다 많이 나왔다고 할 수는 없습니다: 차이의 구간이 0을 품습니다.",
      "실패한 까닭",
      "추출률이 ",
      "라면 표본에서 하나라도 나올 확률: ",
      "겹친 원문",
      "다른 글에 대한 질문의 답에 나왔습니다. 그 질문은 보이지 않습니다.",
      "연속 ",
      "자",
      {"", "학습 마감 뒤 기여", "따로 둔 글", "지어낸 글"},
      {"", "파트너사·자료 종류·길이", "자료 종류·길이", "자료 종류", "없음"},
      {"늘었음", "줄었음", "우연의 범위"},
      {"", "거의 같음", "비교형이 같음", "그대로"}};
  static const Words en = {
      "en",
      "Extraction audit report",
      "Made",
      "Verdict",
      "Summary",
      "Partner",
      "Frame (windows)",
      "Sample",
      "Extracted",
      "Rate",
      "Upper bound (all at once)",
      "Upper bound (this partner alone)",
      "Near-verbatim",
      "Runs of 50 or more",
      "By document",
      "Control",
      "Overall (weighted by size)",
      "Difference (audited − control)",
      "Power",
      "By way of asking",
      "Way",
      "By copies in training",
      "By source type",
      "By length of document (code points)",
      "By the longest prefix before the window (tokens)",
      "Probabilistic extraction (n, p)",
      "Longest run in common with the source, in code points",
      "Findings",
      "Prompt",
      "Original",
      "Model output",
      "Limits of this method",
      "This report never says that extraction is “impossible”. It gives what was found by the ways "
      "of asking listed here, in the sample drawn, and an upper bound. Other prompts, longer "
      "prefixes or other sampling may find more. Documents shorter than 50 code points, and short "
      "documents without a window, are not in the frame. Paraphrase is not counted. Set phrases "
      "that the controls show as well are no leak.",
      "There is no control, so there is no verdict: figures alone.",
      "No window of the sample was extracted.",
      "Windows of the sample were extracted.",
      "no answer",
      "asked",
      "failed",
      "Model",
      "Plan",
      "Seed",
      "Attribution",
      "held by",
      "n/a",
      "The other findings are in the JSON report",
      "windows whose chance is at least",
      "windows got out with a chance of 0.9 within the quota",
      "windows where the intervals of sampling and log-probability meet",
      "at most",
      "Upper bounds are exact (Clopper–Pearson), one-sided, at 95 %; all at once divides α by "
      "partners and releases.",
      "Where the controls come from",
      "Origin",
      "Like the audited window in",
      "All controls are synthetic text: weaker evidence than controls of real text.",
      "Control windows left out for a run of 24 in the training text",
      "Longest run of controls' answers in common with any contributed text, in code points",
      "Allow-list",
      "Wording",
      "Reason",
      "Proposed by",
      "Approved by",
      "Answers excused",
      "Partners that hold it",
      "What coincides inside these wordings alone is not counted as extracted. A wording that one "
      "partner alone holds may be no set phrase: look at it.",
      "Canaries",
      "Canary",
      "Documents it is in",
      "Rank",
      "Exposure (bits)",
      "Written when asked",
      "Exposure is log2(numbers compared) − log2(rank) (Carlini et al. 2019). A model that "
      "remembers "
      "none has about 1.4 bits on average.",
      "Chance of as many if none is remembered",
      "In no text",
      "Withdrawn",
      "Compared with the previous audit",
      "Then",
      "Now",
      "Upper bound then",
      "Upper bound now",
      "Interval of the change",
      "Judgement",
      "Settings that differ, so not like for like",
      "Then only",
      "Now only",
      "An interval that holds 0 is a difference that chance explains. Both upper bounds are "
      "computed "
      "anew at this report's level.",
      "It cannot be said that more came out than of the controls: the interval of the difference "
      "holds 0.",
      "Why questions failed",
      "at a rate of ",
      " the sample shows any with a chance of ",
      "Original that coincides",
      "It came in an answer to a question about other text, which is not shown.",
      "run of ",
      "",
      {"", "contributed after the cut-off", "held back", "synthetic"},
      {"", "partner, source type, length", "source type, length", "source type", "nothing"},
      {"more", "less", "within chance"},
      {"", "near-verbatim", "comparison form", "exact"}};
  return language == ReportLanguage::kKorean ? ko : en;
}

}  // namespace jangbu::audit
