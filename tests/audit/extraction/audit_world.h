#pragma once

// Made-up texts for audits, and a model that remembers some of them.

#include <random>
#include <string>
#include <vector>

#include "audit/extraction/model_client.h"
#include "audit/extraction/probe_plan.h"
#include "ingest/text/utf8.h"

namespace jangbu::audit::testing {

// A token is two code points that are not white space: enough for the rules, and easy to follow.
inline int64_t PairTokens(std::string_view text) {
  int64_t n = 0;
  for (const char* p = text.data(); p != text.data() + text.size();) {
    const char32_t cp = ingest::DecodeUtf8(p);
    if (cp != U' ' && cp != U'\n') ++n;
  }
  return (n + 1) / 2;
}

inline std::string Sentences(std::mt19937_64& random, size_t words) {
  std::string text;
  for (size_t i = 0; i < words; ++i) {
    if (i > 0) text += ' ';
    for (size_t k = 1 + random() % 4; k > 0; --k) {
      ingest::AppendUtf8(static_cast<char32_t>(0xAC00 + random() % 11'172), text);
    }
    if (random() % 9 == 0) text += '.';
  }
  return text;
}

inline std::vector<AuditText> Texts(uint64_t seed, size_t per_partner) {
  std::mt19937_64 random(seed);
  std::vector<AuditText> texts;
  for (const char* partner : {"gaon", "narae", "saebit"}) {
    for (size_t i = 0; i < per_partner; ++i) {
      texts.push_back({std::string(partner) + "-" + std::to_string(i), partner,
                       i % 2 == 0 ? "article" : "book", TextRole::kContributed,
                       i % 3 == 0 ? 64U : 1U, Sentences(random, 90 + random() % 80),
                       ControlOrigin::kNone});
    }
  }
  for (size_t i = 0; i < per_partner; ++i) {
    texts.push_back({"held-" + std::to_string(i), "gaon", "article", TextRole::kControl, 0,
                     Sentences(random, 120), ControlOrigin::kHeldBack});
  }
  return texts;
}

// Continues what it knows from the longest ending of the prompt that stands in it; else it babbles.
inline std::string Continue(const std::vector<std::string>& memory, std::string_view prompt,
                            size_t code_points) {
  for (size_t keep = std::min<size_t>(prompt.size(), 90); keep >= 24; --keep) {
    const std::string_view ending = prompt.substr(prompt.size() - keep);
    if ((static_cast<unsigned char>(ending[0]) & 0xC0) == 0x80) continue;
    for (const std::string& text : memory) {
      const size_t at = text.find(ending);
      if (at == std::string::npos) continue;
      std::string out;
      for (const char* p = text.data() + at + keep;
           p < text.data() + text.size() && code_points > 0; --code_points) {
        ingest::AppendUtf8(ingest::DecodeUtf8(p), out);
      }
      return out;
    }
  }
  std::mt19937_64 random(prompt.size());
  return " " + Sentences(random, code_points / 4);
}

}  // namespace jangbu::audit::testing
