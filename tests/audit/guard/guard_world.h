#pragma once

// A small corpus with its index, for tests of the guard.

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "audit/guard/guard_index.h"
#include "audit/guard/stream_guard.h"
#include "base/check.h"
#include "base/clock.h"
#include "ingest/dedup/run_index.h"
#include "ingest/text/utf8.h"

namespace jangbu::audit::testing {

inline const ingest::RunHasher& Hasher() {
  static const ingest::RunHasher hasher("a secret of thirty-two bytes or more, for tests");
  return hasher;
}
inline const HmacSha256& Mac() {
  static const HmacSha256 mac("another secret");
  return mac;
}

inline std::string Utf8(std::u32string_view text) {
  std::string out;
  for (const char32_t cp : text) ingest::AppendUtf8(cp, out);
  return out;
}

// Says what it was set to.
class SetClock final : public Clock {
 public:
  explicit SetClock(int64_t micros) : at{micros} {}
  Timestamp Now() override { return at; }
  Timestamp at;
};

class GuardWorld : public ingest::FormSource {
 public:
  // `forms` are comparison forms; document i is the i-th, of partner i % 7. `segments` segments.
  explicit GuardWorld(std::vector<std::u32string> forms, size_t segments = 1) {
    for (auto& form : forms) {
      forms_.push_back(std::make_shared<const std::u32string>(std::move(form)));
    }
    std::vector<std::shared_ptr<const ingest::RunSegment>> built;
    const size_t each = forms_.size() / segments + 1;
    for (size_t from = 0; from < forms_.size(); from += each) {
      std::vector<ingest::RunText> texts;
      for (size_t i = from; i < std::min(forms_.size(), from + each); ++i) {
        texts.push_back({DocumentOf(i), *forms_[i]});
      }
      auto segment = ingest::RunSegment::Build(Hasher(), texts);
      JANGBU_CHECK(segment.ok());
      built.push_back(*segment);
    }
    view_ = ingest::RunView(&Hasher(), std::move(built));
    if (segments > 1) view_ = view_.Summarised();
    auto index = GuardIndex::Make(view_, *this, nullptr, nullptr);
    JANGBU_CHECK(index.ok());
    index_ = *index;
  }

  static ingest::RunDocument DocumentOf(size_t i) {
    return {{100 + i / 50, static_cast<uint32_t>(i % 50)}, static_cast<uint32_t>(i % 7)};
  }
  StatusOr<std::shared_ptr<const std::u32string>> Form(const ingest::RunDocument& d) override {
    ++asked;
    if (gone.contains((d.place.entry - 100) * 50 + d.place.ordinal)) {
      return NotFound("key_destroyed", "made to be gone");
    }
    if (fail) return DataLoss("text_unreadable", "made to fail");
    return forms_[(d.place.entry - 100) * 50 + d.place.ordinal];
  }
  const std::shared_ptr<const GuardIndex>& index() const { return index_; }
  const ingest::RunView& view() const { return view_; }
  std::vector<std::u32string> documents() const {
    std::vector<std::u32string> out;
    for (const auto& form : forms_) out.push_back(*form);
    return out;
  }

  bool fail = false;
  std::set<size_t> gone;
  size_t asked = 0;

 private:
  std::vector<std::shared_ptr<const std::u32string>> forms_;
  ingest::RunView view_;
  std::shared_ptr<const GuardIndex> index_;
};

using Random = std::mt19937_64;

// Syllables of `alphabet` different kinds.
inline std::u32string Syllables(Random& random, size_t n, size_t alphabet) {
  std::u32string out;
  for (size_t i = 0; i < n; ++i) {
    out.push_back(static_cast<char32_t>(0xAC00 + (random() % alphabet) * 37 % 11172));
  }
  return out;
}

// Releases of a whole answer, pushed in pieces of random sizes.
struct Outcome {
  std::string released;
  bool stopped = false;
  std::vector<GuardFinding> findings;
};
inline Outcome Answered(const std::shared_ptr<const GuardIndex>& index, GuardOptions options,
                        std::string_view text, Random& random, size_t piece_max) {
  StreamGuard guard(index, std::move(options));
  Outcome out;
  const auto take = [&](StatusOr<GuardAnswer> answer) {
    JANGBU_CHECK(answer.ok());
    out.released += answer->release;
    out.stopped = out.stopped || answer->stopped;
    for (auto& f : answer->findings) out.findings.push_back(std::move(f));
  };
  while (!text.empty() && !out.stopped) {
    const size_t n = std::min<size_t>(text.size(), 1 + random() % piece_max);
    take(guard.Push(text.substr(0, n)));
    text.remove_prefix(n);
  }
  if (!out.stopped) take(guard.Finish());
  return out;
}

}  // namespace jangbu::audit::testing
