// Where a policy can be improved: the states in which some action gains at least a
// threshold.
#pragma once

#include <vector>

#include "rl/tabular/evaluation.h"

namespace srpo::rl::tabular {

/// Of (step, state): whether it is changed, improvable, or believed to be.
using Membership = std::vector<bool>;

/// Where the best advantage is at least `threshold` (the set G of the theory).
Membership improvable(const Evaluation& evaluation, double threshold);

/// The largest advantage of any action in a state that is visited at all.
double largest_advantage(const Evaluation& evaluation);

/// p: the share of visited (step, state) that are members.
double coverage(const Evaluation& evaluation, const Membership& members);

/// The policy advantage of `other` given members: (1/H) sum E[A 1{member}] / coverage; 0
/// for no coverage.
double conditional_advantage(const Evaluation& evaluation, const Policy& other,
                             const Membership& members);

/// `inside` on members, `outside` elsewhere.
Policy combined(const Policy& inside, const Policy& outside, const Membership& members);

/// (1 - weight) policy + weight other, everywhere.
Policy mixed(const Policy& policy, const Policy& other, double weight);

Membership complement(const Membership& members);

}  // namespace srpo::rl::tabular
