// Apache Parquet, as much of it as tables of texts use (format 2.10):
//
//     file     "PAR1" column-chunks footer:thrift footer-size:u32 "PAR1"
//     chunk    page*, each a thrift header and, compressed, its levels and values
//     thrift   the compact protocol; unknown fields are skipped
//
// Flat columns (required or optional), BYTE_ARRAY and the fixed numbers; pages v1 and v2; PLAIN and
// dictionaries; no compression, snappy, gzip, zstd.

#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/bytes.h"
#include "ingest/extract/readers.h"

namespace jangbu::ingest {
namespace {

using Check = std::optional<Rejection>;

Rejection Damaged(std::string_view what) { return {Reason::kDamagedDocument, std::string(what)}; }
Rejection Unsupported(std::string_view what) {
  return {Reason::kUnsupportedFeature, "Parquet: " + std::string(what)};
}

// ---- thrift compact protocol ----

enum ThriftType : uint8_t {
  kStop = 0,
  kTrue = 1,
  kFalse = 2,
  kByte = 3,
  kI16 = 4,
  kI32 = 5,
  kI64 = 6,
  kDouble = 7,
  kBinary = 8,
  kList = 9,
  kSet = 10,
  kMap = 11,
  kStruct = 12,
};

class Thrift {
 public:
  explicit Thrift(std::string_view bytes) : reader_(bytes), size_(bytes.size()) {}

  struct Field {
    uint8_t type = kStop;
    int id = 0;
  };

  // Begins with `last` = 0 in each struct.
  Field Next(int& last) {
    const uint8_t head = reader_.U8();
    const uint8_t type = head & 0x0F;
    if (!reader_.ok() || type == kStop) return {};
    last = (head >> 4) != 0 ? last + (head >> 4) : static_cast<int>(reader_.SignedVarint());
    return {type, last};
  }
  int64_t Int() { return reader_.SignedVarint(); }
  std::string_view Binary() { return reader_.String(); }
  struct ListHead {
    uint8_t type = 0;
    size_t size = 0;
  };
  ListHead List() {
    const uint8_t head = reader_.U8();
    const size_t size = (head >> 4) == 15 ? reader_.Count(1) : head >> 4;
    if (size > reader_.remaining()) reader_.MarkBad();
    return {static_cast<uint8_t>(head & 0x0F), reader_.ok() ? size : 0};
  }
  void Skip(uint8_t type, int depth = 0) {
    if (depth > 16) return reader_.MarkBad();
    switch (type) {
      case kTrue:
      case kFalse:
        return;
      case kByte:
        reader_.U8();
        return;
      case kI16:
      case kI32:
      case kI64:
        reader_.Varint();
        return;
      case kDouble:
        reader_.U64();
        return;
      case kBinary:
        reader_.String();
        return;
      case kList:
      case kSet: {
        const ListHead list = List();
        for (size_t i = 0; i < list.size && ok(); ++i) {
          // Booleans take a byte each in a list.
          if (list.type == kTrue || list.type == kFalse)
            reader_.U8();
          else
            Skip(list.type, depth + 1);
        }
        return;
      }
      case kMap: {
        const size_t size = reader_.Count(1);
        if (size == 0) return;
        const uint8_t types = reader_.U8();
        for (size_t i = 0; i < size && ok(); ++i) {
          Skip(types >> 4, depth + 1);
          Skip(types & 0x0F, depth + 1);
        }
        return;
      }
      case kStruct: {
        int last = 0;
        for (Field f = Next(last); f.type != kStop && ok(); f = Next(last)) Skip(f.type, depth + 1);
        return;
      }
      default:
        reader_.MarkBad();
    }
  }
  bool ok() const { return reader_.ok(); }
  void MarkBad() { reader_.MarkBad(); }
  size_t consumed() const { return size_ - reader_.remaining(); }

 private:
  ByteReader reader_;
  size_t size_;
};

// ---- metadata ----

enum Physical { kBoolean = 0, kInt32 = 1, kInt64 = 2, kByteArray = 6 };
enum Codec { kUncompressed = 0, kSnappy = 1, kGzip = 2, kZstd = 6 };
enum ValueEncoding { kPlain = 0, kPlainDictionary = 2, kRle = 3, kRleDictionary = 8 };

struct SchemaElement {
  int type = -1;
  int repetition = 0;
  int children = 0;
  std::string name;
};

struct Chunk {
  int type = -1;
  int codec = 0;
  int64_t values = 0;
  int64_t data_offset = -1;
  int64_t dictionary_offset = -1;
  int64_t compressed_size = 0;
  std::vector<std::string> path;
};

struct RowGroup {
  std::vector<Chunk> chunks;
  int64_t rows = 0;
};

struct FileMetadata {
  std::vector<SchemaElement> schema;
  std::vector<RowGroup> groups;
  bool encrypted = false;
};

SchemaElement ReadSchemaElement(Thrift& t) {
  SchemaElement e;
  int last = 0;
  for (auto f = t.Next(last); f.type != kStop && t.ok(); f = t.Next(last)) {
    if (f.id == 1 && f.type == kI32)
      e.type = static_cast<int>(t.Int());
    else if (f.id == 3 && f.type == kI32)
      e.repetition = static_cast<int>(t.Int());
    else if (f.id == 4 && f.type == kBinary)
      e.name = t.Binary();
    else if (f.id == 5 && f.type == kI32)
      e.children = static_cast<int>(t.Int());
    else
      t.Skip(f.type);
  }
  return e;
}

Chunk ReadChunk(Thrift& t) {
  Chunk c;
  int last = 0;
  for (auto f = t.Next(last); f.type != kStop && t.ok(); f = t.Next(last)) {
    if (f.id != 3 || f.type != kStruct) {
      t.Skip(f.type);
      continue;
    }
    int inner = 0;
    for (auto g = t.Next(inner); g.type != kStop && t.ok(); g = t.Next(inner)) {
      if (g.id == 1 && g.type == kI32) {
        c.type = static_cast<int>(t.Int());
      } else if (g.id == 3 && g.type == kList) {
        const auto list = t.List();
        for (size_t i = 0; i < list.size && t.ok(); ++i) c.path.emplace_back(t.Binary());
      } else if (g.id == 4 && g.type == kI32) {
        c.codec = static_cast<int>(t.Int());
      } else if (g.id == 5 && g.type == kI64) {
        c.values = t.Int();
      } else if (g.id == 7 && g.type == kI64) {
        c.compressed_size = t.Int();
      } else if (g.id == 9 && g.type == kI64) {
        c.data_offset = t.Int();
      } else if (g.id == 11 && g.type == kI64) {
        c.dictionary_offset = t.Int();
      } else {
        t.Skip(g.type);
      }
    }
  }
  return c;
}

FileMetadata ReadMetadata(Thrift& t) {
  FileMetadata m;
  int last = 0;
  for (auto f = t.Next(last); f.type != kStop && t.ok(); f = t.Next(last)) {
    if (f.id == 2 && f.type == kList) {
      const auto list = t.List();
      for (size_t i = 0; i < list.size && t.ok(); ++i) m.schema.push_back(ReadSchemaElement(t));
    } else if (f.id == 4 && f.type == kList) {
      const auto list = t.List();
      for (size_t i = 0; i < list.size && t.ok(); ++i) {
        RowGroup group;
        int inner = 0;
        for (auto g = t.Next(inner); g.type != kStop && t.ok(); g = t.Next(inner)) {
          if (g.id == 1 && g.type == kList) {
            const auto chunks = t.List();
            for (size_t j = 0; j < chunks.size && t.ok(); ++j) group.chunks.push_back(ReadChunk(t));
          } else if (g.id == 3 && g.type == kI64) {
            group.rows = t.Int();
          } else {
            t.Skip(g.type);
          }
        }
        m.groups.push_back(std::move(group));
      }
    } else if (f.id == 8) {
      m.encrypted = true;
      t.Skip(f.type);
    } else {
      t.Skip(f.type);
    }
  }
  return m;
}

struct PageHeader {
  int type = -1;  // 0 data, 2 dictionary, 3 data v2
  int64_t uncompressed = -1;
  int64_t compressed = -1;
  int64_t values = 0;
  int encoding = -1;
  int64_t definition_bytes = 0, repetition_bytes = 0;
  bool is_compressed = true;
};

PageHeader ReadPageHeader(Thrift& t) {
  PageHeader p;
  int last = 0;
  for (auto f = t.Next(last); f.type != kStop && t.ok(); f = t.Next(last)) {
    if (f.id == 1 && f.type == kI32) {
      p.type = static_cast<int>(t.Int());
    } else if (f.id == 2 && f.type == kI32) {
      p.uncompressed = t.Int();
    } else if (f.id == 3 && f.type == kI32) {
      p.compressed = t.Int();
    } else if ((f.id == 5 || f.id == 7 || f.id == 8) && f.type == kStruct) {
      const bool v2 = f.id == 8;
      int inner = 0;
      for (auto g = t.Next(inner); g.type != kStop && t.ok(); g = t.Next(inner)) {
        if (g.id == 1 && g.type == kI32) {
          p.values = t.Int();
        } else if (g.id == (v2 ? 4 : 2) && g.type == kI32) {
          p.encoding = static_cast<int>(t.Int());
        } else if (v2 && g.id == 5 && g.type == kI32) {
          p.definition_bytes = t.Int();
        } else if (v2 && g.id == 6 && g.type == kI32) {
          p.repetition_bytes = t.Int();
        } else if (v2 && g.id == 7 && (g.type == kTrue || g.type == kFalse)) {
          p.is_compressed = g.type == kTrue;
        } else {
          t.Skip(g.type);
        }
      }
    } else {
      t.Skip(f.type);
    }
  }
  return p;
}

// ---- pages ----

// Numbers of `width` bits in runs (RLE / bit-packed hybrid). False when one has more bits or the
// bytes do not hold `count` of them.
bool ReadHybrid(std::string_view bytes, int width, size_t count, std::vector<uint32_t>& out) {
  out.clear();
  out.reserve(count);
  if (width == 0) {
    out.assign(count, 0);
    return true;
  }
  if (width > 32) return false;
  ByteReader reader(bytes);
  while (out.size() < count) {
    const uint64_t head = reader.Varint();
    if (!reader.ok()) return false;
    if ((head & 1) == 0) {
      const std::string_view raw = reader.Raw(static_cast<size_t>((width + 7) / 8));
      if (!reader.ok()) return false;
      uint32_t value = 0;
      for (size_t i = 0; i < raw.size(); ++i)
        value |= static_cast<uint32_t>(static_cast<unsigned char>(raw[i])) << (8 * i);
      const uint64_t run = head >> 1;
      if (run == 0 || uint64_t{value} >> width != 0) return false;
      out.insert(out.end(), std::min<uint64_t>(run, count - out.size()), value);
      continue;
    }
    const uint64_t groups = head >> 1;
    if (groups == 0 || groups > (uint64_t{1} << 32)) return false;
    // The last group may be cut to what is there.
    const uint64_t want = groups * static_cast<uint64_t>(width);
    const std::string_view raw =
        reader.Raw(static_cast<size_t>(std::min<uint64_t>(want, reader.remaining())));
    const uint64_t have = raw.size() * 8 / static_cast<uint64_t>(width);
    const uint64_t take = std::min<uint64_t>({groups * 8, have, count - out.size()});
    if (take == 0) return false;
    uint64_t bit = 0;
    for (uint64_t i = 0; i < take; ++i, bit += static_cast<uint64_t>(width)) {
      uint64_t window = 0;
      const size_t first = bit / 8;
      for (size_t b = 0; b < 5 && first + b < raw.size(); ++b)
        window |= static_cast<uint64_t>(static_cast<unsigned char>(raw[first + b])) << (8 * b);
      out.push_back(static_cast<uint32_t>((window >> (bit % 8)) & ((uint64_t{1} << width) - 1)));
    }
  }
  return true;
}

Check Decompress(int codec, std::string_view in, uint64_t size, std::string& out) {
  out.resize(size);
  switch (codec) {
    case kUncompressed:
      if (in.size() != size) return Damaged("a page's size is wrong");
      out.assign(in);
      return std::nullopt;
    case kSnappy: {
      size_t real = 0;
      if (!snappy::GetUncompressedLength(in.data(), in.size(), &real) || real != size ||
          !snappy::RawUncompress(in.data(), in.size(), out.data()))
        return Damaged("a snappy page is damaged");
      return std::nullopt;
    }
    case kGzip: {
      z_stream z{};
      if (inflateInit2(&z, 15 + 32) != Z_OK) return Damaged("inflate");
      z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
      z.avail_in = static_cast<uInt>(in.size());
      z.next_out = reinterpret_cast<Bytef*>(out.data());
      z.avail_out = static_cast<uInt>(out.size());
      const int result = inflate(&z, Z_FINISH);
      const bool whole = result == Z_STREAM_END && z.total_out == size;
      inflateEnd(&z);
      if (!whole) return Damaged("a gzip page is damaged");
      return std::nullopt;
    }
    case kZstd: {
      const size_t real = ZSTD_decompress(out.data(), out.size(), in.data(), in.size());
      if (ZSTD_isError(real) || real != size) return Damaged("a zstd page is damaged");
      return std::nullopt;
    }
    default:
      return Unsupported("compression codec " + std::to_string(codec));
  }
}

// A column of one row group: nothing where it is null.
using Column = std::vector<std::optional<std::string>>;

class ColumnReader {
 public:
  ColumnReader(std::string_view file, const Chunk& chunk, bool optional, uint64_t& budget)
      : file_(file), chunk_(chunk), optional_(optional), budget_(budget) {}

  Check Read(int64_t rows, Column& out) {
    if (chunk_.type != kByteArray && chunk_.type != kInt32 && chunk_.type != kInt64)
      return Unsupported("physical type " + std::to_string(chunk_.type));
    if (chunk_.values != rows) return Damaged("a column has another number of values than rows");
    int64_t start = chunk_.data_offset;
    if (chunk_.dictionary_offset > 0 && chunk_.dictionary_offset < start)
      start = chunk_.dictionary_offset;
    if (start < 4 || static_cast<uint64_t>(start) >= file_.size() || chunk_.compressed_size <= 0 ||
        static_cast<uint64_t>(chunk_.compressed_size) > file_.size() - static_cast<size_t>(start))
      return Damaged("a column lies outside the file");
    std::string_view bytes =
        file_.substr(static_cast<size_t>(start), static_cast<size_t>(chunk_.compressed_size));
    while (static_cast<int64_t>(out.size()) < rows) {
      if (bytes.empty()) return Damaged("a column ends too early");
      Thrift t(bytes);
      const PageHeader page = ReadPageHeader(t);
      if (!t.ok() || page.compressed < 0 || page.uncompressed < 0 || page.values < 0)
        return Damaged("a page header is damaged");
      bytes.remove_prefix(t.consumed());
      if (static_cast<uint64_t>(page.compressed) > bytes.size())
        return Damaged("a page is cut short");
      if (static_cast<uint64_t>(page.uncompressed) > budget_)
        return Rejection{Reason::kContainerLimit, "the pages grow past what the file may give"};
      budget_ -= static_cast<uint64_t>(page.uncompressed);
      const std::string_view body = bytes.substr(0, static_cast<size_t>(page.compressed));
      bytes.remove_prefix(static_cast<size_t>(page.compressed));
      Check check;
      if (page.type == 2)
        check = Dictionary(page, body);
      else if (page.type == 0)
        check = DataV1(page, body, static_cast<size_t>(rows), out);
      else if (page.type == 3)
        check = DataV2(page, body, static_cast<size_t>(rows), out);
      if (check) return check;
    }
    return std::nullopt;
  }

 private:
  Check PlainValues(std::string_view values, size_t count, std::vector<std::string>& out) const {
    ByteReader reader(values);
    // Each takes four bytes at least: a number that lies is seen before memory is asked for.
    if (count > values.size() / 4 + 1) return Damaged("a page holds fewer values than it says");
    out.reserve(out.size() + count);
    for (size_t i = 0; i < count; ++i) {
      if (chunk_.type == kByteArray) {
        const uint32_t size = reader.U32();
        out.emplace_back(reader.Raw(size));
      } else if (chunk_.type == kInt32) {
        out.push_back(std::to_string(static_cast<int32_t>(reader.U32())));
      } else {
        out.push_back(std::to_string(reader.I64()));
      }
      if (!reader.ok()) return Damaged("a value is cut short");
    }
    return std::nullopt;
  }

  Check Dictionary(const PageHeader& page, std::string_view body) {
    std::string bytes;
    if (auto check =
            Decompress(chunk_.codec, body, static_cast<uint64_t>(page.uncompressed), bytes))
      return check;
    if (page.encoding != kPlain && page.encoding != kPlainDictionary)
      return Unsupported("dictionary encoding " + std::to_string(page.encoding));
    dictionary_.clear();
    return PlainValues(bytes, static_cast<size_t>(page.values), dictionary_);
  }

  Check DataV1(const PageHeader& page, std::string_view body, size_t rows, Column& out) {
    std::string bytes;
    if (auto check =
            Decompress(chunk_.codec, body, static_cast<uint64_t>(page.uncompressed), bytes))
      return check;
    std::string_view rest = bytes;
    std::string_view levels;
    if (optional_) {
      ByteReader reader(rest);
      const uint32_t size = reader.U32();
      levels = reader.Raw(size);
      if (!reader.ok()) return Damaged("levels are cut short");
      rest.remove_prefix(4 + static_cast<size_t>(size));
    }
    return Values(page, levels, rest, rows, out);
  }

  Check DataV2(const PageHeader& page, std::string_view body, size_t rows, Column& out) {
    if (page.definition_bytes < 0 || page.repetition_bytes != 0)
      return Unsupported("repeated values");
    if (static_cast<uint64_t>(page.definition_bytes) > body.size() ||
        page.definition_bytes > page.uncompressed)
      return Damaged("levels are cut short");
    const auto skip = static_cast<size_t>(page.definition_bytes);
    const uint64_t size = static_cast<uint64_t>(page.uncompressed - page.definition_bytes);
    std::string bytes;
    if (auto check = Decompress(page.is_compressed ? chunk_.codec : int{kUncompressed},
                                body.substr(skip), size, bytes))
      return check;
    return Values(page, body.substr(0, skip), bytes, rows, out);
  }

  Check Values(const PageHeader& page, std::string_view levels, std::string_view values,
               size_t rows, Column& out) {
    const auto count = static_cast<size_t>(page.values);
    if (count > rows - out.size()) return Damaged("a page holds more values than there are rows");
    std::vector<uint32_t> defined;
    if (optional_ && !ReadHybrid(levels, 1, count, defined)) return Damaged("levels are damaged");
    const size_t present =
        optional_ ? static_cast<size_t>(std::count(defined.begin(), defined.end(), 1u)) : count;
    std::vector<std::string> plain;
    std::vector<uint32_t> indices;
    const bool by_dictionary = page.encoding == kPlainDictionary || page.encoding == kRleDictionary;
    if (by_dictionary) {
      if (present > 0 && values.empty()) return Damaged("indices are cut short");
      if (present > 0 &&
          !ReadHybrid(values.substr(1), static_cast<unsigned char>(values[0]), present, indices))
        return Damaged("indices are damaged");
      for (const uint32_t index : indices) {
        if (index >= dictionary_.size()) return Damaged("an index lies outside the dictionary");
        // A dictionary makes a bomb of a small page: what comes out is counted.
        const uint64_t size = dictionary_[index].size();
        if (size > budget_)
          return Rejection{Reason::kContainerLimit, "the pages grow past what the file may give"};
        budget_ -= size;
      }
    } else if (page.encoding == kPlain) {
      if (auto check = PlainValues(values, present, plain)) return check;
    } else {
      return Unsupported("encoding " + std::to_string(page.encoding));
    }
    size_t next = 0;
    for (size_t i = 0; i < count; ++i) {
      if (optional_ && defined[i] == 0) {
        out.push_back(std::nullopt);
      } else {
        out.push_back(by_dictionary ? dictionary_[indices[next]] : std::move(plain[next]));
        ++next;
      }
    }
    return std::nullopt;
  }

  std::string_view file_;
  const Chunk& chunk_;
  const bool optional_;
  uint64_t& budget_;
  std::vector<std::string> dictionary_;
};

}  // namespace

std::optional<Rejection> ReadParquet(std::string_view bytes, const ReadOptions& options,
                                     const ExtractLimits& limits, const RowSink& sink) {
  if (bytes.size() < 12 || !bytes.starts_with("PAR1") || !bytes.ends_with("PAR1"))
    return bytes.ends_with("PARE") ? Rejection{Reason::kPasswordProtected, "Parquet"}
                                   : Damaged("the Parquet file is cut short");
  ByteReader tail(bytes.substr(bytes.size() - 8));
  const uint32_t footer = tail.U32();
  if (footer > bytes.size() - 12) return Damaged("the Parquet footer is damaged");
  Thrift t(bytes.substr(bytes.size() - 8 - footer, footer));
  const FileMetadata metadata = ReadMetadata(t);
  if (!t.ok() || metadata.schema.empty()) return Damaged("the Parquet footer is damaged");
  if (metadata.encrypted) return Rejection{Reason::kPasswordProtected, "Parquet"};

  const std::array<std::string_view, 6> names = {options.text_column, "id",           "title",
                                                 "source_type",       "published_at", "author"};
  // Of the root's children: whether a leaf of that name is there, and optional.
  std::array<const SchemaElement*, 6> wanted{};
  size_t depth_skip = 0;
  for (size_t i = 1; i < metadata.schema.size(); ++i) {
    const SchemaElement& element = metadata.schema[i];
    if (depth_skip > 0) {
      depth_skip += static_cast<size_t>(std::max(element.children, 0));
      --depth_skip;
      continue;
    }
    for (size_t n = 0; n < names.size(); ++n) {
      if (element.name != names[n]) continue;
      if (element.children > 0 || element.repetition == 2) {
        if (n == 0) return Unsupported("the text column is nested or repeated");
        continue;
      }
      wanted[n] = &element;
    }
    depth_skip += static_cast<size_t>(std::max(element.children, 0));
  }
  if (wanted[0] == nullptr)
    return Rejection{Reason::kNoTextColumn,
                     std::to_string(metadata.schema.size() - 1) + " columns"};
  if (wanted[0]->type != kByteArray)
    return Unsupported("the text column holds physical type " + std::to_string(wanted[0]->type));

  uint64_t budget = std::max<uint64_t>(
      limits.ratio_free_bytes,
      std::min<uint64_t>(bytes.size() * limits.ratio_max, limits.container_bytes_max));
  uint64_t row = 0;
  for (const RowGroup& group : metadata.groups) {
    if (group.rows < 0 || static_cast<uint64_t>(group.rows) > bytes.size() * limits.ratio_max)
      return Damaged("a row group says it has " + std::to_string(group.rows) + " rows");
    std::array<Column, 6> columns;
    for (size_t n = 0; n < names.size(); ++n) {
      if (wanted[n] == nullptr) continue;
      const auto chunk =
          std::find_if(group.chunks.begin(), group.chunks.end(),
                       [&](const Chunk& c) { return c.path.size() == 1 && c.path[0] == names[n]; });
      if (chunk == group.chunks.end()) return Damaged("a row group lacks a column");
      // Dates, decimals and the like are metadata that is left out.
      if (n > 0 && chunk->type != kByteArray && chunk->type != kInt32 && chunk->type != kInt64)
        continue;
      if (auto check = ColumnReader(bytes, *chunk, wanted[n]->repetition == 1, budget)
                           .Read(group.rows, columns[n]))
        return check;
    }
    for (size_t i = 0; i < static_cast<size_t>(group.rows); ++i) {
      Extracted result;
      if (!columns[0][i]) {
        result = Rejection{Reason::kNoText, "null"};
      } else if (columns[0][i]->size() > limits.text_bytes_max) {
        result = Rejection{Reason::kRecordTooLarge,
                           "text of " + std::to_string(columns[0][i]->size()) + " bytes"};
      } else {
        const auto field = [&](size_t n) {
          return i < columns[n].size() && columns[n][i] ? std::move(*columns[n][i]) : std::string();
        };
        Document document;
        document.text = field(0);
        document.id = field(1);
        document.title = field(2);
        document.source_type = field(3);
        document.published_at = field(4);
        document.author = field(5);
        document.received_sha256 = Sha256(document.text);
        result = std::move(document);
      }
      if (!sink(++row, std::move(result))) return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace jangbu::ingest
