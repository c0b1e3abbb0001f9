#include "tests/house/arrows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace jangbu::house {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// --- the checker itself, on made-up files ---

std::vector<std::string> Broken(const std::string& path, const std::string& text) {
  std::vector<std::string> what;
  for (const Breach& breach : CheckIncludes({path, text})) {
    what.push_back(std::to_string(breach.line) + ": " + breach.what);
  }
  return what;
}

TEST(ArrowsChecker, GoesRedOnEveryBrokenArrow) {
  struct Case {
    const char* why;
    const char* path;
    const char* include;
  };
  const Case cases[] = {
      {"base is the ground", "base/digest.cc", "#include \"ingest/text/canonical.h\""},
      {"strangers", "ingest/appraise.cc", "#include \"ledger/entry.h\""},
      {"strangers", "ledger/credit.cc", "#include \"ingest/appraise.h\""},
      {"strangers, inside too", "ledger/merkle/tree.cc", "#include \"ingest/text/utf8.h\""},
      {"the log's maths know no entries", "ledger/merkle/tree.cc", "#include \"ledger/entry.h\""},
      {"text knows no other part", "ingest/text/canonical.cc",
       "#include \"ingest/extract/reasons.h\""},
      {"nobody below includes services", "ledger/entry.cc", "#include \"services/flow/jangbu.h\""},
      {"audit asks, it does not serve", "audit/probe.cc", "#include \"services/wire/convert.h\""},
      {"no protobuf below services", "ledger/entry.h", "#include \"jangbu/v1/ledger.pb.h\""},
      {"no protobuf below services", "ingest/appraise.h", "#include <google/protobuf/message.h>"},
      {"no gRPC below services", "audit/client.cc", "#include <grpcpp/grpcpp.h>"},
      {"RocksDB lives in storage", "services/flow/scribe.cc", "#include <rocksdb/db.h>"},
      {"RocksDB lives in storage", "base/journal.h", "#include <rocksdb/db.h>"},
      {"storage knows bytes, not books", "services/storage/rocks_journal.cc",
       "#include \"ledger/entry.h\""},
      {"the client does not reach into the server", "services/cli/main.cc",
       "#include \"services/flow/jangbu.h\""},
      {"CLI11 in one file", "services/cli/console.cc", "#include <CLI/CLI.hpp>"},
      {"tests stay in tests", "services/flow/scribe.cc", "#include \"tests/support/clock.h\""},
      {"tests stay in tests", "base/bytes.h", "#include <gtest/gtest.h>"},
      {"base needs little", "base/status.h", "#include \"absl/container/flat_hash_map.h\""},
      {"base needs little", "base/bytes.cc", "#include <unicode/utf8.h>"},
      {"the verifier shares no code", "tests/verifier/verify.cc",
       "#include \"ledger/merkle/tree.h\""},
      {"spaces hide nothing", "ingest/appraise.cc", "  #  include  \"ledger/entry.h\""},
      {"from the root", "ledger/entry.cc", "#include \"../base/bytes.h\""},
      {"an unknown folder has no arrows", "attic/old.cc", "#include \"base/bytes.h\""},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(Broken(c.path, std::string("// first line\n") + c.include + "\n"), SizeIs(1))
        << c.why << ": " << c.include;
  }
}

TEST(ArrowsChecker, StaysGreenOnAllowedOnes) {
  EXPECT_THAT(Broken("base/digest.cc",
                     "#include \"base/digest.h\"\n#include <openssl/evp.h>\n#include <vector>\n"),
              IsEmpty());
  EXPECT_THAT(Broken("ingest/appraise.cc",
                     "#include \"ingest/dedup/novelty.h\"\n#include \"base/status.h\"\n"),
              IsEmpty());
  EXPECT_THAT(Broken("ledger/books.cc", "#include \"ledger/merkle/leaf.h\"\n"), IsEmpty());
  EXPECT_THAT(Broken("services/flow/jangbu.cc",
                     "#include \"services/storage/envelope.h\"\n#include "
                     "\"ingest/appraise.h\"\n#include \"ledger/books.h\"\n"),
              IsEmpty());
  EXPECT_THAT(Broken("services/rpc/server.cc",
                     "#include <grpcpp/grpcpp.h>\n#include \"jangbu/v1/admin.grpc.pb.h\"\n"),
              IsEmpty());
  EXPECT_THAT(Broken("services/storage/rocks_common.h", "#include <rocksdb/db.h>\n"), IsEmpty());
  EXPECT_THAT(Broken("README.md", "#include \"ledger/entry.h\"\n"), IsEmpty());
}

TEST(ArrowsChecker, FindsTheWorldInLibraries) {
  const auto lines = [](const std::string& path, const std::string& text) {
    std::vector<int> numbers;
    for (const Breach& breach : CheckWorld({path, text})) numbers.push_back(breach.line);
    return numbers;
  };
  const std::string text =
      "const char* a = std::getenv(\"X\");\n"
      "// getenv( in a comment\n"
      "auto now = std::chrono::system_clock::now();\n"
      "Say(\"system_clock\");\n"
      "std::random_device device;\n"
      "snprintf(buffer, size, format);\n"
      "std::fprintf(stderr, format);\n";
  // snprintf writes into memory; fprintf, whose tail is the same, is found by its own name.
  EXPECT_THAT(lines("ledger/entry.cc", text), ElementsAre(1, 3, 5));
  EXPECT_THAT(lines("services/flow/jangbu.cc", text), IsEmpty());
}

TEST(ArrowsChecker, FindsLeftovers) {
  const std::string mark = std::string("TO") + "DO";
  EXPECT_THAT(CheckLeftovers({"ledger/a.cc", "x\n// " + mark + " later\n"}),
              ElementsAre(Breach{"ledger/a.cc", 2, "a mark of unfinished work: " + mark}));
  EXPECT_THAT(CheckLeftovers({"docs/a.md", std::string("see /wo") + "rk/notes\n"}), SizeIs(1));
  EXPECT_THAT(CheckLeftovers({"docs/a.md", "see docs/formats.md\n"}), IsEmpty());
}

TEST(ArrowsChecker, ReadsLibrariesAndChecksTheirDeps) {
  const auto libraries = ReadLibraries({"ledger/CMakeLists.txt",
                                        "# jangbu_library(not_this)\n"
                                        "jangbu_library(ledger\n  SRCS books.cc entry.cc  # two\n"
                                        "  DEPS jangbu::base\n  PRIVATE_DEPS jangbu::text)\n"});
  ASSERT_THAT(libraries, SizeIs(1));
  EXPECT_EQ(libraries[0].name, "ledger");
  EXPECT_EQ(libraries[0].folder, "ledger");
  EXPECT_THAT(libraries[0].sources, ElementsAre("books.cc", "entry.cc"));
  EXPECT_THAT(libraries[0].deps, ElementsAre("jangbu::base", "jangbu::text"));

  const std::vector<Library> house = {
      {"base", "base", {"bytes.cc"}, {}},
      {"text", "ingest/text", {"utf8.cc"}, {"jangbu::base"}},
      {"extract", "ingest/extract", {"jsonl.cc"}, {"jangbu::base"}},
      {"ledger", "ledger", {"books.cc", "entry.cc"}, {"jangbu::base", "jangbu::text"}},
  };
  const auto breaches =
      CheckDeps(house, {{"ingest/extract/jsonl.cc", "#include \"ingest/text/utf8.h\"\n"},
                        {"ledger/books.cc", "#include \"base/bytes.h\"\n"}});
  ASSERT_THAT(breaches, SizeIs(2));
  EXPECT_THAT(breaches[0].what, HasSubstr("does not name jangbu::text"));
  EXPECT_EQ(breaches[1].what, "ledger may not depend on jangbu::text");
}

// --- the house as it stands ---

std::vector<SourceFile> AllFiles() {
  static constexpr const char* kRoots[] = {"base",     "ingest", "ledger", "audit",
                                           "services", "proto",  "tools",  "tests",
                                           "cmake",    "docs",   ".ci"};
  std::vector<SourceFile> files;
  const std::filesystem::path root = JANGBU_SOURCE_DIR;
  const auto add = [&](const std::filesystem::path& path) {
    static constexpr const char* kKinds[] = {".cc",  ".h",     ".def", ".inc", ".proto",
                                             ".txt", ".cmake", ".md",  ".sh",  ".py",
                                             ".js",  ".mjs",   ".ts"};
    const std::string extension = path.extension().string();
    const bool known = std::any_of(std::begin(kKinds), std::end(kKinds),
                                   [&](const char* kind) { return extension == kind; });
    if (!known && path.filename() != "run") return;
    std::ifstream in(path, std::ios::binary);
    files.push_back(
        {std::filesystem::relative(path, root).generic_string(),
         std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>())});
  };
  for (const char* name : kRoots) {
    if (!std::filesystem::exists(root / name)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / name)) {
      const std::string path = entry.path().generic_string();
      if (path.find("/fuzz/corpus/") != std::string::npos ||
          path.find("/node_modules/") != std::string::npos)
        continue;
      if (entry.is_regular_file()) add(entry.path());
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (entry.is_regular_file()) add(entry.path());
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

std::string Tell(const std::vector<Breach>& breaches) {
  std::string text;
  for (const Breach& breach : breaches) {
    text += "\n  " + breach.file + ":" + std::to_string(breach.line) + ": " + breach.what;
  }
  return text;
}

class TheHouse : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { files_ = new std::vector<SourceFile>(AllFiles()); }
  static void TearDownTestSuite() {
    delete files_;
    files_ = nullptr;
  }
  static std::vector<SourceFile>* files_;
};
std::vector<SourceFile>* TheHouse::files_ = nullptr;

TEST_F(TheHouse, KeepsItsArrows) {
  ASSERT_GT(files_->size(), 100U) << "the sources were not found";
  std::vector<Breach> breaches;
  for (const SourceFile& file : *files_) {
    const auto found = CheckIncludes(file);
    breaches.insert(breaches.end(), found.begin(), found.end());
  }
  EXPECT_THAT(breaches, IsEmpty()) << Tell(breaches);
}

TEST_F(TheHouse, KeepsTheWorldOutOfItsLibraries) {
  std::vector<Breach> breaches;
  for (const SourceFile& file : *files_) {
    const auto found = CheckWorld(file);
    breaches.insert(breaches.end(), found.begin(), found.end());
  }
  EXPECT_THAT(breaches, IsEmpty()) << Tell(breaches);
}

TEST_F(TheHouse, LeavesNothingLying) {
  std::vector<Breach> breaches;
  for (const SourceFile& file : *files_) {
    const auto found = CheckLeftovers(file);
    breaches.insert(breaches.end(), found.begin(), found.end());
  }
  EXPECT_THAT(breaches, IsEmpty()) << Tell(breaches);
}

TEST_F(TheHouse, NamesItsDependencies) {
  std::vector<Library> libraries;
  for (const SourceFile& file : *files_) {
    if (!file.path.ends_with("CMakeLists.txt") && !file.path.ends_with(".cmake")) continue;
    const auto found = ReadLibraries(file);
    libraries.insert(libraries.end(), found.begin(), found.end());
  }
  EXPECT_GT(libraries.size(), 8U);
  const auto breaches = CheckDeps(libraries, *files_);
  EXPECT_THAT(breaches, IsEmpty()) << Tell(breaches);
}

}  // namespace
}  // namespace jangbu::house
