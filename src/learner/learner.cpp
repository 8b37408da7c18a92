#include "learner/learner.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/deadline.h"
#include "core/error.h"
#include "core/files.h"
#include "learner/checkpoint.h"
#include "model/hf_folder.h"
#include "model/safetensors.h"

namespace srpo::learner {

namespace {

namespace fs = std::filesystem;

/// The tensors of each unit. All parameters: what stands outside of the layers (unit 0),
/// then layer by layer. An adapter: layer by layer.
std::vector<model::TensorMap> divide_into_units(const model::ModelConfig& config,
                                                bool lora,
                                                const model::TensorMap& tensors) {
  const size_t outside = lora ? 0 : 1;
  std::vector<model::TensorMap> units(static_cast<size_t>(config.num_layers) + outside);
  for (const auto& [name, tensor] : tensors) {
    const std::string marker = "model.layers.";
    const size_t found = name.find(marker);
    size_t unit = 0;
    if (found != std::string::npos)
      unit = std::stoul(name.substr(found + marker.size())) + outside;
    units.at(unit)[name] = tensor;
  }
  return units;
}

model::TokenForest forest_of(const rl::PackedBatch& batch) {
  model::TokenForest forest;
  forest.tokens = batch.tokens;
  forest.positions = batch.positions;
  for (const rl::PackedSegment& segment : batch.segments) {
    forest.segments.push_back({segment.begin, segment.end, segment.parent});
  }
  return forest;
}

bool is_weight_file(const fs::path& path) {
  const std::string name = path.filename().string();
  return name == "config.json" || name.ends_with(".safetensors") ||
         name.ends_with(".index.json") || name.ends_with(".bin") ||
         name.ends_with(".gguf");
}

void copy_small_files(const fs::path& source, const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(source)) {
    if (!entry.is_regular_file() || is_weight_file(entry.path())) continue;
    core::write_file(folder / entry.path().filename(), core::read_file(entry.path()));
  }
}

}  // namespace

Learner::Learner(const LearnerConfig& config, const model::ModelConfig& model_config,
                 model::TensorMap initial_weights, comm::ProcessGroup& group)
    : config_(config),
      model_config_(model_config),
      group_(group),
      transformer_(model_config, config.activation_checkpointing) {
  model::check_weights(model_config, initial_weights, "initial weights of the learner");
  if (config.lora) {
    for (const auto& [name, tensor] : initial_weights) {
      frozen_[name] = tensor.to(at::kFloat).contiguous();
    }
    initial_weights = model::make_adapter(model_config, config.adapter(), config.seed);
  } else if (config.keeps_reference) {
    for (const auto& [name, tensor] : initial_weights)
      reference_[name] = tensor.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  }
  const auto units = divide_into_units(model_config, config.lora, initial_weights);
  std::vector<int> slots(units.size(), 0);
  if (!config.lora) slots[0] = 1;  // needed at both ends of a pass
  parameters_ = std::make_unique<ShardedParameters>(units, slots, group);
  bind_parameters();
}

Learner::~Learner() = default;

void Learner::bind_parameters() {
  const model::LoraConfig lora = config_.adapter();
  for (int64_t layer = 0; layer < model_config_.num_layers; ++layer) {
    const size_t unit = unit_of_layer(layer);
    model::TensorMap weights = frozen_;
    for (const auto& [name, tensor] : parameters_->weights(unit)) weights[name] = tensor;
    layers_.push_back(model::bind_layer(model_config_, layer, weights,
                                        parameters_->gradients(unit),
                                        config_.lora ? &lora : nullptr));
  }
  const model::TensorMap none;
  const model::TensorMap& weights = config_.lora ? frozen_ : parameters_->weights(0);
  const model::TensorMap& gradients = config_.lora ? none : parameters_->gradients(0);
  embedding_ = model::bind_parameter("model.embed_tokens.weight", weights, gradients);
  head_.norm = model::bind_parameter("model.norm.weight", weights, gradients);
  head_.weight = model_config_.tie_embeddings
                     ? embedding_
                     : model::bind_parameter("lm_head.weight", weights, gradients);
  head_.chunk_rows = config_.head_chunk_rows;
}

StepStats Learner::train(const std::vector<rl::TrainingTree>& trees,
                         const rl::LossRule& rule, double learning_rate_factor,
                         std::optional<int64_t> num_updates) {
  const core::Stopwatch watch;
  const double collective_before = parameters_->collective_seconds();
  StepStats stats;
  rl::PolicyLossSums sums;
  rl::PolicyLossSums first;  // of the first mini-batch: before the weights moved
  const auto num_parts =
      static_cast<size_t>(num_updates.value_or(config_.updates_per_batch));
  int64_t num_mini_batches = 0;
  for (size_t part = 0; part < num_parts; ++part) {
    const size_t begin = trees.size() * part / num_parts;
    const size_t end = trees.size() * (part + 1) / num_parts;
    if (begin == end) continue;
    update(std::span(trees).subspan(begin, end - begin), rule, learning_rate_factor,
           stats, sums);
    if (num_mini_batches++ == 0) first = sums;
  }
  sums.keep_gap_of(first);
  sum_over_ranks(sums, stats);
  const auto mini_batches = static_cast<double>(std::max<int64_t>(1, num_mini_batches));
  const auto rows = static_cast<double>(std::max<int64_t>(1, sums.rows));
  const auto compared = static_cast<double>(std::max<int64_t>(1, sums.compared_rows));
  stats.loss = sums.loss / mini_batches;
  stats.grad_norm /= static_cast<double>(std::max<int64_t>(1, stats.updates));
  stats.mean_logp = sums.logp / rows;
  stats.max_logprob_gap = sums.max_logprob_gap;
  stats.mean_logprob_gap = sums.logprob_gap / compared;
  stats.clipped_fraction = static_cast<double>(sums.clipped_rows) / rows;
  stats.mean_divergence =
      sums.divergence / static_cast<double>(std::max<int64_t>(1, sums.reference_rows));
  stats.loss_rows = sums.rows;
  stats.seconds = watch.seconds();
  stats.collective_seconds = parameters_->collective_seconds() - collective_before;
  return stats;
}

void Learner::update(std::span<const rl::TrainingTree> trees, const rl::LossRule& rule,
                     double learning_rate_factor, StepStats& stats,
                     rl::PolicyLossSums& sums) {
  const rl::LossDivisors divisors = rl::count_divisors(trees);
  const auto batches = pack_share(trees, rule, divisors);
  stats.sequences += static_cast<int64_t>(divisors.sequences);
  for (const rl::PackedBatch& batch : batches) {
    stats.tokens += batch.num_tokens();
    stats.trained_sequences += batch.num_sequences;
  }
  parameters_->clear_gradients();
  head_.temperature = rule.temperature;
  const rl::PackedBatch nothing;
  const int64_t num_passes = largest_over_ranks(static_cast<int64_t>(batches.size()));
  for (int64_t pass = 0; pass < num_passes; ++pass) {
    // A rank that has no more work still takes part in the exchanges.
    const bool idle = pass >= static_cast<int64_t>(batches.size());
    run_micro_batch(idle ? rl::PackedBatch{} : batches[static_cast<size_t>(pass)], rule,
                    sums);
  }
  step(learning_rate_factor, stats);
}

std::vector<rl::PackedBatch> Learner::pack_share(std::span<const rl::TrainingTree> trees,
                                                 const rl::LossRule& rule,
                                                 const rl::LossDivisors& divisors) const {
  std::vector<int64_t> tokens;
  for (const rl::TrainingTree& tree : trees)
    tokens.push_back(rl::count_packed_tokens(tree, true));
  const int64_t total = std::accumulate(tokens.begin(), tokens.end(), int64_t{0});
  const bool divisible = rule.weighting == rl::LossRule::Weighting::kToken
                             ? divisors.active_tokens > 0
                             : divisors.sequences > 0;
  REQUIRE(total == 0 || divisible, kBadInput,
          "training trees carry loss but count no "
              << (divisors.sequences == 0 ? "sequence" : "active token")
              << " to divide it by");
  // Largest first, each to the rank with the least to do.
  std::vector<size_t> order(trees.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return tokens[a] > tokens[b]; });
  std::vector<int64_t> load(static_cast<size_t>(group_.size()), 0);
  std::vector<const rl::TrainingTree*> own;
  for (const size_t index : order) {
    const auto least = std::min_element(load.begin(), load.end());
    *least += tokens[index];
    if (least - load.begin() == group_.rank()) own.push_back(&trees[index]);
  }
  rl::PackingOptions options;
  options.micro_batch_tokens = config_.micro_batch_tokens;
  return rl::pack_trees(own, rule, divisors, options);
}

void Learner::run_micro_batch(const rl::PackedBatch& batch, const rl::LossRule& rule,
                              rl::PolicyLossSums& sums) {
  std::vector<float> reference;
  if (batch.needs_reference) reference = reference_logprobs(batch);
  const auto loss = [&](int64_t first, std::span<const float> logprobs,
                        std::span<float> gradients) {
    const auto part = [&](const auto& of_rows) {
      return std::span(of_rows).subspan(static_cast<size_t>(first), logprobs.size());
    };
    rl::LossRows rows{part(batch.coefficients),
                      part(batch.sampled_logprobs),
                      part(batch.sequences),
                      {},
                      {}};
    if (!reference.empty()) {
      rows.kl_coefficients = part(batch.kl_coefficients);
      rows.reference = part(reference);
    }
    sums.add(rl::compute_policy_loss(rule, logprobs, rows, gradients));
  };
  // A ratio of sequences needs all of their rows at once.
  head_.chunk_rows = rule.sequence_ratio ? std::max<int64_t>(1, batch.num_rows())
                                         : config_.head_chunk_rows;
  if (!config_.lora) parameters_->gather(0);
  transformer_.begin(forest_of(batch), embedding_.value);
  for (int64_t layer = 0; layer < model_config_.num_layers; ++layer) {
    parameters_->gather(unit_of_layer(layer));
    transformer_.forward_layer(layer, layers_[static_cast<size_t>(layer)]);
  }
  if (!config_.lora) parameters_->begin_gradient(0);
  transformer_.backward_head({batch.hidden_indices, batch.targets}, head_, loss);
  for (int64_t layer = model_config_.num_layers - 1; layer >= 0; --layer) {
    const size_t unit = unit_of_layer(layer);
    parameters_->gather(unit);
    parameters_->begin_gradient(unit);
    transformer_.backward_layer(layer, layers_[static_cast<size_t>(layer)]);
    parameters_->reduce_gradient(unit);
  }
  if (config_.lora) return;
  transformer_.backward_embedding(embedding_.gradient);
  parameters_->reduce_gradient(0);
}

std::vector<float> Learner::reference_logprobs(const rl::PackedBatch& batch) {
  const model::TensorMap& weights = config_.lora ? frozen_ : reference_;
  REQUIRE(!weights.empty(), kBug,
          "sequences are to be compared with a reference model, which was not kept");
  const model::TensorMap none;
  const auto value = [&](const char* name) {
    return model::bind_parameter(name, weights, none);
  };
  const model::Parameter embedding = value("model.embed_tokens.weight");
  transformer_.begin(forest_of(batch), embedding.value);
  for (int64_t layer = 0; layer < model_config_.num_layers; ++layer) {
    transformer_.forward_layer(
        layer, model::bind_layer(model_config_, layer, weights, none, nullptr));
  }
  model::HeadParameters head = head_;
  head.norm = value("model.norm.weight");
  head.weight = model_config_.tie_embeddings ? embedding : value("lm_head.weight");
  return transformer_.score({batch.hidden_indices, batch.targets}, head);
}

void Learner::step(double learning_rate_factor, StepStats& stats) {
  const double norm = parameters_->gradient_norm();
  if (!std::isfinite(norm)) {
    ++stats.skipped_updates;
    return;
  }
  stats.grad_norm += norm;
  ++stats.updates;
  double rate = config_.learning_rate * learning_rate_factor;
  if (num_updates_ < config_.warmup_steps) {
    rate *= (static_cast<double>(num_updates_) + 1) /
            static_cast<double>(config_.warmup_steps);
  }
  ++num_updates_;
  const bool clips = config_.clip_norm > 0 && norm > config_.clip_norm;
  const auto scale = static_cast<float>(clips ? config_.clip_norm / (norm + 1e-6) : 1.0);
  parameters_->update(config_.optimizer(), rate, num_updates_, scale);
}

void Learner::sum_over_ranks(rl::PolicyLossSums& sums, StepStats& stats) {
  std::vector<double> values{sums.loss,
                             sums.logp,
                             static_cast<double>(sums.rows),
                             sums.logprob_gap,
                             static_cast<double>(sums.compared_rows),
                             static_cast<double>(sums.clipped_rows),
                             static_cast<double>(stats.trained_sequences),
                             static_cast<double>(stats.tokens),
                             sums.divergence,
                             static_cast<double>(sums.reference_rows)};
  group_.all_reduce_sum(values);
  sums.loss = values[0];
  sums.logp = values[1];
  sums.rows = static_cast<int64_t>(values[2]);
  sums.logprob_gap = values[3];
  sums.compared_rows = static_cast<int64_t>(values[4]);
  sums.clipped_rows = static_cast<int64_t>(values[5]);
  stats.trained_sequences = static_cast<int64_t>(values[6]);
  stats.tokens = static_cast<int64_t>(values[7]);
  sums.divergence = values[8];
  sums.reference_rows = static_cast<int64_t>(values[9]);
  std::vector<float> largest(static_cast<size_t>(group_.size()));
  const auto own = static_cast<float>(sums.max_logprob_gap);
  group_.all_gather(std::span(&own, 1), largest);
  sums.max_logprob_gap = *std::max_element(largest.begin(), largest.end());
}

int64_t Learner::largest_over_ranks(int64_t value) {
  std::vector<float> values(static_cast<size_t>(group_.size()));
  const auto own = static_cast<float>(value);
  group_.all_gather(std::span(&own, 1), values);
  return static_cast<int64_t>(*std::max_element(values.begin(), values.end()));
}

model::TensorMap Learner::trainable_weights() {
  model::TensorMap weights = parameters_->copy_all();
  for (const auto& [name, tensor] : weights) {
    ENSURE(all_finite(tensor.const_data_ptr<float>(), tensor.numel()),
           "'" << name << "' holds a number that is not finite after " << num_updates_
               << " updates: it is not published");
  }
  return weights;
}

void Learner::save(const fs::path& folder, const std::string& metadata) {
  save_checkpoint(folder, {num_updates_, metadata}, *parameters_, group_);
}

std::string Learner::load(const fs::path& folder) {
  const CheckpointHeader header = load_checkpoint(folder, *parameters_, group_);
  num_updates_ = header.num_updates;
  return header.metadata;
}

void Learner::export_model(const fs::path& folder, const fs::path& model_source) {
  const model::TensorMap weights = trainable_weights();
  if (group_.rank() == 0) {
    fs::create_directories(folder);
    if (config_.lora) {
      model::write_safetensors(folder / "adapter_model.safetensors", weights);
      core::write_file(
          folder / "adapter_config.json",
          model::adapter_config_json(config_.adapter(), model_source.string()));
    } else {
      model::save_model(folder, model_config_, weights, at::kFloat);
      if (!model_source.empty()) copy_small_files(model_source, folder);
    }
  }
  group_.barrier();
}

}  // namespace srpo::learner
