// What compliance keeps beside its audits, as files: the registry of canaries and the allow-list.

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "audit/extraction/canary.h"
#include "ledger/merkle/note.h"
#include "services/audit/allow_list.h"
#include "services/audit/audit_files.h"
#include "services/audit/audit_texts.h"
#include "services/cli/commands_audit.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"
#include "services/storage/system.h"

namespace jangbu::services::cli {
namespace {

using Align = Table::Align;

constexpr size_t kMaxAllowList = size_t{64} << 20;

std::string Words(const Console& console, AuditMsg message,
                  std::initializer_list<std::string_view> args = {}) {
  return Fill(Text(console.lang, message), args);
}
void Note(const Console& console, AuditMsg message,
          std::initializer_list<std::string_view> args = {}) {
  if (!console.quiet) console.err << Words(console, message, args) << '\n';
}
Table::Column Column(const Console& console, AuditMsg title, Align align = Align::kLeft) {
  return {Words(console, title), align};
}

std::string Now() { return UtcTime(SystemClock().Now().micros); }

// The registry of a file; empty when there is none and `make` says so.
StatusOr<std::vector<audit::Canary>> LoadCanaries(const std::string& path, const SecretKey& key,
                                                  bool make) {
  auto registry = ReadCanaryFile(path, key);
  if (!registry.ok() && make && ReasonOf(registry.status()) == "file_missing") {
    return std::vector<audit::Canary>();
  }
  return registry;
}

std::string JsonOf(const audit::Canary& canary) {
  return JsonObject()
      .Add("id", canary.id)
      .Add("partner", canary.partner)
      .AddUnsigned("space", canary.space)
      .Add("issued_at", canary.issued_at)
      .Add("withdrawn_at", canary.withdrawn_at)
      .Add("text", audit::CanarySentence(canary))
      .Take();
}

StatusOr<std::vector<AllowEntry>> LoadAllowList(const std::string& path) {
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, ReadLocalFile(path, kMaxAllowList));
  return ParseAllowList(bytes);
}

StatusOr<ledger::NoteSigner> PersonsKey(const AuditAllowParams& params) {
  OsRandom random;
  JANGBU_ASSIGN_OR_RETURN(const SecretKey seed, AuditSecret(params.sign_key, true, random));
  ledger::Ed25519Bytes bytes{};
  std::copy_n(reinterpret_cast<const uint8_t*>(seed.bytes().data()), bytes.size(), bytes.begin());
  return ledger::NoteSigner::Create(params.person, bytes);
}

}  // namespace

ExitCode AuditCanaryIssue(Session& session, const AuditCanaryParams& params) {
  const Console& console = session.console();
  OsRandom random;
  auto secret = AuditSecret(params.secret, true, random);
  if (!secret.ok()) return FailOfFile(console, secret.status());
  auto registry = LoadCanaries(params.registry, *secret, true);
  if (!registry.ok()) return FailOfFile(console, registry.status());
  const SecretKey fresh = SecretKey::Random(random);
  const auto first = audit::IssueCanaries(*registry, params.partner, params.count, params.space,
                                          Now(), fresh.bytes());
  if (!first.ok()) return FailOfFile(console, first.status());
  // Registered before anybody has them.
  if (const Status kept = WriteCanaryFile(params.registry, *registry, *secret, random);
      !kept.ok()) {
    return FailOfFile(console, kept);
  }
  std::string documents;
  for (size_t i = *first; i < registry->size(); ++i) {
    const audit::Canary& canary = (*registry)[i];
    documents += JsonObject()
                     .Add("id", "canary-" + canary.id)
                     .Add("text", audit::CanarySentence(canary))
                     .Take() +
                 "\n";
  }
  if (const Status w = WriteLocalFile(params.out, documents, true); !w.ok()) {
    return FailOfFile(console, w);
  }
  if (console.json) {
    for (size_t i = *first; i < registry->size(); ++i) {
      console.out << JsonOf((*registry)[i]) << '\n';
    }
  } else {
    Note(console, AuditMsg::kCanariesIssued,
         {GroupedUnsigned(registry->size() - *first), ForTerminal(params.partner), params.out});
  }
  return ExitCode::kOk;
}

ExitCode AuditCanaryPlace(Session& session, const AuditCanaryParams& params) {
  const Console& console = session.console();
  OsRandom random;
  auto secret = AuditSecret(params.secret, false, random);
  if (!secret.ok()) return FailOfFile(console, secret.status());
  auto registry = LoadCanaries(params.registry, *secret, false);
  if (!registry.ok()) return FailOfFile(console, registry.status());
  std::erase_if(*registry, [&](const audit::Canary& c) {
    return c.partner != params.partner || !c.withdrawn_at.empty();
  });
  if (registry->empty()) {
    console.Fail(FailedPrecondition(
        "no_canaries", params.partner + " has no canary; issue some: `jangbu audit canary issue`"));
    return ExitCode::kRefused;
  }
  const auto placed = WithCanaries(params.into, *registry, params.copies, params.seed);
  if (!placed.ok()) return FailOfFile(console, placed.status());
  if (const Status w = WriteLocalFile(params.out, *placed, true); !w.ok()) {
    return FailOfFile(console, w);
  }
  if (console.json) {
    console.out << JsonObject()
                       .AddUnsigned("canaries", registry->size())
                       .AddUnsigned("copies", params.copies)
                       .Add("file", params.out)
                       .Take()
                << '\n';
  } else {
    Note(console, AuditMsg::kCanariesPlaced,
         {GroupedUnsigned(registry->size()), GroupedUnsigned(params.copies), params.out});
  }
  return ExitCode::kOk;
}

ExitCode AuditCanaryList(Session& session, const AuditCanaryParams& params) {
  const Console& console = session.console();
  OsRandom random;
  auto secret = AuditSecret(params.secret, false, random);
  if (!secret.ok()) return FailOfFile(console, secret.status());
  const auto registry = LoadCanaries(params.registry, *secret, false);
  if (!registry.ok()) return FailOfFile(console, registry.status());
  Table table({Column(console, AuditMsg::kColCanary),
               {console.Words(Msg::kColPartner)},
               Column(console, AuditMsg::kColCanarySpace, Align::kRight),
               Column(console, AuditMsg::kColCanaryIssued),
               Column(console, AuditMsg::kColCanaryWithdrawn),
               Column(console, AuditMsg::kColCanaryText)});
  for (const audit::Canary& c : *registry) {
    if (!params.partner.empty() && c.partner != params.partner) continue;
    if (console.json) console.out << JsonOf(c) << '\n';
    table.Row({ForTerminal(c.id), ForTerminal(c.partner), GroupedUnsigned(c.space), c.issued_at,
               c.withdrawn_at, ForTerminal(audit::CanarySentence(c))});
  }
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode AuditCanaryWithdraw(Session& session, const AuditCanaryParams& params) {
  const Console& console = session.console();
  OsRandom random;
  auto secret = AuditSecret(params.secret, false, random);
  if (!secret.ok()) return FailOfFile(console, secret.status());
  auto registry = LoadCanaries(params.registry, *secret, false);
  if (!registry.ok()) return FailOfFile(console, registry.status());
  for (const std::string& id : params.ids) {
    const auto at = std::find_if(registry->begin(), registry->end(),
                                 [&](const audit::Canary& c) { return c.id == id; });
    if (at == registry->end()) {
      console.Fail(NotFound("no_such_canary", "the registry has no canary " + id));
      return ExitCode::kRefused;
    }
    // Twice is once: the first time stays.
    if (at->withdrawn_at.empty()) at->withdrawn_at = Now();
  }
  if (const Status kept = WriteCanaryFile(params.registry, *registry, *secret, random);
      !kept.ok()) {
    return FailOfFile(console, kept);
  }
  if (console.json) {
    console.out << JsonObject().AddUnsigned("withdrawn", params.ids.size()).Take() << '\n';
  } else {
    Note(console, AuditMsg::kCanariesWithdrawn, {GroupedUnsigned(params.ids.size())});
  }
  return ExitCode::kOk;
}

ExitCode AuditAllowPropose(Session& session, const AuditAllowParams& params) {
  const Console& console = session.console();
  std::vector<AllowEntry> entries;
  if (::access(params.list.c_str(), F_OK) == 0) {
    auto known = LoadAllowList(params.list);
    if (!known.ok()) return FailOfFile(console, known.status());
    entries = *std::move(known);
  }
  std::string wording = params.wording;
  if (!params.wording_file.empty()) {
    auto bytes = ReadLocalFile(params.wording_file, size_t{1} << 20);
    if (!bytes.ok()) return FailOfFile(console, bytes.status());
    wording = *std::move(bytes);
  }
  const auto signer = PersonsKey(params);
  if (!signer.ok()) return FailOfFile(console, signer.status());
  auto entry = ProposeAllowed(wording, params.reason, Now(), *signer);
  if (!entry.ok()) return FailOfFile(console, entry.status());
  entries.push_back(*std::move(entry));
  if (const Status w = WriteLocalFile(params.list, EncodeAllowList(entries), false); !w.ok()) {
    return FailOfFile(console, w);
  }
  if (console.json) {
    console.out << JsonObject()
                       .AddUnsigned("entry", entries.size())
                       .Add("vkey", signer->verifier().Vkey())
                       .Take()
                << '\n';
  } else {
    Note(console, AuditMsg::kAllowProposed,
         {GroupedUnsigned(entries.size()), signer->verifier().Vkey()});
  }
  return ExitCode::kOk;
}

ExitCode AuditAllowApprove(Session& session, const AuditAllowParams& params) {
  const Console& console = session.console();
  auto entries = LoadAllowList(params.list);
  if (!entries.ok()) return FailOfFile(console, entries.status());
  if (params.entry == 0 || params.entry > entries->size()) {
    console.Fail(
        NotFound("no_such_entry", "the list has " + std::to_string(entries->size()) + " entries"));
    return ExitCode::kRefused;
  }
  const auto signer = PersonsKey(params);
  if (!signer.ok()) return FailOfFile(console, signer.status());
  if (const Status done = ApproveAllowed((*entries)[params.entry - 1], *signer); !done.ok()) {
    console.Fail(done);
    return ExitCode::kRefused;
  }
  if (const Status w = WriteLocalFile(params.list, EncodeAllowList(*entries), false); !w.ok()) {
    return FailOfFile(console, w);
  }
  if (console.json) {
    console.out << JsonObject()
                       .AddUnsigned("entry", params.entry)
                       .Add("vkey", signer->verifier().Vkey())
                       .Take()
                << '\n';
  } else {
    Note(console, AuditMsg::kAllowApproved,
         {GroupedUnsigned(params.entry), signer->verifier().Vkey()});
  }
  return ExitCode::kOk;
}

ExitCode AuditAllowList(Session& session, const AuditAllowParams& params) {
  const Console& console = session.console();
  const auto entries = LoadAllowList(params.list);
  if (!entries.ok()) return FailOfFile(console, entries.status());
  Table table({Column(console, AuditMsg::kColAllowEntry, Align::kRight),
               Column(console, AuditMsg::kColAllowBy),
               Column(console, AuditMsg::kColAllowApproved),
               {console.Words(Msg::kColTime)},
               Column(console, AuditMsg::kColAllowReason),
               Column(console, AuditMsg::kColAllowWording)});
  for (size_t i = 0; i < entries->size(); ++i) {
    const audit::AllowedWording& w = (*entries)[i].wording;
    if (console.json) {
      console.out << JsonObject()
                         .AddUnsigned("entry", i + 1)
                         .Add("by", w.by)
                         .Add("approved_by", w.approved_by)
                         .Add("at", w.at)
                         .Add("reason", w.reason)
                         .Add("wording", w.text)
                         .Take()
                  << '\n';
    }
    table.Row({std::to_string(i + 1), ForTerminal(w.by),
               w.approved_by.empty() ? Words(console, AuditMsg::kAllowNotApproved)
                                     : ForTerminal(w.approved_by),
               w.at, ForTerminal(w.reason), Shorten(ForTerminal(w.text), 60)});
  }
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
