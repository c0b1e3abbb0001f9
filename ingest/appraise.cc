#include "ingest/appraise.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "base/check.h"
#include "ingest/text/canonical.h"
#include "ingest/text/comparison.h"
#include "ingest/text/segments.h"

namespace jangbu::ingest {
namespace {

// Keys are uniform already.
struct KeyHash {
  size_t operator()(const Key& key) const {
    uint64_t h = 0;
    for (size_t i = 0; i < 8; ++i) h = h << 8 | key[i];
    return h;
  }
};

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

Appraiser::Appraiser(std::shared_ptr<const Tokenizer> tokenizer, TokenCounterOptions options,
                     const Fingerprinter& fingerprinter)
    : counter_(std::move(tokenizer), options), fingerprinter_(fingerprinter) {}

Appraisal Appraiser::Appraise(std::string_view utf8) {
  Appraisal a;
  a.canonical = Canonicalize(utf8);
  const std::vector<Segment> segments = Segments(a.canonical);
  const SegmentForms forms = FormsOfSegments(a.canonical, segments);
  const TextCounts counts = CountText(a.canonical, segments);
  a.chars = static_cast<int64_t>(counts.chars);
  a.words = static_cast<int64_t>(counts.words);
  if (forms.stream().empty()) return a;
  a.has_text = true;
  a.form_sha256 = Sha256(forms.stream());
  a.document_key = fingerprinter_.OfDocument(a.form_sha256);
  a.syllables = static_cast<int64_t>(counts.syllables);

  absl::flat_hash_set<Key, KeyHash> offered;
  offered.reserve(segments.size());
  a.offers.reserve(segments.size());
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    const int64_t tokens = counter_.Count(segment.Text(a.canonical));
    JANGBU_CHECK(tokens >= 0 && tokens <= UINT32_MAX);
    a.tokens += tokens;
    SegmentOffer offer;
    if (segment.korean) {
      a.korean_tokens += tokens;
      a.korean_words += segment.korean_words;
      offer.korean_tokens = static_cast<uint32_t>(tokens);
      offer.korean_words = segment.korean_words;
    }
    const std::string_view form = forms.Alone(i);
    if (!segment.korean && !HasSyllable(form)) continue;
    offer.key = fingerprinter_.OfSegment(form);
    if (offered.insert(offer.key).second) a.offers.push_back(offer);
  }
  return a;
}

}  // namespace jangbu::ingest
