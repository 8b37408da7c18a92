#include "engine/llama_decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ATen/ATen.h>

#include "core/error.h"
#include "model/hf_folder.h"

namespace srpo::engine {
namespace {

/// Grows only: a buffer keeps the memory of the largest step.
float* sized(std::vector<float>& buffer, int64_t floats) {
  if (static_cast<int64_t>(buffer.size()) < floats)
    buffer.resize(static_cast<size_t>(floats));
  return buffer.data();
}

void copy_into(std::vector<float>& target, const at::Tensor& source) {
  const at::Tensor floats = source.to(at::kFloat).contiguous();
  target.assign(floats.const_data_ptr<float>(),
                floats.const_data_ptr<float>() + floats.numel());
}

}  // namespace

LlamaDecoder::LlamaDecoder(const model::ModelConfig& config,
                           const model::TensorMap& weights, model::WeightType weight_type,
                           int threads)
    : config_(config),
      kernels_(decoder_kernels()),
      pool_(threads),
      rotary_(model::rotary_table(config, config.max_positions)),
      shapes_(model::weight_shapes(config)) {
  model::check_weights(config, weights, "weights of the decoder");
  make_layers(weight_type);
  swap_weights(weights);
}

void LlamaDecoder::make_layers(model::WeightType type) {
  const int64_t hidden = config_.hidden_size;
  const int64_t q = config_.num_heads * config_.head_dim;
  const int64_t kv = config_.num_kv_heads * config_.head_dim;
  embedding_ = model::PackedLinear(config_.vocab_size, hidden, type);
  setters_["model.embed_tokens.weight"] = [this](const at::Tensor& w) {
    embedding_.set_rows(0, w);
  };
  setters_["model.norm.weight"] = [this](const at::Tensor& w) {
    copy_into(final_norm_, w);
  };
  if (!config_.tie_embeddings) {
    head_ = model::PackedLinear(config_.vocab_size, hidden, type);
    setters_["lm_head.weight"] = [this](const at::Tensor& w) { head_.set_rows(0, w); };
  }
  layers_.resize(static_cast<size_t>(config_.num_layers));
  for (size_t i = 0; i < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    layer.qkv = model::PackedLinear(q + 2 * kv, hidden, type);
    layer.attention_out = model::PackedLinear(hidden, q, type);
    layer.gate_up = model::PackedLinear(2 * config_.intermediate_size, hidden, type);
    layer.down = model::PackedLinear(hidden, config_.intermediate_size, type);
    add_setters("model.layers." + std::to_string(i) + ".", layer);
  }
}

void LlamaDecoder::add_setters(const std::string& prefix, Layer& layer) {
  const int64_t q = config_.num_heads * config_.head_dim;
  const int64_t kv = config_.num_kv_heads * config_.head_dim;
  const auto norm = [&](const char* name, std::vector<float>& target) {
    setters_[prefix + name] = [&target](const at::Tensor& w) { copy_into(target, w); };
  };
  const auto rows = [&](const char* name, model::PackedLinear& target, int64_t first) {
    setters_[prefix + name] = [&target, first](const at::Tensor& w) {
      target.set_rows(first, w);
    };
  };
  norm("input_layernorm.weight", layer.input_norm);
  norm("post_attention_layernorm.weight", layer.post_attention_norm);
  rows("self_attn.q_proj.weight", layer.qkv, 0);
  rows("self_attn.k_proj.weight", layer.qkv, q);
  rows("self_attn.v_proj.weight", layer.qkv, q + kv);
  rows("self_attn.o_proj.weight", layer.attention_out, 0);
  rows("mlp.gate_proj.weight", layer.gate_up, 0);
  rows("mlp.up_proj.weight", layer.gate_up, config_.intermediate_size);
  rows("mlp.down_proj.weight", layer.down, 0);
}

bool LlamaDecoder::ends_text(int32_t token) const {
  const auto& ids = config_.end_of_text_ids;
  return std::find(ids.begin(), ids.end(), token) != ids.end();
}

CacheShape LlamaDecoder::cache_shape() const {
  return {config_.num_layers, config_.num_kv_heads, config_.head_dim};
}

void LlamaDecoder::swap_weights(const model::TensorMap& changed) {
  for (const auto& [name, tensor] : changed) {
    const auto shape = shapes_.find(name);
    REQUIRE(shape != shapes_.end(), kBadInput,
            "new weights: " << name << " is not of this model");
    REQUIRE(tensor.sizes() == at::IntArrayRef(shape->second), kBadInput,
            "new weights: " << name << ": shape " << tensor.sizes() << " (expected "
                            << at::IntArrayRef(shape->second) << ")");
  }
  for (const auto& [name, tensor] : changed) setters_.at(name)(tensor);
}

std::span<const float> LlamaDecoder::forward(std::span<const DecoderItem> items,
                                             KvCache& cache) {
  rows_.clear();
  longest_visible_ = 0;
  for (const DecoderItem& item : items) {
    const auto count = static_cast<int64_t>(item.tokens.size());
    ENSURE(item.first + count <= config_.max_positions,
           "position " << item.first + count - 1 << " of " << config_.max_positions);
    for (int64_t i = 0; i < count; ++i) rows_.push_back({item.first + i, &item});
    longest_visible_ = std::max(longest_visible_, item.first + count);
  }
  const auto rows = static_cast<int64_t>(rows_.size());
  sized(hidden_, rows * config_.hidden_size);
  sized(normed_, rows * config_.hidden_size);
  sized(delta_, rows * config_.hidden_size);
  const int64_t heads = config_.num_heads * config_.head_dim;
  sized(qkv_, rows * (heads + 2 * config_.num_kv_heads * config_.head_dim));
  sized(mixed_, rows * heads);
  sized(gate_up_, rows * 2 * config_.intermediate_size);
  sized(activated_, rows * config_.intermediate_size);
  sized(scratch_, pool_.threads() * kTileQueries * attention_scratch(longest_visible_));
  load_embeddings(items);
  pending_ = nullptr;
  for (size_t i = 0; i < layers_.size(); ++i) {
    run_layer(layers_[i], static_cast<int64_t>(i), cache);
  }
  return compute_logits(items);
}

void LlamaDecoder::load_embeddings(std::span<const DecoderItem> items) {
  float* row = hidden_.data();
  for (const DecoderItem& item : items) {
    for (const int32_t token : item.tokens) {
      ENSURE(token >= 0 && token < config_.vocab_size,
             "token " << token << " of a vocabulary of " << config_.vocab_size);
      embedding_.copy_row(token, row);
      row += config_.hidden_size;
    }
  }
}

void LlamaDecoder::normalize(const float* delta, const std::vector<float>& weight) {
  const int64_t size = config_.hidden_size;
  const auto eps = static_cast<float>(config_.rms_norm_eps);
  for (size_t r = 0; r < rows_.size(); ++r) {
    const int64_t at = static_cast<int64_t>(r) * size;
    kernels_.add_and_normalize(hidden_.data() + at,
                               delta == nullptr ? nullptr : delta + at, weight.data(),
                               eps, size, normed_.data() + at);
  }
}

void LlamaDecoder::run_layer(const Layer& layer, int64_t index, KvCache& cache) {
  const auto rows = static_cast<int64_t>(rows_.size());
  normalize(pending_, layer.input_norm);
  layer.qkv.apply(normed_.data(), rows, qkv_.data(), pool_);
  rotate_and_cache(index, cache);
  attend(index, cache);
  layer.attention_out.apply(mixed_.data(), rows, delta_.data(), pool_);
  normalize(delta_.data(), layer.post_attention_norm);
  layer.gate_up.apply(normed_.data(), rows, gate_up_.data(), pool_);
  const int64_t width = config_.intermediate_size;
  pool_.run(rows, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* gate = gate_up_.data() + r * 2 * width;
      kernels_.swiglu(gate, gate + width, width, activated_.data() + r * width);
    }
  });
  layer.down.apply(activated_.data(), rows, delta_.data(), pool_);
  pending_ = delta_.data();
}

void LlamaDecoder::rotate_and_cache(int64_t layer, KvCache& cache) {
  const int64_t dim = config_.head_dim;
  const int64_t heads = config_.num_heads;
  const int64_t kv_heads = config_.num_kv_heads;
  const int64_t value_dim = cache.value_dim();
  constexpr int64_t kTokens = KvCache::kBlockTokens;
  for (size_t r = 0; r < rows_.size(); ++r) {
    const int64_t position = rows_[r].position;
    float* q = qkv_.data() + static_cast<int64_t>(r) * (heads + 2 * kv_heads) * dim;
    float* k = q + heads * dim;
    const float* v = k + kv_heads * dim;
    const float* cos = rotary_.cos.const_data_ptr<float>() + position * (dim / 2);
    const float* sin = rotary_.sin.const_data_ptr<float>() + position * (dim / 2);
    for (int64_t h = 0; h < heads + kv_heads; ++h)
      kernels_.rotate(q + h * dim, cos, sin, dim);
    const int32_t block = rows_[r].item->blocks[static_cast<size_t>(position / kTokens)];
    const int64_t slot = position % kTokens;
    float* keys = cache.keys(block, layer) + slot;
    float* values = cache.values(block, layer) + slot * value_dim;
    for (int64_t i = 0; i < kv_heads * dim; ++i) keys[i * kTokens] = k[i];
    for (int64_t h = 0; h < kv_heads; ++h) {
      std::memcpy(values + h * kTokens * value_dim, v + h * dim,
                  static_cast<size_t>(dim) * sizeof(float));
    }
  }
}

/// Queries of one key-value head, `kTileQueries` at a time: heads of its group, and rows
/// that follow one another.
void LlamaDecoder::add_tiles(const DecoderItem& item, int64_t first_row, int64_t layer,
                             const KvCache& cache) {
  const int64_t dim = config_.head_dim;
  const int64_t group = config_.num_heads / config_.num_kv_heads;
  const int64_t qkv_width = (config_.num_heads + 2 * config_.num_kv_heads) * dim;
  const auto rows = static_cast<int64_t>(item.tokens.size());
  for (int64_t kv = 0; kv < config_.num_kv_heads; ++kv) {
    for (int64_t first = 0; first < rows * group; first += kTileQueries) {
      AttentionTile tile;
      tile.queries =
          static_cast<int>(std::min<int64_t>(kTileQueries, rows * group - first));
      for (int i = 0; i < tile.queries; ++i) {
        const int64_t row = first_row + (first + i) / group;
        const int64_t head = kv * group + (first + i) % group;
        tile.q[i] = qkv_.data() + row * qkv_width + head * dim;
        tile.out[i] = mixed_.data() + (row * config_.num_heads + head) * dim;
        tile.visible[i] = item.first + (first + i) / group + 1;
      }
      tile.keys = cache.keys(0, layer) + kv * dim * KvCache::kBlockTokens;
      tile.values =
          cache.values(0, layer) + kv * cache.value_dim() * KvCache::kBlockTokens;
      tile.blocks = item.blocks.data();
      tile.block_floats = cache.block_floats();
      tile.head_dim = dim;
      tile.value_dim = cache.value_dim();
      tile.scale = 1.0F / std::sqrt(static_cast<float>(dim));
      tiles_.push_back(tile);
    }
  }
}

void LlamaDecoder::attend(int64_t layer, const KvCache& cache) {
  tiles_.clear();
  const DecoderItem* item = nullptr;
  for (size_t r = 0; r < rows_.size(); ++r) {
    if (rows_[r].item == item) continue;
    item = rows_[r].item;
    add_tiles(*item, static_cast<int64_t>(r), layer, cache);
  }
  const int64_t stride = attention_scratch(longest_visible_);
  const auto count = static_cast<int64_t>(tiles_.size());
  pool_.run(count, [&](int64_t begin, int64_t end) {
    // Parts are contiguous and at most one a thread: the part's number says whose scratch
    // it is.
    const int64_t part = (begin * pool_.threads() + count - 1) / count;
    float* scratch = scratch_.data() + part * kTileQueries * stride;
    for (int64_t i = begin; i < end; ++i) {
      kernels_.attend(tiles_[static_cast<size_t>(i)], scratch, stride);
    }
  });
}

std::span<const float> LlamaDecoder::compute_logits(std::span<const DecoderItem> items) {
  const int64_t size = config_.hidden_size;
  std::vector<int64_t> wanted;
  int64_t row = 0;
  for (const DecoderItem& item : items) {
    const auto count = static_cast<int64_t>(item.tokens.size());
    const int64_t skipped = item.logits == LogitRows::kAll ? 0
                            : item.logits == LogitRows::kLast
                                ? std::max<int64_t>(count - 1, 0)
                                : count;
    for (int64_t i = skipped; i < count; ++i) wanted.push_back(row + i);
    row += count;
  }
  const auto count = static_cast<int64_t>(wanted.size());
  sized(last_hidden_, count * size);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = wanted[static_cast<size_t>(i)] * size;
    kernels_.add_and_normalize(
        hidden_.data() + at, delta_.data() + at, final_norm_.data(),
        static_cast<float>(config_.rms_norm_eps), size, last_hidden_.data() + i * size);
  }
  sized(logits_, count * config_.vocab_size);
  const model::PackedLinear& head = config_.tie_embeddings ? embedding_ : head_;
  head.apply(last_hidden_.data(), count, logits_.data(), pool_);
  return {logits_.data(), static_cast<size_t>(count * config_.vocab_size)};
}

}  // namespace srpo::engine
