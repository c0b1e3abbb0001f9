#include "ingest/extract/pdf_layout.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

struct Line {
  double x0 = 0, x1 = 0, y0 = 0, y1 = 0;
  double first_word = 0;  // width of what begins it
  double char_width = 0;
  size_t page = 0;
  std::string text;
  bool dropped = false;

  double height() const { return y1 - y0; }
};

bool IsHangul(char32_t cp) { return cp >= 0xAC00 && cp <= 0xD7A3; }

char32_t FirstOf(std::string_view text) {
  if (text.empty()) return 0;
  const char* p = text.data();
  return DecodeUtf8(p);
}
char32_t LastOf(std::string_view text) {
  if (text.empty()) return 0;
  const char* p = text.data() + text.size();
  StepBackUtf8(p);
  return DecodeUtf8(p);
}
bool IsLower(char32_t cp) { return cp >= 'a' && cp <= 'z'; }

std::string_view FirstWord(std::string_view line) { return line.substr(0, line.find(' ')); }
std::string_view LastWord(std::string_view line) {
  const size_t blank = line.rfind(' ');
  return blank == std::string_view::npos ? line : line.substr(blank + 1);
}

std::vector<Line> LinesOf(const PdfPage& page, size_t number) {
  std::vector<Line> lines;
  const PdfWord* last = nullptr;
  for (const PdfWord& word : page.words) {
    if (word.text.empty()) continue;
    const double width = std::max(0.0, word.x1 - word.x0);
    const auto points = static_cast<double>(CountCodePoints(word.text));
    bool same = last != nullptr && !lines.empty();
    if (same) {
      const Line& line = lines.back();
      const double overlap = std::min(line.y1, word.y1) - std::max(line.y0, word.y0);
      same = overlap > 0.5 * std::min(line.height(), word.y1 - word.y0) &&
             word.x0 > last->x1 - 0.5 * line.height();
    }
    if (!same) {
      Line line;
      line.x0 = word.x0;
      line.x1 = word.x1;
      line.y0 = word.y0;
      line.y1 = word.y1;
      line.first_word = width;
      line.char_width = points > 0 ? width / points : 0;
      line.page = number;
      line.text = word.text;
      lines.push_back(std::move(line));
    } else {
      Line& line = lines.back();
      const double gap = word.x0 - last->x1;
      const bool space = last->space_after || gap > 0.15 * line.height();
      if (space) line.text.push_back(' ');
      // Pieces without a space between them are one word.
      if (!space && line.text.find(' ') == std::string::npos) line.first_word = word.x1 - line.x0;
      line.text.append(word.text);
      line.x1 = std::max(line.x1, word.x1);
      line.y0 = std::min(line.y0, word.y0);
      line.y1 = std::max(line.y1, word.y1);
      line.char_width = std::max(line.char_width, points > 0 ? width / points : 0);
    }
    last = &word;
  }
  return lines;
}

// Digits as '#', blanks left out: what repeats from page to page.
std::string Frame(std::string_view text) {
  std::string frame;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      if (frame.empty() || frame.back() != '#') frame.push_back('#');
    } else if (c != ' ') {
      frame.push_back(c);
    }
  }
  return frame;
}

bool IsPageNumber(std::string_view frame) {
  constexpr std::string_view kShapes[] = {
      "#",     "-#-",   "–#–", "—#—", "[#]",   "(#)",     "#/#", "-#",       "#-",       "p.#",
      "Page#", "page#", "#쪽", "쪽#", "제#쪽", "#페이지", "<#>", "Page#of#", "page#of#", "#of#"};
  return std::find(std::begin(kShapes), std::end(kShapes), frame) != std::end(kShapes);
}

// Marks headers, footers and page numbers: among the first and last two lines of each page, those
// that repeat on half of the pages (three at least), and numbers on their own in the margins.
void DropFrames(const std::vector<PdfPage>& pages, std::vector<std::vector<Line>>& lines) {
  std::unordered_map<std::string, size_t> seen;
  const auto edges = [](std::vector<Line>& page) {
    std::vector<Line*> by_height;
    for (Line& line : page) by_height.push_back(&line);
    std::stable_sort(by_height.begin(), by_height.end(),
                     [](const Line* a, const Line* b) { return a->y0 < b->y0; });
    std::vector<Line*> some;
    for (size_t i = 0; i < by_height.size(); ++i) {
      if (i < 2 || i + 2 >= by_height.size()) some.push_back(by_height[i]);
    }
    return some;
  };
  for (std::vector<Line>& page : lines) {
    std::unordered_set<std::string> here;
    for (const Line* line : edges(page)) here.insert(Frame(line->text));
    for (const std::string& frame : here) ++seen[frame];
  }
  for (size_t p = 0; p < lines.size(); ++p) {
    const double height = pages[p].height;
    for (Line* line : edges(lines[p])) {
      const std::string frame = Frame(line->text);
      const bool margin = line->y1 < 0.12 * height || line->y0 > 0.88 * height;
      const size_t times = seen[frame];
      const bool repeats = times >= 3 && times * 2 >= lines.size();
      const bool number = IsPageNumber(frame) && margin && (times >= 2 || lines.size() == 1);
      line->dropped = (repeats && margin) || number;
    }
  }
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The right edge that text is set to: where many lines end.
double RightEdge(const std::vector<Line*>& lines) {
  std::map<int, size_t> ends;
  for (const Line* line : lines) ++ends[static_cast<int>(std::lround(line->x1 / 4))];
  double edge = 0;
  for (const auto& [end, count] : ends) {
    // The rightmost one that is no exception.
    if (count * 50 >= lines.size() && count >= 2) edge = std::max(edge, end * 4.0 + 2);
  }
  if (edge == 0) {
    for (const Line* line : lines) edge = std::max(edge, line->x1);
  }
  return edge;
}

// True when full lines end at the edge wherever a word ends: set by syllables. Then few lines end
// a syllable or more before it; set by words, they end all over the last word's width.
bool SetBySyllables(const std::vector<Line*>& lines, double edge) {
  size_t near = 0, at_edge = 0;
  for (const Line* line : lines) {
    const double left = edge - line->x1;
    const double em = std::max(line->height() * 0.8, 1.0);
    if (left < 6 * em) ++near;
    if (left < 1.3 * em) ++at_edge;
  }
  return near >= 4 && at_edge * 10 >= near * 8;
}

class Words {
 public:
  explicit Words(const std::vector<Line*>& lines) {
    for (const Line* line : lines) {
      // Words at the ends of a line may be halves.
      std::string_view rest = line->text;
      bool first = true;
      while (!rest.empty()) {
        const size_t blank = rest.find(' ');
        const std::string_view word = rest.substr(0, blank);
        if (!first && blank != std::string_view::npos) ++count_[std::string(word)];
        first = false;
        rest = blank == std::string_view::npos ? "" : rest.substr(blank + 1);
      }
    }
  }

  size_t Count(std::string_view word) const {
    const auto found = count_.find(std::string(word));
    return found == count_.end() ? 0 : found->second;
  }

  // One word, cut at the end of a line?
  bool IsOne(std::string_view left, std::string_view right) const {
    const char32_t a = LastOf(left), b = FirstOf(right);
    if (!IsHangul(a) && !(a >= '0' && a <= '9')) return false;
    if (!IsHangul(b) && !(b >= '0' && b <= '9') && b != '.' && b != ',') return false;
    const size_t joined = Count(std::string(left) + std::string(right));
    const size_t apart = std::min(Count(left), Count(right));
    if (joined != apart) return joined > apart;
    // Neither is known: a left part that is a word elsewhere ended, as did one that ends as
    // sentences and lists do.
    return Count(left) == 0;
  }

 private:
  std::unordered_map<std::string, size_t> count_;
};

}  // namespace

std::string ComposePdf(const std::vector<PdfPage>& pages) {
  std::vector<std::vector<Line>> by_page;
  by_page.reserve(pages.size());
  for (size_t i = 0; i < pages.size(); ++i) by_page.push_back(LinesOf(pages[i], i));
  DropFrames(pages, by_page);
  std::vector<Line*> lines;
  for (std::vector<Line>& page : by_page) {
    for (Line& line : page) {
      if (!line.dropped) lines.push_back(&line);
    }
  }
  const double edge = RightEdge(lines);
  const bool by_syllables = SetBySyllables(lines, edge);
  const Words words(lines);
  std::vector<double> gaps;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (lines[i]->page == lines[i - 1]->page && lines[i]->y0 > lines[i - 1]->y0)
      gaps.push_back(lines[i]->y0 - lines[i - 1]->y0);
  }
  const double pitch = Median(gaps);

  std::string text;
  std::string paragraph;
  const auto flush = [&] {
    if (!paragraph.empty()) text.append(paragraph).push_back('\n');
    paragraph.clear();
  };
  for (size_t i = 0; i < lines.size(); ++i) {
    const Line& line = *lines[i];
    if (i > 0) {
      const Line& before = *lines[i - 1];
      const double em = std::max(before.height() * 0.8, 1.0);
      const double needed =
          by_syllables ? std::min(line.char_width, line.first_word) : line.first_word + 0.2 * em;
      const bool fitted = before.x1 + needed < edge - 0.15 * em;
      const bool same_page = before.page == line.page;
      const bool gap = same_page && (line.y0 - before.y0 > 1.5 * pitch || line.y0 < before.y0);
      const bool size = std::abs(line.height() - before.height()) > 0.2 * before.height();
      if (fitted || gap || size) {
        flush();
      } else {
        const std::string_view left = LastWord(paragraph), right = FirstWord(line.text);
        if (left.size() > 1 && left.ends_with('-') && IsLower(FirstOf(right)) &&
            IsLower(LastOf(left.substr(0, left.size() - 1)))) {
          paragraph.pop_back();
        } else if (!(by_syllables && words.IsOne(left, right))) {
          paragraph.push_back(' ');
        }
      }
    }
    paragraph.append(line.text);
  }
  flush();
  return text;
}

}  // namespace jangbu::ingest
