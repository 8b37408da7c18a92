// What a run tells while it goes on, and where: activity file, TensorBoard, page.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/deadline.h"
#include "dashboard/activity_recorder.h"
#include "dashboard/run_feed.h"
#include "dashboard/server.h"
#include "dashboard/tensorboard_writer.h"
#include "records/rollout_tree.h"

namespace srpo::dashboard {

/// The run's side; every call comes back at once. A page that cannot be opened is a
/// warning, not an error. One thread only: the run's.
class LiveRun {
 public:
  LiveRun(const DashboardConfig& config, const RunNames& names);
  ~LiveRun();
  LiveRun(const LiveRun&) = delete;
  LiveRun& operator=(const LiveRun&) = delete;

  /// A rank was given a piece of work, or has answered it.
  void begin(int rank) { activity_.begin(rank); }
  void end(int rank) { activity_.end(rank); }
  void enter(const std::string& stage, int64_t step);
  void accept(const records::RolloutTree& tree);
  void metrics(int64_t step, const std::map<std::string, double>& values);
  /// Call often. True, at most once a second and only with a page, when a state is
  /// wanted: then show().
  bool turn();
  /// `state`: with `ranks` empty and no rates; they are filled in.
  void show(RunState state);
  /// A rank's process has gone, or is there again.
  void set_there(int rank, bool is_there);

  bool drain_is_asked_for() const { return feed_.drain_is_asked_for(); }
  /// "" without a page.
  std::string url() const { return server_ ? server_->url() : ""; }

 private:
  void open_page(const DashboardConfig& config);

  RunNames names_;
  ActivityRecorder activity_;
  std::optional<TensorboardWriter> tensorboard_;
  RunFeed feed_;
  std::unique_ptr<Server> server_;
  core::Stopwatch since_state_;
  uint64_t decoded_tokens_ = 0;
  uint64_t tokens_then_ = 0;
  double rate_ = 0;
  bool is_first_ = true;
  std::vector<bool> gone_;
};

}  // namespace srpo::dashboard
