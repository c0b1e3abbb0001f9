#pragma once

// JSON written by the audit: fields in the order they were added, numbers spelled one way, so that
// equal results are equal bytes. Reading is simdjson's.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jangbu::audit {

// `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD, and everything
// outside printable ASCII that could end a script element or a line (<, >, &, U+2028, U+2029,
// controls) is escaped.
std::string JsonQuote(std::string_view text);

// A number with at most six significant digits, the shortest that says so; "null" when it is not
// finite. Six digits are what a re-computation on another processor reproduces.
std::string JsonNumber(double value);
// The value that JsonNumber spells.
double Rounded(double value);

class JsonWriter {
 public:
  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Key(std::string_view key);
  JsonWriter& Text(std::string_view text);
  JsonWriter& Number(double value);
  JsonWriter& Integer(int64_t value);
  JsonWriter& Unsigned(uint64_t value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  JsonWriter& Raw(std::string_view json);

  JsonWriter& Field(std::string_view key, std::string_view text) { return Key(key).Text(text); }
  JsonWriter& Field(std::string_view key, const char* text) {
    return Key(key).Text(std::string_view(text));
  }
  JsonWriter& Field(std::string_view key, const std::string& text) {
    return Key(key).Text(std::string_view(text));
  }
  JsonWriter& Field(std::string_view key, double value) { return Key(key).Number(value); }
  JsonWriter& Field(std::string_view key, bool value) { return Key(key).Bool(value); }
  JsonWriter& Count(std::string_view key, uint64_t value) { return Key(key).Unsigned(value); }

  std::string Take() { return std::move(out_); }

 private:
  void Separate();
  std::string out_;
  std::vector<bool> first_;  // per open object or array
  bool after_key_ = false;
};

}  // namespace jangbu::audit
