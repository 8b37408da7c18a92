// Names that events, commands and pools share: roles, worker numbers, time.
#pragma once

#include <chrono>
#include <cstdint>

namespace srpo::scheduler {

/// Since any fixed moment, on a monotonic clock of the caller's.
using Time = std::chrono::nanoseconds;

enum class Role : uint8_t { kGenerator = 0, kVerifier = 1, kLocalizer = 2 };
inline constexpr int kNumRoles = 3;

inline const char* name_of(Role role) {
  static constexpr const char* kNames[] = {"generator", "verifier", "localizer"};
  return kNames[static_cast<int>(role)];
}

}  // namespace srpo::scheduler
