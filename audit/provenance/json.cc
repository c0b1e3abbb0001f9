#include "audit/provenance/json.h"

#include <array>
#include <charconv>
#include <cmath>

namespace jangbu::audit {
namespace {

// Length of the well-formed UTF-8 sequence at `p`, or 0.
size_t SequenceAt(const unsigned char* p, size_t left) {
  const auto cont = [&](size_t i) { return i < left && (p[i] & 0xC0) == 0x80; };
  if (p[0] < 0x80) return 1;
  if (p[0] >= 0xC2 && p[0] < 0xE0) return cont(1) ? 2 : 0;
  if (p[0] >= 0xE0 && p[0] < 0xF0) {
    if (!cont(1) || !cont(2)) return 0;
    if (p[0] == 0xE0 && p[1] < 0xA0) return 0;
    if (p[0] == 0xED && p[1] >= 0xA0) return 0;
    return 3;
  }
  if (p[0] >= 0xF0 && p[0] < 0xF5) {
    if (!cont(1) || !cont(2) || !cont(3)) return 0;
    if (p[0] == 0xF0 && p[1] < 0x90) return 0;
    if (p[0] == 0xF4 && p[1] >= 0x90) return 0;
    return 4;
  }
  return 0;
}

void Escape(unsigned code, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHex[(code >> shift) & 15]);
}

}  // namespace

std::string JsonQuote(std::string_view text) {
  std::string out = "\"";
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  for (size_t i = 0; i < text.size();) {
    const size_t length = SequenceAt(p + i, text.size() - i);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++i;
      continue;
    }
    const unsigned char c = p[i];
    if (length == 1) {
      if (c == '"' || c == '\\') {
        out.push_back('\\');
        out.push_back(static_cast<char>(c));
      } else if (c == '\n') {
        out += "\\n";
      } else if (c < 0x20 || c == 0x7F || c == '<' || c == '>' || c == '&') {
        Escape(c, out);
      } else {
        out.push_back(static_cast<char>(c));
      }
    } else if (length == 3 && c == 0xE2 && p[i + 1] == 0x80 && (p[i + 2] | 1) == 0xA9) {
      Escape(p[i + 2] == 0xA8 ? 0x2028 : 0x2029, out);
    } else {
      out.append(text.substr(i, length));
    }
    i += length;
  }
  out.push_back('"');
  return out;
}

std::string JsonNumber(double value) {
  if (!std::isfinite(value)) return "null";
  if (value == 0) return "0";
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::general, 6)
                       .ptr;
  return {buffer.data(), end};
}

double Rounded(double value) {
  const std::string text = JsonNumber(value);
  double result = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), result).ec != std::errc()) {
    return value;
  }
  return result;
}

void JsonWriter::Separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (first_.empty()) return;
  if (!first_.back()) out_.push_back(',');
  first_.back() = false;
}
JsonWriter& JsonWriter::BeginObject() {
  Separate();
  out_.push_back('{');
  first_.push_back(true);
  return *this;
}
JsonWriter& JsonWriter::EndObject() {
  first_.pop_back();
  out_.push_back('}');
  return *this;
}
JsonWriter& JsonWriter::BeginArray() {
  Separate();
  out_.push_back('[');
  first_.push_back(true);
  return *this;
}
JsonWriter& JsonWriter::EndArray() {
  first_.pop_back();
  out_.push_back(']');
  return *this;
}
JsonWriter& JsonWriter::Key(std::string_view key) {
  Separate();
  out_ += JsonQuote(key);
  out_.push_back(':');
  after_key_ = true;
  return *this;
}
JsonWriter& JsonWriter::Text(std::string_view text) { return Raw(JsonQuote(text)); }
JsonWriter& JsonWriter::Number(double value) { return Raw(JsonNumber(value)); }
JsonWriter& JsonWriter::Integer(int64_t value) { return Raw(std::to_string(value)); }
JsonWriter& JsonWriter::Unsigned(uint64_t value) { return Raw(std::to_string(value)); }
JsonWriter& JsonWriter::Bool(bool value) { return Raw(value ? "true" : "false"); }
JsonWriter& JsonWriter::Null() { return Raw("null"); }
JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  out_ += json;
  return *this;
}

}  // namespace jangbu::audit
