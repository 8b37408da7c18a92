// Executes one optimizer step again from the shards, and holds it against the checkpoint
// behind it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace srpo::ranks {

struct ReplayStepResult {
  uint32_t step = 0;            ///< the checkpoint that was compared with
  std::string from;             ///< the checkpoint that it went on from, or "nothing"
  uint64_t trees = 0;           ///< trained on
  uint64_t bytes = 0;           ///< of weights and optimizer state that were compared
  uint64_t different = 0;       ///< of them, those that differ
  std::string first_different;  ///< file and offset; empty when none
};

/// Goes on from the newest checkpoint before `step` optimizer steps (from nothing, with
/// its warm start, when none is left), trains on the recorded trees of the steps between,
/// and compares weights and optimizer state with the checkpoint at `step`, bit by bit. As
/// many learners as the run had, as threads of this process; a run folder is not changed.
/// Throws kBadInput when the run has no checkpoint at `step`, kBadFile when a shard or
/// checkpoint that it needs cannot be read.
ReplayStepResult replay_step(const std::filesystem::path& run, uint32_t step);

/// replay_step with its result on standard output; the exit code: 0, or 64 when a bit
/// differs.
int replay_step_main(const std::filesystem::path& run, uint32_t step);

}  // namespace srpo::ranks
