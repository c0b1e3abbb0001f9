#include "ingest/extract/tar_archive.h"

#include <algorithm>

#include "ingest/extract/zip_archive.h"

namespace jangbu::ingest {
namespace {

constexpr size_t kBlock = 512;

// Octal digits, or base 256 when the first bit is set.
std::optional<uint64_t> Number(std::string_view field) {
  uint64_t value = 0;
  if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80) != 0) {
    if ((static_cast<unsigned char>(field[0]) & 0x7F) != 0) return std::nullopt;
    for (const char c : field.substr(1)) {
      if (value >> 54 != 0) return std::nullopt;
      value = value << 8 | static_cast<unsigned char>(c);
    }
    return value;
  }
  for (const char c : field) {
    if (c == ' ' || c == '\0') {
      if (value > 0) break;
      continue;
    }
    if (c < '0' || c > '7') return std::nullopt;
    value = value << 3 | static_cast<uint64_t>(c - '0');
  }
  return value;
}

std::string_view Text(std::string_view field) { return field.substr(0, field.find('\0')); }

bool ChecksumIsRight(std::string_view header) {
  const std::optional<uint64_t> said = Number(header.substr(148, 8));
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i)
    sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
  return said && *said == sum;
}

// "path" and "size" of "LENGTH KEY=VALUE\n"*.
void ReadPax(std::string_view records, std::optional<std::string>& path, int64_t& size) {
  while (!records.empty()) {
    const size_t blank = records.find(' ');
    if (blank == std::string_view::npos || blank > 10) return;
    size_t length = 0;
    for (const char c : records.substr(0, blank)) {
      if (c < '0' || c > '9') return;
      length = length * 10 + static_cast<size_t>(c - '0');
    }
    if (length <= blank + 1 || length > records.size()) return;
    const std::string_view record = records.substr(blank + 1, length - blank - 2);
    const size_t equals = record.find('=');
    if (equals != std::string_view::npos) {
      const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
      if (key == "path") path = std::string(value);
      if (key == "size" && !value.empty() && value.size() < 16 &&
          value.find_first_not_of("0123456789") == std::string_view::npos) {
        uint64_t n = 0;
        for (const char c : value) n = n * 10 + static_cast<uint64_t>(c - '0');
        size = static_cast<int64_t>(n);
      }
    }
    records.remove_prefix(length);
  }
}

}  // namespace

std::optional<TarReader::Member> TarReader::Next() {
  std::optional<std::string> long_name;
  int64_t long_size = -1;  // of a pax header; -1: none
  while (!fault_) {
    // Two empty blocks end it; some writers leave them out.
    if (bytes_.size() - at_ < kBlock) {
      if (at_ != bytes_.size()) fault_ = Rejection{Reason::kBadContainer, "the tar is cut short"};
      return std::nullopt;
    }
    const std::string_view header = bytes_.substr(at_, kBlock);
    if (header.find_first_not_of('\0') == std::string_view::npos) return std::nullopt;
    if (!ChecksumIsRight(header)) {
      fault_ = Rejection{Reason::kBadContainer, "a tar header at byte " + std::to_string(at_)};
      return std::nullopt;
    }
    at_ += kBlock;
    const char type = header[156];
    std::optional<uint64_t> size = Number(header.substr(124, 12));
    if (long_size >= 0 && type != 'x' && type != 'L') size = static_cast<uint64_t>(long_size);
    if (type == '1' || type == '2' || type == '3' || type == '4' || type == '5' || type == '6')
      size = 0;
    if (!size || *size > bytes_.size() - at_) {
      fault_ = Rejection{Reason::kBadContainer, "the tar is cut short"};
      return std::nullopt;
    }
    const std::string_view data = bytes_.substr(at_, static_cast<size_t>(*size));
    at_ =
        std::min(bytes_.size(), at_ + (static_cast<size_t>(*size) + kBlock - 1) / kBlock * kBlock);
    if (type == 'x') {
      ReadPax(data, long_name, long_size);
      continue;
    }
    if (type == 'L') {
      long_name = std::string(Text(data));
      continue;
    }
    if (type == 'g' || type == 'K' || type == '5') {
      if (type == '5') {
        long_name.reset();
        long_size = -1;
      }
      continue;
    }
    ++number_;
    Member member;
    std::string raw;
    if (long_name) {
      raw = *long_name;
    } else {
      const std::string_view prefix = header.substr(257, 6) == std::string_view("ustar\0", 6)
                                          ? Text(header.substr(345, 155))
                                          : std::string_view();
      raw = std::string(prefix) + (prefix.empty() ? "" : "/") +
            std::string(Text(header.substr(0, 100)));
    }
    const std::string which = "member " + std::to_string(number_);
    if (const auto name = MemberName(raw, false)) {
      member.name = *name;
      if (member.name.starts_with("./")) member.name.erase(0, 2);
      if (!IsSafeName(member.name))
        member.rejection = Rejection{Reason::kUnsafeName, "the name of " + which + " leads out"};
    } else {
      member.rejection = Rejection{Reason::kUnsafeName, "the name of " + which + " has no meaning"};
    }
    if (type == '1' || type == '2') {
      member.rejection = Rejection{Reason::kUnsafeName, which + " is a link"};
    } else if (type == '3' || type == '4' || type == '6') {
      member.rejection = Rejection{Reason::kUnsafeName, which + " is a device"};
    } else if (type != '0' && type != '\0' && type != '7') {
      member.rejection = Rejection{Reason::kUnsupportedFeature, "kind of " + which};
    }
    if (!member.rejection) member.bytes = data;
    return member;
  }
  return std::nullopt;
}

}  // namespace jangbu::ingest
