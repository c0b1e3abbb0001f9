// Envelopes, signatures, the master key, the mark's bytes: known answers, and every changed byte
// refused.

#include "services/storage/envelope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>
#include <string>

#include "base/bytes.h"
#include "services/storage/ed25519.h"
#include "services/storage/files.h"
#include "services/storage/high_water_mark.h"
#include "services/storage/master_key.h"
#include "services/storage/system.h"
#include "tests/support/temp_dir.h"

namespace jangbu::services {
namespace {

std::string Hex(std::string_view hex) { return FromHex(hex).value(); }

// 0, 1, 2, …: a RandomSource that is anything but.
class Counting final : public RandomSource {
 public:
  void Fill(uint8_t* out, uint64_t size) override {
    for (uint64_t i = 0; i < size; ++i) out[i] = next_++;
  }

 private:
  uint8_t next_ = 0;
};

Nonce NonceOf(std::string_view bytes) {
  Nonce nonce{};
  std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return nonce;
}

// D. McGrew, J. Viega, "The Galois/Counter Mode of Operation", appendix B, test cases 13 to 16
// (AES-256).
TEST(Seal, GivesThePublishedAnswers) {
  const SecretKey zero = SecretKey::FromBytes(std::string(32, '\0'));
  EXPECT_EQ(ToHex(Seal(zero, Nonce{}, "", "")), "530f8afbc74536b9a963b4f1c4cb738b");
  EXPECT_EQ(ToHex(Seal(zero, Nonce{}, "", std::string(16, '\0'))),
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
  const SecretKey key =
      SecretKey::FromBytes(Hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
  const Nonce nonce = NonceOf(Hex("cafebabefacedbaddecaf888"));
  const std::string text =
      Hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
          "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  const std::string aad = Hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const std::string sealed =
      Hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
          "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
          "76fc6ece0f4e1768cddf8853bb2d551b");
  EXPECT_EQ(ToHex(Seal(key, nonce, aad, text)), ToHex(sealed));
  EXPECT_EQ(Open(key, nonce, aad, sealed).value(), text);
}

TEST(Seal, OpensOnlyWithTheSameKeyNonceAndName) {
  OsRandom random;
  const SecretKey key = SecretKey::Random(random);
  const SecretKey other = SecretKey::Random(random);
  const std::string sealed = Seal(key, Nonce{}, "name", "본문");
  EXPECT_EQ(Open(key, Nonce{}, "name", sealed).value(), "본문");
  EXPECT_EQ(ReasonOf(Open(other, Nonce{}, "name", sealed).status()), "seal_broken");
  EXPECT_EQ(ReasonOf(Open(key, Nonce{1}, "name", sealed).status()), "seal_broken");
  EXPECT_EQ(ReasonOf(Open(key, Nonce{}, "nam", sealed).status()), "seal_broken");
  EXPECT_EQ(ReasonOf(Open(key, Nonce{}, "", sealed).status()), "seal_broken");
  EXPECT_EQ(Open(key, Nonce{}, "name", sealed).value(), "본문")
      << "a failure leaves nothing behind";
}

TEST(Seal, RefusesEveryChangedBitAndEveryOtherLength) {
  OsRandom random;
  const SecretKey key = SecretKey::Random(random);
  const std::string box = SealBox(key, "aad", "some text that is sealed", random);
  ASSERT_EQ(OpenBox(key, "aad", box).value(), "some text that is sealed");
  for (size_t i = 0; i < box.size() * 8; ++i) {
    std::string changed = box;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    ASSERT_FALSE(OpenBox(key, "aad", changed).ok()) << "bit " << i;
  }
  for (size_t size = 0; size < box.size(); ++size) {
    ASSERT_FALSE(OpenBox(key, "aad", box.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(OpenBox(key, "aad", box + "x").ok());
}

TEST(Seal, EverySizeComesBack) {
  OsRandom random;
  for (size_t size = 0; size < 300; ++size) {
    const SecretKey key = SecretKey::Random(random);
    const std::string text(size, static_cast<char>(size));
    ASSERT_EQ(Open(key, Nonce{}, "", Seal(key, Nonce{}, "", text)).value(), text);
  }
  const SecretKey key = SecretKey::Random(random);
  const std::string large(5 << 20, 'k');
  EXPECT_EQ(OpenBox(key, "", SealBox(key, "", large, random)).value(), large);
}

TEST(Seal, BoxesOfTheSameTextDiffer) {
  OsRandom random;
  const SecretKey key = SecretKey::Random(random);
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i)
    nonces.insert(SealBox(key, "", "same", random).substr(0, kNonceBytes));
  EXPECT_EQ(nonces.size(), 1000u);
}

TEST(WrapKey, IsBoundToItsNameAndKey) {
  OsRandom random;
  const SecretKey master = SecretKey::Random(random);
  const SecretKey key = SecretKey::Random(random);
  const VaultName name{VaultKind::kDocument, 0x0102030405060708, 9};
  const std::string wrapped = WrapKey(master, name, key, random);
  EXPECT_EQ(wrapped.size(), kWrappedKeyBytes);
  EXPECT_EQ(UnwrapKey(master, name, wrapped)->bytes(), key.bytes());
  EXPECT_EQ(ReasonOf(UnwrapKey(key, name, wrapped).status()), "seal_broken");
  for (const VaultName& other : {VaultName{VaultKind::kUpload, name.id, name.ordinal},
                                 VaultName{name.kind, name.id + 1, name.ordinal},
                                 VaultName{name.kind, name.id, name.ordinal + 1}}) {
    EXPECT_EQ(ReasonOf(UnwrapKey(master, other, wrapped).status()), "seal_broken");
  }
  EXPECT_FALSE(UnwrapKey(master, name, SealBox(master, "", "short", random)).ok());
}

TEST(SecretKey, IsWipedWhenMovedFromAndWhenItDies) {
  Counting random;
  SecretKey key = SecretKey::Random(random);
  const SecretKey copy = key.Copy();
  SecretKey moved = std::move(key);
  EXPECT_EQ(moved.bytes(), copy.bytes());
  EXPECT_EQ(key.bytes(),
            std::string(32, '\0'));  // NOLINT(bugprone-use-after-move): that is the promise
  alignas(SecretKey) unsigned char place[sizeof(SecretKey)];
  auto* const placed = new (place) SecretKey(std::move(moved));
  placed->~SecretKey();
  EXPECT_EQ(std::string(reinterpret_cast<char*>(place), sizeof(place)),
            std::string(sizeof(place), '\0'));
}

// RFC 8032, section 7.1, tests 1 to 3.
TEST(Ed25519, GivesThePublishedAnswers) {
  const struct {
    const char* seed;
    const char* key;
    const char* message;
    const char* signature;
  } rows[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf"
       "9b46bd25bf5f0595bbe2"
       "4655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f"
       "11d8c387b2eaeb4302ae"
       "eb00d291612bb0c00"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984"
       "dc6594a7c15e9716ed28"
       "dc027beceea1ec40a"},
  };
  for (const auto& row : rows) {
    const SecretKey seed = SecretKey::FromBytes(Hex(row.seed));
    const Ed25519PublicKey key = PublicKeyOf(seed);
    EXPECT_EQ(ToHex(key), row.key);
    Ed25519Signature signature = SignEd25519(seed, Hex(row.message));
    EXPECT_EQ(ToHex(signature), row.signature);
    EXPECT_TRUE(VerifyEd25519(key, Hex(row.message), signature));
    EXPECT_FALSE(VerifyEd25519(key, Hex(row.message) + "x", signature));
    signature[5] ^= 1;
    EXPECT_FALSE(VerifyEd25519(key, Hex(row.message), signature));
  }
}

// ---- Master key ----

class MasterKeyFile : public ::testing::Test {
 protected:
  std::string Write(std::string_view text, unsigned mode) {
    const std::string path = dir_ / "master.key";
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  support::TempDir dir_;
};

TEST_F(MasterKeyFile, IsMadeOnceAndReadBack) {
  OsRandom random;
  const std::string path = dir_ / "master.key";
  const SecretKey made = CreateMasterKeyFile(path, random).value();
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(LoadMasterKeyFile(path)->bytes(), made.bytes());
  EXPECT_EQ(ReasonOf(CreateMasterKeyFile(path, random).status()), "master_key_exists");
  EXPECT_EQ(LoadMasterKeyFile(path)->bytes(), made.bytes());
}

TEST_F(MasterKeyFile, IsRefusedWhenOthersMayTouchIt) {
  const std::string digits(64, 'a');
  for (const unsigned mode : {0640u, 0604u, 0620u, 0666u, 0601u}) {
    const Status refused = LoadMasterKeyFile(Write(digits, mode)).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied) << std::oct << mode;
    EXPECT_EQ(ReasonOf(refused), "master_key_exposed");
  }
  EXPECT_TRUE(LoadMasterKeyFile(Write(digits, 0600)).ok());
  EXPECT_TRUE(LoadMasterKeyFile(Write(digits, 0400)).ok());
}

TEST_F(MasterKeyFile, IsRefusedWhenMalformedWithoutQuotingIt) {
  const std::string digits(64, 'a');
  for (const std::string& text :
       {std::string(), digits.substr(1), digits + "a", digits + "\n\n", digits + " ",
        "g" + digits.substr(1), std::string(1000, 'a'), std::string(32, '\0')}) {
    const Status refused = LoadMasterKeyFile(Write(text, 0600)).status();
    EXPECT_EQ(ReasonOf(refused), "master_key_malformed") << text.size();
    EXPECT_EQ(MessageOf(refused).find("aaa"), std::string_view::npos);
  }
  EXPECT_TRUE(LoadMasterKeyFile(Write(digits + "\n", 0600)).ok());
  EXPECT_TRUE(LoadMasterKeyFile(Write(digits + "\r\n", 0600)).ok());
  EXPECT_EQ(ReasonOf(LoadMasterKeyFile(dir_ / "nowhere").status()), "master_key_missing");
  EXPECT_EQ(ReasonOf(LoadMasterKeyFile(dir_.path()).status()), "master_key_malformed");
}

TEST_F(MasterKeyFile, IsTakenOutOfTheEnvironment) {
  constexpr char kName[] = "JANGBU_TEST_MASTER_KEY";
  ASSERT_EQ(::setenv(kName, std::string(64, 'b').c_str(), 1), 0);
  EXPECT_EQ(LoadMasterKeyVariable(kName)->bytes(), std::string(32, '\xBB'));
  EXPECT_EQ(std::getenv(kName), nullptr);
  EXPECT_EQ(ReasonOf(LoadMasterKeyVariable(kName).status()), "master_key_missing");
  ASSERT_EQ(::setenv(kName, "short", 1), 0);
  EXPECT_EQ(ReasonOf(LoadMasterKeyVariable(kName).status()), "master_key_malformed");
  EXPECT_EQ(std::getenv(kName), nullptr);
}

// ---- The mark ----

Digest RootOf(std::string_view what) { return Sha256(what); }

class HighWaterMark : public ::testing::Test {
 protected:
  static SecretKey Seed() { return SecretKey::FromBytes(std::string(32, 's')); }
  const Ed25519PublicKey key_ = PublicKeyOf(Seed());
  const Mark mark_{12345678901, 7, RootOf("root"), {1, 2, 3}};
  support::TempDir dir_;
};

TEST_F(HighWaterMark, ReadsBackAsWritten) {
  const std::string bytes = EncodeMark(mark_, Seed());
  EXPECT_EQ(bytes.size(), kMarkBytes);
  EXPECT_EQ(DecodeMark(bytes, key_).value(), mark_);
}

TEST_F(HighWaterMark, RefusesEveryChangedBitAndEveryOtherLength) {
  const std::string bytes = EncodeMark(mark_, Seed());
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string changed = bytes;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    ASSERT_EQ(ReasonOf(DecodeMark(changed, key_).status()), "mark_damaged") << "bit " << i;
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_EQ(ReasonOf(DecodeMark(bytes.substr(0, size), key_).status()), "mark_damaged") << size;
  }
  EXPECT_EQ(ReasonOf(DecodeMark(bytes + '\0', key_).status()), "mark_damaged");
}

TEST_F(HighWaterMark, RefusesAnotherInstallations) {
  const SecretKey other = SecretKey::FromBytes(std::string(32, 'o'));
  EXPECT_EQ(ReasonOf(DecodeMark(EncodeMark(mark_, other), key_).status()), "mark_damaged");
}

TEST_F(HighWaterMark, IsWrittenForwardsOnly) {
  const std::string path = dir_ / "mark";
  EXPECT_EQ(ReasonOf(ReadMark(path, key_).status()), "mark_missing");
  MarkWriter writer(path, Seed(), std::nullopt);
  ASSERT_TRUE(writer.Write({10, 2, RootOf("10"), {}}).ok());
  ASSERT_TRUE(writer.Write({10, 2, RootOf("10"), {}}).ok()) << "again";
  ASSERT_TRUE(writer.Write({12, 3, RootOf("12"), {5, 5, 5}}).ok());
  const Mark last{12, 3, RootOf("12"), {5, 5, 5}};
  for (const Mark& back :
       {Mark{11, 3, RootOf("11"), {5, 5, 5}}, Mark{12, 2, RootOf("12"), {5, 5, 5}},
        Mark{12, 3, RootOf("other"), {5, 5, 5}}, Mark{13, 3, RootOf("13"), {4, 5, 5}},
        Mark{13, 3, RootOf("13"), {5, 4, 5}}, Mark{13, 3, RootOf("13"), {5, 5, 4}}}) {
    EXPECT_EQ(ReasonOf(writer.Write(back)), "mark_going_back");
  }
  EXPECT_EQ(ReadMark(path, key_).value(), last);
  MarkWriter next(path, Seed(), last);
  EXPECT_EQ(ReasonOf(next.Write({11, 9, RootOf("11"), {9, 9, 9}})), "mark_going_back");
}

TEST_F(HighWaterMark, AFailedWriteStopsTheWriter) {
  MarkWriter writer(dir_ / "missing/mark", Seed(), std::nullopt);
  EXPECT_EQ(ReasonOf(writer.Write(mark_)), "mark_unwritten");
  ASSERT_TRUE(MakeDirectory(dir_ / "missing").ok());
  EXPECT_EQ(ReasonOf(writer.Write(mark_)), "mark_unwritten") << "it cannot know what was written";
}

TEST_F(HighWaterMark, JudgesTheJournal) {
  const auto root_at = [](uint64_t size) -> StatusOr<Digest> {
    return RootOf(std::to_string(size));
  };
  const Mark mark{5, 1, RootOf("5"), {}};
  EXPECT_TRUE(CheckMark(mark, 5, root_at).ok());
  EXPECT_TRUE(CheckMark(mark, 9, root_at).ok())
      << "appended, but not acknowledged, before the crash";
  EXPECT_EQ(ReasonOf(CheckMark(mark, 4, root_at)), "journal_short_of_mark");
  EXPECT_EQ(ReasonOf(CheckMark({5, 1, RootOf("6"), {}}, 9, root_at)), "journal_differs_from_mark");
  EXPECT_EQ(ReasonOf(CheckMark(mark, 9,
                               [](uint64_t) -> StatusOr<Digest> {
                                 return DataLoss("record_damaged", "journal record 3");
                               })),
            "record_damaged");
}

TEST_F(HighWaterMark, JudgesTheOtherStores) {
  const Mark mark{5, 1, RootOf("5"), {10, 20, 30}};
  EXPECT_TRUE(CheckPositions(mark, {10, 20, 30}).ok());
  EXPECT_TRUE(CheckPositions(mark, {11, 22, 33}).ok());
  for (const StorePositions& lost :
       {StorePositions{9, 20, 30}, StorePositions{10, 19, 30}, StorePositions{10, 20, 0}}) {
    EXPECT_EQ(ReasonOf(CheckPositions(mark, lost)), "store_short_of_mark");
  }
}

}  // namespace
}  // namespace jangbu::services
