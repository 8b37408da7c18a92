// Section `evaluation` of a job file: the tasks, how each is asked, and what is counted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/config_table.h"
#include "evaluation/task_presets.h"
#include "records/generation_request.h"

namespace srpo::evaluation {

enum class Mode {
  kSinglePass,  ///< one turn of the model's chat template, to the end of text
  kThoughts,    ///< thought by thought, as in training
  kCorrection,  ///< the same, then iterative self-correction
};

struct TaskConfig {
  std::string name;
  std::string title;
  std::filesystem::path path;
  TaskLayout layout = TaskLayout::kQuestion;
  std::string kind;
  std::string hint;
  std::string filter_field;  ///< "" for all lines
  std::string filter_value;
  std::string group;
  uint64_t skip = 0;
  uint64_t limit = 0;  ///< 0: all
  uint32_t samples = 1;
  records::Sampling sampling;  ///< its seed is set for each seed of the job
};

/// Method §7.1; the model is told that the answer is wrong, not what is right.
struct CorrectionConfig {
  uint32_t iterations = 10;
  bool stop_when_correct = true;  ///< by the verifier: an oracle
  uint32_t belief_votes = 0;  ///< times the model is asked whether it is right; 0: not
  std::string belief_rule = "majority";  ///< of the votes: unanimous, majority or any
  double belief_temperature = 0.3;
  std::string localizer = "self";  ///< or random, oracle
  uint32_t localization_votes = 1;
  double temperature = 0.7;  ///< of the endings
  bool keep_prefix = true;   ///< false: the control that starts afresh
};

struct EvaluationConfig {
  Mode mode = Mode::kThoughts;
  std::vector<uint64_t> seeds;
  std::vector<uint32_t> pass_at;  ///< k of pass@k and maj@k
  std::vector<TaskConfig> tasks;
  CorrectionConfig correction;
  std::filesystem::path adapter;  ///< PEFT folder; empty for none
  uint32_t resamples = 10000;     ///< of the bootstrap over items
  bool shards = true;             ///< whether replay shards are written
  uint32_t verifiers = 0;         ///< ranks that judge; 0: by the number of ranks
  uint32_t in_flight = 0;  ///< samples at a time, a generator; 0: its batch and half

  /// `run_seed` is the first seed. Throws kBadConfig.
  static EvaluationConfig read(const core::ConfigTable& job, uint64_t run_seed);
};

/// 24 bits for TrajectoryId::step: the same for a task's name and a seed, whatever else
/// the job asks; seeds that are 64 apart share one.
uint32_t draw_step(const std::string& task, uint64_t seed);

/// The job as the ranks of a training run read it: all sections but `evaluation` and
/// `ranks`, with a source for each kind of problem so that verifiers get ready for it.
std::string worker_job(const core::ConfigTable& job, const EvaluationConfig& config);

}  // namespace srpo::evaluation
