#pragma once

// Accounts: the fixed 128-byte record of one account, its balances, and the 128-bit ids of the
// ledger.
//
//   account := id:u128 debits_pending:u64 debits_posted:u64 credits_pending:u64 credits_posted:u64
//              user_data_128:u128 user_data_64:u64 user_data_32:u32 asset:u32 code:u16 flags:u16
//              reserved:u32 (0) timestamp:i64 reserved:u64[4] (0)                          ; 128
//              bytes, little-endian
//
// Modelled on TigerBeetle's account (docs/reference/account.md); `asset` is what it calls `ledger`.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"

namespace jangbu::ledger {

// A 128-bit name. Zero names nothing. Ids of different things do not mix.
template <typename Tag>
struct Id128 {
  uint64_t low = 0;
  uint64_t high = 0;

  constexpr Id128() = default;
  constexpr explicit Id128(uint64_t low_half) : low(low_half) {}
  constexpr Id128(uint64_t high_half, uint64_t low_half) : low(low_half), high(high_half) {}
  static constexpr Id128 FromValue(uint128 value) {
    return Id128(static_cast<uint64_t>(value >> 64), static_cast<uint64_t>(value));
  }
  // The first 16 bytes of a digest, for ids that follow from what they name.
  static Id128 FromDigest(const Digest& digest) {
    ByteReader in(AsView(digest));
    const uint64_t low_half = in.U64();
    return Id128(in.U64(), low_half);
  }

  constexpr bool is_zero() const { return low == 0 && high == 0; }
  constexpr uint128 value() const { return static_cast<uint128>(high) << 64 | low; }

  friend constexpr bool operator==(const Id128&, const Id128&) = default;
  friend constexpr std::strong_ordering operator<=>(const Id128& a, const Id128& b) {
    return a.value() <=> b.value();
  }
  template <typename H>
  friend H AbslHashValue(H hash, const Id128& id) {
    return H::combine(std::move(hash), id.low, id.high);
  }
};

using AccountId = Id128<struct AccountTag>;
using TransferId = Id128<struct TransferTag>;
using UserData128 = Id128<struct UserDataTag>;

// What is counted: words, tokens, won… Numbers are given out by whoever owns the ledger; zero names
// nothing. Amounts of different assets never meet in one transfer.
using AssetId = uint32_t;

// An amount is an unsigned whole number of the asset's smallest unit. Debits of an account (posted
// and pending) and its credits stay at or below this, so that the difference of the two always fits
// a signed 64-bit amount (base/units.h).
inline constexpr uint64_t kAmountMax = INT64_MAX;

// Bits of Account::flags. Stored.
struct AccountFlags {
  // This account and the next of the batch are created together or not at all.
  static constexpr uint16_t kLinked = 1 << 0;
  // Refuses what would make debits_pending + debits_posted > credits_posted: an account that people
  // draw from and that never goes below zero. Holds count. At most one of the two limits.
  static constexpr uint16_t kDebitsMustNotExceedCredits = 1 << 1;
  // Refuses what would make credits_pending + credits_posted > debits_posted.
  static constexpr uint16_t kCreditsMustNotExceedDebits = 1 << 2;
  // Takes no new transfers; holds on it may still be voided or expire. Set by Ledger::CloseAccounts
  // only.
  static constexpr uint16_t kClosed = 1 << 5;

  static constexpr uint16_t kAll =
      kLinked | kDebitsMustNotExceedCredits | kCreditsMustNotExceedDebits | kClosed;
};

struct Balances {
  uint64_t debits_pending = 0;
  uint64_t debits_posted = 0;
  uint64_t credits_pending = 0;
  uint64_t credits_posted = 0;

  friend constexpr bool operator==(const Balances&, const Balances&) = default;
  // Posted credits less posted debits: what a partner or a liability account holds.
  constexpr int64_t net() const {
    return static_cast<int64_t>(credits_posted) - static_cast<int64_t>(debits_posted);
  }
  // What may still be drawn: net() less what is held.
  constexpr int64_t available() const { return net() - static_cast<int64_t>(debits_pending); }
};

struct Account {
  AccountId id;
  Balances balances;  // zero when given to the ledger
  UserData128 user_data_128;
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
  AssetId asset = 0;
  uint16_t code = 0;  // what kind of account, by the owner's chart of accounts; not zero
  uint16_t flags = 0;
  uint32_t reserved = 0;
  Timestamp timestamp;  // when it was created; zero when given to the ledger
  std::array<uint64_t, 4> reserved_tail{};

  friend constexpr bool operator==(const Account&, const Account&) = default;
  constexpr bool closed() const { return (flags & AccountFlags::kClosed) != 0; }
};

static_assert(std::is_trivially_copyable_v<Account> && std::is_standard_layout_v<Account>);
static_assert(sizeof(Account) == 128);
static_assert(offsetof(Account, user_data_128) == 48);
static_assert(offsetof(Account, asset) == 76);
static_assert(offsetof(Account, timestamp) == 88);

// The 128 bytes of the grammar above. Decoding is total: what a record may say is for the ledger to
// judge.
inline constexpr size_t kAccountBytes = 128;

inline void EncodeAccount(const Account& account, ByteWriter& out) {
  out.U128(account.id.value());
  out.U64(account.balances.debits_pending);
  out.U64(account.balances.debits_posted);
  out.U64(account.balances.credits_pending);
  out.U64(account.balances.credits_posted);
  out.U128(account.user_data_128.value());
  out.U64(account.user_data_64);
  out.U32(account.user_data_32);
  out.U32(account.asset);
  out.U16(account.code);
  out.U16(account.flags);
  out.U32(account.reserved);
  out.I64(account.timestamp.micros);
  for (const uint64_t word : account.reserved_tail) out.U64(word);
}

inline Account DecodeAccount(ByteReader& in) {
  Account account;
  account.id = AccountId::FromValue(in.U128());
  account.balances.debits_pending = in.U64();
  account.balances.debits_posted = in.U64();
  account.balances.credits_pending = in.U64();
  account.balances.credits_posted = in.U64();
  account.user_data_128 = UserData128::FromValue(in.U128());
  account.user_data_64 = in.U64();
  account.user_data_32 = in.U32();
  account.asset = in.U32();
  account.code = in.U16();
  account.flags = in.U16();
  account.reserved = in.U32();
  account.timestamp = Timestamp{in.I64()};
  for (uint64_t& word : account.reserved_tail) word = in.U64();
  return account;
}

}  // namespace jangbu::ledger
