#pragma once

// The tree as static files: coordinates, paths and bytes of C2SP tlog-tiles
// (https://c2sp.org/tlog-tiles).
//
// A tile at level l holds up to 256 consecutive hashes of full subtrees of 256^l leaves; tile n of
// level l begins with subtree 256 n. A tile of 256 hashes is full and never changes; a narrower one
// is partial and named with its width.
//
//   tile/<l>/<n>[.p/<w>]          hashes, 32 bytes each
//   tile/entries/<n>[.p/<w>]      the entries under the hashes of level 0, each behind its
//                                 length, uint16 big-endian
//
// <n> is split into groups of three digits, all but the last led by an x: 1234067 is x001/x234/067.
//
// Everything but TileBytes is arithmetic on numbers.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ledger/merkle/tree.h"

namespace jangbu::ledger {

inline constexpr int kTileHeight = 8;
inline constexpr uint32_t kTileWidth = 256;
inline constexpr int kTileLevels = 8;  // a 64-bit number of leaves fills levels 0 to 7
inline constexpr size_t kMaxEntryBytes = 65'535;

struct Tile {
  bool entries = false;  // an entry bundle; its level is 0
  int level = 0;         // 0 to 63; no tree reaches past kTileLevels - 1
  uint64_t index = 0;
  uint32_t width = kTileWidth;  // 1 to 256; less is partial

  bool operator==(const Tile&) const = default;
};

// How many hashes level `level` holds in a tree of `size` leaves: floor(size / 256^level).
uint64_t TileHashes(int level, uint64_t size);

// How many of them are in full tiles, counted in tiles, and the partial tile after those, if any.
uint64_t FullTiles(int level, uint64_t size);
std::optional<Tile> PartialTile(int level, uint64_t size);

// True when a tree of `size` leaves has at least the hashes of `tile`.
bool TileExists(const Tile& tile, uint64_t size);

// The hash tiles that a log which has published the tiles of `old_size` has yet to publish for
// `new_size`: by level, then index; in each level the full tiles that were not full before, then
// the partial one unless it was there. REQUIRES: old_size <= new_size. Memory is proportional to
// the growth / 256. Those of level 0, with `entries` set, are the entry bundles to publish.
std::vector<Tile> NewTiles(uint64_t old_size, uint64_t new_size);

// The leaf `leaf` is entry leaf % 256 of tile leaf / 256 at level 0.
inline Tile TileOfLeaf(uint64_t leaf) { return Tile{false, 0, leaf / kTileWidth, kTileWidth}; }

// The path, without a leading slash. REQUIRES: 0 <= level <= 63, 1 <= width <= 256, level 0 for
// entries.
std::string TilePath(const Tile& tile);
// Reads what TilePath writes and nothing else; InvalidArgument("bad_tile_path") otherwise.
StatusOr<Tile> ParseTilePath(std::string_view path);

// The bytes of a hash tile: 32 * width. NotFound("no_such_tile") when the first `size` leaves of
// the tree do not have it. REQUIRES: size <= tree.size(), !tile.entries.
StatusOr<std::string> TileBytes(const MerkleTree& tree, const Tile& tile, uint64_t size);

// The bytes of an entry bundle, and back. InvalidArgument("entry_too_large") above kMaxEntryBytes;
// DataLoss("bad_bundle") for bytes cut short, or more than 256 entries. Decoded entries are views
// into `bytes`.
StatusOr<std::string> EncodeEntryBundle(std::span<const std::string_view> entries);
StatusOr<std::vector<std::string_view>> DecodeEntryBundle(std::string_view bytes);

}  // namespace jangbu::ledger
