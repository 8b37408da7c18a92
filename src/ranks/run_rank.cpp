#include "ranks/run_rank.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <unistd.h>

#include <ATen/Parallel.h>

#include "actors/job_process.h"
#include "actors/node.h"
#include "actors/sight/trace_file.h"
#include "comm/launch_report.h"
#include "comm/mpi_process_group.h"
#include "comm/recovery.h"
#include "comm/self_process_group.h"
#include "comm/spawned_processes.h"
#include "core/files.h"
#include "core/kept_log.h"
#include "core/log.h"
#include "dashboard/dashboard_config.h"
#include "ranks/run_report.h"
#include "ranks/run_status.h"
#include "ranks/scheduler_rank.h"
#include "ranks/start_up.h"

namespace srpo::ranks {
namespace {

constexpr int kStoppedEarly = 75;

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
  auto folder =
      storage::RunFolder::open(config.folder, job_yaml, {"ranks", "trace", "dashboard"});
  comm::report_status_file(folder.status());
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

/// Whether the machine can judge the job's problems, where rank 0 shares it with a
/// verifier; the others find out when they start. Throws kBadConfig.
void check_verifiers(const RunConfig& config, const RankLayout& layout,
                     const std::vector<std::string>& hosts) {
  const bool is_here =
      std::any_of(layout.verifiers.begin(), layout.verifiers.end(),
                  [&](int rank) { return hosts[static_cast<size_t>(rank)] == hosts[0]; });
  if (!is_here) return;
  for (const std::string& kind : config.problem_kinds()) {
    verify::check_kind(config.verify, kind);
  }
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
    dashboard::DashboardConfig::read(job).with_token_of_environment();
    const RankLayout layout = RankLayout::plan(config.ranks, size);
    check_job(config, layout);
    check_verifiers(config, layout, hosts);
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

actors::Supervision supervision(const RunConfig& config, const std::vector<int>& ranks) {
  auto rule = actors::Supervision::one_for_one();
  rule.max_restarts = config.supervision.max_restarts;
  rule.within_seconds = config.supervision.within_seconds;
  rule.min_healthy =
      std::min(config.supervision.min_healthy, static_cast<int32_t>(ranks.size()));
  return rule;
}

/// A lost learner takes its part of the optimizer with it, and the others wait for it:
/// the run stops, and goes on from its checkpoint.
void watch_learners(actors::Runtime& runtime, const RankLayout& layout) {
  actors::ActorSpec spec;
  spec.name = "learners";
  spec.slots.assign(layout.learners.begin(), layout.learners.end());
  spec.supervision = actors::Supervision::one_for_all();
  spec.supervision.max_restarts = 0;
  spec.supervision.when_spent = actors::Supervision::WhenSpent::kStop;
  runtime.node().add_spec(spec);
}

/// Throws what a constructor has thrown; a rank that was lost meanwhile is replaced.
template <class A>
void spawn(actors::Runtime& runtime, const std::string& name,
           const std::vector<int>& ranks, const RunConfig& config,
           const std::string& job_yaml) {
  const auto group =
      runtime.spawn<A>(name, ranks, actors::args(job_yaml), supervision(config, ranks));
  for (const auto& started : runtime.wait(group.started())) {
    if (started.has_value()) continue;
    const auto kind = started.error().kind;
    const bool is_lost = kind == actors::CallError::Kind::kUnknownOutcome ||
                         kind == actors::CallError::Kind::kNotSent;
    if (!is_lost) throw core::Error(started.error().cause, started.error().message);
  }
}

void save_trace(const RunConfig& config, actors::Runtime& runtime) {
  const auto longest = std::chrono::seconds(60);
  const auto traces = runtime.wait(
      runtime.start("collect traces", actors::collect_traces(runtime, longest)));
  actors::write_trace(config.trace_file, traces);
}

/// Rank 0's part; the exit code.
int schedule(const RunConfig& config, const core::ConfigTable& job,
             const RankLayout& layout, RunFiles& files, actors::JobProcess& process) {
  actors::Runtime& runtime = process.runtime();
  const auto plan = rl::make_algorithm(algorithm_section(job))->draw_plan();
  const ProblemSource problems(config);
  SchedulerRank scheduler(config, plan, layout, files.folder, *files.replay, problems,
                          runtime);
  runtime.host("scheduler", scheduler);
  const auto page = dashboard::DashboardConfig::read(job);
  scheduler.tell_to(page.with_token_of_environment(), job.to_yaml());
  bool stopped = false;
  runtime.on_signal({SIGTERM, SIGINT, SIGUSR1}, [&](int signal) {
    if (signal == SIGUSR1) {
      scheduler.drain(seconds_of(config.drain_seconds), "drained by SIGUSR1");
      return;
    }
    stopped = true;
    scheduler.stop_early(signal);
  });
  watch_learners(runtime, layout);
  const std::string job_yaml = job.to_yaml();
  spawn<GeneratorRank>(runtime, "generator", layout.generators, config, job_yaml);
  spawn<LocalizationRank>(runtime, "localization", layout.localizers, config, job_yaml);
  spawn<VerifierRank>(runtime, "verifier", layout.verifiers, config, job_yaml);
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
    return kStoppedEarly;
  }
  if (!scheduler.is_finished()) {
    throw core::Error(core::ErrorKind::kPeerLost, process.membership().reason());
  }
  if (!config.trace_file.empty()) save_trace(config, runtime);
  save_and_print_report(config, files.folder, scheduler, scheduler.collect_usage());
  return 0;
}

/// How every process of the job talks.
actors::JobOptions job_options(const RunConfig& config, const RunOptions& options) {
  actors::JobOptions job;
  job.spares = config.ranks.spares;
  job.arguments = options.arguments;
  const auto longest = std::chrono::seconds(config.call_seconds);
  job.runtime.call_timeout = longest;
  // The scheduler itself decides how many chains a generator holds.
  job.runtime.credits = {.calls = 1 << 16,
                         .bytes = size_t{8} << 30,
                         .waiting_calls = 1 << 16,
                         .waiting_bytes = size_t{8} << 30};
  job.runtime.trace_events = config.trace_events;
  job.runtime.pool_threads = static_cast<int>(config.verify.num_workers());
  job.start_timeout = longest;
  const auto milliseconds = [](double seconds) {
    return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
  };
  actors::HeartbeatLimits& heartbeat = job.control.heartbeat;
  heartbeat.suspect_after = milliseconds(config.supervision.suspect_after);
  heartbeat.dead_after = milliseconds(config.supervision.dead_after);
  heartbeat.every = std::min(heartbeat.every, heartbeat.suspect_after / 2);
  // A learner does not come back to its reactor before a training step is done.
  heartbeat.stuck_after = longest;
  job.control.file = config.folder / "control.json";
  return job;
}

/// The learner of this rank, with the process group it works in.
struct HostedLearner {
  std::optional<comm::Communicator> ranks;
  std::unique_ptr<comm::ProcessGroup> group;
  std::unique_ptr<LearnerRank> actor;
};

void host_learner(const RunConfig& config, const core::ConfigTable& job,
                  const RankLayout& layout, actors::Runtime& runtime,
                  HostedLearner& learner) {
  if (layout.learners.size() == 1) {
    learner.group = std::make_unique<comm::SelfProcessGroup>();
  } else {
    learner.group = std::make_unique<comm::MpiProcessGroup>(
        learner.ranks->handle(), std::chrono::seconds(config.call_seconds));
  }
  learner.actor =
      std::make_unique<LearnerRank>(config, rl::make_algorithm(algorithm_section(job)),
                                    layout, *learner.group, runtime);
  runtime.host("learner", *learner.actor);
}

/// Another rank than 0. Its death is for rank 0 to deal with, where MPI lets it.
int serve(actors::JobProcess& process, const comm::MpiSession& session) {
  try {
    process.runtime().on_signal({SIGTERM, SIGINT, SIGUSR1},
                                [](int) {});  // rank 0 decides
    release_drain_signal();
    return process.serve();
  } catch (const std::exception& error) {
    const int code = say(error);
    if (!comm::recovery_is_on()) comm::MpiSession::abort(code);
    session.leave_at_once(code);
  }
}

int lead(const RunConfig& config, const core::ConfigTable& job, const RankLayout& layout,
         RunFiles& files, actors::JobProcess& process) {
  int code = 0;
  std::string reason;
  try {
    code = schedule(config, job, layout, files, process);
  } catch (const std::exception& error) {
    // What a lost rank has caused is said in the words of its loss.
    const bool is_told = process.membership().exit_code() != 0;
    reason = is_told ? process.membership().reason() : error.what();
    code = is_told ? process.membership().exit_code() : say(error);
    if (is_told) std::fprintf(stderr, "srpo_cluster: %s\n", reason.c_str());
    save_failure(files, code, reason);
  }
  // Where nobody was lost the others end as usual, and MPI with them.
  process.end(process.is_whole() ? 0 : code, reason);
  return code;
}

/// The exit code. Does not come back when a process was lost: MPI cannot be finalized
/// then.
int play(const StartOrder& order, const RunOptions& options, comm::Communicator& world,
         std::optional<RunFiles>& files, const comm::MpiSession& session) {
  const core::ConfigTable job = core::ConfigTable::parse(order.job_yaml, "job");
  const RunConfig config = RunConfig::read(job);
  const RankLayout layout = RankLayout::plan(config.ranks, world.size());
  core::start_log(layout.role_of(world.rank()) + "/" + std::to_string(world.rank()),
                  core::parse_log_level(config.log_level));
  if (dashboard::DashboardConfig::read(job).serves) {
    core::keep_log(config.folder / "logs" /
                   ("rank-" + std::to_string(world.rank()) + ".log"));
  }
  if (world.rank() == 0 && world.size() > 1 && !comm::recovery_is_on())
    std::fprintf(stderr, "srpo_cluster: %s\n", comm::missing_recovery().c_str());
  const bool learns = plays(layout.learners, world.rank());
  HostedLearner learner{world.split(learns ? 0 : -1, world.rank()), nullptr, nullptr};
  auto process =
      std::make_unique<actors::JobProcess>(world, job_options(config, options));
  try {
    if (learns) host_learner(config, job, layout, process->runtime(), learner);
  } catch (const std::exception& error) {
    const int code = say(error);
    if (files) save_failure(*files, code, error.what());
    comm::MpiSession::abort(code);
  }
  const int code = world.rank() == 0 ? lead(config, job, layout, *files, *process)
                                     : serve(*process, session);
  if (process->is_whole()) return code;
  process.reset();
  files.reset();
  session.leave_at_once(code);
}

/// A process that was started to replace a lost one: its specs tell it all.
[[noreturn]] void replace(MPI_Comm parent, const comm::MpiSession& session) {
  core::start_log("replacement/" + std::to_string(::getpid()), core::LogLevel::info);
  int code = 0;
  try {
    actors::JobProcess process(parent, {});
    code = serve(process, session);
  } catch (const std::exception& error) {
    code = say(error);
  }
  session.leave_at_once(code);
}

}  // namespace

void hold_drain_signal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int run_rank(const RunOptions& options, const comm::MpiSession& session) {
  at::set_num_threads(1);
  if (const auto parent = comm::SpawnedProcesses::parent()) replace(*parent, session);
  comm::Communicator world = comm::Communicator::world();
  const std::vector<std::string> hosts = gather_hosts(world);
  std::optional<RunFiles> files;
  StartOrder order;
  if (world.rank() == 0) order = prepare(options, world.size(), hosts, files);
  order = core::from_bytes<StartOrder>(world.broadcast(core::to_bytes(order), 0));
  if (!order.go) return world.rank() == 0 ? order.exit_code : 0;
  return play(order, options, world, files, session);
}

}  // namespace srpo::ranks
