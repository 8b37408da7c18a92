// Rollout trees as format versions 1 and 2 wrote them: the fields that there were, in
// their order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "records/rollout_tree.h"

namespace srpo::storage {

/// Without version spans, parent, seed and stream.
struct TrajectoryV1 : records::Trajectory {
  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("use", self.use);
    visit("tokens", self.tokens);
    visit("logprobs", self.logprobs);
    visit("thought_ends", self.thought_ends);
    visit("prefix_length", self.prefix_length);
    visit("finish", self.finish);
    visit("policy_version", self.policy_version);
    visit("text", self.text);
    visit("verdict", self.verdict);
    visit("decoded_tokens", self.decoded_tokens);
    visit("prefilled_tokens", self.prefilled_tokens);
    visit("seconds", self.seconds);
    visit("generator", self.generator);
  }
};

/// Every chain from the tree's prompt, and one reset a tree.
template <class Chain>
struct OneResetTree {
  uint32_t step = 0;
  uint32_t slot = 0;
  bool validation = false;
  records::Problem problem;
  std::vector<int32_t> prompt_tokens;
  std::vector<Chain> fresh;
  std::optional<records::Localization> localization;
  uint32_t prefix_length = 0;
  std::vector<Chain> suffixes;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("step", self.step);
    visit("slot", self.slot);
    visit("validation", self.validation);
    visit("problem", self.problem);
    visit("prompt_tokens", self.prompt_tokens);
    visit("fresh", self.fresh);
    visit("localization", self.localization);
    visit("prefix_length", self.prefix_length);
    visit("suffixes", self.suffixes);
  }
};

using RolloutTreeV1 = OneResetTree<TrajectoryV1>;

/// The tree with what version 1 left to be known: one version span (weights never changed
/// under a chain), the failed chain as parent of the endings, and the seed of the run.
records::RolloutTree upgraded(RolloutTreeV1 tree, uint64_t run_seed);

/// Version 2: complete.
struct TrajectoryV2 : records::Trajectory {
  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    TrajectoryV1::visit_fields(self, visit);
    visit("version_spans", self.version_spans);
    visit("parent", self.parent);
    visit("seed", self.seed);
    visit("stream", self.stream);
  }
};

using RolloutTreeV2 = OneResetTree<TrajectoryV2>;

/// Has all that there is to know.
records::RolloutTree upgraded(RolloutTreeV2 tree);

}  // namespace srpo::storage
