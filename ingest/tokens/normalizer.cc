#include "ingest/tokens/normalizer.h"

#include <unicode/brkiter.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>
#include <unicode/utext.h>

#include <memory>

#include "base/check.h"
#include "ingest/tokens/char_class.h"

namespace jangbu::ingest::tokens {
namespace {

// Hugging Face tokenizers normalises by Unicode 9.0 (unicode-normalization-alignments 0.1.12): what
// was encoded later is left as it is and takes no part in ordering. Normal forms are stable, so
// ICU's data restricted to the characters of 9.0 is the same thing.
struct Forms {
  icu::UnicodeSet set;
  std::unique_ptr<const icu::FilteredNormalizer2> nfc;
  std::unique_ptr<const icu::FilteredNormalizer2> nfd;
  std::unique_ptr<const icu::FilteredNormalizer2> nfkc;
  std::unique_ptr<const icu::FilteredNormalizer2> nfkd;

  static const Forms& Get() {
    static const Forms* const forms = new Forms();
    return *forms;
  }

 private:
  Forms() {
    UErrorCode error = U_ZERO_ERROR;
    set.applyPattern(icu::UnicodeString::fromUTF8("[:age=9.0:]"), error).freeze();
    nfc = std::make_unique<const icu::FilteredNormalizer2>(*icu::Normalizer2::getNFCInstance(error),
                                                           set);
    nfd = std::make_unique<const icu::FilteredNormalizer2>(*icu::Normalizer2::getNFDInstance(error),
                                                           set);
    nfkc = std::make_unique<const icu::FilteredNormalizer2>(
        *icu::Normalizer2::getNFKCInstance(error), set);
    nfkd = std::make_unique<const icu::FilteredNormalizer2>(
        *icu::Normalizer2::getNFKDInstance(error), set);
    JANGBU_CHECK(U_SUCCESS(error));  // The data is part of ICU.
  }
};

const icu::Normalizer2& FormOf(NormalizerStep::Kind kind) {
  const Forms& forms = Forms::Get();
  switch (kind) {
    case NormalizerStep::Kind::kNfc:
      return *forms.nfc;
    case NormalizerStep::Kind::kNfd:
      return *forms.nfd;
    case NormalizerStep::Kind::kNfkc:
      return *forms.nfkc;
    default:
      return *forms.nfkd;
  }
}

// Appends to a std::string; ICU's own sink does the same through a template that -Wshadow dislikes.
class AppendSink final : public icu::ByteSink {
 public:
  explicit AppendSink(std::string& out) : out_(out) {}
  void Append(const char* bytes, int32_t n) override { out_.append(bytes, static_cast<size_t>(n)); }

 private:
  std::string& out_;
};

bool IsLaterMark(std::string_view rest) {
  const Decoded d = DecodeUtf8(rest.data(), rest.data() + rest.size());
  return d.code_point != kIllFormed &&
         u_charType(static_cast<UChar32>(d.code_point)) == U_UNASSIGNED &&
         (CharClassTable::Get()[d.code_point] & kMark) != 0;
}

// Hugging Face's way (spm_precompiled): a grapheme cluster of fewer than six bytes that starts with
// a rule is replaced whole by the shortest such rule; else each of its characters likewise.
bool ApplyCharsmap(const Charsmap& map, std::string_view text, std::string& out) {
  bool plain = true;
  for (const char* p = text.data(); plain && p < text.data() + text.size();) {
    const Decoded d = DecodeUtf8(p, text.data() + text.size());
    plain = map.IsPlain(d.code_point);
    p = d.end;
  }
  if (plain) return false;
  out.clear();
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<icu::BreakIterator> clusters(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
  JANGBU_CHECK(U_SUCCESS(error) && clusters != nullptr);
  UText utext = UTEXT_INITIALIZER;
  utext_openUTF8(&utext, text.data(), static_cast<int64_t>(text.size()), &error);
  clusters->setText(&utext, error);
  JANGBU_CHECK(U_SUCCESS(error));
  const auto replace = [&](std::string_view chunk) {
    const Charsmap::Rule rule = map.Shortest(chunk);
    if (rule.size == 0) return false;
    out.append(rule.replacement);
    return true;
  };
  int32_t start = clusters->first();
  for (int32_t end = clusters->next(); end != icu::BreakIterator::DONE;
       start = end, end = clusters->next()) {
    // Marks that ICU does not know yet go on a cluster too.
    while (end < static_cast<int32_t>(text.size()) &&
           IsLaterMark(text.substr(static_cast<size_t>(end)))) {
      end = clusters->next();
    }
    const std::string_view cluster =
        text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start));
    if (cluster.size() < 6 && replace(cluster)) continue;
    for (const char* p = cluster.data(); p < cluster.data() + cluster.size();) {
      const char* const e = DecodeUtf8(p, cluster.data() + cluster.size()).end;
      const std::string_view character(p, static_cast<size_t>(e - p));
      if (!replace(character)) out.append(character);
      p = e;
    }
  }
  utext_close(&utext);
  return true;
}

// The steps' results may be kept in `out`, never in `text`'s own memory.
bool ApplyStep(const NormalizerStep& step, std::string_view text, std::string& out) {
  switch (step.kind) {
    case NormalizerStep::Kind::kPrepend:
      if (text.empty()) return false;
      out.assign(step.from).append(text);
      return true;
    case NormalizerStep::Kind::kReplace: {
      size_t found = step.from.empty() ? std::string_view::npos : text.find(step.from);
      if (found == std::string_view::npos) return false;
      out.clear();
      size_t at = 0;
      for (; found != std::string_view::npos; found = text.find(step.from, at)) {
        out.append(text.substr(at, found - at)).append(step.to);
        at = found + step.from.size();
      }
      out.append(text.substr(at));
      return true;
    }
    case NormalizerStep::Kind::kSqueezeSpaces: {
      if (text.find("  ") == std::string_view::npos) return false;
      out.clear();
      for (size_t i = 0; i < text.size();) {
        size_t end = i;
        while (end < text.size() && text[end] == ' ') ++end;
        if (end - i >= 2) {
          out.append(step.to);
          i = end;
        } else {
          out.push_back(text[i++]);
        }
      }
      return true;
    }
    case NormalizerStep::Kind::kCharsmap:
      return ApplyCharsmap(*step.charsmap, text, out);
    default: {
      if (step.kind == NormalizerStep::Kind::kNfc && IsPlainlyNfc(text)) return false;
      out.clear();
      // ICU counts in 32 bits; a longer text is done in parts cut where the form allows it.
      const icu::Normalizer2& form = FormOf(step.kind);
      AppendSink sink(out);
      constexpr size_t kPart = size_t{1} << 28;
      size_t at = 0;
      while (at < text.size()) {
        size_t end = text.size() - at > kPart ? at + kPart : text.size();
        while (end < text.size()) {
          const Decoded d = DecodeUtf8(text.data() + end, text.data() + text.size());
          if (d.code_point != kIllFormed &&
              form.hasBoundaryBefore(static_cast<UChar32>(d.code_point)))
            break;
          ++end;
        }
        UErrorCode error = U_ZERO_ERROR;
        form.normalizeUTF8(0, icu::StringPiece(text.data() + at, static_cast<int32_t>(end - at)),
                           sink, nullptr, error);
        JANGBU_CHECK(U_SUCCESS(error));
        at = end;
      }
      return true;
    }
  }
}

}  // namespace

bool IsPlainlyNfc(std::string_view text) {
  const CharClassTable& table = CharClassTable::Get();
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    const auto b = static_cast<unsigned char>(*p);
    if (b < 0x80) {
      ++p;
      continue;
    }
    if (end - p >= 3 && IsHangulSyllableAt(p)) {
      p += 3;
      continue;
    }
    const Classified c = ClassifyAt(table, p, end);
    if ((c.bits & kMaybeNotNfc) != 0) return false;
    p = c.end;
  }
  return true;
}

std::string_view Normalize(const std::vector<NormalizerStep>& steps, std::string_view text,
                           std::string& buffer, std::string& spare) {
  for (const NormalizerStep& step : steps) {
    if (ApplyStep(step, text, spare)) {
      spare.swap(buffer);
      text = buffer;
    }
  }
  return text;
}

}  // namespace jangbu::ingest::tokens
