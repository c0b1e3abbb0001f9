// Postal addresses: a district, a street or village, and a number, with what follows of house,
// floor and name.
//
//   address = [postal code] area+ (street | village) [산 | 지하] number[-number | 의 number] [번지
//   | 호] detail* area    = province, or a name in 시 군 구 읍 면 동 리 street  = a name in 로 길
//   대로, with a numbered branch (나래로12번길) village = a name in 동 리 가 읍 면 detail  = 104동
//   1203호, 지하 1층, B102호, a building's name, (a village, a building)

#include <algorithm>

#include "ingest/screen/matcher.h"

namespace jangbu::ingest::internal {
namespace {

using View = std::u32string_view;

bool OneOf(char32_t c, View set) { return set.find(c) != View::npos; }

bool IsProvince(View token) {
  const Words all = Provinces();
  return std::find(all.begin(), all.end(), token) != all.end();
}

// The long name of a province that `token` ends with, for what is glued before it; 0 when none.
size_t ProvinceTail(View token) {
  for (const View name : Provinces()) {
    if (name.size() >= 3 && token.size() > name.size() && token.ends_with(name)) return name.size();
  }
  return 0;
}

// Numbers are followed by these when they count something.
bool IsUnit(char32_t c) {
  return OneOf(c, U"년월일분초개명원회차위점권건배조항％%시세살장편쪽면대만억천백도형량인가kmKMgG");
}

}  // namespace

// The run of Hangul and digits that ends at cell `end`, at most 14 cells.
std::optional<Matcher::Token> Matcher::TokenEndingAt(size_t end) {
  Token token;
  token.end = end;
  size_t i = end;
  while (i > 0 && end - i < 15 && (IsHangul(text_[i - 1]) || IsDigit(text_[i - 1]))) --i;
  if (i == end || end - i > 14) return std::nullopt;
  token.begin = i;
  token.text = Window(i, end);
  return token;
}

// The end of what details a house, from the end of its number.
size_t Matcher::DetailEnd(size_t end, bool& detailed) {
  detailed = false;
  for (int parts = 0; parts < 6; ++parts) {
    size_t i = end;
    if (text_[i] == U',') ++i;
    if (text_[i] == U' ') ++i;
    if (text_[i] == U'(' && i > end) {
      // (나래동, 라온아파트)
      size_t j = i + 1;
      while (j - i < 40 && text_[j] != U')' && text_[j] != U'\n' && text_[j] != 0 &&
             text_[j] != U'(')
        ++j;
      if (text_[j] != U')') break;
      const std::u32string inside = Window(i + 1, j);
      bool names = false;
      for (size_t from = 0; from < inside.size();) {
        size_t to = inside.find(U',', from);
        if (to == View::npos) to = inside.size();
        const View name = View(inside).substr(from, to - from);
        if (name.size() >= 2 && IsHangul(name[0]) &&
            (OneOf(name.back(), U"동가리로") || EndsLikeBuilding(name)))
          names = true;
        from = to + 1;
      }
      if (!names) break;
      end = j + 1;
      detailed = true;
      continue;
    }
    size_t j = i;
    if (text_[j] == U'지' && text_[j + 1] == U'하') {
      j += 2;
      if (text_[j] == U' ') ++j;
    }
    const size_t from = j;
    if (IsLatin(text_[j]) ||
        (IsHangul(text_[j]) && (text_[j + 1] == U'동' || text_[j + 1] == U'호')))
      ++j;
    while (j - from < 6 && (IsDigit(text_[j]) || (text_[j] == U'-' && IsDigit(text_[j + 1])))) ++j;
    if (j > from && OneOf(text_[j], U"동호층") && (IsDigit(text_[j - 1]) || j - from == 1)) {
      ++j;
      if (text_[j] == U'실') ++j;
      // 3층짜리, 2동은 …: a word goes on.
      if (IsHangul(text_[j]) && !OneOf(text_[j], U"에의로은는이가을를과와도입") &&
          !IsDigit(text_[j]))
        break;
      end = j;
      detailed = true;
      continue;
    }
    // The name of a building.
    j = i;
    while (j - i < 16 && (IsHangul(text_[j]) || IsLatin(text_[j]) || IsDigit(text_[j]))) ++j;
    if (i > end && j - i >= 2 && EndsLikeBuilding(Window(i, j))) {
      end = j;
      detailed = true;
      continue;
    }
    break;
  }
  return end;
}

// The districts before cell `begin`, one space apart.
Matcher::Areas Matcher::AreasBefore(size_t begin) {
  Areas out;
  out.begin = begin;
  for (int areas = 0; areas < 5 && out.begin >= 2 && text_[out.begin - 1] == U' '; ++areas) {
    const std::optional<Token> token = TokenEndingAt(out.begin - 1);
    if (!token.has_value() || token->text.size() < 2) break;
    const View name = token->text;
    if (IsProvince(name)) {
      out.province = true;
      out.lone_state = name.starts_with(U"세종");
      out.begin = token->begin;
      break;  // nothing stands above a province but 대한민국
    }
    if (const size_t glued = ProvinceTail(name); glued != 0) {
      out.province = true;
      out.begin = token->end - glued;
      break;
    }
    if (!OneOf(name.back(), U"시군구읍면동리")) break;
    if (OneOf(name.back(), U"시군구")) out.district = true;
    if (IsKnownDistrict(name)) out.known = true;
    out.begin = token->begin;
  }
  return out;
}

// 서울 강남구 역삼동 한결아파트 101동 202호: a flat in a named building, without a number of the
// house.
std::optional<Matcher::Match> Matcher::Flat(size_t at) {
  if (text_[at - 1] != U' ') return std::nullopt;
  const std::optional<Token> building = TokenEndingAt(at - 1);
  if (!building.has_value() || !EndsLikeBuilding(building->text)) return std::nullopt;
  const Areas areas = AreasBefore(building->begin);
  if (!(areas.province && areas.district) && !areas.known) return std::nullopt;
  bool detailed = false;
  const size_t end = DetailEnd(at - 1, detailed);
  if (!detailed || end <= at) return std::nullopt;
  return Match{PersonalKind::kAddress, {areas.begin, end}};
}

std::optional<Matcher::Match> Matcher::Address(size_t at) {
  if (at == 0) return std::nullopt;
  // Back to the street or the village.
  size_t q = at;
  if (text_[q - 1] == U' ') --q;
  bool mountain = false;
  if (q >= 3 && text_[q - 1] == U'산' && text_[q - 2] == U' ') {
    q -= 2;
    mountain = true;
  } else if (q >= 4 && text_[q - 1] == U'하' && text_[q - 2] == U'지' && text_[q - 3] == U' ') {
    q -= 3;
  }
  if (q == 0) return std::nullopt;
  if (!OneOf(text_[q - 1], U"로길동리가읍면")) return Flat(at);
  std::optional<Token> place = TokenEndingAt(q);
  if (!place.has_value() || place->text.size() < 2) return std::nullopt;
  // 테헤란로 152번길 3: the branch stands apart.
  if (IsDigit(place->text[0]) && place->text.back() == U'길' && place->begin >= 2 &&
      text_[place->begin - 1] == U' ') {
    std::optional<Token> street = TokenEndingAt(place->begin - 1);
    if (!street.has_value() || !OneOf(street->text.back(), U"로길")) return std::nullopt;
    street->text += place->text;
    place = std::move(street);
  }
  if (!IsHangul(place->text[0])) return std::nullopt;
  const char32_t tail = place->text.back();
  const bool street = tail == U'로' || tail == U'길';
  if (place->text.ends_with(U"으로")) return std::nullopt;  // a particle, no street

  // The number, and that it is no count.
  size_t end = at;
  while (IsDigit(text_[end])) ++end;
  if (end - at > 5) return std::nullopt;
  bool branched = false;
  if (text_[end] == U'-' && IsDigit(text_[end + 1])) {
    size_t j = end + 1;
    while (IsDigit(text_[j])) ++j;
    if (j - end > 5) return std::nullopt;
    end = j;
    branched = true;
  }
  // 521의 12, 88의1: how lots were written.
  if (!branched && text_[end] == U'의') {
    size_t j = end + 1;
    if (text_[j] == U' ') ++j;
    const size_t from = j;
    while (IsDigit(text_[j])) ++j;
    if (j > from && j - from <= 4 && !IsUnit(text_[j])) {
      end = j;
      branched = true;
    }
  }
  if (text_[end] == U'-' || (text_[end] == U'.' && IsDigit(text_[end + 1])) || text_[end] == U'~')
    return std::nullopt;
  bool lot = false;
  const size_t after = text_[end] == U' ' ? end + 1 : end;
  if (text_[after] == U'번' && text_[after + 1] == U'지') {
    end = after + 2;
    lot = true;
  } else if (text_[end] == U'번' || (IsUnit(text_[end]) && !(text_[end] == U'가' && branched))) {
    return std::nullopt;  // a branch of the street (12번길), or a count
  } else if (text_[end] == U'길' || text_[end] == U'로') {
    return std::nullopt;
  } else if (text_[end] == U'호' && !IsHangul(text_[end + 1])) {
    ++end;
  } else if (IsLatin(text_[end])) {
    return std::nullopt;
  }

  const Areas areas = AreasBefore(place->begin);
  size_t begin = areas.begin;
  const bool province = areas.province, district = areas.district, known = areas.known,
             lone_state = areas.lone_state;
  bool detailed = false;
  const size_t detail_end = DetailEnd(end, detailed);
  const bool told = DirectlyBefore(begin, AddressWords());
  const bool house = street || lot || branched || mountain;
  const bool whole = (province && (district || lone_state || lot || branched)) ||
                     (known && house) || (known && detailed) ||
                     (told && house && (district || detailed || street)) ||
                     (detailed && street && place->text.size() >= 3 &&
                      (text_[end] == U',' || text_[end] == U' ') && text_[detail_end - 1] == U'호');
  if (!whole) return std::nullopt;
  if (begin > 0 && (IsHangul(text_[begin - 1]) || IsDigit(text_[begin - 1])) && !province && !told)
    return std::nullopt;
  if (detailed) end = detail_end;
  // (우)06236, 06236 서울…
  if (begin >= 6 && text_[begin - 1] == U' ') {
    size_t i = begin - 1;
    if (OneOf(text_[i - 1], U")]")) --i;
    size_t d = i;
    while (d > 0 && i - d < 6 && IsDigit(text_[d - 1])) --d;
    if (i - d == 5 && (d == 0 || !OneOf(text_[d - 1], U".-,/"))) begin = d;
  }
  return Match{PersonalKind::kAddress, {begin, end}};
}

}  // namespace jangbu::ingest::internal
