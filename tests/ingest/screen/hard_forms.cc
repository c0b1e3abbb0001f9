#include "tests/ingest/screen/hard_forms.h"

#include "ingest/text/utf8.h"

namespace jangbu::ingest::testing {
namespace {

std::string WithJoiners(const std::string& ascii) {
  std::string out;
  for (const char c : ascii) {
    out.push_back(c);
    out += "\u200D";
  }
  return out;
}

std::string InMathDigits(const std::string& ascii) {
  std::string out;
  for (const char c : ascii) {
    if (c >= '0' && c <= '9') {
      AppendUtf8(0x1D7CE + static_cast<char32_t>(c - '0'), out);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string InWords(const std::string& digits) {
  static constexpr const char* kWords[] = {"공", "일", "이", "삼", "사",
                                           "오", "육", "칠", "팔", "구"};
  std::string out;
  for (const char c : digits) out += c == '-' ? " " : kWords[c - '0'];
  return out;
}

std::string Dashed(const std::string& digits, std::initializer_list<size_t> sizes,
                   const char* dash = "-") {
  std::string out;
  size_t at = 0;
  for (const size_t size : sizes) {
    if (at > 0) out += dash;
    out += digits.substr(at, size);
    at += size;
  }
  return out;
}

}  // namespace

std::string FullWidth(const std::string& ascii) {
  std::string out;
  for (const char c : ascii) {
    if (c == ' ') {
      out.push_back(c);
    } else {
      AppendUtf8(static_cast<char32_t>(c) - 0x21 + 0xFF01, out);
    }
  }
  return out;
}

std::string Spaced(const std::string& ascii) {
  std::string out;
  for (const char c : ascii) {
    if (!out.empty()) out.push_back(' ');
    out.push_back(c);
  }
  return out;
}

std::string HardForms::Digits(size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out.push_back(static_cast<char>('0' + Below(10)));
  return out;
}

std::string HardForms::Birth(bool after_2000) {
  const auto two = [](uint64_t v) { return std::string(v < 10 ? "0" : "") + std::to_string(v); };
  return two(after_2000 ? Below(10) : 30 + Below(70)) + two(1 + Below(12)) + two(1 + Below(28));
}

std::string HardForms::Resident(bool foreigner, bool with_check) {
  const bool late = Below(3) == 0;
  std::string d = Birth(late);
  d.push_back(
      static_cast<char>((foreigner ? '5' : '1') + (late ? 2 : 0) + static_cast<char>(Below(2))));
  d += std::to_string(97 + Below(3)) + Digits(3);
  static constexpr int kWeights[] = {2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5};
  int sum = 0;
  for (size_t i = 0; i < 12; ++i) sum += kWeights[i] * (d[i] - '0');
  const int check = ((foreigner ? 13 : 11) - sum % 11) % 10;
  d.push_back(static_cast<char>(
      '0' + (with_check ? check : (check + 1 + static_cast<int>(Below(9))) % 10)));
  return d;
}

std::string HardForms::CardNumber() {
  static constexpr const char* kPrefixes[] = {"4000", "5105", "3566", "6258", "9410"};
  std::string d = std::string(Pick(kPrefixes)) + Digits(11);
  int sum = 0;
  for (size_t i = 0; i < 15; ++i) {
    int v = d[14 - i] - '0';
    if (i % 2 == 0) v = v * 2 > 9 ? v * 2 - 9 : v * 2;
    sum += v;
  }
  d.push_back(static_cast<char>('0' + (10 - sum % 10) % 10));
  return d;
}

std::string HardForms::BusinessNumber(bool right) {
  std::string d = std::to_string(101 + Below(800)) + std::to_string(10 + Below(80)) + Digits(4);
  static constexpr int kWeights[] = {1, 3, 7, 1, 3, 7, 1, 3, 5};
  int sum = (d[8] - '0') * 5 / 10;
  for (size_t i = 0; i < 9; ++i) sum += kWeights[i] * (d[i] - '0');
  const int check = (10 - sum % 10) % 10;
  d.push_back(static_cast<char>('0' + (right ? check : (check + 3) % 10)));
  return d;
}

std::vector<Planted> HardForms::All() {
  std::vector<Planted> all;
  const auto add = [&all](PersonalKind kind, const char* form, const std::string& before,
                          const std::string& value, const std::string& after) {
    all.push_back({kind, before + value + after, value, form});
  };
  using enum PersonalKind;
  for (const bool foreigner : {false, true}) {
    const PersonalKind kind = foreigner ? kForeignerNumber : kResidentNumber;
    const std::string name = foreigner ? "외국인등록번호" : "주민등록번호";
    const auto make = [&](bool with_check) { return Resident(foreigner, with_check); };
    const auto six_seven = [&](bool with_check, const char* dash = "-") {
      return Dashed(make(with_check), {6, 7}, dash);
    };
    add(kind, "no check digit", "본인은 ", six_seven(false), " 입니다.");
    add(kind, "particles glued on both sides", name + "는", six_seven(false), "이며");
    add(kind, "spaces around the dash", name + ": ", six_seven(false, " - "), "");
    add(kind, "full width", "(", FullWidth(six_seven(false)), ")");
    add(kind, "en dash", "번호 ", six_seven(false, "–"), ".");
    add(kind, "minus sign", "번호 ", six_seven(false, "−"), ".");
    add(kind, "ㅡ for a dash", "번호 ", six_seven(false, "ㅡ"), "입니다");
    add(kind, "two dashes", "번호 ", six_seven(false, "--"), "입니다");
    add(kind, "dot", name + " ", six_seven(false, "."), " 확인");
    add(kind, "space, a word before", name + " ", six_seven(false, " "), " 확인");
    add(kind, "space, the check digit alone", "확인: ", six_seven(true, " "), "");
    add(kind, "glued, a word before", name + " ", make(false), "");
    add(kind, "glued, the check digit alone", "값 ", make(true), " 끝");
    add(kind, "every digit apart", name + " ", Spaced(six_seven(false)), " 끝");
    add(kind, "joiners inside", "번호 ", WithJoiners(six_seven(false)), "끝");
    add(kind, "mathematical digits", "번호 ", InMathDigits(six_seven(false)), " 끝");
    add(kind, "day written in parts", name + " ", Dashed(make(false), {2, 2, 2, 7}), " 끝");
    const std::string split = make(false);
    add(kResidentNumber, "front half in words", name + " 앞자리는 ", split.substr(0, 6),
        "이고 뒷자리는 나중에");
    add(kind, "back half in words", "제 " + name + " 뒷자리는 ", split.substr(6), "입니다");
    add(kind, "after a line break", name + "\n", make(false), "\n");
  }
  add(kResidentNumber, "a name and brackets", "홍길동(", Resident(false, false), ")");
  add(kResidentNumber, "label in Latin letters", "RRN", Dashed(Resident(false, false), {6, 7}), "");

  const auto mobile = [&](const char* dash) {
    return Dashed("010" + std::to_string(2 + Below(8)) + Digits(7), {3, 4, 4}, dash);
  };
  add(kMobile, "plain", "연락은 ", mobile("-"), "로");
  add(kMobile, "glued to a label", "TEL", mobile("-"), "");
  add(kMobile, "in bold", "**", mobile("-"), "**");
  add(kMobile, "dots", "", mobile("."), "");
  add(kMobile, "spaces", "번호 ", mobile(" "), " 입니다");
  add(kMobile, "bracket", "", "010)" + Dashed("2" + Digits(7), {4, 4}), "");
  add(kMobile, "both brackets", "", "(010) " + Dashed("3" + Digits(7), {4, 4}), "");
  add(kMobile, "abroad", "", "+82-10-" + Dashed("4" + Digits(7), {4, 4}), "");
  add(kMobile, "abroad, zero in brackets", "", "+82 (0)10-" + Dashed("4" + Digits(7), {4, 4}), "");
  add(kMobile, "abroad, glued", "", "+8210" + ("5" + Digits(7)), "");
  add(kMobile, "glued", "문자는", "010" + ("6" + Digits(7)), "으로");
  add(kMobile, "half glued", "", "010-" + ("7" + Digits(7)), "");
  add(kMobile, "old prefix", "", Dashed("0112" + Digits(6), {3, 3, 4}), "");
  add(kMobile, "full width", "", FullWidth(mobile("-")), "");
  add(kMobile, "non-breaking hyphens", "", mobile("‑"), "");
  add(kMobile, "every digit apart", "번호 ", Spaced(mobile("-")), "");
  add(kMobile, "dash said in words", "전화 ", mobile(" 다시 "), "");
  add(kMobile, "all in words", "번호는 ", InWords(mobile("-")), "번");
  add(kMobile, "after another number", "02-123-4567/", mobile("-"), "");
  add(kMobile, "joiners inside", "", WithJoiners(mobile("-")), "끝");

  static constexpr const char* kAreas[] = {"02", "031", "043", "051", "064", "070"};
  const auto landline = [&](const char* dash) {
    const std::string area = Pick(kAreas);
    return area + dash + Dashed(std::to_string(2 + Below(8)) + Digits(7), {4, 4}, dash);
  };
  add(kLandline, "plain", "사무실 ", landline("-"), ".");
  add(kLandline, "no word", "(", landline("-"), ")");
  add(kLandline, "brackets", "", "(02) 3" + Digits(3) + "-" + Digits(4), "");
  add(kLandline, "spaces, a word before", "전화 ", landline(" "), "");
  add(kLandline, "glued, a word before", "팩스 ", "0312" + Digits(7), "");
  add(kLandline, "abroad", "", "+82-2-3" + Digits(3) + "-" + Digits(4), "");
  add(kLandline, "full width", "전화：", FullWidth(landline("-")), "");

  add(kEmail, "plain", "메일은 ", "hong.gildong+" + Digits(3) + "@example.com", "으로");
  add(kEmail, "glued", "메일:", "kim_" + Digits(3) + "@mail.example.co.kr", "입니다");
  add(kEmail, "full width sign", "", "lee" + Digits(3) + "＠example.org", "");
  add(kEmail, "all full width", "", FullWidth("park" + Digits(3) + "@example.net"), "");
  add(kEmail, "at in brackets", "", "choi" + Digits(3) + "(at)example.com", "");
  add(kEmail, "at and dot in brackets", "", "choi" + Digits(3) + " [at] example [dot] com", "");
  add(kEmail, "골뱅이", "", "jung" + Digits(3) + " 골뱅이 example.com", "");
  add(kEmail, "골뱅이 and 점", "", "jung" + Digits(3) + "골뱅이 example 점 com", "");
  add(kEmail, "골뱅이 in brackets", "", "jung" + Digits(3) + "(골뱅이)example.com", "");
  add(kEmail, "Hangul before the sign", "", "홍길동@example.com", "");
  add(kEmail, "phone number before the sign", "", "010" + Digits(8) + "@example.com", "");
  add(kEmail, "capitals", "", "HONG" + Digits(2) + "@EXAMPLE.COM", " 앞");

  static constexpr const char* kBanks[] = {"국민은행", "신한은행",   "농협",    "카카오뱅크",
                                           "우체국",   "새마을금고", "기업은행"};
  add(kBankAccount, "bank before", std::string(Pick(kBanks)) + " ", Dashed(Digits(12), {3, 3, 6}),
      " 홍길동");
  add(kBankAccount, "bank before, glued", std::string(Pick(kBanks)) + " ", "3" + Digits(12),
      " 홍길동");
  add(kBankAccount, "account before", "계좌번호: ", Dashed(Digits(14), {3, 6, 5}), "");
  add(kBankAccount, "bank after", "입금은 ", Dashed(Digits(13), {3, 4, 4, 2}), " (농협)");
  add(kBankAccount, "full width", "국민은행 ", FullWidth(Dashed(Digits(14), {6, 2, 6})), "");
  add(kBankAccount, "spaces", "계좌 ", Dashed("1" + Digits(12), {4, 3, 6}, " "), " 입니다");
  add(kBankAccount, "money words nearby",
      "후원금은 아래로 보내 주세요: ", Dashed("3333" + Digits(9), {4, 2, 7}), "");
  add(kBankAccount, "bank by its short name", "국민 ", Dashed(Digits(14), {6, 2, 6}), "");
  add(kBankAccount, "holder before", "예금주 홍길동 ", Dashed(Digits(12), {3, 3, 6}), "");
  add(kBankAccount, "odd dashes", "신한 계좌 ", Dashed(Digits(12), {3, 3, 6}, "–"), "");

  add(kCard, "fours", "카드 ", Dashed(CardNumber(), {4, 4, 4, 4}), "");
  add(kCard, "spaces", "", Dashed(CardNumber(), {4, 4, 4, 4}, " "), "");
  add(kCard, "glued", "번호 ", CardNumber(), "로 결제");
  add(kCard, "full width", "", FullWidth(Dashed(CardNumber(), {4, 4, 4, 4})), "");
  add(kCard, "dots", "", Dashed(CardNumber(), {4, 4, 4, 4}, "."), "");

  add(kBusinessNumber, "no word", "(주)가온 ", Dashed(BusinessNumber(true), {3, 2, 5}), "");
  add(kBusinessNumber, "wrong check digit, a word", "사업자등록번호 ",
      Dashed(BusinessNumber(false), {3, 2, 5}), "");
  add(kBusinessNumber, "glued, a word", "사업자번호: ", BusinessNumber(true), "");
  add(kBusinessNumber, "spaces, a word", "사업자 등록 번호 ",
      Dashed(BusinessNumber(true), {3, 2, 5}, " "), "");

  add(kPassport, "old", "여권번호 ", "M" + Digits(8), "");
  add(kPassport, "new", "여권 ", "M" + Digits(3) + "A" + Digits(4), "");
  add(kPassport, "new, no word", "첨부 ", "M" + Digits(3) + "C" + Digits(4), " 참조");
  add(kPassport, "small letter", "passport no. ", "m" + Digits(8), "");
  add(kPassport, "in parts", "여권번호 ", "M " + Digits(4) + " " + Digits(4), "");
  add(kPassport, "full width", "여권번호 ", FullWidth("S" + Digits(8)), "");

  add(kDriverLicence, "code", "", Dashed("11" + Digits(10), {2, 2, 6, 2}), "");
  add(kDriverLicence, "region", "", "경기 " + Dashed(Digits(10), {2, 6, 2}), "");
  add(kDriverLicence, "glued, a word", "운전면허 ", "28" + Digits(10), "");
  add(kDriverLicence, "spaces, a word", "면허번호 ", Dashed("19" + Digits(10), {2, 2, 6, 2}, " "),
      "");
  add(kDriverLicence, "full width", "면허 ", FullWidth(Dashed("21" + Digits(10), {2, 2, 6, 2})),
      "");

  const std::string n = std::to_string(1 + Below(900));
  add(kAddress, "street", "우리 집은 ", "서울특별시 강남구 테헤란로 " + n, "입니다");
  add(kAddress, "short province", "", "서울 마포구 양화로12길 " + n + "-3", "에 산다");
  add(kAddress, "district alone", "", "성남시 분당구 판교역로 " + n, " 앞");
  add(kAddress, "house and floor", "", "부산광역시 해운대구 센텀중앙로 " + n + ", 101동 1203호",
      "");
  add(kAddress, "building", "", "경기도 수원시 영통구 광교로 " + n + " 가온빌딩 3층", "");
  add(kAddress, "brackets", "", "대전 유성구 대학로 " + n + " (궁동, 나래아파트)", "");
  add(kAddress, "village and lot", "", "전라남도 순천시 승주읍 봉림리 산 " + n + "-2", "");
  add(kAddress, "village, 번지", "", "강원도 원주시 단계동 " + n + "번지", "");
  add(kAddress, "old lot", "", "서울 성동구 마장동 " + n + "의 12", "");
  add(kAddress, "told, no district", "주소: ", "나래대로 " + n + "-1", "");
  add(kAddress, "postal code", "", "06236 서울특별시 강남구 역삼로 " + n, "");
  add(kAddress, "full width digits", "", "인천광역시 부평구 부평대로 " + FullWidth("123"), "");
  add(kAddress, "flat in a building, no number of a house", "",
      "서울 강남구 역삼동 한결아파트 101동 1202호", "");
  add(kAddress, "branch apart", "", "서울특별시 강남구 테헤란로 152번길 " + n, "");
  add(kAddress, "glued to the street", "", "대구광역시 수성구 달구벌대로" + n, "에서");
  return all;
}

std::vector<std::string> HardForms::Innocent() {
  const std::string year = std::to_string(1950 + Below(75));
  const std::string n = std::to_string(2 + Below(8)) + Digits(3);
  return {
      year + "년 3월 15일 오후 2시 30분",
      year + ". 8. 24. 선고 " + year + "다" + n + " 판결",
      year + "-05-01",
      "법률 제" + n + "호, 제96조의10제7항제19호",
      "고시 제" + year + "-" + n.substr(1) + "호",
      "인구는 51,740,000명으로 3.14% 늘었다",
      "978-89-20-89694-6",
      "89-121-8273-7",
      "v5.3.4-6417, 10.0.22621.2506",
      "192.168.134.190 주소의 서버",
      "10.2801/kci.2001.95.3.781",
      "35.580952, 129.532152",
      "459,762,168원을 지급하라",
      "SM-B519-9569 제품",
      "대표전화 1588-" + n,
      "국번 없이 112",
      "확률은 0.0101234567 이고 0x01012345678 이다",
      "이진수 01011010101",
      "학번 2015123456, 점수 57-38-67",
      "좌석 222-7293",
      "npm i @vue/cli@4.5 와 @Override, user@localhost",
      "그림 logo@2x.png",
      "git@github.com:example/example.git",
      "나래길 초입에서 경부고속도로 120km 지점까지",
      "서울시 버스로 30분, 강남구 신사동 3월 모임",
      "연구 결과로 3 가지를 얻었다",
      "공동연구 별로 25개 항목",
      "구 소득세법 제2조에 따라 세금으로 300만 원",
      "4000-0074-4152-0311",
      "법인등록번호 110111-1234567",
      "1,2,3,4,5,6,7,8,9,10,11,12,13",
      "3 1 4 1 5 9 2 6 5 3 5 8 9",
      "8801062636204",
      "1700000000000 밀리초",
      "공일은 쉬는 날이고 공일오비는 그룹이다",
      "종로3가 5번 출구",
  };
}

std::string HardForms::Prose(size_t words) {
  static constexpr const char* kWords[] = {
      "사람은",   "오래전부터", "바다를", "건너",   "먼",     "나라로",  "물건을", "날랐다.",
      "그",       "길에서",     "말이",   "섞이고", "노래가", "생겼다.", "우리는", "그것을",
      "문화라고", "부른다.",    "가을이", "되면",   "들판은", "누렇게",  "익는다."};
  std::string out;
  for (size_t i = 0; i < words; ++i) {
    if (i > 0) out += i % 60 == 59 ? "\n" : " ";
    out += Pick(kWords);
  }
  return out;
}

}  // namespace jangbu::ingest::testing
