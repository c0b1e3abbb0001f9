#include "services/flow/duplicates.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "ingest/dedup/coverage.h"
#include "ingest/dedup/shingles.h"
#include "services/flow/document_finder.h"
#include "services/flow/judging.h"
#include "services/flow/parallel.h"

namespace jangbu::services {
namespace {

constexpr size_t kAtOnce = 256;            // documents whose texts are held
constexpr uint32_t kJaccardPpm = 800'000;  // from here on the field takes two for the same

struct Batch {
  uint64_t token = 0;
  uint64_t commit = 0;
  std::optional<uint64_t> decision;
  uint32_t partner = 0;
  ledger::SourceType type = ledger::SourceType::kText;
  uint32_t near_ppm = 0;  // of the rule it is judged by
  uint32_t documents = 0;
};

Status Stopped() { return absl::CancelledError("the reader is gone"); }

// Clusters: documents connected by pairs (union–find, by size, paths halved).
class Clusters {
 public:
  void Connect(const Owner& a, uint64_t commit_a, const Owner& b, uint64_t commit_b) {
    uint32_t x = Root(NumberOf(a, commit_a));
    uint32_t y = Root(NumberOf(b, commit_b));
    if (x == y) return;
    if (nodes_[x].size < nodes_[y].size) std::swap(x, y);
    nodes_[y].parent = x;
    nodes_[x].size += nodes_[y].size;
    if (std::pair(nodes_[y].commit, nodes_[y].first.ordinal) <
        std::pair(nodes_[x].commit, nodes_[x].first.ordinal)) {
      nodes_[x].first = nodes_[y].first;
      nodes_[x].commit = nodes_[y].commit;
    }
  }

  struct Cluster {
    Owner first;
    uint64_t commit = 0;
    uint32_t size = 0;
  };
  std::vector<Cluster> All() const {
    std::vector<Cluster> all;
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      if (node.parent == i) all.push_back({node.first, node.commit, node.size});
    }
    return all;
  }

 private:
  struct Node {
    uint32_t parent = 0;
    uint32_t size = 1;
    uint64_t commit = 0;  // of `first`
    Owner first;          // the earliest document of a root's cluster
  };
  struct OwnerHash {
    size_t operator()(const Owner& owner) const {
      return (owner.token * 0x9E3779B97F4A7C15u ^ owner.ordinal) * 0xD6E8FEB86659FD93u >> 7;
    }
  };

  uint32_t NumberOf(const Owner& document, uint64_t commit) {
    const auto [found, fresh] =
        numbers_.try_emplace(document, static_cast<uint32_t>(nodes_.size()));
    if (fresh) {
      nodes_.push_back({.parent = found->second, .size = 1, .commit = commit, .first = document});
    }
    return found->second;
  }
  uint32_t Root(uint32_t i) {
    while (nodes_[i].parent != i) {
      nodes_[i].parent = nodes_[nodes_[i].parent].parent;
      i = nodes_[i].parent;
    }
    return i;
  }

  absl::flat_hash_map<Owner, uint32_t, OwnerHash> numbers_;
  std::vector<Node> nodes_;
};

// What one document says.
struct Finding {
  bool readable = false;
  uint64_t length = 0;
  uint64_t covered = 0;
  std::optional<Owner> pair;  // the same as that one, or near to it
  bool exact = false;
  uint32_t word_jaccard = 0;
  uint32_t char_jaccard = 0;
};

void Count(const Finding& f, DuplicatesOfType& type) {
  ++type.documents;
  type.code_points += f.length;
  for (size_t step = 0; step < type.coverage.size(); ++step) {
    if (10 * f.covered < step * f.length) break;
    ++type.coverage[step].documents;
    type.coverage[step].code_points += f.length;
  }
  if (!f.pair.has_value()) return;
  PairTally& tally = f.exact ? type.exact : type.near;
  ++tally.pairs;
  tally.by_words += f.word_jaccard >= kJaccardPpm ? 1 : 0;
  tally.by_characters += f.char_jaccard >= kJaccardPpm ? 1 : 0;
}

}  // namespace

StatusOr<DuplicatesReport> Duplicates::Report(const Progress& progress) {
  std::vector<Batch> batches;
  uint64_t all = 0;
  const EverybodysText everybody = crediting_.Everybody();
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& [token, record] : books.batches()) {
      if (record.commit == 0 || !everybody.commits.contains(token)) continue;
      const ledger::UploadRecord& upload = *books.FindUpload(record.upload_token);
      Batch batch{.token = token,
                  .commit = record.commit,
                  .decision = record.decision,
                  .partner = upload.partner,
                  .near_ppm = books.NoveltyRuleOf(token).value_or(ledger::NoveltyRule{}).near_ppm,
                  .documents = record.documents};
      for (const ledger::CorpusRecord& corpus : books.FindPartner(upload.partner)->corpora) {
        if (corpus.number == upload.corpus) batch.type = corpus.source_type;
      }
      all += batch.documents;
      batches.push_back(batch);
    }
  });
  std::sort(batches.begin(), batches.end(),
            [](const Batch& a, const Batch& b) { return a.commit < b.commit; });
  absl::flat_hash_map<uint64_t, const Batch*> by_token;
  for (const Batch& batch : batches) by_token.emplace(batch.token, &batch);

  DuplicatesReport report;
  Clusters clusters;
  uint64_t done = 0;
  for (const Batch& batch : batches) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, scribe_.EntryAt(batch.commit));
    const auto& commit = std::get<ledger::BatchCommit>(entry.body);
    ledger::Decision decision;
    if (batch.decision.has_value()) {
      JANGBU_ASSIGN_OR_RETURN(ledger::Entry decided, scribe_.EntryAt(*batch.decision));
      decision = std::get<ledger::Decision>(std::move(decided.body));
    }
    std::vector<uint32_t> ordinals;
    scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      const std::vector<ledger::DocumentFacts>& facts = *books.FactsOf(batch.token);
      for (uint32_t i = 0; i < commit.items.size(); ++i) {
        if (commit.items[i].verdict != ledger::Verdict::kRejected && !facts[i].withdrawn)
          ordinals.push_back(i);
      }
    });
    for (size_t from = 0; from < ordinals.size(); from += kAtOnce) {
      const auto part =
          std::span(ordinals).subspan(from, std::min(kAtOnce, ordinals.size() - from));
      JANGBU_ASSIGN_OR_RETURN(const auto texts,
                              index_.texts().Read(batch.partner, batch.token, part));
      std::vector<Finding> findings(part.size());
      JANGBU_RETURN_IF_ERROR(ParallelFor(workers_, part.size(), [&](size_t i) -> Status {
        if (!texts[i].has_value()) return OkStatus();
        const ledger::Item& item = commit.items[part[i]];
        Finding& f = findings[i];
        f.readable = true;
        const std::u32string stream = ingest::FormOfDocument(*texts[i]).stream;
        f.length = stream.size();
        const ingest::Reference reference = EarlierThan({.token = batch.token, .ordinal = part[i]},
                                                        batch.commit, everybody.commits);
        std::optional<Owner> named;
        bool near = item.verdict == ledger::Verdict::kNearDuplicate;
        if (!decision.items.empty() && decision.items[part[i]].held_by.has_value()) {
          named = decision.items[part[i]].held_by;
          near = decision.items[part[i]].similarity_ppm >= batch.near_ppm;
        } else {
          named = item.duplicate_of;
        }
        const auto holder = named.has_value() ? by_token.find(named->token) : by_token.end();
        if (holder != by_token.end()) {
          JANGBU_ASSIGN_OR_RETURN(
              const auto other,
              index_.texts().Read(holder->second->partner, named->token, {&named->ordinal, 1}));
          if (other[0].has_value()) {
            f.exact = ingest::FormOfDocument(*other[0]).stream == stream;
            if (f.exact || near) {
              f.pair = named;
              f.word_jaccard = ingest::WordJaccard(*texts[i], *other[0]);
              f.char_jaccard = ingest::CharJaccard(*texts[i], *other[0]);
            }
          }
        }
        // An exact copy may stand before its own partner's index: it is covered all the same.
        if (f.exact) {
          f.covered = f.length;
          return OkStatus();
        }
        JANGBU_ASSIGN_OR_RETURN(const ingest::Intervals covered,
                                everybody.view.Covered(stream, reference, index_.forms()));
        f.covered = ingest::CoveredLength(covered);
        return OkStatus();
      }));
      for (size_t i = 0; i < part.size(); ++i) {
        const Finding& f = findings[i];
        if (!f.readable) {
          ++report.unreadable;
          continue;
        }
        Count(f, report.types[0]);
        Count(f, report.types[static_cast<size_t>(batch.type)]);
        if (!f.pair.has_value()) continue;
        clusters.Connect({.token = batch.token, .ordinal = part[i]}, batch.commit, *f.pair,
                         by_token.at(f.pair->token)->commit);
      }
      if (!progress(done + from + part.size(), all)) return Stopped();
    }
    done += batch.documents;
    if (!progress(done, all)) return Stopped();
  }

  std::vector<Clusters::Cluster> found = clusters.All();
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    if (a.size != b.size) return a.size > b.size;
    return std::pair(a.commit, a.first.ordinal) < std::pair(b.commit, b.first.ordinal);
  });
  DocumentFinder finder(scribe_, staging_);
  for (const Clusters::Cluster& cluster : found) {
    const ledger::SourceType type = by_token.at(cluster.first.token)->type;
    for (DuplicatesOfType* of : {&report.types[0], &report.types[static_cast<size_t>(type)]}) {
      ++of->clusters;
      of->clustered += cluster.size;
      of->largest = std::max<uint64_t>(of->largest, cluster.size);
    }
    ++report.sizes[cluster.size];
    if (report.largest.size() == DuplicatesReport::kLargest) continue;
    JANGBU_ASSIGN_OR_RETURN(std::string name, finder.Name(cluster.first));
    report.largest.push_back({std::move(name), cluster.size, type});
  }
  return report;
}

StatusOr<std::vector<ShadowLine>> Duplicates::Shadow(const ledger::NoveltyRule& rule,
                                                     const Progress& progress) {
  if (rule.min_run < ingest::kMinRun || rule.min_run > ingest::kMaxMinRun || rule.near_ppm == 0 ||
      rule.near_ppm > 1'000'000 || rule.novel_ppm == 0 || rule.novel_ppm > 1'000'000) {
    return InvalidArgument("bad_novelty_rule",
                           "min_run is 24 to 64 code points, the shares are 1 to 1000000 ppm");
  }
  const EverybodysText everybody = crediting_.Everybody();
  const Crediting::InForce documents = crediting_.DecidedAndInForce();
  uint64_t all = 0;
  for (const auto& [token, of_batch] : documents) all += of_batch.size();
  std::map<std::string, ShadowLine> lines;
  uint64_t done = 0;
  for (const auto& [token, of_batch] : documents) {
    JANGBU_ASSIGN_OR_RETURN(Crediting::Basis basis, crediting_.BasisOf(token));
    basis.rule = RuleOf(rule);
    uint64_t commit_seq = 0;
    scribe_.Read([&, token = token](const ledger::Books& books, const ledger::MerkleTree&) {
      commit_seq = books.FindBatch(token)->commit;
    });
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, scribe_.EntryAt(commit_seq));
    const auto& commit = std::get<ledger::BatchCommit>(entry.body);
    ShadowLine& line = lines[entry.partner];
    line.partner = entry.partner;
    for (size_t from = 0; from < of_batch.size(); from += kAtOnce) {
      const auto part =
          std::span(of_batch).subspan(from, std::min(kAtOnce, of_batch.size() - from));
      std::vector<uint32_t> ordinals;
      for (const Crediting::CreditedDocument& document : part) ordinals.push_back(document.ordinal);
      JANGBU_ASSIGN_OR_RETURN(const auto judged,
                              crediting_.JudgeAgain(everybody, token, ordinals, basis, true));
      for (size_t i = 0; i < part.size(); ++i) {
        if (!judged[i].has_value()) continue;  // withdrawn meanwhile
        const ingest::NovelCounts& credit = judged[i]->credit;
        const bool was_near = commit.items[ordinals[i]].verdict == ledger::Verdict::kNearDuplicate;
        ++line.documents;
        line.changed += credit.korean_tokens != part[i].tokens ||
                                credit.korean_words != part[i].words || judged[i]->near != was_near
                            ? 1
                            : 0;
        line.korean_tokens_before += part[i].tokens;
        line.korean_tokens_after += credit.korean_tokens;
        line.korean_words_before += part[i].words;
        line.korean_words_after += credit.korean_words;
        line.near_before += was_near ? 1 : 0;
        line.near_after += judged[i]->near ? 1 : 0;
      }
      done += part.size();
      if (!progress(done, all)) return Stopped();
    }
  }
  std::vector<ShadowLine> out;
  for (auto& [partner, line] : lines) out.push_back(std::move(line));
  return out;
}

}  // namespace jangbu::services
