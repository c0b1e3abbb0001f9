#include "ingest/dedup/document_form.h"

#include "absl/container/flat_hash_set.h"
#include "base/check.h"
#include "ingest/dedup/coverage.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

// A credited segment has a Hangul syllable, and so has its form; another form can equal none of
// those, so it need not be remembered.
bool HasSyllable(std::string_view form) {
  // U+AC00–U+D7A3 is EA B0 80 – ED 9E A3: lead EA with a second byte from B0, EB, EC, or ED with a
  // second byte to 9E.
  for (size_t i = 0; i + 2 < form.size(); ++i) {
    const auto lead = static_cast<uint8_t>(form[i]);
    const auto second = static_cast<uint8_t>(form[i + 1]);
    if (lead == 0xEB || lead == 0xEC || (lead == 0xEA && second >= 0xB0) ||
        (lead == 0xED && second <= 0x9E)) {
      return true;
    }
  }
  return false;
}

}  // namespace

DocumentForm FormOfDocument(const std::vector<Segment>& segments, const SegmentForms& forms) {
  JANGBU_CHECK(segments.size() == forms.size());
  DocumentForm out;
  out.stream = CodePoints(forms.stream());
  out.bounds = SegmentBounds(forms);
  absl::flat_hash_set<std::string_view> offered;
  offered.reserve(segments.size());
  out.offers.reserve(segments.size());
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::string_view alone = forms.Alone(i);
    if (!segments[i].korean && !HasSyllable(alone)) continue;
    if (!offered.insert(alone).second) continue;
    out.offers.push_back({.segment = static_cast<uint32_t>(i),
                          .begin = out.bounds[i],
                          .end = out.bounds[i + 1],
                          .length = static_cast<uint32_t>(CountCodePoints(alone))});
  }
  return out;
}

DocumentForm FormOfDocument(std::string_view canonical) {
  const std::vector<Segment> segments = Segments(canonical);
  return FormOfDocument(segments, FormsOfSegments(canonical, segments));
}

namespace {

// Something depends on how much of the offer is covered.
bool Open(const OfferedStretch& stretch, const SegmentOffer& offer, bool free,
          const NoveltyRule& rule) {
  if (offer.korean_tokens == 0 && offer.korean_words == 0) return false;
  return stretch.length >= rule.min_run || free;
}

}  // namespace

std::vector<CoverQuestion> QuestionsOf(const DocumentForm& form,
                                       const std::vector<SegmentOffer>& offers,
                                       const std::vector<bool>& free, const NoveltyRule& rule) {
  JANGBU_CHECK(offers.size() == form.offers.size() && free.size() == offers.size());
  std::vector<CoverQuestion> questions;
  for (size_t i = 0; i < offers.size(); ++i) {
    const OfferedStretch& o = form.offers[i];
    if (o.begin == o.end || !Open(o, offers[i], free[i], rule)) continue;
    // Novel is 1,000,000 · covered < length · novel_ppm.
    const uint64_t need = (uint64_t{o.end - o.begin} * rule.novel_ppm + 999'999) / 1'000'000;
    questions.push_back({o.begin, o.end, static_cast<uint32_t>(need)});
  }
  return questions;
}

NovelCounts CreditOf(const DocumentForm& form, const std::vector<SegmentOffer>& offers,
                     const Intervals& covered, const std::vector<bool>& free,
                     const NoveltyRule& rule) {
  JANGBU_CHECK(offers.size() == form.offers.size() && free.size() == offers.size());
  NovelCounts credit;
  for (size_t i = 0; i < offers.size(); ++i) {
    const OfferedStretch& o = form.offers[i];
    if (!Open(o, offers[i], free[i], rule)) continue;
    const bool is_short = o.length < rule.min_run;
    // An empty stretch (its code points joined the segment before) has nothing that a run could
    // cover.
    const uint64_t length = o.end - o.begin;
    const bool novel = length == 0 ? is_short
                                   : uint64_t{1'000'000} * CoveredWithin(covered, o.begin, o.end) <
                                         length * rule.novel_ppm;
    if (!novel) continue;
    credit.korean_tokens += offers[i].korean_tokens;
    credit.korean_words += offers[i].korean_words;
  }
  return credit;
}

}  // namespace jangbu::ingest
