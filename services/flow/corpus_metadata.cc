#include "services/flow/corpus_metadata.h"

#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::services {
namespace {

std::string CorpusAad(uint32_t partner, uint32_t corpus) {
  ByteWriter w;
  w.Raw("jangbu corpus 1\n");
  w.U32(partner);
  w.U32(corpus);
  return w.Take();
}

}  // namespace

std::string SealCorpusMetadata(const SecretKey& partner_key, uint32_t partner, uint32_t corpus,
                               const CorpusMetadata& metadata, RandomSource& random) {
  ByteWriter w;
  w.String(metadata.title);
  w.String(metadata.rights);
  w.String(metadata.licence);
  const bool reading = metadata.reading != ingest::ReadOptions{};
  if (metadata.screen != ingest::ScreenPolicy{} || !metadata.legal_basis.empty() || reading) {
    w.U8(static_cast<uint8_t>(metadata.screen.personal_data));
    w.String(metadata.legal_basis);
    w.String(ingest::WriteQualityPolicy(metadata.screen.quality));
  }
  if (reading) {
    w.String(ingest::NameOf(metadata.reading.encoding));
    w.String(metadata.reading.text_column);
    w.String(metadata.reading.xml_text_path);
    if (metadata.reading.private_use != ingest::PrivateUse::kKeep)
      w.String(ingest::NameOf(metadata.reading.private_use));
  }
  return SealBox(partner_key, CorpusAad(partner, corpus), w.bytes(), random);
}

StatusOr<CorpusMetadata> OpenCorpusMetadata(const SecretKey& partner_key, uint32_t partner,
                                            uint32_t corpus, std::string_view sealed) {
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes,
                          OpenBox(partner_key, CorpusAad(partner, corpus), sealed));
  ByteReader r(bytes);
  CorpusMetadata metadata;
  metadata.title = std::string(r.String());
  metadata.rights = std::string(r.String());
  metadata.licence = std::string(r.String());
  if (r.ok() && r.remaining() > 0) {
    const uint8_t personal = r.U8();
    if (personal < 1 || personal > 3) r.MarkBad();
    metadata.screen.personal_data = static_cast<ingest::PersonalDataPolicy>(personal);
    metadata.legal_basis = std::string(r.String());
    auto quality = ingest::ParseQualityPolicy(r.String());
    if (!quality.ok()) {
      r.MarkBad();
    } else {
      metadata.screen.quality = *quality;
    }
  }
  if (r.ok() && r.remaining() > 0) {
    const std::string_view encoding = r.String();
    const std::string_view column = r.String();
    const std::string_view path = r.String();
    auto reading = ingest::ParseReadOptions(encoding, column, path,
                                            r.ok() && r.remaining() > 0 ? r.String() : "");
    if (!reading.ok()) {
      r.MarkBad();
    } else {
      metadata.reading = *std::move(reading);
    }
  }
  JANGBU_RETURN_IF_ERROR(r.Finish("a corpus' metadata"));
  return metadata;
}

StatusOr<std::shared_ptr<const CorpusMetadata>> ReadCorpusMetadata(Scribe& scribe, Keyring& keyring,
                                                                   uint32_t partner,
                                                                   uint32_t corpus) {
  std::string sealed;
  bool found = false;
  scribe.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    const ledger::PartnerRecord* record = books.FindPartner(partner);
    if (record == nullptr || corpus < 1 || corpus > record->corpora.size()) return;
    sealed = record->corpora[corpus - 1].sealed_metadata;
    found = true;
  });
  if (!found) return NotFound("no_such_corpus", "there is no such corpus");
  JANGBU_ASSIGN_OR_RETURN(const auto key, keyring.PartnerKey(partner));
  JANGBU_ASSIGN_OR_RETURN(CorpusMetadata metadata,
                          OpenCorpusMetadata(*key, partner, corpus, sealed));
  return std::make_shared<const CorpusMetadata>(std::move(metadata));
}

}  // namespace jangbu::services
