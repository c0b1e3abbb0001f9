#include "services/flow/text_index.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "services/flow/document_blob.h"
#include "services/storage/files.h"

namespace jangbu::services {
namespace {

using ingest::RunDocument;
using ingest::RunSegment;
using ingest::RunView;

constexpr std::string_view kSuffix = ".runs";
constexpr size_t kRebuildCodePoints = size_t{16} << 20;  // indexed at once when opening
// A file mapped for reading; gone from memory with its last reader.
class MappedFile {
 public:
  static StatusOr<std::shared_ptr<const MappedFile>> Open(const std::string& path) {
    const auto failed = [&](std::string_view what) {
      return Unavailable("io_error", std::string(what) + " " + path + ": " + std::strerror(errno));
    };
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failed("cannot open");
    struct stat st {};
    if (::fstat(fd, &st) != 0) {
      ::close(fd);
      return failed("cannot stat");
    }
    std::shared_ptr<MappedFile> file(new MappedFile());
    file->size_ = static_cast<size_t>(st.st_size);
    if (file->size_ > 0) {
      void* at = ::mmap(nullptr, file->size_, PROT_READ, MAP_SHARED, fd, 0);
      if (at == MAP_FAILED) {
        ::close(fd);
        return failed("cannot map");
      }
      file->data_ = static_cast<const char*>(at);
    }
    ::close(fd);
    return std::shared_ptr<const MappedFile>(std::move(file));
  }
  ~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
  }
  std::string_view bytes() const { return {data_, size_}; }

 private:
  MappedFile() = default;
  const char* data_ = nullptr;
  size_t size_ = 0;
};

// "p12-7.runs" → 12, 7.
std::optional<std::pair<uint32_t, uint64_t>> ParseName(std::string_view name) {
  if (!name.starts_with("p") || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_prefix(1);
  name.remove_suffix(kSuffix.size());
  const size_t dash = name.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  uint32_t partner = 0;
  uint64_t number = 0;
  const auto read = [](std::string_view digits, auto& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  if (!read(name.substr(0, dash), partner) || !read(name.substr(dash + 1), number))
    return std::nullopt;
  return std::pair(partner, number);
}

std::set<uint64_t> TokensOf(const RunSegment& segment) {
  std::set<uint64_t> tokens;
  for (const auto& entry : segment.document_table().All())
    tokens.insert(entry.document.place.entry);
  return tokens;
}

}  // namespace

ingest::RunHasher MakeRunHasher(const Keyring& keyring) {
  return ingest::RunHasher(AsView(keyring.NameMac("run index", {})));
}

// ---- StoredTexts

StatusOr<std::shared_ptr<const StoredTexts::Batch>> StoredTexts::Find(uint64_t token) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = batches_.find(token); found != batches_.end()) return found->second;
  }
  uint64_t seq = 0;
  auto batch = std::make_shared<Batch>();
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    if (const ledger::BatchRecord* record = books.FindBatch(token); record != nullptr) {
      seq = record->commit;
      batch->upload = record->upload_token;
    }
  });
  if (seq == 0)
    return DataLoss("no_such_batch", "the run index names a batch that is not committed");
  JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, scribe_.EntryAt(seq));
  const auto& items = std::get<ledger::BatchCommit>(entry.body).items;
  for (uint32_t i = 0; i < items.size(); ++i) {
    if (!batch->stretches.empty()) {
      const Stretch& last = batch->stretches.back();
      if (items[i].file == last.file && items[i].record == last.record + (i - last.ordinal))
        continue;
    }
    batch->stretches.push_back({.ordinal = i, .file = items[i].file, .record = items[i].record});
  }
  batch->stretches.shrink_to_fit();
  const std::lock_guard lock(mutex_);
  return batches_.try_emplace(token, std::move(batch)).first->second;
}

StatusOr<std::vector<std::optional<std::string>>> StoredTexts::Open(
    uint32_t partner, uint64_t upload, uint64_t token, std::span<const uint32_t> ordinals,
    const std::function<std::pair<uint32_t, uint64_t>(uint32_t)>& place) {
  std::vector<BlobName> names;
  std::vector<VaultName> keys;
  for (const uint32_t ordinal : ordinals) {
    names.push_back({.kind = BlobKind::kText, .token = token, .ordinal = ordinal});
    keys.push_back({.kind = VaultKind::kDocument, .id = token, .ordinal = ordinal});
  }
  std::vector<std::optional<std::string>> texts(ordinals.size());
  const StatusOr<std::shared_ptr<const SecretKey>> partner_key = keyring_.PartnerKey(partner);
  if (ReasonOf(partner_key.status()) == "key_destroyed") return texts;
  JANGBU_RETURN_IF_ERROR(partner_key.status());
  JANGBU_ASSIGN_OR_RETURN(const auto wrapped, keyring_.vault().Get(keys));
  JANGBU_ASSIGN_OR_RETURN(const auto sealed, blobs_.Get(names));
  for (size_t i = 0; i < ordinals.size(); ++i) {
    if (!wrapped[i].has_value()) continue;
    if (!sealed[i].has_value()) {
      return DataLoss("text_missing", "document " + std::to_string(ordinals[i]) + " of batch " +
                                          std::to_string(token) + " is gone");
    }
    JANGBU_ASSIGN_OR_RETURN(const SecretKey key, UnwrapKey(**partner_key, keys[i], *wrapped[i]));
    const auto [file, record] = place(ordinals[i]);
    JANGBU_ASSIGN_OR_RETURN(
        texts[i], OpenText(key, {.upload = upload, .file = file, .record = record}, *sealed[i]));
  }
  return texts;
}

StatusOr<std::vector<std::optional<std::string>>> StoredTexts::Read(
    uint32_t partner, uint64_t token, std::span<const uint32_t> ordinals) {
  JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<const Batch> batch, Find(token));
  return Open(partner, batch->upload, token, ordinals, [&](uint32_t ordinal) {
    auto at = std::upper_bound(batch->stretches.begin(), batch->stretches.end(), ordinal,
                               [](uint32_t o, const Stretch& s) { return o < s.ordinal; });
    JANGBU_CHECK(at != batch->stretches.begin());
    --at;
    return std::pair(at->file, at->record + (ordinal - at->ordinal));
  });
}

StatusOr<std::vector<std::optional<std::string>>> StoredTexts::Read(
    uint32_t partner, uint64_t upload, uint64_t token, const std::vector<ledger::Item>& items,
    std::span<const uint32_t> ordinals) {
  return Open(partner, upload, token, ordinals, [&](uint32_t ordinal) {
    return std::pair(items[ordinal].file, items[ordinal].record);
  });
}

// ---- StoredForms

StatusOr<std::shared_ptr<const std::u32string>> StoredForms::Form(const RunDocument& document) {
  const Owner owner{.token = document.place.entry, .ordinal = document.place.ordinal};
  uint64_t forgotten = 0;
  {
    const std::lock_guard lock(mutex_);
    forgotten = forgotten_;
    if (const auto found = kept_.find(owner); found != kept_.end()) {
      ages_.splice(ages_.begin(), ages_, found->second.age);
      return found->second.form;
    }
  }
  const uint32_t ordinal = owner.ordinal;
  JANGBU_ASSIGN_OR_RETURN(const auto texts,
                          texts_.Read(document.scope, owner.token, {&ordinal, 1}));
  if (!texts[0].has_value()) return NotFound("key_destroyed", "the key of this text was destroyed");
  auto form =
      std::make_shared<const std::u32string>(ingest::CodePoints(ingest::ComparisonForm(*texts[0])));
  const std::lock_guard lock(mutex_);
  if (form->size() > kept_code_points_ / 4 || kept_.contains(owner)) return form;
  // Read before a key was destroyed, perhaps this one's: good for this question, not to be kept.
  if (forgotten != forgotten_) return form;
  ages_.push_front(owner);
  kept_.emplace(owner, Kept{.form = form, .age = ages_.begin()});
  code_points_ += form->size();
  while (code_points_ > kept_code_points_) {
    const auto oldest = kept_.find(ages_.back());
    code_points_ -= oldest->second.form->size();
    kept_.erase(oldest);
    ages_.pop_back();
  }
  return form;
}

void StoredForms::Forget() {
  const std::lock_guard lock(mutex_);
  ++forgotten_;
  kept_.clear();
  ages_.clear();
  code_points_ = 0;
}

// ---- TextIndex

TextIndex::TextIndex(Scribe& scribe, BlobStore& blobs, Keyring& keyring, Options options)
    : scribe_(scribe),
      options_(std::move(options)),
      hasher_(MakeRunHasher(keyring)),
      texts_(scribe, blobs, keyring),
      forms_(texts_, options_.kept_code_points),
      everybody_(hasher_) {}

StatusOr<std::unique_ptr<TextIndex>> TextIndex::Open(Scribe& scribe, BlobStore& blobs,
                                                     Keyring& keyring, Options options) {
  std::unique_ptr<TextIndex> index(new TextIndex(scribe, blobs, keyring, std::move(options)));
  if (!index->options_.dir.empty()) JANGBU_RETURN_IF_ERROR(MakeDirectory(index->options_.dir));
  JANGBU_RETURN_IF_ERROR(index->Load());
  index->worker_ = std::thread([raw = index.get()] { raw->Run(); });
  return index;
}

TextIndex::~TextIndex() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();
  if (options_.dir.empty()) return;
  // What is in memory alone becomes one file a partner; without it the next opening reads texts.
  for (const auto& [number, partner] : partners_) {
    std::vector<std::shared_ptr<const RunSegment>> loose;
    for (const auto& segment : partner->index.Segments()) {
      if (!files_.contains(segment.get())) loose.push_back(segment);
    }
    if (loose.empty()) continue;
    std::shared_ptr<const RunSegment> all = loose[0];
    if (loose.size() > 1) {
      const auto merged = RunSegment::Merge(hasher_, loose, forms_, nullptr);
      if (!merged.ok()) continue;
      all = *merged;
    }
    const std::string path = options_.dir + "/p" + std::to_string(number) + "-" +
                             std::to_string(next_file_++) + std::string(kSuffix);
    if (const Status stored = ReplaceFile(path, all->encoded()); !stored.ok())
      Log("the run index was not stored: " + std::string(MessageOf(stored)));
  }
}

Status TextIndex::Load() {
  struct File {
    std::string path;
    uint32_t partner = 0;
    std::shared_ptr<const RunSegment> segment;
    std::set<uint64_t> tokens;
  };
  std::vector<File> files;
  if (!options_.dir.empty()) {
    JANGBU_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListTree(options_.dir));
    for (const std::string& name : names) {
      const std::string path = options_.dir + "/" + name;
      const auto parsed = ParseName(name);
      if (!parsed.has_value()) {
        std::filesystem::remove(path);  // a new file that a crash left without its name
        continue;
      }
      next_file_ = std::max(next_file_, parsed->second + 1);
      JANGBU_ASSIGN_OR_RETURN(const auto mapped, MappedFile::Open(path));
      const auto segment = RunSegment::Decode(hasher_, mapped->bytes(), mapped);
      if (!segment.ok()) {
        Log("the run index file " + path +
            " is made again: " + std::string(MessageOf(segment.status())));
        std::filesystem::remove(path);
        continue;
      }
      files.push_back({.path = path,
                       .partner = parsed->first,
                       .segment = *segment,
                       .tokens = TokensOf(**segment)});
    }
  }
  // The largest first: a smaller one whose batches are in larger ones was merged into them.
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) {
    return a.segment->tiles() != b.segment->tiles() ? a.segment->tiles() > b.segment->tiles()
                                                    : a.path < b.path;
  });
  std::set<uint64_t> held;
  for (File& file : files) {
    bool wanted = false;
    bool known = true;
    scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      for (const uint64_t token : file.tokens) {
        const ledger::BatchRecord* batch = books.FindBatch(token);
        known = known && batch != nullptr && batch->commit != 0 &&
                books.FindUpload(batch->upload_token)->partner == file.partner;
        wanted = wanted || !held.contains(token);
      }
    });
    if (!known || !wanted) {
      std::filesystem::remove(file.path);
      continue;
    }
    held.insert(file.tokens.begin(), file.tokens.end());
    files_[file.segment.get()] = file.path;
    Partner& partner = PartnerOf(file.partner);
    partner.index.Add(std::move(file.segment));
    partner.dirty = true;
  }
  return Rebuild(held);
}

Status TextIndex::Rebuild(const std::set<uint64_t>& held) {
  struct Missing {
    uint64_t commit = 0;
    uint64_t token = 0;
    uint32_t partner = 0;
  };
  std::vector<Missing> missing;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& [token, batch] : books.batches()) {
      if (batch.commit == 0 || held.contains(token)) continue;
      missing.push_back({.commit = batch.commit,
                         .token = token,
                         .partner = books.FindUpload(batch.upload_token)->partner});
    }
  });
  std::sort(missing.begin(), missing.end(), [](const Missing& a, const Missing& b) {
    return a.partner != b.partner ? a.partner < b.partner : a.token < b.token;
  });
  std::vector<std::pair<RunDocument, std::u32string>> forms;
  size_t code_points = 0;
  uint32_t current = 0;
  const auto flush = [&]() -> Status {
    if (forms.empty()) return OkStatus();
    std::vector<ingest::RunText> texts;
    for (const auto& [document, form] : forms) texts.push_back({document, form});
    JANGBU_ASSIGN_OR_RETURN(auto segment, RunSegment::Build(hasher_, texts));
    Append(current, std::move(segment));
    forms.clear();
    code_points = 0;
    return OkStatus();
  };
  for (const Missing& batch : missing) {
    if (batch.partner != current) {
      JANGBU_RETURN_IF_ERROR(flush());
      current = batch.partner;
    }
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, scribe_.EntryAt(batch.commit));
    const auto& items = std::get<ledger::BatchCommit>(entry.body).items;
    std::vector<uint32_t> ordinals;
    for (uint32_t i = 0; i < items.size(); ++i) {
      if (items[i].verdict == ledger::Verdict::kAccepted ||
          items[i].verdict == ledger::Verdict::kNearDuplicate) {
        ordinals.push_back(i);
      }
    }
    JANGBU_ASSIGN_OR_RETURN(auto texts, texts_.Read(batch.partner, batch.token, ordinals));
    for (size_t i = 0; i < ordinals.size(); ++i) {
      if (!texts[i].has_value()) continue;
      forms.emplace_back(RunDocument{.place = {.entry = batch.token, .ordinal = ordinals[i]},
                                     .scope = batch.partner},
                         ingest::CodePoints(ingest::ComparisonForm(*texts[i])));
      code_points += forms.back().second.size();
      texts[i].reset();
    }
    if (code_points >= kRebuildCodePoints) JANGBU_RETURN_IF_ERROR(flush());
  }
  JANGBU_RETURN_IF_ERROR(flush());
  if (missing.size() > 1)
    Log("the run index lacked " + std::to_string(missing.size()) + " batches; made again");
  return OkStatus();
}

TextIndex::Partner& TextIndex::PartnerOf(uint32_t partner) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Partner>& found = partners_[partner];
  if (found == nullptr) found = std::make_unique<Partner>(hasher_);
  return *found;
}

RunView TextIndex::PartnerView(uint32_t partner) const {
  const Partner* found = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = partners_.find(partner); at != partners_.end()) found = at->second.get();
  }
  return found == nullptr ? RunView() : found->index.View();  // partners stay
}

RunView TextIndex::Everybody() {
  std::vector<std::shared_ptr<const RunSegment>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, partner] : partners_) {
      const auto segments = partner->index.Segments();
      all.insert(all.end(), segments.begin(), segments.end());
    }
  }
  return everybody_.Of(std::move(all));
}

TextIndex::Committing::Committing(TextIndex& index) : index_(index) {
  const std::lock_guard lock(index_.mutex_);
  number_ = index_.next_commit_++;
  index_.committing_.insert(number_);
}

TextIndex::Committing::~Committing() {
  {
    const std::lock_guard lock(index_.mutex_);
    index_.committing_.erase(number_);
  }
  index_.changed_.notify_all();
}

void TextIndex::AwaitCommits() {
  std::unique_lock lock(mutex_);
  const uint64_t before = next_commit_;
  changed_.wait(lock, [&] { return committing_.empty() || *committing_.begin() >= before; });
}

void TextIndex::Append(uint32_t partner, std::shared_ptr<const RunSegment> segment) {
  if (segment->tiles() == 0) return;
  Partner& p = PartnerOf(partner);
  // Not while others wait: its front may have to be made anew.
  p.index.Add(std::move(segment));
  {
    const std::lock_guard lock(mutex_);
    p.dirty = true;
  }
  changed_.notify_all();
}

void TextIndex::Settle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return stopping_ || (!working_ && std::none_of(partners_.begin(), partners_.end(),
                                                   [](const auto& p) { return p.second->dirty; }));
  });
}

void TextIndex::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    Partner* partner = nullptr;
    uint32_t number = 0;
    changed_.wait(lock, [&] {
      if (stopping_) return true;
      for (const auto& [n, p] : partners_) {
        if (!p->dirty) continue;
        partner = p.get();
        number = n;
        return true;
      }
      return false;
    });
    if (stopping_) return;
    partner->dirty = false;
    working_ = true;
    lock.unlock();
    while (true) {
      const StatusOr<bool> worked = Work(number, *partner);
      if (!worked.ok()) {
        // Everything is still there, unmerged or in memory; the next append tries again.
        Log("the run index could not be merged: " + std::string(MessageOf(worked.status())));
        break;
      }
      if (!*worked) break;
      const std::lock_guard again(mutex_);
      if (stopping_) break;
    }
    lock.lock();
    working_ = false;
    changed_.notify_all();
  }
}

StatusOr<bool> TextIndex::Work(uint32_t number, Partner& partner) {
  JANGBU_ASSIGN_OR_RETURN(const auto merged,
                          partner.index.MergeSome(forms_, nullptr, options_.merged_tiles));
  if (merged.has_value()) {
    // First the new file, then the old ones go: after a crash in between the batches are there
    // twice, and opening takes the larger.
    if (!options_.dir.empty() && merged->added->tiles() >= options_.stored_tiles)
      JANGBU_RETURN_IF_ERROR(Store(number, partner, merged->added));
    for (const auto& segment : merged->removed) Forget(segment);
    return true;
  }
  if (options_.dir.empty()) return false;
  for (const auto& segment : partner.index.Segments()) {
    if (segment->tiles() < options_.stored_tiles) continue;
    {
      const std::lock_guard lock(mutex_);
      if (files_.contains(segment.get())) continue;
    }
    JANGBU_RETURN_IF_ERROR(Store(number, partner, segment));
    return true;
  }
  return false;
}

Status TextIndex::Store(uint32_t number, Partner& partner,
                        const std::shared_ptr<const RunSegment>& segment) {
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    path = options_.dir + "/p" + std::to_string(number) + "-" + std::to_string(next_file_++) +
           std::string(kSuffix);
  }
  JANGBU_RETURN_IF_ERROR(ReplaceFile(path, segment->encoded()));
  JANGBU_ASSIGN_OR_RETURN(const auto mapped, MappedFile::Open(path));
  JANGBU_ASSIGN_OR_RETURN(const auto stored, RunSegment::Decode(hasher_, mapped->bytes(), mapped));
  const std::lock_guard lock(mutex_);
  JANGBU_CHECK(partner.index.Replace(segment, stored));
  files_[stored.get()] = path;
  return OkStatus();
}

void TextIndex::Forget(const std::shared_ptr<const RunSegment>& segment) {
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(segment.get());
    if (found == files_.end()) return;
    path = std::move(found->second);
    files_.erase(found);
  }
  std::error_code ignored;  // it would be found superfluous when opening
  std::filesystem::remove(path, ignored);
}

}  // namespace jangbu::services
