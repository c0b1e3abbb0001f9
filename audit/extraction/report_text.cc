#include "audit/extraction/report_text.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "ingest/text/utf8.h"

namespace jangbu::audit {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

void AppendCodePoint(uint32_t cp, std::string& out) {
  const bool none = cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF);
  ingest::AppendUtf8(none ? kReplacement : static_cast<char32_t>(cp), out);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Four hexadecimal digits at `at`, or -1.
int32_t FourDigits(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return -1;
  int32_t v = 0;
  for (size_t i = 0; i < 4; ++i) {
    const int digit = HexDigit(text[at + i]);
    if (digit < 0) return -1;
    v = v << 4 | digit;
  }
  return v;
}

// Reads a string from behind its quote; `at` is moved behind the closing one.
std::string JsonText(std::string_view json, size_t& at) {
  std::string out;
  while (at < json.size() && json[at] != '"') {
    if (json[at] != '\\' || at + 1 == json.size()) {
      out += json[at++];
      continue;
    }
    const char c = json[at + 1];
    at += 2;
    if (c != 'u') {
      static constexpr std::string_view kNames = "bfnrt";
      static constexpr std::string_view kMeant = "\b\f\n\r\t";
      const size_t known = kNames.find(c);
      out += known == std::string_view::npos ? c : kMeant[known];
      continue;
    }
    const int32_t high = FourDigits(json, at);
    if (high < 0) continue;
    at += 4;
    auto cp = static_cast<uint32_t>(high);
    if (cp >= 0xD800 && cp < 0xDC00 && json.substr(at, 2) == "\\u") {
      const int32_t low = FourDigits(json, at + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        cp = 0x10000 + ((cp - 0xD800) << 10) + (static_cast<uint32_t>(low) - 0xDC00);
        at += 6;
      }
    }
    AppendCodePoint(cp, out);
  }
  if (at < json.size()) ++at;
  return out;
}

// An entity at `at` (an ampersand): appends what it means and moves on, or the ampersand itself.
void Entity(std::string_view html, size_t& at, std::string& out) {
  static constexpr std::pair<std::string_view, std::string_view> kNamed[] = {
      {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&nbsp;", " "}};
  const std::string_view rest = html.substr(at);
  for (const auto& [name, meant] : kNamed) {
    if (!rest.starts_with(name)) continue;
    out += meant;
    at += name.size();
    return;
  }
  if (rest.starts_with("&#")) {
    const bool hex = rest.size() > 2 && (rest[2] == 'x' || rest[2] == 'X');
    size_t i = hex ? 3 : 2;
    const size_t first = i;
    uint32_t cp = 0;
    for (; i < rest.size() && i < first + 8; ++i) {
      const int digit = HexDigit(rest[i]);
      if (digit < 0 || (!hex && digit > 9)) break;
      cp = cp * (hex ? 16 : 10) + static_cast<uint32_t>(digit);
    }
    if (i > first) {
      AppendCodePoint(cp, out);
      at += i + (i < rest.size() && rest[i] == ';' ? 1 : 0);
      return;
    }
  }
  out += '&';
  ++at;
}

}  // namespace

std::vector<std::string> TextsOfJson(std::string_view json) {
  std::vector<std::string> texts;
  std::string between;
  for (size_t at = 0; at < json.size();) {
    if (json[at] != '"') {
      between += json[at++];
      continue;
    }
    texts.push_back(JsonText(json, ++at));
  }
  texts.push_back(std::move(between));
  return texts;
}

std::vector<std::string> TextsOfHtml(std::string_view html) {
  constexpr std::string_view kOdd = "<span class=\"odd\">";
  constexpr std::string_view kOddLetter = "‹U+";
  constexpr std::string_view kOddEnd = "</span>";
  std::vector<std::string> texts;
  std::vector<std::string> tags;
  std::string text;
  for (size_t at = 0; at < html.size();) {
    const std::string_view rest = html.substr(at);
    if (rest.starts_with(kOdd)) {
      const size_t end = rest.find(kOddEnd, kOdd.size());
      // Exactly what InertHtml writes, and nothing that only looks like it.
      const std::string_view inner =
          end == std::string_view::npos ? "" : rest.substr(kOdd.size(), end - kOdd.size());
      const std::string_view digits =
          inner.starts_with(kOddLetter) && inner.ends_with("›")
              ? inner.substr(kOddLetter.size(), inner.size() - kOddLetter.size() - 3)
              : "";
      uint32_t cp = 0;
      bool read = !digits.empty() && digits.size() <= 6;
      for (const char c : digits) {
        const int digit = HexDigit(c);
        read = read && digit >= 0;
        cp = cp << 4 | static_cast<uint32_t>(digit & 15);
      }
      if (read) {
        AppendCodePoint(cp, text);
        at += end + kOddEnd.size();
        continue;
      }
    }
    if (rest[0] == '<') {
      const size_t end = rest.find('>');
      const std::string_view tag = rest.substr(0, end == std::string_view::npos ? end : end + 1);
      tags.emplace_back(tag);
      at += tag.size();
      if (tag == "<br>") {
        text += '\n';
      } else if (tag != "<mark>" && tag != "</mark>" && !text.empty()) {
        texts.push_back(std::exchange(text, {}));
      }
    } else if (rest[0] == '&') {
      Entity(html, at, text);
    } else {
      text += html[at++];
    }
  }
  if (!text.empty()) texts.push_back(std::move(text));
  // Attributes may be written with entities, too.
  for (const std::string& tag : tags) {
    std::string plain;
    for (size_t at = 0; at < tag.size();) {
      if (tag[at] == '&') {
        Entity(tag, at, plain);
      } else {
        plain += tag[at++];
      }
    }
    texts.push_back(std::move(plain));
  }
  return texts;
}

}  // namespace jangbu::audit
