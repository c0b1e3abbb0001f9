// Proofs of inclusion and consistency, tile paths and entry bundles from outside: what parses is
// spelt in the only way there is, and verifying what parsed ends in a verdict.

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "ledger/merkle/tiles.h"
#include "ledger/merkle/tlog_proof.h"
#include "tests/ledger/merkle/test_log.h"

using namespace jangbu;
using namespace jangbu::ledger;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  if (const StatusOr<TlogProof> proof = ParseTlogProof(bytes); proof.ok()) {
    JANGBU_CHECK(EncodeTlogProof(*proof) == bytes);
    JANGBU_CHECK(*ParseTlogProof(EncodeTlogProof(*proof)) == *proof);
    const Checkpoint head = *ParseCheckpoint(ParseNote(proof->checkpoint)->text);
    // Nobody can make a path from this entry to a root, short of a collision.
    JANGBU_CHECK(
        !VerifyInclusion(LeafHash("not logged"), proof->index, head.size, proof->path, head.root)
             .ok());
  }
  if (const StatusOr<TlogConsistency> proof = ParseTlogConsistency(bytes); proof.ok()) {
    JANGBU_CHECK(EncodeTlogConsistency(*proof) == bytes);
    JANGBU_CHECK(*ParseTlogConsistency(EncodeTlogConsistency(*proof)) == *proof);
    const Checkpoint head = *ParseCheckpoint(ParseNote(proof->checkpoint)->text);
    const bool consistent =
        VerifyConsistency(proof->old_size, Sha256("no root"), head.size, head.root, proof->path)
            .ok();
    JANGBU_CHECK(!consistent);
  }
  if (const StatusOr<Tile> tile = ParseTilePath(bytes); tile.ok()) {
    JANGBU_CHECK(TilePath(*tile) == bytes);
    JANGBU_CHECK(*ParseTilePath(TilePath(*tile)) == *tile);
    JANGBU_CHECK(!TileExists(*tile, 0));
  }
  if (const StatusOr<std::vector<std::string_view>> entries = DecodeEntryBundle(bytes);
      entries.ok()) {
    JANGBU_CHECK(*EncodeEntryBundle(*entries) == bytes);
  }
  return 0;
}
