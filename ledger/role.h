#pragma once

// Who a key speaks for, and when two names are one person.

#include <cstdint>
#include <string_view>

namespace jangbu::ledger {

// Stored. What a key may do; the same numbers as on the wire.
enum class Role : uint8_t {
  kPartner = 1,
  kFinance = 2,
  kCompliance = 3,
  kOperator = 4,
  kTrainer = 5,
  kGateway = 6,
};

// True when two names of persons differ in nothing but ASCII case and spaces: nobody becomes two
// persons by a space. O(length).
bool SamePerson(std::string_view a, std::string_view b);

}  // namespace jangbu::ledger
