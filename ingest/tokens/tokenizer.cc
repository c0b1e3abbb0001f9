#include "ingest/tokens/tokenizer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ingest/tokens/char_class.h"
#include "ingest/tokens/pipeline.h"
#include "ingest/tokens/tokenizer_file.h"

namespace jangbu::ingest {

std::string_view FamilyName(TokenizerFamily family) {
  switch (family) {
    case TokenizerFamily::kHfByteLevelBpe:
      return "hf-bytelevel-bpe";
    case TokenizerFamily::kHfMetaspaceBpe:
      return "hf-metaspace-bpe";
    case TokenizerFamily::kHfUnigram:
      return "hf-unigram";
    case TokenizerFamily::kTiktoken:
      return "tiktoken";
    case TokenizerFamily::kSentencePieceBpe:
      return "sentencepiece-bpe";
    case TokenizerFamily::kSentencePieceUnigram:
      return "sentencepiece-unigram";
  }
  return "";
}

namespace tokens {

Status Unsupported(std::string_view what) {
  return FailedPrecondition("unsupported",
                            std::string(what).append(" is not done here; counts would differ"));
}

StatusOr<TokenizerFile> ParseTokenizerFile(std::string_view bytes,
                                           const TokenizerLoadOptions& options) {
  if (bytes.size() > Tokenizer::kFileBytesMax) {
    return ResourceExhausted("tokenizer_too_large", "the file is larger than 64 MiB");
  }
  const size_t start = bytes.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos)
    return InvalidArgument("tokenizer_malformed", "the file is empty");
  // A SentencePiece model begins with field 1 as a message, whose own first field is 1 too.
  if (bytes.size() > 3 && bytes[0] == '\n' && (bytes[2] == '\n' || bytes[3] == '\n') &&
      bytes[start] != '{') {
    return ParseSentencePiece(bytes);
  }
  if (bytes[start] == '{') return ParseHfTokenizerJson(bytes);
  const size_t line = std::min(bytes.find('\n'), bytes.size());
  const bool ranks =
      line < 4096 &&
      std::all_of(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(line), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '+' || c == '/' || c == '=' || c == ' ' || c == '\r';
      });
  if (ranks) return ParseTiktoken(bytes, options.tiktoken_split);
  return InvalidArgument("tokenizer_malformed",
                         "neither tokenizer.json, nor ranks, nor a SentencePiece model");
}

namespace {

StatusOr<ByteTrie> TrieOf(std::vector<std::string> contents) {
  std::sort(contents.begin(), contents.end());
  contents.erase(std::unique(contents.begin(), contents.end()), contents.end());
  std::vector<std::pair<std::string_view, uint32_t>> keys;
  for (const std::string& content : contents) keys.emplace_back(content, 0u);
  return ByteTrie::Build(keys);
}

// Every cut of an entry into two entries, in order of rank.
// For each key, by its id: the next shorter key that it starts with. Sorts `keys`.
Status NextShorter(std::vector<std::pair<std::string_view, uint32_t>>& keys,
                   std::vector<uint32_t>& next) {
  SortKeys(keys);
  // In this order the keys that a key starts with stand before it, on a stack.
  std::vector<size_t> open;
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto& [bytes, id] = keys[i];
    while (!open.empty() && !bytes.starts_with(keys[open.back()].first)) open.pop_back();
    if (!open.empty()) {
      const auto& [shorter, shorter_id] = keys[open.back()];
      if (shorter == bytes) {
        return InvalidArgument(
            "token_repeated",
            "entry " + std::to_string(std::max(id, shorter_id)) + " is there twice");
      }
      next[id] = shorter_id;
    }
    open.push_back(i);
  }
  return OkStatus();
}

// Every way to make each entry of two others.
StatusOr<std::vector<BpeModel::Rule>> RulesOfRanks(const TokenizerFile& file) {
  std::vector<uint32_t> order;
  std::vector<std::pair<std::string_view, uint32_t>> keys;
  size_t bytes = 0;
  for (uint32_t id = 0; id < file.tokens.size(); ++id) {
    if (!file.in_play.empty() && !file.in_play[id]) continue;
    if (!file.user_defined.empty() && file.user_defined[id]) continue;
    order.push_back(id);
    keys.emplace_back(file.tokens[id], id);
    bytes += file.tokens[id].size();
  }
  std::vector<uint32_t> shorter_prefix(file.tokens.size(), tokens::kNoToken);
  JANGBU_RETURN_IF_ERROR(NextShorter(keys, shorter_prefix));
  std::vector<uint32_t> shorter_suffix(file.tokens.size(), tokens::kNoToken);
  {
    std::string reversed;
    reversed.reserve(bytes);
    for (auto& key : keys) {
      const size_t at = reversed.size();
      reversed.append(key.first.rbegin(), key.first.rend());
      key.first = std::string_view(reversed).substr(at);
    }
    JANGBU_RETURN_IF_ERROR(NextShorter(keys, shorter_suffix));
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return file.ranks[a] < file.ranks[b]; });
  std::vector<BpeModel::Rule> rules;
  rules.reserve(order.size() * 2);
  std::vector<uint32_t> prefixes;  // ascending by length
  for (const uint32_t id : order) {
    prefixes.clear();
    for (uint32_t p = shorter_prefix[id]; p != tokens::kNoToken; p = shorter_prefix[p])
      prefixes.push_back(p);
    std::reverse(prefixes.begin(), prefixes.end());
    const size_t size = file.tokens[id].size();
    uint32_t suffix = shorter_suffix[id];
    for (const uint32_t prefix : prefixes) {
      const size_t rest = size - file.tokens[prefix].size();
      while (suffix != tokens::kNoToken && file.tokens[suffix].size() > rest)
        suffix = shorter_suffix[suffix];
      if (suffix == tokens::kNoToken) break;
      if (file.tokens[suffix].size() != rest) continue;
      rules.push_back({prefix, suffix, id, file.ranks[id]});
      if (rules.size() > BpeModel::kRulesMax)
        return ResourceExhausted("merges_too_many", "more than 2^22 merges");
    }
  }
  return rules;
}

// Bytes that valid UTF-8 can hold.
bool InUtf8(int byte) { return byte != 0xC0 && byte != 0xC1 && byte < 0xF5; }

Status BuildByteBpe(TokenizerFile& file, Pipeline& pipeline) {
  BpeModel::Spec spec;
  spec.whole_word_first = file.whole_word_first;
  if (!file.ranks.empty()) {
    JANGBU_ASSIGN_OR_RETURN(spec.rules, RulesOfRanks(file));
  } else {
    spec.rules.reserve(file.merges.size());
    for (size_t i = 0; i < file.merges.size(); ++i) {
      const Merge& m = file.merges[i];
      spec.rules.push_back({m.left, m.right, m.result, static_cast<uint32_t>(i)});
    }
  }
  bool found[256] = {};
  for (uint32_t id = 0; id < file.tokens.size(); ++id) {
    if (file.tokens[id].size() != 1) continue;
    found[static_cast<unsigned char>(file.tokens[id][0])] = true;
    spec.atoms.push_back(id);
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (InUtf8(byte) && !found[byte])
      return Unsupported("a vocabulary without byte " + std::to_string(byte));
  }
  spec.tokens = std::move(file.tokens);
  JANGBU_ASSIGN_OR_RETURN(BpeModel model, BpeModel::Build(std::move(spec)));
  pipeline.bpe = std::make_unique<const BpeModel>(std::move(model));
  return OkStatus();
}

bool IsOneCharacter(std::string_view text) {
  return !text.empty() &&
         DecodeUtf8(text.data(), text.data() + text.size()).end == text.data() + text.size();
}

// True when the text holds a mark after something else than a mark.
bool HasInnerMark(std::string_view text) {
  for (size_t at = text.find(kSpaceMark, 1); at != std::string_view::npos;
       at = text.find(kSpaceMark, at + 1)) {
    if (at < kSpaceMark.size() ||
        text.substr(at - kSpaceMark.size(), kSpaceMark.size()) != kSpaceMark)
      return true;
  }
  return false;
}

Status BuildCharBpe(TokenizerFile& file, Pipeline& pipeline) {
  BpeModel::Spec spec;
  spec.whole_word_first = file.whole_word_first;
  if (!file.ranks.empty()) {
    JANGBU_ASSIGN_OR_RETURN(spec.rules, RulesOfRanks(file));
  } else {
    for (size_t i = 0; i < file.merges.size(); ++i) {
      const Merge& m = file.merges[i];
      spec.rules.push_back({m.left, m.right, m.result, static_cast<uint32_t>(i)});
    }
  }
  bool mark_known = false;
  for (uint32_t id = 0; id < file.tokens.size(); ++id) {
    const bool in_play = (file.in_play.empty() || file.in_play[id]) &&
                         (file.user_defined.empty() || !file.user_defined[id]);
    if (!in_play) {
      file.tokens[id].clear();
      continue;
    }
    if (!IsOneCharacter(file.tokens[id])) continue;
    spec.atoms.push_back(id);
    if (file.tokens[id] == kSpaceMark) mark_known = true;
  }
  // With ignore_merges a word matters as a whole.
  pipeline.cut_at_marks =
      mark_known && !file.whole_word_first &&
      std::none_of(spec.rules.begin(), spec.rules.end(), [&](const BpeModel::Rule& rule) {
        return HasInnerMark(file.tokens[rule.result]);
      });
  pipeline.byte_atoms = false;
  pipeline.byte_fallback = file.byte_fallback;
  pipeline.fuse_unknown = file.fuse_unknown;
  spec.tokens = std::move(file.tokens);
  JANGBU_ASSIGN_OR_RETURN(BpeModel model, BpeModel::Build(std::move(spec)));
  pipeline.bpe = std::make_unique<const BpeModel>(std::move(model));
  return OkStatus();
}

Status BuildUnigram(TokenizerFile& file, Pipeline& pipeline) {
  UnigramModel::Spec spec;
  const bool hf = file.family == TokenizerFamily::kHfUnigram;
  spec.arithmetic =
      hf ? UnigramModel::Arithmetic::kHuggingFace : UnigramModel::Arithmetic::kSentencePiece;
  spec.unknown_id = file.unknown_id;
  spec.byte_fallback = file.byte_fallback;
  spec.fuse_unknown = true;
  spec.score_min = file.score_min;
  spec.score_max = file.score_max;
  bool mark_known = false;
  bool inner_mark = false;
  for (uint32_t id = 0; id < file.tokens.size(); ++id) {
    UnigramModel::Piece piece;
    if (file.in_play.empty() || file.in_play[id]) {
      piece.text = std::move(file.tokens[id]);
      piece.score = static_cast<float>(file.scores[id]);
      piece.score_double = file.scores[id];
      piece.user_defined = !file.user_defined.empty() && file.user_defined[id];
      if (piece.text == kSpaceMark) mark_known = true;
      if (HasInnerMark(piece.text)) inner_mark = true;
    }
    spec.pieces.push_back(std::move(piece));
  }
  pipeline.cut_at_marks = mark_known && !inner_mark;
  JANGBU_ASSIGN_OR_RETURN(UnigramModel model, UnigramModel::Build(std::move(spec)));
  pipeline.unigram = std::make_unique<const UnigramModel>(std::move(model));
  return OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<const Pipeline>> BuildPipeline(TokenizerFile file) {
  auto pipeline = std::make_unique<Pipeline>();
  std::vector<std::string> raw;
  std::vector<std::string> normalized;
  std::string buffer;
  std::string spare;
  for (const AddedToken& token : file.added) {
    if (!token.normalized || file.normalizer.empty()) {
      raw.push_back(token.content);
      continue;
    }
    const std::string_view content = Normalize(file.normalizer, token.content, buffer, spare);
    if (!content.empty()) normalized.emplace_back(content);
  }
  JANGBU_ASSIGN_OR_RETURN(pipeline->added_raw, TrieOf(std::move(raw)));
  JANGBU_ASSIGN_OR_RETURN(pipeline->added_normalized, TrieOf(std::move(normalized)));
  pipeline->normalizer = std::move(file.normalizer);
  pipeline->prefix_space = file.prefix_space;
  pipeline->stages = std::move(file.stages);
  pipeline->whitespace_split = file.whitespace_split;
  pipeline->has_metaspace = file.has_metaspace;
  pipeline->metaspace = file.metaspace;
  switch (file.family) {
    case TokenizerFamily::kHfByteLevelBpe:
    case TokenizerFamily::kTiktoken:
      JANGBU_RETURN_IF_ERROR(BuildByteBpe(file, *pipeline));
      break;
    case TokenizerFamily::kHfMetaspaceBpe:
      pipeline->words = Pipeline::Words::kMarks;
      JANGBU_RETURN_IF_ERROR(BuildCharBpe(file, *pipeline));
      break;
    case TokenizerFamily::kHfUnigram:
      pipeline->words = Pipeline::Words::kMarks;
      JANGBU_RETURN_IF_ERROR(BuildUnigram(file, *pipeline));
      // Scores are added up from the start of each piece, so a piece is a unit.
      pipeline->cut_at_marks = false;
      break;
    case TokenizerFamily::kSentencePieceBpe:
    case TokenizerFamily::kSentencePieceUnigram: {
      pipeline->words = Pipeline::Words::kSentencePiece;
      SentencePieceNormalizer& normalizer = pipeline->sentence_piece;
      normalizer.map = std::move(file.sentence_piece.charsmap);
      normalizer.add_dummy_prefix = file.sentence_piece.add_dummy_prefix;
      normalizer.remove_extra_whitespaces = file.sentence_piece.remove_extra_whitespaces;
      JANGBU_ASSIGN_OR_RETURN(normalizer.user_defined, TrieOf(file.sentence_piece.user_defined));
      if (file.family == TokenizerFamily::kSentencePieceBpe) {
        pipeline->user_defined = normalizer.user_defined;
        JANGBU_RETURN_IF_ERROR(BuildCharBpe(file, *pipeline));
      } else {
        JANGBU_RETURN_IF_ERROR(BuildUnigram(file, *pipeline));
      }
      break;
    }
  }
  return pipeline;
}

}  // namespace tokens

Tokenizer::Tokenizer() = default;
Tokenizer::~Tokenizer() = default;

StatusOr<std::shared_ptr<const Tokenizer>> Tokenizer::Load(std::string_view file_bytes,
                                                           const TokenizerLoadOptions& options) {
  JANGBU_ASSIGN_OR_RETURN(tokens::TokenizerFile file,
                          tokens::ParseTokenizerFile(file_bytes, options));
  std::shared_ptr<Tokenizer> tokenizer(new Tokenizer());
  tokenizer->family_ = file.family;
  tokenizer->algorithm_ = file.algorithm + "/1";
  tokenizer->file_sha256_ = Sha256(file_bytes);
  size_t entries = static_cast<size_t>(std::count_if(
      file.tokens.begin(), file.tokens.end(), [](const std::string& t) { return !t.empty(); }));
  for (const tokens::AddedToken& token : file.added) {
    if (token.id >= file.tokens.size() || file.tokens[token.id].empty()) ++entries;
  }
  tokenizer->vocab_size_ = entries;
  JANGBU_ASSIGN_OR_RETURN(tokenizer->pipeline_, tokens::BuildPipeline(std::move(file)));
  return std::shared_ptr<const Tokenizer>(std::move(tokenizer));
}

size_t Tokenizer::memory_bytes() const { return sizeof(*this) + pipeline_->memory_bytes(); }

}  // namespace jangbu::ingest
