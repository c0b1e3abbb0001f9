#pragma once

// What an audit keeps on disk, encrypted: the plan (contributed text), the raw record (prompts and
// outputs), each under a key of a file that is destroyed at the end of the retention period.
//
//   secret  = 64 hexadecimal digits LF, mode 0600
//   plan    = "JBAPLAN1" box                 box: services/storage/envelope.h, aad "audit plan"
//   canaries = "JBACANR1" box                aad "audit canaries"
//   record  = "JBAREC01" plan_digest[32] frame*
//   frame   = length:u32 box                 little-endian; aad "audit record" plan_digest
//   number:u64
//
// A frame cut off by a crash is dropped when the record is opened to go on; any other damage is
// DataLoss, which names the file: ("wrong_secret_or_damaged") where nothing opens,
// ("record_damaged") at what byte a frame of a record does not. Frames cannot be moved, left out in
// the middle or taken from another audit.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/extraction/canary.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/status.h"
#include "services/storage/envelope.h"

namespace jangbu::services {

// Reads the key of a file; makes one when there is none and `make` says so.
StatusOr<SecretKey> AuditSecret(const std::string& path, bool make, RandomSource& random);

Status WritePlanFile(const std::string& path, std::string_view plan, const SecretKey& key,
                     RandomSource& random);
StatusOr<std::string> ReadPlanFile(const std::string& path, const SecretKey& key);

// A registry of canaries (audit/extraction/canary.h), encrypted as a plan is. NotFound
// ("file_missing").
Status WriteCanaryFile(const std::string& path, std::span<const audit::Canary> registry,
                       const SecretKey& key, RandomSource& random);
StatusOr<std::vector<audit::Canary>> ReadCanaryFile(const std::string& path, const SecretKey& key);

// An append-only raw record. Not thread-safe.
class AuditRecord {
 public:
  // Opens it to go on, or makes it. FailedPrecondition("other_plan") when it is of another plan,
  // ("record_locked") when another process writes it.
  static StatusOr<AuditRecord> Open(const std::string& path, const Digest& plan, SecretKey key,
                                    RandomSource& random);
  AuditRecord(AuditRecord&& other) noexcept;
  AuditRecord& operator=(AuditRecord&&) = delete;
  ~AuditRecord();

  const std::vector<std::string>& frames() const { return frames_; }
  // Durable on return.
  Status Append(std::string_view frame);

 private:
  AuditRecord(int fd, const Digest& plan, SecretKey key, RandomSource& random)
      : fd_(fd), plan_(plan), key_(std::move(key)), random_(&random) {}
  int fd_;
  Digest plan_;
  SecretKey key_;
  RandomSource* random_;
  std::vector<std::string> frames_;
  uint64_t count_ = 0;
};

// The frames of a record, to be read only. `digest` gets SHA-256 of the file's bytes.
StatusOr<std::vector<std::string>> ReadAuditRecord(const std::string& path, const Digest& plan,
                                                   const SecretKey& key, Digest* digest);

}  // namespace jangbu::services
