#include "rl/srpo.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "rl/algorithm_options.h"
#include "rl/credited_group.h"
#include "rl/localizer.h"

namespace srpo::rl {
namespace {

using records::RolloutTree;
using records::Trajectory;
using records::Use;

struct SrpoOptions {
  records::DrawPlan plan;
  LossRule loss;
  CreditRule credit;
};

/// What an ending keeps of its seed.
std::vector<int32_t> kept_prefix(const RolloutTree& tree, const Trajectory& ending) {
  const Trajectory* seed = tree.seed_of(ending);
  ENSURE(seed != nullptr && ending.prefix_length <= seed->tokens.size(),
         "tree " << tree.step << "/" << tree.slot << " has endings but no seed of "
                 << ending.prefix_length << " tokens");
  return {seed->tokens.begin(), seed->tokens.begin() + ending.prefix_length};
}

void require_prefix(const Trajectory& ending, const std::vector<int32_t>& prefix) {
  ENSURE(ending.prefix_length == prefix.size() && ending.tokens.size() >= prefix.size() &&
             std::equal(prefix.begin(), prefix.end(), ending.tokens.begin()),
         ending.id.to_string() << " does not begin with the " << prefix.size()
                               << " tokens kept from the seed");
}

/// Endings by the seed that they go on from, in launch order.
std::vector<Group> groups_by_seed(const RolloutTree& tree) {
  std::vector<Group> groups;
  const Trajectory* last = nullptr;
  for (const Trajectory& ending : tree.suffixes) {
    const Trajectory* seed = tree.seed_of(ending);
    if (groups.empty() || seed != last) groups.emplace_back();
    last = seed;
    groups.back().push_back(&ending);
  }
  return groups;
}

class Srpo : public Algorithm {
 public:
  explicit Srpo(SrpoOptions options) : options_(std::move(options)) {}

  records::DrawPlan draw_plan() const override { return options_.plan; }
  LossRule loss_rule() const override { return options_.loss; }
  bool needs_reference() const override { return options_.credit.kl > 0; }

  TrainingTree learn(const RolloutTree& tree) const override {
    ENSURE(!tree.validation, "a validation tree is never trained on");
    TrainingTree training;
    training.prompt_tokens = tree.prompt_tokens;
    // Too few failed: the fresh ones are one group of twice the size, and there is
    // nothing else (method §2.2, §2.3).
    add_compared(chains_with(tree.fresh, Use::kBase), options_.credit, training.fresh,
                 training);
    for (const Group& group : groups_by_seed(tree)) {
      TrainingBranch branch;
      branch.prefix_tokens = kept_prefix(tree, *group.front());
      for (const Trajectory* ending : group)
        require_prefix(*ending, branch.prefix_tokens);
      add_compared(group, options_.credit, branch.sequences, training);
      if (branch.sequences.empty()) continue;
      if (training.suffixes.empty()) {
        training.prefix_tokens = std::move(branch.prefix_tokens);
        training.suffixes = std::move(branch.sequences);
      } else {
        training.further.push_back(std::move(branch));
      }
    }
    return training;
  }

 private:
  SrpoOptions options_;
};

/// The budget of trained chains is 2 x group whatever the split.
records::DrawPlan read_split(const core::ConfigTable& options) {
  const std::string split = options.choice("split", "1x4", {"1x4", "1x8", "2x4"});
  const uint32_t group = read_count(options, "group", 4, 2, 1024);
  records::DrawPlan plan = *records::DrawPlan::of_split(split);
  if (split == "1x4") plan.base_group = group;
  plan.suffix_group = split == "1x8" ? 2 * group : group;
  plan.fallback_group = 2 * group;
  return plan;
}

records::DrawPlan read_plan(const core::ConfigTable& options,
                            const std::string& localizer) {
  records::DrawPlan plan = read_split(options);
  // At least the base group and one failure; with a fallback on top, launch numbers stay
  // below 2^12.
  const int64_t least = int64_t{plan.base_group} + plan.seeds;
  plan.max_draws =
      read_count(options, "max_draws", std::max<int64_t>(12, least), least, 2047);
  plan.failed_below = read_failed_below(options);
  plan.localizer = options.choice("localizer", localizer, localizer_names());
  if (plan.base_group == 0) return plan;
  const std::string rule =
      options.choice("seed_rule", "first_failed", {"first_failed", "any_failed"});
  if (rule == "any_failed") plan.seed_rule = records::SeedRule::kAnyFailed;
  return plan;
}

std::unique_ptr<Algorithm> make_with(const core::ConfigTable& table,
                                     const std::string& localizer) {
  SrpoOptions options;
  options.plan = read_plan(table, localizer);
  options.loss = read_loss_rule(table, {});
  options.credit = read_credit_rule(table, {});
  options.credit.correct_from = options.plan.failed_below;
  if (!table.boolean("mask_prefix", true)) options.credit.prefix = PrefixLoss::kCounted;
  return std::make_unique<Srpo>(std::move(options));
}

}  // namespace

std::unique_ptr<Algorithm> make_srpo(const core::ConfigTable& options) {
  return make_with(options, "self");
}

std::unique_ptr<Algorithm> make_rrpo(const core::ConfigTable& options) {
  return make_with(options, "random");
}

}  // namespace srpo::rl
