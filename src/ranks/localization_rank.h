// A localizer: names the thought of a failed chain to go back to.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "actors/actor.h"
#include "core/deadline.h"
#include "ranks/policy_gate.h"
#include "ranks/rank_identity.h"
#include "records/draw_plan.h"
#include "rl/localizer.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace srpo::ranks {

/// Asks the policy in a call of its own where the localizer wants a reply, and words the
/// prompts of second attempts where the algorithm makes some. Holds no weights where it
/// asks for no reply. One thread only: the reactor's.
class LocalizationRank final : public actors::Actor {
 public:
  /// `job_yaml` is the resolved job. Throws kBadFile for a damaged model.
  LocalizationRank(actors::Runtime& runtime, const std::string& job_yaml);

  void localize(records::Problem problem, records::Trajectory seed,
                actors::Reply<ResetPoint> reply);
  /// Answers when the weights are installed (policy_gate.h).
  void load_weights(WeightUpdate update, actors::Reply<actors::Done> reply);
  RankUsage usage() { return measure_usage(self_.rank, self_.role); }

  using Methods = actors::MethodList<&LocalizationRank::localize,
                                     actors::method<&LocalizationRank::load_weights>(
                                         {.idempotent = true}),
                                     &LocalizationRank::usage>;

  bool work() override;

 private:
  struct Waiting {
    rl::FailedChain chain;
    records::Trajectory seed;
    uint32_t prompt_tokens;
    actors::Reply<ResetPoint> reply;
  };

  std::vector<int32_t> encode_turn(const std::string& text) const;
  rl::FailedChain failed_chain(const records::Problem& problem,
                               const records::Trajectory& seed) const;
  ResetPoint reset_at(const records::Trajectory& seed,
                      records::Localization localization) const;
  ResetPoint score(const rl::FailedChain& chain, const records::Trajectory& seed,
                   const std::string& prompt);
  std::vector<int32_t> revision_prompt(const records::Problem& problem,
                                       const records::Trajectory& first) const;
  void ask(const rl::FailedChain& chain, const records::Trajectory& seed,
           const std::string& prompt, actors::Reply<ResetPoint> reply);

  RankIdentity self_;
  records::DrawPlan plan_;
  std::unique_ptr<rl::Localizer> localizer_;  // null where second attempts are made
  text::Tokenizer tokenizer_;
  std::optional<text::ChatTemplate> chat_template_;
  struct Policy {
    explicit Policy(PolicyEngine of)
        : engine(std::move(of)), gate(engine, PolicyGate::Install::kBetweenChains) {}
    PolicyEngine engine;
    PolicyGate gate;
  };
  std::unique_ptr<Policy> policy_;  // null where no reply is asked for
  std::map<records::TrajectoryId, Waiting> waiting_;
};

}  // namespace srpo::ranks
