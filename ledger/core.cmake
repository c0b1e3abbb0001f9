# The double-entry state machine and the pure arithmetic of money beside it.
jangbu_library(ledger_core
  SRCS ledger.cc outcome.cc rational.cc revenue_split.cc entitlement.cc
  DEPS jangbu::base absl::flat_hash_map absl::btree absl::hash)
