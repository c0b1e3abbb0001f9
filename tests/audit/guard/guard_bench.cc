// Speed of the guard on text like the corpus and unlike it, beside a suffix array's search for
// every window of 50. JANGBU_BENCH_TEXT: a file of JSON lines or plain lines to take the corpus
// from (first half indexed, second half asked); without it, made-up sentences.

#include <benchmark/benchmark.h>
#include <divsufsort.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/audit/guard/guard_world.h"

namespace jangbu::audit {
namespace {

using testing::GuardWorld;
using testing::Random;
using testing::Syllables;
using testing::Utf8;

struct Texts {
  std::vector<std::u32string> corpus;
  std::string novel;   // UTF-8, not in the corpus
  std::string boiler;  // made of pieces of the corpus shorter than 50 and whole formulae
  std::string laughter;
  size_t corpus_bytes = 0;
  size_t corpus_size = 0;
};

const Texts& TheTexts() {
  static const Texts texts = [] {
    Texts t;
    Random random(4501);
    std::vector<std::string> lines;
    if (const char* const file = std::getenv("JANGBU_BENCH_TEXT")) {
      std::ifstream in(file);
      for (std::string line; std::getline(in, line);) lines.push_back(line);
    } else {
      std::vector<std::u32string> frames;
      for (int f = 0; f < 3'000; ++f)
        frames.push_back(Syllables(random, 20 + random() % 20, 1'500));
      for (int d = 0; d < 40'000; ++d) {
        std::u32string line;
        for (int s = 0; s < 6; ++s) {
          line += Syllables(random, 30 + random() % 30, 1'500);
          if (random() % 4 == 0) line += frames[random() % frames.size()];
          line.push_back(U' ');
        }
        lines.push_back(Utf8(line));
      }
    }
    const size_t half = lines.size() / 2;
    for (size_t i = 0; i < half; ++i) {
      t.corpus_bytes += lines[i].size();
      t.corpus.push_back(FormOf(lines[i]));
      t.corpus_size += t.corpus.back().size();
    }
    for (int d = 0; d < 100; ++d) t.corpus.push_back(std::u32string(40 + random() % 200, U'ㅋ'));
    for (size_t i = half; i < lines.size() && t.novel.size() < 3'000'000; ++i) t.novel += lines[i];
    while (t.boiler.size() < 1'000'000) {
      const std::u32string& d = t.corpus[random() % half];
      if (d.size() < 60) continue;
      t.boiler += Utf8(d.substr(random() % (d.size() - 48), 48)) + " ";
    }
    for (int i = 0; i < 60'000; ++i) t.laughter += "ㅋ";
    return t;
  }();
  return texts;
}

const GuardWorld& World() {
  static const GuardWorld world(TheTexts().corpus, 1);
  return world;
}

void Stream(benchmark::State& state, const std::string& text, size_t piece) {
  const GuardWorld& world = World();
  std::vector<double> times;
  size_t findings = 0;
  for (auto _ : state) {
    GuardOptions options;
    options.mode = GuardMode::kReport;
    StreamGuard guard(world.index(), options);
    for (size_t at = 0; at < text.size(); at += piece) {
      const auto begin = std::chrono::steady_clock::now();
      auto answer = guard.Push(std::string_view(text).substr(at, piece));
      const auto end = std::chrono::steady_clock::now();
      findings += answer->findings.size();
      times.push_back(std::chrono::duration<double, std::nano>(end - begin).count());
    }
    findings += guard.Finish()->findings.size();
  }
  std::sort(times.begin(), times.end());
  const double syllables =
      static_cast<double>(FormOf(text).size()) * static_cast<double>(state.iterations());
  state.counters["ns_per_syllable"] = benchmark::Counter(
      syllables / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["piece_p50_ns"] = times[times.size() / 2];
  state.counters["piece_p999_ns"] = times[times.size() * 999 / 1000];
  state.counters["findings"] = static_cast<double>(findings);
}

void BM_Novel(benchmark::State& s) { Stream(s, TheTexts().novel, 6); }
void BM_NovelAtOnce(benchmark::State& s) { Stream(s, TheTexts().novel, 4096); }
void BM_BoilerplateAtOnce(benchmark::State& s) { Stream(s, TheTexts().boiler, 4096); }
void BM_LaughterAtOnce(benchmark::State& s) { Stream(s, TheTexts().laughter, 4096); }
void BM_Boilerplate(benchmark::State& s) { Stream(s, TheTexts().boiler, 6); }
void BM_Laughter(benchmark::State& s) { Stream(s, TheTexts().laughter, 6); }
BENCHMARK(BM_Novel)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Boilerplate)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Laughter)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_NovelAtOnce)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_BoilerplateAtOnce)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_LaughterAtOnce)->Unit(benchmark::kMillisecond);

void BM_BuildIndex(benchmark::State& state) {
  const Texts& t = TheTexts();
  uint64_t bytes = 0, filter = 0;
  for (auto _ : state) {
    std::vector<ingest::RunText> texts;
    for (size_t i = 0; i < t.corpus.size(); ++i) {
      texts.push_back({GuardWorld::DocumentOf(i), t.corpus[i]});
    }
    auto segment = ingest::RunSegment::Build(testing::Hasher(), texts);
    bytes = (*segment)->encoded().size();
    filter = (*segment)->filter_bytes();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * t.corpus_bytes));
  state.counters["index_percent"] =
      100.0 * static_cast<double>(bytes) / static_cast<double>(t.corpus_bytes);
  state.counters["filter_percent"] =
      100.0 * static_cast<double>(filter) / static_cast<double>(t.corpus_bytes);
  size_t hot = 0;
  for (const auto& s : World().index()->segments()) hot += s.hot == nullptr ? 0 : s.hot->size();
  state.counters["hot_windows"] = static_cast<double>(hot);
}
BENCHMARK(BM_BuildIndex)->Unit(benchmark::kMillisecond);

void BM_SuffixArray(benchmark::State& state) {
  const Texts& t = TheTexts();
  std::string bytes;
  const auto put = [](std::string& to, char32_t cp) {
    to.push_back(static_cast<char>(cp >> 8));
    to.push_back(static_cast<char>(cp & 0xFF));
  };
  for (const auto& d : t.corpus) {
    for (const char32_t cp : d) put(bytes, cp);
    put(bytes, 1);
    if (bytes.size() > 40'000'000) break;
  }
  std::vector<saidx_t> array(bytes.size());
  const auto begin = std::chrono::steady_clock::now();
  divsufsort(reinterpret_cast<const sauchar_t*>(bytes.data()), array.data(),
             static_cast<saidx_t>(bytes.size()));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const std::u32string output = FormOf(t.novel.substr(0, 300'000));
  std::string text;
  for (const char32_t cp : output) put(text, cp);
  for (auto _ : state) {
    size_t hits = 0;
    for (size_t i = 49; i < output.size(); ++i) {
      saidx_t first = 0;
      hits += sa_search(reinterpret_cast<const sauchar_t*>(bytes.data()),
                        static_cast<saidx_t>(bytes.size()),
                        reinterpret_cast<const sauchar_t*>(text.data() + 2 * (i - 49)), 100,
                        array.data(), static_cast<saidx_t>(array.size()), &first) > 0;
    }
    benchmark::DoNotOptimize(hits);
  }
  state.counters["ns_per_syllable"] = benchmark::Counter(
      static_cast<double>(output.size()) * static_cast<double>(state.iterations()) / 1e9,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  // Of the UTF-8 text: three bytes a syllable there, two here.
  state.counters["build_MBps"] = static_cast<double>(bytes.size()) * 1.5 / seconds / 1e6;
}
BENCHMARK(BM_SuffixArray)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace jangbu::audit

BENCHMARK_MAIN();
