// How much memory there is left.
#pragma once

#include <cstdint>
#include <optional>

namespace srpo::core {

/// Bytes that this process may still take: what the machine has free, or what its control
/// group leaves it where that is less. Nothing where the system tells neither.
std::optional<int64_t> free_memory();

}  // namespace srpo::core
