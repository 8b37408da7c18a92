#include "model/matrix_product.h"

#include <algorithm>
#include <vector>

#include "model/instruction_set.h"
#include "model/matrix_kernel.h"

namespace srpo::model {

namespace {

// A packed panel of b (kDepth x tile_columns) stays in the first-level cache, a block of
// a (kRows x kDepth) in the second, a block of b (kDepth x kColumns) in the third. Sums
// are split at multiples of kDepth on every processor.
constexpr int64_t kDepth = 256;
constexpr int64_t kRows = 168;
constexpr int64_t kColumns = 2048;

const MatrixKernel& kernel() {
#if defined(__x86_64__)
  static const MatrixKernel& kChosen =
      instruction_set() == InstructionSet::kAvx512 ? kAvx512MatrixKernel
      : instruction_set() == InstructionSet::kAvx2 ? kAvx2MatrixKernel
                                                   : kPortableMatrixKernel;
  return kChosen;
#else
  return kPortableMatrixKernel;
#endif
}

/// Cuts `count` lines of a block of `depth` into panels of `width`. Lines lie along the
/// rows of the memory
/// (`along_rows`) or along its columns.
void pack_block(const float* source, int64_t stride, bool along_rows, int64_t count,
                int64_t depth, int64_t width, std::vector<float>& packed) {
  const int64_t panels = (count + width - 1) / width;
  const auto needed = static_cast<size_t>(panels * width * depth + kPackingSlack);
  if (packed.size() < needed) packed.resize(needed);
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t first = panel * width;
    const int64_t some = std::min(width, count - first);
    float* target = packed.data() + first * depth;
    if (along_rows) {
      kernel().pack_transposed(source + first * stride, stride, some, depth, width,
                               target);
    } else {
      kernel().pack_straight(source + first, stride, some, depth, width, target);
    }
  }
}

struct Scratch {
  std::vector<float> a;
  std::vector<float> b;
};

Scratch& scratch() {
  thread_local Scratch own;
  return own;
}

const float* at(const MatrixView& matrix, int64_t row, int64_t column) {
  return matrix.transposed ? matrix.data + column * matrix.stride + row
                           : matrix.data + row * matrix.stride + column;
}

void multiply_block(const MatrixKernel& kernel, int64_t rows, int64_t columns,
                    int64_t depth, float alpha, float beta, const Scratch& packed,
                    float* c, int64_t c_stride) {
  for (int64_t column = 0; column < columns; column += kernel.tile_columns) {
    for (int64_t row = 0; row < rows; row += kernel.tile_rows) {
      kernel.multiply_tile(depth, packed.a.data() + row * depth,
                           packed.b.data() + column * depth, alpha, beta,
                           c + row * c_stride + column, c_stride,
                           std::min(kernel.tile_rows, rows - row),
                           std::min(kernel.tile_columns, columns - column));
    }
  }
}

}  // namespace

void multiply(int64_t rows, int64_t columns, int64_t inner, float alpha, MatrixView a,
              MatrixView b, float beta, float* c, int64_t c_stride) {
  const MatrixKernel& tiles = kernel();
  Scratch& packed = scratch();
  for (int64_t column = 0; column < columns; column += kColumns) {
    const int64_t some_columns = std::min(kColumns, columns - column);
    int64_t k = 0;
    do {  // once even where there is nothing to sum: c is scaled
      const int64_t depth = std::min(kDepth, inner - k);
      pack_block(at(b, k, column), b.stride, b.transposed, some_columns, depth,
                 tiles.tile_columns, packed.b);
      for (int64_t row = 0; row < rows; row += kRows) {
        const int64_t some_rows = std::min(kRows, rows - row);
        pack_block(at(a, row, k), a.stride, !a.transposed, some_rows, depth,
                   tiles.tile_rows, packed.a);
        multiply_block(tiles, some_rows, some_columns, depth, alpha, k == 0 ? beta : 1.0F,
                       packed, c + row * c_stride + column, c_stride);
      }
      k += kDepth;
    } while (k < inner);
  }
}

}  // namespace srpo::model
