#include "services/flow/recounting.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "services/flow/confirmation.h"
#include "services/flow/crediting.h"
#include "services/flow/judging.h"

namespace jangbu::services {

Status Recounting::ProposeOne(ledger::Body body) {
  return scribe_
      .Propose([&](const ledger::Books&) -> StatusOr<std::vector<ledger::Draft>> {
        return std::vector<ledger::Draft>{{.partner = "", .body = std::move(body)}};
      })
      .status();
}

StatusOr<uint32_t> Recounting::Begin(const std::optional<ledger::NoveltyRule>& rule,
                                     const std::string& tokenizer, const std::string& key_id) {
  const std::unique_lock no_run = confirmation_.HoldOff();
  ledger::RecountBegun begun;
  begun.by = key_id;
  if (rule.has_value()) {
    begun.min_run = rule->min_run;
    begun.near_ppm = rule->near_ppm;
    begun.novel_ppm = rule->novel_ppm;
  }
  if (!tokenizer.empty()) {
    JANGBU_ASSIGN_OR_RETURN(const auto loaded, ingest::Tokenizer::Load(tokenizer));
    begun.tokenizer_algorithm = std::string(loaded->algorithm());
    begun.tokenizer_sha256 = loaded->file_sha256();
  }
  JANGBU_RETURN_IF_ERROR(
      scribe_
          .Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            if (!WithdrawnIn(books, 0, books.last_cut(), UINT64_MAX).empty()) {
              return FailedPrecondition("confirmation_first",
                                        "text was withdrawn since the last confirmation run; run "
                                        "one, so that its heirs are known");
            }
            const uint32_t now = books.NextTokenizer();
            const Digest& pinned = now == 0 ? books.genesis()->tokenizer_sha256
                                            : books.recounts()[now - 1].spec.tokenizer_sha256;
            const bool same_tokenizer =
                begun.tokenizer_algorithm.empty() || begun.tokenizer_sha256 == pinned;
            if (same_tokenizer &&
                (!rule.has_value() || *rule == books.novelty_rules().back().second)) {
              return InvalidArgument(
                  "nothing_to_recount",
                  "that is the tokenizer and the novelty rule that are in force");
            }
            begun.recount = static_cast<uint32_t>(books.recounts().size() + 1);
            return std::vector<ledger::Draft>{{.partner = "", .body = begun}};
          })
          .status());
  if (!tokenizer.empty()) {
    const BlobPut put{.name = {.kind = BlobKind::kTokenizer, .token = begun.recount, .ordinal = 0},
                      .bytes = tokenizer};
    JANGBU_RETURN_IF_ERROR(blobs_.Put({&put, 1}));
  }
  const Status run = Run(begun.recount);
  if (ReasonOf(run) == "recount_stale") {
    JANGBU_RETURN_IF_ERROR(ProposeOne(
        ledger::RecountDecided{.recount = begun.recount, .approved = false, .by = key_id}));
  }
  JANGBU_RETURN_IF_ERROR(run);
  return begun.recount;
}

Status Recounting::Run(uint32_t recount) {
  const EverybodysText everybody = crediting_.Everybody();
  const Crediting::InForce batches = crediting_.DecidedAndInForce();
  ledger::RecountBegun spec;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    spec = books.recounts()[recount - 1].spec;
  });
  for (const auto& [token, documents] : batches) {
    JANGBU_ASSIGN_OR_RETURN(Crediting::Basis basis, crediting_.BasisOf(token));
    if (spec.min_run != 0) {
      basis.rule =
          RuleOf({.min_run = spec.min_run, .near_ppm = spec.near_ppm, .novel_ppm = spec.novel_ppm});
    }
    if (!spec.tokenizer_algorithm.empty()) {
      JANGBU_ASSIGN_OR_RETURN(basis.tokenizer, crediting_.LoadTokenizer(recount));
    }
    std::vector<uint32_t> ordinals;
    for (const Crediting::CreditedDocument& document : documents)
      ordinals.push_back(document.ordinal);
    JANGBU_ASSIGN_OR_RETURN(const auto credits,
                            crediting_.CreditOf(everybody, token, ordinals, basis));
    ledger::RecountItems items{.recount = recount, .token = token, .items = {}};
    for (size_t i = 0; i < documents.size(); ++i) {
      // Its text went meanwhile: the books will call the re-count stale.
      if (!credits[i].has_value()) continue;
      if (credits[i]->korean_tokens == documents[i].tokens &&
          credits[i]->korean_words == documents[i].words) {
        continue;
      }
      items.items.push_back({.ordinal = documents[i].ordinal,
                             .korean_tokens = credits[i]->korean_tokens,
                             .korean_words = credits[i]->korean_words});
    }
    if (!items.items.empty()) JANGBU_RETURN_IF_ERROR(ProposeOne(std::move(items)));
  }
  return scribe_
      .Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
        return std::vector<ledger::Draft>{
            {.partner = "",
             .body = ledger::RecountReported{
                 .recount = recount, .lines = books.LinesOf(books.recounts()[recount - 1])}}};
      })
      .status();
}

Status Recounting::Decide(uint32_t recount, bool approve, const std::string& key_id) {
  const std::unique_lock no_run = confirmation_.HoldOff();
  return ProposeOne(ledger::RecountDecided{.recount = recount, .approved = approve, .by = key_id});
}

}  // namespace jangbu::services
