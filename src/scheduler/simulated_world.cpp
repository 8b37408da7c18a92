#include "scheduler/simulated_world.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/error.h"

namespace srpo::scheduler {
namespace {

using core::Purpose;
using core::uniform;
using records::DrawKind;
using records::Trajectory;
using records::TrajectoryId;

/// Streams of randomness of one simulation, besides those of its chains.
constexpr uint64_t kFaultStream = ~uint64_t{0};
/// Of the answers of workers that have died: those that come nevertheless.
constexpr double kZombieShare = 0.1;
/// Positions of a chain's draws.
constexpr uint32_t kLength = 0;
constexpr uint32_t kSuccess = 1;
constexpr uint32_t kThoughts = 2;
constexpr uint32_t kVerification = 3;

/// One number of a problem, whatever chain of it asks.
uint64_t problem_key(const TrajectoryId& id) {
  return TrajectoryId{id.step, id.slot, DrawKind::kLocalization, 0xfff}.key();
}

Event failure(Role role, uint32_t worker, const TrajectoryId& id) {
  return events::Failed{role, worker, id, "simulated failure"};
}

}  // namespace

SimulatedWorld::SimulatedWorld(SimulationConfig config)
    : config_(std::move(config)),
      scheduler_(config_.scheduler, Progress{}),
      rng_(config_.seed, Purpose::kTest, kFaultStream) {
  const SchedulerConfig& of = config_.scheduler;
  const std::array<uint32_t, kNumRoles> counts = {
      of.generators.workers, of.verifiers.workers, of.localizers.workers};
  for (size_t role = 0; role < kNumRoles; ++role) {
    workers_[role].resize(counts[role]);
    servers_[role].resize(counts[role]);
    for (uint32_t i = 0; i < counts[role]; ++i) plan_kill(static_cast<Role>(role), i);
  }
  for (uint32_t i = 0; i < counts[0]; ++i) {
    generators_.emplace_back(config_.model, chance(config_.faults.slow_share)
                                                ? config_.faults.slow_factor
                                                : 1.0);
  }
}

void SimulatedWorld::push(Happening happening) {
  happening.order = orders_++;
  queue_.push(std::move(happening));
}

void SimulatedWorld::later(Event event, double seconds) {
  push({now_ + seconds, 0, Happening::Kind::kEvent, Role::kGenerator, 0, 0,
        std::make_shared<Event>(std::move(event))});
}

void SimulatedWorld::answer(Role role, uint32_t number, Event event, double at) {
  const uint32_t incarnation = worker(role, number).incarnation;
  auto shared = std::make_shared<Event>(std::move(event));
  const Happening happening{at,          0,     Happening::Kind::kAnswer, role, number,
                            incarnation, shared};
  push(happening);
  if (chance(config_.faults.duplicate_share)) {
    Happening again = happening;
    again.at += config_.hop_seconds * 50 * rng_.uniform();
    again.event = std::make_shared<Event>(*shared);
    push(again);
  }
}

bool SimulatedWorld::is_poison(const TrajectoryId& id) const {
  return config_.faults.poison_share > 0 && id.kind != DrawKind::kValidation &&
         uniform(config_.seed, Purpose::kTest, problem_key(id), 0) <
             config_.faults.poison_share;
}

bool SimulatedWorld::succeeds(const TrajectoryId& id) const {
  const WorldModel& model = config_.model;
  // A uniform spread of the wanted standard deviation, cut at 0 and 1.
  const double shift = uniform(config_.seed, Purpose::kTest, problem_key(id), 1) - 0.5;
  const double rate = model.success_rate + shift * model.success_spread * std::sqrt(12.0);
  return uniform(config_.seed, Purpose::kTest, id.key(), kSuccess) < rate;
}

double SimulatedWorld::tokens_of(const TrajectoryId& id) const {
  return std::max(1.0, config_.model.response_at(
                           uniform(config_.seed, Purpose::kTest, id.key(), kLength)));
}

/// A chain with one token for each thought; decoded_tokens says how long it really is.
Trajectory SimulatedWorld::chain_of(const records::GenerationRequest& request) const {
  Trajectory chain;
  chain.id = request.id;
  chain.tokens = request.prefix_tokens;
  chain.thought_ends = request.prefix_thought_ends;
  chain.prefix_length = static_cast<uint32_t>(request.prefix_tokens.size());
  const double share = uniform(config_.seed, Purpose::kTest, request.id.key(), kThoughts);
  const auto thoughts =
      1 + static_cast<uint32_t>(share * 2 * std::max(0.0, config_.model.thoughts - 1));
  for (uint32_t i = 0; i < thoughts; ++i) {
    chain.tokens.push_back(static_cast<int32_t>(request.id.key() % 1000 + i));
    chain.thought_ends.push_back(static_cast<uint32_t>(chain.tokens.size()));
  }
  chain.decoded_tokens = static_cast<uint32_t>(tokens_of(request.id));
  chain.policy_version = version_;
  return chain;
}

void SimulatedWorld::carry_out(std::vector<Command>& commands) {
  for (Command& command : commands)
    std::visit([this](auto& each) { carry_out(each); }, command);
}

void SimulatedWorld::carry_out(commands::OpenStep& open) {
  events::StepOpened opened{open.step, open.validation, {}};
  const uint32_t count = open.validation     ? config_.validation_problems
                         : open.problems > 0 ? open.problems
                                             : config_.problems_per_step;
  for (uint32_t slot = 0; slot < count; ++slot) {
    records::RolloutTree tree;
    tree.step = open.step;
    tree.slot = slot;
    tree.validation = open.validation;
    tree.prompt_tokens = {1};
    opened.entries.push_back({std::move(tree), false, 0});
  }
  later(std::move(opened), config_.hop_seconds);
}

void SimulatedWorld::carry_out(commands::Generate& generate) {
  const TrajectoryId id = generate.request.id;
  const uint32_t number = generate.worker;
  if (!worker(Role::kGenerator, number).alive) return;
  if (is_poison(id)) {
    push({now_ + config_.hop_seconds, 0, Happening::Kind::kKill, Role::kGenerator, number,
          worker(Role::kGenerator, number).incarnation, nullptr});
  }
  if (chance(config_.faults.failure_share)) {
    answer(Role::kGenerator, number, failure(Role::kGenerator, number, id),
           now_ + config_.hop_seconds);
    return;
  }
  double tokens = tokens_of(id);
  if (chance(config_.faults.straggler_share)) tokens *= config_.faults.straggler_factor;
  if (generators_[number].remove(id, now_)) requests_.erase({number, id});
  generators_[number].add(id, tokens, now_);
  requests_.emplace(std::make_pair(number, id), std::move(generate.request));
  watch_generator(number);
}

void SimulatedWorld::watch_generator(uint32_t number) {
  const auto end = generators_[number].next_end();
  const uint32_t stamp = ++worker(Role::kGenerator, number).ends_stamp;
  if (end)
    push({std::max(*end, now_), 0, Happening::Kind::kGeneratorEnds, Role::kGenerator,
          number, stamp, nullptr});
}

void SimulatedWorld::generator_ends(uint32_t number, uint32_t stamp) {
  if (worker(Role::kGenerator, number).ends_stamp != stamp) return;
  const TrajectoryId id = generators_[number].take_ended(now_);
  const auto request = requests_.find({number, id});
  Trajectory chain = chain_of(request->second);
  chain.generator = number;
  requests_.erase(request);
  answer(Role::kGenerator, number, events::Generated{std::move(chain), number},
         now_ + config_.hop_seconds);
  watch_generator(number);
}

void SimulatedWorld::carry_out(commands::Cancel& cancel) {
  bool changed = false;
  for (const TrajectoryId& id : cancel.ids) {
    if (!generators_[cancel.worker].remove(id, now_)) continue;
    requests_.erase({cancel.worker, id});
    changed = true;
  }
  if (changed) watch_generator(cancel.worker);
}

void SimulatedWorld::carry_out(commands::Verify& verify) {
  if (!worker(Role::kVerifier, verify.worker).alive) return;
  const WorldModel& model = config_.model;
  core::Rng spread(config_.seed, Purpose::kTest, verify.id.key() ^ (kVerification << 13));
  double seconds = model.verifier_seconds *
                   std::exp(model.verifier_spread * spread.normal() -
                            0.5 * model.verifier_spread * model.verifier_spread);
  if (chance(config_.faults.straggler_share)) seconds *= config_.faults.straggler_factor;
  const double done = servers_[1][verify.worker].add(seconds, now_) + config_.hop_seconds;
  if (chance(config_.faults.failure_share)) {
    answer(Role::kVerifier, verify.worker,
           failure(Role::kVerifier, verify.worker, verify.id), done);
    return;
  }
  records::Verdict verdict;
  verdict.reward = succeeds(verify.id) ? 1 : 0;
  answer(Role::kVerifier, verify.worker,
         events::Verified{verify.id, verdict, verify.worker}, done);
}

void SimulatedWorld::carry_out(commands::Localize& localize) {
  if (!worker(Role::kLocalizer, localize.worker).alive) return;
  TrajectoryId id = localize.seed.id;
  const double done =
      servers_[2][localize.worker].add(config_.model.localization_seconds, now_) +
      config_.hop_seconds;
  if (chance(config_.faults.failure_share)) {
    id.kind = DrawKind::kLocalization;
    answer(Role::kLocalizer, localize.worker,
           failure(Role::kLocalizer, localize.worker, id), done);
    return;
  }
  records::Localization found;
  found.num_thoughts = static_cast<uint32_t>(localize.seed.thought_ends.size());
  found.thought = 1 + static_cast<uint32_t>(id.key() % found.num_thoughts);
  const bool revises = config_.scheduler.draws.plan.revises;
  const uint32_t kept =
      found.thought == 1 || revises ? 0 : localize.seed.thought_ends[found.thought - 2];
  const std::vector<int32_t> revision(revises ? 1 : 0);
  answer(Role::kLocalizer, localize.worker,
         events::Localized{id, found, kept, localize.worker, revision}, done);
}

void SimulatedWorld::carry_out(commands::Record& record) {
  for (const auto* chains : {&record.tree.fresh, &record.tree.suffixes}) {
    samples_ += chains->size();
    for (const Trajectory& chain : *chains) needed_tokens_ += chain.decoded_tokens;
  }
  if (on_record) on_record(record);
  later(events::Recorded{record.tree.step, record.tree.slot, record.tree.validation},
        config_.hop_seconds);
}

void SimulatedWorld::carry_out(commands::TrainDemonstrations&) {
  later(events::DemonstrationsTrained{}, config_.hop_seconds);
}

void SimulatedWorld::carry_out(commands::Train& train) {
  if (on_train) on_train(train);
  double tokens = 0;
  for (const records::RolloutTree& tree : train.trees) {
    for (const auto* chains : {&tree.fresh, &tree.suffixes})
      for (const Trajectory& chain : *chains) tokens += chain.decoded_tokens;
  }
  const double seconds =
      tokens * config_.model.train_seconds_per_token / std::max(1U, config_.learners);
  learner_busy_ += seconds;
  later(events::Trained{}, seconds + config_.hop_seconds);
}

void SimulatedWorld::carry_out(commands::Publish& publish) {
  version_ = publish.version;
  later(events::Published{}, config_.model.publish_seconds);
}

void SimulatedWorld::carry_out(commands::Checkpoint&) {
  later(events::Checkpointed{}, config_.model.checkpoint_seconds);
}

void SimulatedWorld::carry_out(commands::Finish& finish) { stopped_ = finish.stopped; }

void SimulatedWorld::plan_kill(Role role, uint32_t number) {
  const double rate = config_.faults.kills_per_hour / 3600;
  if (rate <= 0) return;
  const double at = now_ - std::log(1 - rng_.uniform()) / rate;
  if (at >= config_.faults.faults_end_at) return;
  push({at, 0, Happening::Kind::kKill, role, number, worker(role, number).incarnation,
        nullptr});
}

void SimulatedWorld::kill(Role role, uint32_t number) {
  Worker& victim = worker(role, number);
  victim.alive = false;
  ++victim.incarnation;
  ++victim.ends_stamp;
  if (role == Role::kGenerator) {
    const auto begin = requests_.lower_bound({number, TrajectoryId{}});
    const auto end = requests_.lower_bound({number + 1, TrajectoryId{}});
    for (auto at = begin; at != end; ++at) {
      generators_[number].remove(at->first.second, now_);
    }
    requests_.erase(begin, end);
  }
  push({now_ + config_.faults.respawn_seconds, 0, Happening::Kind::kRespawn, role, number,
        victim.incarnation, nullptr});
  decide(events::WorkerLost{role, number});
}

void SimulatedWorld::respawn(Role role, uint32_t number) {
  worker(role, number).alive = true;
  servers_[static_cast<size_t>(role)][number] = SimulatedServer{};
  plan_kill(role, number);
  decide(events::WorkerJoined{role, number});
}

void SimulatedWorld::happen(Happening& happening) {
  switch (happening.kind) {
    case Happening::Kind::kEvent:
      decide(std::move(*happening.event));
      break;
    case Happening::Kind::kAnswer:
      if (worker(happening.role, happening.worker).incarnation == happening.incarnation ||
          rng_.uniform() < kZombieShare)
        decide(std::move(*happening.event));
      break;
    case Happening::Kind::kGeneratorEnds:
      generator_ends(happening.worker, happening.incarnation);
      break;
    case Happening::Kind::kKill:
      if (worker(happening.role, happening.worker).incarnation == happening.incarnation)
        kill(happening.role, happening.worker);
      break;
    case Happening::Kind::kRespawn:
      respawn(happening.role, happening.worker);
      break;
    case Happening::Kind::kTick:
      watched_deadline_.reset();
      decide(events::Tick{});
      break;
  }
}

void SimulatedWorld::decide(Event event) {
  ++events_;
  std::vector<Command> commands;
  if (config_.measures_decisions) {
    const auto begin = std::chrono::steady_clock::now();
    commands = scheduler_.on(std::move(event), time());
    const auto end = std::chrono::steady_clock::now();
    decision_seconds_.push_back(std::chrono::duration<float>(end - begin).count());
  } else {
    commands = scheduler_.on(std::move(event), time());
  }
  if (after_event) after_event(scheduler_);
  carry_out(commands);
  uint64_t waiting = 0;
  for (const Role role : {Role::kGenerator, Role::kVerifier, Role::kLocalizer})
    waiting += scheduler_.pool(role).num_waiting();
  most_waiting_ = std::max(most_waiting_, waiting);
  watch_deadline();
}

void SimulatedWorld::watch_deadline() {
  const auto due = scheduler_.next_deadline();
  if (!due) return;
  const double at = static_cast<double>(due->count()) * 1e-9 + 1e-6;
  if (watched_deadline_ && *watched_deadline_ <= at) return;
  watched_deadline_ = std::max(at, now_);
  push({*watched_deadline_, 0, Happening::Kind::kTick, Role::kGenerator, 0, 0, nullptr});
}

SimulationResult SimulatedWorld::run() {
  if (config_.drain_at) {
    later(events::Drain{Time(
              static_cast<int64_t>((*config_.drain_at + config_.drain_patience) * 1e9))},
          *config_.drain_at);
  }
  std::vector<Command> commands = scheduler_.start(time());
  carry_out(commands);
  while (!queue_.empty() && !scheduler_.is_finished() && events_ < config_.most_events) {
    Happening happening = queue_.top();
    queue_.pop();
    now_ = std::max(now_, happening.at);
    happen(happening);
  }
  return result();
}

SimulationResult SimulatedWorld::result() const {
  SimulationResult result;
  result.finished = scheduler_.is_finished();
  result.stopped = stopped_;
  result.steps = scheduler_.progress().steps;
  result.seconds = now_;
  result.step_seconds = result.steps == 0 ? 0 : now_ / result.steps;
  const auto idle = [&](double busy, size_t workers) {
    if (workers == 0 || now_ <= 0) return 0.0;
    return std::max(0.0, 1 - busy / (now_ * static_cast<double>(workers)));
  };
  double busy = 0;
  for (const auto& generator : generators_) busy += generator.busy_seconds(now_);
  result.idle_share[0] = idle(busy, generators_.size());
  for (size_t role = 1; role < kNumRoles; ++role) {
    busy = 0;
    for (const auto& server : servers_[role]) busy += server.busy_seconds();
    result.idle_share[role] = idle(busy, servers_[role].size());
  }
  result.learner_idle_share = idle(learner_busy_, 1);
  result.tokens_per_second = now_ > 0 ? needed_tokens_ / now_ : 0;
  result.samples = samples_;
  result.events = events_;
  result.max_lag = scheduler_.max_lag();
  result.problems = scheduler_.ledger();
  result.sequences = scheduler_.sequences();
  result.happenings = scheduler_.happenings();
  result.most_waiting = most_waiting_;
  if (!decision_seconds_.empty()) {
    std::vector<float> sorted = decision_seconds_;
    std::sort(sorted.begin(), sorted.end());
    double sum = 0;
    for (const float each : sorted) sum += each;
    result.decisions_per_second = static_cast<double>(sorted.size()) / sum;
    result.decision_p99_seconds = sorted[sorted.size() * 99 / 100];
    result.decision_max_seconds = sorted.back();
  }
  if (!result.finished) {
    for (const std::string& reason : scheduler_.why()) result.stuck += reason + "\n";
  }
  return result;
}

}  // namespace srpo::scheduler
