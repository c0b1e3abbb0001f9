#pragma once

// Personal data in canonical text: numbers and addresses that name one person, found by their form,
// their check digits and the Korean words around them. Rules, kinds and measured recall and
// precision: docs/personal-data.md.
//
// What is read through: full-width, Arabic-Indic and mathematical digits, every dash and dot,
// spaces between parts and between single digits, joiners and variation selectors, particles glued
// on either side.
//
// Findings are places and kinds, never values. Everything here is pure, thread-safe, deterministic
// and linear, whatever the text; clean Korean text passes at memory speed, because only the
// surroundings of digits and @ are looked at.
//
// Laws (tests/ingest/screen): masking twice equals once; a masked text holds no finding; masked
// text is canonical and has the same code points, words and line breaks in the same places.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jangbu::ingest {

// Stored and on the wire: numbers are never reused.
enum class PersonalKind : uint8_t {
  kResidentNumber = 1,   // 주민등록번호
  kForeignerNumber = 2,  // 외국인등록번호
  kMobile = 3,
  kLandline = 4,
  kEmail = 5,
  kBankAccount = 6,
  kCard = 7,
  kBusinessNumber = 8,  // 사업자등록번호
  kPassport = 9,
  kDriverLicence = 10,
  kAddress = 11,
};
inline constexpr int kPersonalKinds = 11;

// "resident_number", "mobile", …
std::string_view NameOf(PersonalKind kind);
std::optional<PersonalKind> PersonalKindOf(std::string_view name);

// A place in a text, in bytes.
struct Finding {
  PersonalKind kind = PersonalKind::kResidentNumber;
  uint32_t begin = 0;
  uint32_t end = 0;  // exclusive
  friend bool operator==(const Finding&, const Finding&) = default;
};

// The findings of one reading of a text, ascending and apart.
//
// REQUIRES: canonical text (ingest/text/canonical.h) of less than 4 GiB.
std::vector<Finding> FindPersonalData(std::string_view canonical);

// A place in a text, in code points: the same place in a text and in its masked form.
struct PersonalSpan {
  PersonalKind kind = PersonalKind::kResidentNumber;
  uint32_t begin = 0;
  uint32_t size = 0;
  friend bool operator==(const PersonalSpan&, const PersonalSpan&) = default;
};

// Masks `canonical` in place until nothing is found in it, and says what was masked. Code point for
// code point: letters and digits of ASCII and other scripts become *, Hangul becomes ○; spaces,
// dashes and other signs stay. Should a text made for it still give findings after eight readings,
// every digit, Latin letter, @ and 공 of it is masked too.
//
// REQUIRES: as FindPersonalData.
std::vector<PersonalSpan> MaskPersonalData(std::string& canonical);

// `findings` as code points. REQUIRES: found in `canonical`.
std::vector<PersonalSpan> SpansOf(std::string_view canonical, const std::vector<Finding>& findings);

// A one-line text that is no document (a title, say), without values: canonical and masked.
std::string MaskedLine(std::string_view utf8);

}  // namespace jangbu::ingest
