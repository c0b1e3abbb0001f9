#include "ledger/merkle/checkpoint.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "ledger/merkle/text.h"
#include "ledger/merkle/tree.h"

namespace jangbu::ledger {

std::string EncodeCheckpoint(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" +
         ToBase64(AsView(checkpoint.root)) + "\n";
}

StatusOr<Checkpoint> ParseCheckpoint(std::string_view text) {
  const auto bad = [](std::string_view why) { return InvalidArgument("bad_checkpoint", why); };
  if (text.size() > kMaxNoteBytes || !text::IsNoteText(text))
    return bad("not UTF-8 without control characters");
  const std::optional<std::string_view> origin = text::TakeLine(text);
  if (!origin.has_value() || origin->empty()) return bad("the first line is not an origin");
  const std::optional<std::string_view> size_line = text::TakeLine(text);
  const std::optional<uint64_t> size = text::ParseDecimal(size_line.value_or(""));
  if (!size.has_value()) return bad("the second line is not a size");
  const std::optional<std::string_view> root_line = text::TakeLine(text);
  const StatusOr<std::string> root = FromBase64(root_line.value_or(""));
  if (!root.ok() || root->size() != sizeof(Digest))
    return bad("the third line is not a SHA-256 root");
  if (!text.empty()) return bad("more than three lines");
  Checkpoint checkpoint{std::string(*origin), *size, {}};
  std::copy(root->begin(), root->end(), checkpoint.root.begin());
  if (checkpoint.size == 0 && checkpoint.root != EmptyRoot())
    return bad("this is not the root of an empty tree");
  return checkpoint;
}

StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, const NoteSigner& log) {
  if (checkpoint.origin != log.name()) {
    return InvalidArgument("wrong_origin",
                           "the key of " + log.name() + " does not sign for " + checkpoint.origin);
  }
  return SignNote(EncodeCheckpoint(checkpoint), log);
}

StatusOr<Checkpoint> VerifyCheckpoint(std::string_view bytes, const NoteVerifier& log) {
  JANGBU_ASSIGN_OR_RETURN(WitnessedCheckpoint out, VerifyWitnessedCheckpoint(bytes, log, {}));
  return std::move(out.checkpoint);
}

StatusOr<WitnessedCheckpoint> VerifyWitnessedCheckpoint(std::string_view bytes,
                                                        const NoteVerifier& log,
                                                        std::span<const NoteVerifier> witnesses) {
  JANGBU_ASSIGN_OR_RETURN(const Note note, ParseNote(bytes));
  // The log alone decides; a witness's word without the log's is nothing.
  JANGBU_RETURN_IF_ERROR(VerifyNote(note, std::span(&log, 1)).status());
  WitnessedCheckpoint out;
  JANGBU_ASSIGN_OR_RETURN(out.checkpoint, ParseCheckpoint(note.text));
  if (out.checkpoint.origin != log.name()) {
    return Unauthenticated("wrong_origin",
                           "signed by the key of " + log.name() + " for " + out.checkpoint.origin);
  }
  StatusOr<std::vector<VerifiedSignature>> seen = VerifyNote(note, witnesses);
  if (!seen.ok()) {
    if (ReasonOf(seen.status()) == "unknown_key") return out;
    return seen.status();
  }
  for (const VerifiedSignature& signature : *seen)
    out.cosignatures.push_back({signature.verifier, signature.time_s});
  return out;
}

StatusOr<std::string> CosignCheckpoint(std::string_view bytes, const NoteSigner& witness,
                                       uint64_t time_s) {
  JANGBU_ASSIGN_OR_RETURN(Note note, ParseNote(bytes));
  JANGBU_RETURN_IF_ERROR(ParseCheckpoint(note.text).status());
  note.signatures.push_back(witness.Cosign(note.text, time_s));
  return EncodeNote(note);
}

}  // namespace jangbu::ledger
