#include "ledger/merkle/note.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "ledger/merkle/checkpoint.h"
#include "ledger/merkle/text.h"
#include "tests/ledger/merkle/test_log.h"

namespace jangbu::ledger {
namespace {

// The published example of the format: the documentation of golang.org/x/mod/sumdb/note.
constexpr std::string_view kVkey =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr std::string_view kSkey =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
constexpr std::string_view kText =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your "
    "problem is.\n";
constexpr std::string_view kSignature =
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/"
    "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

std::string KnownNote() { return std::string(kText) + "\n" + std::string(kSignature); }

TEST(Note, SignsThePublishedExampleByteForByte) {
  const StatusOr<NoteSigner> signer = NoteSigner::Parse(kSkey);
  ASSERT_TRUE(signer.ok()) << signer.status();
  EXPECT_EQ(signer->name(), "PeterNeumann");
  EXPECT_EQ(signer->key_id(), 0xc74f20a3u);
  EXPECT_EQ(signer->Skey(), kSkey);
  EXPECT_EQ(signer->verifier().Vkey(), kVkey);
  EXPECT_EQ(*SignNote(kText, *signer), KnownNote());
}

TEST(Note, VerifiesThePublishedExample) {
  const StatusOr<NoteVerifier> verifier = NoteVerifier::Parse(kVkey);
  ASSERT_TRUE(verifier.ok()) << verifier.status();
  EXPECT_EQ(verifier->Vkey(), kVkey);
  const StatusOr<Note> note = ParseNote(KnownNote());
  ASSERT_TRUE(note.ok()) << note.status();
  EXPECT_EQ(note->text, kText);
  EXPECT_EQ(EncodeNote(*note), KnownNote());
  EXPECT_EQ(*VerifyNote(*note, std::vector{*verifier}), (std::vector<VerifiedSignature>{{0, 0}}));
}

TEST(Note, AnyChangedByteOfTheExampleIsRefused) {
  const std::vector<NoteVerifier> verifiers = {*NoteVerifier::Parse(kVkey)};
  const std::string good = KnownNote();
  for (size_t i = 0; i < good.size(); ++i) {
    for (const int flip : {0x01, 0x20, 0x80}) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      const StatusOr<Note> note = ParseNote(bytes);
      if (!note.ok()) continue;
      EXPECT_FALSE(VerifyNote(*note, verifiers).ok()) << "byte " << i << " ^ " << flip;
    }
  }
}

TEST(Keys, OnlyTheWholeKeyIsAKey) {
  for (size_t begin = 0; begin < kVkey.size(); ++begin) {
    for (size_t end = begin; end <= kVkey.size(); ++end) {
      if (begin == 0 && end == kVkey.size()) continue;
      EXPECT_EQ(Reason(NoteVerifier::Parse(kVkey.substr(begin, end - begin))), "bad_vkey");
    }
  }
  for (size_t i = 0; i < kVkey.size(); ++i) {
    std::string changed(kVkey);
    ++changed[i];
    EXPECT_EQ(Reason(NoteVerifier::Parse(changed)), "bad_vkey") << changed;
  }
  for (size_t i = 0; i < kSkey.size(); ++i) {
    std::string changed(kSkey);
    ++changed[i];
    EXPECT_EQ(Reason(NoteSigner::Parse(changed)), "bad_skey");
    EXPECT_EQ(Reason(NoteSigner::Parse(kSkey.substr(0, i))), "bad_skey");
  }
  // A longer key and another algorithm, each under its proper id.
  EXPECT_EQ(Reason(NoteVerifier::Parse(
                "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==")),
            "bad_vkey");
  EXPECT_EQ(Reason(NoteVerifier::Parse(
                "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")),
            "bad_vkey");
  EXPECT_EQ(Reason(NoteVerifier::Parse(
                "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")),
            "bad_vkey");
}

TEST(Keys, NamesHaveNoSpacesAndNoPlus) {
  const struct {
    std::string name;
    bool good;
  } cases[] = {
      {"example.com/log", true},
      {"장부.example/원장", true},
      {"a", true},
      {"", false},
      {"a b", false},
      {"a+b", false},
      {"a\nb", false},
      {"a\x01", false},
      {"a\u00A0b", false},  // no-break space
      {"a\u3000b", false},  // ideographic space
      {"a\u2028b", false},
      {"a\u0085", false},
      {"a\u200Bb", true},   // zero width space is no White_Space
      {"\xC3", false},      // cut short
      {"\xC0\x80", false},  // overlong
      {"\xED\xA0\x80", false},
      {"\xF4\x90\x80\x80", false},
      {"\xF4\x8F\xBF\xBF", true},
      {"\xE0\x9F\xBF", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(text::IsKeyName(c.name), c.good) << ToHex(c.name);
    EXPECT_EQ(Reason(NoteSigner::Create(c.name, Ed25519Bytes{})), c.good ? "ok" : "bad_key_name")
        << ToHex(c.name);
  }
}

TEST(Text, DecimalsHaveOneSpelling) {
  EXPECT_EQ(text::ParseDecimal("0"), 0u);
  EXPECT_EQ(text::ParseDecimal("20852163"), 20852163u);
  EXPECT_EQ(text::ParseDecimal("18446744073709551615"), ~uint64_t{0});
  for (const std::string_view bad :
       {"", "00", "01", "-1", "+1", " 1", "1 ", "1a", "0x1", "18446744073709551616",
        "99999999999999999999", "100000000000000000000"}) {
    EXPECT_EQ(text::ParseDecimal(bad), std::nullopt) << bad;
  }
}

TEST(Note, ManySignaturesOfUnknownKeysAreIgnored) {
  const NoteSigner known = TestSigner("known.example", "known");
  Note note;
  note.text = "본문\n\n둘째 단락\n";
  for (int i = 0; i < 50; ++i) {
    note.signatures.push_back(
        TestSigner("other.example/" + std::to_string(i), "other").Sign(note.text));
    // Signatures of kinds nobody here knows, post-quantum ones of 2,420 bytes among them.
    note.signatures.push_back(
        {"unknown.example", static_cast<uint32_t>(i), std::string(i == 0 ? 2'428 : 1, 'q')});
  }
  note.signatures.back() = known.Sign(note.text);
  const StatusOr<Note> parsed = ParseNote(EncodeNote(note));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, note);
  EXPECT_EQ(*VerifyNote(*parsed, std::vector{known.verifier()}),
            (std::vector<VerifiedSignature>{{0, 0}}));
  // The name alone, or the id alone, does not make a key known.
  EXPECT_EQ(
      Reason(VerifyNote(*parsed, std::vector{TestSigner("known.example", "another").verifier()})),
      "unknown_key");
  EXPECT_EQ(Reason(VerifyNote(*parsed, std::vector<NoteVerifier>{})), "unknown_key");
}

TEST(Note, SignatureOfAKnownKeyMustVerify) {
  const NoteSigner a = TestSigner("a.example", "a");
  const NoteSigner b = TestSigner("b.example", "b");
  Note note{"text\n", {a.Sign("text\n"), b.Sign("other text\n")}};
  EXPECT_EQ(VerifyNote(note, std::vector{a.verifier()})->size(), 1u);
  EXPECT_EQ(Reason(VerifyNote(note, std::vector{a.verifier(), b.verifier()})), "bad_signature");
  note.signatures[1] = b.Sign("text\n");
  EXPECT_EQ(*VerifyNote(note, std::vector{b.verifier(), a.verifier()}),
            (std::vector<VerifiedSignature>{{1, 0}, {0, 0}}));
  // Twice is once, but a bad second one still counts.
  note.signatures.push_back(a.Sign("text\n"));
  EXPECT_EQ(VerifyNote(note, std::vector{a.verifier()})->size(), 1u);
  note.signatures.back().bytes[5] ^= 1;
  EXPECT_EQ(Reason(VerifyNote(note, std::vector{a.verifier()})), "bad_signature");
  note.signatures.back().bytes.pop_back();
  EXPECT_EQ(Reason(VerifyNote(note, std::vector{a.verifier()})), "bad_signature");
}

TEST(Note, DamageHasAName) {
  const std::string good = KnownNote();
  const std::string line(kSignature);
  const std::string text(kText);
  const struct {
    std::string what, bytes, reason;
  } cases[] = {
      {"nothing", "", "truncated"},
      {"no signatures", text, "truncated"},
      {"no signature after the empty line", text + "\n", "truncated"},
      {"cut in the signature", good.substr(0, good.size() - 5), "truncated"},
      {"cut before the last newline", good.substr(0, good.size() - 1), "truncated"},
      {"cut after the dash", text + "\n—", "truncated"},
      {"cut in the dash", text + "\n\xE2\x80", "bad_note_text"},
      {"trailing garbage", good + "garbage\n", "bad_signature_line"},
      {"trailing garbage without newline", good + "garbage", "bad_signature_line"},
      {"trailing empty line", good + "\n", "truncated"},
      {"a hyphen for the dash", text + "\n- " + line.substr(4), "bad_signature_line"},
      {"no space after the dash", text + "\n—" + line.substr(4), "bad_signature_line"},
      {"two spaces", text + "\n—  " + line.substr(4), "bad_signature_line"},
      {"no signature bytes", text + "\n— PeterNeumann x08gow==\n", "bad_signature_line"},
      {"no base64", text + "\n— PeterNeumann !08go/ZJ\n", "bad_signature_line"},
      {"base64 with stray bits", text + "\n— PeterNeumann x08go/ZJkv==\n", "bad_signature_line"},
      {"no name", text + "\n— x08go/ZJ\n", "bad_signature_line"},
      {"a plus in the name", text + "\n— Peter+Neumann x08go/ZJ\n", "bad_signature_line"},
      {"carriage returns", "text\r\n\r\n— PeterNeumann x08go/ZJ\r\n", "bad_note_text"},
      {"a tab", "te\txt\n\n— PeterNeumann x08go/ZJ\n", "bad_note_text"},
      {"a zero", std::string("te\0xt\n\n— PeterNeumann x08go/ZJ\n", 29), "bad_note_text"},
      {"not UTF-8", "te\xFFxt\n\n" + line, "bad_note_text"},
      {"over a megabyte", std::string(1'000'000, 'x') + "\n\n" + line, "note_too_large"},
  };
  for (const auto& c : cases) EXPECT_EQ(Reason(ParseNote(c.bytes)), c.reason) << c.what;

  std::string many = text + "\n";
  for (size_t i = 0; i < kMaxNoteSignatures; ++i) many += line;
  EXPECT_EQ(Reason(ParseNote(many)), "ok");
  EXPECT_EQ(Reason(ParseNote(many + line)), "note_too_large");
  for (const std::string_view bad : {"", "no newline", "tab\t\n", "\xFF\n"}) {
    EXPECT_EQ(Reason(SignNote(bad, TestSigner("a", "a"))), "bad_note_text");
  }
}

// The example of c2sp.org/tlog-cosignature carries a time; its layout is checked here, the key is
// not published.
TEST(Cosignature, PublishedExampleHasTheLayout) {
  const StatusOr<Note> note = ParseNote(
      "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
      "— example.com/behind-the-sofa "
      "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
      "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
      "— witness.example.com/w1 "
      "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/"
      "zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n");
  ASSERT_TRUE(note.ok()) << note.status();
  ASSERT_EQ(note->signatures.size(), 2u);
  EXPECT_EQ(note->signatures[0].key_id, 0x033de0aeu);
  EXPECT_EQ(note->signatures[0].bytes.size(), 64u);
  EXPECT_EQ(note->signatures[1].bytes.size(), 72u);
  EXPECT_EQ(ToHex(note->signatures[1].bytes.substr(0, 8)), "00000000641850cb");  // 1679315147
  const StatusOr<Checkpoint> checkpoint = ParseCheckpoint(note->text);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->size, 20852163u);
}

TEST(Cosignature, SignsTimeAndTextAndNothingElse) {
  const NoteSigner witness = TestSigner("witness.example/w1", "w1", KeyType::kCosignature);
  const NoteSigner plain = TestSigner("witness.example/w1", "w1");
  EXPECT_NE(witness.key_id(), plain.key_id());  // the same key in another role
  const std::string text = "example.com/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
  Note note{text, {witness.Cosign(text, 1679315147)}};
  EXPECT_EQ(*VerifyNote(note, std::vector{witness.verifier()}),
            (std::vector<VerifiedSignature>{{0, 1679315147}}));
  EXPECT_EQ(Reason(VerifyNote(note, std::vector{plain.verifier()})), "unknown_key");
  // The definition, spelt out: an Ed25519 signature of header, time and text.
  const NoteSignature over = plain.Sign("cosignature/v1\ntime 1679315147\n" + text);
  EXPECT_EQ(note.signatures[0].bytes.substr(8), over.bytes);
  // Another time, another text, a time out of range.
  for (const size_t i : {0u, 7u, 8u, 71u}) {
    Note changed = note;
    changed.signatures[0].bytes[i] = static_cast<char>(changed.signatures[0].bytes[i] ^ 0x80);
    EXPECT_EQ(Reason(VerifyNote(changed, std::vector{witness.verifier()})), "bad_signature") << i;
  }
  // A true signature of a time of 2^63 seconds is none.
  const std::string late = "cosignature/v1\ntime 9223372036854775808\n" + text;
  Note out_of_range = note;
  out_of_range.signatures[0].bytes = std::string("\x80\0\0\0\0\0\0\0", 8) + plain.Sign(late).bytes;
  EXPECT_EQ(Reason(VerifyNote(out_of_range, std::vector{witness.verifier()})), "bad_signature");
  note.text += "extension\n";
  EXPECT_EQ(Reason(VerifyNote(note, std::vector{witness.verifier()})), "bad_signature");
  // Keys of witnesses have text forms too.
  EXPECT_EQ(NoteVerifier::Parse(witness.verifier().Vkey())->type(), KeyType::kCosignature);
  EXPECT_EQ(NoteSigner::Parse(witness.Skey())->key_id(), witness.key_id());
}

// Signatures that a sloppy Ed25519 accepts: s + L in place of s (RFC 8032 section 5.1.7), and the
// zero key.
TEST(Ed25519, RefusesMalleatedSignaturesAndJunkKeys) {
  const NoteSigner signer = TestSigner("a.example", "a");
  Note note{"text\n", {signer.Sign("text\n")}};
  const std::string order = *FromHex(
      "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");  // little-endian
  int carry = 0;
  for (size_t i = 0; i < 32; ++i) {
    const int sum = static_cast<uint8_t>(note.signatures[0].bytes[32 + i]) +
                    static_cast<uint8_t>(order[i]) + carry;
    note.signatures[0].bytes[32 + i] = static_cast<char>(sum);
    carry = sum >> 8;
  }
  EXPECT_EQ(Reason(VerifyNote(note, std::vector{signer.verifier()})), "bad_signature");
  EXPECT_FALSE(signer.verifier().Verify("text\n", std::string(64, '\0')));
  EXPECT_FALSE(signer.verifier().Verify("text\n", ""));
}

}  // namespace
}  // namespace jangbu::ledger
