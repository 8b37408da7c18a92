#include "model/token_logprobs.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"

namespace srpo::model {
namespace {

constexpr int64_t kRows = 23;
constexpr int64_t kWidth = 20;
constexpr int64_t kVocab = 51;

at::Tensor random_matrix(int64_t rows, int64_t columns, uint64_t stream) {
  at::Tensor tensor = at::empty({rows, columns}, at::kFloat);
  core::Rng rng(1, core::Purpose::kTest, stream);
  auto* values = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i)
    values[i] = static_cast<float>(rng.normal());
  return tensor;
}

class ChunkOf : public testing::TestWithParam<int64_t> {};

TEST_P(ChunkOf, AgreesWithFullLogits) {
  const at::Tensor hidden = random_matrix(kRows, kWidth, 1);
  const at::Tensor weight = random_matrix(kVocab, kWidth, 2);
  const at::Tensor slopes = random_matrix(1, kRows, 3)[0];
  std::vector<int64_t> targets;
  for (int64_t row = 0; row < kRows; ++row) targets.push_back((row * 13) % kVocab);
  HeadInput input;
  input.hidden = hidden.const_data_ptr<float>();
  input.weight = weight.const_data_ptr<float>();
  input.targets = targets;
  input.hidden_size = kWidth;
  input.vocab_size = kVocab;
  input.temperature = 0.7;
  input.chunk_rows = GetParam();
  at::Tensor dhidden = at::empty_like(hidden);
  at::Tensor dweight = at::ones_like(weight);
  TokenLogprobs head;
  const auto logprobs = head.forward_backward(
      input,
      [&](int64_t first, std::span<const float> logp, std::span<float> gradients) {
        for (size_t i = 0; i < logp.size(); ++i) {
          gradients[i] = slopes.const_data_ptr<float>()[static_cast<size_t>(first) + i];
        }
      },
      {dhidden.mutable_data_ptr<float>(), dweight.mutable_data_ptr<float>()});

  const at::Tensor h = hidden.to(at::kDouble);
  const at::Tensor w = weight.to(at::kDouble);
  const at::Tensor full = at::log_softmax(at::matmul(h, w.t()) / 0.7, 1);
  const at::Tensor index = at::tensor(targets).unsqueeze(1);
  const at::Tensor expected = full.gather(1, index).squeeze(1);
  at::Tensor dlogits = -full.exp();
  dlogits.scatter_add_(1, index, at::ones({kRows, 1}, at::kDouble));
  dlogits = dlogits * slopes.to(at::kDouble).unsqueeze(1) / 0.7;
  for (int64_t row = 0; row < kRows; ++row) {
    EXPECT_NEAR(logprobs[static_cast<size_t>(row)], expected[row].item<double>(), 1e-4);
  }
  EXPECT_EQ(logprobs, head.forward(input));
  EXPECT_TRUE(at::allclose(dhidden.to(at::kDouble), at::matmul(dlogits, w), 1e-4, 1e-5));
  EXPECT_TRUE(
      at::allclose(dweight.to(at::kDouble), at::matmul(dlogits.t(), h) + 1, 1e-4, 1e-5));
}

INSTANTIATE_TEST_SUITE_P(Rows, ChunkOf, testing::Values(1, 7, 2048));

TEST(TokenLogprobs, RefusesATargetOutsideTheVocabulary) {
  const at::Tensor hidden = random_matrix(1, kWidth, 1);
  const at::Tensor weight = random_matrix(kVocab, kWidth, 2);
  const std::vector<int64_t> targets{kVocab};
  HeadInput input;
  input.hidden = hidden.const_data_ptr<float>();
  input.weight = weight.const_data_ptr<float>();
  input.targets = targets;
  input.hidden_size = kWidth;
  input.vocab_size = kVocab;
  EXPECT_THROW(TokenLogprobs().forward(input), core::Error);
}

}  // namespace
}  // namespace srpo::model
