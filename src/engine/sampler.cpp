#include "engine/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "core/error.h"
#include "engine/decoder_kernels.h"

namespace srpo::engine {

namespace {

void check_bias(const std::vector<records::LogitBias>& biases, int64_t vocab_size) {
  std::set<int32_t> seen;
  for (const auto& [token, bias] : biases) {
    REQUIRE(token >= 0 && token < vocab_size, kBadInput,
            "logit_bias is for token " << token << " (expected 0 to " << vocab_size - 1
                                       << ")");
    REQUIRE(std::isfinite(bias), kBadInput,
            "logit_bias of token " << token << " is " << bias
                                   << " (expected a finite number)");
    REQUIRE(seen.insert(token).second, kBadInput,
            "logit_bias names token " << token << " twice");
  }
}

}  // namespace

void check_sampling(const records::Sampling& sampling, int64_t vocab_size) {
  REQUIRE(std::isfinite(sampling.temperature) && sampling.temperature >= 0, kBadInput,
          "temperature is " << sampling.temperature << " (expected 0 or more)");
  REQUIRE(sampling.top_p > 0 && sampling.top_p <= 1, kBadInput,
          "top_p is " << sampling.top_p << " (expected more than 0, at most 1)");
  REQUIRE(sampling.top_k >= 0, kBadInput,
          "top_k is " << sampling.top_k << " (expected 0 or more)");
  REQUIRE(sampling.min_p >= 0 && sampling.min_p <= 1, kBadInput,
          "min_p is " << sampling.min_p << " (expected 0 to 1)");
  REQUIRE(std::isfinite(sampling.repetition_penalty) && sampling.repetition_penalty > 0,
          kBadInput,
          "repetition_penalty is " << sampling.repetition_penalty
                                   << " (expected more than 0; 1 is off)");
  REQUIRE(std::isfinite(sampling.presence_penalty), kBadInput,
          "presence_penalty is " << sampling.presence_penalty
                                 << " (expected a finite number; 0 is off)");
  REQUIRE(std::isfinite(sampling.frequency_penalty), kBadInput,
          "frequency_penalty is " << sampling.frequency_penalty
                                  << " (expected a finite number; 0 is off)");
  check_bias(sampling.logit_bias, vocab_size);
}

SampledToken Sampler::sample(std::span<const float> logits,
                             const records::Sampling& sampling, double draw,
                             const SeenTokens& seen) {
  const double temperature = sampling.temperature == 0 ? 1 : sampling.temperature;
  set_probabilities(logits, temperature);
  const double log_total = std::log(total_);
  const float greatest = greatest_;
  if (sampling.changes_logits()) {
    change_logits(logits, sampling, seen);
    set_probabilities(changed_, temperature);
    logits_ = changed_;
  } else {
    logits_ = logits;
  }
  if (sampling.temperature != 0 &&
      (sampling.top_p < 1 || sampling.top_k > 0 || sampling.min_p > 0)) {
    keep_likely(sampling);
  }
  SampledToken drawn = draw_token(sampling, draw);
  const double shifted =
      static_cast<double>(logits[static_cast<size_t>(drawn.token)]) - greatest;
  drawn.logprob = static_cast<float>(shifted / temperature - log_total);
  return drawn;
}

SampledToken Sampler::draw_token(const records::Sampling& sampling, double draw) const {
  if (sampling.temperature == 0) {
    const auto best = std::find(logits_.begin(), logits_.end(), greatest_);
    return {static_cast<int32_t>(best - logits_.begin()), 0, 0};
  }
  const bool cut = sampling.top_p < 1 || sampling.top_k > 0 || sampling.min_p > 0;
  double mass = total_;
  if (cut) {
    mass = 0;
    for (const int32_t id : kept_) mass += weights_[static_cast<size_t>(id)];
  }
  const int32_t token = cut ? pick_of_kept(draw * mass) : pick(draw);
  const double shifted =
      (static_cast<double>(logits_[static_cast<size_t>(token)]) - greatest_) /
      sampling.temperature;
  return {token, 0, static_cast<float>(std::min(shifted - std::log(mass), 0.0))};
}

/// Into changed_.
void Sampler::change_logits(std::span<const float> logits,
                            const records::Sampling& sampling, const SeenTokens& seen) {
  changed_.assign(logits.begin(), logits.end());
  for (const auto& [token, bias] : sampling.logit_bias)
    changed_[static_cast<size_t>(token)] += bias;
  times_.assign(logits.size(), 0);
  for (const int32_t token : seen.prompt) times_[static_cast<size_t>(token)] = -1;
  for (const int32_t token : seen.response) {
    int32_t& times = times_[static_cast<size_t>(token)];
    times = std::max(times, 0) + 1;
  }
  const auto repetition = static_cast<float>(sampling.repetition_penalty);
  for (size_t id = 0; id < changed_.size(); ++id) {
    if (times_[id] == 0) continue;
    float& logit = changed_[id];
    logit = logit > 0 ? logit / repetition : logit * repetition;
    if (times_[id] < 0) continue;
    logit -= static_cast<float>(sampling.presence_penalty +
                                sampling.frequency_penalty * times_[id]);
  }
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
  // No weight is above 1, unless its logit is not a number.
  REQUIRE(total_ <= 1.001 * static_cast<double>(size), kBadInput,
          "the model's logits are not finite");
}

float Sampler::logprob_of(std::span<const float> logits, int32_t token,
                          double temperature) const {
  const double shifted =
      (static_cast<double>(logits[static_cast<size_t>(token)]) - greatest_) / temperature;
  return static_cast<float>(shifted - std::log(total_));
}

void Sampler::keep_likely(const records::Sampling& sampling) {
  const auto size = static_cast<int32_t>(weights_.size());
  const int32_t most = sampling.top_k > 0 ? std::min(sampling.top_k, size) : size;
  if (sampling.min_p > 0) {
    gather_from(static_cast<float>(sampling.min_p));
  } else {
    gather_candidates(most, sampling.top_p);
  }
  double mass = total_;
  if (sampling.top_k > 0 || sampling.min_p > 0) {
    if (static_cast<int32_t>(kept_.size()) > most) {
      std::nth_element(kept_.begin(), kept_.begin() + most, kept_.end(), likelier());
      kept_.resize(static_cast<size_t>(most));
      std::sort(kept_.begin(), kept_.end());
    }
    mass = 0;
    for (const int32_t id : kept_) mass += weights_[static_cast<size_t>(id)];
  }
  if (sampling.top_p < 1) keep_mass(sampling.top_p * mass);
}

/// Into kept_, in id order: all tokens whose weight is at least `cutoff`. A chunk whose
/// sum is smaller has none.
void Sampler::gather_from(float cutoff) {
  kept_.clear();
  for (size_t chunk = 0; chunk < sums_.size(); ++chunk) {
    if (sums_[chunk] < cutoff) continue;
    const size_t first = chunk * kSumChunk;
    const size_t last = std::min(first + kSumChunk, weights_.size());
    for (size_t id = first; id < last; ++id) {
      if (weights_[id] >= cutoff) kept_.push_back(static_cast<int32_t>(id));
    }
  }
}

/// The same with a cutoff that is lowered until they are enough.
void Sampler::gather_candidates(int32_t most, double top_p) {
  const auto size = static_cast<int32_t>(weights_.size());
  const bool by_mass = top_p < 1 && most == size;
  for (float cutoff = size <= 512 ? 0.0F : 1e-2F;;
       cutoff = cutoff > 1e-12F ? cutoff / 32 : 0) {
    gather_from(cutoff);
    double mass = 0;
    for (const int32_t id : kept_) mass += weights_[static_cast<size_t>(id)];
    const bool enough = static_cast<int32_t>(kept_.size()) >= most ||
                        (by_mass && mass >= top_p * total_ * (1 + 1e-9));
    if (enough || cutoff == 0) return;
  }
}

/// The fewest likeliest of kept_ whose mass reaches `wanted`. Weights are counted by
/// their leading bits, and only those that share the bits of the last one to be kept are
/// sorted.
void Sampler::keep_mass(double wanted) {
  constexpr int kShift = 20;
  const auto bucket_of = [this](int32_t id) {
    return std::bit_cast<uint32_t>(weights_[static_cast<size_t>(id)]) >> kShift;
  };
  buckets_.assign((std::bit_cast<uint32_t>(1.0F) >> kShift) + 2, 0.0);
  for (const int32_t id : kept_)
    buckets_[bucket_of(id)] += weights_[static_cast<size_t>(id)];
  double mass = 0;
  size_t last = buckets_.size() - 1;
  while (last > 0 && mass + buckets_[last] < wanted) mass += buckets_[last--];
  edge_.clear();
  for (const int32_t id : kept_) {
    if (bucket_of(id) == last) edge_.push_back(id);
  }
  std::sort(edge_.begin(), edge_.end(), likelier());
  size_t count = 0;
  while (count < edge_.size() && (count == 0 || mass < wanted)) {
    mass += weights_[static_cast<size_t>(edge_[count++])];
  }
  const int32_t edge_end = count < edge_.size() ? edge_[count] : -1;
  const auto left_out = [&](int32_t id) {
    const size_t bucket = bucket_of(id);
    if (bucket != last) return bucket < last;
    return edge_end >= 0 && !likelier()(id, edge_end);
  };
  kept_.erase(std::remove_if(kept_.begin(), kept_.end(), left_out), kept_.end());
}

int32_t Sampler::pick_of_kept(double wanted) const {
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
