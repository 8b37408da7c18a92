#include "ranks/run_rank.h"

#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <unistd.h>

#include <ATen/Parallel.h>

#include "actors/mpi_transport.h"
#include "actors/runtime.h"
#include "actors/trace_file.h"
#include "comm/mpi_process_group.h"
#include "comm/self_process_group.h"
#include "core/files.h"
#include "core/log.h"
#include "ranks/run_report.h"
#include "ranks/run_status.h"
#include "ranks/scheduler_rank.h"
#include "ranks/start_up.h"

namespace srpo::ranks {
namespace {

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

std::vector<std::string> gather_hosts(comm::Communicator& world) {
  std::vector<std::string> hosts;
  for (int root = 0; root < world.size(); ++root) {
    const auto bytes = world.broadcast(core::to_bytes(host_name()), root);
    hosts.push_back(core::from_bytes<std::string>(bytes));
  }
  return hosts;
}

constexpr int kStoppedEarly = 75;

std::chrono::nanoseconds seconds_of(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(seconds));
}

/// From here on a drain that was asked for while the program started is heard.
void release_drain_signal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

int say(const std::exception& error) {
  std::fprintf(stderr, "srpo_cluster: %s\n", error.what());
  const auto* known = dynamic_cast<const core::Error*>(&error);
  return known != nullptr ? core::exit_code(known->kind()) : 70;
}

/// What only rank 0 holds while a run goes on.
struct RunFiles {
  storage::RunFolder folder;
  std::unique_ptr<storage::ReplayWriter> replay;
};

RunFiles open_files(const RunConfig& config, const std::string& job_yaml) {
  auto folder = storage::RunFolder::open(config.folder, job_yaml, {"ranks", "trace"});
  prepare_model_folder(config);
  storage::ReplayOptions options;
  options.shard_trees = config.shard_trees;
  options.compression = config.compression == "gzip" ? storage::Compression::kGzip
                                                     : storage::Compression::kNone;
  options.keep_steps = config.keep_steps;
  const std::string tokenizer =
      core::read_file(model_folder(config).path / "tokenizer.json");
  storage::ReplayMetadata metadata{job_yaml, folder.job_digest(), config.seed,
                                   storage::digest_of(tokenizer)};
  auto replay =
      std::make_unique<storage::ReplayWriter>(folder.replay(), options, metadata);
  return {std::move(folder), std::move(replay)};
}

/// What the run had counted stays.
void save_failure(const RunFiles& files, int code, const std::string& reason) {
  RunStatus status = load_status(files.folder.status()).value_or(RunStatus{});
  status.state = code == kStoppedEarly ? "stopped" : "failed";
  status.reason = reason;
  status.accepted = files.replay->num_accepted();
  try {
    save_status(files.folder.status(), status);
  } catch (const core::Error& error) {
    LOG(warn) << "status.json is not up to date: " << error.what();
  }
}

/// Rank 0, before any work. Fills `files` unless there is nothing to do.
StartOrder prepare(const RunOptions& options, int size,
                   const std::vector<std::string>& hosts,
                   std::optional<RunFiles>& files) {
  try {
    const core::ConfigTable job = load_job(options.job_file, options.assignments);
    const RunConfig config = RunConfig::read(job);
    const RankLayout layout = RankLayout::plan(config.ranks, size);
    check_job(config, layout);
    if (options.plan_only) {
      std::fputs(plan_table(config, layout, hosts).c_str(), stdout);
      return {};
    }
    const std::string job_yaml = job.to_yaml();
    files.emplace(open_files(config, job_yaml));
    const auto status = load_status(files->folder.status());
    if (status && status->state == "complete") {
      std::fprintf(stderr, "%s is complete; its results:\n\n", config.folder.c_str());
      print_saved_report(files->folder);
      return {};
    }
    return {true, 0, job_yaml};
  } catch (const std::exception& error) {
    return {false, say(error), ""};
  }
}

/// Everything a rank hosts.
struct RankActors {
  std::unique_ptr<GeneratorRank> generator;
  std::unique_ptr<LocalizationRank> localizer;
  std::unique_ptr<VerifierRank> verifier;
  std::unique_ptr<LearnerRank> learner;
};

RankActors host_actors(const RunConfig& config, const core::ConfigTable& job,
                       const RankLayout& layout, comm::ProcessGroup* learners,
                       actors::Runtime& runtime) {
  RankActors mine;
  const int rank = runtime.rank();
  const std::string role = layout.role_of(rank);
  auto algorithm = rl::make_algorithm(algorithm_section(job));
  if (plays(layout.generators, rank)) {
    mine.generator = std::make_unique<GeneratorRank>(config, rank, role);
    runtime.host("generator", *mine.generator);
  }
  if (plays(layout.localizers, rank)) {
    mine.localizer = std::make_unique<LocalizationRank>(
        config, algorithm->draw_plan().localizer, rank, role);
    runtime.host("localization", *mine.localizer);
  }
  if (plays(layout.verifiers, rank)) {
    mine.verifier = std::make_unique<VerifierRank>(rank, role);
    runtime.host("verifier", *mine.verifier);
  }
  if (plays(layout.learners, rank)) {
    mine.learner = std::make_unique<LearnerRank>(config, std::move(algorithm), layout,
                                                 *learners, runtime);
    runtime.host("learner", *mine.learner);
  }
  return mine;
}

void save_trace(const RunConfig& config, actors::Runtime& runtime) {
  const auto longest = std::chrono::seconds(60);
  const auto traces = runtime.wait(
      runtime.start("collect traces", actors::collect_traces(runtime, longest)));
  actors::write_trace(config.trace_file, traces);
}

/// Rank 0's part; the exit code.
int schedule(const RunConfig& config, const core::ConfigTable& job,
             const RankLayout& layout, RunFiles& files, actors::Runtime& runtime) {
  const auto plan = rl::make_algorithm(algorithm_section(job))->draw_plan();
  const ProblemSource problems(config);
  SchedulerRank scheduler(config, plan, layout, files.folder, *files.replay, problems,
                          runtime);
  runtime.host("scheduler", scheduler);
  bool stopped = false;
  runtime.on_signal({SIGTERM, SIGINT, SIGUSR1}, [&](int signal) {
    if (signal == SIGUSR1) {
      scheduler.drain(seconds_of(config.drain_seconds), "drained by SIGUSR1");
      return;
    }
    stopped = true;
    scheduler.stop_early(signal);
  });
  release_drain_signal();
  scheduler.start();
  while (!scheduler.is_finished() && !runtime.is_stopping()) runtime.turn();
  if (stopped) return kStoppedEarly;
  if (scheduler.was_stopped()) {
    // Learners that are in the middle of a step would keep everybody waiting.
    if (scheduler.learners_are_busy()) {
      files.replay.reset();
      comm::MpiSession::abort(kStoppedEarly);
    }
    runtime.stop_all();
    return kStoppedEarly;
  }
  if (!config.trace_file.empty()) save_trace(config, runtime);
  save_and_print_report(config, files.folder, scheduler, scheduler.collect_usage());
  runtime.stop_all();
  return 0;
}

int play(const RunConfig& config, const core::ConfigTable& job, const RankLayout& layout,
         comm::Communicator& world, std::optional<RunFiles>& files) {
  const bool learns = plays(layout.learners, world.rank());
  auto learner_ranks = world.split(learns ? 0 : -1, world.rank());
  std::unique_ptr<comm::ProcessGroup> learners;
  if (learns && layout.learners.size() == 1) {
    learners = std::make_unique<comm::SelfProcessGroup>();
  } else if (learns) {
    learners = std::make_unique<comm::MpiProcessGroup>(
        learner_ranks->handle(), std::chrono::seconds(config.call_seconds));
  }
  actors::MpiTransport transport(world);
  actors::RuntimeConfig runtime_config;
  runtime_config.call_timeout = std::chrono::seconds(config.call_seconds);
  // The scheduler itself decides how many chains a generator holds.
  runtime_config.credits = {.calls = 1 << 16,
                            .bytes = size_t{8} << 30,
                            .waiting_calls = 1 << 16,
                            .waiting_bytes = size_t{8} << 30};
  runtime_config.trace_events = config.trace_events;
  actors::Runtime runtime(transport, runtime_config);
  try {
    const RankActors mine = host_actors(config, job, layout, learners.get(), runtime);
    if (world.rank() == 0) {
      return schedule(config, job, layout, *files, runtime);
    }
    runtime.on_signal({SIGTERM, SIGINT, SIGUSR1}, [](int) {});  // rank 0 decides
    release_drain_signal();
    runtime.run();
    return 0;
  } catch (const std::exception& error) {
    const int code = say(error);
    if (world.rank() != 0) comm::MpiSession::abort(code);
    save_failure(*files, code, error.what());
    runtime.stop_all();
    return code;
  }
}

}  // namespace

void hold_drain_signal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int run_rank(const RunOptions& options) {
  at::set_num_threads(1);
  comm::Communicator world = comm::Communicator::world();
  const std::vector<std::string> hosts = gather_hosts(world);
  std::optional<RunFiles> files;
  StartOrder order;
  if (world.rank() == 0) order = prepare(options, world.size(), hosts, files);
  order = core::from_bytes<StartOrder>(world.broadcast(core::to_bytes(order), 0));
  if (!order.go) return world.rank() == 0 ? order.exit_code : 0;
  const core::ConfigTable job = core::ConfigTable::parse(order.job_yaml, "job");
  const RunConfig config = RunConfig::read(job);
  const RankLayout layout = RankLayout::plan(config.ranks, world.size());
  core::start_log(layout.role_of(world.rank()) + "/" + std::to_string(world.rank()),
                  core::parse_log_level(config.log_level));
  return play(config, job, layout, world, files);
}

}  // namespace srpo::ranks
