#include "ledger/merkle/receipt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ledger/merkle/tlog_proof.h"
#include "tests/ledger/merkle/test_log.h"

namespace jangbu::ledger {
namespace {

std::string Bytes(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out.append(part);
  return out;
}

// The layout of the header comment, byte by byte.
TEST(Leaf, IsWhatItsDefinitionSays) {
  const Salt own_salt = Sha256("salt 1");
  const Salt sealed_salt = Sha256("salt 2");
  const Digest own = Sha256(Bytes({"jangbu/leaf/own/v1\n", AsView(own_salt), "own part"}));
  const Digest sealed =
      Sha256(Bytes({"jangbu/leaf/sealed/v1\n", AsView(sealed_salt), "sealed part"}));
  const Digest data = Sha256(Bytes({std::string_view("\x01\x00", 2), AsView(own), AsView(sealed)}));
  EXPECT_EQ(OwnCommitment(own_salt, "own part"), own);
  EXPECT_EQ(SealedCommitment(sealed_salt, "sealed part"), sealed);
  EXPECT_EQ(LeafData(own, sealed), data);
  const LeafOpening opening{1, own_salt, "own part", sealed};
  EXPECT_EQ(LeafData(opening), data);
  EXPECT_EQ(EncodeOpening(opening),
            Bytes({std::string_view("\x01\x00", 2), AsView(own_salt), AsView(sealed), "own part"}));
  EXPECT_EQ(*ParseOpening(EncodeOpening(opening)), opening);
}

TEST(Leaf, PartsAndRolesDoNotMix) {
  const Salt salt = Sha256("salt");
  EXPECT_NE(OwnCommitment(salt, "x"), SealedCommitment(salt, "x"));
  EXPECT_NE(OwnCommitment(salt, "x"), OwnCommitment(Sha256("other salt"), "x"));
  const Digest a = Sha256("a");
  const Digest b = Sha256("b");
  EXPECT_NE(LeafData(a, b), LeafData(b, a));
  EXPECT_NE(LeafData(a, b), NodeHash(a, b));
  EXPECT_NE(LeafData(a, b, 1), LeafData(a, b, 2));
}

TEST(Leaf, OpeningsHaveOneForm) {
  LeafOpening empty;
  EXPECT_EQ(*ParseOpening(EncodeOpening(empty)), empty);
  EXPECT_EQ(Reason(ParseOpening(EncodeOpening(empty).substr(0, 65))), "bad_opening");
  EXPECT_EQ(Reason(ParseOpening("")), "bad_opening");
  EXPECT_EQ(Reason(ParseOpening(std::string(66 + kMaxOwnPartBytes + 1, '\1'))), "bad_opening");
  empty.version = 2;
  EXPECT_EQ(Reason(ParseOpening(EncodeOpening(empty))), "unknown_version");
}

TEST(TlogProof, ExampleOfTheSpecificationParses) {
  const std::string bytes =
      "c2sp.org/tlog-proof@v1\n"
      "index 73894\n"
      "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"
      "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n"
      "\n"
      "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
      "— example.com/behind-the-sofa "
      "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
      "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
  const StatusOr<TlogProof> proof = ParseTlogProof(bytes);
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_EQ(proof->index, 73894u);
  EXPECT_EQ(proof->path.size(), 2u);
  EXPECT_EQ(proof->extra, "");
  EXPECT_EQ(EncodeTlogProof(*proof), bytes);
}

TEST(TlogProof, EmptyExtraIsNoLine) {
  const TestLog log(2);
  const TlogProof proof{"", 0, *log.tree.InclusionProof(0, 2), log.SignedHead(2)};
  std::string bytes = EncodeTlogProof(proof);
  EXPECT_EQ(bytes.find("extra"), std::string::npos);
  bytes.insert(bytes.find("index"), "extra \n");
  EXPECT_EQ(Reason(ParseTlogProof(bytes)), "bad_extra");
}

TEST(TlogProof, ProvesAnyEntry) {
  const NoteSigner signer = TestSigner("log.example", "log");
  const MerkleTree tree = TestTree(20);
  const std::string checkpoint = *SignCheckpoint({"log.example", 20, tree.Root()}, signer);
  const TlogProof proof{"", 7, *tree.InclusionProof(7, 20), checkpoint};
  EXPECT_EQ(*ParseTlogProof(EncodeTlogProof(proof)), proof);
  EXPECT_EQ(VerifyTlogProof(proof, TestEntry(7), signer.verifier())->size, 20u);
  EXPECT_EQ(Reason(VerifyTlogProof(proof, TestEntry(8), signer.verifier())), "root_mismatch");
}

TEST(TlogConsistency, ProvesGrowthAndNamesForks) {
  const TestLog log(20);
  const NoteVerifier& key = log.signer.verifier();
  const std::string old_checkpoint = log.SignedHead(9);
  const TlogConsistency proof{9, *log.tree.ConsistencyProof(9, 20), log.SignedHead(20)};
  const std::string bytes = EncodeTlogConsistency(proof);
  EXPECT_TRUE(bytes.starts_with("old 9\n"));
  EXPECT_EQ(*ParseTlogConsistency(bytes), proof);
  EXPECT_EQ(*VerifyTlogConsistency(old_checkpoint, proof, key), log.Head(20));
  EXPECT_EQ(Reason(VerifyTlogConsistency(log.SignedHead(8), proof, key)), "wrong_old_size");

  TestLog fork(8);  // the same first eight leaves, then others, under the same key
  for (uint64_t i = 8; i < 20; ++i)
    fork.tree.Append(LeafHash("another history " + std::to_string(i)));
  EXPECT_EQ(Reason(VerifyTlogConsistency(fork.SignedHead(9), proof, key)), "old_root_mismatch");
  TlogConsistency forked = proof;
  forked.checkpoint = fork.SignedHead(20);
  EXPECT_EQ(Reason(VerifyTlogConsistency(old_checkpoint, forked, key)), "new_root_mismatch");
  forked = proof;
  forked.path.pop_back();
  EXPECT_EQ(Reason(VerifyTlogConsistency(old_checkpoint, forked, key)), "path_length");
  forked = proof;
  forked.checkpoint = TestLog(20, "log.other.example", "x").SignedHead(20);
  EXPECT_EQ(Reason(VerifyTlogConsistency(old_checkpoint, forked, key)), "unknown_key");

  EXPECT_EQ(Reason(ParseTlogConsistency("")), "bad_old_size");
  EXPECT_EQ(Reason(ParseTlogConsistency("old 09" + bytes.substr(5))), "bad_old_size");
  EXPECT_EQ(Reason(ParseTlogConsistency("9" + bytes.substr(5))), "bad_old_size");
  EXPECT_EQ(Reason(ParseTlogConsistency(bytes.substr(0, 60))), "truncated");
  TlogConsistency endless = proof;
  endless.path.assign(64, Digest{});
  EXPECT_EQ(Reason(ParseTlogConsistency(EncodeTlogConsistency(endless))), "bad_path");
}

TEST(Receipt, OpensTheOwnPartOfEveryLeafUnderEveryLaterHead) {
  const TestLog log(33);
  for (const uint64_t size : {1u, 2u, 16u, 31u, 33u}) {
    for (uint64_t index = 0; index < size; ++index) {
      const Receipt receipt = log.ReceiptOf(index, size);
      const std::string bytes = EncodeReceipt(receipt);
      ASSERT_EQ(*ParseReceipt(bytes), receipt);
      const StatusOr<OpenedReceipt> opened = VerifyReceipt(bytes, log.signer.verifier().Vkey());
      ASSERT_TRUE(opened.ok()) << opened.status();
      EXPECT_EQ(opened->index, index);
      EXPECT_EQ(opened->checkpoint, log.Head(size));
      EXPECT_EQ(opened->own_part, log.openings[index].own_part);
      EXPECT_EQ(opened->leaf_data, LeafData(log.openings[index]));
    }
  }
}

TEST(Receipt, IsAnOrdinaryTlogProofOfTheLeafData) {
  const TestLog log(12);
  const StatusOr<TlogProof> proof = ParseTlogProof(EncodeReceipt(log.ReceiptOf(5, 12)));
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_EQ(
      Reason(VerifyTlogProof(*proof, AsView(LeafData(log.openings[5])), log.signer.verifier())),
      "ok");
}

TEST(Receipt, IsNotMadeUnlessItVerifies) {
  const TestLog log(12);
  EXPECT_EQ(Reason(MakeReceipt(log.tree, 5, log.openings[6], log.SignedHead(12))), "root_mismatch");
  EXPECT_EQ(Reason(MakeReceipt(log.tree, 12, log.openings[6], log.SignedHead(12))),
            "index_beyond_size");
  const TestLog longer(13);
  EXPECT_EQ(Reason(MakeReceipt(log.tree, 5, log.openings[5], longer.SignedHead(13))),
            "size_beyond_tree");
  EXPECT_EQ(Reason(MakeReceipt(log.tree, 5, log.openings[5], "no checkpoint")), "truncated");
}

TEST(Receipt, EveryForgeryHasItsReason) {
  const TestLog log(23);
  const TestLog other(23, "log.other.example", "other key");
  const TestLog impostor(23, log.signer.name(), "impostor's key");
  TestLog fork(10);
  for (uint64_t i = 10; i < 23; ++i) fork.tree.Append(LeafHash("another history"));

  struct Forgery {
    std::string what;
    std::function<void(Receipt&)> forge;
    std::string reason;
  };
  const std::vector<Forgery> forgeries = {
      {"nothing changed", [](Receipt&) {}, "ok"},
      {"wrong key", [&](Receipt& r) { r.checkpoint = impostor.SignedHead(23); }, "unknown_key"},
      {"checkpoint of another log", [&](Receipt& r) { r.checkpoint = other.SignedHead(23); },
       "unknown_key"},
      {"wrong key under the right id",
       [&](Receipt& r) {
         Note note = *ParseNote(impostor.SignedHead(23));
         note.signatures[0].key_id = log.signer.key_id();
         r.checkpoint = EncodeNote(note);
       },
       "bad_signature"},
      {"altered root",
       [&](Receipt& r) {
         Note note = *ParseNote(r.checkpoint);
         note.text = EncodeCheckpoint(fork.Head(23));
         r.checkpoint = EncodeNote(note);
       },
       "bad_signature"},
      {"altered size",
       [&](Receipt& r) {
         Note note = *ParseNote(r.checkpoint);
         note.text = EncodeCheckpoint({log.signer.name(), 24, log.tree.Root()});
         r.checkpoint = EncodeNote(note);
       },
       "bad_signature"},
      {"wrong origin",
       [&](Receipt& r) {
         r.checkpoint =
             *SignNote(EncodeCheckpoint({"log.other.example", 23, log.tree.Root()}), log.signer);
       },
       "wrong_origin"},
      {"size smaller than index", [&](Receipt& r) { r.checkpoint = log.SignedHead(10); },
       "index_beyond_size"},
      {"another head of the log", [&](Receipt& r) { r.checkpoint = log.SignedHead(22); },
       "root_mismatch"},
      {"head of a fork", [&](Receipt& r) { r.checkpoint = fork.SignedHead(23); }, "root_mismatch"},
      {"altered own part", [](Receipt& r) { r.opening.own_part[3] ^= 1; }, "root_mismatch"},
      {"longer own part", [](Receipt& r) { r.opening.own_part += "0"; }, "root_mismatch"},
      {"own part of a neighbour", [&](Receipt& r) { r.opening = log.openings[11]; },
       "root_mismatch"},
      {"altered salt", [](Receipt& r) { r.opening.own_salt[31] ^= 1; }, "root_mismatch"},
      {"altered sealed commitment", [](Receipt& r) { r.opening.sealed_commitment[0] ^= 1; },
       "root_mismatch"},
      {"altered version", [](Receipt& r) { r.opening.version = 2; }, "unknown_version"},
      {"altered path", [](Receipt& r) { r.path[2][7] ^= 1; }, "root_mismatch"},
      {"reversed path", [](Receipt& r) { std::reverse(r.path.begin(), r.path.end()); },
       "root_mismatch"},
      {"swapped index", [](Receipt& r) { r.index = 13; }, "root_mismatch"},
      {"swapped index at the short side", [](Receipt& r) { r.index = 22; }, "path_length"},
      {"index beyond the log", [](Receipt& r) { r.index = 23; }, "index_beyond_size"},
      {"index at the end of numbers", [](Receipt& r) { r.index = ~uint64_t{0}; },
       "index_beyond_size"},
      {"shortened path", [](Receipt& r) { r.path.pop_back(); }, "path_length"},
      {"lengthened path", [](Receipt& r) { r.path.push_back({}); }, "path_length"},
      {"no path", [](Receipt& r) { r.path.clear(); }, "path_length"},
      {"endless path", [](Receipt& r) { r.path.resize(65); }, "bad_path"},
  };
  for (const Forgery& forgery : forgeries) {
    Receipt receipt = log.ReceiptOf(12, 23);
    forgery.forge(receipt);
    EXPECT_EQ(Reason(VerifyReceipt(EncodeReceipt(receipt), log.signer.verifier())), forgery.reason)
        << forgery.what;
  }
  EXPECT_EQ(Reason(VerifyReceipt(EncodeReceipt(log.ReceiptOf(12, 23)), "no key")), "bad_vkey");
}

TEST(Receipt, EveryDamageOfTheFileHasItsReason) {
  const TestLog log(23);
  const std::string good = EncodeReceipt(log.ReceiptOf(12, 23));
  const size_t index = good.find("index ");
  const size_t blank = good.find("\n\n");
  const auto replaced = [&](std::string_view from, std::string_view to) {
    std::string out = good;
    return out.replace(out.find(from), from.size(), to);
  };
  const struct {
    std::string what, bytes, reason;
  } cases[] = {
      {"nothing changed", good, "ok"},
      {"empty", "", "bad_header"},
      {"another version", replaced("@v1", "@v2"), "bad_header"},
      {"a byte order mark", "\xEF\xBB\xBF" + good, "bad_header"},
      {"carriage returns", replaced("@v1\n", "@v1\r\n"), "bad_header"},
      {"extra cut to nothing",
       replaced(good.substr(good.find("extra "), index - good.find("extra ")), "extra \n"),
       "bad_extra"},
      {"extra is no base64", replaced("extra ", "extra !"), "bad_extra"},
      {"no extra", replaced(good.substr(good.find("extra "), index - good.find("extra ")), ""),
       "bad_extra"},
      {"extra twice", replaced("index 12", "extra AAAA\nindex 12"), "bad_index"},
      {"extra too short for an opening",
       replaced(good.substr(good.find("extra "), index - good.find("extra ")), "extra AQAA\n"),
       "bad_opening"},
      {"index with a leading zero", replaced("index 12", "index 012"), "bad_index"},
      {"negative index", replaced("index 12", "index -12"), "bad_index"},
      {"index with a space after it", replaced("index 12", "index 12 "), "bad_index"},
      {"no index", replaced("index 12\n", ""), "bad_index"},
      {"index past 64 bits", replaced("index 12", "index 18446744073709551616"), "bad_index"},
      {"path line cut", replaced("=\n\n", "\n\n"), "bad_path"},
      {"path line of another length", replaced("index 12\n", "index 12\nAAAA\n"), "bad_path"},
      {"endless line", replaced("index 12\n", "index 12\n" + std::string(100'000, 'A') + "\n"),
       "bad_path"},
      {"truncated after the header", good.substr(0, 23), "truncated"},
      {"truncated before the index", good.substr(0, index), "truncated"},
      {"truncated in the path", good.substr(0, blank - 60), "truncated"},
      {"truncated before the checkpoint", good.substr(0, blank + 2), "truncated"},
      {"truncated in the checkpoint", good.substr(0, blank + 20), "truncated"},
      {"truncated before the signature", good.substr(0, good.rfind("— ")), "truncated"},
      {"truncated in the signature", good.substr(0, good.size() - 9), "truncated"},
      {"truncated by its newline", good.substr(0, good.size() - 1), "truncated"},
      {"trailing garbage", good + "garbage", "bad_signature_line"},
      {"trailing line", good + "garbage\n", "bad_signature_line"},
      {"a second receipt", good + good, "bad_checkpoint"},
      {"extension line", replaced("=\n\n— ", "=\nextension\n\n— "), "bad_checkpoint"},
      {"too large", good + std::string(kMaxReceiptBytes, 'x'), "receipt_too_large"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Reason(VerifyReceipt(c.bytes, log.signer.verifier())), c.reason) << c.what;
  }
  // No shorter file is a receipt.
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(Reason(VerifyReceipt(good.substr(0, size), log.signer.verifier())), "ok") << size;
  }
}

TEST(Receipt, AnyChangedByteIsRefused) {
  const TestLog log(5);
  const std::string good = EncodeReceipt(log.ReceiptOf(2, 5));
  for (size_t i = 0; i < good.size(); ++i) {
    for (const int flip : {0x01, 0x04, 0x20}) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      EXPECT_NE(Reason(VerifyReceipt(bytes, log.signer.verifier())), "ok")
          << "byte " << i << " ^ " << flip;
    }
  }
}

TEST(ReceiptBundle, HoldsReceiptsOfSeveralHeads) {
  const TestLog log(23);
  std::vector<std::string> receipts;
  for (const uint64_t index : {3u, 4u, 9u})
    receipts.push_back(EncodeReceipt(log.ReceiptOf(index, index < 5 ? 7 : 23)));
  const std::string bytes = *EncodeReceiptBundle(receipts);
  EXPECT_TRUE(bytes.starts_with("jangbu/receipts@v1\ncount 3\nreceipt "));
  const std::vector<std::string_view> parts = *ParseReceiptBundle(bytes);
  EXPECT_EQ(std::vector<std::string>(parts.begin(), parts.end()), receipts);
  const StatusOr<std::vector<OpenedReceipt>> opened =
      VerifyReceiptFile(bytes, log.signer.verifier());
  ASSERT_TRUE(opened.ok()) << opened.status();
  ASSERT_EQ(opened->size(), 3u);
  EXPECT_EQ((*opened)[2].index, 9u);
  EXPECT_EQ((*opened)[2].checkpoint.size, 23u);
  EXPECT_EQ((*opened)[0].checkpoint.size, 7u);
  // One receipt alone is a file too.
  EXPECT_EQ(VerifyReceiptFile(receipts[0], log.signer.verifier())->size(), 1u);
}

TEST(ReceiptBundle, IsAllOrNothing) {
  const TestLog log(23);
  const std::string a = EncodeReceipt(log.ReceiptOf(3, 23));
  Receipt forged = log.ReceiptOf(4, 23);
  forged.opening.own_part += "0";
  const std::string bytes =
      *EncodeReceiptBundle(std::vector<std::string>{a, EncodeReceipt(forged), a});
  const StatusOr<std::vector<OpenedReceipt>> opened =
      VerifyReceiptFile(bytes, log.signer.verifier());
  EXPECT_EQ(Reason(opened), "root_mismatch");
  EXPECT_NE(MessageOf(opened.status()).find("receipt 2"), std::string_view::npos)
      << opened.status();
}

TEST(ReceiptBundle, DamageIsRefused) {
  const TestLog log(5);
  const std::string receipt = EncodeReceipt(log.ReceiptOf(3, 5));
  const std::string size = std::to_string(receipt.size());
  const std::string head = "jangbu/receipts@v1\n";
  EXPECT_EQ(Reason(ParseReceiptBundle(head + "count 1\nreceipt " + size + "\n" + receipt)), "ok");
  for (const std::string& bytes : std::vector<std::string>{
           "", head, head + "count 0\n", head + "count\n",
           head + "count 01\nreceipt " + size + "\n" + receipt,
           head + "count 2\nreceipt " + size + "\n" + receipt,
           head + "count 1\nreceipt " + size + "\n" + receipt + "x",
           head + "count 1\nreceipt " + size + "\n" + receipt.substr(1),
           head + "count 1\nreceipt 0" + size + "\n" + receipt,
           head + "count 1\nreceipt 18446744073709551615\n" + receipt,
           head + "count 18446744073709551615\nreceipt " + size + "\n" + receipt,
           "jangbu/receipts@v2\ncount 1\n"}) {
    EXPECT_EQ(Reason(ParseReceiptBundle(bytes)), "bad_bundle") << bytes.substr(0, 60);
  }
  EXPECT_EQ(Reason(EncodeReceiptBundle({})), "bad_bundle");
}

}  // namespace
}  // namespace jangbu::ledger
