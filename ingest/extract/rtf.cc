// Rich Text Format 1.9. Bytes are text in the code page of the font in force (windows-949 for
// Korean ones, else the document's); \u gives UTF-16 units.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ingest/extract/cp949.h"
#include "ingest/extract/readers.h"
#include "ingest/extract/text_flow.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

class Rtf {
 public:
  Rtf(std::string_view bytes, const ExtractLimits& limits)
      : bytes_(bytes), limits_(limits), flow_(limits.text_bytes_max) {}

  Extracted Read() {
    groups_.push_back({});
    while (at_ < bytes_.size() && !rejection_) {
      const char c = bytes_[at_];
      if (c == '{') {
        Open();
      } else if (c == '}') {
        Close();
        if (groups_.empty()) break;
      } else if (c == '\\') {
        Control();
      } else {
        if (c != '\r' && c != '\n') Byte(c);
        ++at_;
      }
      if (flow_.overflowed()) {
        return Rejection{Reason::kRecordTooLarge,
                         "text of more than " + std::to_string(limits_.text_bytes_max) + " bytes"};
      }
    }
    if (rejection_) return *std::move(rejection_);
    if (groups_.size() > 1) return Rejection{Reason::kDamagedDocument, "the RTF is cut short"};
    groups_.assign(1, {});
    Flush();
    Document document;
    document.text = flow_.Take();
    document.title = Metadata(title_, limits_.metadata_bytes_max);
    document.author = Metadata(author_, limits_.metadata_bytes_max);
    return document;
  }

 private:
  enum class Where { kText, kNowhere, kFonts, kTitle, kAuthor };
  struct Group {
    Where where = Where::kText;
    int font = -1;
    int unicode_skip = 1;
    bool note = false;
    bool first = true;  // nothing was seen in it yet
    bool ignorable = false;
  };

  void Open() {
    ++at_;
    if (groups_.size() >= limits_.markup_depth_max) {
      rejection_ = Rejection{Reason::kTooDeep, "groups of RTF"};
      return;
    }
    Flush();
    Group group = groups_.back();
    group.note = false;
    group.first = true;
    group.ignorable = false;
    groups_.push_back(group);
  }

  void Close() {
    ++at_;
    Flush();
    const bool note = groups_.back().note;
    groups_.pop_back();
    if (note) flow_.EndNote();
    if (groups_.size() == 1) groups_.clear();  // the document has ended
  }

  void Control() {
    ++at_;
    if (at_ >= bytes_.size()) return;
    const char c = bytes_[at_];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter) {
      ++at_;
      Symbol(c);
      return;
    }
    const size_t begin = at_;
    while (
        at_ < bytes_.size() && at_ - begin < 32 &&
        ((bytes_[at_] >= 'a' && bytes_[at_] <= 'z') || (bytes_[at_] >= 'A' && bytes_[at_] <= 'Z')))
      ++at_;
    const std::string_view word = bytes_.substr(begin, at_ - begin);
    bool has_number = false, negative = false;
    int64_t number = 0;
    if (at_ < bytes_.size() && bytes_[at_] == '-') {
      negative = true;
      ++at_;
    }
    while (at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9') {
      if (number < INT32_MAX) number = number * 10 + (bytes_[at_] - '0');
      has_number = true;
      ++at_;
    }
    if (negative) number = -number;
    if (at_ < bytes_.size() && bytes_[at_] == ' ') ++at_;
    Word(word, has_number, number);
  }

  void Symbol(char c) {
    switch (c) {
      case '\'': {
        const auto digit = [this](size_t i) {
          const char d = i < bytes_.size() ? bytes_[i] : ' ';
          return d >= '0' && d <= '9'   ? d - '0'
                 : d >= 'a' && d <= 'f' ? d - 'a' + 10
                 : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                        : -1;
        };
        const int high = digit(at_), low = digit(at_ + 1);
        if (high < 0 || low < 0) return;
        at_ += 2;
        Byte(static_cast<char>(high * 16 + low));
        return;
      }
      case '*':
        groups_.back().ignorable = true;
        return;
      case '~':
        Byte(' ');
        return;
      case '_':
        Byte('-');
        return;
      case '-':
      case ':':
      case '|':
        return;
      case '\r':
      case '\n':
        return Word("par", false, 0);
      default:
        Byte(c);  // \\ \{ \}
    }
  }

  void Word(std::string_view word, bool has_number, int64_t number) {
    Group& group = groups_.back();
    const bool first = std::exchange(group.first, false);
    if (word == "u" && has_number) {
      Flush();
      const auto unit = static_cast<char16_t>(number & 0xFFFF);
      skip_ = group.unicode_skip;
      if (unit >= 0xD800 && unit <= 0xDBFF) {
        high_ = unit;
        return;
      }
      char32_t cp = unit;
      if (unit >= 0xDC00 && unit <= 0xDFFF) {
        if (high_ == 0) return;
        cp = 0x10000 + ((static_cast<char32_t>(high_) - 0xD800) << 10) + (unit - 0xDC00u);
      }
      high_ = 0;
      if (cp < 0x20) return;
      std::string utf8;
      AppendUtf8(cp, utf8);
      Emit(utf8);
      return;
    }
    if (word == "bin" && has_number) {
      at_ +=
          std::min<size_t>(static_cast<size_t>(std::max<int64_t>(number, 0)), bytes_.size() - at_);
      return;
    }
    if (first || group.ignorable) {
      // A destination: text that is elsewhere, or none at all.
      Where where = group.where;
      if (word == "fonttbl") {
        where = Where::kFonts;
      } else if (word == "info") {
        where = Where::kNowhere;
      } else if (word == "title" && group.where == Where::kNowhere) {
        where = Where::kTitle;
      } else if (word == "author" && group.where == Where::kNowhere) {
        where = Where::kAuthor;
      } else if (word == "colortbl" || word == "stylesheet" || word == "pict" || word == "header" ||
                 word == "headerl" || word == "headerr" || word == "headerf" || word == "footer" ||
                 word == "footerl" || word == "footerr" || word == "footerf" || word == "object" ||
                 word == "pntext" || word == "listtext" || word == "nonshppict" || word == "xe" ||
                 word == "tc" || word == "fldinst" || word == "annotation" || word == "falt" ||
                 word == "panose" || word == "background" || word == "ftnsep" ||
                 word == "ftnsepc") {
        where = Where::kNowhere;
      } else if (word == "footnote" && group.where == Where::kText) {
        group.note = true;
        flow_.BeginNote();
      } else if (group.ignorable && word != "shpinst" && word != "shptxt") {
        where = Where::kNowhere;
      }
      group.ignorable = false;
      group.where = where;
    }
    if (word == "par" || word == "sect" || word == "page") {
      Flush();
      if (group.where == Where::kText) flow_.EndParagraph();
    } else if (word == "line" || word == "softline") {
      Flush();
      if (group.where == Where::kText) flow_.SoftBreak();
    } else if (word == "tab" || word == "emspace" || word == "enspace" || word == "qmspace") {
      Byte(' ');
    } else if (word == "trowd") {
      Flush();
      if (group.where == Where::kText && !in_row_) {
        flow_.BeginRow();
        in_row_ = true;
      }
    } else if (word == "cell" || word == "nestcell") {
      Flush();
      if (group.where == Where::kText) flow_.EndCell();
    } else if (word == "row") {
      Flush();
      if (in_row_) flow_.EndRow();
      in_row_ = false;
    } else if (word == "uc" && has_number) {
      group.unicode_skip = static_cast<int>(std::min<int64_t>(std::max<int64_t>(number, 0), 16));
    } else if (word == "f" && has_number) {
      Flush();
      group.font = static_cast<int>(number);
    } else if (word == "fcharset" && has_number && group.where == Where::kFonts) {
      charsets_[group.font] = static_cast<int>(number);
    } else if (word == "ansicpg" && has_number) {
      code_page_ = static_cast<int>(number);
    } else if (word == "plain" || word == "pard") {
      Flush();
    } else if (word == "emdash") {
      Named("—");
    } else if (word == "endash") {
      Named("–");
    } else if (word == "lquote") {
      Named("‘");
    } else if (word == "rquote") {
      Named("’");
    } else if (word == "ldblquote") {
      Named("“");
    } else if (word == "rdblquote") {
      Named("”");
    } else if (word == "bullet") {
      Named("•");
    }
  }

  void Named(std::string_view utf8) {
    Flush();
    Emit(utf8);
  }

  void Byte(char c) {
    groups_.back().first = false;
    if (skip_ > 0) {
      // The spelling of \u for readers that do not know it.
      --skip_;
      return;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 || c == '\t') pending_.push_back(c);
  }

  // Decodes the bytes gathered, in the code page of the font in force.
  void Flush() {
    skip_ = 0;
    if (pending_.empty()) return;
    const Group& group = groups_.empty() ? Group() : groups_.back();
    const auto charset = charsets_.find(group.font);
    const bool korean =
        charset != charsets_.end() && charset->second != 0 && charset->second != 1
            ? charset->second == 129
            : code_page_ == 949 || (charset != charsets_.end() && charset->second == 129);
    std::string utf8;
    const bool ascii = std::all_of(pending_.begin(), pending_.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (ascii) {
      utf8 = pending_;
    } else if (korean || code_page_ == 949) {
      Cp949Text text = DecodeCp949(pending_);
      if (text.bad_at != pending_.size() && group.where == Where::kText && !rejection_) {
        rejection_ = Rejection{Reason::kBadEncoding,
                               "no CP949 character before byte " + std::to_string(at_)};
      }
      utf8 = std::move(text.utf8);
    } else {
      // Western fonts: Latin-1, whose windows-1252 extras are punctuation.
      for (const char c : pending_) AppendUtf8(static_cast<unsigned char>(c), utf8);
    }
    pending_.clear();
    Emit(utf8);
  }

  void Emit(std::string_view utf8) {
    const Where where = groups_.empty() ? Where::kText : groups_.back().where;
    if (where == Where::kText) flow_.Text(utf8);
    if (where == Where::kTitle && title_.size() < limits_.metadata_bytes_max) title_ += utf8;
    if (where == Where::kAuthor && author_.size() < limits_.metadata_bytes_max) author_ += utf8;
  }

  std::string_view bytes_;
  const ExtractLimits& limits_;
  TextFlow flow_;
  size_t at_ = 0;
  std::vector<Group> groups_;
  std::map<int, int> charsets_;
  int code_page_ = 0;
  std::string pending_;
  int skip_ = 0;
  char16_t high_ = 0;
  bool in_row_ = false;
  std::string title_, author_;
  std::optional<Rejection> rejection_;
};

}  // namespace

Extracted ReadRtf(std::string_view bytes, const ExtractLimits& limits) {
  return Rtf(bytes, limits).Read();
}

}  // namespace jangbu::ingest
