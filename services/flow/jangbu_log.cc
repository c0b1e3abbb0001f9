// The transparency log as it is shown: checkpoints, proofs, receipts, tiles, books root.

#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "ledger/books_root.h"
#include "ledger/merkle/receipt.h"
#include "ledger/merkle/tiles.h"
#include "ledger/merkle/tlog_proof.h"
#include "services/flow/jangbu.h"
#include "services/flow/jangbu_state.h"
#include "services/storage/files.h"

namespace jangbu::services {
namespace {

StatusOr<std::string> ReceiptUnder(const Scribe& scribe, uint64_t seq,
                                   const std::string& checkpoint) {
  JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, scribe.EntryAt(seq));
  ledger::LeafOpening opening;
  opening.own_salt = entry.own_salt;
  opening.own_part = ledger::OwnPart(entry);
  opening.sealed_commitment =
      ledger::SealedCommitment(entry.sealed_salt, ledger::SealedPart(entry));
  StatusOr<ledger::Receipt> receipt =
      scribe.Read([&](const ledger::Books&, const ledger::MerkleTree& tree) {
        return ledger::MakeReceipt(tree, seq, std::move(opening), checkpoint);
      });
  JANGBU_RETURN_IF_ERROR(receipt.status());
  return ledger::EncodeReceipt(*receipt);
}

}  // namespace

StatusOr<std::string> Jangbu::State::ReceiptOf(uint64_t seq) {
  JANGBU_ASSIGN_OR_RETURN(const std::string head, Publish());
  return ReceiptUnder(*scribe, seq, head);
}

StatusOr<std::string> Jangbu::State::Publish() {
  const std::lock_guard lock(checkpoint_mutex);
  JANGBU_RETURN_IF_ERROR(scribe->fatal());
  ledger::Checkpoint head;
  scribe->Read([&](const ledger::Books&, const ledger::MerkleTree& tree) {
    head = {.origin = signer->name(), .size = tree.size(), .root = tree.Root()};
  });
  if (!checkpoint.empty() && head.size == checkpoint_size && !checkpoint_failing) return checkpoint;
  JANGBU_ASSIGN_OR_RETURN(std::string signed_head, ledger::SignCheckpoint(head, *signer));
  // First where a later restore will look for it, then to anybody.
  checkpoint_failing = true;
  JANGBU_RETURN_IF_ERROR(
      ReplaceFile(AnchorPath(options.data_dir, options.anchor_file), signed_head));
  checkpoint_failing = false;
  checkpoint = std::move(signed_head);
  checkpoint_size = head.size;
  return checkpoint;
}

StatusOr<std::string> Jangbu::GetCheckpoint(bool fresh) {
  if (fresh) return state_->Publish();
  const std::lock_guard lock(state_->checkpoint_mutex);
  return state_->checkpoint;
}

std::string Jangbu::LogVerifierKey() { return state_->signer->verifier().Vkey(); }
std::string Jangbu::LogOrigin() { return state_->signer->name(); }

StatusOr<std::string> Jangbu::State::ReceiptsOf(const std::vector<uint64_t>& entries) {
  JANGBU_ASSIGN_OR_RETURN(const std::string signed_head, Publish());
  std::vector<std::string> receipts;
  for (const uint64_t seq : entries) {
    JANGBU_ASSIGN_OR_RETURN(std::string receipt, ReceiptUnder(*scribe, seq, signed_head));
    receipts.push_back(std::move(receipt));
  }
  return ledger::EncodeReceiptBundle(receipts);
}

StatusOr<std::string> Jangbu::GetReceipt(uint32_t partner, uint32_t number) {
  JANGBU_ASSIGN_OR_RETURN(const ledger::UploadRecord upload, state_->FindUpload(partner, number));
  return state_->ReceiptsOf(upload.entries);
}

StatusOr<std::string> Jangbu::GetLotReceipt(uint32_t partner, uint32_t lot) {
  const std::optional<uint64_t> seq = state_->scribe->Read(
      [&](const ledger::Books& books, const ledger::MerkleTree&) -> std::optional<uint64_t> {
        const std::vector<uint64_t>& lots = books.FindPartner(partner)->lots;
        if (lot == 0 || lot > lots.size()) return std::nullopt;
        return lots[lot - 1];
      });
  if (!seq.has_value()) {
    return NotFound("no_such_lot", "this partner has no lot " + std::to_string(lot));
  }
  return state_->ReceiptsOf({*seq});
}

StatusOr<std::string> Jangbu::GetDossierReceipt(uint32_t dossier) {
  const std::optional<uint64_t> seq = state_->scribe->Read(
      [&](const ledger::Books& books, const ledger::MerkleTree&) -> std::optional<uint64_t> {
        if (dossier == 0 || dossier > books.dossiers().size()) return std::nullopt;
        return books.dossiers()[dossier - 1].seq;
      });
  if (!seq.has_value())
    return NotFound("no_such_dossier", "there is no dossier " + std::to_string(dossier));
  return state_->ReceiptsOf({*seq});
}

StatusOr<Jangbu::Inclusion> Jangbu::ProveInclusion(uint64_t index) {
  JANGBU_ASSIGN_OR_RETURN(const std::string checkpoint, state_->Publish());
  JANGBU_ASSIGN_OR_RETURN(const ledger::Checkpoint head,
                          ledger::VerifyCheckpoint(checkpoint, state_->signer->verifier()));
  ledger::TlogProof proof;
  proof.index = index;
  proof.checkpoint = checkpoint;
  StatusOr<std::vector<Digest>> path =
      state_->scribe->Read([&](const ledger::Books&, const ledger::MerkleTree& tree) {
        return tree.InclusionProof(index, head.size);
      });
  JANGBU_ASSIGN_OR_RETURN(proof.path, std::move(path));
  const std::vector<Digest> leaf = state_->scribe->LeafRange(index, 1);
  JANGBU_CHECK(leaf.size() == 1);
  return Inclusion{.proof = ledger::EncodeTlogProof(proof), .leaf = std::string(AsView(leaf[0]))};
}

StatusOr<Jangbu::Consistency> Jangbu::ProveConsistency(uint64_t old_size) {
  JANGBU_ASSIGN_OR_RETURN(const std::string checkpoint, state_->Publish());
  JANGBU_ASSIGN_OR_RETURN(const ledger::Checkpoint head,
                          ledger::VerifyCheckpoint(checkpoint, state_->signer->verifier()));
  StatusOr<std::vector<Digest>> path =
      state_->scribe->Read([&](const ledger::Books&, const ledger::MerkleTree& tree) {
        return tree.ConsistencyProof(old_size, head.size);
      });
  Consistency proof{
      .path = {}, .old_size = old_size, .new_size = head.size, .checkpoint = checkpoint};
  JANGBU_ASSIGN_OR_RETURN(proof.path, std::move(path));
  return proof;
}

StatusOr<std::string> Jangbu::LogFile(std::string_view path) {
  if (path == "checkpoint") return GetCheckpoint(false);
  const Status missing = NotFound("no_such_tile", "the log has no such file");
  const StatusOr<ledger::Tile> tile = ledger::ParseTilePath(path);
  if (!tile.ok()) return missing;
  uint64_t size = 0;
  {
    const std::lock_guard lock(state_->checkpoint_mutex);
    size = state_->checkpoint_size;
  }
  if (!ledger::TileExists(*tile, size)) return missing;
  if (!tile->entries) {
    return state_->scribe->Read([&](const ledger::Books&, const ledger::MerkleTree& tree) {
      return ledger::TileBytes(tree, *tile, size);
    });
  }
  const std::vector<Digest> leaves =
      state_->scribe->LeafRange(tile->index * ledger::kTileWidth, tile->width);
  std::vector<std::string_view> entries;
  entries.reserve(leaves.size());
  for (const Digest& leaf : leaves) entries.push_back(AsView(leaf));
  return ledger::EncodeEntryBundle(entries);
}

StatusOr<Digest> Jangbu::BooksRoot() {
  // Under the lock: the books must not move between the sums and the entries. Entries are read
  // straight from the journal, which appends under the same lock.
  return state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    return ledger::BooksRoot(books, [&](uint64_t seq) -> StatusOr<ledger::Entry> {
      JANGBU_ASSIGN_OR_RETURN(const std::vector<std::string> records,
                              state_->data->journal().Read(seq, 1, size_t{1} << 30));
      if (records.empty())
        return NotFound("no_such_entry", "the journal has no entry " + std::to_string(seq));
      return ledger::DecodeEntry(seq, records[0]);
    });
  });
}

}  // namespace jangbu::services
