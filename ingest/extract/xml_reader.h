#pragma once

// XML, one event after the other, in memory of its open elements alone. Over libxml2's reader,
// which no other file knows. Nothing outside the bytes is opened, no entity but the five of XML is
// expanded: a file that declares any is refused.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/extract/limits.h"
#include "ingest/extract/reasons.h"

namespace jangbu::ingest {

class XmlReader {
 public:
  enum class Event { kStart, kEnd, kText, kDone };

  // `bytes` in UTF-8, UTF-16 or the encoding of its declaration ("euc-kr" is windows-949). Must
  // outlive the reader.
  XmlReader(std::string_view bytes, const ExtractLimits& limits);
  ~XmlReader();
  XmlReader(const XmlReader&) = delete;
  XmlReader& operator=(const XmlReader&) = delete;

  // An empty element gives a start and an end. After kDone, fault() says whether it was the end.
  Event Next();
  const std::optional<Rejection>& fault() const { return fault_; }

  // Of the element that starts or ends, without its prefix; valid until Next.
  std::string_view name() const { return name_; }
  // Of kText; valid until Next.
  std::string_view text() const { return text_; }
  // Elements open, this one counted.
  size_t depth() const { return depth_; }
  // Of the element that starts: by its name without prefix, the first such; "r:id" is the one of
  // that local name that has a prefix, whatever the prefix is.
  std::optional<std::string> Attribute(std::string_view local_name) const;

  // After kStart: goes on to the end of that element, so that Next gives what follows it.
  void SkipElement();
  // After kStart: all text inside the element, to its end.
  std::string InnerText();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  const ExtractLimits& limits_;
  std::optional<Rejection> fault_;
  std::string_view name_;
  std::string_view text_;
  size_t depth_ = 0;
  bool ends_next_ = false;  // the element that started is empty
};

}  // namespace jangbu::ingest
