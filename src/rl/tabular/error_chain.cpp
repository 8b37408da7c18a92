#include "rl/tabular/error_chain.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"

namespace srpo::rl::tabular {
namespace {

/// Chosen minus first wrong thought, -4 (and less) to 4 (and more): shares of method
/// §7.2, short thoughts left out of the count.
constexpr std::array kMeasuredShares = {12.7, 4.3, 6.4, 11.2, 15.8, 16.1, 9.6, 7.0, 16.8};

/// Chances of going back to thought 1 .. n (index 0 ..) when `first` is the first wrong
/// one.
std::vector<double> reset_chances(const ErrorChain& chain, ChainReset reset,
                                  double hit_rate, size_t first) {
  const size_t n = chain.thoughts;
  std::vector<double> chances(n);
  switch (reset) {
    case ChainReset::kFresh:
      chances[0] = 1;
      break;
    case ChainReset::kRandom:
      std::fill(chances.begin(), chances.end(), 1 / static_cast<double>(n));
      break;
    case ChainReset::kFirstError:
      chances[first] = 1;
      break;
    case ChainReset::kHitOrMiss:
      if (n > 1)
        std::fill(chances.begin(), chances.end(),
                  (1 - hit_rate) / static_cast<double>(n - 1));
      chances[first] = n > 1 ? hit_rate : 1;
      break;
    case ChainReset::kMeasured: {
      double sum = 0;
      for (const double share : kMeasuredShares) sum += share;
      for (size_t i = 0; i < kMeasuredShares.size(); ++i) {
        const auto at = static_cast<ptrdiff_t>(first + i) - 4;
        const auto last = static_cast<ptrdiff_t>(n) - 1;
        chances[static_cast<size_t>(std::clamp<ptrdiff_t>(at, 0, last))] +=
            kMeasuredShares[i] / sum;
      }
      break;
    }
  }
  return chances;
}

}  // namespace

Instance ErrorChain::to_instance() const {
  const MdpShape shape = {thoughts, 2, 2};
  Instance made{Mdp(shape), Policy(shape)};
  made.mdp.start = {1, 0};
  for (size_t step = 0; step < thoughts; ++step) {
    made.mdp.transition(step, 0, 0, 0) = 1;
    made.mdp.transition(step, 0, 1, 1) = 1;
    made.mdp.transition(step, 1, 0, 1) = 1;
    made.mdp.transition(step, 1, 1, 1) = 1;
    if (step + 1 == thoughts) made.mdp.reward.at(step, 0, 0) = 1;
    for (size_t state = 0; state < 2; ++state) {
      made.policy.at(step, state, 0) = 1 - error;
      made.policy.at(step, state, 1) = error;
    }
  }
  return made;
}

std::vector<double> first_error_chances(const ErrorChain& chain) {
  std::vector<double> chances;
  double sum = 0;
  for (size_t k = 0; k < chain.thoughts; ++k) {
    chances.push_back(std::pow(1 - chain.error, static_cast<double>(k)) * chain.error);
    sum += chances.back();
  }
  for (double& chance : chances) chance /= sum;
  return chances;
}

ChainOutcome chain_outcome(const ErrorChain& chain, ChainReset reset, double hit_rate,
                           size_t group) {
  REQUIRE(chain.thoughts > 0 && chain.error > 0 && chain.error < 1, kBadInput,
          "a chain of " << chain.thoughts << " thoughts with error " << chain.error
                        << " (expected 1 or more, and strictly between 0 and 1)");
  REQUIRE(hit_rate >= 0 && hit_rate <= 1, kBadInput,
          "hit rate " << hit_rate << " (expected 0 to 1)");
  ChainOutcome outcome;
  const std::vector<double> firsts = first_error_chances(chain);
  const auto n = static_cast<double>(chain.thoughts);
  for (size_t first = 0; first < firsts.size(); ++first) {
    const auto resets = reset_chances(chain, reset, hit_rate, first);
    for (size_t at = 0; at < resets.size(); ++at) {
      const double chance = firsts[first] * resets[at];
      const double kept = static_cast<double>(at);
      const double right = at <= first ? std::pow(1 - chain.error, n - kept) : 0;
      const auto size = static_cast<double>(group);
      outcome.success += chance * right;
      outcome.kept += chance * kept / n;
      outcome.clean += at <= first ? chance : 0;
      outcome.mixed += chance * (1 - std::pow(right, size) - std::pow(1 - right, size));
      outcome.thoughts += chance * (n - kept);
    }
  }
  return outcome;
}

}  // namespace srpo::rl::tabular
