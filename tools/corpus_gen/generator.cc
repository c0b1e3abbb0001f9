#include "tools/corpus_gen/generator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "tools/corpus_gen/words.h"

namespace jangbu::tools {
namespace {

// Draws ranks 0 … n-1 with probability falling as 1/(rank + shift), from a table of 4,096 quantiles
// spread inside each.
class Zipf {
 public:
  explicit Zipf(size_t n) : n_(n) {
    constexpr double kShift = 8.0;
    std::vector<double> cumulative(n);
    double sum = 0;
    for (size_t i = 0; i < n; ++i) {
      sum += 1.0 / (static_cast<double>(i) + kShift);
      cumulative[i] = sum;
    }
    size_t rank = 0;
    for (size_t q = 0; q <= kQuantiles; ++q) {
      const double target = sum * static_cast<double>(q) / kQuantiles;
      while (rank + 1 < n && cumulative[rank] < target) ++rank;
      first_[q] = static_cast<uint32_t>(rank);
    }
  }
  size_t Draw(Random& random) const {
    const uint64_t bits = random.Next();
    const size_t q = (bits >> 40) % kQuantiles;
    const uint32_t low = first_[q];
    const uint32_t high = first_[q + 1];
    return low + (((bits & 0xFFFFFFFF) * (high - low + 1)) >> 32);
  }

 private:
  static constexpr size_t kQuantiles = 4096;
  size_t n_;
  std::array<uint32_t, kQuantiles + 1> first_{};
};

// Everything shared by all generators.
struct Lexicon {
  const Words& words = AllWords();
  Zipf things{words.things.size()};
  Zipf people{words.people.size()};
  Zipf places{words.places.size()};
  Zipf bodies{words.bodies.size()};
  Zipf deeds{words.deeds.size()};
  Zipf adnominals{words.adnominals.size()};
  Zipf adverbs{words.adverbs.size()};
};
const Lexicon& TheLexicon() {
  static const Lexicon lexicon;
  return lexicon;
}

// Writes sentences of one document.
class Writer {
 public:
  Writer(uint64_t seed, std::string& out) : random_(seed), out_(out) {}

  Random& random() { return random_; }
  void Put(std::string_view text) { out_.append(text); }
  void Number(uint64_t n, bool grouped = false) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%llu", static_cast<unsigned long long>(n));
    std::string digits = buffer;
    if (grouped) {
      for (size_t i = digits.size(); i > 3;) {
        i -= 3;
        digits.insert(i, 1, ',');
      }
    }
    out_.append(digits);
  }

  const NounForms& Thing() { return lexicon_.words.things[lexicon_.things.Draw(random_)]; }
  const NounForms& Person() { return lexicon_.words.people[lexicon_.people.Draw(random_)]; }
  const NounForms& Place() { return lexicon_.words.places[lexicon_.places.Draw(random_)]; }
  const NounForms& Body() { return lexicon_.words.bodies[lexicon_.bodies.Draw(random_)]; }
  const NounForms& DeedForms() { return lexicon_.words.deeds[lexicon_.deeds.Draw(random_)]; }
  const std::string& Deed() { return DeedForms().bare; }
  const std::string& Adnominal() {
    return lexicon_.words.adnominals[lexicon_.adnominals.Draw(random_)];
  }
  const std::string& Adverb() { return lexicon_.words.adverbs[lexicon_.adverbs.Draw(random_)]; }
  const std::string& Any(const std::vector<std::string>& list) {
    return list[random_.Below(list.size())];
  }

  // A noun phrase that ends before its particle's form is chosen: "새로운 환경정책" + object.
  void Phrase(std::string NounForms::*form) {
    if (random_.OneIn(2)) {
      Put(Adnominal());
      Put(" ");
    }
    if (random_.OneIn(5)) {
      Put(Thing().bare);
      Put(random_.OneIn(2) ? " " : "·");
    }
    Put(Thing().*form);
  }

  // A number with its counter; with `towards`, followed by 로 or 으로.
  void Amount(bool towards = false) {
    static constexpr std::array<std::string_view, 10> kUnits = {
        "명", "건", "곳", "억 원", "만 톤", "대", "가구", "회", "편", "종"};
    const std::string_view unit = kUnits[random_.Below(kUnits.size())];
    Number(random_.Between(2, random_.OneIn(3) ? 98'000 : 980), true);
    Put(unit);
    if (towards) Put(HasFinalConsonant(unit) && !EndsInRieul(unit) ? "으로" : "로");
  }
  void Date() {
    if (random_.OneIn(2)) {
      Number(random_.Between(1987, 2025));
      Put("년 ");
    }
    Number(random_.Between(1, 12));
    Put("월 ");
    Number(random_.Between(1, 28));
    Put("일");
  }

  // One sentence of reporting prose.
  void ReportSentence() {
    switch (random_.Below(9)) {
      case 0:
        Put(Body().topic);
        Put(" ");
        Date();
        Put(" ");
        Phrase(&NounForms::object);
        Put(" ");
        Put(Adverb());
        Put(" ");
        Put(Deed());
        Put("했다고 밝혔다.");
        break;
      case 1:
        Put(Place().bare);
        Put(" 지역의 ");
        Phrase(&NounForms::topic);
        Put(" 지난해보다 ");
        Number(random_.Between(1, 48));
        Put(".");
        Number(random_.Below(10));
        Put("% ");
        Put(random_.OneIn(2) ? "늘어난 " : "줄어든 ");
        Amount(true);
        Put(" 집계됐다.");
        break;
      case 2:
        Put(Person().topic);
        Put(" “");
        Phrase(&NounForms::subject);
        Put(" ");
        Phrase(&NounForms::object);
        Put(" ");
        Put(Deed());
        Put("하는 데 도움이 될 것”이라고 말했다.");
        break;
      case 3:
        Put("이에 따라 ");
        Phrase(&NounForms::with);
        Put(" ");
        Phrase(&NounForms::object);
        Put(" ");
        Put(Deed());
        Put("하고 ");
        Put(Thing().object);
        Put(" ");
        Put(Deed());
        Put("할 방침이다.");
        break;
      case 4:
        Phrase(&NounForms::object);
        Put(" ");
        Put(Deed());
        Put("하려면 ");
        Phrase(&NounForms::subject);
        Put(" 먼저 ");
        Put(Deed());
        Put("되어야 한다는 지적도 나온다.");
        break;
      case 5:
        Put(Body().with);
        Put(" ");
        Put(Body().topic);
        Put(" ");
        Put(Place().bare);
        Put("에서 ");
        Amount();
        Put("의 ");
        Phrase(&NounForms::object);
        Put(" ");
        Put(Deed());
        Put("하기로 했다.");
        break;
      case 6:
        Put(Adverb());
        Put(" ");
        Phrase(&NounForms::topic);
        Put(" ");
        Phrase(&NounForms::direction);
        Put(" 이어질 수 있어 ");
        Put(DeedForms().subject);
        Put(" 필요하다.");
        break;
      case 7:
        Put("한편 ");
        Date();
        Put(" 열린 ");
        Put(Thing().bare);
        Put("에서는 ");
        Put(Any(lexicon_.words.hanja));
        Put("에 관한 ");
        Phrase(&NounForms::subject);
        Put(" ");
        Put(Deed());
        Put("되었다.");
        break;
      default:
        Put(Person().subject);
        Put(" ");
        Put(Deed());
        Put("한 ");
        Phrase(&NounForms::topic);
        Put(" ");
        Put(Place().bare);
        Put("의 ");
        Phrase(&NounForms::object);
        Put(" ");
        Put(Adverb());
        Put(" ");
        Put(Deed());
        Put("하는 것으로 나타났다.");
        break;
    }
  }

  // One sentence of a story.
  void StorySentence() {
    const Words& w = lexicon_.words;
    switch (random_.Below(6)) {
      case 0:
        Put(Person().topic);
        Put(" ");
        Phrase(&NounForms::object);
        Put(" ");
        Put(Any(w.verbs_connect));
        Put(" ");
        Put(Adverb());
        Put(" ");
        Put(Any(w.verbs_past));
        Put(".");
        break;
      case 1:
        Put(Thing().subject);
        Put(" ");
        Put(Thing().with);
        Put(" 함께 ");
        Put(Place().bare);
        Put("의 ");
        Phrase(&NounForms::direction);
        Put(" 스며들었다.");
        break;
      case 2:
        Put("“");
        Phrase(&NounForms::topic);
        Put(" ");
        Put(Adverb());
        Put(" ");
        Phrase(&NounForms::direction);
        Put(" 돌아오는 법이지.” ");
        Put(Person().subject);
        Put(" ");
        Put(Any(w.verbs_past));
        Put(".");
        break;
      case 3:
        Put("그날 ");
        Put(Thing().topic);
        Put(" ");
        Put(Adnominal());
        Put(" ");
        Put(Thing().bare);
        Put("처럼 ");
        Put(Any(w.verbs_connect));
        Put(" ");
        Put(Any(w.verbs_past));
        Put(".");
        break;
      case 4:
        Put(Adverb());
        Put(" ");
        Put(Person().topic);
        Put(" ");
        Put(Any(w.verbs_connect));
        Put(" ");
        Phrase(&NounForms::object);
        Put(" ");
        Put(Any(w.verbs_past));
        Put(". ");
        Put(Thing().subject);
        Put(" ");
        Put(Any(w.verbs_past));
        Put(".");
        break;
      default:
        Put(Person().bare);
        Put("에게 ");
        Phrase(&NounForms::topic);
        Put(" ");
        Phrase(&NounForms::with);
        Put(" 다르지 않았다.");
        break;
    }
  }

  void Paragraph(uint64_t sentences, bool story) {
    for (uint64_t i = 0; i < sentences; ++i) {
      if (i > 0) Put(" ");
      if (story) {
        StorySentence();
      } else {
        ReportSentence();
      }
    }
    Put("\n");
  }

  // A word of a million, the r-th as often as 1/r, but for the first eight, which are alike. Two to
  // four syllables that its rank alone decides.
  void WideWord() {
    static constexpr std::u32string_view kSyllables =
        U"가각간감강개거건검격견결경계고곡공과관광교구국군권규균극근금기길나남내노농능단담당대도독"
        U"동등라락래력련령로론료류리림마만"
        U"망매면명모목무문물미민박반발방배백번범법변별병보복본부북분불비사산살상색생서석선설성세소"
        U"속손송수술숙순습승시식신실심아악"
        U"안암압애액양어언업여역연열영예오온옥완왕외요용우운원월위유육은음응의이익인일임입자작잔장"
        U"재쟁저적전절점정제조족존종좌주준"
        U"중증지직진질집차착찬참창책처천철첨청체초촉총최추축출충취측치친칠침쾌타탁탄탈탐태택토통퇴"
        U"투파판팔패편평폐포폭표품풍피필하"
        U"학한할함합항해행향허험혁현혈협형호혼화확환활황회효후훈휘휴흉흡흥희";
    const uint64_t level = random_.Between(3, 19);
    const uint64_t rank = (uint64_t{1} << level) + random_.Below(uint64_t{1} << level);
    Random letters(MixSeed(rank, 0x77696465));
    const uint64_t count = 2 + (letters.OneIn(3) ? 1 : 0) + (letters.OneIn(6) ? 1 : 0);
    for (uint64_t i = 0; i < count; ++i) {
      const char32_t c = kSyllables[letters.Below(kSyllables.size())];
      const char bytes[3] = {static_cast<char>(0xE0 | (c >> 12)),
                             static_cast<char>(0x80 | ((c >> 6) & 0x3F)),
                             static_cast<char>(0x80 | (c & 0x3F))};
      out_.append(bytes, 3);
    }
  }
  void WideSentence() {
    struct Ending {
      std::string_view open, closed;
    };
    static constexpr std::array<Ending, 16> kParticles = {{{"는", "은"},
                                                           {"는", "은"},
                                                           {"가", "이"},
                                                           {"가", "이"},
                                                           {"를", "을"},
                                                           {"를", "을"},
                                                           {"를", "을"},
                                                           {"의", "의"},
                                                           {"의", "의"},
                                                           {"에", "에"},
                                                           {"에서", "에서"},
                                                           {"로", "으로"},
                                                           {"와", "과"},
                                                           {"도", "도"},
                                                           {"", ""},
                                                           {"", ""}}};
    static constexpr std::array<std::string_view, 12> kJoining = {"하는", "하고", "하며", "되어",
                                                                  "한",   "된",   "하면", "하려는",
                                                                  "해서", "되는", "할",   "하지만"};
    static constexpr std::array<std::string_view, 8> kClosing = {
        "했다", "한다", "된다", "이다", "됐다", "하였다", "할 것이다", "하지 않았다"};
    for (uint64_t left = random_.Between(4, 14); left > 0; --left) {
      if (random_.OneIn(24)) {
        Amount();
        Put(" ");
        continue;
      }
      WideWord();
      if (random_.OneIn(4)) {
        Put(kJoining[random_.Below(kJoining.size())]);
      } else {
        const Ending& particle = kParticles[random_.Below(kParticles.size())];
        Put(HasFinalConsonant(out_) ? particle.closed : particle.open);
      }
      Put(random_.OneIn(12) ? ", " : " ");
    }
    WideWord();
    Put(kClosing[random_.Below(kClosing.size())]);
    Put(".");
  }

  void EnglishSentence() {
    static constexpr std::array<std::string_view, 12> kNouns = {
        "policy", "survey", "corpus", "model",    "sample",  "estimate",
        "region", "system", "method", "evidence", "outcome", "framework"};
    static constexpr std::array<std::string_view, 8> kVerbs = {"improves", "explains",  "predicts",
                                                               "reflects", "motivates", "supports",
                                                               "limits",   "extends"};
    const auto noun = [&] { return kNouns[random_.Below(kNouns.size())]; };
    Put("The ");
    Put(noun());
    Put(" ");
    Put(noun());
    Put(" ");
    Put(kVerbs[random_.Below(kVerbs.size())]);
    Put(" the ");
    Put(noun());
    Put(" of the ");
    Put(noun());
    Put(" in ");
    Number(random_.Between(12, 960));
    Put(" cases. ");
  }

 private:
  const Lexicon& lexicon_ = TheLexicon();
  Random random_;
  std::string& out_;
};

uint64_t UsualBytes(Style style) {
  switch (style) {
    case Style::kNews:
      return 2'400;
    case Style::kReport:
      return 6'000;
    case Style::kBook:
      return 24'000;
    case Style::kPaper:
      return 12'000;
    case Style::kWide:
      return 3'000;
  }
  return 2'400;
}

// An address of an invented reporter at a reserved domain.
void PutEmail(Writer& writer) {
  writer.Put("r");
  writer.Number(writer.random().Between(100, 999));
  writer.Put("@example.com");
}

}  // namespace

std::string_view StyleName(Style style) {
  switch (style) {
    case Style::kNews:
      return "news";
    case Style::kReport:
      return "report";
    case Style::kBook:
      return "book";
    case Style::kPaper:
      return "paper";
    case Style::kWide:
      return "wide";
  }
  return "news";
}

std::string_view SourceTypeOf(Style style) {
  if (style == Style::kWide) return "text";
  return style == Style::kNews ? "article" : StyleName(style);
}

std::optional<Style> ParseStyle(std::string_view name) {
  for (const Style style :
       {Style::kNews, Style::kReport, Style::kBook, Style::kPaper, Style::kWide}) {
    if (StyleName(style) == name) return style;
  }
  return std::nullopt;
}

uint64_t MixSeed(uint64_t a, uint64_t b) {
  return Random(a ^ (b * 0xD6E8FEB86659FD93 + 0x632BE59BD9B4E019)).Next();
}

TextGenerator::TextGenerator(uint64_t seed, Style style, std::string publisher, uint64_t mean_bytes)
    : seed_(MixSeed(seed, static_cast<uint64_t>(style) + 1)),
      style_(style),
      publisher_(std::move(publisher)),
      mean_bytes_(mean_bytes == 0 ? UsualBytes(style) : mean_bytes) {}

void TextGenerator::Make(uint64_t number, Document& out) const {
  out.id.clear();
  out.title.clear();
  out.text.clear();
  out.published_at.clear();
  const uint64_t seed = MixSeed(seed_, number);
  {
    Writer title(MixSeed(seed, 1), out.title);
    title.Put(title.Place().bare);
    title.Put(", ");
    title.Phrase(&NounForms::bare);
    title.Put(" ");
    title.Put(title.Deed());
  }
  Writer w(seed, out.text);
  Random& random = w.random();
  char date[40];
  std::snprintf(date, sizeof date, "%d-%02d-%02d", static_cast<int>(random.Between(1990, 2025)),
                static_cast<int>(random.Between(1, 12)), static_cast<int>(random.Between(1, 28)));
  out.published_at = date;
  // Half to one and a half times the mean: most documents are ordinary, none is empty.
  const uint64_t wanted = mean_bytes_ / 2 + random.Below(mean_bytes_ + 1);
  switch (style_) {
    case Style::kNews:
      w.Put(out.title);
      w.Put("\n\n(");
      w.Put(w.Place().bare);
      w.Put("=");
      w.Put(publisher_);
      w.Put(") ");
      w.Put(w.Person().bare);
      w.Put(" 기자 = ");
      while (out.text.size() < wanted) w.Paragraph(random.Between(1, 3), false);
      w.Put("\n");
      PutEmail(w);
      w.Put("\n저작권자 ⓒ ");
      w.Put(publisher_);
      w.Put(". 무단전재 및 재배포 금지\n");
      break;
    case Style::kReport: {
      w.Put(out.title);
      w.Put(" 보고서\n\n");
      for (uint64_t chapter = 1; out.text.size() < wanted; ++chapter) {
        w.Number(chapter);
        w.Put(". ");
        w.Phrase(&NounForms::bare);
        w.Put(" 현황\n");
        for (uint64_t i = random.Between(2, 5); i > 0; --i) {
          w.Put("○ ");
          w.Paragraph(random.Between(1, 2), false);
          if (random.OneIn(3)) {
            w.Put("  - ");
            w.Put(w.Thing().bare);
            w.Put(": ");
            w.Amount();
            w.Put(", ");
            w.Put(w.Thing().bare);
            w.Put(": ");
            w.Amount();
            w.Put("\n");
          }
        }
        w.Put("\n");
      }
      w.Put("본 자료는 ");
      w.Put(publisher_);
      w.Put("의 연구 결과이며 인용할 때에는 출처를 밝혀야 한다.\n");
      break;
    }
    case Style::kBook: {
      for (uint64_t chapter = 1; out.text.size() < wanted; ++chapter) {
        w.Put("제");
        w.Number(chapter);
        w.Put("장 ");
        w.Phrase(&NounForms::bare);
        w.Put("\n\n");
        const uint64_t end = out.text.size() + 6'000;
        while (out.text.size() < end && out.text.size() < wanted)
          w.Paragraph(random.Between(2, 6), true);
        w.Put("\n");
      }
      break;
    }
    case Style::kWide: {
      while (out.text.size() < wanted) {
        for (uint64_t left = random.Between(2, 6); left > 0; --left) {
          // Some of what people write are frames.
          if (random.OneIn(8)) {
            w.ReportSentence();
          } else {
            w.WideSentence();
          }
          w.Put(left > 1 ? " " : "\n");
        }
      }
      break;
    }
    case Style::kPaper: {
      w.Put(out.title);
      w.Put("에 관한 연구\n\n초록\n");
      w.Paragraph(3, false);
      w.Put("\nAbstract\n");
      for (int i = 0; i < 4; ++i) w.EnglishSentence();
      w.Put("\n");
      static constexpr std::array<std::string_view, 4> kParts = {"서론", "이론적 배경", "연구 방법",
                                                                 "결과와 논의"};
      for (uint64_t part = 0; out.text.size() < wanted || part < 2; ++part) {
        w.Put("\n");
        w.Number(part + 1);
        w.Put(". ");
        w.Put(kParts[part % kParts.size()]);
        w.Put("\n");
        for (uint64_t i = random.Between(2, 4); i > 0; --i)
          w.Paragraph(random.Between(3, 5), false);
      }
      w.Put("\n참고문헌\n");
      for (uint64_t i = random.Between(3, 9); i > 0; --i) {
        w.Put(w.Person().bare);
        w.Put(" (");
        w.Number(random.Between(1978, 2024));
        w.Put("). ");
        w.Phrase(&NounForms::bare);
        w.Put("의 이해. ");
        w.Put(w.Body().bare);
        w.Put(".\n");
      }
      break;
    }
  }
}

CorpusGenerator::CorpusGenerator(CorpusPlan plan)
    : plan_(std::move(plan)),
      own_(plan_.seed, plan_.style, plan_.publisher, plan_.mean_bytes),
      wire_(plan_.wire_seed, Style::kNews, "누리통신", plan_.mean_bytes) {}

void CorpusGenerator::Make(uint64_t number, Document& out) const {
  MakeBody(number, 0, out);
  char id[96];
  std::snprintf(id, sizeof id, "%s-%07llu", plan_.name.substr(0, 60).c_str(),
                static_cast<unsigned long long>(number + 1));
  out.id = id;
}

void CorpusGenerator::MakeBody(uint64_t number, int depth, Document& out) const {
  Random random(MixSeed(plan_.seed, number * 2 + 1));
  auto draw = static_cast<int>(random.Below(1000));
  const bool may_repeat = number > 0 && depth == 0;
  if (may_repeat && draw < plan_.exact_share) {
    MakeBody(random.Below(std::min<uint64_t>(number, 0xFFFFFFFF)), depth + 1, out);
    return;
  }
  draw -= plan_.exact_share;
  if (may_repeat && draw >= 0 && draw < plan_.near_share) {
    MakeBody(random.Below(std::min<uint64_t>(number, 0xFFFFFFFF)), depth + 1, out);
    // A correction notice above and the last paragraph's line gone: most of the text remains.
    const size_t last = out.text.rfind('\n', out.text.size() - 2);
    if (last != std::string::npos && last > out.text.size() * 9 / 10) out.text.resize(last + 1);
    out.text.insert(0, "[고침] 이전 기사의 수치를 바로잡습니다.\n");
    return;
  }
  draw -= plan_.near_share;
  if (draw >= 0 && draw < plan_.wire_share) {
    wire_.Make(random.Below(plan_.wire_pool), out);
    return;
  }
  own_.Make(number, out);
}

}  // namespace jangbu::tools
