// Single-precision matrix products on one thread, over row-major memory.
#pragma once

#include <cstdint>

namespace srpo::model {

/// A row-major matrix in memory; row i begins at data + i * stride.
struct MatrixView {
  const float* data = nullptr;
  int64_t stride = 0;
  bool transposed = false;  ///< the product uses the transpose of what lies in memory
};

/// c[rows, columns] = alpha * a[rows, inner] * b[inner, columns] + beta * c, where a and
/// b are read transposed when they say so. With beta = 0, c need not be initialised. Runs
/// on the calling thread; the result depends only on the arguments and the kind of
/// processor. Thread-safe.
void multiply(int64_t rows, int64_t columns, int64_t inner, float alpha, MatrixView a,
              MatrixView b, float beta, float* c, int64_t c_stride);

}  // namespace srpo::model
