// Reads SentencePiece .model files: the protobuf messages of sentencepiece_model.proto by their
// wire format (https://protobuf.dev/programming-guides/encoding), without the protobuf library,
// whose versions do not mix.

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ingest/tokens/char_class.h"
#include "ingest/tokens/tokenizer_file.h"

namespace jangbu::ingest::tokens {
namespace {

Status Malformed(std::string_view field, std::string_view why) {
  return InvalidArgument("tokenizer_malformed", std::string(field).append(": ").append(why));
}

// One message's fields, in order. After Next() is false, ok() tells whether the message ended where
// it should.
class Wire {
 public:
  explicit Wire(std::string_view bytes) : in_(bytes) {}

  bool Next() {
    if (in_.empty() || !ok_) return false;
    uint64_t tag = 0;
    if (!Varint(tag) || (tag >> 3) == 0 || (tag >> 3) > 0x1FFFFFFF) return Bad();
    field_ = static_cast<uint32_t>(tag >> 3);
    type_ = static_cast<int>(tag & 7);
    number_ = 0;
    bytes_ = {};
    switch (type_) {
      case 0:
        return Varint(number_) || Bad();
      case 1:
        return Fixed(8);
      case 5:
        return Fixed(4);
      case 2: {
        uint64_t size = 0;
        if (!Varint(size) || size > in_.size()) return Bad();
        bytes_ = in_.substr(0, static_cast<size_t>(size));
        in_.remove_prefix(static_cast<size_t>(size));
        return true;
      }
      default:
        return Bad();  // Groups are not used.
    }
  }
  bool ok() const { return ok_; }
  uint32_t field() const { return field_; }
  // As the field's type says; a wrong wire type reads as not given.
  bool IsNumber() const { return type_ == 0; }
  bool IsBytes() const { return type_ == 2; }
  bool IsFloat() const { return type_ == 5; }
  uint64_t number() const { return number_; }
  float AsFloat() const { return std::bit_cast<float>(static_cast<uint32_t>(number_)); }
  std::string_view bytes() const { return bytes_; }

 private:
  bool Bad() {
    ok_ = false;
    return false;
  }
  bool Varint(uint64_t& v) {
    v = 0;
    for (int shift = 0; shift < 70 && !in_.empty(); shift += 7) {
      const auto b = static_cast<unsigned char>(in_.front());
      in_.remove_prefix(1);
      if (shift == 63 && b > 1) return false;
      v |= static_cast<uint64_t>(b & 0x7F) << shift;
      if (b < 0x80) return true;
    }
    return false;
  }
  bool Fixed(size_t size) {
    if (in_.size() < size) return Bad();
    for (size_t i = 0; i < size; ++i)
      number_ |= static_cast<uint64_t>(static_cast<unsigned char>(in_[i])) << (8 * i);
    in_.remove_prefix(size);
    return true;
  }

  std::string_view in_;
  bool ok_ = true;
  uint32_t field_ = 0;
  int type_ = 0;
  uint64_t number_ = 0;
  std::string_view bytes_;
};

enum PieceType : uint64_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};
enum ModelType : uint64_t { kUnigram = 1, kBpe = 2 };

struct Piece {
  std::string_view text;
  float score = 0;
  uint64_t type = kNormal;
};

}  // namespace

StatusOr<TokenizerFile> ParseSentencePiece(std::string_view bytes) {
  std::vector<Piece> pieces;
  uint64_t model_type = kUnigram;
  bool byte_fallback = false;
  std::string_view charsmap;
  SentencePieceSettings settings;

  Wire model(bytes);
  while (model.Next()) {
    if (model.field() == 1) {
      const std::string here = "pieces[" + std::to_string(pieces.size()) + "]";
      if (!model.IsBytes()) return Malformed(here, "a message is expected");
      Piece piece;
      Wire wire(model.bytes());
      while (wire.Next()) {
        if (wire.field() == 1 && wire.IsBytes()) {
          piece.text = wire.bytes();
        } else if (wire.field() == 2 && wire.IsFloat()) {
          piece.score = wire.AsFloat();
        } else if (wire.field() == 3 && wire.IsNumber()) {
          piece.type = wire.number();
        } else if (wire.field() <= 3) {
          return Malformed(here, "has a field of another type");
        }
      }
      if (!wire.ok()) return Malformed(here, "is cut short");
      if (piece.text.empty()) return Malformed(here + ".piece", "is empty");
      if (!IsValidUtf8(piece.text)) return Malformed(here + ".piece", "is not UTF-8");
      if (piece.text.size() > BpeModel::kTokenBytesMax)
        return Malformed(here + ".piece", "is longer than 2048 bytes");
      if (!std::isfinite(piece.score)) return Malformed(here + ".score", "is not a number");
      if (piece.type < kNormal || piece.type > kByte)
        return Unsupported(here + ".type " + std::to_string(piece.type));
      if (piece.type == kUnused) return Unsupported(here + ".type UNUSED");
      pieces.push_back(piece);
      if (pieces.size() > BpeModel::kTokensMax)
        return ResourceExhausted("vocabulary_too_large", "more than 2^21 pieces");
    } else if (model.field() == 2 || model.field() == 3) {
      const bool trainer = model.field() == 2;
      const std::string here = trainer ? "trainer_spec" : "normalizer_spec";
      if (!model.IsBytes()) return Malformed(here, "a message is expected");
      Wire wire(model.bytes());
      while (wire.Next()) {
        if (trainer) {
          // The other fields say how the model was trained, or how ids are turned back into text.
          if (wire.field() == 3) model_type = wire.number();
          if (wire.field() == 24 && wire.number() != 0)
            return Unsupported(here + ".treat_whitespace_as_suffix");
          if (wire.field() == 35) byte_fallback = wire.number() != 0;
          continue;
        }
        switch (wire.field()) {
          case 1:  // name
          case 6:  // normalization_rule_tsv: for training
            break;
          case 2:
            charsmap = wire.bytes();
            break;
          case 3:
            settings.add_dummy_prefix = wire.number() != 0;
            break;
          case 4:
            settings.remove_extra_whitespaces = wire.number() != 0;
            break;
          case 5:
            if (wire.number() == 0) return Unsupported(here + ".escape_whitespaces false");
            break;
          default:
            return Unsupported(here + " field " + std::to_string(wire.field()));
        }
      }
      if (!wire.ok()) return Malformed(here, "is cut short");
    }
  }
  if (!model.ok()) return Malformed("model", "is cut short or not a protobuf message");
  if (pieces.empty()) return Malformed("pieces", "there are none");
  if (model_type != kUnigram && model_type != kBpe) {
    return Unsupported("trainer_spec.model_type " + std::to_string(model_type) + " (WORD, CHAR)");
  }

  TokenizerFile file;
  const bool bpe = model_type == kBpe;
  file.family = bpe ? TokenizerFamily::kSentencePieceBpe : TokenizerFamily::kSentencePieceUnigram;
  file.algorithm = FamilyName(file.family);
  file.byte_fallback = byte_fallback;
  file.fuse_unknown = true;
  JANGBU_ASSIGN_OR_RETURN(settings.charsmap, Charsmap::Parse(charsmap));
  file.features.push_back(charsmap.empty() ? "no normalisation rules" : "normalisation rules");
  if (byte_fallback) file.features.push_back("byte fallback");

  absl::flat_hash_map<std::string_view, uint32_t> ids;
  size_t unknowns = 0;
  size_t byte_pieces = 0;
  float score_min = FLT_MAX;
  float score_max = FLT_MIN;
  for (uint32_t id = 0; id < pieces.size(); ++id) {
    const Piece& piece = pieces[id];
    if (!ids.emplace(piece.text, id).second)
      return Malformed("pieces[" + std::to_string(id) + "]", "is there twice");
    const bool in_play = piece.type == kNormal || piece.type == kUserDefined;
    file.tokens.emplace_back(piece.text);
    file.in_play.push_back(in_play);
    file.scores.push_back(piece.score);
    file.user_defined.push_back(piece.type == kUserDefined);
    if (piece.type == kUserDefined) settings.user_defined.emplace_back(piece.text);
    if (piece.type == kUnknown) {
      ++unknowns;
      file.unknown_id = id;
    }
    if (piece.type == kByte) ++byte_pieces;
    if (piece.type == kNormal) {
      score_min = std::min(score_min, piece.score);
      score_max = std::max(score_max, piece.score);
    }
  }
  file.score_min = score_min;
  file.score_max = score_max;
  if (unknowns != 1) return Malformed("pieces", "exactly one of type UNKNOWN is expected");
  if (byte_fallback && byte_pieces != 256)
    return Malformed("pieces", "256 of type BYTE are expected");
  if (!settings.user_defined.empty()) file.features.push_back("user-defined pieces");

  if (bpe) {
    // Pieces of better score merge first; equal scores share a rank, where the leftmost wins.
    std::vector<float> scores;
    for (const Piece& piece : pieces) {
      if (piece.type == kNormal) scores.push_back(piece.score);
    }
    std::sort(scores.begin(), scores.end(), std::greater<>());
    scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
    file.ranks.assign(pieces.size(), 0);
    for (uint32_t id = 0; id < pieces.size(); ++id) {
      if (pieces[id].type != kNormal) continue;
      file.ranks[id] = static_cast<uint32_t>(
          std::lower_bound(scores.begin(), scores.end(), pieces[id].score, std::greater<>()) -
          scores.begin());
      for (const char* p = pieces[id].text.data();
           p < pieces[id].text.data() + pieces[id].text.size();) {
        const char* const e = DecodeUtf8(p, pieces[id].text.data() + pieces[id].text.size()).end;
        const auto character = ids.find(std::string_view(p, static_cast<size_t>(e - p)));
        // Merging could pass through a character that is no piece and end in one that is.
        if (character == ids.end() || pieces[character->second].type != kNormal) {
          return Unsupported("pieces[" + std::to_string(id) +
                             "] with a character that is no piece of its own");
        }
        p = e;
      }
    }
  }
  file.sentence_piece = std::move(settings);
  return file;
}

}  // namespace jangbu::ingest::tokens
