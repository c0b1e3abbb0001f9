#include "services/wire/page_token.h"

#include "base/bytes.h"
#include "base/digest.h"

namespace jangbu::services::wire {
namespace {

constexpr size_t kMaxTokenBytes = 128;

// token := base64(version:u8 (1) query:8 bytes of SHA-256 major:varint minor:varint)
std::string QueryDigest(std::string_view query) {
  return std::string(AsView(Sha256(query)).substr(0, 8));
}

}  // namespace

std::string MakePageToken(std::string_view query, const PagePosition& position) {
  ByteWriter out;
  out.U8(1);
  out.Raw(QueryDigest(query));
  out.Varint(position.major);
  out.Varint(position.minor);
  return ToBase64(out.bytes());
}

StatusOr<PagePosition> ReadPageToken(std::string_view query, std::string_view token) {
  if (token.empty()) return PagePosition{};
  const Status bad = InvalidArgument("bad_page_token",
                                     "not a page token of this listing; begin again without one");
  if (token.size() > kMaxTokenBytes) return bad;
  const StatusOr<std::string> bytes = FromBase64(token);
  if (!bytes.ok()) return bad;
  ByteReader in(*bytes);
  const uint8_t version = in.U8();
  const std::string_view digest = in.Raw(8);
  PagePosition position;
  position.major = in.Varint();
  position.minor = in.Varint();
  if (!in.Finish("page token").ok() || version != 1 || digest != QueryDigest(query)) return bad;
  return position;
}

StatusOr<uint32_t> PageSize(uint32_t requested) {
  if (requested == 0) return 100u;
  if (requested > 1000) {
    return InvalidArgument("bad_page_size",
                           "a page has at most 1000 rows, not " + std::to_string(requested));
  }
  return requested;
}

}  // namespace jangbu::services::wire
