#include "services/jangbud/default_tokenizer.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace jangbu::services::jangbud {

std::string DefaultTokenizerFile() {
  if (const char* named = std::getenv(kTokenizerVariable); named != nullptr && *named != '\0') {
    return named;
  }
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path places[] = {
      program.parent_path().parent_path() / "share" / "jangbu" / "tokenizer",
      std::filesystem::path(JANGBU_TOKENIZER_DIR),
  };
  for (const std::filesystem::path& place : places) {
    const std::filesystem::path file = place / kDefaultTokenizerName;
    if (std::filesystem::is_regular_file(file, error)) return file.string();
  }
  return "";
}

}  // namespace jangbu::services::jangbud
