#include "ingest/dedup/filter.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace jangbu::ingest {
namespace {

constexpr size_t kKeysPerPart = size_t{1} << 20;
constexpr uint32_t kMaxSegmentLength = 1u << 18;
constexpr int kMaxPartBits = 24;

// 2^floor(log(keys) ÷ log 3.33 + 2.25), by multiplications alone, so that it is the same anywhere.
uint32_t SegmentLengthFor(size_t keys) {
  double reach = 0.0667982;  // 3.33^-2.25
  uint32_t length = 1;
  while (length < kMaxSegmentLength && reach * 3.33 <= static_cast<double>(keys)) {
    reach *= 3.33;
    length *= 2;
  }
  return std::max(length, 4u);
}

// Slots for `keys`: 1.125 times as many from a million on, more for fewer.
size_t CapacityFor(size_t keys) {
  // max(1.125, 0.875 + 0.25 · log 10^6 ÷ log keys) with log2 rounded down.
  const double bits = std::max(2, static_cast<int>(std::bit_width(keys)) - 1);
  return static_cast<size_t>(static_cast<double>(keys) * std::max(1.125, 0.875 + 4.983 / bits)) + 1;
}

}  // namespace

const uint8_t KeyFilter::kEmptyTable[3] = {0, 0, 0};

void KeyFilter::BuildPart(std::span<const uint64_t> keys, Part& part, std::vector<uint8_t>& table) {
  table.clear();
  part = Part{0, nullptr, 1, 0};
  if (keys.empty()) return;
  const size_t n = keys.size();
  part.segment_length = SegmentLengthFor(n);
  const size_t segments_all = (CapacityFor(n) + part.segment_length - 1) / part.segment_length;
  const size_t segments = segments_all > 2 ? segments_all - 2 : 1;
  part.segment_count_length = static_cast<uint32_t>(segments * part.segment_length);
  const size_t slots = (segments + 2) * part.segment_length;

  // Peeling: a slot with one key left decides that key last.
  std::vector<uint64_t> hashes(slots);  // xor of the hashes that fall on a slot
  std::vector<uint32_t> counts(slots);  // how many
  std::vector<uint32_t> alone(slots);   // slots with one key
  std::vector<uint64_t> order(n);       // hashes, first peeled first
  std::vector<uint32_t> order_slot(n);  // and the slot that each decides
  std::vector<uint64_t> near(n);        // hashes, those of near slots together
  for (uint64_t attempt = 0;; ++attempt) {
    JANGBU_CHECK(attempt < 200);  // distinct keys: each attempt fails with a few percent at most
    part.seed = Mix(attempt + 1, n);
    std::fill(hashes.begin(), hashes.end(), 0);
    std::fill(counts.begin(), counts.end(), 0);
    constexpr int kNear = 64 - 10;
    uint32_t starts[1025] = {};
    for (const uint64_t key : keys) ++starts[(Mix(key, part.seed) >> kNear) + 1];
    for (size_t i = 1; i <= 1024; ++i) starts[i] += starts[i - 1];
    for (const uint64_t key : keys) {
      const uint64_t hash = Mix(key, part.seed);
      near[starts[hash >> kNear]++] = hash;
    }
    for (const uint64_t hash : near) {
      uint32_t at[3];
      Slots(hash, part.segment_length, part.segment_count_length, at);
      for (const uint32_t slot : at) {
        hashes[slot] ^= hash;
        ++counts[slot];
      }
    }
    size_t waiting = 0;
    for (uint32_t slot = 0; slot < slots; ++slot) {
      if (counts[slot] == 1) alone[waiting++] = slot;
    }
    size_t peeled = 0;
    while (waiting > 0) {
      const uint32_t slot = alone[--waiting];
      if (counts[slot] != 1) continue;
      const uint64_t hash = hashes[slot];
      order[peeled] = hash;
      order_slot[peeled++] = slot;
      uint32_t at[3];
      Slots(hash, part.segment_length, part.segment_count_length, at);
      for (const uint32_t other : at) {
        hashes[other] ^= hash;
        if (--counts[other] == 1 && other != slot) alone[waiting++] = other;
      }
    }
    if (peeled == n) break;
  }
  table.assign(slots, 0);
  for (size_t i = n; i-- > 0;) {
    uint32_t at[3];
    Slots(order[i], part.segment_length, part.segment_count_length, at);
    uint8_t value = FingerprintOf(order[i]);
    for (const uint32_t slot : at) {
      if (slot != order_slot[i]) value ^= table[slot];
    }
    table[order_slot[i]] = value;
  }
}

std::string KeyFilter::Encode(std::span<const uint64_t> keys, int key_bits) {
  int part_bits = 0;
  while ((keys.size() >> part_bits) > kKeysPerPart &&
         part_bits < std::min(kMaxPartBits, key_bits)) {
    ++part_bits;
  }
  ByteWriter head;
  head.U64(keys.size());
  head.U32(static_cast<uint32_t>(part_bits));
  std::string tables;
  tables.reserve(keys.size() + keys.size() / 4);
  std::vector<uint8_t> table;
  size_t from = 0;
  for (uint64_t part_no = 0; part_no < uint64_t{1} << part_bits; ++part_no) {
    size_t to = from;
    if (part_no + 1 == uint64_t{1} << part_bits) {
      to = keys.size();
    } else {
      const uint64_t limit = (part_no + 1) << (key_bits - part_bits);
      to = static_cast<size_t>(
          std::lower_bound(keys.begin() + static_cast<ptrdiff_t>(from), keys.end(), limit) -
          keys.begin());
    }
    Part part;
    BuildPart(keys.subspan(from, to - from), part, table);
    head.U64(part.seed);
    head.U32(part.segment_length);
    head.U32(part.segment_count_length / part.segment_length);
    tables.append(reinterpret_cast<const char*>(table.data()), table.size());
    from = to;
  }
  return head.Take() + tables;
}

StatusOr<KeyFilter> KeyFilter::Parse(std::string_view bytes, int key_bits) {
  const auto malformed = [] {
    return DataLoss("filter_malformed", "a key filter has a bad shape");
  };
  ByteReader in(bytes);
  KeyFilter filter;
  filter.keys_ = in.U64();
  const uint32_t part_bits = in.U32();
  if (!in.ok() || part_bits > static_cast<uint32_t>(std::min(kMaxPartBits, key_bits)) ||
      in.remaining() < (size_t{16} << part_bits)) {
    return malformed();
  }
  const size_t parts = size_t{1} << part_bits;
  filter.part_shift_ = part_bits == 0 ? 64 : key_bits - static_cast<int>(part_bits);
  filter.parts_.assign(parts, Part{});
  const char* table = bytes.data() + 12 + 16 * parts;
  size_t left = in.remaining() - 16 * parts;
  for (Part& part : filter.parts_) {
    part.seed = in.U64();
    part.segment_length = in.U32();
    const uint64_t segments = in.U32();
    if (!std::has_single_bit(part.segment_length) || part.segment_length > kMaxSegmentLength) {
      return malformed();
    }
    if (segments == 0) {
      if (part.segment_length != 1 || part.seed != 0) return malformed();
      part.table = kEmptyTable;
      continue;
    }
    const uint64_t slots = (segments + 2) * part.segment_length;
    if (slots > left || slots > UINT32_MAX) return malformed();
    part.segment_count_length = static_cast<uint32_t>(segments * part.segment_length);
    part.table = reinterpret_cast<const uint8_t*>(table);
    table += slots;
    left -= slots;
  }
  if (left != 0) return malformed();
  return filter;
}

uint64_t KeyFilter::MayContain(const uint64_t* keys, size_t n) const {
  uint64_t passed = 0;
  if (parts_.size() == 1) {
    // One table of a megabyte or less: the reads of many keys are under way by themselves, as long
    // as nothing is stored between them.
    const Part part = parts_[0];
    for (size_t i = 0; i < n; ++i) {
      const uint64_t hash = Mix(keys[i], part.seed);
      uint32_t at[3];
      Slots(hash, part.segment_length, part.segment_count_length, at);
      const uint8_t rest =
          part.table[at[0]] ^ part.table[at[1]] ^ part.table[at[2]] ^ FingerprintOf(hash);
      passed |= static_cast<uint64_t>(rest == 0) << i;
    }
    return passed;
  }
  const uint8_t* tables[64];
  uint32_t slots[64][3];
  uint8_t fingerprints[64];
  for (size_t i = 0; i < n; ++i) {
    const Part& part = parts_[keys[i] >> part_shift_];
    const uint64_t hash = Mix(keys[i], part.seed);
    tables[i] = part.table;
    fingerprints[i] = FingerprintOf(hash);
    Slots(hash, part.segment_length, part.segment_count_length, slots[i]);
    for (const uint32_t at : slots[i]) __builtin_prefetch(part.table + at);
  }
  for (size_t i = 0; i < n; ++i) {
    const uint8_t* const table = tables[i];
    const uint8_t rest =
        table[slots[i][0]] ^ table[slots[i][1]] ^ table[slots[i][2]] ^ fingerprints[i];
    passed |= static_cast<uint64_t>(rest == 0) << i;
  }
  return passed;
}

}  // namespace jangbu::ingest
