#pragma once

// Why a file or a record was not taken: stable codes, each with what to tell the partner.
//
// Codes are part of the wire and of stored verdicts: they may be added, never renamed or reused.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jangbu::ingest {

enum class Reason : uint8_t {
  // The whole file (record 0).
  kUnsupportedFormat,
  kUnknownEncoding,
  kBadCompression,
  kCompressionLimit,
  kNestedCompression,
  // One record.
  kNoText,
  kRecordTooLarge,
  kInvalidUtf8,
  kBadEncoding,
  kInvalidJson,
  kTooDeep,
  kTooManyMembers,
  kNotAnObject,
  kDuplicateKey,
  kTextNotString,
  kLoneSurrogate,
  kBadId,
  // One file, or one member of a container.
  kBadContainer,
  kContainerLimit,
  kUnsafeName,
  kPasswordProtected,
  kDistributionDocument,
  kDrmProtected,
  kOldHwp,
  kOldOffice,
  kForeignArchive,
  kNoTextLayer,
  kNoTextColumn,
  kNoTextPath,
  kUnsafeMarkup,
  kDamagedDocument,
  kUnsupportedFeature,
  kExtractionFailed,
  kExtractionLimit,
  kMojibake,
};

struct ReasonInfo {
  Reason reason;
  std::string_view code;  // snake_case
  std::string_view english;
  std::string_view english_advice;
  std::string_view korean;
  std::string_view korean_advice;
};

// In the order of the enumeration.
std::span<const ReasonInfo> AllReasons();
const ReasonInfo& InfoOf(Reason reason);
inline std::string_view CodeOf(Reason reason) { return InfoOf(reason).code; }
// The reason with this code, or nothing.
std::optional<Reason> ReasonOfCode(std::string_view code);

// A refusal of one file (record 0) or one record.
struct Rejection {
  Reason reason = Reason::kNoText;
  // Where and what kind: offsets, sizes, formats. Never text of a document, never a file's name.
  std::string detail;

  friend bool operator==(const Rejection&, const Rejection&) = default;
};

}  // namespace jangbu::ingest
