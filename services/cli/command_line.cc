#include "services/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "services/cli/commands.h"
#include "services/cli/commands_audit.h"
#include "services/cli/commands_dedup.h"
#include "services/cli/commands_outputs.h"
#include "services/cli/console.h"
#include "services/cli/display.h"

namespace jangbu::services::cli {
namespace {

// What the options say; the commands take from it what they need.
struct Parsed {
  SettingValues settings;
  bool json = false;
  bool quiet = false;
  std::string timeout = "30s";

  std::string id, name, partner, role, person, out_file, title,
      source_type = "text", personal_data = "mask", legal_basis, quality, encoding, text_column,
      xml_path, pua, rights, licence, corpus, upload, reason, file, as_of, vkey, vkey_file,
      retry_for = "10m", tokenizer, period, from, reservation, format, explain;
  std::vector<std::string> paths, names, verdicts, release, tokenizers, changes;
  int64_t revenue = 0, won = 0;
  uint64_t version = 0, to_version = 0, number = 0, amount = 0, timeout_s = 60;
  bool yes = false, grant = false, refuse = false, only_free = false;
  bool no_wait = false, dry_run = false, strict = false, now = false, show = false, fresh = false,
       segments = false;
  uint64_t limit = 0, index = 0, tree_size = 0;
  AuditPlanParams audit_plan;
  AuditRunParams audit_run;
  AuditReportParams audit_report;
  AuditCanaryParams audit_canary;
  AuditAllowParams audit_allow;
  GuardParams guard;

  ProvenanceParams provenance;
  ProvenanceVerifyParams provenance_verify;
  uint32_t dossier = 0;
  RecountParams recount;
  DedupShadowParams dedup;

  std::function<ExitCode(Session&)> action;
};

// Command help in the reader's language, with an example.
class Builder {
 public:
  Builder(CLI::App& app, Parsed& parsed, Lang lang) : app_(app), parsed_(parsed), lang_(lang) {}

  void Build() {
    Dress(app_, Msg::kHelpExampleTop);
    app_.description(Words(Msg::kHelpAbout));
    app_.require_subcommand(1);
    app_.set_version_flag("--version", std::string("jangbu 0.1.0"), Words(Msg::kHelpVersion));
    Global();
    Partners();
    Keys();
    Corpora();
    Uploads();
    Figures();
    Policies();
    Closes();
    Corrections();
    Recounts();
    Dedup();
    Withdrawals();
    Claims();
    Entitlements();
    Outputs();
    Proofs();
    Tokenizers();
    Provenance();
    Audits();
    Guards();
  }

 private:
  // Messages of any of the catalogues.
  template <typename M>
  std::string Words(M message) const {
    return std::string(Text(lang_, message));
  }

  template <typename M>
  void Dress(CLI::App& app, M example) {
    app.set_help_flag("-h,--help", Words(Msg::kHelpHelp));
    app.footer(Words(Msg::kHelpExample) + "\n  " + Words(example));
    app.fallthrough();
  }

  template <typename M>
  CLI::App& Add(CLI::App& parent, const std::string& name, M about, M example) {
    CLI::App& app = *parent.add_subcommand(name, Words(about));
    Dress(app, example);
    return app;
  }
  template <typename M>
  CLI::App& Group(const std::string& name, M about, M example) {
    CLI::App& app = Add(app_, name, about, example);
    app.require_subcommand(1);
    return app;
  }
  void Do(CLI::App& app, std::function<ExitCode(Session&)> action) {
    app.callback([parsed = &parsed_, action = std::move(action)] { parsed->action = action; });
  }
  template <typename M>
  CLI::Option* Need(CLI::App& app, const std::string& name, std::string& target, M about) {
    return app.add_option(name, target, Words(about))->required();
  }
  template <typename M>
  CLI::Option* May(CLI::App& app, const std::string& name, std::string& target, M about) {
    return app.add_option(name, target, Words(about));
  }

  void Global() {
    const std::string group = Words(Msg::kHelpGlobalGroup);
    SettingValues& s = parsed_.settings;
    app_.add_option("--server", s.server, Words(Msg::kHelpServer))
        ->group(group)
        ->type_name("HOST:PORT");
    app_.add_option("--key", s.key, Words(Msg::kHelpKey))->group(group)->type_name("KEY");
    app_.add_option("--key-file", s.key_file, Words(Msg::kHelpKeyFile))
        ->group(group)
        ->type_name("FILE");
    app_.add_option("--ca", s.ca, Words(Msg::kHelpCa))->group(group)->type_name("FILE");
    app_.add_option("--cert", s.cert, Words(Msg::kHelpCert))->group(group)->type_name("FILE");
    app_.add_option("--cert-key", s.cert_key, Words(Msg::kHelpCertKey))
        ->group(group)
        ->type_name("FILE");
    app_.add_option("--lang", s.lang, Words(Msg::kHelpLang))
        ->group(group)
        ->check(CLI::IsMember({"ko", "en"}));
    app_.add_option("--timeout", parsed_.timeout, Words(Msg::kHelpTimeout))
        ->group(group)
        ->type_name("TIME");
    app_.add_flag("--json", parsed_.json, Words(Msg::kHelpJson))->group(group);
    app_.add_flag("-q,--quiet", parsed_.quiet, Words(Msg::kHelpQuiet))->group(group);
  }

  void Partners() {
    Parsed& p = parsed_;
    CLI::App& group = Group("partner", Msg::kHelpPartner, Msg::kExamplePartnerAdd);
    CLI::App& add = Add(group, "add", Msg::kHelpPartnerAdd, Msg::kExamplePartnerAdd);
    Need(add, "NAME", p.name, Msg::kHelpPartnerName);
    May(add, "--id", p.id, Msg::kHelpPartnerId);
    Do(add, [&p](Session& s) { return PartnerAdd(s, p.name, p.id); });
    Do(Add(group, "list", Msg::kHelpPartnerList, Msg::kExamplePartnerList),
       [](Session& s) { return PartnerList(s); });
  }

  void Keys() {
    Parsed& p = parsed_;
    CLI::App& group = Group("key", Msg::kHelpKeys, Msg::kExampleKeyIssue);
    CLI::App& issue = Add(group, "issue", Msg::kHelpKeyIssue, Msg::kExampleKeyIssue);
    May(issue, "--partner", p.partner, Msg::kHelpKeyPartner);
    Need(issue, "--role", p.role, Msg::kHelpRole)->type_name("ROLE");
    May(issue, "--person", p.person, Msg::kHelpPerson);
    May(issue, "-o,--out", p.out_file, Msg::kHelpKeyOut)->type_name("FILE");
    Do(issue, [&p](Session& s) { return KeyIssue(s, {p.partner, p.role, p.person, p.out_file}); });
    CLI::App& list = Add(group, "list", Msg::kHelpKeyList, Msg::kExampleKeyList);
    May(list, "--partner", p.partner, Msg::kHelpOnlyPartner);
    Do(list, [&p](Session& s) { return KeyList(s, p.partner); });
    CLI::App& rotate = Add(group, "rotate", Msg::kHelpKeyRotate, Msg::kExampleKeyRotate);
    Need(rotate, "KEY_ID", p.id, Msg::kHelpKeyId);
    May(rotate, "-o,--out", p.out_file, Msg::kHelpKeyOut)->type_name("FILE");
    Do(rotate, [&p](Session& s) { return KeyRotate(s, p.id, p.out_file); });
    CLI::App& revoke = Add(group, "revoke", Msg::kHelpKeyRevoke, Msg::kExampleKeyRevoke);
    Need(revoke, "KEY_ID", p.id, Msg::kHelpKeyId);
    Do(revoke, [&p](Session& s) { return KeyRevoke(s, p.id); });
    for (const bool yes : {true, false}) {
      CLI::App& decide =
          Add(group, yes ? "approve" : "refuse", yes ? Msg::kHelpKeyApprove : Msg::kHelpKeyRefuse,
              Msg::kExampleKeyApprove);
      Need(decide, "KEY_ID", p.id, Msg::kHelpKeyId);
      May(decide, "-o,--out", p.out_file, Msg::kHelpKeyOut)->type_name("FILE");
      Do(decide, [&p, yes](Session& s) { return KeyDecide(s, p.id, yes, p.out_file); });
    }
    Do(Add(group, "requests", Msg::kHelpKeyRequests, Msg::kExampleKeyRequests),
       [](Session& s) { return KeyRequests(s); });
    CLI::App& join = Add(group, "join", Msg::kHelpKeyJoin, Msg::kExampleKeyJoin);
    Need(join, "FIRST", p.id, Msg::kHelpKeyHalf);
    Need(join, "SECOND", p.name, Msg::kHelpKeyHalf);
    May(join, "-o,--out", p.out_file, Msg::kHelpKeyOut)->type_name("FILE");
    Do(join, [&p](Session& s) { return KeyJoin(s, p.id, p.name, p.out_file); });
  }

  void Policies() {
    Parsed& p = parsed_;
    CLI::App& group = Group("policy", Msg::kHelpPolicy, Msg::kExamplePolicyShow);
    CLI::App& show = Add(group, "show", Msg::kHelpPolicyShow, Msg::kExamplePolicyShow);
    show.add_option("--version-number", p.version, Words(Msg::kHelpPolicyVersion));
    May(show, "--at", p.as_of, Msg::kHelpAsOf)->type_name("TIME");
    Do(show, [&p](Session& s) { return PolicyShow(s, p.version, p.as_of); });
    Do(Add(group, "list", Msg::kHelpPolicyList, Msg::kExamplePolicyList),
       [](Session& s) { return PolicyList(s); });
    CLI::App& diff = Add(group, "diff", Msg::kHelpPolicyDiff, Msg::kExamplePolicyDiff);
    diff.add_option("FROM", p.version, Words(Msg::kHelpPolicyVersion))->required();
    diff.add_option("TO", p.to_version, Words(Msg::kHelpPolicyVersion))->required();
    Do(diff, [&p](Session& s) { return PolicyDiff(s, p.version, p.to_version); });
    CLI::App& set = Add(group, "set", Msg::kHelpPolicySet, Msg::kExamplePolicySet);
    set.add_option("NAME=VALUE", p.changes, Words(Msg::kHelpPolicyChange))->required();
    Need(set, "--from", p.from, Msg::kHelpPolicyFrom)->type_name("TIME");
    Do(set, [&p](Session& s) { return PolicySet(s, p.changes, p.from); });
    for (const bool yes : {true, false}) {
      CLI::App& decide =
          Add(group, yes ? "approve" : "refuse",
              yes ? Msg::kHelpPolicyApprove : Msg::kHelpPolicyRefuse, Msg::kExamplePolicyApprove);
      decide.add_option("VERSION", p.version, Words(Msg::kHelpPolicyVersion))->required();
      Do(decide, [&p, yes](Session& s) { return PolicyDecide(s, p.version, yes); });
    }
    CLI::App& simulate =
        Add(group, "simulate", Msg::kHelpPolicySimulate, Msg::kExamplePolicySimulate);
    Need(simulate, "PERIOD", p.period, Msg::kHelpPeriod);
    simulate.add_option("NAME=VALUE", p.changes, Words(Msg::kHelpPolicyChange))->required();
    simulate.add_option("--revenue", p.revenue, Words(Msg::kHelpRevenue))->required();
    Do(simulate, [&p](Session& s) { return PolicySimulate(s, p.period, p.revenue, p.changes); });
  }

  void Closes() {
    Parsed& p = parsed_;
    CLI::App& group = Group("close", Msg::kHelpClose, Msg::kExampleCloseDraft);
    const auto with_period = [&](const char* name, Msg about, Msg example) -> CLI::App& {
      CLI::App& app = Add(group, name, about, example);
      Need(app, "PERIOD", p.period, Msg::kHelpPeriod);
      return app;
    };
    CLI::App& draft = with_period("draft", Msg::kHelpCloseDraft, Msg::kExampleCloseDraft);
    draft.add_option("--revenue", p.revenue, Words(Msg::kHelpRevenue))->required();
    Do(draft, [&p](Session& s) { return CloseDraft(s, p.period, p.revenue); });
    Do(with_period("approve", Msg::kHelpCloseApprove, Msg::kExampleCloseApprove),
       [&p](Session& s) { return CloseDecide(s, p.period, true); });
    Do(with_period("cancel", Msg::kHelpCloseCancel, Msg::kExampleCloseCancel),
       [&p](Session& s) { return CloseDecide(s, p.period, false); });
    Do(with_period("post", Msg::kHelpClosePost, Msg::kExampleClosePost),
       [&p](Session& s) { return ClosePost(s, p.period); });
    Do(with_period("show", Msg::kHelpCloseShow, Msg::kExampleCloseShow),
       [&p](Session& s) { return CloseShow(s, p.period); });
    Do(Add(group, "list", Msg::kHelpCloseList, Msg::kExampleCloseList),
       [](Session& s) { return CloseList(s); });
    for (const bool failed : {false, true}) {
      CLI::App& pay =
          with_period(failed ? "payment-failed" : "pay",
                      failed ? Msg::kHelpCloseFailed : Msg::kHelpClosePay, Msg::kExampleClosePay);
      Need(pay, "--partner", p.partner, Msg::kHelpOnlyPartner);
      May(pay, "--reference", p.reason, Msg::kHelpReference);
      Do(pay, [&p, failed](Session& s) {
        return ClosePay(s, {p.period, p.partner, p.reason, failed});
      });
    }
    CLI::App& proof = with_period("proof", Msg::kHelpCloseProof, Msg::kExampleCloseProof);
    May(proof, "--partner", p.partner, Msg::kHelpOnlyPartner);
    May(proof, "-o,--out", p.out_file, Msg::kHelpOut)->type_name("FILE");
    Do(proof, [&p](Session& s) { return CloseProof(s, p.period, p.partner, p.out_file); });
    CLI::App& verify =
        Add(group, "verify", OutputMsg::kHelpCloseVerify, OutputMsg::kExampleCloseVerify);
    verify.add_option("FILE", p.paths, Words(OutputMsg::kHelpCloseProofFile))->required();
    May(verify, "--vkey", p.vkey, Msg::kHelpVkey)->type_name("VKEY");
    May(verify, "--vkey-file", p.vkey_file, Msg::kHelpVkeyFile)->type_name("FILE");
    Do(verify, [&p](Session& s) { return CloseVerify(s, {p.paths, p.vkey, p.vkey_file}); });
    CLI::App& openings =
        with_period("openings", Msg::kHelpCloseOpenings, Msg::kExampleCloseOpenings);
    May(openings, "-o,--out", p.out_file, Msg::kHelpOut)->type_name("FILE");
    Do(openings, [&p](Session& s) { return CloseOpenings(s, p.period, p.out_file); });
  }

  void Corrections() {
    Parsed& p = parsed_;
    CLI::App& group = Group("correction", Msg::kHelpCorrection, Msg::kExampleCorrection);
    CLI::App& propose = Add(group, "propose", Msg::kHelpCorrectionPropose, Msg::kExampleCorrection);
    Need(propose, "--partner", p.partner, Msg::kHelpOnlyPartner);
    propose.add_option("--won", p.won, Words(Msg::kHelpCorrectionWon))->required();
    Need(propose, "--about", p.period, Msg::kHelpPeriod);
    Need(propose, "--reason", p.reason, Msg::kHelpCorrectionReason);
    Do(propose, [&p](Session& s) {
      return CorrectionPropose(s, {p.partner, p.period, p.reason, p.won});
    });
    for (const bool yes : {true, false}) {
      CLI::App& decide = Add(group, yes ? "approve" : "refuse",
                             yes ? Msg::kHelpCorrectionApprove : Msg::kHelpCorrectionRefuse,
                             Msg::kExampleCorrectionApprove);
      decide.add_option("NUMBER", p.number, Words(Msg::kHelpNumber))->required();
      Do(decide, [&p, yes](Session& s) { return CorrectionDecide(s, p.number, yes); });
    }
    Do(Add(group, "list", Msg::kHelpCorrectionList, Msg::kExampleCorrectionList),
       [](Session& s) { return CorrectionList(s); });
  }

  void Recounts() {
    Parsed& p = parsed_;
    CLI::App& group = Group("recount", Msg::kHelpRecount, Msg::kExampleRecountBegin);
    CLI::App& begin = Add(group, "begin", Msg::kHelpRecountBegin, Msg::kExampleRecountBegin);
    May(begin, "--tokenizer", p.tokenizer, Msg::kHelpRecountTokenizer)->type_name("FILE");
    begin.add_option("--min-run", p.recount.min_run, Words(Msg::kHelpRecountMinRun));
    begin.add_option("--near-ppm", p.recount.near_ppm, Words(Msg::kHelpRecountNear));
    begin.add_option("--novel-ppm", p.recount.novel_ppm, Words(Msg::kHelpRecountNovel));
    Do(begin, [&p](Session& s) {
      p.recount.tokenizer_file = p.tokenizer;
      return RecountBegin(s, p.recount);
    });
    for (const bool yes : {true, false}) {
      CLI::App& decide = Add(group, yes ? "approve" : "refuse",
                             yes ? Msg::kHelpRecountApprove : Msg::kHelpRecountRefuse,
                             Msg::kExampleRecountApprove);
      decide.add_option("NUMBER", p.number, Words(Msg::kHelpNumber))->required();
      Do(decide, [&p, yes](Session& s) { return RecountDecide(s, p.number, yes); });
    }
    CLI::App& show = Add(group, "show", Msg::kHelpRecountShow, Msg::kExampleRecountShow);
    show.add_option("NUMBER", p.number, Words(Msg::kHelpNumber))->required();
    Do(show, [&p](Session& s) { return RecountShow(s, p.number); });
    Do(Add(group, "list", Msg::kHelpRecountList, Msg::kExampleRecountList),
       [](Session& s) { return RecountList(s); });
  }

  void Dedup() {
    Parsed& p = parsed_;
    CLI::App& group = Group("dedup", DedupMsg::kHelpDedup, DedupMsg::kExampleDedupReport);
    Do(Add(group, "report", DedupMsg::kHelpDedupReport, DedupMsg::kExampleDedupReport),
       [](Session& s) { return DedupReport(s); });
    CLI::App& shadow =
        Add(group, "shadow", DedupMsg::kHelpDedupShadow, DedupMsg::kExampleDedupShadow);
    shadow.add_option("--min-run", p.dedup.min_run, Words(Msg::kHelpRecountMinRun));
    shadow.add_option("--near-ppm", p.dedup.near_ppm, Words(Msg::kHelpRecountNear));
    shadow.add_option("--novel-ppm", p.dedup.novel_ppm, Words(Msg::kHelpRecountNovel));
    Do(shadow, [&p](Session& s) { return DedupShadow(s, p.dedup); });
  }

  void Withdrawals() {
    Parsed& p = parsed_;
    CLI::App& withdraw = Add(app_, "withdraw", Msg::kHelpWithdraw, Msg::kExampleWithdraw);
    Need(withdraw, "SUBJECT", p.id, Msg::kHelpWithdrawSubject);
    withdraw.add_flag("--yes", p.yes, Words(Msg::kHelpWithdrawYes));
    Do(withdraw, [&p](Session& s) { return Withdraw(s, p.id, p.yes); });
    CLI::App& list = Add(app_, "withdrawals", Msg::kHelpWithdrawals, Msg::kExampleWithdrawals);
    May(list, "--partner", p.partner, Msg::kHelpOnlyPartner);
    Do(list, [&p](Session& s) { return WithdrawalList(s, p.partner); });
  }

  void Claims() {
    Parsed& p = parsed_;
    CLI::App& group = Group("claim", Msg::kHelpClaim, Msg::kExampleClaimOpen);
    CLI::App& open = Add(group, "open", Msg::kHelpClaimOpen, Msg::kExampleClaimOpen);
    Need(open, "DOCUMENT", p.id, Msg::kHelpDocumentId);
    Need(open, "--evidence", p.file, Msg::kHelpEvidence)->type_name("FILE");
    Do(open, [&p](Session& s) { return ClaimOpen(s, p.id, p.file); });
    CLI::App& list = Add(group, "list", Msg::kHelpClaimList, Msg::kExampleClaimList);
    May(list, "--partner", p.partner, Msg::kHelpOnlyPartner);
    Do(list, [&p](Session& s) { return ClaimList(s, p.partner); });
    for (const bool yes : {true, false}) {
      CLI::App& decide =
          Add(group, yes ? "grant" : "refuse", yes ? Msg::kHelpClaimGrant : Msg::kHelpClaimRefuse,
              Msg::kExampleClaimGrant);
      Need(decide, "PARTNER", p.partner, Msg::kHelpOnlyPartner);
      decide.add_option("NUMBER", p.number, Words(Msg::kHelpNumber))->required();
      Do(decide, [&p, yes](Session& s) { return ClaimDecide(s, p.partner, p.number, yes); });
    }
    CLI::App& settle = Add(group, "settle", Msg::kHelpClaimSettle, Msg::kExampleClaimSettle);
    Need(settle, "PARTNER", p.partner, Msg::kHelpOnlyPartner);
    settle.add_option("NUMBER", p.number, Words(Msg::kHelpNumber))->required();
    Do(settle, [&p](Session& s) { return ClaimSettle(s, p.partner, p.number); });
  }

  void Entitlements() {
    Parsed& p = parsed_;
    CLI::App& meter = Add(app_, "meter", Msg::kHelpMeter, Msg::kExampleMeter);
    May(meter, "--partner", p.partner, Msg::kHelpOnlyPartner);
    Do(meter, [&p](Session& s) { return Meter(s, p.partner); });
    CLI::App& use = Group("use", Msg::kHelpUse, Msg::kExampleUse);
    for (const char* kind : {"reserve", "commit", "release", "consume"}) {
      CLI::App& app = Add(use, kind, Msg::kHelpUseOne, Msg::kExampleUse);
      const bool ends = std::string_view(kind) == "commit" || std::string_view(kind) == "release";
      Need(app, "--partner", p.partner, Msg::kHelpOnlyPartner);
      Need(app, "--id", p.id, Msg::kHelpUseId);
      if (ends) Need(app, "--reservation", p.reservation, Msg::kHelpUseReservation);
      if (std::string_view(kind) != "release")
        app.add_option("--amount", p.amount, Words(Msg::kHelpUseAmount));
      if (std::string_view(kind) == "reserve")
        app.add_option("--seconds", p.timeout_s, Words(Msg::kHelpUseSeconds));
      if (!ends) app.add_flag("--only-free", p.only_free, Words(Msg::kHelpUseOnlyFree));
      Do(app, [&p, kind = std::string(kind)](Session& s) {
        return UseEntitlement(
            s, {kind, p.partner, p.id, p.reservation, p.amount, p.timeout_s, p.only_free});
      });
    }
  }

  // What finance hands out and takes in as files.
  void Outputs() {
    Parsed& p = parsed_;
    CLI::App& statement =
        Add(app_, "statement", OutputMsg::kHelpStatement, OutputMsg::kExampleStatement);
    Need(statement, "PERIOD", p.period, Msg::kHelpPeriod);
    May(statement, "--partner", p.partner, Msg::kHelpOnlyPartner);
    May(statement, "--format", p.format, OutputMsg::kHelpStatementFormat)
        ->check(CLI::IsMember({"text", "json", "csv", "xlsx", "pdf"}))
        ->type_name("FORMAT");
    May(statement, "-o,--out", p.out_file, Msg::kHelpOut)->type_name("FILE");
    Do(statement, [&p](Session& s) {
      return Statement(s, {p.period, p.partner, p.format, p.out_file});
    });

    CLI::App& reconcile =
        Group("reconcile", OutputMsg::kHelpReconcile, OutputMsg::kExampleReconcileBank);
    CLI::App& bank =
        Add(reconcile, "bank", OutputMsg::kHelpReconcileBank, OutputMsg::kExampleReconcileBank);
    Need(bank, "FILE", p.file, OutputMsg::kHelpBankFile);
    May(bank, "--period", p.period, OutputMsg::kHelpBankPeriod)->type_name("PERIOD");
    Do(bank, [&p](Session& s) { return ReconcileBankFile(s, {p.file, p.period, ""}); });
    CLI::App& meter =
        Add(reconcile, "meter", OutputMsg::kHelpReconcileMeter, OutputMsg::kExampleReconcileMeter);
    Need(meter, "FILE", p.file, OutputMsg::kHelpMeterFile);
    Need(meter, "--period", p.period, Msg::kHelpPeriod)->type_name("PERIOD");
    May(meter, "--partner", p.partner, Msg::kHelpOnlyPartner);
    Do(meter, [&p](Session& s) { return ReconcileMeterFile(s, {p.file, p.period, p.partner}); });

    CLI::App& ledger = Group("ledger", OutputMsg::kHelpLedger, OutputMsg::kExampleLedgerExport);
    CLI::App& out =
        Add(ledger, "export", OutputMsg::kHelpLedgerExport, OutputMsg::kExampleLedgerExport);
    May(out, "--format", p.format, OutputMsg::kHelpLedgerFormat)
        ->check(CLI::IsMember({"hledger", "beancount"}))
        ->type_name("FORMAT");
    May(out, "--period", p.period, OutputMsg::kHelpLedgerPeriod)->type_name("PERIOD");
    May(out, "-o,--out", p.out_file, Msg::kHelpOut)->type_name("FILE");
    Do(out, [&p](Session& s) { return LedgerExport(s, {p.format, p.period, p.out_file}); });
  }

  void Corpora() {
    Parsed& p = parsed_;
    CLI::App& group = Group("corpus", Msg::kHelpCorpus, Msg::kExampleCorpusAdd);
    CLI::App& add = Add(group, "add", Msg::kHelpCorpusAdd, Msg::kExampleCorpusAdd);
    May(add, "--partner", p.partner, Msg::kHelpCorpusPartner);
    Need(add, "--title", p.title, Msg::kHelpTitle);
    Need(add, "--source-type", p.source_type, Msg::kHelpSourceType)->type_name("TYPE");
    Need(add, "--rights", p.rights, Msg::kHelpRights);
    May(add, "--licence,--license", p.licence, Msg::kHelpLicence);
    May(add, "--personal-data", p.personal_data, Msg::kHelpPersonalData)->type_name("POLICY");
    May(add, "--legal-basis", p.legal_basis, Msg::kHelpLegalBasis);
    May(add, "--quality", p.quality, Msg::kHelpQuality)->type_name("RULES");
    May(add, "--encoding", p.encoding, Msg::kHelpEncoding)->type_name("NAME");
    May(add, "--text-column", p.text_column, Msg::kHelpTextColumn)->type_name("NAME");
    May(add, "--xml-path", p.xml_path, Msg::kHelpXmlPath)->type_name("PATH");
    May(add, "--pua", p.pua, Msg::kHelpPua)->type_name("keep|hanyang");
    Do(add, [&p](Session& s) {
      return CorpusAdd(s, {p.partner, p.title, p.source_type, p.rights, p.licence, p.personal_data,
                           p.legal_basis, p.quality, p.encoding, p.text_column, p.xml_path, p.pua});
    });
    CLI::App& list = Add(group, "list", Msg::kHelpCorpusList, Msg::kExampleCorpusList);
    May(list, "--partner", p.partner, Msg::kHelpOnlyPartner);
    Do(list, [&p](Session& s) { return CorpusList(s, p.partner); });
  }

  void VerdictOptions(CLI::App& app) {
    Parsed& p = parsed_;
    Need(app, "UPLOAD", p.upload, Msg::kHelpUploadId);
    app.add_option("--verdict", p.verdicts, Words(Msg::kHelpVerdict))
        ->delimiter(',')
        ->type_name("VERDICT");
    May(app, "--reason", p.reason, Msg::kHelpOnlyReason);
    May(app, "--file", p.file, Msg::kHelpOnlyFile);
    app.add_option("--limit", p.limit, Words(Msg::kHelpLimit));
    May(app, "--explain", p.explain, Msg::kHelpExplain);
    Do(app, [&p](Session& s) {
      if (!p.explain.empty()) return ExplainVerdict(s, p.upload, p.explain);
      return Verdicts(s, {p.upload, p.verdicts, p.reason, p.file, p.limit});
    });
  }

  void Uploads() {
    Parsed& p = parsed_;
    CLI::App& group = Group("upload", Msg::kHelpUpload, Msg::kExampleUpload);
    CLI::App& send = Add(group, "send", Msg::kHelpUploadSend, Msg::kExampleUpload);
    Need(send, "CORPUS", p.corpus, Msg::kHelpCorpusId);
    send.add_option("PATH", p.paths, Words(Msg::kHelpPaths))->required();
    send.add_flag("--no-wait", p.no_wait, Words(Msg::kHelpNoWait));
    send.add_flag("--strict", p.strict, Words(Msg::kHelpStrict));
    send.add_flag("--dry-run", p.dry_run, Words(Msg::kHelpDryRun));
    May(send, "--retry-for", p.retry_for, Msg::kHelpRetryFor)->type_name("TIME");
    Do(send, [&p](Session& s) {
      const auto retry_for_ms = ParseDurationMillis(p.retry_for);
      if (!retry_for_ms.ok()) {
        s.console().Fail(retry_for_ms.status());
        return ExitCode::kUsage;
      }
      return UploadFiles(s, {p.corpus, p.paths, !p.no_wait, p.strict, *retry_for_ms, p.dry_run});
    });
    CLI::App& list = Add(group, "list", Msg::kHelpUploadList, Msg::kExampleUploadList);
    May(list, "--partner", p.partner, Msg::kHelpOnlyPartner);
    May(list, "--corpus", p.corpus, Msg::kHelpOnlyCorpus);
    Do(list, [&p](Session& s) { return UploadList(s, p.partner, p.corpus); });
    CLI::App& show = Add(group, "show", Msg::kHelpUploadShow, Msg::kExampleUploadShow);
    Need(show, "UPLOAD", p.upload, Msg::kHelpUploadId);
    Do(show, [&p](Session& s) { return UploadShow(s, p.upload); });
    VerdictOptions(Add(group, "verdicts", Msg::kHelpVerdicts, Msg::kExampleVerdicts));
    CLI::App& cancel = Add(group, "cancel", Msg::kHelpUploadCancel, Msg::kExampleUploadCancel);
    Need(cancel, "UPLOAD", p.upload, Msg::kHelpUploadId);
    Do(cancel, [&p](Session& s) { return UploadCancel(s, p.upload); });
    VerdictOptions(Add(app_, "verdicts", Msg::kHelpVerdicts, Msg::kExampleVerdicts));
  }

  void Figures() {
    Parsed& p = parsed_;
    CLI::App& confirm = Add(app_, "confirm", Msg::kHelpConfirm, Msg::kExampleConfirm);
    confirm.add_flag("--now", p.now, Words(Msg::kHelpNow));
    confirm.add_flag("--show", p.show, Words(Msg::kHelpShowWaiting));
    confirm.add_option("--release", p.release, Words(Msg::kHelpRelease))
        ->delimiter(',')
        ->type_name("PARTNER");
    May(confirm, "--reason", p.reason, Msg::kHelpReleaseReason);
    Do(confirm, [&p](Session& s) { return Confirm(s, {p.release, p.reason, p.show}); });
    CLI::App& balance = Add(app_, "balance", Msg::kHelpBalance, Msg::kExampleBalance);
    May(balance, "--partner", p.partner, Msg::kHelpOnlyPartner);
    May(balance, "--as-of", p.as_of, Msg::kHelpAsOf)->type_name("TIME");
    Do(balance, [&p](Session& s) { return BalanceOf(s, p.partner, p.as_of); });
    CLI::App& programme = Add(app_, "programme", Msg::kHelpProgramme, Msg::kExampleProgramme);
    May(programme, "--as-of", p.as_of, Msg::kHelpAsOf)->type_name("TIME");
    Do(programme, [&p](Session& s) { return Programme(s, p.as_of); });
    CLI::App& transfers = Add(app_, "transfers", Msg::kHelpTransfers, Msg::kExampleTransfers);
    May(transfers, "--partner", p.partner, Msg::kHelpOnlyPartner);
    transfers.add_option("--limit", p.limit, Words(Msg::kHelpLimit));
    Do(transfers, [&p](Session& s) { return Transfers(s, p.partner, p.limit); });
    CLI::App& lots = Add(app_, "lots", Msg::kHelpLots, Msg::kExampleLots);
    May(lots, "--partner", p.partner, Msg::kHelpOnlyPartner);
    Do(lots, [&p](Session& s) { return Lots(s, p.partner); });
    CLI::App& items = Add(app_, "items", Msg::kHelpItems, Msg::kExampleItems);
    Need(items, "UPLOAD", p.upload, Msg::kHelpUploadId);
    Do(items, [&p](Session& s) { return Items(s, p.upload); });
    Do(Add(app_, "books-root", Msg::kHelpBooksRoot, Msg::kExampleBooksRoot),
       [](Session& s) { return BooksRoot(s); });
    CLI::App& server = Group("server", Msg::kHelpServerGroup, Msg::kExampleServerInfo);
    Do(Add(server, "info", Msg::kHelpServerInfo, Msg::kExampleServerInfo),
       [](Session& s) { return ServerInfo(s); });
  }

  void Proofs() {
    Parsed& p = parsed_;
    CLI::App& receipt = Group("receipt", Msg::kHelpReceipt, Msg::kExampleReceiptGet);
    CLI::App& get = Add(receipt, "get", Msg::kHelpReceiptGet, Msg::kExampleReceiptGet);
    Need(get, "UPLOAD|LOT", p.upload, Msg::kHelpReceiptOf);
    May(get, "-o,--out", p.out_file, Msg::kHelpOut)->type_name("FILE");
    Do(get, [&p](Session& s) { return ReceiptGet(s, p.upload, p.out_file); });
    CLI::App& verify = Add(receipt, "verify", Msg::kHelpReceiptVerify, Msg::kExampleReceiptVerify);
    Need(verify, "FILE", p.file, Msg::kHelpReceiptFile);
    May(verify, "--vkey", p.vkey, Msg::kHelpVkey)->type_name("VKEY");
    May(verify, "--vkey-file", p.vkey_file, Msg::kHelpVkeyFile)->type_name("FILE");
    Do(verify, [&p](Session& s) { return ReceiptVerify(s, {p.file, p.vkey, p.vkey_file}); });

    CLI::App& log = Group("log", Msg::kHelpLog, Msg::kExampleLogConsistency);
    CLI::App& checkpoint =
        Add(log, "checkpoint", Msg::kHelpLogCheckpoint, Msg::kExampleLogCheckpoint);
    checkpoint.add_flag("--fresh", p.fresh, Words(Msg::kHelpFresh));
    May(checkpoint, "-o,--out", p.out_file, Msg::kHelpOut)->type_name("FILE");
    Do(checkpoint, [&p](Session& s) { return LogCheckpoint(s, p.fresh, p.out_file); });
    CLI::App& prove = Add(log, "prove", Msg::kHelpLogProve, Msg::kExampleLogProve);
    prove.add_option("INDEX", p.index, Words(Msg::kHelpIndex))->required();
    prove.add_option("--size", p.tree_size, Words(Msg::kHelpTreeSize));
    May(prove, "-o,--out", p.out_file, Msg::kHelpOut)->type_name("FILE");
    Do(prove, [&p](Session& s) { return LogProve(s, p.index, p.tree_size, p.out_file); });
    CLI::App& consistency =
        Add(log, "consistency", Msg::kHelpLogConsistency, Msg::kExampleLogConsistency);
    May(consistency, "OLD", p.file, Msg::kHelpOldCheckpoint);
    May(consistency, "--vkey", p.vkey, Msg::kHelpVkey)->type_name("VKEY");
    Do(consistency, [&p](Session& s) { return LogConsistency(s, {p.file, p.vkey}); });
  }

  void Tokenizers() {
    Parsed& p = parsed_;
    CLI::App& group = Group("tokenizer", Msg::kHelpTokenizer, Msg::kExampleTokenizerInspect);
    CLI::App& inspect =
        Add(group, "inspect", Msg::kHelpTokenizerInspect, Msg::kExampleTokenizerInspect);
    Need(inspect, "TOKENIZER", p.tokenizer, Msg::kHelpTokenizerFile);
    Do(inspect, [&p](Session& s) { return TokenizerInspect(s, p.tokenizer); });
    CLI::App& count = Add(group, "count", Msg::kHelpTokenizerCount, Msg::kExampleTokenizerCount);
    Need(count, "TOKENIZER", p.tokenizer, Msg::kHelpTokenizerFile);
    count.add_option("PATH", p.paths, Words(Msg::kHelpTextFiles))->required();
    count.add_option("--also", p.tokenizers, Words(Msg::kHelpAlso))
        ->allow_extra_args(false)
        ->type_name("TOKENIZER");
    count.add_flag("--segments", p.segments, Words(Msg::kHelpSegments));
    Do(count, [&p](Session& s) {
      return TokenizerCount(s, {p.tokenizer, p.tokenizers, p.paths, p.segments});
    });
    CLI::App& compare =
        Add(group, "compare", Msg::kHelpTokenizerCompare, Msg::kExampleTokenizerCompare);
    Need(compare, "A", p.tokenizer, Msg::kHelpTokenizerFile);
    Need(compare, "B", p.file, Msg::kHelpTokenizerFile);
    Do(compare, [&p](Session& s) { return TokenizerCompare(s, p.tokenizer, p.file); });
  }

  void Provenance() {
    Parsed& p = parsed_;
    ProvenanceParams& q = p.provenance;
    CLI::App& group = Group("provenance", Msg::kHelpProvenance, Msg::kExampleProvenanceCompare);
    CLI::App& inspect =
        Add(group, "inspect", Msg::kHelpProvenanceInspect, Msg::kExampleProvenanceInspect);
    Need(inspect, "MODEL", p.file, Msg::kHelpProvenanceModel);
    Do(inspect, [&p](Session& s) { return ProvenanceInspect(s, p.file); });

    CLI::App& compare =
        Add(group, "compare", Msg::kHelpProvenanceCompare, Msg::kExampleProvenanceCompare);
    Need(compare, "SUBJECT", q.subject, Msg::kHelpProvenanceSubject);
    Need(compare, "REFERENCE", q.reference, Msg::kHelpProvenanceReference);
    const auto many = [&](const std::string& name, std::vector<std::string>& target, Msg about,
                          const char* type) {
      compare.add_option(name, target, Words(about))->allow_extra_args(false)->type_name(type);
    };
    many("--independent", q.independents, Msg::kHelpProvenanceIndependent, "MODEL");
    many("--derived", q.derived, Msg::kHelpProvenanceDerived, "MODEL");
    compare.add_option("--null-pair", q.null_pairs, Words(Msg::kHelpProvenanceNullPair))
        ->type_size(2)
        ->allow_extra_args(false)
        ->type_name("MODEL MODEL");
    May(compare, "--start", q.start, Msg::kHelpProvenanceStart)->type_name("MODEL");
    many("--also", q.also, Msg::kHelpProvenanceAlso, "MODEL");
    many("--log", q.logs, Msg::kHelpProvenanceLog, "FILE");
    many("--checkpoint", q.checkpoints, Msg::kHelpProvenanceCheckpoint, "MODEL");
    May(compare, "--manifest", q.manifest, Msg::kHelpProvenanceManifest)->type_name("FILE");
    May(compare, "--lineage", q.lineage, Msg::kHelpProvenanceLineage)->type_name("FILE");
    compare.add_option("--seed", q.seed, Words(Msg::kHelpProvenanceSeed))->type_name("N");
    compare.add_option("--threads", q.threads, Words(Msg::kHelpProvenanceThreads))->type_name("N");
    May(compare, "--state", q.state, Msg::kHelpProvenanceState)->type_name("FILE");
    May(compare, "-o,--out", q.out_prefix, Msg::kHelpProvenanceOut)->type_name("PREFIX");
    May(compare, "--sign-key", q.sign_key, Msg::kHelpProvenanceSignKey)->type_name("FILE");
    Do(compare, [&q](Session& s) { return ProvenanceCompare(s, q); });

    CLI::App& verify =
        Add(group, "verify", Msg::kHelpProvenanceVerify, Msg::kExampleProvenanceVerify);
    ProvenanceVerifyParams& v = p.provenance_verify;
    Need(verify, "DOSSIER", v.file, Msg::kHelpProvenanceDossier);
    May(verify, "--vkey", v.vkey, Msg::kHelpProvenanceVkey)->type_name("VKEY");
    May(verify, "--receipt", v.receipt, Msg::kHelpProvenanceReceiptFile)->type_name("FILE");
    May(verify, "--log-vkey", v.log_vkey, Msg::kHelpProvenanceLogVkey)->type_name("VKEY");
    verify.add_option("--threads", v.threads, Words(Msg::kHelpProvenanceThreads))->type_name("N");
    Do(verify, [&v](Session& s) { return ProvenanceVerify(s, v); });

    CLI::App& enter = Add(group, "enter", Msg::kHelpProvenanceEnter, Msg::kExampleProvenanceEnter);
    Need(enter, "DOSSIER", p.file, Msg::kHelpProvenanceDossier);
    May(enter, "-o,--out", p.out_file, Msg::kHelpProvenanceEnterOut)->type_name("FILE");
    Do(enter, [&p](Session& s) { return ProvenanceEnter(s, p.file, p.out_file); });

    CLI::App& list = Add(group, "list", Msg::kHelpProvenanceList, Msg::kExampleProvenanceList);
    Do(list, [](Session& s) { return ProvenanceList(s); });

    CLI::App& receipt =
        Add(group, "receipt", Msg::kHelpProvenanceReceipt, Msg::kExampleProvenanceReceipt);
    receipt.add_option("N", p.dossier, Words(Msg::kHelpProvenanceNumber))->required();
    May(receipt, "-o,--out", p.out_file, Msg::kHelpProvenanceEnterOut)
        ->required()
        ->type_name("FILE");
    Do(receipt, [&p](Session& s) { return ProvenanceReceipt(s, p.dossier, p.out_file); });

    CLI::App& lineage =
        Add(group, "lineage", Msg::kHelpProvenanceMakeLineage, Msg::kExampleProvenanceLineage);
    Need(lineage, "MANIFEST", p.file, Msg::kHelpProvenanceManifest);
    May(lineage, "-o,--out", p.out_file, Msg::kHelpProvenanceLineageOut)
        ->required()
        ->type_name("FILE");
    Do(lineage, [&p](Session& s) { return ProvenanceLineage(s, p.file, p.out_file); });

    CLI::App& key = Add(group, "key", Msg::kHelpProvenanceKey, Msg::kExampleProvenanceKey);
    Need(key, "NAME", p.name, Msg::kHelpProvenanceKeyName);
    May(key, "-o,--out", p.out_file, Msg::kHelpProvenanceKeyOut)->required()->type_name("FILE");
    Do(key, [&p](Session& s) { return ProvenanceKey(s, p.name, p.out_file); });
  }

  CLI::Option* Files(CLI::App& app, const std::string& name, std::vector<std::string>& target,
                     AuditMsg about) {
    return app.add_option(name, target, Words(about))->allow_extra_args(false)->type_name("FILE");
  }

  void Audits() {
    CLI::App& group = Group("audit", AuditMsg::kHelpAudit, AuditMsg::kExampleAuditPlan);
    AuditPlanParams& plan = parsed_.audit_plan;
    CLI::App& make = Add(group, "plan", AuditMsg::kHelpAuditPlan, AuditMsg::kExampleAuditPlan);
    Files(make, "--corpus", plan.corpus, AuditMsg::kHelpAuditCorpus);
    Files(make, "--control", plan.control, AuditMsg::kHelpAuditControl);
    Files(make, "--synthetic", plan.synthetic, AuditMsg::kHelpAuditSynthetic);
    May(make, "--trained-until", plan.trained_until, AuditMsg::kHelpAuditTrainedUntil)
        ->type_name("TIME");
    CLI::Option* const canaries =
        May(make, "--canaries", plan.canaries, AuditMsg::kHelpAuditCanaries)->type_name("FILE");
    make.add_option("--canary-references", plan.canary_references,
                    Words(AuditMsg::kHelpAuditCanaryReferences))
        ->check(CLI::Range(1, 100'000))
        ->needs(canaries);
    // Somebody else's questions are asked as they are, so no canary would be among them.
    Files(make, "--given", plan.given, AuditMsg::kHelpAuditGiven)->excludes(canaries);
    May(make, "--tokenizer", plan.tokenizer, Msg::kHelpTokenizerFile)->type_name("FILE");
    Need(make, "--seed", plan.seed, AuditMsg::kHelpAuditSeed);
    make.add_option("--windows", plan.windows, Words(AuditMsg::kHelpAuditWindows));
    make.add_option("--control-windows", plan.control_windows,
                    Words(AuditMsg::kHelpAuditControlWindows));
    make.add_option("--samples", plan.samples, Words(AuditMsg::kHelpAuditSamples));
    make.add_flag("--attacks", plan.attacks, Words(AuditMsg::kHelpAuditWithAttacks));
    make.add_flag("--no-logprobs", plan.no_logprobs, Words(AuditMsg::kHelpAuditNoLogprobs));
    Need(make, "--secret", plan.secret, AuditMsg::kHelpAuditSecret)->type_name("FILE");
    Need(make, "-o,--out", plan.out, Msg::kHelpOut)->type_name("FILE");
    Do(make, [&plan](Session& s) { return AuditPlan(s, plan); });

    AuditRunParams& run = parsed_.audit_run;
    CLI::App& ask = Add(group, "run", AuditMsg::kHelpAuditRun, AuditMsg::kExampleAuditRun);
    Need(ask, "PLAN", run.plan, AuditMsg::kHelpAuditPlanFile);
    Need(ask, "--endpoint", run.endpoint, AuditMsg::kHelpAuditEndpoint)->type_name("URL");
    Need(ask, "--record", run.record, AuditMsg::kHelpAuditRecord)->type_name("FILE");
    Need(ask, "--secret", run.secret, AuditMsg::kHelpAuditSecret)->type_name("FILE");
    May(ask, "--model", run.model, AuditMsg::kHelpAuditModel);
    May(ask, "--api-key-file", run.api_key_file, AuditMsg::kHelpAuditApiKey)->type_name("FILE");
    ask.add_flag("--stream", run.stream, Words(AuditMsg::kHelpAuditStream));
    ask.add_option("--concurrency", run.concurrency, Words(AuditMsg::kHelpAuditConcurrency))
        ->check(CLI::Range(1, 256));
    ask.add_option("--attempts", run.attempts, Words(AuditMsg::kHelpAuditAttempts))
        ->check(CLI::Range(1, 100));
    ask.add_option("--rate", run.rate, Words(AuditMsg::kHelpAuditRate));
    ask.add_option("--max-requests", run.max_requests, Words(AuditMsg::kHelpAuditMaxRequests));
    ask.add_option("--max-tokens", run.max_tokens, Words(AuditMsg::kHelpAuditMaxTokens));
    // Prices that a product of tokens and won cannot overflow with.
    const auto price = CLI::Range(uint64_t{0}, uint64_t{1'000'000'000});
    CLI::Option* const of_prompts =
        ask.add_option("--prompt-won", run.prompt_won, Words(AuditMsg::kHelpAuditPromptWon))
            ->check(price);
    CLI::Option* const of_answers =
        ask.add_option("--answer-won", run.answer_won, Words(AuditMsg::kHelpAuditAnswerWon))
            ->check(price)
            ->needs(of_prompts);
    of_prompts->needs(of_answers);
    ask.add_option("--max-won", run.max_won, Words(AuditMsg::kHelpAuditMaxWon))
        ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000'000}))
        ->needs(of_prompts);
    Do(ask, [&parsed = parsed_, &run](Session& s) {
      run.ca = parsed.settings.ca.value_or("");
      return AuditRun(s, run);
    });

    AuditReportParams& report = parsed_.audit_report;
    const auto sources = [&](CLI::App& app) {
      Need(app, "PLAN", report.plan, AuditMsg::kHelpAuditPlanFile);
      Need(app, "--record", report.record, AuditMsg::kHelpAuditRecord)->type_name("FILE");
      Need(app, "--secret", report.secret, AuditMsg::kHelpAuditSecret)->type_name("FILE");
      May(app, "--title", report.title, AuditMsg::kHelpAuditTitle);
      May(app, "--made-at", report.made_at, AuditMsg::kHelpAuditMadeAt);
      app.add_option("--releases", report.releases, Words(AuditMsg::kHelpAuditReleases))
          ->check(CLI::Range(1, 10'000));
      app.add_option("--quota", report.quota, Words(AuditMsg::kHelpAuditQuota));
      CLI::Option* const previous =
          May(app, "--previous", report.previous, AuditMsg::kHelpAuditPrevious)->type_name("DIR");
      May(app, "--previous-vkey", report.previous_vkey, AuditMsg::kHelpAuditPreviousVkey)
          ->type_name("VKEY")
          ->needs(previous);
      CLI::Option* const vkeys =
          app.add_option("--allow-vkey", report.allow_vkeys, Words(AuditMsg::kHelpAuditAllowVkey))
              ->allow_extra_args(false)
              ->type_name("VKEY");
      May(app, "--allow", report.allow, AuditMsg::kHelpAuditAllow)->type_name("FILE")->needs(vkeys);
      app.add_option("--fail-over", report.fail_over, Words(AuditMsg::kHelpAuditFailOver));
    };
    const auto common = [&](CLI::App& app) {
      sources(app);
      Need(app, "--dir", report.dir, AuditMsg::kHelpAuditDir)->type_name("DIR");
      May(app, "--partner", report.partner, AuditMsg::kHelpAuditPartner);
    };
    CLI::App& tell =
        Add(group, "report", AuditMsg::kHelpAuditReport, AuditMsg::kExampleAuditReport);
    common(tell);
    May(tell, "--sign-key", report.sign_key, AuditMsg::kHelpAuditSignKey)->type_name("FILE");
    Do(tell, [&report](Session& s) { return AuditReport(s, report); });
    CLI::App& verify =
        Add(group, "verify", AuditMsg::kHelpAuditVerify, AuditMsg::kExampleAuditVerify);
    common(verify);
    May(verify, "--vkey", report.vkey, Msg::kHelpVkey)->type_name("VKEY");
    Do(verify, [&report](Session& s) { return AuditVerify(s, report); });
    CLI::App& texts = Add(group, "texts", AuditMsg::kHelpAuditTexts, AuditMsg::kExampleAuditTexts);
    texts.add_option("UPLOAD", parsed_.names, Words(AuditMsg::kHelpAuditUpload))->required();
    Need(texts, "-o,--out", parsed_.out_file, Msg::kHelpOut)->type_name("FILE");
    Do(texts, [&p = parsed_](Session& s) { return AuditTexts(s, p.names, p.out_file); });
    CLI::App& enter = Add(group, "enter", AuditMsg::kHelpAuditEnter, AuditMsg::kExampleAuditEnter);
    common(enter);
    Do(enter, [&report](Session& s) { return AuditEnter(s, report); });
    CLI::App& give = Add(group, "give", AuditMsg::kHelpAuditGive, AuditMsg::kExampleAuditGive);
    sources(give);
    Need(give, "--partner", report.partner, AuditMsg::kHelpAuditPartner);
    give.add_option("--audit", parsed_.number, Words(AuditMsg::kHelpAuditNumber))
        ->required()
        ->check(CLI::Range(uint64_t{1}, uint64_t{UINT32_MAX}));
    Do(give, [&p = parsed_, &report](Session& s) {
      return AuditGive(s, report, static_cast<uint32_t>(p.number));
    });
    Do(Add(group, "list", AuditMsg::kHelpAuditList, AuditMsg::kExampleAuditList),
       [](Session& s) { return AuditList(s); });
    CLI::App& given =
        Add(group, "reports", AuditMsg::kHelpAuditReports, AuditMsg::kExampleAuditReports);
    May(given, "--partner", parsed_.partner, Msg::kHelpOnlyPartner);
    Do(given, [&p = parsed_](Session& s) { return AuditReports(s, p.partner); });
    CLI::App& fetch = Add(group, "fetch", AuditMsg::kHelpAuditFetch, AuditMsg::kExampleAuditFetch);
    fetch.add_option("REPORT", parsed_.number, Words(AuditMsg::kHelpAuditReportNumber))
        ->required()
        ->check(CLI::Range(uint64_t{1}, uint64_t{UINT32_MAX}));
    Need(fetch, "--dir", report.dir, AuditMsg::kHelpAuditDir)->type_name("DIR");
    May(fetch, "--partner", parsed_.partner, Msg::kHelpOnlyPartner);
    Do(fetch, [&p = parsed_, &report](Session& s) {
      return AuditFetch(s, p.partner, static_cast<uint32_t>(p.number), report.dir);
    });
    Canaries(group);
    AllowLists(group);
    Do(Add(group, "attacks", AuditMsg::kHelpAuditAttacks, AuditMsg::kExampleAuditAttacks),
       [](Session& s) { return AuditAttacks(s); });
  }

  void Canaries(CLI::App& audits) {
    AuditCanaryParams& canary = parsed_.audit_canary;
    CLI::App& group = Add(audits, "canary", AuditMsg::kHelpCanary, AuditMsg::kExampleCanaryIssue);
    group.require_subcommand(1);
    const auto add = [&](const char* name, AuditMsg about, AuditMsg example) -> CLI::App& {
      CLI::App& app = Add(group, name, about, example);
      Need(app, "--registry", canary.registry, AuditMsg::kHelpAuditCanaries)->type_name("FILE");
      Need(app, "--secret", canary.secret, AuditMsg::kHelpAuditSecret)->type_name("FILE");
      return app;
    };
    CLI::App& issue = add("issue", AuditMsg::kHelpCanaryIssue, AuditMsg::kExampleCanaryIssue);
    Need(issue, "--partner", canary.partner, AuditMsg::kHelpCanaryPartner);
    issue.add_option("--count", canary.count, Words(AuditMsg::kHelpCanaryCount))
        ->check(CLI::Range(1, 10'000));
    issue.add_option("--space", canary.space, Words(AuditMsg::kHelpCanarySpace))
        ->check(CLI::Range(uint64_t{2}, uint64_t{1'000'000'000'000}));
    Need(issue, "-o,--out", canary.out, Msg::kHelpOut)->type_name("FILE");
    Do(issue, [&canary](Session& s) { return AuditCanaryIssue(s, canary); });
    CLI::App& place = add("place", AuditMsg::kHelpCanaryPlace, AuditMsg::kExampleCanaryPlace);
    Need(place, "--partner", canary.partner, AuditMsg::kHelpCanaryPartner);
    Need(place, "--into", canary.into, AuditMsg::kHelpCanaryInto)->type_name("FILE");
    place.add_option("--copies", canary.copies, Words(AuditMsg::kHelpCanaryCopies))
        ->check(CLI::Range(1, 1'000'000));
    Need(place, "--seed", canary.seed, AuditMsg::kHelpCanarySeed);
    Need(place, "-o,--out", canary.out, Msg::kHelpOut)->type_name("FILE");
    Do(place, [&canary](Session& s) { return AuditCanaryPlace(s, canary); });
    CLI::App& list = add("list", AuditMsg::kHelpCanaryList, AuditMsg::kExampleCanaryList);
    May(list, "--partner", canary.partner, AuditMsg::kHelpCanaryPartner);
    Do(list, [&canary](Session& s) { return AuditCanaryList(s, canary); });
    CLI::App& withdraw =
        add("withdraw", AuditMsg::kHelpCanaryWithdraw, AuditMsg::kExampleCanaryWithdraw);
    withdraw.add_option("CANARY", canary.ids, Words(AuditMsg::kHelpCanaryId))->required();
    Do(withdraw, [&canary](Session& s) { return AuditCanaryWithdraw(s, canary); });
  }

  void AllowLists(CLI::App& audits) {
    AuditAllowParams& allow = parsed_.audit_allow;
    CLI::App& group = Add(audits, "allow", AuditMsg::kHelpAllow, AuditMsg::kExampleAllowPropose);
    group.require_subcommand(1);
    const auto person = [&](CLI::App& app) {
      Need(app, "--person", allow.person, AuditMsg::kHelpAllowPerson);
      Need(app, "--sign-key", allow.sign_key, AuditMsg::kHelpAllowSignKey)->type_name("FILE");
    };
    CLI::App& propose =
        Add(group, "propose", AuditMsg::kHelpAllowPropose, AuditMsg::kExampleAllowPropose);
    Need(propose, "LIST", allow.list, AuditMsg::kHelpAllowFile)->type_name("FILE");
    CLI::Option* const file =
        May(propose, "--wording-file", allow.wording_file, AuditMsg::kHelpAllowWordingFile)
            ->type_name("FILE");
    May(propose, "--wording", allow.wording, AuditMsg::kHelpAllowWording)->excludes(file);
    Need(propose, "--reason", allow.reason, AuditMsg::kHelpAllowReason);
    person(propose);
    Do(propose, [&allow](Session& s) { return AuditAllowPropose(s, allow); });
    CLI::App& approve =
        Add(group, "approve", AuditMsg::kHelpAllowApprove, AuditMsg::kExampleAllowApprove);
    Need(approve, "LIST", allow.list, AuditMsg::kHelpAllowFile)->type_name("FILE");
    approve.add_option("ENTRY", allow.entry, Words(AuditMsg::kHelpAllowEntry))->required();
    person(approve);
    Do(approve, [&allow](Session& s) { return AuditAllowApprove(s, allow); });
    CLI::App& list = Add(group, "list", AuditMsg::kHelpAllowList, AuditMsg::kExampleAllowList);
    Need(list, "LIST", allow.list, AuditMsg::kHelpAllowFile)->type_name("FILE");
    Do(list, [&allow](Session& s) { return AuditAllowList(s, allow); });
  }

  void Guards() {
    GuardParams& guard = parsed_.guard;
    CLI::App& group = Group("guard", AuditMsg::kHelpGuard, AuditMsg::kExampleGuardProxy);
    CLI::App& proxy = Add(group, "proxy", AuditMsg::kHelpGuardProxy, AuditMsg::kExampleGuardProxy);
    Need(proxy, "--upstream", guard.upstream, AuditMsg::kHelpGuardUpstream)->type_name("URL");
    May(proxy, "--listen", guard.listen, AuditMsg::kHelpGuardListen)->type_name("HOST:PORT");
    May(proxy, "--upstream-ca", guard.upstream_ca, AuditMsg::kHelpGuardUpstreamCa)
        ->type_name("FILE");
    proxy.add_flag("--no-budget", guard.no_budget, Words(AuditMsg::kHelpGuardNoBudget))
        ->needs(proxy.add_option("--corpus", guard.corpus, Words(AuditMsg::kHelpGuardProxyCorpus))
                    ->allow_extra_args(false)
                    ->type_name("FILE"));
    CLI::App& incidents =
        Add(group, "incidents", AuditMsg::kHelpGuardIncidents, AuditMsg::kExampleGuardIncidents);
    May(incidents, "--partner", parsed_.partner, Msg::kHelpOnlyPartner);
    Do(incidents, [&p = parsed_](Session& s) { return GuardIncidents(s, p.partner); });
    CLI::App& check = Add(group, "check", AuditMsg::kHelpGuardCheck, AuditMsg::kExampleGuardCheck);
    May(check, "--message", guard.message, AuditMsg::kHelpGuardMessage);
    check.add_option("--corpus", guard.corpus, Words(AuditMsg::kHelpGuardCorpus))
        ->required()
        ->allow_extra_args(false)
        ->type_name("FILE");
    for (CLI::App* app : {&proxy, &check}) {
      May(*app, "--mode", guard.mode, AuditMsg::kHelpGuardMode)
          ->check(CLI::IsMember({"block", "cut", "mask", "report-only"}));
    }
    Do(proxy, [&guard](Session& s) { return GuardProxyServe(s, guard); });
    Do(check, [&guard](Session& s) { return GuardCheck(s, guard); });
  }

  CLI::App& app_;
  Parsed& parsed_;
  const Lang lang_;
};

// Puts CLI11's own words into the reader's language.
void Label(CLI::App& app, Lang lang) {
  const auto formatter = std::make_shared<CLI::Formatter>();
  const auto words = [&](Msg message) { return std::string(Text(lang, message)); };
  formatter->label("Usage", words(Msg::kLabelUsage));
  formatter->label("OPTIONS", words(Msg::kLabelOptionsUpper));
  formatter->label("Options", words(Msg::kLabelOptions));
  formatter->label("Positionals", words(Msg::kLabelPositionals));
  formatter->label("SUBCOMMAND", words(Msg::kLabelSubcommandUpper));
  formatter->label("SUBCOMMANDS", words(Msg::kLabelSubcommandUpper));
  formatter->label("REQUIRED", words(Msg::kLabelRequired));
  formatter->column_width(28);
  const std::function<void(CLI::App&)> apply = [&](CLI::App& node) {
    node.formatter(formatter);
    for (CLI::App* child : node.get_subcommands([](const CLI::App*) { return true; })) {
      child->group(words(Msg::kLabelSubcommands));
      apply(*child);
    }
    for (CLI::Option* option : node.get_options()) {
      if (option->get_group() == "Options") option->group(words(Msg::kLabelOptions));
    }
  };
  apply(app);
}

// Names of all options that take a value: "--server", "-o", ….
void CollectValueOptions(CLI::App& app, std::set<std::string>& names) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() || option->get_expected_max() == 0) continue;
    for (const std::string& name : option->get_lnames()) names.insert("--" + name);
    for (const std::string& name : option->get_snames()) names.insert("-" + name);
  }
  for (CLI::App* child : app.get_subcommands([](CLI::App*) { return true; }))
    CollectValueOptions(*child, names);
}

// `jangbu upload CORPUS PATH…` is short for `jangbu upload send CORPUS PATH…`.
std::vector<std::string> SpellOutUpload(std::vector<std::string> arguments,
                                        const std::set<std::string>& takes_value) {
  static const std::set<std::string> kCommands = {"send", "list", "show", "verdicts", "cancel"};
  std::vector<size_t> plain;  // places of what is neither an option nor its value
  for (size_t i = 0; i < arguments.size() && plain.size() < 2; ++i) {
    const std::string& argument = arguments[i];
    if (argument.size() > 1 && argument[0] == '-') {
      if (takes_value.contains(argument)) ++i;
      continue;
    }
    plain.push_back(i);
  }
  if (plain.size() == 2 && arguments[plain[0]] == "upload" &&
      !kCommands.contains(arguments[plain[1]])) {
    arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(plain[0]) + 1, "send");
  }
  return arguments;
}

// --lang and --json are needed to say what is wrong with the rest.
std::optional<std::string> EarlyOption(const std::vector<std::string>& arguments,
                                       const std::string& name) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == name && i + 1 < arguments.size()) return arguments[i + 1];
    if (arguments[i].rfind(name + "=", 0) == 0) return arguments[i].substr(name.size() + 1);
  }
  return std::nullopt;
}

std::string UsageError(Lang lang, const CLI::ParseError& error) {
  const std::string detail = ForTerminal(error.what());
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
    return Say(lang, Msg::kUsageExtras, {detail});
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
    return Say(lang, Msg::kUsageRequired, {detail});
  if (dynamic_cast<const CLI::ValidationError*>(&error) != nullptr ||
      dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    return Say(lang, Msg::kUsageValue, {detail});
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr)
    return Say(lang, Msg::kUsageCount, {detail});
  return Say(lang, Msg::kUsageOther, {detail});
}

}  // namespace

int RunCommandLine(const std::vector<std::string>& arguments, const Environment& environment,
                   const Terminal& terminal) {
  const auto code = [](ExitCode exit_code) { return static_cast<int>(exit_code); };
  const std::string config_path = ConfigPath(environment);
  const auto config = ReadConfigFile(config_path);
  const SettingValues file = config.ok() ? *config : SettingValues();

  Console console{terminal.out, terminal.err};
  console.lang = ChooseLang(EarlyOption(arguments, "--lang"), file, environment);
  console.err_is_terminal = terminal.err_is_terminal;
  console.colour = terminal.err_is_terminal && !environment("NO_COLOR");
  console.columns = terminal.columns;

  Parsed parsed;
  try {
    CLI::App app("", "jangbu");
    Builder(app, parsed, console.lang).Build();
    Label(app, console.lang);
    std::set<std::string> takes_value;
    CollectValueOptions(app, takes_value);
    std::vector<std::string> words = SpellOutUpload(arguments, takes_value);
    std::reverse(words.begin(), words.end());
    try {
      app.parse(words);
    } catch (const CLI::CallForHelp&) {
      const CLI::App* asked = &app;
      std::string path;
      while (!asked->get_subcommands().empty()) {
        path += (path.empty() ? "" : " ") + asked->get_name();
        asked = asked->get_subcommands().front();
      }
      terminal.out << asked->help(path);
      return code(ExitCode::kOk);
    } catch (const CLI::CallForVersion& version) {
      terminal.out << version.what() << '\n';
      return code(ExitCode::kOk);
    } catch (const CLI::ParseError& error) {
      terminal.err << "jangbu: " << UsageError(console.lang, error) << '\n';
      const CLI::App* asked = &app;
      std::string path = "jangbu";
      while (!asked->get_subcommands().empty()) {
        asked = asked->get_subcommands().front();
        path += " " + asked->get_name();
      }
      terminal.err << Say(console.lang, Msg::kUsageSeeHelp, {path}) << '\n';
      return code(ExitCode::kUsage);
    }
  } catch (const std::exception& error) {
    terminal.err << "jangbu: " << error.what() << '\n';
    return code(ExitCode::kUsage);
  }

  console.json = parsed.json;
  console.quiet = parsed.quiet;
  if (!config.ok()) {
    console.Fail(config.status());
    return code(ExitCode::kUsage);
  }
  auto settings = ResolveSettings(parsed.settings, file, config_path, environment);
  if (!settings.ok()) {
    console.Fail(settings.status());
    return code(ExitCode::kUsage);
  }
  const auto timeout_ms = ParseDurationMillis(parsed.timeout);
  if (!timeout_ms.ok()) {
    console.Fail(timeout_ms.status());
    return code(ExitCode::kUsage);
  }
  Session session(console, *std::move(settings), std::chrono::milliseconds(*timeout_ms));
  return code(parsed.action(session));
}

}  // namespace jangbu::services::cli
