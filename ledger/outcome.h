#pragma once

// What became of one event given to the ledger: it happened, or one named refusal.
//
// The list is the precedence: of all refusals that fit an event, it gets the one that stands first
// here. A refusal changes nothing, and the id it carried stays free.
//
// Retries are safe. An event whose id is taken is compared field by field with what was stored:
// `exists` when all are equal, so that a retry of a success is told that it is one; else the first
// differing field is named.

#include <cstdint>
#include <string_view>

namespace jangbu::ledger {

// X(enumerator, name). Stored and sent: names are stable, numbers follow the list.
#define JANGBU_LEDGER_OUTCOMES(X)                                                             \
  X(kOk, ok)                                                                                  \
  /* Chains. Another event of the chain was refused; or the batch ended inside the chain. */  \
  X(kLinkedEventFailed, linked_event_failed)                                                  \
  X(kLinkedEventChainOpen, linked_event_chain_open)                                           \
  /* Form. */                                                                                 \
  X(kTimestampMustBeZero, timestamp_must_be_zero)                                             \
  X(kReservedFieldMustBeZero, reserved_field_must_be_zero)                                    \
  X(kReservedFlag, reserved_flag)                                                             \
  X(kIdMustNotBeZero, id_must_not_be_zero)                                                    \
  /* The id is taken. */                                                                      \
  X(kExistsWithDifferentFlags, exists_with_different_flags)                                   \
  X(kExistsWithDifferentPendingId, exists_with_different_pending_id)                          \
  X(kExistsWithDifferentTimeout, exists_with_different_timeout)                               \
  X(kExistsWithDifferentDebitAccount, exists_with_different_debit_account)                    \
  X(kExistsWithDifferentCreditAccount, exists_with_different_credit_account)                  \
  X(kExistsWithDifferentAmount, exists_with_different_amount)                                 \
  X(kExistsWithDifferentUserData128, exists_with_different_user_data_128)                     \
  X(kExistsWithDifferentUserData64, exists_with_different_user_data_64)                       \
  X(kExistsWithDifferentUserData32, exists_with_different_user_data_32)                       \
  X(kExistsWithDifferentAsset, exists_with_different_asset)                                   \
  X(kExistsWithDifferentCode, exists_with_different_code)                                     \
  X(kExists, exists)                                                                          \
  /* The event contradicts itself. */                                                         \
  X(kFlagsAreMutuallyExclusive, flags_are_mutually_exclusive)                                 \
  X(kAccountMustNotStartClosed, account_must_not_start_closed)                                \
  X(kDebitsPendingMustBeZero, debits_pending_must_be_zero)                                    \
  X(kDebitsPostedMustBeZero, debits_posted_must_be_zero)                                      \
  X(kCreditsPendingMustBeZero, credits_pending_must_be_zero)                                  \
  X(kCreditsPostedMustBeZero, credits_posted_must_be_zero)                                    \
  X(kDebitAccountMustNotBeZero, debit_account_must_not_be_zero)                               \
  X(kCreditAccountMustNotBeZero, credit_account_must_not_be_zero)                             \
  X(kAccountsMustBeDifferent, accounts_must_be_different)                                     \
  X(kPendingIdMustBeZero, pending_id_must_be_zero)                                            \
  X(kPendingIdMustNotBeZero, pending_id_must_not_be_zero)                                     \
  X(kPendingIdMustBeDifferent, pending_id_must_be_different)                                  \
  X(kTimeoutReservedForPendingTransfer, timeout_reserved_for_pending_transfer)                \
  X(kAmountMustNotBeZero, amount_must_not_be_zero)                                            \
  X(kAssetMustNotBeZero, asset_must_not_be_zero)                                              \
  X(kCodeMustNotBeZero, code_must_not_be_zero)                                                \
  /* The accounts it names. */                                                                \
  X(kAccountNotFound, account_not_found)                                                      \
  X(kAccountAlreadyClosed, account_already_closed)                                            \
  X(kAccountNotClosed, account_not_closed)                                                    \
  X(kDebitAccountNotFound, debit_account_not_found)                                           \
  X(kCreditAccountNotFound, credit_account_not_found)                                         \
  X(kAccountsMustHaveTheSameAsset, accounts_must_have_the_same_asset)                         \
  X(kTransferMustHaveTheAssetOfItsAccounts, transfer_must_have_the_asset_of_its_accounts)     \
  /* The pending transfer it names. */                                                        \
  X(kPendingTransferNotFound, pending_transfer_not_found)                                     \
  X(kPendingTransferNotPending, pending_transfer_not_pending)                                 \
  X(kPendingTransferHasDifferentDebitAccount, pending_transfer_has_different_debit_account)   \
  X(kPendingTransferHasDifferentCreditAccount, pending_transfer_has_different_credit_account) \
  X(kPendingTransferHasDifferentAsset, pending_transfer_has_different_asset)                  \
  X(kPendingTransferHasDifferentCode, pending_transfer_has_different_code)                    \
  X(kExceedsPendingTransferAmount, exceeds_pending_transfer_amount)                           \
  X(kPendingTransferHasDifferentAmount, pending_transfer_has_different_amount)                \
  X(kPendingTransferAlreadyPosted, pending_transfer_already_posted)                           \
  X(kPendingTransferAlreadyVoided, pending_transfer_already_voided)                           \
  X(kPendingTransferExpired, pending_transfer_expired)                                        \
  /* The state of the books. */                                                               \
  X(kDebitAccountClosed, debit_account_closed)                                                \
  X(kCreditAccountClosed, credit_account_closed)                                              \
  X(kOverflowsDebits, overflows_debits)                                                       \
  X(kOverflowsCredits, overflows_credits)                                                     \
  X(kOverflowsTimeout, overflows_timeout)                                                     \
  X(kExceedsCredits, exceeds_credits)                                                         \
  X(kExceedsDebits, exceeds_debits)

enum class Outcome : uint8_t {
#define JANGBU_OUTCOME_ENUMERATOR(enumerator, name) enumerator,
  JANGBU_LEDGER_OUTCOMES(JANGBU_OUTCOME_ENUMERATOR)
#undef JANGBU_OUTCOME_ENUMERATOR
};

inline constexpr int kOutcomeCount = static_cast<int>(Outcome::kExceedsDebits) + 1;

// The stable name: "exceeds_credits".
std::string_view NameOf(Outcome outcome);

// True when the event is in the books, now or since an earlier try.
constexpr bool Happened(Outcome outcome) {
  return outcome == Outcome::kOk || outcome == Outcome::kExists;
}

}  // namespace jangbu::ledger
