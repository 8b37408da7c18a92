#include "learner/adamw.h"

#include <cmath>

namespace srpo::learner {

void apply_adamw(const AdamW& optimizer, double learning_rate, uint32_t update,
                 float gradient_scale, const AdamSlice& slice) {
  const auto beta1 = static_cast<float>(optimizer.beta1);
  const auto beta2 = static_cast<float>(optimizer.beta2);
  const auto rest1 = static_cast<float>(1 - optimizer.beta1);
  const auto rest2 = static_cast<float>(1 - optimizer.beta2);
  const double correction1 = 1 - std::pow(optimizer.beta1, update);
  const double correction2 = 1 - std::pow(optimizer.beta2, update);
  const auto keep =
      static_cast<float>(slice.decays ? 1 - learning_rate * optimizer.weight_decay : 1);
  const auto step = static_cast<float>(learning_rate / correction1);
  const auto shrink = static_cast<float>(1 / std::sqrt(correction2));
  const auto eps = static_cast<float>(optimizer.eps);
  float* __restrict value = slice.value;
  float* __restrict mean = slice.mean;
  float* __restrict square = slice.square;
  const float* __restrict gradient = slice.gradient;
  for (int64_t i = 0; i < slice.count; ++i) {
    const float g = gradient[i] * gradient_scale;
    mean[i] = beta1 * mean[i] + rest1 * g;
    square[i] = beta2 * square[i] + rest2 * g * g;
    value[i] = value[i] * keep - step * mean[i] / (std::sqrt(square[i]) * shrink + eps);
  }
}

double sum_of_squares(const float* values, int64_t count) {
  // Eight running sums, so that the processor need not wait for each addition.
  double sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int64_t lane = 0; lane < 8; ++lane) {
      sums[lane] += double{values[i + lane]} * double{values[i + lane]};
    }
  }
  for (; i < count; ++i) sums[0] += double{values[i]} * double{values[i]};
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
         ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

bool all_finite(const float* values, int64_t count) {
  // 0 * x is NaN for exactly the values that are not finite.
  float sums[16] = {};
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int64_t lane = 0; lane < 16; ++lane) sums[lane] += 0.0F * values[i + lane];
  }
  for (; i < count; ++i) sums[0] += 0.0F * values[i];
  for (const float sum : sums) {
    if (std::isnan(sum)) return false;
  }
  return true;
}

}  // namespace srpo::learner
