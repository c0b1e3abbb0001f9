#pragma once

// The books root: a digest of accepted facts, ordered by partner, upload, file and record, without
// times, epochs, tokens and salts. Same inputs, same policy → same root, on any machine, any number
// of threads, and whatever crashed on the way (invariant 6).
//
//   root = SHA-256 of, in this order, each as a record of docs/formats.md:
//     tokenizer, Unicode version, policy
//     for each partner by id: its id; for each corpus: number, source type;
//       for each upload: number, corpus, state, for each document by (file, record): verdict,
//       reason, counts, novel
//         counts, duplicate_of as (upload, file, record), and when decided: item counts and held_by
//         as (partner, upload, file, record)
//       confirmed, provisional and entitlement balances, carries

#include <functional>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "ledger/books.h"
#include "ledger/entry.h"

namespace jangbu::ledger {

// `entry_at` reads an entry of the journal that `books` was folded from. Reads every commit and
// decision once, and again those that duplicates point to (a small cache is kept).
StatusOr<Digest> BooksRoot(const Books& books,
                           const std::function<StatusOr<Entry>(uint64_t seq)>& entry_at);

}  // namespace jangbu::ledger
