// Everything a job file says, read and checked once, at start.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/config_table.h"
#include "engine/generation_engine.h"
#include "learner/learner_config.h"
#include "model/model_config.h"
#include "records/generation_request.h"
#include "rl/arithmetic_task.h"
#include "rl/prompts.h"
#include "rl/sums_task.h"
#include "scheduler/scheduler_config.h"
#include "verify/verify_config.h"

namespace srpo::ranks {

/// How many ranks play each role. All 0: chosen by the number of ranks there are (`ranks:
/// auto`).
struct RoleCounts {
  int scheduler = 0;
  int generator = 0;
  int localization = 0;
  int verifier = 0;
  int learner = 0;
  int spares = 0;  ///< ranks, the last ones, that wait to take a lost one's place
  bool is_auto() const { return scheduler == 0; }
};

/// What is done about ranks that die or hang.
struct SupervisionLimits {
  int32_t max_restarts = 5;  ///< of a role's ranks ...
  int64_t within_seconds =
      600;                   ///< ... in so much time; then the role goes on with fewer
  double suspect_after = 5;  ///< seconds of silence
  double dead_after = 15;    ///< seconds of silence
  int32_t min_healthy = 1;   ///< ranks of a role; with fewer the run stops (75)
};

/// Where problems come from: a JSONL file, another run's shards, or one of the built-in
/// tasks.
struct DataSource {
  std::filesystem::path path;    ///< empty: made by `task`, or `replay`
  std::filesystem::path replay;  ///< a run folder: the problems that its shards hold
  double min_reward = 1;         ///< of a recorded trajectory that is a demonstration
  std::string task;              ///< "arithmetic" or "sums"
  std::string kind = "math";
  int64_t limit = 0;  ///< problems; 0: all of a file
  int64_t skip = 0;   ///< lines of a file
  rl::ArithmeticRange arithmetic;
  rl::OperandRange sums;
  bool held_out = false;
};

/// Supervised training on demonstrations before the algorithm starts.
struct WarmStart {
  uint32_t batches = 0;  ///< 0: none
  uint32_t batch_size = 128;
  double learning_rate = 1e-3;
  double final_learning_rate = 1e-4;  ///< reached by a cosine over the batches
  double localization_share =
      0.2;  ///< of the batch: demonstrations of naming the first wrong thought
  double hasty_share =
      0;  ///< of the worked solutions: those that take two operations at a time
  DataSource data;
};

/// A model from a folder, or one made from nothing.
struct ModelSource {
  std::filesystem::path path;  ///< Hugging Face folder; empty: from nothing
  model::ModelConfig from_nothing;
  bool has_adapter = false;
  int64_t adapter_rank = 64;
  double adapter_alpha = 64;
};

/// How work is handed out, and how far drawing may run ahead of training.
struct Schedule {
  scheduler::Mode mode = scheduler::Mode::kSync;
  uint32_t max_staleness = 1;     ///< steps; async mode
  bool partial_rollouts = false;  ///< chains go on under new weights; async mode
  uint32_t dynamic_sampling = 0;  ///< times the problems of a step; 0: off
  scheduler::CurriculumConfig curriculum;
  double hedge_seconds = 60;     ///< shortest time until a sequence is asked for twice;
                                 ///< 0: never
  uint32_t generator_slots = 0;  ///< sequences a worker holds at most; 0: any number
  uint32_t verifier_slots = 0;
};

struct RunConfig {
  std::string name;
  std::filesystem::path folder;
  uint64_t seed = 0;
  std::string log_level = "info";
  std::filesystem::path trace_file;  ///< empty: no tracing; relative: in the run folder
  uint32_t trace_events = 0;         ///< that each rank keeps, the last ones
  uint32_t steps = 0;
  int64_t call_seconds = 600;
  double drain_seconds = 20;  ///< that a drain lets what is in flight go on
  RoleCounts ranks;
  SupervisionLimits supervision;
  ModelSource model;
  rl::PromptStyle prompt_style = rl::PromptStyle::kMethod;
  std::string prompt_examples;  ///< between instructions and question, as they are
  records::Sampling sampling;
  records::ChainLimits limits;
  records::Sampling localization_sampling;
  int32_t localization_tokens = 4096;
  engine::EngineConfig engine;
  std::vector<DataSource> train;
  /// A run folder whose steps are trained on as they were recorded; empty: trees are
  /// drawn.
  std::filesystem::path replay_of;
  std::vector<DataSource> validation;
  uint32_t validate_every = 0;
  double validation_temperature = 0;  ///< 0: greedy, as the method measures
  WarmStart warm_start;
  learner::LearnerConfig learner;
  verify::VerifyConfig verify;
  uint32_t prompts_per_step = 32;
  uint32_t trees_in_flight = 0;
  Schedule schedule;
  uint32_t shard_trees = 256;
  std::string compression = "none";
  uint32_t keep_steps = 0;  ///< shards of older steps are removed; 0: all are kept
  uint32_t checkpoint_every = 8;
  uint32_t checkpoints_kept = 3;
  std::string export_format = "auto";  ///< "auto", "huggingface", "peft", "none"

  /// Reads the whole job. Throws kBadConfig for unknown keys, types, ranges, and
  /// combinations that cannot work.
  static RunConfig read(const core::ConfigTable& job);

  /// Of the problems to be judged, each once; recorded ones (`replay`) not among them.
  std::set<std::string> problem_kinds() const;
};

/// The `algorithm` section of a job, for rl::make_algorithm.
core::ConfigTable algorithm_section(const core::ConfigTable& job);

}  // namespace srpo::ranks
