// What ranks report to the scheduler.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "records/rollout_tree.h"

namespace srpo::scheduler {
namespace events {

/// A step's trees in slot order: those that are recorded are whole, the others have
/// problem and prompt only.
struct StepOpened {
  struct Entry {
    records::RolloutTree tree;
    bool recorded;
  };
  std::vector<Entry> entries;
};
struct Generated {
  records::Trajectory trajectory;
};
struct Verified {
  records::TrajectoryId id;
  records::Verdict verdict;
};
struct Localized {
  records::TrajectoryId seed;
  records::Localization localization;
  uint32_t prefix_length;  ///< response tokens of the seed that are kept
};
struct Recorded {
  uint32_t slot;
};
struct DemonstrationsTrained {};
struct Trained {};
struct Published {};
struct Checkpointed {};
/// A worker could not do what it was asked to do for this sequence.
struct Failed {
  records::TrajectoryId id;
  std::string reason;
};

}  // namespace events

using Event = std::variant<events::StepOpened, events::Generated, events::Verified,
                           events::Localized, events::Recorded,
                           events::DemonstrationsTrained, events::Trained,
                           events::Published, events::Checkpointed, events::Failed>;

}  // namespace srpo::scheduler
