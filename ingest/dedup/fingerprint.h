#pragma once

// Names of texts in the key index: keyed digests of comparison forms.
//
// Identity is the comparison form itself. A key is the first 128 bits of SHA-256 over a secret of
// the installation and the form: without the secret nobody can find two forms with one key or test
// a guess, and with honest inputs two of n forms meet with a chance of n²/2^129 (10^12 segments: 1
// in 10^15). So a key stands for a form exactly.

#include <array>
#include <cstdint>
#include <string_view>

#include "base/digest.h"
#include "base/key_index.h"

namespace jangbu::ingest {

// Immutable, thread-safe.
class Fingerprinter {
 public:
  // REQUIRES: at least 32 secret bytes; only the first 32 are used.
  explicit Fingerprinter(std::string_view secret);

  // The key of a whole document, from the SHA-256 of its comparison form (its identity).
  Key OfDocument(const Digest& form_sha256) const;
  // The key of a segment's comparison form.
  Key OfSegment(std::string_view form) const;
  // The key of a client's document id within a corpus.
  Key OfDocumentId(uint32_t corpus, std::string_view document_id) const;

 private:
  std::array<uint8_t, 32> secret_;
};

}  // namespace jangbu::ingest
