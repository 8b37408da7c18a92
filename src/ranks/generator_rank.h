// A generator: draws chains with the current policy.
#pragma once

#include <map>

#include "actors/actor.h"
#include "ranks/policy_gate.h"
#include "ranks/rank_identity.h"
#include "records/trajectory.h"
#include "text/tokenizer.h"

namespace srpo::ranks {

/// One thread only: the reactor's.
class GeneratorRank final : public actors::Actor {
 public:
  /// `job_yaml` is the resolved job. Throws kBadFile for a damaged model.
  GeneratorRank(actors::Runtime& runtime, const std::string& job_yaml);

  /// Answers when the chain has ended.
  void generate(records::GenerationRequest request,
                actors::Reply<records::Trajectory> reply);
  void release(std::vector<records::TrajectoryId> ids);
  /// Stops these chains, whose calls fail with kCancelled, and forgets their caches.
  void cancel(std::vector<records::TrajectoryId> ids);
  static constexpr const char* kCancelled = "cancelled: not needed any more";
  /// Answers when the weights are installed (policy_gate.h).
  void load_weights(WeightUpdate update, actors::Reply<actors::Done> reply) {
    gate_.load(std::move(update), std::move(reply));
  }
  RankUsage usage() { return measure_usage(self_.rank, self_.role); }

  // The same weights twice do no harm: they go again to the process that takes the place
  // of one that was lost before the learner had heard of it.
  using Methods = actors::MethodList<
      &GeneratorRank::generate, &GeneratorRank::release, &GeneratorRank::cancel,
      actors::method<&GeneratorRank::load_weights>({.idempotent = true}),
      &GeneratorRank::usage>;

  bool work() override;

 private:
  RankIdentity self_;
  text::Tokenizer tokenizer_;
  PolicyEngine policy_;
  PolicyGate gate_;
  std::map<records::TrajectoryId, actors::Reply<records::Trajectory>> waiting_;
};

}  // namespace srpo::ranks
