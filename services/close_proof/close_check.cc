#include "services/close_proof/close_check.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/bytes.h"
#include "ledger/close.h"
#include "ledger/entry.h"
#include "ledger/merkle/receipt.h"
#include "services/close_proof/commitment.h"

namespace jangbu::services {
namespace {

using ledger::PublishedClose;

Status Bad(std::string_view what) {
  return InvalidArgument("bad_proof", "the file is not of the form: " + std::string(what));
}

StatusOr<std::string_view> TakeLine(std::string_view& rest) {
  const size_t end = rest.substr(0, 4096).find('\n');
  if (end == std::string_view::npos) return Bad("a line is missing or too long");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

// The value of "NAME VALUE".
StatusOr<std::string_view> TakeField(std::string_view& rest, std::string_view name) {
  JANGBU_ASSIGN_OR_RETURN(const std::string_view line, TakeLine(rest));
  if (line.size() < name.size() + 2 || !line.starts_with(name) || line[name.size()] != ' ')
    return Bad("a line should say " + std::string(name));
  return line.substr(name.size() + 1);
}

// Digits without a leading zero, up to 2^63 − 1.
StatusOr<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '-' ||
      (text.front() == '0' && text.size() > 1)) {
    return Bad("not a number");
  }
  return value;
}

StatusOr<int64_t> TakeNumber(std::string_view& rest, std::string_view name) {
  JANGBU_ASSIGN_OR_RETURN(const std::string_view text, TakeField(rest, name));
  return Number(text);
}

StatusOr<ledger::Period> TakePeriod(std::string_view& rest) {
  JANGBU_ASSIGN_OR_RETURN(const std::string_view text, TakeField(rest, "period"));
  const auto period = ledger::ParsePeriod(text);
  if (!period.ok()) return Bad("not a period");
  return *period;
}

StatusOr<Scalar> ReadScalar(std::string_view hex) {
  const auto bytes = FromHex(hex);
  Scalar scalar{};
  if (!bytes.ok() || bytes->size() != scalar.size()) return Bad("a blinding has 32 bytes");
  std::copy_n(bytes->data(), scalar.size(), reinterpret_cast<char*>(scalar.data()));
  // Reduced: adding nothing changes nothing.
  if (AddScalars(scalar, Scalar{}) != scalar) return Bad("a blinding is not reduced");
  return scalar;
}

// The receipt that ends a file: exactly the rest.
StatusOr<std::string_view> TakeReceipt(std::string_view& rest) {
  JANGBU_ASSIGN_OR_RETURN(const int64_t size, TakeNumber(rest, "receipt"));
  if (static_cast<uint64_t>(size) != rest.size()) return Bad("the receipt has another length");
  return std::exchange(rest, std::string_view());
}

struct LoggedClose {
  PublishedClose published;
  uint64_t index = 0;
  std::string origin;
};

StatusOr<LoggedClose> OpenReceipt(std::string_view receipt, ledger::Period period,
                                  const ledger::NoteVerifier& log) {
  JANGBU_ASSIGN_OR_RETURN(const ledger::OpenedReceipt opened, ledger::VerifyReceipt(receipt, log));
  const auto entry = ledger::DecodeOwnPart(opened.own_part);
  const auto* posted = entry.ok() ? std::get_if<ledger::ClosePosted>(&entry->body) : nullptr;
  if (posted == nullptr || posted->published.period != period)
    return InvalidArgument("proof_entry", "the log's entry is not the posted close of that period");
  LoggedClose logged{posted->published, opened.index, opened.checkpoint.origin};
  if (logged.published.commitments.size() != size_t{32} * logged.published.partners)
    return InvalidArgument("proof_entry", "the close has not one commitment a partner");
  return logged;
}

Status CheckOpening(const PublishedClose& published, int64_t place, int64_t weight,
                    const Scalar& blinding) {
  if (place >= published.partners)
    return InvalidArgument("proof_opening", "the close has no commitment at that place");
  const Point point = CommitTo(weight, blinding);
  if (published.commitments.compare(static_cast<size_t>(place) * 32, 32, AsView(point)) != 0) {
    return InvalidArgument("proof_opening", "the commitment at place " + std::to_string(place) +
                                                " does not open to this weight");
  }
  return OkStatus();
}

Status CheckTotal(const PublishedClose& published) {
  bool good = false;
  const Point sum = SumOf(published.commitments, good);
  if (!good || sum != CommitTo(published.total_weight, published.blinding))
    return InvalidArgument("proof_total", "the commitments do not add up to the published total");
  return OkStatus();
}

constexpr std::string_view kShareProof = "jangbu/share-proof@v1";
constexpr std::string_view kOpenings = "jangbu/close-openings@v1";

}  // namespace

StatusOr<CloseProofParts> PartsOfCloseProof(std::string_view bytes) {
  CloseProofParts parts;
  parts.openings = bytes.starts_with(kOpenings);
  if (!parts.openings && !bytes.starts_with(kShareProof))
    return Bad("neither a share proof nor the openings of a close");
  while (!bytes.empty()) {
    if (bytes.starts_with("receipt ")) {
      JANGBU_ASSIGN_OR_RETURN(parts.receipt, TakeReceipt(bytes));
      return parts;
    }
    JANGBU_RETURN_IF_ERROR(TakeLine(bytes).status());
  }
  return Bad("no receipt");
}

StatusOr<CheckedShare> CheckShareProof(std::string_view bytes, const ledger::NoteVerifier& log,
                                       std::set<std::pair<ledger::Period, uint32_t>>& places) {
  if (bytes.size() > kMaxCloseProofBytes) return Bad("too long");
  JANGBU_ASSIGN_OR_RETURN(const std::string_view first, TakeLine(bytes));
  if (first != kShareProof) return Bad("not a share proof");
  CheckedShare share;
  JANGBU_ASSIGN_OR_RETURN(const ledger::Period period, TakePeriod(bytes));
  JANGBU_ASSIGN_OR_RETURN(const std::string_view partner, TakeField(bytes, "partner"));
  JANGBU_ASSIGN_OR_RETURN(const int64_t place, TakeNumber(bytes, "place"));
  JANGBU_ASSIGN_OR_RETURN(share.weight, TakeNumber(bytes, "weight"));
  JANGBU_ASSIGN_OR_RETURN(const std::string_view hex, TakeField(bytes, "blinding"));
  JANGBU_ASSIGN_OR_RETURN(const Scalar blinding, ReadScalar(hex));
  JANGBU_ASSIGN_OR_RETURN(share.share_won, TakeNumber(bytes, "share"));
  JANGBU_RETURN_IF_ERROR(TakeNumber(bytes, "held").status());
  JANGBU_RETURN_IF_ERROR(TakeNumber(bytes, "payout").status());
  JANGBU_ASSIGN_OR_RETURN(const std::string_view receipt, TakeReceipt(bytes));
  JANGBU_ASSIGN_OR_RETURN(LoggedClose logged, OpenReceipt(receipt, period, log));
  const PublishedClose& published = logged.published;
  JANGBU_RETURN_IF_ERROR(CheckOpening(published, place, share.weight, blinding));
  if (!places.emplace(period, static_cast<uint32_t>(place)).second)
    return InvalidArgument("proof_double", "this commitment was shown to somebody else too");
  if (!published.total) {
    return FailedPrecondition("no_total",
                              "fewer than three partners had weight: no total is published");
  }
  JANGBU_RETURN_IF_ERROR(CheckTotal(published));
  const auto won = ledger::ShareByPublished(published, static_cast<uint32_t>(place), share.weight);
  if (!won.ok() || won->value() != share.share_won) {
    return InvalidArgument("proof_share", won.ok()
                                              ? "the share is " + std::to_string(won->value()) +
                                                    " won, not " + std::to_string(share.share_won)
                                              : std::string(won.status().message()));
  }
  share.period = ledger::ToString(period);
  share.partner = partner;
  share.pool_won = published.pool_won;
  share.total_weight = published.total_weight;
  share.index = logged.index;
  share.origin = logged.origin;
  return share;
}

StatusOr<CheckedClose> CheckOpenings(std::string_view bytes, const ledger::NoteVerifier& log) {
  if (bytes.size() > kMaxCloseProofBytes) return Bad("too long");
  JANGBU_ASSIGN_OR_RETURN(const std::string_view first, TakeLine(bytes));
  if (first != kOpenings) return Bad("not the openings of a close");
  CheckedClose close;
  JANGBU_ASSIGN_OR_RETURN(const ledger::Period period, TakePeriod(bytes));
  JANGBU_ASSIGN_OR_RETURN(close.pool_won, TakeNumber(bytes, "pool"));
  JANGBU_ASSIGN_OR_RETURN(close.total_weight, TakeNumber(bytes, "total"));
  JANGBU_ASSIGN_OR_RETURN(const int64_t partners, TakeNumber(bytes, "partners"));
  struct Opening {
    int64_t place = 0;
    Scalar blinding{};
  };
  std::vector<Opening> openings;
  for (int64_t i = 0; i < partners; ++i) {
    JANGBU_ASSIGN_OR_RETURN(std::string_view line, TakeField(bytes, "open"));
    std::vector<std::string_view> words;
    for (size_t at = 0; words.size() < 6;) {
      const size_t space = line.find(' ', at);
      words.push_back(line.substr(at, space - at));
      if (space == std::string_view::npos) break;
      at = space + 1;
    }
    if (words.size() != 5 ||
        std::any_of(words.begin(), words.end(), [](std::string_view w) { return w.empty(); })) {
      return Bad("a line should open a commitment");
    }
    Opening& opening = openings.emplace_back();
    CheckedShare& share = close.shares.emplace_back();
    JANGBU_ASSIGN_OR_RETURN(opening.place, Number(words[0]));
    share.partner = words[1];
    JANGBU_ASSIGN_OR_RETURN(share.weight, Number(words[2]));
    JANGBU_ASSIGN_OR_RETURN(opening.blinding, ReadScalar(words[3]));
    JANGBU_ASSIGN_OR_RETURN(share.share_won, Number(words[4]));
  }
  JANGBU_ASSIGN_OR_RETURN(const std::string_view receipt, TakeReceipt(bytes));
  JANGBU_ASSIGN_OR_RETURN(LoggedClose logged, OpenReceipt(receipt, period, log));
  const PublishedClose& published = logged.published;
  if (published.partners != close.shares.size())
    return InvalidArgument("proof_entry", "the log's close has another number of partners");
  std::set<int64_t> places;
  std::vector<ledger::PartnerWeight> weights;
  for (size_t i = 0; i < openings.size(); ++i) {
    const CheckedShare& share = close.shares[i];
    JANGBU_RETURN_IF_ERROR(
        CheckOpening(published, openings[i].place, share.weight, openings[i].blinding));
    if (!places.insert(openings[i].place).second)
      return InvalidArgument("proof_double",
                             "a commitment is of two partners, and another is nobody's");
    weights.push_back({share.partner, share.weight});
  }
  const auto split = ledger::SplitRevenue(Won(close.pool_won), weights);
  if (!split.ok()) {
    const bool twice = ReasonOf(split.status()) == "duplicate_partner";
    return InvalidArgument(twice ? "proof_double" : "proof_total",
                           std::string(split.status().message()));
  }
  if (split->total_weight != close.total_weight)
    return InvalidArgument("proof_total", "the weights do not add up");
  if (published.total) {
    JANGBU_RETURN_IF_ERROR(CheckTotal(published));
    if (published.pool_won != close.pool_won || published.total_weight != close.total_weight)
      return InvalidArgument("proof_total", "the published pool or total is another one");
  }
  std::map<std::string, int64_t> won;
  for (const ledger::PartnerShare& share : split->shares) won[share.partner] = share.share.value();
  for (const CheckedShare& share : close.shares) {
    if (won.at(share.partner) != share.share_won) {
      return InvalidArgument("proof_share", "the share of " + share.partner +
                                                " is not that of the largest remainders");
    }
  }
  close.period = ledger::ToString(period);
  close.index = logged.index;
  close.origin = logged.origin;
  return close;
}

}  // namespace jangbu::services
