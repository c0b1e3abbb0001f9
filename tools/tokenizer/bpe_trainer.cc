#include "tools/tokenizer/bpe_trainer.h"

#include <algorithm>
#include <array>
#include <queue>
#include <utility>

#include "ingest/tokens/byte_alphabet.h"
#include "ingest/tokens/char_class.h"
#include "ingest/tokens/normalizer.h"
#include "ingest/tokens/split_scanner.h"

namespace jangbu::tokenizer {
namespace {

namespace tokens = ingest::tokens;

// How many bytes the character that starts with `lead` has; 0 for a continuation byte or a byte
// UTF-8 never has.
size_t CharBytes(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

struct Entry {
  std::string bytes;
  // Bytes missing to whole characters: 0 for whole characters, -1 for what can start no character.
  int missing = 0;
};

void AppendJsonString(std::string_view s, std::string& out) {
  out.push_back('"');
  for (const char c : s) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr std::string_view kHex = "0123456789abcdef";
      out.append("\\u00");
      out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

uint64_t PairKey(uint32_t left, uint32_t right) {
  return (static_cast<uint64_t>(left) << 32) | right;
}

}  // namespace

void BpeTrainer::Add(std::string_view text, uint64_t weight) {
  const std::vector<tokens::NormalizerStep> nfc = {{tokens::NormalizerStep::Kind::kNfc, "", ""}};
  text = Normalize(nfc, text, buffer_, spare_);
  const tokens::CharClassTable& table = tokens::CharClassTable::Get();
  while (!text.empty()) {
    const size_t cut = text.find_first_of("\r\n");
    const std::string_view line = text.substr(0, cut);
    const char* p = line.data();
    const char* const end = p + line.size();
    while (p < end) {
      const char* const e = tokens::NextPiece<tokens::kO200kShape>(table, p, end);
      AddPiece({p, static_cast<size_t>(e - p)}, weight);
      p = e;
    }
    if (cut == std::string_view::npos) break;
    text.remove_prefix(cut + 1);
  }
}

void BpeTrainer::AddPiece(std::string_view piece, uint64_t weight) {
  if (piece.size() < 2 || piece.size() > options_.piece_bytes_max) return;
  const auto it = counts_.find(piece);
  if (it != counts_.end()) {
    it->second += weight;
    return;
  }
  if (counts_.size() >= options_.pieces_max) DropRarest();
  counts_.emplace(piece, weight);
}

void BpeTrainer::DropRarest() {
  // Drops about a quarter, whole counts at a time.
  std::vector<uint64_t> counts;
  counts.reserve(counts_.size());
  for (const auto& [piece, count] : counts_) counts.push_back(count);
  const auto quarter = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 4);
  std::nth_element(counts.begin(), quarter, counts.end());
  const uint64_t limit = *quarter;
  for (auto it = counts_.begin(); it != counts_.end();) {
    const auto at = it++;
    if (at->second > limit) continue;
    ++dropped_;
    counts_.erase(at);
  }
}

StatusOr<std::string> BpeTrainer::Train() const {
  const size_t base = 256 + options_.special_tokens.size();
  if (options_.vocab_size < base || options_.vocab_size > (size_t{1} << 20)) {
    return InvalidArgument("vocab_size_out_of_range",
                           "between 256 + special tokens and 2^20 entries");
  }

  // Ids: the bytes in the order of their characters in the byte alphabet, then merges, then special
  // tokens.
  std::vector<Entry> entries;
  std::array<uint32_t, 256> id_of_byte{};
  {
    std::vector<std::pair<std::string, int>> order;
    for (int b = 0; b < 256; ++b) {
      order.emplace_back(tokens::AlphabetOfBytes(std::string(1, static_cast<char>(b))), b);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [spelled, b] : order) {
      id_of_byte[static_cast<size_t>(b)] = static_cast<uint32_t>(entries.size());
      const size_t size = CharBytes(static_cast<unsigned char>(b));
      entries.push_back({std::string(1, static_cast<char>(b)), static_cast<int>(size) - 1});
    }
  }

  // Words as rows of ids, one after another, each ended by kEnd.
  constexpr uint32_t kEnd = 0xFFFFFFFF;
  std::vector<std::pair<std::string_view, uint64_t>> words;
  for (const auto& [piece, count] : counts_) {
    if (count >= options_.count_min) words.emplace_back(piece, count);
  }
  std::sort(words.begin(), words.end());
  std::vector<uint32_t> rows;
  std::vector<size_t> starts;
  for (const auto& [piece, count] : words) {
    starts.push_back(rows.size());
    for (const char c : piece) rows.push_back(id_of_byte[static_cast<unsigned char>(c)]);
    rows.push_back(kEnd);
  }

  const auto may_merge = [&](uint32_t left, uint32_t right) {
    const Entry& l = entries[left];
    const Entry& r = entries[right];
    if (l.bytes.size() + r.bytes.size() > options_.token_bytes_max) return false;
    if (l.missing == 0) return r.missing == 0;
    // A character under way takes its next byte.
    return l.missing > 0 && r.bytes.size() == 1 &&
           (static_cast<unsigned char>(r.bytes[0]) & 0xC0) == 0x80;
  };

  struct Pair {
    uint64_t count = 0;
    std::vector<uint32_t>
        words;  // each word that holds or held the pair, in ascending order of joining
  };
  absl::flat_hash_map<uint64_t, Pair> pairs;
  struct Candidate {
    uint64_t count;
    uint64_t key;
    bool operator<(const Candidate& o) const {
      return count != o.count ? count < o.count : key > o.key;
    }
  };
  std::priority_queue<Candidate> queue;
  for (uint32_t w = 0; w < words.size(); ++w) {
    for (size_t i = starts[w]; rows[i + 1] != kEnd; ++i) {
      if (!may_merge(rows[i], rows[i + 1])) continue;
      Pair& pair = pairs[PairKey(rows[i], rows[i + 1])];
      pair.count += words[w].second;
      if (pair.words.empty() || pair.words.back() != w) pair.words.push_back(w);
    }
  }
  for (const auto& [key, pair] : pairs) queue.push({pair.count, key});

  std::vector<std::pair<uint32_t, uint32_t>> merges;
  absl::flat_hash_map<std::string, uint32_t> made;
  std::vector<uint64_t> touched;
  while (entries.size() + options_.special_tokens.size() < options_.vocab_size && !queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    const auto found = pairs.find(top.key);
    if (found == pairs.end()) continue;
    if (found->second.count != top.count) {
      // Counts only fall after a pair is offered, or are offered again when they rise.
      if (found->second.count >= options_.count_min && found->second.count < top.count) {
        queue.push({found->second.count, top.key});
      }
      continue;
    }
    if (top.count < options_.count_min) break;
    const auto left = static_cast<uint32_t>(top.key >> 32);
    const auto right = static_cast<uint32_t>(top.key);
    std::string bytes = entries[left].bytes + entries[right].bytes;
    const std::vector<uint32_t> holders = std::move(found->second.words);
    pairs.erase(found);
    // Two merges may give the same bytes; the token is one, and both rules stay.
    uint32_t whole = static_cast<uint32_t>(entries.size());
    const auto [it, fresh] = made.emplace(bytes, whole);
    whole = it->second;
    if (fresh) {
      const int missing = entries[left].missing == 0 ? 0 : entries[left].missing - 1;
      entries.push_back({std::move(bytes), missing});
    }
    merges.emplace_back(left, right);

    touched.clear();
    uint32_t last = kEnd;
    for (const uint32_t w : holders) {
      if (w == last) continue;
      last = w;
      const uint64_t weight = words[w].second;
      const auto lose = [&](uint32_t a, uint32_t b) {
        const auto p = pairs.find(PairKey(a, b));
        if (p != pairs.end()) p->second.count -= std::min(p->second.count, weight);
      };
      const auto gain = [&](uint32_t a, uint32_t b) {
        if (!may_merge(a, b)) return;
        const uint64_t key = PairKey(a, b);
        Pair& p = pairs[key];
        p.count += weight;
        if (p.words.empty() || p.words.back() != w) p.words.push_back(w);
        touched.push_back(key);
      };
      size_t to = starts[w];
      uint32_t before = kEnd;
      for (size_t from = starts[w]; rows[from] != kEnd;) {
        if (rows[from] == left && rows[from + 1] == right) {
          const uint32_t after = rows[from + 2];
          if (before != kEnd) {
            lose(before, left);
            gain(before, whole);
          }
          if (after != kEnd) {
            lose(right, after);
            gain(whole, after);
          }
          rows[to++] = before = whole;
          from += 2;
        } else {
          rows[to++] = before = rows[from++];
        }
      }
      rows[to] = kEnd;
    }
    std::sort(touched.begin(), touched.end());
    touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
    for (const uint64_t key : touched) {
      const auto p = pairs.find(key);
      if (p != pairs.end()) queue.push({p->second.count, key});
    }
  }

  std::string json = "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[";
  uint32_t id = static_cast<uint32_t>(entries.size());
  for (size_t i = 0; i < options_.special_tokens.size(); ++i) {
    if (i > 0) json.push_back(',');
    json.append("{\"id\":" + std::to_string(id + i) + ",\"content\":");
    AppendJsonString(options_.special_tokens[i], json);
    json.append(
        ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":"
        "true}");
  }
  json.append(
      "],\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
      "\"Split\","
      "\"pattern\":{\"Regex\":");
  AppendJsonString(tokens::PatternOf(tokens::kO200kShape), json);
  json.append(
      "},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":"
      "false,"
      "\"trim_offsets\":true,\"use_regex\":false}]},\"post_processor\":null,\"decoder\":{\"type\":"
      "\"ByteLevel\","
      "\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true},\"model\":{\"type\":"
      "\"BPE\","
      "\"dropout\":null,\"unk_token\":null,\"continuing_subword_prefix\":null,\"end_of_word_"
      "suffix\":null,"
      "\"fuse_unk\":false,\"byte_fallback\":false,\"ignore_merges\":false,\"vocab\":{");
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) json.push_back(',');
    AppendJsonString(tokens::AlphabetOfBytes(entries[i].bytes), json);
    json.append(":" + std::to_string(i));
  }
  json.append("},\"merges\":[");
  for (size_t i = 0; i < merges.size(); ++i) {
    if (i > 0) json.push_back(',');
    AppendJsonString(tokens::AlphabetOfBytes(entries[merges[i].first].bytes) + " " +
                         tokens::AlphabetOfBytes(entries[merges[i].second].bytes),
                     json);
  }
  json.append("]}}\n");
  return json;
}

}  // namespace jangbu::tokenizer
