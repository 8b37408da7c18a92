#include "ranks/worker_watch.h"

#include <algorithm>
#include <memory>

#include "actors/node.h"
#include "core/log.h"
#include "ranks/learner_rank.h"
#include "ranks/verifier_rank.h"

namespace srpo::ranks {
namespace {

namespace events = scheduler::events;

}  // namespace

WorkerWatch::WorkerWatch(actors::Runtime& runtime, const RankLayout& layout,
                         std::function<void(scheduler::Event)> report,
                         std::function<void(const std::string&)> say)
    : runtime_(runtime),
      layout_(layout),
      report_(std::move(report)),
      say_(std::move(say)) {
  runtime_.on_membership([this](int slot, actors::Peer::State state) {
    if (state == actors::Peer::State::kUp) {
      fill(slot);
    } else {
      lose(slot, state == actors::Peer::State::kGone);
    }
  });
}

bool WorkerWatch::is_there(int rank) const { return !lost_.contains(rank); }

std::vector<int32_t> WorkerWatch::policy_ranks() const {
  std::vector<int32_t> ranks;
  for (const auto* role : {&layout_.generators, &layout_.localizers}) {
    for (const int rank : *role) {
      const bool is_up = rank == runtime_.rank() ||
                         runtime_.wire().peer(rank).state == actors::Peer::State::kUp;
      if (is_up && std::find(ranks.begin(), ranks.end(), rank) == ranks.end())
        ranks.push_back(rank);
    }
  }
  return ranks;
}

void WorkerWatch::forgive(const std::vector<int>& ranks) {
  std::map<int, int32_t> losses;
  for (const int rank : ranks) ++losses[rank];
  for (const auto& [rank, count] : losses) runtime_.node().forgive(rank, count);
}

std::string WorkerWatch::name(int rank) const {
  return "rank " + std::to_string(rank) + " (" + layout_.role_of(rank) + ")";
}

void WorkerWatch::lose(int rank, bool is_gone) {
  const bool was_there = is_there(rank);
  lost_[rank] = ++changes_;
  if (was_there) {
    ++losses_;
    say_(name(rank) + " is lost; what it held is done again");
    report(rank, /*joined=*/false);
  }
  if (is_gone) say_(name(rank) + " is not replaced");
}

/// Calls wait for the constructor, so an answer says that the actor is made.
void WorkerWatch::fill(int rank) {
  if (is_there(rank)) return;
  const uint64_t change = ++changes_;
  lost_[rank] = change;
  auto left = std::make_shared<int>(0);
  const auto done = [this, rank, change, left](const auto& result) {
    const auto at = lost_.find(rank);
    if (at == lost_.end() || at->second != change) return;  // lost again
    if (!result.has_value()) {
      LOG(warn) << "worker_not_ready rank=" << rank
                << " reason=" << result.error().message;
      return;
    }
    if (--*left == 0) join(rank);
  };
  const bool draws = plays(layout_.generators, rank) || plays(layout_.localizers, rank);
  const bool judges = plays(layout_.verifiers, rank);
  *left = (draws ? 1 : 0) + (judges ? 1 : 0);
  if (draws) {
    runtime_.find<LearnerRank>(layout_.learners.front(), "learner")
        .call<&LearnerRank::publish_to>(std::vector<int32_t>{rank})
        .then(done);
  }
  if (judges) {
    runtime_.find<VerifierRank>(rank, "verifier").call<&VerifierRank::usage>().then(done);
  }
}

void WorkerWatch::join(int rank) {
  lost_.erase(rank);
  say_(name(rank) + " is replaced");
  report(rank, /*joined=*/true);
}

void WorkerWatch::report(int rank, bool joined) {
  const auto tell = [&](const std::vector<int>& ranks, scheduler::Role role) {
    const auto at = std::find(ranks.begin(), ranks.end(), rank);
    if (at == ranks.end()) return;
    const auto worker = static_cast<uint32_t>(at - ranks.begin());
    if (joined) {
      report_(events::WorkerJoined{role, worker});
    } else {
      report_(events::WorkerLost{role, worker});
    }
  };
  tell(layout_.generators, scheduler::Role::kGenerator);
  tell(layout_.localizers, scheduler::Role::kLocalizer);
  tell(layout_.verifiers, scheduler::Role::kVerifier);
}

}  // namespace srpo::ranks
