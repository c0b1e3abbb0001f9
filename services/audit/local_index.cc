#include "services/audit/local_index.h"

#include <algorithm>

#include "audit/guard/stream_guard.h"
#include "services/audit/audit_texts.h"
#include "services/storage/files.h"

namespace jangbu::services {

StatusOr<std::unique_ptr<LocalIndex>> LocalIndex::Load(const std::vector<std::string>& files,
                                                       RandomSource& random) {
  auto local = std::unique_ptr<LocalIndex>(new LocalIndex);
  std::string secret(32, '\0');
  random.Fill(reinterpret_cast<uint8_t*>(secret.data()), secret.size());
  local->hasher_ = std::make_unique<ingest::RunHasher>(secret);
  const auto add = [&](std::string name, std::string_view text) {
    local->forms_.push_back(std::make_shared<const std::u32string>(audit::FormOf(text)));
    local->names_.push_back(std::move(name));
    if (local->forms_.back()->size() < audit::kRunLimit) ++local->too_short_;
  };
  for (const std::string& file : files) {
    if (file.ends_with(".jsonl") || file.ends_with(".ndjson")) {
      JANGBU_ASSIGN_OR_RETURN(const auto texts,
                              ReadAuditTexts(file, audit::TextRole::kContributed));
      for (const auto& t : texts) {
        add(t.partner.empty() ? t.id : t.partner + "/" + t.id, t.text);
      }
    } else {
      JANGBU_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(file, size_t{1} << 30));
      add(file, text);
    }
  }
  std::vector<std::shared_ptr<const ingest::RunSegment>> segments;
  std::vector<ingest::RunText> texts;
  size_t size = 0;
  const auto flush = [&]() -> Status {
    if (texts.empty()) return OkStatus();
    JANGBU_ASSIGN_OR_RETURN(auto segment, ingest::RunSegment::Build(*local->hasher_, texts));
    segments.push_back(std::move(segment));
    texts.clear();
    size = 0;
    return OkStatus();
  };
  for (uint32_t i = 0; i < local->forms_.size(); ++i) {
    const size_t own = local->forms_[i]->size();
    if (size + own > 150'000'000) JANGBU_RETURN_IF_ERROR(flush());
    texts.push_back({{{1, i}, 0}, *local->forms_[i]});
    size += own;
  }
  JANGBU_RETURN_IF_ERROR(flush());
  ingest::RunView view(local->hasher_.get(), std::move(segments));
  if (view.groups().size() > 1) view = view.Summarised();
  JANGBU_ASSIGN_OR_RETURN(local->index_,
                          audit::GuardIndex::Make(std::move(view), *local, nullptr, nullptr));
  return local;
}

StatusOr<std::shared_ptr<const std::u32string>> LocalIndex::Form(const ingest::RunDocument& d) {
  return forms_[d.place.ordinal];
}

std::string LocalIndex::NameOf(const ingest::RunDocument& d) const {
  return names_[d.place.ordinal];
}

}  // namespace jangbu::services
