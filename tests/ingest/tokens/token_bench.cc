// How fast tokens are counted, beside the plainest thing that could be called counting: cut at
// white space, look the whole word up in a hash table that has every word. Counts are compared with
// the slow twin (merging for real) before anything is timed.
//
//   token_bench TOKENIZER_FILE TEXT_FILE [--split-train PERCENT]
//
// TEXT_FILE is canonical text, documents between empty lines or not; it is counted line by line,
// whole documents with their segmenting. Without a file of its own the bench makes text from a
// seed.

#include <benchmark/benchmark.h>
#include <time.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ingest/tokens/char_class.h"
#include "ingest/tokens/token_counter.h"

namespace {

using jangbu::ingest::TokenCounter;
using jangbu::ingest::Tokenizer;

std::string ReadFile(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

double ThreadSeconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct WordHash {
  size_t operator()(std::string_view s) const { return XXH3_64bits(s.data(), s.size()); }
};
using Words = absl::flat_hash_map<std::string_view, uint32_t, WordHash, std::equal_to<>>;

template <typename OnWord>
void ForEachWord(std::string_view text, OnWord on_word) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    while (p < end && (*p == ' ' || *p == '\n')) ++p;
    const char* const start = p;
    while (p < end && *p != ' ' && *p != '\n') ++p;
    if (p > start) on_word(std::string_view(start, static_cast<size_t>(p - start)));
  }
}

std::shared_ptr<const Tokenizer> g_tokenizer;
std::string g_text;        // the whole text
std::string_view g_first;  // its first half, for warming up
std::string_view g_second;
Words g_words;

void Report(benchmark::State& state, size_t bytes) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(bytes));
}

void WholeWordLookUp(benchmark::State& state) {
  for (auto _ : state) {
    int64_t total = 0;
    ForEachWord(g_text, [&](std::string_view word) { total += g_words.find(word)->second; });
    benchmark::DoNotOptimize(total);
  }
  Report(state, g_text.size());
}

void CountWarm(benchmark::State& state) {
  TokenCounter counter(g_tokenizer);
  counter.CountText(g_text);
  for (auto _ : state) benchmark::DoNotOptimize(counter.CountText(g_text));
  Report(state, g_text.size());
}

// A new counter each time: nothing of the text was ever seen.
void CountCold(benchmark::State& state) {
  for (auto _ : state) {
    TokenCounter counter(g_tokenizer);
    benchmark::DoNotOptimize(counter.CountText(g_text));
  }
  Report(state, g_text.size());
}

// A counter that has seen the first half of the text counts the second for the first time.
void CountUnseenAfterOther(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    TokenCounter counter(g_tokenizer);
    counter.CountText(g_first);
    state.ResumeTiming();
    benchmark::DoNotOptimize(counter.CountText(g_second));
  }
  Report(state, g_second.size());
}

void CountWithoutCache(benchmark::State& state) {
  TokenCounter counter(g_tokenizer, {.cache_bytes = 0});
  for (auto _ : state) benchmark::DoNotOptimize(counter.CountText(g_text));
  Report(state, g_text.size());
}

void CountSegmentBySegment(benchmark::State& state) {
  TokenCounter counter(g_tokenizer);
  counter.CountText(g_text);
  for (auto _ : state) {
    int64_t total = 0;
    for (std::string_view rest = g_text; !rest.empty();) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      total += counter.Count(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    benchmark::DoNotOptimize(total);
  }
  Report(state, g_text.size());
}

// Two threads, a counter each, one half of the text each; wall time.
void CountTwoThreads(benchmark::State& state) {
  TokenCounter a(g_tokenizer);
  TokenCounter b(g_tokenizer);
  a.CountText(g_first);
  b.CountText(g_second);
  for (auto _ : state) {
    int64_t first = 0;
    std::thread other([&] { first = a.CountText(g_first); });
    benchmark::DoNotOptimize(b.CountText(g_second));
    other.join();
    benchmark::DoNotOptimize(first);
  }
  Report(state, g_text.size());
}

void CountAdversary(benchmark::State& state, const std::string& text) {
  TokenCounter counter(g_tokenizer);
  for (auto _ : state) benchmark::DoNotOptimize(counter.CountText(text));
  Report(state, text.size());
}

// Counts must agree before they are timed.
bool Check() {
  const auto bytes = g_text.size();
  std::printf("text: %.1f MB\n", static_cast<double>(bytes) / 1e6);
  TokenCounter warm(g_tokenizer);
  TokenCounter none(g_tokenizer, {.cache_bytes = 0});
  const int64_t cold_count = warm.CountText(g_text);
  const int64_t warm_count = warm.CountText(g_text);
  const int64_t plain_count = none.CountText(g_text);
  if (cold_count != warm_count || cold_count != plain_count) {
    std::printf("counts differ: cold %lld, warm %lld, without cache %lld\n",
                static_cast<long long>(cold_count), static_cast<long long>(warm_count),
                static_cast<long long>(plain_count));
    return false;
  }
  std::printf("tokens: %lld, %.2f bytes a token; tables %.1f MB\n",
              static_cast<long long>(cold_count),
              static_cast<double>(bytes) / static_cast<double>(cold_count),
              static_cast<double>(g_tokenizer->memory_bytes()) / 1e6);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc < 3) {
    std::fprintf(stderr, "usage: token_bench TOKENIZER_FILE TEXT_FILE [benchmark flags]\n");
    return 2;
  }
  const std::string file = ReadFile(argv[1]);
  const double before = ThreadSeconds();
  auto tokenizer = Tokenizer::Load(file);
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.status().ToString().c_str());
    return 1;
  }
  std::printf("%s, %zu entries, loaded in %.3f s\n", std::string((*tokenizer)->algorithm()).c_str(),
              (*tokenizer)->vocab_size(), ThreadSeconds() - before);
  g_tokenizer = *tokenizer;
  g_text = ReadFile(argv[2]);
  if (!Check()) return 1;
  const size_t half = g_text.find('\n', g_text.size() / 2);
  g_first = std::string_view(g_text).substr(0, half);
  g_second = std::string_view(g_text).substr(half);
  size_t distinct = 0;
  {
    Words words;
    ForEachWord(g_text, [&](std::string_view word) { words.emplace(word, 0); });
    distinct = words.size();
  }
  g_words.reserve(distinct);
  TokenCounter counter(g_tokenizer);
  ForEachWord(g_text, [&](std::string_view word) {
    const auto [it, fresh] = g_words.emplace(word, 0);
    if (fresh) it->second = static_cast<uint32_t>(counter.Count(word));
  });
  std::printf("words: %zu distinct\n", distinct);

  benchmark::RegisterBenchmark("whole_word_look_up", WholeWordLookUp);
  benchmark::RegisterBenchmark("count_warm", CountWarm);
  benchmark::RegisterBenchmark("count_cold", CountCold);
  benchmark::RegisterBenchmark("count_unseen_after_other", CountUnseenAfterOther);
  benchmark::RegisterBenchmark("count_segment_by_segment", CountSegmentBySegment);
  benchmark::RegisterBenchmark("count_without_cache", CountWithoutCache);
  benchmark::RegisterBenchmark("count_two_threads", CountTwoThreads)->UseRealTime();

  const auto repeated = [](std::string_view unit, size_t bytes) {
    std::string s;
    while (s.size() < bytes) s.append(unit);
    return s;
  };
  static const std::string one_syllable = repeated("가", 8 << 20);
  static const std::string laughter = repeated("ㅋ", 8 << 20);
  static const std::string letters_a = repeated("a", 8 << 20);
  static const std::string spaces = repeated(" ", 8 << 20);
  static const std::string equals = repeated("=", 8 << 20);
  static std::string long_word;
  static std::string random_bytes;
  static std::string random_points;
  static std::string random_syllables;
  uint64_t seed = 88172645463325252ull;
  const auto next = [&seed] {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
  };
  for (const char c : g_text) {
    if (c != ' ' && c != '\n' && static_cast<unsigned char>(c) >= 0x80) long_word.push_back(c);
    if (long_word.size() >= (8u << 20)) break;
  }
  while (random_bytes.size() < (8u << 20)) random_bytes.push_back(static_cast<char>(next()));
  while (random_points.size() < (8u << 20)) {
    const auto c = static_cast<char32_t>(next() % 0x30000);
    if (c < 0xD800 || c > 0xDFFF) jangbu::ingest::tokens::AppendUtf8(c, random_points);
  }
  while (random_syllables.size() < (8u << 20)) {
    jangbu::ingest::tokens::AppendUtf8(static_cast<char32_t>(0xAC00 + next() % 11172),
                                       random_syllables);
  }
  const auto adversary = [](const char* name, const std::string& text) {
    benchmark::RegisterBenchmark(name, [&text](benchmark::State& state) {
      CountAdversary(state, text);
    })->Unit(benchmark::kMillisecond);
  };
  adversary("adversary/one_syllable_8MiB", one_syllable);
  adversary("adversary/one_jamo_8MiB", laughter);
  adversary("adversary/letter_a_8MiB", letters_a);
  adversary("adversary/spaces_8MiB", spaces);
  adversary("adversary/equals_8MiB", equals);
  adversary("adversary/long_korean_word_8MiB", long_word);
  adversary("adversary/random_syllables_8MiB", random_syllables);
  adversary("adversary/random_code_points_8MiB", random_points);
  adversary("adversary/random_bytes_8MiB", random_bytes);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
