#pragma once

// A tar archive in memory (POSIX ustar and pax, GNU long names).

#include <optional>
#include <string>
#include <string_view>

#include "ingest/extract/reasons.h"

namespace jangbu::ingest {

class TarReader {
 public:
  struct Member {
    std::string name;  // UTF-8, decoded as names in a zip are
    std::string_view bytes;
    // Links, devices, names that lead out, sparse files: `bytes` is then empty.
    std::optional<Rejection> rejection;
  };

  // `bytes` must outlive the reader and its members.
  explicit TarReader(std::string_view bytes) : bytes_(bytes) {}

  // The next member that is no folder; nothing at the end, or at damage, which fault() tells.
  std::optional<Member> Next();
  const std::optional<Rejection>& fault() const { return fault_; }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  uint64_t number_ = 0;
  std::optional<Rejection> fault_;
};

}  // namespace jangbu::ingest
