#include "learner/eager_decoder.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "rl/training_batch.h"

namespace srpo::learner {

/// One sequence behind its prompt.
struct EagerDecoder::Row {
  std::vector<int64_t> tokens;  // prompt and response
  int64_t first_target = 0;     // in tokens
  double coefficient = 0;       // of each active token
};

EagerDecoder::EagerDecoder(const model::ModelConfig& config,
                           const model::TensorMap& weights, at::ScalarType type)
    : config_(config), type_(type) {
  for (const auto& [name, tensor] : weights)
    weights_[name] = tensor.to(type).clone().requires_grad_();
}

at::Tensor EagerDecoder::norm(const at::Tensor& x, const std::string& name) const {
  return x * at::rsqrt(x.pow(2).mean(-1, true) + config_.rms_norm_eps) *
         weights_.at(name);
}

at::Tensor EagerDecoder::rotate(const at::Tensor& x) const {
  const int64_t half = config_.head_dim / 2;
  const auto options = at::TensorOptions().dtype(at::kDouble);
  const at::Tensor frequencies =
      at::pow(config_.rope_theta, -at::arange(half, options) * 2.0 / config_.head_dim);
  const at::Tensor angles = at::outer(at::arange(x.size(2), options), frequencies);
  const at::Tensor cosines = angles.cos().to(type_);
  const at::Tensor sines = angles.sin().to(type_);
  const at::Tensor low = x.slice(3, 0, half);
  const at::Tensor high = x.slice(3, half);
  return at::cat({low * cosines - high * sines, high * cosines + low * sines}, 3);
}

at::Tensor EagerDecoder::run_layer(int64_t layer, const at::Tensor& hidden) const {
  const std::string prefix = "model.layers." + std::to_string(layer) + ".";
  const auto linear = [&](const at::Tensor& x, const std::string& name) {
    return at::linear(x, weights_.at(prefix + name + ".weight"));
  };
  const int64_t batch = hidden.size(0);
  const int64_t length = hidden.size(1);
  const auto heads = [&](const at::Tensor& x) {
    return x.view({batch, length, -1, config_.head_dim}).transpose(1, 2);
  };
  const int64_t group = config_.num_heads / config_.num_kv_heads;
  const at::Tensor a = norm(hidden, prefix + "input_layernorm.weight");
  const at::Tensor query = rotate(heads(linear(a, "self_attn.q_proj")));
  const at::Tensor key = rotate(heads(linear(a, "self_attn.k_proj")));
  const at::Tensor value = heads(linear(a, "self_attn.v_proj"));
  const at::Tensor mixed = at::scaled_dot_product_attention(
      query, key.repeat_interleave(group, 1), value.repeat_interleave(group, 1), {}, 0.0,
      /*is_causal=*/true);
  const at::Tensor middle =
      hidden +
      linear(mixed.transpose(1, 2).reshape({batch, length, -1}), "self_attn.o_proj");
  const at::Tensor b = norm(middle, prefix + "post_attention_layernorm.weight");
  return middle + linear(at::silu(linear(b, "mlp.gate_proj")) * linear(b, "mlp.up_proj"),
                         "mlp.down_proj");
}

at::Tensor EagerDecoder::hidden_states(const at::Tensor& tokens) const {
  at::Tensor hidden = at::embedding(weights_.at("model.embed_tokens.weight"), tokens);
  for (int64_t layer = 0; layer < config_.num_layers; ++layer)
    hidden = run_layer(layer, hidden);
  return norm(hidden, "model.norm.weight");
}

void EagerDecoder::accumulate(std::span<const Row> rows, double temperature) {
  size_t longest = 0;
  for (const Row& row : rows) longest = std::max(longest, row.tokens.size());
  const auto batch = static_cast<int64_t>(rows.size());
  const auto length = static_cast<int64_t>(longest);
  const at::Tensor tokens = at::zeros({batch, length}, at::kLong);
  const at::Tensor weights = at::zeros({batch, length - 1}, type_);
  for (int64_t i = 0; i < batch; ++i) {
    const Row& row = rows[static_cast<size_t>(i)];
    const auto own = static_cast<int64_t>(row.tokens.size());
    tokens[i].slice(0, 0, own).copy_(at::tensor(row.tokens));
    weights[i].slice(0, row.first_target - 1, own - 1).fill_(row.coefficient);
    tokens_ += own - 1;
  }
  const at::Tensor hidden = hidden_states(tokens.slice(1, 0, length - 1));
  const at::Tensor logits =
      at::linear(hidden, weights_.at(config_.tie_embeddings ? "model.embed_tokens.weight"
                                                            : "lm_head.weight"));
  const at::Tensor logprobs = at::log_softmax(logits / temperature, -1);
  const at::Tensor chosen =
      logprobs.gather(2, tokens.slice(1, 1).unsqueeze(2)).squeeze(2);
  (-(chosen * weights).sum()).backward();
}

model::TensorMap EagerDecoder::gradients(const std::vector<rl::TrainingTree>& trees,
                                         const rl::LossRule& rule,
                                         int64_t sequences_at_a_time) {
  const rl::LossDivisors divisors = rl::count_divisors(trees);
  std::vector<Row> rows;
  for (const rl::TrainingTree& tree : trees) {
    for (const auto* sequences : {&tree.fresh, &tree.suffixes}) {
      for (const rl::TrainingSequence& sequence : *sequences) {
        if (sequence.advantage == 0) continue;
        Row row;
        row.tokens.assign(tree.prompt_tokens.begin(), tree.prompt_tokens.end());
        row.tokens.insert(row.tokens.end(), sequence.tokens.begin(),
                          sequence.tokens.end());
        row.first_target = static_cast<int64_t>(tree.prompt_tokens.size()) +
                           static_cast<int64_t>(sequence.active_begin);
        const auto active =
            static_cast<double>(sequence.tokens.size() - sequence.active_begin);
        const bool by_sequence = rule.weighting == rl::LossRule::Weighting::kSequence;
        row.coefficient = sequence.advantage /
                          (by_sequence ? static_cast<double>(divisors.sequences) * active
                                       : static_cast<double>(divisors.active_tokens));
        rows.push_back(std::move(row));
      }
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return a.tokens.size() > b.tokens.size();
  });
  tokens_ = 0;
  for (auto& [name, tensor] : weights_) tensor.mutable_grad().reset();
  for (size_t first = 0; first < rows.size();
       first += static_cast<size_t>(sequences_at_a_time)) {
    const size_t some =
        std::min(static_cast<size_t>(sequences_at_a_time), rows.size() - first);
    accumulate(std::span(rows).subspan(first, some), rule.temperature);
  }
  model::TensorMap gradients;
  for (const auto& [name, tensor] : weights_)
    gradients[name] = tensor.grad().defined() ? tensor.grad() : at::zeros_like(tensor);
  return gradients;
}

}  // namespace srpo::learner
