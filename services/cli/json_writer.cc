#include "services/cli/json_writer.h"

#include <unicode/utf8.h>

namespace jangbu::services::cli {

std::string JsonString(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size() + 2);
  out.push_back('"');
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto length = static_cast<int64_t>(text.size());
  int64_t i = 0;
  while (i < length) {
    const uint8_t c = bytes[i];
    if (c < 0x80) {
      ++i;
      if (c == '"' || c == '\\') {
        out.push_back('\\');
        out.push_back(static_cast<char>(c));
      } else if (c == '\n') {
        out.append("\\n");
      } else if (c == '\t') {
        out.append("\\t");
      } else if (c == '\r') {
        out.append("\\r");
      } else if (c < 0x20 || c == 0x7F) {
        out.append("\\u00").append(1, kHex[c >> 4]).append(1, kHex[c & 15]);
      } else {
        out.push_back(static_cast<char>(c));
      }
      continue;
    }
    const int64_t start = i;
    UChar32 code = 0;
    U8_NEXT(bytes, i, length, code);
    if (code < 0) {
      out.append("\xEF\xBF\xBD");
    } else if (code == 0x2028 || code == 0x2029) {
      out.append(code == 0x2028 ? "\\u2028" : "\\u2029");
    } else {
      out.append(text.substr(static_cast<size_t>(start), static_cast<size_t>(i - start)));
    }
  }
  out.push_back('"');
  return out;
}

void JsonObject::Name(std::string_view name) {
  if (out_.size() > 1) out_.push_back(',');
  out_.append(JsonString(name)).push_back(':');
}

JsonObject& JsonObject::Add(std::string_view name, std::string_view text) {
  return AddRaw(name, JsonString(text));
}
JsonObject& JsonObject::Add(std::string_view name, int64_t number) {
  return AddRaw(name, std::to_string(number));
}
JsonObject& JsonObject::AddUnsigned(std::string_view name, uint64_t number) {
  return AddRaw(name, std::to_string(number));
}
JsonObject& JsonObject::AddBool(std::string_view name, bool value) {
  return AddRaw(name, value ? "true" : "false");
}
JsonObject& JsonObject::AddRaw(std::string_view name, std::string_view json) {
  Name(name);
  out_.append(json);
  return *this;
}

std::string JsonObject::Take() {
  out_.push_back('}');
  return std::move(out_);
}

std::string JsonArray(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) {
    if (out.size() > 1) out.push_back(',');
    out.append(item);
  }
  out.push_back(']');
  return out;
}

}  // namespace jangbu::services::cli
