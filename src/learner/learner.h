// Trains a policy on batches of training trees, alone or as one of N ranks.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "comm/process_group.h"
#include "learner/learner_config.h"
#include "learner/sharded_parameters.h"
#include "learner/step_stats.h"
#include "model/model_config.h"
#include "model/tensor_map.h"
#include "model/transformer.h"
#include "rl/policy_loss.h"
#include "rl/training_batch.h"
#include "rl/training_tree.h"

namespace srpo::learner {

/// Collective: every rank of the group calls the same methods with the same arguments.
/// Borrows the group. Computes on the calling thread alone. One thread only.
class Learner {
 public:
  /// `initial_weights` are a whole model's, in any floating type; with an adapter they
  /// stay as they are. Throws kBadFile when they are not this model's.
  Learner(const LearnerConfig& config, const model::ModelConfig& model_config,
          model::TensorMap initial_weights, comm::ProcessGroup& group);
  ~Learner();

  /// `updates_per_batch` updates, each on its share of the trees in order. The trees of
  /// an update are divided over the ranks by tokens. Sequences of zero advantage cost
  /// nothing, and count in the divisor. An update whose gradient is not finite is skipped
  /// and counted. Throws kBadInput for trees that cannot be true.
  /// `num_updates`: another number of updates for this batch.
  StepStats train(const std::vector<rl::TrainingTree>& trees, const rl::LossRule& rule,
                  double learning_rate_factor = 1,
                  std::optional<int64_t> num_updates = std::nullopt);

  /// fp32 copies of all weights, or of the adapter under its PEFT names, on every rank.
  /// Throws kBug when one is not finite.
  model::TensorMap trainable_weights();

  /// Updates applied since the first; the version of the policy.
  uint32_t num_updates() const { return num_updates_; }

  /// The whole state, with the caller's metadata; see save_checkpoint.
  void save(const std::filesystem::path& folder, const std::string& metadata);
  /// Goes on from a checkpoint that any number of ranks has written; returns its
  /// metadata. Throws kBadFile.
  std::string load(const std::filesystem::path& folder);

  /// A Hugging Face folder with the tokenizer and other small files of `model_source`
  /// (may be empty), or a PEFT adapter that names `model_source` as its base.
  void export_model(const std::filesystem::path& folder,
                    const std::filesystem::path& model_source);

 private:
  void bind_parameters();
  void update(std::span<const rl::TrainingTree> trees, const rl::LossRule& rule,
              double learning_rate_factor, StepStats& stats, rl::PolicyLossSums& sums);
  std::vector<rl::PackedBatch> pack_share(std::span<const rl::TrainingTree> trees,
                                          const rl::LossRule& rule,
                                          const rl::LossDivisors& divisors) const;
  void run_micro_batch(const rl::PackedBatch& batch, const rl::LossRule& rule,
                       rl::PolicyLossSums& sums);
  /// Of the batch's rows under the initial weights.
  std::vector<float> reference_logprobs(const rl::PackedBatch& batch);
  void step(double learning_rate_factor, StepStats& stats);
  void sum_over_ranks(rl::PolicyLossSums& sums, StepStats& stats);
  int64_t largest_over_ranks(int64_t value);
  size_t unit_of_layer(int64_t layer) const {
    return static_cast<size_t>(layer) + (config_.lora ? 0 : 1);
  }

  LearnerConfig config_;
  model::ModelConfig model_config_;
  comm::ProcessGroup& group_;
  model::TensorMap frozen_;     // base weights under an adapter
  model::TensorMap reference_;  // initial weights, if wanted and not frozen anyway
  std::unique_ptr<ShardedParameters> parameters_;
  std::vector<model::LayerParameters> layers_;
  model::Parameter embedding_;
  model::HeadParameters head_;
  model::Transformer transformer_;
  uint32_t num_updates_ = 0;
};

}  // namespace srpo::learner
