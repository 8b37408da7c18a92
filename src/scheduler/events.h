// What ranks report to the scheduler.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "records/rollout_tree.h"
#include "scheduler/workers.h"

namespace srpo::scheduler {
namespace events {

/// A step's trees in slot order: those that are recorded are whole, the others have
/// problem and prompt only.
struct StepOpened {
  struct Entry {
    records::RolloutTree tree;
    bool recorded;
    int32_t priority = 0;  ///< larger ones are drawn first; no effect on what is trained
  };
  uint32_t step;
  bool validation;
  std::vector<Entry> entries;
};
struct Generated {
  records::Trajectory trajectory;
  uint32_t worker;
};
struct Verified {
  records::TrajectoryId id;
  records::Verdict verdict;
  uint32_t worker;
};
struct Localized {
  records::TrajectoryId seed;
  records::Localization localization;
  uint32_t prefix_length;  ///< response tokens of the seed that are kept
  uint32_t worker;
  std::vector<int32_t> revision_prompt = {};  ///< of second attempts; plan.revises
};
/// A worker could not do what it was asked to do for this sequence; a localization is
/// named by its seed's id with kind kLocalization.
struct Failed {
  Role role;
  uint32_t worker;
  records::TrajectoryId id;
  std::string reason;
};
struct Recorded {
  uint32_t step;
  uint32_t slot;
  bool validation;
};
struct DemonstrationsTrained {};
struct Trained {};
struct Published {};
struct Checkpointed {};
/// All that the worker held is lost.
struct WorkerLost {
  Role role;
  uint32_t worker;
};
/// A new worker, or one that was lost and is back; it holds the published weights.
struct WorkerJoined {
  Role role;
  uint32_t worker;
};
/// The worker takes `factor` times as long as the others; it gets so much less.
struct WorkerSlow {
  Role role;
  uint32_t worker;
  double factor;
};
/// Admit nothing new; what is in flight may finish until `deadline`.
struct Drain {
  Time deadline;
};
/// The world cannot take more for now: nothing is begun before `open` is true again. What
/// is in flight goes on. `reason`: for those who ask why.
struct Admission {
  bool open;
  std::string reason;
};
/// Time has passed: next_deadline() is over.
struct Tick {};

}  // namespace events

using Event =
    std::variant<events::StepOpened, events::Generated, events::Verified,
                 events::Localized, events::Failed, events::Recorded,
                 events::DemonstrationsTrained, events::Trained, events::Published,
                 events::Checkpointed, events::WorkerLost, events::WorkerJoined,
                 events::WorkerSlow, events::Drain, events::Admission, events::Tick>;

}  // namespace srpo::scheduler
