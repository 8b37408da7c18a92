// The inner loops of a matrix product, one set for each kind of processor.
#pragma once

#include <cstdint>

namespace srpo::model {

/// One tile of the product and how its operands are packed. Sums run over k in order, one
/// fused or plain multiply-add a step, so a result does not depend on where tiles begin.
struct MatrixKernel {
  int64_t tile_rows = 0;
  int64_t tile_columns = 0;

  /// c[rows, columns] = alpha * sum over k of a[k, :rows] b[k, :columns] + beta * c; a is
  /// packed [depth, tile_rows], b [depth, tile_columns]. rows <= tile_rows, columns <=
  /// tile_columns.
  void (*multiply_tile)(int64_t depth, const float* a, const float* b, float alpha,
                        float beta, float* c, int64_t c_stride, int64_t rows,
                        int64_t columns) = nullptr;

  /// packed[k * width + i] = source[i * stride + k], for i < count <= width; zero for the
  /// others. `width` is tile_rows or tile_columns. May write kPackingSlack floats behind
  /// the end.
  void (*pack_transposed)(const float* source, int64_t stride, int64_t count,
                          int64_t depth, int64_t width, float* packed) = nullptr;

  /// packed[k * width + i] = source[k * stride + i], otherwise as above.
  void (*pack_straight)(const float* source, int64_t stride, int64_t count, int64_t depth,
                        int64_t width, float* packed) = nullptr;
};

inline constexpr int64_t kPackingSlack = 64;

extern const MatrixKernel kPortableMatrixKernel;
extern const MatrixKernel kAvx2MatrixKernel;
extern const MatrixKernel kAvx512MatrixKernel;

}  // namespace srpo::model
