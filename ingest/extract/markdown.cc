// CommonMark with tables, over md4c. Markup goes, text stays; soft-wrapped lines are one paragraph.

#include <md4c.h>

#include <utility>

#include "ingest/extract/readers.h"
#include "ingest/extract/text_flow.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

struct Walk {
  TextFlow flow;
  bool in_html = false;
  std::string html;  // of the raw block that is open
  const ExtractLimits* limits = nullptr;
  size_t images = 0;  // inside images, whose text is not shown

  explicit Walk(size_t bytes_max) : flow(bytes_max) {}
};

int OnEnterBlock(MD_BLOCKTYPE type, void*, void* user) {
  Walk& walk = *static_cast<Walk*>(user);
  if (type == MD_BLOCK_TR) {
    walk.flow.BeginRow();
  } else if (type != MD_BLOCK_TD && type != MD_BLOCK_TH) {
    walk.flow.EndParagraph();
  }
  if (type == MD_BLOCK_CODE) walk.flow.BeginPreformatted();
  if (type == MD_BLOCK_HTML) walk.in_html = true;
  return 0;
}

int OnLeaveBlock(MD_BLOCKTYPE type, void*, void* user) {
  Walk& walk = *static_cast<Walk*>(user);
  if (type == MD_BLOCK_CODE) walk.flow.EndPreformatted();
  if (type == MD_BLOCK_HTML) {
    walk.in_html = false;
    const HtmlPart part = ExtractHtml(std::exchange(walk.html, {}), *walk.limits);
    walk.flow.BeginPreformatted();
    walk.flow.Text(part.text);
    walk.flow.EndPreformatted();
  }
  if (type == MD_BLOCK_TD || type == MD_BLOCK_TH) {
    walk.flow.EndCell();
  } else if (type == MD_BLOCK_TR) {
    walk.flow.EndRow();
  } else {
    walk.flow.EndParagraph();
  }
  return 0;
}

int OnEnterSpan(MD_SPANTYPE type, void*, void* user) {
  static_cast<Walk*>(user)->images += type == MD_SPAN_IMG;
  return 0;
}

int OnLeaveSpan(MD_SPANTYPE type, void*, void* user) {
  static_cast<Walk*>(user)->images -= type == MD_SPAN_IMG;
  return 0;
}

// "&#xAC00;" and "&amp;": numbers, and the names that texts use.
void Entity(std::string_view entity, TextFlow& flow) {
  if (entity.starts_with("&#") && entity.ends_with(';')) {
    const bool hex = entity.size() > 3 && (entity[2] == 'x' || entity[2] == 'X');
    uint32_t cp = 0;
    for (const char c : entity.substr(hex ? 3 : 2, entity.size() - (hex ? 4 : 3))) {
      const int digit = c >= '0' && c <= '9'          ? c - '0'
                        : hex && c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : hex && c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                      : -1;
      if (digit < 0 || cp > 0x10FFFF) return;
      cp = cp * (hex ? 16 : 10) + static_cast<uint32_t>(digit);
    }
    if (cp == 0 || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF)) return;
    std::string utf8;
    AppendUtf8(cp, utf8);
    flow.Text(utf8);
    return;
  }
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"&amp;", "&"},   {"&lt;", "<"},     {"&gt;", ">"},    {"&quot;", "\""}, {"&apos;", "'"},
      {"&nbsp;", " "},  {"&middot;", "·"}, {"&ndash;", "–"}, {"&mdash;", "—"}, {"&hellip;", "…"},
      {"&ldquo;", "“"}, {"&rdquo;", "”"},  {"&lsquo;", "‘"}, {"&rsquo;", "’"}, {"&copy;", "©"}};
  for (const auto& [name, text] : kNames) {
    if (entity == name) return flow.Text(text);
  }
  flow.Text(entity);
}

int OnText(MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* user) {
  Walk& walk = *static_cast<Walk*>(user);
  if (walk.images > 0) return 0;
  switch (type) {
    case MD_TEXT_NULLCHAR:
      break;
    case MD_TEXT_HTML:  // a block, or one inline tag: the text between those comes as text
      if (walk.in_html) walk.html.append(text, size);
      break;
    case MD_TEXT_BR:
    case MD_TEXT_SOFTBR:
      walk.flow.SoftBreak();
      break;
    case MD_TEXT_ENTITY:
      Entity({text, size}, walk.flow);
      break;
    default:
      walk.flow.Text({text, size});
  }
  return walk.flow.overflowed() ? 1 : 0;
}

// Takes "---\n…\n---\n" off the start; keeps its title, date and author.
std::string_view TakeFrontMatter(std::string_view text, const ExtractLimits& limits,
                                 Document& document) {
  if (!text.starts_with("---\n") && !text.starts_with("---\r\n")) return text;
  size_t at = text.find('\n') + 1;
  std::string_view head = text;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    at = std::min(end + 1, text.size());
    if (line == "---" || line == "...") return text.substr(at);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon);
    std::string value = Metadata(line.substr(colon + 1), limits.metadata_bytes_max);
    if (value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0])
      value = value.substr(1, value.size() - 2);
    if (key == "title") document.title = value;
    if (key == "author") document.author = value;
    if (key == "date") document.published_at = DateOf(value);
  }
  return head;  // never closed: a rule, not front matter
}

}  // namespace

Extracted ReadMarkdown(std::string_view utf8, const ExtractLimits& limits) {
  Document document;
  const std::string_view text = TakeFrontMatter(utf8, limits, document);
  if (text.size() > UINT32_MAX / 2) {
    return Rejection{Reason::kRecordTooLarge, std::to_string(text.size()) + " bytes"};
  }
  Walk walk(limits.text_bytes_max);
  walk.limits = &limits;
  MD_PARSER parser{};
  parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS;
  parser.enter_block = OnEnterBlock;
  parser.leave_block = OnLeaveBlock;
  parser.enter_span = OnEnterSpan;
  parser.leave_span = OnLeaveSpan;
  parser.text = OnText;
  const int result = md_parse(text.data(), static_cast<MD_SIZE>(text.size()), &parser, &walk);
  if (walk.flow.overflowed()) {
    return Rejection{Reason::kRecordTooLarge,
                     "text of more than " + std::to_string(limits.text_bytes_max) + " bytes"};
  }
  if (result != 0) return Rejection{Reason::kDamagedDocument, "Markdown can not be read"};
  document.text = walk.flow.Take();
  return document;
}

}  // namespace jangbu::ingest
