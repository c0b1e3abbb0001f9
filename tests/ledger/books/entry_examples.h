#pragma once

#include <vector>

#include "ledger/entry.h"

namespace jangbu::ledger {

// One entry of every type, with every field set.
inline std::vector<Entry> EntryExamples() {
  const auto entry = [](uint64_t seq, std::string partner, Body body) {
    Entry e;
    e.seq = seq;
    e.at = {1'780'000'000'000'000 + static_cast<int64_t>(seq)};
    e.partner = std::move(partner);
    e.body = std::move(body);
    e.own_salt.fill(static_cast<uint8_t>(seq + 1));
    e.sealed_salt.fill(static_cast<uint8_t>(seq + 101));
    return e;
  };
  Digest digest;
  digest.fill(9);
  Counts counts{.documents = 4,
                .accepted = 1,
                .exact_duplicate = 1,
                .near_duplicate = 1,
                .rejected = 1,
                .chars = 900,
                .syllables = 700,
                .words = 200,
                .tokens = 300,
                .korean_words = 190,
                .korean_tokens = 280,
                .novel_korean_words = 90,
                .novel_korean_tokens = 140};
  Item accepted{.file = 0,
                .record = 1,
                .verdict = Verdict::kAccepted,
                .reason = "",
                .chars = 10,
                .syllables = 8,
                .words = 3,
                .tokens = 6,
                .korean_words = 3,
                .korean_tokens = 6,
                .novel_korean_words = 2,
                .novel_korean_tokens = 4,
                .duplicate_of = std::nullopt,
                .similarity_ppm = 0};
  Item exact = accepted;
  exact.record = 2;
  exact.verdict = Verdict::kExactDuplicate;
  exact.novel_korean_words = exact.novel_korean_tokens = 0;
  exact.duplicate_of = Owner{.token = 11, .ordinal = 0};
  exact.similarity_ppm = 1'000'000;
  Item rejected;
  rejected.file = 3;
  rejected.record = UINT64_MAX;
  rejected.verdict = Verdict::kRejected;
  rejected.reason = "unsupported_format";
  rejected.chars = 5;
  rejected.words = 2;
  std::vector<Entry> all;
  all.push_back(entry(0, "",
                      Genesis{.log_origin = "example/log",
                              .log_public_key = std::string(32, 'k'),
                              .tokenizer_algorithm = "hf-bytelevel-bpe/1",
                              .tokenizer_sha256 = digest,
                              .unicode_version = "15.0",
                              .policy = {}}));
  all.push_back(entry(1, "", EpochBegun{.epoch = 300, .software_version = "jangbu 0.1.0"}));
  all.push_back(entry(2, "hani", PartnerAdded{.name = "하니 신문"}));
  all.push_back(entry(3, "hani",
                      KeyIssued{.key_id = "00ff",
                                .role = Role::kPartner,
                                .person = "김하나",
                                .secret_mac = digest,
                                .replaces = "00fe"}));
  all.push_back(entry(4, "", KeyRevoked{.key_id = "00ff"}));
  all.push_back(entry(5, "hani",
                      CorpusAdded{.corpus = 1,
                                  .source_type = SourceType::kPaper,
                                  .sealed_metadata = "sealed",
                                  .request_mac = std::string(16, 'm')}));
  all.push_back(entry(6, "hani",
                      UploadOpened{.upload = 1,
                                   .corpus = 1,
                                   .kind = UploadKind::kStream,
                                   .request_mac = std::string(16, 'r')}));
  all.push_back(
      entry(7, "hani", UploadSealed{.upload = 1, .file_count = 200, .staged_mac = digest}));
  all.push_back(entry(8, "hani", UploadCancelled{.upload = 1}));
  all.push_back(entry(9, "hani", UploadDone{.upload = 1, .file_count = 4, .counts = counts}));
  all.push_back(entry(10, "hani",
                      BatchBegin{.upload = 1,
                                 .documents = 3,
                                 .first_file = 0,
                                 .first_record = 1,
                                 .last_file = 3,
                                 .last_record = UINT64_MAX,
                                 .staged_mac = digest}));
  all.push_back(entry(11, "hani",
                      BatchCommit{.upload = 1,
                                  .token = 10,
                                  .items = {accepted, exact, rejected},
                                  .appraisal_mac = digest}));
  all.push_back(entry(12, "hani", BatchAbort{.upload = 1, .token = 10}));
  all.push_back(entry(13, "",
                      RunBegun{.run = 2,
                               .cut = 13,
                               .released_partners = {"hani"},
                               .release_reason = "end",
                               .released_by = "00ff"}));
  all.push_back(entry(
      14, "",
      Decision{
          .run = 2,
          .token = 10,
          .items = {
              {.korean_tokens = 4, .korean_words = 2, .held_by = std::nullopt},
              {.korean_tokens = 0, .korean_words = 0, .held_by = Owner{.token = 3, .ordinal = 1}},
              {.korean_tokens = 1,
               .korean_words = 1,
               .held_by = Owner{.token = 3, .ordinal = 2},
               .similarity_ppm = 812'345}}}));
  Lot lot;
  lot.lot = 1;
  lot.documents = 1000;
  lot.provisional_korean_tokens = 5000;
  lot.confirmed_korean_tokens = 4000;
  lot.entitlement_granted = 3000;
  lot.released = true;
  lot.run = 2;
  lot.ranges = {{.token = 10, .first = 0, .count = 999}, {.token = 20, .first = 5, .count = 1}};
  lot.item_korean_tokens = 4100;
  lot.carry_tokens_before = -20;
  lot.carry_tokens_after = 80;
  all.push_back(entry(15, "hani", lot));
  all.push_back(entry(16, "", RunDone{.run = 2}));
  all.push_back(
      entry(35, "", NoveltyRule{.min_run = 32, .near_ppm = 900'000, .novel_ppm = 400'000}));

  Policy policy;
  policy.weight_basis = Basis::kKoreanWords;
  policy.discounts = {{10, 100}, {20, 300}};
  all.push_back(entry(
      17, "",
      PolicyProposed{
          .version = 2, .effective_from = {1'790'000'000'000'000}, .policy = policy, .by = "f1"}));
  all.push_back(entry(18, "", PolicyDecided{.version = 2, .approved = true, .by = "f2"}));
  all.push_back(entry(19, "",
                      KeyRequested{.key_id = "k9",
                                   .role = Role::kFinance,
                                   .person = "이",
                                   .first_half_mac = digest,
                                   .replaces = "k8",
                                   .by = "o1"}));
  all.push_back(entry(
      20, "", KeyDecided{.key_id = "k9", .approved = true, .secret_mac = digest, .by = "o2"}));
  UsageRecord use;
  use.kind = UsageKind::kCommit;
  use.id = UserData128(3, 4);
  use.reservation = UserData128(5, 6);
  use.amount = UINT64_MAX;
  use.free = 10;
  use.billable = 7;
  use.policy_version = 2;
  use.discount_basis_points = 500;
  use.won = 3;
  UsageRecord reserve;
  reserve.id = UserData128(5, 6);
  reserve.amount = 17;
  reserve.timeout = 60;
  reserve.allow_billable = false;
  all.push_back(entry(21, "hani", Usage{.records = {reserve, use}}));
  all.push_back(entry(22, "", Tick{.upto = {1'780'000'000'000'000}}));
  all.push_back(entry(23, "",
                      CloseDrafted{.period = 202610,
                                   .revenue_won = 1'000'000,
                                   .policy_version = 2,
                                   .carried_in_won = 5,
                                   .pool_won = 100'005,
                                   .total_weight = 9'000,
                                   .by = "f1"}));
  all.push_back(entry(24, "", CloseDecided{.period = 202610, .approved = true, .by = "f2"}));
  ClosePosted posted;
  posted.published = {.period = 202610,
                      .partners = 1,
                      .commitments = std::string(32, 'c'),
                      .total = true,
                      .pool_won = 100'005,
                      .total_weight = 9'000,
                      .blinding = digest,
                      .threshold = 17,
                      .tied = {0}};
  posted.seed = digest;
  posted.shares = {{.partner = "hani",
                    .weight = 9'000,
                    .share_won = 100'005,
                    .held_won = 5,
                    .payout_won = 100'000}};
  posted.by = "f1";
  all.push_back(entry(25, "", posted));
  all.push_back(entry(26, "hani",
                      Payment{.period = 202610,
                              .amount_won = 100'000,
                              .attempt = 2,
                              .failed = true,
                              .reference = "B-1",
                              .by = "f1"}));
  all.push_back(entry(27, "hani",
                      Withdrawn{.withdrawal = 1,
                                .ranges = {{.token = 10, .first = 1, .count = 2}},
                                .documents = 2,
                                .provisional_korean_tokens = 8,
                                .provisional_korean_words = 4,
                                .by = "p1"}));
  all.push_back(entry(28, "hani",
                      ClaimOpened{.claim = 1,
                                  .document = {.token = 10, .ordinal = 1},
                                  .evidence_mac = digest,
                                  .holder = Owner{.token = 3, .ordinal = 0},
                                  .by = "p1"}));
  all.push_back(
      entry(29, "", ClaimDecided{.partner = "hani", .claim = 1, .granted = true, .by = "f1"}));
  all.push_back(entry(30, "hani",
                      ClaimSettled{.claim = 1,
                                   .granted = true,
                                   .held_won = 5,
                                   .korean_tokens = 8,
                                   .korean_words = 4,
                                   .by = "f2"}));
  all.push_back(entry(31, "",
                      CorrectionProposed{.correction = 1,
                                         .partner = "hani",
                                         .won = -40,
                                         .about = 202610,
                                         .reason = "이중 계산",
                                         .by = "f1"}));
  all.push_back(
      entry(32, "hani",
            CorrectionDecided{
                .correction = 1, .approved = true, .won = -40, .about = 202610, .by = "f2"}));
  all.push_back(entry(33, "",
                      Succession{.run = 3,
                                 .heirs = {{.document = {.token = 20, .ordinal = 5},
                                            .korean_tokens = 8,
                                            .korean_words = 4}}}));
  RecountBegun begun;
  begun.recount = 1;
  begun.tokenizer_algorithm = "bpe/1";
  begun.tokenizer_sha256 = Sha256("tokenizer");
  begun.min_run = 32;
  begun.near_ppm = 800'000;
  begun.novel_ppm = 400'000;
  begun.by = "f1";
  all.push_back(entry(60, "", begun));
  all.push_back(
      entry(61, "",
            RecountItems{.recount = 1,
                         .token = 20,
                         .items = {{.ordinal = 5, .korean_tokens = 9, .korean_words = 4},
                                   {.ordinal = 7, .korean_tokens = 0, .korean_words = 0}}}));
  all.push_back(entry(62, "",
                      RecountReported{.recount = 1,
                                      .lines = {{.partner = "hani",
                                                 .documents = 12,
                                                 .changed = 2,
                                                 .korean_tokens_before = 900,
                                                 .korean_words_before = 400,
                                                 .korean_tokens_after = 880,
                                                 .korean_words_after = 390}}}));
  all.push_back(entry(63, "", RecountDecided{.recount = 1, .approved = true, .by = "f2"}));
  Lot adjusted = lot;
  adjusted.lot = 2;
  adjusted.adjusted = true;
  adjusted.confirmed_korean_tokens = -1'000;
  adjusted.withdrawn_documents = 2;
  adjusted.entitlement_taken_back = 900;
  adjusted.entitlement_owed = 100;
  adjusted.adjustments = {{.kind = AdjustmentKind::kClaimLost,
                           .document = {.token = 10, .ordinal = 7},
                           .korean_tokens = -1'100,
                           .korean_words = -500}};
  all.push_back(entry(34, "hani", adjusted));

  GuardIncident incident;
  incident.model = "모델-7b";
  incident.action = GuardAction::kCut;
  incident.user_mac.fill(9);
  incident.by = "g1";
  GuardRun run;
  run.begin = -12;
  run.end = 44;
  run.run_mac.fill(7);
  run.holders = {{.token = 10, .ordinal = 7}, {.token = 20, .ordinal = 0}};
  GuardRun budget = run;
  budget.kind = RunKind::kBudget;
  budget.begin = 100;
  budget.end = 125;
  incident.runs = {run, budget};
  all.push_back(entry(36, "", incident));
  all.push_back(entry(37, "",
                      AuditRecorded{.audit = 1,
                                    .plan_sha256 = digest,
                                    .record_sha256 = digest,
                                    .statement_sha256 = digest,
                                    .model = "모델-7b",
                                    .by = "c1"}));
  all.push_back(entry(
      38, "hani", AuditReportGiven{.report = 1, .report_sha256 = digest, .audit = 1, .by = "c1"}));
  all.push_back(entry(39, "",
                      DossierRecorded{.dossier = 1,
                                      .json_sha256 = digest,
                                      .note_sha256 = digest,
                                      .answer = DossierAnswer::kIndependent,
                                      .subject_sha256 = digest,
                                      .reference_sha256 = digest,
                                      .signer = "검증/2026",
                                      .by = "c1"}));
  return all;
}

}  // namespace jangbu::ledger
