#include "services/cli/console.h"

#include <algorithm>
#include <array>
#include <utility>

#include "services/cli/connection.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"

namespace jangbu::services::cli {
namespace {

constexpr std::array<std::string_view, 17> kCodeNames = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};

// Reason codes whose words say more than their status code does.
constexpr std::pair<std::string_view, Msg> kReasons[] = {
    {"path_not_found", Msg::kErrorPathNotFound},
    {"path_unreadable", Msg::kErrorPathUnreadable},
    {"name_collision", Msg::kErrorNameCollision},
    {"file_unreadable", Msg::kErrorFileUnreadable},
    {"file_changed", Msg::kErrorFileChanged},
    {"key_file_unreadable", Msg::kErrorKeyFile},
    {"malformed_key", Msg::kErrorBadKey},
    {"bad_server", Msg::kErrorBadServer},
    {"bad_config", Msg::kErrorBadConfig},
    {"bad_time", Msg::kErrorBadTime},
    {"bad_duration", Msg::kErrorBadDuration},
    {"bad_certificate_option", Msg::kErrorCertificateOption},
    {"certificate_unreadable", Msg::kErrorCertificateUnreadable},
    {"stalled", Msg::kErrorStalled},
    {"upload_cancelled", Msg::kErrorUploadCancelled},
    {"unknown_key", Msg::kErrorUnknownLogKey},
    {"bad_signature", Msg::kErrorBadSignature},
    {"root_mismatch", Msg::kErrorRootMismatch},
    {"bad_vkey", Msg::kErrorBadVkey},
    {"no_vkey", Msg::kErrorNoVkey},
    {"log_key_changed", Msg::kErrorLogKeyChanged},
    {"old_root_mismatch", Msg::kErrorLogForked},
    {"new_root_mismatch", Msg::kErrorLogForked},
    {"sizes_out_of_order", Msg::kErrorLogForked},
    {"not_utf8", Msg::kErrorNotUtf8},
    {"report_differs", Msg::kErrorDoesNotHold},
    {"dossier_changed", Msg::kErrorDoesNotHold},
    {"dossier_differs", Msg::kErrorDoesNotHold},
    {"lineage_differs", Msg::kErrorDoesNotHold},
    {"receipt_of_other_dossier", Msg::kErrorDoesNotHold},
};

Msg WordsOfCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return Msg::kErrorInvalidArgument;
    case absl::StatusCode::kDeadlineExceeded:
      return Msg::kErrorDeadline;
    case absl::StatusCode::kNotFound:
      return Msg::kErrorNotFound;
    case absl::StatusCode::kAlreadyExists:
      return Msg::kErrorAlreadyExists;
    case absl::StatusCode::kPermissionDenied:
      return Msg::kErrorPermission;
    case absl::StatusCode::kUnauthenticated:
      return Msg::kErrorUnauthenticated;
    case absl::StatusCode::kResourceExhausted:
      return Msg::kErrorBusy;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
      return Msg::kErrorPrecondition;
    case absl::StatusCode::kUnavailable:
      return Msg::kErrorUnavailable;
    case absl::StatusCode::kDataLoss:
      return Msg::kErrorDataLoss;
    case absl::StatusCode::kUnimplemented:
      return Msg::kErrorUnimplemented;
    default:
      return Msg::kErrorInternal;
  }
}

}  // namespace

std::string DescribeError(Lang lang, const Status& status) {
  const std::string_view reason = ReasonOf(status);
  Msg words = WordsOfCode(status.code());
  for (const auto& [name, message] : kReasons) {
    if (name == reason) words = message;
  }
  return Say(lang, words, {ForTerminal(MessageOf(status))});
}

void Console::Note(Msg message, std::initializer_list<std::string_view> args) const {
  if (!quiet) err << Say(lang, message, args) << '\n' << std::flush;
}

void Console::Warn(Msg message, std::initializer_list<std::string_view> args) const {
  const std::string words = Say(lang, message, args);
  if (json) {
    err << JsonObject().Add("warning", words).Take() << '\n' << std::flush;
  } else {
    err << Say(lang, Msg::kWarningPrefix) << words << '\n' << std::flush;
  }
}

ExitCode Console::Fail(const Status& status) const {
  if (json) {
    const auto code = static_cast<size_t>(status.code());
    JsonObject error;
    error.Add("code", code < kCodeNames.size() ? kCodeNames[code] : "UNKNOWN");
    error.Add("reason", ReasonOf(status));
    error.Add("message", MessageOf(status));
    err << JsonObject().AddRaw("error", error.Take()).Take() << '\n' << std::flush;
  } else {
    err << "jangbu: " << DescribeError(lang, status) << '\n' << std::flush;
  }
  return ExitCodeOf(status);
}

Session::Session(Console& console, Settings settings, std::chrono::milliseconds timeout)
    : console_(console), settings_(std::move(settings)), timeout_(timeout) {}
Session::~Session() = default;

StatusOr<Connection*> Session::Connect() {
  if (connection_ == nullptr) {
    if (settings_.key.empty()) console_.Warn(Msg::kNoKey);
    if (settings_.key_exposed) console_.Warn(Msg::kKeyExposed, {settings_.key_source});
    if (!settings_.key.empty() && !settings_.tls && !IsLoopback(settings_.server)) {
      console_.Warn(Msg::kKeyInClear, {settings_.server});
    }
    JANGBU_ASSIGN_OR_RETURN(connection_, Connection::Open(settings_, timeout_));
  }
  return connection_.get();
}

}  // namespace jangbu::services::cli
