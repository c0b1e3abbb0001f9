#include "ingest/tokens/normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include "base/check.h"
#include "ingest/tokens/char_class.h"

namespace jangbu::ingest::tokens {
namespace {

const icu::Normalizer2& FormOf(NormalizerStep::Kind kind) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* form = nullptr;
  switch (kind) {
    case NormalizerStep::Kind::kNfc:
      form = icu::Normalizer2::getNFCInstance(error);
      break;
    case NormalizerStep::Kind::kNfd:
      form = icu::Normalizer2::getNFDInstance(error);
      break;
    case NormalizerStep::Kind::kNfkc:
      form = icu::Normalizer2::getNFKCInstance(error);
      break;
    default:
      form = icu::Normalizer2::getNFKDInstance(error);
      break;
  }
  JANGBU_CHECK(U_SUCCESS(error) && form != nullptr);  // The data is part of ICU.
  return *form;
}

// Appends to a std::string; ICU's own sink does the same through a template that -Wshadow dislikes.
class AppendSink final : public icu::ByteSink {
 public:
  explicit AppendSink(std::string& out) : out_(out) {}
  void Append(const char* bytes, int32_t n) override { out_.append(bytes, static_cast<size_t>(n)); }

 private:
  std::string& out_;
};

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
