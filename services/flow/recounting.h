#pragma once

// Re-counting: what every document that is decided and in force would be credited for under another
// tokenizer or another novelty rule, as a shadow run that changes nothing.
//
//     RECOUNT_BEGUN ─► each decided batch judged again: RECOUNT_ITEMS, where something differs
//                   ─► RECOUNT_REPORTED: the difference of every partner
//                   ─► RECOUNT_DECIDED by another person: nothing, or the new credit, which enters
//                      the next lots as an adjustment of its date
//
// What is approved is what was reported: when credit moved in between (a run, a withdrawal, a
// claim), approving is refused. Commits, decisions, lots, receipts and statements of before stay
// what they were.

#include <mutex>
#include <optional>
#include <string>

#include "base/blob_store.h"
#include "base/status.h"
#include "ledger/books.h"
#include "services/flow/scribe.h"

namespace jangbu::services {

class Crediting;
class Confirmation;

// Thread-safe; one shadow run at a time, and no confirmation run meanwhile.
class Recounting {
 public:
  // Borrows all.
  Recounting(Scribe& scribe, BlobStore& blobs, Crediting& crediting, Confirmation& confirmation)
      : scribe_(scribe), blobs_(blobs), crediting_(crediting), confirmation_(confirmation) {}

  // Runs to the report; about as long as a confirmation run over everything. `tokenizer`: the bytes
  // of a tokenizer's file, or "". The re-count's number. Errors besides those of the books:
  //   InvalidArgument("nothing_to_recount")     nothing would be otherwise
  //   FailedPrecondition("confirmation_first")  text was withdrawn and its heirs are not known yet
  //   FailedPrecondition("recount_stale")       credit moved meanwhile; the re-count was refused
  // A shadow run that a crash cut short stays open without a report: refuse it.
  StatusOr<uint32_t> Begin(const std::optional<ledger::NoveltyRule>& rule,
                           const std::string& tokenizer, const std::string& key_id);
  Status Decide(uint32_t recount, bool approve, const std::string& key_id);

 private:
  Status Run(uint32_t recount);
  Status ProposeOne(ledger::Body body);

  Scribe& scribe_;
  BlobStore& blobs_;
  Crediting& crediting_;
  Confirmation& confirmation_;
};

}  // namespace jangbu::services
