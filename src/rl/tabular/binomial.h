// How many of n coins fall heads, in constant time.
#pragma once

#include <cstdint>

#include "core/random.h"

namespace srpo::rl::tabular {

/// Exactly binomial: by inversion where the mean is small, else by transformed rejection
/// (Hormann 1993). `chance` in [0, 1].
uint64_t draw_binomial(uint64_t count, double chance, core::Rng& rng);

}  // namespace srpo::rl::tabular
