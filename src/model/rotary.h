// Rotary positions: the angles' cosines and sines.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "model/model_config.h"

namespace srpo::model {

/// float32 [positions, head_dim / 2] each. Rotation on halves: [a, b] -> [a cos - b sin,
/// b cos + a sin].
struct RotaryTable {
  at::Tensor cos;
  at::Tensor sin;
};

/// Angle per position of each pair of a head, float32 [head_dim / 2], as transformers
/// 4.57 computes it: theta^(-2i / head_dim), and stretched by `rope_scaling` if `scaled`.
at::Tensor rotary_frequencies(const ModelConfig& config, bool scaled);

/// For positions 0 .. positions-1: angles in fp32 as Hugging Face computes them; cosines
/// and sines times yarn's attention factor if `scaled`.
RotaryTable rotary_table(const ModelConfig& config, int64_t positions, bool scaled);

/// The tables that a model's layers use, as long as was needed so far.
class RotaryTables {
 public:
  explicit RotaryTables(const ModelConfig& config);

  /// Makes positions 0 .. positions-1 available; what `of` returned before is invalid.
  void reach(int64_t positions);
  const RotaryTable& of(int64_t layer) const;

 private:
  ModelConfig config_;
  int64_t positions_ = 0;
  RotaryTable plain_;   // empty where every layer is scaled
  RotaryTable scaled_;  // empty where no layer is
};

}  // namespace srpo::model
