#include "model/token_logprobs.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "model/matrix_product.h"
#include "model/vector_math.h"

namespace srpo::model {

namespace {

/// In place: x -> exp((x - largest) * scale). Returns the sum of them; `largest` is set.
/// Chunks are added in fp64: a vocabulary's many small terms would be lost in fp32.
SRPO_VECTOR_CODE
double exponentials_of_row(float* x, int64_t count, float scale, float* largest) {
  Lanes highest = load_some(x, std::min(count, kLanes - 1), x[0]);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) highest = larger_of(highest, load(x + i));
  float top = highest[0];
  for (int64_t lane = 1; lane < kLanes; ++lane)
    top = highest[lane] > top ? highest[lane] : top;
  for (; i < count; ++i) top = x[i] > top ? x[i] : top;
  constexpr int64_t kChunk = 256;
  double total = 0;
  for (i = 0; i + kLanes <= count;) {
    Lanes sums{};
    const int64_t end = std::min(i + kChunk, count);
    for (; i + kLanes <= end; i += kLanes) {
      const Lanes e = exp_of((load(x + i) - top) * scale);
      store(x + i, e);
      sums += e;
    }
    total += sum_of(sums);
  }
  if (i < count) {
    const Lanes e = exp_of((load_some(x + i, count - i, top) - top) * scale);
    store_some(x + i, e, count - i);
    for (int64_t lane = 0; lane < count - i; ++lane) total += e[lane];
  }
  *largest = top;
  return total;
}

SRPO_VECTOR_CODE
void scale_row(float* x, int64_t count, float factor) {
  for (int64_t i = 0; i < count; ++i) x[i] *= factor;
}

void check_targets(const HeadInput& input) {
  for (const int64_t target : input.targets) {
    REQUIRE(target >= 0 && target < input.vocab_size, kBadInput,
            "token id " << target << " (expected 0 .. " << input.vocab_size - 1 << ")");
  }
}

}  // namespace

void TokenLogprobs::exponentials(const HeadInput& input, int64_t first, int64_t rows,
                                 float* logprobs) {
  const int64_t vocab = input.vocab_size;
  const size_t needed = static_cast<size_t>(rows * vocab);
  if (logits_.size() < needed) {
    std::vector<float>().swap(logits_);  // gives back before it takes
    logits_.resize(needed);
  }
  sums_.resize(static_cast<size_t>(rows));
  multiply(rows, vocab, input.hidden_size, 1,
           {input.hidden + first * input.hidden_size, input.hidden_size},
           {input.weight, input.hidden_size, true}, 0, logits_.data(), vocab);
  const auto scale = static_cast<float>(1.0 / input.temperature);
  for (int64_t row = 0; row < rows; ++row) {
    float* logits = logits_.data() + row * vocab;
    const float logit = logits[input.targets[static_cast<size_t>(first + row)]];
    float largest = 0;
    const double sum = exponentials_of_row(logits, vocab, scale, &largest);
    sums_[static_cast<size_t>(row)] = static_cast<float>(sum);
    const double shifted = (static_cast<double>(logit) - largest) * scale;
    logprobs[row] = static_cast<float>(shifted - std::log(sum));
  }
}

std::vector<float> TokenLogprobs::forward(const HeadInput& input) {
  check_targets(input);
  std::vector<float> logprobs(input.targets.size());
  for (int64_t first = 0; first < input.num_rows(); first += input.chunk_rows) {
    const int64_t rows = std::min(input.chunk_rows, input.num_rows() - first);
    exponentials(input, first, rows, logprobs.data() + first);
  }
  return logprobs;
}

std::vector<float> TokenLogprobs::forward_backward(const HeadInput& input,
                                                   const LogprobGradient& loss,
                                                   const HeadGradients& gradients) {
  check_targets(input);
  const int64_t vocab = input.vocab_size;
  const int64_t width = input.hidden_size;
  const auto scale = static_cast<float>(1.0 / input.temperature);
  std::vector<float> logprobs(input.targets.size());
  std::vector<float> slopes(input.targets.size());
  for (int64_t first = 0; first < input.num_rows(); first += input.chunk_rows) {
    const int64_t rows = std::min(input.chunk_rows, input.num_rows() - first);
    exponentials(input, first, rows, logprobs.data() + first);
    loss(
        first,
        std::span(logprobs).subspan(static_cast<size_t>(first),
                                    static_cast<size_t>(rows)),
        std::span(slopes).subspan(static_cast<size_t>(first), static_cast<size_t>(rows)));
    // dLoss/dlogit_v = slope / temperature * (1[v = target] - p_v)
    for (int64_t row = 0; row < rows; ++row) {
      float* line = logits_.data() + row * vocab;
      const float slope = slopes[static_cast<size_t>(first + row)] * scale;
      scale_row(line, vocab, -slope / sums_[static_cast<size_t>(row)]);
      line[input.targets[static_cast<size_t>(first + row)]] += slope;
    }
    multiply(rows, width, vocab, 1, {logits_.data(), vocab}, {input.weight, width}, 0,
             gradients.hidden + first * width, width);
    if (gradients.weight == nullptr) continue;
    multiply(vocab, width, rows, 1, {logits_.data(), vocab, true},
             {input.hidden + first * width, width}, 1, gradients.weight, width);
  }
  return logprobs;
}

}  // namespace srpo::model
