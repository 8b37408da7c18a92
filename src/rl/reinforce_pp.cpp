#include "rl/reinforce_pp.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "rl/fresh_groups.h"

namespace srpo::rl {
namespace {

enum class Baseline { kBatch, kGroup };

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(std::max<size_t>(1, values.size()));
}

class ReinforcePlusPlus : public FreshGroups {
 public:
  ReinforcePlusPlus(const FreshGroupOptions& options, Baseline baseline)
      : FreshGroups(options), baseline_(baseline) {}

  TrainingTree learn(const records::RolloutTree& tree) const override {
    return std::move(learn_all({&tree, 1}).front());
  }

  std::vector<TrainingTree> learn_all(
      std::span<const records::RolloutTree> trees) const override {
    std::vector<Group> groups;
    std::vector<double> centred;  // of all trees, one after another
    for (const records::RolloutTree& tree : trees) {
      ENSURE(!tree.validation, "a validation tree is never trained on");
      groups.push_back(chains_with(tree.fresh, records::Use::kBase));
      const std::vector<double> own = rewards(groups.back());
      const double baseline = baseline_ == Baseline::kGroup ? mean_of(own) : 0;
      for (const double reward : own) centred.push_back(reward - baseline);
    }
    const std::vector<double> advantages =
        group_advantages(centred, options().credit.advantage);
    return trained(trees, groups, advantages);
  }

 private:
  std::vector<TrainingTree> trained(std::span<const records::RolloutTree> trees,
                                    const std::vector<Group>& groups,
                                    const std::vector<double>& advantages) const {
    std::vector<TrainingTree> out;
    size_t next = 0;
    for (size_t i = 0; i < trees.size(); ++i) {
      TrainingTree& tree = out.emplace_back();
      tree.prompt_tokens = trees[i].prompt_tokens;
      for (const records::Trajectory* chain : groups[i]) {
        TrainingSequence sequence =
            sequence_of(*chain, PrefixLoss::kMasked, advantages[next++]);
        sequence.kl = options().credit.kl;
        add_sequence(std::move(sequence), tree.fresh, tree);
      }
    }
    return out;
  }

  Baseline baseline_;
};

}  // namespace

std::unique_ptr<Algorithm> make_reinforce_pp(const core::ConfigTable& options) {
  FreshGroupOptions defaults;
  defaults.loss.weighting = LossRule::Weighting::kToken;
  defaults.loss.clip = 0.2;
  defaults.credit.advantage = {Deviation::kSample, 0, 1e-8};
  const bool by_group =
      options.choice("baseline", "batch", {"batch", "group"}) == "group";
  const FreshGroupOptions read = read_fresh_groups(options, defaults);
  REQUIRE(read.credit.dilution, kBadConfig,
          options.place("dilution")
              << " = false (expected true: rewards are compared over the batch, so that "
                 "no group alone is without signal)");
  return std::make_unique<ReinforcePlusPlus>(
      read, by_group ? Baseline::kGroup : Baseline::kBatch);
}

}  // namespace srpo::rl
