// Documents and a question from a few letters: the run index and the definition agree.
//
// Each byte is a command: 0-199 a letter (of four, again as often as the byte says), 200-249 the
// end of a document, 250-255 a copy of a stretch of an earlier document. The last document is the
// question.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "ingest/dedup/coverage.h"
#include "ingest/dedup/run_index.h"
#include "tests/ingest/dedup/run_corpus.h"
#include "tests/reference/runs.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jangbu::ingest;
  static const RunHasher hasher(kTestSecret);
  if (size > 400) return 0;
  jangbu::reference::RunCorpus corpus(1);
  size_t length = 0;
  for (size_t i = 0; i < size && length < 20000; ++i) {
    std::u32string& form = corpus.back().form;
    if (data[i] < 200) {
      form.append(1 + data[i] / 4, U'가' + data[i] % 4);
      length += 1 + data[i] / 4;
    } else if (data[i] < 250) {
      RunDocument next = corpus.back().document;
      ++next.place.ordinal;
      corpus.push_back({next, U""});
    } else if (i + 2 < size) {
      const std::u32string from = corpus[data[i + 1] % corpus.size()].form;
      if (!from.empty()) {
        const std::u32string piece = from.substr(data[i + 2] % from.size(), 10u * (data[i] - 249u));
        form += piece;
        length += piece.size();
      }
      i += 2;
    }
  }
  const jangbu::reference::RunCorpus all = corpus;
  const std::u32string text = corpus.back().form;
  corpus.pop_back();
  if (corpus.empty() || text.empty()) return 0;
  CorpusForms forms(corpus);
  const std::vector<RunText> texts = TextsOf(corpus);
  const size_t half = texts.size() / 2;
  std::vector<std::shared_ptr<const RunSegment>> segments;
  for (const auto part : {std::span(texts).first(half), std::span(texts).subspan(half)}) {
    segments.push_back(*RunSegment::Build(hasher, part));
  }
  const auto merged = RunSegment::Merge(hasher, segments, forms, nullptr);
  JANGBU_CHECK(merged.ok());
  JANGBU_CHECK((*merged)->encoded() == (*RunSegment::Build(hasher, texts))->encoded());
  const RunView two(&hasher, segments);
  const RunView one(&hasher, {*merged});
  const auto expected = jangbu::reference::Covered(text, corpus, {}, kMinRun);
  JANGBU_CHECK(*two.Covered(text, {}, forms) == expected);
  JANGBU_CHECK(*one.Covered(text, {}, forms) == expected);
  // The same question of each stretch of 32, decided and counted.
  std::vector<CoverQuestion> questions;
  for (uint32_t at = 0; at < text.size(); at += 32) {
    const auto end = std::min(at + 32, static_cast<uint32_t>(text.size()));
    questions.push_back({at, end, (end - at + 1) / 2});
  }
  const auto decides = [&](const RunView& view, const Reference& reference) {
    const CoverBounds bounds =
        *view.Decide(text, reference, forms, questions, {}, text.size() * 4 / 5);
    for (const CoverQuestion& q : questions) {
      JANGBU_CHECK((CoveredWithin(bounds.sure, q.begin, q.end) >= q.need) ==
                   (CoveredWithin(expected, q.begin, q.end) >= q.need));
      JANGBU_CHECK(CoveredWithin(bounds.may, q.begin, q.end) >=
                   CoveredWithin(expected, q.begin, q.end));
    }
  };
  decides(two, {});
  // The same when the view holds the question too.
  const Reference with_self{
      .before = kAfterAll, .counts = nullptr, .self = all.back().document.place};
  const RunView own(&hasher, {*RunSegment::Build(hasher, TextsOf(all))});
  JANGBU_CHECK(*own.Covered(text, with_self, forms) == expected);
  decides(own, with_self);
  JANGBU_CHECK(*one.Nearest(text, {}, forms, 1) == jangbu::reference::Nearest(text, corpus, {}, 1));
  JANGBU_CHECK(*two.Covered(text, {}, forms, 40) ==
               jangbu::reference::Covered(text, corpus, {}, 40));
  return 0;
}
