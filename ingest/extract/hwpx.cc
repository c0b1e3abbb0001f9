// HWPX (OWPML, KS X 6101): a zip whose Contents/content.hpf names the sections.

#include <algorithm>
#include <map>
#include <vector>

#include "ingest/extract/readers.h"
#include "ingest/extract/text_flow.h"
#include "ingest/extract/xml_reader.h"
#include "ingest/extract/zip_archive.h"

namespace jangbu::ingest {
namespace {

using Event = XmlReader::Event;
using Part = std::variant<std::string, Rejection>;

struct Package {
  std::vector<std::string> sections;
  Document metadata;
};

// The number in "Contents/section12.xml", or nothing.
std::optional<uint32_t> SectionNumber(std::string_view name) {
  const size_t at = name.rfind("section");
  if (at == std::string_view::npos || !name.ends_with(".xml")) return std::nullopt;
  const std::string_view digits = name.substr(at + 7, name.size() - at - 7 - 4);
  if (digits.empty() || digits.size() > 6 ||
      digits.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  uint32_t number = 0;
  for (const char c : digits) number = number * 10 + static_cast<uint32_t>(c - '0');
  return number;
}

// The sections by the package's spine; by their numbers when it names none.
Package ReadPackage(ZipArchive& zip, const ExtractLimits& limits) {
  Package package;
  constexpr std::string_view kPackage = "Contents/content.hpf";
  if (zip.Find(kPackage)) {
    Part bytes = zip.Read(kPackage);
    if (std::holds_alternative<std::string>(bytes)) {
      std::map<std::string, std::string> parts;
      XmlReader xml(std::get<std::string>(bytes), limits);
      for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
        if (event != Event::kStart) continue;
        if (xml.name() == "item") {
          parts[xml.Attribute("id").value_or("")] = xml.Attribute("href").value_or("");
        } else if (xml.name() == "itemref") {
          const auto found = parts.find(xml.Attribute("idref").value_or(""));
          if (found == parts.end()) continue;
          for (const std::string& name : {found->second, "Contents/" + found->second}) {
            if (SectionNumber(name) && zip.Find(name)) {
              package.sections.push_back(name);
              break;
            }
          }
        } else if (xml.name() == "title") {
          package.metadata.title = Metadata(xml.InnerText(), limits.metadata_bytes_max);
        } else if (xml.name() == "meta") {
          const std::string name = xml.Attribute("name").value_or("");
          if (name == "creator")
            package.metadata.author = Metadata(xml.InnerText(), limits.metadata_bytes_max);
          else if (name == "CreatedDate")
            package.metadata.published_at = DateOf(xml.InnerText());
        }
      }
    }
  }
  if (!package.sections.empty()) return package;
  std::vector<std::pair<uint32_t, std::string>> numbered;
  for (const ZipArchive::Member& member : zip.members()) {
    if (!member.name.starts_with("Contents/")) continue;
    if (const auto number = SectionNumber(member.name)) numbered.emplace_back(*number, member.name);
  }
  std::sort(numbered.begin(), numbered.end());
  for (auto& [number, name] : numbered) package.sections.push_back(std::move(name));
  return package;
}

bool IsEncrypted(ZipArchive& zip, const ExtractLimits& limits) {
  constexpr std::string_view kManifest = "META-INF/manifest.xml";
  if (!zip.Find(kManifest)) return false;
  Part bytes = zip.Read(kManifest);
  if (!std::holds_alternative<std::string>(bytes)) return false;
  XmlReader xml(std::get<std::string>(bytes), limits);
  for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
    if (event == Event::kStart && xml.name() == "encryption-data") return true;
  }
  return false;
}

std::optional<Rejection> ReadSection(std::string_view bytes, const ExtractLimits& limits,
                                     TextFlow& flow) {
  XmlReader xml(bytes, limits);
  size_t in_text = 0;    // depth of the text element that is open, or 0
  size_t ruby_text = 0;  // the same of the base of a ruby
  bool deleted = false;  // between the marks of a tracked deletion
  for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
    const std::string_view name = xml.name();
    if (event == Event::kText) {
      if ((in_text > 0 || ruby_text > 0) && !deleted) flow.Text(xml.text());
      continue;
    }
    if (event == Event::kEnd) {
      if (name == "t" && xml.depth() == in_text) {
        in_text = 0;
      } else if (name == "mainText" && xml.depth() == ruby_text) {
        ruby_text = 0;
      } else if (name == "p") {
        flow.EndParagraph();
      } else if (name == "tc") {
        flow.EndCell();
      } else if (name == "tr") {
        flow.EndRow();
      } else if (name == "footNote" || name == "endNote" || name == "drawText" ||
                 name == "caption") {
        flow.EndNote();
      }
      if (flow.overflowed()) {
        return Rejection{Reason::kRecordTooLarge,
                         "text of more than " + std::to_string(limits.text_bytes_max) + " bytes"};
      }
      continue;
    }
    if (name == "t") {
      in_text = xml.depth();
    } else if (name == "mainText") {
      ruby_text = xml.depth();
    } else if (name == "lineBreak") {
      flow.SoftBreak();
    } else if (name == "tab" || name == "nbSpace" || name == "fwSpace") {
      if (in_text > 0) flow.Text(" ");
    } else if (name == "hyphen") {
      if (in_text > 0) flow.Text("-");
    } else if (name == "deleteBegin") {
      deleted = true;
    } else if (name == "deleteEnd") {
      deleted = false;
    } else if (name == "tbl") {
      flow.EndParagraph();
    } else if (name == "tr") {
      flow.BeginRow();
    } else if (name == "footNote" || name == "endNote" || name == "drawText" || name == "caption") {
      flow.BeginNote();
    } else if (name == "header" || name == "footer" || name == "hiddenComment" ||
               name == "equation" || name == "subText" || name == "memo" || name == "secPr" ||
               name == "fieldBegin" || name == "parameters") {
      xml.SkipElement();
    }
  }
  return xml.fault();
}

}  // namespace

Extracted ReadHwpx(ZipArchive& zip, const ExtractLimits& limits) {
  if (IsEncrypted(zip, limits))
    return Rejection{Reason::kPasswordProtected, "the HWPX parts are encrypted"};
  Package package = ReadPackage(zip, limits);
  if (package.sections.empty())
    return Rejection{Reason::kDamagedDocument, "the HWPX has no section"};
  TextFlow flow(limits.text_bytes_max);
  for (const std::string& section : package.sections) {
    Part bytes = zip.Read(section);
    if (Rejection* rejection = std::get_if<Rejection>(&bytes)) return std::move(*rejection);
    if (auto fault = ReadSection(std::get<std::string>(bytes), limits, flow))
      return *std::move(fault);
  }
  Document document = std::move(package.metadata);
  document.text = flow.Take();
  return document;
}

}  // namespace jangbu::ingest
