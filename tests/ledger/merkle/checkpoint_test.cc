#include "ledger/merkle/checkpoint.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/ledger/merkle/test_log.h"

namespace jangbu::ledger {
namespace {

TEST(Checkpoint, RoundTrip) {
  const TestLog log(5);
  for (const uint64_t size : {0u, 1u, 5u}) {
    const Checkpoint head = log.Head(size);
    const std::string text = EncodeCheckpoint(head);
    EXPECT_EQ(*ParseCheckpoint(text), head);
    const std::string bytes = log.SignedHead(size);
    EXPECT_EQ(*VerifyCheckpoint(bytes, log.signer.verifier()), head);
    EXPECT_EQ(EncodeNote(*ParseNote(bytes)), bytes);
  }
}

TEST(Checkpoint, TextHasOneSpelling) {
  const std::string root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
  EXPECT_EQ(Reason(ParseCheckpoint("example.com/behind-the-sofa\n20852163\n" + root + "\n")), "ok");
  EXPECT_EQ(
      Reason(ParseCheckpoint("원장 spaces are allowed here\n18446744073709551615\n" + root + "\n")),
      "ok");
  for (const std::string& text :
       std::vector<std::string>{"",
                                "\n",
                                "o\n",
                                "o\n1\n",
                                "o\n1\n" + root,
                                "\n1\n" + root + "\n",
                                "o\n01\n" + root + "\n",
                                "o\n-1\n" + root + "\n",
                                "o\n\n" + root + "\n",
                                "o\n1 \n" + root + "\n",
                                "o\n1\n\n",
                                "o\n1\n" + root + "\n\n",
                                "o\n1\n" + root + "\nextension\n",
                                "o\n1\n" + root.substr(4) + "\n",
                                "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
                                "o\n18446744073709551616\n" + root + "\n",
                                "o\r\n1\r\n" + root + "\r\n",
                                "o\t\n1\n" + root + "\n",
                                "o\xFF\n1\n" + root + "\n",
                                "o\n0\n" + root + "\n"}) {
    EXPECT_EQ(Reason(ParseCheckpoint(text)), "bad_checkpoint") << text;
  }
}

TEST(Checkpoint, EveryForgeryHasItsReason) {
  const TestLog log(5);
  const TestLog other(5, "log.other.example", "other key");
  const TestLog impostor(5, log.signer.name(), "impostor's key");
  const NoteVerifier& key = log.signer.verifier();
  const std::string good = log.SignedHead(5);

  EXPECT_EQ(Reason(VerifyCheckpoint(other.SignedHead(5), key)), "unknown_key");
  EXPECT_EQ(Reason(VerifyCheckpoint(impostor.SignedHead(5), key)), "unknown_key");

  // The impostor under the key id of the log.
  Note forged = *ParseNote(impostor.SignedHead(5));
  forged.signatures[0].key_id = log.signer.key_id();
  EXPECT_EQ(Reason(VerifyCheckpoint(EncodeNote(forged), key)), "bad_signature");

  // The log's signature on another size and another root.
  for (const uint64_t size : {4u, 6u}) {
    Note changed = *ParseNote(good);
    changed.text = EncodeCheckpoint({log.signer.name(), size, log.tree.Root()});
    EXPECT_EQ(Reason(VerifyCheckpoint(EncodeNote(changed), key)), "bad_signature");
  }
  Note changed = *ParseNote(good);
  changed.text = EncodeCheckpoint(log.Head(4));
  EXPECT_EQ(Reason(VerifyCheckpoint(EncodeNote(changed), key)), "bad_signature");

  // The log's key on the text of another origin: no honest log signs that.
  const Checkpoint stranger{"log.other.example", 5, log.tree.Root()};
  EXPECT_EQ(Reason(SignCheckpoint(stranger, log.signer)), "wrong_origin");
  EXPECT_EQ(Reason(VerifyCheckpoint(*SignNote(EncodeCheckpoint(stranger), log.signer), key)),
            "wrong_origin");

  // Signed, but no checkpoint.
  EXPECT_EQ(Reason(VerifyCheckpoint(*SignNote("a letter\n", log.signer), key)), "bad_checkpoint");
  EXPECT_EQ(Reason(VerifyCheckpoint(good + "x", key)), "bad_signature_line");
  EXPECT_EQ(Reason(VerifyCheckpoint(good.substr(0, good.size() / 2), key)), "truncated");
}

TEST(Checkpoint, WitnessesAreCounted) {
  const TestLog log(5);
  const NoteSigner w1 = TestSigner("w1.example", "w1", KeyType::kCosignature);
  const NoteSigner w2 = TestSigner("w2.example", "w2", KeyType::kCosignature);
  const std::vector<NoteVerifier> witnesses = {w1.verifier(), w2.verifier()};
  const NoteVerifier& key = log.signer.verifier();
  const std::string bare = log.SignedHead(5);
  EXPECT_TRUE(VerifyWitnessedCheckpoint(bare, key, witnesses)->cosignatures.empty());
  const std::string one = *CosignCheckpoint(bare, w2, 1'700'000'000);
  EXPECT_EQ(VerifyWitnessedCheckpoint(one, key, witnesses)->cosignatures,
            (std::vector<Cosignature>{{1, 1'700'000'000}}));
  const std::string both = *CosignCheckpoint(one, w1, 1'700'000'001);
  EXPECT_EQ(VerifyWitnessedCheckpoint(both, key, witnesses)->cosignatures,
            (std::vector<Cosignature>{{1, 1'700'000'000}, {0, 1'700'000'001}}));
  EXPECT_EQ(*VerifyCheckpoint(both, key), log.Head(5));

  // Witnesses cannot speak for the log, and a witness's false line spoils the whole.
  Note no_log = *ParseNote(both);
  no_log.signatures.erase(no_log.signatures.begin());
  EXPECT_EQ(Reason(VerifyWitnessedCheckpoint(EncodeNote(no_log), key, witnesses)), "unknown_key");
  Note spoilt = *ParseNote(both);
  spoilt.signatures[1].bytes[3] ^= 1;
  EXPECT_EQ(Reason(VerifyWitnessedCheckpoint(EncodeNote(spoilt), key, witnesses)), "bad_signature");
}

}  // namespace
}  // namespace jangbu::ledger
