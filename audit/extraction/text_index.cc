#include "audit/extraction/text_index.h"

#include <utility>

#include "audit/guard/stream_guard.h"

namespace jangbu::audit {
namespace {

constexpr size_t kSegmentCodePoints = 100'000'000;

}  // namespace

StatusOr<std::unique_ptr<TextIndex>> TextIndex::Make(
    const std::vector<AuditText>& all, const std::function<bool(const AuditText&)>& held) {
  auto index = std::unique_ptr<TextIndex>(new TextIndex);
  std::vector<ingest::RunText> texts;
  std::vector<std::shared_ptr<const ingest::RunSegment>> segments;
  size_t size = 0;
  const auto flush = [&]() -> Status {
    if (texts.empty()) return OkStatus();
    JANGBU_ASSIGN_OR_RETURN(auto segment, ingest::RunSegment::Build(index->hasher_, texts));
    segments.push_back(std::move(segment));
    texts.clear();
    size = 0;
    return OkStatus();
  };
  for (uint32_t t = 0; t < all.size(); ++t) {
    index->forms_.push_back(std::make_shared<const std::u32string>(FormOf(all[t].text)));
    if (!held(all[t])) continue;
    texts.push_back({{{1, t}, 0}, *index->forms_.back()});
    size += index->forms_.back()->size();
    if (size > kSegmentCodePoints) JANGBU_RETURN_IF_ERROR(flush());
  }
  JANGBU_RETURN_IF_ERROR(flush());
  index->view_ = ingest::RunView(&index->hasher_, std::move(segments));
  return index;
}

}  // namespace jangbu::audit
