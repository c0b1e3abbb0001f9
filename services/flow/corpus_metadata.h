#pragma once

// What a corpus is and how its text is screened: ciphertext under the partner's key, bound to the
// partner and the number of the corpus, kept in the CORPUS_ADDED entry.
//
//     metadata = title:string rights:string licence:string [screening]
//     screening = personal_data:u8 legal_basis:string quality:string
//
// Screening is written only where it is not the default, so corpora from before it read the same.
// Thread-safe.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "ingest/screen/screen.h"
#include "services/flow/keyring.h"
#include "services/flow/scribe.h"
#include "services/storage/envelope.h"

namespace jangbu::services {

struct CorpusMetadata {
  std::string title;
  std::string rights;
  std::string licence;
  ingest::ScreenPolicy screen;
  std::string legal_basis;  // of keeping personal data
  bool operator==(const CorpusMetadata&) const = default;
};

std::string SealCorpusMetadata(const SecretKey& partner_key, uint32_t partner, uint32_t corpus,
                               const CorpusMetadata& metadata, RandomSource& random);
// DataLoss("seal_broken") or ("malformed_record").
StatusOr<CorpusMetadata> OpenCorpusMetadata(const SecretKey& partner_key, uint32_t partner,
                                            uint32_t corpus, std::string_view sealed);

// The screening policy of a corpus. NotFound("no_such_corpus").
StatusOr<std::shared_ptr<const ingest::ScreenPolicy>> ReadScreenPolicy(Scribe& scribe,
                                                                       Keyring& keyring,
                                                                       uint32_t partner,
                                                                       uint32_t corpus);

}  // namespace jangbu::services
