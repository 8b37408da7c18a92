// What is told while a run goes on: activity file, page, TensorBoard.
#include <cstdio>

#include "ranks/run_status.h"
#include "ranks/scheduler_rank.h"

namespace srpo::ranks {

void SchedulerRank::tell_to(const dashboard::DashboardConfig& dashboard,
                            const std::string& job_yaml) {
  dashboard::RunNames names;
  names.name = config_.name;
  names.folder = folder_.path();
  names.job_yaml = job_yaml;
  names.job_digest = folder_.job_digest();
  for (int rank = 0; rank < layout_.size; ++rank)
    names.roles.push_back(layout_.role_of(rank));
  live_.emplace(dashboard, names);
  const std::string url = live_->url();
  if (!url.empty())
    progress_.print("page of this run: " + url +
                    (dashboard.token.empty() ? "" : "?token=... (dashboard.token)"));
}

void SchedulerRank::enter_stage(const std::string& stage) {
  stages_.enter(stage);
  if (live_) live_->enter(stage, scheduler_ ? scheduler_->progress().steps : 0);
}

void SchedulerRank::begin_work(int rank) {
  if (live_) live_->begin(rank);
}

void SchedulerRank::end_work(int rank) {
  if (live_) live_->end(rank);
}

void SchedulerRank::tell_tree(const records::RolloutTree& tree) {
  if (live_) live_->accept(tree);
}

/// "" when there is nothing to say.
std::string SchedulerRank::progress_text() const {
  if (!full_disk_.empty()) return "ALARM: no space; nothing new is begun: " + full_disk_;
  if (!drawing_) return "";
  const auto [problems, recorded] = scheduler_->step_progress();
  if (problems == 0) return "";
  const double tokens =
      static_cast<double>((open_step_.validation ? validated_ : drawn_).decoded_tokens);
  const double seconds = stages_.current();
  return (open_step_.validation ? "validation at step " : "drawing step ") +
         std::to_string(open_step_.step) + "   " + std::to_string(recorded) + "/" +
         std::to_string(problems) + " problems  " +
         fixed(seconds > 0 ? tokens / seconds : 0, 0) + " tok/s  eta " +
         eta_.text(open_step_.step, config_.steps);
}

void SchedulerRank::tell_how_it_stands() {
  if (!live_) return;
  if (live_->drain_is_asked_for() && !drains_ && !finished_) {
    drains_ = true;
    drain(std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::duration<double>(config_.drain_seconds)),
          "drained from the page");
  }
  const bool is_due = live_->turn();
  if (!is_due && !finished_) return;
  dashboard::RunState state;
  state.state = stopped_ ? "stopped" : finished_ ? "complete" : "running";
  state.reason = stop_reason_;
  const std::string text = progress_text();
  state.line = finished_ ? state.state : text.empty() ? stages_.name() : text;
  state.step = scheduler_->progress().steps;
  state.steps_in_all = config_.steps;
  state.accepted = replay_.num_accepted();
  state.dropped = num_dropped();
  if (!finished_) state.why = scheduler_->why();
  for (int rank = 0; rank < layout_.size; ++rank)
    live_->set_there(rank, workers_.is_there(rank));
  live_->show(std::move(state));
}

}  // namespace srpo::ranks
