// A whole run in virtual time: the scheduler as it is, workers and learners as a model.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "core/random.h"
#include "scheduler/scheduler.h"
#include "scheduler/simulated_workers.h"
#include "scheduler/world_model.h"

namespace srpo::scheduler {

/// What goes wrong. Rates are for each worker and hour of virtual time.
struct FaultPlan {
  double kills_per_hour = 0;   ///< of generators, verifiers and localizers
  double respawn_seconds = 5;  ///< until a killed worker is back
  double slow_share = 0;       ///< of generators: slow from the beginning
  double slow_factor = 4;
  double straggler_share = 0;  ///< of answers that take straggler_factor times as long
  double straggler_factor = 10;
  double failure_share = 0;     ///< of pieces: the worker says it failed
  double poison_share = 0;      ///< of problems: kill their generator at every draw
  double duplicate_share = 0;   ///< of answers that arrive twice
  double faults_end_at = 1e18;  ///< virtual seconds: from then on nothing goes wrong
};

struct SimulationConfig {
  SchedulerConfig scheduler;
  WorldModel model;
  FaultPlan faults;
  uint64_t seed = 0;
  uint32_t problems_per_step = 32;
  uint32_t validation_problems = 0;
  uint32_t learners = 1;
  double hop_seconds = 0.0002;     ///< a message's way
  std::optional<double> drain_at;  ///< virtual seconds
  double drain_patience = 10;
  bool measures_decisions = false;    ///< reads the real clock around each decision
  uint64_t most_events = 1ULL << 40;  ///< then the run counts as stuck
};

struct SimulationResult {
  bool finished = false;
  bool stopped = false;  ///< by a drain
  uint32_t steps = 0;
  double seconds = 0;                          ///< virtual
  double step_seconds = 0;                     ///< of one step, on average
  std::array<double, kNumRoles> idle_share{};  ///< of worker time
  double learner_idle_share = 0;
  double tokens_per_second = 0;  ///< decoded and needed
  uint64_t samples = 0;          ///< sequences that were accepted
  uint64_t events = 0;
  uint32_t max_lag = 0;
  Ledger problems;
  Ledger sequences;
  Happenings happenings;
  double decisions_per_second = 0;  ///< real time in the scheduler; 0: not measured
  double decision_p99_seconds = 0;
  double decision_max_seconds = 0;
  uint64_t most_waiting = 0;  ///< pieces that waited for a worker at once
  std::string stuck;          ///< why it did not end, "" if it did
};

/// Deterministic in its configuration. One run each. Thread-compatible.
class SimulatedWorld {
 public:
  explicit SimulatedWorld(SimulationConfig config);

  SimulationResult run();

  /// Called after every event; tests look at the scheduler there.
  std::function<void(const Scheduler&)> after_event;
  /// Called for every batch and for every tree that is recorded.
  std::function<void(const commands::Train&)> on_train;
  std::function<void(const commands::Record&)> on_record;

 private:
  /// Something that will happen. `worker` and `incarnation` say whose it is. The answer
  /// of a worker that has died since mostly never comes; sometimes it comes late.
  struct Happening {
    double at;
    uint64_t order;
    enum class Kind : uint8_t {
      kEvent,
      kAnswer,
      kGeneratorEnds,
      kKill,
      kRespawn,
      kTick
    } kind;
    Role role = Role::kGenerator;
    uint32_t worker = 0;
    uint32_t incarnation = 0;
    std::shared_ptr<Event> event;
    bool operator>(const Happening& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  struct Worker {
    bool alive = true;
    uint32_t incarnation = 0;
    uint32_t ends_stamp = 0;  // of the newest kGeneratorEnds
  };

  void carry_out(std::vector<Command>& commands);
  void carry_out(commands::OpenStep& open);
  void carry_out(commands::Generate& generate);
  void carry_out(commands::Verify& verify);
  void carry_out(commands::Localize& localize);
  void carry_out(commands::Release&) {}
  void carry_out(commands::Cancel& cancel);
  void carry_out(commands::Record& record);
  void carry_out(commands::Drop&) {}
  void carry_out(commands::Quarantine&) {}
  void carry_out(commands::TrainDemonstrations& train);
  void carry_out(commands::Train& train);
  void carry_out(commands::Publish& publish);
  void carry_out(commands::Checkpoint& checkpoint);
  void carry_out(commands::Finish& finish);

  void push(Happening happening);
  void answer(Role role, uint32_t worker, Event event, double at);
  void later(Event event, double seconds);
  void happen(Happening& happening);
  void generator_ends(uint32_t worker, uint32_t stamp);
  void watch_generator(uint32_t worker);
  void kill(Role role, uint32_t worker);
  void plan_kill(Role role, uint32_t worker);
  void respawn(Role role, uint32_t worker);
  void decide(Event event);
  void watch_deadline();
  bool faults_are_on() const { return now_ < config_.faults.faults_end_at; }
  bool chance(double share) {
    return share > 0 && faults_are_on() && rng_.uniform() < share;
  }
  Worker& worker(Role role, uint32_t number) {
    return workers_[static_cast<size_t>(role)].at(number);
  }
  bool is_poison(const records::TrajectoryId& id) const;
  bool succeeds(const records::TrajectoryId& id) const;
  double tokens_of(const records::TrajectoryId& id) const;
  records::Trajectory chain_of(const records::GenerationRequest& request) const;
  SimulationResult result() const;
  Time time() const { return Time(static_cast<int64_t>(now_ * 1e9)); }

  SimulationConfig config_;
  Scheduler scheduler_;
  core::Rng rng_;
  double now_ = 0;
  uint64_t orders_ = 0;
  std::priority_queue<Happening, std::vector<Happening>, std::greater<>> queue_;
  std::array<std::vector<Worker>, kNumRoles> workers_;
  std::vector<SimulatedGenerator> generators_;
  std::array<std::vector<SimulatedServer>, kNumRoles> servers_;
  std::map<std::pair<uint32_t, records::TrajectoryId>, records::GenerationRequest>
      requests_;  // by generator
  double learner_busy_ = 0;
  uint32_t version_ = 0;
  uint64_t events_ = 0;
  double needed_tokens_ = 0;
  uint64_t samples_ = 0;
  uint64_t most_waiting_ = 0;
  std::optional<double> watched_deadline_;
  bool stopped_ = false;
  std::vector<float> decision_seconds_;
};

}  // namespace srpo::scheduler
