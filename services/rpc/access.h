#pragma once

// Who may call what: one table, one function.
//
// A method without a row does not exist for anybody (and a test fails when the descriptors have
// one). The row says which roles may call, and whose data the request concerns; the front door
// (front_door.h) derives the partner from it: a key of role partner speaks for its own partner
// only, and whatever it names of another answers as if it did not exist.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/status.h"
#include "services/flow/jangbu.h"

namespace jangbu::services::rpc {

// What of a partner's a request names.
enum class Subject : uint8_t {
  kNone,            // nothing of a partner
  kPartner,         // partner_id; a key of role partner may leave it out
  kPartnerOrAll,    // partner_id, or all that the key may see
  kCorpus,          // corpus_id
  kUpload,          // upload_id
  kLot,             // lot_id
  kCorpusOfStream,  // corpus_id in the first message of a stream
  kUploadOfStream,  // upload_id in the first message of a stream
};

// A set of roles. Empty by default.
class Roles {
 public:
  constexpr Roles(std::initializer_list<ledger::Role> roles) {
    for (const ledger::Role role : roles) bits_ |= 1u << static_cast<unsigned>(role);
  }
  constexpr bool Has(ledger::Role role) const {
    return (bits_ >> static_cast<unsigned>(role) & 1u) != 0;
  }

 private:
  uint32_t bits_ = 0;
};

struct MethodAccess {
  std::string_view method;  // "jangbu.v1.LedgerService/GetBalance"
  Roles roles;
  Subject subject;
};

// One row a method, ascending by name.
std::span<const MethodAccess> AccessTable();

// The row of a method, or nullptr.
const MethodAccess* FindAccess(std::string_view method);

// OK when a key of `role` may call; PermissionDenied("role_not_allowed") otherwise, naming the role
// and nothing of what was asked for.
Status Authorise(const MethodAccess& access, ledger::Role role);

}  // namespace jangbu::services::rpc
