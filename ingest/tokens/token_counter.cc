#include "ingest/tokens/token_counter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "ingest/tokens/count_cache.h"
#include "ingest/tokens/pipeline.h"

namespace jangbu::ingest {

using tokens::BpeModel;
using tokens::BpeScratch;
using tokens::ByteTrie;
using tokens::CharClassTable;
using tokens::CountCache;
using tokens::NextPiece;
using tokens::Pipeline;
using tokens::SplitShape;
using tokens::SplitStage;

class TokenCounter::Impl {
 public:
  Impl(const Pipeline& pipeline, const TokenCounterOptions& options)
      : pipeline_(pipeline), table_(CharClassTable::Get()), cache_(options.cache_bytes) {
    if (pipeline_.stages.size() == 1 && pipeline_.stages[0].kind == SplitStage::Kind::kShape) {
      shape_ = ShapeIndex(*pipeline_.stages[0].shape);
    }
    direct_ = pipeline_.words == Pipeline::Words::kPatterns && pipeline_.added_raw.empty() &&
              pipeline_.added_normalized.empty() && pipeline_.normalizer.empty() &&
              !pipeline_.prefix_space && shape_ >= 0;
    MarkFirstBytes(pipeline_.added_raw, raw_first_);
    MarkFirstBytes(pipeline_.added_normalized, normalized_first_);
    MarkFirstBytes(pipeline_.user_defined, user_first_);
  }

  int64_t Count(std::string_view segment) {
    int64_t total = 0;
    sum_ = &total;
    readable_ = segment.data() + segment.size();
    AddSegment(segment);
    Flush();
    return total;
  }

  void CountEach(std::string_view text, std::span<const std::string_view> segments,
                 std::span<int64_t> counts) {
    readable_ = text.data() + text.size();
    for (size_t i = 0; i < segments.size(); ++i) {
      counts[i] = 0;
      sum_ = &counts[i];
      AddSegment(segments[i]);
    }
    Flush();
  }

  int64_t CountText(std::string_view text) {
    int64_t total = 0;
    sum_ = &total;
    readable_ = text.data() + text.size();
    while (!text.empty()) {
      const size_t end = text.find('\n');
      AddSegment(text.substr(0, end));
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
    Flush();
    return total;
  }

 private:
  static constexpr size_t kPendingMax = 32;
  static_assert(kPendingMax <= BpeModel::kTogether);
  // After so many groups in a row with hardly a hit, so many words as short as that pass the cache
  // by.
  static constexpr int kInVainMax = 8;
  static constexpr int kBypassWords = 4096;
  static constexpr size_t kBypassBytesMax = 16;
  struct Pending {
    CountCache::Key key;
    const char* word;
    size_t size;
    size_t home;
    int64_t* sum;  // where its count goes
  };
  using FirstBytes = std::array<bool, 256>;

  static void MarkFirstBytes(const ByteTrie& trie, FirstBytes& first) {
    for (int c = 0; c < 256; ++c) {
      first[static_cast<size_t>(c)] = trie.Child(trie.root(), static_cast<unsigned char>(c)) != 0;
    }
  }

  void AddSegment(std::string_view segment) {
    if (segment.empty()) return;
    if (direct_) {
      AddWords(segment);
      return;
    }
    if (pipeline_.words == Pipeline::Words::kSentencePiece) {
      AddSentence(segment);
      return;
    }
    segment_ = segment.data();
    CutAddedTokens(pipeline_.added_raw, raw_first_, segment,
                   [this](std::string_view piece) { AddNormalized(piece); });
  }

  // Calls `rest` with every stretch between added tokens; an added token is one token. Leftmost
  // first, longest first.
  template <typename Rest>
  void CutAddedTokens(const ByteTrie& added, const FirstBytes& first, std::string_view text,
                      Rest rest) {
    if (added.empty()) {
      rest(text);
      return;
    }
    const char* const end = text.data() + text.size();
    const char* start = text.data();
    for (const char* p = start; p < end;) {
      if (!first[static_cast<unsigned char>(*p)]) {
        ++p;
        continue;
      }
      const ByteTrie::Match match = added.Longest(p, end);
      if (match.end == nullptr) {
        ++p;
        continue;
      }
      if (p > start) rest(std::string_view(start, static_cast<size_t>(p - start)));
      ++*sum_;
      p = match.end;
      start = p;
    }
    if (end > start) rest(std::string_view(start, static_cast<size_t>(end - start)));
  }

  void AddNormalized(std::string_view piece) {
    if (!pipeline_.normalizer.empty()) {
      // Words of the last normalised piece may still wait in the buffer that is about to be reused.
      if (buffered_) Flush();
      buffered_ = false;
      const std::string_view normal = Normalize(pipeline_.normalizer, piece, buffer_, spare_);
      buffered_ = normal.data() == buffer_.data();
      first_ = piece.data() == segment_;
      piece = normal;
    } else {
      first_ = piece.data() == segment_;
    }
    normal_ = piece.data();
    CutAddedTokens(pipeline_.added_normalized, normalized_first_, piece,
                   [this](std::string_view rest) { AddPiece(rest); });
  }

  void AddPiece(std::string_view piece) {
    if (pipeline_.words == Pipeline::Words::kMarks) {
      first_ = first_ && piece.data() == normal_;
      AddMarkedPiece(piece);
      return;
    }
    if (pipeline_.prefix_space && !piece.starts_with(' ')) {
      Flush();
      prefixed_.assign(1, ' ').append(piece);
      AddWords(prefixed_);
      Flush();
      return;
    }
    AddWords(piece);
  }

  void AddWords(std::string_view text) {
    switch (shape_) {
      case 0:
        return Scan<tokens::kGpt2Shape>(text);
      case 1:
        return Scan<tokens::kCl100kShape>(text);
      case 2:
        return Scan<tokens::kQwenShape>(text);
      case 3:
        return Scan<tokens::kQwenMarksShape>(text);
      case 4:
        return Scan<tokens::kO200kShape>(text);
      case 5:
        return Scan<tokens::kTekkenShape>(text);
      default:
        return Stage(0, text);
    }
  }

  static int ShapeIndex(const SplitShape& shape) {
    if (shape == tokens::kGpt2Shape) return 0;
    if (shape == tokens::kCl100kShape) return 1;
    if (shape == tokens::kQwenShape) return 2;
    if (shape == tokens::kQwenMarksShape) return 3;
    if (shape == tokens::kO200kShape) return 4;
    JANGBU_CHECK(shape == tokens::kTekkenShape);
    return 5;
  }

  template <SplitShape kShape>
  void Scan(std::string_view text) {
    const char* p = text.data();
    const char* const end = p + text.size();
    // Memory goes on after a segment of a longer text.
    const char* const readable = direct_ ? readable_ : end;
    while (p < end) {
      const char* const e = NextPiece<kShape>(table_, p, end);
      AddWord(p, static_cast<size_t>(e - p), readable);
      p = e;
    }
  }

  template <SplitShape kShape>
  void ScanStage(size_t stage, std::string_view text) {
    const char* p = text.data();
    const char* const end = p + text.size();
    while (p < end) {
      const char* const e = NextPiece<kShape>(table_, p, end);
      Stage(stage + 1, std::string_view(p, static_cast<size_t>(e - p)));
      p = e;
    }
  }

  // Several splits one after another, each on the pieces of the one before.
  void Stage(size_t stage, std::string_view text) {
    if (stage == pipeline_.stages.size()) {
      AddWord(text.data(), text.size(), text.data() + text.size());
      return;
    }
    const SplitStage& split = pipeline_.stages[stage];
    if (split.kind == SplitStage::Kind::kShape) {
      switch (ShapeIndex(*split.shape)) {
        case 0:
          return ScanStage<tokens::kGpt2Shape>(stage, text);
        case 1:
          return ScanStage<tokens::kCl100kShape>(stage, text);
        case 2:
          return ScanStage<tokens::kQwenShape>(stage, text);
        case 3:
          return ScanStage<tokens::kQwenMarksShape>(stage, text);
        case 4:
          return ScanStage<tokens::kO200kShape>(stage, text);
        default:
          return ScanStage<tokens::kTekkenShape>(stage, text);
      }
    }
    const char* p = text.data();
    const char* const end = p + text.size();
    while (p < end) {
      const tokens::Classified first = ClassifyAt(table_, p, end);
      const bool digits = (first.bits & tokens::kNumber) != 0;
      const char* e = first.end;
      if (!digits || split.kind == SplitStage::Kind::kDigits) {
        while (e < end) {
          const tokens::Classified c = ClassifyAt(table_, e, end);
          if (((c.bits & tokens::kNumber) != 0) != digits) break;
          e = c.end;
        }
      }
      Stage(stage + 1, std::string_view(p, static_cast<size_t>(e - p)));
      p = e;
    }
  }

  // Hugging Face without patterns.
  void AddMarkedPiece(std::string_view piece) {
    if (!pipeline_.whitespace_split) {
      AddMetaspace(piece, first_);
      return;
    }
    const char* p = piece.data();
    const char* const end = p + piece.size();
    while (p < end) {
      const char* start = p;
      const char* e = p;
      while (p < end) {
        const tokens::Classified c = ClassifyAt(table_, p, end);
        e = p;
        p = c.end;
        if ((c.bits & tokens::kSpace) != 0) break;
        e = p;
      }
      if (e > start)
        AddMetaspace({start, static_cast<size_t>(e - start)}, first_ && start == piece.data());
    }
  }

  void AddMetaspace(std::string_view piece, bool first) {
    if (!pipeline_.has_metaspace) {
      AddMarkedWords(piece);
      return;
    }
    using Prepend = tokens::Metaspace::Prepend;
    const tokens::Metaspace& metaspace = pipeline_.metaspace;
    const bool has_mark = piece.starts_with(' ') || piece.starts_with(tokens::kSpaceMark);
    const bool prepend = !has_mark && (metaspace.prepend == Prepend::kAlways ||
                                       (metaspace.prepend == Prepend::kFirst && first));
    Flush();
    marked_.clear();
    if (prepend) marked_.append(tokens::kSpaceMark);
    for (const char c : piece) {
      if (c == ' ') {
        marked_.append(tokens::kSpaceMark);
      } else {
        marked_.push_back(c);
      }
    }
    if (metaspace.split) {
      // Every mark starts a piece.
      std::string_view rest = marked_;
      while (!rest.empty()) {
        const size_t cut = std::min(rest.find(tokens::kSpaceMark, 1), rest.size());
        AddWord(rest.data(), cut, rest.data() + rest.size());
        rest.remove_prefix(cut);
      }
    } else {
      AddMarkedWords(marked_);
    }
    Flush();
  }

  // Cuts where a mark follows another character, if the vocabulary allows it.
  void AddMarkedWords(std::string_view text) {
    if (!pipeline_.cut_at_marks) {
      if (!text.empty()) AddWord(text.data(), text.size(), text.data() + text.size());
      return;
    }
    const char* const end = text.data() + text.size();
    while (!text.empty()) {
      const size_t cut = WordEnd(text);
      AddWord(text.data(), cut, end);
      text.remove_prefix(cut);
    }
  }

  // Marks, then what is no mark.
  static size_t WordEnd(std::string_view text) {
    size_t at = 0;
    while (text.substr(at).starts_with(tokens::kSpaceMark)) at += tokens::kSpaceMark.size();
    return std::min(text.find(tokens::kSpaceMark, at), text.size());
  }

  void AddSentence(std::string_view segment) {
    Flush();
    pipeline_.sentence_piece.Apply(segment, buffer_);
    if (pipeline_.bpe != nullptr) {
      CutAddedTokens(pipeline_.user_defined, user_first_, buffer_,
                     [this](std::string_view rest) { AddMarkedWords(rest); });
      Flush();
    } else {
      *sum_ += CountUnigramSentence(buffer_);
    }
  }

  // A sentence of SentencePiece's Unigram model: word by word from the cache as long as rounding
  // can change nothing, else by its own arithmetic from end to end.
  int64_t CountUnigramSentence(std::string_view text) {
    const tokens::UnigramModel& model = *pipeline_.unigram;
    if (!pipeline_.cut_at_marks) return model.Count(text, unigram_scratch_);
    int64_t count = 0;
    double size = 0;  // no path score so far is larger
    for (std::string_view rest = text; !rest.empty();) {
      const size_t cut = WordEnd(rest);
      const std::string_view word = rest.substr(0, cut);
      const SentenceWord w = LookUp(word, text.data() + text.size());
      rest.remove_prefix(cut);
      if (w.sure_log2 < 0 || size + model.step_max() * static_cast<double>(word.size()) >=
                                 std::ldexp(1.0, w.sure_log2)) {
        return model.Count(text, unigram_scratch_);
      }
      size += w.size;
      count += w.count;
    }
    return count;
  }

  // What is kept of a word in a sentence, in the 16 bits of a cache entry: count 5 bits, sure_log2
  // + 1 5 bits, size in steps of 8 6 bits.
  struct SentenceWord {
    int64_t count;
    int sure_log2;
    double size;
  };
  SentenceWord LookUp(std::string_view word, const char* readable) {
    if (word.size() > CountCache::kWordBytesMax || !cache_.enabled()) {
      const auto w = pipeline_.unigram->CountInSentence(word, unigram_scratch_);
      return {w.count, w.sure_log2, std::abs(w.score)};
    }
    CountCache::Key key;
    if (readable - word.data() >= 32) {
      key = CountCache::MakeKey(word.data(), word.size());
    } else {
      char padded[32] = {};
      std::memcpy(padded, word.data(), word.size());
      key = CountCache::MakeKey(padded, word.size());
    }
    const size_t home = cache_.Home(key);
    int32_t packed = cache_.Find(key, home);
    if (packed < 0) {
      const auto w = pipeline_.unigram->CountInSentence(word, unigram_scratch_);
      const double steps = std::ceil(std::abs(w.score) / 8);
      const int sure = w.count > 31 || steps > 63 ? -1 : std::min(w.sure_log2, 30);
      packed = static_cast<int32_t>((sure < 0 ? 0 : w.count) | ((sure + 1) << 5) |
                                    (static_cast<int32_t>(sure < 0 ? 0 : steps) << 10));
      cache_.Insert(key, home, static_cast<uint32_t>(packed));
    }
    return {packed & 31, ((packed >> 5) & 31) - 1, static_cast<double>(packed >> 10) * 8};
  }

  // `readable` is the end of the memory that holds the word.
  void AddWord(const char* word, size_t size, const char* readable) {
    if (size == 1) {
      ++*sum_;  // One atom, or one unknown character.
      return;
    }
    if (size > CountCache::kWordBytesMax || !cache_.enabled()) {
      *sum_ += CountWord({word, size});
      return;
    }
    if (size == 2) {
      uint8_t& count = two_bytes_[static_cast<size_t>(static_cast<unsigned char>(word[0])) << 8 |
                                  static_cast<unsigned char>(word[1])];
      if (count == 0) count = static_cast<uint8_t>(CountWord({word, 2}));
      *sum_ += count;
      return;
    }
    if (bypass_ > 0 && size <= kBypassBytesMax) {
      --bypass_;
      *sum_ += CountWord({word, size});
      return;
    }
    Pending& p = pending_[pending_count_];
    if (readable - word >= 32) {
      p.key = CountCache::MakeKey(word, size);
    } else {
      char padded[32] = {};
      std::memcpy(padded, word, size);
      p.key = CountCache::MakeKey(padded, size);
    }
    p.word = word;
    p.size = size;
    p.sum = sum_;
    p.home = cache_.Home(p.key);
    cache_.Prefetch(p.home);
    if (++pending_count_ == kPendingMax) Flush();
  }

  // Words wait so that their cache lines can arrive meanwhile.
  void Flush() {
    size_t misses = 0;
    for (size_t i = 0; i < pending_count_; ++i) {
      const Pending& p = pending_[i];
      const int32_t count = cache_.Find(p.key, p.home);
      if (count >= 0) {
        *p.sum += count;
      } else {
        missed_[misses++] = static_cast<uint8_t>(i);
      }
    }
    if (misses > 0) CountMissed(misses);
    // Where hardly any word comes twice (noise, an adversary), short words are counted faster than
    // they are looked for and kept.
    if (pending_count_ == kPendingMax) {
      in_vain_ = misses > kPendingMax - kPendingMax / 8 ? in_vain_ + 1 : 0;
      if (in_vain_ == kInVainMax) {
        bypass_ = kBypassWords;
        in_vain_ -= 2;
      }
    }
    pending_count_ = 0;
  }

  // Counts the waiting words that the cache does not hold: the first `misses` of missed_.
  void CountMissed(size_t misses) {
    std::string_view words[kPendingMax];
    int64_t counts[kPendingMax];
    for (size_t i = 0; i < misses; ++i) {
      const Pending& p = pending_[missed_[i]];
      words[i] = {p.word, p.size};
    }
    const bool together = pipeline_.bpe != nullptr && misses > 1;
    if (together) pipeline_.bpe->CountTogether({words, misses}, {counts, misses}, scratch_);
    for (size_t i = 0; i < misses; ++i) {
      const Pending& p = pending_[missed_[i]];
      if (!together) {
        counts[i] = CountWord(words[i]);
      } else if (counts[i] < 0) {
        counts[i] = CountWithUnknown(words[i]);
      }
      *p.sum += counts[i];
      // Twice among those that waited, it is kept once.
      if (cache_.Find(p.key, p.home) < 0)
        cache_.Insert(p.key, p.home, static_cast<uint32_t>(counts[i]));
    }
  }

  int64_t CountWord(std::string_view word) {
    if (pipeline_.bpe == nullptr) return pipeline_.unigram->Count(word, unigram_scratch_);
    const int64_t count = pipeline_.bpe->Count(word, scratch_);
    return count >= 0 ? count : CountWithUnknown(word);
  }

  // A word with characters (or, in text that is not UTF-8, bytes) that are no atoms: they stand
  // between what is.
  int64_t CountWithUnknown(std::string_view word) {
    const BpeModel& bpe = *pipeline_.bpe;
    int64_t count = 0;
    const char* p = word.data();
    const char* const end = p + word.size();
    const char* known = p;
    bool after_unknown = false;
    const auto close = [&] {
      if (p == known) return;
      count += bpe.Count({known, static_cast<size_t>(p - known)}, scratch_);
      after_unknown = false;
    };
    while (p < end) {
      const char* const e = pipeline_.byte_atoms ? p + 1 : tokens::DecodeUtf8(p, end).end;
      if (bpe.TokenEnd(p, e) == e) {
        p = e;
        continue;
      }
      close();
      if (pipeline_.byte_atoms || pipeline_.byte_fallback) {
        count += e - p;
      } else if (!after_unknown || !pipeline_.fuse_unknown) {
        ++count;
      }
      after_unknown = true;
      p = e;
      known = p;
    }
    close();
    return count;
  }

  const Pipeline& pipeline_;
  const CharClassTable& table_;
  CountCache cache_;
  // Counts of words of two bytes; 0: not asked yet.
  std::unique_ptr<uint8_t[]> two_bytes_ = std::make_unique<uint8_t[]>(size_t{1} << 16);
  BpeScratch scratch_;
  int shape_ = -1;       // index of the only split, or -1
  bool direct_ = false;  // a segment goes to the scanner as it is
  bool buffered_ = false;
  tokens::UnigramScratch unigram_scratch_;
  const char* readable_ = nullptr;  // end of the text under way
  const char* segment_ = nullptr;   // where the segment starts, to know its first piece
  const char* normal_ = nullptr;
  bool first_ = false;
  FirstBytes raw_first_{};
  FirstBytes user_first_{};
  FirstBytes normalized_first_{};
  std::string buffer_;
  std::string spare_;
  std::string prefixed_;
  std::string marked_;
  int64_t* sum_ = nullptr;  // of the segment under way
  int in_vain_ = 0;
  int bypass_ = 0;
  size_t pending_count_ = 0;
  std::array<Pending, kPendingMax> pending_;
  std::array<uint8_t, kPendingMax> missed_;  // of pending_
};

TokenCounter::TokenCounter(std::shared_ptr<const Tokenizer> tokenizer, TokenCounterOptions options)
    : tokenizer_(std::move(tokenizer)),
      impl_(std::make_unique<Impl>(tokenizer_->pipeline(), options)) {}
TokenCounter::~TokenCounter() = default;
TokenCounter::TokenCounter(TokenCounter&&) noexcept = default;
TokenCounter& TokenCounter::operator=(TokenCounter&&) noexcept = default;

int64_t TokenCounter::Count(std::string_view segment) { return impl_->Count(segment); }
int64_t TokenCounter::CountText(std::string_view text) { return impl_->CountText(text); }
void TokenCounter::CountEach(std::string_view text, std::span<const std::string_view> segments,
                             std::span<int64_t> counts) {
  JANGBU_CHECK(counts.size() == segments.size());
  impl_->CountEach(text, segments, counts);
}

}  // namespace jangbu::ingest
