#include "ingest/tokens/tokenizer.h"

#include <algorithm>
#include <utility>

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
  (void)options;
  if (bytes.size() > Tokenizer::kFileBytesMax) {
    return ResourceExhausted("tokenizer_too_large", "the file is larger than 64 MiB");
  }
  const size_t start = bytes.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos)
    return InvalidArgument("tokenizer_malformed", "the file is empty");
  if (bytes[start] == '{') return ParseHfTokenizerJson(bytes);
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

// Bytes that valid UTF-8 can hold.
bool InUtf8(int byte) { return byte != 0xC0 && byte != 0xC1 && byte < 0xF5; }

Status BuildByteBpe(TokenizerFile& file, Pipeline& pipeline) {
  BpeModel::Spec spec;
  spec.whole_word_first = file.whole_word_first;
  spec.rules.reserve(file.merges.size());
  for (size_t i = 0; i < file.merges.size(); ++i) {
    const Merge& m = file.merges[i];
    spec.rules.push_back({m.left, m.right, m.result, static_cast<uint32_t>(i)});
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
  JANGBU_RETURN_IF_ERROR(BuildByteBpe(file, *pipeline));
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

size_t Tokenizer::memory_bytes() const {
  return sizeof(*this) + pipeline_->bpe->memory_bytes() + pipeline_->added_raw.memory_bytes() +
         pipeline_->added_normalized.memory_bytes();
}

}  // namespace jangbu::ingest
