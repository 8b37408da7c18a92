// Keeps what a learner does in one step, and writes it to the run's debug folder.
#pragma once

#include <filesystem>

#include "learner/step_observer.h"
#include "storage/step_dump.h"

namespace srpo::ranks {

/// One thread only: the learner's.
class StepRecorder final : public learner::StepObserver {
 public:
  StepRecorder(uint32_t step, uint32_t learner);

  void see_micro_batch(const rl::PackedBatch& batch, std::span<const float> logprobs,
                       std::span<const double> losses) override;
  void see_gradient(std::span<const learner::UnitNorm> norms, bool is_applied) override;

  const storage::StepDump& dump() const { return dump_; }
  void write(const std::filesystem::path& run_folder) const;

 private:
  storage::StepDump dump_;
};

}  // namespace srpo::ranks
