#include "ingest/extract/xml_reader.h"

#include <libxml/xmlreader.h>

#include "ingest/extract/encoding.h"
#include "ingest/extract/label.h"

namespace jangbu::ingest {
namespace {

std::string_view View(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

// What stands before the root element.
std::string_view Prolog(std::string_view xml) {
  for (size_t at = xml.find('<'); at != std::string_view::npos; at = xml.find('<', at + 1)) {
    const char c = at + 1 < xml.size() ? xml[at + 1] : '\0';
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
        static_cast<unsigned char>(c) >= 0x80) {
      return xml.substr(0, at);
    }
    // What looks like markup inside a comment is none.
    if (xml.substr(at, 4) == "<!--") {
      const size_t end = xml.find("-->", at + 4);
      if (end == std::string_view::npos) return xml;
      at = end;
    }
  }
  return xml;
}

}  // namespace

struct XmlReader::Impl {
  std::string utf8;  // when the bytes were not
  xmlTextReaderPtr reader = nullptr;
  ~Impl() { xmlFreeTextReader(reader); }
};

XmlReader::XmlReader(std::string_view bytes, const ExtractLimits& limits)
    : impl_(std::make_unique<Impl>()), limits_(limits) {
  std::string_view xml = bytes;
  const Encoding encoding = XmlEncoding(bytes);
  if (encoding == Encoding::kUnknown) {
    fault_ = Rejection{Reason::kUnknownEncoding, "the encoding of an XML declaration"};
    return;
  }
  Decoded decoded = DecodeText(encoding, std::string(bytes));
  if (decoded.rejection) {
    fault_ = std::move(decoded.rejection);
    return;
  }
  impl_->utf8 = std::move(decoded.utf8);
  xml = impl_->utf8;
  if (Prolog(xml).find("<!ENTITY") != std::string_view::npos) {
    fault_ = Rejection{Reason::kUnsafeMarkup, "an entity declaration"};
    return;
  }
  if (xml.size() > INT32_MAX) {
    fault_ = Rejection{Reason::kRecordTooLarge, std::to_string(xml.size()) + " bytes of XML"};
    return;
  }
  constexpr int kOptions = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                           XML_PARSE_HUGE | XML_PARSE_IGNORE_ENC | XML_PARSE_COMPACT;
  impl_->reader =
      xmlReaderForMemory(xml.data(), static_cast<int>(xml.size()), nullptr, "UTF-8", kOptions);
  if (impl_->reader == nullptr) fault_ = Rejection{Reason::kDamagedDocument, "XML can not be read"};
}

XmlReader::~XmlReader() = default;

XmlReader::Event XmlReader::Next() {
  if (ends_next_) {
    ends_next_ = false;
    return Event::kEnd;
  }
  while (true) {
    if (fault_) return Event::kDone;
    const int read = xmlTextReaderRead(impl_->reader);
    if (read == 0) return Event::kDone;
    if (read < 0) {
      fault_ = Rejection{
          Reason::kDamagedDocument,
          "XML breaks at line " + std::to_string(xmlTextReaderGetParserLineNumber(impl_->reader))};
      return Event::kDone;
    }
    switch (xmlTextReaderNodeType(impl_->reader)) {
      case XML_READER_TYPE_ELEMENT:
        name_ = View(xmlTextReaderConstLocalName(impl_->reader));
        depth_ = static_cast<size_t>(xmlTextReaderDepth(impl_->reader)) + 1;
        if (depth_ > limits_.markup_depth_max) {
          fault_ = Rejection{Reason::kTooDeep,
                             "more than " + std::to_string(limits_.markup_depth_max) + " elements"};
          return Event::kDone;
        }
        ends_next_ = xmlTextReaderIsEmptyElement(impl_->reader) == 1;
        return Event::kStart;
      case XML_READER_TYPE_END_ELEMENT:
        name_ = View(xmlTextReaderConstLocalName(impl_->reader));
        depth_ = static_cast<size_t>(xmlTextReaderDepth(impl_->reader)) + 1;
        return Event::kEnd;
      case XML_READER_TYPE_TEXT:
      case XML_READER_TYPE_CDATA:
      case XML_READER_TYPE_WHITESPACE:
      case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
        text_ = View(xmlTextReaderConstValue(impl_->reader));
        return Event::kText;
      default:
        break;
    }
  }
}

std::optional<std::string> XmlReader::Attribute(std::string_view local_name) const {
  xmlTextReaderPtr reader = impl_->reader;
  std::optional<std::string> value;
  const bool prefixed = local_name.starts_with("r:");
  if (prefixed) local_name.remove_prefix(2);
  if (reader == nullptr || xmlTextReaderMoveToFirstAttribute(reader) != 1) return value;
  do {
    if (View(xmlTextReaderConstLocalName(reader)) == local_name &&
        (!prefixed || xmlTextReaderConstPrefix(reader) != nullptr)) {
      value = std::string(View(xmlTextReaderConstValue(reader)));
      break;
    }
  } while (xmlTextReaderMoveToNextAttribute(reader) == 1);
  xmlTextReaderMoveToElement(reader);
  return value;
}

void XmlReader::SkipElement() {
  if (ends_next_) {
    ends_next_ = false;
    return;
  }
  const size_t depth = depth_;
  for (Event event = Next(); event != Event::kDone; event = Next()) {
    if (event == Event::kEnd && depth_ == depth) return;
  }
}

std::string XmlReader::InnerText() {
  std::string inner;
  if (ends_next_) {
    ends_next_ = false;
    return inner;
  }
  const size_t depth = depth_;
  for (Event event = Next(); event != Event::kDone; event = Next()) {
    if (event == Event::kEnd && depth_ == depth) break;
    if (event == Event::kText && inner.size() + text_.size() <= limits_.text_bytes_max)
      inner.append(text_);
  }
  return inner;
}

}  // namespace jangbu::ingest
