#include "scheduler/world_model.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"

namespace srpo::scheduler {
namespace {

using records::RolloutTree;
using records::Trajectory;

constexpr size_t kQuantiles = 33;

/// What recorded chains say.
struct Samples {
  std::vector<double> lengths;
  std::vector<double> thoughts;
  std::vector<double> verify_seconds;
  std::vector<double> localize_seconds;
  std::vector<double> success;                            // of each tree
  std::map<uint32_t, std::vector<double>> token_seconds;  // by chains at once
};

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void add_chain(const Trajectory& chain, uint32_t at_once, Samples& samples) {
  if (chain.verdict.took_ms > 0)
    samples.verify_seconds.push_back(chain.verdict.took_ms / 1000);
  if (chain.decoded_tokens > 0 && chain.seconds > 0)
    samples.token_seconds[at_once].push_back(chain.seconds / chain.decoded_tokens);
}

void add_tree(const RolloutTree& tree, Samples& samples) {
  std::map<uint32_t, uint32_t> on_generator;
  for (const Trajectory& chain : tree.fresh) ++on_generator[chain.generator];
  double successes = 0;
  for (const Trajectory& chain : tree.fresh) {
    samples.lengths.push_back(chain.decoded_tokens);
    samples.thoughts.push_back(static_cast<double>(chain.thought_ends.size()));
    successes += chain.verdict.reward;
    add_chain(chain, on_generator[chain.generator], samples);
  }
  for (const Trajectory& chain : tree.suffixes)
    add_chain(chain, static_cast<uint32_t>(tree.suffixes.size()), samples);
  if (tree.localization && tree.localization->seconds > 0)
    samples.localize_seconds.push_back(tree.localization->seconds);
  if (!tree.fresh.empty() && !tree.validation)
    samples.success.push_back(successes / static_cast<double>(tree.fresh.size()));
}

double log_spread(const std::vector<double>& values) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += std::log(value);
    squares += std::log(value) * std::log(value);
  }
  const auto count = static_cast<double>(values.size());
  return std::sqrt(std::max(0.0, squares / count - (sum / count) * (sum / count)));
}

/// The spread between problems is what is left when that of drawing is taken away.
double success_spread(const Samples& samples, double mean, double draws) {
  double variance = 0;
  for (const double rate : samples.success) variance += (rate - mean) * (rate - mean);
  variance /= static_cast<double>(samples.success.size());
  return std::sqrt(std::max(0.0, variance - mean * (1 - mean) / draws));
}

}  // namespace

double WorldModel::response_at(double share) const {
  ENSURE(response_tokens.size() >= 2,
         "a length model of " << response_tokens.size() << " points");
  const double place =
      std::clamp(share, 0.0, 1.0) * static_cast<double>(response_tokens.size() - 1);
  const auto below = std::min(static_cast<size_t>(place), response_tokens.size() - 2);
  const double rest = place - static_cast<double>(below);
  return response_tokens[below] * (1 - rest) + response_tokens[below + 1] * rest;
}

double WorldModel::seconds_per_token(double chains) const {
  ENSURE(!token_seconds.empty(), "no seconds for a token");
  if (token_seconds.size() == 1) return token_seconds.front().second;
  size_t above = 1;
  while (above + 1 < token_seconds.size() && token_seconds[above].first < chains) ++above;
  const auto& [x0, y0] = token_seconds[above - 1];
  const auto& [x1, y1] = token_seconds[above];
  const double value = y0 + (y1 - y0) * (chains - x0) / (x1 - x0);
  return std::max(value, std::min(y0, y1) * 0.1);
}

WorldModel fit_world_model(std::span<const RolloutTree> trees, WorldModel model) {
  Samples samples;
  for (const RolloutTree& tree : trees) add_tree(tree, samples);
  if (!samples.lengths.empty()) {
    std::sort(samples.lengths.begin(), samples.lengths.end());
    model.response_tokens.clear();
    for (size_t i = 0; i < kQuantiles; ++i) {
      const size_t place = i * (samples.lengths.size() - 1) / (kQuantiles - 1);
      model.response_tokens.push_back(samples.lengths[place]);
    }
    model.thoughts = std::max(1.0, mean_of(samples.thoughts));
  }
  if (!samples.token_seconds.empty()) {
    model.token_seconds.clear();
    for (const auto& [chains, seconds] : samples.token_seconds)
      model.token_seconds.emplace_back(chains, median_of(seconds));
  }
  if (!samples.verify_seconds.empty()) {
    model.verifier_seconds = mean_of(samples.verify_seconds);
    model.verifier_spread = log_spread(samples.verify_seconds);
  }
  if (!samples.localize_seconds.empty())
    model.localization_seconds = mean_of(samples.localize_seconds);
  if (!samples.success.empty()) {
    model.success_rate = mean_of(samples.success);
    const double draws =
        static_cast<double>(samples.lengths.size()) / static_cast<double>(trees.size());
    model.success_spread = success_spread(samples, model.success_rate, draws);
  }
  return model;
}

}  // namespace srpo::scheduler
