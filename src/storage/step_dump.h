// One training step as a learner saw it, for debugging: an HDF5 file a learner.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace srpo::storage {

/// One forward and backward pass. Tokens lie in segments, each behind its parent (-1:
/// none); a loss row is one target predicted from one token's hidden state.
struct DumpedBatch {
  uint32_t update = 0;  ///< of the step, from 0
  std::vector<int32_t> tokens;
  std::vector<int32_t> positions;
  std::vector<int32_t> segment_begins, segment_ends, segment_parents;
  // One entry for each loss row.
  std::vector<int32_t> hidden_indices;
  std::vector<int32_t> targets;
  std::vector<int32_t> row_sequences;
  std::vector<float> coefficients;  ///< advantage times weight
  std::vector<float> sampled_logprobs;
  std::vector<float> logprobs;
  std::vector<double> losses;
  // One entry for each sequence.
  std::vector<int32_t> sequence_trees;    ///< among the trees of the update
  std::vector<int32_t> sequence_numbers;  ///< in the tree, fresh ones first
};

/// The gradient of an update, over all learners.
struct DumpedUpdate {
  std::vector<double> norms;  ///< L2 of each unit, before clipping
  bool is_applied = false;    ///< false: it was not finite
};

struct StepDump {
  uint32_t step = 0;
  uint32_t learner = 0;
  std::vector<std::string> units;  ///< what is gathered together: mostly layers
  std::vector<DumpedBatch> batches;
  std::vector<DumpedUpdate> updates;
};

/// `RUN/debug/step_000003_learner_0.h5`
std::filesystem::path step_dump_file(const std::filesystem::path& run_folder,
                                     uint32_t step, uint32_t learner);

/// Makes the folder; the file is renamed into place.
void write_step_dump(const std::filesystem::path& path, const StepDump& dump);

/// Throws kBadFile for a file that is damaged, or whose parts do not fit together.
StepDump read_step_dump(const std::filesystem::path& path);

/// All dumps of a run, by step and learner.
std::vector<std::filesystem::path> list_step_dumps(
    const std::filesystem::path& run_folder);

}  // namespace srpo::storage
