#pragma once

// Transfers: the fixed 128-byte record of one movement of an amount from a debit account to a
// credit account.
//
//   transfer := id:u128 debit_account:u128 credit_account:u128 amount:u64 reserved:u64 (0)
//   pending_id:u128
//               user_data_128:u128 user_data_64:u64 user_data_32:u32 timeout:u32 asset:u32 code:u16
//               flags:u16 timestamp:i64 ; 128 bytes, little-endian
//
// Modelled on TigerBeetle's transfer (docs/reference/transfer.md). A transfer is never changed and
// never deleted. It is in one step (no flag), or in two: a *pending* transfer holds its amount on
// both accounts, and later another transfer posts it (all or part of it; what is left returns) or
// voids it, or it expires.

#include <cstddef>

#include "ledger/account.h"

namespace jangbu::ledger {

// Bits of Transfer::flags. Stored. At most one of pending, post and void.
struct TransferFlags {
  // This transfer and the next of the batch happen together or not at all. A chain ends with the
  // first that lacks it.
  static constexpr uint16_t kLinked = 1 << 0;
  static constexpr uint16_t kPending = 1 << 1;
  static constexpr uint16_t kPostPending = 1 << 2;
  static constexpr uint16_t kVoidPending = 1 << 3;

  static constexpr uint16_t kAll = kLinked | kPending | kPostPending | kVoidPending;
};

// As the amount of a posting: all that the pending transfer holds.
inline constexpr uint64_t kAmountAll = UINT64_MAX;

struct Transfer {
  TransferId id;
  // Posting and voiding may leave accounts, asset, code and user data zero: they are then those of
  // the pending transfer, and are stored so. The amount of a void is zero or all of what is held.
  AccountId debit_account;
  AccountId credit_account;
  uint64_t amount = 0;
  uint64_t reserved = 0;
  TransferId pending_id;
  UserData128 user_data_128;
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
  uint32_t timeout = 0;  // seconds until a pending transfer expires; zero is never
  AssetId asset = 0;
  uint16_t code = 0;  // why, by the owner's list of reasons; not zero
  uint16_t flags = 0;
  Timestamp timestamp;  // when it was committed; zero when given to the ledger

  friend constexpr bool operator==(const Transfer&, const Transfer&) = default;
  constexpr bool pending() const { return (flags & TransferFlags::kPending) != 0; }
  constexpr bool posts() const { return (flags & TransferFlags::kPostPending) != 0; }
  constexpr bool voids() const { return (flags & TransferFlags::kVoidPending) != 0; }
};

static_assert(std::is_trivially_copyable_v<Transfer> && std::is_standard_layout_v<Transfer>);
static_assert(sizeof(Transfer) == 128);
static_assert(offsetof(Transfer, amount) == 48);
static_assert(offsetof(Transfer, pending_id) == 64);
static_assert(offsetof(Transfer, asset) == 112);
static_assert(offsetof(Transfer, timestamp) == 120);

// The 128 bytes of the grammar above. Decoding is total: what a record may say is for the ledger to
// judge.
inline constexpr size_t kTransferBytes = 128;

inline void EncodeTransfer(const Transfer& transfer, ByteWriter& out) {
  out.U128(transfer.id.value());
  out.U128(transfer.debit_account.value());
  out.U128(transfer.credit_account.value());
  out.U64(transfer.amount);
  out.U64(transfer.reserved);
  out.U128(transfer.pending_id.value());
  out.U128(transfer.user_data_128.value());
  out.U64(transfer.user_data_64);
  out.U32(transfer.user_data_32);
  out.U32(transfer.timeout);
  out.U32(transfer.asset);
  out.U16(transfer.code);
  out.U16(transfer.flags);
  out.I64(transfer.timestamp.micros);
}

inline Transfer DecodeTransfer(ByteReader& in) {
  Transfer transfer;
  transfer.id = TransferId::FromValue(in.U128());
  transfer.debit_account = AccountId::FromValue(in.U128());
  transfer.credit_account = AccountId::FromValue(in.U128());
  transfer.amount = in.U64();
  transfer.reserved = in.U64();
  transfer.pending_id = TransferId::FromValue(in.U128());
  transfer.user_data_128 = UserData128::FromValue(in.U128());
  transfer.user_data_64 = in.U64();
  transfer.user_data_32 = in.U32();
  transfer.timeout = in.U32();
  transfer.asset = in.U32();
  transfer.code = in.U16();
  transfer.flags = in.U16();
  transfer.timestamp = Timestamp{in.I64()};
  return transfer;
}

}  // namespace jangbu::ledger
