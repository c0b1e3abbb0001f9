#include "ingest/tokens/compare.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ingest/tokens/entry_kinds.h"
#include "ingest/tokens/tokenizer_file.h"

namespace jangbu::ingest {
namespace {

using tokens::TokenizerFile;

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
};
template <typename V>
using ByText = absl::flat_hash_map<std::string, V, StringHash, std::equal_to<>>;

// Text → first id. Added tokens are left out.
ByText<uint32_t> Entries(const TokenizerFile& file) {
  std::vector<bool> added(file.tokens.size());
  for (const tokens::AddedToken& token : file.added) {
    if (token.id < added.size()) added[token.id] = true;
  }
  ByText<uint32_t> entries;
  for (uint32_t id = 0; id < file.tokens.size(); ++id) {
    if (file.tokens[id].empty() || added[id]) continue;
    const bool piece = file.in_play.empty() || file.in_play[id];
    std::string text = tokens::TextOfEntry(file, id);
    // Control pieces are special tokens; byte pieces stand for text.
    if (!piece && !(file.byte_fallback && text.size() == 1)) continue;
    entries.emplace(std::move(text), id);
  }
  return entries;
}

size_t CodePointCount(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(
      utf8.begin(), utf8.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

// Merges in order, as left NUL right; of ranks, the entries made.
std::vector<std::string> Merges(const TokenizerFile& file) {
  std::vector<std::string> merges;
  if (!file.ranks.empty()) {
    std::vector<uint32_t> order;
    for (uint32_t id = 0; id < file.tokens.size(); ++id) {
      const bool piece = file.in_play.empty() || file.in_play[id];
      // A rank file begins with bytes, a SentencePiece model with characters: what one of those is,
      // no merge makes.
      const size_t made_of = file.family == TokenizerFamily::kTiktoken
                                 ? file.tokens[id].size()
                                 : CodePointCount(file.tokens[id]);
      if (piece && made_of > 1) order.push_back(id);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t x, uint32_t y) { return file.ranks[x] < file.ranks[y]; });
    for (const uint32_t id : order) merges.push_back(tokens::TextOfEntry(file, id));
    return merges;
  }
  for (const tokens::Merge& merge : file.merges) {
    merges.push_back(tokens::TextOfEntry(file, merge.left) + '\0' +
                     tokens::TextOfEntry(file, merge.right));
  }
  return merges;
}

// Length of the longest ascending run-with-gaps (patience sorting).
size_t LongestAscending(const std::vector<size_t>& values) {
  std::vector<size_t> tails;
  for (const size_t v : values) {
    const auto it = std::lower_bound(tails.begin(), tails.end(), v);
    if (it == tails.end()) {
      tails.push_back(v);
    } else {
      *it = v;
    }
  }
  return tails.size();
}

Status Named(const Status& status, std::string_view side) {
  const std::string_view reason = ReasonOf(status);
  std::string_view rest = MessageOf(status);
  if (!reason.empty()) rest.remove_prefix(reason.size() + 2);
  return MakeError(status.code(), reason.empty() ? "tokenizer_malformed" : reason,
                   std::string(side).append(": ").append(rest));
}

}  // namespace

StatusOr<TokenizerComparison> CompareTokenizers(std::string_view file_a, std::string_view file_b,
                                                const TokenizerLoadOptions& options_a,
                                                const TokenizerLoadOptions& options_b) {
  const auto a = tokens::ParseTokenizerFile(file_a, options_a);
  if (!a.ok()) return Named(a.status(), "a");
  const auto b = tokens::ParseTokenizerFile(file_b, options_b);
  if (!b.ok()) return Named(b.status(), "b");
  TokenizerComparison c;
  c.a = InspectTokenizer(file_a, options_a);
  c.b = InspectTokenizer(file_b, options_b);

  const ByText<uint32_t> entries_a = Entries(*a);
  const ByText<uint32_t> entries_b = Entries(*b);
  c.entries_a = entries_a.size();
  c.entries_b = entries_b.size();
  for (const auto& [text, id] : entries_a) {
    const auto kind = tokens::KindOfEntry(text);
    ++(c.kinds_a.*kind);
    const auto it = entries_b.find(text);
    if (it == entries_b.end()) continue;
    ++c.entries_shared;
    ++(c.kinds_shared.*kind);
    if (it->second == id) ++c.same_id;
  }
  for (const auto& [text, id] : entries_b) ++(c.kinds_b.*tokens::KindOfEntry(text));

  std::vector<std::string> merges_a = Merges(*a);
  std::vector<std::string> merges_b = Merges(*b);
  // A list and ranks are compared by what they make.
  if (a->ranks.empty() != b->ranks.empty()) {
    for (auto* merges : {&merges_a, &merges_b}) {
      ByText<bool> seen;
      std::vector<std::string> made;
      for (std::string& merge : *merges) {
        const size_t nul = merge.find('\0');
        if (nul != std::string::npos) merge.erase(nul, 1);
        if (seen.emplace(merge, true).second) made.push_back(std::move(merge));
      }
      *merges = std::move(made);
    }
  }
  c.merges_a = merges_a.size();
  c.merges_b = merges_b.size();
  while (c.merges_prefix < std::min(merges_a.size(), merges_b.size()) &&
         merges_a[c.merges_prefix] == merges_b[c.merges_prefix]) {
    ++c.merges_prefix;
  }
  ByText<size_t> place;
  for (size_t i = 0; i < merges_b.size(); ++i) place.emplace(merges_b[i], i);
  std::vector<size_t> places;
  for (const std::string& merge : merges_a) {
    const auto it = place.find(merge);
    if (it != place.end()) places.push_back(it->second);
  }
  c.merges_shared = places.size();
  c.merges_in_order = LongestAscending(places);
  return c;
}

}  // namespace jangbu::ingest
