#pragma once

// One language of errors: absl::Status and absl::StatusOr wherever the world can fail us.
//
// A message starts with a stable reason code in snake_case and a colon, then says what was wrong,
// where, and what to do: "offset_mismatch: file 3 continues at 1048576, not at 0; resume from
// there". Tests and programs look at the canonical code and the reason code, people at the rest. No
// message holds text of a document.
//
// Debian 12's absl::string_view is not std::string_view; this header is the one bridge between the
// two.

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace jangbu {

using absl::Status;
using absl::StatusOr;

inline Status OkStatus() { return absl::OkStatus(); }

// Makes "reason: message". REQUIRES: code is not OK, reason is snake_case.
inline Status MakeError(absl::StatusCode code, std::string_view reason, std::string_view message) {
  std::string text;
  text.reserve(reason.size() + 2 + message.size());
  text.append(reason).append(": ").append(message);
  return Status(code, text);
}

inline Status InvalidArgument(std::string_view reason, std::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}
inline Status NotFound(std::string_view reason, std::string_view message) {
  return MakeError(absl::StatusCode::kNotFound, reason, message);
}
inline Status AlreadyExists(std::string_view reason, std::string_view message) {
  return MakeError(absl::StatusCode::kAlreadyExists, reason, message);
}
inline Status FailedPrecondition(std::string_view reason, std::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, reason, message);
}
inline Status DataLoss(std::string_view reason, std::string_view message) {
  return MakeError(absl::StatusCode::kDataLoss, reason, message);
}
inline Status Unavailable(std::string_view reason, std::string_view message) {
  return MakeError(absl::StatusCode::kUnavailable, reason, message);
}
inline Status Aborted(std::string_view reason, std::string_view message) {
  return MakeError(absl::StatusCode::kAborted, reason, message);
}
inline Status ResourceExhausted(std::string_view reason, std::string_view message) {
  return MakeError(absl::StatusCode::kResourceExhausted, reason, message);
}
inline Status PermissionDenied(std::string_view reason, std::string_view message) {
  return MakeError(absl::StatusCode::kPermissionDenied, reason, message);
}
inline Status Unauthenticated(std::string_view reason, std::string_view message) {
  return MakeError(absl::StatusCode::kUnauthenticated, reason, message);
}
inline Status OutOfRange(std::string_view reason, std::string_view message) {
  return MakeError(absl::StatusCode::kOutOfRange, reason, message);
}

// The message as a std::string_view; valid while `status` lives.
inline std::string_view MessageOf(const Status& status) {
  return {status.message().data(), status.message().size()};
}

// The stable reason code of a message made by MakeError, or "" when it has none.
inline std::string_view ReasonOf(const Status& status) {
  const std::string_view message = MessageOf(status);
  const size_t colon = message.find(": ");
  if (colon == std::string_view::npos) return {};
  const std::string_view reason = message.substr(0, colon);
  for (const char c : reason) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return {};
  }
  return reason;
}

}  // namespace jangbu

#define JANGBU_CONCAT_INNER(a, b) a##b
#define JANGBU_CONCAT(a, b) JANGBU_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expression` is not OK.
#define JANGBU_RETURN_IF_ERROR(expression)                                      \
  do {                                                                          \
    if (::jangbu::Status _status = (expression); !_status.ok()) return _status; \
  } while (false)

// JANGBU_ASSIGN_OR_RETURN(auto x, F()): x takes the value, or the enclosing function returns the
// error.
#define JANGBU_ASSIGN_OR_RETURN(lhs, expression) \
  JANGBU_ASSIGN_OR_RETURN_IMPL(JANGBU_CONCAT(_result_, __LINE__), lhs, expression)
#define JANGBU_ASSIGN_OR_RETURN_IMPL(result, lhs, expression) \
  auto result = (expression);                                 \
  if (!result.ok()) return result.status();                   \
  lhs = std::move(result).value()
