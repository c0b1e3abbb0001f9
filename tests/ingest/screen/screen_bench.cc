// Bytes a second, one thread, over clean Korean text, text with dates and amounts as law and
// decisions have them, and text full of personal data. Answers are compared with the twin that
// takes no short cut before anything is timed.

#include <benchmark/benchmark.h>

#include <map>

#include "base/check.h"
#include "ingest/screen/quality.h"
#include "ingest/text/canonical.h"
#include "tests/ingest/screen/hard_forms.h"
#include "tests/reference/personal_data_twin.h"

namespace jangbu::ingest {
namespace {

constexpr size_t kBytes = 8'000'000;
const char* const kKinds[] = {"clean", "dates and amounts", "one finding a kilobyte",
                              "nothing but findings"};

const std::string& Text(int64_t kind) {
  static std::map<int64_t, std::string> all;
  std::string& text = all[kind];
  if (!text.empty()) return text;
  testing::HardForms forms(11);
  size_t i = 0;
  while (text.size() < kBytes) {
    if (kind < 3) text += forms.Prose(kind == 2 ? 60 : 40) + "\n";
    if (kind == 1) {
      for (const std::string& innocent : forms.Innocent())
        text += innocent + " " + forms.Prose(9) + "\n";
    }
    if (kind >= 2) {
      const auto planted = forms.All();
      for (size_t j = 0; j < (kind == 2 ? 1 : planted.size()); ++j)
        text += planted[i++ % planted.size()].text + "\n";
    }
  }
  text = Canonicalize(text);
  const std::string_view head = std::string_view(text).substr(0, text.find('\n', 60'000));
  JANGBU_CHECK(FindPersonalData(head) == reference::FindPersonalData(head));
  return text;
}

void BM_FindPersonalData(benchmark::State& state) {
  const std::string& text = Text(state.range(0));
  size_t found = 0;
  for (auto _ : state) {
    const auto findings = FindPersonalData(text);
    found = findings.size();
    benchmark::DoNotOptimize(findings.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
  state.SetLabel(std::string(kKinds[state.range(0)]) + ", " + std::to_string(found) + " found");
}
BENCHMARK(BM_FindPersonalData)->DenseRange(0, 3);

void BM_MeasureQuality(benchmark::State& state) {
  // In documents of some 8 kB.
  const std::string& text = Text(state.range(0));
  for (auto _ : state) {
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', std::min(at + 8'000, text.size())), text.size());
      benchmark::DoNotOptimize(MeasureQuality(std::string_view(text).substr(at, end - at)));
      at = end + 1;
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
  state.SetLabel(kKinds[state.range(0)]);
}
BENCHMARK(BM_MeasureQuality)->DenseRange(0, 1);

}  // namespace
}  // namespace jangbu::ingest

BENCHMARK_MAIN();
