#include "actors/program.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "actors/job_process.h"
#include "comm/communicator.h"
#include "comm/mpi_session.h"
#include "comm/recovery.h"
#include "comm/spawned_processes.h"
#include "core/log.h"

namespace srpo::actors {
namespace {

constexpr int kStoppedEarly = 75;

int say(const char* program, const std::string& message, int code) {
  std::fprintf(stderr, "%s: %s\n", program, message.c_str());
  return code;
}

/// Rank 0: `main`, then the end of the others.
int lead(JobProcess& job, const char* name, std::vector<std::string> arguments,
         const ProgramMain& main) {
  Runtime& runtime = job.runtime();
  const Membership& membership = job.membership();
  const auto ended = runtime.start("main", main(runtime, std::move(arguments)));
  while (!ended.is_ready() && !runtime.is_stopping()) runtime.turn();
  if (!ended.is_ready()) {
    runtime.stop_all();
    return membership.exit_code() == 0
               ? say(name, "ended early", kStoppedEarly)
               : say(name, membership.reason(), membership.exit_code());
  }
  int code = 0;
  if (ended.result().has_value()) {
    code = ended.result().value();
  } else {
    const CallError& error = ended.result().error();
    code = say(name, error.message, core::exit_code(error.cause));
  }
  job.end(0, "");
  return code;
}

JobOptions program_options(int argc, char** argv, const ProgramOptions& options) {
  JobOptions job;
  job.spares = options.spares;
  job.spawn_replacements = options.spawn_replacements;
  job.runtime = options.runtime;
  job.control = options.control;
  job.arguments.assign(argv + std::min(argc, 1), argv + argc);
  return job;
}

}  // namespace

int run_program(int argc, char** argv, const ProgramOptions& options,
                const ProgramMain& main) {
  comm::MpiSession session(&argc, &argv);
  int code = 0;
  bool is_whole = true;
  try {
    const JobOptions job_options = program_options(argc, argv, options);
    const auto parent = comm::SpawnedProcesses::parent();
    std::optional<comm::Communicator> world;
    std::unique_ptr<JobProcess> job;
    if (parent) {
      core::start_log("replacement", core::LogLevel::info);
      job = std::make_unique<JobProcess>(*parent, job_options);
    } else {
      world.emplace(comm::Communicator::world());
      core::start_log("rank/" + std::to_string(world->rank()), core::LogLevel::info);
      if (world->rank() == 0 && world->size() > 1 && !comm::recovery_is_on())
        std::fprintf(stderr, "%s: %s\n", argv[0], comm::missing_recovery().c_str());
      job = std::make_unique<JobProcess>(*world, job_options);
    }
    const bool leads = !parent && job->runtime().rank() == 0;
    code = leads ? lead(*job, argv[0], {argv + 1, argv + argc}, main) : job->serve();
    is_whole = job->is_whole() && code != kStoppedEarly;
  } catch (const core::Error& error) {
    code = say(argv[0], error.what(), core::exit_code(error.kind()));
    is_whole = !comm::recovery_is_on();
  }
  if (!is_whole) session.leave_at_once(code);
  session.leave_with(code);
  return code;
}

}  // namespace srpo::actors
