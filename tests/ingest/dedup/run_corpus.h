#pragma once

// Documents for tests of the run index: kept, handed out as a FormSource, and made up from a seed
// so that they share text in all the ways that hurt.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "ingest/dedup/run_index.h"
#include "tests/reference/runs.h"

namespace jangbu::ingest {

inline constexpr std::string_view kTestSecret = "a secret of thirty-two bytes or more";

// The texts of a corpus; those not in it are erased. Fails for those that `gone` says are not to be
// asked for. Thread-safe once filled.
class CorpusForms : public FormSource {
 public:
  explicit CorpusForms(const reference::RunCorpus& corpus) {
    for (const auto& d : corpus) Add(d);
  }
  CorpusForms() = default;
  void Add(const reference::RunCorpusDocument& d) {
    forms_[d.document.place] = std::make_shared<const std::u32string>(d.form);
  }
  StatusOr<std::shared_ptr<const std::u32string>> Form(const RunDocument& document) override {
    ++asked;
    const auto found = forms_.find(document.place);
    if (gone && gone(document)) return Unavailable("text_out_of_reach", "not to be asked for");
    if (found == forms_.end()) return NotFound("text_erased", "no such text");
    return found->second;
  }

  std::function<bool(const RunDocument&)> gone;
  std::atomic<uint64_t> asked = 0;

 private:
  std::map<JournalPlace, std::shared_ptr<const std::u32string>> forms_;
};

struct Prng {
  explicit Prng(uint64_t seed) : engine(seed) {}
  uint64_t operator()(uint64_t below) { return engine() % below; }
  std::mt19937_64 engine;
};

// Text pieced together from fresh letters, laughter, periods and pieces of `pool`.
inline std::u32string NastyForm(Prng& prng, const std::vector<std::u32string>& pool) {
  std::u32string out;
  const uint64_t pieces = prng(7);
  for (uint64_t i = 0; i <= pieces; ++i) {
    switch (prng(6)) {
      case 0:  // one letter again and again
        out.append(1 + prng(60), prng(4) == 0 ? U'ㅎ' : U'ㅋ');
        break;
      case 1: {  // a period
        const uint64_t period = 2 + prng(14);
        const uint64_t n = prng(120);
        const char32_t base = 0xAC00 + static_cast<char32_t>(prng(3));
        for (uint64_t k = 0; k < n; ++k) out.push_back(base + static_cast<char32_t>(k % period));
        break;
      }
      case 2: {  // few letters
        const uint64_t n = prng(60);
        for (uint64_t k = 0; k < n; ++k) out.push_back(U'가' + static_cast<char32_t>(prng(2)));
        break;
      }
      case 3: {  // many
        const uint64_t n = prng(80);
        for (uint64_t k = 0; k < n; ++k) out.push_back(0xAC00 + static_cast<char32_t>(prng(11172)));
        break;
      }
      default: {  // what somebody wrote
        if (pool.empty()) break;
        const std::u32string& from = pool[prng(pool.size())];
        if (from.empty()) break;
        const size_t begin = prng(from.size());
        std::u32string piece = from.substr(begin, 1 + prng(120));
        if (prng(3) == 0) piece[prng(piece.size())] = 0xAC00 + static_cast<char32_t>(prng(11172));
        out += piece;
      }
    }
  }
  return out;
}

inline reference::RunCorpus NastyCorpus(Prng& prng, size_t documents) {
  reference::RunCorpus corpus;
  std::vector<std::u32string> pool;
  RunDocument next;
  for (size_t i = 0; i < documents; ++i) {
    if (prng(3) == 0) {
      next.place.entry += 1 + prng(1000);
      next.place.ordinal = static_cast<uint32_t>(prng(5));
    } else {
      next.place.ordinal += 1 + static_cast<uint32_t>(prng(3));
    }
    next.scope = static_cast<uint32_t>(prng(4));
    corpus.push_back({next, NastyForm(prng, pool)});
    pool.push_back(corpus.back().form);
  }
  return corpus;
}

inline std::vector<RunText> TextsOf(const reference::RunCorpus& corpus) {
  std::vector<RunText> texts;
  for (const auto& d : corpus) texts.push_back({d.document, d.form});
  return texts;
}

}  // namespace jangbu::ingest
