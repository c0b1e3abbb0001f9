#include "tools/corpus_gen/words.h"

#include <array>
#include <cstdint>

namespace jangbu::tools {
namespace {

// The last code point of `word` when it is a Hangul syllable, else 0.
uint32_t LastSyllable(std::string_view word) {
  if (word.size() < 3) return 0;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(word[word.size() - 3 + i]); };
  if ((byte(0) & 0xF0) != 0xE0) return 0;
  const uint32_t code = ((byte(0) & 0x0FU) << 12) | ((byte(1) & 0x3FU) << 6) | (byte(2) & 0x3FU);
  return code >= 0xAC00 && code <= 0xD7A3 ? code : 0;
}

std::vector<std::string_view> Split(std::string_view text, char separator = ' ') {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find(separator, at);
    if (end == std::string_view::npos) end = text.size();
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::vector<std::string> Strings(std::string_view text, char separator = ' ') {
  std::vector<std::string> out;
  for (const std::string_view word : Split(text, separator)) out.emplace_back(word);
  return out;
}

constexpr std::string_view kSimpleNouns =
    "사람 문제 시간 사회 생각 정부 시장 지역 교육 경제 문화 기술 환경 정책 연구 산업 기업 학교 "
    "학생 과정 결과 방법 자료 "
    "내용 관계 세계 나라 국민 가족 아이 어머니 아버지 친구 이웃 마을 도시 농촌 바다 산 강 하늘 땅 "
    "길 집 방 문 창문 마당 "
    "나무 꽃 숲 비 눈 바람 햇빛 아침 저녁 밤 새벽 봄 여름 가을 겨울 계절 날씨 기온 온도 물 불 공기 "
    "흙 돌 쌀 밥 국 반찬 "
    "김치 과일 사과 배추 고추 소금 설탕 차 커피 술 시장 가게 손님 주인 물건 값 돈 은행 투자 금리 "
    "물가 환율 수출 수입 무역 "
    "생산 소비 고용 임금 노동 노동자 농민 어민 상인 직장 회사 공장 기계 장비 부품 소재 반도체 "
    "자동차 선박 철강 화학 전자 통신 "
    "인터넷 컴퓨터 전화 방송 신문 기사 기자 독자 작가 소설 시 수필 문학 역사 철학 종교 예술 음악 "
    "미술 영화 연극 무용 사진 "
    "건축 박물관 도서관 공원 광장 극장 병원 의사 환자 간호사 약 질병 건강 운동 체육 축구 야구 농구 "
    "배구 수영 등산 선수 감독 "
    "경기 대회 우승 기록 법 법률 재판 법원 판사 검사 변호사 경찰 소방 사고 화재 지진 태풍 홍수 "
    "가뭄 피해 복구 안전 구조 "
    "교통 도로 철도 지하철 버스 택시 공항 항구 다리 터널 주차장 아파트 주택 건물 토지 개발 건설 "
    "공사 설계 계획 사업 예산 "
    "세금 재정 복지 연금 보험 의료 보육 여성 청년 노인 장애인 어린이 대학 교수 강의 시험 입학 졸업 "
    "취업 논문 실험 이론 "
    "분석 모형 변수 표본 조사 통계 자원 에너지 전기 석유 가스 원자력 태양광 풍력 수소 배터리 기후 "
    "탄소 오염 폐기물 재활용 "
    "생태계 동물 식물 곤충 새 물고기 미생물 유전자 세포 단백질 물질 입자 우주 지구 달 별 행성 위성 "
    "로켓 과학 수학 물리 화합물 "
    "언어 문장 단어 글자 발음 번역 말뭉치 사전 책 편지 일기 기억 꿈 희망 사랑 슬픔 기쁨 분노 "
    "두려움 외로움 침묵 목소리 얼굴 눈빛 "
    "손 발 마음 몸 머리 가슴 어깨 발걸음 그림자 거울 시계 의자 책상 연필 종이 가방 옷 신발 모자 "
    "우산 열쇠 계단 골목 다락 우물 "
    "항아리 장독대 대청마루 논 밭 과수원 목장 어장 갯벌 섬 해안 절벽 계곡 호수 저수지 댐 온천 사찰 "
    "성곽 궁궐 유적 유물 도자기 "
    "한옥 한복 한식 전통 풍습 명절 제사 혼례 축제 놀이 민요 판소리 탈춤 서예 붓글씨 종묘 서원 향교 "
    "지방 중앙 국회 의원 선거 "
    "정당 후보 공약 여론 언론 토론 협상 합의 갈등 평화 전쟁 군대 외교 통일 안보 동맹 조약 국경 "
    "이민 난민 인권 자유 평등 정의 "
    "민주주의 헌법 제도 개혁 혁신 변화 발전 성장 위기 기회 도전 경쟁 협력 신뢰 책임 의무 권리 가치 "
    "의미 목표 원칙 기준 조건 "
    "상황 현실 미래 과거 현재 시대 세대 세기 전망 예측 가능성 한계 원인 영향 효과 성과 실적 지표 "
    "수준 비율 규모 범위 단계 "
    "구조 체계 기능 역할 특징 성격 형태 방식 절차 일정 기간 장소 대상 주체 상대 집단 조직 단체 "
    "협회 위원회 이사회 노동조합";

// Second halves of compound nouns: 환경 + 정책.
constexpr std::string_view kHeads =
    "정책 사업 산업 시장 기술 제도 계획 연구 교육 문화 관리 지원 개발 센터 위원회 협의회 연구소 "
    "박람회 기금 전략 분야 체계 "
    "문제 환경 운동 정보 자료 시설 서비스 대책 현황 실태 규제 기준 협력 혁신 투자 수요 공급 가격 "
    "비용 인력 전문가 관계자 "
    "단체 조례 법안 예산 행정 통계 지표 평가 심사 공모 행사 축제";

constexpr std::string_view kPlaces =
    "서울 부산 대구 인천 광주 대전 울산 세종 수원 성남 고양 용인 부천 안산 안양 남양주 화성 평택 "
    "의정부 파주 김포 춘천 원주 "
    "강릉 동해 속초 청주 충주 제천 천안 공주 보령 아산 서산 논산 전주 군산 익산 정읍 남원 목포 "
    "여수 순천 나주 광양 포항 경주 "
    "김천 안동 구미 영주 상주 문경 창원 진주 통영 사천 김해 밀양 거제 양산 제주 서귀포 강남구 "
    "종로구 마포구 해운대구 유성구 "
    "수성구 광산구 남해군 하동군 함양군 평창군 정선군 영월군 단양군 부여군 태안군 고창군 완도군 "
    "해남군 울릉군 가평군 양평군";

constexpr std::string_view kBodyFirst =
    "한빛 새봄 다온 가온 누리 나래 미르 해솔 푸른 맑은 큰별 하늘 바른 열린 으뜸 밝은 참빛 든솔 "
    "온새 다솜";
constexpr std::string_view kBodySecond =
    "대학교 출판사 연구원 재단 신문사 전자 화학 건설 은행 병원 교육청 문화원 협동조합 물산 통신 "
    "자동차 연구소 학회 도서관 박물관";

constexpr std::string_view kRoles =
    "대표 원장 교수 연구원 위원장 시장 군수 의원 장관 차관 국장 과장 팀장 사무관 대변인 관계자 "
    "담당자 전문가 주민 시민 학생 "
    "학부모 교사 농민 어민 상인 노동자 작가 시인 화가 감독 선수 의사 간호사 변호사 판사 검사 기자 "
    "할머니 할아버지 청년 소년 소녀 나그네 선생 사내 여인";
constexpr std::string_view kSurnames =
    "김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 홍 전 고 문 손 양 배 백 허 남 심";
constexpr std::string_view kGivenFirst =
    "민 서 지 도 하 예 수 현 준 은 유 주 시 윤 태 재 승 영 다 나 소 가 우 연 선 상 정 성 진 규";
constexpr std::string_view kGivenSecond =
    "준 연 우 윤 현 서 민 아 린 호 빈 은 영 원 희 석 환 람 솔 별 결 찬 율 진 경 미 숙 철 훈 식";

constexpr std::string_view kDeeds =
    "발표 검토 추진 강조 설명 지적 분석 조사 확인 결정 논의 제안 요구 주장 반대 찬성 지원 확대 "
    "축소 강화 완화 개선 개발 "
    "연구 실험 측정 비교 평가 검증 도입 시행 운영 관리 감독 점검 보완 수정 폐지 신설 통합 분리 "
    "이전 설치 건설 철거 복원 "
    "보존 전시 공연 출간 번역 편집 기록 보도 취재 인터뷰 방문 참석 참여 협력 합의 체결 위반 처벌 "
    "기소 판결 항소 구속 석방 "
    "수사 신고 구조 대피 예방 치료 진단 수술 접종 격리 생산 판매 구매 수출 수입 투자 인수 합병 "
    "상장 고용 해고 채용 승진 "
    "퇴직 교육 훈련 지도 상담 평정 선발 응시 합격 졸업 입학 등록 신청 접수 처리 발급 승인 거부 "
    "취소 연기 중단 재개 완료 착수 "
    "예상 전망 기대 우려 경고 당부 약속 선언 촉구 비판 해명 사과 반박 인정 부인 공개 은폐 제공 "
    "배포 수집 저장 활용 재생 절약";

constexpr std::string_view kAdnominals =
    "새로운 오랜 중요한 다양한 복잡한 단순한 큰 작은 높은 낮은 깊은 넓은 좁은 긴 짧은 빠른 느린 "
    "강한 약한 따뜻한 차가운 "
    "맑은 흐린 어두운 밝은 조용한 시끄러운 낡은 젊은 늙은 아름다운 거친 부드러운 단단한 가벼운 "
    "무거운 뚜렷한 희미한 구체적인 "
    "추상적인 사회적인 역사적인 경제적인 문화적인 지속적인 일시적인 전국적인 국제적인 기본적인 "
    "핵심적인 현실적인 이상적인 적극적인 "
    "소극적인 긍정적인 부정적인 객관적인 주관적인 독립적인 상대적인 절대적인 근본적인 실질적인 잘 "
    "알려진 널리 쓰이는 최근의 지난날의 "
    "이른바 여러 모든 온갖 어떤 다른 같은 비슷한 남은 지나간 다가올 예상된 뜻밖의 익숙한 낯선";

constexpr std::string_view kAdverbs =
    "매우 더욱 가장 특히 또한 다시 이미 아직 곧 점차 갑자기 천천히 조용히 분명히 확실히 아마 결코 "
    "반드시 오히려 비로소 마침내 "
    "끝내 함께 서로 모두 대부분 거의 약간 조금 상당히 비교적 실제로 사실상 본격적으로 지속적으로 "
    "적극적으로 단계적으로 우선적으로 "
    "구체적으로 전반적으로 일반적으로 결과적으로 상대적으로 독자적으로 공동으로 새롭게 꾸준히 "
    "면밀히 신속히 철저히 긴밀히 성실히";

constexpr std::string_view kVerbsPast =
    "걸었다 멈추었다 바라보았다 돌아섰다 웃었다 울었다 말했다 물었다 대답했다 속삭였다 외쳤다 "
    "들었다 보았다 만났다 헤어졌다 "
    "기다렸다 떠났다 돌아왔다 앉았다 일어섰다 누웠다 잠들었다 깨어났다 먹었다 마셨다 씻었다 입었다 "
    "벗었다 열었다 닫았다 켰다 껐다 "
    "썼다 읽었다 지웠다 그렸다 불렀다 두드렸다 밀었다 당겼다 던졌다 잡았다 놓았다 들어갔다 나왔다 "
    "올라갔다 내려왔다 건넜다 뛰었다 "
    "날았다 헤엄쳤다 쉬었다 일했다 배웠다 가르쳤다 잊었다 기억했다 믿었다 의심했다 사랑했다 "
    "미워했다 두려워했다 바랐다 꿈꾸었다";
constexpr std::string_view kVerbsConnect =
    "걷다가/멈추어 서서/한참 바라보며/돌아서서/웃으며/울면서/말하고/다시 물어보고/고개를 "
    "끄덕이며/속삭이듯/외치면서/귀를 "
    "기울이며/지켜보다가/기다리다가/떠나면서/돌아와서/마루에 앉아/일어나/자리에 누워/눈을 "
    "감고/숨을 고르며/문을 열고/창가에 "
    "기대어/손을 흔들며/어깨를 움츠리고/한숨을 쉬며/책장을 넘기며/불을 끄고/길을 건너/언덕을 "
    "오르며/강을 따라/골목을 돌아";

constexpr std::string_view kHanja =
    "정책(政策) 경제(經濟) 사회(社會) 문화(文化) 교육(敎育) 역사(歷史) 전통(傳統) 언론(言論) "
    "자유(自由) 책임(責任) 법률(法律) "
    "헌법(憲法) 국가(國家) 국민(國民) 지방(地方) 산업(産業) 농업(農業) 공업(工業) 상업(商業) "
    "학문(學問) 문학(文學) 철학(哲學) "
    "종교(宗敎) 예술(藝術) 음악(音樂) 미술(美術) 건축(建築) 자연(自然) 환경(環境) 평화(平和) "
    "통일(統一) 외교(外交) 안보(安保) "
    "민주(民主) 권리(權利) 의무(義務) 도덕(道德) 양심(良心) 진리(眞理) 이상(理想) 현실(現實) "
    "과거(過去) 현재(現在) 미래(未來)";

std::vector<NounForms> Forms(const std::vector<std::string>& nouns) {
  std::vector<NounForms> forms;
  forms.reserve(nouns.size());
  for (const std::string& noun : nouns) forms.push_back(WithParticles(noun));
  return forms;
}

Words Build() {
  Words words;
  const auto simple = Split(kSimpleNouns);
  const auto heads = Split(kHeads);
  std::vector<std::string> things;
  for (const std::string_view noun : simple) things.emplace_back(noun);
  for (const std::string_view head : heads) {
    for (const std::string_view noun : simple) {
      if (noun != head) things.push_back(std::string(noun).append(head));
    }
  }
  words.things = Forms(things);

  std::vector<std::string> people = Strings(kRoles);
  for (const std::string_view second : Split(kGivenSecond)) {
    for (const std::string_view first : Split(kGivenFirst)) {
      for (const std::string_view surname : Split(kSurnames)) {
        people.push_back(std::string(surname).append(first).append(second));
      }
    }
  }
  words.people = Forms(people);
  words.places = Forms(Strings(kPlaces));

  std::vector<std::string> bodies;
  for (const std::string_view second : Split(kBodySecond)) {
    for (const std::string_view first : Split(kBodyFirst))
      bodies.push_back(std::string(first).append(second));
  }
  words.bodies = Forms(bodies);
  words.deeds = Forms(Strings(kDeeds));
  words.adnominals = Strings(kAdnominals);
  words.adverbs = Strings(kAdverbs);
  words.verbs_past = Strings(kVerbsPast);
  words.verbs_connect = Strings(kVerbsConnect, '/');
  words.hanja = Strings(kHanja);
  words.newspapers = Strings("새빛일보 다온신문 가람매일 한솔경제 누리통신 푸른저널");
  return words;
}

}  // namespace

bool HasFinalConsonant(std::string_view word) {
  const uint32_t last = LastSyllable(word);
  return last != 0 && (last - 0xAC00) % 28 != 0;
}

bool EndsInRieul(std::string_view word) {
  const uint32_t last = LastSyllable(word);
  return last != 0 && (last - 0xAC00) % 28 == 8;
}

NounForms WithParticles(std::string_view noun) {
  const bool closed = HasFinalConsonant(noun);
  const auto join = [&](std::string_view particle) { return std::string(noun).append(particle); };
  NounForms forms;
  forms.bare = std::string(noun);
  forms.topic = join(closed ? "은" : "는");
  forms.subject = join(closed ? "이" : "가");
  forms.object = join(closed ? "을" : "를");
  forms.direction = join(closed && !EndsInRieul(noun) ? "으로" : "로");
  forms.with = join(closed ? "과" : "와");
  return forms;
}

const Words& AllWords() {
  static const Words words = Build();
  return words;
}

}  // namespace jangbu::tools
