#pragma once

// The words that tell what a number is. Private to this folder. All lower case, without spaces:
// windows of text are compared with their spaces left out.

#include <cstddef>
#include <span>
#include <string_view>

namespace jangbu::ingest::internal {

using Words = std::span<const std::u32string_view>;

Words ResidentWords();   // 주민번호, 외국인등록번호, rrn …
Words PhoneWords();      // 전화, 팩스, 연락처, tel …
Words AccountWords();    // 계좌, 예금, banks …
Words ShortBankWords();  // 국민, 신한 …: a bank, directly before a dashed number
Words TransferWords();   // 송금, 이체, 예금주 …: an account may be near
Words CardWords();       // 카드
Words BusinessWords();   // 사업자, 등록번호 …
Words PassportWords();   // 여권, passport
Words LicenceWords();    // 면허
Words AddressWords();    // 주소, 거주지, 배송지 …
Words CompanyWords();    // 법인: a number of the same form that names no person

Words LicenceRegions();  // 서울, 부산 … as on a driver's licence

// Provinces and metropolitan cities, long and short forms, longest first.
Words Provinces();
// Cities, counties and districts of the Republic, as of 2024.
bool IsKnownDistrict(std::u32string_view name);
// Ends like the name of a building: 아파트, 빌딩, 오피스텔 … Its last kLongestBuilding letters
// tell.
inline constexpr size_t kLongestBuilding = 5;
bool EndsLikeBuilding(std::u32string_view token);
// What EndsLikeBuilding may end with: quicker to ask.
bool MayEndBuilding(char32_t c);

}  // namespace jangbu::ingest::internal
