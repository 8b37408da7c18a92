#include "actors/job_process.h"

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <span>
#include <thread>
#include <unistd.h>

#include "actors/control/control_start.h"
#include "comm/launch_report.h"
#include "comm/recovery.h"
#include "comm/spawn_words.h"
#include "comm/spawned_processes.h"
#include "core/log.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;

constexpr int kStoppedEarly = 75;
/// MPI_Comm_spawn of Open MPI 4 never returns when the new process dies before MPI_Init.
constexpr std::chrono::seconds kLongestSpawn{30};
constexpr std::chrono::seconds kLongestJoin{10};

/// What the process that starts a replacement tells it.
struct Greeting {
  std::string control;
  int32_t num_slots = 0;
  int64_t call_timeout = 0;  ///< nanoseconds, as the next one
  int64_t credit_hold = 0;
  std::vector<uint64_t> credits;    ///< calls, bytes, waiting calls, waiting bytes
  std::vector<int64_t> heartbeats;  ///< every, suspect, dead, stuck; milliseconds
  bool stuck_is_dead = false;
  uint64_t trace_events = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("control", self.control);
    visit("num_slots", self.num_slots);
    visit("call_timeout", self.call_timeout);
    visit("credit_hold", self.credit_hold);
    visit("credits", self.credits);
    visit("heartbeats", self.heartbeats);
    visit("stuck_is_dead", self.stuck_is_dead);
    visit("trace_events", self.trace_events);
  }
};

std::string greet(const ControlAddress& address, const RuntimeConfig& runtime,
                  const HeartbeatLimits& heartbeat) {
  const Credits& credits = runtime.credits;
  const Greeting greeting{
      address.to_text(),
      runtime.num_slots,
      runtime.call_timeout.count(),
      runtime.credit_hold.count(),
      {credits.calls, credits.bytes, credits.waiting_calls, credits.waiting_bytes},
      {heartbeat.every.count(), heartbeat.suspect_after.count(),
       heartbeat.dead_after.count(), heartbeat.stuck_after.count()},
      heartbeat.stuck_is_dead,
      runtime.trace_events};
  const auto bytes = core::to_bytes(greeting);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Greeting hear_greeting(MPI_Comm parent) {
  const std::string words = comm::receive_first_words(parent, 30s);
  auto greeting = core::from_bytes<Greeting>(std::as_bytes(std::span(words)));
  REQUIRE(greeting.credits.size() == 4 && greeting.heartbeats.size() == 4, kPeerLost,
          "the first words have " << greeting.credits.size() << " credits and "
                                  << greeting.heartbeats.size()
                                  << " heartbeat limits (expected 4 and 4)");
  return greeting;
}

void apply(const Greeting& greeting, RuntimeConfig& runtime, HeartbeatLimits& heartbeat) {
  runtime.num_slots = greeting.num_slots;
  runtime.call_timeout = std::chrono::nanoseconds(greeting.call_timeout);
  runtime.credit_hold = std::chrono::nanoseconds(greeting.credit_hold);
  const auto credit = [&](size_t i) { return static_cast<size_t>(greeting.credits[i]); };
  runtime.credits = {.calls = static_cast<uint32_t>(credit(0)),
                     .bytes = credit(1),
                     .waiting_calls = static_cast<uint32_t>(credit(2)),
                     .waiting_bytes = credit(3)};
  runtime.trace_events = static_cast<size_t>(greeting.trace_events);
  const auto limit = [&](size_t i) {
    return std::chrono::milliseconds(greeting.heartbeats[i]);
  };
  heartbeat = {limit(0), limit(1), limit(2), limit(3), greeting.stuck_is_dead};
}

/// Ends the process with 75 when a call into MPI does not come back.
class Watchdog {
 public:
  Watchdog(std::chrono::seconds longest, const char* what)
      : thread_([this, longest, what] {
          const auto deadline = core::Deadline::in(longest);
          while (!done_.load()) {
            if (deadline.has_passed()) {
              comm::report_exit_code(kStoppedEarly);
              std::fprintf(stderr, "%s does not come back: leaving with exit code %d\n",
                           what, kStoppedEarly);
              ::_exit(kStoppedEarly);
            }
            std::this_thread::sleep_for(5ms);
          }
        }) {}
  ~Watchdog() {
    done_.store(true);
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace

JobProcess::JobProcess(comm::Communicator& world, const JobOptions& options)
    : arguments_(options.arguments) {
  RuntimeConfig config = options.runtime;
  config.num_slots = world.size() - options.spares;
  REQUIRE(config.num_slots > 0, kBadInput,
          options.spares << " spares of " << world.size() << " ranks leave none to work");
  control_options_ = options.control;
  control_ = start_control(world, control_options_);
  transport_ = std::make_unique<MpiTransport>(world);
  assemble(config, options);
}

JobProcess::JobProcess(MPI_Comm parent, const JobOptions& options)
    : is_replacement_(true) {
  const Greeting greeting = hear_greeting(parent);
  transport_ = std::make_unique<MpiTransport>(parent, 30s);
  RuntimeConfig config = options.runtime;
  control_options_ = options.control;
  apply(greeting, config, control_options_.heartbeat);
  control_ = std::make_unique<TcpControl>(ControlAddress::parse(greeting.control),
                                          transport_->rank(), 1, control_options_);
  assemble(config, options);
}

JobProcess::~JobProcess() {
  // The control thread asks the runtime until then.
  control_->set_snapshot({});
}

void JobProcess::assemble(RuntimeConfig config, const JobOptions& options) {
  runtime_config_ = config;
  runtime_ = std::make_unique<Runtime>(*transport_, config);
  control_->set_snapshot([this] { return runtime_->snapshot_text(); });
  Membership::Options membership;
  membership.start_timeout = options.start_timeout;
  membership.quiet_before_spawn = 200ms;
  if (options.spawn_replacements && runtime_->rank() == 0 && comm::recovery_is_on())
    membership.spawn_process = [this](int) { return spawn_replacement(); };
  membership_ = std::make_unique<Membership>(*runtime_, *control_, membership);
  runtime_->on_membership([this](int, Peer::State) { has_lost_ = true; });
}

/// The new process's number, or -1.
int JobProcess::spawn_replacement() {
  try {
    const Watchdog watchdog(kLongestSpawn, "MPI_Comm_spawn");
    const auto spawned = comm::SpawnedProcesses::start(
        std::filesystem::read_symlink("/proc/self/exe"), arguments_, 1);
    comm::send_first_words(
        spawned.intercommunicator(),
        greet(control_->address(), runtime_config_, control_options_.heartbeat));
    const int process = transport_->adopt(spawned.intercommunicator());
    control_->expect(process);
    return process;
  } catch (const core::Error& error) {
    LOG(warn) << "spawn_failed reason=" << error.what();
    return -1;
  }
}

int JobProcess::serve() {
  runtime_->run();
  return membership_->exit_code();
}

void JobProcess::end(int exit_code, const std::string& reason) {
  // A job may end before all have come; they would look for it in vain.
  const auto deadline = core::Deadline::in(kLongestJoin);
  while (!membership_->is_complete() && !deadline.has_passed()) runtime_->turn();
  membership_->stop_all(exit_code, reason);
  runtime_->stop_all();
}

bool JobProcess::is_whole() const {
  return !has_lost_ && !is_replacement_ && membership_->exit_code() != kStoppedEarly;
}

}  // namespace srpo::actors
