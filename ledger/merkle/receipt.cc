#include "ledger/merkle/receipt.h"

#include <optional>

#include "base/bytes.h"
#include "ledger/merkle/text.h"
#include "ledger/merkle/tlog_proof.h"

namespace jangbu::ledger {
namespace {

constexpr std::string_view kBundleHeader = "jangbu/receipts@v1\n";
constexpr std::string_view kCount = "count ";
constexpr std::string_view kReceipt = "receipt ";

std::optional<uint64_t> TakeNumber(std::string_view name, std::string_view& rest) {
  const std::optional<std::string_view> line = text::TakeLine(rest);
  if (!line.has_value() || !line->starts_with(name)) return std::nullopt;
  return text::ParseDecimal(line->substr(name.size()));
}

// The last checkpoint that verified, so that receipts which share one pay for one signature.
struct Believed {
  std::string bytes;
  Checkpoint checkpoint;
};

StatusOr<OpenedReceipt> Open(std::string_view bytes, const NoteVerifier& log, Believed& believed) {
  JANGBU_ASSIGN_OR_RETURN(Receipt receipt, ParseReceipt(bytes));
  if (believed.bytes.empty() || believed.bytes != receipt.checkpoint) {
    JANGBU_ASSIGN_OR_RETURN(Checkpoint checkpoint, VerifyCheckpoint(receipt.checkpoint, log));
    believed = {std::move(receipt.checkpoint), std::move(checkpoint)};
  }
  OpenedReceipt out{receipt.index, believed.checkpoint, LeafData(receipt.opening),
                    std::move(receipt.opening.own_part)};
  JANGBU_RETURN_IF_ERROR(VerifyInclusion(LeafHash(AsView(out.leaf_data)), out.index,
                                         out.checkpoint.size, receipt.path, out.checkpoint.root));
  return out;
}

}  // namespace

std::string EncodeReceipt(const Receipt& receipt) {
  return EncodeTlogProof(
      {EncodeOpening(receipt.opening), receipt.index, receipt.path, receipt.checkpoint});
}

StatusOr<Receipt> ParseReceipt(std::string_view bytes) {
  if (bytes.size() > kMaxReceiptBytes) {
    return InvalidArgument(
        "receipt_too_large",
        std::to_string(bytes.size()) + " bytes; the limit is " + std::to_string(kMaxReceiptBytes));
  }
  JANGBU_ASSIGN_OR_RETURN(TlogProof proof, ParseTlogProof(bytes));
  if (proof.extra.empty()) return InvalidArgument("bad_extra", "there is no opening in this proof");
  JANGBU_ASSIGN_OR_RETURN(LeafOpening opening, ParseOpening(proof.extra));
  return Receipt{std::move(opening), proof.index, std::move(proof.path),
                 std::move(proof.checkpoint)};
}

StatusOr<Receipt> MakeReceipt(const MerkleTree& tree, uint64_t index, LeafOpening opening,
                              std::string_view checkpoint) {
  JANGBU_ASSIGN_OR_RETURN(const Note note, ParseNote(checkpoint));
  JANGBU_ASSIGN_OR_RETURN(const Checkpoint head, ParseCheckpoint(note.text));
  JANGBU_ASSIGN_OR_RETURN(std::vector<Digest> path, tree.InclusionProof(index, head.size));
  if (opening.own_part.size() > kMaxOwnPartBytes)
    return InvalidArgument("bad_opening", "the own part is too large");
  JANGBU_RETURN_IF_ERROR(
      VerifyInclusion(LeafHash(AsView(LeafData(opening))), index, head.size, path, head.root));
  return Receipt{std::move(opening), index, std::move(path), std::string(checkpoint)};
}

StatusOr<OpenedReceipt> VerifyReceipt(std::string_view bytes, const NoteVerifier& log) {
  Believed believed;
  return Open(bytes, log, believed);
}

StatusOr<OpenedReceipt> VerifyReceipt(std::string_view bytes, std::string_view vkey) {
  JANGBU_ASSIGN_OR_RETURN(const NoteVerifier log, NoteVerifier::Parse(vkey));
  return VerifyReceipt(bytes, log);
}

StatusOr<std::string> EncodeReceiptBundle(std::span<const std::string> receipts) {
  if (receipts.empty()) return InvalidArgument("bad_bundle", "a bundle has at least one receipt");
  std::string out(kBundleHeader);
  out.append(kCount).append(std::to_string(receipts.size())).append("\n");
  for (const std::string& receipt : receipts) {
    out.append(kReceipt).append(std::to_string(receipt.size())).append("\n").append(receipt);
    if (out.size() > kMaxBundleBytes)
      return InvalidArgument("receipt_too_large", "too many receipts for one file");
  }
  return out;
}

StatusOr<std::vector<std::string_view>> ParseReceiptBundle(std::string_view bytes) {
  const auto bad = [](std::string_view why) { return InvalidArgument("bad_bundle", why); };
  if (bytes.size() > kMaxBundleBytes)
    return InvalidArgument("receipt_too_large", "too many receipts for one file");
  if (!bytes.starts_with(kBundleHeader)) return bad("the first line is not jangbu/receipts@v1");
  bytes.remove_prefix(kBundleHeader.size());
  const std::optional<uint64_t> count = TakeNumber(kCount, bytes);
  if (!count.has_value() || *count == 0)
    return bad("the count line is missing or is no number above 0");
  std::vector<std::string_view> receipts;
  for (uint64_t i = 0; i < *count; ++i) {
    const std::optional<uint64_t> size = TakeNumber(kReceipt, bytes);
    if (!size.has_value())
      return bad("receipt " + std::to_string(i + 1) + " is missing or has no length");
    if (*size > bytes.size()) return bad("receipt " + std::to_string(i + 1) + " is cut short");
    receipts.push_back(bytes.substr(0, *size));
    bytes.remove_prefix(*size);
  }
  if (!bytes.empty()) return bad("bytes after the last receipt");
  return receipts;
}

StatusOr<std::vector<OpenedReceipt>> VerifyReceiptFile(std::string_view bytes,
                                                       const NoteVerifier& log) {
  Believed believed;
  std::vector<OpenedReceipt> out;
  if (!bytes.starts_with(kBundleHeader)) {
    JANGBU_ASSIGN_OR_RETURN(OpenedReceipt opened, Open(bytes, log, believed));
    out.push_back(std::move(opened));
    return out;
  }
  JANGBU_ASSIGN_OR_RETURN(const std::vector<std::string_view> receipts, ParseReceiptBundle(bytes));
  for (size_t i = 0; i < receipts.size(); ++i) {
    StatusOr<OpenedReceipt> opened = Open(receipts[i], log, believed);
    if (!opened.ok()) {
      return Status(opened.status().code(), std::string(MessageOf(opened.status())) + " (receipt " +
                                                std::to_string(i + 1) + ")");
    }
    out.push_back(*std::move(opened));
  }
  return out;
}

}  // namespace jangbu::ledger
