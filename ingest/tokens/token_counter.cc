#include "ingest/tokens/token_counter.h"

#include <array>
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
    direct_ = pipeline_.added_raw.empty() && pipeline_.added_normalized.empty() &&
              pipeline_.normalizer.empty() && !pipeline_.prefix_space && shape_ >= 0;
    MarkFirstBytes(pipeline_.added_raw, raw_first_);
    MarkFirstBytes(pipeline_.added_normalized, normalized_first_);
  }

  int64_t Count(std::string_view segment) {
    total_ = 0;
    AddSegment(segment);
    Flush();
    return total_;
  }

  int64_t CountText(std::string_view text) {
    total_ = 0;
    while (!text.empty()) {
      const size_t end = text.find('\n');
      AddSegment(text.substr(0, end));
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
    Flush();
    return total_;
  }

 private:
  static constexpr size_t kPendingMax = 32;
  struct Pending {
    CountCache::Key key;
    const char* word;
    size_t size;
    size_t home;
  };
  using FirstBytes = std::array<bool, 256>;

  static void MarkFirstBytes(const ByteTrie& trie, FirstBytes& first) {
    for (int c = 0; c < 256; ++c) {
      first[static_cast<size_t>(c)] =
          trie.Child(ByteTrie::root(), static_cast<unsigned char>(c)) != ByteTrie::kNone;
    }
  }

  void AddSegment(std::string_view segment) {
    if (segment.empty()) return;
    if (direct_) {
      AddWords(segment);
      return;
    }
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
      ++total_;
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
      piece = normal;
    }
    CutAddedTokens(pipeline_.added_normalized, normalized_first_, piece,
                   [this](std::string_view rest) { AddPiece(rest); });
  }

  void AddPiece(std::string_view piece) {
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
    while (p < end) {
      const char* const e = NextPiece<kShape>(table_, p, end);
      AddWord(p, static_cast<size_t>(e - p), end);
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

  // `readable` is the end of the memory that holds the word.
  void AddWord(const char* word, size_t size, const char* readable) {
    if (size == 1) {
      ++total_;  // A byte is an atom; so is a character.
      return;
    }
    if (size > CountCache::kWordBytesMax || !cache_.enabled()) {
      total_ += CountWord({word, size});
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
    p.home = cache_.Home(p.key);
    cache_.Prefetch(p.home);
    if (++pending_count_ == kPendingMax) Flush();
  }

  // Words wait so that their cache lines can arrive meanwhile.
  void Flush() {
    for (size_t i = 0; i < pending_count_; ++i) {
      const Pending& p = pending_[i];
      int64_t count = cache_.Find(p.key, p.home);
      if (count < 0) {
        count = CountWord({p.word, p.size});
        cache_.Insert(p.key, p.home, static_cast<uint32_t>(count));
      }
      total_ += count;
    }
    pending_count_ = 0;
  }

  int64_t CountWord(std::string_view word) { return pipeline_.bpe->Count(word, scratch_); }

  const Pipeline& pipeline_;
  const CharClassTable& table_;
  CountCache cache_;
  BpeScratch scratch_;
  int shape_ = -1;       // index of the only split, or -1
  bool direct_ = false;  // a segment goes to the scanner as it is
  bool buffered_ = false;
  FirstBytes raw_first_{};
  FirstBytes normalized_first_{};
  std::string buffer_;
  std::string spare_;
  std::string prefixed_;
  int64_t total_ = 0;
  size_t pending_count_ = 0;
  std::array<Pending, kPendingMax> pending_;
};

TokenCounter::TokenCounter(std::shared_ptr<const Tokenizer> tokenizer, TokenCounterOptions options)
    : tokenizer_(std::move(tokenizer)),
      impl_(std::make_unique<Impl>(tokenizer_->pipeline(), options)) {}
TokenCounter::~TokenCounter() = default;
TokenCounter::TokenCounter(TokenCounter&&) noexcept = default;
TokenCounter& TokenCounter::operator=(TokenCounter&&) noexcept = default;

int64_t TokenCounter::Count(std::string_view segment) { return impl_->Count(segment); }
int64_t TokenCounter::CountText(std::string_view text) { return impl_->CountText(text); }

}  // namespace jangbu::ingest
