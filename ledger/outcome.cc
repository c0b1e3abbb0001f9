#include "ledger/outcome.h"

#include <array>
#include <cstddef>

namespace jangbu::ledger {
namespace {

constexpr std::array<std::string_view, kOutcomeCount> kNames = {
#define JANGBU_OUTCOME_NAME(enumerator, name) #name,
    JANGBU_LEDGER_OUTCOMES(JANGBU_OUTCOME_NAME)
#undef JANGBU_OUTCOME_NAME
};

}  // namespace

std::string_view NameOf(Outcome outcome) { return kNames[static_cast<size_t>(outcome)]; }

}  // namespace jangbu::ledger
