// A learner: turns recorded trees into weight updates, together with the other learners.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/actor.h"
#include "actors/runtime.h"
#include "comm/process_group.h"
#include "learner/learner.h"
#include "ranks/protocol.h"
#include "ranks/rank_layout.h"
#include "ranks/run_config.h"
#include "ranks/weight_sync.h"
#include "rl/algorithm.h"

namespace srpo::ranks {

/// Every method but usage() and publish_to() is collective over the learners: the
/// scheduler calls all of them. One thread only: the reactor's. Borrows the group and the
/// runtime.
class LearnerRank final : public actors::Actor {
 public:
  LearnerRank(const RunConfig& config, std::unique_ptr<rl::Algorithm> algorithm,
              const RankLayout& layout, comm::ProcessGroup& group,
              actors::Runtime& runtime);

  learner::StepStats train(std::vector<records::RolloutTree> trees);
  learner::StepStats train_demonstrations(std::vector<Demonstration> batch,
                                          double learning_rate_factor);
  /// Brings the weights to the generators and localizers of these ranks; the first
  /// learner sends them and answers when all have installed them. Ranks that are lost
  /// meanwhile are left out.
  void publish(uint32_t version, std::vector<int32_t> ranks,
               actors::Reply<actors::Done> reply);
  /// The first learner alone, not collective: brings the weights that were published
  /// last, if there are any, to these ranks too. Throws kPeerLost when one is lost.
  void publish_to(std::vector<int32_t> ranks, actors::Reply<actors::Done> reply);
  /// Answers when the state is copied; it is written while training goes on. Throws what
  /// went wrong with the checkpoint before.
  void save(std::string folder, std::string metadata);
  /// The metadata given to save(). A damaged checkpoint throws on every learner.
  std::string restore(std::string folder);
  void export_model(std::string folder);
  RankUsage usage();

  using Methods =
      actors::MethodList<&LearnerRank::train, &LearnerRank::train_demonstrations,
                         &LearnerRank::publish, &LearnerRank::publish_to,
                         &LearnerRank::save, &LearnerRank::restore,
                         &LearnerRank::export_model, &LearnerRank::usage>;

 private:
  void plan_memory() const;
  void send(const std::vector<int32_t>& ranks, bool must_arrive,
            const actors::Reply<actors::Done>& reply);

  const RunConfig& config_;
  std::unique_ptr<rl::Algorithm> algorithm_;
  const RankLayout& layout_;
  comm::ProcessGroup& group_;
  actors::Runtime& runtime_;
  learner::Learner learner_;
  std::optional<WeightUpdate> published_;  // the last one, on the first learner
};

}  // namespace srpo::ranks
