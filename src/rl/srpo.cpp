#include "rl/srpo.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "rl/advantages.h"
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
  bool mask_prefix = true;
  double std_floor = 0;
};

class Srpo : public Algorithm {
 public:
  explicit Srpo(SrpoOptions options) : options_(std::move(options)) {}

  records::DrawPlan draw_plan() const override { return options_.plan; }
  LossRule loss_rule() const override { return options_.loss; }

  TrainingTree learn(const RolloutTree& tree) const override {
    ENSURE(!tree.validation, "a validation tree is never trained on");
    const PrefixLoss prefix =
        options_.mask_prefix ? PrefixLoss::kMasked : PrefixLoss::kCounted;
    TrainingTree training;
    training.prompt_tokens = tree.prompt_tokens;
    // No failed chain: the fresh ones are one group of twice the size, and there is
    // nothing else (method §2.2).
    add_compared(chains_with(tree.fresh, Use::kBase), prefix, training.fresh, training);
    add_compared(chains_with(tree.suffixes, Use::kSuffix), prefix, training.suffixes,
                 training);
    if (!training.suffixes.empty()) training.prefix_tokens = kept_prefix(tree);
    return training;
  }

 private:
  void add_compared(const Group& group, PrefixLoss prefix,
                    std::vector<TrainingSequence>& sequences,
                    TrainingTree& training) const {
    add_group(group, srpo_advantages(rewards_of(group), options_.std_floor), prefix,
              sequences, training);
  }

  /// What every suffix begins with.
  static std::vector<int32_t> kept_prefix(const RolloutTree& tree) {
    const Trajectory* seed = tree.seed();
    ENSURE(seed != nullptr && tree.prefix_length <= seed->tokens.size(),
           "tree " << tree.step << "/" << tree.slot << " has endings but no seed of "
                   << tree.prefix_length << " tokens");
    std::vector<int32_t> prefix(seed->tokens.begin(),
                                seed->tokens.begin() + tree.prefix_length);
    for (const Trajectory& suffix : tree.suffixes) {
      ENSURE(suffix.prefix_length == prefix.size() &&
                 suffix.tokens.size() >= prefix.size() &&
                 std::equal(prefix.begin(), prefix.end(), suffix.tokens.begin()),
             suffix.id.to_string() << " does not begin with the " << prefix.size()
                                   << " tokens kept from the seed");
    }
    return prefix;
  }

  SrpoOptions options_;
};

void require_known_split(const core::ConfigTable& options) {
  const std::string split = options.text("split", "1x4");
  REQUIRE(split == "1x4", kBadConfig,
          options.place("split")
              << " = '" << split << "' (expected 1x4: the only split that exists)");
}

records::DrawPlan read_plan(const core::ConfigTable& options,
                            const std::string& localizer) {
  require_known_split(options);
  records::DrawPlan plan;
  const int64_t group = options.integer("group", 4, 2, 1024);
  plan.base_group = static_cast<uint32_t>(group);
  plan.suffix_group = plan.base_group;
  plan.fallback_group = 2 * plan.base_group;
  // At least the base group and one failure; with a fallback on top, launch numbers stay
  // below 2^12.
  plan.max_draws = static_cast<uint32_t>(
      options.integer("max_draws", std::max<int64_t>(12, group + 1), group + 1, 2047));
  plan.failed_below = options.number("failed_below", 1.0, 0, 1);
  plan.localizer = options.choice("localizer", localizer, localizer_names());
  return plan;
}

LossRule read_loss(const core::ConfigTable& options) {
  LossRule loss;
  loss.weighting = LossRule::Weighting::kSequence;
  loss.temperature = options.number("loss_temperature", 0.7, 0.01, 100);
  loss.clip = options.number("clip", 0.0, 0, 1);
  loss.dual_clip = options.number("dual_clip", 0.0, 0, 1000);
  REQUIRE(loss.dual_clip == 0 || (loss.clip > 0 && loss.dual_clip > 1), kBadConfig,
          options.place("dual_clip")
              << " = " << loss.dual_clip
              << " (expected 0, or more than 1 together with a clip)");
  return loss;
}

std::unique_ptr<Algorithm> make_with(const core::ConfigTable& table,
                                     const std::string& localizer) {
  SrpoOptions options;
  options.plan = read_plan(table, localizer);
  options.loss = read_loss(table);
  options.mask_prefix = table.boolean("mask_prefix", true);
  options.std_floor = table.number("std_floor", 0.0, 0, 1);
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
