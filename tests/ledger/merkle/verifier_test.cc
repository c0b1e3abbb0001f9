// What this library writes, read by the independent verifier of tests/verifier (Python, written
// from the RFCs and the C2SP texts, sharing no code), and what is forged, refused by both.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "ledger/merkle/receipt.h"
#include "ledger/merkle/tiles.h"
#include "ledger/merkle/tlog_proof.h"
#include "tests/ledger/merkle/test_log.h"

namespace jangbu::ledger {
namespace {

class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("jangbu_verifier_test." + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string Write(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path.string();
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

struct Verdict {
  int exit_code = -1;
  std::vector<std::string> lines;  // one JSON object a file

  bool Proved(size_t i) const { return i < lines.size() && lines[i].starts_with("{\"ok\": true"); }
  std::string ReasonAt(size_t i) const {
    if (i >= lines.size()) return "no answer";
    if (Proved(i)) return "ok";
    const std::string key = "\"reason\": \"";
    const size_t begin = lines[i].find(key) + key.size();
    return lines[i].substr(begin, lines[i].find('"', begin) - begin);
  }
};

// Keys and paths of these tests hold nothing that a shell would read.
Verdict AskPython(const std::string& script, const std::string& vkey,
                  const std::string& arguments) {
  const std::string command = "/usr/bin/python3 -B " JANGBU_SOURCE_DIR "/tests/verifier/" + script +
                              " --vkey '" + vkey + "' " + arguments;
  Verdict verdict;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return verdict;
  std::string out;
  char buffer[4096];
  for (size_t n = 0; (n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) out.append(buffer, n);
  const int status = ::pclose(pipe);
  verdict.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  for (size_t begin = 0; begin < out.size();) {
    const size_t end = std::min(out.find('\n', begin), out.size());
    verdict.lines.push_back(out.substr(begin, end - begin));
    begin = end + 1;
  }
  return verdict;
}

TEST(IndependentVerifier, AcceptsReceiptsAndReadsTheOwnPart) {
  const TestLog log(300);
  const Folder folder;
  std::string files;
  std::vector<std::string> own_parts;
  for (const uint64_t size : {1u, 2u, 255u, 256u, 257u, 300u}) {
    for (const uint64_t index : {uint64_t{0}, size / 2, size - 1}) {
      const std::string name = std::to_string(size) + "_" + std::to_string(index);
      files += folder.Write(name + ".tlog-proof", EncodeReceipt(log.ReceiptOf(index, size))) + " ";
      own_parts.push_back(log.openings[index].own_part);
    }
  }
  std::vector<std::string> bundle;
  for (uint64_t i = 0; i < 5; ++i) bundle.push_back(EncodeReceipt(log.ReceiptOf(i, 300)));
  files += folder.Write("bundle", *EncodeReceiptBundle(bundle));
  const Verdict verdict = AskPython("verify_receipt.py", log.signer.verifier().Vkey(), files);
  EXPECT_EQ(verdict.exit_code, 0);
  ASSERT_EQ(verdict.lines.size(), own_parts.size() + 1);
  for (size_t i = 0; i < own_parts.size(); ++i) {
    EXPECT_TRUE(verdict.Proved(i)) << verdict.lines[i];
    EXPECT_NE(verdict.lines[i].find("\"own_part_text\": \"" + own_parts[i] + "\""),
              std::string::npos)
        << verdict.lines[i];
  }
  EXPECT_TRUE(verdict.Proved(own_parts.size())) << verdict.lines.back();
}

TEST(IndependentVerifier, RefusesOneForgeryOfEachKind) {
  const TestLog log(23);
  const TestLog other(23, "log.other.example", "other key");
  const TestLog impostor(23, log.signer.name(), "impostor's key");
  const Receipt good = log.ReceiptOf(12, 23);

  struct Forgery {
    std::string bytes, reason;  // the reason in the verifier's words
  };
  std::vector<Forgery> forgeries;
  const auto forge = [&](std::string_view reason, auto change) {
    Receipt receipt = good;
    change(receipt);
    forgeries.push_back({EncodeReceipt(receipt), std::string(reason)});
  };
  forge("ok", [](Receipt&) {});
  forge("unknown_key", [&](Receipt& r) { r.checkpoint = impostor.SignedHead(23); });
  forge("unknown_key", [&](Receipt& r) { r.checkpoint = other.SignedHead(23); });
  forge("signature", [&](Receipt& r) {
    Note note = *ParseNote(impostor.SignedHead(23));
    note.signatures[0].key_id = log.signer.key_id();
    r.checkpoint = EncodeNote(note);
  });
  forge("signature", [&](Receipt& r) {
    Note note = *ParseNote(r.checkpoint);
    note.text = EncodeCheckpoint({log.signer.name(), 24, log.tree.Root()});
    r.checkpoint = EncodeNote(note);
  });
  forge("origin", [&](Receipt& r) {
    r.checkpoint =
        *SignNote(EncodeCheckpoint({"log.other.example", 23, log.tree.Root()}), log.signer);
  });
  forge("index", [&](Receipt& r) { r.checkpoint = log.SignedHead(10); });
  forge("inclusion", [&](Receipt& r) { r.checkpoint = log.SignedHead(22); });
  forge("inclusion", [](Receipt& r) { r.opening.own_part[3] ^= 1; });
  forge("inclusion", [](Receipt& r) { r.opening.own_salt[0] ^= 1; });
  forge("inclusion", [](Receipt& r) { r.opening.sealed_commitment[0] ^= 1; });
  forge("version", [](Receipt& r) { r.opening.version = 2; });
  forge("inclusion", [](Receipt& r) { r.path[2][7] ^= 1; });
  forge("inclusion", [](Receipt& r) { r.index = 13; });
  forge("inclusion", [](Receipt& r) { r.index = 22; });
  forge("index", [](Receipt& r) { r.index = 23; });
  forge("inclusion", [](Receipt& r) { r.path.pop_back(); });
  forge("inclusion", [](Receipt& r) { r.path.push_back({}); });
  forge("format", [](Receipt& r) { r.path.resize(65); });
  const std::string bytes = EncodeReceipt(good);
  for (const std::string& damaged :
       {std::string(), bytes.substr(0, bytes.size() - 1), bytes.substr(0, 40), bytes + "garbage",
        bytes + "garbage\n", "x" + bytes}) {
    forgeries.push_back({damaged, "format"});
  }

  forgeries.push_back({bytes + bytes, "signature"});  // of another text

  const Folder folder;
  std::string files;
  for (size_t i = 0; i < forgeries.size(); ++i)
    files += folder.Write(std::to_string(i), forgeries[i].bytes) + " ";
  const Verdict verdict = AskPython("verify_receipt.py", log.signer.verifier().Vkey(), files);
  EXPECT_EQ(verdict.exit_code, 1);
  ASSERT_EQ(verdict.lines.size(), forgeries.size());
  for (size_t i = 0; i < forgeries.size(); ++i) {
    EXPECT_EQ(verdict.ReasonAt(i), forgeries[i].reason)
        << "forgery " << i << ": " << verdict.lines[i];
    EXPECT_EQ(VerifyReceipt(forgeries[i].bytes, log.signer.verifier()).ok(),
              forgeries[i].reason == "ok")
        << i;
  }
  EXPECT_EQ(AskPython("verify_receipt.py", "nonsense", folder.path() + "/0").ReasonAt(0), "vkey");
}

// Random damage: both verifiers say the same.
TEST(IndependentVerifier, AgreesOnDamagedReceipts) {
  constexpr uint32_t kSeed = 20261122;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  const TestLog log(40);
  const std::string good = EncodeReceipt(log.ReceiptOf(17, 40));
  const std::string interesting = std::string("\n =+/—0129aAzZ\0\x7F\xE2\x80\x94", 21);
  const Folder folder;
  std::string files;
  std::vector<std::string> all;
  for (int i = 0; i < 400; ++i) {
    std::string bytes = good;
    for (uint32_t changes = 1 + random() % 2; changes > 0; --changes) {
      // Half of the changes where lines meet, where formats are delicate.
      size_t at = random() % bytes.size();
      if (random() % 2 == 0) at = std::min(bytes.find('\n', at), bytes.size() - 1);
      const char c = interesting[random() % interesting.size()];
      switch (random() % 4) {
        case 0:
          bytes[at] = c;
          break;
        case 1:
          bytes.insert(at, 1, c);
          break;
        case 2:
          bytes.erase(at, 1 + random() % 3);
          break;
        default:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
          break;
      }
    }
    files += folder.Write(std::to_string(i), bytes) + " ";
    all.push_back(std::move(bytes));
  }
  const Verdict verdict = AskPython("verify_receipt.py", log.signer.verifier().Vkey(), files);
  ASSERT_EQ(verdict.lines.size(), all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const StatusOr<OpenedReceipt> opened = VerifyReceipt(all[i], log.signer.verifier());
    EXPECT_EQ(verdict.Proved(i), opened.ok()) << i << ": " << verdict.lines[i] << "\n"
                                              << opened.status() << "\n"
                                              << all[i];
  }
}

TEST(IndependentVerifier, ReadsCheckpointsAndWitnesses) {
  const TestLog log(5);
  const NoteSigner witness = TestSigner("witness.example/w1", "w1", KeyType::kCosignature);
  const Folder folder;
  const std::string bare = log.SignedHead(5);
  const std::string cosigned = *CosignCheckpoint(bare, witness, 1'700'000'000);
  Note note = *ParseNote(cosigned);
  note.signatures[1].bytes[7] ^= 1;
  const std::string files = folder.Write("a", bare) + " " + folder.Write("b", cosigned) + " " +
                            folder.Write("c", EncodeNote(note)) + " " +
                            folder.Write("d", log.SignedHead(0)) + " " +
                            folder.Write("e", bare.substr(1));
  const Verdict verdict = AskPython("verify_checkpoint.py", log.signer.verifier().Vkey(),
                                    "--witness '" + witness.verifier().Vkey() + "' " + files);
  ASSERT_EQ(verdict.lines.size(), 5u);
  EXPECT_TRUE(verdict.Proved(0)) << verdict.lines[0];
  EXPECT_NE(verdict.lines[0].find("\"witnesses\": {}"), std::string::npos) << verdict.lines[0];
  EXPECT_NE(verdict.lines[1].find("\"witnesses\": {\"witness.example/w1\": 1700000000}"),
            std::string::npos)
      << verdict.lines[1];
  EXPECT_EQ(verdict.ReasonAt(2), "signature");
  EXPECT_TRUE(verdict.Proved(3)) << verdict.lines[3];
  EXPECT_EQ(verdict.ReasonAt(4), "signature");
}

TEST(IndependentVerifier, ChecksConsistency) {
  const TestLog log(40);
  TestLog fork(8);
  for (uint64_t i = 8; i < 40; ++i) fork.tree.Append(LeafHash("another history"));
  const std::string vkey = log.signer.verifier().Vkey();
  const Folder folder;
  const auto verdict = [&](const TestLog& before, uint64_t old_size, const TestLog& after,
                           uint64_t new_size) {
    const TlogConsistency proof{old_size, *after.tree.ConsistencyProof(old_size, new_size),
                                after.SignedHead(new_size)};
    const std::string files = folder.Write("old", before.SignedHead(old_size)) + " " +
                              folder.Write("proof", EncodeTlogConsistency(proof));
    return AskPython("verify_consistency.py", vkey, files).ReasonAt(0);
  };
  EXPECT_EQ(verdict(log, 13, log, 40), "ok");
  EXPECT_EQ(verdict(log, 32, log, 33), "ok");
  EXPECT_EQ(verdict(log, 40, log, 40), "ok");
  EXPECT_EQ(verdict(log, 0, log, 40), "ok");
  EXPECT_EQ(verdict(log, 8, fork, 40), "ok");  // the fork begins after 8
  EXPECT_EQ(verdict(log, 13, fork, 40), "consistency");
  EXPECT_EQ(verdict(log, 16, fork, 40), "consistency");
  EXPECT_EQ(verdict(log, 40, fork, 40), "consistency");
}

TEST(IndependentVerifier, ReadsTheWholeLogFromItsTiles) {
  constexpr uint64_t kSize = 66'001;
  const NoteSigner signer = TestSigner("log.jangbu.example/tiles", "tiles");
  const MerkleTree tree = TestTree(kSize);
  const Folder folder;
  const std::vector<uint64_t> published = {0, 200, 1'000, 65'536, kSize};
  for (size_t i = 1; i < published.size(); ++i) {
    for (Tile tile : NewTiles(published[i - 1], published[i])) {
      folder.Write(TilePath(tile), *TileBytes(tree, tile, published[i]));
      if (tile.level != 0) continue;
      std::vector<std::string> entries;
      for (uint32_t k = 0; k < tile.width; ++k)
        entries.push_back(TestEntry(tile.index * kTileWidth + k));
      tile.entries = true;
      folder.Write(TilePath(tile), *EncodeEntryBundle(std::vector<std::string_view>(
                                       entries.begin(), entries.end())));
    }
  }
  const std::string old =
      folder.Write("old", *SignCheckpoint({signer.name(), 1'000, *tree.Root(1'000)}, signer));
  folder.Write("checkpoint", *SignCheckpoint({signer.name(), kSize, tree.Root()}, signer));
  const std::string vkey = signer.verifier().Vkey();
  const Verdict good = AskPython("verify_tiles.py", vkey, "--old " + old + " " + folder.path());
  EXPECT_EQ(good.exit_code, 0);
  ASSERT_EQ(good.lines.size(), 1u);
  EXPECT_NE(good.lines[0].find("\"tiles\": 261, \"entries\": 66001"), std::string::npos)
      << good.lines[0];

  std::string tile = *TileBytes(tree, {false, 0, 77, 256}, kSize);
  tile[5'000] ^= 1;
  folder.Write("tile/0/077", tile);
  const Verdict bad = AskPython("verify_tiles.py", vkey, folder.path());
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_EQ(bad.ReasonAt(0), "tiles");
}

// The verifier's own tests: published answers, and a log served over HTTP.
TEST(IndependentVerifier, PassesItsOwnTests) {
  EXPECT_EQ(
      std::system("/usr/bin/python3 -B " JANGBU_SOURCE_DIR "/tests/verifier/test_tlog.py 2>&1"), 0);
}

}  // namespace
}  // namespace jangbu::ledger
