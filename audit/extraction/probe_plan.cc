#include "audit/extraction/probe_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "audit/extraction/text_index.h"
#include "audit/guard/stream_guard.h"
#include "base/bytes.h"
#include "base/check.h"
#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"

namespace jangbu::audit {
namespace {

constexpr std::string_view kMagic = "JBPLAN02";
constexpr size_t kIdentity = 64;  // code points of a window that tell it from others
constexpr size_t kFirstSentence = 100;

bool IsSpace(char c) { return c == ' ' || c == '\n'; }

// Where 어절 begin.
std::vector<uint32_t> WordStarts(std::string_view text) {
  std::vector<uint32_t> starts;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!IsSpace(text[i]) && (i == 0 || IsSpace(text[i - 1]))) {
      starts.push_back(static_cast<uint32_t>(i));
    }
  }
  return starts;
}

std::string_view TrimEnd(std::string_view text) {
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

size_t Forward(std::string_view text, size_t from, size_t code_points) {
  size_t at = from;
  for (; at < text.size() && code_points > 0; --code_points) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  }
  return at;
}

// The end of the shortest stretch from `begin` that has `n` tokens. REQUIRES: the rest has as many.
size_t EndOfTokens(std::string_view text, size_t begin, int64_t n, const TokenCount& tokens) {
  std::vector<uint32_t> ends;  // of code points
  for (size_t at = begin; at < text.size();) {
    at = Forward(text, at, 1);
    ends.push_back(static_cast<uint32_t>(at));
    if (ends.size() > static_cast<size_t>(n) * 64) break;
  }
  size_t low = 0;
  size_t high = ends.size() - 1;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (tokens(text.substr(begin, ends[middle] - begin)) >= n) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return ends[low];
}

// The latest 어절 start from which the text up to `end` has at least `n` tokens, or nothing.
std::optional<size_t> StartOfTokens(std::string_view text, const std::vector<uint32_t>& starts,
                                    size_t end, int64_t n, const TokenCount& tokens) {
  const auto last = std::lower_bound(starts.begin(), starts.end(), end);
  size_t low = 0;
  auto high = static_cast<size_t>(last - starts.begin());
  if (high == 0 || tokens(text.substr(starts[0], end - starts[0])) < n) return std::nullopt;
  while (high - low > 1) {
    const size_t middle = low + (high - low) / 2;
    if (tokens(text.substr(starts[middle], end - starts[middle])) >= n) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return starts[low];
}

std::string Replace(std::string_view wording, std::string_view what, std::string_view with) {
  std::string out(wording);
  for (size_t at = out.find(what); at != std::string::npos; at = out.find(what, at + with.size())) {
    out.replace(at, what.size(), with);
  }
  return out;
}

std::string FirstSentence(std::string_view text) {
  const size_t most = Forward(text, 0, kFirstSentence);
  for (size_t i = 0; i < most; ++i) {
    if (text[i] == '\n') return std::string(text.substr(0, i));
    if ((text[i] == '.' || text[i] == '?' || text[i] == '!') &&
        (i + 1 == text.size() || IsSpace(text[i + 1]))) {
      return std::string(text.substr(0, i + 1));
    }
  }
  return std::string(text.substr(0, most));
}

void AddAttacks(std::string_view text, std::string_view prefix, uint32_t window,
                std::vector<Probe>& out) {
  const auto starts = WordStarts(text);
  const size_t words_end = starts.size() > 3 ? starts[3] : text.size();
  for (const Attack& attack : AttackCatalogue()) {
    Probe probe;
    probe.window = window;
    probe.cell = attack.id;
    probe.chat = true;
    probe.system = attack.system;
    probe.prompt = Replace(attack.wording, "{prefix}", prefix);
    probe.prompt = Replace(probe.prompt, "{first}", FirstSentence(text));
    probe.prompt = Replace(probe.prompt, "{words}", TrimEnd(text.substr(0, words_end)));
    out.push_back(std::move(probe));
  }
}

uint64_t Identity(std::string_view text, size_t begin) {
  const Digest digest = Sha256(text.substr(begin, Forward(text, begin, kIdentity) - begin));
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | digest[i];
  return value;
}

using ByteRanges = std::vector<std::pair<uint32_t, uint32_t>>;

// Where canaries stand in a text.
ByteRanges FindCanaries(std::string_view text, std::span<const Canary> canaries) {
  ByteRanges found;
  for (const Canary& canary : canaries) {
    const std::string sentence = CanarySentence(canary);
    for (size_t at = text.find(sentence); at != std::string_view::npos;
         at = text.find(sentence, at + 1)) {
      found.emplace_back(static_cast<uint32_t>(at), static_cast<uint32_t>(at + sentence.size()));
    }
  }
  return found;
}

// Bytes of a text that stand in runs of 24 of the index.
StatusOr<ByteRanges> RunsIn(std::string_view text, TextIndex& index) {
  FormStream stream;
  std::string same;
  std::vector<FormUnit> units;
  stream.Push(text, same, units);
  stream.Finish(same, units);
  std::u32string form;
  for (const FormUnit& unit : units) form.push_back(unit.cp);
  ByteRanges ranges;
  JANGBU_ASSIGN_OR_RETURN(const ingest::Intervals covered, index.view().Covered(form, {}, index));
  for (const ingest::Interval& i : covered) {
    ranges.emplace_back(static_cast<uint32_t>(units[i.begin].begin),
                        static_cast<uint32_t>(units[i.end - 1].end));
  }
  return ranges;
}

bool Touches(const ByteRanges& ranges, uint32_t begin, uint32_t end) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const auto& r) { return r.first < end && begin < r.second; });
}

// A place where a window may begin.
struct Place {
  uint32_t text = 0;
  uint32_t begin = 0;
};

// Control windows by what they are like, and the drawing of one that stands for an audited text.
class Controls {
 public:
  Controls(const std::vector<AuditText>& texts, std::vector<uint32_t> lengths)
      : texts_(texts), lengths_(std::move(lengths)) {}

  void Add(const Place& place) {
    const AuditText& text = texts_[place.text];
    for (const ControlMatch match : kMatches) {
      pools_[KeyOf(text.origin, match, place.text)].push_back(place);
    }
  }

  struct Drawn {
    Place place;
    ControlOrigin origin;
    ControlMatch match;
  };
  // One like `audited`, uniformly among the best there are that `sound` accepts; nothing when there
  // is none. A window that is not accepted is out for good.
  StatusOr<std::optional<Drawn>> Draw(uint32_t audited, SeededDraw& draw,
                                      const std::function<StatusOr<bool>(const Place&)>& sound) {
    for (const auto& [origin, match] : Order()) {
      const auto pool = pools_.find(KeyOf(origin, match, audited));
      if (pool == pools_.end()) continue;
      std::vector<Place>& places = pool->second;
      while (!places.empty()) {
        const size_t i = draw.Below(places.size());
        const Place place = places[i];
        JANGBU_ASSIGN_OR_RETURN(const bool good, sound(place));
        if (good) return std::optional<Drawn>({place, origin, match});
        places[i] = places.back();
        places.pop_back();
      }
    }
    return std::optional<Drawn>();
  }

 private:
  static constexpr ControlMatch kMatches[] = {ControlMatch::kPartner, ControlMatch::kSource,
                                              ControlMatch::kSourceType, ControlMatch::kAny};
  using Key = std::tuple<ControlOrigin, ControlMatch, std::string, std::string, uint32_t>;

  static std::vector<std::pair<ControlOrigin, ControlMatch>> Order() {
    std::vector<std::pair<ControlOrigin, ControlMatch>> order;
    for (const ControlMatch m : kMatches) {
      order.emplace_back(ControlOrigin::kAfterCutOff, m);
      order.emplace_back(ControlOrigin::kHeldBack, m);
    }
    for (const ControlMatch m : kMatches) order.emplace_back(ControlOrigin::kSynthetic, m);
    return order;
  }

  Key KeyOf(ControlOrigin origin, ControlMatch match, uint32_t text) const {
    const AuditText& t = texts_[text];
    return {origin, match, match == ControlMatch::kPartner ? t.partner : "",
            match == ControlMatch::kAny ? "" : t.source_type,
            match <= ControlMatch::kSource ? lengths_[text] : 0};
  }

  const std::vector<AuditText>& texts_;
  const std::vector<uint32_t> lengths_;
  std::map<Key, std::vector<Place>> pools_;
};

// Adds what is asked about the canaries that stand in the texts.
void AddCanaries(std::span<const Canary> canaries, ProbePlan& plan) {
  for (const Canary& canary : canaries) {
    if (!canary.withdrawn_at.empty()) {
      ++plan.canaries_withdrawn;
      continue;
    }
    const std::string sentence = CanarySentence(canary);
    uint32_t copies = 0;
    for (const AuditText& text : plan.texts) {
      if (text.role != TextRole::kContributed || text.partner != canary.partner) continue;
      if (text.text.find(sentence) != std::string::npos) copies += std::max(1U, text.copies);
    }
    if (copies == 0) {
      ++plan.canaries_unplaced;
      continue;
    }
    const auto add = [&](uint64_t number, bool reference) {
      AuditText text;
      text.id = canary.id;
      text.partner = canary.partner;
      text.role = TextRole::kCanary;
      text.copies = reference ? 0 : copies;
      text.text = CanarySentence(canary, number);
      Window window;
      window.text = static_cast<uint32_t>(plan.texts.size());
      window.begin = static_cast<uint32_t>(canary.head.size() + 1);
      window.end = static_cast<uint32_t>(text.text.size());
      const auto at = static_cast<uint32_t>(plan.windows.size());
      plan.probes.push_back(
          {at, std::string(reference ? kReferenceCell : kCanaryCell), false, canary.head, ""});
      plan.windows.push_back(window);
      plan.texts.push_back(std::move(text));
    };
    add(canary.number, false);
    for (const uint64_t number :
         CanaryReferences(canary, plan.options.canary_references, plan.options.seed)) {
      add(number, true);
    }
  }
}

}  // namespace

std::string_view NameOf(ControlOrigin origin) {
  static constexpr std::string_view kNames[] = {"none", "after_cut_off", "held_back", "synthetic"};
  return kNames[static_cast<size_t>(origin)];
}

std::string_view NameOf(ControlMatch match) {
  static constexpr std::string_view kNames[] = {"", "partner_source_length", "source_length",
                                                "source", "any"};
  return kNames[static_cast<size_t>(match)];
}

uint32_t LengthClass(size_t code_points) {
  uint32_t least = 0;
  for (const uint32_t step : {1'000U, 10'000U, 100'000U}) {
    if (code_points >= step) least = step;
  }
  return least;
}

const std::vector<Attack>& AttackCatalogue() {
  static const std::vector<Attack> catalogue = {
#define ATTACK(id, system, wording, source) {id, system, wording, source},
#include "audit/extraction/attacks.def"
#undef ATTACK
  };
  return catalogue;
}

SeededDraw::SeededDraw(std::string_view seed) : seed_(seed) {}

uint64_t SeededDraw::Next() {
  if (used_ == 4) {
    ByteWriter counter;
    counter.U64(counter_++);
    block_ = Sha256({"jangbu draw", seed_, counter.bytes()});
    used_ = 0;
  }
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value |= uint64_t{block_[used_ * 8 + i]} << (8 * i);
  ++used_;
  return value;
}

uint64_t SeededDraw::Below(uint64_t below) {
  JANGBU_CHECK(below > 0);
  const uint64_t limit = UINT64_MAX - UINT64_MAX % below;
  while (true) {
    const uint64_t value = Next();
    if (value < limit) return value % below;
  }
}

namespace {

// So many random samples in all are a list of half a gigabyte, and a year of asking.
constexpr uint64_t kSamplesMax = uint64_t{1} << 24;

bool SamplesFit(const ProbePlan& plan) {
  return plan.options.samples == 0 || plan.windows.size() <= kSamplesMax / plan.options.samples;
}

StatusOr<ProbePlan> IfSamplesFit(ProbePlan plan) {
  if (SamplesFit(plan)) return plan;
  return InvalidArgument("bad_plan", std::to_string(plan.options.samples) + " samples of each of " +
                                         std::to_string(plan.windows.size()) +
                                         " windows are more than " + std::to_string(kSamplesMax) +
                                         "; ask for fewer");
}

}  // namespace

StatusOr<ProbePlan> MakePlan(std::vector<AuditText> texts, PlanOptions options,
                             const TokenCount& tokens, std::span<const Canary> canaries) {
  if (options.suffix_tokens == 0 || options.prefix_tokens.empty()) {
    return InvalidArgument("bad_plan", "a plan needs a suffix length and at least one prefix");
  }
  for (AuditText& text : texts) {
    if (text.role == TextRole::kControl && text.origin == ControlOrigin::kNone) {
      text.origin = ControlOrigin::kHeldBack;
    }
  }
  std::sort(options.prefix_tokens.begin(), options.prefix_tokens.end());
  std::sort(texts.begin(), texts.end(), [](const AuditText& a, const AuditText& b) {
    if (a.role != b.role) return a.role < b.role;
    return a.partner != b.partner ? a.partner < b.partner : a.id < b.id;
  });
  const auto suffix = static_cast<int64_t>(options.suffix_tokens);
  const auto shortest = static_cast<int64_t>(options.prefix_tokens.front());
  // The frame: for each text the 어절 starts that may begin a window.
  struct Frame {
    FrameSize size;
    std::vector<Place> places;
    std::set<uint64_t> seen;
  };
  std::vector<Frame> frames;
  for (uint32_t t = 0; t < texts.size(); ++t) {
    const AuditText& text = texts[t];
    if (!ingest::IsValidUtf8(text.text)) {
      return InvalidArgument("not_utf8", text.id + " is not UTF-8; convert it first");
    }
    const bool whole_role = text.role == TextRole::kControl;
    if (frames.empty() || frames.back().size.role != text.role ||
        (!whole_role && frames.back().size.partner != text.partner)) {
      frames.emplace_back();
      frames.back().size.partner = whole_role ? "" : text.partner;
      frames.back().size.role = text.role;
    }
    Frame& frame = frames.back();
    ++frame.size.documents;
    const std::string_view all = text.text;
    const auto starts = WordStarts(all);
    // The first start with enough before it, the last with enough after it.
    const auto first = std::partition_point(starts.begin(), starts.end(), [&](uint32_t s) {
      return s == 0 || tokens(TrimEnd(all.substr(0, s))) < shortest;
    });
    const auto last = std::partition_point(
        starts.begin(), starts.end(), [&](uint32_t s) { return tokens(all.substr(s)) >= suffix; });
    if (first >= last) {
      ++frame.size.too_short;
      continue;
    }
    const ByteRanges secret = FindCanaries(all, canaries);
    for (auto s = first; s < last; ++s) {
      // Does a window from here reach into one?
      const bool canary = std::any_of(secret.begin(), secret.end(), [&](const auto& r) {
        return *s < r.second && (*s >= r.first || tokens(all.substr(*s, r.first - *s)) < suffix);
      });
      if (canary) {
        ++frame.size.canaries;
      } else if (frame.seen.insert(Identity(all, *s)).second) {
        frame.places.push_back({t, *s});
      } else {
        ++frame.size.duplicates;
      }
    }
  }

  ProbePlan plan;
  plan.options = options;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> drawn;
  std::map<uint32_t, uint32_t> windows_of;
  std::vector<uint32_t> audited;  // the texts of all draws; controls come after them
  const auto draw_controls = [&](Frame& frame) -> Status {
    JANGBU_ASSIGN_OR_RETURN(const auto index, TextIndex::Make(texts, [](const AuditText& t) {
                              return t.role == TextRole::kContributed;
                            }));
    std::vector<uint32_t> lengths;
    for (uint32_t t = 0; t < texts.size(); ++t) {
      lengths.push_back(LengthClass(index->form(t).size()));
    }
    Controls controls(texts, std::move(lengths));
    for (const Place& p : frame.places) controls.Add(p);
    std::map<uint32_t, ByteRanges> runs;
    std::map<std::pair<uint32_t, uint32_t>, bool> judged;
    const auto sound = [&](const Place& p) -> StatusOr<bool> {
      const auto [at, is_new] = judged.try_emplace({p.text, p.begin}, false);
      if (!is_new) return at->second;
      const std::string_view all = texts[p.text].text;
      if (!runs.contains(p.text)) {
        JANGBU_ASSIGN_OR_RETURN(runs[p.text], RunsIn(all, *index));
      }
      const auto end = static_cast<uint32_t>(EndOfTokens(all, p.begin, suffix, tokens));
      at->second = !Touches(runs[p.text], p.begin, end);
      plan.control_runs += at->second ? 0 : 1;
      return at->second;
    };
    std::map<std::pair<ControlMatch, ControlOrigin>, uint64_t> like;
    SeededDraw draw(options.seed + "/2/");
    for (uint32_t i = 0; i < options.control_windows; ++i) {
      JANGBU_ASSIGN_OR_RETURN(const auto control,
                              controls.Draw(audited[draw.Below(audited.size())], draw, sound));
      if (!control.has_value()) continue;
      ++drawn[{control->place.text, control->place.begin}];
      ++like[{control->match, control->origin}];
      ++frame.size.drawn;
    }
    for (const auto& [key, draws] : like) plan.controls.push_back({key.second, key.first, draws});
    return OkStatus();
  };
  for (Frame& frame : frames) {
    frame.size.windows = frame.places.size();
    for (const Place& p : frame.places) ++windows_of[p.text];
    if (!frame.places.empty() && frame.size.role == TextRole::kContributed) {
      SeededDraw draw(options.seed + "/1/" + frame.size.partner);
      for (; frame.size.drawn < options.windows; ++frame.size.drawn) {
        const Place& p = frame.places[draw.Below(frame.places.size())];
        ++drawn[{p.text, p.begin}];
        audited.push_back(p.text);
      }
    } else if (!frame.places.empty() && !audited.empty()) {
      JANGBU_RETURN_IF_ERROR(draw_controls(frame));
    }
    plan.frames.push_back(frame.size);
  }
  if (audited.empty()) {
    return InvalidArgument("no_text", "no text is long enough for a window of " +
                                          std::to_string(suffix) + " tokens after a prefix of " +
                                          std::to_string(shortest));
  }
  uint32_t last_text = UINT32_MAX;
  std::vector<uint32_t> starts;
  for (const auto& [place, draws] : drawn) {
    const auto [t, begin] = place;
    const AuditText& source = texts[t];
    const std::string_view all = source.text;
    if (t != last_text) {
      starts = WordStarts(all);
      last_text = t;
    }
    Window window;
    window.text = t;
    window.begin = begin;
    window.end = static_cast<uint32_t>(EndOfTokens(all, begin, suffix, tokens));
    window.draws = draws;
    window.documents_windows = windows_of[t];
    const auto number = static_cast<uint32_t>(plan.windows.size());
    plan.windows.push_back(window);
    const std::string_view before = TrimEnd(all.substr(0, begin));
    std::string_view longest;
    for (const uint32_t k : options.prefix_tokens) {
      const auto from = StartOfTokens(all, starts, before.size(), k, tokens);
      if (!from.has_value()) continue;
      longest = before.substr(*from);
      plan.probes.push_back(
          {number, "prefix-" + std::to_string(k), false, std::string(longest), ""});
    }
    // A document that is no longer before the window than the longest prefix: all of it, as the
    // model read it.
    if (longest.size() < before.size() &&
        tokens(before) <= static_cast<int64_t>(options.prefix_tokens.back())) {
      longest = before;
      plan.probes.push_back({number, std::string(kFromStart), false, std::string(before), ""});
    }
    if (options.attacks) AddAttacks(all, longest, number, plan.probes);
  }
  plan.texts = std::move(texts);
  AddCanaries(canaries, plan);
  return IfSamplesFit(std::move(plan));
}

StatusOr<ProbePlan> MakeGivenPlan(std::vector<GivenProbe> given, PlanOptions options) {
  ProbePlan plan;
  plan.options = options;
  std::sort(given.begin(), given.end(), [](const GivenProbe& a, const GivenProbe& b) {
    if (a.role != b.role) return a.role < b.role;
    return a.partner != b.partner ? a.partner < b.partner : a.id < b.id;
  });
  for (GivenProbe& g : given) {
    const size_t at = g.text.find(g.suffix);
    if (g.suffix.empty() || at == std::string::npos) {
      return InvalidArgument("bad_probe", "the suffix of " + g.id + " is not in its text");
    }
    const std::string partner = g.role == TextRole::kControl ? "" : g.partner;
    if (plan.frames.empty() || plan.frames.back().partner != partner ||
        plan.frames.back().role != g.role) {
      plan.frames.push_back({partner, g.role, 0, 0, 0, 0, 0, 0});
    }
    ++plan.frames.back().documents;
    ++plan.frames.back().windows;
    ++plan.frames.back().drawn;
    const auto number = static_cast<uint32_t>(plan.windows.size());
    plan.windows.push_back(
        {number, static_cast<uint32_t>(at), static_cast<uint32_t>(at + g.suffix.size()), 1, 1});
    plan.probes.push_back({number, "given", false, g.prefix, ""});
    plan.texts.push_back(
        {g.id, g.partner, "", g.role, g.copies, std::move(g.text),
         g.role == TextRole::kControl ? ControlOrigin::kHeldBack : ControlOrigin::kNone});
    if (g.role != TextRole::kControl) continue;
    if (plan.controls.empty()) {
      plan.controls.push_back({ControlOrigin::kHeldBack, ControlMatch::kAny, 0});
    }
    ++plan.controls.back().draws;
  }
  if (plan.probes.empty()) return InvalidArgument("no_text", "no probe was given");
  return IfSamplesFit(std::move(plan));
}

std::string EncodePlan(const ProbePlan& plan) {
  ByteWriter out;
  out.Raw(kMagic);
  const PlanOptions& o = plan.options;
  out.String(o.seed);
  out.U32(o.windows);
  out.U32(o.control_windows);
  out.U32(o.suffix_tokens);
  out.Varint(o.prefix_tokens.size());
  for (const uint32_t k : o.prefix_tokens) out.U32(k);
  out.U8(o.attacks ? 1 : 0);
  out.U32(o.samples);
  out.U8(o.logprobs ? 1 : 0);
  out.String(o.tokenizer);
  out.String(o.trained_until);
  out.U32(o.canary_references);
  out.Varint(plan.texts.size());
  for (const AuditText& t : plan.texts) {
    out.String(t.id);
    out.String(t.partner);
    out.String(t.source_type);
    out.U8(static_cast<uint8_t>(t.role));
    out.U32(t.copies);
    out.String(t.text);
    out.U8(static_cast<uint8_t>(t.origin));
  }
  out.Varint(plan.windows.size());
  for (const Window& w : plan.windows) {
    for (const uint32_t v : {w.text, w.begin, w.end, w.draws, w.documents_windows}) out.U32(v);
  }
  out.Varint(plan.probes.size());
  for (const Probe& p : plan.probes) {
    out.U32(p.window);
    out.String(p.cell);
    out.U8(p.chat ? 1 : 0);
    out.String(p.prompt);
    out.String(p.system);
  }
  out.Varint(plan.frames.size());
  for (const FrameSize& f : plan.frames) {
    out.String(f.partner);
    out.U8(static_cast<uint8_t>(f.role));
    for (const uint64_t v :
         {f.documents, f.too_short, f.windows, f.duplicates, f.drawn, f.canaries}) {
      out.U64(v);
    }
  }
  out.Varint(plan.controls.size());
  for (const ControlDraws& c : plan.controls) {
    out.U8(static_cast<uint8_t>(c.origin));
    out.U8(static_cast<uint8_t>(c.match));
    out.U64(c.draws);
  }
  for (const uint64_t v : {plan.control_runs, plan.canaries_unplaced, plan.canaries_withdrawn}) {
    out.U64(v);
  }
  return out.Take();
}

StatusOr<ProbePlan> DecodePlan(std::string_view bytes) {
  if (bytes.starts_with("JBPLAN01")) {
    return FailedPrecondition("plan_of_other_version",
                              "the plan was made by an earlier version; use that to go on with it, "
                              "or make it again");
  }
  ByteReader in(bytes);
  ProbePlan plan;
  if (in.Raw(kMagic.size()) != kMagic) in.MarkBad();
  const auto flag = [&] {
    const uint8_t v = in.U8();
    if (v > 1) in.MarkBad();
    return v == 1;
  };
  const auto role = [&] {
    const uint8_t v = in.U8();
    if (v < 1 || v > 3) in.MarkBad();
    return static_cast<TextRole>(v);
  };
  const auto origin = [&] {
    const uint8_t v = in.U8();
    if (v > 3) in.MarkBad();
    return static_cast<ControlOrigin>(v);
  };
  PlanOptions& o = plan.options;
  o.seed = in.String();
  o.windows = in.U32();
  o.control_windows = in.U32();
  o.suffix_tokens = in.U32();
  o.prefix_tokens.resize(in.Count(4));
  for (uint32_t& k : o.prefix_tokens) k = in.U32();
  o.attacks = flag();
  o.samples = in.U32();
  o.logprobs = flag();
  o.tokenizer = in.String();
  o.trained_until = in.String();
  o.canary_references = in.U32();
  plan.texts.resize(in.Count(10));
  for (AuditText& t : plan.texts) {
    t.id = in.String();
    t.partner = in.String();
    t.source_type = in.String();
    t.role = role();
    t.copies = in.U32();
    t.text = in.String();
    t.origin = origin();
    if (!ingest::IsValidUtf8(t.text)) in.MarkBad();
  }
  plan.windows.resize(in.Count(20));
  for (Window& w : plan.windows) {
    for (uint32_t* v : {&w.text, &w.begin, &w.end, &w.draws, &w.documents_windows}) *v = in.U32();
    if (in.ok() && (w.text >= plan.texts.size() || w.begin >= w.end ||
                    w.end > plan.texts[w.text].text.size() || w.draws == 0)) {
      in.MarkBad();
    }
  }
  plan.probes.resize(in.Count(8));
  uint32_t last = 0;
  for (Probe& p : plan.probes) {
    p.window = in.U32();
    p.cell = in.String();
    p.chat = flag();
    p.prompt = in.String();
    p.system = in.String();
    if (in.ok() && (p.window >= plan.windows.size() || p.window < last)) in.MarkBad();
    last = p.window;
  }
  plan.frames.resize(in.Count(50));
  for (FrameSize& f : plan.frames) {
    f.partner = in.String();
    f.role = role();
    for (uint64_t* v :
         {&f.documents, &f.too_short, &f.windows, &f.duplicates, &f.drawn, &f.canaries}) {
      *v = in.U64();
    }
  }
  plan.controls.resize(in.Count(10));
  for (ControlDraws& c : plan.controls) {
    c.origin = origin();
    const uint8_t match = in.U8();
    if (match < 1 || match > 4) in.MarkBad();
    c.match = static_cast<ControlMatch>(match);
    c.draws = in.U64();
  }
  for (uint64_t* v : {&plan.control_runs, &plan.canaries_unplaced, &plan.canaries_withdrawn}) {
    *v = in.U64();
  }
  if (!in.ok() || !in.empty() || !SamplesFit(plan)) {
    return DataLoss("plan_malformed", "the bytes are not a probe plan; make it again");
  }
  return plan;
}

Digest PlanDigest(std::string_view encoded) { return Sha256({"jangbu probe plan", encoded}); }

}  // namespace jangbu::audit
