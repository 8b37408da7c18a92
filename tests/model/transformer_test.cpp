#include "model/transformer.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/error.h"
#include "model/rotary.h"
#include "support/golden_families.h"
#include "training_checks.h"

namespace srpo::model {
namespace {

/// The slow twin: one dense attention mask, double precision, torch's own gradients.
class NaiveDecoder {
 public:
  NaiveDecoder(const ModelConfig& config, const TensorMap& weights,
               const LoraConfig* lora)
      : config_(config), lora_(lora) {
    for (const auto& [name, tensor] : weights) {
      weights_[name] = tensor.to(at::kDouble).detach().requires_grad_();
    }
  }

  PassResult run(const TokenForest& forest, const TinyRows& rows, double temperature) {
    at::Tensor h = weight("model.embed_tokens.weight").index({at::tensor(forest.tokens)});
    for (int64_t layer = 0; layer < config_.num_layers; ++layer) {
      h = run_layer(layer, h, forest, mask_of(forest, config_.window_of(layer)));
    }
    h = norm(h.index({at::tensor(rows.hidden_indices)}), "model.norm.weight");
    const std::string head =
        config_.tie_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
    const at::Tensor logprobs =
        at::log_softmax(at::matmul(h, weight(head).t()) / temperature, 1);
    const at::Tensor chosen =
        logprobs.gather(1, at::tensor(rows.targets).unsqueeze(1)).squeeze(1);
    const at::Tensor loss =
        -(chosen * at::tensor(rows.coefficients).to(at::kDouble)).sum();
    torch::autograd::backward({loss}, {});
    PassResult result;
    const at::Tensor single = chosen.detach().to(at::kFloat).contiguous();
    result.logprobs.assign(single.const_data_ptr<float>(),
                           single.const_data_ptr<float>() + single.numel());
    for (const auto& [name, tensor] : weights_) result.gradients[name] = tensor.grad();
    return result;
  }

 private:
  const at::Tensor& weight(const std::string& name) const { return weights_.at(name); }

  at::Tensor norm(const at::Tensor& x, const std::string& name) const {
    return x * at::rsqrt(x.pow(2).mean(-1, true) + config_.rms_norm_eps) * weight(name);
  }

  at::Tensor linear(const at::Tensor& x, int64_t layer, const std::string& name) const {
    const std::string path = linear_path(layer, name);
    at::Tensor y = at::matmul(x, weight(path + ".weight").t());
    if (weights_.contains(path + ".bias")) y = y + weight(path + ".bias");
    if (lora_ != nullptr) {
      const at::Tensor low = at::matmul(x, weight(adapter_name(path, "lora_A")).t());
      y = y + at::matmul(low, weight(adapter_name(path, "lora_B")).t()) *
                  (lora_->alpha / static_cast<double>(lora_->rank));
    }
    return y;
  }

  at::Tensor rotate(const at::Tensor& x, const TokenForest& forest, int64_t layer) const {
    const int64_t half = config_.head_dim / 2;
    const bool scaled = config_.is_scaled(layer);
    const at::Tensor frequencies = rotary_frequencies(config_, scaled).to(at::kDouble);
    const double factor = scaled ? config_.rope_scaling.attention_factor : 1;
    const at::Tensor angles =
        at::outer(at::tensor(forest.positions).to(at::kDouble), frequencies).unsqueeze(1);
    const at::Tensor low = x.slice(2, 0, half) * factor;
    const at::Tensor high = x.slice(2, half) * factor;
    return at::cat({low * angles.cos() - high * angles.sin(),
                    high * angles.cos() + low * angles.sin()},
                   2);
  }

  static at::Tensor mask_of(const TokenForest& forest, int64_t window) {
    const int64_t tokens = forest.num_tokens();
    at::Tensor mask = at::full({tokens, tokens}, -1e30, at::kDouble);
    for (const Segment& segment : forest.segments) {
      for (int64_t t = segment.begin; t < segment.end; ++t) {
        mask[t].slice(0, segment.begin, t + 1).zero_();
        for (int64_t s = segment.parent; s >= 0;
             s = forest.segments[static_cast<size_t>(s)].parent) {
          const Segment& ancestor = forest.segments[static_cast<size_t>(s)];
          mask[t].slice(0, ancestor.begin, ancestor.end).zero_();
        }
      }
    }
    if (window == 0) return mask;
    const at::Tensor positions = at::tensor(forest.positions);
    const at::Tensor distance = positions.unsqueeze(1) - positions.unsqueeze(0);
    return mask.masked_fill(distance >= window, -1e30);
  }

  /// Queries or keys, [tokens, heads, dim]: projected, normalised and rotated.
  at::Tensor project(int64_t layer, const at::Tensor& x, const TokenForest& forest,
                     const std::string& linear_name, const std::string& norm_name) const {
    const int64_t tokens = x.size(0);
    const int64_t dim = config_.head_dim;
    at::Tensor y = linear(x, layer, linear_name);
    if (config_.query_key_norm == QueryKeyNorm::kProjection) y = norm(y, norm_name);
    y = y.view({tokens, -1, dim});
    if (config_.query_key_norm == QueryKeyNorm::kHead) y = norm(y, norm_name);
    return rotate(y, forest, layer);
  }

  at::Tensor run_layer(int64_t layer, const at::Tensor& h, const TokenForest& forest,
                       const at::Tensor& mask) const {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    const bool before = config_.norm_place == NormPlace::kBefore;
    const int64_t tokens = h.size(0);
    const int64_t dim = config_.head_dim;
    const int64_t group = config_.num_heads / config_.num_kv_heads;
    const at::Tensor a = before ? norm(h, prefix + "input_layernorm.weight") : h;
    const std::string attention = prefix + "self_attn.";
    const at::Tensor q = project(layer, a, forest, "q_proj", attention + "q_norm.weight");
    const at::Tensor k = project(layer, a, forest, "k_proj", attention + "k_norm.weight")
                             .repeat_interleave(group, 1);
    const at::Tensor v =
        linear(a, layer, "v_proj").view({tokens, -1, dim}).repeat_interleave(group, 1);
    const at::Tensor scores = at::matmul(q.transpose(0, 1), k.permute({1, 2, 0})) /
                              std::sqrt(static_cast<double>(dim));
    const at::Tensor mixed =
        at::matmul(at::softmax(scores + mask, -1), v.transpose(0, 1));
    const at::Tensor out =
        linear(mixed.transpose(0, 1).reshape({tokens, -1}), layer, "o_proj");
    const std::string second = prefix + "post_attention_layernorm.weight";
    const at::Tensor middle = h + (before ? out : norm(out, second));
    const at::Tensor b = before ? norm(middle, second) : middle;
    const at::Tensor mlp =
        linear(at::silu(linear(b, layer, "gate_proj")) * linear(b, layer, "up_proj"),
               layer, "down_proj");
    return middle +
           (before ? mlp : norm(mlp, prefix + "post_feedforward_layernorm.weight"));
  }

  ModelConfig config_;
  const LoraConfig* lora_;
  TensorMap weights_;
};

void expect_close(const PassResult& ours, const PassResult& naive) {
  ASSERT_EQ(ours.logprobs.size(), naive.logprobs.size());
  for (size_t i = 0; i < ours.logprobs.size(); ++i) {
    ASSERT_NEAR(ours.logprobs[i], naive.logprobs[i], 2e-5) << "row " << i;
  }
  for (const auto& [name, gradient] : ours.gradients) {
    const at::Tensor& expected = naive.gradients.at(name);
    const double size = expected.norm().item<double>();
    EXPECT_GT(size, 0) << name;
    EXPECT_LT((gradient.to(at::kDouble) - expected).norm().item<double>() / size, 1e-5)
        << name;
  }
}

void expect_equal_bits(const PassResult& a, const PassResult& b) {
  EXPECT_EQ(a.logprobs, b.logprobs);
  for (const auto& [name, gradient] : a.gradients) {
    EXPECT_TRUE(gradient.equal(b.gradients.at(name))) << name;
  }
}

/// Every option of every family, in as few decoders as show them.
const std::map<std::string, ModelConfig>& variants() {
  static const std::map<std::string, ModelConfig> kVariants = [] {
    std::map<std::string, ModelConfig> made;
    made["untied"] = tiny_config();
    ModelConfig& tied = made["tied"] = tiny_config();
    tied.tie_embeddings = true;
    ModelConfig& biased = made["biased"] = tiny_config();
    biased.qkv_bias = biased.output_bias = biased.mlp_bias = true;
    biased.num_heads = 5;
    biased.num_kv_heads = 1;
    ModelConfig& head_norm = made["head_norm"] = tiny_config();
    head_norm.model_type = "qwen3";
    head_norm.query_key_norm = QueryKeyNorm::kHead;
    head_norm.head_dim = 10;
    ModelConfig& after = made["norms_after_and_windows"] = tiny_config();
    after.model_type = "olmo3";
    after.norm_place = NormPlace::kAfter;
    after.query_key_norm = QueryKeyNorm::kProjection;
    after.sliding_window = 19;
    after.windowed_layers = {true, false, true};
    after.scaling_spares_windows = true;
    after.rope_scaling.kind = RopeScaling::Kind::kYarn;
    after.rope_scaling.factor = 4;
    after.rope_scaling.original_positions = 32;
    after.rope_scaling.attention_factor = 1.2;
    ModelConfig& wide = made["wide_windows"] = tiny_config();
    wide.sliding_window = 100;
    wide.windowed_layers = {false, true, true};
    return made;
  }();
  return kVariants;
}

std::vector<std::string> variant_names() {
  std::vector<std::string> names;
  for (const auto& [name, config] : variants()) names.push_back(name);
  return names;
}

class TransformerOf : public testing::TestWithParam<std::string> {
 protected:
  TransformerOf() {
    weights_ = tiny_weights(config_);
    forest_ = tiny_forest(config_);
    rows_ = tiny_rows(config_, forest_);
  }

  ModelConfig config_ = variants().at(GetParam());
  TensorMap weights_;
  TokenForest forest_;
  TinyRows rows_;
};

TEST_P(TransformerOf, GradientsAgreeWithNaiveAutograd) {
  const PassResult ours = run_pass(config_, weights_, weights_, forest_, rows_, {});
  EXPECT_EQ(ours.gradients.size(), weights_.size());
  expect_close(ours, NaiveDecoder(config_, weights_, nullptr).run(forest_, rows_, 0.7));
}

TEST_P(TransformerOf, AdapterGradientsAgreeWithNaiveAutograd) {
  LoraConfig lora{3, 6};
  TensorMap adapter = make_adapter(config_, lora, 3);
  TensorMap all = weights_;
  core::Rng rng(4, core::Purpose::kTest, 3);
  for (auto& [name, tensor] : adapter) {
    auto* values = tensor.mutable_data_ptr<float>();
    for (int64_t i = 0; i < tensor.numel(); ++i)
      values[i] += static_cast<float>(0.1 * rng.normal());
    all[name] = tensor;
  }
  PassOptions options;
  options.lora = &lora;
  const PassResult ours = run_pass(config_, all, adapter, forest_, rows_, options);
  EXPECT_EQ(ours.gradients.size(), adapter.size());
  expect_close(ours, NaiveDecoder(config_, all, &lora).run(forest_, rows_, 0.7));

  // Merged weights give the log-probabilities of base and adapter.
  const TensorMap merged = merge_adapter(weights_, adapter, lora);
  const PassResult of_merged = run_pass(config_, merged, {}, forest_, rows_, {});
  for (size_t i = 0; i < ours.logprobs.size(); ++i) {
    ASSERT_NEAR(ours.logprobs[i], of_merged.logprobs[i], 2e-5);
  }
  options.checkpointing = true;
  expect_equal_bits(ours, run_pass(config_, all, adapter, forest_, rows_, options));
}

TEST_P(TransformerOf, CheckpointingGivesTheSameBits) {
  PassOptions options;
  options.checkpointing = true;
  expect_equal_bits(run_pass(config_, weights_, weights_, forest_, rows_, {}),
                    run_pass(config_, weights_, weights_, forest_, rows_, options));
}

INSTANTIATE_TEST_SUITE_P(Variant, TransformerOf, testing::ValuesIn(variant_names()),
                         [](const auto& info) { return info.param; });

/// log p of every token of the vocabulary behind each of the given tokens.
std::vector<float> all_logprobs(const golden::Family& family, const TokenForest& forest,
                                const std::vector<int64_t>& tokens) {
  TinyRows rows;
  for (const int64_t token : tokens) {
    for (int64_t v = 0; v < family.config.vocab_size; ++v) {
      rows.hidden_indices.push_back(token);
      rows.targets.push_back(v);
      rows.coefficients.push_back(0);
    }
  }
  PassOptions options;
  options.temperature = 1;
  return run_pass(family.config, family.weights, {}, forest, rows, options).logprobs;
}

void expect_logits(const golden::Family& family, const std::string& key,
                   const std::vector<float>& logprobs, size_t rows) {
  const auto vocab = static_cast<size_t>(family.config.vocab_size);
  ASSERT_EQ(logprobs.size(), rows * vocab);
  for (size_t r = 0; r < rows; ++r) {
    const std::vector<float> logits = family.logits(key, r);
    double total = 0;
    for (const float x : logits) total += std::exp(static_cast<double>(x));
    for (size_t v = 0; v < vocab; ++v) {
      ASSERT_NEAR(logprobs[r * vocab + v], logits[v] - std::log(total), 2e-5)
          << key << " " << r << ", token " << v;
    }
  }
}

class TransformerOfFamily : public testing::TestWithParam<std::string> {};

TEST_P(TransformerOfFamily, ComputesWhatTransformersComputes) {
  const golden::Family family(GetParam());
  TokenForest forest;
  for (const int32_t id : family.ids) {
    forest.positions.push_back(forest.num_tokens());
    forest.tokens.push_back(id);
  }
  forest.segments = {{0, 90, -1}, {90, 200, 0}};
  const auto rows = family.json["rows"].get<std::vector<int64_t>>();
  expect_logits(family, "logits", all_logprobs(family, forest, rows), rows.size());
}

TEST_P(TransformerOfFamily, ComputesWhatTransformersComputesFarOut) {
  const golden::Family family(GetParam());
  const auto far = family.json["far"].get<int64_t>();
  TokenForest forest;
  for (int64_t t = 0; t < 20; ++t) {
    forest.tokens.push_back(family.ids[static_cast<size_t>(t)]);
    forest.positions.push_back(t < 10 ? t : far + t - 10);
  }
  forest.segments = {{0, 20, -1}};
  expect_logits(family, "jump_logits", all_logprobs(family, forest, {9, 10, 19}), 3);
}

INSTANTIATE_TEST_SUITE_P(Family, TransformerOfFamily,
                         testing::ValuesIn(golden::families()),
                         [](const auto& info) { return info.param; });

TEST(Transformer, SharingAPrefixChangesNoLogProbability) {
  const ModelConfig config = tiny_config();
  const TensorMap weights = tiny_weights(config);
  const TokenForest forest = tiny_forest(config);
  const TinyRows rows = tiny_rows(config, forest);
  const auto shared = run_pass(config, weights, {}, forest, rows, {}).logprobs;
  // Segment 4 once more, with its prompt and prefix written out.
  TokenForest alone;
  for (const size_t s : {0, 3, 4}) {
    const Segment& segment = forest.segments[s];
    alone.tokens.insert(alone.tokens.end(), forest.tokens.begin() + segment.begin,
                        forest.tokens.begin() + segment.end);
  }
  for (int64_t t = 0; t < alone.num_tokens(); ++t) alone.positions.push_back(t);
  alone.segments.push_back({0, alone.num_tokens(), -1});
  TinyRows own;
  std::vector<float> expected;
  const int64_t offset = forest.segments[4].begin - 29;
  for (size_t i = 0; i < rows.targets.size(); ++i) {
    if (rows.hidden_indices[i] < forest.segments[4].begin) continue;
    if (rows.hidden_indices[i] >= forest.segments[4].end) continue;
    own.hidden_indices.push_back(rows.hidden_indices[i] - offset);
    own.targets.push_back(rows.targets[i]);
    own.coefficients.push_back(rows.coefficients[i]);
    expected.push_back(shared[i]);
  }
  ASSERT_GT(own.targets.size(), 50U);
  const auto separate = run_pass(config, weights, {}, alone, own, {}).logprobs;
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(separate[i], expected[i], 1e-5);
}

TEST(Transformer, RefusesForestsThatAreNone) {
  const ModelConfig config = tiny_config();
  const TensorMap weights = tiny_weights(config);
  TokenForest forest = tiny_forest(config);
  const auto refuses = [&](const TokenForest& bad) {
    EXPECT_THROW(run_pass(config, weights, {}, bad, {}, {}), core::Error);
  };
  forest.tokens[3] = config.vocab_size;
  refuses(forest);
  forest = tiny_forest(config);
  forest.segments[2].parent = 5;
  refuses(forest);
  forest.segments[2].parent = 0;
  forest.segments[1].end -= 1;
  refuses(forest);
}

TEST(Initialization, DependsOnTheSeedAlone) {
  const ModelConfig config = tiny_config();
  const TensorMap weights = make_initial_weights(config, 7);
  const TensorMap again = make_initial_weights(config, 7);
  const TensorMap other = make_initial_weights(config, 8);
  for (const auto& [name, tensor] : weights) {
    EXPECT_TRUE(tensor.equal(again.at(name))) << name;
    if (tensor.dim() == 1) continue;
    EXPECT_FALSE(tensor.equal(other.at(name))) << name;
    EXPECT_NEAR(tensor.std().item<double>(), 0.02, 0.003) << name;
    EXPECT_NEAR(tensor.mean().item<double>(), 0, 0.003) << name;
  }
}

}  // namespace
}  // namespace srpo::model
