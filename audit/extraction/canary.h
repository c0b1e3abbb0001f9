#pragma once

// Canaries: made-up sentences with a secret number, placed in a partner's uploads, so that a
// model's memory of them can be measured (Carlini et al., "The Secret Sharer", 2019).
//
//   registry = "JBCANR01" n:varint n×canary
//   canary   = id:string partner:string head:string number:u64 space:u64 tail:string issued:string
//              withdrawn:string
//
// A registry names owners and secrets: it is kept encrypted, and a partner is given its own alone.
// All functions are pure and thread-safe.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::audit {

struct Canary {
  std::string id;  // "hanbit-3"; unique in a registry
  std::string partner;
  std::string head;     // canonical text before the number, ends in no space
  uint64_t number = 0;  // below `space`, drawn uniformly; written with as many digits as space − 1
  uint64_t space = 0;   // how many numbers it could have been; 2 … 10^12
  std::string tail;     // what follows the number at once
  std::string issued_at;     // "2026-11-26T02:00:00Z", as told
  std::string withdrawn_at;  // "": not withdrawn
  bool operator==(const Canary&) const = default;
};
inline constexpr uint64_t kCanarySpaceMax = 1'000'000'000'000;
inline constexpr size_t kCanariesMax = 100'000;

// The sentence as it would stand with this number, and the part from the number on.
std::string CanarySentence(const Canary& canary, uint64_t number);
std::string CanaryEnding(const Canary& canary, uint64_t number);
inline std::string CanarySentence(const Canary& c) { return CanarySentence(c, c.number); }

// Adds `count` new canaries of `partner` to a registry; the first of them. `secret` is fresh
// randomness of 32 bytes: who knows it knows the numbers.
// InvalidArgument: ("bad_canary_space"), ("too_many_canaries").
StatusOr<size_t> IssueCanaries(std::vector<Canary>& registry, const std::string& partner,
                               uint32_t count, uint64_t space, std::string_view issued_at,
                               std::string_view secret);

// `texts` of the partner with the canaries in them: each as a paragraph of its own in `copies`
// different documents, after a paragraph, all chosen from `seed`. FailedPrecondition
// ("too_few_documents") when there are fewer than `copies`.
Status PlaceCanaries(std::span<const Canary> canaries, uint32_t copies, std::string_view seed,
                     std::vector<std::string>& texts);

// At most `count` numbers below the canary's space and other than its own, distinct, uniformly from
// the seed; all of them where there are no more.
std::vector<uint64_t> CanaryReferences(const Canary& canary, uint32_t count, std::string_view seed);

// log2 of how many numbers there are, less log2 of the rank, from 1. REQUIRES: 1 ≤ rank ≤ space.
double Exposure(uint64_t rank, uint64_t space);

// One encoding a registry; Decode refuses any other bytes. DataLoss("canaries_malformed").
std::string EncodeCanaries(std::span<const Canary> registry);
StatusOr<std::vector<Canary>> DecodeCanaries(std::string_view bytes);

}  // namespace jangbu::audit
