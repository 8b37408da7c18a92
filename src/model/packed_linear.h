// A linear layer's weights, laid out once for the CPU kernels; the product is the same
// bits in any batch.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

#include "model/aligned_buffer.h"
#include "model/worker_pool.h"

namespace srpo::model {

enum class WeightType { kFloat32, kBfloat16 };

/// "float32" or "bfloat16"; throws kBadConfig otherwise.
WeightType parse_weight_type(const std::string& name);

/// y[rows, out] = x[rows, in] W[out, in]^T. Each output is a fixed order of
/// multiply-adds in fp32 over ascending `in` (that of multiply() for kFloat32): a row's
/// result depends neither on the other rows nor on the number of threads. kBfloat16:
/// weights are rounded once when they are set, `x` in each product; products are exact
/// and added in fp32. Thread-compatible.
class PackedLinear {
 public:
  PackedLinear() = default;
  PackedLinear(int64_t out, int64_t in, WeightType type);

  /// Rows first .. first+n-1 of W from a float32, bfloat16 or float16 tensor [n, in].
  void set_rows(int64_t first, const at::Tensor& weight);

  /// Row `row` of W, widened, into out[in].
  void copy_row(int64_t row, float* out) const;

  void apply(const float* x, int64_t rows, float* y, WorkerPool& pool) const;

  int64_t out() const { return out_; }
  int64_t in() const { return in_; }
  int64_t bytes() const;  ///< of the packed weights: read once in each product

 private:
  int64_t out_ = 0;
  int64_t in_ = 0;
  int64_t steps_ = 0;  ///< items along `in`
  WeightType type_ = WeightType::kFloat32;
  AlignedBuffer panels_;
};

}  // namespace srpo::model
