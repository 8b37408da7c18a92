// The gradient of every algorithm's loss against finite differences, in double precision:
// from a tree, through advantages and packing, to the logits of a model that is a table.
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/random.h"
#include "rl/algorithm.h"
#include "rl/policy_loss.h"
#include "rl/sft.h"
#include "rl/training_batch.h"
#include "trees.h"

namespace srpo::rl {
namespace {

constexpr size_t kVocab = 5;

/// Logits [row, token] and the loss of a batch over them.
class TableModel {
 public:
  TableModel(const PackedBatch& batch, const LossRule& rule)
      : batch_(batch), rule_(rule) {
    core::Rng rng(1, core::Purpose::kTest, 5);
    for (size_t i = 0; i < batch.targets.size() * kVocab; ++i)
      logits_.push_back(rng.normal());
    for (size_t i = 0; i < batch.targets.size(); ++i)
      reference_.push_back(static_cast<float>(-2 * rng.uniform()));
  }

  double loss() const {
    const std::vector<double> logp = logprobs();
    std::vector<double> gradient(logp.size());
    return compute_policy_loss(rule_, std::span<const double>(logp), rows(),
                               std::span<double>(gradient))
        .loss;
  }

  /// dLoss / dlogits by the chain rule.
  std::vector<double> gradient() const {
    const std::vector<double> logp = logprobs();
    std::vector<double> of_logp(logp.size());
    compute_policy_loss(rule_, std::span<const double>(logp), rows(),
                        std::span<double>(of_logp));
    std::vector<double> gradient;
    for (size_t row = 0; row < logp.size(); ++row) {
      const std::vector<double> p = probabilities(row);
      for (size_t v = 0; v < kVocab; ++v)
        gradient.push_back(of_logp[row] * ((v == target(row) ? 1 : 0) - p[v]) /
                           rule_.temperature);
    }
    return gradient;
  }

  std::vector<double>& logits() { return logits_; }

 private:
  size_t target(size_t row) const {
    return static_cast<size_t>(batch_.targets[row]) % kVocab;
  }
  std::vector<double> probabilities(size_t row) const {
    std::vector<double> p;
    double sum = 0;
    for (size_t v = 0; v < kVocab; ++v) {
      p.push_back(std::exp(logits_[row * kVocab + v] / rule_.temperature));
      sum += p.back();
    }
    for (double& each : p) each /= sum;
    return p;
  }
  std::vector<double> logprobs() const {
    std::vector<double> logp;
    for (size_t row = 0; row < batch_.targets.size(); ++row)
      logp.push_back(std::log(probabilities(row)[target(row)]));
    return logp;
  }
  LossRows rows() const {
    LossRows rows{batch_.coefficients, batch_.sampled_logprobs, batch_.sequences, {}, {}};
    if (batch_.needs_reference) {
      rows.kl_coefficients = batch_.kl_coefficients;
      rows.reference = reference_;
    }
    return rows;
  }

  const PackedBatch& batch_;
  const LossRule& rule_;
  std::vector<double> logits_;
  std::vector<float> reference_;
};

PackedBatch packed(const TrainingTree& tree, const LossRule& rule) {
  const TrainingTree* trees[] = {&tree};
  const auto batches = pack_trees(trees, rule, count_divisors({&tree, 1}), {});
  EXPECT_EQ(batches.size(), 1U);
  return batches.at(0);
}

void expect_gradient_is_right(const std::string& name, const TrainingTree& tree,
                              const LossRule& rule) {
  const PackedBatch batch = packed(tree, rule);
  ASSERT_GT(batch.num_rows(), 10) << name;
  TableModel model(batch, rule);
  const std::vector<double> gradient = model.gradient();
  constexpr double kStep = 1e-6;
  double largest = 0;
  for (size_t i = 0; i < gradient.size(); ++i) {
    const double before = model.logits()[i];
    model.logits()[i] = before + kStep;
    const double above = model.loss();
    model.logits()[i] = before - kStep;
    const double below = model.loss();
    model.logits()[i] = before;
    EXPECT_NEAR(gradient[i], (above - below) / (2 * kStep), 1e-8) << name << " at " << i;
    largest = std::max(largest, std::abs(gradient[i]));
  }
  EXPECT_GT(largest, 1e-5) << name << " has no gradient at all";
}

/// What the algorithm is shown.
records::RolloutTree tree_for(const std::string& name) {
  if (name == "score" || name == "critique_grpo")
    return pairs_tree({{0, 1}, {1, 0}, {1, 1}, {0, 0}});
  if (name == "spo_tree") {
    records::RolloutTree tree = two_resets_tree({1, 0, 0, 0}, 20, {1, 1, 0, 0}, 20);
    std::erase_if(tree.fresh,
                  [](const auto& chain) { return chain.use != records::Use::kSeed; });
    return tree;
  }
  if (name == "srpo" || name == "rrpo") return reset_tree({1, 0, 1, 0}, {1, 0, 0, 1}, 6);
  return fresh_tree({1, 0, 0.5, 0});
}

void check(const std::string& name, const std::string& options) {
  const auto algorithm =
      make_algorithm(core::ConfigTable::parse("{name: " + name + options + "}", "job"));
  expect_gradient_is_right(name + options, algorithm->learn(tree_for(name)),
                           algorithm->loss_rule());
}

TEST(Gradient, OfEveryAlgorithmAgreesWithFiniteDifferences) {
  for (const std::string& name : algorithm_names()) check(name, "");
}

TEST(Gradient, OfEveryOptionOfTheLossAgreesWithFiniteDifferences) {
  for (const char* options :
       {", split: 1x8", ", mask_prefix: false", ", clip: 0.2, dual_clip: 3",
        ", clip: 0.2, clip_high: 0.4", ", weighting: token",
        ", weighting: constant, constant_length: 50", ", loss_temperature: 1.3",
        ", kl: 0.2", ", kl: 0.2, kl_kind: squared", ", std: none", ", std: sample"})
    check("srpo", options);
  check("gspo", ", clip: 0.9, clip_high: 0.9");
  check("gspo", ", clip: 0, clip_high: 0");
  check("score", ", second_attempts: original");
  check("critique_grpo", ", second_attempts: shown");
  check("spo_tree", ", probability_mask: 0.9");
}

TEST(Gradient, OfTwoResetsAgreesWithFiniteDifferences) {
  const auto srpo = make_algorithm(core::ConfigTable::parse("split: 2x4", "job"));
  expect_gradient_is_right("2x4",
                           srpo->learn(two_resets_tree({1, 0, 0, 0}, 6, {1, 1, 0, 0}, 3)),
                           srpo->loss_rule());
}

TEST(Gradient, OfDemonstrationsAgreesWithFiniteDifferences) {
  expect_gradient_is_right(
      "sft", learn_demonstration({1, 2}, {1, 2, 3, 4, 1, 0, 3, 2, 1, 4, 0, 2}),
      demonstration_loss_rule());
}

// The weight of a truncated correction is no function of the weights: the gradient is
// that of the loss with the correction held where it is.
TEST(Gradient, OfATruncatedCorrectionHoldsTheWeightFixed) {
  LossRule rule;
  rule.importance_cap = 2;
  for (const double gap : {-1.0, 0.3, 5.0}) {
    const double logp = -1 + gap;
    const float sampled = -1;
    const float coefficient = 0.5;
    double gradient = 0;
    compute_policy_loss(rule, {&logp, 1},
                        LossRows{{&coefficient, 1}, {&sampled, 1}, {}, {}, {}},
                        {&gradient, 1});
    EXPECT_NEAR(gradient, -0.5 * std::min(std::exp(gap), 2.0), 1e-12);
  }
}

// Method §4.2: prefix tokens carry no loss, and sharing them changes nothing.
TEST(Gradient, OfSharedPrefixesIsThatOfRepeatedOnes) {
  for (const std::string& name :
       {std::string("srpo"), std::string("spo_tree"), std::string("score")}) {
    const auto algorithm =
        make_algorithm(core::ConfigTable::parse("name: " + name, "job"));
    const TrainingTree tree = algorithm->learn(tree_for(name));
    const TrainingTree* trees[] = {&tree};
    const LossRule rule = algorithm->loss_rule();
    const auto divisors = count_divisors({&tree, 1});
    std::multimap<int64_t, float> rows[2];
    for (const bool shares : {false, true}) {
      PackingOptions options;
      options.share_prefixes = shares;
      const auto batch = pack_trees(trees, rule, divisors, options).at(0);
      EXPECT_EQ(batch.num_tokens(), count_packed_tokens(tree, shares)) << name;
      for (size_t i = 0; i < batch.targets.size(); ++i)
        rows[shares ? 1 : 0].emplace(batch.targets[i], batch.coefficients[i]);
    }
    EXPECT_EQ(rows[0].size(), rows[1].size()) << name;
    double sums[2] = {0, 0};
    for (int i = 0; i < 2; ++i) {
      for (const auto& [target, coefficient] : rows[i])
        sums[i] += static_cast<double>(target) * coefficient;
    }
    EXPECT_NEAR(sums[0], sums[1], 1e-3) << name;
  }
}

}  // namespace
}  // namespace srpo::rl
