#pragma once

// Ids as outsiders write them.
//
//   partner   2 to 40 of a-z, 0-9 and inner hyphens          hanbit
//   corpus    PARTNER/NUMBER                                 hanbit/3
//   upload    PARTNER/uNUMBER                                hanbit/u17
//   lot       PARTNER/lNUMBER                                hanbit/l3
//   document  UPLOAD#FILE:RECORD                             hanbit/u17#0:42
//
// NUMBER is 1 to 4294967295 in decimal without leading zeros, so each thing has one name. Pure;
// thread-safe.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace jangbu::services::wire {

// A numbered thing of a partner: a corpus, an upload or a lot. The views borrow from what was
// parsed.
struct NumberedId {
  std::string_view partner_id;
  uint32_t number = 0;
  bool operator==(const NumberedId&) const = default;
};

bool IsPartnerId(std::string_view text);

// InvalidArgument("bad_partner_id"), ("bad_corpus_id"), ("bad_upload_id"),
// ("bad_lot_id") for anything that the functions below cannot have written. Messages quote what was
// wrong, shortened and printable.
Status CheckPartnerId(std::string_view text);
StatusOr<NumberedId> ParseCorpusId(std::string_view text);
StatusOr<NumberedId> ParseUploadId(std::string_view text);
StatusOr<NumberedId> ParseLotId(std::string_view text);

// A document: the upload's id, then its file and record. InvalidArgument("bad_document_id").
struct DocumentPlaceId {
  NumberedId upload;
  uint32_t file = 0;
  uint64_t record = 0;
};
StatusOr<DocumentPlaceId> ParseDocumentPlace(std::string_view text);

std::string CorpusId(std::string_view partner_id, uint32_t number);
std::string UploadId(std::string_view partner_id, uint32_t number);
std::string LotId(std::string_view partner_id, uint32_t number);

}  // namespace jangbu::services::wire
