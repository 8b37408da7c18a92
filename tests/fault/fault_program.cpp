// A supervised pool of workers for the fault tests: calls under load, each answered or
// ended with an error, and a log that a script can read.
//
//   fault_program MODE [key=value ...]
//     spares=N spawn=0|1 seconds=S dead_ms=M budget=N min_healthy=N bytes=N
//   load    calls for so many seconds or until FAULT_FOLDER/enough is there, then the
//           counts
//   stuck   rank 1 blocks its reactor for 100 s
//   broken  the constructor of a worker that is not of the first generation ends the
//           process
//   differs rank 1 claims to be another program
//   brief   ends before the others have come
#include <cstdio>
#include <cstdlib>
#include <map>
#include <thread>
#include <unistd.h>

#include "actors/program.h"
#include "core/deadline.h"

namespace {

using namespace srpo;
using namespace srpo::actors;
using namespace std::chrono_literals;

std::map<std::string, int64_t> settings = {
    {"spares", 0}, {"spawn", 1},       {"seconds", 3}, {"dead_ms", 0},
    {"budget", 5}, {"min_healthy", 1}, {"bytes", 0},   {"retries", 20}};
std::string mode;

bool is_first_generation() {
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  return rank != nullptr && std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr &&
         std::string(std::getenv("OMPI_COMM_WORLD_SIZE")) != "1";
}

bool is_enough() {
  const char* folder = std::getenv("FAULT_FOLDER");
  return folder != nullptr &&
         ::access((std::string(folder) + "/enough").c_str(), F_OK) == 0;
}

class Worker : public Actor {
 public:
  Worker() {
    if (mode == "broken" && !is_first_generation()) ::_exit(1);
    std::printf("worker pid=%d\n", static_cast<int>(::getpid()));
    std::fflush(stdout);
  }
  /// Answers with twice the number; carries a load.
  int64_t twice(int64_t number, const core::Buffer& /*load*/) { return 2 * number; }
  int64_t once(int64_t number) { return number; }
  void block(int64_t seconds) {
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
  }
  using Methods = MethodList<method<&Worker::twice>({.idempotent = true, .retries = 20}),
                             &Worker::once, &Worker::block>;
};

struct Counts {
  uint64_t right = 0;
  uint64_t wrong = 0;
  uint64_t errors = 0;
  uint64_t longest_ms = 0;
};

/// One caller: a call after the other until the time is up.
Task<Done> call_on(Runtime& runtime, Group<Worker> workers, Counts& counts,
                   core::Deadline until, int64_t first) {
  const core::Buffer load =
      core::Buffer::of(core::Bytes(static_cast<size_t>(settings["bytes"])));
  for (int64_t number = first; !until.has_passed() && !is_enough(); ++number) {
    const core::Stopwatch time;
    if (number % 4 == 0) {
      auto answer = co_await workers.pick(Pick::kRoundRobin).call<&Worker::once>(number);
      answer.has_value() ? ++counts.right : ++counts.errors;
      if (answer.has_value() && *answer != number) ++counts.wrong;
    } else {
      auto answer =
          co_await workers.pick(Pick::kRoundRobin).call<&Worker::twice>(number, load);
      answer.has_value() ? ++counts.right : ++counts.errors;
      if (answer.has_value() && *answer != 2 * number) ++counts.wrong;
    }
    counts.longest_ms =
        std::max(counts.longest_ms, static_cast<uint64_t>(time.seconds() * 1000));
    co_await runtime.sleep_for(200us);
  }
  co_return Done{};
}

Task<int> run(Runtime& runtime, std::vector<std::string> /*arguments*/) {
  if (mode == "brief") co_return 0;
  std::vector<int> ranks;
  for (int rank = 1; rank < runtime.size(); ++rank) ranks.push_back(rank);
  Supervision rule = Supervision::one_for_one();
  rule.max_restarts = static_cast<int32_t>(settings["budget"]);
  rule.min_healthy = static_cast<int32_t>(settings["min_healthy"]);
  const auto workers = runtime.spawn<Worker>("worker", ranks, args(), rule);
  co_await workers.started();
  std::printf("ready pid=%d\n", static_cast<int>(::getpid()));
  std::fflush(stdout);
  if (mode == "stuck") workers[0].tell<&Worker::block>(int64_t{100});
  Counts counts;
  const auto until = core::Deadline::in(std::chrono::seconds(settings["seconds"]));
  std::vector<Future<Done>> callers;
  for (int64_t caller = 0; caller < 8; ++caller) {
    callers.push_back(runtime.start(
        "caller", call_on(runtime, workers, counts, until, caller * 1'000'000)));
  }
  for (auto& caller : callers) co_await caller;
  std::printf("counts right=%llu wrong=%llu errors=%llu longest_ms=%llu\n",
              static_cast<unsigned long long>(counts.right),
              static_cast<unsigned long long>(counts.wrong),
              static_cast<unsigned long long>(counts.errors),
              static_cast<unsigned long long>(counts.longest_ms));
  std::fflush(stdout);
  co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
  mode = argc > 1 ? argv[1] : "load";
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t equals = word.find('=');
    if (equals != std::string::npos)
      settings[word.substr(0, equals)] = std::atoll(word.c_str() + equals + 1);
  }
  ProgramOptions options;
  options.spares = static_cast<int>(settings["spares"]);
  options.spawn_replacements = settings["spawn"] != 0;
  options.runtime.call_timeout = 20s;
  if (settings["dead_ms"] > 0) {
    options.control.heartbeat.dead_after = std::chrono::milliseconds(settings["dead_ms"]);
    options.control.heartbeat.suspect_after =
        std::chrono::milliseconds(settings["dead_ms"] / 2);
    options.control.heartbeat.stuck_after = 2s;
  }
  const char* folder = std::getenv("FAULT_FOLDER");
  if (folder != nullptr) options.control.file = std::string(folder) + "/control.json";
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  if (mode == "differs" && rank != nullptr && std::string(rank) == "1")
    options.control.program = "fault_program of another build";
  return run_program(argc, argv, options, run);
}
