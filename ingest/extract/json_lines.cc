#include "ingest/extract/json_lines.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

// The end of the plain part of a string: the next quote, backslash or control character, or `end`.
const char* EndOfPlain(const char* p, const char* end) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1F);
  while (end - p >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    const __m128i found = _mm_or_si128(
        control, _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
    const int mask = _mm_movemask_epi8(found);
    if (mask != 0) return p + __builtin_ctz(static_cast<unsigned>(mask));
    p += 16;
  }
#endif
  while (p != end && *p != '"' && *p != '\\' && static_cast<unsigned char>(*p) >= 0x20) ++p;
  return p;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Reader {
 public:
  Reader(std::string_view line, const ExtractLimits& limits)
      : begin_(line.data()), p_(line.data()), end_(line.data() + line.size()), limits_(limits) {}

  std::variant<JsonFields, Rejection> Read() {
    SkipBlanks();
    const bool object = p_ != end_ && *p_ == '{';
    if (!(object ? ReadObject() : SkipValue())) return std::move(rejection_);
    SkipBlanks();
    if (p_ != end_) {
      Invalid("something after the value");
      return std::move(rejection_);
    }
    if (!object) return Rejection{Reason::kNotAnObject, {}};
    if (duplicate_at_) return At(Reason::kDuplicateKey, "the second one", *duplicate_at_);
    return Fields();
  }

 private:
  enum class Kind { kMissing, kNull, kString, kNumber, kOther };
  struct Value {
    Kind kind = Kind::kMissing;
    std::string string;  // of kString and kNumber
    size_t at = 0;
    bool lone_surrogate = false;
  };
  enum Member { kText, kId, kTitle, kSourceType, kPublishedAt, kMembers };

  std::variant<JsonFields, Rejection> Fields() {
    Value& text = members_[kText];
    Value& id = members_[kId];
    if (text.kind == Kind::kMissing) return Rejection{Reason::kNoText, "no member \"text\""};
    if (text.kind == Kind::kNull) return At(Reason::kNoText, "\"text\" is null", text.at);
    if (text.kind != Kind::kString) return At(Reason::kTextNotString, "another value", text.at);
    if (text.string.empty()) return At(Reason::kNoText, "\"text\" is empty", text.at);
    if (text.string.size() > limits_.text_bytes_max) {
      return Rejection{Reason::kRecordTooLarge, "text of " + std::to_string(text.string.size()) +
                                                    " bytes, at most " +
                                                    std::to_string(limits_.text_bytes_max)};
    }
    if (id.kind == Kind::kOther) return At(Reason::kBadId, "neither a string nor a number", id.at);
    if (id.string.size() > limits_.id_bytes_max) {
      return Rejection{Reason::kBadId, "id of " + std::to_string(id.string.size()) +
                                           " bytes, at most " +
                                           std::to_string(limits_.id_bytes_max)};
    }
    for (const Value* value : {&text, &id}) {
      if (value->lone_surrogate) return At(Reason::kLoneSurrogate, "in a string", value->at);
    }
    return JsonFields{std::move(text.string), std::move(id.string), Metadata(kTitle),
                      Metadata(kSourceType), Metadata(kPublishedAt)};
  }

  std::string Metadata(Member member) {
    Value& value = members_[member];
    const bool fit = !value.lone_surrogate && value.string.size() <= limits_.metadata_bytes_max;
    return fit ? std::move(value.string) : std::string();
  }

  Rejection At(Reason reason, std::string_view what, size_t at) const {
    return Rejection{reason, std::string(what) + " at byte " + std::to_string(at)};
  }
  size_t Offset() const { return static_cast<size_t>(p_ - begin_); }
  bool Refuse(Reason reason, std::string_view what) {
    rejection_ = At(reason, what, Offset());
    return false;
  }
  bool Invalid(std::string_view what) {
    return Refuse(Reason::kInvalidJson, p_ == end_ ? "the end" : what);
  }

  void SkipBlanks() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\n' || *p_ == '\r')) ++p_;
  }
  bool Take(char c) {
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }

  // The outermost object, whose members are looked at.
  bool ReadObject() {
    ++p_;
    SkipBlanks();
    if (Take('}')) return true;
    for (size_t members = 0;; ++members) {
      if (members == limits_.json_members_max)
        return Refuse(Reason::kTooManyMembers, "one too many");
      const size_t at = Offset();
      Value key;
      if (!ReadString(key)) return false;
      SkipBlanks();
      if (!Take(':')) return Invalid("no colon after a key");
      SkipBlanks();
      const int member = MemberNamed(key.string);
      if (!(member == kMembers ? SkipValue() : ReadMember(members_[member]))) return false;
      if (!AddKey(std::move(key.string)) && !duplicate_at_) duplicate_at_ = at;
      SkipBlanks();
      if (Take('}')) return true;
      if (!Take(',')) return Invalid("no comma or brace after a member");
      SkipBlanks();
    }
  }

  // False when it was there before. Few keys are compared one by one, many through a table.
  bool AddKey(std::string&& key) {
    constexpr size_t kFew = 16;
    if (many_keys_.empty()) {
      if (std::find(few_keys_.begin(), few_keys_.end(), key) != few_keys_.end()) return false;
      few_keys_.push_back(std::move(key));
      if (few_keys_.size() == kFew) {
        many_keys_.insert(std::make_move_iterator(few_keys_.begin()),
                          std::make_move_iterator(few_keys_.end()));
      }
      return true;
    }
    return many_keys_.insert(std::move(key)).second;
  }

  static int MemberNamed(std::string_view key) {
    static constexpr std::string_view kNames[kMembers] = {"text", "id", "title", "source_type",
                                                          "published_at"};
    int i = 0;
    while (i < kMembers && kNames[i] != key) ++i;
    return i;
  }

  // A value whose string or number is wanted. The last one counts when there are several; the
  // record is refused anyway.
  bool ReadMember(Value& value) {
    value = Value{};
    value.at = Offset();
    if (p_ == end_) return Invalid("no value");
    if (*p_ == '"') {
      value.kind = Kind::kString;
      return ReadString(value);
    }
    const char* const start = p_;
    if (!SkipValue()) return false;
    const std::string_view raw(start, static_cast<size_t>(p_ - start));
    if (raw == "null") {
      value.kind = Kind::kNull;
    } else if (raw[0] == '-' || (raw[0] >= '0' && raw[0] <= '9')) {
      value.kind = Kind::kNumber;
      value.string = raw;
    } else {
      value.kind = Kind::kOther;
    }
    return true;
  }

  // A string with its quotes. An unpaired surrogate becomes U+FFFD and is noted.
  bool ReadString(Value& value) {
    if (!Take('"')) return Invalid("no quote where a string must begin");
    std::string& out = value.string;
    while (true) {
      const char* const stop = EndOfPlain(p_, end_);
      out.append(p_, stop);
      p_ = stop;
      if (p_ == end_) return Invalid("the end");
      if (*p_ == '"') {
        ++p_;
        return true;
      }
      if (*p_ != '\\') return Invalid("a bare control character in a string");
      char32_t cp = 0;
      if (!ReadEscape(cp)) return false;
      if (cp >= 0xD800 && cp <= 0xDFFF) {
        char32_t low = 0;
        const char* const after = p_;
        if (cp < 0xDC00 && end_ - p_ >= 2 && p_[0] == '\\' && p_[1] == 'u') {
          if (!ReadEscape(low)) return false;
        }
        if (low >= 0xDC00 && low <= 0xDFFF) {
          cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
        } else {
          p_ = after;  // what follows stands for itself
          if (!value.lone_surrogate) value.at = static_cast<size_t>(after - begin_) - 6;
          value.lone_surrogate = true;
          cp = 0xFFFD;
        }
      }
      AppendUtf8(cp, out);
    }
  }

  // One escape, from its backslash; \u gives one UTF-16 unit.
  bool ReadEscape(char32_t& unit) {
    ++p_;
    if (p_ == end_) return Invalid("the end");
    const char c = *p_;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        unit = static_cast<char32_t>(c);
        break;
      case 'b':
        unit = '\b';
        break;
      case 'f':
        unit = '\f';
        break;
      case 'n':
        unit = '\n';
        break;
      case 'r':
        unit = '\r';
        break;
      case 't':
        unit = '\t';
        break;
      case 'u': {
        unit = 0;
        for (int i = 1; i <= 4; ++i) {
          const int digit = end_ - p_ > i ? HexDigit(p_[i]) : -1;
          if (digit < 0) return Invalid("no four hexadecimal digits after \\u");
          unit = unit << 4 | static_cast<char32_t>(digit);
        }
        p_ += 4;
        break;
      }
      default:
        return Invalid("an unknown escape");
    }
    ++p_;
    return true;
  }

  bool SkipString() {
    ++p_;
    while (true) {
      p_ = EndOfPlain(p_, end_);
      if (p_ == end_) return Invalid("the end");
      if (*p_ == '"') {
        ++p_;
        return true;
      }
      if (*p_ != '\\') return Invalid("a bare control character in a string");
      char32_t unit = 0;
      if (!ReadEscape(unit)) return false;
    }
  }

  bool SkipDigits() {
    const char* const start = p_;
    while (p_ != end_ && *p_ >= '0' && *p_ <= '9') ++p_;
    return p_ != start || Invalid("no digit where a number needs one");
  }

  bool SkipNumber() {
    Take('-');
    if (!Take('0') && !SkipDigits()) return false;
    if (Take('.') && !SkipDigits()) return false;
    if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
      ++p_;
      if (!Take('+')) Take('-');
      if (!SkipDigits()) return false;
    }
    return true;
  }

  bool SkipWord(std::string_view word) {
    if (std::string_view(p_, static_cast<size_t>(end_ - p_)).substr(0, word.size()) != word) {
      return Invalid("an unknown word");
    }
    p_ += word.size();
    return true;
  }

  bool SkipScalar() {
    if (p_ == end_) return Invalid("the end");
    switch (*p_) {
      case '"':
        return SkipString();
      case 't':
        return SkipWord("true");
      case 'f':
        return SkipWord("false");
      case 'n':
        return SkipWord("null");
      case '-':
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
      case '8':
      case '9':
        return SkipNumber();
      default:
        return Invalid("no value");
    }
  }

  bool SkipKey() {
    if (p_ == end_ || *p_ != '"') return Invalid("no quote where a key must begin");
    if (!SkipString()) return false;
    SkipBlanks();
    if (!Take(':')) return Invalid("no colon after a key");
    SkipBlanks();
    return true;
  }

  // Any value, checked. Nesting is kept in a list, not on the stack. The outermost object, when
  // inside it, is one level.
  bool SkipValue() {
    std::vector<char> open;  // '{' and '['
    while (true) {
      if (p_ != end_ && (*p_ == '{' || *p_ == '[')) {
        if (open.size() + 1 >= limits_.json_depth_max)
          return Refuse(Reason::kTooDeep, "one level too many");
        open.push_back(*p_++);
        SkipBlanks();
        const char close = open.back() == '{' ? '}' : ']';
        if (!Take(close)) {
          if (open.back() == '{' && !SkipKey()) return false;
          continue;
        }
        open.pop_back();
      } else if (!SkipScalar()) {
        return false;
      }
      // A value has ended: close what it ends, or go on to the next.
      while (!open.empty()) {
        SkipBlanks();
        if (Take(',')) {
          SkipBlanks();
          if (open.back() == '{' && !SkipKey()) return false;
          break;
        }
        if (!Take(open.back() == '{' ? '}' : ']'))
          return Invalid("no comma or bracket after a value");
        open.pop_back();
      }
      if (open.empty()) return true;
    }
  }

  const char* begin_;
  const char* p_;
  const char* end_;
  const ExtractLimits& limits_;
  Value members_[kMembers];
  std::vector<std::string> few_keys_;
  std::unordered_set<std::string> many_keys_;
  std::optional<size_t> duplicate_at_;
  Rejection rejection_;
};

}  // namespace

std::variant<JsonFields, Rejection> ParseJsonLine(std::string_view line,
                                                  const ExtractLimits& limits) {
  return Reader(line, limits).Read();
}

}  // namespace jangbu::ingest
