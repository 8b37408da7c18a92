// What the scheduler asks for. Workers are numbered within their role.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "records/generation_request.h"
#include "records/rollout_tree.h"
#include "scheduler/progress.h"
#include "scheduler/workers.h"

namespace srpo::scheduler {
namespace commands {

/// Name problems of a step, and the trees of it that are recorded already. `problems`:
/// how many, slots 0 .. problems-1; 0: as many as there are. Answer: StepOpened.
struct OpenStep {
  uint32_t step;
  bool validation;
  uint32_t problems;
};
/// Answer: Generated, or Failed. The same request may be given to two workers, or to one
/// after another: the answers are the same.
struct Generate {
  uint32_t worker;
  records::GenerationRequest request;
};
/// Answer: Verified, or Failed.
struct Verify {
  uint32_t worker;
  records::TrajectoryId id;
  records::Problem problem;
  std::string text;
};
/// Where to go back to in a chain, or, when the plan revises, what to show with it.
/// Answer: Localized, or Failed.
struct Localize {
  uint32_t worker;
  records::Problem problem;
  records::Trajectory seed;
};
/// Forget the caches of finished chains. No answer.
struct Release {
  uint32_t worker;
  std::vector<records::TrajectoryId> ids;
};
/// Stop drawing these chains, and forget what is kept of them. No answer; one that is
/// under way is ignored.
struct Cancel {
  uint32_t worker;
  std::vector<records::TrajectoryId> ids;
};
/// Make a decided tree durable. Answer: Recorded.
struct Record {
  records::RolloutTree tree;
};
/// Give a problem up for this step. `reason` is a word of the ledger: "poison", "parked".
/// No answer.
struct Drop {
  uint32_t step;
  uint32_t slot;
  bool validation;
  std::string reason;
};
/// Keep what reproduces a problem that its workers could not survive; none of them is to
/// blame. Followed by a Drop. No answer.
struct Quarantine {
  records::RolloutTree tree;  ///< problem and prompt
  records::TrajectoryId id;   ///< the sequence that failed
  Role role;
  std::vector<uint32_t> workers;  ///< where, one entry for each failure
  std::string reason;             ///< the last failure, in words
};
struct TrainDemonstrations {
  uint32_t batch;
};
struct Train {
  uint32_t step;
  std::vector<records::RolloutTree> trees;
};
/// Bring the weights of a policy version to generators and localizers. In async mode they
/// are in the middle of chains, which go on under the new weights.
struct Publish {
  uint32_t version;
};
struct Checkpoint {
  Progress progress;
  SchedulerState state;
};
/// The run is over, or, after a Drain, stopped: the same command goes on later.
struct Finish {
  bool stopped;
};

}  // namespace commands

using Command = std::variant<commands::OpenStep, commands::Generate, commands::Verify,
                             commands::Localize, commands::Release, commands::Cancel,
                             commands::Record, commands::Drop, commands::Quarantine,
                             commands::TrainDemonstrations, commands::Train,
                             commands::Publish, commands::Checkpoint, commands::Finish>;

}  // namespace srpo::scheduler
