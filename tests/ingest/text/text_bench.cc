// Bytes a second, one thread, over ordinary Korean text and over text that needs work. Every answer
// is compared with the slow twin before anything is timed.

#include <benchmark/benchmark.h>

#include <map>
#include <random>

#include "base/check.h"
#include "ingest/text/canonical.h"
#include "ingest/text/comparison.h"
#include "ingest/text/segments.h"
#include "tests/ingest/text/nasty_text.h"
#include "tests/reference/text/text_twin.h"

namespace jangbu::ingest {
namespace {

constexpr size_t kBytes = 4'000'000;

// Words of two to four syllables, now and then Latin, digits or Han, sentences, paragraphs of some
// 400 bytes.
std::string KoreanText() {
  std::mt19937_64 random(1);
  std::string text;
  while (text.size() < kBytes) {
    const size_t paragraph = text.size() + 200 + random() % 400;
    while (text.size() < paragraph) {
      const uint64_t kind = random() % 40;
      if (kind == 0) {
        for (uint64_t i = 0; i < 2 + random() % 6; ++i)
          text.push_back(static_cast<char>('a' + random() % 26));
      } else if (kind == 1) {
        text += std::to_string(random() % 10'000);
      } else if (kind == 2) {
        for (int i = 0; i < 2; ++i)
          AppendUtf8(static_cast<char32_t>(0x4E00 + random() % 0x4000), text);
      } else {
        for (uint64_t i = 0; i < 2 + random() % 3; ++i) {
          AppendUtf8(static_cast<char32_t>(0xAC00 + random() % 11172), text);
        }
      }
      if (random() % 12 == 0) text += random() % 3 == 0 ? "," : ".";
      text.push_back(' ');
    }
    text.back() = '\n';
  }
  text.pop_back();
  return text;
}

std::string Decomposed(const std::string& text) {
  return reference::ToUtf8(
      reference::Normalized(icu::Normalizer2::getNFDInstance, reference::FromUtf8(text)));
}

std::string Untidy(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += " \r\n\r";
    out.push_back(c);
    if (c == ' ' && out.size() % 3 == 0) out += "\u00A0\u200B";
  }
  return out;
}

std::string Chat() {
  std::mt19937_64 random(2);
  const char* const bits[] = {"ㅋㅋㅋ", "ㅠㅠ", "진짜 ", "대박",   "ㄱㄱ ",
                              "😀",      "♥",    "… ",    "영화\n", "ＯＫ"};
  std::string text;
  while (text.size() < kBytes) text += bits[random() % std::size(bits)];
  return text;
}

// Documents of some 8 kB.
using Documents = std::vector<std::string>;

Documents Split(const std::string& text) {
  Documents documents;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = std::min(begin + 8'000, text.size());
    while (end < text.size() && text[end] != '\n') ++end;
    documents.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return documents;
}

const Documents& Raw(int64_t kind) {
  static std::map<int64_t, Documents> all;
  Documents& documents = all[kind];
  if (!documents.empty()) return documents;
  std::string text = kind == 3 ? Chat() : KoreanText();
  if (kind == 1) text = Untidy(text);
  if (kind == 2) text = Decomposed(text);
  documents = Split(text);
  for (const std::string& d : documents) {
    const std::string canonical = Canonicalize(d);
    JANGBU_CHECK(canonical == reference::Canonicalize(d));
    JANGBU_CHECK(ComparisonForm(canonical) == reference::ComparisonForm(canonical));
    JANGBU_CHECK(Segments(canonical) == reference::Segments(canonical));
  }
  return documents;
}

Documents CanonicalOf(int64_t kind) {
  Documents documents = Raw(kind);
  for (std::string& d : documents) d = Canonicalize(d);
  return documents;
}

const char* const kKinds[] = {"canonical already", "untidy", "decomposed (NFD)", "chat"};

template <typename F>
void Time(benchmark::State& state, const Documents& documents, F f) {
  size_t bytes = 0;
  for (const std::string& d : documents) bytes += d.size();
  for (auto _ : state) {
    for (const std::string& d : documents) f(d);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
  state.SetLabel(kKinds[state.range(0)]);
}

void BM_Canonicalize(benchmark::State& state) {
  Time(state, Raw(state.range(0)),
       [](const std::string& d) { benchmark::DoNotOptimize(Canonicalize(d)); });
}
BENCHMARK(BM_Canonicalize)->DenseRange(0, 3);

void BM_ComparisonForm(benchmark::State& state) {
  Time(state, CanonicalOf(state.range(0)),
       [](const std::string& d) { benchmark::DoNotOptimize(ComparisonForm(d)); });
}
BENCHMARK(BM_ComparisonForm)->Arg(0)->Arg(3);

void BM_Segments(benchmark::State& state) {
  Time(state, CanonicalOf(state.range(0)),
       [](const std::string& d) { benchmark::DoNotOptimize(Segments(d)); });
}
BENCHMARK(BM_Segments)->Arg(0)->Arg(3);

// All that is done with the text of one document before tokens and novelty.
void BM_Chain(benchmark::State& state) {
  Time(state, Raw(state.range(0)), [](const std::string& d) {
    const std::string canonical = Canonicalize(d);
    const std::vector<Segment> segments = Segments(canonical);
    benchmark::DoNotOptimize(FormsOfSegments(canonical, segments));
    benchmark::DoNotOptimize(CountText(canonical, segments));
  });
}
BENCHMARK(BM_Chain)->DenseRange(0, 3);

}  // namespace
}  // namespace jangbu::ingest

BENCHMARK_MAIN();
