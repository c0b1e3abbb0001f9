#pragma once

// A small log for tests: keys from fixed seeds, entries from their numbers.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "ledger/merkle/checkpoint.h"
#include "ledger/merkle/leaf.h"
#include "ledger/merkle/note.h"
#include "ledger/merkle/receipt.h"
#include "ledger/merkle/tree.h"

namespace jangbu::ledger {

inline std::string TestEntry(uint64_t i) { return "entry " + std::to_string(i); }

inline MerkleTree TestTree(uint64_t size) {
  MerkleTree tree;
  for (uint64_t i = 0; i < size; ++i) tree.Append(LeafHash(TestEntry(i)));
  return tree;
}

inline NoteSigner TestSigner(std::string_view name, std::string_view seed_text,
                             KeyType type = KeyType::kEd25519) {
  StatusOr<NoteSigner> signer = NoteSigner::Create(name, Sha256(seed_text), type);
  JANGBU_CHECK(signer.ok());
  return *std::move(signer);
}

// A log of salted leaves, as the ledger keeps it.
struct TestLog {
  explicit TestLog(uint64_t size, std::string_view name = "log.jangbu.example/books",
                   std::string_view seed = "log key")
      : signer(TestSigner(name, seed)) {
    for (uint64_t i = 0; i < size; ++i) {
      LeafOpening opening;
      opening.own_salt = Sha256("own salt " + std::to_string(i));
      opening.own_part = "파트너 mina 몫: upload 7, lot " + std::to_string(i);
      opening.sealed_commitment = SealedCommitment(Sha256("sealed salt " + std::to_string(i)),
                                                   "sealed " + std::to_string(i));
      tree.Append(LeafHash(AsView(LeafData(opening))));
      openings.push_back(std::move(opening));
    }
  }

  Checkpoint Head(uint64_t size) const {
    StatusOr<Digest> root = tree.Root(size);
    JANGBU_CHECK(root.ok());
    return {signer.name(), size, *root};
  }
  std::string Signed(const Checkpoint& checkpoint) const {
    StatusOr<std::string> bytes = SignCheckpoint(checkpoint, signer);
    JANGBU_CHECK(bytes.ok());
    return *bytes;
  }
  std::string SignedHead(uint64_t size) const { return Signed(Head(size)); }
  Receipt ReceiptOf(uint64_t index, uint64_t size) const {
    StatusOr<Receipt> receipt = MakeReceipt(tree, index, openings[index], SignedHead(size));
    JANGBU_CHECK(receipt.ok());
    return *std::move(receipt);
  }

  NoteSigner signer;
  MerkleTree tree;
  std::vector<LeafOpening> openings;
};

template <typename T>
std::string Reason(const StatusOr<T>& result) {
  return result.ok() ? "ok" : std::string(ReasonOf(result.status()));
}
inline std::string Reason(const Status& status) {
  return status.ok() ? "ok" : std::string(ReasonOf(status));
}

}  // namespace jangbu::ledger
