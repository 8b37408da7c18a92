// What a run spent, on what, and how much of it taught something (method §9).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/run_identity.h"
#include "analysis/run_times.h"
#include "analysis/statistics.h"
#include "analysis/table.h"
#include "records/rollout_tree.h"

namespace srpo::analysis {

/// Constant memory but for the times, which have a row a step.
struct EfficiencyReport {
  explicit EfficiencyReport(std::string run_name = "", RunIdentity of = {})
      : name(std::move(run_name)), identity(std::move(of)) {}

  std::string name;
  RunIdentity identity;
  RunTimes times;

  std::array<uint64_t, 5> decoded{};        ///< tokens sampled, by records::Use
  std::array<uint64_t, 5> trajectories{};   ///< by records::Use
  uint64_t localization_tokens = 0;         ///< sampled for replies
  uint64_t localization_prompt_tokens = 0;  ///< computed for them
  uint64_t resets = 0;
  uint64_t prefilled = 0;         ///< tokens computed again for any chain
  uint64_t ending_prefilled = 0;  ///< of them, for endings: 0 when caches were forked
  uint64_t prefix_tokens = 0;     ///< kept prefixes, counted once for each ending
  uint64_t trained_tokens = 0;    ///< that carry loss, in groups with a variance
  uint64_t flat_tokens = 0;       ///< the same in groups without one: no gradient
  uint64_t masked_tokens = 0;     ///< kept prefixes of endings: conditioned on, no loss
  uint64_t paper_tokens = 0;      ///< prompt and response of all trained trajectories
  Mean response;                  ///< tokens of a trained one, kept prefix included
  double verifier_seconds = 0;

  void add(const records::RolloutTree& tree);

  /// Tokens sampled for training trees, replies included.
  uint64_t decoded_for_training() const;
  /// Seconds of all but warm start and validation; of drawing and training alone when the
  /// summary does not cover the run.
  std::optional<double> train_seconds() const;
  std::optional<double> generation_seconds() const;
  std::optional<double> validation_seconds() const;  ///< nothing: not known
  std::optional<double> total_seconds() const;       ///< train and validation
  /// Whether summary.json tells of all steps, and not only of those after a restart.
  bool summary_covers_run() const;
};

/// `tokens`, `stages`, `idle` (of each role: by stage, as when one stage waits for
/// another, and by processor time), `paper` (the paper's table, each run against the
/// first). The first three tell of the first run.
std::vector<Table> efficiency_tables(const std::vector<EfficiencyReport>& runs);

/// Tokens of the first run by what they were sampled for.
std::string efficiency_svg(const EfficiencyReport& run);

/// Reads shards, metrics and summary of a run.
EfficiencyReport read_efficiency(const std::filesystem::path& run);

}  // namespace srpo::analysis
