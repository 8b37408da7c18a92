// The optimizer: Adam with decoupled weight decay, over slices of flat memory.
#pragma once

#include <cstdint>

namespace srpo::learner {

struct AdamW {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
  double lora_b_rate = 1;  ///< times the learning rate for an adapter's B (LoRA+)
};

/// A range of parameters and what belongs to it; borrowed.
struct AdamSlice {
  float* value = nullptr;
  const float* gradient = nullptr;
  float* mean = nullptr;
  float* square = nullptr;
  int64_t count = 0;
  bool decays = true;
};

/// One update, as torch.optim.AdamW makes it: `update` counts from 1, the gradient is
/// first multiplied by `gradient_scale`. Fp32 arithmetic in one order on every processor.
void apply_adamw(const AdamW& optimizer, double learning_rate, uint32_t update,
                 float gradient_scale, const AdamSlice& slice);

/// Sum of squares in double precision, in order.
double sum_of_squares(const float* values, int64_t count);

/// True when no value is infinite or NaN.
bool all_finite(const float* values, int64_t count);

}  // namespace srpo::learner
