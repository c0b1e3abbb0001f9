// EPUB 2 and 3: META-INF/container.xml names the package, whose spine names the chapters.

#include <map>
#include <vector>

#include "ingest/extract/label.h"
#include "ingest/extract/readers.h"
#include "ingest/extract/xml_reader.h"
#include "ingest/extract/zip_archive.h"

namespace jangbu::ingest {
namespace {

using Event = XmlReader::Event;
using Part = std::variant<std::string, Rejection>;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A reference inside the package, relative to its folder, without its fragment.
std::string Resolve(std::string_view folder, std::string_view reference) {
  reference = reference.substr(0, reference.find('#'));
  std::string path(folder);
  std::string decoded;
  for (size_t i = 0; i < reference.size(); ++i) {
    if (reference[i] == '%' && i + 2 < reference.size() && HexDigit(reference[i + 1]) >= 0 &&
        HexDigit(reference[i + 2]) >= 0) {
      decoded.push_back(
          static_cast<char>(HexDigit(reference[i + 1]) * 16 + HexDigit(reference[i + 2])));
      i += 2;
    } else {
      decoded.push_back(reference[i]);
    }
  }
  std::string_view rest = decoded;
  if (rest.starts_with('/')) {
    path.clear();
    rest.remove_prefix(1);
  }
  while (rest.starts_with("../")) {
    rest.remove_prefix(3);
    if (!path.empty()) path.pop_back();
    const size_t up = path.rfind('/');
    path.resize(up == std::string::npos ? 0 : up + 1);
  }
  return path.append(rest);
}

// Content under encryption, other than obfuscated fonts.
bool IsProtected(ZipArchive& zip, const ExtractLimits& limits) {
  if (zip.Find("META-INF/rights.xml")) return true;
  constexpr std::string_view kEncryption = "META-INF/encryption.xml";
  if (!zip.Find(kEncryption)) return false;
  Part bytes = zip.Read(kEncryption);
  if (!std::holds_alternative<std::string>(bytes)) return true;
  XmlReader xml(std::get<std::string>(bytes), limits);
  for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
    if (event != Event::kStart || xml.name() != "EncryptionMethod") continue;
    const std::string algorithm = xml.Attribute("Algorithm").value_or("");
    if (algorithm != "http://www.idpf.org/2008/embedding" &&
        algorithm != "http://ns.adobe.com/pdf/enc#RC")
      return true;
  }
  return false;
}

}  // namespace

Extracted ReadEpub(ZipArchive& zip, const ExtractLimits& limits) {
  if (IsProtected(zip, limits)) return Rejection{Reason::kDrmProtected, "the EPUB is encrypted"};
  Part container = zip.Read("META-INF/container.xml");
  if (Rejection* rejection = std::get_if<Rejection>(&container)) return std::move(*rejection);
  std::string package;
  {
    XmlReader xml(std::get<std::string>(container), limits);
    for (Event event = xml.Next(); event != Event::kDone && package.empty(); event = xml.Next()) {
      if (event == Event::kStart && xml.name() == "rootfile")
        package = xml.Attribute("full-path").value_or("");
    }
    if (package.empty())
      return xml.fault() ? *xml.fault()
                         : Rejection{Reason::kDamagedDocument, "the EPUB names no package"};
  }
  Part bytes = zip.Read(package);
  if (Rejection* rejection = std::get_if<Rejection>(&bytes)) return std::move(*rejection);
  const size_t slash = package.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : package.substr(0, slash + 1);

  Document document;
  std::vector<std::string> chapters;
  {
    struct Item {
      std::string path;
      bool contents = false;
    };
    std::map<std::string, Item> items;
    XmlReader xml(std::get<std::string>(bytes), limits);
    for (Event event = xml.Next(); event != Event::kDone; event = xml.Next()) {
      if (event != Event::kStart) continue;
      if (xml.name() == "item") {
        const std::string properties = " " + xml.Attribute("properties").value_or("") + " ";
        items[xml.Attribute("id").value_or("")] = {
            Resolve(folder, xml.Attribute("href").value_or("")),
            properties.find(" nav ") != std::string::npos};
      } else if (xml.name() == "itemref") {
        const auto item = items.find(xml.Attribute("idref").value_or(""));
        if (item == items.end())
          return Rejection{Reason::kDamagedDocument, "the spine names a chapter that is not there"};
        if (!item->second.contents) chapters.push_back(item->second.path);
      } else if (xml.name() == "title" && document.title.empty()) {
        document.title = Metadata(xml.InnerText(), limits.metadata_bytes_max);
      } else if (xml.name() == "creator" && document.author.empty()) {
        document.author = Metadata(xml.InnerText(), limits.metadata_bytes_max);
      } else if (xml.name() == "date" && document.published_at.empty()) {
        document.published_at = DateOf(xml.InnerText());
      }
    }
    if (xml.fault()) return *xml.fault();
  }
  if (chapters.empty()) return Rejection{Reason::kDamagedDocument, "the EPUB has no chapter"};
  for (const std::string& chapter : chapters) {
    Part text = zip.Read(chapter);
    if (Rejection* rejection = std::get_if<Rejection>(&text)) return std::move(*rejection);
    Extracted read = ReadHtml(std::get<std::string>(text), {}, limits);
    if (Rejection* rejection = std::get_if<Rejection>(&read)) return std::move(*rejection);
    document.text.append(std::get<Document>(read).text);
    if (document.text.size() > limits.text_bytes_max) {
      return Rejection{Reason::kRecordTooLarge,
                       "text of more than " + std::to_string(limits.text_bytes_max) + " bytes"};
    }
  }
  return document;
}

}  // namespace jangbu::ingest
