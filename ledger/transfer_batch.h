#pragma once

// The bytes of many transfers, one after the other, as EncodeTransfer lays each out
// (ledger/transfer.h). Where integers are little-endian a transfer's memory is its encoding, so a
// batch is copied; tests compare both ways.

#include <bit>
#include <span>
#include <string>

#include "base/bytes.h"
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

}  // namespace jangbu::ledger
