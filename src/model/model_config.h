// Sizes of a decoder, from config.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace srpo::model {

/// A Llama-type decoder: pre-norm RMSNorm, rotary positions (half-split), grouped-query
/// attention, SwiGLU.
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
  bool tie_embeddings = false;
  std::vector<int32_t> end_of_text_ids;  ///< any of them ends a text
  int32_t begin_of_text_id = -1;         ///< -1: none

  /// Reads DIR/config.json (both the `rope_theta` and the `rope_parameters` spelling) and
  /// end-of-text ids from DIR/generation_config.json where present. Throws kBadFile
  /// naming file, key and what was expected; refuses a model_type, activation, bias or
  /// rope scaling that is not implemented, by name.
  static ModelConfig load(const std::filesystem::path& folder);
  static ModelConfig parse(const std::string& json, const std::string& file_name);
  /// config.json as Hugging Face writes it.
  std::string to_json() const;

  int64_t num_parameters() const;
};

}  // namespace srpo::model
