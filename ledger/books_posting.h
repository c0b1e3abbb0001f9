#pragma once

// Shared by books*.cc alone.

#include <string>
#include <string_view>

#include "ledger/books.h"

namespace jangbu::ledger {

struct Books::Posting {
  TransferCode code;
  AccountId debit;
  AccountId credit;
  AssetId asset;
  int64_t amount;
};

inline Status Contradiction(const Entry& e, std::string_view what) {
  return FailedPrecondition("entry_contradicts_books",
                            std::string(NameOf(TypeOf(e.body))) + " at journal position " +
                                std::to_string(e.seq) + ": " + std::string(what));
}

}  // namespace jangbu::ledger
