// DOCX, XLSX and PPTX (ECMA-376), by events over each part.

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

Rejection TextTooLarge(const ExtractLimits& limits) {
  return {Reason::kRecordTooLarge,
          "text of more than " + std::to_string(limits.text_bytes_max) + " bytes"};
}

// Name of the part with the relationships of `part`.
std::string RelationsOf(std::string_view part) {
  const size_t slash = part.rfind('/');
  const std::string_view folder = slash == std::string_view::npos ? "" : part.substr(0, slash + 1);
  return std::string(folder) + "_rels/" + std::string(part.substr(folder.size())) + ".rels";
}

// A target relative to the folder of `part`, or from the root.
std::string Resolve(std::string_view part, std::string_view target) {
  if (target.starts_with('/')) return std::string(target.substr(1));
  const size_t slash = part.rfind('/');
  std::string path(slash == std::string_view::npos ? "" : part.substr(0, slash + 1));
  while (target.starts_with("../")) {
    target.remove_prefix(3);
    if (!path.empty()) path.pop_back();
    const size_t up = path.rfind('/');
    path.resize(up == std::string::npos ? 0 : up + 1);
  }
  if (target.starts_with("./")) target.remove_prefix(2);
  return path.append(target);
}

struct Relation {
  std::string id, type, target;
};

std::vector<Relation> ReadRelations(ZipArchive& zip, std::string_view part,
                                    const ExtractLimits& limits) {
  std::vector<Relation> relations;
  const std::string name = RelationsOf(part);
  if (!zip.Find(name)) return relations;
  Part bytes = zip.Read(name);
  if (!std::holds_alternative<std::string>(bytes)) return relations;
  XmlReader xml(std::get<std::string>(bytes), limits);
  for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
    if (event != Event::kStart || xml.name() != "Relationship") continue;
    if (xml.Attribute("TargetMode").value_or("") == "External") continue;
    std::string type = xml.Attribute("Type").value_or("");
    type.erase(0, type.rfind('/') + 1);
    relations.push_back({xml.Attribute("Id").value_or(""), std::move(type),
                         Resolve(part, xml.Attribute("Target").value_or(""))});
  }
  return relations;
}

std::string TargetOfType(const std::vector<Relation>& relations, std::string_view type,
                         std::string_view otherwise) {
  for (const Relation& relation : relations) {
    if (relation.type == type) return relation.target;
  }
  return std::string(otherwise);
}

// docProps/core.xml: Dublin Core.
void ReadCoreProperties(ZipArchive& zip, const ExtractLimits& limits, Document& document) {
  const std::string name =
      TargetOfType(ReadRelations(zip, "", limits), "core-properties", "docProps/core.xml");
  if (!zip.Find(name)) return;
  Part bytes = zip.Read(name);
  if (!std::holds_alternative<std::string>(bytes)) return;
  XmlReader xml(std::get<std::string>(bytes), limits);
  for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
    if (event != Event::kStart) continue;
    if (xml.name() == "title") {
      document.title = Metadata(xml.InnerText(), limits.metadata_bytes_max);
    } else if (xml.name() == "creator") {
      document.author = Metadata(xml.InnerText(), limits.metadata_bytes_max);
    } else if (xml.name() == "created") {
      document.published_at = DateOf(xml.InnerText());
    }
  }
}

// ---- DOCX ----

using Notes = std::map<std::string, std::string, std::less<>>;  // id → text

class Docx {
 public:
  explicit Docx(const ExtractLimits& limits) : limits_(limits), flow_(limits.text_bytes_max) {}

  // Reads word/document.xml, or, with `notes_out`, a part of notes.
  std::optional<Rejection> Read(std::string_view bytes, const Notes& footnotes,
                                const Notes& endnotes, Notes* notes_out) {
    XmlReader xml(bytes, limits_);
    std::string note_id;
    bool note_counts = false;
    for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
      const std::string_view name = xml.name();
      if (event == Event::kText) {
        if (in_text_) flow_.Text(xml.text());
        continue;
      }
      if (event == Event::kEnd) {
        if (name == "t") {
          in_text_ = false;
        } else if (name == "p") {
          if (verse_) flow_.EndPreformatted();
          verse_ = false;
          flow_.EndParagraph();
        } else if (name == "tc") {
          flow_.EndCell();
        } else if (name == "tr") {
          flow_.EndRow();
        } else if (name == "txbxContent") {
          flow_.EndNote();
        } else if (name == "footnote" || name == "endnote") {
          if (notes_out != nullptr && note_counts) (*notes_out)[note_id] = flow_.Take();
          if (notes_out != nullptr) flow_.Take();
        }
        if (flow_.overflowed()) return TextTooLarge(limits_);
        continue;
      }
      // <Fallback> says again, the old way, what stands before it.
      if (name == "del" || name == "moveFrom" || name == "Fallback" || name == "rt") {
        xml.SkipElement();
      } else if (name == "t") {
        in_text_ = true;
      } else if (name == "tab" || name == "ptab") {
        flow_.Text(" ");
      } else if (name == "br" || name == "cr") {
        flow_.SoftBreak();
      } else if (name == "noBreakHyphen") {
        flow_.Text("-");
      } else if (name == "pStyle") {
        const std::string style = xml.Attribute("val").value_or("");
        if (style.find("Preformatted") != std::string::npos ||
            style.find("Verse") != std::string::npos || style.find("Poem") != std::string::npos) {
          if (!verse_) flow_.BeginPreformatted();
          verse_ = true;
        }
      } else if (name == "tabs") {
        xml.SkipElement();  // tab stops, of the same name as tabs
      } else if (name == "tr") {
        flow_.BeginRow();
      } else if (name == "txbxContent") {
        flow_.BeginNote();
      } else if (name == "footnoteReference" || name == "endnoteReference") {
        const Notes& notes = name == "footnoteReference" ? footnotes : endnotes;
        const auto found = notes.find(xml.Attribute("id").value_or(""));
        if (found != notes.end()) {
          flow_.BeginNote();
          AddLines(found->second);
          flow_.EndNote();
        }
      } else if (name == "footnote" || name == "endnote") {
        note_id = xml.Attribute("id").value_or("");
        note_counts = xml.Attribute("type").value_or("normal") == "normal";
      }
    }
    return xml.fault();
  }

  TextFlow& flow() { return flow_; }

 private:
  void AddLines(std::string_view lines) {
    while (!lines.empty()) {
      const size_t end = std::min(lines.find('\n'), lines.size());
      flow_.Text(lines.substr(0, end));
      flow_.EndParagraph();
      lines.remove_prefix(std::min(end + 1, lines.size()));
    }
  }

  const ExtractLimits& limits_;
  TextFlow flow_;
  bool in_text_ = false;
  bool verse_ = false;
};

}  // namespace

Extracted ReadDocx(ZipArchive& zip, const ExtractLimits& limits) {
  const std::string main =
      TargetOfType(ReadRelations(zip, "", limits), "officeDocument", "word/document.xml");
  Part bytes = zip.Read(main);
  if (Rejection* rejection = std::get_if<Rejection>(&bytes)) return std::move(*rejection);
  const std::vector<Relation> relations = ReadRelations(zip, main, limits);
  const size_t slash = main.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : main.substr(0, slash + 1);
  Notes footnotes, endnotes;
  for (auto [type, notes] : {std::pair("footnotes", &footnotes), {"endnotes", &endnotes}}) {
    const std::string part = TargetOfType(relations, type, folder + type + ".xml");
    if (!zip.Find(part)) continue;
    Part note_bytes = zip.Read(part);
    if (Rejection* rejection = std::get_if<Rejection>(&note_bytes)) return std::move(*rejection);
    if (auto fault = Docx(limits).Read(std::get<std::string>(note_bytes), {}, {}, notes))
      return *std::move(fault);
  }
  Docx docx(limits);
  if (auto fault = docx.Read(std::get<std::string>(bytes), footnotes, endnotes, nullptr))
    return *std::move(fault);
  Document document;
  ReadCoreProperties(zip, limits, document);
  document.text = docx.flow().Take();
  return document;
}

// ---- XLSX ----

namespace {

// Text of <si> and <is>: all <t>, without phonetic runs.
std::string RichText(XmlReader& xml, const ExtractLimits& limits) {
  std::string text;
  const size_t depth = xml.depth();
  const std::string end(xml.name());
  bool in_text = false;
  for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
    if (event == Event::kEnd && xml.depth() == depth && xml.name() == end) break;
    if (event == Event::kStart && xml.name() == "rPh") {
      xml.SkipElement();
    } else if (event == Event::kStart && xml.name() == "t") {
      in_text = true;
    } else if (event == Event::kEnd && xml.name() == "t") {
      in_text = false;
    } else if (event == Event::kText && in_text &&
               text.size() + xml.text().size() <= limits.text_bytes_max) {
      text.append(xml.text());
    }
  }
  return text;
}

}  // namespace

Extracted ReadXlsx(ZipArchive& zip, const ExtractLimits& limits) {
  const std::string workbook =
      TargetOfType(ReadRelations(zip, "", limits), "officeDocument", "xl/workbook.xml");
  const std::vector<Relation> relations = ReadRelations(zip, workbook, limits);
  std::vector<std::string> shared;
  if (const std::string part = TargetOfType(relations, "sharedStrings", "xl/sharedStrings.xml");
      zip.Find(part)) {
    Part bytes = zip.Read(part);
    if (Rejection* rejection = std::get_if<Rejection>(&bytes)) return std::move(*rejection);
    XmlReader xml(std::get<std::string>(bytes), limits);
    for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
      if (event == Event::kStart && xml.name() == "si") shared.push_back(RichText(xml, limits));
    }
    if (xml.fault()) return *xml.fault();
  }

  Part bytes = zip.Read(workbook);
  if (Rejection* rejection = std::get_if<Rejection>(&bytes)) return std::move(*rejection);
  std::vector<std::string> sheets;
  {
    XmlReader xml(std::get<std::string>(bytes), limits);
    for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
      if (event != Event::kStart || xml.name() != "sheet") continue;
      if (xml.Attribute("state").value_or("visible") != "visible") continue;
      const std::string id = xml.Attribute("r:id").value_or("");
      for (const Relation& relation : relations) {
        if (relation.id == id && relation.type == "worksheet") sheets.push_back(relation.target);
      }
    }
    if (xml.fault()) return *xml.fault();
  }
  TextFlow flow(limits.text_bytes_max);
  for (const std::string& sheet : sheets) {
    Part sheet_bytes = zip.Read(sheet);
    if (Rejection* rejection = std::get_if<Rejection>(&sheet_bytes)) return std::move(*rejection);
    XmlReader xml(std::get<std::string>(sheet_bytes), limits);
    std::string type;
    for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
      const std::string_view name = xml.name();
      if (event == Event::kEnd && name == "row") flow.EndRow();
      if (event != Event::kStart) continue;
      if (name == "row") {
        flow.BeginRow();
      } else if (name == "c") {
        type = xml.Attribute("t").value_or("n");
      } else if (name == "is") {
        flow.Text(RichText(xml, limits));
        flow.EndCell();
      } else if (name == "f") {
        xml.SkipElement();
      } else if (name == "v") {
        const std::string value = xml.InnerText();
        if (type == "s") {
          size_t index = shared.size();
          if (!value.empty() && value.size() < 10 &&
              value.find_first_not_of("0123456789") == std::string::npos)
            index = std::stoul(value);
          if (index >= shared.size())
            return Rejection{Reason::kDamagedDocument, "a cell names a string that is not there"};
          flow.Text(shared[index]);
        } else if (type != "b" && type != "e") {
          flow.Text(value);
        }
        flow.EndCell();
      }
      if (flow.overflowed()) return TextTooLarge(limits);
    }
    if (xml.fault()) return *xml.fault();
  }
  Document document;
  ReadCoreProperties(zip, limits, document);
  document.text = flow.Take();
  return document;
}

// ---- PPTX ----

namespace {

std::optional<Rejection> ReadSlide(std::string_view bytes, const ExtractLimits& limits,
                                   TextFlow& flow) {
  XmlReader xml(bytes, limits);
  bool in_text = false;
  bool left_out = false;  // the shape is a slide number, a date or a footer
  for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
    const std::string_view name = xml.name();
    if (event == Event::kText) {
      if (in_text && !left_out) flow.Text(xml.text());
    } else if (event == Event::kEnd) {
      if (name == "t") in_text = false;
      if (name == "p") flow.EndParagraph();
      if (name == "tc") flow.EndCell();
      if (name == "tr") flow.EndRow();
      if (name == "sp") left_out = false;
    } else {
      if (name == "t") in_text = true;
      if (name == "br") flow.SoftBreak();
      if (name == "tab") flow.Text(" ");
      if (name == "tr") flow.BeginRow();
      if (name == "Fallback") xml.SkipElement();
      if (name == "fld" && xml.Attribute("type").value_or("").starts_with("slidenum"))
        xml.SkipElement();
      if (name == "ph") {
        const std::string type = xml.Attribute("type").value_or("");
        left_out =
            type == "sldNum" || type == "dt" || type == "ftr" || type == "hdr" || type == "sldImg";
      }
    }
    if (flow.overflowed()) return TextTooLarge(limits);
  }
  return xml.fault();
}

}  // namespace

Extracted ReadPptx(ZipArchive& zip, const ExtractLimits& limits) {
  const std::string show =
      TargetOfType(ReadRelations(zip, "", limits), "officeDocument", "ppt/presentation.xml");
  const std::vector<Relation> relations = ReadRelations(zip, show, limits);
  Part bytes = zip.Read(show);
  if (Rejection* rejection = std::get_if<Rejection>(&bytes)) return std::move(*rejection);
  std::vector<std::string> slides;
  {
    XmlReader xml(std::get<std::string>(bytes), limits);
    for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
      if (event != Event::kStart || xml.name() != "sldId") continue;
      for (const Relation& relation : relations) {
        if (relation.type == "slide" && relation.id == xml.Attribute("r:id").value_or(""))
          slides.push_back(relation.target);
      }
    }
    if (xml.fault()) return *xml.fault();
  }
  TextFlow flow(limits.text_bytes_max);
  for (const std::string& slide : slides) {
    Part slide_bytes = zip.Read(slide);
    if (Rejection* rejection = std::get_if<Rejection>(&slide_bytes)) return std::move(*rejection);
    if (auto fault = ReadSlide(std::get<std::string>(slide_bytes), limits, flow))
      return *std::move(fault);
    for (const Relation& relation : ReadRelations(zip, slide, limits)) {
      if (relation.type != "notesSlide" || !zip.Find(relation.target)) continue;
      Part notes = zip.Read(relation.target);
      if (Rejection* rejection = std::get_if<Rejection>(&notes)) return std::move(*rejection);
      if (auto fault = ReadSlide(std::get<std::string>(notes), limits, flow))
        return *std::move(fault);
    }
  }
  Document document;
  ReadCoreProperties(zip, limits, document);
  document.text = flow.Take();
  return document;
}

}  // namespace jangbu::ingest
