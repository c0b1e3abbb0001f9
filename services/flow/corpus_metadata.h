#pragma once

// What a corpus is and how its text is screened: ciphertext under the partner's key, bound to the
// partner and the number of the corpus, kept in the CORPUS_ADDED entry.
//
//     metadata = title:string rights:string licence:string [screening [reading]]
//     screening = personal_data:u8 legal_basis:string quality:string
//     reading = encoding:string text_column:string xml_text_path:string [pua:string]
//
// Screening and reading are written only where they are not the default, so corpora from before
// them read the same.
// Thread-safe.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "ingest/extract/read_options.h"
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
  ingest::ReadOptions reading;
  bool operator==(const CorpusMetadata&) const = default;
};

std::string SealCorpusMetadata(const SecretKey& partner_key, uint32_t partner, uint32_t corpus,
                               const CorpusMetadata& metadata, RandomSource& random);
// DataLoss("seal_broken") or ("malformed_record").
StatusOr<CorpusMetadata> OpenCorpusMetadata(const SecretKey& partner_key, uint32_t partner,
                                            uint32_t corpus, std::string_view sealed);

// How a corpus is read and screened. NotFound("no_such_corpus").
StatusOr<std::shared_ptr<const CorpusMetadata>> ReadCorpusMetadata(Scribe& scribe, Keyring& keyring,
                                                                   uint32_t partner,
                                                                   uint32_t corpus);

}  // namespace jangbu::services
