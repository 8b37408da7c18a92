#include "learner/learner.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/deadline.h"
#include "core/error.h"
#include "core/log.h"
#include "learner/bfloat16.h"
#include "learner/checkpoint.h"
#include "model/hf_folder.h"

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

/// `model.layers.*.mlp.*`: each * stands for any letters.
bool fits(const std::string& pattern, const std::string& name) {
  size_t at = 0;
  size_t p = 0;
  size_t star = std::string::npos;
  size_t after = 0;
  while (at < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = at;
    } else if (p < pattern.size() && pattern[p] == name[at]) {
      ++p;
      ++at;
    } else if (star != std::string::npos) {
      p = star + 1;
      at = ++after;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string::npos;
}

at::Tensor frozen_copy(const at::Tensor& tensor, bool bf16) {
  at::Tensor copy = tensor.to(at::kFloat).contiguous();
  if (!bf16) return copy;
  copy = copy.clone();
  auto* values = copy.mutable_data_ptr<float>();
  for (int64_t i = 0; i < copy.numel(); ++i) values[i] = rounded_to_bf16(values[i]);
  return copy;
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

}  // namespace

Learner::Learner(const LearnerConfig& config, const model::ModelConfig& model_config,
                 model::TensorMap initial_weights, comm::ProcessGroup& group)
    : config_(config),
      model_config_(model_config),
      group_(group),
      transformer_(model_config, config.activation_checkpointing) {
  model::check_weights(model_config, initial_weights, "initial weights of the learner");
  const model::TensorMap trained = divide_tensors(std::move(initial_weights));
  const auto units = divide_into_units(model_config, config.lora, trained);
  std::vector<int> slots(units.size(), 0);
  if (!config.lora) slots[0] = 1;  // needed at both ends of a pass
  parameters_ = std::make_unique<ShardedParameters>(units, slots, group, config.bf16);
  require_enough_memory();
  bind_parameters();
}

Learner::~Learner() = default;

/// Puts aside what stays as it is; returns what is trained.
model::TensorMap Learner::divide_tensors(model::TensorMap initial_weights) {
  model::TensorMap trained;
  if (config_.lora) {
    for (const auto& [name, tensor] : initial_weights)
      frozen_[name] = frozen_copy(tensor, config_.bf16);
    initial_weights = model::make_adapter(model_config_, config_.adapter(), config_.seed);
  }
  std::vector<bool> is_used(config_.frozen.size(), false);
  for (const auto& [name, tensor] : initial_weights) {
    bool stays = false;
    for (size_t i = 0; i < config_.frozen.size(); ++i) {
      if (!fits(config_.frozen[i], name)) continue;
      stays = true;
      is_used[i] = true;
    }
    (stays ? frozen_ : trained)[name] =
        stays ? frozen_copy(tensor, config_.bf16) : tensor;
  }
  for (size_t i = 0; i < is_used.size(); ++i) {
    REQUIRE(is_used[i], kBadConfig,
            "learner.frozen names '"
                << config_.frozen[i]
                << "', but no tensor that would be trained is called "
                   "so (one of them is '"
                << initial_weights.begin()->first << "')");
  }
  REQUIRE(!trained.empty(), kBadConfig,
          "learner.frozen leaves nothing to train of " << initial_weights.size()
                                                       << " tensors");
  return trained;
}

void Learner::require_enough_memory() const {
  if (config_.memory_limit_mb == 0) return;
  const PassSize size{config_.micro_batch_tokens, config_.micro_batch_tokens,
                      std::min(config_.micro_batch_tokens, model_config_.max_positions)};
  require_memory(plan_memory({}), config_, model_config_, size,
                 config_.memory_limit_mb * 1'000'000);
}

MemoryPlan Learner::plan_memory(const PassSize& size) const {
  int64_t frozen = 0;
  for (const auto& [name, tensor] : frozen_)
    frozen += static_cast<int64_t>(tensor.nbytes());
  const MemoryPlan plan = plan_parameters(*parameters_, frozen);
  return size.tokens == 0 ? plan : plan_pass(plan, config_, model_config_, size);
}

int64_t Learner::held_bytes() const {
  int64_t bytes = parameters_->held_bytes() + transformer_.held_bytes();
  for (const auto& [name, tensor] : frozen_)
    bytes += static_cast<int64_t>(tensor.nbytes());
  return bytes;
}

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
  model::TensorMap weights = frozen_;
  model::TensorMap gradients;
  if (!config_.lora) {
    for (const auto& [name, tensor] : parameters_->weights(0)) weights[name] = tensor;
    gradients = parameters_->gradients(0);
  }
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
  stats.loss_rows = sums.rows;
  stats.seconds = watch.seconds();
  stats.collective_seconds = parameters_->collective_seconds() - collective_before;
  return stats;
}

void Learner::update(std::span<const rl::TrainingTree> trees, const rl::LossRule& rule,
                     double learning_rate_factor, StepStats& stats,
                     rl::PolicyLossSums& sums) {
  const Work work = divide_work(trees, rule);
  stats.sequences += work.sequences;
  for (const rl::PackedBatch& batch : work.batches) {
    stats.tokens += batch.num_tokens();
    stats.trained_sequences += batch.num_sequences;
  }
  if (!work.has_rows) {
    // A step on nothing would still move the weights by momentum and decay.
    ++stats.empty_updates;
    return;
  }
  const rl::PolicyLossSums own = run_passes(work, rule);
  double loss = own.loss;
  group_.all_reduce_sum(std::span(&loss, 1));
  if (!step(learning_rate_factor, std::isfinite(loss), stats)) {
    find_fault(work, stats);
    if (config_.roll_back_after > 0 && ++faults_in_a_row_ >= config_.roll_back_after)
      roll_back(stats);
    return;
  }
  faults_in_a_row_ = 0;
  sums.add(own);
}

model::TensorMap Learner::gradients(const std::vector<rl::TrainingTree>& trees,
                                    const rl::LossRule& rule) {
  run_passes(divide_work(trees, rule), rule);
  return parameters_->copy_gradients();
}

Learner::Work Learner::divide_work(std::span<const rl::TrainingTree> trees,
                                   const rl::LossRule& rule) {
  const rl::LossDivisors divisors = rl::count_divisors(trees);
  Work work;
  work.batches = pack_share(trees, rule, divisors);
  work.sequences = static_cast<int64_t>(divisors.sequences);
  work.num_passes = largest_over_ranks(static_cast<int64_t>(work.batches.size()));
  work.has_rows = work.num_passes > 0;
  return work;
}

rl::PolicyLossSums Learner::run_passes(const Work& work, const rl::LossRule& rule) {
  rl::PolicyLossSums sums;
  parameters_->clear_gradients();
  head_.temperature = rule.temperature;
  const rl::PackedBatch nothing;
  for (int64_t pass = 0; pass < work.num_passes; ++pass) {
    // A rank that has no more work still takes part in the exchanges.
    const bool idle = pass >= static_cast<int64_t>(work.batches.size());
    const auto& batch = idle ? nothing : work.batches[static_cast<size_t>(pass)];
    const auto logprobs = run_micro_batch(batch, rule, sums);
    if (observer_ != nullptr && !idle) observe(batch, rule, logprobs);
  }
  return sums;
}

void Learner::observe(const rl::PackedBatch& batch, const rl::LossRule& rule,
                      std::span<const float> logprobs) const {
  std::vector<double> losses;
  for (size_t row = 0; row < logprobs.size(); ++row) {
    float slope = 0;
    losses.push_back(
        rl::compute_policy_loss(
            rule, logprobs.subspan(row, 1), std::span(batch.coefficients).subspan(row, 1),
            std::span(batch.sampled_logprobs).subspan(row, 1), std::span(&slope, 1))
            .loss);
  }
  observer_->see_micro_batch(batch, logprobs, losses);
}

std::vector<rl::PackedBatch> Learner::pack_share(std::span<const rl::TrainingTree> trees,
                                                 const rl::LossRule& rule,
                                                 const rl::LossDivisors& divisors) const {
  std::vector<int64_t> tokens;
  for (const rl::TrainingTree& tree : trees)
    tokens.push_back(rl::count_packed_tokens(tree, config_.share_prefixes));
  const int64_t total = std::accumulate(tokens.begin(), tokens.end(), int64_t{0});
  const bool divisible = rule.weighting == rl::LossRule::Weighting::kSequence
                             ? divisors.sequences > 0
                             : divisors.active_tokens > 0;
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
  std::vector<int32_t> numbers;
  for (const size_t index : order) {
    const auto least = std::min_element(load.begin(), load.end());
    *least += tokens[index];
    if (least - load.begin() != group_.rank()) continue;
    own.push_back(&trees[index]);
    numbers.push_back(static_cast<int32_t>(index));
  }
  rl::PackingOptions options;
  options.micro_batch_tokens = config_.micro_batch_tokens;
  options.share_prefixes = config_.share_prefixes;
  auto batches = rl::pack_trees(own, rule, divisors, options);
  for (rl::PackedBatch& batch : batches) {
    for (rl::SequenceOrigin& origin : batch.origins)
      origin.tree = numbers[static_cast<size_t>(origin.tree)];
  }
  return batches;
}

std::vector<float> Learner::run_micro_batch(const rl::PackedBatch& batch,
                                            const rl::LossRule& rule,
                                            rl::PolicyLossSums& sums) {
  const auto loss = [&](int64_t first, std::span<const float> logprobs,
                        std::span<float> gradients) {
    const auto begin = static_cast<size_t>(first);
    sums.add(rl::compute_policy_loss(
        rule, logprobs, std::span(batch.coefficients).subspan(begin, logprobs.size()),
        std::span(batch.sampled_logprobs).subspan(begin, logprobs.size()), gradients));
  };
  if (!config_.lora) parameters_->gather(0);
  transformer_.begin(forest_of(batch), embedding_.value);
  for (int64_t layer = 0; layer < model_config_.num_layers; ++layer) {
    parameters_->gather(unit_of_layer(layer));
    transformer_.forward_layer(layer, layers_[static_cast<size_t>(layer)]);
  }
  if (!config_.lora) parameters_->begin_gradient(0);
  auto logprobs =
      transformer_.backward_head({batch.hidden_indices, batch.targets}, head_, loss);
  for (int64_t layer = model_config_.num_layers - 1; layer >= 0; --layer) {
    const size_t unit = unit_of_layer(layer);
    parameters_->gather(unit);
    parameters_->begin_gradient(unit);
    transformer_.backward_layer(layer, layers_[static_cast<size_t>(layer)]);
    parameters_->reduce_gradient(unit);
  }
  if (config_.lora) return logprobs;
  if (embedding_.gradient != nullptr)
    transformer_.backward_embedding(embedding_.gradient);
  parameters_->reduce_gradient(0);
  return logprobs;
}

/// False when the update is skipped.
bool Learner::step(double learning_rate_factor, bool loss_is_finite, StepStats& stats) {
  const std::vector<double> norms = parameters_->gradient_norms();
  double squares = 0;
  for (const double each : norms) squares += each * each;
  const double norm = std::sqrt(squares);
  const bool is_applied = loss_is_finite && std::isfinite(norm);
  if (observer_ != nullptr) observer_->see_gradient(named_norms(norms), is_applied);
  if (!is_applied) {
    ++stats.skipped_updates;
    return false;
  }
  stats.grad_norm += norm;
  ++stats.updates;
  stats.learning_rate = config_.learning_rate * learning_rate_factor *
                        config_.schedule.factor(num_updates_);
  ++num_updates_;
  const bool clips = config_.clip_norm > 0 && norm > config_.clip_norm;
  const auto scale = static_cast<float>(clips ? config_.clip_norm / (norm + 1e-6) : 1.0);
  parameters_->update(config_.optimizer(), stats.learning_rate, num_updates_, scale);
  return true;
}

std::vector<UnitNorm> Learner::named_norms(const std::vector<double>& norms) const {
  std::vector<UnitNorm> named;
  for (size_t unit = 0; unit < norms.size(); ++unit) {
    const bool is_layer = config_.lora || unit > 0;
    named.push_back({is_layer ? "layer " + std::to_string(unit - (config_.lora ? 0 : 1))
                              : "embeddings and head",
                     norms[unit]});
  }
  return named;
}

void Learner::roll_back(StepStats& stats) {
  REQUIRE(!last_checkpoint_.empty(), kBadInput,
          faults_in_a_row_ << " updates in a row were not finite, and there is no "
                              "checkpoint to go back to (see the errors above for the "
                              "sequences and layers)");
  LOG(error) << faults_in_a_row_ << " updates in a row were not finite: back to "
             << last_checkpoint_.string();
  num_updates_ = load_checkpoint(last_checkpoint_, *parameters_, group_).num_updates;
  faults_in_a_row_ = 0;
  ++stats.roll_backs;
}

void Learner::sum_over_ranks(rl::PolicyLossSums& sums, StepStats& stats) {
  std::vector<double> values{sums.loss,
                             sums.logp,
                             static_cast<double>(sums.rows),
                             sums.logprob_gap,
                             static_cast<double>(sums.compared_rows),
                             static_cast<double>(sums.clipped_rows),
                             static_cast<double>(stats.trained_sequences),
                             static_cast<double>(stats.tokens)};
  group_.all_reduce_sum(values);
  sums.loss = values[0];
  sums.logp = values[1];
  sums.rows = static_cast<int64_t>(values[2]);
  sums.logprob_gap = values[3];
  sums.compared_rows = static_cast<int64_t>(values[4]);
  sums.clipped_rows = static_cast<int64_t>(values[5]);
  stats.trained_sequences = static_cast<int64_t>(values[6]);
  stats.tokens = static_cast<int64_t>(values[7]);
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
  last_checkpoint_ = folder;
}

std::string Learner::load(const fs::path& folder) {
  const CheckpointHeader header = load_checkpoint(folder, *parameters_, group_);
  num_updates_ = header.num_updates;
  last_checkpoint_ = folder;
  faults_in_a_row_ = 0;
  return header.metadata;
}

}  // namespace srpo::learner
