#pragma once

// What one document adds to the sums of its upload, its partner and its source type.

#include "ledger/entry.h"

namespace jangbu::ledger {

// Pure.
Counts CountsOf(const Item& item);

}  // namespace jangbu::ledger
