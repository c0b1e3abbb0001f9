// Bytes a second, one thread, from file to document: reading lines, taking compression off, parsing
// JSON, decoding.

#include <benchmark/benchmark.h>

#include <random>

#include "base/check.h"
#include "ingest/extract/cp949.h"
#include "ingest/extract/file_reader.h"
#include "ingest/extract/json_lines.h"
#include "ingest/text/canonical.h"
#include "ingest/text/comparison.h"
#include "ingest/text/segments.h"
#include "ingest/text/utf8.h"
#include "tests/ingest/extract/samples.h"

namespace jangbu::ingest {
namespace {

std::string Text(std::mt19937_64& random, size_t size) {
  std::string text;
  while (text.size() < size) {
    for (uint64_t i = 2 + random() % 3; i > 0; --i)
      AppendUtf8(static_cast<char32_t>(0xAC00 + random() % 11172), text);
    text += random() % 12 == 0 ? ". " : " ";
    if (random() % 60 == 0) text += "\\n";
  }
  return text;
}

// 4 MB of records of some 3 kB.
const std::string& Lines() {
  static const std::string lines = [] {
    std::mt19937_64 random(3);
    std::string out;
    for (int i = 0; out.size() < 4'000'000; ++i) {
      out += "{\"id\":\"doc-" + std::to_string(i) + "\",\"text\":\"" +
             Text(random, 1000 + random() % 4000) +
             "\",\"title\":\"제목\",\"source_type\":\"article\",\"published_at\":\"2015-11-20\"}\n";
    }
    return out;
  }();
  return lines;
}

void Read(benchmark::State& state, const std::string& file, bool parse, bool appraise) {
  const ExtractLimits limits;
  for (auto _ : state) {
    MemorySource source(file);
    auto reader = FileReader::Open(source, "a.jsonl", limits);
    size_t records = 0;
    while (true) {
      auto raw = (*reader)->Next();
      JANGBU_CHECK(raw.ok());
      if (!*raw) break;
      ++records;
      if (!parse) continue;
      const ParsedRecord parsed = ParseRecord((*reader)->facts(), *std::move(*raw), limits);
      JANGBU_CHECK(parsed.ok());
      if (!appraise) continue;
      const std::string canonical = Canonicalize(parsed.document().text);
      const std::vector<Segment> segments = Segments(canonical);
      benchmark::DoNotOptimize(FormsOfSegments(canonical, segments));
    }
    JANGBU_CHECK(records > 1000);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * Lines().size()));
}

void BM_ReadLines(benchmark::State& state) { Read(state, Lines(), false, false); }
BENCHMARK(BM_ReadLines);
void BM_ReadLinesZstd(benchmark::State& state) {
  Read(state, testing::Zstd(Lines()), false, false);
}
BENCHMARK(BM_ReadLinesZstd);
void BM_ReadLinesGzip(benchmark::State& state) {
  Read(state, testing::Gzip(Lines()), false, false);
}
BENCHMARK(BM_ReadLinesGzip);
// SHA-256 of the bytes as received included.
void BM_ReadAndParse(benchmark::State& state) { Read(state, Lines(), true, false); }
BENCHMARK(BM_ReadAndParse);
void BM_ReadParseAndForm(benchmark::State& state) { Read(state, Lines(), true, true); }
BENCHMARK(BM_ReadParseAndForm);

void BM_ParseJsonLine(benchmark::State& state) {
  const ExtractLimits limits;
  const std::string line = Lines().substr(0, Lines().find('\n'));
  for (auto _ : state) benchmark::DoNotOptimize(ParseJsonLine(line, limits));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * line.size()));
}
BENCHMARK(BM_ParseJsonLine);

void BM_DecodeCp949(benchmark::State& state) {
  std::mt19937_64 random(4);
  const std::string text = Text(random, 1'000'000);
  const std::string bytes = testing::Encode(text, "windows-949");
  JANGBU_CHECK(DecodeCp949(bytes).utf8 == text);
  for (auto _ : state) benchmark::DoNotOptimize(DecodeCp949(bytes));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(BM_DecodeCp949);

}  // namespace
}  // namespace jangbu::ingest

BENCHMARK_MAIN();
