#include "ingest/tokens/unigram_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "ingest/tokens/char_class.h"

namespace jangbu::ingest::tokens {
namespace {

constexpr double kUnknownPenalty = 10.0;

// Bytes of the character at `p` as both libraries step: by the lead byte.
size_t CharBytes(const char* p, const char* end) {
  const Decoded d = DecodeUtf8(p, end);
  return static_cast<size_t>(d.end - p);
}

}  // namespace

StatusOr<UnigramModel> UnigramModel::Build(Spec spec) {
  UnigramModel model;
  model.arithmetic_ = spec.arithmetic;
  model.unknown_id_ = spec.unknown_id;
  model.byte_fallback_ = spec.byte_fallback;
  model.fuse_unknown_ = spec.fuse_unknown;
  model.scores_.resize(spec.pieces.size());
  std::vector<std::pair<std::string_view, uint32_t>> keys;
  for (uint32_t id = 0; id < spec.pieces.size(); ++id) {
    const Piece& piece = spec.pieces[id];
    if (piece.text.empty()) continue;
    if (piece.text.size() > 2048) {
      return ResourceExhausted("token_too_long",
                               "piece " + std::to_string(id) + " is longer than 2048 bytes");
    }
    double score = spec.arithmetic == Arithmetic::kHuggingFace ? piece.score_double : piece.score;
    if (piece.user_defined) {
      // (length * max_score - 0.1) in SentencePiece: a float product less a double.
      score = static_cast<double>(static_cast<float>(piece.text.size()) * spec.score_max) - 0.1;
    }
    model.scores_[id] = score;
    model.step_max_ = std::max(model.step_max_, std::abs(score));
    model.longest_ = std::max(model.longest_, piece.text.size());
    keys.emplace_back(piece.text, id);
  }
  SortKeys(keys);
  for (size_t i = 1; i < keys.size(); ++i) {
    if (keys[i].first == keys[i - 1].first) {
      return InvalidArgument("token_repeated", "pieces " + std::to_string(keys[i - 1].second) +
                                                   " and " + std::to_string(keys[i].second) +
                                                   " are the same");
    }
  }
  JANGBU_ASSIGN_OR_RETURN(model.trie_, ByteTrie::Build(keys));
  model.unknown_score_ = spec.score_min - kUnknownPenalty;
  model.unknown_score_float_ =
      static_cast<float>(spec.score_min) - static_cast<float>(kUnknownPenalty);
  if (spec.arithmetic == Arithmetic::kSentencePiece)
    model.unknown_score_ = model.unknown_score_float_;
  model.step_max_ = std::max(model.step_max_, std::abs(model.unknown_score_));
  model.ring_size_ = std::bit_ceil(std::max<size_t>(model.longest_, 4) + 1);
  return model;
}

int64_t UnigramModel::Count(std::string_view text, UnigramScratch& scratch) const {
  return arithmetic_ == Arithmetic::kSentencePiece
             ? CountAs<Arithmetic::kSentencePiece>(text, scratch)
             : CountAs<Arithmetic::kHuggingFace>(text, scratch);
}

// The best path to each end is kept for as far back as a piece can reach; its count goes along, so
// no path is walked back. Unknown characters in a row count once when they are fused, which the
// last piece of a path decides.
template <UnigramModel::Arithmetic kArithmetic>
int64_t UnigramModel::CountAs(std::string_view text, UnigramScratch& scratch) const {
  using Score = std::conditional_t<kArithmetic == Arithmetic::kSentencePiece, float, double>;
  auto& ring = scratch.ring_;
  if (ring.size() < ring_size_) ring.resize(ring_size_);
  const size_t mask = ring_size_ - 1;
  for (size_t i = 0; i < ring_size_; ++i) ring[i] = {};
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  ring[0].reached = true;
  const char* p = begin;
  UnigramScratch::Node here = ring[0];
  while (p < end) {
    const size_t at = static_cast<size_t>(p - begin);
    here = ring[at & mask];
    ring[at & mask] = {};
    const size_t char_bytes = CharBytes(p, end);
    bool single = false;
    ByteTrie::Node node = trie_.root();
    for (const char* q = p; q < end;) {
      node = trie_.Child(node, static_cast<unsigned char>(*q++));
      if (node == 0) break;
      const uint32_t id = ByteTrie::ValueAt(node);
      if (id == ByteTrie::kNone) continue;
      const size_t length = static_cast<size_t>(q - p);
      UnigramScratch::Node& target = ring[(at + length) & mask];
      // A float piece score and a float path score add up exactly in double; the sum is compared as
      // it is and then rounded when it is kept.
      const double candidate = scores_[id] + here.score;
      if (!target.reached || candidate > target.score) {
        const bool unknown = id == unknown_id_;
        target.score = static_cast<double>(static_cast<Score>(candidate));
        target.unknown = unknown;
        target.count = here.count + (unknown && here.unknown && fuse_unknown_ ? 0 : 1);
        target.reached = true;
      }
      single = single || length == char_bytes;
    }
    if (!single) {
      UnigramScratch::Node& target = ring[(at + char_bytes) & mask];
      double candidate = 0;
      if constexpr (kArithmetic == Arithmetic::kSentencePiece) {
        candidate = static_cast<double>(unknown_score_float_ + static_cast<float>(here.score));
      } else {
        candidate = unknown_score_ + here.score;
      }
      if (!target.reached || candidate > target.score) {
        target.score = candidate;
        target.unknown = true;
        if (byte_fallback_) {
          target.count = here.count + static_cast<int64_t>(char_bytes);
        } else {
          target.count = here.count + (here.unknown && fuse_unknown_ ? 0 : 1);
        }
        target.reached = true;
      }
    }
    p += char_bytes;
  }
  return ring[text.size() & mask].count;
}

UnigramModel::InSentence UnigramModel::CountInSentence(std::string_view word,
                                                       UnigramScratch& scratch) const {
  JANGBU_CHECK(arithmetic_ == Arithmetic::kSentencePiece);
  // In double, from 0. The sentence's floats differ from these values, less the score before the
  // word, by at most `steps` roundings of a number below 2^k, which is steps × 2^(k-24). So a
  // choice stands if its gap is more than twice that, or if it makes no odds: equal counts.
  auto& ring = scratch.ring_;
  if (ring.size() < ring_size_) ring.resize(ring_size_);
  const size_t mask = ring_size_ - 1;
  for (size_t i = 0; i < ring_size_; ++i) ring[i] = {};
  const char* const begin = word.data();
  const char* const end = begin + word.size();
  ring[0].reached = true;
  double gap_min = 1e9;
  bool sure = true;
  const auto offer = [&](UnigramScratch::Node& target, double score, int64_t count) {
    if (!target.reached) {
      target.reached = true;
      target.score = score;
      target.count = count;
      return;
    }
    if (count != target.count) gap_min = std::min(gap_min, std::abs(score - target.score));
    // Whoever lost to an earlier winner loses to a later one by no less, so the gaps met on the way
    // are enough.
    if (score > target.score) {
      target.score = score;
      target.count = count;
    }
  };
  for (const char* p = begin; p < end;) {
    const size_t at = static_cast<size_t>(p - begin);
    const UnigramScratch::Node here = ring[at & mask];
    ring[at & mask] = {};
    const size_t char_bytes = CharBytes(p, end);
    bool single = false;
    ByteTrie::Node node = trie_.root();
    for (const char* q = p; q < end;) {
      node = trie_.Child(node, static_cast<unsigned char>(*q++));
      if (node == 0) break;
      const uint32_t id = ByteTrie::ValueAt(node);
      if (id == ByteTrie::kNone) continue;
      const size_t length = static_cast<size_t>(q - p);
      if (id == unknown_id_) sure = false;
      offer(ring[(at + length) & mask], scores_[id] + here.score, here.count + 1);
      single = single || length == char_bytes;
    }
    if (!single) {
      if (!byte_fallback_) sure = false;  // Whether it is fused depends on the path.
      offer(ring[(at + char_bytes) & mask], unknown_score_ + here.score,
            here.count + static_cast<int64_t>(byte_fallback_ ? char_bytes : 1));
    }
    p += char_bytes;
  }
  InSentence result;
  result.count = ring[word.size() & mask].count;
  result.score = ring[word.size() & mask].score;
  if (sure) {
    const double steps = static_cast<double>(word.size()) + 2;
    const double room = gap_min / (2 * steps) * 0x1p23;  // Half of what would do.
    result.sure_log2 = room >= 1 ? static_cast<int>(std::floor(std::log2(room))) : -1;
  }
  return result;
}

}  // namespace jangbu::ingest::tokens
