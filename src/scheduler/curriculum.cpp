#include "scheduler/curriculum.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace srpo::scheduler {
namespace {

auto place_of(const std::vector<ProblemRate>& rates, const std::string& problem) {
  return std::lower_bound(
      rates.begin(), rates.end(), problem,
      [](const ProblemRate& rate, const std::string& id) { return rate.problem < id; });
}

}  // namespace

const ProblemRate* Curriculum::find(const std::string& problem) const {
  const auto at = place_of(rates_, problem);
  return at == rates_.end() || at->problem != problem ? nullptr : &*at;
}

void Curriculum::learn(const records::RolloutTree& tree, double failed_below,
                       double memory) {
  if (tree.fresh.empty()) return;
  const auto succeeded = std::count_if(
      tree.fresh.begin(), tree.fresh.end(),
      [&](const auto& chain) { return chain.verdict.reward >= failed_below; });
  const double rate =
      static_cast<double>(succeeded) / static_cast<double>(tree.fresh.size());
  const auto place = place_of(rates_, tree.problem.id);
  if (place == rates_.end() || place->problem != tree.problem.id) {
    rates_.insert(place, {tree.problem.id, rate, 1});
    return;
  }
  ProblemRate& known = rates_[static_cast<size_t>(place - rates_.begin())];
  known.rate = memory * known.rate + (1 - memory) * rate;
  ++known.seen;
}

std::vector<uint32_t> Curriculum::order(
    const std::vector<const records::Problem*>& candidates,
    const CurriculumConfig& config) const {
  std::vector<uint32_t> places(candidates.size());
  std::iota(places.begin(), places.end(), 0);
  if (config.pool_factor <= 1) return places;
  std::vector<double> distance;
  distance.reserve(candidates.size());
  for (const records::Problem* problem : candidates) {
    const ProblemRate* known = find(problem->id);
    distance.push_back(known == nullptr ? config.unseen_distance
                                        : std::abs(known->rate - config.target));
  }
  std::stable_sort(places.begin(), places.end(),
                   [&](uint32_t a, uint32_t b) { return distance[a] < distance[b]; });
  return places;
}

}  // namespace srpo::scheduler
