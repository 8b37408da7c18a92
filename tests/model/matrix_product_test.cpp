#include "model/matrix_product.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "core/random.h"
#include "model/instruction_set.h"
#include "model/matrix_kernel.h"

namespace srpo::model {
namespace {

std::vector<float> random_values(int64_t count, uint64_t stream) {
  std::vector<float> values(static_cast<size_t>(count));
  core::Rng rng(1, core::Purpose::kTest, stream);
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

struct Shape {
  int64_t rows, columns, inner;
};

class ProductOf : public testing::TestWithParam<Shape> {};

TEST_P(ProductOf, AgreesWithTheDefinition) {
  const auto [m, n, k] = GetParam();
  for (const bool a_transposed : {false, true}) {
    for (const bool b_transposed : {false, true}) {
      const int64_t a_stride = (a_transposed ? m : k) + 3;
      const int64_t b_stride = (b_transposed ? k : n) + 5;
      const auto a = random_values((a_transposed ? k : m) * a_stride + 1, 1);
      const auto b = random_values((b_transposed ? n : k) * b_stride + 1, 2);
      for (const float beta : {0.0F, 1.0F, -0.5F}) {
        const int64_t c_stride = n + 2;
        auto c = random_values(m * c_stride, 3);
        const auto before = c;
        if (beta == 0) {
          for (int64_t i = 0; i < m; ++i) {
            for (int64_t j = 0; j < n; ++j)
              c[static_cast<size_t>(i * c_stride + j)] = NAN;
          }
        }
        multiply(m, n, k, 0.75F, {a.data(), a_stride, a_transposed},
                 {b.data(), b_stride, b_transposed}, beta, c.data(), c_stride);
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t j = 0; j < c_stride; ++j) {
            const auto place = static_cast<size_t>(i * c_stride + j);
            if (j >= n) {
              ASSERT_EQ(c[place], before[place]) << "wrote outside the matrix";
              continue;
            }
            double sum = 0;
            for (int64_t x = 0; x < k; ++x) {
              const int64_t of_a = a_transposed ? x * a_stride + i : i * a_stride + x;
              const int64_t of_b = b_transposed ? j * b_stride + x : x * b_stride + j;
              sum += double{a[static_cast<size_t>(of_a)]} * b[static_cast<size_t>(of_b)];
            }
            const double expected = 0.75 * sum + (beta == 0 ? 0 : beta * before[place]);
            ASSERT_NEAR(c[place], expected, 1e-5 * static_cast<double>(k + 8))
                << i << ", " << j;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ProductOf,
                         testing::Values(Shape{1, 1, 1}, Shape{14, 32, 16},
                                         Shape{13, 31, 15}, Shape{15, 33, 17},
                                         Shape{3, 5, 0}, Shape{29, 70, 300},
                                         Shape{200, 40, 64}, Shape{5, 2100, 9},
                                         Shape{64, 7, 520}));

TEST(MatrixProduct, DoesNotDependOnTheRowsBesideIt) {
  const auto a = random_values(40 * 300, 1);
  const auto b = random_values(300 * 50, 2);
  std::vector<float> together(40 * 50);
  multiply(40, 50, 300, 1, {a.data(), 300}, {b.data(), 50}, 0, together.data(), 50);
  for (int64_t row = 0; row < 40; ++row) {
    std::vector<float> alone(50);
    multiply(1, 50, 300, 1, {a.data() + row * 300, 300}, {b.data(), 50}, 0, alone.data(),
             50);
    for (int64_t j = 0; j < 50; ++j) {
      ASSERT_EQ(alone[static_cast<size_t>(j)],
                together[static_cast<size_t>(row * 50 + j)]);
    }
  }
}

#if defined(__x86_64__)
TEST(MatrixKernel, Avx2AndAvx512GiveEqualBits) {
  if (!has_instruction_set(InstructionSet::kAvx512))
    GTEST_SKIP() << "this processor has no AVX-512";
  constexpr int64_t kSteps = 77;
  const auto a = random_values(kSteps, 1);
  const auto b = random_values(kSteps, 2);
  const auto one = [&](const MatrixKernel& kernel) {
    std::vector<float> packed_a(
        static_cast<size_t>(kSteps * kernel.tile_rows + kPackingSlack));
    std::vector<float> packed_b(
        static_cast<size_t>(kSteps * kernel.tile_columns + kPackingSlack));
    kernel.pack_transposed(a.data(), kSteps, 1, kSteps, kernel.tile_rows,
                           packed_a.data());
    kernel.pack_transposed(b.data(), kSteps, 1, kSteps, kernel.tile_columns,
                           packed_b.data());
    float c = 0.25F;
    kernel.multiply_tile(kSteps, packed_a.data(), packed_b.data(), 0.5F, 3, &c, 1, 1, 1);
    return c;
  };
  EXPECT_EQ(one(kAvx2MatrixKernel), one(kAvx512MatrixKernel));
  EXPECT_NEAR(one(kPortableMatrixKernel), one(kAvx512MatrixKernel), 1e-4);
}
#endif

}  // namespace
}  // namespace srpo::model
