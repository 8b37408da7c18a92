#include "model/transformer.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "model/hf_folder.h"
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
  if (has_bias(config, name))
    linear.bias = bind_parameter(path + ".bias", weights, gradients);
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
  const LayerNorms norms = layer_norms(config, layer);
  const auto linear = [&](const std::string& name) {
    return bind_linear(config, layer, name, weights, gradients, lora);
  };
  LayerParameters parameters;
  parameters.attention_norm = bind_parameter(norms.attention, weights, gradients);
  parameters.mlp_norm = bind_parameter(norms.mlp, weights, gradients);
  if (config.query_key_norm != QueryKeyNorm::kNone) {
    parameters.query_norm = bind_parameter(norms.query, weights, gradients);
    parameters.key_norm = bind_parameter(norms.key, weights, gradients);
  }
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
      rotary_(config),
      kept_(static_cast<size_t>(config.num_layers)) {}

AttentionLayout Transformer::attention_layout(int64_t layer) const {
  return {config_.num_heads, config_.num_kv_heads,
          config_.head_dim,  query_width() + 2 * key_width(),
          query_width(),     config_.window_of(layer)};
}

void Transformer::rotate(int64_t layer, float* query, float* key, int64_t stride,
                         int direction) const {
  const RotaryTable& table = rotary_.of(layer);
  const auto* cosines = table.cos.const_data_ptr<float>();
  const auto* sines = table.sin.const_data_ptr<float>();
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
    rotary_.reach(1 +
                  *std::max_element(forest.positions.begin(), forest.positions.end()));
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
  for (int64_t t = 0; linear.bias.value != nullptr && t < tokens; ++t)
    add_to(y + t * y_stride, linear.bias.value, linear.out);
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
  for (int64_t t = 0; linear.bias.gradient != nullptr && t < tokens; ++t)
    add_to(linear.bias.gradient, dy + t * dy_stride, linear.out);
  if (linear.rank == 0) return;
  reserve(low_rank_, tokens * linear.rank);
  reserve(low_rank_gradient_, tokens * linear.rank);
  multiply(tokens, linear.rank, linear.out, linear.scale, {dy, dy_stride},
           {linear.b.value, linear.rank}, 0, low_rank_gradient_.data(), linear.rank);
  multiply(tokens, linear.in, linear.rank, 1, {low_rank_gradient_.data(), linear.rank},
           {linear.a.value, linear.in}, 1, dx, linear.in);
  if (linear.a.gradient != nullptr) {
    multiply(linear.rank, linear.in, tokens, 1,
             {low_rank_gradient_.data(), linear.rank, true}, {x, linear.in}, 1,
             linear.a.gradient, linear.in);
  }
  if (linear.b.gradient == nullptr) return;
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
    run_layer(layer, parameters, kept, hidden_.data());
    return;
  }
  recomputed_.input.swap(kept.input);
  run_layer(layer, parameters, recomputed_, hidden_.data());
  recomputed_.input.swap(kept.input);
}

void Transformer::reserve_activations(Activations& kept) {
  const int64_t tokens = forest_.num_tokens();
  const int64_t width = config_.hidden_size;
  const int64_t ff = config_.intermediate_size;
  for (auto* buffer : {&normed_, &kept.middle}) reserve(*buffer, tokens * width);
  for (auto* buffer : {&wide_, &kept.gate, &kept.up}) reserve(*buffer, tokens * ff);
  for (auto* buffer : {&kept.attention_inverse, &kept.mlp_inverse})
    reserve(*buffer, tokens);
  reserve(kept.projections, tokens * (query_width() + 2 * key_width()));
  reserve(kept.attention, tokens * query_width());
  reserve(kept.log_sum_exp, tokens * config_.num_heads);
  if (!norms_before()) {
    for (auto* buffer : {&kept.attention_branch, &kept.mlp_branch})
      reserve(*buffer, tokens * width);
  }
  if (norms_queries()) {
    reserve(kept.unnormed, tokens * (query_width() + key_width()));
    for (auto* buffer : {&kept.query_inverse, &kept.key_inverse})
      reserve(*buffer, tokens * config_.num_heads);
  }
}

void Transformer::run_layer(int64_t layer, const LayerParameters& p, Activations& kept,
                            float* output) {
  reserve_activations(kept);
  run_attention(layer, p, kept);
  run_mlp(p, kept, output);
}

void Transformer::run_attention(int64_t layer, const LayerParameters& p,
                                Activations& kept) {
  const int64_t tokens = forest_.num_tokens();
  const int64_t width = config_.hidden_size;
  const int64_t stride = query_width() + 2 * key_width();
  const float* x = kept.input.data();
  if (norms_before()) {
    rms_norm(x, p.attention_norm.value, static_cast<float>(config_.rms_norm_eps), tokens,
             width, normed_.data(), kept.attention_inverse.data());
    x = normed_.data();
  }
  project(p, x, kept);
  float* query = kept.projections.data();
  float* key = query + query_width();
  rotate(layer, query, key, stride, 1);
  tree_attention_.forward(forest_.segments, attention_layout(layer),
                          {query, key, key + key_width()}, kept.attention.data(),
                          kept.log_sum_exp.data());
  add_branch(p.output, p.attention_norm, kept.input.data(), kept.attention.data(),
             kept.attention_branch, kept.attention_inverse, kept.middle.data());
}

void Transformer::project(const LayerParameters& p, const float* x, Activations& kept) {
  const int64_t tokens = forest_.num_tokens();
  const int64_t stride = query_width() + 2 * key_width();
  float* query = kept.projections.data();
  float* key = query + query_width();
  apply(p.value, x, key + key_width(), stride, false);
  if (!norms_queries()) {
    apply(p.query, x, query, stride, false);
    apply(p.key, x, key, stride, false);
    return;
  }
  const int64_t raw_stride = query_width() + key_width();
  float* raw = kept.unnormed.data();
  apply(p.query, x, raw, raw_stride, false);
  apply(p.key, x, raw + query_width(), raw_stride, false);
  const bool of_head = config_.query_key_norm == QueryKeyNorm::kHead;
  const int64_t queries = of_head ? config_.num_heads : 1;
  const int64_t keys = of_head ? config_.num_kv_heads : 1;
  const auto epsilon = static_cast<float>(config_.rms_norm_eps);
  for (int64_t t = 0; t < tokens; ++t) {
    rms_norm(raw + t * raw_stride, p.query_norm.value, epsilon, queries,
             query_width() / queries, query + t * stride,
             kept.query_inverse.data() + t * queries);
    rms_norm(raw + t * raw_stride + query_width(), p.key_norm.value, epsilon, keys,
             key_width() / keys, key + t * stride, kept.key_inverse.data() + t * keys);
  }
}

void Transformer::run_mlp(const LayerParameters& p, Activations& kept, float* output) {
  const int64_t tokens = forest_.num_tokens();
  const int64_t ff = config_.intermediate_size;
  const float* x = kept.middle.data();
  if (norms_before()) {
    rms_norm(x, p.mlp_norm.value, static_cast<float>(config_.rms_norm_eps), tokens,
             config_.hidden_size, normed_.data(), kept.mlp_inverse.data());
    x = normed_.data();
  }
  apply(p.gate, x, kept.gate.data(), ff, false);
  apply(p.up, x, kept.up.data(), ff, false);
  swiglu(kept.gate.data(), kept.up.data(), tokens * ff, wide_.data());
  add_branch(p.down, p.mlp_norm, kept.middle.data(), wide_.data(), kept.mlp_branch,
             kept.mlp_inverse, output);
}

void Transformer::add_branch(const Linear& linear, const Parameter& norm, const float* x,
                             const float* y, std::vector<float>& branch,
                             std::vector<float>& inverse, float* sum) {
  const int64_t tokens = forest_.num_tokens();
  const int64_t width = config_.hidden_size;
  std::copy_n(x, tokens * width, sum);
  if (norms_before()) {
    apply(linear, y, sum, width, true);
    return;
  }
  apply(linear, y, branch.data(), width, false);
  rms_norm(branch.data(), norm.value, static_cast<float>(config_.rms_norm_eps), tokens,
           width, normed_.data(), inverse.data());
  add_to(sum, normed_.data(), tokens * width);
}

void Transformer::backward_layer(int64_t layer, const LayerParameters& parameters) {
  Activations& kept = kept_[static_cast<size_t>(layer)];
  if (!checkpointing_) {
    backward_mlp(parameters, kept);
    backward_attention(layer, parameters, kept);
    return;
  }
  recomputed_.input.swap(kept.input);
  run_layer(layer, parameters, recomputed_, hidden_.data());
  backward_mlp(parameters, recomputed_);
  backward_attention(layer, parameters, recomputed_);
  recomputed_.input.swap(kept.input);
}

const float* Transformer::branch_gradient(const Parameter& norm,
                                          const std::vector<float>& branch,
                                          const std::vector<float>& inverse) {
  if (norms_before()) return hidden_gradient_.data();
  const int64_t tokens = forest_.num_tokens();
  const int64_t width = config_.hidden_size;
  branch_gradient_.assign(static_cast<size_t>(tokens * width), 0);
  rms_norm_backward(branch.data(), norm.value, inverse.data(), hidden_gradient_.data(),
                    tokens, width, branch_gradient_.data(), norm.gradient);
  return branch_gradient_.data();
}

void Transformer::backward_mlp(const LayerParameters& p, Activations& kept) {
  const int64_t tokens = forest_.num_tokens();
  const int64_t width = config_.hidden_size;
  const int64_t ff = config_.intermediate_size;
  reserve(wide_gradient_, tokens * ff);
  reserve(normed_gradient_, tokens * width);
  swiglu(kept.gate.data(), kept.up.data(), tokens * ff, wide_.data());
  const float* dbranch = branch_gradient(p.mlp_norm, kept.mlp_branch, kept.mlp_inverse);
  apply_backward(p.down, wide_.data(), dbranch, width, wide_gradient_.data(), false);
  swiglu_backward(kept.gate.data(), kept.up.data(), wide_gradient_.data(), tokens * ff,
                  kept.gate.data(), kept.up.data());
  if (!norms_before()) {
    const float* x = kept.middle.data();
    apply_backward(p.gate, x, kept.gate.data(), ff, hidden_gradient_.data(), true);
    apply_backward(p.up, x, kept.up.data(), ff, hidden_gradient_.data(), true);
    return;
  }
  rms_norm_again(kept.middle.data(), p.mlp_norm.value, kept.mlp_inverse.data(), tokens,
                 width, normed_.data());
  apply_backward(p.gate, normed_.data(), kept.gate.data(), ff, normed_gradient_.data(),
                 false);
  apply_backward(p.up, normed_.data(), kept.up.data(), ff, normed_gradient_.data(), true);
  rms_norm_backward(kept.middle.data(), p.mlp_norm.value, kept.mlp_inverse.data(),
                    normed_gradient_.data(), tokens, width, hidden_gradient_.data(),
                    p.mlp_norm.gradient);
}

const float* Transformer::unnormed_gradient(const LayerParameters& p,
                                            const Activations& kept) {
  const int64_t tokens = forest_.num_tokens();
  const int64_t stride = query_width() + 2 * key_width();
  const int64_t raw_stride = query_width() + key_width();
  const bool of_head = config_.query_key_norm == QueryKeyNorm::kHead;
  const int64_t queries = of_head ? config_.num_heads : 1;
  const int64_t keys = of_head ? config_.num_kv_heads : 1;
  unnormed_gradient_.assign(static_cast<size_t>(tokens * raw_stride), 0);
  for (int64_t t = 0; t < tokens; ++t) {
    const float* raw = kept.unnormed.data() + t * raw_stride;
    const float* dnormed = projection_gradient_.data() + t * stride;
    float* draw = unnormed_gradient_.data() + t * raw_stride;
    rms_norm_backward(raw, p.query_norm.value, kept.query_inverse.data() + t * queries,
                      dnormed, queries, query_width() / queries, draw,
                      p.query_norm.gradient);
    rms_norm_backward(raw + query_width(), p.key_norm.value,
                      kept.key_inverse.data() + t * keys, dnormed + query_width(), keys,
                      key_width() / keys, draw + query_width(), p.key_norm.gradient);
  }
  return unnormed_gradient_.data();
}

void Transformer::backward_attention(int64_t layer, const LayerParameters& p,
                                     Activations& kept) {
  const int64_t tokens = forest_.num_tokens();
  const int64_t width = config_.hidden_size;
  const int64_t stride = query_width() + 2 * key_width();
  reserve(wide_gradient_, tokens * query_width());
  reserve(projection_gradient_, tokens * stride);
  const float* dbranch =
      branch_gradient(p.attention_norm, kept.attention_branch, kept.attention_inverse);
  apply_backward(p.output, kept.attention.data(), dbranch, width, wide_gradient_.data(),
                 false);
  const float* query = kept.projections.data();
  float* gradients = projection_gradient_.data();
  const int64_t values = query_width() + key_width();
  tree_attention_.backward(forest_.segments, attention_layout(layer),
                           {query, query + query_width(), query + values},
                           kept.attention.data(), kept.log_sum_exp.data(),
                           wide_gradient_.data(),
                           {gradients, gradients + query_width(), gradients + values});
  rotate(layer, gradients, gradients + query_width(), stride, -1);
  const float* dquery = norms_queries() ? unnormed_gradient(p, kept) : gradients;
  const int64_t query_stride = norms_queries() ? values : stride;
  const float* x = kept.input.data();
  float* dx = hidden_gradient_.data();
  if (norms_before()) {
    rms_norm_again(x, p.attention_norm.value, kept.attention_inverse.data(), tokens,
                   width, normed_.data());
    x = normed_.data();
    dx = normed_gradient_.data();
  }
  apply_backward(p.query, x, dquery, query_stride, dx, !norms_before());
  apply_backward(p.key, x, dquery + query_width(), query_stride, dx, true);
  apply_backward(p.value, x, gradients + values, stride, dx, true);
  if (!norms_before()) return;
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
