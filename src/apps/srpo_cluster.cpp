// The run: reads a job file and plays this rank's part of it, under mpirun with any
// number of ranks.
#include <cstdio>
#include <optional>
#include <vector>

#include <CLI/CLI.hpp>

#include "comm/mpi_session.h"
#include "core/error.h"
#include "ranks/replay_step.h"
#include "ranks/run_rank.h"
#include "ranks/simulate_job.h"
#include "ranks/start_up.h"

namespace {

int print_config(const srpo::ranks::RunOptions& options) {
  try {
    const auto job = srpo::ranks::load_job(options.job_file, options.assignments);
    srpo::ranks::RunConfig::read(job);
    std::fputs(job.to_yaml().c_str(), stdout);
    return 0;
  } catch (const srpo::core::Error& error) {
    std::fprintf(stderr, "srpo_cluster: %s\n", error.what());
    return srpo::core::exit_code(error.kind());
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Trains a language model by SRPO, RRPO or GRPO as a job file says.\n"
      "  mpirun -np 7 srpo_cluster jobs/quickstart.yaml\n"
      "The same command again continues the run, or says that it is complete.\n"
      "SIGUSR1 drains a run: it ends or parks what is in flight, saves, and stops.\n"
      "Exit codes: 0 done, 64 bad input, 70 internal fault, 75 stopped early (run it "
      "again).");
  srpo::ranks::RunOptions options;
  options.arguments.assign(argv + 1, argv + argc);
  bool config_only = false;
  app.add_option("job", options.job_file,
                 "job file (YAML); with --replay-step a run folder")
      ->required();
  app.add_option("--set", options.assignments,
                 "key=value, laid over the job file; may be repeated")
      ->allow_extra_args(false);
  app.add_flag("--print-config", config_only,
               "print the job with presets and defaults, and stop");
  app.add_flag("--plan", options.plan_only,
               "print which rank plays which role on which host, and stop");
  bool simulate = false;
  std::vector<uint32_t> rank_counts;
  app.add_flag("--simulate", simulate,
               "compare layouts in simulation, fitted to the job's run folder where it "
               "has shards, propose numbers of ranks, and stop; without mpirun");
  app.add_option("--ranks", rank_counts,
                 "with --simulate: numbers of ranks to compare, such as 8,16,64")
      ->delimiter(',')
      ->check(CLI::Range(5, 10000));
  std::optional<uint32_t> step;
  app.add_option("--replay-step", step,
                 "execute this optimizer step of a run folder again from its shards, "
                 "compare with the checkpoint behind it bit by bit, and stop");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  if (step) return srpo::ranks::replay_step_main(options.job_file, *step);
  if (simulate) {
    return srpo::ranks::simulate_main(options.job_file, options.assignments, rank_counts);
  }
  if (config_only) return print_config(options);
  srpo::ranks::hold_drain_signal();
  try {
    srpo::comm::MpiSession session(&argc, &argv);
    const int code = srpo::ranks::run_rank(options, session);
    session.leave_with(code);
    return code;
  } catch (const srpo::core::Error& error) {
    std::fprintf(stderr, "srpo_cluster: %s\n", error.what());
    return srpo::core::exit_code(error.kind());
  }
}
