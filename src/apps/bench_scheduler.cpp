// Decisions of the scheduler on one core, by number of workers.
#include <algorithm>

#include "apps/bench.h"
#include "scheduler/scheduler_benchmark.h"

namespace srpo::bench {
namespace {

/// Enough of them that a repetition takes about so long on one core.
constexpr double kSamplesPerSecond = 100'000;

int run_scheduler(const Options& options, int*, char***) {
  Report report("scheduler", options);
  const auto samples =
      static_cast<uint64_t>(std::max(1000.0, options.seconds * kSamplesPerSecond));
  for (const uint32_t workers : {64U, 256U, 1000U, 4000U, 10'000U}) {
    const std::string name = std::to_string(workers) + " workers: ";
    if (!report.wants(name)) continue;
    std::vector<double> decisions;
    std::vector<double> sequences;
    std::vector<double> p99;
    std::vector<double> longest;
    for (int i = 0; i < options.repeats; ++i) {
      const auto figures = scheduler::measure_scheduler(workers, samples);
      decisions.push_back(figures.decisions_per_second);
      sequences.push_back(figures.samples_per_second);
      p99.push_back(figures.p99_seconds * 1e6);
      longest.push_back(figures.max_seconds * 1e6);
    }
    report.add({name + "decisions", "/s", best("/s", decisions), 0, ""});
    report.add({name + "sequences", "/s", best("/s", sequences), 0, ""});
    report.add({name + "p99 of a decision", "us", best("us", p99), 0, ""});
    report.add({name + "longest decision", "us", best("us", longest), 0,
                "opens a step with all of its problems"});
  }
  report.finish();
  return 0;
}

const Registration scheduler_benchmark(
    "scheduler", "decisions on one core for 64 to 10,000 simulated workers",
    run_scheduler);

}  // namespace
}  // namespace srpo::bench
