// jangbu-accept-pairs: labelled pairs of documents, judged by the run index and by brute force.
//
//     jangbu-accept-pairs PAIRS.jsonl [--random N] [--seed S] < DOCUMENTS.jsonl
//
// DOCUMENTS: {"id", "text"} a line. PAIRS: {"a", "b", "expected", "edit_kind", and the Jaccard
// similarities of 어절 and character 5-grams if known} a line; b is judged as the later document.
// All documents go into one index, in pieces that are appended and merged as an installation does.
// For each pair, and for N pairs drawn at random, the runs of b in a must be those of the
// definition, to the code point, and so must what follows for duplicates and segments. Prints a
// table by kind of edit; ends with 1 if index and definition ever differ.

#include <simdjson.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "ingest/dedup/coverage.h"
#include "ingest/text/canonical.h"
#include "services/flow/judging.h"
#include "tests/reference/runs.h"

namespace jangbu::services {
namespace {

class Texts : public ingest::FormSource {
 public:
  explicit Texts(const std::vector<ingest::DocumentForm>& forms) : forms_(forms) {}
  StatusOr<std::shared_ptr<const std::u32string>> Form(
      const ingest::RunDocument& document) override {
    return std::shared_ptr<const std::u32string>(std::shared_ptr<void>(),
                                                 &forms_[document.place.ordinal].stream);
  }

 private:
  const std::vector<ingest::DocumentForm>& forms_;
};

struct Tally {
  uint64_t pairs = 0;
  uint64_t word_jaccard = 0;
  uint64_t char_jaccard = 0;
  uint64_t exact = 0;
  uint64_t near = 0;  // exact ones included
  uint64_t half = 0;  // 50 % or more in runs
  std::string expected;
};

std::string Text(simdjson::dom::element e, const char* field) {
  std::string_view value;
  return e[field].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}
double Number(simdjson::dom::element e, const char* field) {
  double value = 0;
  return e[field].get(value) == simdjson::SUCCESS ? value : 0;
}

int Main(int argc, char** argv) {
  uint64_t random_pairs = 100'000;
  uint64_t seed = 1;
  std::string pairs_path;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--random" && i + 1 < argc) {
      random_pairs = std::stoull(argv[++i]);
    } else if (word == "--seed" && i + 1 < argc) {
      seed = std::stoull(argv[++i]);
    } else {
      pairs_path = word;
    }
  }
  std::ifstream pairs_file(pairs_path);
  if (pairs_path.empty() || !pairs_file) {
    std::fprintf(stderr,
                 "usage: jangbu-accept-pairs PAIRS.jsonl [--random N] [--seed S] "
                 "< DOCUMENTS.jsonl\n");
    return 2;
  }

  simdjson::dom::parser parser;
  std::vector<ingest::DocumentForm> forms;
  std::unordered_map<std::string, uint32_t> numbers;
  for (std::string line; std::getline(std::cin, line);) {
    simdjson::dom::element e;
    if (parser.parse(line).get(e) != simdjson::SUCCESS) continue;
    if (!numbers.emplace(Text(e, "id"), forms.size()).second) continue;
    forms.push_back(ingest::FormOfDocument(ingest::Canonicalize(Text(e, "text"))));
  }

  const ingest::RunHasher hasher("jangbu-accept-pairs: no secret, nothing is hidden here");
  ingest::RunIndex index(hasher);
  Texts texts(forms);
  constexpr size_t kPiece = 300;
  for (size_t from = 0; from < forms.size(); from += kPiece) {
    std::vector<ingest::RunText> piece;
    for (size_t i = from; i < std::min(forms.size(), from + kPiece); ++i) {
      piece.push_back({{.place = {.entry = 0, .ordinal = static_cast<uint32_t>(i)}, .scope = 1},
                       forms[i].stream});
    }
    if (!index.Append(piece).ok()) return 1;
    while (true) {
      const auto merged = index.MergeSome(texts);
      if (!merged.ok()) return 1;
      if (!merged->has_value()) break;
    }
  }
  const ingest::RunView view = index.View();
  const ingest::NoveltyRule rule;

  uint64_t differ = 0;
  const auto judge = [&](uint32_t a, uint32_t b, Tally* tally) {
    const ingest::DocumentForm& form = forms[b];
    const ingest::Reference only_a{
        .before = ingest::kAfterAll,
        .counts = [a](const ingest::RunDocument& d) { return d.place.ordinal == a; }};
    // Every segment is worth one word, and none is anybody's yet.
    const std::vector<ingest::SegmentOffer> offers(form.offers.size(), {.korean_words = 1});
    const std::vector<bool> free(offers.size(), true);
    const auto judged = Judge(form, offers, free, view, only_a, only_a, texts, hasher, rule);
    const auto by_others = view.Covered(form.stream, only_a, texts, rule.min_run);
    if (!judged.ok() || !by_others.ok()) {
      const Status& status = judged.ok() ? by_others.status() : judged.status();
      std::fprintf(stderr, "%s\n", std::string(MessageOf(status)).c_str());
      ++differ;
      return;
    }
    const std::vector<bool> covered = reference::CoveredBy(
        form.stream, reference::Windows(forms[a].stream, ingest::kMinRun), ingest::kMinRun);
    const ingest::Intervals expected = reference::IntervalsOf(covered);
    const size_t length = form.stream.size();
    const size_t n = ingest::CoveredLength(expected);
    const bool near = length >= ingest::kMinRun && 5 * n >= 4 * length;
    const ingest::Intervals with_self = ingest::Union(
        expected, ingest::CoveredBySelf(hasher, form.stream, form.bounds, rule.min_run));
    bool same = *by_others == expected && judged->near.has_value() == near &&
                (!near || judged->near->covered == n) &&
                judged->credit == ingest::CreditOf(form, offers, with_self, free, rule);
    for (const ingest::OfferedStretch& o : form.offers) {
      size_t in_segment = 0;
      for (size_t i = o.begin; i < o.end; ++i) in_segment += covered[i] ? 1 : 0;
      same = same && in_segment == ingest::CoveredWithin(*by_others, o.begin, o.end);
    }
    differ += same ? 0 : 1;
    if (tally == nullptr) return;
    const bool exact = form.stream == forms[a].stream;
    tally->exact += exact ? 1 : 0;
    tally->near += exact || near ? 1 : 0;
    tally->half += exact || 2 * n >= length ? 1 : 0;
  };

  std::map<std::string, Tally> by_kind;
  uint64_t labelled = 0;
  uint64_t missing = 0;
  for (std::string line; std::getline(pairs_file, line);) {
    simdjson::dom::element e;
    if (parser.parse(line).get(e) != simdjson::SUCCESS) continue;
    const auto a = numbers.find(Text(e, "a"));
    const auto b = numbers.find(Text(e, "b"));
    if (a == numbers.end() || b == numbers.end()) {
      ++missing;
      continue;
    }
    Tally& tally = by_kind[Text(e, "edit_kind")];
    tally.expected = Text(e, "expected");
    ++tally.pairs;
    tally.word_jaccard += Number(e, "jaccard_5gram_eojeol") >= 0.8 ? 1 : 0;
    tally.char_jaccard += Number(e, "jaccard_char5") >= 0.8 ? 1 : 0;
    judge(a->second, b->second, &tally);
    ++labelled;
  }
  std::mt19937_64 engine(seed);
  for (uint64_t i = 0; i < random_pairs && !forms.empty(); ++i) {
    const auto a = static_cast<uint32_t>(engine() % forms.size());
    const auto b = static_cast<uint32_t>(engine() % forms.size());
    judge(a, b, nullptr);
  }

  std::printf(
      "| edit | expected | pairs | 어절 5-gram Jaccard ≥ 0.8 | char 5-gram ≥ 0.8 | exact | "
      "near (≥ 80 %% in runs) | not novel (≥ 50 %%) |\n|---|---|---|---|---|---|---|---|\n");
  for (const auto& [kind, t] : by_kind) {
    const auto percent = [&](uint64_t n) {
      return 100.0 * static_cast<double>(n) / static_cast<double>(t.pairs);
    };
    std::printf("| %s | %s | %llu | %.1f %% | %.1f %% | %.1f %% | %.1f %% | %.1f %% |\n",
                kind.c_str(), t.expected.c_str(), static_cast<unsigned long long>(t.pairs),
                percent(t.word_jaccard), percent(t.char_jaccard), percent(t.exact), percent(t.near),
                percent(t.half));
  }
  std::printf(
      "documents %zu, labelled pairs %llu (%llu name a document that is not there), random "
      "pairs %llu (seed %llu): index and definition differ on %llu\n",
      forms.size(), static_cast<unsigned long long>(labelled),
      static_cast<unsigned long long>(missing), static_cast<unsigned long long>(random_pairs),
      static_cast<unsigned long long>(seed), static_cast<unsigned long long>(differ));
  return differ == 0 ? 0 : 1;
}

}  // namespace
}  // namespace jangbu::services

int main(int argc, char** argv) { return jangbu::services::Main(argc, argv); }
