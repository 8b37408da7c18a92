#include "ranks/scheduler_setup.h"

#include <chrono>

namespace srpo::ranks {

scheduler::SchedulerConfig scheduler_config(const RunConfig& job,
                                            const records::DrawPlan& plan,
                                            const RankLayout& layout) {
  scheduler::SchedulerConfig config;
  const Schedule& schedule = job.schedule;
  config.demonstration_batches = job.warm_start.batches;
  config.steps = job.steps;
  config.validate_every = job.validate_every;
  config.checkpoint_every = job.checkpoint_every;
  config.trees_in_flight = job.trees_in_flight;
  config.draws.plan = plan;
  config.draws.sampling = job.sampling;
  config.draws.validation_sampling = job.sampling;
  config.draws.validation_sampling.temperature = job.validation_temperature;
  config.draws.limits = job.limits;
  config.problems_per_step = job.prompts_per_step;
  config.mode = schedule.mode;
  config.max_staleness = schedule.max_staleness;
  config.dynamic_sampling = schedule.dynamic_sampling;
  config.curriculum = schedule.curriculum;
  const auto pool = [&](const std::vector<int>& ranks, uint32_t slots) {
    scheduler::PoolConfig of_role;
    of_role.workers = static_cast<uint32_t>(ranks.size());
    of_role.slots = slots;
    of_role.hedge_floor = std::chrono::duration_cast<scheduler::Time>(
        std::chrono::duration<double>(schedule.hedge_seconds));
    return of_role;
  };
  config.generators = pool(layout.generators, schedule.generator_slots);
  config.verifiers = pool(layout.verifiers, schedule.verifier_slots);
  config.localizers = pool(layout.localizers, 0);
  return config;
}

}  // namespace srpo::ranks
