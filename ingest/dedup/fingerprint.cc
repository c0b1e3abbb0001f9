#include "ingest/dedup/fingerprint.h"

#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::ingest {
namespace {

// The secret comes first and has a fixed length, and the whole digest never leaves the house, so a
// plain prefix is a sound MAC here and costs one hash of a short segment instead of HMAC's three.
Key Keyed(const std::array<uint8_t, 32>& secret, char domain, std::string_view a,
          std::string_view b = {}) {
  const Digest digest = Sha256({AsView(secret), std::string_view(&domain, 1), a, b});
  Key key;
  std::copy_n(digest.begin(), key.size(), key.begin());
  return key;
}

}  // namespace

Fingerprinter::Fingerprinter(std::string_view secret) {
  JANGBU_CHECK(secret.size() >= secret_.size());
  std::copy_n(secret.begin(), secret_.size(), secret_.begin());
}

Key Fingerprinter::OfDocument(const Digest& form_sha256) const {
  return Keyed(secret_, 'D', AsView(form_sha256));
}

Key Fingerprinter::OfSegment(std::string_view form) const { return Keyed(secret_, 'S', form); }

Key Fingerprinter::OfDocumentId(uint32_t corpus, std::string_view document_id) const {
  ByteWriter w;
  w.U32(corpus);
  return Keyed(secret_, 'I', w.bytes(), document_id);
}

}  // namespace jangbu::ingest
