#include "ingest/screen/quality.h"

#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>
#include <bit>
#include <bitset>
#include <charconv>
#include <cstring>
#include <span>

#include "base/check.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

struct RuleInfo {
  QualityRule rule;
  std::string_view name;
  bool below;
  QualityThreshold by_default;
};

constexpr RuleInfo kRules[] = {
    {QualityRule::kTooShort, "too_short", true, {.flag = 5}},
    {QualityRule::kNotKorean, "not_korean", true, {.flag = 30}},
    {QualityRule::kSpacedOut, "spaced_out", false, {.flag = 50}},
    {QualityRule::kDuplicateLines, "duplicate_lines", false, {.flag = 20}},
    {QualityRule::kDuplicateParagraphs, "duplicate_paragraphs", false, {.flag = 20}},
    {QualityRule::kTop2Gram, "top_2gram", false, {.flag = 20}},
    {QualityRule::kTop3Gram, "top_3gram", false, {.flag = 18}},
    {QualityRule::kTop4Gram, "top_4gram", false, {.flag = 16}},
    {QualityRule::kRepeated5Gram, "repeated_5gram", false, {.flag = 40}},
    {QualityRule::kRepeated10Gram, "repeated_10gram", false, {.flag = 35}},
    {QualityRule::kSymbols, "symbols", false, {.flag = 40}},
    {QualityRule::kNumbers, "numbers", false, {.flag = 50}},
    {QualityRule::kRareSyllables, "rare_syllables", false, {.flag = 4}},
    {QualityRule::kCommonSyllables, "common_syllables", true, {.flag = 25}},
    {QualityRule::kShuffledWords, "shuffled_words", false, {.flag = 60}},
    {QualityRule::kMachineTranslation, "machine_translation", false, {.flag = 0}},
    {QualityRule::kLongWords, "long_words", false, {.flag = 30}},
    {QualityRule::kCharacterNoise, "character_noise", false, {.flag = 5}},
};
static_assert(std::size(kRules) == kQualityRules);

const RuleInfo& InfoOf(QualityRule rule) {
  const auto i = static_cast<size_t>(rule) - 1;
  JANGBU_CHECK(i < std::size(kRules));
  return kRules[i];
}

// No 어절 of real text is longer, but for addresses of pages and data.
constexpr uint32_t kLongWordPoints = 64;

constexpr bool IsSyllable(char32_t c) { return c - 0xAC00u < 11172u; }

// The syllables of KS X 1001, which all but a few words are written with.
const std::bitset<11172>& CommonSet() {
  static const std::bitset<11172>* const set = [] {
    auto* out = new std::bitset<11172>;
    UErrorCode error = U_ZERO_ERROR;
    UConverter* converter = ucnv_open("windows-949", &error);
    JANGBU_CHECK(U_SUCCESS(error));
    for (int lead = 0xB0; lead <= 0xC8; ++lead) {
      for (int trail = 0xA1; trail <= 0xFE; ++trail) {
        const char bytes[2] = {static_cast<char>(lead), static_cast<char>(trail)};
        UChar unit[4];
        error = U_ZERO_ERROR;
        const int32_t n = ucnv_toUChars(converter, unit, 4, bytes, 2, &error);
        if (U_SUCCESS(error) && n == 1 && IsSyllable(unit[0])) out->set(unit[0] - 0xAC00u);
      }
    }
    ucnv_close(converter);
    JANGBU_CHECK(out->count() == 2350);
    return out;
  }();
  return *set;
}

// Particles, endings and the commonest of Sino-Korean: about half of any Korean text.
const std::bitset<11172>& FrequentSet() {
  static const std::bitset<11172>* const set = [] {
    auto* out = new std::bitset<11172>;
    for (const char32_t c : std::u32string_view(
             U"이다는의에가을를고하지로한기은사도자리대서인으어시해정아부나그원일스있들수과라여것적"
             U"상장제보전주소법구성관세동니면안거게만아오경")) {
      if (IsSyllable(c)) out->set(c - 0xAC00u);
    }
    return out;
  }();
  return *set;
}

// What a code point that is no white space is to the rules.
enum Class : uint8_t {
  kLetter = 1 << 0,  // that is not Han
  kHangul = 1 << 1,
  kHan = 1 << 2,
  kDigit = 1 << 3,
  kSymbol = 1 << 4,
  kRare = 1 << 5,
  kFrequent = 1 << 6,
  kSyllable = 1 << 7,
};
constexpr int kClasses = 8;

uint8_t ClassOf(char32_t c) {
  if (IsSyllable(c)) {
    const size_t i = c - 0xAC00u;
    return static_cast<uint8_t>(kLetter | kHangul | kSyllable | (CommonSet()[i] ? 0 : kRare) |
                                (FrequentSet()[i] ? kFrequent : 0));
  }
  if (c < 0x80) {
    if (c >= '0' && c <= '9') return kDigit;
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? kLetter : kSymbol;
  }
  const auto point = static_cast<UChar32>(c);
  const auto mask = U_GET_GC_MASK(point);
  if ((mask & U_GC_L_MASK) != 0) {
    UErrorCode error = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(point, &error);
    if (script == USCRIPT_HAN) return kHan;
    return script == USCRIPT_HANGUL ? kLetter | kHangul : kLetter;
  }
  if ((mask & U_GC_N_MASK) != 0) return kDigit;
  return (mask & (U_GC_M_MASK | U_GC_CF_MASK)) == 0 ? kSymbol : 0;
}

// Of the basic plane.
const std::array<uint8_t, 0x10000>& ClassTable() {
  static const auto* const table = [] {
    auto* out = new std::array<uint8_t, 0x10000>;
    for (char32_t c = 0; c < out->size(); ++c) (*out)[c] = ClassOf(c);
    return out;
  }();
  return *table;
}

// How many code points had each class; a byte lane a class in one sum, until it may be full.
class ClassCounts {
 public:
  void Add(uint8_t classes) {
    sum_ += kLanes[classes];
    if (++added_ == 255) Spill();
  }
  uint64_t Of(Class c) {
    Spill();
    return counts_[std::countr_zero(static_cast<unsigned>(c))];
  }

 private:
  static constexpr std::array<uint64_t, 256> kLanes = [] {
    std::array<uint64_t, 256> lanes{};
    for (size_t classes = 0; classes < 256; ++classes) {
      for (int i = 0; i < kClasses; ++i) lanes[classes] |= uint64_t{classes >> i & 1} << (8 * i);
    }
    return lanes;
  }();
  void Spill() {
    for (int i = 0; i < kClasses; ++i) counts_[i] += sum_ >> (8 * i) & 255;
    sum_ = 0;
    added_ = 0;
  }

  uint64_t sum_ = 0;
  int added_ = 0;
  uint64_t counts_[kClasses] = {};
};

uint32_t PerCent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<uint32_t>(part * 100 / whole);
}

// 64-bit mixing (splitmix64): only for counting inside one document, so it needs no secret.
uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// Of equal bytes equal; the order of bytes in a word of the machine does not matter for that.
uint64_t HashOf(std::string_view bytes) {
  const char* const p = bytes.data();
  const size_t n = bytes.size();
  const auto read = [](const char* at, auto word) {
    std::memcpy(&word, at, sizeof word);
    return uint64_t{word};
  };
  if (n >= 8) {
    uint64_t h = n;
    for (size_t i = 0; i + 8 < n; i += 8) h = Mix(h ^ read(p + i, uint64_t{}));
    return Mix(h ^ read(p + n - 8, uint64_t{}));  // the last eight, some of them again
  }
  uint64_t word = 0;
  if (n >= 4) {
    word = read(p, uint32_t{}) | read(p + n - 4, uint32_t{}) << 32;
  } else if (n > 0) {
    word = read(p, uint8_t{}) | read(p + n / 2, uint8_t{}) << 8 | read(p + n - 1, uint8_t{}) << 16;
  }
  return Mix(n ^ Mix(word));
}

// Counts of hashes, open addressing; probing is bounded by a load of one half.
class Tally {
 public:
  explicit Tally(size_t keys) {
    size_t size = 16;
    while (size < keys * 2) size *= 2;
    slots_.resize(size);
  }
  // Counts `hash` once more; its slot, for CountAt.
  size_t Add(uint64_t hash) {
    if (hash == 0) hash = 1;
    for (size_t i = hash & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].hash == 0) slots_[i].hash = hash;
      if (slots_[i].hash != hash) continue;
      ++slots_[i].count;
      return i;
    }
  }
  uint32_t CountAt(size_t slot) const { return slots_[slot].count; }

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t count = 0;
  };
  std::vector<Slot> slots_;
};

struct Word {
  uint64_t hash = 0;
  uint32_t chars = 0;
  bool ends_sentence = false;
};

struct Piece {
  uint64_t hash = 0;
  uint32_t chars = 0;
};

uint32_t RepeatedShare(const std::vector<Piece>& pieces) {
  Tally seen(pieces.size());
  uint64_t all = 0, repeated = 0;
  for (const Piece& piece : pieces) {
    all += piece.chars;
    if (seen.CountAt(seen.Add(piece.hash)) > 1) repeated += piece.chars;
  }
  return PerCent(repeated, all);
}

// What runs of n 어절 say, for n = 2, 3, 4, 5, 10. A run that stands twice is made of shorter runs
// that do, so each length looks only where the one before found something: little, in most text.
class Runs {
 public:
  explicit Runs(const std::vector<Word>& words) : words_(words), chars_(words.size() + 1) {
    for (size_t i = 0; i < words.size(); ++i) chars_[i + 1] = chars_[i] + words[i].chars;
    places_.resize(words.size());
    for (size_t i = 0; i < words.size(); ++i) places_[i] = static_cast<uint32_t>(i);
    twice_.assign(words.size(), 1);
  }

  // Goes on to runs of `n`. REQUIRES: n grows from call to call.
  void Count(size_t n) {
    const size_t inner = n - length_ + 1;  // how many of the shorter runs are in one of these
    std::erase_if(places_, [&](uint32_t i) {
      if (i + n > words_.size()) return true;
      for (size_t j = 0; j < inner; ++j) {
        if (twice_[i + j] == 0) return true;
      }
      return false;
    });
    length_ = n;
    hashes_.resize(places_.size());
    for (size_t p = 0; p < places_.size(); ++p) {
      uint64_t h = n;
      for (size_t j = 0; j < n; ++j) h = h * 0x9E3779B97F4A7C15u + words_[places_[p] + j].hash;
      hashes_[p] = Mix(h);
    }
    KeepThoseThatMayStandTwice();
    Tally tally(places_.size());
    slots_.resize(places_.size());
    repeated_ = 0;
    size_t counted_to = 0;
    for (size_t p = 0; p < places_.size(); ++p) {
      const size_t i = places_[p];
      slots_[p] = tally.Add(hashes_[p]);
      if (tally.CountAt(slots_[p]) == 1) continue;
      repeated_ += chars_[i + n] - chars_[std::max(i, counted_to)];
      counted_to = i + n;
    }
    std::fill(twice_.begin(), twice_.end(), uint8_t{0});
    top_ = 0;
    for (size_t p = 0; p < places_.size(); ++p) {
      const size_t i = places_[p];
      const uint64_t count = tally.CountAt(slots_[p]);
      if (count < 2) continue;
      twice_[i] = 1;
      top_ = std::max(top_, count * (chars_[i + n] - chars_[i]));
    }
  }
  // Runs that overlap themselves would count twice.
  uint32_t Top() const { return std::min(100u, PerCent(top_, chars_.back())); }
  uint32_t Repeated() const { return PerCent(repeated_, chars_.back()); }

 private:
  // Leaves out places whose hash no other has: most. A bit a hash, eight times as many as places,
  // stays in a near cache where a table of counts does not.
  void KeepThoseThatMayStandTwice() {
    const int bits = std::max(6, static_cast<int>(std::bit_width(places_.size())) + 3);
    once_.assign(size_t{1} << (bits - 6), 0);
    again_.assign(once_.size(), 0);
    for (const uint64_t hash : hashes_) {
      const uint64_t at = hash >> (64 - bits);
      const uint64_t bit = uint64_t{1} << (at & 63);
      again_[at >> 6] |= once_[at >> 6] & bit;
      once_[at >> 6] |= bit;
    }
    size_t kept = 0;
    for (size_t p = 0; p < places_.size(); ++p) {
      const uint64_t at = hashes_[p] >> (64 - bits);
      places_[kept] = places_[p];
      hashes_[kept] = hashes_[p];
      kept += again_[at >> 6] >> (at & 63) & 1;
    }
    places_.resize(kept);
    hashes_.resize(kept);
  }

  const std::vector<Word>& words_;
  std::vector<uint64_t> chars_;   // before each word
  std::vector<uint32_t> places_;  // where runs of this length may stand twice
  std::vector<uint64_t> hashes_;  // of the runs at places_
  std::vector<size_t> slots_;     // of places_
  std::vector<uint64_t> once_;    // bits of hashes: some place has it
  std::vector<uint64_t> again_;   // two have
  std::vector<uint8_t> twice_;    // by word: the run that begins there stands twice
  size_t length_ = 1;
  uint64_t top_ = 0;
  uint64_t repeated_ = 0;
};

// How often a text says that a machine translated it. Each phrase is looked for around its rarest
// part, so the text is read twice and not ten times.
uint64_t SaysMachineTranslated(std::string_view text) {
  struct Around {
    std::string_view before, after;
  };
  static constexpr Around kKorean[] = {{"기계 ", ""},     {"기계", ""},      {"자동 ", "되"},
                                       {"자동으로 ", ""}, {"번역기로 ", ""}, {"", "기를 사용하여"}};
  static constexpr Around kEnglish[] = {{"m", " translat"},
                                        {"M", " translat"},
                                        {"m", "-translat"},
                                        {"M", "-translat"},
                                        {"M", " Translat"}};
  const auto count = [text](std::string_view core, std::span<const Around> around) {
    uint64_t n = 0;
    size_t at = 0;
    while (at < text.size()) {
      const void* found = memmem(text.data() + at, text.size() - at, core.data(), core.size());
      if (found == nullptr) break;
      const auto begin = static_cast<size_t>(static_cast<const char*>(found) - text.data());
      at = begin + core.size();
      n += std::any_of(around.begin(), around.end(), [&](const Around& a) {
        return text.substr(0, begin).ends_with(a.before) && text.substr(at).starts_with(a.after);
      });
    }
    return n;
  };
  return count("번역", kKorean) + count("achine", kEnglish);
}

bool EndsSentence(std::string_view word) {
  if (static_cast<unsigned char>(word.back()) >= 0x80) return false;  // most words
  while (!word.empty() && (word.back() == '"' || word.back() == '\'' || word.back() == ')'))
    word.remove_suffix(1);
  return word.ends_with("다.") || word.ends_with("요.") || word.ends_with("까?") ||
         word.ends_with("요?");
}

}  // namespace

std::string_view NameOf(QualityRule rule) { return InfoOf(rule).name; }
bool TripsBelow(QualityRule rule) { return InfoOf(rule).below; }

std::optional<QualityRule> QualityRuleOf(std::string_view name) {
  for (const RuleInfo& info : kRules) {
    if (info.name == name) return info.rule;
  }
  return std::nullopt;
}

std::array<QualityThreshold, kQualityRules> QualityPolicy::DefaultThresholds() {
  std::array<QualityThreshold, kQualityRules> out;
  for (size_t i = 0; i < out.size(); ++i) out[i] = kRules[i].by_default;
  return out;
}

StatusOr<QualityPolicy> ParseQualityPolicy(std::string_view text) {
  QualityPolicy policy;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const auto bad = [part](std::string_view why) {
      return InvalidArgument("bad_quality",
                             "\"" + std::string(part.substr(0, 80)) + "\": " + std::string(why) +
                                 "; write RULE=FLAG or RULE=FLAG:REJECT, as spaced_out=50:80");
    };
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) return bad("there is no =");
    const std::optional<QualityRule> rule = QualityRuleOf(part.substr(0, equals));
    if (!rule.has_value()) return bad("there is no such rule");
    std::string_view numbers = part.substr(equals + 1);
    const size_t colon = std::min(numbers.find(':'), numbers.size());
    const auto read = [](std::string_view digits, int32_t& out) {
      if (digits == "off") {
        out = -1;
        return true;
      }
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
      return error == std::errc() && end == digits.data() + digits.size() && out >= 0 &&
             out <= 1'000'000;
    };
    QualityThreshold& threshold = policy.of(*rule);
    if (!read(numbers.substr(0, colon), threshold.flag))
      return bad("the threshold is no number from 0 to 1000000");
    if (colon < numbers.size()) {
      if (!read(numbers.substr(colon + 1), threshold.reject))
        return bad("the threshold is no number from 0 to 1000000");
      if (FlagsOnly(*rule) && threshold.reject >= 0) return bad("this rule only flags");
    }
  }
  return policy;
}

std::string WriteQualityPolicy(const QualityPolicy& policy) {
  std::string out;
  const auto number = [](int32_t n) { return n < 0 ? std::string("off") : std::to_string(n); };
  for (const RuleInfo& info : kRules) {
    const QualityThreshold& threshold = policy.of(info.rule);
    if (threshold == info.by_default) continue;
    if (!out.empty()) out += ',';
    out += std::string(info.name) + "=" + number(threshold.flag);
    if (threshold.reject >= 0) out += ":" + number(threshold.reject);
  }
  return out;
}

QualityFigures MeasureQuality(std::string_view text) {
  uint64_t visible = 0, hangul_words = 0, single_words = 0, in_long_words = 0;
  ClassCounts counts;
  std::vector<Word> words;
  std::vector<Piece> lines, blocks;
  words.reserve(text.size() / 8 + 1);
  const std::array<uint8_t, 0x10000>& table = ClassTable();

  // A line is known by its words, a block by its lines: canonical text leaves nothing else to tell.
  Piece line, block;
  const auto close_line = [&] {
    if (line.chars > 0) {
      lines.push_back(line);
      block.hash = Mix(block.hash ^ line.hash);
      block.chars += line.chars;
    }
    line = {};
  };
  const auto close_block = [&] {
    if (block.chars > 0) blocks.push_back(block);
    block = {};
  };
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    if (*p == ' ') {
      ++p;
      ++line.chars;
      continue;
    }
    if (*p == '\n') {
      ++p;
      close_line();
      if (p < end && *p == '\n') close_block();
      continue;
    }
    const char* const begin = p;
    uint32_t points = 0, syllables = 0;
    do {
      const char32_t c = DecodeUtf8(p);
      const uint8_t classes = c < table.size() ? table[c] : ClassOf(c);
      counts.Add(classes);
      syllables += (classes & kSyllable) != 0 ? 1 : 0;
      ++points;
    } while (p < end && *p != ' ' && *p != '\n');
    const std::string_view word(begin, static_cast<size_t>(p - begin));
    words.push_back({HashOf(word), points, EndsSentence(word)});
    line.hash = Mix(line.hash ^ words.back().hash);
    line.chars += points;
    visible += points;
    if (points > kLongWordPoints) in_long_words += points;
    if (syllables > 0) ++hangul_words;
    if (syllables == 1) ++single_words;
  }
  close_line();
  close_block();
  const uint64_t letters = counts.Of(kLetter);
  const uint64_t hangul = counts.Of(kHangul);
  const uint64_t han = counts.Of(kHan);
  const uint64_t syllables = counts.Of(kSyllable);
  const uint64_t digits = counts.Of(kDigit);
  const uint64_t symbols = counts.Of(kSymbol);
  const uint64_t rare = counts.Of(kRare);
  const uint64_t frequent = counts.Of(kFrequent);

  QualityFigures out;
  const auto set = [&out](QualityRule rule, uint64_t value) {
    out[static_cast<size_t>(rule) - 1] =
        static_cast<uint32_t>(std::min<uint64_t>(value, UINT32_MAX));
  };
  set(QualityRule::kTooShort, syllables + han);
  if (letters + han >= 20)
    set(QualityRule::kNotKorean, letters == 0 ? 0 : PerCent(hangul, letters));
  if (hangul_words >= 20) set(QualityRule::kSpacedOut, PerCent(single_words, hangul_words));
  if (lines.size() >= 10) set(QualityRule::kDuplicateLines, RepeatedShare(lines));
  if (blocks.size() >= 5) set(QualityRule::kDuplicateParagraphs, RepeatedShare(blocks));
  if (words.size() >= 50) {
    Runs runs(words);
    runs.Count(2);
    set(QualityRule::kTop2Gram, runs.Top());
    runs.Count(3);
    set(QualityRule::kTop3Gram, runs.Top());
    runs.Count(4);
    set(QualityRule::kTop4Gram, runs.Top());
    runs.Count(5);
    set(QualityRule::kRepeated5Gram, runs.Repeated());
    runs.Count(10);
    set(QualityRule::kRepeated10Gram, runs.Repeated());
  }
  if (visible >= 20) {
    set(QualityRule::kSymbols, PerCent(symbols, visible));
    set(QualityRule::kNumbers, PerCent(digits, visible));
    set(QualityRule::kLongWords, PerCent(in_long_words, visible));
  }
  if (syllables >= 50) set(QualityRule::kRareSyllables, PerCent(rare, syllables));
  if (syllables >= 300) set(QualityRule::kCharacterNoise, 1000 * rare / syllables);
  if (syllables >= 200) set(QualityRule::kCommonSyllables, PerCent(frequent, syllables));
  uint64_t ends = 0, pairs = 0;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (!words[i].ends_sentence) continue;
    ++ends;
    if (words[i + 1].ends_sentence) ++pairs;
  }
  // By chance alone ends² ÷ words of them would follow one another.
  if (!words.empty() && ends * ends >= 5 * words.size()) {
    set(QualityRule::kShuffledWords, PerCent(pairs * words.size(), ends * ends));
  }
  set(QualityRule::kMachineTranslation, SaysMachineTranslated(text));
  return out;
}

std::vector<QualityFlag> JudgeQuality(const QualityFigures& figures, const QualityPolicy& policy) {
  std::vector<QualityFlag> flags;
  for (const RuleInfo& info : kRules) {
    const std::optional<uint32_t>& value = figures[static_cast<size_t>(info.rule) - 1];
    if (!value.has_value()) continue;
    const QualityThreshold& t = policy.of(info.rule);
    const auto trips = [&](int32_t threshold) {
      if (threshold < 0) return false;
      return info.below ? int64_t{*value} < threshold : int64_t{*value} > threshold;
    };
    if (!FlagsOnly(info.rule) && trips(t.reject)) {
      flags.push_back({info.rule, true, *value, static_cast<uint32_t>(t.reject)});
    } else if (trips(t.flag)) {
      flags.push_back({info.rule, false, *value, static_cast<uint32_t>(t.flag)});
    }
  }
  return flags;
}

}  // namespace jangbu::ingest
