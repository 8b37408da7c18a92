#include "rl/spo_tree.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "rl/algorithm_options.h"

namespace srpo::rl {
namespace {

using records::RolloutTree;
using records::Trajectory;

struct SpoTreeOptions {
  uint32_t branches = 2;
  uint32_t leaves = 4;
  uint32_t segment_tokens = 600;
  double probability_mask = 1;
  double kl = 0;
  LossRule loss;
};

/// A segment behind the prompt, and its continuations; none when its text has ended.
struct Node {
  const Trajectory* segment = nullptr;
  std::vector<const Trajectory*> leaves;

  double value() const {
    if (leaves.empty()) return segment->verdict.reward;
    double sum = 0;
    for (const Trajectory* leaf : leaves) sum += leaf->verdict.reward;
    return sum / static_cast<double>(leaves.size());
  }
};

std::vector<Node> nodes_of(const RolloutTree& tree) {
  std::vector<Node> nodes;
  for (const Trajectory& segment : tree.fresh) {
    Node& node = nodes.emplace_back();
    node.segment = &segment;
    for (const Trajectory& leaf : tree.suffixes) {
      if (tree.seed_of(leaf) == &segment) node.leaves.push_back(&leaf);
    }
  }
  return nodes;
}

class SpoTree : public Algorithm {
 public:
  explicit SpoTree(const SpoTreeOptions& options) : options_(options) {}

  records::DrawPlan draw_plan() const override {
    records::DrawPlan plan;
    plan.base_group = options_.branches;
    plan.suffix_group = options_.leaves;
    plan.fallback_group = options_.branches;
    plan.max_draws = options_.branches;
    plan.seeds = options_.branches;
    plan.seed_rule = records::SeedRule::kEveryChain;
    plan.segment_tokens = options_.segment_tokens;
    plan.localizer = "random";  // never asked: one that needs no model
    return plan;
  }
  LossRule loss_rule() const override { return options_.loss; }
  bool needs_reference() const override { return options_.kl > 0; }

  TrainingTree learn(const RolloutTree& tree) const override {
    ENSURE(!tree.validation, "a validation tree is never trained on");
    TrainingTree training;
    training.prompt_tokens = tree.prompt_tokens;
    const std::vector<Node> nodes = nodes_of(tree);
    double mean = 0;
    for (const Node& node : nodes)
      mean += node.value() / static_cast<double>(nodes.size());
    for (const Node& node : nodes) add_node(node, node.value() - mean, training);
    return training;
  }

 private:
  bool masks() const { return options_.probability_mask < 1; }

  TrainingSequence path(const Trajectory& chain, double advantage) const {
    TrainingSequence sequence = sequence_of(chain, PrefixLoss::kMasked, advantage);
    if (!masks()) return sequence;
    for (const float logprob : chain.logprobs)
      sequence.loss_mask.push_back(std::exp(logprob) < options_.probability_mask ? 1 : 0);
    return sequence;
  }

  /// Each leaf's path weighs the same where tokens are masked: what is above the leaf is
  /// divided by the path's number of tokens, not by its own.
  void add_node(const Node& node, double advantage, TrainingTree& training) const {
    TrainingSequence segment = path(*node.segment, advantage);
    const auto own = static_cast<double>(segment.num_active());
    const size_t num_paths = std::max<size_t>(1, node.leaves.size());
    double weight = masks() ? 0 : static_cast<double>(num_paths);
    const double value = node.value();
    TrainingBranch branch;
    branch.prefix_tokens = node.segment->tokens;
    for (const Trajectory* leaf : node.leaves) {
      TrainingSequence ending = path(*leaf, leaf->verdict.reward - value);
      ending.kl = options_.kl;
      const auto below = static_cast<double>(ending.num_active());
      if (masks() && own + below > 0) {
        weight += own / (own + below);
        ending.advantage *= below / (own + below);
        ending.kl *= below / (own + below);
      }
      add_sequence(std::move(ending), branch.sequences, training);
    }
    if (masks() && node.leaves.empty()) weight = 1;
    segment.advantage *= weight;
    segment.kl = options_.kl * weight;
    // Its tokens stand in the divisor once for each path; paths are counted by leaves.
    training.num_counted += node.leaves.empty() ? 1 : 0;
    training.active_tokens_counted += static_cast<uint64_t>(own) * num_paths;
    if ((segment.advantage != 0 || segment.kl != 0) && own > 0) {
      auto& beside = node.leaves.empty() ? training.fresh : branch.sequences;
      beside.insert(beside.begin(), std::move(segment));
    }
    if (!branch.sequences.empty()) training.further.push_back(std::move(branch));
  }

  SpoTreeOptions options_;
};

}  // namespace

std::unique_ptr<Algorithm> make_spo_tree(const core::ConfigTable& table) {
  SpoTreeOptions options;
  options.branches = read_count(table, "branches", 2, 2, 64);
  options.leaves = read_count(table, "leaves", 4, 2, 63);
  options.segment_tokens = read_count(table, "segment_tokens", 600, 1, 1 << 20);
  options.probability_mask = table.number("probability_mask", 1.0, 1e-6, 1);
  options.kl = table.number("kl", 0.0, 0, 100);
  LossRule defaults;
  defaults.weighting = options.probability_mask < 1 ? LossRule::Weighting::kSequence
                                                    : LossRule::Weighting::kToken;
  defaults.clip = 0.2;
  options.loss = read_loss_rule(table, defaults);
  REQUIRE(options.probability_mask == 1 ||
              options.loss.weighting == LossRule::Weighting::kSequence,
          kBadConfig,
          table.place("weighting")
              << " (expected sequence beside probability_mask: each path is divided by "
                 "what is left of it)");
  return std::make_unique<SpoTree>(options);
}

}  // namespace srpo::rl
