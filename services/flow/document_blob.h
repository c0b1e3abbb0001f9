#pragma once

// One stored document: what is known of it and its canonical text, under a data key of its own.
//
//     blob     = varint(size of the sealed facts) sealed-facts sealed-text
//     facts    = version:u8 id:string title:string source_type:string published_at:string
//                detail:string received_sha256:32 form_sha256:32 text_bytes:varint
//                [author:string read_as:string screening]
//     screening = count:varint (kind:u8 begin:varint size:varint)… count:varint
//                 (rule:u8 rejects:u8 value:varint threshold:varint)…
//     version  = 1 without what stands in brackets, 2 with it (where any of it is not empty)
//     text     = 0:u8 canonical text | 1:u8 zstd frame of it
//
// Both parts are sealed under the document's key (nonces 0 and 1: the key seals nothing else),
// bound to the place of the document (upload, file, record), so a blob moved elsewhere does not
// open. Listing verdicts opens the facts alone. Thread-safe.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "ingest/screen/screen.h"
#include "services/storage/envelope.h"

namespace jangbu::services {

struct DocumentFacts {
  std::string id;
  std::string title;
  std::string source_type;
  std::string published_at;
  std::string author;
  std::string read_as;       // format, and of text its encoding and the confidence in it
  std::string detail;        // of a rejection
  Digest received_sha256{};  // of the record's bytes as received
  Digest form_sha256{};      // identity; zero when rejected
  uint64_t text_bytes = 0;   // of the canonical text
  // What screening found, as places (code points of the canonical text, masked or not) and numbers.
  std::vector<ingest::PersonalSpan> personal_data;
  std::vector<ingest::QualityFlag> flags;
  bool operator==(const DocumentFacts&) const = default;
};

struct DocumentPlace {
  uint64_t upload = 0;  // token
  uint32_t file = 0;
  uint64_t record = 0;
};

std::string SealDocument(const SecretKey& key, const DocumentPlace& place,
                         const DocumentFacts& facts, std::string_view canonical);
// DataLoss("seal_broken") or ("malformed_record").
StatusOr<DocumentFacts> OpenFacts(const SecretKey& key, const DocumentPlace& place,
                                  std::string_view blob);
StatusOr<std::string> OpenText(const SecretKey& key, const DocumentPlace& place,
                               std::string_view blob);

}  // namespace jangbu::services
