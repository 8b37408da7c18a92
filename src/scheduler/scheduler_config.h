// What a run asks of its scheduler.
#pragma once

#include <cstdint>

#include "scheduler/curriculum.h"
#include "scheduler/group_lifecycle.h"
#include "scheduler/role_pool.h"

namespace srpo::scheduler {

/// How far drawing may run ahead of training.
enum class Mode {
  kSync,        ///< a step's trees are drawn with the weights it trains
  kOneStepOff,  ///< a step is drawn while the one before it is trained: weights are one
                ///< step old, and never change within a chain
  kAsync,  ///< drawing never stops: chains go on under new weights; a step trains on what
           ///< is ready, none of it begun more than max_staleness steps ago
};

struct SchedulerConfig {
  uint32_t demonstration_batches = 0;  ///< of the warm start; 0: none
  uint32_t steps = 0;                  ///< of the algorithm
  uint32_t problems_per_step = 0;      ///< 0: as many as there are (no choice, not async)
  /// Steps; before the first and after the last one too; 0: never.
  uint32_t validate_every = 0;
  /// Steps; after the warm start and after the last step too.
  uint32_t checkpoint_every = 8;
  uint32_t trees_in_flight = 0;  ///< problems drawn at the same time; 0: all of a step
  DrawSettings draws;
  PoolConfig generators;
  PoolConfig verifiers;
  PoolConfig localizers;
  Mode mode = Mode::kSync;
  uint32_t max_staleness = 1;  ///< steps, async mode
  /// Dynamic sampling: problems without signal are left out of the batch, and others are
  /// drawn for them, at most (factor - 1) x problems_per_step in a step. 1: left out
  /// only. 0: off.
  uint32_t dynamic_sampling = 0;
  CurriculumConfig curriculum;
  /// How many more chains the worker that knows the prompt, or the prefix, may hold than
  /// the least loaded one and still be preferred.
  double prompt_slack = 8;
  double prefix_slack = 64;
};

}  // namespace srpo::scheduler
