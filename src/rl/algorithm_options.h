// Options that several algorithms share, each read in one place.
#pragma once

#include <cstdint>
#include <string>

#include "core/config_table.h"
#include "rl/credited_group.h"
#include "rl/training_tree.h"

namespace srpo::rl {

/// `weighting` (sequence, token, constant), `constant_length`, `loss_temperature`,
/// `clip`, `clip_high`, `dual_clip`, `off_policy` (none, truncated), `importance_cap`,
/// `kl_kind` (low_variance, squared). `otherwise` gives the defaults. Throws kBadConfig
/// for what does not go together.
LossRule read_loss_rule(const core::ConfigTable& options, const LossRule& otherwise);

/// `std` (population, sample, none), `std_floor`, `std_epsilon`, `rewards` (graded,
/// binary), `dilution`, `kl`. `otherwise` gives the defaults; `correct_from` is left as
/// it is.
CreditRule read_credit_rule(const core::ConfigTable& options,
                            const CreditRule& otherwise);

/// `failed_below`: a chain with a smaller reward has failed.
double read_failed_below(const core::ConfigTable& options);

/// A number of chains under `key`.
uint32_t read_count(const core::ConfigTable& options, const std::string& key,
                    int64_t otherwise, int64_t lowest, int64_t highest);

}  // namespace srpo::rl
