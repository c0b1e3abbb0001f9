#include "audit/extraction/canary.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "audit/extraction/probe_plan.h"
#include "base/bytes.h"
#include "base/check.h"
#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"

namespace jangbu::audit {
namespace {

constexpr std::string_view kRegistryMagic = "JBCANR01";

std::string Digits(const Canary& canary, uint64_t number) {
  std::string digits = std::to_string(number);
  const size_t width = std::to_string(canary.space - 1).size();
  digits.insert(0, width - digits.size(), '0');
  return digits;
}

// What a canary must be, however it came about.
bool Sound(const Canary& c) {
  return !c.id.empty() && !c.partner.empty() && c.space >= 2 && c.space <= kCanarySpaceMax &&
         c.number < c.space && !c.head.empty() && c.head.back() != ' ' && c.head.back() != '\n' &&
         ingest::IsValidUtf8(c.head) && ingest::IsValidUtf8(c.tail) &&
         ingest::Canonicalize(CanarySentence(c)) == CanarySentence(c) &&
         CanarySentence(c).find('\n') == std::string::npos;
}

}  // namespace

std::string CanaryEnding(const Canary& canary, uint64_t number) {
  return Digits(canary, number) + canary.tail;
}

std::string CanarySentence(const Canary& canary, uint64_t number) {
  return canary.head + " " + CanaryEnding(canary, number);
}

StatusOr<size_t> IssueCanaries(std::vector<Canary>& registry, const std::string& partner,
                               uint32_t count, uint64_t space, std::string_view issued_at,
                               std::string_view secret) {
  static constexpr std::string_view kPlaces[] = {"솔밭", "가람", "너럭", "단구",
                                                 "미리", "벼리", "소담", "여울"};
  static constexpr std::string_view kThings[] = {"보관함", "물표", "등대",   "서고",
                                                 "창고",   "온실", "방앗간", "정류장"};
  if (space < 2 || space > kCanarySpaceMax) {
    return InvalidArgument("bad_canary_space", "a canary's number is one of 2 to 10^12");
  }
  if (partner.empty()) return InvalidArgument("bad_partner", "whose uploads is it placed in?");
  if (registry.size() + count > kCanariesMax) {
    return InvalidArgument("too_many_canaries", "a registry holds 100,000 canaries");
  }
  const size_t first = registry.size();
  uint64_t ordinal = 0;
  for (const Canary& c : registry) ordinal += c.partner == partner ? 1 : 0;
  SeededDraw draw(secret);
  std::set<std::string> heads;
  for (const Canary& c : registry) heads.insert(c.head);
  for (uint32_t i = 0; i < count; ++i) {
    Canary canary;
    canary.id = partner + "-" + std::to_string(++ordinal);
    canary.partner = partner;
    canary.space = space;
    canary.issued_at = issued_at;
    canary.tail = "이다.";
    // No two begin alike: the number of one must say nothing of another's.
    do {
      canary.head = std::string(kPlaces[draw.Below(std::size(kPlaces))]) + " " +
                    std::string(kThings[draw.Below(std::size(kThings))]) + " " +
                    std::to_string(draw.Below(1'000'000'000)) + "호의 비밀 번호는";
    } while (!heads.insert(canary.head).second);
    canary.number = draw.Below(space);
    JANGBU_CHECK(Sound(canary));
    registry.push_back(std::move(canary));
  }
  return first;
}

Status PlaceCanaries(std::span<const Canary> canaries, uint32_t copies, std::string_view seed,
                     std::vector<std::string>& texts) {
  if (copies > texts.size()) {
    return FailedPrecondition("too_few_documents",
                              "to place a canary in " + std::to_string(copies) +
                                  " documents, as many are needed; there are " +
                                  std::to_string(texts.size()));
  }
  for (const Canary& canary : canaries) {
    SeededDraw draw(std::string(seed) + "/place/" + canary.id);
    std::set<uint64_t> chosen;
    while (chosen.size() < copies) chosen.insert(draw.Below(texts.size()));
    const std::string sentence = CanarySentence(canary);
    for (const uint64_t document : chosen) {
      std::string& text = texts[document];
      std::vector<size_t> ends;  // of paragraphs
      for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
        ends.push_back(at);
      }
      ends.push_back(text.size());
      const size_t end = ends[draw.Below(ends.size())];
      text.insert(end, (text.empty() ? "" : "\n") + sentence);
    }
  }
  return OkStatus();
}

std::vector<uint64_t> CanaryReferences(const Canary& canary, uint32_t count,
                                       std::string_view seed) {
  std::set<uint64_t> numbers;
  if (canary.space - 1 <= count) {
    for (uint64_t n = 0; n < canary.space; ++n) numbers.insert(n);
    numbers.erase(canary.number);
  } else {
    SeededDraw draw(std::string(seed) + "/canary/" + canary.id);
    while (numbers.size() < count) {
      const uint64_t n = draw.Below(canary.space);
      if (n != canary.number) numbers.insert(n);
    }
  }
  return {numbers.begin(), numbers.end()};
}

double Exposure(uint64_t rank, uint64_t space) {
  JANGBU_CHECK(rank >= 1 && rank <= space);
  return std::log2(static_cast<double>(space)) - std::log2(static_cast<double>(rank));
}

std::string EncodeCanaries(std::span<const Canary> registry) {
  ByteWriter out;
  out.Raw(kRegistryMagic);
  out.Varint(registry.size());
  for (const Canary& c : registry) {
    out.String(c.id);
    out.String(c.partner);
    out.String(c.head);
    out.U64(c.number);
    out.U64(c.space);
    out.String(c.tail);
    out.String(c.issued_at);
    out.String(c.withdrawn_at);
  }
  return out.Take();
}

StatusOr<std::vector<Canary>> DecodeCanaries(std::string_view bytes) {
  ByteReader in(bytes);
  std::vector<Canary> registry;
  if (in.Raw(kRegistryMagic.size()) != kRegistryMagic) in.MarkBad();
  registry.resize(in.Count(22));
  std::set<std::string> ids;
  for (Canary& c : registry) {
    c.id = in.String();
    c.partner = in.String();
    c.head = in.String();
    c.number = in.U64();
    c.space = in.U64();
    c.tail = in.String();
    c.issued_at = in.String();
    c.withdrawn_at = in.String();
    if (in.ok() && (!Sound(c) || !ids.insert(c.id).second)) in.MarkBad();
  }
  if (!in.ok() || !in.empty()) {
    return DataLoss("canaries_malformed", "the bytes are not a registry of canaries; restore it");
  }
  return registry;
}

}  // namespace jangbu::audit
