// Digests, statuses, amounts.

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/digest.h"
#include "base/status.h"
#include "base/units.h"

namespace jangbu {
namespace {

// ---- Digests ----

TEST(Sha256, GivesThePublishedAnswers) {
  // FIPS 180-4 examples.
  EXPECT_EQ(ToHex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(ToHex(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(ToHex(Sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PartsAreOneInput) {
  EXPECT_EQ(Sha256({"a", "", "bc"}), Sha256("abc"));
  EXPECT_EQ(Sha256(std::initializer_list<std::string_view>{}), Sha256(""));
}

TEST(Sha256Stream, PeeksCopiesAndGoesOn) {
  Sha256Stream stream;
  EXPECT_EQ(stream.Peek(), Sha256(""));
  stream.Update("ab");
  const Sha256Stream fork = stream;
  stream.Update("c");
  EXPECT_EQ(stream.Peek(), Sha256("abc"));
  EXPECT_EQ(stream.Peek(), Sha256("abc")) << "peeking changes nothing";
  EXPECT_EQ(fork.Peek(), Sha256("ab"));
  Sha256Stream assigned;
  assigned.Update("zzz");
  assigned = fork;
  assigned.Update("d");
  EXPECT_EQ(assigned.Peek(), Sha256("abd"));
  stream.Reset();
  EXPECT_EQ(stream.Peek(), Sha256(""));
}

TEST(Sha256Stream, PiecesOfAnySizeAgree) {
  std::string text;
  for (int i = 0; i < 300; ++i) text.push_back(static_cast<char>(i * 7));
  for (size_t size = 0; size <= text.size(); ++size) {
    Sha256Stream stream;
    stream.Update(std::string_view(text).substr(0, size));
    stream.Update(std::string_view(text).substr(size));
    ASSERT_EQ(stream.Peek(), Sha256(text)) << size;
  }
}

// RFC 4231, test cases 1, 2, 3, 6, 7.
TEST(HmacSha256, GivesThePublishedAnswers) {
  const auto hmac = [](const std::string& key, const std::string& text) {
    return ToHex(HmacSha256(key)(text));
  };
  EXPECT_EQ(hmac(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hmac("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac(std::string(20, '\xaa'), std::string(50, '\xdd')),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(
      hmac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hmac(std::string(131, '\xaa'),
                 "This is a test using a larger than block-size key and a larger than block-size "
                 "data. The key needs "
                 "to be hashed before being used by the HMAC algorithm."),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(HmacSha256, PartsAreOneInput) {
  const HmacSha256 hmac("key");
  EXPECT_EQ(hmac({"ab", "c"}), hmac("abc"));
  EXPECT_NE(hmac("abc"), HmacSha256("kez")("abc"));
}

TEST(ConstantTimeEqual, ComparesBytesAndLengths) {
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_TRUE(ConstantTimeEqual("same", "same"));
  EXPECT_FALSE(ConstantTimeEqual("same", "sane"));
  EXPECT_FALSE(ConstantTimeEqual("same", "samee"));
}

// ---- Statuses ----

TEST(Status, CarriesItsReason) {
  const Status status = DataLoss("mark_damaged", "the mark: is 3 bytes");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(status), "mark_damaged");
  EXPECT_EQ(MessageOf(status), "mark_damaged: the mark: is 3 bytes");
}

TEST(Status, OtherMessagesHaveNoReason) {
  EXPECT_EQ(ReasonOf(OkStatus()), "");
  EXPECT_EQ(ReasonOf(absl::InternalError("no colon")), "");
  EXPECT_EQ(ReasonOf(absl::InternalError("Not A Code: text")), "");
  EXPECT_EQ(ReasonOf(absl::InternalError("code:text")), "");
}

StatusOr<int> Half(int v) {
  if (v % 2 != 0) return InvalidArgument("odd", std::to_string(v));
  return v / 2;
}

StatusOr<int> Quarter(int v) {
  JANGBU_ASSIGN_OR_RETURN(const int half, Half(v));
  JANGBU_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

Status CheckQuarter(int v) {
  JANGBU_RETURN_IF_ERROR(Quarter(v).status());
  return OkStatus();
}

TEST(Status, MacrosPassErrorsOn) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(MessageOf(Quarter(6).status()), "odd: 3");
  EXPECT_TRUE(CheckQuarter(4).ok());
  EXPECT_EQ(ReasonOf(CheckQuarter(5)), "odd");
}

// ---- Amounts ----

TEST(Amount, AddsAndCompares) {
  Won won(5);
  won += Won(7);
  won -= Won(2);
  EXPECT_EQ(won, Won(10));
  EXPECT_LT(Won(3) - Won(4), Won(0));
  EXPECT_EQ((Tokens(1) + Tokens(2)).value(), 3);
  EXPECT_EQ(Words().value(), 0);
}

TEST(Amount, NeverWraps) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(Won(kMax).TryAdd(Won(1)), std::nullopt);
  EXPECT_EQ(Won(kMin).TryAdd(Won(-1)), std::nullopt);
  EXPECT_EQ(Won(kMax).TryAdd(Won(kMin)), Won(-1));
  EXPECT_DEATH(
      {
        Won w = Won(kMax) + Won(1);
        (void)w;
      },
      "check failed");
  EXPECT_DEATH(
      {
        Won w = Won(kMin) - Won(1);
        (void)w;
      },
      "check failed");
}

TEST(Check, StaysOnInRelease) {
  JANGBU_CHECK(true);
  EXPECT_DEATH(JANGBU_CHECK(1 + 1 == 3), "check failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace jangbu
