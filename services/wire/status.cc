#include "services/wire/status.h"

#include "services/wire/text.h"

namespace jangbu::services::wire {
namespace {

constexpr bool SameNumber(absl::StatusCode ours, grpc::StatusCode theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(SameNumber(absl::StatusCode::kOk, grpc::StatusCode::OK));
static_assert(SameNumber(absl::StatusCode::kCancelled, grpc::StatusCode::CANCELLED));
static_assert(SameNumber(absl::StatusCode::kUnknown, grpc::StatusCode::UNKNOWN));
static_assert(SameNumber(absl::StatusCode::kInvalidArgument, grpc::StatusCode::INVALID_ARGUMENT));
static_assert(SameNumber(absl::StatusCode::kDeadlineExceeded, grpc::StatusCode::DEADLINE_EXCEEDED));
static_assert(SameNumber(absl::StatusCode::kNotFound, grpc::StatusCode::NOT_FOUND));
static_assert(SameNumber(absl::StatusCode::kAlreadyExists, grpc::StatusCode::ALREADY_EXISTS));
static_assert(SameNumber(absl::StatusCode::kPermissionDenied, grpc::StatusCode::PERMISSION_DENIED));
static_assert(SameNumber(absl::StatusCode::kUnauthenticated, grpc::StatusCode::UNAUTHENTICATED));
static_assert(SameNumber(absl::StatusCode::kResourceExhausted,
                         grpc::StatusCode::RESOURCE_EXHAUSTED));
static_assert(SameNumber(absl::StatusCode::kFailedPrecondition,
                         grpc::StatusCode::FAILED_PRECONDITION));
static_assert(SameNumber(absl::StatusCode::kAborted, grpc::StatusCode::ABORTED));
static_assert(SameNumber(absl::StatusCode::kOutOfRange, grpc::StatusCode::OUT_OF_RANGE));
static_assert(SameNumber(absl::StatusCode::kUnimplemented, grpc::StatusCode::UNIMPLEMENTED));
static_assert(SameNumber(absl::StatusCode::kInternal, grpc::StatusCode::INTERNAL));
static_assert(SameNumber(absl::StatusCode::kUnavailable, grpc::StatusCode::UNAVAILABLE));
static_assert(SameNumber(absl::StatusCode::kDataLoss, grpc::StatusCode::DATA_LOSS));

}  // namespace

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      ToUtf8(MessageOf(status), kMaxMessageBytes));
}

std::string NameOfCode(grpc::StatusCode code) {
  const std::string name = absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
  return name.empty() ? "CODE_" + std::to_string(static_cast<int>(code)) : name;
}

}  // namespace jangbu::services::wire
