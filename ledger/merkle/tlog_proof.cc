#include "ledger/merkle/tlog_proof.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "ledger/merkle/text.h"
#include "ledger/merkle/tree.h"

namespace jangbu::ledger {
namespace {

constexpr std::string_view kHeader = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";
constexpr std::string_view kOld = "old ";
constexpr size_t kMaxInclusionPath = 64;
constexpr size_t kMaxConsistencyPath = 63;

Status CutShort() { return InvalidArgument("truncated", "the file ends before its checkpoint"); }

void AppendPath(const std::vector<Digest>& path, std::string& out) {
  for (const Digest& hash : path) out.append(ToBase64(AsView(hash))).append("\n");
  out.append("\n");
}

// Lines of hashes up to and with the empty line.
StatusOr<std::vector<Digest>> TakePath(std::string_view& rest, size_t max) {
  std::vector<Digest> path;
  while (true) {
    const std::optional<std::string_view> line = text::TakeLine(rest);
    if (!line.has_value()) return CutShort();
    if (line->empty()) return path;
    const StatusOr<std::string> hash = FromBase64(line->substr(0, 64));
    if (line->size() > 64 || !hash.ok() || hash->size() != sizeof(Digest)) {
      return InvalidArgument("bad_path", "line " + std::to_string(path.size() + 1) +
                                             " of the path is no SHA-256 hash");
    }
    if (path.size() == max)
      return InvalidArgument("bad_path", "more than " + std::to_string(max) + " hashes");
    std::copy(hash->begin(), hash->end(), path.emplace_back().begin());
  }
}

Status CheckIsCheckpoint(std::string_view bytes) {
  JANGBU_ASSIGN_OR_RETURN(const Note note, ParseNote(bytes));
  return ParseCheckpoint(note.text).status();
}

}  // namespace

std::string EncodeTlogProof(const TlogProof& proof) {
  std::string out(kHeader);
  out.append("\n");
  if (!proof.extra.empty()) out.append(kExtra).append(ToBase64(proof.extra)).append("\n");
  out.append(kIndex).append(std::to_string(proof.index)).append("\n");
  AppendPath(proof.path, out);
  return out + proof.checkpoint;
}

StatusOr<TlogProof> ParseTlogProof(std::string_view bytes) {
  TlogProof proof;
  std::optional<std::string_view> line = text::TakeLine(bytes);
  if (line != kHeader)
    return InvalidArgument("bad_header", "the first line is not " + std::string(kHeader));
  line = text::TakeLine(bytes);
  if (line.has_value() && line->starts_with(kExtra)) {
    StatusOr<std::string> extra = FromBase64(line->substr(kExtra.size()));
    if (!extra.ok() || extra->empty())
      return InvalidArgument("bad_extra", "the extra line is not base64");
    proof.extra = *std::move(extra);
    line = text::TakeLine(bytes);
  }
  if (!line.has_value()) return CutShort();
  const std::optional<uint64_t> index =
      line->starts_with(kIndex) ? text::ParseDecimal(line->substr(kIndex.size())) : std::nullopt;
  if (!index.has_value())
    return InvalidArgument("bad_index", "the index line is missing or is not a number");
  proof.index = *index;
  JANGBU_ASSIGN_OR_RETURN(proof.path, TakePath(bytes, kMaxInclusionPath));
  JANGBU_RETURN_IF_ERROR(CheckIsCheckpoint(bytes));
  proof.checkpoint = bytes;
  return proof;
}

StatusOr<Checkpoint> VerifyTlogProof(const TlogProof& proof, std::string_view entry,
                                     const NoteVerifier& log) {
  JANGBU_ASSIGN_OR_RETURN(Checkpoint checkpoint, VerifyCheckpoint(proof.checkpoint, log));
  JANGBU_RETURN_IF_ERROR(
      VerifyInclusion(LeafHash(entry), proof.index, checkpoint.size, proof.path, checkpoint.root));
  return checkpoint;
}

std::string EncodeTlogConsistency(const TlogConsistency& proof) {
  std::string out(kOld);
  out.append(std::to_string(proof.old_size)).append("\n");
  AppendPath(proof.path, out);
  return out + proof.checkpoint;
}

StatusOr<TlogConsistency> ParseTlogConsistency(std::string_view bytes) {
  TlogConsistency proof;
  const std::optional<std::string_view> line = text::TakeLine(bytes);
  const std::optional<uint64_t> old_size = line.has_value() && line->starts_with(kOld)
                                               ? text::ParseDecimal(line->substr(kOld.size()))
                                               : std::nullopt;
  if (!old_size.has_value())
    return InvalidArgument("bad_old_size", "the first line is not an old size");
  proof.old_size = *old_size;
  JANGBU_ASSIGN_OR_RETURN(proof.path, TakePath(bytes, kMaxConsistencyPath));
  JANGBU_RETURN_IF_ERROR(CheckIsCheckpoint(bytes));
  proof.checkpoint = bytes;
  return proof;
}

StatusOr<Checkpoint> VerifyTlogConsistency(std::string_view old_checkpoint,
                                           const TlogConsistency& proof, const NoteVerifier& log) {
  JANGBU_ASSIGN_OR_RETURN(const Checkpoint before, VerifyCheckpoint(old_checkpoint, log));
  JANGBU_ASSIGN_OR_RETURN(Checkpoint after, VerifyCheckpoint(proof.checkpoint, log));
  if (before.size != proof.old_size) {
    return InvalidArgument("wrong_old_size", "the proof begins at " +
                                                 std::to_string(proof.old_size) +
                                                 ", the old checkpoint has " +
                                                 std::to_string(before.size) + " leaves");
  }
  JANGBU_RETURN_IF_ERROR(
      VerifyConsistency(before.size, before.root, after.size, after.root, proof.path));
  return after;
}

}  // namespace jangbu::ledger
