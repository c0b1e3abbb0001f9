#include "services/storage/master_key.h"

#include <openssl/crypto.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "services/storage/files.h"

namespace jangbu::services {
namespace {

constexpr size_t kHexDigits = 2 * kKeyBytes;

// Takes the digits by value to wipe them.
StatusOr<SecretKey> ParseKey(std::string text, const std::string& where) {
  std::string_view digits = text;
  if (digits.ends_with('\n')) digits.remove_suffix(1);
  if (digits.ends_with('\r')) digits.remove_suffix(1);
  StatusOr<std::string> bytes = InvalidArgument("size", "");
  if (digits.size() == kHexDigits) bytes = FromHex(digits);
  OPENSSL_cleanse(text.data(), text.size());
  if (!bytes.ok()) {
    return InvalidArgument("master_key_malformed",
                           where + " does not hold 64 hexadecimal digits and nothing else");
  }
  SecretKey key = SecretKey::FromBytes(*bytes);
  OPENSSL_cleanse(bytes->data(), bytes->size());
  return key;
}

}  // namespace

StatusOr<SecretKey> LoadMasterKeyFile(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return NotFound("master_key_missing", "cannot read the master key file " + path);
  }
  if (!S_ISREG(info.st_mode)) {
    return InvalidArgument("master_key_malformed", path + " is not a regular file");
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return PermissionDenied("master_key_exposed",
                            path + " is open to others than its owner: chmod 600 " + path);
  }
  StatusOr<std::string> text = ReadWholeFile(path, kHexDigits + 2);
  if (text.status().code() == absl::StatusCode::kResourceExhausted) text = std::string();
  JANGBU_RETURN_IF_ERROR(text.status());
  return ParseKey(*std::move(text), path);
}

StatusOr<SecretKey> LoadMasterKeyVariable(const char* name) {
  char* const value = std::getenv(name);
  if (value == nullptr) {
    return NotFound("master_key_missing", std::string("the environment has no ") + name);
  }
  std::string text(value);
  OPENSSL_cleanse(value, std::strlen(value));  // /proc/PID/environ shows this memory
  ::unsetenv(name);
  return ParseKey(std::move(text), std::string("the environment variable ") + name);
}

StatusOr<SecretKey> CreateMasterKeyFile(const std::string& path, RandomSource& random) {
  SecretKey key = SecretKey::Random(random);
  StatusOr<NewFile> file = NewFile::Create(path, 0600);
  if (file.status().code() == absl::StatusCode::kAlreadyExists) {
    return AlreadyExists("master_key_exists", path + " exists and is not overwritten");
  }
  JANGBU_RETURN_IF_ERROR(file.status());
  std::string text = ToHex(key.bytes()) + "\n";
  const Status written = file->Append(text);
  OPENSSL_cleanse(text.data(), text.size());
  JANGBU_RETURN_IF_ERROR(written);
  JANGBU_RETURN_IF_ERROR(file->Finish());
  const std::string parent = std::filesystem::path(path).parent_path().string();
  JANGBU_RETURN_IF_ERROR(SyncDirectory(parent.empty() ? "." : parent));
  return key;
}

}  // namespace jangbu::services
