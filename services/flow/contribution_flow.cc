#include "services/flow/contribution_flow.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/bytes.h"
#include "base/check.h"
#include "services/flow/corpus_metadata.h"
#include "services/flow/judging.h"

namespace jangbu::services {
namespace {

constexpr size_t kInFlightBytes = size_t{32}
                                  << 20;  // of raw records being prepared for one partner
constexpr size_t kClaimsAtOnce = 32'768;

BlobName TextName(uint64_t token, size_t ordinal) {
  return {.kind = BlobKind::kText, .token = token, .ordinal = ordinal};
}
BlobName AppraisalName(uint64_t token) {
  return {.kind = BlobKind::kAppraisal, .token = token, .ordinal = 0};
}

std::string AppraisalAad(uint64_t token) {
  ByteWriter w;
  w.Raw("jangbu appraisal 1\n");
  w.U64(token);
  return w.Take();
}

}  // namespace

struct ContributionFlow::PartnerWork {
  std::mutex commit;  // one batch of a partner at a time
  std::thread thread;
  bool woken = false;                      // guarded by mutex_
  uint64_t changes = 0;                    // guarded by mutex_
  std::map<uint64_t, uint32_t> next_file;  // of each upload in work; the partner's thread alone
  std::map<uint64_t, bool> given_up;       // uploads that were cancelled under our hands
};

ContributionFlow::ContributionFlow(Parts parts)
    : parts_(std::move(parts)),
      pool_(parts_.workers, parts_.tokenizer, *parts_.fingerprinter, parts_.keyring->random()) {}

ContributionFlow::~ContributionFlow() { Stop(); }

void ContributionFlow::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& [partner, work] : work_) {
    if (work->thread.joinable()) work->thread.join();
  }
}

ContributionFlow::PartnerWork& ContributionFlow::WorkOf(uint32_t partner) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<PartnerWork>& work = work_[partner];
  if (work == nullptr) work = std::make_unique<PartnerWork>();
  return *work;
}

Status ContributionFlow::WhileNothingSettles(uint32_t partner,
                                             const std::function<Status()>& what) {
  PartnerWork& work = WorkOf(partner);
  const std::lock_guard lock(work.commit);
  return what();
}

void ContributionFlow::Wake(uint32_t partner) {
  PartnerWork& work = WorkOf(partner);
  {
    const std::lock_guard lock(mutex_);
    work.woken = true;
    if (started_ && !stopping_ && !work.thread.joinable()) {
      work.thread = std::thread([this, partner, &work] { RunPartner(partner, work); });
    }
  }
  changed_.notify_all();
}

void ContributionFlow::Start() {
  std::set<uint32_t> partners;
  parts_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& [token, upload] : books.uploads()) {
      if (upload.kind == ledger::UploadKind::kFiles &&
          (upload.state == ledger::UploadState::kOpen ||
           upload.state == ledger::UploadState::kSealed)) {
        partners.insert(upload.partner);
      }
    }
  });
  {
    const std::lock_guard lock(mutex_);
    started_ = true;
  }
  for (const uint32_t partner : partners) Wake(partner);
}

void ContributionFlow::Changed(uint32_t partner) {
  PartnerWork& work = WorkOf(partner);
  {
    const std::lock_guard lock(mutex_);
    ++work.changes;
  }
  changed_.notify_all();
}

void ContributionFlow::AwaitChange(uint32_t partner, int timeout_ms) {
  PartnerWork& work = WorkOf(partner);
  std::unique_lock lock(mutex_);
  const uint64_t seen = work.changes;
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                    [&] { return stopping_ || !fatal_.ok() || work.changes != seen; });
}

int64_t ContributionFlow::ProcessedBytes(uint64_t upload) const {
  const std::lock_guard lock(mutex_);
  const auto found = processed_.find(upload);
  return found == processed_.end() ? 0 : found->second;
}

void ContributionFlow::SetFatal(const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    if (fatal_.ok()) fatal_ = status;
  }
  changed_.notify_all();
  if (parts_.log) parts_.log("storage failed, restart needed: " + std::string(MessageOf(status)));
}

Status ContributionFlow::fatal() const {
  const std::lock_guard lock(mutex_);
  return fatal_.ok() ? parts_.scribe->fatal() : fatal_;
}

// ---- files ----

void ContributionFlow::RunPartner(uint32_t partner, PartnerWork& work) {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !fatal_.ok() || work.woken; });
      if (stopping_ || !fatal_.ok()) return;
      work.woken = false;
    }
    std::vector<uint64_t> uploads;
    parts_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      for (const uint64_t token : books.FindPartner(partner)->uploads) {
        const ledger::UploadRecord* upload = books.FindUpload(token);
        if (upload->kind == ledger::UploadKind::kFiles &&
            (upload->state == ledger::UploadState::kOpen ||
             upload->state == ledger::UploadState::kSealed)) {
          uploads.push_back(token);
        }
      }
    });
    for (const uint64_t upload : uploads) {
      const StatusOr<bool> advanced = ProcessUpload(partner, upload, work);
      if (advanced.ok()) continue;
      if (advanced.status().code() == absl::StatusCode::kCancelled) return;
      const bool cancelled =
          parts_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
            return books.FindUpload(upload)->state == ledger::UploadState::kCancelled;
          });
      if (cancelled) continue;  // its staging went away while it was read
      SetFatal(advanced.status());
      return;
    }
  }
}

StatusOr<bool> ContributionFlow::ProcessUpload(uint32_t partner, uint64_t upload,
                                               PartnerWork& work) {
  std::optional<std::pair<uint32_t, uint64_t>> done;
  ledger::UploadState state = ledger::UploadState::kOpen;
  uint32_t file_count = 0;
  uint32_t number = 0;
  uint32_t corpus = 0;
  std::string partner_id;
  const auto look = [&](const ledger::Books& books, const ledger::MerkleTree&) {
    const ledger::UploadRecord* record = books.FindUpload(upload);
    done = record->last_committed;
    state = record->state;
    file_count = record->file_count;
    number = record->number;
    corpus = record->corpus;
    partner_id = books.FindPartner(partner)->id;
  };
  parts_.scribe->Read(look);
  JANGBU_ASSIGN_OR_RETURN(const auto metadata,
                          ReadCorpusMetadata(*parts_.scribe, *parts_.keyring, partner, corpus));
  const PreparePool::Policy policy(metadata, &metadata->screen);
  JANGBU_ASSIGN_OR_RETURN(const Staging::Totals totals, parts_.staging->TotalsOf(partner, upload));
  if (!work.next_file.contains(upload)) {
    work.next_file[upload] = done.has_value() ? done->first : 0;
    int64_t bytes = 0;
    for (uint32_t file = 0; file < work.next_file[upload]; ++file) {
      JANGBU_ASSIGN_OR_RETURN(const auto info, parts_.staging->CompleteFile(partner, upload, file));
      if (info.has_value()) bytes += static_cast<int64_t>(info->bytes);
    }
    const std::lock_guard lock(mutex_);
    processed_[upload] = bytes;
  }
  uint32_t& next_file = work.next_file[upload];
  const bool has_new_files = next_file < totals.complete_prefix;

  // Groups of records on their way through the pool, in order; then the batch that they fill.
  struct InFlight {
    PreparePool::Result result;
    int64_t finished_bytes = 0;  // of files that end with this group
    size_t raw_bytes = 0;
  };
  std::deque<InFlight> in_flight;
  size_t in_flight_bytes = 0;
  Batch batch;
  int64_t batch_bytes = 0;
  int64_t batch_finished_bytes = 0;
  bool gone = false;  // the upload was cancelled meanwhile

  const auto commit = [&]() -> Status {
    if (batch.empty()) {
      const std::lock_guard lock(mutex_);
      processed_[upload] += std::exchange(batch_finished_bytes, 0);
      return OkStatus();
    }
    StatusOr<uint64_t> token = uint64_t{0};
    {
      const std::lock_guard partner_lock(work.commit);
      token = Commit(partner, upload, std::exchange(batch, {}));
    }
    batch_bytes = 0;
    if (!token.ok()) {
      if (ReasonOf(token.status()) == "upload_finished") {
        gone = true;
        return OkStatus();
      }
      return token.status();
    }
    {
      const std::lock_guard lock(mutex_);
      processed_[upload] += std::exchange(batch_finished_bytes, 0);
    }
    Changed(partner);
    return OkStatus();
  };
  const auto take_one = [&]() -> Status {
    std::vector<PreparedDocument> documents = in_flight.front().result.get();
    const int64_t finished = in_flight.front().finished_bytes;
    in_flight_bytes -= in_flight.front().raw_bytes;
    in_flight.pop_front();
    for (PreparedDocument& document : documents) {
      batch_bytes += document.weight;
      batch.push_back(std::move(document));
      if (batch_bytes >= kBatchBytes || batch.size() >= kBatchDocuments) {
        JANGBU_RETURN_IF_ERROR(commit());
        if (gone) return OkStatus();
      }
    }
    batch_finished_bytes += finished;
    return OkStatus();
  };
  const size_t in_flight_max = static_cast<size_t>(pool_.workers()) * 4 + 4;
  std::vector<RawDocument> group;
  size_t group_bytes = 0;
  int64_t group_finished_bytes = 0;
  const auto submit = [&]() -> Status {
    if (group.empty() && group_finished_bytes == 0) return OkStatus();
    in_flight.push_back({.result = pool_.Prepare(upload, policy, std::exchange(group, {})),
                         .finished_bytes = std::exchange(group_finished_bytes, 0),
                         .raw_bytes = group_bytes});
    in_flight_bytes += std::exchange(group_bytes, 0);
    while (in_flight.size() >= in_flight_max ||
           (in_flight_bytes > kInFlightBytes && !in_flight.empty())) {
      JANGBU_RETURN_IF_ERROR(take_one());
      if (gone) break;
    }
    return OkStatus();
  };
  const auto stopping = [this] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  };

  for (uint32_t file = next_file; file < totals.complete_prefix && !gone; ++file) {
    if (stopping()) return absl::CancelledError("stopping");
    JANGBU_ASSIGN_OR_RETURN(const auto info, parts_.staging->CompleteFile(partner, upload, file));
    JANGBU_CHECK(info.has_value());
    const auto passed = [&](uint64_t record) {
      return done.has_value() && std::pair(file, record) <= *done;
    };
    if (!passed(kWholeFile)) {
      JANGBU_ASSIGN_OR_RETURN(const std::unique_ptr<ingest::ByteSource> source,
                              parts_.staging->OpenFile(partner, upload, file));
      JANGBU_ASSIGN_OR_RETURN(
          const std::unique_ptr<ingest::FileReader> reader,
          ingest::FileReader::Open(*source, info->path, {}, parts_.documents, metadata->reading));
      const auto facts = std::make_shared<const ingest::FileFacts>(reader->facts());
      while (!gone) {
        JANGBU_ASSIGN_OR_RETURN(std::optional<ingest::RawRecord> raw, reader->Next());
        if (!raw.has_value()) break;
        if (passed(raw->record == 0 ? kWholeFile : raw->record)) continue;
        group_bytes += raw->bytes.size() + (raw->document ? raw->document->text.size() : 0) + 64;
        group.push_back({.file = file, .facts = facts, .record = *std::move(raw)});
        if (group_bytes >= kGroupBytes || group.size() >= kGroupDocuments) {
          JANGBU_RETURN_IF_ERROR(submit());
          if (stopping()) return absl::CancelledError("stopping");
        }
      }
    }
    group_finished_bytes += static_cast<int64_t>(info->bytes);
  }
  JANGBU_RETURN_IF_ERROR(submit());
  while (!in_flight.empty() && !gone) JANGBU_RETURN_IF_ERROR(take_one());
  if (!gone) JANGBU_RETURN_IF_ERROR(commit());
  if (gone) {
    work.next_file.erase(upload);
    Changed(partner);
    return true;
  }
  next_file = std::max(next_file, totals.complete_prefix);

  parts_.scribe->Read(look);
  if (state == ledger::UploadState::kSealed && next_file >= file_count) {
    const auto appended = parts_.scribe->Propose(
        [&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
          const ledger::UploadRecord* record = books.FindUpload(upload);
          if (record->state != ledger::UploadState::kSealed) return std::vector<ledger::Draft>{};
          return std::vector<ledger::Draft>{
              {.partner = partner_id,
               .body = ledger::UploadDone{
                   .upload = number, .file_count = file_count, .counts = record->counts}}};
        });
    JANGBU_RETURN_IF_ERROR(appended.status());
    JANGBU_RETURN_IF_ERROR(parts_.staging->DropChunks(upload));
    work.next_file.erase(upload);
    Changed(partner);
    return true;
  }
  return has_new_files;
}

// ---- committing ----

StatusOr<uint64_t> ContributionFlow::Commit(uint32_t partner, uint64_t upload, Batch batch) {
  JANGBU_CHECK(!batch.empty());
  // What is committed, in the order it was received, under a keyed digest.
  ByteWriter list;
  for (const PreparedDocument& document : batch) {
    list.Varint(document.appraisal.item.file);
    list.Varint(document.appraisal.item.record);
    list.Raw(document.received_sha256);
  }
  const Digest staged_mac = parts_.keyring->NameMac("batch", {list.bytes()});
  JANGBU_ASSIGN_OR_RETURN(
      const Scribe::Appended begun,
      parts_.scribe->Propose(
          [&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            const ledger::UploadRecord* record = books.FindUpload(upload);
            const ledger::Item& first = batch.front().appraisal.item;
            const ledger::Item& last = batch.back().appraisal.item;
            return std::vector<ledger::Draft>{
                {.partner = books.FindPartner(partner)->id,
                 .body = ledger::BatchBegin{.upload = record->number,
                                            .documents = static_cast<uint32_t>(batch.size()),
                                            .first_file = first.file,
                                            .first_record = first.record,
                                            .last_file = last.file,
                                            .last_record = last.record,
                                            .staged_mac = staged_mac}}};
          }));
  const uint64_t token = begun.first_seq;

  JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<const SecretKey> partner_key,
                          parts_.keyring->PartnerKey(partner));
  std::vector<std::string> wrapped;
  std::vector<VaultPut> keys;
  std::vector<BlobPut> blobs;
  BatchAppraisal appraisal;
  std::vector<ingest::DocumentForm> forms;
  forms.reserve(batch.size());
  wrapped.reserve(batch.size());
  appraisal.reserve(batch.size());
  for (size_t i = 0; i < batch.size(); ++i) {
    const VaultName name{
        .kind = VaultKind::kDocument, .id = token, .ordinal = static_cast<uint32_t>(i)};
    wrapped.push_back(WrapKey(*partner_key, name, batch[i].key, parts_.keyring->random()));
    keys.push_back({.name = name, .wrapped = wrapped.back()});
    blobs.push_back({.name = TextName(token, i), .bytes = batch[i].blob});
    appraisal.push_back(std::move(batch[i].appraisal));
    forms.push_back(std::move(batch[i].form));
  }
  const std::string box = SealBox(*partner_key, AppraisalAad(token),
                                  EncodeBatchAppraisal(appraisal), parts_.keyring->random());
  blobs.push_back({.name = AppraisalName(token), .bytes = box});
  JANGBU_RETURN_IF_ERROR(parts_.keyring->vault().Put(keys));
  JANGBU_RETURN_IF_ERROR(parts_.blobs->Put(blobs));
  JANGBU_RETURN_IF_ERROR(Settle(partner, upload, token, appraisal, forms));
  return token;
}

StatusOr<std::vector<Owner>> ContributionFlow::ClaimAll(TableId table, uint64_t token,
                                                        const std::vector<KeyClaim>& claims) {
  std::vector<Owner> owners;
  owners.reserve(claims.size());
  for (size_t i = 0; i < claims.size(); i += kClaimsAtOnce) {
    const std::span part(claims.data() + i, std::min(kClaimsAtOnce, claims.size() - i));
    JANGBU_ASSIGN_OR_RETURN(const std::vector<ClaimResult> results,
                            parts_.keys->Claim(table, token, part));
    for (const ClaimResult& result : results) owners.push_back(result.owner);
  }
  return owners;
}

Status ContributionFlow::Settle(uint32_t partner, uint64_t upload, uint64_t token,
                                const BatchAppraisal& batch,
                                const std::vector<ingest::DocumentForm>& forms) {
  const auto pinned =
      parts_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
        return books.NoveltyRuleOf(token);
      });
  JANGBU_CHECK(pinned.has_value());
  // A document id is looked up before its batch begins, under the same lock: it is free.
  std::vector<KeyClaim> ids;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (batch[i].document_id_key.has_value())
      ids.push_back({.key = *batch[i].document_id_key, .ordinal = static_cast<uint32_t>(i)});
  }
  JANGBU_ASSIGN_OR_RETURN(const std::vector<Owner> id_owners,
                          ClaimAll({.kind = kTableDocumentIds, .scope = partner}, token, ids));
  for (size_t i = 0; i < ids.size(); ++i) {
    JANGBU_CHECK(id_owners[i] == (Owner{.token = token, .ordinal = ids[i].ordinal}));
  }
  JANGBU_ASSIGN_OR_RETURN(JudgedBatch judged,
                          JudgeBatch({.partner = partner,
                                      .token = token,
                                      .batch = batch,
                                      .forms = forms,
                                      .earlier = parts_.index->PartnerView(partner),
                                      .stored = parts_.index->forms(),
                                      .hasher = parts_.index->hasher(),
                                      .rule = RuleOf(*pinned),
                                      .workers = pool_.workers()},
                                     [&](TableId table, const std::vector<KeyClaim>& claims) {
                                       return ClaimAll(table, token, claims);
                                     }));
  ledger::BatchCommit commit;
  commit.token = token;
  commit.items = std::move(judged.items);
  commit.appraisal_mac = parts_.keyring->NameMac("appraisal", {EncodeBatchAppraisal(batch)});
  const TextIndex::Committing committing(*parts_.index);
  JANGBU_RETURN_IF_ERROR(
      parts_.scribe
          ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            commit.upload = books.FindUpload(upload)->number;
            return std::vector<ledger::Draft>{
                {.partner = books.FindPartner(partner)->id, .body = std::move(commit)}};
          })
          .status());
  parts_.index->Append(partner, std::move(judged.segment));
  return OkStatus();
}

Status ContributionFlow::Abort(uint32_t partner, uint64_t upload, uint64_t token) {
  JANGBU_RETURN_IF_ERROR(parts_.keyring->vault().EraseAll(VaultKind::kDocument, token));
  JANGBU_RETURN_IF_ERROR(parts_.blobs->DeleteAll(BlobKind::kText, token));
  return parts_.scribe
      ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
        return std::vector<ledger::Draft>{
            {.partner = books.FindPartner(partner)->id,
             .body =
                 ledger::BatchAbort{.upload = books.FindUpload(upload)->number, .token = token}}};
      })
      .status();
}

Status ContributionFlow::Recover() {
  struct OpenBatch {
    uint64_t token;
    uint64_t upload;
    uint32_t partner;
  };
  std::vector<OpenBatch> open;
  parts_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& [token, upload] : books.open_batches()) {
      open.push_back(
          {.token = token, .upload = upload, .partner = books.FindUpload(upload)->partner});
    }
  });
  for (const OpenBatch& batch : open) {
    const BlobName name = AppraisalName(batch.token);
    JANGBU_ASSIGN_OR_RETURN(const auto box, parts_.blobs->Get({&name, 1}));
    if (!box[0].has_value()) {
      JANGBU_RETURN_IF_ERROR(Abort(batch.partner, batch.upload, batch.token));
      continue;
    }
    JANGBU_ASSIGN_OR_RETURN(const auto key, parts_.keyring->PartnerKey(batch.partner));
    JANGBU_ASSIGN_OR_RETURN(const std::string bytes,
                            OpenBox(*key, AppraisalAad(batch.token), *box[0]));
    JANGBU_ASSIGN_OR_RETURN(const BatchAppraisal appraisal, DecodeBatchAppraisal(bytes));
    // Its texts were stored with its appraisal.
    std::vector<ledger::Item> items;
    std::vector<uint32_t> ordinals;
    for (const DocumentAppraisal& document : appraisal) {
      if (document.item.verdict != ledger::Verdict::kRejected)
        ordinals.push_back(static_cast<uint32_t>(items.size()));
      items.push_back(document.item);
    }
    JANGBU_ASSIGN_OR_RETURN(
        const auto texts,
        parts_.index->texts().Read(batch.partner, batch.upload, batch.token, items, ordinals));
    std::vector<ingest::DocumentForm> forms(appraisal.size());
    for (size_t i = 0; i < ordinals.size(); ++i) {
      if (!texts[i].has_value()) {
        return DataLoss("text_key_missing", "the key of a document of the open batch " +
                                                std::to_string(batch.token) + " is gone");
      }
      forms[ordinals[i]] = ingest::FormOfDocument(*texts[i]);
    }
    JANGBU_RETURN_IF_ERROR(Settle(batch.partner, batch.upload, batch.token, appraisal, forms));
  }
  return OkStatus();
}

StatusOr<BatchAppraisal> ReadAppraisal(BlobStore& blobs, Keyring& keyring, uint32_t partner,
                                       uint64_t token) {
  const BlobName name = AppraisalName(token);
  JANGBU_ASSIGN_OR_RETURN(const auto box, blobs.Get({&name, 1}));
  if (!box[0].has_value()) {
    return DataLoss("appraisal_missing",
                    "the appraisal of batch " + std::to_string(token) + " is gone");
  }
  JANGBU_ASSIGN_OR_RETURN(const auto key, keyring.PartnerKey(partner));
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, OpenBox(*key, AppraisalAad(token), *box[0]));
  return DecodeBatchAppraisal(bytes);
}

// ---- feeds ----

StatusOr<std::vector<ContributionFlow::FeedOutcome>> ContributionFlow::Contribute(
    uint32_t partner, uint64_t upload, uint32_t corpus,
    const std::vector<FeedDocument>& documents) {
  PartnerWork& work = WorkOf(partner);
  const std::lock_guard partner_lock(work.commit);
  JANGBU_RETURN_IF_ERROR(fatal());
  JANGBU_ASSIGN_OR_RETURN(const auto metadata,
                          ReadCorpusMetadata(*parts_.scribe, *parts_.keyring, partner, corpus));
  const PreparePool::Policy policy(metadata, &metadata->screen);
  std::vector<FeedOutcome> outcomes(documents.size());

  // Documents are taken in runs without a repeated id; a repeated id is looked up after its first
  // was committed.
  size_t from = 0;
  while (from < documents.size()) {
    std::set<std::string_view> ids;
    size_t to = from;
    int64_t bytes = 0;
    while (to < documents.size() && to - from < kBatchDocuments && bytes < kBatchBytes &&
           ids.insert(documents[to].document_id).second) {
      bytes += static_cast<int64_t>(documents[to].text.size());
      ++to;
    }
    std::vector<size_t> fresh;
    std::vector<Key> keys;
    std::vector<size_t> asked;
    for (size_t i = from; i < to; ++i) {
      if (documents[i].document_id.empty() || documents[i].document_id.size() > 256) {
        outcomes[i].error = InvalidArgument("bad_document_id", "a document id has 1 to 256 bytes");
        continue;
      }
      asked.push_back(i);
      keys.push_back(parts_.fingerprinter->OfDocumentId(corpus, documents[i].document_id));
    }
    JANGBU_ASSIGN_OR_RETURN(
        const auto owners,
        parts_.keys->Lookup({.kind = kTableDocumentIds, .scope = partner}, keys));
    std::vector<RawFeedDocument> group;
    uint64_t record = 0;
    parts_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      const auto& last = books.FindUpload(upload)->last_committed;
      record = last.has_value() ? last->second : 0;
    });
    for (size_t j = 0; j < asked.size(); ++j) {
      const FeedDocument& document = documents[asked[j]];
      if (owners[j].has_value()) {
        outcomes[asked[j]].replayed = true;
        outcomes[asked[j]].document = *owners[j];
        continue;
      }
      fresh.push_back(asked[j]);
      group.push_back({.record = ++record,
                       .id_key = keys[j],
                       .id = document.document_id,
                       .text = document.text,
                       .title = document.title,
                       .published_at = document.published_at});
    }
    if (!group.empty()) {
      Batch batch;
      std::vector<PreparePool::Result> results;
      const size_t each =
          std::max<size_t>(1, group.size() / (static_cast<size_t>(pool_.workers()) * 2));
      for (size_t i = 0; i < group.size(); i += each) {
        std::vector<RawFeedDocument> part(
            std::make_move_iterator(group.begin() + static_cast<std::ptrdiff_t>(i)),
            std::make_move_iterator(group.begin() +
                                    static_cast<std::ptrdiff_t>(std::min(group.size(), i + each))));
        results.push_back(pool_.Prepare(upload, policy, std::move(part)));
      }
      for (PreparePool::Result& result : results) {
        for (PreparedDocument& document : result.get()) batch.push_back(std::move(document));
      }
      const StatusOr<uint64_t> token = Commit(partner, upload, std::move(batch));
      if (!token.ok()) {
        if (token.status().code() != absl::StatusCode::kFailedPrecondition)
          SetFatal(token.status());
        return token.status();
      }
      for (size_t i = 0; i < fresh.size(); ++i) {
        outcomes[fresh[i]].document = {.token = *token, .ordinal = static_cast<uint32_t>(i)};
      }
    }
    from = to;
  }
  Changed(partner);
  return outcomes;
}

}  // namespace jangbu::services
