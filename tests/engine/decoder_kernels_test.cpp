#include "engine/decoder_kernels.h"

#include <cmath>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "core/random.h"

namespace srpo::engine {
namespace {

using model::InstructionSet;

std::vector<InstructionSet> available() {
  std::vector<InstructionSet> sets;
  for (const auto set :
       {InstructionSet::kPortable, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    if (model::has_instruction_set(set)) sets.push_back(set);
  }
  return sets;
}

std::vector<float> random_floats(size_t count, uint64_t stream, double scale = 1) {
  core::Rng rng(3, core::Purpose::kTest, stream);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(rng.normal() * scale);
  return values;
}

TEST(DecoderKernels, ExponentialIsRightToOneUnitOrTwo) {
  for (const auto set : available()) {
    std::vector<float> x;
    for (int i = -870; i <= 0; ++i) x.push_back(static_cast<float>(i) * 0.1F + 0.003F);
    std::vector<float> y(x.size());
    std::vector<double> sums(x.size() / kSumChunk + 1);
    decoder_kernels(set).exponentials(x.data(), 0, 1, static_cast<int64_t>(x.size()),
                                      y.data(), sums.data());
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = std::exp(static_cast<double>(x[i]));
      EXPECT_NEAR(y[i] / expected, 1, 3e-7) << x[i];
    }
  }
}

TEST(DecoderKernels, NormalizationAndActivationAgreeWithPlainLoops) {
  for (const auto set : available()) {
    const DecoderKernels& kernels = decoder_kernels(set);
    for (const size_t size : {1, 15, 16, 36, 64, 257}) {
      auto h = random_floats(size, 1);
      const auto delta = random_floats(size, 2);
      const auto weight = random_floats(size, 3);
      std::vector<float> out(size);
      std::vector<double> sum(size);
      double squares = 0;
      for (size_t i = 0; i < size; ++i) {
        sum[i] = static_cast<double>(h[i]) + delta[i];
        squares += sum[i] * sum[i];
      }
      kernels.add_and_normalize(h.data(), delta.data(), weight.data(), 1e-5F,
                                static_cast<int64_t>(size), out.data());
      const double rms = std::sqrt(squares / static_cast<double>(size) + 1e-5);
      for (size_t i = 0; i < size; ++i) {
        EXPECT_NEAR(h[i], sum[i], 1e-6);
        EXPECT_NEAR(out[i], sum[i] / rms * weight[i], 2e-6);
      }
      kernels.swiglu(h.data(), delta.data(), static_cast<int64_t>(size), out.data());
      for (size_t i = 0; i < size; ++i) {
        EXPECT_NEAR(out[i], h[i] / (1 + std::exp(-static_cast<double>(h[i]))) * delta[i],
                    2e-6);
      }
    }
  }
}

struct Attention {
  int64_t head_dim;
  int64_t value_dim;
  std::vector<int32_t> blocks{4, 0, 3, 1, 2, 6, 5, 7, 9, 8};
  int64_t block_floats;
  std::vector<float> memory;
  std::vector<float> q;

  explicit Attention(int64_t dim)
      : head_dim(dim),
        value_dim((dim + 15) / 16 * 16),
        block_floats(16 * (dim + value_dim)),
        memory(random_floats(static_cast<size_t>(10 * block_floats), 5)),
        q(random_floats(static_cast<size_t>(4 * dim), 6)) {}

  std::vector<float> run(const DecoderKernels& kernels,
                         const std::vector<int64_t>& visible,
                         const std::vector<int64_t>& hidden = {}) {
    std::vector<float> out(static_cast<size_t>(4 * head_dim), -1);
    AttentionTile tile;
    tile.queries = static_cast<int>(visible.size());
    for (size_t i = 0; i < visible.size(); ++i) {
      tile.q[i] = q.data() + i * static_cast<size_t>(head_dim);
      tile.out[i] = out.data() + i * static_cast<size_t>(head_dim);
      tile.visible[i] = visible[i];
      if (!hidden.empty()) tile.hidden[i] = hidden[i];
    }
    tile.keys = memory.data();
    tile.values = memory.data() + 16 * head_dim;
    tile.blocks = blocks.data();
    tile.block_floats = block_floats;
    tile.head_dim = head_dim;
    tile.value_dim = value_dim;
    tile.scale = 0.3F;
    std::vector<float> scratch(static_cast<size_t>(4 * attention_scratch(160)));
    kernels.attend(tile, scratch.data(), attention_scratch(160));
    return out;
  }

  double expected(size_t query, int64_t visible, int64_t column,
                  int64_t hidden = 0) const {
    double total = 0;
    double mixed = 0;
    for (int64_t t = hidden; t < visible; ++t) {
      const float* block =
          memory.data() + blocks[static_cast<size_t>(t / 16)] * block_floats;
      double score = 0;
      for (int64_t d = 0; d < head_dim; ++d) {
        score += static_cast<double>(
                     q[query * static_cast<size_t>(head_dim) + static_cast<size_t>(d)]) *
                 block[d * 16 + t % 16];
      }
      const double weight = std::exp(0.3 * score);
      total += weight;
      mixed += weight * block[16 * head_dim + (t % 16) * value_dim + column];
    }
    return mixed / total;
  }
};

TEST(DecoderKernels, AttentionAgreesWithPlainLoopsForAnyTile) {
  for (const auto set : available()) {
    for (const int64_t dim : {2, 12, 16, 64, 80, 128}) {
      Attention attention(dim);
      for (const std::vector<int64_t>& visible : {std::vector<int64_t>{1},
                                                  {16},
                                                  {160},
                                                  {33, 34},
                                                  {5, 5, 5},
                                                  {140, 141, 142, 143},
                                                  {150, 3, 20, 17}}) {
        const auto out = attention.run(decoder_kernels(set), visible);
        for (size_t i = 0; i < visible.size(); ++i) {
          for (int64_t c = 0; c < dim; ++c) {
            EXPECT_NEAR(out[i * static_cast<size_t>(dim) + static_cast<size_t>(c)],
                        attention.expected(i, visible[i], c), 1e-5);
          }
        }
      }
    }
  }
}

TEST(DecoderKernels, AttentionSeesNothingBeforeItsWindow) {
  for (const auto set : available()) {
    for (const int64_t dim : {12, 64, 96}) {
      Attention attention(dim);
      const std::vector<int64_t> visible{57, 58, 150, 160};
      const std::vector<int64_t> hidden{15, 16, 17, 159};
      const auto out = attention.run(decoder_kernels(set), visible, hidden);
      for (size_t i = 0; i < visible.size(); ++i) {
        const auto alone = attention.run(decoder_kernels(set), {visible[0]}, {hidden[0]});
        EXPECT_EQ(std::memcmp(alone.data(), out.data(),
                              static_cast<size_t>(dim) * sizeof(float)),
                  0);
        for (int64_t c = 0; c < dim; ++c) {
          EXPECT_NEAR(out[i * static_cast<size_t>(dim) + static_cast<size_t>(c)],
                      attention.expected(i, visible[i], c, hidden[i]), 1e-5);
        }
      }
    }
  }
}

TEST(DecoderKernels, AQuerysBitsDoNotDependOnItsTileNorOnTheVectorWidth) {
  for (const int64_t dim : {12, 64}) {
    Attention attention(dim);
    std::vector<float> first;
    for (const auto set : available()) {
      if (set == InstructionSet::kPortable) continue;  // it has no fused operation
      const auto alone = attention.run(decoder_kernels(set), {57});
      const auto among = attention.run(decoder_kernels(set), {57, 160, 2, 58});
      const size_t bytes = static_cast<size_t>(dim) * sizeof(float);
      EXPECT_EQ(std::memcmp(alone.data(), among.data(), bytes), 0);
      if (first.empty()) first = alone;
      EXPECT_EQ(std::memcmp(alone.data(), first.data(), bytes), 0);
    }
  }
}

}  // namespace
}  // namespace srpo::engine
