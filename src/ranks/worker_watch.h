// Which generators, localizers and verifiers are there: turns losses and replacements of
// ranks into the scheduler's events, and brings a replacement the weights.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "actors/runtime.h"
#include "ranks/rank_layout.h"
#include "scheduler/events.h"

namespace srpo::ranks {

/// Rank 0, one thread only: the reactor's. Borrows runtime and layout; must live as long
/// as the runtime turns.
class WorkerWatch {
 public:
  /// `report` gets WorkerLost at once when a rank is lost, and WorkerJoined when its
  /// replacement is made and has the published weights. `say`: one sentence for the user.
  WorkerWatch(actors::Runtime& runtime, const RankLayout& layout,
              std::function<void(scheduler::Event)> report,
              std::function<void(const std::string&)> say);

  /// False from the loss of the rank's process until its replacement has joined.
  bool is_there(int rank) const;
  /// Generators and localizers whose process is there, or is being made ready, each once.
  std::vector<int32_t> policy_ranks() const;
  /// Ranks that were lost since the start.
  uint64_t losses() const { return losses_; }
  /// The last losses of these ranks, one an entry, were the doing of one prompt.
  void forgive(const std::vector<int>& ranks);

 private:
  void lose(int rank, bool is_gone);
  void fill(int rank);
  void join(int rank);
  void report(int rank, bool joined);
  std::string name(int rank) const;

  actors::Runtime& runtime_;
  const RankLayout& layout_;
  std::function<void(scheduler::Event)> report_;
  std::function<void(const std::string&)> say_;
  std::map<int, uint64_t> lost_;  // ranks that are not there, and their last change
  uint64_t changes_ = 0;
  uint64_t losses_ = 0;
};

}  // namespace srpo::ranks
