#include "services/flow/document_blob.h"

#include <zstd.h>

#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::services {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kExtendedVersion = 2;  // with how it was read and what screening found
constexpr uint8_t kPlain = 0;
constexpr uint8_t kZstd = 1;
constexpr size_t kCompressFrom = 256;  // bytes; shorter texts gain nothing
constexpr int kZstdLevel = 1;
constexpr size_t kMaxTextBytes = size_t{256} << 20;

constexpr Nonce kFactsNonce{};
constexpr Nonce kTextNonce{1};

std::string Aad(std::string_view part, const DocumentPlace& place) {
  ByteWriter w;
  w.Raw(part);
  w.U64(place.upload);
  w.U32(place.file);
  w.U64(place.record);
  return w.Take();
}

struct CCtxFree {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct DCtxFree {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

std::string Pack(std::string_view text) {
  if (text.size() >= kCompressFrom) {
    thread_local const std::unique_ptr<ZSTD_CCtx, CCtxFree> context(ZSTD_createCCtx());
    std::string packed(1 + ZSTD_compressBound(text.size()), '\0');
    packed[0] = static_cast<char>(kZstd);
    const size_t size = ZSTD_compressCCtx(context.get(), packed.data() + 1, packed.size() - 1,
                                          text.data(), text.size(), kZstdLevel);
    if (ZSTD_isError(size) == 0 && size < text.size()) {
      packed.resize(1 + size);
      return packed;
    }
  }
  std::string packed(1, static_cast<char>(kPlain));
  packed.append(text);
  return packed;
}

StatusOr<std::string> Unpack(std::string_view packed) {
  const Status bad = DataLoss("malformed_record", "a stored text does not unpack");
  if (packed.empty()) return bad;
  const auto form = static_cast<uint8_t>(packed[0]);
  packed.remove_prefix(1);
  if (form == kPlain) return std::string(packed);
  const unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (form != kZstd || size == ZSTD_CONTENTSIZE_ERROR || size > kMaxTextBytes) return bad;
  thread_local const std::unique_ptr<ZSTD_DCtx, DCtxFree> context(ZSTD_createDCtx());
  std::string text(static_cast<size_t>(size), '\0');
  const size_t got =
      ZSTD_decompressDCtx(context.get(), text.data(), text.size(), packed.data(), packed.size());
  if (ZSTD_isError(got) != 0 || got != text.size()) return bad;
  return text;
}

// The sealed facts and what follows them.
StatusOr<std::pair<std::string_view, std::string_view>> Split(std::string_view blob) {
  ByteReader r(blob);
  const std::string_view facts = r.String();
  const std::string_view text = r.Raw(r.remaining());
  JANGBU_RETURN_IF_ERROR(r.Finish("a stored document"));
  return std::pair(facts, text);
}

void WriteScreening(ByteWriter& w, const DocumentFacts& facts) {
  w.Varint(facts.personal_data.size());
  for (const ingest::PersonalSpan& span : facts.personal_data) {
    w.U8(static_cast<uint8_t>(span.kind));
    w.Varint(span.begin);
    w.Varint(span.size);
  }
  w.Varint(facts.flags.size());
  for (const ingest::QualityFlag& flag : facts.flags) {
    w.U8(static_cast<uint8_t>(flag.rule));
    w.U8(flag.rejects ? 1 : 0);
    w.Varint(flag.value);
    w.Varint(flag.threshold);
  }
}

void ReadScreening(ByteReader& r, DocumentFacts& facts) {
  const auto small = [&r] {
    const uint64_t v = r.Varint();
    if (v > UINT32_MAX) r.MarkBad();
    return static_cast<uint32_t>(v);
  };
  facts.personal_data.resize(r.Count(3));
  for (ingest::PersonalSpan& span : facts.personal_data) {
    const uint8_t kind = r.U8();
    if (kind < 1 || kind > ingest::kPersonalKinds) r.MarkBad();
    span = {static_cast<ingest::PersonalKind>(kind), small(), 0};
    span.size = small();
  }
  facts.flags.resize(r.Count(4));
  for (ingest::QualityFlag& flag : facts.flags) {
    const uint8_t rule = r.U8();
    const uint8_t rejects = r.U8();
    if (rule < 1 || rule > ingest::kQualityRules || rejects > 1) r.MarkBad();
    flag = {static_cast<ingest::QualityRule>(rule), rejects == 1, small(), 0};
    flag.threshold = small();
  }
}

bool IsExtended(const DocumentFacts& facts) {
  return !facts.author.empty() || !facts.read_as.empty() || !facts.personal_data.empty() ||
         !facts.flags.empty();
}

}  // namespace

std::string SealDocument(const SecretKey& key, const DocumentPlace& place,
                         const DocumentFacts& facts, std::string_view canonical) {
  const bool extended = IsExtended(facts);
  ByteWriter f;
  f.U8(extended ? kExtendedVersion : kVersion);
  f.String(facts.id);
  f.String(facts.title);
  f.String(facts.source_type);
  f.String(facts.published_at);
  f.String(facts.detail);
  f.Raw(facts.received_sha256);
  f.Raw(facts.form_sha256);
  f.Varint(canonical.size());
  if (extended) {
    f.String(facts.author);
    f.String(facts.read_as);
    WriteScreening(f, facts);
  }
  ByteWriter w;
  w.String(Seal(key, kFactsNonce, Aad("jangbu facts 1\n", place), f.bytes()));
  w.Raw(Seal(key, kTextNonce, Aad("jangbu text 1\n", place), Pack(canonical)));
  return w.Take();
}

StatusOr<DocumentFacts> OpenFacts(const SecretKey& key, const DocumentPlace& place,
                                  std::string_view blob) {
  JANGBU_ASSIGN_OR_RETURN(const auto parts, Split(blob));
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes,
                          Open(key, kFactsNonce, Aad("jangbu facts 1\n", place), parts.first));
  DocumentFacts facts;
  ByteReader r(bytes);
  const uint8_t version = r.U8();
  if (version != kVersion && version != kExtendedVersion) r.MarkBad();
  facts.id = std::string(r.String());
  facts.title = std::string(r.String());
  facts.source_type = std::string(r.String());
  facts.published_at = std::string(r.String());
  facts.detail = std::string(r.String());
  facts.received_sha256 = r.Array<32>();
  facts.form_sha256 = r.Array<32>();
  facts.text_bytes = r.Varint();
  if (version == kExtendedVersion) {
    facts.author = std::string(r.String());
    facts.read_as = std::string(r.String());
    ReadScreening(r, facts);
    if (!IsExtended(facts)) r.MarkBad();
  }
  JANGBU_RETURN_IF_ERROR(r.Finish("the facts of a stored document"));
  return facts;
}

StatusOr<std::string> OpenText(const SecretKey& key, const DocumentPlace& place,
                               std::string_view blob) {
  JANGBU_ASSIGN_OR_RETURN(const auto parts, Split(blob));
  JANGBU_ASSIGN_OR_RETURN(const std::string packed,
                          Open(key, kTextNonce, Aad("jangbu text 1\n", place), parts.second));
  return Unpack(packed);
}

}  // namespace jangbu::services
