// A year of a programme: forty and more partners contribute, use and withdraw; claims are opened
// and settled; policies change; every month closes, is paid, fails and is paid again; the process
// dies at random instants and begins again from the bytes of its journal. Beside the books runs a
// model that looks like the definitions: plain numbers per partner, exact fractions one won at a
// time (tests/reference), entitlement as lists sorted anew for every use. They must agree on every
// balance after every step.
//
// One seed is one run, the same on every machine.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "ledger/books.h"
#include "ledger/close.h"
#include "ledger/statement.h"
#include "tests/reference/ledger_entitlement_reference.h"
#include "tests/reference/ledger_split_reference.h"

namespace jangbu::ledger {
namespace {

constexpr int64_t kDocumentTokens = 60'000;  // of a document, new or not
constexpr int64_t kHour = int64_t{3'600} * 1'000'000;

int64_t FloorDiv(int128 a, int128 b) {
  const int128 q = a / b;
  return static_cast<int64_t>(a % b < 0 ? q - 1 : q);
}

class Programme {
 public:
  explicit Programme(uint64_t seed) : rng_(seed) {}

  void Run() {
    Open();
    for (int month = 0; month < 12 && !::testing::Test::HasFailure(); ++month) Month();
    Crash();
    CompareAll();
    EXPECT_EQ(closes_, 12);
  }

 private:
  struct Document {
    Owner owner;
    int partner = 0;
    int64_t offered_tokens = 0, offered_words = 0;
    int64_t tokens = 0, words = 0;  // credited
    int lot = 0;
    bool decided = false, withdrawn = false;
    int same_as = -1;  // the earlier document of another partner that covers it
  };
  struct Adjustment {
    int document = 0;
    int64_t tokens = 0, words = 0;
    AdjustmentKind kind = AdjustmentKind::kWithdrawn;
  };
  struct Claim {
    int document = 0;
    int holder = -1;  // document
    bool open = true, decided = false, granted = false;
    int64_t held = 0;
  };
  struct Partner {
    std::string id;
    std::vector<int> documents;
    std::vector<int> waiting;  // decided, in no lot
    std::vector<Adjustment> adjustments;
    int64_t carry_tokens = 0, carry_words = 0;
    int64_t confirmed_tokens = 0, confirmed_words = 0;
    int64_t provisional_tokens = 0, provisional_words = 0;
    bool member = false;
    int64_t member_threshold = 0;
    int lots = 0;
    int64_t billed = 0, payable = 0, due = 0, held = 0, paid = 0;
    std::map<std::pair<uint32_t, int64_t>, std::pair<int64_t, int64_t>> bills;  // tokens, won
    std::vector<Claim> claims;
    uint32_t withdrawals = 0;
    int64_t weight_at_end = 0;
    uint64_t record = 1;
    std::vector<std::pair<uint64_t, uint64_t>> reservations;  // id, amount
    std::map<Period, std::pair<int64_t, int>> payouts;        // amount; 0 due, 1 paid, 2 failed
    std::map<Period, uint32_t> attempts;
  };

  uint64_t Below(uint64_t bound) { return rng_() % bound; }
  bool Chance(uint64_t percent) { return Below(100) < percent; }

  // ---- the journal ----

  Status Try(const std::string& partner, Body body) {
    Entry entry;
    entry.seq = books_->size();
    entry.at = now_;
    entry.partner = partner;
    entry.body = std::move(body);
    for (auto* salt : {&entry.own_salt, &entry.sealed_salt}) {
      for (uint8_t& byte : *salt) byte = static_cast<uint8_t>(rng_());
    }
    const Status status = books_->Apply(entry);
    if (status.ok()) journal_.push_back(EncodeEntry(entry));
    return status;
  }
  uint64_t Must(const std::string& partner, Body body) {
    const Status status = Try(partner, std::move(body));
    EXPECT_TRUE(status.ok()) << status;
    return books_->size() - 1;
  }
  void Refused(const std::string& partner, Body body, const std::string& reason) {
    const Digest before = Chance(3) ? books_->StateDigest() : Digest{};
    const Status status = Try(partner, std::move(body));
    EXPECT_EQ(ReasonOf(status), reason) << status;
    if (before != Digest{}) {
      EXPECT_EQ(books_->StateDigest(), before) << "a refusal changed something";
    }
  }

  // The process dies and opens again: all that is left are the bytes.
  void Crash() {
    const Digest before = books_->StateDigest();
    auto again = std::make_unique<Books>();
    for (size_t seq = 0; seq < journal_.size(); ++seq) {
      const StatusOr<Entry> entry = DecodeEntry(seq, journal_[seq]);
      ASSERT_TRUE(entry.ok()) << entry.status();
      ASSERT_EQ(EncodeEntry(*entry), journal_[seq]);
      const Status applied = again->Apply(*entry);
      ASSERT_TRUE(applied.ok()) << applied;
    }
    ASSERT_EQ(again->StateDigest(), before);
    ASSERT_TRUE(again->ledger().CheckBooks().ok());
    books_ = std::move(again);
  }

  void Pass(int64_t micros) { now_.micros += micros; }

  // ---- opening ----

  void Open() {
    now_ = StartOf(202601);
    Pass(kHour);
    policy_.grain = 10;
    policy_.lot_documents_min = 4;
    policy_.lot_document_share_percent_max = 100;
    policy_.lot_tokens_min = 50'000;
    policy_.membership_threshold_words = 2'000;
    policies_[1] = policy_;
    Genesis genesis;
    genesis.log_origin = "sim";
    genesis.log_public_key = std::string(32, 'k');
    genesis.policy = policy_;
    Must("", genesis);
    Must("", EpochBegun{.epoch = 1, .software_version = "sim"});
    for (const auto& [key, role, person] :
         std::vector<std::tuple<const char*, Role, const char*>>{{"o1", Role::kOperator, "Kim"},
                                                                 {"f1", Role::kFinance, "Lee"},
                                                                 {"f2", Role::kFinance, "Park"},
                                                                 {"f3", Role::kFinance, "l e e"}}) {
      Must("",
           KeyIssued{
               .key_id = key, .role = role, .person = person, .secret_mac = {}, .replaces = ""});
    }
    const int count = 40 + static_cast<int>(Below(9));
    for (int i = 0; i < count; ++i) AddPartner(i);
  }

  void AddPartner(int i) {
    Partner partner;
    partner.id = "p" + std::to_string((i * 37 + 11) % 97) + "-" + std::to_string(i);
    Must(partner.id, PartnerAdded{.name = partner.id});
    Must(partner.id, KeyIssued{.key_id = "k" + partner.id,
                               .role = Role::kPartner,
                               .person = "partner",
                               .secret_mac = {},
                               .replaces = ""});
    Must(partner.id, CorpusAdded{.corpus = 1,
                                 .source_type = SourceType::kArticle,
                                 .sealed_metadata = "",
                                 .request_mac = ""});
    Must(partner.id,
         UploadOpened{.upload = 1, .corpus = 1, .kind = UploadKind::kStream, .request_mac = "r"});
    entitlement_.AddPartner(partner.id);
    partners_.push_back(std::move(partner));
  }

  // ---- steps ----

  void Month() {
    const Period period = PeriodOf(now_);
    const Timestamp end = LastInstantOf(period);
    const int steps = 25 + static_cast<int>(Below(20));
    const int64_t step = (end.micros - now_.micros) / (steps + 2);
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      Pass(step);
      const uint64_t what = Below(100);
      if (what < 34) {
        Contribute(static_cast<int>(Below(partners_.size())));
      } else if (what < 46) {
        Confirm();
      } else if (what < 76) {
        UseSome(static_cast<int>(Below(partners_.size())));
      } else if (what < 82) {
        Withdraw(static_cast<int>(Below(partners_.size())));
      } else if (what < 89) {
        ClaimStep();
      } else if (what < 93) {
        ExpireNow();
      } else if (what < 95) {
        ChangePolicy(end);
      } else if (what < 96) {
        AddPartner(static_cast<int>(partners_.size()));
      } else if (what < 97) {
        Recount();
      } else if (what < 98) {
        PayStep();
      } else {
        Crash();
      }
    }
    Confirm();
    // The last microsecond still belongs to the period; the next one does not.
    now_ = end;
    Contribute(0);
    for (Partner& partner : partners_)
      partner.weight_at_end = partner.member ? WeightOf(partner) : 0;
    const std::string f1 = "f1";
    Refused("", Drafted(period, 5'000), "period_not_over");
    now_.micros += 1;
    Close(period);
    for (int i = 0; i < 6; ++i) PayStep();
    if (Chance(40)) Correct(period);
    CompareAll();
    ASSERT_TRUE(books_->ledger().CheckBooks().ok());
  }

  int64_t WeightOf(const Partner& partner) const {
    return policy_now().weight_basis == Basis::kKoreanWords ? partner.confirmed_words
                                                            : partner.confirmed_tokens;
  }
  const Policy& policy_now() const { return policy_; }

  void Contribute(int p) {
    Partner& partner = partners_[p];
    const size_t n = 1 + Below(9);
    const uint64_t token = Must(partner.id, BatchBegin{.upload = 1,
                                                       .documents = static_cast<uint32_t>(n),
                                                       .first_file = 0,
                                                       .first_record = partner.record,
                                                       .last_file = 0,
                                                       .last_record = partner.record + n - 1,
                                                       .staged_mac = {}});
    BatchCommit commit{.upload = 1, .token = token, .items = {}, .appraisal_mac = {}};
    for (size_t i = 0; i < n; ++i) {
      Document document;
      document.owner = {.token = token, .ordinal = static_cast<uint32_t>(i)};
      document.partner = p;
      static constexpr int64_t kEdges[] = {0, 1, 9, 10, 11, 999, 1'000, 1'001, 4'096, 30'000};
      document.offered_tokens = Chance(25) ? kEdges[Below(10)] : static_cast<int64_t>(Below(2'000));
      document.offered_words = document.offered_tokens / 2;
      // Sometimes the text of another partner's earlier document.
      if (Chance(15) && !documents_.empty()) {
        const int other = static_cast<int>(Below(documents_.size()));
        if (documents_[other].partner != p && !documents_[other].withdrawn) {
          document.same_as = other;
          document.offered_tokens = documents_[other].offered_tokens;
          document.offered_words = documents_[other].offered_words;
        }
      }
      Item item;
      item.record = partner.record + i;
      item.chars = 100'000;
      item.words = item.korean_words = item.syllables = 50'000;
      item.tokens = item.korean_tokens = kDocumentTokens;
      item.novel_korean_tokens = document.offered_tokens;
      item.novel_korean_words = document.offered_words;
      commit.items.push_back(item);
      partner.provisional_tokens += document.offered_tokens;
      partner.provisional_words += document.offered_words;
      partner.documents.push_back(static_cast<int>(documents_.size()));
      documents_.push_back(document);
    }
    partner.record += n;
    Must(partner.id, std::move(commit));
    undecided_.push_back(token);
    Compare(p);
  }

  int DocumentAt(const Owner& owner) const {
    for (size_t i = 0; i < documents_.size(); ++i) {
      if (documents_[i].owner == owner) return static_cast<int>(i);
    }
    return -1;
  }

  void Confirm() {
    Must("", RunBegun{.run = books_->runs() + 1,
                      .cut = books_->size(),
                      .released_partners = {},
                      .release_reason = "",
                      .released_by = ""});
    for (const uint64_t token : undecided_) {
      Decision decision{.run = books_->runs(), .token = token, .items = {}};
      for (size_t i = 0; i < documents_.size(); ++i) {
        Document& document = documents_[i];
        if (document.owner.token != token) continue;
        DecidedItem item;
        const bool covered = document.same_as >= 0 && documents_[document.same_as].decided &&
                             !documents_[document.same_as].withdrawn;
        if (covered) {
          item.held_by = documents_[document.same_as].owner;
        } else if (!document.withdrawn) {
          // Part of it may be somebody else's.
          const int64_t part = Chance(20) ? static_cast<int64_t>(Below(101)) : 100;
          item.korean_tokens = document.offered_tokens * part / 100;
          item.korean_words = document.offered_words * part / 100;
        }
        decision.items.push_back(item);
        document.decided = true;
        if (document.withdrawn) continue;
        document.tokens = item.korean_tokens;
        document.words = item.korean_words;
        partners_[document.partner].waiting.push_back(static_cast<int>(i));
      }
      Must("", std::move(decision));
    }
    undecided_.clear();
    Succeed();
    std::vector<int> order(partners_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
    std::sort(order.begin(), order.end(),
              [&](int a, int b) { return partners_[a].id < partners_[b].id; });
    for (const int p : order) SettleLot(p);
    Must("", RunDone{.run = books_->runs()});
    for (size_t p = 0; p < partners_.size(); ++p) Compare(static_cast<int>(p));
  }

  // Text whose credit came free goes to the earliest remaining offer.
  void Succeed() {
    Succession succession{.run = books_->runs(), .heirs = {}};
    for (size_t i = 0; i < documents_.size(); ++i) {
      Document& document = documents_[i];
      if (document.same_as < 0 || document.withdrawn || !document.decided) continue;
      if (!documents_[document.same_as].withdrawn || document.tokens > 0) continue;
      bool earlier = false;  // another heir of the same text came first
      for (size_t j = 0; j < i; ++j) {
        earlier = earlier || (documents_[j].same_as == document.same_as &&
                              !documents_[j].withdrawn && documents_[j].decided);
      }
      if (earlier || document.offered_tokens == 0) continue;
      succession.heirs.push_back({document.owner, document.offered_tokens, document.offered_words});
      Move(static_cast<int>(i), document.offered_tokens, document.offered_words,
           AdjustmentKind::kSucceeded);
    }
    if (succession.heirs.empty()) return;
    Must("", std::move(succession));
  }

  void Move(int d, int64_t tokens, int64_t words, AdjustmentKind kind) {
    Document& document = documents_[d];
    document.tokens += tokens;
    document.words += words;
    if (document.lot == 0) return;  // waits: counted with it
    partners_[document.partner].adjustments.push_back({d, tokens, words, kind});
  }

  void SettleLot(int p) {
    Partner& partner = partners_[p];
    // What the partner can feel decides: its documents and the ones it withdrew.
    std::map<int, int> recounted;
    int64_t felt = static_cast<int64_t>(partner.waiting.size());
    int64_t size = 0;
    for (const int d : partner.waiting) size += documents_[d].offered_tokens;
    for (const Adjustment& adjustment : partner.adjustments) {
      if (adjustment.kind == AdjustmentKind::kRecounted) {
        ++recounted[adjustment.document];
        continue;
      }
      if (adjustment.kind != AdjustmentKind::kWithdrawn) continue;
      ++felt;
      size += documents_[adjustment.document].offered_tokens;
    }
    felt += static_cast<int64_t>(recounted.size());  // each document once
    size += static_cast<int64_t>(recounted.size()) * kDocumentTokens;
    const bool due = felt >= policy_.lot_documents_min || size >= policy_.lot_tokens_min;
    const std::optional<Lot> lot = books_->NextLot(*books_->FindPartner(partner.id));
    ASSERT_EQ(lot.has_value(), due) << partner.id;
    if (!due) return;

    int64_t tokens = partner.carry_tokens;
    int64_t words = partner.carry_words;
    int64_t expired = 0;
    const bool by_words = policy_.entitlement_basis == Basis::kKoreanWords;
    for (const int d : partner.waiting) {
      tokens += documents_[d].tokens;
      words += documents_[d].words;
      partner.provisional_tokens -= documents_[d].offered_tokens;
      partner.provisional_words -= documents_[d].offered_words;
    }
    std::map<std::pair<int, int>, std::pair<int64_t, int64_t>> by_document;
    for (const Adjustment& adjustment : partner.adjustments) {
      tokens += adjustment.tokens;
      words += adjustment.words;
      auto& sum = by_document[{adjustment.document, static_cast<int>(adjustment.kind)}];
      sum.first += adjustment.tokens;
      sum.second += adjustment.words;
    }
    for (const auto& [key, sum] : by_document) {
      const int64_t lost = -(by_words ? sum.second : sum.first);
      if (lost <= 0) continue;
      const auto [granted, gone] = entitlement_.ExpiredOf(
          partner.id, OperationId(uint64_t{7}, static_cast<uint64_t>(documents_[key.first].lot)));
      if (granted > 0)
        expired +=
            FloorDiv(int128{lost} * static_cast<int64_t>(gone), static_cast<int64_t>(granted));
    }
    const int64_t grain = policy_.grain;
    const int64_t token_grains = FloorDiv(tokens, grain) * grain;
    const int64_t word_grains = FloorDiv(words, grain) * grain;
    partner.carry_tokens = tokens - token_grains;
    partner.carry_words = words - word_grains;
    partner.confirmed_tokens += token_grains;
    partner.confirmed_words += word_grains;
    ++partner.lots;
    const bool joins =
        !partner.member && partner.confirmed_words >= policy_.membership_threshold_words;
    const bool leaves = partner.member && !partner.adjustments.empty() &&
                        partner.confirmed_words < partner.member_threshold;
    if (joins) partner.member_threshold = policy_.membership_threshold_words;
    partner.member = joins || (partner.member && !leaves);
    const int64_t earned = (by_words ? word_grains : token_grains) + expired;
    const auto rate = [&](int64_t amount) {
      return FloorDiv(int128{amount} * policy_.entitlement_numerator,
                      policy_.entitlement_denominator);
    };
    const Timestamp ends = policy_.entitlement_days == 0
                               ? kNeverExpires
                               : Timestamp{now_.micros + policy_.entitlement_days * kMicrosPerDay};
    if (earned > 0 && rate(earned) > 0) {
      GrantRequest grant;
      grant.id = OperationId(uint64_t{7}, static_cast<uint64_t>(partner.lots));
      grant.amount = static_cast<uint64_t>(rate(earned));
      grant.expires_at = ends;
      grant.spendable = partner.member;
      EXPECT_EQ(entitlement_.Grant(partner.id, grant, now_).outcome, EntitlementOutcome::kOk);
    } else if (earned < 0 && rate(-earned) > 0) {
      TakeBackRequest back;
      back.id = OperationId(uint64_t{8}, static_cast<uint64_t>(partner.lots));
      back.amount = static_cast<uint64_t>(rate(-earned));
      EXPECT_EQ(entitlement_.TakeBack(partner.id, back, now_).outcome, EntitlementOutcome::kOk);
    }
    if (joins) {
      ActivateRequest activate;
      activate.id = OperationId(uint64_t{9}, static_cast<uint64_t>(partner.lots));
      activate.expires_at = ends;
      EXPECT_EQ(entitlement_.Activate(partner.id, activate, now_).outcome, EntitlementOutcome::kOk);
    }
    for (const int d : partner.waiting) documents_[d].lot = partner.lots;
    partner.waiting.clear();
    partner.adjustments.clear();
    Must(partner.id, *lot);
  }

  void ExpireNow() {
    entitlement_.Expire(now_);
    Must("", Tick{.upto = now_});
  }

  void UseSome(int p) {
    Partner& partner = partners_[p];
    ExpireNow();
    std::vector<UsageRecord> requests;
    const size_t n = 1 + Below(6);
    for (size_t i = 0; i < n; ++i) {
      UsageRecord request;
      const uint64_t kind = Below(10);
      request.id = UserData128(1, Chance(15) && next_id_ > 1 ? 1 + Below(next_id_) : ++next_id_);
      request.allow_billable = Chance(70);
      if (kind < 4 || partner.reservations.empty()) {
        request.kind = kind % 2 == 0 ? UsageKind::kReserve : UsageKind::kConsume;
        request.amount = Chance(10) ? 0 : Below(3'000);
        request.timeout =
            request.kind == UsageKind::kReserve ? 1 + static_cast<uint32_t>(Below(200'000)) : 0;
      } else {
        const auto& [id, amount] = partner.reservations[Below(partner.reservations.size())];
        request.reservation = UserData128(1, id);
        request.kind = kind < 8 ? UsageKind::kCommit : UsageKind::kRelease;
        if (request.kind == UsageKind::kCommit)
          request.amount = Chance(30) ? kAmountAll : Below(amount + 20);
      }
      requests.push_back(request);
      if (Chance(12)) requests.push_back(request);  // the same id twice in one batch
    }
    const auto answers = books_->TryUsage(*books_->FindPartner(partner.id), requests, now_);
    Usage usage;
    for (size_t i = 0; i < requests.size(); ++i) {
      const UsageRecord& q = requests[i];
      const auto id = OperationId(q.id.high, q.id.low);
      const auto of = OperationId(q.reservation.high, q.reservation.low);
      const int64_t discount = DiscountOf(policy_, partner.confirmed_words);
      reference::Entitlements::Answer model;
      const uint32_t rate = RateOf(version_, discount);
      if (q.kind == UsageKind::kReserve || q.kind == UsageKind::kConsume) {
        UsageRequest use;
        use.id = id;
        use.amount = q.amount;
        use.allow_billable = q.allow_billable;
        use.policy_version = rate;
        use.timeout = q.timeout;
        model = entitlement_.Use(partner.id, use, now_, q.kind == UsageKind::kReserve);
        if (model.outcome == EntitlementOutcome::kOk && q.kind == UsageKind::kReserve)
          partner.reservations.emplace_back(q.id.low, q.amount);
      } else if (q.kind == UsageKind::kCommit) {
        model = entitlement_.Commit(partner.id, {id, of, q.amount}, now_);
      } else {
        model = entitlement_.Release(partner.id, {id, of}, now_);
      }
      ASSERT_EQ(answers[i].outcome, model.outcome) << "use " << i;
      if (model.outcome != EntitlementOutcome::kOk) continue;
      EXPECT_EQ(answers[i].record.free, model.amount);
      EXPECT_EQ(answers[i].record.billable, model.rest);
      int64_t won = 0;
      if ((q.kind == UsageKind::kCommit || q.kind == UsageKind::kConsume) && model.rest > 0) {
        const uint32_t version = model.policy_version >> kRateDiscountBits;
        const int64_t points = model.policy_version & ((1U << kRateDiscountBits) - 1);
        auto& [tokens, before] = partner.bills[{version, points}];
        tokens += static_cast<int64_t>(model.rest);
        const Policy& rated = policies_.at(version);
        const int64_t after = FloorDiv(int128{tokens} * rated.price_won * (10'000 - points),
                                       int128{rated.price_tokens} * 10'000);
        won = after - before;
        before = after;
      }
      partner.billed += won;
      EXPECT_EQ(answers[i].record.won, static_cast<uint64_t>(won));
      usage.records.push_back(answers[i].record);
    }
    if (!usage.records.empty()) {
      if (Chance(10)) {  // a forged answer is no entry
        Usage forged = usage;
        ++forged.records[Below(forged.records.size())].free;
        Refused(partner.id, forged, "entry_contradicts_books");
      }
      Must(partner.id, std::move(usage));
    }
    Compare(p);
  }

  void Withdraw(int p) {
    Partner& partner = partners_[p];
    if (partner.documents.empty()) return;
    Withdrawn entry;
    std::set<int> chosen;
    const size_t n = 1 + Below(6);
    for (size_t i = 0; i < n; ++i) {
      const int d = partner.documents[Below(partner.documents.size())];
      if (!documents_[d].withdrawn) chosen.insert(d);
    }
    if (chosen.empty()) return;
    entry.withdrawal = partner.withdrawals + 1;
    entry.by = "k" + partner.id;
    for (const int d : chosen) {  // ascending by token and ordinal, as they were made
      const Document& document = documents_[d];
      entry.ranges.push_back(
          {.token = document.owner.token, .first = document.owner.ordinal, .count = 1});
      ++entry.documents;
      if (document.lot != 0) continue;
      entry.provisional_korean_tokens += document.offered_tokens;
      entry.provisional_korean_words += document.offered_words;
    }
    if (Chance(20)) {
      Withdrawn wrong = entry;
      ++wrong.provisional_korean_words;
      Refused(partner.id, wrong, "entry_contradicts_books");
    }
    Must(partner.id, entry);
    ++partner.withdrawals;
    partner.provisional_tokens -= entry.provisional_korean_tokens;
    partner.provisional_words -= entry.provisional_korean_words;
    for (const int d : chosen) {
      Document& document = documents_[d];
      document.withdrawn = true;
      if (document.lot != 0) {
        partner.adjustments.push_back(
            {d, -document.tokens, -document.words, AdjustmentKind::kWithdrawn});
      } else {
        std::erase(partner.waiting, d);
      }
      document.tokens = document.words = 0;
    }
    entry.withdrawal = partner.withdrawals + 1;
    Refused(partner.id, entry, "already_withdrawn");
    Compare(p);
  }

  void ClaimStep() {
    // One that is open moves on; or a new one is opened.
    for (size_t p = 0; p < partners_.size(); ++p) {
      for (size_t c = 0; c < partners_[p].claims.size(); ++c) {
        Claim& claim = partners_[p].claims[c];
        if (!claim.open || !Chance(40)) continue;
        SettleClaim(static_cast<int>(p), c);
        return;
      }
    }
    std::vector<int> candidates;
    for (size_t i = 0; i < documents_.size(); ++i) {
      const Document& document = documents_[i];
      if (document.withdrawn || document.same_as < 0 || !document.decided) continue;
      candidates.push_back(static_cast<int>(i));
    }
    if (candidates.empty()) return;
    const int d = candidates[Below(candidates.size())];
    Partner& partner = partners_[documents_[d].partner];
    for (const Claim& claim : partner.claims) {
      if (claim.open && claim.document == d) return;
    }
    Claim claim;
    claim.document = d;
    claim.holder = documents_[d].same_as;
    partner.claims.push_back(claim);
    ClaimOpened entry;
    entry.claim = static_cast<uint32_t>(partner.claims.size());
    entry.document = documents_[d].owner;
    entry.holder = documents_[claim.holder].owner;
    entry.by = "k" + partner.id;
    Must(partner.id, entry);
    ++entry.claim;
    Refused(partner.id, entry, "claim_open");
  }

  void SettleClaim(int p, size_t c) {
    Partner& partner = partners_[p];
    Claim& claim = partner.claims[c];
    const auto number = static_cast<uint32_t>(c + 1);
    if (!claim.decided) {
      claim.decided = true;
      claim.granted = Chance(60) && !documents_[claim.document].withdrawn;
      Must("", ClaimDecided{
                   .partner = partner.id, .claim = number, .granted = claim.granted, .by = "f1"});
      return;
    }
    if (claim.granted && documents_[claim.document].withdrawn) {
      claim.granted = false;
      Must("", ClaimDecided{.partner = partner.id, .claim = number, .granted = false, .by = "f1"});
    }
    StatusOr<ClaimSettled> settled = books_->SettlementOf(*books_->FindPartner(partner.id), number);
    ASSERT_TRUE(settled.ok()) << settled.status();
    for (const char* same : {"f1", "f3"}) {  // "Lee" and "l e e" are one person
      settled->by = same;
      Refused(partner.id, *settled, "same_person");
    }
    settled->by = "f2";
    Document& own = documents_[claim.document];
    Document& theirs = documents_[claim.holder];
    Partner& holder = partners_[theirs.partner];
    EXPECT_EQ(settled->held_won, claim.held);
    holder.held -= claim.held;
    (claim.granted ? partner : holder).payable += claim.held;
    if (claim.granted) {
      // A re-count may have credited it for more than it offered.
      const int64_t tokens =
          std::max<int64_t>(0, std::min(theirs.tokens, own.offered_tokens - own.tokens));
      const int64_t words =
          std::max<int64_t>(0, std::min(theirs.words, own.offered_words - own.words));
      EXPECT_EQ(settled->korean_tokens, tokens);
      EXPECT_EQ(settled->korean_words, words);
      if (tokens > 0 || words > 0) {
        Move(claim.holder, -tokens, -words, AdjustmentKind::kClaimLost);
        Move(claim.document, tokens, words, AdjustmentKind::kClaimWon);
      }
    }
    claim.open = false;
    claim.held = 0;
    Must(partner.id, *settled);
    Compare(p);
    Compare(theirs.partner);
  }

  // Other counts for some documents: reported, and approved by another person or not at all.
  void Recount() {
    const auto number = static_cast<uint32_t>(books_->recounts().size() + 1);
    RecountBegun begun;
    begun.recount = number;
    begun.min_run = 24 + static_cast<uint32_t>(Below(41));
    begun.near_ppm = 800'000;
    begun.novel_ppm = 500'000;
    begun.by = Chance(50) ? "o1" : "f1";
    Must("", begun);
    ++begun.recount;
    Refused("", begun, "recount_open");
    std::map<uint64_t, RecountItems> batches;
    std::map<std::string, RecountLine> lines;
    std::vector<std::pair<int, std::pair<int64_t, int64_t>>> moves;
    for (size_t i = 0; i < documents_.size(); ++i) {
      const Document& document = documents_[i];
      if (!document.decided || document.withdrawn) continue;
      RecountLine& line = lines[partners_[document.partner].id];
      line.partner = partners_[document.partner].id;
      ++line.documents;
      line.korean_tokens_before += document.tokens;
      line.korean_words_before += document.words;
      int64_t tokens = document.tokens;
      int64_t words = document.words;
      if (Chance(8)) {
        tokens = static_cast<int64_t>(Below(3'000));
        words = tokens / 2;
      }
      line.korean_tokens_after += tokens;
      line.korean_words_after += words;
      if (tokens == document.tokens && words == document.words) continue;
      ++line.changed;
      RecountItems& batch = batches[document.owner.token];
      batch.recount = number;
      batch.token = document.owner.token;
      batch.items.push_back({document.owner.ordinal, tokens, words});
      moves.push_back({static_cast<int>(i), {tokens - document.tokens, words - document.words}});
    }
    RecountReported report{.recount = number, .lines = {}};
    for (const auto& [partner, line] : lines) report.lines.push_back(line);
    for (const auto& [token, batch] : batches) Must("", batch);
    Refused("", RecountDecided{.recount = number, .approved = true, .by = "f2"},
            "recount_unfinished");
    if (!report.lines.empty()) {
      RecountReported wrong = report;
      ++wrong.lines[Below(wrong.lines.size())].korean_words_after;
      Refused("", wrong, "entry_contradicts_books");
    }
    Must("", report);
    if (Chance(10)) Crash();
    RecountDecided decided{.recount = number, .approved = true, .by = "o1"};
    Refused("", decided, "wrong_role");
    if (begun.by == "f1") {
      for (const char* same : {"f1", "f3"}) {
        decided.by = same;
        Refused("", decided, "same_person");
      }
    }
    if (Chance(30)) {  // the world goes on: what was reported is not what would happen
      const int p = static_cast<int>(Below(partners_.size()));
      const uint32_t before = partners_[p].withdrawals;
      Withdraw(p);
      decided.by = "f2";
      if (partners_[p].withdrawals != before) Refused("", decided, "recount_stale");
      decided.approved = false;
      decided.by = begun.by;
      Must("", decided);
      return;
    }
    decided.by = "f2";
    Must("", decided);
    Refused("", decided, "recount_decided");
    for (const auto& [d, by] : moves) Move(d, by.first, by.second, AdjustmentKind::kRecounted);
    for (size_t p = 0; p < partners_.size(); ++p) Compare(static_cast<int>(p));
  }

  void ChangePolicy(Timestamp end) {
    // In force with the next month, so that one month has one policy.
    if (pending_.has_value()) return;
    Policy next = policy_;
    next.pool_share_basis_points = static_cast<int64_t>(Below(3'000));
    next.minimum_payout_won = static_cast<int64_t>(Below(20'000));
    next.entitlement_days = static_cast<int64_t>(Below(200));
    next.price_won = 1 + static_cast<int64_t>(Below(50));
    next.weight_basis = Chance(50) ? Basis::kKoreanTokens : Basis::kKoreanWords;
    next.entitlement_basis = Chance(50) ? Basis::kKoreanTokens : Basis::kKoreanWords;
    next.entitlement_numerator = 1 + static_cast<int64_t>(Below(5));
    next.membership_threshold_words = 500 + static_cast<int64_t>(Below(5'000));
    next.discounts = {{1'000, 500}, {4'000, static_cast<int64_t>(600 + Below(2'000))}};
    const auto version = static_cast<uint32_t>(books_->policies().size() + 1);
    Refused(
        "",
        PolicyProposed{
            .version = version, .effective_from = {now_.micros - 1}, .policy = next, .by = "f1"},
        "policy_retroactive");
    Must("",
         PolicyProposed{
             .version = version, .effective_from = {end.micros + 1}, .policy = next, .by = "f1"});
    Refused("", PolicyDecided{.version = version, .approved = true, .by = "f3"}, "same_person");
    const bool approved = Chance(80);
    Must("", PolicyDecided{.version = version, .approved = approved, .by = "f2"});
    if (approved) pending_ = {version, next};
  }

  CloseDrafted Drafted(Period period, int64_t revenue) {
    const StatusOr<CloseFigures> figures = books_->FiguresOfClose(period, revenue, nullptr);
    EXPECT_TRUE(figures.ok()) << figures.status();
    CloseDrafted draft;
    draft.period = period;
    draft.revenue_won = revenue;
    draft.policy_version = figures->policy_version;
    draft.carried_in_won = figures->carried_in_won;
    draft.pool_won = figures->split.pool.value();
    draft.total_weight = figures->split.total_weight;
    draft.by = "f1";
    return draft;
  }

  void Close(Period period) {
    const int64_t revenue = Chance(10) ? 0 : static_cast<int64_t>(Below(50'000'000'000));
    const int64_t set_aside = FloorDiv(int128{revenue} * policy_.pool_share_basis_points, 10'000);
    const int64_t pool = pool_ + set_aside;
    Must("", Drafted(period, revenue));
    Refused("", Drafted(period, revenue), "close_exists");
    if (Chance(20)) {  // cancelled, and drafted again
      Must("", CloseDecided{.period = period, .approved = false, .by = "f1"});
      Must("", Drafted(period, revenue));
    }
    Refused("", CloseDecided{.period = period, .approved = true, .by = "f1"}, "same_person");
    Refused("", CloseDecided{.period = period, .approved = true, .by = "f3"}, "same_person");
    Refused("", CloseDecided{.period = period, .approved = true, .by = "o1"}, "wrong_role");
    if (Chance(10)) Crash();
    Must("", CloseDecided{.period = period, .approved = true, .by = "f2"});
    // Late: between approval and posting the world goes on, and changes nothing of the shares.
    Pass(kHour);
    const Policy rules = policy_;
    if (pending_.has_value()) {
      version_ = pending_->first;
      policy_ = pending_->second;
      policies_[version_] = policy_;
      pending_.reset();
    }
    Contribute(static_cast<int>(Below(partners_.size())));

    std::map<std::string, int64_t> weights;
    for (const Partner& partner : partners_) weights[partner.id] = partner.weight_at_end;
    const auto shares = reference::SplitRevenue(pool, weights);
    int64_t given = 0;
    const CloseRecord& record = books_->closes().at(period);
    ClosePosted posted;
    for (uint8_t& byte : posted.seed) byte = static_cast<uint8_t>(rng_());
    const PublishedCut cut = CutOf(record.figures.split, period, posted.seed);
    posted.published.period = period;
    posted.published.partners = static_cast<uint32_t>(record.figures.split.shares.size());
    posted.published.commitments = std::string(record.figures.split.shares.size() * 32, 'c');
    posted.published.total = cut.total;
    if (cut.total) {
      posted.published.pool_won = pool;
      posted.published.total_weight = record.figures.split.total_weight;
      posted.published.threshold = cut.threshold;
      posted.published.tied = cut.tied;
    }
    posted.shares = books_->SharesOfClose(record);
    posted.by = "f1";
    {
      ClosePosted forged = posted;
      if (!forged.shares.empty()) {
        ++forged.shares[0].share_won;
        Refused("", forged, "entry_contradicts_books");
      }
    }
    // Held weight, claims in order.
    std::map<int, int64_t> held_weight;
    std::map<int, std::vector<std::pair<Claim*, int64_t>>> by_holder;
    for (Partner& partner : partners_) {
      for (Claim& claim : partner.claims) {
        const Document& theirs = documents_[claim.holder];
        if (!claim.open || theirs.lot == 0 || theirs.withdrawn) continue;
        const int64_t weight =
            rules.weight_basis == Basis::kKoreanWords ? theirs.words : theirs.tokens;
        if (weight == 0) continue;
        by_holder[theirs.partner].emplace_back(&claim, weight);
      }
    }
    const std::vector<uint32_t> places = CommitmentPlaces(posted.seed, record.figures.split.shares);
    for (size_t i = 0; i < record.figures.split.shares.size(); ++i) {
      const std::string& id = record.figures.split.shares[i].partner;
      const int p = static_cast<int>(std::find_if(partners_.begin(), partners_.end(),
                                                  [&](const Partner& x) { return x.id == id; }) -
                                     partners_.begin());
      Partner& partner = partners_[p];
      const int64_t share = shares.at(id);
      given += share;
      int64_t held = 0;
      if (partner.weight_at_end > 0) {
        int64_t sum = 0;
        for (auto& [claim, weight] : by_holder[p]) {
          const auto ceil = [&](int64_t w) {
            return -FloorDiv(-(int128{share} * w), partner.weight_at_end);
          };
          const int64_t before = ceil(sum);
          sum = std::min(sum + weight, partner.weight_at_end);
          claim->held += ceil(sum) - before;
          held = ceil(sum);
        }
      }
      partner.held += held;
      partner.payable += share - held;
      int64_t payout = 0;
      if (partner.payable >= rules.minimum_payout_won) payout = partner.payable;
      partner.payable -= payout;
      partner.due += payout;
      if (payout > 0) partner.payouts[period] = {payout, 0};
      EXPECT_EQ(posted.shares[i].share_won, share) << id;
      EXPECT_EQ(posted.shares[i].held_won, held) << id;
      EXPECT_EQ(posted.shares[i].payout_won, payout) << id;
      if (cut.total) {
        const StatusOr<Won> mine =
            ShareByPublished(posted.published, places[i], partner.weight_at_end);
        ASSERT_TRUE(mine.ok()) << mine.status();
        EXPECT_EQ(mine->value(), share) << id << " by the published numbers alone";
      }
    }
    EXPECT_TRUE(given == pool || given == 0);
    pool_ = pool - given;
    Must("", posted);
    EXPECT_EQ(
        books_->ledger().FindAccount(AccountOf(0, AccountRole::kPool, kAssetWon))->balances.net(),
        pool_);
    Refused("", posted, "close_not_approved");
    Refused("", CloseDecided{.period = period, .approved = false, .by = "f2"}, "close_not_draft");
    Refused("", Drafted(period, revenue + 1), "close_posted");
    ++closes_;
  }

  void PayStep() {
    for (size_t k = 0; k < partners_.size(); ++k) {
      const int p = static_cast<int>((k + Below(partners_.size())) % partners_.size());
      Partner& partner = partners_[p];
      for (auto& [period, payout] : partner.payouts) {
        auto& [amount, state] = payout;
        if (!Chance(50)) continue;
        const bool fails = state == 1;
        if (fails && !Chance(20)) continue;
        Payment payment;
        payment.period = period;
        payment.amount_won = amount;
        payment.failed = fails;
        payment.attempt = partner.attempts[period] + (fails ? 0 : 1);
        payment.reference = "bank";
        payment.by = "f1";
        Must(partner.id, payment);
        partner.attempts[period] = payment.attempt;
        (fails ? partner.paid : partner.due) -= amount;
        (fails ? partner.due : partner.paid) += amount;
        state = fails ? 2 : 1;
        Refused(partner.id, payment, fails ? "not_paid" : "already_paid");
        Compare(p);
        return;
      }
    }
  }

  void Correct(Period about) {
    Partner& partner = partners_[Below(partners_.size())];
    CorrectionProposed proposal;
    proposal.correction = static_cast<uint32_t>(books_->corrections().size() + 1);
    proposal.partner = partner.id;
    proposal.won = static_cast<int64_t>(Below(2'000)) - 1'000;
    if (proposal.won == 0) proposal.won = 1;
    proposal.about = about;
    proposal.reason = "a figure was wrong";
    proposal.by = "f2";
    Must("", proposal);
    CorrectionDecided decided{.correction = proposal.correction,
                              .approved = true,
                              .won = proposal.won,
                              .about = about,
                              .by = "f2"};
    Refused(partner.id, decided, "same_person");
    decided.by = "f1";
    if (proposal.won < 0 && partner.payable < -proposal.won) {
      Refused(partner.id, decided, "exceeds_payable");
      decided.approved = false;
      Must(partner.id, decided);
      return;
    }
    Must(partner.id, decided);
    partner.payable += proposal.won;
  }

  // ---- comparing ----

  void CompareAll() {
    for (size_t p = 0; p < partners_.size(); ++p) Compare(static_cast<int>(p));
    const Partner& some = partners_[Below(partners_.size())];
    EXPECT_TRUE(StatementOf(*books_, *books_->FindPartner(some.id), PeriodOf(now_)).ok());
  }

  void Compare(int p) {
    const Partner& m = partners_[p];
    const PartnerRecord& record = *books_->FindPartner(m.id);
    const PartnerFigures f = books_->FiguresOf(record, std::nullopt);
    const EntitlementTotals t = entitlement_.TotalsOf(m.id);
    const auto same = [&](const char* what, int64_t books, int64_t model) {
      EXPECT_EQ(books, model) << m.id << " " << what << " at entry " << books_->size();
    };
    same("provisional tokens", f.provisional_korean_tokens, m.provisional_tokens);
    same("provisional words", f.provisional_korean_words, m.provisional_words);
    same("confirmed tokens", f.confirmed_korean_tokens, m.confirmed_tokens);
    same("confirmed words", f.confirmed_korean_words, m.confirmed_words);
    same("pending", f.entitlement_pending, static_cast<int64_t>(t.pending));
    same("available", f.entitlement_available, static_cast<int64_t>(t.available));
    same("reserved", f.entitlement_reserved, static_cast<int64_t>(t.reserved));
    same("spent", f.entitlement_spent, static_cast<int64_t>(t.spent));
    same("expired", f.entitlement_expired, static_cast<int64_t>(t.expired));
    same("owed", f.entitlement_owed, static_cast<int64_t>(t.owed));
    same("billed", f.billed_won, m.billed);
    same("payable", f.payable_won, m.payable);
    same("due", f.due_won, m.due);
    same("held", f.held_won, m.held);
    same("paid", f.paid_won, m.paid);
    same("member", f.member ? 1 : 0, m.member ? 1 : 0);
    same("carry", record.carry_tokens, m.carry_tokens);
  }

  std::mt19937_64 rng_;
  Timestamp now_;
  std::unique_ptr<Books> books_ = std::make_unique<Books>();
  std::vector<std::string> journal_;

  Policy policy_;
  uint32_t version_ = 1;
  std::map<uint32_t, Policy> policies_;  // by version
  std::optional<std::pair<uint32_t, Policy>> pending_;
  std::vector<Partner> partners_;
  std::vector<Document> documents_;
  std::vector<uint64_t> undecided_;
  reference::Entitlements entitlement_;
  int64_t pool_ = 0;
  uint64_t next_id_ = 0;
  int closes_ = 0;
};

TEST(FinanceSim, AYearOfAProgrammeAgreesWithTheModel) {
  const char* one = std::getenv("JANGBU_SIM_SEED");
  const char* many = std::getenv("JANGBU_SIM_SEEDS");
  const uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : 1;
  const uint64_t count = many != nullptr  ? std::strtoull(many, nullptr, 10)
                         : one != nullptr ? 1
                                          : 100;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("JANGBU_SIM_SEED=" + std::to_string(seed) + " build/tests/finance_sim_test");
    Programme(seed).Run();
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace jangbu::ledger
