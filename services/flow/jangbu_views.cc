// Lists of documents: the journal's items joined with what is sealed in the blobs.

#include <algorithm>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "services/flow/document_blob.h"
#include "services/flow/document_finder.h"
#include "services/flow/jangbu.h"
#include "services/flow/jangbu_state.h"

namespace jangbu::services {
namespace {

constexpr size_t kBlobsAtOnce = 512;

bool Passes(const VerdictFilter& filter, const ledger::Item& item) {
  if (!filter.verdicts.empty() && std::find(filter.verdicts.begin(), filter.verdicts.end(),
                                            item.verdict) == filter.verdicts.end()) {
    return false;
  }
  return filter.reason.empty() || filter.reason == item.reason;
}

// The facts of some documents of one batch; default facts where the key was destroyed.
StatusOr<std::vector<DocumentFacts>> ReadFacts(BlobStore& blobs, Keyring& keyring, uint32_t partner,
                                               uint64_t upload, uint64_t token,
                                               const std::vector<ledger::Item>& items,
                                               const std::vector<uint32_t>& ordinals) {
  std::vector<DocumentFacts> facts(ordinals.size());
  JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<const SecretKey> partner_key,
                          keyring.PartnerKey(partner));
  for (size_t from = 0; from < ordinals.size(); from += kBlobsAtOnce) {
    const size_t to = std::min(ordinals.size(), from + kBlobsAtOnce);
    std::vector<BlobName> names;
    std::vector<VaultName> keys;
    for (size_t i = from; i < to; ++i) {
      names.push_back({.kind = BlobKind::kText, .token = token, .ordinal = ordinals[i]});
      keys.push_back({.kind = VaultKind::kDocument, .id = token, .ordinal = ordinals[i]});
    }
    JANGBU_ASSIGN_OR_RETURN(const auto wrapped, keyring.vault().Get(keys));
    JANGBU_ASSIGN_OR_RETURN(const auto sealed, blobs.Get(names));
    for (size_t i = from; i < to; ++i) {
      if (!wrapped[i - from].has_value()) continue;
      if (!sealed[i - from].has_value())
        return DataLoss("text_missing", "a stored document is gone");
      JANGBU_ASSIGN_OR_RETURN(const SecretKey key,
                              UnwrapKey(*partner_key, keys[i - from], *wrapped[i - from]));
      const ledger::Item& item = items[ordinals[i]];
      JANGBU_ASSIGN_OR_RETURN(
          facts[i], OpenFacts(key, {.upload = upload, .file = item.file, .record = item.record},
                              *sealed[i - from]));
    }
  }
  return facts;
}

}  // namespace

Status Jangbu::ListVerdicts(uint32_t partner, uint32_t number, const VerdictFilter& filter,
                            const std::function<bool(const VerdictView&)>& row) {
  JANGBU_ASSIGN_OR_RETURN(const ledger::UploadRecord upload, state_->FindUpload(partner, number));
  DocumentFinder finder(*state_->scribe, *state_->staging);
  uint64_t shown = 0;
  for (const uint64_t seq : upload.commits) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, state_->scribe->EntryAt(seq));
    const auto& commit = std::get<ledger::BatchCommit>(entry.body);
    std::vector<uint32_t> ordinals;
    for (size_t i = 0; i < commit.items.size(); ++i) {
      if (!Passes(filter, commit.items[i])) continue;
      if (!filter.file.empty()) {
        JANGBU_ASSIGN_OR_RETURN(const std::string path,
                                finder.Path(partner, upload.token, commit.items[i].file));
        if (path != filter.file) continue;
      }
      ordinals.push_back(static_cast<uint32_t>(i));
    }
    JANGBU_ASSIGN_OR_RETURN(const std::vector<DocumentFacts> facts,
                            ReadFacts(state_->data->blobs(), *state_->keyring, partner,
                                      upload.token, commit.token, commit.items, ordinals));
    for (size_t i = 0; i < ordinals.size(); ++i) {
      VerdictView view;
      view.item = commit.items[ordinals[i]];
      view.file_number = view.item.file;
      view.record = ShownRecord(view.item.record);
      JANGBU_ASSIGN_OR_RETURN(view.file, finder.Path(partner, upload.token, view.item.file));
      view.document_id = facts[i].id;
      view.detail = facts[i].detail;
      view.personal_data = facts[i].personal_data;
      view.flags = facts[i].flags;
      view.read_as = facts[i].read_as;
      if (facts[i].received_sha256 != Digest{}) view.sha256 = ToHex(facts[i].received_sha256);
      if (view.item.duplicate_of.has_value()) {
        JANGBU_ASSIGN_OR_RETURN(view.duplicate_of, finder.Name(*view.item.duplicate_of));
      }
      if (!row(view)) return OkStatus();
      if (filter.limit != 0 && ++shown >= filter.limit) return OkStatus();
    }
  }
  return OkStatus();
}

Status Jangbu::ListItems(uint32_t partner, uint32_t number,
                         const std::function<bool(const OperatorItem&)>& row) {
  JANGBU_ASSIGN_OR_RETURN(const ledger::UploadRecord upload, state_->FindUpload(partner, number));
  DocumentFinder finder(*state_->scribe, *state_->staging);
  for (const uint64_t seq : upload.commits) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, state_->scribe->EntryAt(seq));
    const auto& commit = std::get<ledger::BatchCommit>(entry.body);
    std::optional<uint64_t> decided;
    state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      decided = books.FindBatch(commit.token)->decision;
    });
    ledger::Decision decision;
    if (decided.has_value()) {
      JANGBU_ASSIGN_OR_RETURN(ledger::Entry decision_entry, state_->scribe->EntryAt(*decided));
      decision = std::move(std::get<ledger::Decision>(decision_entry.body));
    }
    for (size_t i = 0; i < commit.items.size(); ++i) {
      const ledger::Item& item = commit.items[i];
      OperatorItem view;
      view.file_number = item.file;
      view.record = ShownRecord(item.record);
      switch (item.verdict) {
        case ledger::Verdict::kRejected:
          view.verdict = "REJECTED";
          break;
        case ledger::Verdict::kExactDuplicate:
          view.verdict = "EXACT_DUPLICATE";
          break;
        case ledger::Verdict::kNearDuplicate:
          view.verdict = "NEAR_DUPLICATE";
          break;
        case ledger::Verdict::kAccepted:
          view.verdict = decided.has_value() ? "ACCEPTED" : "UNDECIDED";
          break;
      }
      if (decided.has_value()) {
        view.korean_tokens = decision.items[i].korean_tokens;
        view.korean_words = decision.items[i].korean_words;
        if (decision.items[i].held_by.has_value()) {
          view.verdict = "HELD";
          JANGBU_ASSIGN_OR_RETURN(view.covered_by, finder.Name(*decision.items[i].held_by));
        }
      }
      if (!row(view)) return OkStatus();
    }
  }
  return OkStatus();
}

// ---- feeds ----

StatusOr<UploadView> Jangbu::OpenFeed(uint32_t partner, uint32_t corpus,
                                      const std::string& stream_id) {
  if (stream_id.empty() || stream_id.size() > 64)
    return InvalidArgument("bad_stream_id", "a stream id has 1 to 64 bytes");
  const std::string partner_id = PartnerId(partner);
  if (partner_id.empty()) return NotFound("no_such_partner", "there is no such partner");
  ByteWriter corpus_bytes;
  corpus_bytes.U32(corpus);
  const Digest digest =
      state_->keyring->NameMac("feed", {partner_id, corpus_bytes.bytes(), stream_id});
  const std::string mac(AsView(digest).substr(0, 16));
  uint64_t token = 0;
  bool fresh = false;
  JANGBU_ASSIGN_OR_RETURN(
      const Scribe::Appended appended,
      state_->scribe->Propose(
          [&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            const ledger::PartnerRecord& record = *books.FindPartner(partner);
            if (const auto opened = record.upload_requests.find(mac);
                opened != record.upload_requests.end()) {
              token = opened->second;
              return std::vector<ledger::Draft>{};
            }
            fresh = true;
            return std::vector<ledger::Draft>{
                {.partner = partner_id,
                 .body = ledger::UploadOpened{
                     .upload = static_cast<uint32_t>(record.uploads.size() + 1),
                     .corpus = corpus,
                     .kind = ledger::UploadKind::kStream,
                     .request_mac = mac}}};
          }));
  if (fresh) token = appended.first_seq;
  ledger::UploadRecord upload;
  state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    upload = *books.FindUpload(token);
  });
  return state_->ViewOf(upload);
}

StatusOr<std::vector<FeedVerdict>> Jangbu::Contribute(uint32_t partner, uint32_t number,
                                                      std::vector<FeedDocument> documents) {
  JANGBU_ASSIGN_OR_RETURN(const ledger::UploadRecord upload, state_->FindUpload(partner, number));
  if (upload.kind != ledger::UploadKind::kStream || upload.state != ledger::UploadState::kOpen) {
    return FailedPrecondition("upload_not_open", "this feed takes no more documents");
  }
  JANGBU_ASSIGN_OR_RETURN(const auto outcomes, state_->flow->Contribute(partner, upload.token,
                                                                        upload.corpus, documents));
  DocumentFinder finder(*state_->scribe, *state_->staging);
  std::vector<FeedVerdict> verdicts(documents.size());
  for (size_t i = 0; i < documents.size(); ++i) {
    FeedVerdict& verdict = verdicts[i];
    verdict.document_id = documents[i].document_id;
    verdict.replayed = outcomes[i].replayed;
    verdict.error = outcomes[i].error;
    if (!verdict.error.ok()) continue;
    const Owner& owner = outcomes[i].document;
    JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<const ledger::Entry> entry,
                            finder.Commit(owner.token));
    const auto& commit = std::get<ledger::BatchCommit>(entry->body);
    uint64_t its_upload = 0;
    state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      its_upload = books.FindPartner(partner)->uploads[commit.upload - 1];
    });
    JANGBU_ASSIGN_OR_RETURN(const std::vector<DocumentFacts> facts,
                            ReadFacts(state_->data->blobs(), *state_->keyring, partner, its_upload,
                                      owner.token, commit.items, {owner.ordinal}));
    if (verdict.replayed && facts[0].received_sha256 != Sha256(documents[i].text)) {
      verdict.error = AlreadyExists("document_id_reused",
                                    "this document id was contributed before with another text");
      continue;
    }
    VerdictView& view = verdict.verdict;
    view.item = commit.items[owner.ordinal];
    view.record = ShownRecord(view.item.record);
    view.document_id = facts[0].id;
    view.detail = facts[0].detail;
    view.personal_data = facts[0].personal_data;
    view.flags = facts[0].flags;
    view.sha256 = ToHex(facts[0].received_sha256);
    if (view.item.duplicate_of.has_value()) {
      JANGBU_ASSIGN_OR_RETURN(view.duplicate_of, finder.Name(*view.item.duplicate_of));
    }
  }
  return verdicts;
}

}  // namespace jangbu::services
