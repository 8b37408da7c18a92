#include "scheduler/scheduler_benchmark.h"

#include <algorithm>
#include <cstdio>

#include "core/error.h"
#include "scheduler/simulated_world.h"

namespace srpo::scheduler {

SchedulerMeasurement measure_scheduler(uint32_t workers, uint64_t samples) {
  REQUIRE(workers > 0 && samples > 0, kBadInput,
          "workers=" << workers << " samples=" << samples << " (expected more than 0)");
  constexpr uint64_t kSamplesOfProblem = 9;  // five fresh chains, four endings, or more
  SimulationConfig config;
  config.problems_per_step = std::max(32U, workers);
  config.scheduler.steps = static_cast<uint32_t>(std::max<uint64_t>(
      2, samples / (kSamplesOfProblem * config.problems_per_step) + 1));
  config.scheduler.generators.workers = workers;
  config.scheduler.verifiers.workers = std::max(1U, workers / 4);
  config.scheduler.localizers.workers = std::max(1U, workers / 16);
  config.scheduler.checkpoint_every = 1U << 20;
  config.measures_decisions = true;
  const SimulationResult run = SimulatedWorld(config).run();
  ENSURE(run.finished, "the simulated run did not end: " << run.stuck);
  const double seconds = static_cast<double>(run.events) / run.decisions_per_second;
  return {workers,
          run.samples,
          static_cast<double>(run.samples) / seconds,
          run.decisions_per_second,
          run.decision_p99_seconds,
          run.decision_max_seconds};
}

std::vector<std::string> table_of(const std::vector<SchedulerMeasurement>& rows) {
  std::vector<std::string> lines = {
      "workers   samples  samples/s  decisions/s   p99 us   max ms"};
  for (const SchedulerMeasurement& row : rows) {
    char line[128];
    std::snprintf(line, sizeof line, "%7u  %8llu  %9.0f  %11.0f  %7.2f  %7.2f",
                  row.workers, static_cast<unsigned long long>(row.samples),
                  row.samples_per_second, row.decisions_per_second, row.p99_seconds * 1e6,
                  row.max_seconds * 1e3);
    lines.emplace_back(line);
  }
  return lines;
}

}  // namespace srpo::scheduler
