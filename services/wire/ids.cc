#include "services/wire/ids.h"

#include <algorithm>
#include <charconv>

#include "services/wire/text.h"

namespace jangbu::services::wire {
namespace {

// The number after `mark` ("", "u" or "l"), or 0.
uint32_t NumberAfter(std::string_view text, std::string_view mark) {
  if (!text.starts_with(mark)) return 0;
  text.remove_prefix(mark.size());
  if (text.empty() || text.front() < '1' || text.front() > '9') return 0;
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

StatusOr<NumberedId> ParseNumbered(std::string_view text, std::string_view mark,
                                   std::string_view reason, std::string_view form) {
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos && IsPartnerId(text.substr(0, slash))) {
    const uint32_t number = NumberAfter(text.substr(slash + 1), mark);
    if (number != 0) return NumberedId{.partner_id = text.substr(0, slash), .number = number};
  }
  return InvalidArgument(reason, "expected " + std::string(form) + ", got " + Quoted(text));
}

}  // namespace

bool IsPartnerId(std::string_view text) {
  if (text.size() < 2 || text.size() > 40 || text.front() == '-' || text.back() == '-') {
    return false;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Status CheckPartnerId(std::string_view text) {
  if (IsPartnerId(text)) return OkStatus();
  return InvalidArgument(
      "bad_partner_id",
      "a partner id is 2 to 40 lower-case letters, digits and inner hyphens, got " + Quoted(text));
}

StatusOr<NumberedId> ParseCorpusId(std::string_view text) {
  return ParseNumbered(text, "", "bad_corpus_id", "PARTNER/NUMBER");
}

StatusOr<NumberedId> ParseUploadId(std::string_view text) {
  return ParseNumbered(text, "u", "bad_upload_id", "PARTNER/uNUMBER");
}

StatusOr<NumberedId> ParseLotId(std::string_view text) {
  return ParseNumbered(text, "l", "bad_lot_id", "PARTNER/lNUMBER");
}

StatusOr<DocumentPlaceId> ParseDocumentPlace(std::string_view text) {
  const Status bad = InvalidArgument("bad_document_id",
                                     "expected PARTNER/uNUMBER#FILE:RECORD, got " + Quoted(text));
  const size_t hash = text.find('#');
  if (hash == std::string_view::npos) return bad;
  DocumentPlaceId place;
  JANGBU_ASSIGN_OR_RETURN(place.upload, ParseUploadId(text.substr(0, hash)));
  const std::string_view rest = text.substr(hash + 1);
  const size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return bad;
  const auto read = [](std::string_view digits, auto& number) {
    if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return false;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  if (!read(rest.substr(0, colon), place.file) || !read(rest.substr(colon + 1), place.record))
    return bad;
  return place;
}

std::string CorpusId(std::string_view partner_id, uint32_t number) {
  return std::string(partner_id) + "/" + std::to_string(number);
}

std::string UploadId(std::string_view partner_id, uint32_t number) {
  return std::string(partner_id) + "/u" + std::to_string(number);
}

std::string LotId(std::string_view partner_id, uint32_t number) {
  return std::string(partner_id) + "/l" + std::to_string(number);
}

}  // namespace jangbu::services::wire
