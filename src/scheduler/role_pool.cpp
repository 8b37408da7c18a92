#include "scheduler/role_pool.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace srpo::scheduler {
namespace {

constexpr size_t kMostFailures = 3;
constexpr int kHedgeAfterP95 = 3;
/// Of running means of durations.
constexpr double kMemory = 0.97;
/// A worker counts as slow when it takes so many times as long as the others.
constexpr double kSlow = 2;

}  // namespace

RolePool::RolePool(Role role, const PoolConfig& config)
    : role_(role), config_(config), placement_(config.workers), state_(config.workers) {}

RolePool::WorkerState& RolePool::state(uint32_t worker) {
  if (worker >= state_.size()) state_.resize(worker + 1);
  return state_[worker];
}

void RolePool::submit(const Task& task, Time now, std::vector<Assignment>& out) {
  const uint64_t key = task.id.key();
  auto [at, is_new] = works_.try_emplace(key);
  ENSURE(is_new, task.id.to_string() << " is asked for twice");
  at->second.task = task;
  assign_or_queue(key, at->second, now, out);
}

std::optional<uint32_t> RolePool::choose(const Work& work) const {
  const bool again = !work.failed_on.empty();
  const auto best =
      again ? placement_.best_other(work.failed_on.back()) : placement_.best();
  if (!best || again) return best;  // a retry may exceed the slots by one
  const auto& prefer = work.task.prefer;
  if (prefer && placement_.is_open(*prefer) && has_room(*prefer) &&
      placement_.cost(*prefer) <= placement_.cost(*best) + work.task.slack) {
    return prefer;
  }
  if (!has_room(*best)) return std::nullopt;
  return best;
}

void RolePool::assign_or_queue(uint64_t key, Work& work, Time now,
                               std::vector<Assignment>& out) {
  if (!work.is_suspect()) {
    const auto worker = choose(work);
    if (worker) {
      start(key, work, *worker, now, out);
      return;
    }
  }
  work.queued = {-int64_t{work.task.priority}, arrivals_++};
  (work.is_suspect() ? suspects_ : queue_).emplace(*work.queued, key);
  if (work.is_suspect()) pump_suspects(now, out);
}

void RolePool::set_workers_apart() {
  const size_t most = std::max<size_t>(1, placement_.num_alive() / 4);
  for (const auto& [queued, key] : suspects_) {
    if (set_apart_.size() >= most) return;
    Work& work = works_.at(key);
    if (work.apart) continue;
    const auto worker = placement_.best_other(work.failed_on.back());
    if (!worker) return;
    placement_.close(*worker);
    set_apart_.emplace(*worker, key);
    work.apart = worker;
  }
}

void RolePool::pump_suspects(Time now, std::vector<Assignment>& out) {
  set_workers_apart();
  for (const auto& [worker, key] : set_apart_) {
    Work& work = works_.at(key);
    if (!work.queued || placement_.load(worker) > 0) continue;
    unqueue(work);
    start(key, work, worker, now, out);
  }
}

void RolePool::end_setting_apart(uint64_t key) {
  Work& work = works_.at(key);
  if (!work.apart) return;
  set_apart_.erase(*work.apart);
  placement_.open(*work.apart);
  work.apart.reset();
}

void RolePool::start(uint64_t key, Work& work, uint32_t worker, Time now,
                     std::vector<Assignment>& out) {
  WorkerState& holder = state(worker);
  Flight& flight = work.flights[work.num_flights++];
  flight = {worker, static_cast<uint32_t>(holder.held.size()), now};
  holder.held.push_back(key);
  placement_.take(worker);
  if (config_.hedge_floor > Time(0) && !work.hedged && !work.is_suspect()) {
    set_check(key, work, now + config_.hedge_floor);
  }
  out.push_back({work.task.id, worker});
}

void RolePool::set_check(uint64_t key, Work& work, Time at) {
  if (work.check != Time(0)) checks_.erase({work.check, key});
  work.check = at;
  if (at != Time(0)) checks_.emplace(at, key);
}

std::optional<uint8_t> RolePool::flight_on(const Work& work, uint32_t worker) const {
  for (uint8_t i = 0; i < work.num_flights; ++i) {
    if (work.flights[i].worker == worker) return i;
  }
  return std::nullopt;
}

void RolePool::end_flight(Work& work, uint8_t index, bool free_worker) {
  const Flight flight = work.flights[index];
  WorkerState& holder = state(flight.worker);
  const uint64_t moved = holder.held.back();
  holder.held[flight.place] = moved;
  holder.held.pop_back();
  if (moved != work.task.id.key()) {
    Work& other = works_.at(moved);
    other.flights[*flight_on(other, flight.worker)].place = flight.place;
  }
  if (free_worker) placement_.give_back(flight.worker);
  work.flights[index] = work.flights[work.num_flights - 1];
  --work.num_flights;
}

void RolePool::unqueue(Work& work) {
  if (!work.queued) return;
  (work.is_suspect() ? suspects_ : queue_).erase(*work.queued);
  work.queued.reset();
}

/// Generators stop at a word; the others end what they have begun, and count until then.
void RolePool::forget(uint64_t key, Work& work, std::vector<uint32_t>& holders) {
  unqueue(work);
  end_setting_apart(key);
  set_check(key, work, Time(0));
  while (work.num_flights > 0) {
    const uint32_t worker = work.flights[0].worker;
    holders.push_back(worker);
    const bool stops = role_ == Role::kGenerator;
    if (!stops) orphans_.emplace(worker, key);
    end_flight(work, 0, stops);
  }
  works_.erase(key);
}

bool RolePool::end_orphan(uint64_t key, uint32_t worker) {
  if (orphans_.erase({worker, key}) == 0) return false;
  placement_.give_back(worker);
  return true;
}

RolePool::Answer RolePool::finish(const records::TrajectoryId& id, uint32_t worker,
                                  Time now, std::vector<uint32_t>& twins,
                                  std::vector<Assignment>& out) {
  const uint64_t key = id.key();
  const auto at = works_.find(key);
  const auto flight = at == works_.end() ? std::nullopt : flight_on(at->second, worker);
  if (!flight) {
    ++happenings_.late_answers;
    if (end_orphan(key, worker)) pump(now, out);
    return Answer::kLate;
  }
  Work& work = at->second;
  const Time took = now - work.flights[*flight].started;
  latencies_.add(work.task.size, took);
  observe(worker, work.task.size, took);
  if (work.hedged && *flight == 1) ++happenings_.hedges_won;
  end_flight(work, *flight, /*free_worker=*/true);
  forget(key, work, twins);
  pump(now, out);
  return Answer::kAccepted;
}

bool RolePool::is_poison(const Work& work) const {
  if (work.failed_on.size() < kMostFailures) return false;
  const bool on_two =
      std::any_of(work.failed_on.begin(), work.failed_on.end(),
                  [&](uint32_t w) { return w != work.failed_on.front(); });
  return on_two || placement_.num_known() == 1;
}

std::optional<Poisoned> RolePool::retry(uint64_t key, Work& work, uint32_t worker,
                                        Time now, std::vector<Assignment>& out) {
  const uint8_t left = work.num_flights;
  work.failed_on.push_back(worker);
  ++state(worker).failures;
  if (left > 0) return std::nullopt;  // its twin goes on
  if (is_poison(work)) {
    Poisoned poisoned{work.task.id, work.failed_on};
    for (const uint32_t blamed : work.failed_on) --state(blamed).failures;
    std::vector<uint32_t> none;
    forget(key, work, none);
    return poisoned;
  }
  end_setting_apart(key);
  ++happenings_.retries;
  assign_or_queue(key, work, now, out);
  return std::nullopt;
}

std::optional<Poisoned> RolePool::fail(const records::TrajectoryId& id, uint32_t worker,
                                       Time now, std::vector<Assignment>& out) {
  const uint64_t key = id.key();
  const auto at = works_.find(key);
  const auto flight = at == works_.end() ? std::nullopt : flight_on(at->second, worker);
  if (!flight) {
    ++happenings_.late_answers;
    if (end_orphan(key, worker)) pump(now, out);
    return std::nullopt;
  }
  end_flight(at->second, *flight, /*free_worker=*/true);
  auto poisoned = retry(key, at->second, worker, now, out);
  pump(now, out);
  return poisoned;
}

std::vector<uint32_t> RolePool::cancel(const records::TrajectoryId& id) {
  std::vector<uint32_t> holders;
  const auto at = works_.find(id.key());
  if (at == works_.end()) return holders;
  forget(id.key(), at->second, holders);
  return holders;
}

std::vector<Poisoned> RolePool::lose(uint32_t worker, Time now,
                                     std::vector<Assignment>& out) {
  std::vector<Poisoned> poisoned;
  if (!placement_.is_alive(worker)) return poisoned;
  orphans_.erase(orphans_.lower_bound({worker, 0}),
                 orphans_.upper_bound({worker, ~uint64_t{0}}));
  std::vector<uint64_t> keys = state(worker).held;
  std::sort(keys.begin(), keys.end());
  for (const uint64_t key : keys) {
    Work& work = works_.at(key);
    end_flight(work, *flight_on(work, worker), /*free_worker=*/false);
  }
  if (const auto kept = set_apart_.find(worker); kept != set_apart_.end())
    end_setting_apart(kept->second);
  placement_.lose(worker);
  for (const uint64_t key : keys) {
    auto given_up = retry(key, works_.at(key), worker, now, out);
    if (given_up) poisoned.push_back(std::move(*given_up));
  }
  pump(now, out);
  return poisoned;
}

void RolePool::join(uint32_t worker, Time now, std::vector<Assignment>& out) {
  const uint32_t failures = state(worker).failures;
  if (placement_.is_alive(worker)) return;
  state(worker) = WorkerState{};
  state(worker).failures = failures;
  placement_.join(worker);
  pump(now, out);
}

void RolePool::slow(uint32_t worker, double factor) {
  if (!placement_.is_alive(worker)) return;
  state(worker).told = factor;
  placement_.set_slowness(worker, factor);
}

void RolePool::pump(Time now, std::vector<Assignment>& out) {
  if (closed_) return;
  if (!suspects_.empty()) pump_suspects(now, out);
  while (!queue_.empty()) {
    const uint64_t key = queue_.begin()->second;
    Work& work = works_.at(key);
    const auto worker = choose(work);
    if (!worker) return;
    unqueue(work);
    start(key, work, *worker, now, out);
  }
}

void RolePool::observe(uint32_t worker, uint32_t size, Time took) {
  const auto median = latencies_.median(size);
  if (!median || median->count() <= 0) return;
  const double ratio = std::min(
      100.0, static_cast<double>(took.count()) / static_cast<double>(median->count()));
  WorkerState& holder = state(worker);
  holder.ratio = kMemory * holder.ratio + (1 - kMemory) * ratio;
  mean_ratio_ = kMemory * mean_ratio_ + (1 - kMemory) * ratio;
  const double relative = holder.ratio / mean_ratio_;
  const double factor = std::max(holder.told, relative > kSlow ? relative : 1.0);
  if (std::abs(factor - placement_.slowness(worker)) >
      0.25 * placement_.slowness(worker)) {
    placement_.set_slowness(worker, factor);
  }
}

void RolePool::expire(Time now, std::vector<Assignment>& out) {
  while (!checks_.empty() && checks_.begin()->first <= now) {
    const uint64_t key = checks_.begin()->second;
    Work& work = works_.at(key);
    set_check(key, work, Time(0));
    if (work.num_flights == 1 && !work.hedged && !work.is_suspect())
      expire_one(key, work, now, out);
  }
}

void RolePool::expire_one(uint64_t key, Work& work, Time now,
                          std::vector<Assignment>& out) {
  const auto p95 = latencies_.p95(work.task.size);
  const uint32_t holder = work.flights[0].worker;
  Time deadline = now + config_.hedge_floor;  // look again then
  if (p95) {
    deadline =
        work.flights[0].started + std::max(config_.hedge_floor, kHedgeAfterP95 * *p95);
    const auto other = placement_.best_other(holder);
    if (deadline <= now && other && *other != holder && has_room(*other)) {
      work.hedged = true;
      ++happenings_.hedges;
      start(key, work, *other, now, out);
      return;
    }
    deadline = std::max(deadline, now + config_.hedge_floor / 4 + Time(1));
  }
  set_check(key, work, deadline);
}

std::optional<Time> RolePool::next_deadline() const {
  if (checks_.empty()) return std::nullopt;
  return checks_.begin()->first;
}

std::vector<records::TrajectoryId> RolePool::held_by(uint32_t worker, size_t most) const {
  std::vector<records::TrajectoryId> ids;
  if (worker >= state_.size()) return ids;
  for (const uint64_t key : state_[worker].held) {
    if (ids.size() == most) break;
    ids.push_back(works_.at(key).task.id);
  }
  return ids;
}

}  // namespace srpo::scheduler
