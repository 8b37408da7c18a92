// Rewards of a group to advantages: how much better a chain did than its siblings.
#pragma once

#include <vector>

namespace srpo::rl {

/// What the distance to the mean is divided by.
enum class Deviation {
  kPopulation,  ///< ddof 0
  kSample,      ///< ddof 1
  kNone,        ///< nothing
};

struct AdvantageRule {
  Deviation deviation = Deviation::kPopulation;
  double std_floor = 0;  ///< the least the divisor can be
  double epsilon = 0;    ///< added to the deviation
};

/// (r - mean) / max(std + epsilon, std_floor); all zero for equal rewards, a deviation
/// below 1e-8 and a group of one.
std::vector<double> group_advantages(const std::vector<double>& rewards,
                                     const AdvantageRule& rule);

/// (r - mean) / std with the population standard deviation (ddof 0) and nothing added to
/// it; all zero when it is below 1e-8 (method §4.1). A `std_floor` above 0 is the least
/// the divisor can be, for graded rewards that differ little.
std::vector<double> srpo_advantages(const std::vector<double>& rewards,
                                    double std_floor = 0);

/// (r - mean) / (std + 1e-6) with the sample standard deviation (ddof 1); all zero for a
/// group of one (method §5.1).
std::vector<double> grpo_advantages(const std::vector<double>& rewards);

}  // namespace srpo::rl
