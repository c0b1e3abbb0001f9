#include "audit/guard/form_stream.h"

#include <gtest/gtest.h>

#include <random>

#include "ingest/text/canonical.h"
#include "ingest/text/comparison.h"
#include "tests/audit/guard/guard_world.h"
#include "tests/audit/guard/surface_forms.h"
#include "tests/ingest/text/nasty_text.h"

namespace jangbu::audit {
namespace {

using ingest::testing::Spell;

std::u32string TrueForm(std::string_view utf8) {
  return ingest::CodePoints(ingest::ComparisonForm(ingest::Canonicalize(utf8)));
}

TEST(FormStream, IsTheFormWhateverThePieces) {
  constexpr uint64_t kSeed = 4101;
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = round % 3 == 0 ? ingest::testing::RandomPlainText(random, 60)
                                            : ingest::testing::RandomText(random, 40);
    FormStream stream;
    std::string out;
    std::vector<FormUnit> units;
    const size_t piece = 1 + random() % 12;
    for (size_t at = 0; at < text.size(); at += piece) {
      stream.Push(std::string_view(text).substr(at, piece), out, units);
      // What is settled, with the tail, is the form of what came.
      if (round % 4 == 0 && ingest::IsValidUtf8(std::string_view(text).substr(0, at + piece))) {
        std::u32string now;
        for (const FormUnit& u : units) now.push_back(u.cp);
        for (const FormUnit& u : stream.Tail()) now.push_back(u.cp);
        ASSERT_EQ(now, TrueForm(text.substr(0, at + piece)))
            << "seed " << kSeed << ": " << Spell(text.substr(0, at + piece));
      }
    }
    stream.Finish(out, units);
    EXPECT_EQ(out, text);
    std::u32string form;
    for (const FormUnit& u : units) form.push_back(u.cp);
    ASSERT_EQ(form, TrueForm(text)) << "seed " << kSeed << ": " << Spell(text);
  }
}

TEST(FormStream, TheOtherWaysToWriteAreOneForm) {
  std::mt19937_64 random(4102);
  for (int round = 0; round < 2'000; ++round) {
    std::u32string run = testing::Syllables(random, 20, 11'000);
    for (char32_t& c : run) {
      if (random() % 5 == 0) c = static_cast<char32_t>('a' + random() % 26);
      if (random() % 9 == 0) c = static_cast<char32_t>('0' + random() % 10);
    }
    ASSERT_EQ(FormOf(surface::Write(run, random, 40)), run);
  }
}

TEST(FormStream, BytesThatAreNoTextBecomeReplacements) {
  struct Case {
    const char* why;
    std::string_view bytes;
    std::string_view text;
  };
  const Case cases[] = {
      {"a stray continuation", "a\x80z", "a\uFFFDz"},
      {"overlong", "\xC0\xAFz", "\uFFFD\uFFFDz"},
      {"a surrogate", "\xED\xA0\x80z", "\uFFFD\uFFFD\uFFFDz"},
      {"cut off by a letter", "\xEA\xB0z", "\uFFFD\uFFFDz"},
      {"cut off by the end", "z\xEA\xB0", "z\uFFFD\uFFFD"},
      {"past the last code point", "\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
  };
  for (const Case& c : cases) {
    for (size_t piece = 1; piece < 4; ++piece) {
      FormStream stream;
      std::string out;
      std::vector<FormUnit> units;
      for (size_t at = 0; at < c.bytes.size(); at += piece) {
        stream.Push(c.bytes.substr(at, piece), out, units);
      }
      stream.Finish(out, units);
      EXPECT_EQ(out, c.text) << c.why << ", pieces of " << piece;
    }
  }
}

}  // namespace
}  // namespace jangbu::audit
