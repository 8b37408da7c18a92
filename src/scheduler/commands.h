// What the scheduler asks for. Workers are numbered within their role.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "records/generation_request.h"
#include "records/rollout_tree.h"

namespace srpo::scheduler {

/// How far a run has come: what a checkpoint stands for.
struct Progress {
  uint32_t demonstration_batches = 0;  ///< of the warm start
  uint32_t steps = 0;                  ///< of the algorithm: the policy version

  bool operator==(const Progress&) const = default;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("demonstration_batches", self.demonstration_batches);
    visit("steps", self.steps);
  }
};

namespace commands {

/// Name the problems of a step, and the trees of it that are recorded already. Answer:
/// StepOpened.
struct OpenStep {
  uint32_t step;
  bool validation;
};
struct Generate {
  uint32_t worker;
  records::GenerationRequest request;
};
struct Verify {
  uint32_t worker;
  records::TrajectoryId id;
  records::Problem problem;
  std::string text;
};
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
/// Make a decided tree durable. Answer: Recorded.
struct Record {
  records::RolloutTree tree;
};
/// Give a problem up for this step. No answer.
struct Drop {
  uint32_t step;
  uint32_t slot;
  std::string reason;
};
struct TrainDemonstrations {
  uint32_t batch;
};
struct Train {
  uint32_t step;
  std::vector<records::RolloutTree> trees;
};
/// Bring the weights of a policy version to generators and localizers.
struct Publish {
  uint32_t version;
};
struct Checkpoint {
  Progress progress;
};
struct Finish {};

}  // namespace commands

using Command =
    std::variant<commands::OpenStep, commands::Generate, commands::Verify,
                 commands::Localize, commands::Release, commands::Record, commands::Drop,
                 commands::TrainDemonstrations, commands::Train, commands::Publish,
                 commands::Checkpoint, commands::Finish>;

}  // namespace srpo::scheduler
