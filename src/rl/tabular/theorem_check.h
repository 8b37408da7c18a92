// The theory's inequalities held against exact numbers of one decision process.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "rl/tabular/cpi.h"

namespace srpo::rl::tabular {

/// In the order of method §8.3.
enum class Inequality {
  kDifference,     ///< gain = sum of the new visits' advantages (an identity)
  kDecomposition,  ///< A = p A^G + (1 - p) A^Gc (an identity)
  kCoverage,       ///< A of the greedy policy on G >= tau p
  kSimulation,     ///< sum of visit distances <= alpha H^2 p
  kConservative,   ///< gain >= alpha H A - alpha^2 H^3 R / 2
  kCreditAware,    ///< gain >= alpha H p A^G - alpha^2 H^3 R p
  kTheoremRandom,  ///< gain >= A^2 / (8 H R) >= tau^2 p^2 / (8 H R)
  kTheoremCredit,  ///< gain >= tau^2 p / (16 H R)
};
inline constexpr size_t kNumInequalities = 8;
std::string name_of(Inequality inequality);

struct InequalityCheck {
  bool holds = true;
  double ratio = 0;  ///< right side over left side, 1 where it is tight; 0 for identities
};

struct TheoremCheck {
  double coverage = 0;
  double threshold = 0;
  double gain_random = 0;
  double gain_credit = 0;
  std::array<InequalityCheck, kNumInequalities> checks;

  const InequalityCheck& of(Inequality inequality) const {
    return checks[static_cast<size_t>(inequality)];
  }
  bool holds() const;
};

/// Exact values everywhere; the inequalities in alpha at 10 weights from 0.001 to 1.
/// `threshold_share` in (0, 1] is tau over the largest advantage there is. Rounding of
/// 1e-10 is forgiven. A policy that cannot be improved at all gives coverage 0.
TheoremCheck check_theorem(const Mdp& mdp, const Policy& policy, double threshold_share);

}  // namespace srpo::rl::tabular
