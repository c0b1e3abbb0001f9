#include "services/flow/prepare_pool.h"

#include <utility>

#include "ingest/text/utf8.h"

namespace jangbu::services {
namespace {

constexpr size_t kMaxTextBytes = size_t{64} << 20;

// A title is shown and kept like text, so it is screened like text.
std::string KeptTitle(const ingest::ScreenPolicy& policy, std::string title) {
  if (policy.personal_data == ingest::PersonalDataPolicy::kKeep || title.empty() ||
      !ingest::IsValidUtf8(title)) {
    return title;
  }
  return ingest::MaskedLine(title);
}

}  // namespace

PreparePool::PreparePool(int workers, std::shared_ptr<const ingest::Tokenizer> tokenizer,
                         const ingest::Fingerprinter& fingerprinter, RandomSource& random)
    : tokenizer_(std::move(tokenizer)), fingerprinter_(fingerprinter), random_(random) {
  for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { Run(); });
}

PreparePool::~PreparePool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void PreparePool::Run() {
  ingest::Appraiser appraiser(tokenizer_, {}, fingerprinter_);
  while (true) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task(appraiser);
  }
}

PreparePool::Result PreparePool::Submit(
    std::function<std::vector<PreparedDocument>(ingest::Appraiser&)> work) {
  auto promise = std::make_shared<std::promise<std::vector<PreparedDocument>>>();
  Result result = promise->get_future();
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back([promise, work = std::move(work)](ingest::Appraiser& appraiser) {
      promise->set_value(work(appraiser));
    });
  }
  arrived_.notify_one();
  return result;
}

PreparePool::Result PreparePool::Prepare(uint64_t upload, Policy policy,
                                         std::vector<RawDocument> group) {
  auto shared = std::make_shared<std::vector<RawDocument>>(std::move(group));
  return Submit([this, upload, policy = std::move(policy), shared](ingest::Appraiser& appraiser) {
    std::vector<PreparedDocument> out;
    out.reserve(shared->size());
    for (RawDocument& raw : *shared)
      out.push_back(PrepareOne(upload, *policy, std::move(raw), appraiser));
    return out;
  });
}

PreparePool::Result PreparePool::Prepare(uint64_t upload, Policy policy,
                                         std::vector<RawFeedDocument> group) {
  auto shared = std::make_shared<std::vector<RawFeedDocument>>(std::move(group));
  return Submit([this, upload, policy = std::move(policy), shared](ingest::Appraiser& appraiser) {
    std::vector<PreparedDocument> out;
    out.reserve(shared->size());
    for (RawFeedDocument& raw : *shared)
      out.push_back(PrepareOne(upload, *policy, std::move(raw), appraiser));
    return out;
  });
}

void PreparePool::Accept(uint64_t upload, ingest::Appraisal appraisal, DocumentFacts facts,
                         PreparedDocument& out) {
  facts.personal_data = std::move(appraisal.screened.personal_data);
  facts.flags = std::move(appraisal.screened.flags);
  if (!appraisal.screened.reason.empty()) {
    out.appraisal.item.chars = appraisal.chars;
    out.appraisal.item.words = appraisal.words;
    facts.detail = std::move(appraisal.screened.detail);
    Reject(upload, appraisal.screened.reason, std::move(facts), out);
    return;
  }
  if (!appraisal.has_text) {
    out.appraisal.item.chars = appraisal.chars;
    out.appraisal.item.words = appraisal.words;
    facts.detail = "no letter or digit in the text";
    Reject(upload, "no_text", std::move(facts), out);
    return;
  }
  if (appraisal.canonical.size() > kMaxTextBytes) {
    facts.detail = "the canonical text is longer than 64 MiB";
    Reject(upload, "record_too_large", std::move(facts), out);
    return;
  }
  ledger::Item& item = out.appraisal.item;
  item.chars = appraisal.chars;
  item.syllables = appraisal.syllables;
  item.words = appraisal.words;
  item.tokens = appraisal.tokens;
  item.korean_words = appraisal.korean_words;
  item.korean_tokens = appraisal.korean_tokens;
  facts.form_sha256 = appraisal.form_sha256;
  out.appraisal.document_key = appraisal.document_key;
  out.appraisal.offers = std::move(appraisal.offers);
  out.form = std::move(appraisal.form);
  out.received_sha256 = facts.received_sha256;
  out.blob = SealDocument(out.key, {.upload = upload, .file = item.file, .record = item.record},
                          facts, appraisal.canonical);
  out.weight = static_cast<int64_t>(appraisal.canonical.size());
}

void PreparePool::Reject(uint64_t upload, std::string_view reason, DocumentFacts facts,
                         PreparedDocument& out) {
  ledger::Item& item = out.appraisal.item;
  item.verdict = ledger::Verdict::kRejected;
  item.reason = std::string(reason);
  out.received_sha256 = facts.received_sha256;
  out.blob = SealDocument(out.key, {.upload = upload, .file = item.file, .record = item.record},
                          facts, {});
}

PreparedDocument PreparePool::PrepareOne(uint64_t upload, const ingest::ScreenPolicy& policy,
                                         RawDocument raw, ingest::Appraiser& appraiser) {
  PreparedDocument out{.appraisal = {},
                       .key = SecretKey::Random(random_),
                       .blob = {},
                       .form = {},
                       .received_sha256 = {},
                       .weight = 0};
  out.appraisal.item.file = raw.file;
  out.appraisal.item.record = raw.record.record == 0 ? kWholeFile : raw.record.record;
  DocumentFacts facts;
  const std::string received =
      raw.record.bytes;  // for the digest of what is refused; cheaper than hashing twice
  ingest::ParsedRecord parsed = ingest::ParseRecord(*raw.facts, std::move(raw.record));
  // A member of a container is known by its place in it.
  facts.id = parsed.place;
  if (!parsed.ok()) {
    if (!received.empty()) facts.received_sha256 = Sha256(received);
    facts.detail = parsed.rejection().detail;
    Reject(upload, ingest::CodeOf(parsed.rejection().reason), std::move(facts), out);
    return out;
  }
  ingest::Document& document = parsed.document();
  facts.received_sha256 = document.received_sha256;
  if (!document.id.empty()) facts.id = std::move(document.id);
  facts.author = KeptTitle(policy, std::move(document.author));
  facts.read_as = std::move(document.read_as);
  facts.title = KeptTitle(policy, std::move(document.title));
  facts.source_type = std::move(document.source_type);
  facts.published_at = std::move(document.published_at);
  Accept(upload, appraiser.Appraise(document.text, policy), std::move(facts), out);
  return out;
}

PreparedDocument PreparePool::PrepareOne(uint64_t upload, const ingest::ScreenPolicy& policy,
                                         RawFeedDocument raw, ingest::Appraiser& appraiser) {
  PreparedDocument out{.appraisal = {},
                       .key = SecretKey::Random(random_),
                       .blob = {},
                       .form = {},
                       .received_sha256 = {},
                       .weight = 0};
  out.appraisal.item.record = raw.record;
  out.appraisal.document_id_key = raw.id_key;
  DocumentFacts facts;
  facts.id = std::move(raw.id);
  facts.title = KeptTitle(policy, std::move(raw.title));
  facts.published_at = std::move(raw.published_at);
  facts.received_sha256 = Sha256(raw.text);
  if (raw.text.size() > kMaxTextBytes) {
    facts.detail = "the text is longer than 64 MiB";
    Reject(upload, "record_too_large", std::move(facts), out);
  } else if (!ingest::IsValidUtf8(raw.text)) {
    facts.detail = "the text is not valid UTF-8";
    Reject(upload, "invalid_utf8", std::move(facts), out);
  } else {
    Accept(upload, appraiser.Appraise(raw.text, policy), std::move(facts), out);
  }
  return out;
}

}  // namespace jangbu::services
