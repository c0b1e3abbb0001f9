#include "ledger/merkle/tiles.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/ledger/merkle/test_log.h"

namespace jangbu::ledger {
namespace {

TEST(Tiles, PathsOfTheSpecification) {
  const struct {
    Tile tile;
    std::string path;
  } cases[] = {
      {{false, 0, 0, 256}, "tile/0/000"},
      {{false, 0, 273, 112}, "tile/0/273.p/112"},
      {{false, 1, 999, 256}, "tile/1/999"},
      {{false, 1, 1'000, 256}, "tile/1/x001/000"},
      {{false, 2, 1'234'067, 256}, "tile/2/x001/x234/067"},
      {{false, 63, 0, 1}, "tile/63/000.p/1"},
      {{true, 0, 1'234'067, 255}, "tile/entries/x001/x234/067.p/255"},
      {{false, 0, ~uint64_t{0}, 256}, "tile/0/x018/x446/x744/x073/x709/x551/615"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(TilePath(c.tile), c.path);
    const StatusOr<Tile> tile = ParseTilePath(c.path);
    ASSERT_TRUE(tile.ok()) << c.path << tile.status();
    EXPECT_EQ(*tile, c.tile) << c.path;
  }
}

TEST(Tiles, RefusesEveryOtherSpelling) {
  for (const std::string_view path : {"",
                                      "tile",
                                      "tile/",
                                      "tile/0",
                                      "tile/0/",
                                      "tile/0/0",
                                      "tile/0/00",
                                      "tile/0/0000",
                                      "tile/00/000",
                                      "tile/-1/000",
                                      "tile/64/000",
                                      "tile/0/x000/000",
                                      "tile/0/x000/001",
                                      "tile/0/x001",
                                      "tile/0/x001/",
                                      "tile/0/001/000",
                                      "tile/0/x001/x000",
                                      "tile/0/000/",
                                      "tile/0/00a",
                                      "tile/0/x0a1/000",
                                      "tile/0/ 01",
                                      "tile/0/+01",
                                      "tile/0/000.p",
                                      "tile/0/000.p/",
                                      "tile/0/000.p/0",
                                      "tile/0/000.p/256",
                                      "tile/0/000.p/01",
                                      "tile/0/000.p/1/",
                                      "tile/0/000.p/1.p/1",
                                      "/tile/0/000",
                                      "tile/entry/000",
                                      "tile/ENTRIES/000",
                                      "tile//000",
                                      "tile/0/../000",
                                      "tile/0/X001/000",
                                      "tile/0/x018/x446/x744/x073/x709/x551/616",
                                      "tile/0/x001/x018/x446/x744/x073/x709/x551/615"}) {
    EXPECT_EQ(Reason(ParseTilePath(path)), "bad_tile_path") << path;
  }
  EXPECT_EQ(Reason(ParseTilePath(std::string(1'000'000, 'x'))), "bad_tile_path");
}

// "A tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0 tile of
// width 112, one full level 1 tile, one partial level 1 tile of width 17, and one partial level 2
// tile of width 1."
TEST(Tiles, TreeOfSeventyThousand) {
  EXPECT_EQ(FullTiles(0, 70'000), 273u);
  EXPECT_EQ(PartialTile(0, 70'000), (Tile{false, 0, 273, 112}));
  EXPECT_EQ(FullTiles(1, 70'000), 1u);
  EXPECT_EQ(PartialTile(1, 70'000), (Tile{false, 1, 1, 17}));
  EXPECT_EQ(FullTiles(2, 70'000), 0u);
  EXPECT_EQ(PartialTile(2, 70'000), (Tile{false, 2, 0, 1}));
  EXPECT_EQ(FullTiles(3, 70'000), 0u);
  EXPECT_EQ(PartialTile(3, 70'000), std::nullopt);
  EXPECT_EQ(NewTiles(0, 70'000).size(), 273u + 1 + 1 + 1 + 1);
}

TEST(Tiles, CoordinatesAroundTheEdges) {
  const struct {
    uint64_t size;
    std::vector<std::string> tiles;  // what a log of this size has beyond one of `size` - 1
  } cases[] = {
      {1, {"tile/0/000.p/1"}},
      {255, {"tile/0/000.p/255"}},
      {256, {"tile/0/000", "tile/1/000.p/1"}},
      {257, {"tile/0/001.p/1"}},
      {512, {"tile/0/001", "tile/1/000.p/2"}},
      {65'535, {"tile/0/255.p/255"}},
      {65'536, {"tile/0/255", "tile/1/000", "tile/2/000.p/1"}},
      {65'537, {"tile/0/256.p/1"}},
      {16'777'216, {"tile/0/x065/535", "tile/1/255", "tile/2/000", "tile/3/000.p/1"}},
  };
  for (const auto& c : cases) {
    std::vector<std::string> paths;
    for (const Tile& tile : NewTiles(c.size - 1, c.size)) paths.push_back(TilePath(tile));
    EXPECT_EQ(paths, c.tiles) << c.size;
  }
  EXPECT_TRUE(NewTiles(0, 0).empty());
  EXPECT_TRUE(NewTiles(70'000, 70'000).empty());
  EXPECT_EQ(TileHashes(7, ~uint64_t{0}), 255u);
  EXPECT_EQ(TileHashes(8, ~uint64_t{0}), 0u);
  EXPECT_EQ(TileHashes(63, ~uint64_t{0}), 0u);
  EXPECT_EQ(NewTiles(~uint64_t{0} - 1, ~uint64_t{0}).size(), 1u);
}

TEST(Tiles, WhatIsPublishedInStepsIsEverythingThereIs) {
  // Published at these sizes, a log has every full tile of its last size, and each size's partial
  // ones.
  const std::vector<uint64_t> sizes = {0,   1,   3,   200,   255,    256,
                                       300, 511, 513, 1'000, 65'536, 66'000};
  std::set<std::string> published;
  for (size_t i = 1; i < sizes.size(); ++i) {
    for (const Tile& tile : NewTiles(sizes[i - 1], sizes[i])) {
      EXPECT_TRUE(published.insert(TilePath(tile)).second) << TilePath(tile) << " published twice";
      EXPECT_TRUE(TileExists(tile, sizes[i]));
    }
    for (int level = 0; level < kTileLevels; ++level) {
      for (uint64_t n = 0; n < FullTiles(level, sizes[i]); ++n) {
        EXPECT_TRUE(published.contains(TilePath({false, level, n, 256})));
      }
      const std::optional<Tile> partial = PartialTile(level, sizes[i]);
      if (partial.has_value()) {
        EXPECT_TRUE(published.contains(TilePath(*partial))) << TilePath(*partial);
      }
    }
  }
}

TEST(Tiles, BytesAreTheHashesOfTheTree) {
  const MerkleTree tree = TestTree(600);
  const std::string full = *TileBytes(tree, {false, 0, 1, 256}, 600);
  ASSERT_EQ(full.size(), 8'192u);
  for (uint64_t i = 0; i < 256; ++i) {
    EXPECT_EQ(full.substr(i * 32, 32), AsView(LeafHash(TestEntry(256 + i))));
  }
  const std::string partial = *TileBytes(tree, {false, 0, 2, 88}, 600);
  EXPECT_EQ(partial.size(), 88u * 32);
  const std::string above = *TileBytes(tree, {false, 1, 0, 2}, 600);
  EXPECT_EQ(above,
            std::string(AsView(tree.Subtree(8, 0))) + std::string(AsView(tree.Subtree(8, 1))));

  // What the size asked for does not have is not there, though the tree has it.
  EXPECT_EQ(Reason(TileBytes(tree, {false, 0, 1, 256}, 511)), "no_such_tile");
  EXPECT_EQ(Reason(TileBytes(tree, {false, 0, 2, 89}, 600)), "no_such_tile");
  EXPECT_EQ(Reason(TileBytes(tree, {false, 0, 3, 1}, 600)), "no_such_tile");
  EXPECT_EQ(Reason(TileBytes(tree, {false, 1, 0, 3}, 600)), "no_such_tile");
  EXPECT_EQ(Reason(TileBytes(tree, {false, 2, 0, 1}, 600)), "no_such_tile");
  EXPECT_EQ(Reason(TileBytes(tree, {false, 40, 0, 1}, 600)), "no_such_tile");
  EXPECT_EQ(Reason(TileBytes(tree, {false, 0, ~uint64_t{0}, 256}, 600)), "no_such_tile");
  EXPECT_EQ(TileOfLeaf(513), (Tile{false, 0, 2, 256}));
}

TEST(EntryBundle, RoundTripAndDamage) {
  const std::string large(65'535, 'x');
  const std::vector<std::string_view> entries = {"", "a", large, "장부"};
  const std::string bytes = *EncodeEntryBundle(entries);
  EXPECT_EQ(bytes.substr(0, 5), std::string_view("\0\0\0\1a", 5));
  EXPECT_EQ(*DecodeEntryBundle(bytes), entries);
  for (size_t cut = 1; cut < 10; ++cut) {
    EXPECT_EQ(Reason(DecodeEntryBundle(std::string_view(bytes).substr(0, bytes.size() - cut))),
              cut == 8 ? "ok" : "bad_bundle")
        << cut;  // 8 bytes are the whole last entry
  }
  EXPECT_EQ(Reason(DecodeEntryBundle("")), "bad_bundle");
  const std::string too_large(65'536, 'x');
  EXPECT_EQ(Reason(EncodeEntryBundle(std::vector<std::string_view>{too_large})), "entry_too_large");
  EXPECT_EQ(Reason(EncodeEntryBundle({})), "bad_bundle");
  EXPECT_EQ(Reason(EncodeEntryBundle(std::vector<std::string_view>(257, "x"))), "bad_bundle");
  EXPECT_EQ(Reason(DecodeEntryBundle(std::string(257 * 2, '\0'))), "bad_bundle");
  EXPECT_EQ(DecodeEntryBundle(std::string(256 * 2, '\0'))->size(), 256u);
}

}  // namespace
}  // namespace jangbu::ledger
