#include "model/transformer.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "model/matrix_product.h"

namespace srpo::model {

namespace {

/// Old contents are lost: the old memory is given back before there is more of it.
void reserve(std::vector<float>& buffer, int64_t count) {
  if (buffer.size() >= static_cast<size_t>(count)) return;
  std::vector<float>().swap(buffer);
  buffer.resize(static_cast<size_t>(count));
}

Linear bind_linear(const ModelConfig& config, int64_t layer, const std::string& name,
                   const TensorMap& weights, const TensorMap& gradients,
                   const LoraConfig* lora) {
  Linear linear;
  std::tie(linear.out, linear.in) = linear_shape(config, name);
  const std::string path = linear_path(layer, name);
  linear.weight = bind_parameter(path + ".weight", weights, gradients);
  if (lora != nullptr && weights.contains(adapter_name(path, "lora_A"))) {
    linear.rank = lora->rank;
    linear.scale = lora->scale();
    linear.a = bind_parameter(adapter_name(path, "lora_A"), weights, gradients);
    linear.b = bind_parameter(adapter_name(path, "lora_B"), weights, gradients);
  }
  return linear;
}

void check_forest(const TokenForest& forest, const ModelConfig& config) {
  REQUIRE(
      forest.positions.size() == forest.tokens.size(), kBadInput,
      forest.tokens.size() << " tokens but " << forest.positions.size() << " positions");
  int64_t end = 0;
  for (size_t s = 0; s < forest.segments.size(); ++s) {
    const Segment& segment = forest.segments[s];
    REQUIRE(segment.begin == end && segment.end >= end &&
                segment.parent < static_cast<int64_t>(s),
            kBadInput,
            "segment " << s << " covers tokens " << segment.begin << " .. " << segment.end
                       << " behind segment " << segment.parent
                       << " (expected it to begin at " << end
                       << ", behind an earlier segment)");
    end = segment.end;
  }
  REQUIRE(end == forest.num_tokens(), kBadInput,
          "segments cover " << end << " of " << forest.num_tokens() << " tokens");
  for (const int64_t token : forest.tokens) {
    REQUIRE(token >= 0 && token < config.vocab_size, kBadInput,
            "token id " << token << " (expected 0 .. " << config.vocab_size - 1 << ")");
  }
}

}  // namespace

Parameter bind_parameter(const std::string& name, const TensorMap& weights,
                         const TensorMap& gradients) {
  const auto weight = weights.find(name);
  REQUIRE(weight != weights.end(), kBadInput, "the model has no tensor '" << name << "'");
  ENSURE(weight->second.scalar_type() == at::kFloat && weight->second.is_contiguous(),
         "'" << name << "' is not fp32 and contiguous");
  const auto gradient = gradients.find(name);
  return {
      weight->second.const_data_ptr<float>(),
      gradient == gradients.end() ? nullptr : gradient->second.mutable_data_ptr<float>()};
}

LayerParameters bind_layer(const ModelConfig& config, int64_t layer,
                           const TensorMap& weights, const TensorMap& gradients,
                           const LoraConfig* lora) {
  const std::string prefix = "model.layers." + std::to_string(layer) + ".";
  const auto linear = [&](const std::string& name) {
    return bind_linear(config, layer, name, weights, gradients, lora);
  };
  LayerParameters parameters;
  parameters.attention_norm =
      bind_parameter(prefix + "input_layernorm.weight", weights, gradients);
  parameters.mlp_norm =
      bind_parameter(prefix + "post_attention_layernorm.weight", weights, gradients);
  parameters.query = linear("q_proj");
  parameters.key = linear("k_proj");
  parameters.value = linear("v_proj");
  parameters.output = linear("o_proj");
  parameters.gate = linear("gate_proj");
  parameters.up = linear("up_proj");
  parameters.down = linear("down_proj");
  return parameters;
}

Transformer::Transformer(const ModelConfig& config, bool activation_checkpointing)
    : config_(config),
      checkpointing_(activation_checkpointing),
      rotary_(rotary_table(config, 0)),
      kept_(static_cast<size_t>(config.num_layers)) {}

AttentionLayout Transformer::attention_layout() const {
  return {config_.num_heads, config_.num_kv_heads, config_.head_dim,
          query_width() + 2 * key_width(), query_width()};
}

void Transformer::rotate(float* query, float* key, int64_t stride, int direction) const {
  const auto* cosines = rotary_.cos.const_data_ptr<float>();
  const auto* sines = rotary_.sin.const_data_ptr<float>();
  rotate_heads(forest_.positions, cosines, sines, config_.num_heads, config_.head_dim,
               query, stride, direction);
  rotate_heads(forest_.positions, cosines, sines, config_.num_kv_heads, config_.head_dim,
               key, stride, direction);
}

void Transformer::begin(const TokenForest& forest, const float* embedding) {
  check_forest(forest, config_);
  forest_ = forest;
  const int64_t tokens = forest.num_tokens();
  const int64_t width = config_.hidden_size;
  if (tokens > 0) {
    const int64_t needed =
        1 + *std::max_element(forest.positions.begin(), forest.positions.end());
    if (rotary_.cos.size(0) < needed)
      rotary_ = rotary_table(config_, needed + needed / 2);
  }
  reserve(hidden_, tokens * width);
  reserve(hidden_gradient_, tokens * width);
  for (int64_t t = 0; t < tokens; ++t) {
    std::memcpy(hidden_.data() + t * width,
                embedding + forest.tokens[static_cast<size_t>(t)] * width,
                static_cast<size_t>(width) * sizeof(float));
  }
}

void Transformer::apply(const Linear& linear, const float* x, float* y, int64_t y_stride,
                        bool add) {
  const int64_t tokens = forest_.num_tokens();
  multiply(tokens, linear.out, linear.in, 1, {x, linear.in},
           {linear.weight.value, linear.in, true}, add ? 1.0F : 0.0F, y, y_stride);
  if (linear.rank == 0) return;
  reserve(low_rank_, tokens * linear.rank);
  multiply(tokens, linear.rank, linear.in, 1, {x, linear.in},
           {linear.a.value, linear.in, true}, 0, low_rank_.data(), linear.rank);
  multiply(tokens, linear.out, linear.rank, linear.scale, {low_rank_.data(), linear.rank},
           {linear.b.value, linear.rank, true}, 1, y, y_stride);
}

void Transformer::apply_backward(const Linear& linear, const float* x, const float* dy,
                                 int64_t dy_stride, float* dx, bool add) {
  const int64_t tokens = forest_.num_tokens();
  multiply(tokens, linear.in, linear.out, 1, {dy, dy_stride},
           {linear.weight.value, linear.in}, add ? 1.0F : 0.0F, dx, linear.in);
  if (linear.weight.gradient != nullptr) {
    multiply(linear.out, linear.in, tokens, 1, {dy, dy_stride, true}, {x, linear.in}, 1,
             linear.weight.gradient, linear.in);
  }
  if (linear.rank == 0) return;
  reserve(low_rank_, tokens * linear.rank);
  reserve(low_rank_gradient_, tokens * linear.rank);
  multiply(tokens, linear.rank, linear.out, linear.scale, {dy, dy_stride},
           {linear.b.value, linear.rank}, 0, low_rank_gradient_.data(), linear.rank);
  multiply(tokens, linear.in, linear.rank, 1, {low_rank_gradient_.data(), linear.rank},
           {linear.a.value, linear.in}, 1, dx, linear.in);
  if (linear.a.gradient == nullptr) return;
  multiply(linear.rank, linear.in, tokens, 1,
           {low_rank_gradient_.data(), linear.rank, true}, {x, linear.in}, 1,
           linear.a.gradient, linear.in);
  multiply(tokens, linear.rank, linear.in, 1, {x, linear.in},
           {linear.a.value, linear.in, true}, 0, low_rank_.data(), linear.rank);
  multiply(linear.out, linear.rank, tokens, linear.scale, {dy, dy_stride, true},
           {low_rank_.data(), linear.rank}, 1, linear.b.gradient, linear.rank);
}

void Transformer::forward_layer(int64_t layer, const LayerParameters& parameters) {
  Activations& kept = kept_[static_cast<size_t>(layer)];
  const int64_t count = forest_.num_tokens() * config_.hidden_size;
  reserve(kept.input, count);
  std::copy_n(hidden_.data(), count, kept.input.data());
  if (!checkpointing_) {
    run_layer(parameters, kept, hidden_.data());
    return;
  }
  recomputed_.input.swap(kept.input);
  run_layer(parameters, recomputed_, hidden_.data());
  recomputed_.input.swap(kept.input);
}

void Transformer::run_layer(const LayerParameters& p, Activations& kept, float* output) {
  const int64_t tokens = forest_.num_tokens();
  const int64_t width = config_.hidden_size;
  const int64_t ff = config_.intermediate_size;
  const int64_t stride = query_width() + 2 * key_width();
  const auto epsilon = static_cast<float>(config_.rms_norm_eps);
  for (auto* buffer : {&normed_, &kept.middle}) reserve(*buffer, tokens * width);
  for (auto* buffer : {&wide_, &kept.gate, &kept.up}) reserve(*buffer, tokens * ff);
  for (auto* buffer : {&kept.attention_inverse, &kept.mlp_inverse})
    reserve(*buffer, tokens);
  reserve(kept.projections, tokens * stride);
  reserve(kept.attention, tokens * query_width());
  reserve(kept.log_sum_exp, tokens * config_.num_heads);

  rms_norm(kept.input.data(), p.attention_norm.value, epsilon, tokens, width,
           normed_.data(), kept.attention_inverse.data());
  float* query = kept.projections.data();
  float* key = query + query_width();
  float* value = key + key_width();
  apply(p.query, normed_.data(), query, stride, false);
  apply(p.key, normed_.data(), key, stride, false);
  apply(p.value, normed_.data(), value, stride, false);
  rotate(query, key, stride, 1);
  tree_attention_.forward(forest_.segments, attention_layout(), {query, key, value},
                          kept.attention.data(), kept.log_sum_exp.data());
  std::copy_n(kept.input.data(), tokens * width, kept.middle.data());
  apply(p.output, kept.attention.data(), kept.middle.data(), width, true);

  rms_norm(kept.middle.data(), p.mlp_norm.value, epsilon, tokens, width, normed_.data(),
           kept.mlp_inverse.data());
  apply(p.gate, normed_.data(), kept.gate.data(), ff, false);
  apply(p.up, normed_.data(), kept.up.data(), ff, false);
  swiglu(kept.gate.data(), kept.up.data(), tokens * ff, wide_.data());
  std::copy_n(kept.middle.data(), tokens * width, output);
  apply(p.down, wide_.data(), output, width, true);
}

void Transformer::backward_layer(int64_t layer, const LayerParameters& parameters) {
  Activations& kept = kept_[static_cast<size_t>(layer)];
  if (!checkpointing_) {
    backward_mlp(parameters, kept);
    backward_attention(parameters, kept);
    return;
  }
  recomputed_.input.swap(kept.input);
  run_layer(parameters, recomputed_, hidden_.data());
  backward_mlp(parameters, recomputed_);
  backward_attention(parameters, recomputed_);
  recomputed_.input.swap(kept.input);
}

void Transformer::backward_mlp(const LayerParameters& p, Activations& kept) {
  const int64_t tokens = forest_.num_tokens();
  const int64_t width = config_.hidden_size;
  const int64_t ff = config_.intermediate_size;
  reserve(wide_gradient_, tokens * ff);
  reserve(normed_gradient_, tokens * width);
  swiglu(kept.gate.data(), kept.up.data(), tokens * ff, wide_.data());
  apply_backward(p.down, wide_.data(), hidden_gradient_.data(), width,
                 wide_gradient_.data(), false);
  swiglu_backward(kept.gate.data(), kept.up.data(), wide_gradient_.data(), tokens * ff,
                  kept.gate.data(), kept.up.data());
  rms_norm_again(kept.middle.data(), p.mlp_norm.value, kept.mlp_inverse.data(), tokens,
                 width, normed_.data());
  apply_backward(p.gate, normed_.data(), kept.gate.data(), ff, normed_gradient_.data(),
                 false);
  apply_backward(p.up, normed_.data(), kept.up.data(), ff, normed_gradient_.data(), true);
  rms_norm_backward(kept.middle.data(), p.mlp_norm.value, kept.mlp_inverse.data(),
                    normed_gradient_.data(), tokens, width, hidden_gradient_.data(),
                    p.mlp_norm.gradient);
}

void Transformer::backward_attention(const LayerParameters& p, Activations& kept) {
  const int64_t tokens = forest_.num_tokens();
  const int64_t width = config_.hidden_size;
  const int64_t stride = query_width() + 2 * key_width();
  reserve(wide_gradient_, tokens * query_width());
  reserve(projection_gradient_, tokens * stride);
  apply_backward(p.output, kept.attention.data(), hidden_gradient_.data(), width,
                 wide_gradient_.data(), false);
  const float* query = kept.projections.data();
  float* dquery = projection_gradient_.data();
  float* dkey = dquery + query_width();
  float* dvalue = dkey + key_width();
  tree_attention_.backward(
      forest_.segments, attention_layout(),
      {query, query + query_width(), query + query_width() + key_width()},
      kept.attention.data(), kept.log_sum_exp.data(), wide_gradient_.data(),
      {dquery, dkey, dvalue});
  rotate(dquery, dkey, stride, -1);
  rms_norm_again(kept.input.data(), p.attention_norm.value, kept.attention_inverse.data(),
                 tokens, width, normed_.data());
  apply_backward(p.query, normed_.data(), dquery, stride, normed_gradient_.data(), false);
  apply_backward(p.key, normed_.data(), dkey, stride, normed_gradient_.data(), true);
  apply_backward(p.value, normed_.data(), dvalue, stride, normed_gradient_.data(), true);
  rms_norm_backward(kept.input.data(), p.attention_norm.value,
                    kept.attention_inverse.data(), normed_gradient_.data(), tokens, width,
                    hidden_gradient_.data(), p.attention_norm.gradient);
}

HeadInput Transformer::normalise_rows(const HeadRows& rows, const HeadParameters& head) {
  const int64_t width = config_.hidden_size;
  const auto num_rows = static_cast<int64_t>(rows.targets.size());
  ENSURE(rows.hidden_indices.size() == rows.targets.size(),
         "as many hidden states as targets");
  reserve(rows_, num_rows * width);
  reserve(row_inverse_, num_rows);
  reserve(normed_, num_rows * width);
  for (int64_t row = 0; row < num_rows; ++row) {
    const int64_t index = rows.hidden_indices[static_cast<size_t>(row)];
    ENSURE(index >= 0 && index < forest_.num_tokens(), "hidden state " << index);
    std::copy_n(hidden_.data() + index * width, width, rows_.data() + row * width);
  }
  rms_norm(rows_.data(), head.norm.value, static_cast<float>(config_.rms_norm_eps),
           num_rows, width, normed_.data(), row_inverse_.data());
  return {normed_.data(),     head.weight.value, rows.targets,   width,
          config_.vocab_size, head.temperature,  head.chunk_rows};
}

std::vector<float> Transformer::score(const HeadRows& rows, const HeadParameters& head) {
  return token_logprobs_.forward(normalise_rows(rows, head));
}

std::vector<float> Transformer::backward_head(const HeadRows& rows,
                                              const HeadParameters& head,
                                              const LogprobGradient& loss) {
  const HeadInput input = normalise_rows(rows, head);
  const int64_t width = config_.hidden_size;
  const int64_t num_rows = input.num_rows();
  reserve(normed_gradient_, num_rows * width);
  auto logprobs = token_logprobs_.forward_backward(
      input, loss, {normed_gradient_.data(), head.weight.gradient});
  std::fill_n(hidden_gradient_.begin(), forest_.num_tokens() * width, 0.0F);
  // Row by row: several rows may come from one hidden state.
  for (int64_t row = 0; row < num_rows; ++row) {
    const int64_t index = rows.hidden_indices[static_cast<size_t>(row)];
    rms_norm_backward(rows_.data() + row * width, head.norm.value,
                      row_inverse_.data() + row, normed_gradient_.data() + row * width, 1,
                      width, hidden_gradient_.data() + index * width, head.norm.gradient);
  }
  return logprobs;
}

void Transformer::backward_embedding(float* embedding_gradient) const {
  const int64_t width = config_.hidden_size;
  for (int64_t t = 0; t < forest_.num_tokens(); ++t) {
    add_to(embedding_gradient + forest_.tokens[static_cast<size_t>(t)] * width,
           hidden_gradient_.data() + t * width, width);
  }
}

std::span<const float> Transformer::hidden() const {
  return {hidden_.data(),
          static_cast<size_t>(forest_.num_tokens() * config_.hidden_size)};
}

int64_t Transformer::held_bytes() const {
  size_t floats = 0;
  const auto count = [&floats](const Activations& kept) {
    for (const auto* buffer :
         {&kept.input, &kept.attention_inverse, &kept.projections, &kept.attention,
          &kept.log_sum_exp, &kept.middle, &kept.mlp_inverse, &kept.gate, &kept.up}) {
      floats += buffer->capacity();
    }
  };
  for (const Activations& kept : kept_) count(kept);
  count(recomputed_);
  for (const auto* buffer :
       {&hidden_, &hidden_gradient_, &normed_, &normed_gradient_, &wide_, &wide_gradient_,
        &projection_gradient_, &rows_, &row_inverse_, &low_rank_, &low_rank_gradient_}) {
    floats += buffer->capacity();
  }
  return static_cast<int64_t>(floats * sizeof(float)) + tree_attention_.held_bytes() +
         token_logprobs_.held_bytes();
}

}  // namespace srpo::model
