#include "model/packed_linear.h"

#include <cmath>
#include <cstring>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"
#include "model/packed_linear_kernels.h"

namespace srpo::model {
namespace {

at::Tensor random_tensor(int64_t rows, int64_t columns, uint64_t stream) {
  at::Tensor tensor = at::empty({rows, columns});
  core::Rng rng(2, core::Purpose::kTest, stream);
  float* data = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) data[i] = static_cast<float>(rng.normal());
  return tensor;
}

std::vector<float> product(const PackedLinear& linear, const at::Tensor& x, int64_t rows,
                           int threads = 1) {
  WorkerPool pool(threads);
  std::vector<float> y(static_cast<size_t>(rows * linear.out()));
  linear.apply(x.const_data_ptr<float>(), rows, y.data(), pool);
  return y;
}

bool bit_equal(const float* a, const float* b, int64_t count) {
  return std::memcmp(a, b, static_cast<size_t>(count) * sizeof(float)) == 0;
}

TEST(PackedLinear, IsTheProductForAnyShape) {
  for (const auto& [out, in] : std::vector<std::pair<int64_t, int64_t>>{
           {1, 1}, {31, 7}, {32, 8}, {33, 64}, {270, 256}, {300, 17}}) {
    const at::Tensor weight = random_tensor(out, in, 1);
    const at::Tensor x = random_tensor(65, in, 2);
    PackedLinear linear(out, in, WeightType::kFloat32);
    linear.set_rows(0, weight);
    for (const int64_t rows : {0, 1, 2, 3, 4, 5, 11, 12, 13, 24, 65}) {
      const auto y = product(linear, x, rows);
      const at::Tensor expected =
          at::matmul(x.narrow(0, 0, rows).to(at::kDouble), weight.t().to(at::kDouble));
      for (int64_t i = 0; i < rows * out; ++i) {
        ASSERT_NEAR(y[static_cast<size_t>(i)], expected.const_data_ptr<double>()[i], 1e-4)
            << out << " x " << in << ", " << rows << " rows";
      }
    }
  }
}

TEST(PackedLinear, ARowHasTheSameBitsInAnyBatch) {
  for (const auto type : {WeightType::kFloat32, WeightType::kBfloat16}) {
    const at::Tensor weight = random_tensor(330, 300, 1);
    const at::Tensor x = random_tensor(64, 300, 2);
    PackedLinear linear(330, 300, type);
    linear.set_rows(0, weight);
    const auto all = product(linear, x, 64);
    for (int64_t rows = 1; rows <= 64; ++rows) {
      const auto some = product(linear, x, rows);
      EXPECT_TRUE(bit_equal(some.data(), all.data(), rows * 330)) << rows << " rows";
    }
    for (int64_t row = 0; row < 64; ++row) {
      const auto alone = product(linear, x.narrow(0, row, 1), 1);
      EXPECT_TRUE(bit_equal(alone.data(), all.data() + row * 330, 330)) << "row " << row;
    }
    for (const int threads : {2, 3, 7}) {
      for (const int64_t rows : {1, 4, 12, 64}) {
        const auto split = product(linear, x, rows, threads);
        EXPECT_TRUE(bit_equal(split.data(), all.data(), rows * 330))
            << threads << " threads";
      }
    }
  }
}

TEST(PackedLinear, WideRegistersGiveTheBitsOfNarrowOnes) {
  if (!has_instruction_set(InstructionSet::kAvx512))
    GTEST_SKIP() << "this processor has no AVX-512";
  constexpr int64_t kIn = 90;
  constexpr int64_t kOut = 77;
  const at::Tensor panels = random_tensor(96, kIn, 1);
  const at::Tensor x = random_tensor(30, kIn, 2);
  for (const int64_t rows : {1, 2, 5, 30}) {
    std::vector<float> wide(static_cast<size_t>(rows * kOut));
    std::vector<float> narrow(wide.size());
    std::vector<float> plain(wide.size());
    const void* weights = panels.const_data_ptr<float>();
    const LinearSpan span{
        x.const_data_ptr<float>(), wide.data(), weights, rows, kIn, kOut, 0, kOut};
    LinearSpan other = span;
    packed_linear_kernels(InstructionSet::kAvx512).float32(span);
    other.y = narrow.data();
    packed_linear_kernels(InstructionSet::kAvx2).float32(other);
    other.y = plain.data();
    packed_linear_kernels(InstructionSet::kPortable).float32(other);
    EXPECT_TRUE(bit_equal(wide.data(), narrow.data(), rows * kOut));
    for (size_t i = 0; i < wide.size(); ++i) EXPECT_NEAR(wide[i], plain[i], 1e-4);
  }
}

TEST(PackedLinear, RoundsBfloat16WeightsOnceAndAddsInFloat32) {
  const at::Tensor weight = random_tensor(40, 50, 1);
  const at::Tensor x = random_tensor(3, 50, 2);
  PackedLinear rounded(40, 50, WeightType::kBfloat16);
  rounded.set_rows(0, weight);
  PackedLinear exact(40, 50, WeightType::kFloat32);
  exact.set_rows(0, weight.to(at::kBFloat16));
  EXPECT_EQ(product(rounded, x, 3), product(exact, x, 3));
}

TEST(PackedLinear, RowsAreSetAndReadOneByOne) {
  const at::Tensor weight = random_tensor(70, 20, 1);
  PackedLinear linear(70, 20, WeightType::kFloat32);
  linear.set_rows(0, weight.narrow(0, 0, 33));
  linear.set_rows(33, weight.narrow(0, 33, 37));
  std::vector<float> row(20);
  for (int64_t r = 0; r < 70; ++r) {
    linear.copy_row(r, row.data());
    EXPECT_TRUE(bit_equal(row.data(), weight.const_data_ptr<float>() + r * 20, 20))
        << "row " << r;
  }
  EXPECT_THROW(linear.set_rows(69, weight.narrow(0, 0, 2)), core::Error);
}

TEST(WorkerPool, CoversEachIndexOnce) {
  for (const int threads : {1, 2, 5}) {
    WorkerPool pool(threads);
    for (int64_t count = 0; count < 40; ++count) {
      std::vector<int> seen(static_cast<size_t>(count), 0);
      pool.run(count, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
      });
      EXPECT_EQ(seen, std::vector<int>(static_cast<size_t>(count), 1));
    }
  }
  EXPECT_THROW(WorkerPool(0), core::Error);
}

}  // namespace
}  // namespace srpo::model
