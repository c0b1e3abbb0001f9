#pragma once

// Status → grpc::Status. absl and gRPC use the same canonical numbers, so nothing is translated:
// code and message pass as they are, the message as UTF-8 and short enough for a header. The stable
// reason code also stands alone in the trailing metadata `jangbu-reason`.

#include <grpcpp/support/status.h>

#include <string>

#include "base/status.h"

namespace jangbu::services::wire {

inline constexpr char kReasonMetadata[] = "jangbu-reason";
// Trailers have room for 8 KiB, and a byte may take three of them.
inline constexpr size_t kMaxMessageBytes = 2000;

grpc::Status ToGrpc(const Status& status);
// The name of a canonical code, "NOT_FOUND"; "CODE_n" for a number that has none.
std::string NameOfCode(grpc::StatusCode code);

}  // namespace jangbu::services::wire
