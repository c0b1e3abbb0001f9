#pragma once

// Small tokenizer files for tests, written field by field.

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jangbu::ingest::tokens {

// Protobuf wire format, as much as a SentencePiece model needs.
class ProtoWriter {
 public:
  ProtoWriter& Varint(uint32_t field, uint64_t v) {
    Raw(static_cast<uint64_t>(field) << 3);
    Raw(v);
    return *this;
  }
  ProtoWriter& Float(uint32_t field, float v) {
    Raw((static_cast<uint64_t>(field) << 3) | 5);
    const auto bits = std::bit_cast<uint32_t>(v);
    for (int i = 0; i < 4; ++i) out_.push_back(static_cast<char>(bits >> (8 * i)));
    return *this;
  }
  ProtoWriter& Bytes(uint32_t field, std::string_view v) {
    Raw((static_cast<uint64_t>(field) << 3) | 2);
    Raw(v.size());
    out_.append(v);
    return *this;
  }
  const std::string& str() const { return out_; }

 private:
  void Raw(uint64_t v) {
    while (v >= 0x80) {
      out_.push_back(static_cast<char>((v & 0x7F) | 0x80));
      v >>= 7;
    }
    out_.push_back(static_cast<char>(v));
  }
  std::string out_;
};

struct TestPiece {
  std::string text;
  float score;
  uint64_t type = 1;  // 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
};

struct TestModel {
  std::vector<TestPiece> pieces;
  uint64_t model_type = 1;  // 1 Unigram, 2 BPE
  bool byte_fallback = false;
  std::string charsmap;
  std::string more_normalizer;  // further fields, encoded
  std::string more_trainer;

  std::string Encode() const {
    ProtoWriter model;
    for (const TestPiece& piece : pieces) {
      ProtoWriter p;
      p.Bytes(1, piece.text).Float(2, piece.score);
      if (piece.type != 1) p.Varint(3, piece.type);
      model.Bytes(1, p.str());
    }
    ProtoWriter trainer;
    trainer.Varint(3, model_type).Varint(35, byte_fallback ? 1 : 0);
    model.Bytes(2, trainer.str() + more_trainer);
    ProtoWriter normalizer;
    normalizer.Bytes(1, "test");
    if (!charsmap.empty()) normalizer.Bytes(2, charsmap);
    model.Bytes(3, normalizer.str() + more_normalizer);
    return model.str();
  }
};

// The 256 byte pieces of a model with byte fallback.
inline std::vector<TestPiece> BytePieces() {
  std::vector<TestPiece> pieces;
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (size_t b = 0; b < 256; ++b) {
    pieces.push_back({std::string("<0x") + kHex[b >> 4] + kHex[b & 15] + ">", 0, 6});
  }
  return pieces;
}

// A precompiled charsmap (darts-clone units and replacements) of a few rules. One block of 256
// units a trie node, which is wasteful and easy to see through.
inline std::string MakeCharsmap(const std::vector<std::pair<std::string, std::string>>& rules) {
  struct Node {
    std::vector<std::pair<unsigned char, size_t>> children;
    int value = -1;
  };
  std::vector<Node> nodes(1);
  std::string replacements;
  for (const auto& [from, to] : rules) {
    size_t at = 0;
    for (const char ch : from) {
      const auto c = static_cast<unsigned char>(ch);
      size_t next = 0;
      for (const auto& [label, child] : nodes[at].children) {
        if (label == c) next = child;
      }
      if (next == 0) {
        next = nodes.size();
        nodes[at].children.emplace_back(c, next);
        nodes.emplace_back();
      }
      at = next;
    }
    nodes[at].value = static_cast<int>(replacements.size());
    replacements.append(to).push_back('\0');
  }
  // The unit of node n stands at its place in its parent's block; block n begins at 256 × (n + 1).
  // Child c of a node is at block ^ c; the leaf that holds a value is at block ^ 0.
  std::vector<uint32_t> units((nodes.size() + 1) * 256, 0);
  std::vector<size_t> place(nodes.size(), 0);
  for (size_t n = 0; n < nodes.size(); ++n) {
    const size_t block = 256 * (n + 1);
    const size_t offset = place[n] ^ block;
    uint32_t label = 0;
    if (n > 0) label = units[place[n]] & 0xFF;
    // An offset of 21 bits, or of 29 in steps of 256.
    units[place[n]] =
        label | (nodes[n].value >= 0 ? 1u << 8 : 0u) |
        (offset < (1u << 21) ? static_cast<uint32_t>(offset) << 10
                             : (static_cast<uint32_t>(offset >> 8) << 10) | (1u << 9));
    if (nodes[n].value >= 0) units[block] = static_cast<uint32_t>(nodes[n].value) | 0x80000000u;
    for (const auto& [c, child] : nodes[n].children) {
      place[child] = block ^ c;
      units[place[child]] = c;
    }
  }
  std::string blob;
  const auto put = [&](uint32_t v) {
    for (int i = 0; i < 4; ++i) blob.push_back(static_cast<char>(v >> (8 * i)));
  };
  put(static_cast<uint32_t>(units.size() * 4));
  for (const uint32_t unit : units) put(unit);
  return blob + replacements;
}

}  // namespace jangbu::ingest::tokens
