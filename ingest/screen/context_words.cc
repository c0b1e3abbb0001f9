#include "ingest/screen/context_words.h"

#include <algorithm>
#include <iterator>

namespace jangbu::ingest::internal {
namespace {

using View = std::u32string_view;

constexpr View kResident[] = {U"주민",        U"외국인등록", U"외국인번호", U"민번",
                              U"거소신고",    U"국내거소",   U"생년월일",   U"rrn",
                              U"residentreg", U"alienreg"};
constexpr View kPhone[] = {
    U"전화", U"팩스", U"연락", U"휴대폰", U"핸드폰",   U"휴대전화", U"문의",  U"사무실", U"자택",
    U"집",   U"직통", U"내선", U"유선",   U"대표번호", U"tel",      U"fax",   U"phone",  U"call",
    U"☎",    U"☏",    U"📞",    U"h.p",    U"콜센터",   U"팩시밀리", U"mobile"};
constexpr View kAccount[] = {U"계좌",       U"은행",   U"뱅크",     U"농협",    U"수협",   U"신협",
                             U"새마을금고", U"우체국", U"저축은행", U"통장",    U"입금",   U"예금",
                             U"증권",       U"축협",   U"산림조합", U"국민kb",  U"kb국민", U"ibk",
                             U"nh",         U"sc제일", U"씨티",     U"account", U"bank"};
constexpr View kShortBanks[] = {U"국민", U"신한", U"우리",   U"하나", U"기업", U"kb",    U"ibk",
                                U"sc",   U"토스", U"카카오", U"씨티", U"산업", U"예금주"};
constexpr View kTransfer[] = {U"입금", U"송금", U"이체", U"예금주", U"환급",
                              U"후원", U"계좌", U"통장", U"납부"};
constexpr View kCard[] = {U"카드", U"card", U"visa", U"master", U"비자", U"마스터"};
constexpr View kBusiness[] = {U"사업자", U"등록번호", U"사업장", U"business", U"brn"};
constexpr View kPassport[] = {U"여권", U"passport"};
constexpr View kLicence[] = {U"면허", U"licen", U"driver"};
constexpr View kAddress[] = {U"주소",       U"거주지", U"배송지", U"소재지", U"본적",
                             U"등록기준지", U"사는곳", U"자택",   U"거소",   U"송달장소",
                             U"address",    U"주거",   U"배달지", U"수령지"};
constexpr View kCompany[] = {U"법인등록", U"법인번호", U"법인등기"};

constexpr View kLicenceRegions[] = {U"서울", U"부산", U"경기", U"강원", U"충북", U"충남",
                                    U"전북", U"전남", U"경북", U"경남", U"제주", U"대구",
                                    U"인천", U"광주", U"대전", U"울산"};

constexpr View kProvinces[] = {
    U"제주특별자치도", U"강원특별자치도", U"전북특별자치도", U"세종특별자치시", U"서울특별시",
    U"부산광역시",     U"대구광역시",     U"인천광역시",     U"광주광역시",     U"대전광역시",
    U"울산광역시",     U"부산직할시",     U"대구직할시",     U"인천직할시",     U"광주직할시",
    U"대전직할시",     U"충청북도",       U"충청남도",       U"전라북도",       U"전라남도",
    U"경상북도",       U"경상남도",       U"경기도",         U"강원도",         U"제주도",
    U"서울시",         U"부산시",         U"대구시",         U"인천시",         U"광주시",
    U"대전시",         U"울산시",         U"세종시",         U"서울",           U"부산",
    U"대구",           U"인천",           U"광주",           U"대전",           U"울산",
    U"세종",           U"경기",           U"강원",           U"충북",           U"충남",
    U"전북",           U"전남",           U"경북",           U"경남",           U"제주"};

// Ambiguous with ordinary words when alone: 동구, 서구, 남구, 북구, 중구 stand with a province
// only.
constexpr View kDistricts[] = {
    // Seoul
    U"종로구", U"용산구", U"성동구", U"광진구", U"동대문구", U"중랑구", U"성북구", U"강북구",
    U"도봉구", U"노원구", U"은평구", U"서대문구", U"마포구", U"양천구", U"강서구", U"구로구",
    U"금천구", U"영등포구", U"동작구", U"관악구", U"서초구", U"강남구", U"송파구", U"강동구",
    // Busan, Daegu, Incheon, Gwangju, Daejeon, Ulsan
    U"영도구", U"부산진구", U"동래구", U"해운대구", U"사하구", U"금정구", U"연제구", U"수영구",
    U"사상구", U"기장군", U"수성구", U"달서구", U"달성군", U"군위군", U"미추홀구", U"연수구",
    U"남동구", U"부평구", U"계양구", U"강화군", U"옹진군", U"광산구", U"유성구", U"대덕구",
    U"울주군",
    // Gyeonggi
    U"수원시", U"장안구", U"권선구", U"팔달구", U"영통구", U"성남시", U"수정구", U"중원구",
    U"분당구", U"의정부시", U"안양시", U"만안구", U"동안구", U"부천시", U"원미구", U"소사구",
    U"오정구", U"광명시", U"평택시", U"동두천시", U"안산시", U"상록구", U"단원구", U"고양시",
    U"덕양구", U"일산동구", U"일산서구", U"과천시", U"구리시", U"남양주시", U"오산시", U"시흥시",
    U"군포시", U"의왕시", U"하남시", U"용인시", U"처인구", U"기흥구", U"수지구", U"파주시",
    U"이천시", U"안성시", U"김포시", U"화성시", U"양주시", U"포천시", U"여주시", U"연천군",
    U"가평군", U"양평군",
    // Gangwon
    U"춘천시", U"원주시", U"강릉시", U"동해시", U"태백시", U"속초시", U"삼척시", U"홍천군",
    U"횡성군", U"영월군", U"평창군", U"정선군", U"철원군", U"화천군", U"양구군", U"인제군",
    U"고성군", U"양양군",
    // Chungcheong
    U"청주시", U"상당구", U"서원구", U"흥덕구", U"청원구", U"충주시", U"제천시", U"보은군",
    U"옥천군", U"영동군", U"증평군", U"진천군", U"괴산군", U"음성군", U"단양군", U"천안시",
    U"동남구", U"서북구", U"공주시", U"보령시", U"아산시", U"서산시", U"논산시", U"계룡시",
    U"당진시", U"금산군", U"부여군", U"서천군", U"청양군", U"홍성군", U"예산군", U"태안군",
    // Jeolla
    U"전주시", U"완산구", U"덕진구", U"군산시", U"익산시", U"정읍시", U"남원시", U"김제시",
    U"완주군", U"진안군", U"무주군", U"장수군", U"임실군", U"순창군", U"고창군", U"부안군",
    U"목포시", U"여수시", U"순천시", U"나주시", U"광양시", U"담양군", U"곡성군", U"구례군",
    U"고흥군", U"보성군", U"화순군", U"장흥군", U"강진군", U"해남군", U"영암군", U"무안군",
    U"함평군", U"영광군", U"장성군", U"완도군", U"진도군", U"신안군",
    // Gyeongsang, Jeju
    U"포항시", U"경주시", U"김천시", U"안동시", U"구미시", U"영주시", U"영천시", U"상주시",
    U"문경시", U"경산시", U"의성군", U"청송군", U"영양군", U"영덕군", U"청도군", U"고령군",
    U"성주군", U"칠곡군", U"예천군", U"봉화군", U"울진군", U"울릉군", U"창원시", U"의창구",
    U"성산구", U"마산합포구", U"마산회원구", U"진해구", U"진주시", U"통영시", U"사천시", U"김해시",
    U"밀양시", U"거제시", U"양산시", U"의령군", U"함안군", U"창녕군", U"남해군", U"하동군",
    U"산청군", U"함양군", U"거창군", U"합천군", U"제주시", U"서귀포시"};

constexpr View kBuildings[] = {
    U"아파트", U"빌라",     U"빌딩",   U"타워",       U"오피스텔", U"맨션",   U"주택",
    U"빌",     U"센터",     U"하우스", U"단지",       U"타운",     U"캐슬",   U"파크",
    U"자이",   U"푸르지오", U"래미안", U"힐스테이트", U"상가",     U"프라자", U"플라자",
    U"연립",   U"아이파크", U"더샵",   U"이편한세상", U"빌리지",   U"회관",   U"기숙사",
    U"apt",    U"마을",     U"맨숀",   U"팰리스",     U"스퀘어"};
static_assert(std::all_of(std::begin(kBuildings), std::end(kBuildings),
                          [](View b) { return b.size() <= kLongestBuilding; }));

}  // namespace

Words ResidentWords() { return kResident; }
Words PhoneWords() { return kPhone; }
Words AccountWords() { return kAccount; }
Words ShortBankWords() { return kShortBanks; }
Words TransferWords() { return kTransfer; }
Words CardWords() { return kCard; }
Words BusinessWords() { return kBusiness; }
Words PassportWords() { return kPassport; }
Words LicenceWords() { return kLicence; }
Words AddressWords() { return kAddress; }
Words CompanyWords() { return kCompany; }
Words LicenceRegions() { return kLicenceRegions; }
Words Provinces() { return kProvinces; }

bool IsKnownDistrict(View name) {
  return std::find(std::begin(kDistricts), std::end(kDistricts), name) != std::end(kDistricts);
}

bool EndsLikeBuilding(View token) {
  return std::any_of(std::begin(kBuildings), std::end(kBuildings),
                     [token](View b) { return token.ends_with(b); });
}

bool MayEndBuilding(char32_t c) {
  return std::any_of(std::begin(kBuildings), std::end(kBuildings),
                     [c](View b) { return b.back() == c; });
}

}  // namespace jangbu::ingest::internal
