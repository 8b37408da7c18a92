// Who does what next in a run: a pure state machine. Events and the time in, commands
// out; no clock, no I/O, no messages.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "scheduler/commands.h"
#include "scheduler/events.h"
#include "scheduler/ledger.h"
#include "scheduler/scheduler_config.h"
#include "scheduler/step_window.h"

namespace srpo::scheduler {

/// Modes kSync and kOneStepOff: the same events in any order of arrival, with any number
/// of workers, retries and hedges, give the same recorded trees and training batches.
/// Every mode: no problem is lost or trained on twice, and the ledgers close after every
/// event. The cost of an event does not grow with the problems of a step, and with the
/// logarithm of the number of workers. Thread-compatible.
class Scheduler {
 public:
  /// Goes on from where a checkpoint stands.
  Scheduler(SchedulerConfig config, Progress progress, SchedulerState state = {});
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  std::vector<Command> start(Time now);
  /// `now` never goes back.
  std::vector<Command> on(Event event, Time now);
  /// When a Tick is due, if nothing else happens before.
  std::optional<Time> next_deadline() const;

  bool is_finished() const { return finished_; }
  const Progress& progress() const { return progress_; }
  const Ledger& ledger() const { return problems_; }
  const Ledger& sequences() const { return sequences_; }
  Happenings happenings() const;
  /// Steps between the weights a tree was begun with and the step that trained on it.
  uint32_t max_lag() const { return max_lag_; }
  const RolePool& pool(Role role) const { return pools_[static_cast<size_t>(role)]; }

  /// One sentence for each thing that is waited for; never empty before the end.
  std::vector<std::string> why() const;
  /// Of one problem of an open step.
  std::vector<std::string> why(uint32_t step, uint32_t slot, bool validation) const;
  /// Of one worker.
  std::string why(Role role, uint32_t worker) const;
  /// Problems of the step that is drawn: how many there are, and how many are recorded.
  std::pair<uint32_t, uint32_t> step_progress() const;

 private:
  using Out = std::vector<Command>;
  using WindowKey = std::pair<uint32_t, bool>;     // step, validation
  using GroupKey = std::pair<uint32_t, uint32_t>;  // step, slot
  enum class Learner { kIdle, kDemonstrating, kTraining, kPublishing, kSaving };
  struct Place {
    StepWindow* window;
    GroupLifecycle* group;
  };

  // scheduler.cpp: events
  void handle(events::StepOpened& opened, Time now, Out& out);
  void handle(events::Generated& generated, Time now, Out& out);
  void handle(events::Verified& verified, Time now, Out& out);
  void handle(events::Localized& localized, Time now, Out& out);
  void handle(events::Failed& failed, Time now, Out& out);
  void handle(events::Recorded& recorded, Time now, Out& out);
  void handle(events::DemonstrationsTrained&, Time now, Out& out);
  void handle(events::Trained&, Time now, Out& out);
  void handle(events::Published&, Time now, Out& out);
  void handle(events::Checkpointed&, Time now, Out& out);
  void handle(events::WorkerLost& lost, Time now, Out& out);
  void handle(events::WorkerJoined& joined, Time now, Out& out);
  void handle(events::WorkerSlow& slow, Time now, Out& out);
  void handle(events::Drain& drain, Time now, Out& out);
  void handle(events::Admission& admission, Time now, Out& out);
  void handle(events::Tick&, Time now, Out& out);

  // scheduler_groups.cpp: what a group's orders become
  RolePool& pool_of(Role role) { return pools_[static_cast<size_t>(role)]; }
  std::optional<Place> find(const records::TrajectoryId& id);
  bool accept(Role role, const records::TrajectoryId& id, uint32_t worker, Time now,
              Out& out);
  void carry_out(Place place, const GroupOrders& orders, Time now, Out& out,
                 const std::string& drop_reason = "");
  void stop(const std::vector<GroupOrders::Stop>& stops, Time now, Out& out);
  void submit(Place place, const GroupOrders::Ask& ask, Time now, Out& out);
  void emit(Role role, const std::vector<Assignment>& assignments, Out& out);
  void quarantine(Role role, const Poisoned& poisoned, const std::string& reason,
                  Time now, Out& out);
  void drop(Place place, const std::string& reason, Time now, Out& out);
  void begin(StepWindow& window, GroupLifecycle& group, Time now, Out& out);
  void account(StepWindow& window);

  // scheduler_stages.cpp: the stages of a run; each returns true when it may be called
  // again at once
  void advance(Time now, Out& out);
  bool demonstrate(Out& out);
  void open(uint32_t step, bool validation, Out& out);
  void publish(Out& out);
  void admit(StepWindow& window, Time now, Out& out);
  bool may_admit() const;
  void save(Out& out);
  void finish(bool stopped, Out& out);
  bool validation_is_due() const;
  bool checkpoint_is_due() const;
  StepWindow* window(uint32_t step, bool validation);
  uint32_t pool_size() const;
  void open_window(events::StepOpened opened);
  void learn(const records::RolloutTree& tree);

  // scheduler_batches.cpp: sync and one step off
  bool step_batches(Time now, Out& out);
  bool draw(StepWindow& window, Time now, Out& out);
  bool let_draw(StepWindow& window, Out& out);
  bool prepare_next(StepWindow& current, Out& out);
  void train_window(StepWindow& window, Out& out);

  // scheduler_stream.cpp: async
  bool step_stream(Time now, Out& out);
  bool step_learner(Out& out);
  bool validate_stream(Time now, Out& out);
  void open_stream_window(events::StepOpened opened);
  void admit_stream(Time now, Out& out);
  bool train_stream(Out& out);
  bool leaves_room() const;
  void add_ready(StepWindow& window, uint32_t slot, uint32_t version);
  void end_stream_drawing(GroupKey key);
  void settle_stream(GroupKey key);
  uint64_t stream_admitted() const;
  StepWindow* open_validation();

  // scheduler_drain.cpp
  void step_drain(Time now, Out& out);
  bool is_exact_point();
  void park_all(Time now, Out& out);

  void explain_drawing(std::vector<std::string>& reasons) const;
  void explain_roles(std::vector<std::string>& reasons) const;

  SchedulerConfig config_;
  Progress progress_;
  SchedulerState state_;
  std::optional<Progress> checkpointed_;
  std::optional<uint32_t> published_;
  std::optional<uint32_t> validated_;
  Learner learner_ = Learner::kIdle;
  std::optional<WindowKey> opening_;
  std::map<WindowKey, StepWindow> windows_;
  std::array<RolePool, kNumRoles> pools_;
  uint32_t active_trees_ = 0;
  Ledger problems_;
  Ledger sequences_;
  uint64_t quarantined_ = 0;
  uint32_t max_lag_ = 0;
  std::optional<Time> drain_deadline_;
  std::optional<std::string> closed_because_;  // nothing is admitted
  bool finished_ = false;

  // async mode only
  struct Ready {
    uint32_t version;
    GroupKey key;
    auto operator<=>(const Ready&) const = default;
  };
  std::map<GroupKey, uint32_t> begun_;        // version it was begun with
  std::map<uint32_t, uint32_t> drawn_under_;  // version: problems not recorded yet
  std::map<uint32_t, uint32_t> ready_under_;  // version: problems of ready_
  std::set<Ready> ready_;                     // recorded, not trained on
  std::set<GroupKey> settled_;                // of windows that may be open
  uint32_t next_window_ = 0;
  uint64_t skipped_in_step_ = 0;
};

}  // namespace srpo::scheduler
