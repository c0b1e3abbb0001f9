#pragma once

// A zip archive in memory, over libzip, which no other file knows.
//
// Names without the UTF-8 flag are UTF-8 when they are valid UTF-8, else CP949 (what Korean Windows
// writes), else refused by their number. Nothing is ever written anywhere.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ingest/extract/limits.h"
#include "ingest/extract/reasons.h"

namespace jangbu::ingest {

// How many bytes all containers of one file may still give; shared by containers inside containers.
struct ContainerBudget {
  uint64_t bytes = 0;
  uint64_t members = 0;
};

class ZipArchive {
 public:
  struct Member {
    std::string name;  // UTF-8
    uint64_t size = 0;
    bool folder = false;
    bool encrypted = false;
    // Set for a name that leads out of the archive, a link, a device, a method not known.
    std::optional<Rejection> rejection;
  };

  // `bytes` must outlive the archive. kBadContainer, kContainerLimit.
  static std::variant<std::unique_ptr<ZipArchive>, Rejection> Open(std::string_view bytes,
                                                                   const ExtractLimits& limits,
                                                                   ContainerBudget& budget);
  ~ZipArchive();

  const std::vector<Member>& members() const { return members_; }

  // The bytes of a member. Never more than `bytes_max`, whatever its header says, and never more
  // than the budget. kBadContainer, kContainerLimit, kPasswordProtected, kUnsupportedFeature.
  std::variant<std::string, Rejection> Read(size_t member, uint64_t bytes_max);
  // By exact name; kDamagedDocument when it is not there.
  std::variant<std::string, Rejection> Read(std::string_view name);
  std::optional<size_t> Find(std::string_view name) const;

 private:
  struct Impl;
  ZipArchive(const ExtractLimits& limits, ContainerBudget& budget);
  const ExtractLimits& limits_;
  ContainerBudget& budget_;
  std::unique_ptr<Impl> impl_;
  std::vector<Member> members_;
};

// Decodes a member's name as said above; nothing when it has no meaning in any encoding.
std::optional<std::string> MemberName(std::string_view raw, bool utf8_flag);
// Refuses names that are absolute or have "..", a drive or a NUL.
bool IsSafeName(std::string_view name);

}  // namespace jangbu::ingest
