#include "tests/ingest/extract/made_files.h"

#include <gsf/gsf-outfile-msole.h>
#include <gsf/gsf-output-memory.h>
#include <gsf/gsf-utils.h>
#include <zip.h>
#include <zlib.h>

#include <memory>

#include "base/bytes.h"
#include "base/check.h"
#include "ingest/extract/file_reader.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest::testing {

std::string MakeZip(const std::vector<ZipMember>& members) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(source);
  zip_t* zip = zip_open_from_source(source, ZIP_TRUNCATE, &error);
  JANGBU_CHECK(zip != nullptr);
  for (const ZipMember& member : members) {
    zip_source_t* data = zip_source_buffer(zip, member.bytes.data(), member.bytes.size(), 0);
    const zip_int64_t index = zip_file_add(zip, member.name.c_str(), data, ZIP_FL_ENC_RAW);
    JANGBU_CHECK(index >= 0);
    if (member.unix_mode != 0) {
      zip_file_set_external_attributes(zip, static_cast<zip_uint64_t>(index), 0, ZIP_OPSYS_UNIX,
                                       member.unix_mode << 16);
    }
    zip_set_file_compression(zip, static_cast<zip_uint64_t>(index),
                             member.stored ? ZIP_CM_STORE : ZIP_CM_DEFLATE, 0);
  }
  JANGBU_CHECK(zip_close(zip) == 0);
  zip_stat_t stat;
  JANGBU_CHECK(zip_source_stat(source, &stat) == 0);
  std::string bytes(stat.size, '\0');
  JANGBU_CHECK(zip_source_open(source) == 0);
  JANGBU_CHECK(zip_source_read(source, bytes.data(), bytes.size()) ==
               static_cast<zip_int64_t>(bytes.size()));
  zip_source_close(source);
  zip_source_free(source);
  return bytes;
}

std::string MakeTar(const std::vector<TarMember>& members) {
  std::string out;
  for (const TarMember& member : members) {
    std::string header(512, '\0');
    header.replace(0, std::min<size_t>(member.name.size(), 100), member.name.substr(0, 100));
    const auto octal = [&](size_t at, size_t width, uint64_t value) {
      for (size_t i = 0; i + 1 < width; ++i) {
        header[at + width - 2 - i] = static_cast<char>('0' + (value & 7));
        value >>= 3;
      }
    };
    octal(100, 8, 0644);
    octal(124, 12, member.bytes.size());
    header[156] = member.type;
    header.replace(257, 8,
                   std::string("ustar\0"
                               "00",
                               8));
    header.replace(148, 8, "        ");
    uint64_t sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    octal(148, 8, sum);
    out += header + member.bytes;
    out.resize((out.size() + 511) / 512 * 512, '\0');
  }
  return out + std::string(1024, '\0');
}

std::string MakeDocx(std::string_view body, std::string_view footnotes, std::string_view core) {
  const std::string w =
      " xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" "
      "xmlns:mc=\"urn:mc\" xmlns:wps=\"urn:wps\" xmlns:v=\"urn:v\"";
  std::vector<ZipMember> members = {
      {"[Content_Types].xml",
       "<Types><Override PartName=\"/word/document.xml\" ContentType=\"application/"
       "vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>"},
      {"word/document.xml", "<?xml version=\"1.0\"?><w:document" + w + "><w:body>" +
                                std::string(body) + "</w:body></w:document>"}};
  if (!footnotes.empty()) {
    members.push_back({"word/footnotes.xml",
                       "<w:footnotes" + w + ">" + std::string(footnotes) + "</w:footnotes>"});
  }
  if (!core.empty()) {
    members.push_back({"docProps/core.xml",
                       "<cp:coreProperties xmlns:cp=\"urn:cp\" xmlns:dc=\"urn:dc\" "
                       "xmlns:dcterms=\"urn:dt\">" +
                           std::string(core) + "</cp:coreProperties>"});
  }
  return MakeZip(members);
}

std::string MakeHwpx(const std::vector<std::string>& sections, std::string_view spine) {
  std::vector<ZipMember> members = {{"mimetype", "application/hwp+zip", 0, true}};
  // In reverse: the order in the zip says nothing.
  for (size_t i = sections.size(); i-- > 0;) {
    members.push_back(
        {"Contents/section" + std::to_string(i) + ".xml",
         "<hs:sec xmlns:hs=\"urn:hs\" xmlns:hp=\"urn:hp\">" + sections[i] + "</hs:sec>"});
  }
  if (!spine.empty()) members.push_back({"Contents/content.hpf", std::string(spine)});
  return MakeZip(members);
}

std::string MakeEpub(const std::vector<std::pair<std::string, std::string>>& chapters,
                     const std::vector<std::string>& spine) {
  std::string manifest, order;
  std::vector<ZipMember> members = {
      {"mimetype", "application/epub+zip", 0, true},
      {"META-INF/container.xml",
       "<container><rootfiles><rootfile full-path=\"OEBPS/a.opf\"/></rootfiles></container>"}};
  for (const auto& [name, body] : chapters) {
    manifest += "<item id=\"" + name + "\" href=\"text/" + name + ".xhtml\"/>";
    members.push_back({"OEBPS/text/" + name + ".xhtml", body});
  }
  for (const std::string& name : spine) order += "<itemref idref=\"" + name + "\"/>";
  members.push_back(
      {"OEBPS/a.opf",
       "<package xmlns:dc=\"urn:dc\"><metadata><dc:title>책</dc:title><dc:creator>김씨</dc:creator>"
       "<dc:date>2001-02-03</dc:date></metadata><manifest>" +
           manifest + "</manifest><spine>" + order + "</spine></package>"});
  return MakeZip(members);
}

std::string HwpRecord(uint32_t tag, uint32_t level, std::string_view data) {
  ByteWriter w;
  const auto size = static_cast<uint32_t>(data.size());
  w.U32(tag | level << 10 | std::min(size, uint32_t{0xFFF}) << 20);
  if (size >= 0xFFF) w.U32(size);
  w.Raw(data);
  return w.Take();
}

std::string HwpParagraph(uint32_t level, std::u16string_view units) {
  ByteWriter text;
  for (const char16_t unit : units) text.U16(unit);
  return HwpRecord(66, level, std::string(22, '\0')) + HwpRecord(67, level + 1, text.bytes());
}

std::u16string HwpControl(char16_t code) {
  return std::u16string(1, code) + std::u16string(6, u'\u7777') + std::u16string(1, code);
}

std::string HwpCtrlHeader(uint32_t level, std::string_view id) {
  return HwpRecord(71, level, std::string(id.rbegin(), id.rend()) + std::string(8, '\0'));
}

std::string HwpCell(uint32_t level, uint16_t column, uint16_t row) {
  ByteWriter w;
  w.Raw(std::string(8, '\0'));
  w.U16(column);
  w.U16(row);
  w.Raw(std::string(30, '\0'));
  return HwpRecord(72, level, w.bytes());
}

namespace {

std::string Ole(const std::function<void(GsfOutfile*)>& fill) {
  gsf_init();
  GsfOutput* memory = gsf_output_memory_new();
  GsfOutfile* ole = gsf_outfile_msole_new(memory);
  fill(ole);
  gsf_output_close(GSF_OUTPUT(ole));
  std::string bytes(
      reinterpret_cast<const char*>(gsf_output_memory_get_bytes(GSF_OUTPUT_MEMORY(memory))),
      static_cast<size_t>(gsf_output_size(memory)));
  g_object_unref(ole);
  g_object_unref(memory);
  return bytes;
}

void Put(GsfOutfile* folder, const std::string& name, std::string_view bytes) {
  GsfOutput* stream = gsf_outfile_new_child(folder, name.c_str(), FALSE);
  gsf_output_write(stream, bytes.size(), reinterpret_cast<const guint8*>(bytes.data()));
  gsf_output_close(stream);
  g_object_unref(stream);
}

std::string DeflateRaw(std::string_view bytes) {
  z_stream z{};
  JANGBU_CHECK(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  JANGBU_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

}  // namespace

std::string MakeHwp(const std::vector<std::string>& sections, uint32_t flags, uint32_t version) {
  return Ole([&](GsfOutfile* ole) {
    ByteWriter header;
    header.Raw("HWP Document File");
    header.Raw(std::string(32 - 17, '\0'));
    header.U32(version);
    header.U32(flags);
    header.Raw(std::string(216, '\0'));
    Put(ole, "FileHeader", header.bytes());
    auto* body = GSF_OUTFILE(gsf_outfile_new_child(ole, "BodyText", TRUE));
    for (size_t i = 0; i < sections.size(); ++i) {
      Put(body, "Section" + std::to_string(i),
          (flags & 1) != 0 ? DeflateRaw(sections[i]) : sections[i]);
    }
    gsf_output_close(GSF_OUTPUT(body));
    g_object_unref(body);
  });
}

std::string MakeOle(const std::string& stream) {
  return Ole([&](GsfOutfile* ole) { Put(ole, stream, "x"); });
}

std::u16string Utf16(std::string_view utf8) {
  std::u16string units;
  const char* p = utf8.data();
  while (p < utf8.data() + utf8.size()) {
    const char32_t cp = DecodeUtf8(p);
    if (cp >= 0x10000) {
      units.push_back(static_cast<char16_t>(0xD800 + ((cp - 0x10000) >> 10)));
      units.push_back(static_cast<char16_t>(0xDC00 + ((cp - 0x10000) & 0x3FF)));
    } else {
      units.push_back(static_cast<char16_t>(cp));
    }
  }
  return units;
}

std::vector<std::string> ReadLines(std::string_view bytes, std::string_view name,
                                   const ReadOptions& options, const ExtractLimits& limits,
                                   const PdfReader& pdf) {
  WholeReader documents(limits, pdf);
  MemorySource source(bytes);
  auto reader = FileReader::Open(source, name, limits, &documents, options);
  JANGBU_CHECK(reader.ok());
  std::vector<std::string> lines;
  while (true) {
    auto raw = (*reader)->Next();
    JANGBU_CHECK(raw.ok());
    if (!*raw) return lines;
    const ParsedRecord parsed = ParseRecord((*reader)->facts(), *std::move(*raw), limits);
    std::string line = std::to_string(parsed.record) + " ";
    if (!parsed.place.empty()) line += "@" + parsed.place + " ";
    lines.push_back(line + (parsed.ok() ? parsed.document().text
                                        : "!" + std::string(CodeOf(parsed.rejection().reason))));
  }
}

Document ReadDocument(std::string_view bytes, std::string_view name, const ReadOptions& options) {
  WholeReader documents;
  MemorySource source(bytes);
  auto reader = FileReader::Open(source, name, {}, &documents, options);
  JANGBU_CHECK(reader.ok());
  auto raw = (*reader)->Next();
  JANGBU_CHECK(raw.ok() && *raw);
  ParsedRecord parsed = ParseRecord((*reader)->facts(), *std::move(*raw));
  JANGBU_CHECK(parsed.ok());
  return std::move(parsed.document());
}

}  // namespace jangbu::ingest::testing
