#include "model/packed_linear.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"
#include "model/matrix_product.h"
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

/// One chain of additions, the second of each pair first.
float plain_pairs(const at::Tensor& x, const at::Tensor& w, int64_t r, int64_t c) {
  const at::Tensor a = x[r].to(at::kBFloat16).to(at::kFloat);
  const at::Tensor b = w[c].to(at::kBFloat16).to(at::kFloat);
  const float* p = a.const_data_ptr<float>();
  const float* q = b.const_data_ptr<float>();
  float total = 0;
  for (int64_t k = 0; k < x.size(1); k += 2) {
    if (k + 1 < x.size(1)) total += p[k + 1] * q[k + 1];
    total += p[k] * q[k];
  }
  return total;
}

TEST(PackedLinear, RoundsToBfloat16AndAddsExactProductsInFloat32) {
  for (const int64_t in : {1, 50, 51, 300}) {
    const at::Tensor weight = random_tensor(40, in, 1);
    const at::Tensor x = random_tensor(14, in, 2);
    PackedLinear linear(40, in, WeightType::kBfloat16);
    linear.set_rows(0, weight);
    const auto found = product(linear, x, 14);
    for (int64_t r = 0; r < 14; ++r) {
      for (int64_t c = 0; c < 40; ++c) {
        ASSERT_NEAR(found[static_cast<size_t>(r * 40 + c)], plain_pairs(x, weight, r, c),
                    2e-6 * std::sqrt(static_cast<double>(in)))
            << in << " inputs, row " << r << ", column " << c;
      }
    }
    std::vector<float> row(static_cast<size_t>(in));
    linear.copy_row(39, row.data());
    const at::Tensor kept = weight[39].to(at::kBFloat16).to(at::kFloat);
    EXPECT_TRUE(bit_equal(row.data(), kept.const_data_ptr<float>(), in));
  }
}

TEST(PackedLinear, Bfloat16ProductsHaveTheSameBitsOnAllInstructionSets) {
  constexpr int64_t kIn = 90;
  constexpr int64_t kOut = 77;
  PackedLinear linear(kOut, kIn, WeightType::kBfloat16);
  const at::Tensor x = random_tensor(30, kIn, 2);
  std::vector<uint32_t> pairs(30 * kIn / 2);
  const PackedLinearKernels& plain = packed_linear_kernels(InstructionSet::kPortable);
  plain.round(x.const_data_ptr<float>(), 30, kIn, pairs.data());
  std::vector<uint32_t> panels(96 * kIn / 2);
  plain.round(random_tensor(96, kIn, 1).const_data_ptr<float>(), 96, kIn, panels.data());
  const auto run = [&](const PackedLinearKernels& kernels, int64_t rows) {
    std::vector<float> y(static_cast<size_t>(rows * kOut));
    kernels.bfloat16(
        {pairs.data(), y.data(), panels.data(), rows, kIn / 2, kOut, 0, kOut});
    return y;
  };
  for (const int64_t rows : {1, 2, 5, 30}) {
    const auto expected = run(plain, rows);
    for (const auto set : {InstructionSet::kAvx2, InstructionSet::kAvx512}) {
      if (!has_instruction_set(set)) continue;
      EXPECT_EQ(run(packed_linear_kernels(set), rows), expected);
    }
    const auto chosen = run(packed_linear_kernels(), rows);
    for (size_t i = 0; i < chosen.size(); ++i)
      EXPECT_NEAR(chosen[i], expected[i], 1e-5) << rows << " rows";
  }
}

TEST(PackedLinear, GivesTheBitsOfTheProductThatTrains) {
  for (const int64_t in : {17, 256, 300, 1536}) {
    const at::Tensor weight = random_tensor(70, in, 1);
    const at::Tensor x = random_tensor(9, in, 2);
    PackedLinear linear(70, in, WeightType::kFloat32);
    linear.set_rows(0, weight);
    std::vector<float> expected(9 * 70);
    multiply(9, 70, in, 1, {x.const_data_ptr<float>(), in},
             {weight.const_data_ptr<float>(), in, true}, 0, expected.data(), 70);
    EXPECT_EQ(product(linear, x, 9), expected) << in << " inputs";
  }
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
      for (const int64_t parts_each : {1, 3}) {
        std::vector<int> seen(static_cast<size_t>(count), 0);
        pool.run(
            count,
            [&](int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
            },
            parts_each);
        EXPECT_EQ(seen, std::vector<int>(static_cast<size_t>(count), 1));
      }
    }
  }
  EXPECT_THROW(WorkerPool(0), core::Error);
}

TEST(WorkerPool, ASleepingThreadHoldsUpNothingButItsOwnPart) {
  WorkerPool pool(2);
  std::atomic<int> quick{0};
  std::atomic<bool> slow{false};
  pool.run(
      8,
      [&](int64_t, int64_t) {
        if (!slow.exchange(true)) {
          while (quick.load() < 7) std::this_thread::yield();  // all others get done
        } else {
          ++quick;
        }
      },
      4);
  EXPECT_EQ(quick.load(), 7);
}

}  // namespace
}  // namespace srpo::model
