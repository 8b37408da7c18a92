// How fast the scheduler decides, by number of workers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace srpo::scheduler {

struct SchedulerMeasurement {
  uint32_t workers =
      0;  ///< generators; a quarter as many verifiers, a sixteenth localizers
  uint64_t samples = 0;  ///< sequences that were generated, verified and recorded
  double samples_per_second = 0;    ///< of real time spent in the scheduler, one core
  double decisions_per_second = 0;  ///< events
  double p99_seconds = 0;           ///< of one decision
  double max_seconds = 0;  ///< the opening of a step, which begins all of its problems

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("workers", self.workers);
    visit("samples", self.samples);
    visit("samples_per_second", self.samples_per_second);
    visit("decisions_per_second", self.decisions_per_second);
    visit("p99_seconds", self.p99_seconds);
    visit("max_seconds", self.max_seconds);
  }
};

/// Simulates a run of SRPO with at least so many samples in two steps or more, one
/// problem in flight for each worker, and reads the real clock around every decision.
SchedulerMeasurement measure_scheduler(uint32_t workers, uint64_t samples);

/// Aligned columns, a heading first.
std::vector<std::string> table_of(const std::vector<SchedulerMeasurement>& rows);

}  // namespace srpo::scheduler
