// Rewards of a run: by step, by kind and by source of problem, and how they lie.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analysis/curve_svg.h"
#include "analysis/statistics.h"
#include "analysis/table.h"
#include "records/rollout_tree.h"

namespace srpo::analysis {

/// Rewards of some trees.
struct RewardRow {
  Mean base;     ///< over chains
  Mean suffix;   ///< over endings
  Mean seed;     ///< over failed chains
  Mean surplus;  ///< over chains that were drawn and not trained
  Mean validation;
  Proportion all_right;  ///< problems whose trained chains all have reward 1
  Proportion all_wrong;  ///< problems whose trained chains all have reward 0
  Proportion correct;    ///< trained chains of reward 1

  void add(const records::RolloutTree& tree);
};

/// Constant memory but for a row a step; beyond 256 sources the rest is one row.
struct RewardReport {
  RewardRow total;
  std::map<uint32_t, RewardRow> steps;
  std::map<std::string, RewardRow> kinds;    ///< by kind of verifier
  std::map<std::string, RewardRow> sources;  ///< by what a problem's id begins with
  /// Trained chains by reward: 0, (0, 0.1], ... (0.9, 1), 1.
  std::vector<uint64_t> base_rewards = std::vector<uint64_t>(12, 0);
  std::vector<uint64_t> suffix_rewards = std::vector<uint64_t>(12, 0);

  void add(const records::RolloutTree& tree);
};

/// `arithmetic/7/train/level3` of `arithmetic/7/train/level3/120`, `gsm8k.jsonl` of
/// `gsm8k.jsonl:12`; the whole id when it has neither.
std::string source_of(const std::string& problem_id);

/// `rewards` (one row in all, then by kind, then by source), `distribution`, and with
/// `per_step` also `steps`.
std::vector<Table> reward_tables(const RewardReport& report, bool per_step);

/// Mean rewards of base and suffix groups by step, and the validation.
std::vector<Series> reward_curves(const RewardReport& report);

}  // namespace srpo::analysis
