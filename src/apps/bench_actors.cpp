// What the actor runtime costs beside the MPI under it, both in one run.
#include <algorithm>
#include <cstdio>
#include <sys/resource.h>
#include <thread>

#include "actors/runtime.h"
#include "actors/wire/mpi_transport.h"
#include "apps/bench.h"
#include "comm/mpi_session.h"

namespace srpo::bench {
namespace {

using actors::Future;
using actors::Handle;
using Clock = core::Clock;

constexpr int kTag = 900;
constexpr size_t kTraceEvents = 1 << 16;

/// The other side of every call.
class Echo : public actors::Actor {
 public:
  int64_t small(int64_t value) { return value; }
  std::vector<uint8_t> bytes(std::vector<uint8_t> value) { return value; }
  void take(const core::Buffer&) {}
  int64_t on_thread(int64_t value) { return value; }
  /// Processor seconds of the process so far.
  double processor_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  using Methods = actors::MethodList<&Echo::small, &Echo::bytes, &Echo::take,
                                     actors::method<&Echo::on_thread>({.on_pool = true}),
                                     &Echo::processor_seconds>;
};

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What rank 0 tells the others to do next.
struct Step {
  enum Kind : int64_t { kEnd, kOurs, kPingPong, kStream, kBroadcast, kSends };
  Kind kind = kEnd;
  int64_t size = 0;
  int64_t window = 0;
  double seconds = 0;
};

/// One rank's part in the loops over plain MPI. `last` in a first byte ends a loop.
class RawLoops {
 public:
  explicit RawLoops(MPI_Comm comm) : comm_(comm) { MPI_Comm_rank(comm, &rank_); }

  /// Median microseconds of a round trip between ranks 0 and 1.
  double ping_pong(const Step& step) {
    std::vector<char> data(static_cast<size_t>(step.size));
    const int size = static_cast<int>(step.size);
    if (rank_ == 1) {
      do {
        MPI_Recv(data.data(), size, MPI_BYTE, 0, kTag, comm_, MPI_STATUS_IGNORE);
        MPI_Send(data.data(), size, MPI_BYTE, 0, kTag, comm_);
      } while (data[0] == 0);
    }
    if (rank_ != 0) return 0;
    std::vector<double> times;
    const auto start = Clock::now();
    auto before = start;
    while (data[0] == 0) {
      if (times.size() % 64 == 63 && since(start) > step.seconds) data[0] = 1;
      MPI_Send(data.data(), size, MPI_BYTE, 1, kTag, comm_);
      MPI_Recv(data.data(), size, MPI_BYTE, 1, kTag, comm_, MPI_STATUS_IGNORE);
      const auto now = Clock::now();
      times.push_back(std::chrono::duration<double, std::micro>(now - before).count());
      before = now;
    }
    return median(std::move(times));
  }

  /// Messages a second from rank 0 to 1: windows of Isend and Irecv, one answer each.
  double stream(const Step& step) {
    const auto window = static_cast<size_t>(step.window);
    const int size = static_cast<int>(step.size);
    std::vector<std::vector<char>> data(rank_ == 0 ? 1 : window,
                                        std::vector<char>(static_cast<size_t>(size)));
    std::vector<MPI_Request> requests(window);
    char go_on = 1;
    double messages = 0;
    const auto start = Clock::now();
    while (go_on != 0 && rank_ < 2) {
      for (size_t i = 0; i < window; ++i) {
        if (rank_ == 0) {
          MPI_Isend(data[0].data(), size, MPI_BYTE, 1, kTag, comm_, &requests[i]);
        } else {
          MPI_Irecv(data[i].data(), size, MPI_BYTE, 0, kTag, comm_, &requests[i]);
        }
      }
      MPI_Waitall(static_cast<int>(window), requests.data(), MPI_STATUSES_IGNORE);
      messages += static_cast<double>(window);
      if (rank_ == 0) {
        go_on = since(start) < step.seconds ? 1 : 0;
        MPI_Send(&go_on, 1, MPI_CHAR, 1, kTag, comm_);
        MPI_Recv(&go_on, 1, MPI_CHAR, 1, kTag, comm_, MPI_STATUS_IGNORE);
      } else {
        MPI_Recv(&go_on, 1, MPI_CHAR, 0, kTag, comm_, MPI_STATUS_IGNORE);
        MPI_Send(&go_on, 1, MPI_CHAR, 0, kTag, comm_);
      }
    }
    return messages / since(start);
  }

  /// Seconds until everybody has the bytes of rank 0.
  double broadcast(const Step& step, std::vector<char>& data) {
    int size = 0;
    MPI_Comm_size(comm_, &size);
    data.resize(static_cast<size_t>(step.size));
    MPI_Barrier(comm_);
    const auto start = Clock::now();
    const int count = static_cast<int>(step.size);
    if (step.kind == Step::kBroadcast) {
      MPI_Bcast(data.data(), count, MPI_BYTE, 0, comm_);
    } else if (rank_ == 0) {
      std::vector<MPI_Request> requests(static_cast<size_t>(size - 1));
      for (int to = 1; to < size; ++to) {
        MPI_Isend(data.data(), count, MPI_BYTE, to, kTag, comm_,
                  &requests[static_cast<size_t>(to - 1)]);
      }
      MPI_Waitall(size - 1, requests.data(), MPI_STATUSES_IGNORE);
    } else {
      MPI_Recv(data.data(), count, MPI_BYTE, 0, kTag, comm_, MPI_STATUS_IGNORE);
    }
    MPI_Barrier(comm_);
    return since(start);
  }

 private:
  MPI_Comm comm_;
  int rank_ = 0;
};

/// One rank of the benchmark.
class ActorsBench {
 public:
  explicit ActorsBench(const Options& options)
      : options_(options),
        world_(comm::Communicator::world()),
        raw_comm_(comm::Communicator::world()),
        transport_(world_),
        raw_(raw_comm_.handle()) {}

  int size() const { return world_.size(); }
  int rank() const { return world_.rank(); }

  /// Ranks other than 0: does what rank 0 says.
  void follow() {
    for (Step step = tell({}); step.kind != Step::kEnd; step = tell({})) {
      if (step.kind == Step::kOurs) {
        serve(static_cast<size_t>(step.size));
      } else {
        run_raw(step);
      }
    }
  }

  /// Rank 0.
  void lead() {
    Report report("actors (" + comm::MpiSession::library_name() + ")", options_);
    latency(report, "round trip 8 B", 8);
    latency(report, "round trip 1 KiB", 1024);
    rate(report);
    bandwidth(report, "buffers of 64 KiB", 64 << 10, 64);
    bandwidth(report, "buffers of 1 MiB", 1 << 20, 32);
    bandwidth(report, "buffers of 16 MiB", 16 << 20, 8);
    thread_hop(report);
    tracing(report);
    if (size() > 2) broadcast(report);
    idle(report);
    tell({Step::kEnd});
    report.finish();
  }

 private:
  Step tell(Step step) {
    MPI_Bcast(&step, sizeof step, MPI_BYTE, 0, raw_comm_.handle());
    return step;
  }

  double run_raw(const Step& step) {
    switch (step.kind) {
      case Step::kPingPong:
        return raw_.ping_pong(step);
      case Step::kStream:
        return raw_.stream(step);
      default:
        return raw_.broadcast(step, broadcast_data_);
    }
  }
  double raw(const Step& step) {
    tell(step);
    return run_raw(step);
  }

  static actors::RuntimeConfig config(size_t trace_events) {
    actors::RuntimeConfig config;
    config.trace_events = trace_events;
    config.credits.bytes = size_t{1} << 30;
    return config;
  }

  void serve(size_t trace_events) {
    actors::Runtime runtime(transport_, config(trace_events));
    Echo echo;
    runtime.host("echo", echo);
    runtime.run();
    MPI_Barrier(raw_comm_.handle());
  }

  /// Runs `measure(runtime)` while the others serve.
  template <class Measure>
  double ours(const Measure& measure, size_t trace_events = 0) {
    tell({Step::kOurs, static_cast<int64_t>(trace_events)});
    double result = 0;
    {
      actors::Runtime runtime(transport_, config(trace_events));
      result = measure(runtime);
      runtime.stop_all();
    }
    MPI_Barrier(raw_comm_.handle());
    return result;
  }

  /// Alternates both, so that a change of the machine's mood meets both.
  template <class Ours, class Raw>
  Row compare(const std::string& name, const std::string& unit, const Ours& ours_once,
              const Raw& raw_once) {
    std::vector<double> ours_all;
    std::vector<double> raw_all;
    for (int i = 0; i < options_.repeats; ++i) {
      raw_all.push_back(raw_once());
      ours_all.push_back(ours(ours_once));
    }
    return {name, unit, best(unit, ours_all), best(unit, raw_all), ""};
  }

  /// Median microseconds of `call(handle)`, one at a time.
  template <class Call>
  double time_calls(actors::Runtime& runtime, const Call& call) const {
    const auto handle = runtime.find<Echo>(1, "echo");
    for (int i = 0; i < 100; ++i) runtime.wait(call(handle));
    std::vector<double> times;
    const auto start = Clock::now();
    auto before = start;
    while (times.size() % 64 != 63 || since(start) < options_.seconds) {
      runtime.wait(call(handle));
      const auto now = Clock::now();
      times.push_back(std::chrono::duration<double, std::micro>(now - before).count());
      before = now;
    }
    return median(std::move(times));
  }

  void latency(Report& report, const std::string& name, int64_t bytes) {
    if (!report.wants(name)) return;
    const auto measure = [&](actors::Runtime& runtime) {
      if (bytes == 8) {
        return time_calls(runtime, [](const Handle<Echo>& echo) {
          return echo.call<&Echo::small>(int64_t{7});
        });
      }
      const std::vector<uint8_t> value(static_cast<size_t>(bytes));
      return time_calls(runtime, [&](const Handle<Echo>& echo) {
        return echo.call<&Echo::bytes>(value);
      });
    };
    report.add(compare(name, "us", measure, [&] {
      return raw({Step::kPingPong, bytes, 0, options_.seconds});
    }));
  }

  /// Completed calls a second with so many under way.
  template <class Call>
  double calls_a_second(actors::Runtime& runtime, size_t window, const Call& call) const {
    const auto handle = runtime.find<Echo>(1, "echo");
    size_t under_way = 0;
    double done = 0;
    const auto start = Clock::now();
    while (since(start) < options_.seconds) {
      while (under_way < window) {
        ++under_way;
        call(handle).then([&](auto& result) {
          result.value();
          --under_way;
          ++done;
        });
      }
      runtime.turn();
    }
    const double rate = done / since(start);
    while (under_way > 0) runtime.turn();
    return rate;
  }

  void rate(Report& report) {
    if (!report.wants("calls, 64 under way")) return;
    Row row = compare(
        "calls, 64 under way", "/s",
        [&](actors::Runtime& runtime) {
          return calls_a_second(runtime, 64, [](const Handle<Echo>& echo) {
            return echo.call<&Echo::small>(int64_t{7});
          });
        },
        [&] {
          return raw({Step::kStream, 8, 64, options_.seconds}) / 2;
        });
    row.note = "raw: half the rate of messages";
    report.add(row);
  }

  void bandwidth(Report& report, const std::string& name, int64_t bytes, size_t window) {
    if (!report.wants(name)) return;
    const auto buffer =
        core::Buffer::of(std::vector<uint8_t>(static_cast<size_t>(bytes), 1));
    const double scale = static_cast<double>(bytes) * 1e-9;
    report.add(compare(
        name, "GB/s",
        [&](actors::Runtime& runtime) {
          return scale * calls_a_second(runtime, window, [&](const Handle<Echo>& echo) {
                   return echo.call<&Echo::take>(buffer);
                 });
        },
        [&] {
          return scale * raw({Step::kStream, bytes, static_cast<int64_t>(window),
                              options_.seconds});
        }));
  }

  void thread_hop(Report& report) {
    const std::string name = "round trip 8 B, on a thread";
    if (!report.wants(name)) return;
    report.add(compare(
        name, "us",
        [&](actors::Runtime& runtime) {
          return time_calls(runtime, [](const Handle<Echo>& echo) {
            return echo.call<&Echo::on_thread>(int64_t{7});
          });
        },
        [&] {
          return raw({Step::kPingPong, 8, 0, options_.seconds});
        }));
  }

  /// Beside the same calls without a trace; queue lengths, latencies and bytes are
  /// counted in both.
  void tracing(Report& report) {
    const std::string name = "round trip 8 B, traced";
    if (!report.wants(name)) return;
    const auto measure = [&](actors::Runtime& runtime) {
      return time_calls(runtime, [](const Handle<Echo>& echo) {
        return echo.call<&Echo::small>(int64_t{7});
      });
    };
    std::vector<double> with;
    std::vector<double> without;
    for (int i = 0; i < options_.repeats; ++i) {
      without.push_back(ours(measure));
      with.push_back(ours(measure, kTraceEvents));
    }
    report.add({name, "us", best("us", with), best("us", without), "raw: ours untraced"});
  }

  void broadcast(Report& report) {
    constexpr int64_t kBytes = int64_t{256} << 20;
    const double scale = static_cast<double>(kBytes) * 1e-9 * (size() - 1);
    const std::string to = " to " + std::to_string(size() - 1);
    if (!report.wants("256 MiB" + to)) return;
    const auto buffer =
        core::Buffer::of(std::vector<uint8_t>(static_cast<size_t>(kBytes), 1));
    const auto measure = [&](actors::Runtime& runtime) {
      std::vector<Handle<Echo>> members;
      for (int rank = 1; rank < size(); ++rank)
        members.push_back(runtime.find<Echo>(rank, "echo"));
      const actors::Group<Echo> group(std::move(members));
      const auto start = Clock::now();
      for (auto& result : runtime.wait(group.broadcast<&Echo::take>(buffer)))
        result.value();
      return scale / since(start);
    };
    for (const auto kind : {Step::kSends, Step::kBroadcast}) {
      Row row = compare("256 MiB" + to, "GB/s", measure, [&] {
        return scale / raw({kind, kBytes});
      });
      row.note = kind == Step::kSends ? "raw: Isends" : "raw: MPI_Bcast";
      report.add(row);
    }
  }

  void idle(Report& report) {
    if (!report.wants("idle rank")) return;
    const double share = ours([&](actors::Runtime& runtime) {
      const auto handle = runtime.find<Echo>(1, "echo");
      std::this_thread::sleep_for(std::chrono::seconds(1));
      const double before = runtime.wait(handle.call<&Echo::processor_seconds>());
      const auto start = Clock::now();
      std::this_thread::sleep_for(std::chrono::seconds(3));
      const double after = runtime.wait(handle.call<&Echo::processor_seconds>());
      return 100 * (after - before) / since(start);
    });
    report.add({"idle rank", "% of a core", share, 0, ""});
  }

  Options options_;
  comm::Communicator world_;
  comm::Communicator raw_comm_;
  actors::MpiTransport transport_;
  RawLoops raw_;
  std::vector<char> broadcast_data_;
};

int run(const Options& options, int* argc, char*** argv) {
  comm::MpiSession session(argc, argv);
  ActorsBench bench(options);
  if (bench.size() < 2) {
    std::fprintf(stderr,
                 "srpo_bench actors measures calls between ranks and has one rank only: "
                 "mpirun -np 2 srpo_bench actors (-np 8 for the broadcast)\n");
    session.leave_with(64);
    return 64;
  }
  if (bench.rank() == 0) {
    bench.lead();
  } else {
    bench.follow();
  }
  return 0;
}

const Registration registration("actors", "calls between ranks beside raw MPI (mpirun)",
                                run);

}  // namespace
}  // namespace srpo::bench
