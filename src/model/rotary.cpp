#include "model/rotary.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace srpo::model {
namespace {

// Bits matter: at position 40000 the last one of a frequency turns a pair by 2e-3. Python
// divides a number by a tensor by way of the reciprocal, and so does this file.

constexpr double kTurn = 2 * 3.14159265358979323846;

at::Tensor llama3_frequencies(const at::Tensor& plain, const RopeScaling& scaling) {
  const auto original = static_cast<double>(scaling.original_positions);
  const double low = scaling.low_frequency_factor;
  const double high = scaling.high_frequency_factor;
  const at::Tensor wavelengths = plain.reciprocal() * kTurn;
  const at::Tensor smooth = (wavelengths.reciprocal() * original - low) / (high - low);
  const at::Tensor between = (1 - smooth) * plain / scaling.factor + smooth * plain;
  const at::Tensor long_ones = wavelengths > original / low;
  const at::Tensor short_ones = wavelengths < original / high;
  return at::where(long_ones, plain / scaling.factor,
                   at::where(short_ones, plain, between));
}

/// Between the pairs that turn `beta_fast` times and `beta_slow` times within the
/// original length, from the plain frequency to the stretched one.
at::Tensor yarn_frequencies(const at::Tensor& powers, const ModelConfig& config) {
  const RopeScaling& scaling = config.rope_scaling;
  const auto dim = static_cast<double>(config.head_dim);
  const auto original = static_cast<double>(scaling.original_positions);
  const auto pair_that_turns = [&](double turns) {
    return dim * std::log(original / (turns * kTurn)) / (2 * std::log(config.rope_theta));
  };
  double low = pair_that_turns(scaling.beta_fast);
  double high = pair_that_turns(scaling.beta_slow);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;
  const at::Tensor steps = at::arange(config.head_dim / 2, powers.options());
  const at::Tensor kept = 1 - at::clamp((steps - low) / (high - low), 0, 1);
  return (powers * scaling.factor).reciprocal() * (1 - kept) + powers.reciprocal() * kept;
}

}  // namespace

at::Tensor rotary_frequencies(const ModelConfig& config, bool scaled) {
  const auto options = at::TensorOptions().dtype(at::kFloat);
  const at::Tensor exponents =
      at::arange(0, config.head_dim, 2, options) / config.head_dim;
  const at::Tensor powers = at::pow(config.rope_theta, exponents);
  using Kind = RopeScaling::Kind;
  switch (scaled ? config.rope_scaling.kind : Kind::kNone) {
    case Kind::kLinear:
      return powers.reciprocal() / config.rope_scaling.factor;
    case Kind::kLlama3:
      return llama3_frequencies(powers.reciprocal(), config.rope_scaling);
    case Kind::kYarn:
      return yarn_frequencies(powers, config);
    case Kind::kNone:
      break;
  }
  return powers.reciprocal();
}

RotaryTable rotary_table(const ModelConfig& config, int64_t positions, bool scaled) {
  const at::Tensor frequencies = rotary_frequencies(config, scaled);
  const at::Tensor angles =
      at::outer(at::arange(0, positions, frequencies.options()), frequencies);
  const double factor = scaled ? config.rope_scaling.attention_factor : 1;
  if (factor == 1) return {angles.cos().contiguous(), angles.sin().contiguous()};
  return {(angles.cos() * factor).contiguous(), (angles.sin() * factor).contiguous()};
}

RotaryTables::RotaryTables(const ModelConfig& config) : config_(config) { reach(1); }

void RotaryTables::reach(int64_t positions) {
  if (positions <= positions_) return;
  positions_ = std::max<int64_t>(positions + positions / 2, 256);
  bool any_plain = false;
  bool any_scaled = false;
  for (int64_t layer = 0; layer < config_.num_layers; ++layer)
    (config_.is_scaled(layer) ? any_scaled : any_plain) = true;
  if (any_plain) plain_ = rotary_table(config_, positions_, false);
  if (any_scaled) scaled_ = rotary_table(config_, positions_, true);
}

const RotaryTable& RotaryTables::of(int64_t layer) const {
  return config_.is_scaled(layer) ? scaled_ : plain_;
}

}  // namespace srpo::model
