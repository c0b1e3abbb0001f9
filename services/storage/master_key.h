#pragma once

// The master key: the one secret that is kept outside the data directory. 64 hexadecimal digits, in
// a file that only its owner can read, or in an environment variable.

#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "services/storage/envelope.h"

namespace jangbu::services {

inline constexpr char kMasterKeyVariable[] = "JANGBU_MASTER_KEY";

// Reads `path`: 64 hexadecimal digits and at most one line break. NotFound("master_key_missing");
// PermissionDenied("master_key_exposed") when group or others may read or write it;
// InvalidArgument("master_key_malformed"), which never quotes the content.
StatusOr<SecretKey> LoadMasterKeyFile(const std::string& path);

// Reads the environment variable `name` and removes it from this process's environment, so that
// children do not inherit it. Not thread-safe (setenv family): call before threads start.
// NotFound("master_key_missing"), InvalidArgument("master_key_malformed").
StatusOr<SecretKey> LoadMasterKeyVariable(const char* name = kMasterKeyVariable);

// Makes a new key in a new file of mode 0600, durable on return.
// AlreadyExists("master_key_exists").
StatusOr<SecretKey> CreateMasterKeyFile(const std::string& path, RandomSource& random);

}  // namespace jangbu::services
