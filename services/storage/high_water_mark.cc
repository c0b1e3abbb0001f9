#include "services/storage/high_water_mark.h"

#include <utility>

#include "base/bytes.h"
#include "services/storage/files.h"

namespace jangbu::services {
namespace {

constexpr std::string_view kMagic = "jbmark1\n";
constexpr std::string_view kSigned = "jangbu high-water mark 1\n";

std::string Describe(const Mark& mark) {
  return "size " + std::to_string(mark.size) + ", epoch " + std::to_string(mark.epoch) + ", root " +
         ToHex(mark.root) + ", keys " + std::to_string(mark.stores.keys) + ", blobs " +
         std::to_string(mark.stores.blobs) + ", vault " + std::to_string(mark.stores.vault);
}

constexpr std::string_view kWhatToDo =
    "Acknowledged records are gone or changed: do not go on from here. Restore the journal from a "
    "replica or from a backup that holds at least these records, and keep this directory for "
    "examination";

}  // namespace

std::string EncodeMark(const Mark& mark, const SecretKey& signing_seed) {
  ByteWriter out;
  out.Raw(kMagic);
  out.U64(mark.size);
  out.U64(mark.epoch);
  out.Raw(mark.root);
  out.U64(mark.stores.keys);
  out.U64(mark.stores.blobs);
  out.U64(mark.stores.vault);
  out.Raw(SignEd25519(signing_seed, std::string(kSigned) + out.bytes()));
  return out.Take();
}

StatusOr<Mark> DecodeMark(std::string_view bytes, const Ed25519PublicKey& key) {
  ByteReader in(bytes);
  const std::string_view magic = in.Raw(kMagic.size());
  Mark mark;
  mark.size = in.U64();
  mark.epoch = in.U64();
  mark.root = in.Array<32>();
  mark.stores.keys = in.U64();
  mark.stores.blobs = in.U64();
  mark.stores.vault = in.U64();
  const Ed25519Signature signature = in.Array<64>();
  if (!in.Finish("mark").ok() || magic != kMagic) {
    return DataLoss("mark_damaged", "the mark is " + std::to_string(bytes.size()) +
                                        " bytes that are not a mark of this version");
  }
  const std::string_view body = bytes.substr(0, bytes.size() - signature.size());
  if (!VerifyEd25519(key, std::string(kSigned).append(body), signature)) {
    return DataLoss(
        "mark_damaged",
        "the mark's signature is not this installation's: it was changed, or belongs to "
        "another installation");
  }
  return mark;
}

StatusOr<Mark> ReadMark(const std::string& path, const Ed25519PublicKey& key) {
  const StatusOr<std::string> bytes = ReadWholeFile(path, kMarkBytes);
  switch (bytes.status().code()) {
    case absl::StatusCode::kOk:
      break;
    case absl::StatusCode::kNotFound:
      return NotFound("mark_missing", path);
    case absl::StatusCode::kResourceExhausted:
      return DataLoss("mark_damaged", path + " is longer than a mark");
    default:
      return Unavailable("mark_unreadable", MessageOf(bytes.status()));
  }
  const StatusOr<Mark> mark = DecodeMark(*bytes, key);
  if (!mark.ok())
    return DataLoss("mark_damaged", path + ": " + std::string(MessageOf(mark.status())));
  return mark;
}

MarkWriter::MarkWriter(std::string path, SecretKey signing_seed, std::optional<Mark> last,
                       std::function<StorePositions()> positions)
    : path_(std::move(path)),
      seed_(std::move(signing_seed)),
      positions_(std::move(positions)),
      last_(last) {}

Status MarkWriter::Write(Mark mark) {
  const std::lock_guard lock(mutex_);
  JANGBU_RETURN_IF_ERROR(broken_);
  if (positions_ != nullptr) mark.stores = positions_();
  if (last_.has_value()) {
    if (mark == *last_) return OkStatus();
    const bool back = mark.size < last_->size || mark.epoch < last_->epoch ||
                      (mark.size == last_->size && mark.root != last_->root) ||
                      mark.stores.keys < last_->stores.keys ||
                      mark.stores.blobs < last_->stores.blobs ||
                      mark.stores.vault < last_->stores.vault;
    if (back) {
      return FailedPrecondition("mark_going_back", Describe(mark) + " after " + Describe(*last_));
    }
  }
  const Status written = ReplaceFile(path_, EncodeMark(mark, seed_));
  if (!written.ok()) {
    broken_ = Unavailable("mark_unwritten", MessageOf(written));
    return broken_;
  }
  last_ = mark;
  return OkStatus();
}

Status CheckMark(const Mark& mark, Seq tail,
                 const std::function<StatusOr<Digest>(uint64_t size)>& root_at) {
  if (tail < mark.size) {
    return DataLoss("journal_short_of_mark",
                    "the journal holds " + std::to_string(tail) +
                        " records, but the mark says that " + std::to_string(mark.size) +
                        " were acknowledged (" + Describe(mark) + "). " + std::string(kWhatToDo));
  }
  JANGBU_ASSIGN_OR_RETURN(const Digest root, root_at(mark.size));
  if (root != mark.root) {
    return DataLoss("journal_differs_from_mark",
                    "the first " + std::to_string(mark.size) + " records give root " + ToHex(root) +
                        ", but the mark says " + ToHex(mark.root) + ". " + std::string(kWhatToDo));
  }
  return OkStatus();
}

Status CheckPositions(const Mark& mark, const StorePositions& found) {
  const struct {
    std::string_view store;
    uint64_t found;
    uint64_t marked;
  } all[] = {
      {"key index (store/keys)", found.keys, mark.stores.keys},
      {"blob store (store/blobs)", found.blobs, mark.stores.blobs},
      {"key vault (vault)", found.vault, mark.stores.vault},
  };
  for (const auto& each : all) {
    if (each.found >= each.marked) continue;
    return DataLoss(
        "store_short_of_mark",
        "the " + std::string(each.store) + " opened at position " + std::to_string(each.found) +
            ", but was at " + std::to_string(each.marked) +
            " when the mark was written: durable changes were lost, most likely to damage of its "
            "write-ahead log. Restore it from a replica or from a backup, together with the "
            "journal");
  }
  return OkStatus();
}

}  // namespace jangbu::services
