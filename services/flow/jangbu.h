#pragma once

// The front door of the running system: what a call over the wire may ask, in domain words.
//
// Every method is thread-safe. Who may call what is decided before (services/rpc); a method that
// takes a partner number answers NotFound for anything that is not that partner's. Errors have
// stable reason codes (base/status.h); those listed are the ones a caller is meant to handle,
// besides Unavailable("server_stopping") and storage errors.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "ingest/extract/read_options.h"
#include "ingest/screen/screen.h"
#include "ingest/tokens/tokenizer.h"
#include "ledger/books.h"
#include "ledger/entry.h"
#include "services/storage/envelope.h"

namespace jangbu::services {

struct JangbuOptions {
  std::string data_dir;
  std::string master_key_file;  // "": the environment variable, else DATA_DIR.master-key (made when
                                // missing)
  std::string tokenizer_file;   // "" on a new installation: the shipped default; pins for ever
  std::string default_tokenizer_file;
  std::string
      log_origin;  // "" on a new installation: "jangbu.local/" + 8 random hexadecimal digits
  std::string
      anchor_file;        // newest checkpoint, kept outside the data directory; "": DATA_DIR.anchor
  ledger::Policy policy;  // of a new installation
  ledger::NoveltyRule novelty_rule;  // of an installation that has none yet
  int workers = 0;                   // 0: one a core
  int checkpoint_interval_s = 30;
  Clock* clock = nullptr;          // borrowed
  RandomSource* random = nullptr;  // borrowed
  std::function<void(std::string_view)>
      log;  // operational messages, without any content; may be null
};

// An authenticated caller.
struct Caller {
  std::string key_id;
  ledger::Role role = ledger::Role::kPartner;
  uint32_t partner = 0;  // of role partner
  std::string partner_id;
  std::string person;
};

struct CorpusView {
  std::string partner_id;
  uint32_t number = 0;
  std::string title;
  ledger::SourceType source_type = ledger::SourceType::kText;
  std::string rights;
  std::string licence;
  ingest::ScreenPolicy screen;
  std::string legal_basis;  // of keeping personal data
  ingest::ReadOptions reading;
  Timestamp created_at;
};

// How a corpus is read and screened, as asked for.
struct CorpusScreening {
  ingest::PersonalDataPolicy personal_data = ingest::PersonalDataPolicy::kMask;
  std::string legal_basis;  // with kKeep, and only then
  std::string quality;      // changes to the default thresholds; ingest/screen/quality.h
  ingest::ReadOptions reading;
};

struct UploadView {
  std::string partner_id;
  uint32_t partner = 0;
  uint32_t number = 0;
  uint32_t corpus = 0;
  uint64_t token = 0;
  ledger::UploadState state = ledger::UploadState::kOpen;
  ledger::UploadKind kind = ledger::UploadKind::kFiles;
  int64_t files = 0;
  int64_t bytes = 0;  // acknowledged
  int64_t processed_bytes =
      0;  // of files whose documents have their verdicts, and parts of the one in work
  ledger::Counts counts;
  Timestamp created_at;
  std::optional<Timestamp> finished_at;
};

// One document as its partner sees it.
struct VerdictView {
  std::string file;
  uint32_t file_number = 0;
  uint64_t record = 0;  // 0: the file as a whole
  std::string document_id;
  ledger::Item item;
  std::string detail;
  std::vector<ingest::PersonalSpan> personal_data;  // code points of the text as it is kept
  std::vector<ingest::QualityFlag> flags;
  std::string duplicate_of;  // UPLOAD#FILE:RECORD
  std::string sha256;        // hexadecimal
  std::string read_as;       // format, and of text its encoding and the confidence in it
};

// Why a document got its verdict. Lengths and places count code points of comparison forms.
struct ExplanationView {
  VerdictView verdict;
  uint64_t length = 0;             // of the document's stream
  uint64_t covered = 0;            // of it, in runs of earlier documents
  uint64_t covered_with_self = 0;  // and in runs that it holds a second time
  // The one earlier document that is compared: the one that the verdict names or, when nothing is
  // named, none. Then `runs` tells for each run who holds it first.
  std::string earlier;  // UPLOAD#FILE:RECORD; "": none
  uint64_t covered_by_earlier = 0;
  uint32_t word_jaccard_ppm = 0;  // what the field would say: of sets of 5 어절
  uint32_t char_jaccard_ppm = 0;  // and of 5 characters
  struct Run {
    uint64_t begin = 0;
    uint64_t length = 0;
    std::string document;  // UPLOAD#FILE:RECORD
    uint64_t document_begin = 0;
    std::string excerpt;  // the first letters of the run
  };
  std::vector<Run> runs;  // ascending by begin; the first kMaxRuns
  static constexpr size_t kMaxRuns = 100;
};

struct VerdictFilter {
  std::vector<ledger::Verdict> verdicts;  // empty: all
  std::string reason;
  std::string file;
  uint64_t limit = 0;  // 0: none
};

struct StagedFile {
  uint32_t file = 0;
  std::string path;
  uint64_t acknowledged = 0;
  bool complete = false;
};

// A piece of a file on its way into staging.
struct StageChunk {
  uint32_t file = 0;
  std::string path;  // in the first piece of a file; "" later
  uint64_t offset = 0;
  std::string data;
  bool last = false;
  std::string sha256;  // with `last`: 32 bytes, or "" when the client has none
};
struct StageAck {
  uint32_t file = 0;
  uint64_t acknowledged = 0;
  bool complete = false;
  Status error;  // of this file alone: file_changed, path_mismatch, offset_mismatch,
                 // file_already_complete, bad_path
};

struct FeedDocument {
  std::string document_id;
  std::string text;
  std::string title;
  std::string published_at;
};
struct FeedVerdict {
  std::string document_id;
  bool replayed = false;
  Status error;  // of this document alone: document_id_reused, document_too_large, bad_document_id
  VerdictView verdict;
};

struct LotView {
  std::string partner_id;
  ledger::Lot lot;
  Timestamp at = {};
  uint64_t seq = 0;  // of its journal entry
};
struct ConfirmationView {
  int64_t documents_decided = 0;
  std::vector<LotView> lots;
  int64_t documents_waiting = 0;
};

struct OperatorItem {
  uint32_t file_number = 0;
  uint64_t record = 0;
  std::string verdict;  // ACCEPTED, EXACT_DUPLICATE, NEAR_DUPLICATE, REJECTED, HELD, UNDECIDED
  int64_t korean_tokens = 0;
  int64_t korean_words = 0;
  std::string covered_by;  // PARTNER/uN#FILE:RECORD
};

class Finance;
class Recounting;
class Duplicates;
class Guarding;
class Audits;
class Trial;

class Jangbu {
 public:
  // Opens or creates the installation: checks journal, mark and anchor, finishes or aborts what a
  // crash left open, begins a new epoch, resumes uploads and an open confirmation run in the
  // background. On a new installation makes the master key (unless given), the log's key and the
  // first operator's key, written to DATA_DIR/operator.key (0600).
  static StatusOr<std::unique_ptr<Jangbu>> Open(const JangbuOptions& options);
  // Stops background work at the next safe place. Nothing acknowledged is lost by dying without it.
  ~Jangbu();

  // ---- keys ----
  // Reads an API key (jb_live_…). Unauthenticated("bad_key") for anything that is not a key in
  // force; takes the same time whatever is wrong with it.
  StatusOr<Caller> Authenticate(std::string_view api_key);
  struct IssuedKey {
    ledger::KeyRecord record;
    std::string secret;  // jb_live_…; shown once, kept nowhere
  };
  StatusOr<IssuedKey> IssueKey(const std::string& partner_id, ledger::Role role,
                               const std::string& person);
  // As a call asks for it. A finance or operator key takes two persons, save the first two
  // operators': then `pending`, the secret is its first half (jb_half1_…), and another operator
  // decides. PermissionDenied is the front door's.
  struct AskedKey {
    ledger::KeyRecord record;
    std::string secret;
    bool pending = false;
  };
  StatusOr<AskedKey> AskForKey(const Caller& caller, const std::string& partner_id,
                               ledger::Role role, const std::string& person);
  // One's own key, and keys of other roles, alone; another person's finance or operator key as
  // above.
  StatusOr<AskedKey> AskToRotateKey(const Caller& caller, const std::string& key_id);
  // The second half of the secret (jb_half2_…), or "" when refused.
  StatusOr<std::string> DecideKey(const Caller& caller, const std::string& key_id, bool approve);
  StatusOr<IssuedKey> RotateKey(const std::string& key_id);
  StatusOr<ledger::KeyRecord> RevokeKey(const std::string& key_id);
  std::vector<ledger::KeyRecord> ListKeys();

  // ---- partners, corpora ----
  Status AddPartner(const std::string& partner_id, const std::string& name);
  // The number of a partner; NotFound("no_such_partner").
  StatusOr<uint32_t> PartnerNumber(std::string_view partner_id);
  std::string PartnerId(uint32_t partner);
  StatusOr<CorpusView> CreateCorpus(uint32_t partner, const std::string& title,
                                    ledger::SourceType source_type, const std::string& rights,
                                    const std::string& licence, const std::string& request_id,
                                    const CorpusScreening& screening = {});
  StatusOr<std::vector<CorpusView>> ListCorpora(uint32_t partner);

  // ---- uploads ----
  StatusOr<UploadView> CreateUpload(uint32_t partner, uint32_t corpus,
                                    const std::string& request_id);
  // Stores pieces in order, durable on return; one answer for each file that `chunks` touches, in
  // order of its last piece. FailedPrecondition("upload_not_open").
  StatusOr<std::vector<StageAck>> Stage(uint32_t partner, uint32_t upload,
                                        std::vector<StageChunk> chunks);
  StatusOr<std::vector<StagedFile>> ListStagedFiles(uint32_t partner, uint32_t upload);
  // FailedPrecondition("files_missing") names the first file that is not complete.
  StatusOr<UploadView> SealUpload(uint32_t partner, uint32_t upload, uint32_t file_count);
  StatusOr<UploadView> CancelUpload(uint32_t partner, uint32_t upload);
  StatusOr<UploadView> GetUpload(uint32_t partner, uint32_t upload);
  // Uploads of a partner with numbers above `after`, at most `max`, ascending.
  StatusOr<std::vector<UploadView>> ListUploads(uint32_t partner, uint32_t corpus, uint32_t after,
                                                size_t max);
  // Waits until the upload's view may have changed since the caller last looked, at most
  // `timeout_ms`.
  void AwaitProgress(uint32_t partner, uint32_t upload, int timeout_ms);
  // Calls `row` for each document in (file, record) order until it answers false.
  Status ListVerdicts(uint32_t partner, uint32_t upload, const VerdictFilter& filter,
                      const std::function<bool(const VerdictView&)>& row);

  // Compares a document with what stands before it, as the texts are now: with its partner's own
  // documents or, for `everybody`, with all. InvalidArgument("no_such_document"),
  // FailedPrecondition("key_destroyed") when it was withdrawn.
  StatusOr<ExplanationView> Explain(uint32_t partner, uint32_t upload, const std::string& file,
                                    uint64_t record, bool everybody);

  // What an upload would come to, without one (services/flow/trial.h); `row` gets the verdicts.
  // Must not outlive this. NotFound("no_such_corpus"); FailedPrecondition("trial_running"): one at
  // a time a partner.
  StatusOr<std::unique_ptr<Trial>> StartTrial(uint32_t partner, uint32_t corpus,
                                              const std::function<bool(const VerdictView&)>& row);

  // ---- feeds ----
  // The stream's upload: opened, or found again under the same stream id.
  StatusOr<UploadView> OpenFeed(uint32_t partner, uint32_t corpus, const std::string& stream_id);
  // Appraises and commits documents in order, durable on return; one answer for each, in order.
  StatusOr<std::vector<FeedVerdict>> Contribute(uint32_t partner, uint32_t upload,
                                                std::vector<FeedDocument> documents);

  // ---- confirmation ----
  // Runs to its end (minutes for large backlogs). One at a time: a second caller waits and then
  // runs its own.
  StatusOr<ConfirmationView> RunConfirmation(const std::vector<std::string>& release_partners,
                                             const std::string& reason, const std::string& key_id);
  Status ListItems(uint32_t partner, uint32_t upload,
                   const std::function<bool(const OperatorItem&)>& row);

  // Lots of a partner with numbers above `after`, at most `max`, ascending. Of each only the own
  // part is filled in.
  StatusOr<std::vector<LotView>> ListLots(uint32_t partner, uint32_t after, size_t max);

  // ---- finance ----
  Finance& finance();
  Recounting& recounting();

  // ---- what all text says about duplicates ----
  Duplicates& duplicates();

  // ---- audits and the guard ----
  Guarding& guarding();
  Audits& audits();

  // ---- proofs ----
  // The receipt of a lot, a bundle of one, under a fresh checkpoint. NotFound("no_such_lot").
  StatusOr<std::string> GetLotReceipt(uint32_t partner, uint32_t lot);
  // The receipt of a recorded dossier, likewise. NotFound("no_such_dossier").
  StatusOr<std::string> GetDossierReceipt(uint32_t dossier);
  // The bundle of receipts of an upload, under a fresh checkpoint.
  StatusOr<std::string> GetReceipt(uint32_t partner, uint32_t upload);
  // The newest signed checkpoint; `fresh` covers everything in the journal.
  StatusOr<std::string> GetCheckpoint(bool fresh);
  std::string LogVerifierKey();
  std::string LogOrigin();
  // A tlog-proof without opening, under the newest checkpoint, and the 32 bytes of the leaf.
  // OutOfRange("index_beyond_size").
  struct Inclusion {
    std::string proof;
    std::string leaf;
  };
  StatusOr<Inclusion> ProveInclusion(uint64_t index);
  struct Consistency {
    std::vector<Digest> path;
    uint64_t old_size = 0;
    uint64_t new_size = 0;
    std::string checkpoint;  // the newest
  };
  StatusOr<Consistency> ProveConsistency(uint64_t old_size);
  // The bytes of a C2SP tlog-tiles path ("checkpoint", "tile/0/000.p/5", "tile/entries/000.p/5");
  // NotFound("no_such_tile").
  StatusOr<std::string> LogFile(std::string_view path);

  // ---- books ----
  // Runs `read` with the books held still. Do not block in it.
  void ReadBooks(const std::function<void(const ledger::Books&)>& read) const;
  StatusOr<Digest> BooksRoot();

  const ingest::Tokenizer& tokenizer() const;
  // Set when the storage failed and the process must be restarted.
  Status fatal() const;

 private:
  friend class Trial;
  struct State;
  explicit Jangbu(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Offline: rebuilds everything from the journal of a stopped data directory and compares: leaves
// and root with mark and anchor, balances with a second, naive addition, verdicts and credits with
// a naive re-decision from the appraisals, key index with both; with `deep`, counts of every text
// with a new count. Calls `progress` with plain lines. The error names the first difference.
struct VerifyOptions {
  std::string data_dir;
  std::string master_key_file;
  std::string anchor_file;
  bool deep = false;
  Clock* clock = nullptr;
  RandomSource* random = nullptr;
};
struct VerifyReport {
  uint64_t entries = 0;
  std::string root;        // hexadecimal, of the log
  std::string books_root;  // hexadecimal
  uint64_t documents = 0;
  uint64_t texts_recounted = 0;
  uint64_t not_recomputed = 0;  // items, because texts were erased
  uint64_t keys_compared = 0;
};
StatusOr<VerifyReport> VerifyDataDir(const VerifyOptions& options,
                                     const std::function<void(std::string_view)>& progress);

// Takes a backup of a stopped data directory, and restores one; see services/storage/backup.h.
// Restoring refuses to go below the newest checkpoint in `anchor_file`.
Status BackupDataDir(const std::string& data_dir, const std::string& to);
Status RestoreDataDir(const std::string& from, const VerifyOptions& target);

}  // namespace jangbu::services
