// A segment of the run index from outside: what decodes holds what it says and can be asked
// anything. The checksum and the mark of the secret are put right first, or nothing would pass
// them.

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "base/check.h"
#include "ingest/dedup/run_index.h"

namespace {

using namespace jangbu::ingest;

// Some text for every document.
class AnyForms : public FormSource {
 public:
  jangbu::StatusOr<std::shared_ptr<const std::u32string>> Form(const RunDocument& d) override {
    if (d.place.ordinal % 5 == 4) return jangbu::NotFound("text_erased", "none");
    return std::make_shared<const std::u32string>(std::u32string(20 + d.place.ordinal % 40, U'ㅋ') +
                                                  U"가나다라마바사아자차카타파하");
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const RunHasher hasher("a secret of thirty-two bytes or more");
  std::string bytes(reinterpret_cast<const char*>(data), size);
  JANGBU_CHECK(!RunSegment::Decode(hasher, bytes, nullptr).ok() || size >= 56);
  if (size >= 56) {
    const uint64_t check = hasher.check();
    std::memcpy(bytes.data() + 8, &check, 8);
    const uint64_t sum = XXH3_64bits(bytes.data(), size - 8);
    std::memcpy(bytes.data() + size - 8, &sum, 8);
  }
  const auto decoded = RunSegment::Decode(hasher, bytes, nullptr);
  if (!decoded.ok()) return 0;
  const RunSegment& segment = **decoded;
  JANGBU_CHECK(segment.encoded() == bytes);
  const auto documents = segment.document_table().All();
  JANGBU_CHECK(documents.size() == segment.documents());
  JANGBU_CHECK(bytes.find(internal::DocumentTable::Encode(documents)) != std::string::npos);
  uint64_t rows = 0;
  segment.tile_table().ForEach([&](uint64_t key, uint64_t tile) {
    ++rows;
    JANGBU_CHECK(segment.filter().MayContain(key));
    const auto range = segment.tile_table().Find(key);
    bool found = false;
    for (uint64_t i = range.first; i < range.last; ++i) {
      found = found || segment.tile_table().ValueAt(i) == tile;
    }
    JANGBU_CHECK(found);
    const auto entry = segment.document_table().OfTile(static_cast<uint32_t>(tile));
    JANGBU_CHECK(tile - entry.first_tile < entry.tiles);
  });
  JANGBU_CHECK(rows == segment.tiles());
  AnyForms forms;
  const RunView view(&hasher, {*decoded});
  const std::u32string text = std::u32string(50, U'ㅋ') + U"가나다라마바사아자차카타파하";
  // Only true runs, whatever the tables claim.
  const auto covered = view.Covered(text, {}, forms);
  if (covered.ok()) {
    for (const Interval& i : *covered) JANGBU_CHECK(i.end <= text.size() && i.end - i.begin >= 24);
  }
  (void)view.Nearest(text, {}, forms, 30).ok();
  return 0;
}
