// A localizer: names the thought of a failed chain to go back to.
#pragma once

#include <map>
#include <optional>

#include "actors/actor.h"
#include "core/deadline.h"
#include "ranks/policy_gate.h"
#include "ranks/rank_identity.h"
#include "rl/localizer.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace srpo::ranks {

/// Asks the policy in a call of its own where the localizer wants a reply. One thread
/// only: the reactor's.
class LocalizationRank final : public actors::Actor {
 public:
  /// `job_yaml` is the resolved job. Throws kBadFile for a damaged model.
  LocalizationRank(actors::Runtime& runtime, const std::string& job_yaml);

  void localize(records::Problem problem, records::Trajectory seed,
                actors::Reply<ResetPoint> reply);
  /// Answers when the weights are installed (policy_gate.h).
  void load_weights(WeightUpdate update, actors::Reply<actors::Done> reply) {
    gate_.load(std::move(update), std::move(reply));
  }
  RankUsage usage() { return measure_usage(self_.rank, self_.role); }

  using Methods = actors::MethodList<&LocalizationRank::localize,
                                     actors::method<&LocalizationRank::load_weights>(
                                         {.idempotent = true}),
                                     &LocalizationRank::usage>;

  bool work() override;

 private:
  struct Waiting {
    records::Trajectory seed;
    uint32_t prompt_tokens;
    actors::Reply<ResetPoint> reply;
  };

  std::vector<int32_t> encode_turn(const std::string& text) const;
  ResetPoint choose(const records::Trajectory& seed, const std::string& reply) const;

  RankIdentity self_;
  std::unique_ptr<rl::Localizer> localizer_;
  text::Tokenizer tokenizer_;
  std::optional<text::ChatTemplate> chat_template_;
  PolicyEngine policy_;
  PolicyGate gate_;
  std::map<records::TrajectoryId, Waiting> waiting_;
};

}  // namespace srpo::ranks
