#include "ledger/merkle/tiles.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "ledger/merkle/text.h"

namespace jangbu::ledger {

uint64_t TileHashes(int level, uint64_t size) {
  JANGBU_CHECK(level >= 0);
  return level < kTileLevels ? size >> (kTileHeight * level) : 0;
}

uint64_t FullTiles(int level, uint64_t size) { return TileHashes(level, size) / kTileWidth; }

std::optional<Tile> PartialTile(int level, uint64_t size) {
  const uint64_t hashes = TileHashes(level, size);
  const auto width = static_cast<uint32_t>(hashes % kTileWidth);
  if (width == 0) return std::nullopt;
  return Tile{false, level, hashes / kTileWidth, width};
}

bool TileExists(const Tile& tile, uint64_t size) {
  const uint64_t hashes = TileHashes(tile.level, size);
  return tile.index <= hashes / kTileWidth && hashes - tile.index * kTileWidth >= tile.width;
}

std::vector<Tile> NewTiles(uint64_t old_size, uint64_t new_size) {
  JANGBU_CHECK(old_size <= new_size);
  std::vector<Tile> tiles;
  for (int level = 0; TileHashes(level, new_size) > 0; ++level) {
    const uint64_t full = FullTiles(level, new_size);
    for (uint64_t n = FullTiles(level, old_size); n < full; ++n)
      tiles.push_back({false, level, n, kTileWidth});
    const std::optional<Tile> partial = PartialTile(level, new_size);
    if (partial.has_value() && partial != PartialTile(level, old_size)) tiles.push_back(*partial);
  }
  return tiles;
}

std::string TilePath(const Tile& tile) {
  JANGBU_CHECK(tile.level >= 0 && tile.level <= 63 && tile.width >= 1 && tile.width <= kTileWidth);
  JANGBU_CHECK(!tile.entries || tile.level == 0);
  std::string digits = std::to_string(tile.index);
  digits.insert(0, (3 - digits.size() % 3) % 3, '0');
  std::string path = "tile/" + (tile.entries ? std::string("entries") : std::to_string(tile.level));
  for (size_t i = 0; i < digits.size(); i += 3) {
    path.append(i + 3 < digits.size() ? "/x" : "/").append(digits, i, 3);
  }
  if (tile.width != kTileWidth) path.append(".p/").append(std::to_string(tile.width));
  return path;
}

StatusOr<Tile> ParseTilePath(std::string_view path) {
  const auto bad = [](std::string_view why) { return InvalidArgument("bad_tile_path", why); };
  constexpr std::string_view kPrefix = "tile/";
  if (path.size() > 64 || !path.starts_with(kPrefix)) return bad("a tile path begins with tile/");
  path.remove_prefix(kPrefix.size());

  Tile tile;
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos) return bad("the tile index is missing");
  const std::string_view level = path.substr(0, slash);
  path.remove_prefix(slash + 1);
  if (level == "entries") {
    tile.entries = true;
  } else {
    const std::optional<uint64_t> value = text::ParseDecimal(level);
    if (!value.has_value() || *value > 63)
      return bad("the level is a number from 0 to 63, or entries");
    tile.level = static_cast<int>(*value);
  }

  if (const size_t partial = path.find(".p/"); partial != std::string_view::npos) {
    const std::optional<uint64_t> width = text::ParseDecimal(path.substr(partial + 3));
    if (!width.has_value() || *width < 1 || *width > 255)
      return bad("the width is a number from 1 to 255");
    tile.width = static_cast<uint32_t>(*width);
    path = path.substr(0, partial);
  }

  // x001/x234/067: every group but the last with its x, the first not x000.
  std::string digits;
  while (path.size() > 3) {
    if (path.size() < 5 || path[0] != 'x' || path[4] != '/')
      return bad("the index is groups of three digits");
    digits.append(path, 1, 3);
    path.remove_prefix(5);
  }
  if (path.size() != 3) return bad("the index is groups of three digits");
  digits.append(path);
  const size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  if (first >= 3) return bad("the index has leading zeroes");
  const std::optional<uint64_t> index = text::ParseDecimal(std::string_view(digits).substr(first));
  if (!index.has_value()) return bad("the index is not a number that fits");
  tile.index = *index;
  return tile;
}

StatusOr<std::string> TileBytes(const MerkleTree& tree, const Tile& tile, uint64_t size) {
  JANGBU_CHECK(size <= tree.size() && !tile.entries);
  if (tile.width < 1 || tile.width > kTileWidth || !TileExists(tile, size)) {
    return NotFound("no_such_tile",
                    "a tree of " + std::to_string(size) + " leaves has no such tile");
  }
  ByteWriter out;
  for (uint32_t i = 0; i < tile.width; ++i) {
    out.Raw(tree.Subtree(kTileHeight * tile.level, tile.index * kTileWidth + i));
  }
  return out.Take();
}

StatusOr<std::string> EncodeEntryBundle(std::span<const std::string_view> entries) {
  if (entries.empty() || entries.size() > kTileWidth) {
    return InvalidArgument("bad_bundle",
                           "a bundle has 1 to 256 entries, not " + std::to_string(entries.size()));
  }
  std::string out;
  for (const std::string_view entry : entries) {
    if (entry.size() > kMaxEntryBytes) {
      return InvalidArgument("entry_too_large", "an entry of " + std::to_string(entry.size()) +
                                                    " bytes; the limit is " +
                                                    std::to_string(kMaxEntryBytes));
    }
    out.push_back(static_cast<char>(entry.size() >> 8));
    out.push_back(static_cast<char>(entry.size() & 0xFF));
    out.append(entry);
  }
  return out;
}

StatusOr<std::vector<std::string_view>> DecodeEntryBundle(std::string_view bytes) {
  std::vector<std::string_view> entries;
  while (!bytes.empty()) {
    if (entries.size() == kTileWidth) return DataLoss("bad_bundle", "more than 256 entries");
    if (bytes.size() < 2) return DataLoss("bad_bundle", "cut short in a length");
    const size_t size =
        static_cast<size_t>(static_cast<uint8_t>(bytes[0])) << 8 | static_cast<uint8_t>(bytes[1]);
    bytes.remove_prefix(2);
    if (bytes.size() < size) return DataLoss("bad_bundle", "cut short in an entry");
    entries.push_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  if (entries.empty()) return DataLoss("bad_bundle", "no entries");
  return entries;
}

}  // namespace jangbu::ledger
