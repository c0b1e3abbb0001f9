#pragma once

// What a dossier says in words, and what it calls things. Part of dossier.h; pure, thread-safe.

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/provenance/dossier.h"

namespace jangbu::audit {

// 1234567 → "1,234,567".
std::string Grouped(uint64_t n);

// What people call a thing that has this name in the JSON; the name itself where there is no other.
std::string ShownName(std::string_view name, DossierLang lang);

}  // namespace jangbu::audit
