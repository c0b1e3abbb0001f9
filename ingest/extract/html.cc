// HTML over libxml2's tolerant parser, by events: no tree is built, so a page of a million tags
// costs no more than its text.

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "ingest/extract/label.h"
#include "ingest/extract/readers.h"
#include "ingest/extract/text_flow.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

template <size_t N>
bool IsOneOf(std::string_view name, const std::string_view (&names)[N]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// Left out with all that is in them. <header> stays: in an article it holds the headline.
constexpr std::string_view kLeftOut[] = {
    "script",   "style",  "noscript", "template", "nav",    "footer", "aside",
    "form",     "iframe", "object",   "embed",    "applet", "svg",    "math",
    "canvas",   "audio",  "video",    "select",   "button", "option", "textarea",
    "datalist", "dialog", "noframes", "map",      "rt",     "rp",     "rtc"};
constexpr std::string_view kBlocks[] = {
    "address", "article", "blockquote", "body",   "center",   "dd",         "details", "dir",
    "div",     "dl",      "dt",         "figure", "fieldset", "figcaption", "h1",      "h2",
    "h3",      "h4",      "h5",         "h6",     "header",   "hgroup",     "hr",      "html",
    "legend",  "li",      "listing",    "main",   "menu",     "ol",         "p",       "pre",
    "section", "summary", "table",      "tbody",  "tfoot",    "thead",      "caption", "ul",
    "xmp",     "search",  "plaintext"};

// Whole words of class and id that mean the frame of a page rather than its text.
constexpr std::string_view kFrame[] = {"nav",     "navbar",     "gnb",  "lnb",         "snb",
                                       "sidebar", "breadcrumb", "skip", "site-footer", "footer"};
constexpr std::string_view kVerse[] = {"verse", "poem", "poetry", "line-block"};

class Page {
 public:
  explicit Page(const ExtractLimits& limits)
      : limits_(limits), flow_(limits.text_bytes_max), main_(limits.text_bytes_max) {}

  void SetParser(htmlParserCtxtPtr parser) { parser_ = parser; }

  void Start(std::string_view name, const xmlChar** attributes) {
    if (open_.size() >= limits_.html_depth_max) {
      if (!rejection_) {
        rejection_ = Rejection{Reason::kTooDeep,
                               "more than " + std::to_string(limits_.html_depth_max) + " elements"};
      }
      xmlStopParser(parser_);
      return;
    }
    Element element{name};
    if (skipped_ > 0 || IsLeftOut(name, attributes)) {
      element.skips = true;
      ++skipped_;
    } else if (name == "title") {
      element.title = true;
      in_title_ = title_.empty();
    } else if (name == "meta") {
      Meta(attributes);
    } else if (name == "br") {
      Both([](TextFlow& f) { f.SoftBreak(); });
    } else if (name == "tr") {
      Both([](TextFlow& f) { f.BeginRow(); });
      element.row = true;
    } else if (name == "td" || name == "th") {
      Both([](TextFlow& f) { f.EndCell(); });
      element.cell = true;
    } else if (IsOneOf(name, kBlocks)) {
      Both([](TextFlow& f) { f.EndParagraph(); });
      element.block = true;
      if (name == "pre" || name == "xmp" || name == "listing" || IsVerse(attributes)) {
        Both([](TextFlow& f) { f.BeginPreformatted(); });
        element.preformatted = true;
      }
      if (name == "main" || name == "article") {
        element.main = true;
        ++mains_;
      }
    }
    open_.push_back(element);
  }

  void End(std::string_view name) {
    // What was opened last is closed first: libxml2 sees to it.
    if (open_.empty() || open_.back().name != name) return;
    const Element element = open_.back();
    open_.pop_back();
    if (element.skips) --skipped_;
    if (element.title) in_title_ = false;
    if (element.preformatted) Both([](TextFlow& f) { f.EndPreformatted(); });
    if (element.cell) Both([](TextFlow& f) { f.EndCell(); });
    if (element.row) Both([](TextFlow& f) { f.EndRow(); });
    if (element.block) Both([](TextFlow& f) { f.EndParagraph(); });
    if (element.main) --mains_;
  }

  void Characters(std::string_view text) {
    if (in_title_ && skipped_ == 0) {
      if (title_.size() < limits_.metadata_bytes_max) title_.append(text);
      return;
    }
    if (skipped_ > 0 || text.empty()) return;
    Both([text](TextFlow& f) { f.Text(text); });
    if (flow_.overflowed()) xmlStopParser(parser_);
  }

  HtmlPart Take() {
    HtmlPart part;
    part.title = Metadata(title_, limits_.metadata_bytes_max);
    part.published_at = std::move(published_at_);
    part.author = std::move(author_);
    if (rejection_) {
      part.rejection = std::move(rejection_);
      return part;
    }
    if (flow_.overflowed()) {
      part.rejection =
          Rejection{Reason::kRecordTooLarge,
                    "text of more than " + std::to_string(limits_.text_bytes_max) + " bytes"};
      return part;
    }
    std::string all = flow_.Take();
    std::string main = main_.Take();
    part.text = main.size() * 2 >= all.size() && !main.empty() ? std::move(main) : std::move(all);
    return part;
  }

 private:
  struct Element {
    std::string_view name;
    bool skips = false, title = false, row = false, cell = false, block = false;
    bool preformatted = false, main = false;
  };

  template <typename F>
  void Both(F&& act) {
    act(flow_);
    if (mains_ > 0) act(main_);
  }

  static std::string_view Value(const xmlChar** attributes, std::string_view name) {
    for (; attributes != nullptr && attributes[0] != nullptr; attributes += 2) {
      if (reinterpret_cast<const char*>(attributes[0]) == name)
        return attributes[1] == nullptr ? std::string_view("")
                                        : reinterpret_cast<const char*>(attributes[1]);
    }
    return {};
  }
  static bool Has(const xmlChar** attributes, std::string_view name) {
    for (; attributes != nullptr && attributes[0] != nullptr; attributes += 2) {
      if (reinterpret_cast<const char*>(attributes[0]) == name) return true;
    }
    return false;
  }
  template <size_t N>
  static bool HasWord(std::string_view value, const std::string_view (&words)[N]) {
    while (!value.empty()) {
      const size_t begin = value.find_first_not_of(" \t\r\n");
      if (begin == std::string_view::npos) return false;
      value.remove_prefix(begin);
      const size_t end = std::min(value.find_first_of(" \t\r\n"), value.size());
      if (IsOneOf(value.substr(0, end), words)) return true;
      value.remove_prefix(end);
    }
    return false;
  }

  static bool IsVerse(const xmlChar** attributes) {
    return attributes != nullptr && (HasWord(Value(attributes, "class"), kVerse) ||
                                     Value(attributes, "type").find("poem") != std::string::npos);
  }

  static bool IsLeftOut(std::string_view name, const xmlChar** attributes) {
    // A note of an e-book is text, whatever it is put in.
    if (name == "aside") {
      const std::string_view type = Value(attributes, "epub:type");
      if (type.find("note") != std::string_view::npos) return false;
    }
    if (IsOneOf(name, kLeftOut)) return true;
    if (attributes == nullptr) return false;
    const std::string_view role = Value(attributes, "role");
    if (role == "navigation" || role == "banner" || role == "contentinfo" || role == "search" ||
        role == "menu")
      return true;
    if (Has(attributes, "hidden") || Value(attributes, "aria-hidden") == "true") return true;
    std::string style;
    for (const char c : Value(attributes, "style").substr(0, 1024)) {
      if (c != ' ') style.push_back(c);
    }
    if (style.find("display:none") != std::string::npos) return true;
    if (name == "body" || name == "html" || name == "main" || name == "article") return false;
    return HasWord(Value(attributes, "class"), kFrame) || HasWord(Value(attributes, "id"), kFrame);
  }

  void Meta(const xmlChar** attributes) {
    std::string_view name = Value(attributes, "property");
    if (name.empty()) name = Value(attributes, "name");
    const std::string_view content = Value(attributes, "content");
    if (name == "article:published_time" || name == "date" || name == "dc.date" ||
        name == "DC.date") {
      if (published_at_.empty()) published_at_ = DateOf(content);
    } else if (name == "author" || name == "article:author" || name == "dc.creator") {
      if (author_.empty()) author_ = Metadata(content, limits_.metadata_bytes_max);
    }
  }

  const ExtractLimits& limits_;
  htmlParserCtxtPtr parser_ = nullptr;
  TextFlow flow_;  // all of the page
  TextFlow main_;  // what is inside <main> or <article>
  std::vector<Element> open_;
  size_t skipped_ = 0;  // elements left out that are open
  size_t mains_ = 0;
  bool in_title_ = false;
  std::string title_, published_at_, author_;
  std::optional<Rejection> rejection_;
};

std::string_view View(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

void OnStart(void* page, const xmlChar* name, const xmlChar** attributes) {
  static_cast<Page*>(page)->Start(View(name), attributes);
}
void OnEnd(void* page, const xmlChar* name) { static_cast<Page*>(page)->End(View(name)); }
void OnCharacters(void* page, const xmlChar* text, int size) {
  static_cast<Page*>(page)->Characters(
      {reinterpret_cast<const char*>(text), static_cast<size_t>(std::max(size, 0))});
}

}  // namespace

HtmlPart ExtractHtml(std::string_view utf8, const ExtractLimits& limits) {
  Page page(limits);
  // libxml2 takes U+0000 for the end of the page.
  std::string without_nul;
  if (utf8.find('\0') != std::string_view::npos) {
    without_nul.reserve(utf8.size());
    for (const char c : utf8) {
      if (c != '\0') without_nul.push_back(c);
    }
    utf8 = without_nul;
  }
  if (utf8.size() > INT32_MAX) {
    HtmlPart part;
    part.rejection =
        Rejection{Reason::kRecordTooLarge, std::to_string(utf8.size()) + " bytes of HTML"};
    return part;
  }
  if (utf8.empty()) return page.Take();
  htmlParserCtxtPtr parser = htmlCreateMemoryParserCtxt(utf8.data(), static_cast<int>(utf8.size()));
  if (parser == nullptr) {
    HtmlPart part;
    part.rejection = Rejection{Reason::kDamagedDocument, "HTML can not be read"};
    return part;
  }
  htmlSAXHandler handler;
  std::memset(&handler, 0, sizeof handler);
  handler.startElement = OnStart;
  handler.endElement = OnEnd;
  handler.characters = OnCharacters;
  handler.ignorableWhitespace = OnCharacters;
  htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                                 HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC | XML_PARSE_HUGE);
  if (parser->sax != nullptr) *parser->sax = handler;
  parser->userData = &page;
  xmlSwitchEncoding(parser, XML_CHAR_ENCODING_UTF8);
  page.SetParser(parser);
  htmlParseDocument(parser);
  htmlFreeParserCtxt(parser);
  return page.Take();
}

Extracted ReadHtml(std::string_view bytes, const ReadOptions& options, const ExtractLimits& limits,
                   DecodedAs* decoded_as) {
  EncodingGuess guess{HtmlEncoding(bytes), 100};
  // UTF-8 under the label of an old template: no Korean page in CP949 is valid UTF-8 by chance.
  if (guess.encoding == Encoding::kCp949 && IsValidUtf8(bytes)) guess.encoding = Encoding::kUtf8;
  const std::optional<EncodingGuess> given = GivenEncoding(options.encoding, bytes);
  if (given) guess = *given;
  Decoded decoded;
  bool done = false;
  if (guess.encoding != Encoding::kUnknown) {
    decoded = DecodeText(guess.encoding, std::string(bytes));
    done = !decoded.rejection || given.has_value();
  }
  if (!done) {
    // Without a label, or with one that is wrong.
    const EncodingGuess by_content = DetectEncoding(bytes);
    if (by_content.encoding != Encoding::kUnknown && by_content.encoding != guess.encoding) {
      guess = by_content;
      decoded = DecodeText(guess.encoding, std::string(bytes));
    } else if (guess.encoding == Encoding::kUnknown) {
      return Rejection{Reason::kUnknownEncoding, {}};
    }
  }
  if (decoded_as != nullptr) *decoded_as = {guess.encoding, guess.confidence};
  if (decoded.rejection) return *std::move(decoded.rejection);
  HtmlPart part = ExtractHtml(decoded.utf8, limits);
  if (part.rejection) return *std::move(part.rejection);
  Document document;
  document.text = std::move(part.text);
  document.title = std::move(part.title);
  document.published_at = std::move(part.published_at);
  document.author = std::move(part.author);
  return document;
}

}  // namespace jangbu::ingest
