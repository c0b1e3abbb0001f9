#include "services/cli/file_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/services/cli/scratch_folder.h"

namespace jangbu::services::cli {
namespace {

using ::testing::ElementsAre;

// Names of what was found, without the folder of the test.
std::vector<std::string> Names(const WalkResult& result, const std::string& prefix) {
  std::vector<std::string> names;
  for (const LocalFile& file : result.files) {
    EXPECT_EQ(file.name.rfind(prefix, 0), 0U) << file.name;
    names.push_back(file.name.substr(prefix.size()));
  }
  return names;
}

class FileWalkTest : public ::testing::Test {
 protected:
  // The folder as its name begins on the server: without the leading slash.
  std::string Prefix() const { return folder_.path().substr(1) + "/"; }
  ScratchFolder folder_;
};

TEST_F(FileWalkTest, FilesComeInByteOrderOfTheWholePath) {
  folder_.Write("b.txt", "2");
  folder_.Write("a/z.txt", "1");
  folder_.Write("a.txt", "3");
  folder_.Write("가/하.txt", "4");
  const auto result = WalkPaths({folder_.path()});
  ASSERT_TRUE(result.ok()) << result.status();
  // '.' (2E) comes before '/' (2F).
  EXPECT_THAT(Names(*result, Prefix()), ElementsAre("a.txt", "a/z.txt", "b.txt", "가/하.txt"));
  EXPECT_EQ(result->bytes, 4U);
}

TEST_F(FileWalkTest, DecomposedNamesStayAsGiven) {
  const std::string nfd = "\u1112\u1161\u11AB.txt";  // 한.txt in conjoining jamo
  folder_.Write(nfd, "x");
  const auto result = WalkPaths({folder_.path()});
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(Names(*result, Prefix()), ElementsAre(nfd));
}

TEST_F(FileWalkTest, NamesInCp949AreReadAsSuch) {
  folder_.Write("\xC7\xD1\xB1\xDB.txt", "x");  // 한글.txt
  const auto result = WalkPaths({folder_.path()});
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(Names(*result, Prefix()), ElementsAre("한글.txt"));
}

TEST_F(FileWalkTest, LinksAndSpecialFilesAreLeftOutAndReported) {
  folder_.Write("real.txt", "x");
  ASSERT_EQ(::symlink("real.txt", folder_.Path("link.txt").c_str()), 0);
  ASSERT_EQ(::symlink(".", folder_.Path("loop").c_str()), 0);
  ASSERT_EQ(::mkfifo(folder_.Path("pipe").c_str(), 0600), 0);
  const auto result = WalkPaths({folder_.path()});
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(Names(*result, Prefix()), ElementsAre("real.txt"));
  ASSERT_EQ(result->skipped.size(), 3U);
  EXPECT_EQ(result->skipped[0].why, SkippedFile::Why::kSymlink);
  EXPECT_EQ(result->skipped[1].why, SkippedFile::Why::kSymlink);
  EXPECT_EQ(result->skipped[2].why, SkippedFile::Why::kSpecial);
}

TEST_F(FileWalkTest, AnArgumentMayBeALink) {
  folder_.Write("real/a.txt", "x");
  ASSERT_EQ(::symlink("real", folder_.Path("alias").c_str()), 0);
  const auto result = WalkPaths({folder_.Path("alias")});
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(Names(*result, Prefix()), ElementsAre("alias/a.txt"));
}

TEST_F(FileWalkTest, PathsAreTidiedAndOneFileNamedTwiceCountsOnce) {
  folder_.Write("d/a.txt", "x");
  const auto result = WalkPaths({folder_.Path("d/./a.txt"), folder_.Path("d//a.txt"),
                                 folder_.Path("d"), folder_.Path("d/../d/")});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Names(*result, Prefix()), ElementsAre("d/a.txt"));
}

TEST_F(FileWalkTest, WhatIsNotThereIsAnError) {
  const auto result = WalkPaths({folder_.Path("absent")});
  EXPECT_EQ(ReasonOf(result.status()), "path_not_found");
}

TEST_F(FileWalkTest, TwoFilesUnderOneNameAreAnError) {
  folder_.Write("a.txt", "1");
  folder_.Write("x/a.txt", "2");
  const std::string before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.Path("x"));
  const auto result = WalkPaths({"a.txt", "../a.txt"});
  std::filesystem::current_path(before);
  EXPECT_EQ(ReasonOf(result.status()), "name_collision");
}

}  // namespace
}  // namespace jangbu::services::cli
