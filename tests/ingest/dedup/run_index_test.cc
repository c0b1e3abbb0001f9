#include "ingest/dedup/run_index.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/ingest/dedup/run_corpus.h"

namespace jangbu::ingest {
namespace {

using reference::RunCorpus;

const RunHasher& Hasher() {
  static const RunHasher hasher(kTestSecret);
  return hasher;
}

// The documents dealt over segments at random, some merged, some twice, some by way of their bytes.
RunView Segmented(Prng& prng, const RunCorpus& corpus, FormSource& forms) {
  std::vector<std::vector<RunText>> parts(1 + prng(5));
  for (const RunText& t : TextsOf(corpus)) {
    parts[prng(parts.size())].push_back(t);
    if (prng(10) == 0) {
      auto& other = parts[prng(parts.size())];
      if (other.empty() || other.back().document.place < t.document.place) other.push_back(t);
    }
  }
  std::vector<std::shared_ptr<const RunSegment>> segments;
  for (const auto& part : parts) segments.push_back(*RunSegment::Build(Hasher(), part));
  while (segments.size() > 1 && prng(2) == 0) {
    const std::vector<std::shared_ptr<const RunSegment>> two(segments.end() - 2, segments.end());
    segments.resize(segments.size() - 2);
    auto merged = RunSegment::Merge(Hasher(), two, forms, nullptr);
    EXPECT_TRUE(merged.ok()) << merged.status();
    segments.push_back(*merged);
  }
  for (auto& segment : segments) {
    if (prng(2) == 0) continue;
    auto bytes = std::make_shared<const std::string>(segment->encoded());
    auto again = RunSegment::Decode(Hasher(), *bytes, bytes);
    EXPECT_TRUE(again.ok()) << again.status();
    segment = *again;
  }
  const RunView view(&Hasher(), std::move(segments));
  return prng(3) == 0 ? view.Summarised() : view;
}

std::vector<bool> Marks(const Intervals& intervals, size_t length) {
  std::vector<bool> marks(length, false);
  for (const Interval& i : intervals) std::fill_n(marks.begin() + i.begin, i.end - i.begin, true);
  return marks;
}

// Questions of every size and need, with something known already: each has the definition's answer,
// and the bounds are bounds.
void ExpectDecides(const RunView& view, const Intervals& exact, const Reference& reference,
                   FormSource& forms, std::u32string_view text, size_t min_run, Prng& prng) {
  std::vector<CoverQuestion> questions;
  Intervals already;
  for (uint32_t at = 0; at < text.size();) {
    const auto length = static_cast<uint32_t>(1 + prng(std::min<size_t>(90, text.size() - at)));
    questions.push_back({at, at + length, static_cast<uint32_t>(prng(length + 2))});
    if (prng(4) == 0 && length > 2) already.push_back({at, at + 1 + length / 3});
    at += length;
  }
  if (prng(2) == 0) std::erase_if(questions, [&](const CoverQuestion&) { return prng(2) == 0; });
  const size_t near = prng(2) == 0 ? SIZE_MAX : prng(text.size() + 2);
  const auto bounds = view.Decide(text, reference, forms, questions, already, near, min_run);
  ASSERT_TRUE(bounds.ok()) << bounds.status();
  const std::vector<bool> known = Marks(already, text.size());
  const std::vector<bool> in_exact = Marks(exact, text.size());
  const std::vector<bool> sure = Marks(bounds->sure, text.size());
  const std::vector<bool> may = Marks(bounds->may, text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    ASSERT_TRUE(!sure[i] || in_exact[i]) << "at " << i << ", which is in no run";
    ASSERT_TRUE(!in_exact[i] || may[i]) << "at " << i << ", which is in a run";
  }
  for (const CoverQuestion& q : questions) {
    uint32_t exactly = 0;
    uint32_t surely = 0;
    for (uint32_t i = q.begin; i < q.end; ++i) {
      exactly += in_exact[i] || known[i] ? 1 : 0;
      surely += sure[i] || known[i] ? 1 : 0;
    }
    ASSERT_EQ(surely >= q.need, exactly >= q.need)
        << "[" << q.begin << ", " << q.end << ") needs " << q.need << ": " << exactly << " covered";
  }
}

void ExpectAllAgree(const RunView& view, const RunCorpus& corpus, const Reference& reference,
                    FormSource& forms, std::u32string_view text, size_t min_run, Prng& prng) {
  const auto covered = view.Covered(text, reference, forms, min_run);
  ASSERT_TRUE(covered.ok()) << covered.status();
  ASSERT_EQ(*covered, reference::Covered(text, corpus, reference, min_run));
  ASSERT_NO_FATAL_FAILURE(ExpectDecides(view, *covered, reference, forms, text, min_run, prng));
  const auto matches = view.Matches(text, reference, forms, min_run);
  ASSERT_TRUE(matches.ok()) << matches.status();
  ASSERT_EQ(*matches, reference::Matches(text, corpus, reference, min_run));
  const size_t least = 1 + prng(text.size() + 1);
  const auto nearest = view.Nearest(text, reference, forms, least);
  ASSERT_TRUE(nearest.ok()) << nearest.status();
  ASSERT_EQ(*nearest, reference::Nearest(text, corpus, reference, least));
  for (const RunMatch& m : *matches) {
    const std::u32string_view run = text.substr(m.begin, min_run);
    const size_t max = 1 + prng(6);
    const auto holders = view.Holders(run, reference, forms, max);
    ASSERT_TRUE(holders.ok()) << holders.status();
    ASSERT_EQ(*holders, reference::Holders(run, corpus, reference, max));
  }
}

TEST(RunIndex, AgreesWithTheDefinitionOnNastyText) {
  for (uint64_t seed = 1; seed <= 250; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Prng prng(seed);
    const RunCorpus corpus = NastyCorpus(prng, 1 + prng(40));
    CorpusForms forms(corpus);
    const RunView view = Segmented(prng, corpus, forms);
    std::vector<std::u32string> pool;
    for (const auto& d : corpus) pool.push_back(d.form);
    for (int round = 0; round < 5; ++round) {
      const size_t at = prng(corpus.size());
      // A document of the corpus against what stands before it, or another text against all.
      const std::u32string text = round % 2 == 0 ? corpus[at].form : NastyForm(prng, pool);
      Reference reference;
      if (round % 2 == 0) reference.before = corpus[at].document.place;
      const auto salt = static_cast<uint32_t>(prng(8));
      if (prng(2) == 0) {
        reference.counts = [salt](const RunDocument& d) {
          return (d.place.ordinal ^ salt) % 3 != 0;
        };
        // What does not count may be erased.
        forms.gone = [&reference](const RunDocument& d) { return !reference.counts(d); };
      } else {
        forms.gone = nullptr;
      }
      if (round == 4) {
        // A document that is in the view itself, in an order that is not that of the places.
        const JournalPlace self = corpus[at].document.place;
        reference.before = prng(2) == 0 ? kAfterAll : JournalPlace{self.entry + prng(4), 0};
        reference.self = self;
        reference.counts = [salt, self](const RunDocument& d) {
          return d.place.entry == self.entry ? d.place.ordinal < self.ordinal
                                             : (d.place.entry ^ salt) % 4 != 0;
        };
        forms.gone = [&reference](const RunDocument& d) { return !reference.counts(d); };
      }
      const size_t min_run = prng(3) == 0 ? kMinRun + prng(40) : kMinRun;
      ASSERT_NO_FATAL_FAILURE(ExpectAllAgree(view, corpus, reference, forms, text, min_run, prng));
    }
  }
}

// a…a b a…a against the same, for every pair of lengths around the tile, the step and the window.
TEST(RunIndex, AgreesExhaustivelyOnTwoLetters) {
  const std::vector<size_t> lengths = {0, 1, 5, 11, 12, 13, 22, 23, 24, 25, 36, 37, 38};
  std::vector<std::u32string> forms_of;
  for (const size_t left : lengths) {
    for (const size_t right : lengths) {
      forms_of.push_back(std::u32string(left, U'ㅋ') + U'ㅎ' + std::u32string(right, U'ㅋ'));
    }
  }
  for (const std::u32string& form : forms_of) {
    const RunCorpus corpus = {{{{7, 1}, 3}, form}};
    CorpusForms forms(corpus);
    const RunView view(&Hasher(), {*RunSegment::Build(Hasher(), TextsOf(corpus))});
    for (const std::u32string& text : forms_of) {
      ASSERT_EQ(*view.Covered(text, {}, forms), reference::Covered(text, corpus, {}, kMinRun))
          << form.size() << " " << text.size();
      ASSERT_EQ(*view.Nearest(text, {}, forms, 1), reference::Nearest(text, corpus, {}, 1));
    }
  }
}

// Every run of 24 at every alignment of the document and of the text, among other text.
TEST(RunIndex, FindsTheShortestRunWhereverItStands) {
  Prng prng(11);
  const auto fresh = [&](size_t n) {
    std::u32string s;
    while (s.size() < n) s.push_back(0xAC00 + static_cast<char32_t>(prng(11172)));
    return s;
  };
  const std::u32string planted = fresh(kMinRun);
  for (size_t in_document = 0; in_document < 30; ++in_document) {
    const RunCorpus corpus = {{{{1, 0}, 1}, fresh(in_document) + planted + fresh(in_document % 4)}};
    CorpusForms forms(corpus);
    const RunView view(&Hasher(), {*RunSegment::Build(Hasher(), TextsOf(corpus))});
    for (uint32_t in_text = 0; in_text < 40; ++in_text) {
      const std::u32string text = fresh(in_text) + planted + fresh(in_text % 5);
      ASSERT_EQ(*view.Covered(text, {}, forms), (Intervals{{in_text, in_text + 24}}));
      // One code point less is no run.
      std::u32string broken = text;
      broken[in_text + in_document % kMinRun] = U'一';
      ASSERT_EQ(*view.Covered(broken, {}, forms), Intervals{});
    }
  }
}

TEST(RunIndex, RowsWithAReason) {
  const std::u32string twelve = U"가나다라마바사아자차카타";
  const std::u32string other = U"一二三四五六七八九十百千";
  const std::u32string run = twelve + other;
  const struct {
    const char* reason;
    std::u32string document, text;
    Intervals covered;
  } rows[] = {
      {"nothing is in nothing", U"", run, {}},
      {"twenty-three are no run", run.substr(1), run, {}},
      {"twenty-four are", run, run, {{0, 24}}},
      {"a text shorter than a run", run, run.substr(0, 23), {}},
      {"two runs that touch are one stretch", run, run + run, {{0, 48}}},
      {"in the middle of both", U"앞" + run + U"뒤", U"a" + run + U"b", {{1, 25}}},
      {"beyond the basic plane", U"𠀀𠀁" + run, U"𠀀𠀁" + run, {{0, 26}}},
  };
  for (const auto& row : rows) {
    const RunCorpus corpus = {{{{1, 0}, 1}, row.document}};
    CorpusForms forms(corpus);
    const RunView view(&Hasher(), {*RunSegment::Build(Hasher(), TextsOf(corpus))});
    EXPECT_EQ(*view.Covered(row.text, {}, forms), row.covered) << row.reason;
  }
}

TEST(RunIndex, RunsDoNotCrossDocuments) {
  const std::u32string a(U"가나다라마바사아자차카타파하거너더러머버서어저처");
  const std::u32string b(U"커터퍼허고노도로모보소오조초코토포호구누두루무부");
  const RunCorpus corpus = {{{{1, 0}, 1}, a}, {{{1, 1}, 1}, b}};
  CorpusForms forms(corpus);
  const RunView view(&Hasher(), {*RunSegment::Build(Hasher(), TextsOf(corpus))});
  EXPECT_EQ(*view.Covered(a.substr(12) + b.substr(0, 12), {}, forms), Intervals{});
}

TEST(RunIndex, TheSameDocumentsGiveTheSameBytes) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Prng prng(seed);
    RunCorpus corpus = NastyCorpus(prng, 1 + prng(60));
    CorpusForms forms(corpus);
    std::vector<std::vector<RunText>> parts(1 + prng(6));
    for (const RunText& t : TextsOf(corpus)) parts[prng(parts.size())].push_back(t);
    std::vector<std::shared_ptr<const RunSegment>> segments;
    for (const auto& part : parts) segments.push_back(*RunSegment::Build(Hasher(), part));
    const auto merged = RunSegment::Merge(Hasher(), segments, forms, nullptr);
    const auto whole = RunSegment::Build(Hasher(), TextsOf(corpus));
    ASSERT_EQ((*merged)->encoded(), (*whole)->encoded()) << "seed " << seed;
    // And so do those that are left when some go.
    const auto keep = [](const RunDocument& d) { return d.place.ordinal % 2 == 0; };
    const auto less = RunSegment::Merge(Hasher(), segments, forms, keep);
    std::erase_if(corpus, [&](const auto& d) { return !keep(d.document); });
    ASSERT_EQ((*less)->encoded(), (*RunSegment::Build(Hasher(), TextsOf(corpus)))->encoded())
        << "seed " << seed;
  }
}

TEST(RunIndex, AnswersTheSameWhileItGrowsAndMerges) {
  Prng prng(5);
  const RunCorpus corpus = NastyCorpus(prng, 240);
  CorpusForms forms(corpus);
  RunIndex index(Hasher());
  std::vector<Intervals> expected;
  for (const auto& d : corpus) {
    Reference reference;
    reference.before = d.document.place;
    expected.push_back(reference::Covered(d.form, corpus, reference, kMinRun));
  }
  const std::vector<RunText> texts = TextsOf(corpus);
  std::atomic<size_t> appended = 0;
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (uint64_t r = 0; r < 3; ++r) {
    readers.emplace_back([&, r] {
      Prng own(r);
      for (int round = 0; round < 150 || !done; ++round) {
        const size_t n = appended;
        if (n == 0) continue;
        const size_t i = own(n);
        Reference reference;
        reference.before = corpus[i].document.place;
        const auto covered = index.View().Covered(corpus[i].form, reference, forms);
        if (!covered.ok() || *covered != expected[i]) ++wrong;
      }
    });
  }
  std::thread merger([&] {
    while (!done) {
      if (!index.MergeSome(forms).ok()) ++wrong;
    }
  });
  for (size_t at = 0; at < texts.size();) {
    const size_t n = std::min<size_t>(1 + prng(4), texts.size() - at);
    ASSERT_TRUE(index.Append(std::span(texts).subspan(at, n)).ok());
    at += n;
    appended = at;
  }
  while ((*index.MergeSome(forms)).has_value()) {
  }
  done = true;
  for (std::thread& t : readers) t.join();
  merger.join();
  EXPECT_EQ(wrong, 0);
  for (size_t i = 0; i < corpus.size(); ++i) {
    Reference reference;
    reference.before = corpus[i].document.place;
    EXPECT_EQ(*index.View().Covered(corpus[i].form, reference, forms), expected[i]);
  }
  const auto all = index.MergeAll(forms, nullptr);
  ASSERT_TRUE(all.ok() && all->has_value());
  EXPECT_EQ((*all)->added->encoded(), (*RunSegment::Build(Hasher(), texts))->encoded());
}

// What decides nothing is not looked up, and may then be covered; `near` says from where on that is
// not good enough.
TEST(RunIndex, DecidesAsFarAsItIsAsked) {
  Prng prng(13);
  const auto fresh = [&](size_t n) {
    std::u32string s;
    while (s.size() < n) s.push_back(0xAC00 + static_cast<char32_t>(prng(11172)));
    return s;
  };
  const RunCorpus corpus = {{{{1, 0}, 1}, fresh(4000)}};
  CorpusForms forms(corpus);
  const RunView view(&Hasher(), {*RunSegment::Build(Hasher(), TextsOf(corpus))});
  // 1,000 of its own, 1,000 of the document, 1,000 of its own.
  const std::u32string text = fresh(1000) + corpus[0].form.substr(7, 1000) + fresh(1000);
  const std::vector<CoverQuestion> halves = {{0, 1000, 500}, {1000, 2000, 500}};
  const struct {
    const char* reason;
    std::vector<CoverQuestion> questions;
    size_t near;
    uint64_t places_at_least, places_at_most;
    Intervals may;  // checked unless it is empty
  } rows[] = {
      {"nothing is asked", {}, SIZE_MAX, 0, 0, {{0, 3000}}},
      {"whether anything is covered", {}, 1, 1900, 3000, {{1000, 2000}}},
      {"whether two thirds are", {}, 2000, 1000, 2600, {}},
      {"whether half of each of two thirds is", halves, SIZE_MAX, 500, 1200, {}},
      {"both", halves, 2000, 500, 2000, {}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    RunCost cost;
    const auto bounds = view.Decide(text, {}, forms, row.questions, {}, row.near, kMinRun, &cost);
    ASSERT_TRUE(bounds.ok());
    EXPECT_GE(cost.places, row.places_at_least);
    EXPECT_LE(cost.places, row.places_at_most);
    size_t may = 0;
    for (const Interval& i : bounds->may) may += i.end - i.begin;
    if (row.near > 1 && row.near < text.size()) {
      EXPECT_LT(may, row.near);
    }
    if (!row.may.empty()) {
      EXPECT_EQ(bounds->may, row.may);
    }
  }
}

// One that was added always passes; of strangers few do, until there is no room.
TEST(RunFront, HoldsWhatWasAdded) {
  Prng prng(17);
  RunCorpus corpus;
  for (uint32_t i = 0; i < 60; ++i) {
    std::u32string form;
    while (form.size() < 1300) form.push_back(0xAC00 + static_cast<char32_t>(prng(11172)));
    corpus.push_back({{{1, i}, 1}, form});
  }
  const auto segment = *RunSegment::Build(Hasher(), TextsOf(corpus));
  RunFront front(segment->tiles());
  ASSERT_TRUE(front.Add(*segment));
  ASSERT_TRUE(front.Add(*segment)) << "what is there takes no room";
  size_t missed = 0;
  segment->tile_table().ForEach([&](uint64_t key, uint64_t) {
    if (front.MayContain(&key, 1) != 1) ++missed;
  });
  EXPECT_EQ(missed, 0u);
  size_t passed = 0;
  for (int i = 0; i < 1000; ++i) {
    uint64_t keys[64];
    for (uint64_t& key : keys) key = prng(uint64_t{1} << kRunKeyBits);
    passed += static_cast<size_t>(std::popcount(front.MayContain(keys, 64)));
  }
  EXPECT_LE(passed, 64'000u / 10);
  RunFront small(16);
  bool room = true;
  for (int i = 0; i < 2; ++i) room = room && small.Add(*segment);
  EXPECT_EQ(room, small.bytes() * 8 / 6 > segment->tiles());
}

// Laughter in a thousand documents: the question stays about as dear as the text is long.
TEST(RunIndex, RepetitiveTextDoesNotFollowEveryPosting) {
  Prng prng(3);
  RunCorpus corpus;
  for (uint32_t i = 0; i < 2000; ++i) {
    std::u32string form;
    for (int k = 0; k < 10; ++k) form.push_back(0xAC00 + static_cast<char32_t>(prng(11172)));
    form.append(12 + prng(40), U'ㅋ');
    for (int k = 0; k < 10; ++k) form.push_back(0xAC00 + static_cast<char32_t>(prng(11172)));
    corpus.push_back({{{1, i}, 1}, form});
  }
  CorpusForms forms(corpus);
  const RunView view(&Hasher(), {*RunSegment::Build(Hasher(), TextsOf(corpus))});
  const std::u32string text = U"이영화정말" + std::u32string(40, U'ㅋ') + U"최고였어요";
  RunCost cost;
  EXPECT_EQ(*view.Covered(text, {}, forms, kMinRun, &cost),
            reference::Covered(text, corpus, {}, kMinRun));
  EXPECT_LE(cost.candidates, 200u);
  // And of a new document among them, judged against those before it.
  for (const size_t i : {10u, 500u, 1999u}) {
    Reference reference;
    reference.before = corpus[i].document.place;
    cost = {};
    EXPECT_EQ(*view.Covered(corpus[i].form, reference, forms, kMinRun, &cost),
              reference::Covered(corpus[i].form, corpus, reference, kMinRun));
    EXPECT_LE(cost.candidates, 200u);
  }
}

TEST(RunIndex, AnErrorOfTheTextIsTheAnswer) {
  const RunCorpus corpus = {{{{1, 0}, 1}, std::u32string(40, U'가')}};
  CorpusForms forms(corpus);
  const RunView view(&Hasher(), {*RunSegment::Build(Hasher(), TextsOf(corpus))});
  forms.gone = [](const RunDocument&) { return true; };
  EXPECT_EQ(view.Covered(corpus[0].form, {}, forms).status().code(),
            absl::StatusCode::kUnavailable);
  // An erased text counts for nothing.
  CorpusForms erased;
  EXPECT_EQ(*view.Covered(corpus[0].form, {}, erased), Intervals{});
  EXPECT_EQ(*view.Nearest(corpus[0].form, {}, erased, 1), std::nullopt);
  // A text that is not as it was indexed is no candidate, whatever its length.
  CorpusForms changed(RunCorpus{{{{1, 0}, 1}, U"가가"}});
  EXPECT_EQ(*view.Covered(corpus[0].form, {}, changed), Intervals{});
  EXPECT_EQ(*view.Nearest(corpus[0].form, {}, changed, 1), std::nullopt);
}

TEST(AlignedRuns, CoverWhatTheTextsShareAndAreTrue) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Prng prng(seed);
    const RunCorpus corpus = NastyCorpus(prng, 4);
    const std::u32string& a = corpus[3].form;
    const std::u32string& b = corpus[prng(3)].form;
    std::vector<bool> covered(a.size(), false);
    for (const AlignedRun& run : AlignedRuns(Hasher(), a, b)) {
      ASSERT_GE(run.length, kMinRun);
      ASSERT_EQ(a.substr(run.a_begin, run.length), b.substr(run.b_begin, run.length));
      std::fill_n(covered.begin() + run.a_begin, run.length, true);
    }
    ASSERT_EQ(covered, reference::CoveredBy(a, reference::Windows(b, kMinRun), kMinRun))
        << "seed " << seed;
  }
}

TEST(RunSegment, DamageIsSeen) {
  Prng prng(2);
  const RunCorpus corpus = NastyCorpus(prng, 20);
  const auto segment = *RunSegment::Build(Hasher(), TextsOf(corpus));
  const std::string good(segment->encoded());
  const auto decode = [](const std::string& bytes) {
    return RunSegment::Decode(Hasher(), bytes, nullptr).status();
  };
  EXPECT_TRUE(decode(good).ok());
  for (size_t size : {size_t{0}, size_t{7}, size_t{55}, good.size() - 1}) {
    EXPECT_EQ(decode(good.substr(0, size)).code(), absl::StatusCode::kDataLoss) << size;
  }
  for (int i = 0; i < 200; ++i) {
    std::string bad = good;
    bad[prng(bad.size())] ^= static_cast<char>(1 << prng(8));
    EXPECT_EQ(decode(bad).code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_EQ(decode(good + "x").code(), absl::StatusCode::kDataLoss);
  const RunHasher another("another secret, and just as long as that");
  EXPECT_EQ(RunSegment::Decode(another, good, nullptr).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// The bytes of a small segment are fixed: a change of the layout must be meant.
TEST(RunSegment, BytesAreAsTheyWere) {
  const std::u32string form =
      U"가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노도로모보소오";
  const RunText texts[] = {{{{5, 2}, 9}, form}, {{{5, 4}, 9}, form}, {{{8, 0}, 1}, U"짧다"}};
  const auto segment = *RunSegment::Build(Hasher(), texts);
  EXPECT_EQ(segment->documents(), 2u);
  EXPECT_EQ(segment->tiles(), 4u);
  EXPECT_EQ(ToHex(segment->encoded()),
            "4a4252554e533033047dd0bfb6b59237200000000000000028000000000000003500000000000000"
            "20000000000000000c00000000000000020000000000000004000000000000000000000000000000"
            "05020902000100020200000000000000000000000f0635c6e62ad9e7040000000100000000000000"
            "0000000000001400040000000000000000000000020000000000000004000000f08840c3a4ca2302"
            "0d939ac48c357ff21233d6fcc9000000000000000000000000000000000000000006000000000000"
            "000000000000000000000000000072200072206a7daf6a7daf50155af42d647077");
}

}  // namespace
}  // namespace jangbu::ingest
