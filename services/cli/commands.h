#pragma once

// The commands, one function each. They write results to the console and give the exit code; what
// they were asked is in their parameters, already parsed. Nothing here knows how a command line
// looks.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/cli/console.h"

namespace jangbu::services::cli {

// --- partners and keys ---
ExitCode PartnerAdd(Session& session, const std::string& name, const std::string& id);
ExitCode PartnerList(Session& session);

struct KeyIssueParams {
  std::string partner;
  std::string role;
  std::string person;
  std::string out_file;  // the secret goes there (0600) and not to the screen
};
ExitCode KeyIssue(Session& session, const KeyIssueParams& params);
ExitCode KeyList(Session& session, const std::string& partner);
ExitCode KeyRotate(Session& session, const std::string& key_id, const std::string& out_file);
ExitCode KeyRevoke(Session& session, const std::string& key_id);

// Finance and operator keys: another operator decides; the holder joins the halves.
ExitCode KeyDecide(Session& session, const std::string& key_id, bool approve,
                   const std::string& out_file);
ExitCode KeyRequests(Session& session);
ExitCode KeyJoin(Session& session, const std::string& first, const std::string& second,
                 const std::string& out_file);

// --- corpora and uploads ---
struct CorpusAddParams {
  std::string partner, title, source_type, rights, licence;
  std::string personal_data, legal_basis, quality;
  std::string encoding, text_column, xml_path, pua;
};
ExitCode CorpusAdd(Session& session, const CorpusAddParams& params);
ExitCode CorpusList(Session& session, const std::string& partner);

struct UploadParams {
  std::string corpus;
  std::vector<std::string> paths;
  bool wait = true;
  bool strict = false;
  int64_t retry_for_ms = 600'000;
  bool dry_run = false;  // say what it would come to, and keep nothing
};
ExitCode UploadFiles(Session& session, const UploadParams& params);
ExitCode UploadList(Session& session, const std::string& partner, const std::string& corpus);
ExitCode UploadShow(Session& session, const std::string& upload);
struct VerdictParams {
  std::string upload;
  std::vector<std::string> verdicts;  // names; empty: all
  std::string reason, file;
  uint64_t limit = 0;
};
ExitCode Verdicts(Session& session, const VerdictParams& params);
// `document`: FILE or FILE:RECORD.
ExitCode ExplainVerdict(Session& session, const std::string& upload, const std::string& document);
ExitCode UploadCancel(Session& session, const std::string& upload);

// --- confirmation and figures ---
struct ConfirmParams {
  std::vector<std::string> release;
  std::string reason;
  bool show_only = false;
};
ExitCode Confirm(Session& session, const ConfirmParams& params);
ExitCode Items(Session& session, const std::string& upload);
ExitCode BooksRoot(Session& session);
ExitCode ServerInfo(Session& session);
ExitCode BalanceOf(Session& session, const std::string& partner, const std::string& as_of);
ExitCode Programme(Session& session, const std::string& as_of);
ExitCode Transfers(Session& session, const std::string& partner, uint64_t limit);
ExitCode Lots(Session& session, const std::string& partner);

// --- finance ---
ExitCode PolicyShow(Session& session, uint64_t version, const std::string& at);
ExitCode PolicyList(Session& session);
ExitCode PolicyDiff(Session& session, uint64_t from, uint64_t to);
ExitCode PolicySet(Session& session, const std::vector<std::string>& settings,
                   const std::string& from);
ExitCode PolicyDecide(Session& session, uint64_t version, bool approve);
ExitCode PolicySimulate(Session& session, const std::string& period, int64_t revenue,
                        const std::vector<std::string>& settings);
ExitCode CloseDraft(Session& session, const std::string& period, int64_t revenue);
ExitCode CloseDecide(Session& session, const std::string& period, bool approve);
ExitCode ClosePost(Session& session, const std::string& period);
ExitCode CloseShow(Session& session, const std::string& period);
ExitCode CloseList(Session& session);
struct PaymentParams {
  std::string period, partner, reference;
  bool failed = false;
};
ExitCode ClosePay(Session& session, const PaymentParams& params);
ExitCode CloseProof(Session& session, const std::string& period, const std::string& partner,
                    const std::string& out_file);
ExitCode CloseOpenings(Session& session, const std::string& period, const std::string& out_file);
struct CorrectionParams {
  std::string partner, about, reason;
  int64_t won = 0;
};
ExitCode CorrectionPropose(Session& session, const CorrectionParams& params);
ExitCode CorrectionDecide(Session& session, uint64_t number, bool approve);
ExitCode CorrectionList(Session& session);
struct RecountParams {
  std::string tokenizer_file;
  uint32_t min_run = 0, near_ppm = 0, novel_ppm = 0;  // 0: as it is
};
ExitCode RecountBegin(Session& session, const RecountParams& params);
ExitCode RecountDecide(Session& session, uint64_t number, bool approve);
ExitCode RecountShow(Session& session, uint64_t number);
ExitCode RecountList(Session& session);
// `subject`: a corpus, an upload or a document. Without `yes` it only says what it would change.
ExitCode Withdraw(Session& session, const std::string& subject, bool yes);
ExitCode WithdrawalList(Session& session, const std::string& partner);
ExitCode ClaimOpen(Session& session, const std::string& document, const std::string& evidence);
ExitCode ClaimList(Session& session, const std::string& partner);
ExitCode ClaimDecide(Session& session, const std::string& partner, uint64_t number, bool grant);
ExitCode ClaimSettle(Session& session, const std::string& partner, uint64_t number);
ExitCode Meter(Session& session, const std::string& partner);
struct UseParams {
  std::string kind, partner, id, reservation;
  uint64_t amount = 0;
  uint64_t timeout_s = 60;
  bool only_free = false;
};
ExitCode UseEntitlement(Session& session, const UseParams& params);

// --- proofs ---
// Remembers the verifier key of the server's log (known_logs.h).
// FailedPrecondition("log_key_changed") when another one is known of it.
Status RememberServerLog(Session& session);
// `id`: an upload (PARTNER/uN) or a lot (PARTNER/lN).
ExitCode ReceiptGet(Session& session, const std::string& id, const std::string& out_file);
struct ReceiptVerifyParams {
  std::string file;
  std::string vkey;       // or
  std::string vkey_file;  // or what is known of the log
};
ExitCode ReceiptVerify(Session& session, const ReceiptVerifyParams& params);
ExitCode LogCheckpoint(Session& session, bool fresh, const std::string& out_file);
ExitCode LogProve(Session& session, uint64_t index, uint64_t tree_size,
                  const std::string& out_file);
struct ConsistencyParams {
  std::string old_checkpoint;  // a file; empty: the one remembered
  std::string vkey;
};
ExitCode LogConsistency(Session& session, const ConsistencyParams& params);

// --- tokenizers: without a server ---
ExitCode TokenizerInspect(Session& session, const std::string& file);
struct TokenizerCountParams {
  std::string tokenizer;
  std::vector<std::string> also;  // more tokenizers, for columns beside
  std::vector<std::string> paths;
  bool segments = false;  // a line a segment, too
};
ExitCode TokenizerCount(Session& session, const TokenizerCountParams& params);
ExitCode TokenizerCompare(Session& session, const std::string& a, const std::string& b);

// --- where a model comes from: without a server ---
ExitCode ProvenanceInspect(Session& session, const std::string& path);
struct ProvenanceParams {
  std::string subject, reference, start, manifest, lineage;
  std::vector<std::string> independents, derived, logs, checkpoints, also;
  std::vector<std::string> null_pairs;  // two by two
  uint64_t seed = 1;
  uint64_t threads = 0;  // 0: as many as there are processors
  std::string state;     // a file of finished work
  std::string out_prefix;
  std::string sign_key;  // a file
};
ExitCode ProvenanceCompare(Session& session, const ProvenanceParams& params);
struct ProvenanceVerifyParams {
  std::string file;
  std::string vkey;      // of the signer: checks the note beside the dossier
  std::string receipt;   // of the log: checks that this dossier was entered
  std::string log_vkey;  // of the log: for `receipt` and the receipts of a lineage
  uint64_t threads = 0;
};
// Checks signature, log entry and lineage where they are given, then computes everything again.
ExitCode ProvenanceVerify(Session& session, const ProvenanceVerifyParams& params);
// Makes a key to sign dossiers with; prints its verifier key.
ExitCode ProvenanceKey(Session& session, const std::string& name, const std::string& out_file);
// --- with a server (commands_provenance_server.cc) ---
// Enters a signed dossier into the log; with `out_file` writes the receipt.
ExitCode ProvenanceEnter(Session& session, const std::string& file, const std::string& out_file);
ExitCode ProvenanceList(Session& session);
ExitCode ProvenanceReceipt(Session& session, uint32_t dossier, const std::string& out_file);
// What the books say of the uploads that a manifest declares.
ExitCode ProvenanceLineage(Session& session, const std::string& manifest,
                           const std::string& out_file);

}  // namespace jangbu::services::cli
