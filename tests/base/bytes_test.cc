// Stored bytes: what is written reads back, and what no writer can have written is refused.

#include "base/bytes.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

namespace jangbu {
namespace {

std::string Varint(uint64_t v) {
  ByteWriter out;
  out.Varint(v);
  return out.Take();
}

TEST(ByteWriter, LaysOutAsTheGrammarSays) {
  ByteWriter out;
  out.U8(1);
  out.U16(0x0203);
  out.U32(0x04050607);
  out.U64(0x08090A0B0C0D0E0F);
  out.I64(-2);
  out.String("가");
  EXPECT_EQ(ToHex(out.bytes()),
            "01"
            "0302"
            "07060504"
            "0f0e0d0c0b0a0908"
            "feffffffffffffff"
            "03eab080");
  EXPECT_EQ(out.size(), 27u);
}

TEST(Varint, HasOneShortestForm) {
  const struct {
    uint64_t value;
    const char* hex;
  } rows[] = {{0, "00"},
              {1, "01"},
              {127, "7f"},
              {128, "8001"},
              {300, "ac02"},
              {16383, "ff7f"},
              {16384, "808001"},
              {1ull << 63, "80808080808080808001"},
              {~0ull, "ffffffffffffffffff01"}};
  for (const auto& row : rows) {
    EXPECT_EQ(ToHex(Varint(row.value)), row.hex);
    const std::string bytes = FromHex(row.hex).value();
    ByteReader in(bytes);
    EXPECT_EQ(in.Varint(), row.value);
    EXPECT_TRUE(in.Finish("row").ok());
  }
}

TEST(Varint, RefusesLongerFormsAndOverflow) {
  for (const char* const hex :
       {"8000", "ff00", "80808000", "808080808080808080808001", "ffffffffffffffffff02",
        "ffffffffffffffffff7f", "8080808080808080808000", "80", ""}) {
    const std::string bytes = FromHex(hex).value();
    ByteReader in(bytes);
    EXPECT_EQ(in.Varint(), 0u) << hex;
    EXPECT_FALSE(in.ok()) << hex;
    EXPECT_EQ(in.Finish("row").code(), absl::StatusCode::kDataLoss);
  }
}

TEST(Varint, SignedOnesNearZeroAreShort) {
  for (const int64_t v :
       {int64_t{0}, int64_t{-1}, int64_t{1}, int64_t{-64}, int64_t{63},
        std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    ByteWriter out;
    out.SignedVarint(v);
    ByteReader in(out.bytes());
    EXPECT_EQ(in.SignedVarint(), v);
    EXPECT_TRUE(in.Finish("row").ok());
    if (v >= -64 && v <= 63) {
      EXPECT_EQ(out.size(), 1u) << v;
    }
  }
}

TEST(ByteReader, GivesNothingAfterTheFirstMistake) {
  const std::string bytes =
      "\x05"
      "ab";  // a string of five bytes, of which two are there
  ByteReader in(bytes);
  EXPECT_EQ(in.String(), "");
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.U8(), 0);
  EXPECT_EQ(in.U64(), 0u);
  EXPECT_EQ(in.Raw(1), "");
  EXPECT_EQ(in.remaining(), 0u);
  const Status status = in.Finish("entry");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(status), "malformed_record");
}

TEST(ByteReader, RefusesTrailingBytes) {
  ByteReader in("ab");
  EXPECT_EQ(in.U8(), 'a');
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(ReasonOf(in.Finish("entry")), "malformed_record");
}

TEST(ByteReader, AForgedCountIsBadBeforeAnybodyReserves) {
  const std::string huge = Varint(~0ull) + "abc";
  ByteReader in(huge);
  EXPECT_EQ(in.Count(1), 0u);
  EXPECT_FALSE(in.ok());
  const std::string fits = Varint(3) + "aabbcc";
  ByteReader exact(fits);
  EXPECT_EQ(exact.Count(2), 3u);
  EXPECT_TRUE(exact.ok());
  ByteReader more(fits);
  EXPECT_EQ(more.Count(3), 0u);
  EXPECT_FALSE(more.ok());
  ByteReader nothing(fits);
  EXPECT_EQ(nothing.Count(0), 3u) << "things without bytes are bounded by the bytes left";
}

TEST(ByteReader, ReadsBackWhateverWasWritten) {
  std::mt19937_64 random(12);
  for (int round = 0; round < 300; ++round) {
    std::vector<int> kinds(random() % 20);
    std::vector<uint64_t> values;
    ByteWriter out;
    for (int& kind : kinds) {
      kind = static_cast<int>(random() % 7);
      const uint64_t v = random() >> (random() % 64);
      values.push_back(v);
      switch (kind) {
        case 0:
          out.U8(static_cast<uint8_t>(v));
          break;
        case 1:
          out.U16(static_cast<uint16_t>(v));
          break;
        case 2:
          out.U32(static_cast<uint32_t>(v));
          break;
        case 3:
          out.U64(v);
          break;
        case 4:
          out.Varint(v);
          break;
        case 5:
          out.String(std::string(v % 100, static_cast<char>(v)));
          break;
        default:
          out.U128((static_cast<uint128>(v) << 64) | ~v);
      }
    }
    ByteReader in(out.bytes());
    for (size_t i = 0; i < kinds.size(); ++i) {
      const uint64_t v = values[i];
      switch (kinds[i]) {
        case 0:
          ASSERT_EQ(in.U8(), static_cast<uint8_t>(v));
          break;
        case 1:
          ASSERT_EQ(in.U16(), static_cast<uint16_t>(v));
          break;
        case 2:
          ASSERT_EQ(in.U32(), static_cast<uint32_t>(v));
          break;
        case 3:
          ASSERT_EQ(in.U64(), v);
          break;
        case 4:
          ASSERT_EQ(in.Varint(), v);
          break;
        case 5:
          ASSERT_EQ(in.String(), std::string(v % 100, static_cast<char>(v)));
          break;
        default:
          ASSERT_TRUE(in.U128() == ((static_cast<uint128>(v) << 64) | ~v));
      }
    }
    ASSERT_TRUE(in.Finish("round").ok()) << round;
    // Every shorter input is noticed.
    if (!out.bytes().empty()) {
      ByteReader cut(std::string_view(out.bytes()).substr(0, out.size() - 1));
      for (const int kind : kinds) {
        if (kind == 0) cut.U8();
        if (kind == 1) cut.U16();
        if (kind == 2) cut.U32();
        if (kind == 3) cut.U64();
        if (kind == 4) cut.Varint();
        if (kind == 5) cut.String();
        if (kind == 6) cut.U128();
      }
      ASSERT_FALSE(cut.Finish("cut").ok()) << round;
    }
  }
}

TEST(Hex, BothWays) {
  EXPECT_EQ(ToHex(std::string_view("\x00\xAB\xFF", 3)), "00abff");
  EXPECT_EQ(FromHex("00ABff").value(), std::string("\x00\xAB\xFF", 3));
  EXPECT_EQ(FromHex("").value(), "");
  for (const char* const bad : {"0", "0g", "0x", " 00", "00 ", "é0"}) {
    EXPECT_EQ(ReasonOf(FromHex(bad).status()), "bad_hex") << bad;
  }
}

// RFC 4648, section 10.
TEST(Base64, GivesThePublishedAnswers) {
  const std::pair<const char*, const char*> rows[] = {{"", ""},
                                                      {"f", "Zg=="},
                                                      {"fo", "Zm8="},
                                                      {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="},
                                                      {"fooba", "Zm9vYmE="},
                                                      {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : rows) {
    EXPECT_EQ(ToBase64(bytes), text);
    EXPECT_EQ(FromBase64(text).value(), bytes);
  }
}

TEST(Base64, RefusesWhatNoEncoderGives) {
  for (const char* const bad : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==",
                                "Zm 8", "Zm8\n", "Zm8-", "Zm=v"}) {
    EXPECT_EQ(ReasonOf(FromBase64(bad).status()), "bad_base64") << bad;
  }
}

TEST(Base64, EveryTextOfFourOverASmallAlphabetIsCanonicalOrRefused) {
  const std::string alphabet = "AQgw/+=\n";
  size_t good = 0;
  for (const char a : alphabet) {
    for (const char b : alphabet) {
      for (const char c : alphabet) {
        for (const char d : alphabet) {
          const std::string text = {a, b, c, d};
          const auto bytes = FromBase64(text);
          if (!bytes.ok()) continue;
          ++good;
          ASSERT_EQ(ToBase64(*bytes), text);
        }
      }
    }
  }
  // Six digits end anywhere; before one '=' the last two bits are zero (A, Q, g, w), before two the
  // last four.
  EXPECT_EQ(good, 6u * 6 * 6 * 6 + 6u * 6 * 4 + 6u * 4);
}

}  // namespace
}  // namespace jangbu
