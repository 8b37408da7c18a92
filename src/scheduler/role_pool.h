// The workers of one role and the work they hold: placement, waiting, retries, hedging,
// loss.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "records/ids.h"
#include "scheduler/latency_window.h"
#include "scheduler/ledger.h"
#include "scheduler/placement.h"
#include "scheduler/workers.h"

namespace srpo::scheduler {

struct PoolConfig {
  uint32_t workers = 1;
  uint32_t slots = 0;  ///< pieces one worker holds at most; 0: any number
  /// A piece is asked for twice after max(floor, 3 x p95 of recent ones of its size);
  /// floor 0: never.
  Time hedge_floor = std::chrono::seconds(60);
};

/// A piece of work. Its id is unique within the role.
struct Task {
  records::TrajectoryId id;
  uint32_t size = 0;     ///< tokens or characters it starts from: its latency bucket
  int32_t priority = 0;  ///< larger ones leave the queue first
  std::optional<uint32_t> prefer;  ///< the worker that holds a cache for it
  double slack = 0;  ///< how much more the preferred worker may cost than the best one
};

/// Give this piece to this worker.
struct Assignment {
  records::TrajectoryId id;
  uint32_t worker;
};

/// A piece that its workers could not survive.
struct Poisoned {
  records::TrajectoryId id;
  std::vector<uint32_t> workers;  ///< one entry for each failure
};

/// What happens to one role's work. New assignments are appended to `out`. A piece that
/// has failed twice is tried a third time alone on a worker, so that no other piece is
/// taken for the culprit; at most a quarter of the workers are kept for that.
/// Thread-compatible.
class RolePool {
 public:
  enum class Answer { kAccepted, kLate };

  RolePool(Role role, const PoolConfig& config);

  void submit(const Task& task, Time now, std::vector<Assignment>& out);
  /// The first answer for a piece is accepted; `twins` are the workers that still draw
  /// it.
  Answer finish(const records::TrajectoryId& id, uint32_t worker, Time now,
                std::vector<uint32_t>& twins, std::vector<Assignment>& out);
  /// Asks again, elsewhere if there is an elsewhere. After three failures on two workers
  /// (on one, where there is only one) the piece is given up instead.
  std::optional<Poisoned> fail(const records::TrajectoryId& id, uint32_t worker, Time now,
                               std::vector<Assignment>& out);
  /// Nobody needs the piece any more; returns the workers that hold it. When all that is
  /// to be cancelled is, refill() gives what waits to those that have become free.
  std::vector<uint32_t> cancel(const records::TrajectoryId& id);
  void refill(Time now, std::vector<Assignment>& out) { pump(now, out); }
  std::vector<Poisoned> lose(uint32_t worker, Time now, std::vector<Assignment>& out);
  void join(uint32_t worker, Time now, std::vector<Assignment>& out);
  void slow(uint32_t worker, double factor);
  /// Gives nothing out any more.
  void close() { closed_ = true; }

  /// Asks again for pieces whose deadline has passed.
  void expire(Time now, std::vector<Assignment>& out);
  std::optional<Time> next_deadline() const;

  const Placement& placement() const { return placement_; }
  const Happenings& happenings() const { return happenings_; }
  size_t num_waiting() const { return queue_.size() + suspects_.size(); }
  size_t num_pieces() const { return works_.size(); }
  /// Pieces the worker holds, at most `most` of them.
  std::vector<records::TrajectoryId> held_by(uint32_t worker, size_t most) const;
  uint32_t failures_of(uint32_t worker) const {
    return worker < state_.size() ? state_[worker].failures : 0;
  }

 private:
  struct Flight {
    uint32_t worker = 0;
    uint32_t place = 0;  // in state_[worker].held
    Time started{0};
  };
  using QueueKey = std::pair<int64_t, uint64_t>;  // minus priority, arrival
  struct Work {
    Task task;
    std::array<Flight, 2> flights;
    uint8_t num_flights = 0;
    bool hedged = false;
    std::optional<QueueKey> queued;
    std::optional<uint32_t> apart;  // the worker that is kept for it
    Time check{0};                  // entry of checks_; 0: none
    std::vector<uint32_t> failed_on;
    bool is_suspect() const { return failed_on.size() >= 2; }
  };
  struct WorkerState {
    std::vector<uint64_t> held;  // keys of works
    uint32_t failures = 0;       // that are not a piece's fault
    double ratio = 1;            // running mean of duration / median of its size
    double told = 1;             // WorkerSlow
  };
  using Queue = std::map<QueueKey, uint64_t>;

  bool has_room(uint32_t worker) const {
    return config_.slots == 0 || placement_.load(worker) < config_.slots;
  }
  std::optional<uint32_t> choose(const Work& work) const;
  void assign_or_queue(uint64_t key, Work& work, Time now, std::vector<Assignment>& out);
  void start(uint64_t key, Work& work, uint32_t worker, Time now,
             std::vector<Assignment>& out);
  void end_flight(Work& work, uint8_t index, bool free_worker);
  std::optional<uint8_t> flight_on(const Work& work, uint32_t worker) const;
  void set_check(uint64_t key, Work& work, Time at);
  void unqueue(Work& work);
  void forget(uint64_t key, Work& work, std::vector<uint32_t>& holders);
  bool end_orphan(uint64_t key, uint32_t worker);
  std::optional<Poisoned> retry(uint64_t key, Work& work, uint32_t worker, Time now,
                                std::vector<Assignment>& out);
  bool is_poison(const Work& work) const;
  void pump(Time now, std::vector<Assignment>& out);
  void pump_suspects(Time now, std::vector<Assignment>& out);
  void set_workers_apart();
  void end_setting_apart(uint64_t key);
  void observe(uint32_t worker, uint32_t size, Time took);
  void expire_one(uint64_t key, Work& work, Time now, std::vector<Assignment>& out);
  WorkerState& state(uint32_t worker);

  Role role_;
  PoolConfig config_;
  Placement placement_;
  LatencyWindow latencies_;
  Happenings happenings_;
  std::unordered_map<uint64_t, Work> works_;
  std::vector<WorkerState> state_;
  Queue queue_;
  Queue suspects_;  // failed twice, and wait to be alone on a worker
  std::map<uint32_t, uint64_t> set_apart_;  // worker: the suspect it is kept for
  uint64_t arrivals_ = 0;
  std::set<std::pair<Time, uint64_t>> checks_;
  /// (worker, key) of pieces that nobody needs but a worker is still at.
  std::set<std::pair<uint32_t, uint64_t>> orphans_;
  double mean_ratio_ = 1;
  bool closed_ = false;
};

}  // namespace srpo::scheduler
