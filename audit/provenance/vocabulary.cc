#include "audit/provenance/vocabulary.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "ingest/tokens/entry_kinds.h"
#include "ingest/tokens/tokenizer_file.h"

namespace jangbu::audit {
namespace {

using Entries = std::unordered_map<std::string, uint32_t>;

size_t CodePoints(std::string_view text) {
  size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return n;
}

// Text → first id.
StatusOr<Entries> EntriesOf(const Model& model) {
  Entries entries;
  if (!model.tokenizer().bytes.empty()) {
    JANGBU_ASSIGN_OR_RETURN(const ingest::tokens::TokenizerFile file,
                            ingest::tokens::ParseTokenizerFile(model.tokenizer().bytes, {}));
    for (uint32_t id = 0; id < file.tokens.size(); ++id) {
      if (file.tokens[id].empty()) continue;
      entries.emplace(ingest::tokens::TextOfEntry(file, id), id);
    }
    return entries;
  }
  for (uint32_t id = 0; id < model.own_tokens().size(); ++id) {
    std::string text = model.own_tokens()[id];
    for (size_t at = text.find("\xE2\x96\x81"); at != std::string::npos;
         at = text.find("\xE2\x96\x81", at + 1)) {
      text.replace(at, 3, " ");
    }
    entries.emplace(std::move(text), id);
  }
  if (entries.empty()) {
    return NotFound("tokenizer_missing",
                    "\"" + model.path() + "\" has no tokenizer file beside it");
  }
  return entries;
}

}  // namespace

Vocabulary CompareVocabularies(const Model& first, const Model& second) {
  Vocabulary vocabulary;
  VocabularyFigures& figures = vocabulary.figures;
  const auto a = EntriesOf(first);
  const auto b = EntriesOf(second);
  if (!a.ok() || !b.ok()) {
    figures.unknown = std::string(ReasonOf(a.ok() ? b.status() : a.status()));
    if (figures.unknown.empty()) figures.unknown = "tokenizer_malformed";
    const uint64_t n = first.embedding() == kNoTensor ? 0 : first.config().vocab;
    if (n != 0 && second.embedding() != kNoTensor && second.config().vocab == n) {
      vocabulary.assumed = true;
      for (uint32_t id = 0; id < n; ++id) vocabulary.shared.emplace_back(id, id);
    }
    return vocabulary;
  }
  for (const auto& [text, id] : *a) {
    const bool is_long = CodePoints(text) >= 3;
    figures.long_first += is_long ? 1 : 0;
    const auto it = b->find(text);
    if (it == b->end()) continue;
    figures.long_shared += is_long ? 1 : 0;
    vocabulary.shared.emplace_back(id, it->second);
  }
  for (const auto& [text, id] : *b) figures.long_second += CodePoints(text) >= 3 ? 1 : 0;
  std::sort(vocabulary.shared.begin(), vocabulary.shared.end());
  if (!first.tokenizer().bytes.empty() && !second.tokenizer().bytes.empty()) {
    figures.same_file = first.tokenizer().bytes == second.tokenizer().bytes;
    auto files = ingest::CompareTokenizers(first.tokenizer().bytes, second.tokenizer().bytes);
    if (files.ok()) {
      figures.files = *std::move(files);
    } else {
      figures.unknown = std::string(ReasonOf(files.status()));
    }
  }
  return vocabulary;
}

}  // namespace jangbu::audit
