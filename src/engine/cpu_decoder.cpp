#include "engine/cpu_decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ATen/ATen.h>

#include "core/error.h"
#include "model/hf_folder.h"
#include "model/lora.h"

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

void copy_into(std::vector<float>& target, int64_t first, const at::Tensor& source) {
  const at::Tensor floats = source.to(at::kFloat).contiguous();
  std::copy_n(floats.const_data_ptr<float>(), floats.numel(), target.begin() + first);
}

}  // namespace

CpuDecoder::CpuDecoder(const model::ModelConfig& config, const model::TensorMap& weights,
                       model::WeightType weight_type, int threads)
    : config_(config),
      kernels_(decoder_kernels()),
      pool_(threads),
      rotary_(config),
      shapes_(model::weight_shapes(config)) {
  model::check_weights(config, weights, "weights of the decoder");
  make_layers(weight_type);
  swap_weights(weights);
}

void CpuDecoder::make_layers(model::WeightType type) {
  const int64_t hidden = config_.hidden_size;
  const int64_t q = config_.query_width();
  const int64_t kv = config_.key_width();
  const int64_t ff = config_.intermediate_size;
  const auto linear = [&](int64_t out, int64_t in, bool has_bias) {
    return BiasedLinear{model::PackedLinear(out, in, type),
                        std::vector<float>(has_bias ? static_cast<size_t>(out) : 0)};
  };
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
    layer.qkv = linear(q + 2 * kv, hidden, config_.qkv_bias);
    layer.attention_out = linear(hidden, q, config_.output_bias);
    layer.gate_up = linear(2 * ff, hidden, config_.mlp_bias);
    layer.down = linear(hidden, ff, config_.mlp_bias);
    add_setters(static_cast<int64_t>(i), layer);
    add_linear_setters(static_cast<int64_t>(i), layer);
  }
}

void CpuDecoder::add_setters(int64_t index, Layer& layer) {
  const auto norm = [&](const std::string& name, std::vector<float>& target) {
    setters_[name] = [&target](const at::Tensor& w) { copy_into(target, w); };
  };
  const model::LayerNorms names = model::layer_norms(config_, index);
  norm(names.attention, layer.attention_norm);
  norm(names.mlp, layer.mlp_norm);
  if (config_.query_key_norm == model::QueryKeyNorm::kNone) return;
  norm(names.query, layer.query_norm);
  norm(names.key, layer.key_norm);
}

void CpuDecoder::add_linear_setters(int64_t index, Layer& layer) {
  const auto rows = [&](const char* name, BiasedLinear& target, int64_t first) {
    const std::string path = model::linear_path(index, name);
    setters_[path + ".weight"] = [&target, first](const at::Tensor& w) {
      target.weight.set_rows(first, w);
    };
    if (target.bias.empty()) return;
    setters_[path + ".bias"] = [&target, first](const at::Tensor& b) {
      copy_into(target.bias, first, b);
    };
  };
  const int64_t q = config_.query_width();
  rows("q_proj", layer.qkv, 0);
  rows("k_proj", layer.qkv, q);
  rows("v_proj", layer.qkv, q + config_.key_width());
  rows("o_proj", layer.attention_out, 0);
  rows("gate_proj", layer.gate_up, 0);
  rows("up_proj", layer.gate_up, config_.intermediate_size);
  rows("down_proj", layer.down, 0);
}

bool CpuDecoder::ends_text(int32_t token) const {
  const auto& ids = config_.end_of_text_ids;
  return std::find(ids.begin(), ids.end(), token) != ids.end();
}

CacheShape CpuDecoder::cache_shape() const {
  return {config_.num_layers, config_.num_kv_heads, config_.head_dim};
}

void CpuDecoder::swap_weights(const model::TensorMap& changed) {
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

std::span<const float> CpuDecoder::forward(std::span<const DecoderItem> items,
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
  rotary_.reach(longest_visible_);
  load_embeddings(items);
  pending_ = nullptr;
  for (size_t i = 0; i < layers_.size(); ++i) {
    run_layer(layers_[i], static_cast<int64_t>(i), cache);
  }
  return compute_logits(items);
}

void CpuDecoder::load_embeddings(std::span<const DecoderItem> items) {
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

void CpuDecoder::normalize(const float* delta, const std::vector<float>& weight) {
  const int64_t size = config_.hidden_size;
  const auto eps = static_cast<float>(config_.rms_norm_eps);
  for (size_t r = 0; r < rows_.size(); ++r) {
    const int64_t at = static_cast<int64_t>(r) * size;
    kernels_.add_and_normalize(hidden_.data() + at,
                               delta == nullptr ? nullptr : delta + at, weight.data(),
                               eps, size, normed_.data() + at);
  }
}

void CpuDecoder::apply(const BiasedLinear& linear, const float* x, float* y) {
  const auto rows = static_cast<int64_t>(rows_.size());
  linear.weight.apply(x, rows, y, pool_);
  const size_t width = linear.bias.size();
  for (int64_t r = 0; width > 0 && r < rows; ++r, y += width) {
    for (size_t i = 0; i < width; ++i) y[i] += linear.bias[i];
  }
}

const float* CpuDecoder::branch_input(const std::vector<float>& norm) {
  if (config_.norm_place == model::NormPlace::kAfter) return hidden_.data();
  normalize(pending_, norm);
  return normed_.data();
}

void CpuDecoder::add_branch(const std::vector<float>& norm) {
  if (config_.norm_place == model::NormPlace::kBefore) {
    pending_ = delta_.data();
    return;
  }
  const int64_t size = config_.hidden_size;
  const auto eps = static_cast<float>(config_.rms_norm_eps);
  for (int64_t at = 0; at < static_cast<int64_t>(rows_.size()) * size; at += size) {
    float* delta = delta_.data() + at;
    kernels_.add_and_normalize(delta, nullptr, norm.data(), eps, size, delta);
    for (int64_t i = 0; i < size; ++i) hidden_[static_cast<size_t>(at + i)] += delta[i];
  }
}

void CpuDecoder::run_layer(const Layer& layer, int64_t index, KvCache& cache) {
  const auto rows = static_cast<int64_t>(rows_.size());
  apply(layer.qkv, branch_input(layer.attention_norm), qkv_.data());
  rotate_and_cache(index, cache);
  attend(index, cache);
  apply(layer.attention_out, mixed_.data(), delta_.data());
  add_branch(layer.attention_norm);
  apply(layer.gate_up, branch_input(layer.mlp_norm), gate_up_.data());
  const int64_t width = config_.intermediate_size;
  pool_.run(rows, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* gate = gate_up_.data() + r * 2 * width;
      kernels_.swiglu(gate, gate + width, width, activated_.data() + r * width);
    }
  });
  apply(layer.down, activated_.data(), delta_.data());
  add_branch(layer.mlp_norm);
}

void CpuDecoder::normalize_query_and_key(const Layer& layer, float* qkv) {
  if (layer.query_norm.empty()) return;
  const auto eps = static_cast<float>(config_.rms_norm_eps);
  // As many norms as the weight fits into the projection: one, or one a head.
  const auto normalize_all = [&](float* x, int64_t width,
                                 const std::vector<float>& weight) {
    const auto size = static_cast<int64_t>(weight.size());
    for (int64_t at = 0; at < width; at += size)
      kernels_.add_and_normalize(x + at, nullptr, weight.data(), eps, size, x + at);
  };
  normalize_all(qkv, config_.query_width(), layer.query_norm);
  normalize_all(qkv + config_.query_width(), config_.key_width(), layer.key_norm);
}

void CpuDecoder::rotate_and_cache(int64_t layer, KvCache& cache) {
  const int64_t dim = config_.head_dim;
  const int64_t heads = config_.num_heads;
  const int64_t kv_heads = config_.num_kv_heads;
  const int64_t value_dim = cache.value_dim();
  constexpr int64_t kTokens = KvCache::kBlockTokens;
  const model::RotaryTable& rotary = rotary_.of(layer);
  for (size_t r = 0; r < rows_.size(); ++r) {
    const int64_t position = rows_[r].position;
    float* q = qkv_.data() + static_cast<int64_t>(r) * (heads + 2 * kv_heads) * dim;
    float* k = q + heads * dim;
    const float* v = k + kv_heads * dim;
    normalize_query_and_key(layers_[static_cast<size_t>(layer)], q);
    const float* cos = rotary.cos.const_data_ptr<float>() + position * (dim / 2);
    const float* sin = rotary.sin.const_data_ptr<float>() + position * (dim / 2);
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
void CpuDecoder::add_tiles(const DecoderItem& item, int64_t first_row, int64_t layer,
                           const KvCache& cache) {
  const int64_t dim = config_.head_dim;
  const int64_t group = config_.num_heads / config_.num_kv_heads;
  const int64_t window = config_.window_of(layer);
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
        tile.hidden[i] = window == 0 ? 0 : std::max<int64_t>(0, tile.visible[i] - window);
      }
      // Blocks that no query sees are left out. The first query sees furthest back.
      const int64_t skipped = tile.hidden[0] / KvCache::kBlockTokens;
      for (int i = 0; i < tile.queries; ++i) {
        tile.visible[i] -= skipped * KvCache::kBlockTokens;
        tile.hidden[i] -= skipped * KvCache::kBlockTokens;
      }
      tile.keys = cache.keys(0, layer) + kv * dim * KvCache::kBlockTokens;
      tile.values =
          cache.values(0, layer) + kv * cache.value_dim() * KvCache::kBlockTokens;
      tile.blocks = item.blocks.data() + skipped;
      tile.block_floats = cache.block_floats();
      tile.head_dim = dim;
      tile.value_dim = cache.value_dim();
      tile.scale = 1.0F / std::sqrt(static_cast<float>(dim));
      tiles_.push_back(tile);
    }
  }
}

void CpuDecoder::attend(int64_t layer, const KvCache& cache) {
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

std::span<const float> CpuDecoder::compute_logits(std::span<const DecoderItem> items) {
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
        hidden_.data() + at, pending_ == nullptr ? nullptr : pending_ + at,
        final_norm_.data(), static_cast<float>(config_.rms_norm_eps), size,
        last_hidden_.data() + i * size);
  }
  sized(logits_, count * config_.vocab_size);
  const model::PackedLinear& head = config_.tie_embeddings ? embedding_ : head_;
  head.apply(last_hidden_.data(), count, logits_.data(), pool_);
  return {logits_.data(), static_cast<size_t>(count * config_.vocab_size)};
}

}  // namespace srpo::engine
