#include "services/flow/jangbu.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "ingest/text/utf8.h"
#include "services/api_key/api_key.h"
#include "services/flow/corpus_metadata.h"
#include "services/flow/document_reading.h"
#include "services/flow/jangbu_state.h"
#include "services/storage/files.h"
#include "services/storage/master_key.h"

namespace jangbu::services {
namespace {

constexpr char kSoftwareVersion[] = "jangbu 0.1.0";
constexpr size_t kMaxTokenizerBytes = size_t{64} << 20;

// The text of a name: valid UTF-8, without controls, of a sensible length.
Status CheckName(std::string_view what, std::string_view text, size_t max_bytes,
                 bool may_be_empty) {
  const bool controls =
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x20; });
  if ((text.empty() && !may_be_empty) || text.size() > max_bytes || controls ||
      !ingest::IsValidUtf8(text)) {
    return InvalidArgument("bad_" + std::string(what),
                           std::string(what) + " is " + (may_be_empty ? "0" : "1") + " to " +
                               std::to_string(max_bytes) +
                               " bytes of UTF-8 without control characters");
  }
  return OkStatus();
}

// A secret made in two halves, neither of which tells the other.
Digest MacOfHalves(const Keyring& keyring, const Digest& first, const Digest& second) {
  return keyring.SecretMac("halves " + ToHex(first) + ToHex(second));
}

StatusOr<SecretKey> LoadMasterKey(const std::string& data_dir, const std::string& file, bool create,
                                  RandomSource& random) {
  if (!file.empty()) return LoadMasterKeyFile(file);
  if (std::getenv(kMasterKeyVariable) != nullptr) return LoadMasterKeyVariable();
  const std::string path = data_dir + ".master-key";
  StatusOr<SecretKey> key = LoadMasterKeyFile(path);
  if (key.status().code() != absl::StatusCode::kNotFound || !create) return key;
  return CreateMasterKeyFile(path, random);
}

}  // namespace

std::string AnchorPath(const std::string& data_dir, const std::string& anchor_file) {
  return anchor_file.empty() ? data_dir + ".anchor" : anchor_file;
}

StatusOr<ledger::NoteSigner> LogSigner(const Keyring& keyring, const std::string& origin) {
  ledger::Ed25519Bytes seed;
  std::copy_n(keyring.signing_seed().bytes().begin(), seed.size(), seed.begin());
  return ledger::NoteSigner::Create(origin, seed);
}

Status CheckAnchor(const std::string& path, const Scribe& scribe, const Keyring& keyring) {
  const StatusOr<std::string> bytes = ReadWholeFile(path, ledger::kMaxNoteBytes);
  if (bytes.status().code() == absl::StatusCode::kNotFound) return OkStatus();
  JANGBU_RETURN_IF_ERROR(bytes.status());
  return scribe.Read([&](const ledger::Books& books, const ledger::MerkleTree& tree) -> Status {
    const std::string where = "the anchor " + path;
    if (!books.genesis().has_value()) {
      return DataLoss("journal_short_of_anchor",
                      where + " knows a log, but the journal is empty; restore a backup");
    }
    JANGBU_ASSIGN_OR_RETURN(const ledger::NoteSigner signer,
                            LogSigner(keyring, books.genesis()->log_origin));
    const StatusOr<ledger::Checkpoint> anchor = ledger::VerifyCheckpoint(*bytes, signer.verifier());
    if (!anchor.ok()) {
      return FailedPrecondition(
          "anchor_of_another_log",
          where + " is not a checkpoint of this log: " + std::string(MessageOf(anchor.status())));
    }
    if (anchor->size > tree.size()) {
      return DataLoss("journal_short_of_anchor",
                      "the journal has " + std::to_string(tree.size()) +
                          " entries, but a checkpoint of " + std::to_string(anchor->size) +
                          " was signed (" + where +
                          "); going on from here would fork the log: restore a newer backup");
    }
    JANGBU_ASSIGN_OR_RETURN(const Digest root, tree.Root(anchor->size));
    if (root != anchor->root) {
      return DataLoss("journal_differs_from_anchor",
                      "the journal is not the one " + where + " was signed for");
    }
    return OkStatus();
  });
}

StatusOr<OpenedInstallation> OpenInstallation(const std::string& data_dir,
                                              const std::string& master_key_file,
                                              const std::string& anchor_file, bool create,
                                              Clock& clock, RandomSource& random) {
  OpenedInstallation opened;
  DataDirOptions options;
  options.create = create;
  JANGBU_ASSIGN_OR_RETURN(opened.data, DataDir::Open(data_dir, options));
  opened.is_new = opened.data->is_new();
  JANGBU_ASSIGN_OR_RETURN(SecretKey master,
                          LoadMasterKey(data_dir, master_key_file, opened.is_new, random));
  JANGBU_ASSIGN_OR_RETURN(opened.keyring, Keyring::Open(opened.data->vault(), std::move(master),
                                                        random, opened.is_new));
  JANGBU_RETURN_IF_ERROR(opened.data->OpenJournal(opened.keyring->signing_seed()));
  JANGBU_ASSIGN_OR_RETURN(opened.scribe, Scribe::Replay(opened.data->journal(),
                                                        opened.data->mark_writer(), clock, random));
  const auto root_at = [&](uint64_t size) {
    return opened.scribe->Read(
        [size](const ledger::Books&, const ledger::MerkleTree& tree) { return tree.Root(size); });
  };
  const uint64_t tail = opened.scribe->Read(
      [](const ledger::Books& books, const ledger::MerkleTree&) { return books.size(); });
  JANGBU_RETURN_IF_ERROR(CheckMark(opened.data->opening_mark(), tail, root_at));
  JANGBU_RETURN_IF_ERROR(
      CheckAnchor(AnchorPath(data_dir, anchor_file), *opened.scribe, *opened.keyring));
  return opened;
}

// ---- opening ----

StatusOr<std::unique_ptr<Jangbu>> Jangbu::Open(const JangbuOptions& options) {
  JANGBU_CHECK(options.clock != nullptr && options.random != nullptr);
  if (ingest::UnicodeVersion() != ingest::kUnicodeVersion) {
    return FailedPrecondition(
        "unicode_version", "counts are pinned to Unicode " + std::string(ingest::kUnicodeVersion) +
                               ", but this system's ICU has " + ingest::UnicodeVersion());
  }
  auto state = std::make_unique<State>();
  state->options = options;
  JANGBU_ASSIGN_OR_RETURN(
      OpenedInstallation opened,
      OpenInstallation(options.data_dir, options.master_key_file, options.anchor_file, true,
                       *options.clock, *options.random));
  state->data = std::move(opened.data);
  state->keyring = std::move(opened.keyring);
  state->scribe = std::move(opened.scribe);

  // The tokenizer: pinned by the journal, its file kept in the store; given by the caller for a new
  // installation.
  // A re-count that was approved pins another one from this opening on.
  std::optional<ledger::Genesis> pinned;
  BlobName tokenizer_name{.kind = BlobKind::kTokenizer, .token = 0, .ordinal = 0};
  state->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    pinned = books.genesis();
    if (const uint32_t recount = books.NextTokenizer(); recount != 0) {
      const ledger::RecountBegun& spec = books.recounts()[recount - 1].spec;
      pinned->tokenizer_algorithm = spec.tokenizer_algorithm;
      pinned->tokenizer_sha256 = spec.tokenizer_sha256;
      tokenizer_name.token = recount;
    }
  });
  JANGBU_ASSIGN_OR_RETURN(const auto stored, state->data->blobs().Get({&tokenizer_name, 1}));
  std::string tokenizer_bytes;
  if (!options.tokenizer_file.empty() || !stored[0].has_value()) {
    const std::string& path =
        options.tokenizer_file.empty() ? options.default_tokenizer_file : options.tokenizer_file;
    JANGBU_ASSIGN_OR_RETURN(tokenizer_bytes, ReadWholeFile(path, kMaxTokenizerBytes));
  } else {
    tokenizer_bytes = *stored[0];
  }
  JANGBU_ASSIGN_OR_RETURN(state->tokenizer, ingest::Tokenizer::Load(tokenizer_bytes));
  if (pinned.has_value() && (pinned->tokenizer_sha256 != state->tokenizer->file_sha256() ||
                             pinned->tokenizer_algorithm != state->tokenizer->algorithm())) {
    return FailedPrecondition("tokenizer_pinned", "this installation counts with the tokenizer " +
                                                      ToHex(pinned->tokenizer_sha256) + " (" +
                                                      pinned->tokenizer_algorithm +
                                                      "); changing it is a re-count");
  }
  if (!stored[0].has_value()) {
    const BlobPut put{.name = tokenizer_name, .bytes = tokenizer_bytes};
    JANGBU_RETURN_IF_ERROR(state->data->blobs().Put({&put, 1}));
  }

  std::optional<ledger::Genesis> genesis;
  if (!pinned.has_value()) {
    genesis.emplace();
    std::array<uint8_t, 4> random{};
    options.random->Fill(random.data(), random.size());
    genesis->log_origin =
        options.log_origin.empty() ? "jangbu.local/" + ToHex(random) : options.log_origin;
    JANGBU_ASSIGN_OR_RETURN(const ledger::NoteSigner signer,
                            LogSigner(*state->keyring, genesis->log_origin));
    genesis->log_public_key = std::string(AsView(signer.verifier().public_key()));
    genesis->tokenizer_algorithm = std::string(state->tokenizer->algorithm());
    genesis->tokenizer_sha256 = state->tokenizer->file_sha256();
    genesis->unicode_version = std::string(ingest::kUnicodeVersion);
    genesis->policy = options.policy;
  }
  JANGBU_ASSIGN_OR_RETURN(
      ledger::NoteSigner signer,
      LogSigner(*state->keyring, pinned.has_value() ? pinned->log_origin : genesis->log_origin));
  state->signer = std::make_unique<ledger::NoteSigner>(std::move(signer));
  state->fingerprinter =
      std::make_unique<ingest::Fingerprinter>(state->keyring->index_secret().bytes());
  {
    // A crash may have come between a withdrawal and the passing on of its claims: those of the
    // opening before are looked at once more, before anything new begins.
    std::vector<uint32_t> partners;
    uint64_t since = 0;
    state->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      if (!books.epochs().empty()) since = books.epochs().back();
      for (const auto& partner : books.partners()) {
        if (!partner->withdrawals.empty() && partner->withdrawals.back().seq >= since)
          partners.push_back(partner->number);
      }
    });
    Crediting crediting(*state->scribe, state->data->blobs(), state->data->keys(), *state->keyring,
                        nullptr, nullptr, 1);
    for (const uint32_t partner : partners)
      JANGBU_RETURN_IF_ERROR(crediting.PassOnOwn(partner, since));
  }
  JANGBU_RETURN_IF_ERROR(state->scribe->Begin(genesis, kSoftwareVersion));

  // The first novelty rule, before anything is settled by it.
  JANGBU_RETURN_IF_ERROR(
      state->scribe
          ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            if (!books.novelty_rules().empty()) return std::vector<ledger::Draft>{};
            return std::vector<ledger::Draft>{{.partner = "", .body = options.novelty_rule}};
          })
          .status());
  TextIndex::Options index_options;
  index_options.dir = options.data_dir + "/index";
  index_options.log = options.log;
  JANGBU_ASSIGN_OR_RETURN(state->index, TextIndex::Open(*state->scribe, state->data->blobs(),
                                                        *state->keyring, std::move(index_options)));

  state->staging = std::make_unique<Staging>(state->data->blobs(), *state->keyring);
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  state->flow = std::make_unique<ContributionFlow>(
      ContributionFlow::Parts{.scribe = state->scribe.get(),
                              .blobs = &state->data->blobs(),
                              .keys = &state->data->keys(),
                              .keyring = state->keyring.get(),
                              .staging = state->staging.get(),
                              .index = state->index.get(),
                              .tokenizer = state->tokenizer,
                              .fingerprinter = state->fingerprinter.get(),
                              .documents = InstalledDocumentReader(),
                              .workers = options.workers > 0 ? options.workers : cores,
                              .log = options.log});
  JANGBU_RETURN_IF_ERROR(state->flow->Recover());
  const int workers = options.workers > 0 ? options.workers : cores;
  state->crediting = std::make_unique<Crediting>(
      *state->scribe, state->data->blobs(), state->data->keys(), *state->keyring,
      state->index.get(), state->fingerprinter.get(), workers);
  state->confirmation =
      std::make_unique<Confirmation>(*state->scribe, state->data->blobs(), state->data->keys(),
                                     *state->keyring, *state->index, *state->crediting, workers);
  state->recounting = std::make_unique<Recounting>(*state->scribe, state->data->blobs(),
                                                   *state->crediting, *state->confirmation);
  state->duplicates = std::make_unique<Duplicates>(*state->scribe, *state->staging,
                                                   *state->crediting, *state->index, workers);
  JANGBU_ASSIGN_OR_RETURN(state->guarding,
                          Guarding::Open(*state->scribe, state->data->blobs(), *state->keyring,
                                         *state->index, options.log));
  State* const raw = state.get();
  state->finance = std::make_unique<Finance>(Finance::Parts{
      .scribe = state->scribe.get(),
      .blobs = &state->data->blobs(),
      .keyring = state->keyring.get(),
      .clock = options.clock,
      .before_destroying =
          [raw](const std::vector<Owner>& documents) { return raw->guarding->Keep(documents); },
      .still =
          [raw](uint32_t partner, const std::function<Status()>& what) {
            return raw->flow->WhileNothingSettles(partner, what);
          },
      .pass_on = [raw](uint32_t partner,
                       uint64_t from) { return raw->crediting->PassOnOwn(partner, from); },
      .texts_erased = [raw] { raw->index->TextsErased(); },
      .receipt_of = [raw](uint64_t seq) { return raw->ReceiptOf(seq); }});
  state->audits = std::make_unique<Audits>(*state->scribe, state->data->blobs(), *state->keyring,
                                           *state->index, *state->guarding);
  // A crash may have come between a withdrawal and the destruction of its keys.
  JANGBU_RETURN_IF_ERROR(state->finance->DestroyWithdrawn());
  std::unique_ptr<Jangbu> jangbu(new Jangbu(std::move(state)));
  State& s = *jangbu->state_;

  // The first operator's key.
  bool has_operator = false;
  s.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& [id, key] : books.keys())
      has_operator = has_operator || key.role == ledger::Role::kOperator;
  });
  if (!has_operator) {
    // First the file, then the entry: a crash between them leaves a key that does not work yet and
    // is made anew, never an installation that nobody has a key for.
    const std::string secret = MakeApiKey(s.keyring->random());
    const std::string key_path = options.data_dir + "/operator.key";
    JANGBU_RETURN_IF_ERROR(ReplaceFile(key_path, secret + "\n"));
    JANGBU_RETURN_IF_ERROR(
        s.IssueKey("", ledger::Role::kOperator, "first operator", secret).status());
    s.Log("a key for the operator was written to " + key_path + "; move it to a safe place");
  }
  JANGBU_RETURN_IF_ERROR(s.Publish().status());
  s.flow->Start();
  s.publisher = std::thread([&s] {
    std::unique_lock lock(s.stop_mutex);
    while (!s.stop_changed.wait_for(lock, std::chrono::seconds(s.options.checkpoint_interval_s),
                                    [&s] { return s.stopping; })) {
      lock.unlock();
      if (const Status ended = s.finance->Tick(); !ended.ok())
        s.Log("nothing expires: " + std::string(MessageOf(ended)));
      const StatusOr<std::string> published = s.Publish();
      if (!published.ok()) s.Log("no checkpoint: " + std::string(MessageOf(published.status())));
      lock.lock();
    }
  });
  s.resumer = std::thread([&s] {
    if (const Status resumed = s.confirmation->Resume(); !resumed.ok()) {
      s.Log("the confirmation run could not go on: " + std::string(MessageOf(resumed)));
    }
  });
  return jangbu;
}

Jangbu::Jangbu(std::unique_ptr<State> state) : state_(std::move(state)) {}

Jangbu::~Jangbu() {
  {
    const std::lock_guard lock(state_->stop_mutex);
    state_->stopping = true;
  }
  state_->stop_changed.notify_all();
  if (state_->publisher.joinable()) state_->publisher.join();
  if (state_->resumer.joinable()) state_->resumer.join();
  if (state_->flow != nullptr) state_->flow->Stop();
}

// ---- keys ----

StatusOr<Caller> Jangbu::Authenticate(std::string_view api_key) {
  const Status bad =
      Unauthenticated("bad_key", "the API key is missing, malformed, revoked or unknown");
  const std::optional<ApiKeyParts> parts = ParseApiKey(api_key);
  const std::string secret = parts.has_value() ? parts->secret : std::string(64, '0');
  const Digest mac = state_->keyring->SecretMac(secret);
  const Digest halves =
      MacOfHalves(*state_->keyring, state_->keyring->SecretMac(secret.substr(0, 32)),
                  state_->keyring->SecretMac(secret.substr(32)));
  if (!parts.has_value()) return bad;
  return state_->scribe->Read(
      [&](const ledger::Books& books, const ledger::MerkleTree&) -> StatusOr<Caller> {
        const ledger::KeyRecord* key = books.FindKey(parts->key_id);
        static constexpr Digest kNone{};
        const std::string_view stored = AsView(key == nullptr ? kNone : key->secret_mac);
        const bool whole = ConstantTimeEqual(stored, AsView(mac));
        const bool match = ConstantTimeEqual(stored, AsView(halves)) || whole;
        if (!match || key == nullptr || key->revoked_at.has_value()) return bad;
        Caller caller{.key_id = key->key_id,
                      .role = key->role,
                      .partner = key->partner,
                      .partner_id = "",
                      .person = key->person};
        if (key->partner != 0) caller.partner_id = books.FindPartner(key->partner)->id;
        return caller;
      });
}

StatusOr<Jangbu::IssuedKey> Jangbu::IssueKey(const std::string& partner_id, ledger::Role role,
                                             const std::string& person) {
  return state_->IssueKey(partner_id, role, person, MakeApiKey(state_->keyring->random()));
}

StatusOr<Jangbu::IssuedKey> Jangbu::State::IssueKey(const std::string& partner_id,
                                                    ledger::Role role, const std::string& person,
                                                    const std::string& secret) {
  JANGBU_RETURN_IF_ERROR(CheckName("person", person, 200, false));
  IssuedKey issued;
  issued.secret = secret;
  const ApiKeyParts parts = *ParseApiKey(issued.secret);
  JANGBU_RETURN_IF_ERROR(
      scribe
          ->Propose([&](const ledger::Books&) -> StatusOr<std::vector<ledger::Draft>> {
            return std::vector<ledger::Draft>{
                {.partner = partner_id,
                 .body = ledger::KeyIssued{.key_id = parts.key_id,
                                           .role = role,
                                           .person = person,
                                           .secret_mac = keyring->SecretMac(parts.secret),
                                           .replaces = ""}}};
          })
          .status());
  scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    issued.record = *books.FindKey(parts.key_id);
  });
  return issued;
}

StatusOr<Jangbu::AskedKey> Jangbu::State::RequestKey(const Caller& caller, ledger::Role role,
                                                     const std::string& person,
                                                     const std::string& replaces) {
  JANGBU_RETURN_IF_ERROR(CheckName("person", person, 200, false));
  const ApiKeyParts made = *ParseApiKey(MakeApiKey(keyring->random()));
  const std::string half = made.secret.substr(0, 32);
  JANGBU_RETURN_IF_ERROR(
      scribe
          ->Propose([&](const ledger::Books&) -> StatusOr<std::vector<ledger::Draft>> {
            return std::vector<ledger::Draft>{
                {.partner = "",
                 .body = ledger::KeyRequested{.key_id = made.key_id,
                                              .role = role,
                                              .person = person,
                                              .first_half_mac = keyring->SecretMac(half),
                                              .replaces = replaces,
                                              .by = caller.key_id}}};
          })
          .status());
  AskedKey asked;
  asked.record.key_id = made.key_id;
  asked.record.role = role;
  asked.record.person = person;
  asked.secret = HalfText(1, made.key_id, half);
  asked.pending = true;
  return asked;
}

StatusOr<Jangbu::AskedKey> Jangbu::AskForKey(const Caller& caller, const std::string& partner_id,
                                             ledger::Role role, const std::string& person) {
  const size_t operators =
      state_->scribe->Read([](const ledger::Books& books, const ledger::MerkleTree&) {
        return books.OperatorPersons();
      });
  // Somebody must be the second operator before two persons can do anything.
  const bool alone = (role != ledger::Role::kFinance && role != ledger::Role::kOperator) ||
                     (role == ledger::Role::kOperator && operators < 2);
  if (!alone) return state_->RequestKey(caller, role, person, "");
  JANGBU_ASSIGN_OR_RETURN(IssuedKey issued, IssueKey(partner_id, role, person));
  return AskedKey{.record = issued.record, .secret = std::move(issued.secret), .pending = false};
}

StatusOr<Jangbu::AskedKey> Jangbu::AskToRotateKey(const Caller& caller, const std::string& key_id) {
  std::optional<ledger::KeyRecord> old;
  state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    if (const ledger::KeyRecord* key = books.FindKey(key_id); key != nullptr) old = *key;
  });
  if (!old.has_value()) return NotFound("no_such_key", "there is no such key");
  const bool guarded = old->role == ledger::Role::kFinance || old->role == ledger::Role::kOperator;
  if (guarded && !ledger::SamePerson(old->person, caller.person))
    return state_->RequestKey(caller, old->role, old->person, key_id);
  JANGBU_ASSIGN_OR_RETURN(IssuedKey issued, RotateKey(key_id));
  return AskedKey{.record = issued.record, .secret = std::move(issued.secret), .pending = false};
}

StatusOr<std::string> Jangbu::DecideKey(const Caller& caller, const std::string& key_id,
                                        bool approve) {
  const std::string half = ParseApiKey(MakeApiKey(state_->keyring->random()))->secret.substr(0, 32);
  JANGBU_RETURN_IF_ERROR(
      state_->scribe
          ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            const auto request = books.key_requests().find(key_id);
            if (request == books.key_requests().end())
              return NotFound("no_such_request", "nobody asked for such a key");
            ledger::KeyDecided decided;
            decided.key_id = key_id;
            decided.approved = approve;
            decided.by = caller.key_id;
            if (approve) {
              decided.secret_mac =
                  MacOfHalves(*state_->keyring, request->second.request.first_half_mac,
                              state_->keyring->SecretMac(half));
            }
            return std::vector<ledger::Draft>{{.partner = "", .body = std::move(decided)}};
          })
          .status());
  return approve ? HalfText(2, key_id, half) : std::string();
}

Finance& Jangbu::finance() { return *state_->finance; }

Recounting& Jangbu::recounting() { return *state_->recounting; }
Duplicates& Jangbu::duplicates() { return *state_->duplicates; }
Guarding& Jangbu::guarding() { return *state_->guarding; }
Audits& Jangbu::audits() { return *state_->audits; }

StatusOr<Jangbu::IssuedKey> Jangbu::RotateKey(const std::string& key_id) {
  IssuedKey issued;
  issued.secret = MakeApiKey(state_->keyring->random());
  const ApiKeyParts parts = *ParseApiKey(issued.secret);
  JANGBU_RETURN_IF_ERROR(
      state_->scribe
          ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            const ledger::KeyRecord* old = books.FindKey(key_id);
            if (old == nullptr) return NotFound("no_such_key", "there is no such key");
            const ledger::PartnerRecord* partner = books.FindPartner(old->partner);
            return std::vector<ledger::Draft>{
                {.partner = partner == nullptr ? "" : partner->id,
                 .body = ledger::KeyIssued{.key_id = parts.key_id,
                                           .role = old->role,
                                           .person = old->person,
                                           .secret_mac = state_->keyring->SecretMac(parts.secret),
                                           .replaces = key_id}}};
          })
          .status());
  state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    issued.record = *books.FindKey(parts.key_id);
  });
  return issued;
}

StatusOr<ledger::KeyRecord> Jangbu::RevokeKey(const std::string& key_id) {
  JANGBU_RETURN_IF_ERROR(
      state_->scribe
          ->Propose([&](const ledger::Books&) -> StatusOr<std::vector<ledger::Draft>> {
            return std::vector<ledger::Draft>{
                {.partner = "", .body = ledger::KeyRevoked{.key_id = key_id}}};
          })
          .status());
  ledger::KeyRecord record;
  state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    record = *books.FindKey(key_id);
  });
  return record;
}

std::vector<ledger::KeyRecord> Jangbu::ListKeys() {
  std::vector<ledger::KeyRecord> keys;
  state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& [id, key] : books.keys()) keys.push_back(key);
  });
  std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) {
    return std::pair(a.issued_at, a.key_id) < std::pair(b.issued_at, b.key_id);
  });
  return keys;
}

// ---- partners, corpora ----

Status Jangbu::AddPartner(const std::string& partner_id, const std::string& name) {
  JANGBU_RETURN_IF_ERROR(CheckName("partner_name", name, 400, true));
  StatusOr<Scribe::Appended> appended =
      state_->scribe->Propose([&](const ledger::Books&) -> StatusOr<std::vector<ledger::Draft>> {
        return std::vector<ledger::Draft>{
            {.partner = partner_id,
             .body = ledger::PartnerAdded{.name = name.empty() ? partner_id : name}}};
      });
  JANGBU_RETURN_IF_ERROR(appended.status());
  JANGBU_ASSIGN_OR_RETURN(const uint32_t number, PartnerNumber(partner_id));
  return state_->keyring->PartnerKey(number, true).status();
}

StatusOr<uint32_t> Jangbu::PartnerNumber(std::string_view partner_id) {
  return state_->scribe->Read(
      [&](const ledger::Books& books, const ledger::MerkleTree&) -> StatusOr<uint32_t> {
        const ledger::PartnerRecord* partner = books.FindPartner(partner_id);
        if (partner == nullptr) return NotFound("no_such_partner", "there is no such partner");
        return partner->number;
      });
}

std::string Jangbu::PartnerId(uint32_t number) {
  return state_->scribe->Read(
      [&](const ledger::Books& books, const ledger::MerkleTree&) -> std::string {
        const ledger::PartnerRecord* partner = books.FindPartner(number);
        return partner == nullptr ? "" : partner->id;
      });
}

StatusOr<CorpusView> Jangbu::CreateCorpus(uint32_t partner, const std::string& title,
                                          ledger::SourceType source_type, const std::string& rights,
                                          const std::string& licence, const std::string& request_id,
                                          const CorpusScreening& screening) {
  JANGBU_RETURN_IF_ERROR(CheckName("title", title, 800, false));
  JANGBU_RETURN_IF_ERROR(CheckName("rights", rights, 4000, false));
  JANGBU_RETURN_IF_ERROR(CheckName("licence", licence, 400, true));
  const bool keeps = screening.personal_data == ingest::PersonalDataPolicy::kKeep;
  if (keeps != !screening.legal_basis.empty()) {
    return InvalidArgument(
        "legal_basis_missing",
        keeps ? "keeping personal data needs the legal basis on which it is kept"
              : "a legal basis goes with keeping personal data; it is masked or refused here");
  }
  if (keeps) JANGBU_RETURN_IF_ERROR(CheckName("legal_basis", screening.legal_basis, 4000, false));
  CorpusMetadata metadata{.title = title,
                          .rights = rights,
                          .licence = licence,
                          .screen = {.personal_data = screening.personal_data, .quality = {}},
                          .legal_basis = screening.legal_basis,
                          .reading = screening.reading};
  JANGBU_ASSIGN_OR_RETURN(metadata.screen.quality, ingest::ParseQualityPolicy(screening.quality));
  if (request_id.size() > 64)
    return InvalidArgument("bad_request_id", "a request id has at most 64 bytes");
  const std::string partner_id = PartnerId(partner);
  if (partner_id.empty()) return NotFound("no_such_partner", "there is no such partner");
  JANGBU_ASSIGN_OR_RETURN(const auto key, state_->keyring->PartnerKey(partner, true));
  std::string request_mac;
  if (!request_id.empty()) {
    const Digest mac = state_->keyring->NameMac("corpus request", {partner_id, request_id});
    request_mac = std::string(AsView(mac).substr(0, 16));
  }
  uint32_t number = 0;
  JANGBU_RETURN_IF_ERROR(
      state_->scribe
          ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            const ledger::PartnerRecord& record = *books.FindPartner(partner);
            if (const auto made = record.corpus_requests.find(request_mac);
                !request_mac.empty() && made != record.corpus_requests.end()) {
              number = made->second;
              return std::vector<ledger::Draft>{};
            }
            number = static_cast<uint32_t>(record.corpora.size() + 1);
            return std::vector<ledger::Draft>{
                {.partner = partner_id,
                 .body = ledger::CorpusAdded{
                     .corpus = number,
                     .source_type = source_type,
                     .sealed_metadata = SealCorpusMetadata(*key, partner, number, metadata,
                                                           state_->keyring->random()),
                     .request_mac = request_mac}}};
          })
          .status());
  JANGBU_ASSIGN_OR_RETURN(const std::vector<CorpusView> corpora, ListCorpora(partner));
  return corpora[number - 1];
}

StatusOr<std::vector<CorpusView>> Jangbu::ListCorpora(uint32_t partner) {
  std::vector<ledger::CorpusRecord> records;
  std::string partner_id;
  state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    if (const ledger::PartnerRecord* record = books.FindPartner(partner); record != nullptr) {
      records = record->corpora;
      partner_id = record->id;
    }
  });
  std::vector<CorpusView> corpora;
  if (records.empty()) return corpora;
  JANGBU_ASSIGN_OR_RETURN(const auto key, state_->keyring->PartnerKey(partner));
  for (const ledger::CorpusRecord& record : records) {
    JANGBU_ASSIGN_OR_RETURN(
        CorpusMetadata metadata,
        OpenCorpusMetadata(*key, partner, record.number, record.sealed_metadata));
    CorpusView view;
    view.partner_id = partner_id;
    view.number = record.number;
    view.title = std::move(metadata.title);
    view.rights = std::move(metadata.rights);
    view.licence = std::move(metadata.licence);
    view.screen = metadata.screen;
    view.legal_basis = std::move(metadata.legal_basis);
    view.reading = std::move(metadata.reading);
    view.source_type = record.source_type;
    view.created_at = record.created_at;
    corpora.push_back(std::move(view));
  }
  return corpora;
}

// ---- uploads ----

StatusOr<ledger::UploadRecord> Jangbu::State::FindUpload(uint32_t partner, uint32_t number) const {
  return scribe->Read(
      [&](const ledger::Books& books, const ledger::MerkleTree&) -> StatusOr<ledger::UploadRecord> {
        const ledger::PartnerRecord* record = books.FindPartner(partner);
        const ledger::UploadRecord* upload =
            record == nullptr ? nullptr : books.FindUpload(*record, number);
        if (upload == nullptr) return NotFound("no_such_upload", "there is no such upload");
        return *upload;
      });
}

StatusOr<UploadView> Jangbu::State::ViewOf(const ledger::UploadRecord& upload) {
  UploadView view;
  scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    view.partner_id = books.FindPartner(upload.partner)->id;
  });
  view.partner = upload.partner;
  view.number = upload.number;
  view.corpus = upload.corpus;
  view.token = upload.token;
  view.state = upload.state;
  view.kind = upload.kind;
  view.counts = upload.counts;
  view.created_at = upload.created_at;
  view.finished_at = upload.finished_at;
  if (upload.kind == ledger::UploadKind::kFiles) {
    JANGBU_ASSIGN_OR_RETURN(const Staging::Totals totals,
                            staging->TotalsOf(upload.partner, upload.token));
    view.files = totals.files;
    view.bytes = totals.bytes;
    view.processed_bytes = upload.state == ledger::UploadState::kDone
                               ? totals.bytes
                               : flow->ProcessedBytes(upload.token);
  }
  return view;
}

StatusOr<UploadView> Jangbu::CreateUpload(uint32_t partner, uint32_t corpus,
                                          const std::string& request_id) {
  if (request_id.empty() || request_id.size() > 64) {
    return InvalidArgument("bad_request_id", "a request id has 1 to 64 bytes");
  }
  const std::string partner_id = PartnerId(partner);
  if (partner_id.empty()) return NotFound("no_such_partner", "there is no such partner");
  ByteWriter corpus_bytes;
  corpus_bytes.U32(corpus);
  const Digest digest =
      state_->keyring->NameMac("upload request", {partner_id, corpus_bytes.bytes(), request_id});
  const std::string mac(AsView(digest).substr(0, 16));
  uint64_t token = 0;
  bool fresh = false;
  JANGBU_ASSIGN_OR_RETURN(
      const Scribe::Appended appended,
      state_->scribe->Propose(
          [&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            const ledger::PartnerRecord& record = *books.FindPartner(partner);
            if (const auto opened = record.upload_requests.find(mac);
                opened != record.upload_requests.end()) {
              token = opened->second;
              return std::vector<ledger::Draft>{};
            }
            fresh = true;
            return std::vector<ledger::Draft>{
                {.partner = partner_id,
                 .body = ledger::UploadOpened{
                     .upload = static_cast<uint32_t>(record.uploads.size() + 1),
                     .corpus = corpus,
                     .kind = ledger::UploadKind::kFiles,
                     .request_mac = mac}}};
          }));
  if (fresh) token = appended.first_seq;
  ledger::UploadRecord upload;
  state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    upload = *books.FindUpload(token);
  });
  return state_->ViewOf(upload);
}

StatusOr<std::vector<StageAck>> Jangbu::Stage(uint32_t partner, uint32_t number,
                                              std::vector<StageChunk> chunks) {
  JANGBU_RETURN_IF_ERROR(fatal());
  JANGBU_ASSIGN_OR_RETURN(const ledger::UploadRecord upload, state_->FindUpload(partner, number));
  if (upload.state != ledger::UploadState::kOpen || upload.kind != ledger::UploadKind::kFiles) {
    return FailedPrecondition("upload_not_open", "the upload takes no more files");
  }
  JANGBU_ASSIGN_OR_RETURN(std::vector<StageAck> acks,
                          state_->staging->Stage(partner, upload.token, std::move(chunks)));
  if (std::any_of(acks.begin(), acks.end(), [](const StageAck& ack) { return ack.complete; })) {
    state_->flow->Wake(partner);
  }
  return acks;
}

StatusOr<std::vector<StagedFile>> Jangbu::ListStagedFiles(uint32_t partner, uint32_t number) {
  JANGBU_ASSIGN_OR_RETURN(const ledger::UploadRecord upload, state_->FindUpload(partner, number));
  return state_->staging->List(partner, upload.token);
}

StatusOr<UploadView> Jangbu::SealUpload(uint32_t partner, uint32_t number, uint32_t file_count) {
  JANGBU_ASSIGN_OR_RETURN(ledger::UploadRecord upload, state_->FindUpload(partner, number));
  if (upload.state == ledger::UploadState::kCancelled) {
    return FailedPrecondition("upload_cancelled", "the upload was cancelled");
  }
  if (upload.state != ledger::UploadState::kOpen) {
    if (upload.file_count != file_count) {
      return FailedPrecondition(
          "sealed_differently",
          "the upload was sealed with " + std::to_string(upload.file_count) + " files");
    }
    return state_->ViewOf(upload);
  }
  ByteWriter staged;
  if (upload.kind == ledger::UploadKind::kFiles) {
    for (uint32_t file = 0; file < file_count; ++file) {
      JANGBU_ASSIGN_OR_RETURN(const auto info,
                              state_->staging->CompleteFile(partner, upload.token, file));
      if (!info.has_value()) {
        return FailedPrecondition("files_missing", "file number " + std::to_string(file) + " of " +
                                                       std::to_string(file_count) +
                                                       " is not complete; send it first");
      }
      staged.Raw(info->sha256);
    }
    JANGBU_ASSIGN_OR_RETURN(const Staging::Totals totals,
                            state_->staging->TotalsOf(partner, upload.token));
    if (totals.files > int64_t{file_count}) {
      return FailedPrecondition("more_files", "the server holds " + std::to_string(totals.files) +
                                                  " files of the upload, more than " +
                                                  std::to_string(file_count));
    }
  }
  const Digest staged_mac = state_->keyring->NameMac("upload", {staged.bytes()});
  const std::string partner_id = PartnerId(partner);
  const StatusOr<Scribe::Appended> appended = state_->scribe->Propose(
      [&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
        if (books.FindUpload(upload.token)->state != ledger::UploadState::kOpen)
          return std::vector<ledger::Draft>{};
        return std::vector<ledger::Draft>{
            {.partner = partner_id,
             .body = ledger::UploadSealed{
                 .upload = number, .file_count = file_count, .staged_mac = staged_mac}}};
      });
  JANGBU_RETURN_IF_ERROR(appended.status());
  state_->flow->Wake(partner);
  JANGBU_ASSIGN_OR_RETURN(upload, state_->FindUpload(partner, number));
  return state_->ViewOf(upload);
}

StatusOr<UploadView> Jangbu::CancelUpload(uint32_t partner, uint32_t number) {
  JANGBU_ASSIGN_OR_RETURN(ledger::UploadRecord upload, state_->FindUpload(partner, number));
  if (upload.state != ledger::UploadState::kCancelled) {
    const std::string partner_id = PartnerId(partner);
    for (int attempt = 0;; ++attempt) {
      const StatusOr<Scribe::Appended> appended = state_->scribe->Propose(
          [&](const ledger::Books&) -> StatusOr<std::vector<ledger::Draft>> {
            return std::vector<ledger::Draft>{
                {.partner = partner_id, .body = ledger::UploadCancelled{.upload = number}}};
          });
      if (appended.ok()) break;
      // A batch of it is in the middle of its commit: that one still counts.
      if (ReasonOf(appended.status()) != "batch_open" || attempt >= 600) return appended.status();
      state_->flow->AwaitChange(partner, 50);
    }
    JANGBU_RETURN_IF_ERROR(state_->staging->DropChunks(upload.token));
    state_->flow->Wake(partner);
  }
  JANGBU_ASSIGN_OR_RETURN(upload, state_->FindUpload(partner, number));
  return state_->ViewOf(upload);
}

StatusOr<UploadView> Jangbu::GetUpload(uint32_t partner, uint32_t number) {
  JANGBU_ASSIGN_OR_RETURN(const ledger::UploadRecord upload, state_->FindUpload(partner, number));
  return state_->ViewOf(upload);
}

StatusOr<std::vector<UploadView>> Jangbu::ListUploads(uint32_t partner, uint32_t corpus,
                                                      uint32_t after, size_t max) {
  std::vector<ledger::UploadRecord> records;
  state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    const ledger::PartnerRecord* record = books.FindPartner(partner);
    if (record == nullptr) return;
    for (size_t number = size_t{after} + 1;
         number <= record->uploads.size() && records.size() < max; ++number) {
      const ledger::UploadRecord& upload = *books.FindUpload(record->uploads[number - 1]);
      if (corpus == 0 || upload.corpus == corpus) records.push_back(upload);
    }
  });
  std::vector<UploadView> views;
  for (const ledger::UploadRecord& record : records) {
    JANGBU_ASSIGN_OR_RETURN(UploadView view, state_->ViewOf(record));
    views.push_back(std::move(view));
  }
  return views;
}

StatusOr<std::vector<LotView>> Jangbu::ListLots(uint32_t partner, uint32_t after, size_t max) {
  std::vector<uint64_t> entries;
  std::string partner_id;
  state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    const ledger::PartnerRecord* record = books.FindPartner(partner);
    if (record == nullptr) return;
    partner_id = record->id;
    for (size_t lot = after; lot < record->lots.size() && entries.size() < max; ++lot) {
      entries.push_back(record->lots[lot]);
    }
  });
  std::vector<LotView> views;
  for (const uint64_t seq : entries) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, state_->scribe->EntryAt(seq));
    // By way of the own part, so that nothing sealed can get further than here.
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry own, ledger::DecodeOwnPart(ledger::OwnPart(entry)));
    views.push_back({.partner_id = partner_id,
                     .lot = std::get<ledger::Lot>(own.body),
                     .at = entry.at,
                     .seq = seq});
  }
  return views;
}

void Jangbu::AwaitProgress(uint32_t partner, uint32_t number, int timeout_ms) {
  const StatusOr<ledger::UploadRecord> upload = state_->FindUpload(partner, number);
  if (!upload.ok()) return;
  state_->flow->AwaitChange(partner, timeout_ms);
}

// ---- confirmation ----

StatusOr<ConfirmationView> Jangbu::RunConfirmation(const std::vector<std::string>& release_partners,
                                                   const std::string& reason,
                                                   const std::string& key_id) {
  JANGBU_RETURN_IF_ERROR(fatal());
  if (!release_partners.empty()) JANGBU_RETURN_IF_ERROR(CheckName("reason", reason, 1000, false));
  return state_->confirmation->Run(release_partners, reason, key_id);
}

void Jangbu::ReadBooks(const std::function<void(const ledger::Books&)>& read) const {
  state_->scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) { read(books); });
}

const ingest::Tokenizer& Jangbu::tokenizer() const { return *state_->tokenizer; }

Status Jangbu::fatal() const { return state_->flow->fatal(); }

}  // namespace jangbu::services
