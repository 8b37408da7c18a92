#include "engine/sampler.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "engine/decoder_kernels.h"

namespace srpo::engine {

void check_sampling(const records::Sampling& sampling) {
  REQUIRE(std::isfinite(sampling.temperature) && sampling.temperature >= 0, kBadInput,
          "temperature is " << sampling.temperature << " (expected 0 or more)");
  REQUIRE(sampling.top_p > 0 && sampling.top_p <= 1, kBadInput,
          "top_p is " << sampling.top_p << " (expected more than 0, at most 1)");
  REQUIRE(sampling.top_k >= 0, kBadInput,
          "top_k is " << sampling.top_k << " (expected 0 or more)");
}

SampledToken Sampler::sample(std::span<const float> logits,
                             const records::Sampling& sampling, double draw) {
  const double temperature = sampling.temperature == 0 ? 1 : sampling.temperature;
  set_probabilities(logits, temperature);
  int32_t token = 0;
  if (sampling.temperature == 0) {
    const auto best = std::find(logits.begin(), logits.end(), greatest_);
    token = static_cast<int32_t>(best - logits.begin());
  } else if (sampling.top_p < 1 || sampling.top_k > 0) {
    keep_likely(sampling);
    token = pick_of_kept(draw);
  } else {
    token = pick(draw);
  }
  return {token, logprob_of(logits, token, temperature)};
}

float Sampler::logprob(std::span<const float> logits, int32_t token) {
  set_probabilities(logits, 1);
  return logprob_of(logits, token, 1);
}

void Sampler::set_probabilities(std::span<const float> logits, double temperature) {
  const DecoderKernels& kernels = decoder_kernels();
  const auto size = static_cast<int64_t>(logits.size());
  greatest_ = kernels.greatest(logits.data(), size);
  REQUIRE(std::isfinite(greatest_), kBadInput, "the model's logits are not finite");
  weights_.resize(logits.size());
  sums_.resize(static_cast<size_t>((size + kSumChunk - 1) / kSumChunk));
  kernels.exponentials(logits.data(), greatest_, static_cast<float>(1 / temperature),
                       size, weights_.data(), sums_.data());
  total_ = 0;
  for (const double sum : sums_) total_ += sum;
}

float Sampler::logprob_of(std::span<const float> logits, int32_t token,
                          double temperature) const {
  const double shifted =
      (static_cast<double>(logits[static_cast<size_t>(token)]) - greatest_) / temperature;
  return static_cast<float>(shifted - std::log(total_));
}

/// Only the likeliest tokens are sorted: a cutoff is lowered until those above it are
/// enough.
void Sampler::keep_likely(const records::Sampling& sampling) {
  const auto size = static_cast<int32_t>(weights_.size());
  const int32_t most = sampling.top_k > 0 ? std::min(sampling.top_k, size) : size;
  for (float cutoff = size <= 512 ? 0.0F : 1e-2F;;
       cutoff = cutoff > 1e-12F ? cutoff / 32 : 0) {
    kept_.clear();
    double mass = 0;
    for (int32_t id = 0; id < size; ++id) {
      const float weight = weights_[static_cast<size_t>(id)];
      if (weight < cutoff) continue;
      kept_.push_back(id);
      mass += weight;
    }
    const bool enough =
        static_cast<int32_t>(kept_.size()) >= most ||
        (sampling.top_p < 1 && mass >= sampling.top_p * total_ * (1 + 1e-9));
    if (enough || cutoff == 0) break;
  }
  std::sort(kept_.begin(), kept_.end(), [this](int32_t a, int32_t b) {
    const float wa = weights_[static_cast<size_t>(a)];
    const float wb = weights_[static_cast<size_t>(b)];
    return wa != wb ? wa > wb : a < b;
  });
  if (static_cast<int32_t>(kept_.size()) > most) kept_.resize(static_cast<size_t>(most));
  double mass = 0;
  if (sampling.top_k > 0) {
    for (const int32_t id : kept_) mass += weights_[static_cast<size_t>(id)];
  } else {
    mass = total_;
  }
  if (sampling.top_p < 1) {
    const double wanted = sampling.top_p * mass;
    double before = 0;
    size_t count = 0;
    while (count < kept_.size() && (count == 0 || before < wanted)) {
      before += weights_[static_cast<size_t>(kept_[count++])];
    }
    kept_.resize(count);
  }
  std::sort(kept_.begin(), kept_.end());
}

int32_t Sampler::pick_of_kept(double draw) const {
  double mass = 0;
  for (const int32_t id : kept_) mass += weights_[static_cast<size_t>(id)];
  const double wanted = draw * mass;
  double before = 0;
  for (const int32_t id : kept_) {
    before += weights_[static_cast<size_t>(id)];
    if (before > wanted) return id;
  }
  return kept_.back();
}

int32_t Sampler::pick(double draw) const {
  const double wanted = draw * total_;
  double before = 0;
  size_t chunk = 0;
  while (chunk + 1 < sums_.size() && before + sums_[chunk] <= wanted)
    before += sums_[chunk++];
  const size_t first = chunk * kSumChunk;
  const size_t last = std::min(first + kSumChunk, weights_.size());
  size_t id = first;
  for (; id + 1 < last; ++id) {
    before += weights_[id];
    if (before > wanted) break;
  }
  return static_cast<int32_t>(id);
}

}  // namespace srpo::engine
