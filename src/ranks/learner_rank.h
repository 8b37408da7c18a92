// A learner: turns recorded trees into weight updates, together with the other learners.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/actor.h"
#include "actors/runtime.h"
#include "comm/process_group.h"
#include "learner/learner.h"
#include "ranks/protocol.h"
#include "ranks/rank_layout.h"
#include "ranks/run_config.h"
#include "rl/algorithm.h"

namespace srpo::ranks {

/// Every method but usage() is collective over the learners: the scheduler calls all of
/// them. One thread only: the reactor's. Borrows the group and the runtime.
class LearnerRank final : public actors::Actor {
 public:
  LearnerRank(const RunConfig& config, std::unique_ptr<rl::Algorithm> algorithm,
              const RankLayout& layout, comm::ProcessGroup& group,
              actors::Runtime& runtime);

  learner::StepStats train(std::vector<records::RolloutTree> trees);
  learner::StepStats train_demonstrations(std::vector<Demonstration> batch,
                                          double learning_rate_factor);
  /// Brings the weights to every generator and localizer; the first learner sends them
  /// and answers when all have installed them.
  void publish(uint32_t version, actors::Reply<actors::Done> reply);
  void save(std::string folder, std::string metadata);
  /// The metadata given to save(). A damaged checkpoint throws on every learner.
  std::string restore(std::string folder);
  void export_model(std::string folder);
  RankUsage usage();

  using Methods =
      actors::MethodList<&LearnerRank::train, &LearnerRank::train_demonstrations,
                         &LearnerRank::publish, &LearnerRank::save, &LearnerRank::restore,
                         &LearnerRank::export_model, &LearnerRank::usage>;

 private:
  const RunConfig& config_;
  std::unique_ptr<rl::Algorithm> algorithm_;
  const RankLayout& layout_;
  comm::ProcessGroup& group_;
  actors::Runtime& runtime_;
  learner::Learner learner_;
};

}  // namespace srpo::ranks
