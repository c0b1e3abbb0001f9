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
      entry(17, "", NoveltyRule{.min_run = 32, .near_ppm = 900'000, .novel_ppm = 400'000}));
  return all;
}

}  // namespace jangbu::ledger
