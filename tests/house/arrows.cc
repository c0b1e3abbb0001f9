#include "tests/house/arrows.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace jangbu::house {
namespace {

using std::string_view;

// A folder and the folders whose headers it may include beside its own. The longest matching folder
// counts.
struct Arrows {
  string_view folder;
  std::vector<string_view> may_include;
};

const std::vector<Arrows>& Table() {
  static const std::vector<Arrows> table = {
      // base is the ground.
      {"base", {}},
      // ingest and ledger are strangers to each other.
      {"ingest", {"base"}},
      {"ledger", {"base"}},
      // The maths of the log know hashes and sizes, not what an entry means.
      {"ledger/merkle", {"base"}},
      {"audit", {"base", "ingest", "ledger"}},
      {"services", {"base", "ingest", "ledger", "audit", "jangbu/v1"}},
      // The seams on RocksDB know nothing of documents or money.
      {"services/storage", {"base"}},
      // Programs around the product.
      {"tools", {"base", "ingest", "ledger"}},
      // Tests may look at everything.
      {"tests", {"base", "ingest", "ledger", "audit", "services", "tools", "jangbu/v1"}},
      // The independent verifier shares no code with what it verifies.
      {"tests/verifier", {}},
  };
  return table;
}

// Folders inside which the parts may include each other freely although a stricter row above exists
// for one of them. A row's own folder is always allowed; a parent's other folders are not, except
// as listed here.
const std::map<string_view, std::vector<string_view>>& Inside() {
  static const std::map<string_view, std::vector<string_view>> inside = {
      {"ingest/text", {}},
      {"ingest/extract", {"ingest/text"}},
      {"ingest/tokens", {"ingest/text"}},
      {"ingest/dedup", {"ingest/text"}},
      {"ingest/screen", {"ingest/text"}},
      {"ledger/merkle", {}},
      {"services/storage", {}},
      {"services/wire", {"services/flow"}},
      {"services/api_key", {}},
      {"services/close_proof", {}},
      {"services/flow", {"services/api_key", "services/close_proof", "services/storage"}},
      {"services/rpc", {"services/flow", "services/wire", "services/storage"}},
      {"services/gateway", {"services/flow", "services/wire", "services/rpc"}},
      {"services/audit", {"services/storage"}},
      {"services/outputs", {}},
      // Audits and a guard of one's own run in the command.
      {"services/cli",
       {"services/api_key", "services/audit", "services/close_proof", "services/outputs",
        "services/storage"}},
  };
  return inside;
}

// Libraries that only some folders may know: header prefix, and the folders.
struct Foreign {
  string_view prefix;
  string_view name;
  std::vector<string_view> folders;
};
const std::vector<Foreign>& ForeignTable() {
  static const std::vector<Foreign> table = {
      {"rocksdb/", "RocksDB", {"services/storage", "tests/services"}},
      {"grpcpp/", "gRPC", {"services", "tests/services", "tests/e2e", "tests/sim", "tests/bench"}},
      {"grpc/", "gRPC", {"services", "tests/services", "tests/e2e", "tests/sim", "tests/bench"}},
      {"google/protobuf/",
       "protobuf",
       {"services", "tests/services", "tests/e2e", "tests/sim", "tests/bench"}},
      {"httplib.h", "HTTP", {"services", "tests/services", "tests/e2e"}},
      {"CLI/",
       "CLI11",
       {"services/cli/command_line.cc", "services/rpc", "services/gateway", "services/jangbud",
        "tools"}},
      {"yaml-cpp/", "YAML", {"services"}},
      {"spdlog/", "logging", {"services"}},
      {"prometheus/", "metrics", {"services", "tests/services"}},
      {"openssl/", "OpenSSL", {"base", "ledger/merkle", "services", "tests"}},
      {"sodium", "libsodium", {"services", "tests"}},
      {"simdjson", "JSON parsing", {"ingest", "audit", "services", "tools", "tests"}},
      {"cblas.h", "linear algebra", {"audit/provenance/linalg.cc"}},
      {"unicode/", "ICU", {"ingest", "services", "tools", "tests"}},
      {"curl/", "libcurl", {"services/audit"}},
      {"divsufsort", "suffix arrays", {"tests"}},
      {"zlib.h", "zlib", {"ingest", "services", "tools", "tests"}},
      {"zstd", "zstd", {"ingest", "services", "tools", "tests"}},
      {"xxhash.h", "xxHash", {"ingest", "audit/guard", "services", "tests"}},
      {"libxml/", "libxml2", {"ingest/extract/html.cc", "ingest/extract/xml_reader.cc"}},
      {"zip.h", "libzip", {"ingest/extract/zip_archive.cc", "tests/ingest/extract"}},
      {"gsf/", "libgsf", {"ingest/extract/ole.cc", "tests/ingest/extract"}},
      {"md4c", "md4c", {"ingest/extract/markdown.cc"}},
      {"snappy", "snappy", {"ingest/extract/parquet.cc"}},
      // GPL: in the worker's own executable and nowhere else.
      {"poppler", "Poppler", {"services/extractor/pdf_poppler.cc"}},
      {"cairo", "cairo", {"services/outputs/statement_pdf.cc"}},
      {"pango/", "Pango", {"services/outputs/statement_pdf.cc"}},
      {"xlsxwriter", "libxlsxwriter", {"services/outputs/statement_xlsx.cc"}},
      {"seccomp", "seccomp", {"services/extractor/sandbox.cc"}},
      {"gtest/", "GoogleTest", {"tests"}},
      {"gmock/", "GoogleTest", {"tests"}},
      {"benchmark/", "Google Benchmark", {"tests"}},
  };
  return table;
}

// Parts of abseil that base gives to everybody.
constexpr std::array<string_view, 2> kBaseAbsl = {"absl/status/", "absl/strings/"};

bool Within(string_view path, string_view folder) {
  return path == folder || (path.size() > folder.size() &&
                            path.substr(0, folder.size()) == folder && path[folder.size()] == '/');
}

template <typename Rows>
const typename Rows::value_type* Longest(const Rows& rows, string_view path) {
  const typename Rows::value_type* best = nullptr;
  size_t best_length = 0;
  for (const auto& row : rows) {
    string_view folder;
    if constexpr (requires { row.folder; }) {
      folder = row.folder;
    } else {
      folder = row.first;
    }
    if (Within(path, folder) && folder.size() >= best_length) {
      best = &row;
      best_length = folder.size();
    }
  }
  return best;
}

// Calls `visit(number, line)` for each line.
template <typename Visit>
void ForEachLine(string_view text, Visit visit) {
  int number = 1;
  for (size_t at = 0; at <= text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    visit(number, text.substr(at, end - at));
    at = end + 1;
  }
}

// The name in an #include line and whether it stood in quotes; empty when the line is none.
string_view IncludedName(string_view line, bool& quoted) {
  size_t i = line.find_first_not_of(" \t");
  if (i == string_view::npos || line[i] != '#') return {};
  i = line.find_first_not_of(" \t", i + 1);
  if (i == string_view::npos || line.substr(i, 7) != "include") return {};
  i = line.find_first_of("\"<", i + 7);
  if (i == string_view::npos) return {};
  quoted = line[i] == '"';
  const size_t end = line.find(quoted ? '"' : '>', i + 1);
  if (end == string_view::npos) return {};
  return line.substr(i + 1, end - i - 1);
}

bool IsSource(string_view path) {
  return path.ends_with(".cc") || path.ends_with(".h") || path.ends_with(".def") ||
         path.ends_with(".inc");
}

constexpr std::array<string_view, 8> kOurRoots = {"base/",     "ingest/", "ledger/", "audit/",
                                                  "services/", "tools/",  "tests/",  "jangbu/v1/"};
bool IsOurs(string_view name) {
  return std::any_of(kOurRoots.begin(), kOurRoots.end(),
                     [&](string_view root) { return name.starts_with(root); });
}

string_view FolderOf(string_view path) {
  const size_t slash = path.rfind('/');
  return slash == string_view::npos ? string_view() : path.substr(0, slash);
}

// True when a file at `path` may include our header `name`.
bool ArrowAllows(string_view path, string_view name) {
  const Arrows* row = Longest(Table(), path);
  if (row == nullptr) return false;
  const auto* inside = Longest(Inside(), path);
  if (inside != nullptr) {
    if (Within(name, inside->first)) return true;
    for (const string_view folder : inside->second) {
      if (Within(name, folder)) return true;
    }
    // A part of a module: the module's other parts are closed to it, other modules follow the
    // table.
    const string_view module = inside->first.substr(0, inside->first.find('/'));
    if (Within(name, module)) return false;
  } else if (Within(name, row->folder)) {
    return true;
  }
  if (Within(name, row->folder)) return true;
  return std::any_of(row->may_include.begin(), row->may_include.end(),
                     [&](string_view folder) { return Within(name, folder); });
}

// Line without its comment and without what stands in quotes.
std::string CodeOf(string_view line) {
  std::string code;
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (quoted) {
      if (line[i] == '\\') {
        ++i;
      } else if (line[i] == '"') {
        quoted = false;
      }
      continue;
    }
    if (line[i] == '"') {
      quoted = true;
      continue;
    }
    if (line[i] == '/' && i + 1 < line.size() && line[i + 1] == '/') break;
    code.push_back(line[i]);
  }
  return code;
}

// True when `word` stands in `code` and is not the tail of a longer name.
bool HasCall(string_view code, string_view word) {
  for (size_t at = code.find(word); at != string_view::npos; at = code.find(word, at + 1)) {
    const char before = at == 0 ? ' ' : code[at - 1];
    const bool name = (before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z') ||
                      (before >= '0' && before <= '9') || before == '_' || before == '.' ||
                      before == '>';
    if (!name) return true;
  }
  return false;
}

}  // namespace

std::vector<Breach> CheckIncludes(const SourceFile& file) {
  std::vector<Breach> breaches;
  if (!IsSource(file.path)) return breaches;
  ForEachLine(file.text, [&](int number, string_view line) {
    bool quoted = false;
    const string_view name = IncludedName(line, quoted);
    if (name.empty()) return;
    const auto breach = [&](const std::string& what) {
      breaches.push_back({file.path, number, what});
    };
    if (IsOurs(name)) {
      if (!ArrowAllows(file.path, name)) {
        breach(std::string(FolderOf(file.path)) + " may not include " + std::string(name));
      }
      return;
    }
    if (quoted && name.find('/') == string_view::npos && !name.ends_with(".h")) {
      breach("includes are written from the root: " + std::string(name));
    }
    if (name.find("..") != string_view::npos)
      breach("includes are written from the root: " + std::string(name));
    for (const Foreign& foreign : ForeignTable()) {
      if (!name.starts_with(foreign.prefix)) continue;
      const bool allowed =
          std::any_of(foreign.folders.begin(), foreign.folders.end(),
                      [&](string_view folder) { return Within(file.path, folder); });
      if (!allowed)
        breach(std::string(FolderOf(file.path)) + " may not know " + std::string(foreign.name));
      return;
    }
    if (name.starts_with("absl/") && Within(file.path, "base") &&
        std::none_of(kBaseAbsl.begin(), kBaseAbsl.end(),
                     [&](string_view part) { return name.starts_with(part); })) {
      breach("base may know absl status and strings only, not " + std::string(name));
    }
  });
  return breaches;
}

std::vector<Breach> CheckWorld(const SourceFile& file) {
  std::vector<Breach> breaches;
  const bool library = Within(file.path, "base") || Within(file.path, "ingest") ||
                       Within(file.path, "ledger") || Within(file.path, "audit");
  if (!library || !IsSource(file.path)) return breaches;
  static constexpr std::array<std::pair<string_view, string_view>, 14> kWorld = {{
      {"system_clock", "the wall clock"},
      {"gettimeofday(", "the wall clock"},
      {"clock_gettime(", "the wall clock"},
      {"time(nullptr)", "the wall clock"},
      {"time(NULL)", "the wall clock"},
      {"getenv(", "the environment"},
      {"setenv(", "the environment"},
      {"random_device", "randomness"},
      {"getrandom(", "randomness"},
      {"RAND_bytes(", "randomness"},
      {"std::cout", "printing"},
      {"std::cerr", "printing"},
      {"printf(", "printing"},
      {"exit(", "ending the process"},
  }};
  ForEachLine(file.text, [&](int number, string_view line) {
    const std::string code = CodeOf(line);
    for (const auto& [word, what] : kWorld) {
      // check.h says what failed before it aborts: the one exception.
      if (file.path == "base/check.h" && what == "printing") continue;
      if (HasCall(code, word))
        breaches.push_back({file.path, number, "libraries do without " + std::string(what)});
    }
  });
  return breaches;
}

std::vector<Breach> CheckLeftovers(const SourceFile& file) {
  std::vector<Breach> breaches;
  // Spelt in two halves, so that this file does not find itself.
  static const std::vector<std::pair<std::string, std::string>> kMarks = {
      {std::string("TO") + "DO", "a mark of unfinished work"},
      {std::string("FIX") + "ME", "a mark of unfinished work"},
      {std::string("XX") + "X:", "a mark of unfinished work"},
      {std::string("/wo") + "rk/", "a path of one machine"},
      {std::string("/ro") + "ot/", "a path of one machine"},
      {std::string("/ho") + "me/", "a path of one machine"},
      {std::string("/tmp/de") + "v", "a path of one machine"},
      {std::string("/tmp/sl") + "ot", "a path of one machine"},
  };
  ForEachLine(file.text, [&](int number, string_view line) {
    for (const auto& [mark, what] : kMarks) {
      if (line.find(mark) != string_view::npos)
        breaches.push_back({file.path, number, what + ": " + mark});
    }
  });
  return breaches;
}

std::vector<Library> ReadLibraries(const SourceFile& cmake) {
  std::vector<Library> libraries;
  std::string text;
  ForEachLine(cmake.text, [&](int, string_view line) {
    text.append(line.substr(0, line.find('#'))).push_back('\n');
  });
  constexpr string_view kCall = "jangbu_library(";
  for (size_t at = text.find(kCall); at != std::string::npos; at = text.find(kCall, at + 1)) {
    const size_t end = text.find(')', at);
    if (end == std::string::npos) break;
    const string_view body = string_view(text).substr(at + kCall.size(), end - at - kCall.size());
    Library library;
    library.folder = std::string(FolderOf(cmake.path));
    std::vector<std::string>* list = nullptr;
    for (size_t i = 0; i < body.size();) {
      const size_t begin = body.find_first_not_of(" \t\n", i);
      if (begin == string_view::npos) break;
      const size_t stop = std::min(body.find_first_of(" \t\n", begin), body.size());
      const std::string word(body.substr(begin, stop - begin));
      i = stop;
      if (library.name.empty()) {
        library.name = word;
      } else if (word == "SRCS") {
        list = &library.sources;
      } else if (word == "DEPS" || word == "PRIVATE_DEPS") {
        list = &library.deps;
      } else if (list != nullptr) {
        list->push_back(word);
      }
    }
    if (!library.name.empty() && library.name[0] != '$' && library.name != "NAME")
      libraries.push_back(library);
  }
  return libraries;
}

std::vector<Breach> CheckDeps(const std::vector<Library>& libraries,
                              const std::vector<SourceFile>& files) {
  std::vector<Breach> breaches;
  std::map<std::string, const Library*> by_name;
  std::map<std::string, const Library*> by_source;  // path of a .cc, and of the .h beside it
  for (const Library& library : libraries) {
    by_name["jangbu::" + library.name] = &library;
    for (const std::string& source : library.sources) {
      const std::string path = library.folder + "/" + source;
      by_source[path] = &library;
      if (path.ends_with(".cc")) by_source[path.substr(0, path.size() - 3) + ".h"] = &library;
    }
  }
  for (const Library& library : libraries) {
    // Everything it may use: what it names, and what that names.
    std::set<const Library*> reach = {&library};
    std::vector<const Library*> open = {&library};
    while (!open.empty()) {
      const Library* next = open.back();
      open.pop_back();
      for (const std::string& dep : next->deps) {
        const auto found = by_name.find(dep);
        if (found == by_name.end()) continue;
        if (next == &library &&
            !ArrowAllows(library.folder + "/x.cc", found->second->folder + "/x.h")) {
          breaches.push_back(
              {library.folder + "/CMakeLists.txt", 0, library.name + " may not depend on " + dep});
        }
        if (reach.insert(found->second).second) open.push_back(found->second);
      }
    }
    for (const SourceFile& file : files) {
      const auto owner = by_source.find(file.path);
      if (owner == by_source.end() || owner->second != &library) continue;
      ForEachLine(file.text, [&](int number, string_view line) {
        bool quoted = false;
        const string_view name = IncludedName(line, quoted);
        const auto used = by_source.find(std::string(name));
        if (used == by_source.end() || reach.contains(used->second)) return;
        breaches.push_back({file.path, number,
                            library.name + " includes " + std::string(name) +
                                " and does not name jangbu::" + used->second->name + " in DEPS"});
      });
    }
  }
  return breaches;
}

}  // namespace jangbu::house
