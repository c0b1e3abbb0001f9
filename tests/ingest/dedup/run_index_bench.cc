// The run index, one thread: what it costs to build and to merge, how large it is, and what a code
// point of new, formulaic, repetitive and copied text costs to judge. Answers are compared with the
// definition before anything is timed.
//
//   run_index_bench [--corpus=FILE --query=FILE] [benchmark flags]
//
// Each file holds one document a line; without them text is made up from a seed.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>

#include "base/check.h"
#include "ingest/dedup/coverage.h"
#include "ingest/text/canonical.h"
#include "tests/ingest/dedup/run_corpus.h"

namespace jangbu::ingest {
namespace {

std::string corpus_file;
std::string query_file;

const RunHasher& Hasher() {
  static const RunHasher hasher(kTestSecret);
  return hasher;
}

// Text by place in an array: what a warm cache of forms costs.
class ArrayForms : public FormSource {
 public:
  StatusOr<std::shared_ptr<const std::u32string>> Form(const RunDocument& document) override {
    return forms.at(document.place.ordinal);
  }
  std::vector<std::shared_ptr<const std::u32string>> forms;
};

struct Corpus {
  ArrayForms forms;
  std::vector<RunText> texts;
  uint64_t form_bytes = 0;  // UTF-8
  uint64_t text_bytes = 0;
  uint64_t code_points = 0;

  void Add(std::u32string form, uint64_t bytes) {
    for (const char32_t c : form) form_bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    text_bytes += bytes;
    code_points += form.size();
    forms.forms.push_back(std::make_shared<const std::u32string>(std::move(form)));
    RunDocument document;
    document.place.ordinal = static_cast<uint32_t>(texts.size());
    texts.push_back({document, *forms.forms.back()});
  }
};

void Read(const std::string& path, Corpus& corpus) {
  std::ifstream in(path);
  JANGBU_CHECK(in.good());
  for (std::string line; std::getline(in, line);) {
    if (IsValidUtf8(line)) {
      corpus.Add(CodePoints(ComparisonForm(Canonicalize(line))), line.size());
    }
  }
}

// Sentences of words of a vocabulary with a long tail.
std::u32string Prose(Prng& prng, size_t length) {
  std::u32string out;
  while (out.size() < length) {
    const uint64_t rank = uint64_t{1} << prng(17);
    Prng word(rank + prng(rank));
    const uint64_t n = 2 + word(3);
    for (uint64_t i = 0; i < n; ++i) out.push_back(0xAC00 + static_cast<char32_t>(word(2350)));
  }
  return out;
}

std::u32string Formulaic(Prng& prng, size_t length) {
  std::u32string out;
  while (out.size() < length) {
    Prng formula(prng(300));
    out += Prose(formula, 30 + formula(60));
    out += Prose(prng, prng(30));
  }
  return out;
}

const Corpus& Indexed() {
  static const Corpus* const corpus = [] {
    auto* c = new Corpus;
    if (!corpus_file.empty()) {
      Read(corpus_file, *c);
      return c;
    }
    Prng prng(1);
    for (int i = 0; i < 12000; ++i) {
      std::u32string form =
          i % 3 == 0 ? Formulaic(prng, 200 + prng(1500)) : Prose(prng, 50 + prng(1500));
      if (i % 5 == 0) form.append(5 + prng(40), U'ㅋ');
      c->Add(form, form.size() * 10 / 3);
    }
    return c;
  }();
  return *corpus;
}

const std::shared_ptr<const RunSegment>& Segment() {
  static const std::shared_ptr<const RunSegment> segment =
      *RunSegment::Build(Hasher(), Indexed().texts);
  return segment;
}

// The same documents in `n` segments.
RunView ViewOf(size_t n) {
  if (n == 1) return RunView(&Hasher(), {Segment()});
  std::vector<std::shared_ptr<const RunSegment>> segments;
  const std::span<const RunText> all = Indexed().texts;
  for (size_t i = 0; i < n; ++i) {
    const size_t from = all.size() * i / n;
    segments.push_back(
        *RunSegment::Build(Hasher(), all.subspan(from, all.size() * (i + 1) / n - from)));
  }
  return RunView(&Hasher(), std::move(segments));
}

enum class Kind { kQuery, kProse, kFormulaic, kLaughter, kCopy };

std::vector<std::u32string> Questions(Kind kind) {
  std::vector<std::u32string> out;
  Prng prng(77);
  const Corpus& corpus = Indexed();
  if (kind == Kind::kQuery && !query_file.empty()) {
    Corpus query;
    Read(query_file, query);
    for (const auto& form : query.forms.forms) out.push_back(*form);
    return out;
  }
  for (int i = 0; i < 400; ++i) {
    switch (kind) {
      case Kind::kQuery:
      case Kind::kProse:
        out.push_back(Prose(prng, 1500));
        break;
      case Kind::kFormulaic:
        out.push_back(Formulaic(prng, 1500));
        break;
      case Kind::kLaughter: {
        std::u32string form;
        while (form.size() < 500) {
          form += Prose(prng, 3 + prng(8));
          form.append(3 + prng(60), U'ㅋ');
        }
        out.push_back(form);
        break;
      }
      case Kind::kCopy:
        out.push_back(*corpus.forms.forms[prng(corpus.forms.forms.size())]);
        break;
    }
  }
  return out;
}

void Build(benchmark::State& state) {
  Indexed();  // made up before the clock runs
  for (auto _ : state) benchmark::DoNotOptimize(*RunSegment::Build(Hasher(), Indexed().texts));
  const Corpus& c = Indexed();
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * c.form_bytes));
  const RunSegment& s = *Segment();
  const auto percent = [&](uint64_t n) {
    return 100.0 * static_cast<double>(n) / static_cast<double>(c.text_bytes);
  };
  state.counters["index_%"] = percent(s.encoded().size());
  state.counters["filter_%"] = percent(s.filter_bytes());
  state.counters["hot_%"] = percent(s.hot_bytes());
  state.counters["form_MB"] = static_cast<double>(c.form_bytes) / 1e6;
  state.counters["text_MB"] = static_cast<double>(c.text_bytes) / 1e6;
}
BENCHMARK(Build)->Unit(benchmark::kMillisecond);

void Merge(benchmark::State& state) {
  std::vector<std::shared_ptr<const RunSegment>> segments;
  const RunView view = ViewOf(static_cast<size_t>(state.range(0)));
  for (const auto& group : view.groups()) {
    segments.insert(segments.end(), group.segments.begin(), group.segments.end());
  }
  auto& forms = const_cast<ArrayForms&>(Indexed().forms);
  for (auto _ : state) {
    benchmark::DoNotOptimize(*RunSegment::Merge(Hasher(), segments, forms, nullptr));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * Indexed().form_bytes));
}
BENCHMARK(Merge)->Arg(4)->Unit(benchmark::kMillisecond);

void Covered(benchmark::State& state, Kind kind, size_t segments, bool summarised) {
  const std::vector<std::u32string> questions = Questions(kind);
  RunView view = ViewOf(segments);
  if (summarised) view = view.Summarised();
  auto& forms = const_cast<ArrayForms&>(Indexed().forms);
  uint64_t code_points = 0;
  uint64_t covered = 0;
  RunCost cost;
  for (auto _ : state) {
    for (const std::u32string& q : questions) {
      covered += CoveredLength(*view.Covered(q, {}, forms, kMinRun, &cost));
      code_points += q.size();
    }
  }
  const auto each = static_cast<double>(code_points);
  state.counters["ns/cp"] =
      benchmark::Counter(each / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["covered_%"] = 100 * static_cast<double>(covered) / each;
  state.counters["forms/kcp"] = 1000 * static_cast<double>(cost.forms) / each;
  state.counters["compared/kcp"] = 1000 * static_cast<double>(cost.candidates) / each;
}
BENCHMARK_CAPTURE(Covered, query, Kind::kQuery, 1, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Covered, query_6_segments, Kind::kQuery, 6, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Covered, query_16_segments, Kind::kQuery, 16, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Covered, query_16_summarised, Kind::kQuery, 16, true)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Covered, prose, Kind::kProse, 1, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Covered, formulaic, Kind::kFormulaic, 1, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Covered, laughter, Kind::kLaughter, 1, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Covered, copy, Kind::kCopy, 1, false)->Unit(benchmark::kMillisecond);

// Whether half of each stretch of 80 is covered, as documents are judged.
void Decide(benchmark::State& state, Kind kind, size_t segments) {
  const std::vector<std::u32string> questions = Questions(kind);
  const RunView view = ViewOf(segments);
  auto& forms = const_cast<ArrayForms&>(Indexed().forms);
  uint64_t code_points = 0;
  RunCost cost;
  std::vector<CoverQuestion> halves;
  for (auto _ : state) {
    for (const std::u32string& q : questions) {
      halves.clear();
      for (uint32_t at = 0; at < q.size(); at += 80) {
        const auto end = std::min(at + 80, static_cast<uint32_t>(q.size()));
        halves.push_back({at, end, (end - at + 1) / 2});
      }
      benchmark::DoNotOptimize(*view.Decide(q, {}, forms, halves, {}, SIZE_MAX, kMinRun, &cost));
      code_points += q.size();
    }
  }
  const auto each = static_cast<double>(code_points);
  state.counters["ns/cp"] =
      benchmark::Counter(each / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["places/cp"] = static_cast<double>(cost.places) / each;
  state.counters["passes/cp"] = static_cast<double>(cost.passes) / each;
  state.counters["forms/kcp"] = 1000 * static_cast<double>(cost.forms) / each;
  state.counters["compared/kcp"] = 1000 * static_cast<double>(cost.candidates) / each;
}
BENCHMARK_CAPTURE(Decide, query, Kind::kQuery, 1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decide, query_6_segments, Kind::kQuery, 6)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decide, prose, Kind::kProse, 1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decide, formulaic, Kind::kFormulaic, 1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decide, laughter, Kind::kLaughter, 1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decide, copy, Kind::kCopy, 1)->Unit(benchmark::kMillisecond);

void Nearest(benchmark::State& state, Kind kind) {
  const std::vector<std::u32string> questions = Questions(kind);
  const RunView view = ViewOf(1);
  auto& forms = const_cast<ArrayForms&>(Indexed().forms);
  uint64_t code_points = 0;
  uint64_t found = 0;
  RunCost cost;
  for (auto _ : state) {
    for (const std::u32string& q : questions) {
      if (q.empty()) continue;
      found += view.Nearest(q, {}, forms, NearThreshold(q.size()), &cost)->has_value();
      code_points += q.size();
    }
  }
  const auto each = static_cast<double>(code_points);
  state.counters["ns/cp"] =
      benchmark::Counter(each / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["found"] = static_cast<double>(found) / static_cast<double>(state.iterations());
  state.counters["forms/kcp"] = 1000 * static_cast<double>(cost.forms) / each;
}
BENCHMARK_CAPTURE(Nearest, query, Kind::kQuery)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Nearest, copy, Kind::kCopy)->Unit(benchmark::kMillisecond);

void CompareWithTheDefinition() {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Prng prng(seed);
    const reference::RunCorpus corpus = NastyCorpus(prng, 30);
    CorpusForms forms(corpus);
    const RunView view(&Hasher(), {*RunSegment::Build(Hasher(), TextsOf(corpus))});
    for (const auto& d : corpus) {
      Reference reference;
      reference.before = d.document.place;
      JANGBU_CHECK(*view.Covered(d.form, reference, forms) ==
                   reference::Covered(d.form, corpus, reference, kMinRun));
    }
  }
}

}  // namespace
}  // namespace jangbu::ingest

int main(int argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg.starts_with("--corpus=")) {
      jangbu::ingest::corpus_file = arg.substr(9);
    } else if (arg.starts_with("--query=")) {
      jangbu::ingest::query_file = arg.substr(8);
    } else {
      argv[kept++] = argv[i];
    }
  }
  jangbu::ingest::CompareWithTheDefinition();
  benchmark::Initialize(&kept, argv);
  benchmark::RunSpecifiedBenchmarks();
}
