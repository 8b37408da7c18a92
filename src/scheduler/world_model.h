// How long things take and how they end: what a simulated run is drawn from.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "records/rollout_tree.h"

namespace srpo::scheduler {

struct WorldModel {
  /// Drawn tokens of a fresh chain at evenly spaced quantiles, from 0 to 1; at least two.
  std::vector<double> response_tokens = {100, 400, 700, 1200, 2500, 5120};
  double thoughts = 6;  ///< of a chain, on average
  /// (chains that decode at once, seconds for one token of each), by chains; between and
  /// beyond the points on straight lines.
  std::vector<std::pair<double, double>> token_seconds = {
      {1, 0.012}, {16, 0.014}, {64, 0.022}, {256, 0.055}};
  double verifier_seconds = 0.02;  ///< mean; log-normal
  double verifier_spread = 0.5;    ///< standard deviation of the logarithm
  double localization_seconds = 0.3;
  double train_seconds_per_token = 2e-5;  ///< of one learner rank
  double publish_seconds = 0.3;
  double checkpoint_seconds = 1;
  double success_rate = 0.5;    ///< of a fresh chain, over all problems
  double success_spread = 0.3;  ///< standard deviation of it between problems

  /// `share` in 0..1 of the distribution of response_tokens.
  double response_at(double share) const;
  double seconds_per_token(double chains) const;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("response_tokens", self.response_tokens);
    visit("thoughts", self.thoughts);
    visit("token_seconds", self.token_seconds);
    visit("verifier_seconds", self.verifier_seconds);
    visit("verifier_spread", self.verifier_spread);
    visit("localization_seconds", self.localization_seconds);
    visit("train_seconds_per_token", self.train_seconds_per_token);
    visit("publish_seconds", self.publish_seconds);
    visit("checkpoint_seconds", self.checkpoint_seconds);
    visit("success_rate", self.success_rate);
    visit("success_spread", self.success_spread);
  }
};

/// Fits lengths, thoughts, success, verification and localization times to recorded
/// trees. Seconds per token are fitted to the chains' own durations, at the mean number
/// of chains of their problem that were under way with them. Trees do not tell how long
/// training, publication and checkpoints took: those stay as in `defaults`, as does
/// whatever the trees hold no example of.
WorldModel fit_world_model(std::span<const records::RolloutTree> trees,
                           WorldModel defaults = {});

}  // namespace srpo::scheduler
