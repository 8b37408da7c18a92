#include "ranks/rank_layout.h"

#include <algorithm>

#include "core/error.h"

namespace srpo::ranks {
namespace {

std::vector<int> take(int& next, int count) {
  std::vector<int> ranks;
  for (int i = 0; i < count; ++i) ranks.push_back(next++);
  return ranks;
}

RankLayout plan_auto(int size) {
  RankLayout layout;
  layout.size = size;
  if (size >= 5) {
    int next = 1;
    const int workers = size - 3;
    layout.generators = take(next, (workers + 1) / 2);
    layout.localizers = take(next, 1);
    layout.verifiers = take(next, 1);
    layout.learners = take(next, size - next);
    return layout;
  }
  layout.localizers = {0};
  layout.verifiers = {0};
  int next = size == 1 ? 0 : 1;
  layout.generators = take(next, size == 1 ? 1 : size - 1);
  layout.learners = layout.generators;
  return layout;
}

}  // namespace

bool plays(const std::vector<int>& ranks_of_role, int rank) {
  return std::find(ranks_of_role.begin(), ranks_of_role.end(), rank) !=
         ranks_of_role.end();
}

RankLayout RankLayout::plan(const RoleCounts& counts, int size) {
  RankLayout layout;
  if (counts.is_auto()) {
    REQUIRE(counts.spares < size, kBadConfig,
            "ranks.spares = " << counts.spares << " of " << size
                              << " ranks leave none to work (expected fewer spares)");
    layout = plan_auto(size - counts.spares);
    layout.size = size;
    int next = size - counts.spares;
    layout.spares = take(next, counts.spares);
    return layout;
  }
  const int wanted = counts.scheduler + counts.generator + counts.localization +
                     counts.verifier + counts.learner + counts.spares;
  REQUIRE(wanted == size, kBadConfig,
          "the job wants " << wanted << " ranks (scheduler " << counts.scheduler
                           << ", generator " << counts.generator << ", localization "
                           << counts.localization << ", verifier " << counts.verifier
                           << ", learner " << counts.learner << ", spares "
                           << counts.spares << ") and there are " << size
                           << " (expected `mpirun -np " << wanted
                           << "`, or no `ranks` section to fit any number)");
  layout.size = size;
  int next = 1;
  layout.generators = take(next, counts.generator);
  layout.localizers = take(next, counts.localization);
  layout.verifiers = take(next, counts.verifier);
  layout.learners = take(next, counts.learner);
  layout.spares = take(next, counts.spares);
  return layout;
}

std::string RankLayout::role_of(int rank) const {
  std::string role = rank == 0 ? "scheduler" : "";
  const auto add = [&](const std::vector<int>& ranks, const char* name) {
    if (plays(ranks, rank)) role += (role.empty() ? "" : "+") + std::string(name);
  };
  add(generators, "generator");
  add(localizers, "localization");
  add(verifiers, "verifier");
  add(learners, "learner");
  add(spares, "spare");
  return role;
}

}  // namespace srpo::ranks
