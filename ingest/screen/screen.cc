#include "ingest/screen/screen.h"

#include <array>

namespace jangbu::ingest {

namespace {

std::string_view UnitOf(QualityRule rule) {
  switch (rule) {
    case QualityRule::kTooShort:
    case QualityRule::kMachineTranslation:
      return "";
    case QualityRule::kCharacterNoise:
      return "‰";
    default:
      return "%";
  }
}

// "spaced_out 100% > 80%": no words, since it is shown in every language.
std::string Tripped(const QualityFlag& flag) {
  const std::string unit(UnitOf(flag.rule));
  return std::string(NameOf(flag.rule)) + " " + std::to_string(flag.value) + unit +
         (TripsBelow(flag.rule) ? " < " : " > ") + std::to_string(flag.threshold) + unit;
}

}  // namespace

std::string Summary(const std::vector<PersonalSpan>& spans) {
  std::array<size_t, kPersonalKinds> counts{};
  for (const PersonalSpan& span : spans) ++counts[static_cast<size_t>(span.kind) - 1];
  std::string out;
  for (int i = 0; i < kPersonalKinds; ++i) {
    const size_t count = counts[static_cast<size_t>(i)];
    if (count == 0) continue;
    if (!out.empty()) out += ", ";
    out += std::string(NameOf(static_cast<PersonalKind>(i + 1))) + " " + std::to_string(count);
  }
  return out;
}

Screened Screen(std::string& canonical, const ScreenPolicy& policy) {
  Screened out;
  if (policy.personal_data == PersonalDataPolicy::kMask) {
    out.personal_data = MaskPersonalData(canonical);
  } else {
    out.personal_data = SpansOf(canonical, FindPersonalData(canonical));
  }
  if (policy.personal_data == PersonalDataPolicy::kReject && !out.personal_data.empty()) {
    out.reason = "personal_data";
    out.detail = Summary(out.personal_data);
    return out;
  }
  out.flags = JudgeQuality(MeasureQuality(canonical), policy.quality);
  for (const QualityFlag& flag : out.flags) {
    if (!flag.rejects) continue;
    out.reason = "quality_" + std::string(NameOf(flag.rule));
    out.detail = Tripped(flag);
    break;
  }
  return out;
}

}  // namespace jangbu::ingest
