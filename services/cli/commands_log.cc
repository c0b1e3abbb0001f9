#include <algorithm>
#include <charconv>
#include <iostream>
#include <map>
#include <set>

#include "base/bytes.h"
#include "jangbu/v1/log.grpc.pb.h"
#include "ledger/entry.h"
#include "ledger/merkle/checkpoint.h"
#include "ledger/merkle/note.h"
#include "ledger/merkle/receipt.h"
#include "ledger/merkle/tlog_proof.h"
#include "ledger/merkle/tree.h"
#include "services/cli/ask.h"
#include "services/cli/commands.h"
#include "services/cli/commands_outputs.h"
#include "services/cli/connection.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"
#include "services/cli/views.h"
#include "services/close_proof/close_check.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;
using Stub = v1::LogService::Stub;
using Align = Table::Align;

constexpr size_t kMaxCheckpointFile = 1 << 20;

// The first line of a checkpoint: which log says so. Nothing is verified.
StatusOr<std::string> ClaimedOrigin(std::string_view signed_checkpoint) {
  JANGBU_ASSIGN_OR_RETURN(const ledger::Note note, ledger::ParseNote(signed_checkpoint));
  JANGBU_ASSIGN_OR_RETURN(const ledger::Checkpoint checkpoint, ledger::ParseCheckpoint(note.text));
  return checkpoint.origin;
}

// The key to verify the log `origin` with, and where it came from.
struct TrustedKey {
  std::string vkey;
  bool remembered = false;
};
StatusOr<TrustedKey> KeyFor(const Session& session, std::string_view origin,
                            const std::string& vkey, const std::string& vkey_file) {
  if (!vkey.empty()) return TrustedKey{vkey, false};
  if (!vkey_file.empty()) {
    JANGBU_ASSIGN_OR_RETURN(std::string text, ReadLocalFile(vkey_file, 4096));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
      text.pop_back();
    return TrustedKey{text, false};
  }
  if (!session.settings().vkey.empty()) return TrustedKey{session.settings().vkey, false};
  if (auto known = KnownLogs(session.settings().state_dir).VerifierKey(origin))
    return TrustedKey{*known, true};
  return InvalidArgument("no_vkey", "no verifier key of the log \"" + std::string(origin) +
                                        "\" is known here; name it with --vkey or --vkey-file");
}

ExitCode Refuse(const Console& console, const Status& status) {
  console.Fail(status);
  return ReasonOf(status) == "no_vkey" || ReasonOf(status) == "path_unreadable"
             ? ExitCode::kUsage
             : ExitCode::kRefused;
}

ExitCode WriteOrShow(const Console& console, const std::string& out_file, std::string_view text) {
  if (out_file.empty() || out_file == "-") {
    console.out << text << std::flush;
    return ExitCode::kOk;
  }
  const Status written = WriteLocalFile(out_file, text, false);
  if (written.ok()) return ExitCode::kOk;
  console.Fail(written);
  return ExitCode::kUsage;
}

std::string ItemsSummaryJson(const ledger::Counts& counts) {
  return JsonObject()
      .Add("documents", counts.documents)
      .Add("accepted", counts.accepted)
      .Add("exact_duplicate", counts.exact_duplicate)
      .Add("near_duplicate", counts.near_duplicate)
      .Add("rejected", counts.rejected)
      .Add("words", counts.words)
      .Add("tokens", counts.tokens)
      .Add("novel_korean_words", counts.novel_korean_words)
      .Add("novel_korean_tokens", counts.novel_korean_tokens)
      .Take();
}

void CountItem(const ledger::Item& item, ledger::Counts& counts) {
  ++counts.documents;
  switch (item.verdict) {
    case ledger::Verdict::kAccepted:
      ++counts.accepted;
      break;
    case ledger::Verdict::kExactDuplicate:
      ++counts.exact_duplicate;
      break;
    case ledger::Verdict::kNearDuplicate:
      ++counts.near_duplicate;
      break;
    case ledger::Verdict::kRejected:
      ++counts.rejected;
      return;
  }
  counts.words += item.words;
  counts.tokens += item.tokens;
  counts.novel_korean_words += item.novel_korean_words;
  counts.novel_korean_tokens += item.novel_korean_tokens;
}

}  // namespace

ExitCode CloseVerify(Session& session, const CloseVerifyParams& params) {
  const Console& console = session.console();
  std::set<std::pair<ledger::Period, uint32_t>> places;
  std::vector<CheckedShare> shares;
  for (const std::string& file : params.files) {
    const auto refuse = [&](const Status& status) {
      console.err << ForTerminal(file) << ":\n";
      return Refuse(console, status);
    };
    const auto bytes = ReadLocalFile(file, kMaxCloseProofBytes);
    if (!bytes.ok()) return refuse(bytes.status());
    // Which log the file speaks of, so that its key can be found; nothing of this is believed.
    const auto parts = PartsOfCloseProof(*bytes);
    if (!parts.ok()) return refuse(parts.status());
    const auto claimed = ledger::ParseReceipt(parts->receipt);
    if (!claimed.ok()) return refuse(claimed.status());
    const auto origin = ClaimedOrigin(claimed->checkpoint);
    if (!origin.ok()) return refuse(origin.status());
    const auto key = KeyFor(session, *origin, params.vkey, params.vkey_file);
    if (!key.ok()) return refuse(key.status());
    const auto verifier = ledger::NoteVerifier::Parse(key->vkey);
    if (!verifier.ok()) return refuse(verifier.status());
    if (!parts->openings) {
      const auto share = CheckShareProof(*bytes, *verifier, places);
      if (!share.ok()) return refuse(share.status());
      shares.push_back(*share);
      continue;
    }
    const auto close = CheckOpenings(*bytes, *verifier);
    if (!close.ok()) return refuse(close.status());
    for (CheckedShare share : close->shares) {
      share.period = close->period;
      share.pool_won = close->pool_won;
      share.total_weight = close->total_weight;
      share.index = close->index;
      share.origin = close->origin;
      shares.push_back(std::move(share));
    }
  }
  Table table({{console.Words(Msg::kFieldPeriod)},
               {console.Words(Msg::kColPartner)},
               {console.Words(Msg::kFieldWeight), Align::kRight},
               {console.Words(Msg::kFieldTotalWeight), Align::kRight},
               {console.Words(Msg::kFieldPool), Align::kRight},
               {console.Words(Msg::kFieldShare), Align::kRight},
               {console.Words(Msg::kColJournal), Align::kRight}});
  for (const CheckedShare& share : shares) {
    if (console.json) {
      console.out << JsonObject()
                         .Add("period", share.period)
                         .Add("partner_id", share.partner)
                         .Add("weight", share.weight)
                         .Add("total_weight", share.total_weight)
                         .Add("pool_won", share.pool_won)
                         .Add("share_won", share.share_won)
                         .AddUnsigned("journal_index", share.index)
                         .Add("log", share.origin)
                         .Take()
                  << '\n';
    } else {
      table.Row({ForTerminal(share.period), ForTerminal(share.partner), Grouped(share.weight),
                 Grouped(share.total_weight), Grouped(share.pool_won), Grouped(share.share_won),
                 GroupedUnsigned(share.index)});
    }
  }
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode ReceiptVerify(Session& session, const ReceiptVerifyParams& params) {
  const Console& console = session.console();
  const auto bytes = ReadLocalFile(params.file, ledger::kMaxBundleBytes);
  if (!bytes.ok()) return Refuse(console, bytes.status());

  // Which log the file speaks of, so that its key can be found; nothing of this is believed.
  std::string_view first = *bytes;
  const auto bundle = ledger::ParseReceiptBundle(*bytes);
  if (bundle.ok()) first = bundle->front();
  const auto claimed = ledger::ParseReceipt(first);
  if (!claimed.ok()) return Refuse(console, claimed.status());
  const auto origin = ClaimedOrigin(claimed->checkpoint);
  if (!origin.ok()) return Refuse(console, origin.status());

  const auto key = KeyFor(session, *origin, params.vkey, params.vkey_file);
  if (!key.ok()) return Refuse(console, key.status());
  const auto verifier = ledger::NoteVerifier::Parse(key->vkey);
  if (!verifier.ok()) return Refuse(console, verifier.status());
  const auto opened = ledger::VerifyReceiptFile(*bytes, *verifier);
  if (!opened.ok()) return Refuse(console, opened.status());

  ledger::Counts sum;
  std::string partner;
  std::vector<std::string> rows;
  std::map<uint32_t, ledger::Counts> by_upload;
  std::vector<std::pair<std::string, ledger::Lot>> lots;
  for (const ledger::OpenedReceipt& receipt : *opened) {
    JsonObject row;
    row.AddUnsigned("index", receipt.index).Add("leaf", ToHex(receipt.leaf_data));
    const auto entry = ledger::DecodeOwnPart(receipt.own_part);
    if (!entry.ok()) {
      // The log committed to it; that this program is too old to read it changes nothing about
      // that.
      row.Add("type", "unknown");
    } else {
      partner = entry->partner;
      row.Add("type", ledger::NameOf(ledger::TypeOf(entry->body)))
          .Add("partner_id", entry->partner)
          .Add("at", UtcTime(entry->at.micros));
      if (const auto* commit = std::get_if<ledger::BatchCommit>(&entry->body)) {
        ledger::Counts counts;
        for (const ledger::Item& item : commit->items) {
          CountItem(item, counts);
          CountItem(item, sum);
          CountItem(item, by_upload[commit->upload]);
        }
        row.Add("upload_id", entry->partner + "/u" + std::to_string(commit->upload))
            .AddRaw("counts", ItemsSummaryJson(counts));
      } else if (const auto* lot = std::get_if<ledger::Lot>(&entry->body)) {
        lots.push_back({entry->partner, *lot});
        row.Add("lot_id", entry->partner + "/l" + std::to_string(lot->lot))
            .Add("documents", lot->documents)
            .Add("provisional_korean_tokens", lot->provisional_korean_tokens)
            .Add("provisional_korean_words", lot->provisional_korean_words)
            .Add("confirmed_korean_tokens", lot->confirmed_korean_tokens)
            .Add("confirmed_korean_words", lot->confirmed_korean_words)
            .Add("entitlement_granted", lot->entitlement_granted)
            .Add("entitlement_made_spendable", lot->entitlement_made_spendable)
            .AddBool("released", lot->released);
      }
    }
    rows.push_back(row.Take());
  }
  const ledger::Checkpoint& head = opened->back().checkpoint;
  if (console.json) {
    console.out << JsonObject()
                       .AddBool("verified", true)
                       .Add("origin", head.origin)
                       .AddUnsigned("tree_size", head.size)
                       .Add("root", ToHex(head.root))
                       .Add("verifier_key", key->vkey)
                       .AddRaw("counts", ItemsSummaryJson(sum))
                       .AddRaw("receipts", JsonArray(rows))
                       .Take()
                << '\n';
    return ExitCode::kOk;
  }
  console.out << console.Words(Msg::kReceiptVerified,
                               {GroupedUnsigned(opened->size()), ForTerminal(head.origin),
                                GroupedUnsigned(head.size)})
              << '\n';
  console.out << "  " << console.Words(Msg::kReceiptRoot, {ToHex(head.root)}) << '\n';
  for (const auto& [upload, counts] : by_upload) {
    console.out << "  "
                << console.Words(
                       Msg::kReceiptProves,
                       {ForTerminal(partner + "/u" + std::to_string(upload)),
                        Grouped(counts.documents), Grouped(counts.rejected), Grouped(counts.words),
                        Grouped(counts.tokens), Grouped(counts.novel_korean_tokens),
                        Grouped(counts.novel_korean_words)})
                << '\n';
  }
  for (const auto& [owner, lot] : lots) {
    console.out << "  "
                << console.Words(
                       Msg::kReceiptProvesLot,
                       {ForTerminal(owner + "/l" + std::to_string(lot.lot)), Grouped(lot.documents),
                        Grouped(lot.confirmed_korean_tokens), Grouped(lot.confirmed_korean_words),
                        Grouped(lot.entitlement_granted)})
                << '\n';
  }
  if (key->remembered) console.Note(Msg::kKeyRemembered, {ForTerminal(key->vkey)});
  return ExitCode::kOk;
}

ExitCode LogCheckpoint(Session& session, bool fresh, const std::string& out_file) {
  const Console& console = session.console();
  v1::GetCheckpointRequest request;
  request.set_fresh(fresh);
  const auto response = Ask<v1::LogService>(session, &Stub::GetCheckpoint, request);
  if (!response.ok()) return console.Fail(response.status());
  const auto verifier = ledger::NoteVerifier::Parse(response->verifier_key());
  if (!verifier.ok()) return Refuse(console, verifier.status());
  const auto checkpoint = ledger::VerifyCheckpoint(response->checkpoint(), *verifier);
  if (!checkpoint.ok()) return Refuse(console, checkpoint.status());
  const KnownLogs logs(session.settings().state_dir);
  const Status known = logs.RememberKey(checkpoint->origin, response->verifier_key());
  if (absl::IsFailedPrecondition(known)) return console.Fail(known);
  // A checkpoint replaces the remembered one only where a proof connects them: log consistency.
  if (known.ok() && !logs.Checkpoint(checkpoint->origin)) {
    const Status kept = logs.RememberCheckpoint(checkpoint->origin, response->checkpoint());
    if (!kept.ok()) console.Warn(Msg::kNotRemembered, {ForTerminal(MessageOf(kept))});
  }
  if (console.json) {
    const std::string line = JsonObject()
                                 .Add("origin", checkpoint->origin)
                                 .AddUnsigned("size", checkpoint->size)
                                 .Add("root", ToHex(checkpoint->root))
                                 .Add("verifier_key", response->verifier_key())
                                 .Add("checkpoint", response->checkpoint())
                                 .Take();
    console.out << line << '\n';
    if (out_file.empty()) return ExitCode::kOk;
  }
  return WriteOrShow(console, out_file, response->checkpoint());
}

ExitCode LogProve(Session& session, uint64_t index, uint64_t tree_size,
                  const std::string& out_file) {
  const Console& console = session.console();
  v1::ProveInclusionRequest request;
  request.set_index(index);
  request.set_tree_size(tree_size);
  const auto response = Ask<v1::LogService>(session, &Stub::ProveInclusion, request);
  if (!response.ok()) return console.Fail(response.status());
  // Checked before it is handed out, with the key known of the log.
  const auto proof = ledger::ParseTlogProof(response->proof());
  if (!proof.ok()) return Refuse(console, proof.status());
  const auto origin = ClaimedOrigin(proof->checkpoint);
  if (!origin.ok()) return Refuse(console, origin.status());
  const Status known = RememberServerLog(session);
  if (absl::IsFailedPrecondition(known)) return console.Fail(known);
  const auto key = KeyFor(session, *origin, "", "");
  if (!key.ok()) return Refuse(console, key.status());
  const auto verifier = ledger::NoteVerifier::Parse(key->vkey);
  if (!verifier.ok()) return Refuse(console, verifier.status());
  const auto head = ledger::VerifyTlogProof(*proof, response->leaf(), *verifier);
  if (!head.ok()) return Refuse(console, head.status());
  if (console.json) {
    console.out << JsonObject()
                       .AddUnsigned("index", proof->index)
                       .Add("leaf", ToHex(response->leaf()))
                       .AddUnsigned("tree_size", head->size)
                       .Add("root", ToHex(head->root))
                       .Add("proof", response->proof())
                       .Take()
                << '\n';
    if (out_file.empty()) return ExitCode::kOk;
  } else {
    console.Note(Msg::kInclusionProved, {GroupedUnsigned(proof->index), ToHex(response->leaf()),
                                         GroupedUnsigned(head->size)});
  }
  return WriteOrShow(console, out_file, response->proof());
}

ExitCode LogConsistency(Session& session, const ConsistencyParams& params) {
  const Console& console = session.console();
  v1::GetCheckpointRequest fresh;
  const auto newest = Ask<v1::LogService>(session, &Stub::GetCheckpoint, fresh);
  if (!newest.ok()) return console.Fail(newest.status());
  const auto origin = ClaimedOrigin(newest->checkpoint());
  if (!origin.ok()) return Refuse(console, origin.status());
  const KnownLogs logs(session.settings().state_dir);
  const std::string stated = params.vkey.empty() ? session.settings().vkey : params.vkey;
  std::string vkey = stated;
  if (vkey.empty()) {
    const Status known = logs.RememberKey(*origin, newest->verifier_key());
    if (absl::IsFailedPrecondition(known)) return console.Fail(known);
    vkey = logs.VerifierKey(*origin).value_or(newest->verifier_key());
  }
  const auto verifier = ledger::NoteVerifier::Parse(vkey);
  if (!verifier.ok()) return Refuse(console, verifier.status());

  std::string old_text;
  if (!params.old_checkpoint.empty()) {
    const auto read = ReadLocalFile(params.old_checkpoint, kMaxCheckpointFile);
    if (!read.ok()) return Refuse(console, read.status());
    old_text = *read;
  } else if (auto remembered = logs.Checkpoint(*origin)) {
    old_text = *remembered;
  }
  if (old_text.empty()) {
    const auto head = ledger::VerifyCheckpoint(newest->checkpoint(), *verifier);
    if (!head.ok()) return Refuse(console, head.status());
    const Status kept = logs.RememberCheckpoint(*origin, newest->checkpoint());
    if (!kept.ok()) console.Warn(Msg::kNotRemembered, {ForTerminal(MessageOf(kept))});
    if (console.json) {
      console.out << JsonObject()
                         .AddBool("consistent", true)
                         .Add("origin", head->origin)
                         .AddUnsigned("old_size", 0)
                         .AddUnsigned("new_size", head->size)
                         .Add("root", ToHex(head->root))
                         .Take()
                  << '\n';
    } else {
      console.out << console.Words(Msg::kFirstCheckpoint,
                                   {ForTerminal(head->origin), GroupedUnsigned(head->size)})
                  << '\n';
    }
    return ExitCode::kOk;
  }
  const auto old_head = ledger::VerifyCheckpoint(old_text, *verifier);
  if (!old_head.ok()) return Refuse(console, old_head.status());

  v1::ProveConsistencyRequest request;
  request.set_old_size(old_head->size);
  const auto response = Ask<v1::LogService>(session, &Stub::ProveConsistency, request);
  if (!response.ok()) return console.Fail(response.status());
  ledger::TlogConsistency proof;
  proof.old_size = old_head->size;
  proof.checkpoint = response->checkpoint().empty() ? newest->checkpoint() : response->checkpoint();
  for (const std::string& hash : response->hashes()) {
    Digest digest{};
    if (hash.size() != digest.size()) {
      return Refuse(console,
                    InvalidArgument("bad_path", "a hash of the proof is not 32 bytes long"));
    }
    std::copy(hash.begin(), hash.end(), digest.begin());
    proof.path.push_back(digest);
  }
  const auto head = ledger::VerifyTlogConsistency(old_text, proof, *verifier);
  if (!head.ok()) return Refuse(console, head.status());
  const Status kept = logs.RememberCheckpoint(*origin, proof.checkpoint);
  if (!kept.ok()) console.Warn(Msg::kNotRemembered, {ForTerminal(MessageOf(kept))});
  if (console.json) {
    console.out << JsonObject()
                       .AddBool("consistent", true)
                       .Add("origin", head->origin)
                       .AddUnsigned("old_size", old_head->size)
                       .AddUnsigned("new_size", head->size)
                       .Add("root", ToHex(head->root))
                       .Take()
                << '\n';
  } else {
    console.out << console.Words(Msg::kConsistent,
                                 {ForTerminal(head->origin), GroupedUnsigned(old_head->size),
                                  GroupedUnsigned(head->size)})
                << '\n';
  }
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
