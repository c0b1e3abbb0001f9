#include "ledger/close.h"

#include <algorithm>
#include <numeric>

#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::ledger {
namespace {

// A number below `bound` that follows from the seed. A bias of 2^-64 × bound does not matter here.
int64_t SecretBelow(const Digest& seed, Period period, int64_t bound) {
  ByteWriter name;
  name.U32(period);
  const Digest digest = Sha256({"jangbu close threshold v1\n", AsView(seed), name.bytes()});
  ByteReader r(AsView(digest));
  return static_cast<int64_t>(r.U128() % static_cast<uint128>(bound));
}

}  // namespace

std::vector<uint32_t> CommitmentPlaces(const Digest& seed, std::span<const PartnerShare> shares) {
  std::vector<std::pair<Digest, uint32_t>> order;
  for (uint32_t i = 0; i < shares.size(); ++i) {
    order.emplace_back(Sha256({"jangbu close order v1\n", AsView(seed), shares[i].partner}), i);
  }
  std::sort(order.begin(), order.end());
  std::vector<uint32_t> places(shares.size());
  for (uint32_t place = 0; place < order.size(); ++place) places[order[place].second] = place;
  return places;
}

PublishedCut CutOf(const RevenueSplit& split, Period period, const Digest& seed) {
  PublishedCut cut;
  const auto weighty = std::count_if(split.shares.begin(), split.shares.end(),
                                     [](const PartnerShare& share) { return share.weight > 0; });
  cut.total = static_cast<size_t>(weighty) >= kPublishedPartnersMin;
  if (!cut.total) return cut;
  if (!split.cut_off.has_value()) {
    cut.threshold = split.total_weight;  // no remainder reaches it
    return cut;
  }
  const int64_t winner = split.cut_off->remainder;
  int64_t loser = -1;
  for (const PartnerShare& share : split.shares) {
    if (!share.extra_won) loser = std::max(loser, share.remainder);
  }
  // The remainders of all add up to (number of extra won) × total and each is below the total, so
  // more have one than get a won.
  JANGBU_CHECK(loser >= 0 && loser <= winner);
  if (loser < winner) {
    cut.threshold = loser + 1 + SecretBelow(seed, period, winner - loser);
    return cut;
  }
  cut.threshold = winner;
  const std::vector<uint32_t> places = CommitmentPlaces(seed, split.shares);
  for (size_t i = 0; i < split.shares.size(); ++i) {
    if (split.shares[i].extra_won && split.shares[i].remainder == winner)
      cut.tied.push_back(places[i]);
  }
  std::sort(cut.tied.begin(), cut.tied.end());
  return cut;
}

StatusOr<Won> ShareByPublished(const PublishedClose& published, uint32_t place, int64_t weight) {
  if (!published.total) {
    return FailedPrecondition("no_total",
                              "fewer than three partners had weight: the close publishes no total");
  }
  if (published.total_weight <= 0 || published.pool_won < 0 || weight < 0 ||
      weight > published.total_weight || place >= published.partners) {
    return InvalidArgument("bad_split", "the numbers cannot belong to one split");
  }
  const int128 product = static_cast<int128>(published.pool_won) * weight;
  const auto floor = static_cast<int64_t>(product / published.total_weight);
  const auto remainder = static_cast<int64_t>(product % published.total_weight);
  const bool listed = std::binary_search(published.tied.begin(), published.tied.end(), place);
  const bool extra = published.tied.empty() ? remainder >= published.threshold
                                            : remainder > published.threshold ||
                                                  (remainder == published.threshold && listed);
  if (listed && remainder != published.threshold)
    return InvalidArgument("bad_split", "a place is listed as tied, but its remainder is not");
  return Won(floor + (extra ? 1 : 0));
}

}  // namespace jangbu::ledger
