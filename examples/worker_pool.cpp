// A supervised pool: workers count primes, any of them may be killed with kill -9 at any
// time, and the sum still comes out right. Needs recovery: start it with srpo_run.
//
//   srpo_run -np 4 worker_pool [--spares 1] [pieces]
#include <cstdio>
#include <unistd.h>

#include "actors/program.h"

using namespace srpo::actors;

class Worker : public Actor {
 public:
  /// On a thread of the pool, so that the rank can be asked how it is while it counts.
  uint64_t count_primes(uint64_t from, uint64_t to) {
    uint64_t primes = 0;
    for (uint64_t n = std::max<uint64_t>(from, 2); n < to; ++n) {
      bool prime = true;
      for (uint64_t d = 2; prime && d * d <= n; ++d) prime = n % d != 0;
      primes += prime ? 1 : 0;
    }
    return primes;
  }
  int64_t process() { return ::getpid(); }
  // Counting twice does no harm: a piece whose worker dies goes to its replacement.
  using Methods = MethodList<
      method<&Worker::count_primes>(
          {.idempotent = true, .retries = 5, .concurrency = 2, .on_pool = true}),
      method<&Worker::process>({.idempotent = true})>;
};

Task<int> run(Runtime& runtime, std::vector<std::string> arguments) {
  const uint64_t pieces = arguments.empty() ? 200 : std::stoull(arguments.back());
  constexpr uint64_t kPiece = 20'000;
  std::vector<int> ranks;
  for (int rank = 1; rank < runtime.size(); ++rank) ranks.push_back(rank);
  const auto workers =
      runtime.spawn<Worker>("worker", ranks, args(), Supervision::one_for_one());
  for (auto& pid : *co_await workers.broadcast<&Worker::process>())
    std::printf("worker %lld\n", static_cast<long long>(*pid));
  std::fflush(stdout);
  std::vector<Future<uint64_t>> counts;
  for (uint64_t piece = 0; piece < pieces; ++piece) {
    counts.push_back(
        workers.pick(Pick::kRoundRobin)
            .call<&Worker::count_primes>(piece * kPiece, (piece + 1) * kPiece));
  }
  uint64_t primes = 0;
  for (auto& count : *co_await when_all(counts)) primes += *count;
  std::printf("%llu primes below %llu\n", static_cast<unsigned long long>(primes),
              static_cast<unsigned long long>(pieces * kPiece));
  co_return 0;
}

int main(int argc, char** argv) {
  ProgramOptions options;
  if (argc > 2 && std::string(argv[1]) == "--spares") options.spares = std::atoi(argv[2]);
  return run_program(argc, argv, options, run);
}
