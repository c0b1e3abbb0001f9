#pragma once

// What finance does, as proposals to the journal: policy, keys that take two persons, use of
// entitlements, closes, payments, withdrawal, claims, corrections. What may be is decided by the
// books (ledger/books_finance.cc); here is what needs the world: the clock, randomness, keys to
// destroy, curves.
//
// Thread-safe. `key_id` is the caller's key. Errors are those of Books::Apply for the entry
// proposed, besides those named.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/blob_store.h"
#include "base/clock.h"
#include "base/status.h"
#include "ledger/books.h"
#include "services/flow/keyring.h"
#include "services/flow/scribe.h"

namespace jangbu::services {

// One call of the gateway.
struct UsageCall {
  uint32_t partner = 0;
  ledger::UsageKind kind = ledger::UsageKind::kReserve;
  std::string id;
  std::string reservation;
  uint64_t amount = 0;
  uint32_t timeout_s = 0;
  bool only_free = false;
};

// What is to be withdrawn: a corpus, an upload, or one document of an upload.
struct WithdrawalSubject {
  uint32_t corpus = 0;  // or
  uint32_t upload = 0;
  std::optional<std::pair<uint32_t, uint64_t>> document;  // (file, record), with upload
};

struct WithdrawalView {
  ledger::Withdrawn entry;  // `withdrawal` 0 in a preview
  Timestamp at;
  int64_t settled_documents = 0;
  int64_t settled_korean_tokens = 0;
  int64_t settled_korean_words = 0;
};

class Finance {
 public:
  struct Parts {
    Scribe* scribe = nullptr;
    BlobStore* blobs = nullptr;
    Keyring* keyring = nullptr;
    Clock* clock = nullptr;
    // Called with documents whose keys are about to be destroyed; an error keeps the keys.
    std::function<Status(const std::vector<Owner>&)> before_destroying;
    // Runs something while no batch of the partner is being settled.
    std::function<Status(uint32_t partner, const std::function<Status()>& what)> still;
    // Passes on the claims of what the partner has withdrawn from an entry on (crediting.h).
    std::function<Status(uint32_t partner, uint64_t from)> pass_on;
    // Called when keys of texts were destroyed, before the caller hears of it.
    std::function<void()> texts_erased;
    // A receipt of one entry under a fresh checkpoint.
    std::function<StatusOr<std::string>(uint64_t seq)> receipt_of;
  };
  explicit Finance(Parts parts) : parts_(std::move(parts)) {}

  // ---- policy ----
  // `changes` apply to the newest approved version. The new version's number.
  StatusOr<uint32_t> ProposePolicy(const std::vector<ledger::PolicyField>& changes,
                                   Timestamp effective_from, const std::string& key_id);
  Status DecidePolicy(uint32_t version, bool approve, const std::string& key_id);
  struct Simulation {
    ledger::CloseFigures now;
    ledger::CloseFigures then;
  };
  StatusOr<Simulation> Simulate(ledger::Period period, int64_t revenue_won,
                                const std::vector<ledger::PolicyField>& changes) const;

  // ---- entitlement ----
  // One answer for each call, in order, durable on return. InvalidArgument("bad_use") names the
  // first call that is malformed, and then nothing was done.
  StatusOr<std::vector<ledger::UsageAnswer>> Use(const std::vector<UsageCall>& calls);
  // One USAGE entry of a partner.
  struct UseEntry {
    uint64_t seq = 0;
    Timestamp at;
    ledger::Usage usage;
  };
  // The partner's entries in [from, to), above `after`, in order: as many as hold `records` records
  // or more. O(log entries) and what is read.
  StatusOr<std::vector<UseEntry>> ListUse(uint32_t partner, Timestamp from, Timestamp to,
                                          uint64_t after, size_t records) const;
  // The books' name of an operation. InvalidArgument("bad_use") for an id not of 1 to 64 bytes.
  StatusOr<ledger::UserData128> NameUse(const std::string& partner_id, std::string_view id) const;
  // Ends what has its end now, when there is something.
  Status Tick();

  // ---- closes ----
  Status DraftClose(ledger::Period period, int64_t revenue_won, const std::string& key_id);
  Status DecideClose(ledger::Period period, bool approve, const std::string& key_id);
  Status PostClose(ledger::Period period, const std::string& key_id);
  Status RecordPayment(ledger::Period period, const std::string& partner_id, bool failed,
                       const std::string& reference, const std::string& key_id);
  StatusOr<ledger::CloseRecord> GetClose(ledger::Period period) const;
  // Texts of docs/close-proof.md. NotFound("no_such_close"),
  // FailedPrecondition("close_not_posted").
  StatusOr<std::string> ProveShare(const std::string& partner_id, ledger::Period period);
  StatusOr<std::string> Openings(ledger::Period period);

  // ---- corrections ----
  StatusOr<uint32_t> ProposeCorrection(const std::string& partner_id, int64_t won,
                                       ledger::Period about, const std::string& reason,
                                       const std::string& key_id);
  Status DecideCorrection(uint32_t correction, bool approve, const std::string& key_id);

  // ---- withdrawal ----
  StatusOr<WithdrawalView> PreviewWithdrawal(uint32_t partner, const WithdrawalSubject& subject);
  // Makes the entry, then the text unreadable: keys destroyed, staging deleted. The entry stands
  // even when destroying fails; opening the installation goes on with it, and deletes the texts.
  StatusOr<WithdrawalView> Withdraw(uint32_t partner, const WithdrawalSubject& subject,
                                    const std::string& key_id);
  // Destroys what withdrawals before have left. Idempotent.
  Status DestroyWithdrawn();

  // ---- claims ----
  StatusOr<uint32_t> OpenClaim(uint32_t partner, uint32_t upload, uint32_t file, uint64_t record,
                               const std::string& evidence_sha256, const std::string& key_id);
  Status DecideClaim(const std::string& partner_id, uint32_t claim, bool grant,
                     const std::string& key_id);
  Status SettleClaim(const std::string& partner_id, uint32_t claim, const std::string& key_id);
  // "hanbit/u17#0:42"
  StatusOr<std::string> NameOfDocument(const Owner& document) const;

 private:
  Status ProposeOne(const std::string& partner_id, ledger::Body body);
  StatusOr<Owner> FindDocument(uint32_t partner, uint32_t upload, uint32_t file,
                               uint64_t record) const;
  StatusOr<WithdrawalView> Gather(uint32_t partner, const WithdrawalSubject& subject) const;
  Status Destroy(const std::vector<ledger::DocumentRange>& ranges, bool with_texts);
  ledger::UserData128 OperationMac(const std::string& partner_id, std::string_view id) const;

  const Parts parts_;
};

}  // namespace jangbu::services
