// The mailbox between a run and its page: the run never waits.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "analysis/activity.h"
#include "analysis/tree_digest.h"

namespace srpo::dashboard {

struct RankState {
  int rank = 0;
  std::string role;
  bool there = true;
  uint64_t in_hand = 0;  ///< pieces of work that it was given and has not answered
};

/// How the run stands, as a whole.
struct RunState {
  std::string state = "running";
  std::string reason;
  std::string line;  ///< what is going on, for people
  std::string stage;
  uint64_t step = 0;
  uint64_t steps_in_all = 0;
  uint64_t accepted = 0;
  uint64_t dropped = 0;
  uint64_t decoded_tokens = 0;  ///< of this start
  double tokens_per_second = 0;
  std::vector<std::string> why;
  std::vector<RankState> ranks;
};

struct MetricLine {
  int64_t step = 0;
  std::map<std::string, double> values;
};

/// What has come since the last look.
struct FeedNews {
  bool has_state = false;
  RunState state;
  std::vector<analysis::TreeDigest> trees;
  std::vector<MetricLine> metrics;
  std::vector<analysis::StageMark> stages;
  std::vector<analysis::BusySpan> busy;
  uint64_t hidden_trees = 0;  ///< that found no room, since the start

  bool is_empty() const {
    return !has_state && trees.empty() && metrics.empty() && stages.empty() &&
           busy.empty();
  }
};

/// Thread-safe. Each post takes a lock that is only ever held to move things in or out;
/// what a slow reader leaves lying is bounded: states replace each other, trees beyond
/// kMostTrees are counted and forgotten.
class RunFeed {
 public:
  static constexpr size_t kMostTrees = 2048;
  static constexpr size_t kMostLines = 65536;

  void post(RunState state);
  void post(analysis::TreeDigest tree);
  void post(MetricLine line);
  void post(analysis::StageMark mark);
  void post(analysis::BusySpan span);

  FeedNews take();

  /// Asked by a browser; the run looks for it when it turns.
  void ask_for_drain() { drain_.store(true); }
  bool drain_is_asked_for() const { return drain_.load(); }

 private:
  std::mutex mutex_;
  FeedNews news_;
  std::atomic<bool> drain_{false};
};

}  // namespace srpo::dashboard
