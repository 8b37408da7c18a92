#include "actors/program.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>
#include <unistd.h>

#include "actors/control/control_start.h"
#include "actors/supervision/membership.h"
#include "actors/wire/mpi_transport.h"
#include "comm/communicator.h"
#include "comm/launch_report.h"
#include "comm/mpi_session.h"
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

int say(const char* program, const std::string& message, int code) {
  std::fprintf(stderr, "%s: %s\n", program, message.c_str());
  return code;
}

/// What the process that starts a replacement tells it.
struct Greeting {
  std::string control;
  int32_t num_slots = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("control", self.control);
    visit("num_slots", self.num_slots);
  }
};

/// How this process ends.
struct Ending {
  int code = 0;
  bool is_whole = true;  ///< no process was lost: MPI can be finalized
};

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

/// The control thread may ask the runtime while both are there.
class SnapshotScope {
 public:
  SnapshotScope(TcpControl& control, const Runtime& runtime) : control_(control) {
    control.set_snapshot([&runtime] { return runtime.snapshot_text(); });
  }
  ~SnapshotScope() { control_.set_snapshot({}); }
  SnapshotScope(const SnapshotScope&) = delete;
  SnapshotScope& operator=(const SnapshotScope&) = delete;

 private:
  TcpControl& control_;
};

/// The new process's number, or -1.
int spawn_replacement(MpiTransport& transport, TcpControl& control, int num_slots,
                      int argc, char** argv) {
  try {
    const Watchdog watchdog(kLongestSpawn, "MPI_Comm_spawn");
    const auto spawned =
        comm::SpawnedProcesses::start(std::filesystem::read_symlink("/proc/self/exe"),
                                      {argv + std::min(argc, 1), argv + argc}, 1);
    const Greeting greeting{control.address().to_text(), num_slots};
    const auto bytes = core::to_bytes(greeting);
    comm::send_first_words(
        spawned.intercommunicator(),
        std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    const int process = transport.adopt(spawned.intercommunicator());
    control.expect(process);
    return process;
  } catch (const core::Error& error) {
    LOG(warn) << "spawn_failed reason=" << error.what();
    return -1;
  }
}

/// Rank 0: `main`, then the end of the others.
int lead(Runtime& runtime, Membership& membership, const char* name,
         std::vector<std::string> arguments, const ProgramMain& main) {
  const auto ended = runtime.start("main", main(runtime, std::move(arguments)));
  while (!ended.is_ready() && !runtime.is_stopping()) runtime.turn();
  if (!ended.is_ready()) {
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
  membership.stop_all(0, "");
  return code;
}

Ending take_part(int argc, char** argv, const ProgramOptions& options,
                 const ProgramMain& main) {
  comm::Communicator world = comm::Communicator::world();
  if (world.rank() == 0 && world.size() > 1 && !comm::recovery_is_on())
    std::fprintf(stderr, "%s: %s\n", argv[0], comm::missing_recovery().c_str());
  RuntimeConfig config = options.runtime;
  config.num_slots = world.size() - options.spares;
  REQUIRE(config.num_slots > 0, kBadInput,
          options.spares << " spares of " << world.size() << " ranks leave none to work");
  const auto control = start_control(world, options.control);
  MpiTransport transport(world);
  Runtime runtime(transport, config);
  const SnapshotScope snapshot(*control, runtime);
  Membership::Options membership_options;
  if (options.spawn_replacements && comm::recovery_is_on()) {
    membership_options.spawn_process = [&](int) {
      return spawn_replacement(transport, *control, config.num_slots, argc, argv);
    };
  }
  Membership membership(runtime, *control, membership_options);
  Ending ending;
  runtime.on_membership([&ending](int, Peer::State) { ending.is_whole = false; });
  if (world.rank() == 0) {
    ending.code = lead(runtime, membership, argv[0], {argv + 1, argv + argc}, main);
    runtime.stop_all();
  } else {
    runtime.run();
    ending.code = membership.exit_code();
  }
  if (ending.code == kStoppedEarly) ending.is_whole = false;
  return ending;
}

/// A process that was started to replace a lost one.
Ending replace(MPI_Comm parent, const ProgramOptions& options) {
  const std::string words = comm::receive_first_words(parent, 30s);
  const auto greeting = core::from_bytes<Greeting>(std::as_bytes(std::span(words)));
  MpiTransport transport(parent, 30s);
  RuntimeConfig config = options.runtime;
  config.num_slots = greeting.num_slots;
  TcpControl control(ControlAddress::parse(greeting.control), transport.rank(), 1,
                     options.control);
  Runtime runtime(transport, config);
  const SnapshotScope snapshot(control, runtime);
  Membership membership(runtime, control);
  runtime.run();
  return {membership.exit_code(), false};
}

}  // namespace

int run_program(int argc, char** argv, const ProgramOptions& options,
                const ProgramMain& main) {
  comm::MpiSession session(&argc, &argv);
  int code = 0;
  bool is_whole = true;
  try {
    const auto parent = comm::SpawnedProcesses::parent();
    const Ending ending =
        parent ? replace(*parent, options) : take_part(argc, argv, options, main);
    code = ending.code;
    is_whole = ending.is_whole;
  } catch (const core::Error& error) {
    code = say(argv[0], error.what(), core::exit_code(error.kind()));
    is_whole = !comm::recovery_is_on();
  }
  if (!is_whole) session.leave_at_once(code);
  session.leave_with(code);
  return code;
}

}  // namespace srpo::actors
