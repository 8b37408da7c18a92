// What a decoder is made of and how large, from config.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "model/model_family.h"
#include "model/rope_scaling.h"

namespace srpo::model {

/// A decoder of any known family: RMSNorm before or after the branches, rotary positions
/// (half-split), grouped-query attention, SwiGLU, and the options below.
struct ModelConfig {
  std::string model_type = "llama";
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t max_positions = 0;
  double rms_norm_eps = 1e-5;
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  bool scaling_spares_windows = false;  ///< `rope_scaling` holds on full layers only
  bool tie_embeddings = false;
  NormPlace norm_place = NormPlace::kBefore;
  QueryKeyNorm query_key_norm = QueryKeyNorm::kNone;
  bool qkv_bias = false;
  bool output_bias = false;  ///< of attention's output projection
  bool mlp_bias = false;
  int64_t sliding_window = 0;         ///< tokens a windowed layer sees, itself included
  std::vector<bool> windowed_layers;  ///< one a layer; empty: all layers see everything
  std::vector<int32_t> end_of_text_ids;  ///< any of them ends a text
  int32_t begin_of_text_id = -1;         ///< -1: none

  /// Reads DIR/config.json (both the `rope_theta` and the `rope_parameters` spelling) and
  /// end-of-text ids from DIR/generation_config.json where present. Throws kBadFile
  /// naming file, key and what was expected; refuses by name a model_type, activation,
  /// rope scaling, soft cap or other option that is not implemented.
  static ModelConfig load(const std::filesystem::path& folder);
  static ModelConfig parse(const std::string& json, const std::string& file_name);
  /// config.json as Hugging Face writes it.
  std::string to_json() const;

  int64_t num_parameters() const;
  int64_t query_width() const { return num_heads * head_dim; }
  int64_t key_width() const { return num_kv_heads * head_dim; }
  /// Tokens that the layer's attention sees, itself included; 0: all before it.
  int64_t window_of(int64_t layer) const;
  /// Whether the layer's rotary positions follow `rope_scaling`.
  bool is_scaled(int64_t layer) const;
};

}  // namespace srpo::model
