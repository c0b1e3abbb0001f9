#include "ingest/appraise.h"

#include <utility>

#include "base/check.h"
#include "ingest/text/canonical.h"
#include "ingest/text/comparison.h"
#include "ingest/text/segments.h"

namespace jangbu::ingest {
Appraiser::Appraiser(std::shared_ptr<const Tokenizer> tokenizer, TokenCounterOptions options,
                     const Fingerprinter& fingerprinter)
    : counter_(std::move(tokenizer), options), fingerprinter_(fingerprinter) {}

Appraisal Appraiser::Appraise(std::string_view utf8, const ScreenPolicy& policy) {
  Appraisal a;
  a.canonical = Canonicalize(utf8);
  a.screened = Screen(a.canonical, policy);
  const std::vector<Segment> segments = Segments(a.canonical);
  const SegmentForms forms = FormsOfSegments(a.canonical, segments);
  const TextCounts counts = CountText(a.canonical, segments);
  a.chars = static_cast<int64_t>(counts.chars);
  a.words = static_cast<int64_t>(counts.words);
  if (forms.stream().empty() || !a.screened.reason.empty()) return a;
  a.has_text = true;
  a.form_sha256 = Sha256(forms.stream());
  a.document_key = fingerprinter_.OfDocument(a.form_sha256);
  a.syllables = static_cast<int64_t>(counts.syllables);

  a.form = FormOfDocument(segments, forms);
  a.offers.reserve(a.form.offers.size());
  texts_.clear();
  for (const Segment& segment : segments) texts_.push_back(segment.Text(a.canonical));
  tokens_.resize(segments.size());
  counter_.CountEach(a.canonical, texts_, tokens_);
  auto next = a.form.offers.begin();
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    const int64_t tokens = tokens_[i];
    JANGBU_CHECK(tokens >= 0 && tokens <= UINT32_MAX);
    a.tokens += tokens;
    if (segment.korean) {
      a.korean_tokens += tokens;
      a.korean_words += segment.korean_words;
    }
    if (next == a.form.offers.end() || next->segment != i) continue;
    SegmentOffer offer;
    if (segment.korean) {
      offer.korean_tokens = static_cast<uint32_t>(tokens);
      offer.korean_words = segment.korean_words;
    }
    if (next->length < kMaxMinRun) offer.key = fingerprinter_.OfSegment(forms.Alone(i));
    a.offers.push_back(offer);
    ++next;
  }
  return a;
}

}  // namespace jangbu::ingest
