#pragma once

// The arrows of the house, checked: which folder may include which.
//
// An arrow is broken by an #include, and shows before it fails to link (headers need no library) or
// in a file nobody reviewed. The table is the house's plan; README.md draws it.

#include <string>
#include <string_view>
#include <vector>

namespace jangbu::house {

// One line that breaks a rule.
struct Breach {
  std::string file;
  int line = 0;
  std::string what;
  bool operator==(const Breach&) const = default;
};

// A source file as the checker sees it: its path from the root, "/" between folders, and its text.
struct SourceFile {
  std::string path;
  std::string text;
};

// Includes that break an arrow: of our own headers by folder, and of the libraries that only some
// folders may know.
std::vector<Breach> CheckIncludes(const SourceFile& file);

// Calls and names that only services may use: the wall clock, the environment, randomness of the
// system.
std::vector<Breach> CheckWorld(const SourceFile& file);

// Marks that must not stay in a finished file, and paths that exist on one machine only.
std::vector<Breach> CheckLeftovers(const SourceFile& file);

// A library of a CMakeLists.txt: `jangbu_library(NAME SRCS … DEPS … PRIVATE_DEPS …)`.
struct Library {
  std::string name;    // "merkle"
  std::string folder;  // "ledger/merkle"
  std::vector<std::string> sources;
  std::vector<std::string> deps;  // both kinds, as written
};
std::vector<Library> ReadLibraries(const SourceFile& cmake);

// Libraries whose DEPS name something the arrows do not allow, or do not name a library of ours
// whose headers their sources include (directly, or through what they name). `files` are all
// sources.
std::vector<Breach> CheckDeps(const std::vector<Library>& libraries,
                              const std::vector<SourceFile>& files);

}  // namespace jangbu::house
