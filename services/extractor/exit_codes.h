#pragma once

// How jangbu-extract ends when it does not end well.

namespace jangbu::services {

inline constexpr int kWorkerBadCall = 64;
inline constexpr int kWorkerNoSandbox = 65;
inline constexpr int kWorkerOutOfMemory = 66;

}  // namespace jangbu::services
