// A chain of thoughts that one wrong thought spoils for good: what a reset buys there,
// exactly.
#pragma once

#include <cstddef>
#include <vector>

#include "rl/tabular/mdp.h"

namespace srpo::rl::tabular {

/// Each of `thoughts` thoughts is wrong with chance `error`, independently; the answer is
/// right when none is.
struct ErrorChain {
  size_t thoughts = 10;
  double error = 0.1;

  /// Two states, clean (0) and spoilt (1); action 0 is a right thought, 1 a wrong one; 1
  /// is paid at the end if clean.
  Instance to_instance() const;
};

/// Which thought of a failed chain is drawn again first, from 1; those before it stay.
enum class ChainReset {
  kFresh,       ///< the first: nothing is kept
  kRandom,      ///< uniform over all thoughts
  kFirstError,  ///< the first wrong thought, always
  kHitOrMiss,   ///< that one with a given chance, else any other, uniformly
  kMeasured,    ///< off by as much as was measured of a 7B model (method §7.2)
};

struct ChainOutcome {
  double success = 0;   ///< chance that an ending is right
  double kept = 0;      ///< share of the chain that stays
  double clean = 0;     ///< chance that no wrong thought stays
  double mixed = 0;     ///< chance that a group of endings has right and wrong ones
  double thoughts = 0;  ///< drawn for an ending
};

/// Exact. `hit_rate` is for kHitOrMiss; `group` endings are drawn from each reset.
ChainOutcome chain_outcome(const ErrorChain& chain, ChainReset reset, double hit_rate,
                           size_t group);

/// Chance of the first wrong thought being the k-th (index k-1), given that one is.
std::vector<double> first_error_chances(const ErrorChain& chain);

}  // namespace srpo::rl::tabular
