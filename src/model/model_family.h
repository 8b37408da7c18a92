// What tells one model family from another: one row a family.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace srpo::model {

/// Where a branch (attention, MLP) is normalised: its input, or its output before it is
/// added to the residual stream.
enum class NormPlace : uint8_t { kBefore, kAfter };

/// What queries and keys are normalised over before they are rotated.
enum class QueryKeyNorm : uint8_t { kNone, kHead, kProjection };

/// How config.json says which layers look through a sliding window.
enum class WindowRule : uint8_t {
  kNone,        ///< none do; a window in the file is refused
  kFlag,        ///< `use_sliding_window`, then `layer_types` or `max_window_layers`
  kThreeOfFour  ///< `layer_types`, or else all but every fourth
};

/// A row of the table of families. All of them are decoders with RMSNorm, rotary
/// positions (half-split), grouped-query attention and SwiGLU; the row says in what they
/// differ.
struct ModelFamily {
  const char* type;          ///< `model_type` of config.json
  const char* architecture;  ///< `architectures` of config.json
  NormPlace norm_place;
  QueryKeyNorm query_key_norm;
  bool always_qkv_bias;  ///< queries, keys and values have biases whatever the file says
  bool attention_bias_key;  ///< `attention_bias` gives biases to all four projections
  bool mlp_bias_key;        ///< `mlp_bias` gives biases to all three projections
  WindowRule window_rule;
  bool scaling_spares_windows;  ///< scaled rotary positions on full layers only
  int64_t default_head_dim;     ///< where `head_dim` is absent; 0: hidden / heads
  double default_rms_norm_eps;
};

const std::vector<ModelFamily>& model_families();

/// Null when there is none of that `model_type`.
const ModelFamily* find_family(const std::string& type);

/// Their types, separated by commas.
std::string family_names();

}  // namespace srpo::model
