// A world for tests: answers commands in a seeded random order.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "core/archive.h"
#include "core/random.h"
#include "scheduler/scheduler.h"

namespace srpo::scheduler {

using records::DrawKind;
using records::RolloutTree;
using records::Trajectory;
using records::TrajectoryId;
using records::Use;

/// Whether a chain succeeds is a function of its id, as with keyed randomness.
using Succeeds = std::function<bool(const TrajectoryId&)>;

inline Succeeds with_probability(double p) {
  return [p](const TrajectoryId& id) {
    return core::uniform(11, core::Purpose::kTest, id.key(), 0) < p;
  };
}

inline Trajectory draw(const records::GenerationRequest& request) {
  Trajectory trajectory;
  trajectory.id = request.id;
  trajectory.tokens = request.prefix_tokens;
  trajectory.thought_ends = request.prefix_thought_ends;
  trajectory.prefix_length = static_cast<uint32_t>(request.prefix_tokens.size());
  const auto more = 2 + request.id.key() % 3;
  for (uint64_t i = 0; i < more; ++i) {
    for (int t = 0; t < 5; ++t) trajectory.tokens.push_back(static_cast<int32_t>(i));
    trajectory.thought_ends.push_back(static_cast<uint32_t>(trajectory.tokens.size()));
  }
  trajectory.logprobs.assign(trajectory.tokens.size(), -1.0f);
  return trajectory;
}

/// Answers commands in a seeded random order, sometimes with a failure; keeps what was
/// recorded and trained.
class World {
 public:
  World(SchedulerConfig config, Succeeds succeeds, uint64_t seed, double failure_rate = 0,
        Progress progress = {},
        std::map<std::tuple<uint32_t, uint32_t, bool>, RolloutTree> recorded = {},
        SchedulerState state = {})
      : scheduler_(std::move(config), progress, std::move(state)),
        succeeds_(std::move(succeeds)),
        rng_(seed, core::Purpose::kTest, 99),
        failure_rate_(failure_rate),
        recorded_(std::move(recorded)) {}

  void run() {
    take(scheduler_.start(Time(0)));
    while (!queue_.empty() && log_.size() < stop_after_) {
      const size_t pick = rng_.below(queue_.size());
      Event event = std::move(queue_[pick]);
      queue_.erase(queue_.begin() + static_cast<long>(pick));
      now_ += std::chrono::milliseconds(1);
      take(scheduler_.on(std::move(event), now_));
      ASSERT_TRUE(scheduler_.ledger().closes());
      ASSERT_TRUE(scheduler_.sequences().closes());
      if (asks_why_ && !scheduler_.is_finished()) {
        ASSERT_FALSE(scheduler_.why().empty());
      }
    }
    if (log_.size() >= stop_after_) return;
    ASSERT_TRUE(scheduler_.is_finished())
        << "stuck: " << testing::PrintToString(scheduler_.why());
    ASSERT_EQ(scheduler_.ledger().in_flight, 0U);
    ASSERT_EQ(scheduler_.sequences().in_flight, 0U);
  }

  Scheduler scheduler_;
  std::vector<std::string> log_;  // order of the run's own stages
  std::map<uint32_t, std::vector<RolloutTree>> batches_;
  uint32_t problems_ = 6;
  uint64_t drops_ = 0;
  std::set<TrajectoryId> released_;
  std::set<TrajectoryId> cancelled_;
  std::vector<commands::Quarantine> quarantined_;
  std::map<std::pair<uint32_t, uint32_t>, std::vector<records::Localization>> further_;
  std::optional<commands::Checkpoint> checkpoint_;
  std::map<TrajectoryId, uint32_t> generated_by_;
  uint32_t suffixes_elsewhere_ = 0;  // not drawn where their prefix is cached
  bool asks_why_ = true;
  size_t stop_after_ = ~size_t{0};  // entries of log_
  uint32_t problem_names_ = 0;      // how many different problems there are; 0: many
  /// Sequences whose workers always fail.
  std::function<bool(const TrajectoryId&)> is_poison_;
  bool stopped_ = false;
  bool revises_ = false;  // a localizer answers with the prompt of second attempts

  const auto& recorded() const { return recorded_; }

 private:
  void take(std::vector<Command> commands) {
    for (Command& command : commands) std::visit([&](auto& c) { carry_out(c); }, command);
  }
  bool fails(const TrajectoryId& id) {
    if (is_poison_ && id != TrajectoryId{} && is_poison_(id)) return true;
    return failure_rate_ > 0 && rng_.uniform() < failure_rate_;
  }

  void carry_out(commands::OpenStep& open) {
    log_.push_back((open.validation ? "validate " : "step ") + std::to_string(open.step));
    events::StepOpened opened{open.step, open.validation, {}};
    const uint32_t count = open.problems > 0 ? open.problems : problems_;
    for (uint32_t slot = 0; slot < count; ++slot) {
      const auto known = recorded_.find({open.step, slot, open.validation});
      RolloutTree tree;
      tree.step = open.step;
      tree.slot = slot;
      tree.validation = open.validation;
      tree.prompt_tokens = {1, 2, 3};
      const uint32_t number = open.step * count + slot;
      tree.problem.id =
          std::to_string(problem_names_ > 0 ? number % problem_names_ : number);
      if (known != recorded_.end()) tree = known->second;
      opened.entries.push_back({tree, known != recorded_.end(), 0});
    }
    queue_.emplace_back(opened);
  }
  void carry_out(commands::Generate& generate) {
    const auto& request = generate.request;
    EXPECT_TRUE(drawn_.insert(request.id).second || failure_rate_ > 0 || is_poison_);
    if (request.parent && generated_by_.at(*request.parent) != generate.worker)
      ++suffixes_elsewhere_;
    if (fails(request.id)) {
      queue_.emplace_back(
          events::Failed{Role::kGenerator, generate.worker, request.id, "lost"});
    } else {
      generated_by_[request.id] = generate.worker;
      Trajectory trajectory = draw(request);
      trajectory.policy_version = version_;
      queue_.emplace_back(events::Generated{std::move(trajectory), generate.worker});
    }
  }
  void carry_out(commands::Verify& verify) {
    if (fails({})) {
      queue_.emplace_back(
          events::Failed{Role::kVerifier, verify.worker, verify.id, "lost"});
      return;
    }
    records::Verdict verdict;
    const bool right = succeeds_(verify.id);
    verdict.kind = right ? records::VerdictKind::kCorrect : records::VerdictKind::kWrong;
    verdict.reward = right ? 1 : 0;
    queue_.emplace_back(events::Verified{verify.id, verdict, verify.worker});
  }
  void carry_out(commands::Localize& localize) {
    TrajectoryId id = localize.seed.id;
    if (fails({})) {
      id.kind = DrawKind::kLocalization;
      queue_.emplace_back(events::Failed{Role::kLocalizer, localize.worker, id, "lost"});
      return;
    }
    records::Localization found;
    found.num_thoughts = static_cast<uint32_t>(localize.seed.thought_ends.size());
    found.thought = 1 + static_cast<uint32_t>(id.key() % found.num_thoughts);
    const uint32_t kept = found.thought == 1 || revises_
                              ? 0
                              : localize.seed.thought_ends[found.thought - 2];
    const std::vector<int32_t> revision(revises_ ? 1 : 0);
    queue_.emplace_back(events::Localized{id, found, kept, localize.worker, revision});
  }
  void carry_out(commands::Release& release) {
    released_.insert(release.ids.begin(), release.ids.end());
  }
  /// The work is stopped: no answer comes, or a late one that must be ignored.
  void carry_out(commands::Cancel& cancel) {
    cancelled_.insert(cancel.ids.begin(), cancel.ids.end());
  }
  void carry_out(commands::Quarantine& quarantine) { quarantined_.push_back(quarantine); }
  void carry_out(commands::Record& record) {
    const auto key =
        std::make_tuple(record.tree.step, record.tree.slot, record.tree.validation);
    EXPECT_TRUE(recorded_.emplace(key, record.tree).second) << "recorded twice";
    further_[{record.tree.step, record.tree.slot}] = record.tree.further;
    queue_.emplace_back(
        events::Recorded{record.tree.step, record.tree.slot, record.tree.validation});
  }
  void carry_out(commands::Drop&) { ++drops_; }
  void carry_out(commands::TrainDemonstrations& train) {
    log_.push_back("demonstrations " + std::to_string(train.batch));
    queue_.emplace_back(events::DemonstrationsTrained{});
  }
  void carry_out(commands::Train& train) {
    log_.push_back("train " + std::to_string(train.step));
    batches_[train.step] = train.trees;
    queue_.emplace_back(events::Trained{});
  }
  void carry_out(commands::Publish& publish) {
    log_.push_back("publish " + std::to_string(publish.version));
    version_ = publish.version;
    queue_.emplace_back(events::Published{});
  }
  void carry_out(commands::Checkpoint& checkpoint) {
    log_.push_back("checkpoint " + std::to_string(checkpoint.progress.steps));
    checkpoint_ = checkpoint;
    queue_.emplace_back(events::Checkpointed{});
  }
  void carry_out(commands::Finish& finish) {
    stopped_ = finish.stopped;
    log_.emplace_back("finish");
  }

  Succeeds succeeds_;
  uint32_t version_ = 0;
  Time now_{0};
  core::Rng rng_;
  double failure_rate_;
  std::deque<Event> queue_;
  std::set<TrajectoryId> drawn_;
  std::map<std::tuple<uint32_t, uint32_t, bool>, RolloutTree> recorded_;
};

inline SchedulerConfig srpo_config() {
  SchedulerConfig config;
  config.steps = 3;
  config.problems_per_step = 6;
  config.validate_every = 2;
  config.checkpoint_every = 2;
  config.generators.workers = 3;
  config.verifiers.workers = 2;
  return config;
}

inline core::Bytes batch_bytes(const World& world) {
  core::ByteWriter writer;
  for (const auto& [step, trees] : world.batches_) writer.write(trees);
  return writer.take();
}

inline uint32_t count(const RolloutTree& tree, Use use) {
  uint32_t found = 0;
  for (const Trajectory& chain : tree.fresh) found += chain.use == use ? 1 : 0;
  return found;
}

}  // namespace srpo::scheduler
