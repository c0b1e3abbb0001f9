#pragma once

// Amounts as types: Tokens cannot be added to Words, and no sum wraps.
//
// All amounts are 64-bit signed integers. Arithmetic is checked: an overflow is our mistake
// (amounts enter the house bounded by a document's 64 MiB or by a policy) and aborts. Where the
// world could cause one, use TryAdd.

#include <compare>
#include <cstdint>
#include <optional>

#include "base/check.h"

namespace jangbu {

template <typename Tag>
class Amount {
 public:
  constexpr Amount() = default;
  constexpr explicit Amount(int64_t value) : value_(value) {}

  constexpr int64_t value() const { return value_; }

  constexpr auto operator<=>(const Amount&) const = default;

  constexpr std::optional<Amount> TryAdd(Amount other) const {
    int64_t sum = 0;
    if (__builtin_add_overflow(value_, other.value_, &sum)) return std::nullopt;
    return Amount(sum);
  }

  constexpr Amount& operator+=(Amount other) {
    const bool overflow = __builtin_add_overflow(value_, other.value_, &value_);
    JANGBU_CHECK(!overflow);
    return *this;
  }
  constexpr Amount& operator-=(Amount other) {
    const bool overflow = __builtin_sub_overflow(value_, other.value_, &value_);
    JANGBU_CHECK(!overflow);
    return *this;
  }
  friend constexpr Amount operator+(Amount a, Amount b) { return a += b; }
  friend constexpr Amount operator-(Amount a, Amount b) { return a -= b; }

 private:
  int64_t value_ = 0;
};

using Tokens = Amount<struct TokensTag>;        // of the pinned tokenizer
using Words = Amount<struct WordsTag>;          // 어절
using Chars = Amount<struct CharsTag>;          // code points
using Syllables = Amount<struct SyllablesTag>;  // U+AC00–U+D7A3
using ApiTokens = Amount<struct ApiTokensTag>;  // of the operator's model API
using Won = Amount<struct WonTag>;              // KRW

}  // namespace jangbu
