#pragma once

// The bytes of many transfers, one after the other, as EncodeTransfer lays each out
// (ledger/transfer.h). Where integers are little-endian a transfer's memory is its encoding, so a
// batch is copied; tests compare both ways.

#include <bit>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "ledger/transfer.h"

namespace jangbu::ledger {

inline std::string EncodeTransfers(std::span<const Transfer> batch) {
  if constexpr (std::endian::native == std::endian::little) {
    static_assert(std::has_unique_object_representations_v<Transfer>);  // no padding
    return std::string(reinterpret_cast<const char*>(batch.data()), batch.size_bytes());
  } else {
    ByteWriter out;
    for (const Transfer& transfer : batch) EncodeTransfer(transfer, out);
    return out.Take();
  }
}

// And back, into `batch`, whose memory is used again. REQUIRES: whole transfers.
inline void DecodeTransfers(std::string_view bytes, std::vector<Transfer>& batch) {
  JANGBU_CHECK(bytes.size() % kTransferBytes == 0);
  batch.resize(bytes.size() / kTransferBytes);
  if constexpr (std::endian::native == std::endian::little) {
    if (!bytes.empty()) std::memcpy(batch.data(), bytes.data(), bytes.size());
  } else {
    ByteReader in(bytes);
    for (Transfer& transfer : batch) transfer = DecodeTransfer(in);
  }
}

}  // namespace jangbu::ledger
