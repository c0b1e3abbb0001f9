// Reads Hugging Face tokenizer.json. Every key is either understood, known to have no effect on
// counts, or refused by name: a key this reader has never heard of may change counts.

#include <simdjson.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "ingest/tokens/byte_alphabet.h"
#include "ingest/tokens/char_class.h"
#include "ingest/tokens/tokenizer_file.h"

namespace jangbu::ingest::tokens {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

Status Malformed(std::string_view field, std::string_view why) {
  return InvalidArgument("tokenizer_malformed", std::string(field).append(": ").append(why));
}

std::string Quoted(std::string_view s) {
  // Names in messages stay short and printable.
  std::string out = "\"";
  for (const char c : s.substr(0, 120))
    out.push_back(static_cast<unsigned char>(c) < 0x20 ? '?' : c);
  return out.append("\"");
}

// A JSON object read by its known keys: what is left over when all were asked for is refused.
class Fields {
 public:
  static StatusOr<Fields> Of(const element& value, std::string path) {
    object o;
    if (value.get(o) != simdjson::SUCCESS) return Malformed(path, "an object is expected");
    Fields fields;
    fields.path_ = std::move(path);
    for (const auto& [key, v] : o) {
      for (const auto& [seen, unused] : fields.all_) {
        if (seen == key) return Malformed(fields.path_ + "." + std::string(key), "is there twice");
      }
      if (fields.all_.size() >= 64) return Malformed(fields.path_, "has too many keys");
      fields.all_.emplace_back(key, v);
    }
    fields.asked_.resize(fields.all_.size());
    return fields;
  }

  const std::string& path() const { return path_; }
  std::string At(std::string_view key) const { return path_ + "." + std::string(key); }

  // The value, or nothing when it is absent or null.
  std::optional<element> Get(std::string_view key) {
    for (size_t i = 0; i < all_.size(); ++i) {
      if (all_[i].first != key) continue;
      asked_[i] = true;
      if (all_[i].second.is_null()) return std::nullopt;
      return all_[i].second;
    }
    return std::nullopt;
  }
  void Ignore(std::string_view key) { Get(key); }

  StatusOr<bool> Bool(std::string_view key, bool fallback) {
    const auto v = Get(key);
    if (!v) return fallback;
    bool b = false;
    if (v->get(b) != simdjson::SUCCESS) return Malformed(At(key), "true or false is expected");
    return b;
  }
  // The string, "" when absent.
  StatusOr<std::string_view> String(std::string_view key) {
    const auto v = Get(key);
    if (!v) return std::string_view();
    std::string_view s;
    if (v->get(s) != simdjson::SUCCESS) return Malformed(At(key), "a string is expected");
    return s;
  }
  StatusOr<uint32_t> Id(std::string_view key) {
    const auto v = Get(key);
    uint64_t id = 0;
    if (!v || v->get(id) != simdjson::SUCCESS || id >= BpeModel::kTokensMax) {
      return Malformed(At(key), "a number below 2^21 is expected");
    }
    return static_cast<uint32_t>(id);
  }
  // Refuses what was not asked for.
  Status Finish() const {
    for (size_t i = 0; i < all_.size(); ++i) {
      if (!asked_[i]) return Unsupported(path_ + "." + std::string(all_[i].first.substr(0, 100)));
    }
    return OkStatus();
  }

 private:
  std::string path_;
  std::vector<std::pair<std::string_view, element>> all_;
  std::vector<bool> asked_;
};

// Ids of tokens by their spelling in the file; the views live as long as the parsed file. Open
// addressing, so that the many look-ups of a merge list can be fetched ahead. The seed comes from
// the whole file: nobody can choose spellings that collide without changing it.
class Ids {
 public:
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  Ids(size_t tokens, uint64_t seed) : seed_(seed) {
    const size_t slots = std::bit_ceil(std::max<size_t>(16, tokens * 2));
    slots_.resize(slots);
    shift_ = 64 - std::countr_zero(slots);
    tokens_.reserve(tokens);
  }
  uint64_t HashOf(std::string_view spelled) const {
    return XXH3_64bits_withSeed(spelled.data(), spelled.size(), seed_);
  }
  // Three steps to have what Find will read, each some time after the one before.
  void FetchSlot(uint64_t hash) const { __builtin_prefetch(&slots_[hash >> shift_]); }
  void FetchToken(uint64_t hash) const {
    const uint32_t at = slots_[hash >> shift_].token;
    if (at != 0) __builtin_prefetch(&tokens_[at - 1]);
  }
  void FetchSpelling(uint64_t hash) const {
    const uint32_t at = slots_[hash >> shift_].token;
    if (at != 0) __builtin_prefetch(tokens_[at - 1].spelled.data());
  }
  // False when the spelling is there already. REQUIRES: no more tokens than announced.
  bool Add(std::string_view spelled, uint32_t id) {
    JANGBU_CHECK(tokens_.size() * 2 < slots_.size());
    const uint64_t hash = HashOf(spelled);
    size_t slot = hash >> shift_;
    for (; slots_[slot].token != 0; slot = (slot + 1) & (slots_.size() - 1)) {
      const Slot& taken = slots_[slot];
      if (taken.check == Check(hash) && tokens_[taken.token - 1].spelled == spelled) return false;
    }
    tokens_.push_back({spelled, id});
    slots_[slot] = {Check(hash), static_cast<uint32_t>(tokens_.size())};
    return true;
  }
  uint32_t Find(std::string_view spelled, uint64_t hash) const {
    for (size_t slot = hash >> shift_; slots_[slot].token != 0;
         slot = (slot + 1) & (slots_.size() - 1)) {
      const Slot& taken = slots_[slot];
      if (taken.check == Check(hash) && tokens_[taken.token - 1].spelled == spelled)
        return tokens_[taken.token - 1].id;
    }
    return kNone;
  }
  uint32_t Find(std::string_view spelled) const { return Find(spelled, HashOf(spelled)); }

  struct Token {
    std::string_view spelled;
    uint32_t id;
  };
  const std::vector<Token>& tokens() const { return tokens_; }

 private:
  struct Slot {
    uint32_t check = 0;
    uint32_t token = 0;  // index + 1
  };
  static uint32_t Check(uint64_t hash) { return static_cast<uint32_t>(hash); }

  uint64_t seed_;
  int shift_ = 0;
  std::vector<Slot> slots_;
  std::vector<Token> tokens_;
};

// {"String": s} or {"Regex": s}.
struct Pattern {
  bool regex = false;
  std::string_view text;
};
StatusOr<Pattern> ReadPattern(Fields& fields) {
  const auto v = fields.Get("pattern");
  if (!v) return Malformed(fields.At("pattern"), "is missing");
  JANGBU_ASSIGN_OR_RETURN(Fields inner, Fields::Of(*v, fields.At("pattern")));
  JANGBU_ASSIGN_OR_RETURN(const std::string_view regex, inner.String("Regex"));
  JANGBU_ASSIGN_OR_RETURN(const std::string_view literal, inner.String("String"));
  JANGBU_RETURN_IF_ERROR(inner.Finish());
  if (regex.empty() == literal.empty())
    return Malformed(inner.path(), "one of Regex and String is expected");
  return Pattern{!regex.empty(), regex.empty() ? literal : regex};
}

// All steps together: a file could otherwise ask for text without end.
constexpr size_t kGrowthMax = 64;

// How many times as long as it was text can become by prefixes and replacements, within reason.
size_t Growth(const std::vector<NormalizerStep>& steps) {
  using Kind = NormalizerStep::Kind;
  size_t growth = 1;
  for (const NormalizerStep& step : steps) {
    size_t times = 1;
    if (step.kind == Kind::kPrepend) times = 1 + step.from.size() / 4;
    if (step.kind == Kind::kReplace && !step.from.empty()) {
      times = (step.to.size() + step.from.size() - 1) / step.from.size();
    }
    if (step.kind == Kind::kCharsmap) times = 8;
    if (step.kind == Kind::kSqueezeSpaces) times = (step.to.size() + 1) / 2;
    growth *= std::max<size_t>(times, 1);
    if (growth > kGrowthMax) break;
  }
  return growth;
}

Status ReadNormalizer(const element& value, const std::string& path, int depth,
                      TokenizerFile& file) {
  if (depth > 8) return Malformed(path, "is nested too deeply");
  JANGBU_ASSIGN_OR_RETURN(Fields fields, Fields::Of(value, path));
  JANGBU_ASSIGN_OR_RETURN(const std::string_view type, fields.String("type"));
  using Kind = NormalizerStep::Kind;
  if (type == "Sequence") {
    const auto list = fields.Get("normalizers");
    array steps;
    if (!list || list->get(steps) != simdjson::SUCCESS)
      return Malformed(fields.At("normalizers"), "a list is expected");
    int i = 0;
    for (const element& step : steps) {
      JANGBU_RETURN_IF_ERROR(ReadNormalizer(
          step, path + ".normalizers[" + std::to_string(i++) + "]", depth + 1, file));
    }
  } else if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD") {
    file.normalizer.push_back({type == "NFC"    ? Kind::kNfc
                               : type == "NFD"  ? Kind::kNfd
                               : type == "NFKC" ? Kind::kNfkc
                                                : Kind::kNfkd,
                               "", ""});
    file.features.push_back("normalizer " + std::string(type));
  } else if (type == "Prepend") {
    JANGBU_ASSIGN_OR_RETURN(const std::string_view text, fields.String("prepend"));
    file.normalizer.push_back({Kind::kPrepend, std::string(text), ""});
    file.features.push_back("normalizer Prepend " + Quoted(text));
  } else if (type == "Replace") {
    JANGBU_ASSIGN_OR_RETURN(const Pattern pattern, ReadPattern(fields));
    JANGBU_ASSIGN_OR_RETURN(const std::string_view content, fields.String("content"));
    if (pattern.regex && pattern.text == " {2,}") {
      file.normalizer.push_back({Kind::kSqueezeSpaces, "", std::string(content)});
      file.features.push_back("normalizer squeezes spaces");
      return fields.Finish();
    }
    if (pattern.regex) return Unsupported(path + " Replace Regex " + Quoted(pattern.text));
    file.normalizer.push_back({Kind::kReplace, std::string(pattern.text), std::string(content)});
    file.features.push_back("normalizer Replace " + Quoted(pattern.text));
  } else if (type == "Precompiled") {
    JANGBU_ASSIGN_OR_RETURN(const std::string_view base64, fields.String("precompiled_charsmap"));
    auto blob = FromBase64(base64);
    if (!blob.ok()) return Malformed(fields.At("precompiled_charsmap"), "is not base64");
    auto map = Charsmap::Parse(*blob);
    if (!map.ok()) return Malformed(fields.At("precompiled_charsmap"), MessageOf(map.status()));
    file.normalizer.push_back(
        {Kind::kCharsmap, "", "", std::make_shared<const Charsmap>(*std::move(map))});
    file.features.push_back("normalizer Precompiled");
  } else {
    return Unsupported(path + " " + Quoted(type));
  }
  if (file.normalizer.size() > 32) return Malformed(path, "has too many steps");
  if (Growth(file.normalizer) > kGrowthMax) {
    return Unsupported(path + " that makes text more than " + std::to_string(kGrowthMax) +
                       " times as long");
  }
  return fields.Finish();
}

struct PreTokenizer {
  bool byte_level = false;
  bool metaspace = false;
};

Status ReadPreTokenizer(const element& value, const std::string& path, int depth,
                        TokenizerFile& file, PreTokenizer& pre) {
  if (depth > 8) return Malformed(path, "is nested too deeply");
  JANGBU_ASSIGN_OR_RETURN(Fields fields, Fields::Of(value, path));
  JANGBU_ASSIGN_OR_RETURN(const std::string_view type, fields.String("type"));
  if (pre.byte_level || pre.metaspace) {
    return Unsupported(path + " " + Quoted(type) + " after ByteLevel or Metaspace");
  }
  if (type == "Sequence") {
    const auto list = fields.Get("pretokenizers");
    array steps;
    if (!list || list->get(steps) != simdjson::SUCCESS) {
      return Malformed(fields.At("pretokenizers"), "a list is expected");
    }
    int i = 0;
    for (const element& step : steps) {
      JANGBU_RETURN_IF_ERROR(ReadPreTokenizer(
          step, path + ".pretokenizers[" + std::to_string(i++) + "]", depth + 1, file, pre));
    }
  } else if (type == "Split") {
    JANGBU_ASSIGN_OR_RETURN(const Pattern pattern, ReadPattern(fields));
    JANGBU_ASSIGN_OR_RETURN(const std::string_view behavior, fields.String("behavior"));
    JANGBU_ASSIGN_OR_RETURN(const bool invert, fields.Bool("invert", false));
    const SplitShape* shape = pattern.regex ? FindShape(pattern.text) : nullptr;
    if (shape == nullptr) return Unsupported(path + " Split " + Quoted(pattern.text));
    // Every character falls in some match of these patterns, so what is removed or merged makes no
    // odds when pieces are isolated and the match is not inverted; all else is refused.
    if (behavior != "Isolated") return Unsupported(fields.At("behavior") + " " + Quoted(behavior));
    if (invert) return Unsupported(fields.At("invert") + " true");
    file.stages.push_back({SplitStage::Kind::kShape, shape});
    file.features.push_back("split " + std::string(NameOf(*shape)));
  } else if (type == "Digits") {
    JANGBU_ASSIGN_OR_RETURN(const bool each, fields.Bool("individual_digits", false));
    file.stages.push_back(
        {each ? SplitStage::Kind::kEachDigit : SplitStage::Kind::kDigits, nullptr});
    file.features.push_back(each ? "split each digit" : "split digits");
  } else if (type == "WhitespaceSplit") {
    if (!file.stages.empty()) return Unsupported(path + " WhitespaceSplit after a split");
    file.whitespace_split = true;
    file.features.push_back("split at white space");
  } else if (type == "Metaspace") {
    if (!file.stages.empty()) return Unsupported(path + " Metaspace after a split");
    JANGBU_ASSIGN_OR_RETURN(const std::string_view replacement, fields.String("replacement"));
    if (replacement != kSpaceMark)
      return Unsupported(fields.At("replacement") + " " + Quoted(replacement));
    JANGBU_ASSIGN_OR_RETURN(const bool prefix_space, fields.Bool("add_prefix_space", true));
    JANGBU_ASSIGN_OR_RETURN(const std::string_view scheme, fields.String("prepend_scheme"));
    JANGBU_ASSIGN_OR_RETURN(file.metaspace.split, fields.Bool("split", true));
    fields.Ignore("str_rep");
    if (scheme.empty()) {
      file.metaspace.prepend =
          prefix_space ? Metaspace::Prepend::kAlways : Metaspace::Prepend::kNever;
    } else if (scheme == "always" || scheme == "first" || scheme == "never") {
      if (fields.Get("add_prefix_space") && !prefix_space && scheme != "never") {
        return Malformed(path, "add_prefix_space and prepend_scheme disagree");
      }
      file.metaspace.prepend = scheme == "always"  ? Metaspace::Prepend::kAlways
                               : scheme == "first" ? Metaspace::Prepend::kFirst
                                                   : Metaspace::Prepend::kNever;
    } else {
      return Unsupported(fields.At("prepend_scheme") + " " + Quoted(scheme));
    }
    file.has_metaspace = true;
    pre.metaspace = true;
    file.features.push_back("metaspace");
  } else if (type == "ByteLevel") {
    JANGBU_ASSIGN_OR_RETURN(const bool prefix_space, fields.Bool("add_prefix_space", true));
    JANGBU_ASSIGN_OR_RETURN(const bool use_regex, fields.Bool("use_regex", true));
    fields.Ignore("trim_offsets");
    // A prefix space before each piece of an earlier split is another thing than one before the
    // text.
    if (prefix_space && !file.stages.empty())
      return Unsupported(fields.At("add_prefix_space") + " after a split");
    file.prefix_space = prefix_space;
    if (use_regex) {
      file.stages.push_back({SplitStage::Kind::kShape, FindShape(PatternOf(kGpt2Shape))});
      file.features.push_back("split " + std::string(NameOf(kGpt2Shape)));
    }
    pre.byte_level = true;
    file.features.push_back("byte level");
  } else {
    return Unsupported(path + " " + Quoted(type));
  }
  if (file.stages.size() > 8) return Malformed(path, "has too many splits");
  return fields.Finish();
}

Status ReadAddedTokens(const element& value, TokenizerFile& file) {
  array list;
  if (value.get(list) != simdjson::SUCCESS) return Malformed("added_tokens", "a list is expected");
  size_t i = 0;
  for (const element& item : list) {
    JANGBU_ASSIGN_OR_RETURN(Fields fields,
                            Fields::Of(item, "added_tokens[" + std::to_string(i++) + "]"));
    AddedToken token;
    JANGBU_ASSIGN_OR_RETURN(token.id, fields.Id("id"));
    JANGBU_ASSIGN_OR_RETURN(const std::string_view content, fields.String("content"));
    JANGBU_ASSIGN_OR_RETURN(token.special, fields.Bool("special", false));
    JANGBU_ASSIGN_OR_RETURN(token.normalized, fields.Bool("normalized", !token.special));
    for (const std::string_view option : {"single_word", "lstrip", "rstrip"}) {
      JANGBU_ASSIGN_OR_RETURN(const bool set, fields.Bool(option, false));
      if (set) return Unsupported(fields.At(option) + " true");
    }
    JANGBU_RETURN_IF_ERROR(fields.Finish());
    if (content.size() > BpeModel::kTokenBytesMax)
      return Malformed(fields.path(), "is longer than 2048 bytes");
    token.content = content;
    if (!token.content.empty()) file.added.push_back(std::move(token));
    if (file.added.size() > 100'000)
      return ResourceExhausted("added_tokens_too_many", "more than 100000");
  }
  return OkStatus();
}

// {"token": id, ...} → ids; `file.tokens` gets the spelling.
StatusOr<Ids> ReadVocab(Fields& model, uint64_t seed, TokenizerFile& file) {
  const auto value = model.Get("vocab");
  object vocab;
  if (!value || value->get(vocab) != simdjson::SUCCESS)
    return Malformed("model.vocab", "an object is expected");
  // An object of 2^24 - 1 keys or more does not say how many.
  size_t size = vocab.size();
  if (size == 0xFFFFFF) size = static_cast<size_t>(std::distance(vocab.begin(), vocab.end()));
  if (size > BpeModel::kTokensMax) {
    return ResourceExhausted("vocabulary_too_large", "more than 2^21 tokens");
  }
  Ids ids(size, seed);
  uint64_t id_max = 0;
  for (const auto& [token, v] : vocab) {
    uint64_t id = 0;
    if (v.get(id) != simdjson::SUCCESS || id >= BpeModel::kTokensMax) {
      return Malformed("model.vocab[" + Quoted(token) + "]", "an id below 2^21 is expected");
    }
    if (!ids.Add(token, static_cast<uint32_t>(id))) {
      return Malformed("model.vocab[" + Quoted(token) + "]", "is there twice");
    }
    id_max = std::max(id_max, id);
  }
  if (ids.tokens().empty()) return Malformed("model.vocab", "is empty");
  file.tokens.resize(id_max + 1);
  std::vector<bool> taken(id_max + 1);
  for (const auto& [token, id] : ids.tokens()) {
    if (taken[id]) return Malformed("model.vocab", "id " + std::to_string(id) + " is given twice");
    taken[id] = true;
    file.tokens[id] = token;
  }
  return ids;
}

// "left right" or ["left", "right"]. False when it is neither.
bool ReadMerge(const element& merge, std::string_view& left, std::string_view& right) {
  std::string_view line;
  if (merge.get(line) == simdjson::SUCCESS) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
      return false;
    left = line.substr(0, space);
    right = line.substr(space + 1);
    return true;
  }
  array pair;
  if (merge.get(pair) != simdjson::SUCCESS) return false;
  auto at = pair.begin();
  const auto end = pair.end();
  if (!(at != end) || (*at).get(left) != simdjson::SUCCESS) return false;
  ++at;
  if (!(at != end) || (*at).get(right) != simdjson::SUCCESS) return false;
  ++at;
  return !(at != end);
}

Status ReadMerges(Fields& model, const Ids& ids, TokenizerFile& file) {
  const auto value = model.Get("merges");
  array merges;
  if (!value || value->get(merges) != simdjson::SUCCESS)
    return Malformed("model.merges", "a list is expected");
  const size_t size = merges.size();
  file.merges.reserve(std::min(size, BpeModel::kRulesMax));
  // Look-ups wait in groups for their memory.
  struct Waiting {
    std::string_view left, right;
    uint64_t left_hash, right_hash;
  };
  std::array<Waiting, 32> group;
  size_t waiting = 0;
  // Lists made from ranks name every way to make an entry one after the other.
  std::string made;
  uint32_t result = Ids::kNone;
  const auto settle = [&]() -> Status {
    for (size_t i = 0; i < waiting; ++i) {
      ids.FetchToken(group[i].left_hash);
      ids.FetchToken(group[i].right_hash);
    }
    for (size_t i = 0; i < waiting; ++i) {
      ids.FetchSpelling(group[i].left_hash);
      ids.FetchSpelling(group[i].right_hash);
    }
    for (size_t i = 0; i < waiting; ++i) {
      const auto& [left, right, left_hash, right_hash] = group[i];
      const uint32_t l = ids.Find(left, left_hash);
      const uint32_t r = ids.Find(right, right_hash);
      if (result == Ids::kNone || made.size() != left.size() + right.size() ||
          !made.starts_with(left) || !made.ends_with(right)) {
        made.assign(left).append(right);
        result = ids.Find(made);
      }
      const auto here = [&] { return "model.merges[" + std::to_string(file.merges.size()) + "]"; };
      if (l == Ids::kNone || r == Ids::kNone || result == Ids::kNone) {
        return Malformed(here(), Quoted(l == Ids::kNone   ? left
                                        : r == Ids::kNone ? right
                                                          : std::string_view(made)) +
                                     " is not in the vocabulary");
      }
      if (left.empty() || right.empty()) return Malformed(here(), "has an empty side");
      file.merges.push_back({l, r, result});
      if (file.merges.size() > BpeModel::kRulesMax)
        return ResourceExhausted("merges_too_many", "more than 2^22 merges");
    }
    waiting = 0;
    return OkStatus();
  };
  for (const element& merge : merges) {
    Waiting& next = group[waiting];
    if (!ReadMerge(merge, next.left, next.right)) {
      JANGBU_RETURN_IF_ERROR(settle());  // an earlier fault is named first
      return Malformed("model.merges[" + std::to_string(file.merges.size()) + "]",
                       "two tokens are expected");
    }
    next.left_hash = ids.HashOf(next.left);
    next.right_hash = ids.HashOf(next.right);
    ids.FetchSlot(next.left_hash);
    ids.FetchSlot(next.right_hash);
    if (++waiting == group.size()) JANGBU_RETURN_IF_ERROR(settle());
  }
  return settle();
}

Status ReadBpe(Fields& model, const PreTokenizer& pre, uint64_t seed, TokenizerFile& file) {
  if (model.Get("dropout")) {
    double dropout = 0;
    if (model.Get("dropout")->get(dropout) != simdjson::SUCCESS || dropout != 0)
      return Unsupported("model.dropout");
  }
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    JANGBU_ASSIGN_OR_RETURN(const std::string_view affix, model.String(key));
    if (!affix.empty()) return Unsupported(model.At(key) + " " + Quoted(affix));
  }
  JANGBU_ASSIGN_OR_RETURN(const std::string_view unk, model.String("unk_token"));
  JANGBU_ASSIGN_OR_RETURN(const bool fuse_unk, model.Bool("fuse_unk", false));
  JANGBU_ASSIGN_OR_RETURN(const bool byte_fallback, model.Bool("byte_fallback", false));
  JANGBU_ASSIGN_OR_RETURN(file.whole_word_first, model.Bool("ignore_merges", false));
  if (file.whole_word_first) file.features.push_back("ignore_merges");
  JANGBU_ASSIGN_OR_RETURN(const Ids ids, ReadVocab(model, seed, file));
  JANGBU_RETURN_IF_ERROR(ReadMerges(model, ids, file));
  if (!pre.byte_level) {
    if (!file.stages.empty()) return Unsupported("pre_tokenizer Split without ByteLevel");
    file.family = TokenizerFamily::kHfMetaspaceBpe;
    file.fuse_unknown = fuse_unk;
    file.byte_fallback = byte_fallback;
    // Byte tokens and the unknown token stand in a row of symbols like others; that they merge is
    // not done here.
    std::vector<bool> aside(file.tokens.size());
    if (byte_fallback) {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      for (size_t b = 0; b < 256; ++b) {
        const std::string spelled = {'<', '0', 'x', kHex[b >> 4], kHex[b & 15], '>'};
        const uint32_t id = ids.Find(spelled);
        if (id == Ids::kNone) return Unsupported("model.byte_fallback without token " + spelled);
        aside[id] = true;
      }
      file.features.push_back("byte fallback");
    }
    if (unk.empty()) {
      if (!byte_fallback)
        return Unsupported("model without unk_token, which drops unknown characters,");
    } else {
      const uint32_t id = ids.Find(unk);
      if (id == Ids::kNone) return Malformed("model.unk_token", "is not in the vocabulary");
      aside[id] = true;
      file.unknown_id = id;
    }
    for (size_t i = 0; i < file.merges.size(); ++i) {
      if (aside[file.merges[i].left] || aside[file.merges[i].right]) {
        return Unsupported("model.merges[" + std::to_string(i) + "] of a byte or unknown token");
      }
    }
    // Ill-formed text is out of the contract; entries are text.
    return OkStatus();
  }
  if (file.whitespace_split) return Unsupported("pre_tokenizer WhitespaceSplit with ByteLevel");

  file.family = TokenizerFamily::kHfByteLevelBpe;
  std::vector<bool> outside(file.tokens.size());
  for (uint32_t id = 0; id < file.tokens.size(); ++id) {
    // A token that cannot be spelled in the byte alphabet is never met; merges of it would be.
    if (!AlphabetToBytes(file.tokens[id])) file.tokens[id].clear();
    outside[id] = file.tokens[id].empty();
  }
  for (size_t i = 0; i < file.merges.size(); ++i) {
    const Merge& m = file.merges[i];
    if (outside[m.left] || outside[m.right]) {
      return Unsupported("model.merges[" + std::to_string(i) + "] outside the byte alphabet");
    }
  }
  return OkStatus();
}

Status ReadUnigram(Fields& model, const PreTokenizer& pre, uint64_t seed, TokenizerFile& file) {
  if (pre.byte_level) return Unsupported("model Unigram with the ByteLevel pre-tokenizer");
  if (!file.stages.empty()) return Unsupported("model Unigram with pre_tokenizer Split");
  file.family = TokenizerFamily::kHfUnigram;
  file.fuse_unknown = true;
  if (!model.Get("unk_id")) return Unsupported("model.unk_id null");
  JANGBU_ASSIGN_OR_RETURN(file.unknown_id, model.Id("unk_id"));
  JANGBU_ASSIGN_OR_RETURN(file.byte_fallback, model.Bool("byte_fallback", false));
  const auto value = model.Get("vocab");
  array vocab;
  if (!value || value->get(vocab) != simdjson::SUCCESS)
    return Malformed("model.vocab", "a list is expected");
  size_t size = vocab.size();
  // A list of 2^24 - 1 entries or more does not say how many.
  if (size == 0xFFFFFF) size = static_cast<size_t>(std::distance(vocab.begin(), vocab.end()));
  if (size > BpeModel::kTokensMax)
    return ResourceExhausted("vocabulary_too_large", "more than 2^21 entries");
  Ids ids(size, seed);
  file.score_min = 1e300;
  for (const element& entry : vocab) {
    const std::string here = "model.vocab[" + std::to_string(file.tokens.size()) + "]";
    array pair;
    std::string_view text;
    double score = 0;
    if (entry.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
        pair.at(0).get(text) != simdjson::SUCCESS || pair.at(1).get(score) != simdjson::SUCCESS) {
      return Malformed(here, "a text and a score are expected");
    }
    if (text.empty()) return Unsupported(here + " empty");
    if (!ids.Add(text, static_cast<uint32_t>(file.tokens.size())))
      return Malformed(here, "is there twice");
    file.tokens.emplace_back(text);
    file.scores.push_back(score);
    file.score_min = std::min(file.score_min, score);
  }
  if (file.unknown_id >= file.tokens.size())
    return Malformed("model.unk_id", "is not in the vocabulary");
  if (file.byte_fallback) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    for (size_t b = 0; b < 256; ++b) {
      const std::string spelled = {'<', '0', 'x', kHex[b >> 4], kHex[b & 15], '>'};
      if (ids.Find(spelled) == Ids::kNone)
        return Unsupported("model.byte_fallback without token " + spelled);
    }
    file.features.push_back("byte fallback");
  }
  return OkStatus();
}

}  // namespace

StatusOr<TokenizerFile> ParseHfTokenizerJson(std::string_view bytes) {
  simdjson::dom::parser parser(Tokenizer::kFileBytesMax);
  if (parser.allocate(bytes.size() + 1, 64) != simdjson::SUCCESS) {
    return ResourceExhausted("tokenizer_too_large", "no memory to read it");
  }
  element root;
  const auto error = parser.parse(bytes.data(), bytes.size(), true).get(root);
  if (error != simdjson::SUCCESS)
    return Malformed("tokenizer.json", simdjson::error_message(error));
  JANGBU_ASSIGN_OR_RETURN(Fields top, Fields::Of(root, "tokenizer"));
  TokenizerFile file;
  JANGBU_ASSIGN_OR_RETURN(const std::string_view version, top.String("version"));
  if (!version.empty() && version != "1.0") return Unsupported("version " + Quoted(version));
  for (const std::string_view key : {"truncation", "padding"}) {
    if (top.Get(key)) return Unsupported(top.At(key));
  }
  // The post-processor only adds special tokens, the decoder only turns tokens back into text.
  top.Ignore("post_processor");
  top.Ignore("decoder");
  if (const auto v = top.Get("added_tokens")) JANGBU_RETURN_IF_ERROR(ReadAddedTokens(*v, file));
  if (const auto v = top.Get("normalizer"))
    JANGBU_RETURN_IF_ERROR(ReadNormalizer(*v, "normalizer", 0, file));
  PreTokenizer pre;
  if (const auto v = top.Get("pre_tokenizer")) {
    JANGBU_RETURN_IF_ERROR(ReadPreTokenizer(*v, "pre_tokenizer", 0, file, pre));
  }
  const auto model_value = top.Get("model");
  if (!model_value) return Malformed("model", "is missing");
  JANGBU_ASSIGN_OR_RETURN(Fields model, Fields::Of(*model_value, "model"));
  JANGBU_RETURN_IF_ERROR(top.Finish());
  JANGBU_ASSIGN_OR_RETURN(const std::string_view type, model.String("type"));
  const uint64_t seed = XXH3_64bits(bytes.data(), bytes.size());
  if (type == "BPE") {
    JANGBU_RETURN_IF_ERROR(ReadBpe(model, pre, seed, file));
  } else if (type == "Unigram") {
    JANGBU_RETURN_IF_ERROR(ReadUnigram(model, pre, seed, file));
  } else {
    return Unsupported("model.type " + Quoted(type));
  }
  JANGBU_RETURN_IF_ERROR(model.Finish());
  file.algorithm = FamilyName(file.family);
  return file;
}

}  // namespace jangbu::ingest::tokens
