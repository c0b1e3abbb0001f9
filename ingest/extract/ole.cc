// HWP 5: an OLE compound file of record streams (Hancom, "한글 문서 파일 형식 5.0").
//
//     FileHeader        256 bytes: signature 32, version u32 at 32, flags u32 at 36
//     BodyText/SectionN records, raw deflate when flag 0 is set
//     record            u32 = tag:10 level:10 size:12; size 4095: the size follows as u32
//
// Levels say what belongs to what: a table's control is one level below its paragraph, its cells'
// paragraphs two. The text of a paragraph is UTF-16LE in which code units below 32 are controls.

#include <gsf/gsf-infile-msole.h>
#include <gsf/gsf-infile.h>
#include <gsf/gsf-input-memory.h>
#include <gsf/gsf-utils.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "ingest/extract/readers.h"
#include "ingest/extract/text_flow.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

template <typename T>
struct Unref {
  void operator()(T* object) const { g_object_unref(object); }
};
template <typename T>
using Gsf = std::unique_ptr<T, Unref<T>>;

uint16_t U16(std::string_view b, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(b[at]) |
                               static_cast<unsigned char>(b[at + 1]) << 8);
}
uint32_t U32(std::string_view b, size_t at) {
  return U16(b, at) | static_cast<uint32_t>(U16(b, at + 2)) << 16;
}

Rejection Damaged(std::string_view what) { return {Reason::kDamagedDocument, std::string(what)}; }

bool Has(GsfInfile* folder, const char* name) {
  return Gsf<GsfInput>(gsf_infile_child_by_name(folder, name)) != nullptr;
}

std::variant<std::string, Rejection> ReadStream(GsfInput* stream, uint64_t bytes_max) {
  const gsf_off_t size = gsf_input_size(stream);
  if (size < 0 || static_cast<uint64_t>(size) > bytes_max)
    return Rejection{Reason::kContainerLimit, "a stream of " + std::to_string(size) + " bytes"};
  std::string bytes(static_cast<size_t>(size), '\0');
  if (size > 0 && gsf_input_read(stream, static_cast<size_t>(size),
                                 reinterpret_cast<guint8*>(bytes.data())) == nullptr)
    return Damaged("an OLE stream can not be read");
  return bytes;
}

std::variant<std::string, Rejection> InflateRaw(std::string_view bytes, uint64_t bytes_max) {
  z_stream z{};
  if (inflateInit2(&z, -15) != Z_OK) return Damaged("inflate");
  std::string out;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  int result = Z_OK;
  while (result == Z_OK && out.size() <= bytes_max) {
    const size_t used = out.size();
    out.resize(used + (128 << 10));
    z.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    z.avail_out = 128 << 10;
    result = inflate(&z, Z_NO_FLUSH);
    out.resize(out.size() - z.avail_out);
    if (result == Z_BUF_ERROR) break;
  }
  inflateEnd(&z);
  if (out.size() > bytes_max)
    return Rejection{Reason::kContainerLimit,
                     "a section grows past " + std::to_string(bytes_max) + " bytes"};
  if (result != Z_STREAM_END) return Damaged("a section's compressed data is damaged or cut short");
  return out;
}

constexpr uint32_t kParaHeader = 66, kParaText = 67, kCtrlHeader = 71, kListHeader = 72;

constexpr uint32_t CtrlId(const char (&id)[5]) {
  return static_cast<uint32_t>(id[0]) << 24 | static_cast<uint32_t>(id[1]) << 16 |
         static_cast<uint32_t>(id[2]) << 8 | static_cast<uint32_t>(id[3]);
}

// One section's records into the flow.
class Section {
 public:
  Section(const ExtractLimits& limits, TextFlow& flow) : limits_(limits), flow_(flow) {}

  std::optional<Rejection> Read(std::string_view bytes) {
    size_t at = 0;
    while (at < bytes.size()) {
      if (bytes.size() - at < 4) return Damaged("a record is cut short");
      const uint32_t header = U32(bytes, at);
      at += 4;
      const uint32_t tag = header & 0x3FF, level = (header >> 10) & 0x3FF;
      size_t size = header >> 20;
      if (size == 0xFFF) {
        if (bytes.size() - at < 4) return Damaged("a record is cut short");
        size = U32(bytes, at);
        at += 4;
      }
      if (size > bytes.size() - at) return Damaged("a record is longer than its section");
      Record(tag, level, bytes.substr(at, size));
      at += size;
      if (flow_.overflowed()) {
        return Rejection{Reason::kRecordTooLarge,
                         "text of more than " + std::to_string(limits_.text_bytes_max) + " bytes"};
      }
    }
    while (!open_.empty()) Close();
    flow_.EndParagraph();
    return std::nullopt;
  }

 private:
  enum class Kind { kOther, kTable, kNote, kLeftOut };
  struct Control {
    uint32_t level;
    Kind kind;
    bool in_row = false;
    uint32_t row = 0;
  };

  void Close() {
    const Control control = open_.back();
    open_.pop_back();
    if (control.kind == Kind::kLeftOut) {
      --left_out_;
    } else if (left_out_ == 0) {
      if (control.kind == Kind::kNote) flow_.EndNote();
      if (control.in_row) flow_.EndRow();
    }
  }

  void Record(uint32_t tag, uint32_t level, std::string_view data) {
    while (!open_.empty() && open_.back().level >= level) Close();
    if (tag == kParaHeader) {
      if (left_out_ == 0) flow_.EndParagraph();
    } else if (tag == kParaText) {
      if (left_out_ == 0) Text(data);
    } else if (tag == kCtrlHeader) {
      if (data.size() < 4) return;
      const uint32_t id = U32(data, 0);
      Control control{level, Kind::kOther};
      if (id == CtrlId("head") || id == CtrlId("foot") || id == CtrlId("tcmt")) {
        control.kind = Kind::kLeftOut;
        ++left_out_;
      } else if (id == CtrlId("tbl ")) {
        control.kind = Kind::kTable;
        if (left_out_ == 0) flow_.EndParagraph();
      } else if (id == CtrlId("fn  ") || id == CtrlId("en  ") || id == CtrlId("gso ")) {
        control.kind = Kind::kNote;
        if (left_out_ == 0) flow_.BeginNote();
      }
      open_.push_back(control);
    } else if (tag == kListHeader && left_out_ == 0 && !open_.empty() &&
               open_.back().kind == Kind::kTable) {
      // A cell: its address follows the eight bytes that all lists have. A caption has none.
      Control& table = open_.back();
      if (data.size() < 34) return;
      const uint32_t row = U16(data, 10);
      if (!table.in_row || row != table.row) {
        if (table.in_row) flow_.EndRow();
        flow_.BeginRow();
        table.in_row = true;
        table.row = row;
      } else {
        flow_.EndCell();
      }
    }
  }

  void Text(std::string_view data) {
    std::string text;
    for (size_t i = 0; i + 1 < data.size();) {
      char32_t unit = U16(data, i);
      if (unit >= 32) {
        i += 2;
        if (unit >= 0xD800 && unit <= 0xDFFF) {
          const char32_t low = i + 1 < data.size() ? U16(data, i) : 0;
          // Half a character says nothing.
          if (unit >= 0xDC00 || low < 0xDC00 || low > 0xDFFF) continue;
          unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
          i += 2;
        }
        AppendUtf8(unit, text);
        continue;
      }
      switch (unit) {
        case 10:
          flow_.Text(text);
          text.clear();
          flow_.SoftBreak();
          i += 2;
          break;
        case 24:
          text.push_back('-');
          i += 2;
          break;
        case 30:
        case 31:
          text.push_back(' ');
          i += 2;
          break;
        case 0:
        case 13:
        case 25:
        case 26:
        case 27:
        case 28:
        case 29:
          i += 2;
          break;
        case 9:
          text.push_back(' ');
          i += 16;
          break;
        default:
          i += 16;
      }
    }
    flow_.Text(text);
  }

  const ExtractLimits& limits_;
  TextFlow& flow_;
  std::vector<Control> open_;
  size_t left_out_ = 0;
};

Extracted ReadHwp(GsfInfile* file, std::string_view header, const ExtractLimits& limits) {
  if (header.size() < 40) return Damaged("the HWP file header is cut short");
  const uint32_t version = U32(header, 32), flags = U32(header, 36);
  if (version >> 24 != 5) {
    return Rejection{Reason::kUnsupportedFeature,
                     "HWP version " + std::to_string(version >> 24) + " in an OLE file"};
  }
  if ((flags & 2) != 0) return Rejection{Reason::kPasswordProtected, "HWP 5"};
  if ((flags & 4) != 0) return Rejection{Reason::kDistributionDocument, "HWP 5"};
  if ((flags & (16 | 256 | 1024)) != 0) return Rejection{Reason::kDrmProtected, "HWP 5"};
  const Gsf<GsfInput> body(gsf_infile_child_by_name(file, "BodyText"));
  if (body == nullptr || !GSF_IS_INFILE(body.get())) return Damaged("the HWP has no BodyText");
  auto* folder = GSF_INFILE(body.get());
  TextFlow flow(limits.text_bytes_max);
  int sections = 0;
  uint64_t budget = limits.document_bytes_max;
  while (true) {
    const std::string name = "Section" + std::to_string(sections);
    const Gsf<GsfInput> stream(gsf_infile_child_by_name(folder, name.c_str()));
    if (stream == nullptr) break;
    ++sections;
    std::variant<std::string, Rejection> bytes = ReadStream(stream.get(), budget);
    if (std::holds_alternative<std::string>(bytes) && (flags & 1) != 0)
      bytes = InflateRaw(std::get<std::string>(bytes), budget);
    if (Rejection* rejection = std::get_if<Rejection>(&bytes)) {
      rejection->detail += " (" + name + ")";
      return std::move(*rejection);
    }
    budget -= std::min<uint64_t>(budget, std::get<std::string>(bytes).size());
    if (auto fault = Section(limits, flow).Read(std::get<std::string>(bytes))) {
      fault->detail += " (" + name + ")";
      return *std::move(fault);
    }
  }
  if (sections == 0) return Damaged("the HWP has no section");
  Document document;
  document.text = flow.Take();
  return document;
}

}  // namespace

Extracted ReadOle(std::string_view bytes, const ExtractLimits& limits) {
  gsf_init();
  const Gsf<GsfInput> input(gsf_input_memory_new(reinterpret_cast<const guint8*>(bytes.data()),
                                                 static_cast<gsf_off_t>(bytes.size()), FALSE));
  const Gsf<GsfInfile> file(gsf_infile_msole_new(input.get(), nullptr));
  if (file == nullptr) return Damaged("the OLE file can not be opened");
  if (const Gsf<GsfInput> stream(gsf_infile_child_by_name(file.get(), "FileHeader"));
      stream != nullptr) {
    std::variant<std::string, Rejection> header = ReadStream(stream.get(), 4096);
    if (std::holds_alternative<std::string>(header) &&
        std::get<std::string>(header).starts_with("HWP Document File"))
      return ReadHwp(file.get(), std::get<std::string>(header), limits);
  }
  if (Has(file.get(), "EncryptedPackage"))
    return Rejection{Reason::kPasswordProtected, "DOCX, XLSX or PPTX"};
  if (Has(file.get(), "WordDocument")) return Rejection{Reason::kOldOffice, "doc"};
  if (Has(file.get(), "Workbook") || Has(file.get(), "Book"))
    return Rejection{Reason::kOldOffice, "xls"};
  if (Has(file.get(), "PowerPoint Document")) return Rejection{Reason::kOldOffice, "ppt"};
  return Rejection{Reason::kUnsupportedFormat, "ole"};
}

}  // namespace jangbu::ingest
