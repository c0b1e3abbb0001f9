#include "ledger/merkle/leaf.h"

#include "base/bytes.h"

namespace jangbu::ledger {
namespace {

constexpr std::string_view kOwnTag = "jangbu/leaf/own/v1\n";
constexpr std::string_view kSealedTag = "jangbu/leaf/sealed/v1\n";
constexpr size_t kOpeningHead = 2 + 32 + 32;

}  // namespace

Digest OwnCommitment(const Salt& salt, std::string_view own_part) {
  return Sha256({kOwnTag, AsView(salt), own_part});
}

Digest SealedCommitment(const Salt& salt, std::string_view sealed_part) {
  return Sha256({kSealedTag, AsView(salt), sealed_part});
}

Digest LeafData(const Digest& own_commitment, const Digest& sealed_commitment, uint16_t version) {
  const std::array<uint8_t, 2> version_bytes = {static_cast<uint8_t>(version),
                                                static_cast<uint8_t>(version >> 8)};
  return Sha256({AsView(version_bytes), AsView(own_commitment), AsView(sealed_commitment)});
}

Digest LeafData(const LeafOpening& opening) {
  return LeafData(OwnCommitment(opening.own_salt, opening.own_part), opening.sealed_commitment,
                  opening.version);
}

std::string EncodeOpening(const LeafOpening& opening) {
  ByteWriter out;
  out.U16(opening.version);
  out.Raw(opening.own_salt);
  out.Raw(opening.sealed_commitment);
  out.Raw(opening.own_part);
  return out.Take();
}

StatusOr<LeafOpening> ParseOpening(std::string_view bytes) {
  if (bytes.size() < kOpeningHead) return InvalidArgument("bad_opening", "an opening is cut short");
  if (bytes.size() - kOpeningHead > kMaxOwnPartBytes)
    return InvalidArgument("bad_opening", "the own part is too large");
  ByteReader in(bytes);
  LeafOpening opening;
  opening.version = in.U16();
  opening.own_salt = in.Array<32>();
  opening.sealed_commitment = in.Array<32>();
  opening.own_part = in.Raw(in.remaining());
  if (opening.version != kLeafVersion) {
    return InvalidArgument("unknown_version",
                           "a leaf of version " + std::to_string(opening.version));
  }
  return opening;
}

}  // namespace jangbu::ledger
