#include "services/flow/batch_appraisal.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::services {
namespace {

// 1: every offer has a key. 2: those without one have none in the bytes either; there is at least
// one.
constexpr uint8_t kAllKeys = 1;
constexpr uint8_t kSomeKeys = 2;
constexpr uint8_t kRejected = 1;
constexpr uint8_t kHasId = 2;

constexpr int64_t ledger::Item::*kCounts[] = {
    &ledger::Item::chars,  &ledger::Item::syllables,    &ledger::Item::words,
    &ledger::Item::tokens, &ledger::Item::korean_words, &ledger::Item::korean_tokens};

}  // namespace

std::string EncodeBatchAppraisal(const BatchAppraisal& batch) {
  ByteWriter w;
  const bool all_keys = std::all_of(batch.begin(), batch.end(), [](const DocumentAppraisal& d) {
    return std::none_of(d.offers.begin(), d.offers.end(),
                        [](const ingest::SegmentOffer& o) { return o.key == ingest::kNoKey; });
  });
  w.U8(all_keys ? kAllKeys : kSomeKeys);
  w.Varint(batch.size());
  for (const DocumentAppraisal& document : batch) {
    const bool rejected = document.item.verdict == ledger::Verdict::kRejected;
    w.U8(static_cast<uint8_t>((rejected ? kRejected : 0) |
                              (document.document_id_key.has_value() ? kHasId : 0)));
    w.Varint(document.item.file);
    w.Varint(document.item.record);
    if (document.document_id_key.has_value()) w.Raw(*document.document_id_key);
    if (rejected) {
      w.String(document.item.reason);
      JANGBU_CHECK(document.item.chars >= 0 && document.item.words >= 0);
      w.Varint(static_cast<uint64_t>(document.item.chars));
      w.Varint(static_cast<uint64_t>(document.item.words));
      continue;
    }
    for (const auto count : kCounts) {
      JANGBU_CHECK(document.item.*count >= 0);
      w.Varint(static_cast<uint64_t>(document.item.*count));
    }
    w.Raw(document.document_key);
    w.Varint(document.offers.size());
    for (const ingest::SegmentOffer& offer : document.offers) {
      const bool has_key = offer.key != ingest::kNoKey;
      if (!all_keys) w.U8(has_key ? 1 : 0);
      if (has_key) w.Raw(offer.key);
      w.Varint(offer.korean_tokens);
      w.Varint(offer.korean_words);
    }
  }
  return w.Take();
}

StatusOr<BatchAppraisal> DecodeBatchAppraisal(std::string_view bytes) {
  ByteReader r(bytes);
  const uint8_t version = r.U8();
  if (version != kAllKeys && version != kSomeKeys) r.MarkBad();
  bool all_keys = true;
  BatchAppraisal batch(r.Count(4));
  const auto small = [&r](uint64_t v) {
    if (v > UINT32_MAX) r.MarkBad();
    return static_cast<uint32_t>(v);
  };
  const auto amount = [&r] {
    const uint64_t v = r.Varint();
    if (v > static_cast<uint64_t>(INT64_MAX)) r.MarkBad();
    return static_cast<int64_t>(v);
  };
  for (DocumentAppraisal& document : batch) {
    const uint8_t flags = r.U8();
    if (flags > (kRejected | kHasId)) r.MarkBad();
    document.item.file = small(r.Varint());
    document.item.record = r.Varint();
    if ((flags & kHasId) != 0) document.document_id_key = r.Array<16>();
    if ((flags & kRejected) != 0) {
      document.item.verdict = ledger::Verdict::kRejected;
      document.item.reason = std::string(r.String());
      document.item.chars = amount();
      document.item.words = amount();
      continue;
    }
    for (const auto count : kCounts) {
      document.item.*count = amount();
    }
    document.document_key = r.Array<16>();
    document.offers.resize(r.Count(version == kAllKeys ? 18 : 3));
    for (ingest::SegmentOffer& offer : document.offers) {
      const uint8_t has_key = version == kAllKeys ? 1 : r.U8();
      if (has_key > 1) r.MarkBad();
      if (has_key == 1) {
        offer.key = r.Array<16>();
        if (offer.key == ingest::kNoKey) r.MarkBad();
      }
      all_keys = all_keys && has_key == 1;
      offer.korean_tokens = small(r.Varint());
      offer.korean_words = small(r.Varint());
    }
    if (!r.ok()) break;
  }
  if (all_keys != (version == kAllKeys)) r.MarkBad();
  JANGBU_RETURN_IF_ERROR(r.Finish("batch appraisal"));
  return batch;
}

}  // namespace jangbu::services
