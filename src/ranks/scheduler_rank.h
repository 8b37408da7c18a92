// The scheduler's rank: carries out what the state machine asks for, and keeps the run's
// folder.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/actor.h"
#include "actors/runtime.h"
#include "core/deadline.h"
#include "core/metrics.h"
#include "dashboard/live_run.h"
#include "ranks/generator_rank.h"
#include "ranks/learner_rank.h"
#include "ranks/localization_rank.h"
#include "ranks/problem_source.h"
#include "ranks/progress_line.h"
#include "ranks/rank_layout.h"
#include "ranks/step_report.h"
#include "ranks/verifier_rank.h"
#include "ranks/worker_watch.h"
#include "scheduler/scheduler.h"
#include "scheduler/scheduler_config.h"
#include "storage/replay_writer.h"
#include "storage/run_folder.h"

namespace srpo::ranks {

/// One thread only: the reactor's. Borrows everything it is given.
class SchedulerRank final : public actors::Actor {
 public:
  SchedulerRank(const RunConfig& config, const records::DrawPlan& plan,
                const RankLayout& layout, storage::RunFolder& folder,
                storage::ReplayWriter& replay, const ProblemSource& problems,
                actors::Runtime& runtime);

  /// From now on the run is written down as it goes on, and shown where the job asks for
  /// it. Before start().
  void tell_to(const dashboard::DashboardConfig& dashboard, const std::string& job_yaml);
  /// Restores the newest whole checkpoint and begins. Waits for the learners.
  void start();
  bool is_finished() const { return finished_; }
  /// Stops at once; what is accepted is durable already.
  void stop_early(int signal);
  /// Begins nothing new, lets what is in flight end for so long, and writes a checkpoint;
  /// then is_finished() and was_stopped().
  void drain(std::chrono::nanoseconds patience, const std::string& reason);
  bool was_stopped() const { return stopped_; }
  /// Learners have been asked for something that has not ended.
  bool learners_are_busy() const { return busy_learners_ > 0; }

  /// What the run waits for, one thing a line.
  std::vector<std::string> why();
  using Methods = actors::MethodList<&SchedulerRank::why>;

  bool work() override;

  const StageClock& stages() const { return stages_; }
  const DrawStatistics& drawn() const { return drawn_in_all_; }
  double trained_tokens() const { return trained_tokens_; }
  /// Steps that were trained since this start.
  uint64_t steps_done() const { return steps_done_; }
  std::vector<RankUsage> collect_usage();

 private:
  void carry_out(std::vector<scheduler::Command> commands);
  void carry_out(const scheduler::commands::OpenStep& open);
  void carry_out(const scheduler::commands::Generate& generate);
  void carry_out(const scheduler::commands::Verify& verify);
  void carry_out(const scheduler::commands::Localize& localize);
  void carry_out(const scheduler::commands::Release& release);
  void carry_out(const scheduler::commands::Cancel& cancel);
  void carry_out(const scheduler::commands::Record& record);
  void carry_out(const scheduler::commands::Drop& drop);
  void carry_out(const scheduler::commands::Quarantine& quarantine);
  void carry_out(const scheduler::commands::TrainDemonstrations& train);
  void carry_out(const scheduler::commands::Train& train);
  void carry_out(const scheduler::commands::Publish& publish);
  void carry_out(const scheduler::commands::Checkpoint& checkpoint);
  void carry_out(const scheduler::commands::Finish& finish);

  scheduler::Progress restore_checkpoint();
  std::vector<records::Problem> problems_for(
      const scheduler::commands::OpenStep& open) const;
  std::vector<records::RolloutTree> recorded_trees(
      const scheduler::commands::OpenStep& open) const;
  void open_step(const scheduler::commands::OpenStep& open);
  void save_checkpoint(const scheduler::commands::Checkpoint& checkpoint);
  void complete();
  void write_metrics(int64_t step, const std::map<std::string, double>& values);
  uint64_t num_dropped() const;

  template <class R, class Action>
  void when_all(const std::vector<actors::Future<R>>& futures, Action action,
                std::function<void(const actors::CallError&)> failed = {});

  // scheduler_rank_live.cpp: what is told while the run goes on
  void enter_stage(const std::string& stage);
  void begin_work(int rank);
  void end_work(int rank);
  void tell_tree(const records::RolloutTree& tree);
  void tell_how_it_stands();
  std::string progress_text() const;

  // scheduler_rank_disk.cpp: a full disk
  void when_there_is_room(std::function<void()> action);
  void wait_for_room(std::function<void()> action, const std::string& message);
  bool try_again();
  void require_room_for_checkpoint() const;

  void fail(scheduler::Role role, uint32_t worker, const records::TrajectoryId& id,
            const actors::CallError& error);
  void finish_step(uint32_t step, const DrawStatistics& drawn,
                   const learner::StepStats& stats);
  void finish_demonstrations(const learner::StepStats& stats);
  void report_validation();
  void show_progress();
  void write_status(const std::string& state, const std::string& reason);

  const RunConfig& config_;
  const RankLayout& layout_;
  storage::RunFolder& folder_;
  storage::ReplayWriter& replay_;
  const ProblemSource& problems_;
  actors::Runtime& runtime_;
  records::DrawPlan plan_;
  text::Tokenizer tokenizer_;
  std::optional<scheduler::Scheduler> scheduler_;
  std::deque<scheduler::Event> events_;
  WorkerWatch workers_;
  scheduler::SchedulerState restored_;
  std::optional<core::MetricSink> metrics_;
  std::optional<dashboard::LiveRun> live_;
  ProgressLine progress_;
  Eta eta_;
  StageClock stages_;
  scheduler::commands::OpenStep open_step_{0, false, 0};
  bool drawing_ = false;
  DrawStatistics drawn_;      // of the step that was opened last
  DrawStatistics validated_;  // of the last validation
  uint32_t validation_step_ = 0;
  size_t validation_left_ = 0;
  DrawStatistics drawn_in_all_;
  double draw_seconds_ = 0;
  double trained_tokens_ = 0;
  uint64_t steps_done_ = 0;
  bool eta_started_ = false;
  bool finished_ = false;
  bool stopped_ = false;
  bool drains_ = false;
  size_t num_parked_ = 0;  // at a drain
  std::string stop_reason_;
  size_t busy_learners_ = 0;                            // calls that have not ended
  std::deque<std::function<void()>> waiting_for_room_;  // in order; empty: there is room
  std::string full_disk_;                               // what the last try has said
  core::Deadline next_try_ = core::Deadline::in({});
};

}  // namespace srpo::ranks
