// Which problems to draw next: those that are solved about half of the time teach most.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "records/rollout_tree.h"

namespace srpo::scheduler {

struct CurriculumConfig {
  uint32_t pool_factor = 1;       ///< candidates for each problem of a step; 1: no choice
  double target = 0.5;            ///< the success rate that is looked for
  double memory = 0.7;            ///< weight of the past when a problem is seen again
  double unseen_distance = 0.25;  ///< a new problem counts as this far from the target
};

struct ProblemRate {
  std::string problem;
  double rate = 0;  ///< running share of fresh chains that succeed
  uint32_t seen = 0;

  bool operator==(const ProblemRate&) const = default;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("problem", self.problem);
    visit("rate", self.rate);
    visit("seen", self.seen);
  }
};

/// Running success rates by problem id. A pure function of the trees it was shown, in
/// their order; serialisable. Thread-compatible.
class Curriculum {
 public:
  /// Takes a decided tree into account; `failed_below` as in the draw plan.
  void learn(const records::RolloutTree& tree, double failed_below, double memory);

  /// Places of the candidates, the best first; ties keep their order.
  std::vector<uint32_t> order(const std::vector<const records::Problem*>& candidates,
                              const CurriculumConfig& config) const;

  const ProblemRate* find(const std::string& problem) const;
  bool operator==(const Curriculum&) const = default;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("rates", self.rates_);
  }

 private:
  std::vector<ProblemRate> rates_;  // by problem id
};

}  // namespace srpo::scheduler
