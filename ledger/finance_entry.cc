#include "ledger/finance_entry.h"

#include "base/check.h"

namespace jangbu::ledger {
namespace {

// One description of a part serves both directions: Put writes a field, Take reads it back and
// refuses what Put cannot have written.
class Put {
 public:
  explicit Put(ByteWriter& w) : w_(w) {}
  void Unsigned(const uint64_t& v) { w_.Varint(v); }
  void Unsigned(const uint32_t& v) { w_.Varint(v); }
  void Amount(const int64_t& v) {
    JANGBU_CHECK(v >= 0);
    w_.Varint(static_cast<uint64_t>(v));
  }
  void Signed(const int64_t& v) { w_.SignedVarint(v); }
  void Time(const Timestamp& v) { w_.I64(v.micros); }
  void Bool(const bool& v) { w_.U8(v ? 1 : 0); }
  void Text(const std::string& v) { w_.String(v); }
  void Hash(const Digest& v) { w_.Raw(v); }
  void Id(const UserData128& v) { w_.U128(v.value()); }
  template <typename Enum>
  void Choice(const Enum& v, Enum, Enum) {
    w_.U8(static_cast<uint8_t>(v));
  }
  void Rules(const Policy& v) { WritePolicy(w_, v); }
  template <typename T, typename F>
  void List(const std::vector<T>& v, size_t, F each) {
    w_.Varint(v.size());
    for (const T& item : v) each(item);
  }
  template <typename T, typename F>
  void Maybe(const std::optional<T>& v, F each) {
    Bool(v.has_value());
    if (v.has_value()) each(*v);
  }

 private:
  ByteWriter& w_;
};

class Take {
 public:
  explicit Take(ByteReader& r) : r_(r) {}
  void Unsigned(uint64_t& v) { v = r_.Varint(); }
  void Unsigned(uint32_t& v) {
    const uint64_t wide = r_.Varint();
    if (wide > UINT32_MAX) r_.MarkBad();
    v = static_cast<uint32_t>(wide);
  }
  void Amount(int64_t& v) {
    const uint64_t wide = r_.Varint();
    if (wide > static_cast<uint64_t>(INT64_MAX)) r_.MarkBad();
    v = static_cast<int64_t>(wide);
  }
  void Signed(int64_t& v) { v = r_.SignedVarint(); }
  void Time(Timestamp& v) { v.micros = r_.I64(); }
  void Bool(bool& v) {
    const uint8_t byte = r_.U8();
    if (byte > 1) r_.MarkBad();
    v = byte == 1;
  }
  void Text(std::string& v) { v = std::string(r_.String()); }
  void Hash(Digest& v) { v = r_.Array<32>(); }
  void Id(UserData128& v) { v = UserData128::FromValue(r_.U128()); }
  template <typename Enum>
  void Choice(Enum& v, Enum first, Enum last) {
    const uint8_t byte = r_.U8();
    if (byte < static_cast<uint8_t>(first) || byte > static_cast<uint8_t>(last)) {
      r_.MarkBad();
      v = first;
      return;
    }
    v = static_cast<Enum>(byte);
  }
  void Rules(Policy& v) { ReadPolicy(r_, v); }
  template <typename T, typename F>
  void List(std::vector<T>& v, size_t bytes_each, F each) {
    const size_t n = r_.Count(bytes_each);
    v.clear();
    for (size_t i = 0; i < n && r_.ok(); ++i) each(v.emplace_back());
  }
  template <typename T, typename F>
  void Maybe(std::optional<T>& v, F each) {
    bool has = false;
    Bool(has);
    v.reset();
    if (has) each(v.emplace());
  }

 private:
  ByteReader& r_;
};

template <typename A, typename B>
void Document(A& a, B& owner) {
  a.Unsigned(owner.token);
  a.Unsigned(owner.ordinal);
}

// ---- own parts ----

template <typename A, typename B>
void Nothing(A&, B&) {}

template <typename A, typename B>
void OwnUsage(A& a, B& b) {
  a.List(b.records, 40, [&a](auto& u) {
    a.Choice(u.kind, UsageKind::kReserve, UsageKind::kConsume);
    a.Id(u.id);
    a.Id(u.reservation);
    a.Unsigned(u.amount);
    a.Unsigned(u.timeout);
    a.Bool(u.allow_billable);
    a.Unsigned(u.free);
    a.Unsigned(u.billable);
    a.Unsigned(u.policy_version);
    a.Unsigned(u.discount_basis_points);
    a.Unsigned(u.won);
  });
}

template <typename A, typename B>
void OwnClosePosted(A& a, B& b) {
  auto& p = b.published;
  a.Unsigned(p.period);
  a.Unsigned(p.partners);
  a.Text(p.commitments);
  a.Bool(p.total);
  a.Amount(p.pool_won);
  a.Amount(p.total_weight);
  a.Hash(p.blinding);
  a.Amount(p.threshold);
  a.List(p.tied, 1, [&a](auto& place) { a.Unsigned(place); });
}

template <typename A, typename B>
void OwnPayment(A& a, B& b) {
  a.Unsigned(b.period);
  a.Amount(b.amount_won);
  a.Unsigned(b.attempt);
  a.Bool(b.failed);
  a.Text(b.reference);
}

template <typename A, typename B>
void OwnWithdrawn(A& a, B& b) {
  a.Unsigned(b.withdrawal);
  a.List(b.ranges, 3, [&a](auto& range) {
    a.Unsigned(range.token);
    a.Unsigned(range.first);
    a.Unsigned(range.count);
  });
  a.Amount(b.documents);
  a.Amount(b.provisional_korean_tokens);
  a.Amount(b.provisional_korean_words);
}

template <typename A, typename B>
void OwnClaimOpened(A& a, B& b) {
  a.Unsigned(b.claim);
  Document(a, b.document);
}

template <typename A, typename B>
void OwnClaimSettled(A& a, B& b) {
  a.Unsigned(b.claim);
  a.Bool(b.granted);
}

template <typename A, typename B>
void OwnCorrectionDecided(A& a, B& b) {
  a.Unsigned(b.correction);
  a.Bool(b.approved);
  a.Signed(b.won);
  a.Unsigned(b.about);
}

// ---- sealed parts ----

template <typename A, typename B>
void SealedPolicyProposed(A& a, B& b) {
  a.Unsigned(b.version);
  a.Time(b.effective_from);
  a.Rules(b.policy);
  a.Text(b.by);
}

template <typename A, typename B>
void SealedPolicyDecided(A& a, B& b) {
  a.Unsigned(b.version);
  a.Bool(b.approved);
  a.Text(b.by);
}

template <typename A, typename B>
void SealedKeyRequested(A& a, B& b) {
  a.Text(b.key_id);
  a.Choice(b.role, Role::kPartner, Role::kGateway);
  a.Text(b.person);
  a.Hash(b.first_half_mac);
  a.Text(b.replaces);
  a.Text(b.by);
}

template <typename A, typename B>
void SealedKeyDecided(A& a, B& b) {
  a.Text(b.key_id);
  a.Bool(b.approved);
  a.Hash(b.secret_mac);
  a.Text(b.by);
}

template <typename A, typename B>
void SealedTick(A& a, B& b) {
  a.Time(b.upto);
}

template <typename A, typename B>
void SealedCloseDrafted(A& a, B& b) {
  a.Unsigned(b.period);
  a.Amount(b.revenue_won);
  a.Unsigned(b.policy_version);
  a.Amount(b.carried_in_won);
  a.Amount(b.pool_won);
  a.Amount(b.total_weight);
  a.Text(b.by);
}

template <typename A, typename B>
void SealedCloseDecided(A& a, B& b) {
  a.Unsigned(b.period);
  a.Bool(b.approved);
  a.Text(b.by);
}

template <typename A, typename B>
void SealedClosePosted(A& a, B& b) {
  a.Hash(b.seed);
  a.List(b.shares, 5, [&a](auto& line) {
    a.Text(line.partner);
    a.Amount(line.weight);
    a.Amount(line.share_won);
    a.Amount(line.held_won);
    a.Amount(line.payout_won);
  });
  a.Text(b.by);
}

template <typename A, typename B>
void SealedBy(A& a, B& b) {
  a.Text(b.by);
}

template <typename A, typename B>
void SealedClaimOpened(A& a, B& b) {
  a.Hash(b.evidence_mac);
  a.Maybe(b.holder, [&a](auto& owner) { Document(a, owner); });
  a.Text(b.by);
}

template <typename A, typename B>
void SealedClaimDecided(A& a, B& b) {
  a.Text(b.partner);
  a.Unsigned(b.claim);
  a.Bool(b.granted);
  a.Text(b.by);
}

template <typename A, typename B>
void SealedClaimSettled(A& a, B& b) {
  a.Amount(b.held_won);
  a.Amount(b.korean_tokens);
  a.Amount(b.korean_words);
  a.Text(b.by);
}

template <typename A, typename B>
void SealedCorrectionProposed(A& a, B& b) {
  a.Unsigned(b.correction);
  a.Text(b.partner);
  a.Signed(b.won);
  a.Unsigned(b.about);
  a.Text(b.reason);
  a.Text(b.by);
}

template <typename A, typename B>
void SealedSuccession(A& a, B& b) {
  a.Unsigned(b.run);
  a.List(b.heirs, 4, [&a](auto& heir) {
    Document(a, heir.document);
    a.Amount(heir.korean_tokens);
    a.Amount(heir.korean_words);
  });
}

template <typename A, typename B>
void SealedRecountBegun(A& a, B& b) {
  a.Unsigned(b.recount);
  a.Text(b.tokenizer_algorithm);
  a.Hash(b.tokenizer_sha256);
  a.Unsigned(b.min_run);
  a.Unsigned(b.near_ppm);
  a.Unsigned(b.novel_ppm);
  a.Text(b.by);
}

template <typename A, typename B>
void SealedRecountItems(A& a, B& b) {
  a.Unsigned(b.recount);
  a.Unsigned(b.token);
  a.List(b.items, 3, [&a](auto& item) {
    a.Unsigned(item.ordinal);
    a.Amount(item.korean_tokens);
    a.Amount(item.korean_words);
  });
}

template <typename A, typename B>
void SealedRecountReported(A& a, B& b) {
  a.Unsigned(b.recount);
  a.List(b.lines, 7, [&a](auto& line) {
    a.Text(line.partner);
    a.Amount(line.documents);
    a.Amount(line.changed);
    a.Amount(line.korean_tokens_before);
    a.Amount(line.korean_words_before);
    a.Amount(line.korean_tokens_after);
    a.Amount(line.korean_words_after);
  });
}

template <typename A, typename B>
void SealedRecountDecided(A& a, B& b) {
  a.Unsigned(b.recount);
  a.Bool(b.approved);
  a.Text(b.by);
}

}  // namespace

#define JANGBU_CODEC(body, own, sealed)            \
  void WriteOwn(ByteWriter& w, const body& b) {    \
    Put a(w);                                      \
    own(a, b);                                     \
  }                                                \
  void ReadOwn(ByteReader& r, body& b) {           \
    Take a(r);                                     \
    own(a, b);                                     \
  }                                                \
  void WriteSealed(ByteWriter& w, const body& b) { \
    Put a(w);                                      \
    sealed(a, b);                                  \
  }                                                \
  void ReadSealed(ByteReader& r, body& b) {        \
    Take a(r);                                     \
    sealed(a, b);                                  \
  }
JANGBU_CODEC(PolicyProposed, Nothing, SealedPolicyProposed)
JANGBU_CODEC(PolicyDecided, Nothing, SealedPolicyDecided)
JANGBU_CODEC(KeyRequested, Nothing, SealedKeyRequested)
JANGBU_CODEC(KeyDecided, Nothing, SealedKeyDecided)
JANGBU_CODEC(Usage, OwnUsage, Nothing)
JANGBU_CODEC(Tick, Nothing, SealedTick)
JANGBU_CODEC(CloseDrafted, Nothing, SealedCloseDrafted)
JANGBU_CODEC(CloseDecided, Nothing, SealedCloseDecided)
JANGBU_CODEC(ClosePosted, OwnClosePosted, SealedClosePosted)
JANGBU_CODEC(Payment, OwnPayment, SealedBy)
JANGBU_CODEC(Withdrawn, OwnWithdrawn, SealedBy)
JANGBU_CODEC(ClaimOpened, OwnClaimOpened, SealedClaimOpened)
JANGBU_CODEC(ClaimDecided, Nothing, SealedClaimDecided)
JANGBU_CODEC(ClaimSettled, OwnClaimSettled, SealedClaimSettled)
JANGBU_CODEC(CorrectionProposed, Nothing, SealedCorrectionProposed)
JANGBU_CODEC(CorrectionDecided, OwnCorrectionDecided, SealedBy)
JANGBU_CODEC(Succession, Nothing, SealedSuccession)
JANGBU_CODEC(RecountBegun, Nothing, SealedRecountBegun)
JANGBU_CODEC(RecountItems, Nothing, SealedRecountItems)
JANGBU_CODEC(RecountReported, Nothing, SealedRecountReported)
JANGBU_CODEC(RecountDecided, Nothing, SealedRecountDecided)
#undef JANGBU_CODEC

}  // namespace jangbu::ledger
