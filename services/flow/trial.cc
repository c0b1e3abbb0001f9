#include "services/flow/trial.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/bytes.h"
#include "base/check.h"
#include "ingest/extract/file_reader.h"
#include "ingest/text/comparison.h"
#include "ingest/text/utf8.h"
#include "ledger/item_counts.h"
#include "services/flow/corpus_metadata.h"
#include "services/flow/document_finder.h"
#include "services/flow/document_reading.h"
#include "services/flow/jangbu_state.h"
#include "services/flow/judging.h"

namespace jangbu::services {
namespace {

// Batches of trials stand after every batch there is.
constexpr uint64_t kFirstToken = uint64_t{1} << 62;
constexpr size_t kInFlightBytes = size_t{16} << 20;
constexpr size_t kKeptCodePoints = size_t{1} << 23;

// A file that is gone when it is closed.
class Spool {
 public:
  static StatusOr<std::unique_ptr<Spool>> Create(const std::string& dir) {
    int fd = ::open(dir.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
      std::string name = dir + "/trial-XXXXXX";
      fd = ::mkostemp(name.data(), O_CLOEXEC);
      if (fd >= 0) ::unlink(name.c_str());
    }
    if (fd < 0) return Trouble("made");
    return std::unique_ptr<Spool>(new Spool(fd));
  }
  ~Spool() { ::close(fd_); }
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Where the bytes begin.
  StatusOr<uint64_t> Append(std::string_view bytes) {
    const uint64_t begin = size_;
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return Trouble("written");
      size_ += static_cast<uint64_t>(n);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return begin;
  }
  // Thread-safe for what was appended before.
  StatusOr<std::string> Read(uint64_t begin, size_t size) const {
    std::string bytes(size, '\0');
    for (size_t at = 0; at < size;) {
      const ssize_t n = ::pread(fd_, bytes.data() + at, size - at, static_cast<off_t>(begin + at));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return Trouble("read");
      at += static_cast<size_t>(n);
    }
    return bytes;
  }

 private:
  explicit Spool(int fd) : fd_(fd) {}
  static Status Trouble(std::string_view what) {
    return Unavailable("trial_storage", "the file for the texts of a dry run cannot be " +
                                            std::string(what) + ": " + std::strerror(errno));
  }

  const int fd_;
  uint64_t size_ = 0;
};

// The texts of the trial, by place; those of the partner's uploads come from `stored`. Thread-safe
// while nothing is added.
class TrialForms final : public ingest::FormSource {
 public:
  TrialForms(std::unique_ptr<Spool> spool, ingest::FormSource& stored)
      : spool_(std::move(spool)), stored_(stored) {}

  Status Add(const Owner& owner, PreparedDocument& document) {
    JANGBU_ASSIGN_OR_RETURN(const uint64_t begin, spool_->Append(document.blob));
    texts_.insert_or_assign(owner,
                            Text{.key = std::make_shared<const SecretKey>(std::move(document.key)),
                                 .place = {.upload = 0,
                                           .file = document.appraisal.item.file,
                                           .record = document.appraisal.item.record},
                                 .begin = begin,
                                 .size = document.blob.size()});
    return OkStatus();
  }

  StatusOr<std::shared_ptr<const std::u32string>> Form(
      const ingest::RunDocument& document) override {
    if (document.place.entry < kFirstToken) return stored_.Form(document);
    const Owner owner = OwnerOf(document);
    {
      const std::lock_guard lock(mutex_);
      if (const auto kept = kept_.find(owner); kept != kept_.end()) return kept->second;
    }
    const auto found = texts_.find(owner);
    JANGBU_CHECK(found != texts_.end());
    const Text& text = found->second;
    JANGBU_ASSIGN_OR_RETURN(const std::string blob, spool_->Read(text.begin, text.size));
    JANGBU_ASSIGN_OR_RETURN(const std::string canonical, OpenText(*text.key, text.place, blob));
    auto form = std::make_shared<const std::u32string>(
        ingest::CodePoints(ingest::ComparisonForm(canonical)));
    const std::lock_guard lock(mutex_);
    if (form->size() > kKeptCodePoints / 4 || !kept_.emplace(owner, form).second) return form;
    ages_.push_back(owner);
    code_points_ += form->size();
    while (code_points_ > kKeptCodePoints) {
      const auto oldest = kept_.find(ages_.front());
      code_points_ -= oldest->second->size();
      kept_.erase(oldest);
      ages_.pop_front();
    }
    return form;
  }

 private:
  struct Text {
    std::shared_ptr<const SecretKey> key;
    DocumentPlace place;
    uint64_t begin = 0;
    size_t size = 0;
  };
  struct OwnerHash {
    size_t operator()(const Owner& owner) const {
      return (owner.token * 0x9E3779B97F4A7C15u ^ owner.ordinal) * 0xD6E8FEB86659FD93u >> 7;
    }
  };

  const std::unique_ptr<Spool> spool_;
  ingest::FormSource& stored_;
  absl::flat_hash_map<Owner, Text, OwnerHash> texts_;
  std::mutex mutex_;  // guards what follows
  absl::flat_hash_map<Owner, std::shared_ptr<const std::u32string>, OwnerHash> kept_;
  std::deque<Owner> ages_;
  size_t code_points_ = 0;
};

}  // namespace

class Trial::Impl {
 public:
  Impl(Jangbu::State& state, uint32_t partner, std::shared_ptr<const CorpusMetadata> metadata,
       ingest::NoveltyRule rule, std::unique_ptr<Spool> spool, Row row, std::function<void()> ended)
      : state_(state),
        partner_(partner),
        metadata_(std::move(metadata)),
        policy_(metadata_, &metadata_->screen),
        rule_(rule),
        row_(std::move(row)),
        ended_(std::move(ended)),
        forms_(std::move(spool), state.index->forms()),
        index_(state.index->hasher()),
        finder_(*state.scribe, *state.staging) {}
  ~Impl() { ended_(); }

  Status Add(const std::string& path, ingest::ByteSource& bytes) {
    if (path.empty() || path.size() > kMaxPathBytes || !ingest::IsValidUtf8(path))
      return InvalidArgument("bad_path", "a file is named in 1 to 4096 bytes of UTF-8");
    if (full()) return OkStatus();
    const auto file = static_cast<uint32_t>(paths_.size());
    paths_.push_back(path);
    CountedSource source(bytes);
    JANGBU_ASSIGN_OR_RETURN(
        const std::unique_ptr<ingest::FileReader> reader,
        ingest::FileReader::Open(source, path, {}, InstalledDocumentReader(), metadata_->reading));
    const auto facts = std::make_shared<const ingest::FileFacts>(reader->facts());
    while (!full()) {
      JANGBU_ASSIGN_OR_RETURN(std::optional<ingest::RawRecord> raw, reader->Next());
      if (!raw.has_value()) break;
      group_bytes_ += raw->bytes.size() + (raw->document ? raw->document->text.size() : 0) + 64;
      group_.push_back({.file = file, .facts = facts, .record = *std::move(raw)});
      if (group_bytes_ >= kGroupBytes || group_.size() >= kGroupDocuments)
        JANGBU_RETURN_IF_ERROR(Submit());
    }
    outcome_.bytes += source.count();
    outcome_.files = file + 1;
    return OkStatus();
  }

  StatusOr<Outcome> Finish() {
    JANGBU_RETURN_IF_ERROR(Submit());
    while (!in_flight_.empty()) JANGBU_RETURN_IF_ERROR(TakeOne());
    JANGBU_RETURN_IF_ERROR(JudgeAll());
    outcome_.cut_short = full();
    state_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      const ledger::Policy& policy = books.policy();
      const int64_t credit = policy.entitlement_basis == ledger::Basis::kKoreanWords
                                 ? outcome_.counts.novel_korean_words
                                 : outcome_.counts.novel_korean_tokens;
      outcome_.api_tokens = credit * policy.entitlement_numerator / policy.entitlement_denominator;
      outcome_.member = books.FiguresOf(*books.FindPartner(partner_), std::nullopt).member;
    });
    return outcome_;
  }

  bool full() const { return text_bytes_ >= kMaxTextBytes; }
  int64_t documents() const { return outcome_.counts.documents; }

 private:
  class CountedSource final : public ingest::ByteSource {
   public:
    explicit CountedSource(ingest::ByteSource& source) : source_(source) {}
    StatusOr<size_t> Read(char* out, size_t n) override {
      JANGBU_ASSIGN_OR_RETURN(const size_t size, source_.Read(out, n));
      count_ += static_cast<int64_t>(size);
      return size;
    }
    int64_t count() const { return count_; }

   private:
    ingest::ByteSource& source_;
    int64_t count_ = 0;
  };
  struct InFlight {
    PreparePool::Result result;
    size_t raw_bytes = 0;
  };

  Status Submit() {
    if (group_.empty()) return OkStatus();
    PreparePool& pool = state_.flow->pool();
    in_flight_.push_back(
        {.result = pool.Prepare(0, policy_, std::exchange(group_, {})), .raw_bytes = group_bytes_});
    in_flight_bytes_ += std::exchange(group_bytes_, 0);
    while (!in_flight_.empty() && (in_flight_.size() > static_cast<size_t>(pool.workers()) * 2 ||
                                   in_flight_bytes_ > kInFlightBytes)) {
      JANGBU_RETURN_IF_ERROR(TakeOne());
    }
    return OkStatus();
  }

  Status TakeOne() {
    std::vector<PreparedDocument> documents = in_flight_.front().result.get();
    in_flight_bytes_ -= in_flight_.front().raw_bytes;
    in_flight_.pop_front();
    for (PreparedDocument& document : documents) {
      batch_bytes_ += document.weight;
      text_bytes_ += document.weight;
      batch_.push_back(std::move(document));
      if (batch_bytes_ >= kBatchBytes || batch_.size() >= kBatchDocuments)
        JANGBU_RETURN_IF_ERROR(JudgeAll());
    }
    return OkStatus();
  }

  // As a batch of an upload is settled, with claims that nobody else sees.
  Status JudgeAll() {
    if (batch_.empty()) return OkStatus();
    const uint64_t token = kFirstToken + batches_.size();
    std::vector<PreparedDocument> documents = std::exchange(batch_, {});
    batch_bytes_ = 0;
    BatchAppraisal appraisal;
    std::vector<ingest::DocumentForm> forms;
    std::vector<DocumentFacts> facts;
    appraisal.reserve(documents.size());
    forms.reserve(documents.size());
    facts.reserve(documents.size());
    for (size_t i = 0; i < documents.size(); ++i) {
      const ledger::Item& item = documents[i].appraisal.item;
      JANGBU_ASSIGN_OR_RETURN(
          DocumentFacts own,
          OpenFacts(documents[i].key, {.upload = 0, .file = item.file, .record = item.record},
                    documents[i].blob));
      facts.push_back(std::move(own));
      appraisal.push_back(documents[i].appraisal);
      forms.push_back(std::move(documents[i].form));
    }
    const ingest::RunView views[] = {state_.index->PartnerView(partner_), index_.View()};
    JANGBU_ASSIGN_OR_RETURN(JudgedBatch judged,
                            JudgeBatch({.partner = partner_,
                                        .token = token,
                                        .batch = appraisal,
                                        .forms = forms,
                                        .earlier = ingest::RunView::Of(views),
                                        .stored = forms_,
                                        .hasher = state_.index->hasher(),
                                        .rule = rule_,
                                        .workers = state_.flow->pool().workers()},
                                       [&](TableId table, const std::vector<KeyClaim>& claims) {
                                         return ClaimHere(table, token, claims);
                                       }));
    std::vector<Place> places;
    places.reserve(judged.items.size());
    for (size_t i = 0; i < judged.items.size(); ++i) {
      const ledger::Item& item = judged.items[i];
      places.push_back({.file = item.file, .record = item.record});
      if (item.verdict == ledger::Verdict::kAccepted ||
          item.verdict == ledger::Verdict::kNearDuplicate) {
        JANGBU_RETURN_IF_ERROR(
            forms_.Add({.token = token, .ordinal = static_cast<uint32_t>(i)}, documents[i]));
      }
    }
    batches_.push_back(std::move(places));
    index_.Add(std::move(judged.segment));
    while (true) {
      JANGBU_ASSIGN_OR_RETURN(const auto merged, index_.MergeSome(forms_));
      if (!merged.has_value()) break;
    }
    for (size_t i = 0; i < judged.items.size(); ++i) {
      outcome_.counts += ledger::CountsOf(judged.items[i]);
      JANGBU_RETURN_IF_ERROR(Tell(judged.items[i], facts[i]));
    }
    return OkStatus();
  }

  // What is held by an upload stays so; the rest is whose comes first here.
  StatusOr<std::vector<Owner>> ClaimHere(TableId table, uint64_t token,
                                         const std::vector<KeyClaim>& claims) {
    std::vector<Key> keys;
    keys.reserve(claims.size());
    for (const KeyClaim& claim : claims) keys.push_back(claim.key);
    JANGBU_ASSIGN_OR_RETURN(const std::vector<std::optional<Owner>> held,
                            state_.data->keys().Lookup(table, keys));
    std::vector<Owner> owners;
    owners.reserve(claims.size());
    auto& mine = table.kind == kTableDocuments ? documents_ : segments_;
    for (size_t i = 0; i < claims.size(); ++i) {
      if (held[i].has_value()) {
        owners.push_back(*held[i]);
        continue;
      }
      const Owner self{.token = token, .ordinal = claims[i].ordinal};
      owners.push_back(mine.emplace(claims[i].key, self).first->second);
    }
    return owners;
  }

  Status Tell(const ledger::Item& item, const DocumentFacts& facts) {
    VerdictView view;
    view.item = item;
    view.file_number = item.file;
    view.file = paths_[item.file];
    view.record = ShownRecord(item.record);
    view.document_id = facts.id;
    view.detail = facts.detail;
    view.personal_data = facts.personal_data;
    view.flags = facts.flags;
    view.read_as = facts.read_as;
    if (facts.received_sha256 != Digest{}) view.sha256 = ToHex(facts.received_sha256);
    if (item.duplicate_of.has_value()) {
      const Owner& owner = *item.duplicate_of;
      if (owner.token < kFirstToken) {
        JANGBU_ASSIGN_OR_RETURN(view.duplicate_of, finder_.Name(owner));
      } else {
        const Place& place = batches_[owner.token - kFirstToken][owner.ordinal];
        view.duplicate_of = paths_[place.file] + ":" + std::to_string(ShownRecord(place.record));
      }
    }
    return row_(view) ? OkStatus() : absl::CancelledError("nobody listens");
  }

  struct Place {
    uint32_t file = 0;
    uint64_t record = 0;
  };
  struct KeyHash {
    // Keys are keyed digests: any eight bytes do.
    size_t operator()(const Key& key) const {
      size_t hash = 0;
      std::memcpy(&hash, key.data(), sizeof(hash));
      return hash;
    }
  };
  using Claims = absl::flat_hash_map<Key, Owner, KeyHash>;

  Jangbu::State& state_;
  const uint32_t partner_;
  const std::shared_ptr<const CorpusMetadata> metadata_;
  const PreparePool::Policy policy_;
  const ingest::NoveltyRule rule_;
  const Row row_;
  const std::function<void()> ended_;
  TrialForms forms_;
  ingest::RunIndex index_;  // of the trial's own texts
  Claims documents_;
  Claims segments_;
  DocumentFinder finder_;
  std::vector<std::string> paths_;           // by file
  std::vector<std::vector<Place>> batches_;  // by token and ordinal
  std::vector<RawDocument> group_;
  size_t group_bytes_ = 0;
  std::deque<InFlight> in_flight_;
  size_t in_flight_bytes_ = 0;
  std::vector<PreparedDocument> batch_;
  int64_t batch_bytes_ = 0;
  int64_t text_bytes_ = 0;
  Outcome outcome_;
};

Trial::Trial(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Trial::~Trial() = default;
Status Trial::Add(const std::string& path, ingest::ByteSource& bytes) {
  return impl_->Add(path, bytes);
}
StatusOr<Trial::Outcome> Trial::Finish() { return impl_->Finish(); }
bool Trial::full() const { return impl_->full(); }
int64_t Trial::documents() const { return impl_->documents(); }

StatusOr<std::unique_ptr<Trial>> Jangbu::StartTrial(
    uint32_t partner, uint32_t corpus, const std::function<bool(const VerdictView&)>& row) {
  JANGBU_RETURN_IF_ERROR(fatal());
  JANGBU_ASSIGN_OR_RETURN(auto metadata,
                          ReadCorpusMetadata(*state_->scribe, *state_->keyring, partner, corpus));
  const auto pinned =
      state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
        return books.NoveltyRuleOf(kFirstToken);
      });
  {
    const std::lock_guard lock(state_->trials_mutex);
    if (state_->trials.size() >= State::kMaxTrials) {
      return ResourceExhausted("too_many_streams",
                               "the server serves as many streams as it can; try again");
    }
    if (!state_->trials.insert(partner).second) {
      return FailedPrecondition("trial_running",
                                "another dry run of yours is at work; wait for it or stop it");
    }
  }
  const auto ended = [state = state_.get(), partner] {
    const std::lock_guard lock(state->trials_mutex);
    state->trials.erase(partner);
  };
  StatusOr<std::unique_ptr<Spool>> spool = Spool::Create(state_->options.data_dir);
  if (!spool.ok()) {
    ended();
    return spool.status();
  }
  return std::unique_ptr<Trial>(new Trial(std::make_unique<Trial::Impl>(
      *state_, partner, std::move(metadata), RuleOf(pinned.value_or(ledger::NoveltyRule{})),
      *std::move(spool), row, ended)));
}

}  // namespace jangbu::services
