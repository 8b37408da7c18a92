#include "ranks/scheduler_rank.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numbers>
#include <sstream>

#include "analysis/statistics.h"
#include "core/log.h"
#include "ranks/checkpoint_folder.h"
#include "ranks/quarantine.h"
#include "ranks/run_status.h"
#include "ranks/scheduler_setup.h"
#include "ranks/scheduler_state.h"
#include "rl/prompts.h"

namespace srpo::ranks {
namespace {

namespace commands = scheduler::commands;
namespace events = scheduler::events;
using actors::CallResult;

scheduler::Time monotonic_now() { return core::Clock::now().time_since_epoch(); }

double per_second(double count, double seconds) {
  return seconds > 0 ? count / seconds : 0;
}

/// The answer of a learner, unless the job ends before.
template <class R>
R wait_for_learner(actors::Runtime& runtime, const actors::Future<R>& future) {
  while (!future.is_ready()) {
    REQUIRE(!runtime.is_stopping(), kPeerLost, "the job ends while a learner works");
    runtime.turn();
  }
  return std::move(future.result().value());
}

}  // namespace

SchedulerRank::SchedulerRank(const RunConfig& config, const records::DrawPlan& plan,
                             const RankLayout& layout, storage::RunFolder& folder,
                             storage::ReplayWriter& replay, const ProblemSource& problems,
                             actors::Runtime& runtime)
    : config_(config),
      layout_(layout),
      folder_(folder),
      replay_(replay),
      problems_(problems),
      runtime_(runtime),
      plan_(plan),
      tokenizer_(text::Tokenizer::load(model_folder(config).path)),
      workers_(
          runtime, layout,
          // Before anything else: nothing more is given to a rank that is lost.
          [this](scheduler::Event event) { events_.push_front(std::move(event)); },
          [this](const std::string& text) { progress_.print(text); }),
      metrics_(std::in_place, folder.metrics()) {}

/// Runs `action` with the first learner's answer when every learner has answered.
/// `failed`: what to do instead when they find the disk full; other errors are thrown.
template <class R, class Action>
void SchedulerRank::when_all(const std::vector<actors::Future<R>>& futures, Action action,
                             std::function<void(const actors::CallError&)> failed) {
  struct Gathering {
    size_t left;
    std::optional<R> first;
    std::optional<actors::CallError> error;
  };
  auto all = std::make_shared<Gathering>();
  all->left = futures.size();
  busy_learners_ += futures.size();
  for (size_t i = 0; i < futures.size(); ++i) {
    auto future = futures[i];
    const int rank = layout_.learners.at(i);
    begin_work(rank);
    future.then([this, all, action, failed, i, rank](CallResult<R>& result) {
      --busy_learners_;
      end_work(rank);
      const bool is_full =
          !result.has_value() && result.error().cause == core::ErrorKind::kNoSpace;
      if (is_full && failed) {
        all->error = result.error();
      } else if (i == 0) {
        all->first.emplace(std::move(result.value()));
      } else {
        result.value();  // throws what the learner threw
      }
      if (--all->left > 0) return;
      if (all->error) {
        failed(*all->error);
      } else {
        action(*all->first);
      }
    });
  }
}

std::vector<std::string> SchedulerRank::why() {
  if (!scheduler_) return {"the run starts"};
  return scheduler_->why();
}

void SchedulerRank::start() {
  enter_stage("start");
  const scheduler::Progress progress = restore_checkpoint();
  scheduler_.emplace(scheduler_config(config_, plan_, layout_), progress,
                     std::move(restored_));
  write_status("running", "");
  carry_out(scheduler_->start(monotonic_now()));
}

scheduler::Progress SchedulerRank::restore_checkpoint() {
  for (const CheckpointFolder& checkpoint : list_checkpoints(folder_.checkpoints())) {
    try {
      restored_ = load_scheduler_state(folder_.path(), checkpoint.progress,
                                       needs_state(config_.schedule));
      std::vector<actors::Future<std::string>> futures;
      for (const int rank : layout_.learners) {
        futures.push_back(runtime_.find<LearnerRank>(rank, "learner")
                              .call<&LearnerRank::restore>(checkpoint.path.string()));
      }
      for (auto& future : futures) wait_for_learner(runtime_, future);
      progress_.print("resuming from " + checkpoint.path.string() + " with " +
                      std::to_string(replay_.num_accepted()) + " recorded problems");
      return checkpoint.progress;
    } catch (const core::Error& error) {
      if (error.kind() != core::ErrorKind::kBadFile) throw;
      progress_.print(std::string("checkpoint refused: ") + error.what());
    }
  }
  if (replay_.num_accepted() > 0) {
    progress_.print("resuming with " + std::to_string(replay_.num_accepted()) +
                    " recorded problems and no checkpoint");
  }
  restored_ = {};
  return {};
}

bool SchedulerRank::work() {
  if (finished_ || !scheduler_) return false;
  bool busy = try_again();
  const auto due = scheduler_->next_deadline();
  if (due && *due <= monotonic_now()) events_.emplace_back(events::Tick{});
  while (!events_.empty()) {
    scheduler::Event event = std::move(events_.front());
    events_.pop_front();
    carry_out(scheduler_->on(std::move(event), monotonic_now()));
    ENSURE(scheduler_->ledger().closes(), "the ledger does not close");
    busy = true;
  }
  if (!finished_) show_progress();
  tell_how_it_stands();
  return busy;
}

void SchedulerRank::carry_out(std::vector<scheduler::Command> commands) {
  for (const scheduler::Command& command : commands) {
    std::visit([this](const auto& each) { carry_out(each); }, command);
  }
}

/// Candidates beyond a step's own problems are those of steps after the last one.
std::vector<records::Problem> SchedulerRank::problems_for(
    const commands::OpenStep& open) const {
  if (open.validation) return problems_.validation();
  std::vector<records::Problem> problems = problems_.of_step(open.step);
  for (uint32_t block = 1; problems.size() < open.problems; ++block) {
    auto more = problems_.of_step(open.step + block * std::max(config_.steps, 1U));
    std::move(more.begin(), more.end(), std::back_inserter(problems));
  }
  return problems;
}

/// What a lost rank held is told once, by the watch.
void SchedulerRank::fail(scheduler::Role role, uint32_t worker,
                         const records::TrajectoryId& id,
                         const actors::CallError& error) {
  const std::string& message = error.message;
  using Kind = actors::CallError::Kind;
  const bool is_lost =
      error.kind == Kind::kUnknownOutcome ||
      (error.kind == Kind::kNotSent && error.cause == core::ErrorKind::kPeerLost);
  if (is_lost) return;
  if (message.find(GeneratorRank::kCancelled) != std::string::npos) return;
  LOG(warn) << name_of(role) << " " << worker << " failed at " << id.to_string() << ": "
            << message;
  events_.emplace_back(events::Failed{role, worker, id, message});
}

void SchedulerRank::carry_out(const commands::OpenStep& open) {
  if (!eta_started_) {
    eta_.restart(open.step);
    eta_started_ = true;
  }
  enter_stage(open.validation ? "validation" : "drawing");
  open_step_ = open;
  drawing_ = true;
  when_there_is_room([this, open] { open_step(open); });
}

/// The trees of a step that another run has recorded.
std::vector<records::RolloutTree> SchedulerRank::recorded_trees(
    const commands::OpenStep& open) const {
  if (open.validation || config_.replay_of.empty()) return {};
  return problems_.recorded_step(open.step);
}

void SchedulerRank::open_step(const commands::OpenStep& open) {
  (open.validation ? validated_ : drawn_) = {};
  const auto recorded = recorded_trees(open);
  if (!recorded.empty()) replay_.accept(recorded);
  const auto problems =
      recorded.empty() ? problems_for(open) : std::vector<records::Problem>{};
  events::StepOpened opened{open.step, open.validation, {}};
  for (const records::RolloutTree& tree : recorded) {
    drawn_.add(tree);
    tell_tree(tree);
    opened.entries.push_back({tree, true});
  }
  for (uint32_t slot = 0; slot < problems.size(); ++slot) {
    if (const auto* known = replay_.find({open.step, slot, open.validation})) {
      (open.validation ? validated_ : drawn_).add(*known);
      opened.entries.push_back({*known, true});
      continue;
    }
    records::RolloutTree tree;
    tree.step = open.step;
    tree.slot = slot;
    tree.validation = open.validation;
    tree.problem = problems[slot];
    tree.prompt_tokens = tokenizer_.encode(rl::solve_prompt(
        config_.prompt_style, tree.problem.question, config_.prompt_examples));
    opened.entries.push_back({std::move(tree), false});
  }
  events_.emplace_back(std::move(opened));
  if (open.validation) {
    validation_step_ = open.step;
    validation_left_ = problems.size() - validated_.trees;
    if (validation_left_ == 0) report_validation();
  }
}

void SchedulerRank::carry_out(const commands::Generate& generate) {
  const int rank = layout_.generators[generate.worker];
  const records::TrajectoryId id = generate.request.id;
  begin_work(rank);
  runtime_.find<GeneratorRank>(rank, "generator")
      .call<&GeneratorRank::generate>(generate.request)
      .then([this, id, rank,
             worker = generate.worker](CallResult<records::Trajectory>& result) {
        end_work(rank);
        if (result.has_value()) {
          events_.emplace_back(events::Generated{std::move(result.value()), worker});
          return;
        }
        // It may still be drawn there, and a second try would be refused.
        if (result.error().kind == actors::CallError::Kind::kTimeout)
          carry_out(commands::Cancel{worker, {id}});
        fail(scheduler::Role::kGenerator, worker, id, result.error());
      });
}

void SchedulerRank::carry_out(const commands::Verify& verify) {
  const int rank = layout_.verifiers[verify.worker];
  begin_work(rank);
  runtime_.find<VerifierRank>(rank, "verifier")
      .call<&VerifierRank::verify>(verify.problem, verify.text)
      .then([this, rank, id = verify.id,
             worker = verify.worker](CallResult<records::Verdict>& result) {
        end_work(rank);
        if (result.has_value()) {
          events_.emplace_back(events::Verified{id, std::move(result.value()), worker});
        } else {
          fail(scheduler::Role::kVerifier, worker, id, result.error());
        }
      });
}

void SchedulerRank::carry_out(const commands::Localize& localize) {
  const int rank = layout_.localizers[localize.worker];
  begin_work(rank);
  runtime_.find<LocalizationRank>(rank, "localization")
      .call<&LocalizationRank::localize>(localize.problem, localize.seed)
      .then([this, rank, id = localize.seed.id,
             worker = localize.worker](CallResult<ResetPoint>& result) {
        end_work(rank);
        if (result.has_value()) {
          ResetPoint& point = result.value();
          events_.emplace_back(events::Localized{id, std::move(point.localization),
                                                 point.prefix_length, worker,
                                                 std::move(point.revision_prompt)});
          return;
        }
        records::TrajectoryId failed = id;
        failed.kind = records::DrawKind::kLocalization;
        fail(scheduler::Role::kLocalizer, worker, failed, result.error());
      });
}

void SchedulerRank::carry_out(const commands::Release& release) {
  runtime_.find<GeneratorRank>(layout_.generators[release.worker], "generator")
      .call<&GeneratorRank::release>(release.ids);
}

void SchedulerRank::carry_out(const commands::Cancel& cancel) {
  runtime_.find<GeneratorRank>(layout_.generators[cancel.worker], "generator")
      .call<&GeneratorRank::cancel>(cancel.ids);
}

void SchedulerRank::carry_out(const commands::Record& record) {
  when_there_is_room([this, tree = record.tree] {
    try {
      replay_.accept(tree);
    } catch (const core::Error& error) {
      // When only the sealing of a shard has found no room, the next one tries again.
      const bool is_full = error.kind() == core::ErrorKind::kNoSpace;
      if (!is_full || !replay_.contains(storage::key_of(tree))) throw;
    }
    (tree.validation ? validated_ : drawn_).add(tree);
    tell_tree(tree);
    if (tree.validation && --validation_left_ == 0) report_validation();
    events_.emplace_back(events::Recorded{tree.step, tree.slot, tree.validation});
  });
}

void SchedulerRank::carry_out(const commands::Quarantine& quarantine) {
  std::vector<int> ranks;
  const auto& of_role =
      quarantine.role == scheduler::Role::kGenerator  ? layout_.generators
      : quarantine.role == scheduler::Role::kVerifier ? layout_.verifiers
                                                      : layout_.localizers;
  for (const uint32_t worker : quarantine.workers) ranks.push_back(of_role[worker]);
  workers_.forgive(ranks);
  when_there_is_room([this, quarantine, ranks] {
    const auto path = save_quarantine(folder_.path(), quarantine, ranks, config_);
    progress_.print("quarantined " + quarantine.id.to_string() + " in " + path.string() +
                    ": " + quarantine.reason);
  });
}

void SchedulerRank::carry_out(const commands::Drop& drop) {
  if (drop.reason == "parked") {  // the next start draws it
    ++num_parked_;
    return;
  }
  progress_.print("dropped problem " + std::to_string(drop.slot) + " of step " +
                  std::to_string(drop.step) + ": " + drop.reason);
  when_there_is_room([this, drop] {
    replay_.drop({drop.step, drop.slot, drop.validation}, drop.reason);
  });
  if (drop.validation && --validation_left_ == 0) report_validation();
}

void SchedulerRank::carry_out(const commands::TrainDemonstrations& train) {
  if (stages_.seconds("warm start") == 0) eta_.restart(train.batch);
  enter_stage("warm start");
  const WarmStart& warm = config_.warm_start;
  const double progress = static_cast<double>(train.batch) / warm.batches;
  const double rate =
      warm.final_learning_rate + (warm.learning_rate - warm.final_learning_rate) * 0.5 *
                                     (1 + std::cos(progress * std::numbers::pi));
  const auto batch = problems_.demonstrations(train.batch, tokenizer_);
  std::vector<actors::Future<learner::StepStats>> futures;
  for (const int rank : layout_.learners) {
    futures.push_back(runtime_.find<LearnerRank>(rank, "learner")
                          .call<&LearnerRank::train_demonstrations>(
                              batch, rate / config_.learner.learning_rate));
  }
  when_all(futures, [this](const learner::StepStats& stats) {
    finish_demonstrations(stats);
    events_.emplace_back(events::DemonstrationsTrained{});
  });
}

void SchedulerRank::finish_demonstrations(const learner::StepStats& stats) {
  const uint32_t done = scheduler_->progress().demonstration_batches + 1;
  trained_tokens_ += static_cast<double>(stats.tokens);
  write_metrics(static_cast<int64_t>(done) - 1 - config_.warm_start.batches,
                {{"warm_start/loss", stats.loss},
                 {"warm_start/tokens", static_cast<double>(stats.tokens)},
                 {"warm_start/seconds", stats.seconds}});
  const std::string text =
      "warm start   batch " + std::to_string(done) + "/" +
      std::to_string(config_.warm_start.batches) + "  loss " + fixed(stats.loss, 3) +
      "  " + fixed(per_second(static_cast<double>(stats.tokens), stats.seconds), 0) +
      " tok/s  eta " + eta_.text(done, config_.warm_start.batches);
  if (done == config_.warm_start.batches) {
    progress_.print(text);
    eta_started_ = false;
  } else {
    progress_.update(text);
  }
}

void SchedulerRank::carry_out(const commands::Train& train) {
  draw_seconds_ = stages_.current();
  drawing_ = config_.schedule.mode != scheduler::Mode::kSync;
  enter_stage("training");
  DrawStatistics drawn;
  for (const records::RolloutTree& tree : train.trees) drawn.add(tree);
  std::vector<actors::Future<learner::StepStats>> futures;
  for (const int rank : layout_.learners) {
    futures.push_back(runtime_.find<LearnerRank>(rank, "learner")
                          .call<&LearnerRank::train>(train.trees));
  }
  when_all(futures, [this, drawn, step = train.step](const learner::StepStats& stats) {
    finish_step(step + 1, drawn, stats);
    events_.emplace_back(events::Trained{});
  });
}

void SchedulerRank::finish_step(uint32_t step, const DrawStatistics& drawn,
                                const learner::StepStats& stats) {
  trained_tokens_ += static_cast<double>(stats.tokens);
  write_metrics(step, step_metrics(drawn, stats, draw_seconds_));
  drawn_in_all_.merge(drawn);
  ++steps_done_;
  std::ostringstream text;
  text << "step " << std::setw(4) << step << "/" << config_.steps << "  reward base "
       << fixed(drawn.mean_base_reward(), 3);
  if (plan_.suffix_group > 0) {
    text << " suffix " << fixed(drawn.mean_suffix_reward(), 3) << "  resets "
         << drawn.resets << " gain " << std::showpos << fixed(drawn.mean_reset_gain(), 3)
         << std::noshowpos;
  }
  text << "  draw " << fixed(draw_seconds_, 1) << " s ("
       << fixed(per_second(static_cast<double>(drawn.decoded_tokens), draw_seconds_), 0)
       << " tok/s)  train " << fixed(stats.seconds, 1) << " s ("
       << fixed(per_second(static_cast<double>(stats.tokens), stats.seconds), 0)
       << " tok/s)  eta " << eta_.text(step, config_.steps);
  progress_.print(text.str());
}

void SchedulerRank::report_validation() {
  const auto trees = static_cast<int64_t>(validated_.base_chains);
  const auto correct = static_cast<int64_t>(std::llround(validated_.base_reward));
  const auto interval = analysis::wilson_interval(correct, trees);
  write_metrics(validation_step_, {{"validation/accuracy", validated_.mean_base_reward()},
                                   {"validation/accuracy_low", interval.low},
                                   {"validation/accuracy_high", interval.high},
                                   {"validation/problems", static_cast<double>(trees)}});
  if (config_.best_checkpoints_kept > 0) {
    record_score(folder_.checkpoints(), static_cast<uint32_t>(validation_step_),
                 validated_.mean_base_reward());
  }
  drawn_in_all_.decoded_tokens += validated_.decoded_tokens;
  progress_.print("validation at step " + std::to_string(validation_step_) +
                  "   accuracy " + fixed(validated_.mean_base_reward(), 3) +
                  "  (95 % interval " + fixed(interval.low, 3) + " .. " +
                  fixed(interval.high, 3) + ", " + std::to_string(correct) + " of " +
                  std::to_string(trees) + ")");
}

void SchedulerRank::carry_out(const commands::Publish& publish) {
  enter_stage("publication");
  const std::vector<int32_t> ranks = workers_.policy_ranks();
  std::vector<actors::Future<actors::Done>> futures;
  for (const int rank : layout_.learners) {
    futures.push_back(runtime_.find<LearnerRank>(rank, "learner")
                          .call<&LearnerRank::publish>(publish.version, ranks));
  }
  when_all(futures, [this](const actors::Done&) {
    enter_stage(open_step_.validation ? "validation" : "drawing");
    events_.emplace_back(events::Published{});
  });
}

void SchedulerRank::carry_out(const commands::Checkpoint& checkpoint) {
  enter_stage("checkpoint");
  when_there_is_room([this, checkpoint] { save_checkpoint(checkpoint); });
}

void SchedulerRank::save_checkpoint(const commands::Checkpoint& checkpoint) {
  require_room_for_checkpoint();
  if (needs_state(config_.schedule))
    save_scheduler_state(folder_.path(), checkpoint.progress, checkpoint.state);
  const CheckpointFolder target{
      folder_.checkpoints() / checkpoint_name(checkpoint.progress), checkpoint.progress};
  std::vector<actors::Future<actors::Done>> futures;
  for (const int rank : layout_.learners) {
    futures.push_back(
        runtime_.find<LearnerRank>(rank, "learner")
            .call<&LearnerRank::save>(target.path.string(),
                                      checkpoint_name(checkpoint.progress)));
  }
  // The learners go on while they write: the newest one may not be there yet.
  const auto saved = [this, target](const actors::Done&) {
    const size_t others = std::max<size_t>(1, config_.checkpoints_kept - size_t{1});
    remove_old_checkpoints(
        folder_.checkpoints(),
        std::filesystem::exists(target.path) ? config_.checkpoints_kept : others,
        config_.best_checkpoints_kept);
    auto kept = list_checkpoints(folder_.checkpoints());
    kept.push_back(target);
    remove_old_scheduler_states(folder_.path(), kept);
    events_.emplace_back(events::Checkpointed{});
  };
  when_all(futures, saved, [this, checkpoint](const actors::CallError& error) {
    wait_for_room([this, checkpoint] { save_checkpoint(checkpoint); }, error.message);
  });
}

void SchedulerRank::carry_out(const commands::Finish& finish) {
  if (finish.stopped) {
    enter_stage("");
    stopped_ = true;
    finished_ = true;
    write_status("stopped", stop_reason_);
    progress_.print("stopped: " + stop_reason_ + ", " + std::to_string(num_parked_) +
                    " problems parked; the same command goes on from here");
    return;
  }
  drawing_ = false;
  enter_stage("finish");
  when_there_is_room([this] { complete(); });
}

void SchedulerRank::complete() {
  replay_.seal();
  if (config_.export_format != "none") {
    std::vector<actors::Future<actors::Done>> futures;
    for (const int rank : layout_.learners) {
      futures.push_back(
          runtime_.find<LearnerRank>(rank, "learner")
              .call<&LearnerRank::export_model>(folder_.exports().string()));
    }
    for (auto& future : futures) wait_for_learner(runtime_, future);
  }
  write_status("complete", "");
  enter_stage("");
  finished_ = true;
}

std::vector<RankUsage> SchedulerRank::collect_usage() {
  std::vector<RankUsage> usage = {
      measure_usage(runtime_.rank(), layout_.role_of(runtime_.rank()))};
  const auto add = [&](const std::vector<int>& ranks, auto call) {
    for (const int rank : ranks) {
      if (!workers_.is_there(rank)) continue;
      const auto answer = runtime_.wait_for(call(rank), std::chrono::seconds(20));
      while (!answer.is_ready() && !runtime_.is_stopping()) runtime_.turn();
      if (!answer.is_ready() || !answer.result().has_value()) continue;
      RankUsage found = answer.result().value();
      const auto known = std::find_if(usage.begin(), usage.end(),
                                      [&](const RankUsage& u) { return u.rank == rank; });
      if (known == usage.end()) {
        usage.push_back(std::move(found));
      } else {  // a rank of several roles
        known->cache_lookups += found.cache_lookups;
        known->cache_hits += found.cache_hits;
      }
    }
  };
  add(layout_.generators, [this](int rank) {
    return runtime_.find<GeneratorRank>(rank, "generator").call<&GeneratorRank::usage>();
  });
  add(layout_.localizers, [this](int rank) {
    return runtime_.find<LocalizationRank>(rank, "localization")
        .call<&LocalizationRank::usage>();
  });
  add(layout_.verifiers, [this](int rank) {
    return runtime_.find<VerifierRank>(rank, "verifier").call<&VerifierRank::usage>();
  });
  add(layout_.learners, [this](int rank) {
    return runtime_.find<LearnerRank>(rank, "learner").call<&LearnerRank::usage>();
  });
  return usage;
}

void SchedulerRank::stop_early(int signal) {
  write_status("stopped", "signal " + std::to_string(signal));
  progress_.print("stopped by signal " + std::to_string(signal) +
                  "; the same command goes on from here");
  runtime_.stop_all();
}

void SchedulerRank::drain(std::chrono::nanoseconds patience, const std::string& reason) {
  stop_reason_ = reason;
  events_.emplace_back(events::Drain{monotonic_now() + patience});
}

void SchedulerRank::show_progress() {
  const std::string text = progress_text();
  if (!text.empty()) progress_.update(text);
}

/// A line is written as a whole or not at all.
void SchedulerRank::write_metrics(int64_t step,
                                  const std::map<std::string, double>& values) {
  if (live_) live_->metrics(step, values);
  when_there_is_room([this, step, values] {
    const auto size = std::filesystem::file_size(folder_.metrics());
    try {
      metrics_->write(step, values);
    } catch (const core::Error&) {
      metrics_.reset();
      std::filesystem::resize_file(folder_.metrics(), size);
      metrics_.emplace(folder_.metrics());
      throw;
    }
  });
}

/// Over all starts; not those that a later start has drawn after all.
uint64_t SchedulerRank::num_dropped() const {
  uint64_t count = 0;
  for (const auto& [key, reason] : replay_.dropped())
    count += replay_.contains(key) ? 0 : 1;
  return count;
}

void SchedulerRank::write_status(const std::string& state, const std::string& reason) {
  try {
    save_status(folder_.status(),
                {state, reason, scheduler_ ? scheduler_->progress().steps : 0,
                 replay_.num_accepted(), num_dropped()});
  } catch (const core::Error& error) {
    if (error.kind() != core::ErrorKind::kNoSpace) throw;
    progress_.print(std::string("status.json is not up to date: ") + error.what());
  }
}

}  // namespace srpo::ranks
