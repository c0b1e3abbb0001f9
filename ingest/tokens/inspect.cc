#include "ingest/tokens/inspect.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <utility>

#include "ingest/tokens/char_class.h"
#include "ingest/tokens/entry_kinds.h"
#include "ingest/tokens/tokenizer_file.h"

namespace jangbu::ingest {
namespace tokens {

size_t EntryKinds::*KindOfEntry(std::string_view text) {
  if (!IsValidUtf8(text)) return &EntryKinds::partial;
  const CharClassTable& table = CharClassTable::Get();
  size_t EntryKinds::*letters = nullptr;
  bool digits = false;
  bool other = false;
  for (const char* p = text.data(); p < text.data() + text.size();) {
    const Decoded d = DecodeUtf8(p, text.data() + text.size());
    p = d.end;
    const uint8_t bits = table[d.code_point];
    if ((bits & kLetter) == 0) {
      digits = digits || (bits & kNumber) != 0;
      other = other || (bits & (kNumber | kSpace)) == 0;
      continue;
    }
    UErrorCode error = U_ZERO_ERROR;
    size_t EntryKinds::*kind = &EntryKinds::other_script;
    switch (uscript_getScript(static_cast<UChar32>(d.code_point), &error)) {
      case USCRIPT_HANGUL:
        kind = &EntryKinds::hangul;
        break;
      case USCRIPT_HAN:
        kind = &EntryKinds::han;
        break;
      case USCRIPT_LATIN:
        kind = &EntryKinds::latin;
        break;
      case USCRIPT_HIRAGANA:
      case USCRIPT_KATAKANA:
        kind = &EntryKinds::kana;
        break;
      default:
        break;
    }
    if (letters != nullptr && letters != kind) return &EntryKinds::mixed;
    letters = kind;
  }
  if (letters != nullptr) return letters;
  if (other) return &EntryKinds::other;
  return digits ? &EntryKinds::digits : &EntryKinds::space;
}

std::string TextOfEntry(const TokenizerFile& file, uint32_t id) {
  const std::string& entry = file.tokens[id];
  if (file.family == TokenizerFamily::kHfByteLevelBpe || file.family == TokenizerFamily::kTiktoken)
    return entry;
  // Byte entries stand for their byte.
  if (entry.size() == 6 && entry.starts_with("<0x") && entry[5] == '>' && file.byte_fallback) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
    return std::string(1, static_cast<char>(digit(entry[3]) * 16 + digit(entry[4])));
  }
  std::string text;
  for (size_t at = 0; at < entry.size();) {
    if (std::string_view(entry).substr(at).starts_with(kSpaceMark)) {
      text.push_back(' ');
      at += kSpaceMark.size();
    } else {
      text.push_back(entry[at++]);
    }
  }
  return text;
}

}  // namespace tokens

TokenizerReport InspectTokenizer(std::string_view file_bytes, const TokenizerLoadOptions& options) {
  TokenizerReport report;
  report.file_bytes = file_bytes.size();
  report.sha256 = Sha256(file_bytes);
  auto file = tokens::ParseTokenizerFile(file_bytes, options);
  report.supported = file.status();
  if (!file.ok()) return report;
  report.readable = true;
  report.family = file->family;
  report.algorithm = file->algorithm + "/1";
  report.added_tokens = file->added.size();
  report.special_tokens =
      static_cast<size_t>(std::count_if(file->added.begin(), file->added.end(),
                                        [](const tokens::AddedToken& t) { return t.special; }));
  report.merges = file->merges.size();
  report.features = file->features;
  for (uint32_t id = 0; id < file->tokens.size(); ++id) {
    if (file->tokens[id].empty()) continue;
    ++report.vocab_size;
    report.longest_entry_bytes = std::max(report.longest_entry_bytes, file->tokens[id].size());
    ++(report.entries.*tokens::KindOfEntry(tokens::TextOfEntry(*file, id)));
  }
  for (const tokens::AddedToken& token : file->added) {
    if (token.id >= file->tokens.size() || file->tokens[token.id].empty()) ++report.vocab_size;
  }
  auto pipeline = tokens::BuildPipeline(*std::move(file));
  report.supported = pipeline.status();
  if (pipeline.ok()) report.table_bytes = (*pipeline)->memory_bytes();
  return report;
}

}  // namespace jangbu::ingest
