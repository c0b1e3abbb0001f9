#pragma once

// The high-water mark: a small signed file beside the journal that says how much of it was
// acknowledged.
//
// RocksDB recovers to a point in time: after damage to its write-ahead log it opens, silently, with
// fewer records than were acknowledged. The mark makes that loud. The writer's order is
//
//     append to the journal (durable)  →  write the mark (durable)  →  acknowledge
//
// so at any instant the journal is at least as long as the mark, and whoever opens refuses a
// shorter one.
//
// The other stores have the same weakness, and a key index that forgets claims pays twice. Records
// rest only on what was durable before them, so the mark carries how far each of them was, too.
//
// The file, 144 bytes, replaced whole by rename:
//
//     mark      = magic size epoch root keys blobs vault signature
//     magic     = "jbmark1\n"
//     size      = u64            ; records acknowledged, little-endian as all integers here
//     epoch     = u64            ; of the writer
//     root      = 32 bytes       ; RFC 6962 root of the leaves of the first `size` records
//     keys, blobs, vault = u64   ; Position() of the other stores when the mark was written
//     signature = 64 bytes       ; Ed25519 over "jangbu high-water mark 1\n" magic size epoch root
//
// Any other size or any changed byte is refused.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/journal.h"
#include "base/status.h"
#include "services/storage/ed25519.h"
#include "services/storage/envelope.h"

namespace jangbu::services {

// How far the other stores were: Position() of each.
struct StorePositions {
  uint64_t keys = 0;
  uint64_t blobs = 0;
  uint64_t vault = 0;
  bool operator==(const StorePositions&) const = default;
};

struct Mark {
  uint64_t size = 0;  // records acknowledged: seq of the last one + 1
  Epoch epoch = 0;
  Digest root{};  // of the log of that size
  StorePositions stores{};
  bool operator==(const Mark&) const = default;
};

inline constexpr size_t kMarkBytes = 144;

std::string EncodeMark(const Mark& mark, const SecretKey& signing_seed);
// DataLoss("mark_damaged") for anything but what EncodeMark gave under the key's secret.
StatusOr<Mark> DecodeMark(std::string_view bytes, const Ed25519PublicKey& key);

// The file at `path`. NotFound("mark_missing"), DataLoss("mark_damaged"),
// Unavailable("mark_unreadable").
StatusOr<Mark> ReadMark(const std::string& path, const Ed25519PublicKey& key);

// Writes marks. Thread-safe. One for each path, by the holder of the data directory's lock.
class MarkWriter {
 public:
  // `last` is the mark that the file holds now, if there is one. `positions`, when given, fills
  // each mark's `stores`.
  MarkWriter(std::string path, SecretKey signing_seed, std::optional<Mark> last,
             std::function<StorePositions()> positions = nullptr);

  // Durable on return: temporary file, fdatasync, rename, fsync of the directory. Size and epoch
  // never go down: FailedPrecondition("mark_going_back"). After Unavailable the mark is the old or
  // the new one, and the writer refuses everything from then on (a failed sync is never retried on
  // the same pages): open the data directory again.
  Status Write(Mark mark);

 private:
  const std::string path_;
  const SecretKey seed_;
  const std::function<StorePositions()> positions_;
  std::mutex mutex_;
  std::optional<Mark> last_;
  Status broken_;
};

// The opening rule: the journal must hold everything that the mark says was acknowledged, and the
// same. `tail` is the journal's, `root_at(n)` the root of the log of its first n records.
// DataLoss("journal_short_of_mark") or DataLoss("journal_differs_from_mark") say what to restore.
Status CheckMark(const Mark& mark, Seq tail,
                 const std::function<StatusOr<Digest>(uint64_t size)>& root_at);

// The same for the other stores. DataLoss("store_short_of_mark") names the one that lost changes.
Status CheckPositions(const Mark& mark, const StorePositions& found);

}  // namespace jangbu::services
