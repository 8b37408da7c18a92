// Who does what next in a run: a pure state machine. Events in, commands out; no clock,
// no I/O, no messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/commands.h"
#include "scheduler/events.h"
#include "scheduler/group_lifecycle.h"

namespace srpo::scheduler {

struct SchedulerConfig {
  uint32_t demonstration_batches = 0;  ///< of the warm start; 0: none
  uint32_t steps = 0;                  ///< of the algorithm
  uint32_t validate_every =
      0;  ///< steps; before the first and after the last one too; 0: never
  uint32_t checkpoint_every =
      8;  ///< steps; after the warm start and after the last step too
  uint32_t trees_in_flight = 0;  ///< problems drawn at the same time; 0: all of a step
  DrawSettings draws;
  uint32_t generators = 1;
  uint32_t verifiers = 1;
  uint32_t localizers = 1;
};

/// Counts of problems; assigned = accepted + dropped + in flight, at every moment.
struct Ledger {
  uint64_t assigned = 0;
  uint64_t accepted = 0;
  uint64_t dropped = 0;
  uint64_t in_flight = 0;
  bool closes() const { return assigned == accepted + dropped + in_flight; }
};

/// The same events in any order of arrival give the same recorded trees and the same
/// training batches. Thread-compatible.
class Scheduler {
 public:
  /// Goes on from where a checkpoint stands.
  Scheduler(SchedulerConfig config, Progress progress);

  std::vector<Command> start() { return next(); }
  std::vector<Command> on(const Event& event);

  bool is_finished() const { return finished_; }
  const Progress& progress() const { return progress_; }
  Ledger ledger() const;
  /// One line for each thing that is waited for.
  std::vector<std::string> why() const;
  /// Problems of the open step: how many there are, and how many are recorded.
  std::pair<uint32_t, uint32_t> step_progress() const;

 private:
  enum class Phase {
    kDemonstrations,
    kCheckpoint,
    kOpening,
    kPublishing,
    kDrawing,
    kTraining
  };

  std::vector<Command> next();
  std::vector<Command> open(bool validation);
  std::vector<Command> begin_trees();
  std::vector<Command> admit();
  std::vector<Command> step_is_recorded();
  std::vector<Command> after(std::vector<Command> commands);
  /// The tree that a sequence belongs to; null when its step is closed (an answer that
  /// came too late).
  GroupLifecycle* tree_of(const records::TrajectoryId& id);
  bool validation_is_due() const;
  bool checkpoint_is_due() const;

  SchedulerConfig config_;
  Progress progress_;
  std::optional<Progress> checkpointed_;
  std::optional<uint32_t> published_;
  std::optional<uint32_t> validated_;
  Phase phase_ = Phase::kOpening;
  bool validation_ = false;  // the open step measures the policy
  std::vector<GroupLifecycle> trees_;
  size_t next_tree_ = 0;  // of trees_, not begun yet
  uint32_t active_trees_ = 0;
  uint64_t accepted_before_ = 0;  // in steps that are closed
  uint64_t dropped_before_ = 0;
  Workers workers_;
  bool finished_ = false;
};

}  // namespace srpo::scheduler
