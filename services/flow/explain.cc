// Why a document got its verdict: the earlier document, how much of this one it covers, and the
// runs that they share.

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "ingest/dedup/coverage.h"
#include "ingest/dedup/shingles.h"
#include "ingest/text/comparison.h"
#include "ingest/text/utf8.h"
#include "services/flow/document_finder.h"
#include "services/flow/jangbu.h"
#include "services/flow/jangbu_state.h"
#include "services/flow/judging.h"

namespace jangbu::services {
namespace {

constexpr size_t kExcerpt = 40;  // code points

std::string Excerpt(std::u32string_view form, size_t begin, size_t length) {
  std::string out;
  for (const char32_t c : form.substr(begin, std::min(length, kExcerpt)))
    ingest::AppendUtf8(c, out);
  return out;
}

}  // namespace

StatusOr<ExplanationView> Jangbu::Explain(uint32_t partner, uint32_t number,
                                          const std::string& file, uint64_t record,
                                          bool everybody) {
  ExplanationView view;
  JANGBU_ASSIGN_OR_RETURN(const ledger::UploadRecord upload, state_->FindUpload(partner, number));
  bool found = false;
  VerdictFilter filter;
  filter.file = file;
  JANGBU_RETURN_IF_ERROR(ListVerdicts(partner, number, filter, [&](const VerdictView& row) {
    found = row.record == record;
    if (found) view.verdict = row;
    return !found;
  }));
  const Status missing = InvalidArgument(
      "no_such_document", "the upload has no document " + file + ":" + std::to_string(record));
  if (!found) return missing;
  // Its place: the commit that holds its (file, record).
  DocumentFinder finder(*state_->scribe, *state_->staging);
  std::optional<Owner> document;
  uint64_t commit_seq = 0;
  std::shared_ptr<const ledger::Entry> entry;
  for (const uint64_t seq : upload.commits) {
    JANGBU_ASSIGN_OR_RETURN(ledger::Entry candidate, state_->scribe->EntryAt(seq));
    const auto& commit = std::get<ledger::BatchCommit>(candidate.body);
    for (uint32_t i = 0; i < commit.items.size() && !document.has_value(); ++i) {
      if (commit.items[i].file == view.verdict.item.file &&
          commit.items[i].record == view.verdict.item.record) {
        document = Owner{.token = commit.token, .ordinal = i};
        commit_seq = seq;
      }
    }
    if (document.has_value()) break;
  }
  if (!document.has_value()) return missing;
  const ledger::Item& item = view.verdict.item;
  if (item.verdict == ledger::Verdict::kRejected) return view;

  std::optional<ledger::NoveltyRule> pinned;
  std::optional<uint64_t> decided;
  absl::flat_hash_map<uint64_t, uint64_t> commits;
  state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    pinned = books.NoveltyRuleOf(document->token);
    decided = books.FindBatch(document->token)->decision;
    if (!everybody) return;
    for (const auto& [token, batch] : books.batches()) {
      if (batch.commit != 0) commits.emplace(token, batch.commit);
    }
  });
  const ingest::NoveltyRule rule = RuleOf(pinned.value_or(ledger::NoveltyRule{}));
  TextIndex& index = *state_->index;
  JANGBU_ASSIGN_OR_RETURN(const auto texts,
                          index.texts().Read(partner, document->token, {&document->ordinal, 1}));
  if (!texts[0].has_value()) {
    return FailedPrecondition("key_destroyed",
                              "the text was withdrawn: nothing can be compared any more");
  }
  const ingest::DocumentForm form = ingest::FormOfDocument(*texts[0]);
  view.length = form.stream.size();

  ingest::Reference reference{.before = PlaceOf(*document), .counts = nullptr};
  if (everybody) {
    // As the confirmation run asks.
    reference.before = {.entry = commit_seq, .ordinal = 0};
    reference.counts = [&](const ingest::RunDocument& d) {
      if (d.place.entry == document->token) return d.place.ordinal < document->ordinal;
      const auto other = commits.find(d.place.entry);
      return other != commits.end() && other->second < commit_seq;
    };
  }
  const ingest::RunView runs = everybody ? index.Everybody() : index.PartnerView(partner);
  JANGBU_ASSIGN_OR_RETURN(const ingest::Intervals by_others,
                          runs.Covered(form.stream, reference, index.forms(), rule.min_run));
  view.covered = ingest::CoveredLength(by_others);
  view.covered_with_self = ingest::CoveredLength(ingest::Union(
      by_others, ingest::CoveredBySelf(index.hasher(), form.stream, form.bounds, rule.min_run)));

  // The one earlier document: what the decision on it names, for those who may see that; else what
  // its verdict names; else what covers most of it.
  std::optional<Owner> earlier = item.duplicate_of;
  if (everybody && decided.has_value()) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry decision, state_->scribe->EntryAt(*decided));
    const auto& held = std::get<ledger::Decision>(decision.body).items[document->ordinal].held_by;
    if (held.has_value()) earlier = held;
  }
  const size_t least = ingest::NearThreshold(form.stream.size(), rule);
  if (!earlier.has_value() && view.covered >= least) {
    JANGBU_ASSIGN_OR_RETURN(
        const auto near, runs.NearestWithin(form.stream, by_others, reference, index.forms(), least,
                                            nullptr, rule.min_run));
    if (near.has_value()) earlier = OwnerOf(near->document);
  }
  if (earlier.has_value()) {
    uint32_t holder = 0;
    state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      holder = books.FindUpload(books.FindBatch(earlier->token)->upload_token)->partner;
    });
    JANGBU_CHECK(everybody || holder == partner);
    JANGBU_ASSIGN_OR_RETURN(view.earlier, finder.Name(*earlier));
    JANGBU_ASSIGN_OR_RETURN(const auto other,
                            index.texts().Read(holder, earlier->token, {&earlier->ordinal, 1}));
    if (!other[0].has_value()) return view;  // named, and withdrawn since
    const std::u32string other_stream = ingest::FormOfDocument(*other[0]).stream;
    view.word_jaccard_ppm = ingest::WordJaccard(*texts[0], *other[0]);
    view.char_jaccard_ppm = ingest::CharJaccard(*texts[0], *other[0]);
    ingest::Intervals in_it;
    for (const ingest::AlignedRun& run :
         ingest::AlignedRuns(index.hasher(), form.stream, other_stream, rule.min_run)) {
      in_it.push_back({run.a_begin, run.a_begin + run.length});
      if (view.runs.size() == ExplanationView::kMaxRuns) continue;
      view.runs.push_back({.begin = run.a_begin,
                           .length = run.length,
                           .document = view.earlier,
                           .document_begin = run.b_begin,
                           .excerpt = Excerpt(form.stream, run.a_begin, run.length)});
    }
    view.covered_by_earlier = ingest::CoveredLength(ingest::Union(in_it, {}));
    return view;
  }
  // No one document: who holds each run first.
  JANGBU_ASSIGN_OR_RETURN(
      const std::vector<ingest::RunMatch> matches,
      runs.Matches(form.stream, reference, index.forms(), rule.min_run, ExplanationView::kMaxRuns));
  for (const ingest::RunMatch& match : matches) {
    JANGBU_ASSIGN_OR_RETURN(std::string name, finder.Name(OwnerOf(match.document)));
    view.runs.push_back({.begin = match.begin,
                         .length = match.length,
                         .document = std::move(name),
                         .document_begin = match.document_begin,
                         .excerpt = Excerpt(form.stream, match.begin, match.length)});
  }
  return view;
}

}  // namespace jangbu::services
