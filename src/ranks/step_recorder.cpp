#include "ranks/step_recorder.h"

namespace srpo::ranks {

namespace {

std::vector<int32_t> narrowed(const std::vector<int64_t>& values) {
  std::vector<int32_t> narrow;
  narrow.reserve(values.size());
  for (const int64_t value : values) narrow.push_back(static_cast<int32_t>(value));
  return narrow;
}

}  // namespace

StepRecorder::StepRecorder(uint32_t step, uint32_t learner) {
  dump_.step = step;
  dump_.learner = learner;
}

void StepRecorder::see_micro_batch(const rl::PackedBatch& batch,
                                   std::span<const float> logprobs,
                                   std::span<const double> losses) {
  storage::DumpedBatch own;
  own.update = static_cast<uint32_t>(dump_.updates.size());
  own.tokens = narrowed(batch.tokens);
  own.positions = narrowed(batch.positions);
  for (const rl::PackedSegment& segment : batch.segments) {
    own.segment_begins.push_back(static_cast<int32_t>(segment.begin));
    own.segment_ends.push_back(static_cast<int32_t>(segment.end));
    own.segment_parents.push_back(static_cast<int32_t>(segment.parent));
  }
  own.hidden_indices = narrowed(batch.hidden_indices);
  own.targets = narrowed(batch.targets);
  own.row_sequences = batch.sequences;
  own.coefficients = batch.coefficients;
  own.sampled_logprobs = batch.sampled_logprobs;
  own.logprobs.assign(logprobs.begin(), logprobs.end());
  own.losses.assign(losses.begin(), losses.end());
  for (const rl::SequenceOrigin& origin : batch.origins) {
    own.sequence_trees.push_back(origin.tree);
    own.sequence_numbers.push_back(origin.sequence);
  }
  dump_.batches.push_back(std::move(own));
}

void StepRecorder::see_gradient(std::span<const learner::UnitNorm> norms,
                                bool is_applied) {
  storage::DumpedUpdate update;
  update.is_applied = is_applied;
  dump_.units.clear();
  for (const learner::UnitNorm& norm : norms) {
    dump_.units.push_back(norm.unit);
    update.norms.push_back(norm.norm);
  }
  dump_.updates.push_back(std::move(update));
}

void StepRecorder::write(const std::filesystem::path& run_folder) const {
  storage::write_step_dump(storage::step_dump_file(run_folder, dump_.step, dump_.learner),
                           dump_);
}

}  // namespace srpo::ranks
