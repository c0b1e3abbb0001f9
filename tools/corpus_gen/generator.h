#pragma once

// Korean text that looks real, from a seed: for demonstrations, tests and load.
//
// Document(number) is a pure function of (seed, style, number), so that partners can be given the
// same wire story, any document can be made again alone, and threads need not agree on anything.
// Words follow Zipf's law, particles follow the final consonant of their noun, news has bylines and
// footers that repeat, reports have numbered headings, stories dialogue, papers references and an
// English abstract. Those four have a few sentence frames and 20,000 nouns, so the more there is of
// them the more often a dozen letters stand somewhere before, far more than in real text; "wide"
// has a million words that fall off by Zipf's law and frames in every eighth sentence, and is what
// growth is measured with. About 200 MB/s on one core, wide 50.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jangbu::tools {

enum class Style { kNews, kReport, kBook, kPaper, kWide };
std::string_view StyleName(Style style);     // "news" …
std::string_view SourceTypeOf(Style style);  // "article" …
std::optional<Style> ParseStyle(std::string_view name);

struct Document {
  std::string id;
  std::string title;
  std::string text;          // UTF-8; lines end in LF
  std::string published_at;  // "2024-03-17"
};

// Counter-based pseudo-random numbers (splitmix64): the n-th depends on seed and n alone.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // In [0, bound). REQUIRES: 0 < bound < 2^32.
  uint64_t Below(uint64_t bound) { return ((Next() >> 32) * bound) >> 32; }
  // In [low, high].
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

// Mixes two numbers into a seed.
uint64_t MixSeed(uint64_t a, uint64_t b);

// Immutable; thread-safe.
class TextGenerator {
 public:
  // `publisher` signs news and stands in its footers; `mean_bytes` 0: what is usual for the style.
  TextGenerator(uint64_t seed, Style style, std::string publisher, uint64_t mean_bytes = 0);

  // Replaces `out`, reusing its memory.
  void Make(uint64_t number, Document& out) const;
  Document Make(uint64_t number) const {
    Document document;
    Make(number, document);
    return document;
  }

  Style style() const { return style_; }
  const std::string& publisher() const { return publisher_; }

 private:
  uint64_t seed_;
  Style style_;
  std::string publisher_;
  uint64_t mean_bytes_;
};

// What a partner's corpus is made of. Shares are in thousandths of the documents.
struct CorpusPlan {
  uint64_t seed = 1;
  Style style = Style::kNews;
  std::string name = "saebit";  // document ids are NAME-0000001 …
  std::string publisher = "새빛일보";
  uint64_t mean_bytes = 0;
  int exact_share = 0;  // an earlier document of this corpus again, under another id
  int near_share = 0;   // an earlier one lightly edited
  int wire_share = 0;   // a story from the pool that all partners with this `wire_seed` draw from
  uint64_t wire_seed = 0;
  uint64_t wire_pool = 1000;
};

// The documents of a corpus, by number from 0. Pure like TextGenerator; thread-safe.
class CorpusGenerator {
 public:
  explicit CorpusGenerator(CorpusPlan plan);
  void Make(uint64_t number, Document& out) const;
  const CorpusPlan& plan() const { return plan_; }

 private:
  // What document `number` is made from: its own text, or that of another.
  void MakeBody(uint64_t number, int depth, Document& out) const;

  CorpusPlan plan_;
  TextGenerator own_;
  TextGenerator wire_;
};

}  // namespace jangbu::tools
