#pragma once

// The little JSON the command writes: objects with fields in the order they were added, strings
// escaped so that the result is always valid UTF-8 on one line.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jangbu::services::cli {

// `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
std::string JsonString(std::string_view text);

class JsonObject {
 public:
  JsonObject& Add(std::string_view name, std::string_view text);
  JsonObject& Add(std::string_view name, const char* text) {
    return Add(name, std::string_view(text));
  }
  JsonObject& Add(std::string_view name, int64_t number);
  JsonObject& AddUnsigned(std::string_view name, uint64_t number);
  JsonObject& AddBool(std::string_view name, bool value);
  // `json` is JSON already.
  JsonObject& AddRaw(std::string_view name, std::string_view json);

  std::string Take();

 private:
  void Name(std::string_view name);

  std::string out_ = "{";
};

// "[a,b,c]" of things that are JSON already.
std::string JsonArray(const std::vector<std::string>& items);

}  // namespace jangbu::services::cli
