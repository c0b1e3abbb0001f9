#include "services/audit/allow_list.h"

#include <algorithm>
#include <utility>

#include "audit/guard/stream_guard.h"
#include "ingest/dedup/run_index.h"
#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"

namespace jangbu::services {
namespace {

constexpr std::string_view kHead = "jangbu-allow/1";

std::string TextOf(const audit::AllowedWording& w) {
  std::string text = std::string(kHead) + "\nat " + w.at + "\nby " + w.by + "\nreason " + w.reason;
  for (size_t at = 0; at <= w.text.size();) {
    const size_t end = std::min(w.text.find('\n', at), w.text.size());
    text += "\nwording " + w.text.substr(at, end - at);
    at = end + 1;
  }
  return text + "\n";
}

bool OneLine(std::string_view text) {
  return ingest::IsValidUtf8(text) && ingest::Canonicalize(text) == text &&
         text.find('\n') == std::string_view::npos;
}

Status CheckWording(const audit::AllowedWording& w) {
  if (!ingest::IsValidUtf8(w.text) || ingest::Canonicalize(w.text) != w.text) {
    return InvalidArgument("bad_wording", "the wording is not canonical text");
  }
  const size_t length = audit::FormOf(w.text).size();
  if (length < ingest::kMinRun) {
    return InvalidArgument("wording_too_short",
                           "a wording of fewer than 24 letters and digits excuses nothing: no "
                           "shorter run counts");
  }
  if (length > kAllowedMax) {
    return InvalidArgument("wording_too_long",
                           "a wording has at most 2,000 letters and digits; this is a document");
  }
  if (w.reason.empty() || w.reason.size() > kAllowReasonMax || !OneLine(w.reason)) {
    return InvalidArgument("bad_reason", "say in one line of at most 500 bytes why it is nobody's");
  }
  if (w.at.empty() || !OneLine(w.at) || w.by.empty() || !OneLine(w.by)) {
    return InvalidArgument("bad_person", "an entry says who proposed it and when");
  }
  return OkStatus();
}

// Takes "NAME rest LF" off the front.
bool TakeLine(std::string_view& text, std::string_view name, std::string& value) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(name)) return false;
  value = text.substr(name.size(), end - name.size());
  text.remove_prefix(end + 1);
  return true;
}

StatusOr<audit::AllowedWording> ParseText(std::string_view text) {
  audit::AllowedWording w;
  std::string line;
  const std::string_view all = text;
  if (!TakeLine(text, kHead, line) || !TakeLine(text, "at ", w.at) ||
      !TakeLine(text, "by ", w.by) || !TakeLine(text, "reason ", w.reason)) {
    return InvalidArgument("bad_allow_list", "a line is missing");
  }
  bool first = true;
  while (TakeLine(text, "wording ", line)) {
    w.text += (first ? "" : "\n") + line;
    first = false;
  }
  if (!text.empty() || first || TextOf(w) != all) {
    return InvalidArgument("bad_allow_list", "a line does not belong there");
  }
  JANGBU_RETURN_IF_ERROR(CheckWording(w));
  return w;
}

}  // namespace

StatusOr<AllowEntry> ProposeAllowed(std::string_view wording, std::string_view reason,
                                    std::string_view at, const ledger::NoteSigner& signer) {
  if (!ingest::IsValidUtf8(wording)) return InvalidArgument("not_utf8", "the wording is not UTF-8");
  AllowEntry entry;
  entry.wording.text = ingest::Canonicalize(wording);
  entry.wording.reason = reason;
  entry.wording.at = at;
  entry.wording.by = signer.name();
  JANGBU_RETURN_IF_ERROR(CheckWording(entry.wording));
  entry.note.text = TextOf(entry.wording);
  entry.note.signatures.push_back(signer.Sign(entry.note.text));
  return entry;
}

Status ApproveAllowed(AllowEntry& entry, const ledger::NoteSigner& signer) {
  if (!entry.wording.approved_by.empty()) {
    return FailedPrecondition("already_approved",
                              "the entry is approved already, by " + entry.wording.approved_by);
  }
  // A key by another name is told by its signature: Ed25519 signs a text in one way.
  const ledger::NoteSignature own = signer.Sign(entry.note.text);
  for (const ledger::NoteSignature& s : entry.note.signatures) {
    if (s.name == signer.name() || s.bytes == own.bytes) {
      return FailedPrecondition("same_person",
                                "who proposed an entry does not approve it; another person must");
    }
  }
  entry.note.signatures.push_back(own);
  entry.wording.approved_by = signer.name();
  return OkStatus();
}

StatusOr<std::vector<AllowEntry>> ParseAllowList(std::string_view bytes) {
  std::vector<AllowEntry> entries;
  const std::string head = std::string(kHead) + "\n";
  while (!bytes.empty()) {
    const size_t next = bytes.find("\n" + head, 1);
    const std::string_view one = bytes.substr(0, next == std::string_view::npos ? next : next + 1);
    bytes.remove_prefix(one.size());
    const auto bad = [&](std::string_view why) {
      return InvalidArgument("bad_allow_list", "entry " + std::to_string(entries.size() + 1) +
                                                   ": " + std::string(why));
    };
    const auto note = ledger::ParseNote(one);
    if (!note.ok()) return bad(MessageOf(note.status()));
    const auto wording = ParseText(note->text);
    if (!wording.ok()) return bad(MessageOf(wording.status()));
    AllowEntry entry{*wording, *note};
    const auto& signatures = entry.note.signatures;
    if (signatures.size() > 2 || signatures[0].name != entry.wording.by) {
      return bad("the first signature is not of who proposed it, or there are more than two");
    }
    if (signatures.size() == 2) {
      if (signatures[1].name == signatures[0].name || signatures[1].bytes == signatures[0].bytes) {
        return bad("one person proposed and approved it");
      }
      entry.wording.approved_by = signatures[1].name;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string EncodeAllowList(std::span<const AllowEntry> entries) {
  std::string out;
  for (const AllowEntry& entry : entries) out += ledger::EncodeNote(entry.note);
  return out;
}

StatusOr<std::vector<audit::AllowedWording>> AllowedWordings(
    std::span<const AllowEntry> entries, std::span<const ledger::NoteVerifier> verifiers) {
  std::vector<audit::AllowedWording> allowed;
  for (size_t i = 0; i < entries.size(); ++i) {
    const AllowEntry& entry = entries[i];
    if (entry.wording.approved_by.empty()) continue;
    const auto who = ledger::VerifyNote(entry.note, verifiers);
    bool two = who.ok() && who->size() == 2;
    if (two) {
      two =
          verifiers[(*who)[0].verifier].public_key() != verifiers[(*who)[1].verifier].public_key();
    }
    if (!two) {
      return Status(
          Unauthenticated("allow_list_unsigned", "entry " + std::to_string(i + 1) +
                                                     " of the allow-list is not signed by two of "
                                                     "the keys given; give both persons' keys"));
    }
    allowed.push_back(entry.wording);
  }
  return allowed;
}

}  // namespace jangbu::services
