#pragma once

// Page tokens: where a listing goes on. Opaque to clients; they carry a position and the query they
// belong to, nothing that authorises, so a forged one shows its forger nothing that the key may not
// see anyway.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace jangbu::services::wire {

// The position after which the next page begins: major, then minor order.
struct PagePosition {
  uint64_t major = 0;
  uint64_t minor = 0;
  bool operator==(const PagePosition&) const = default;
};

// `query` names method and filters; a token is good for the same query only.
std::string MakePageToken(std::string_view query, const PagePosition& position);
// InvalidArgument("bad_page_token") for anything MakePageToken did not make for this query. "" is
// the beginning.
StatusOr<PagePosition> ReadPageToken(std::string_view query, std::string_view token);

// 0 means 100; above 1000, InvalidArgument("bad_page_size").
StatusOr<uint32_t> PageSize(uint32_t requested);

}  // namespace jangbu::services::wire
