#include "actors/simulation/simulated_world.h"

#include <algorithm>
#include <cmath>

namespace srpo::actors {
namespace {

/// The first moment: late enough that no time before it is negative.
constexpr std::chrono::hours kBeginning{1000};

/// What happened, in the trace.
enum : uint64_t { kStart = 1, kKill, kStopped, kArrival, kRound, kControl, kDrop };

}  // namespace

SimulatedWorld::SimulatedWorld(uint64_t seed, int num_processes,
                               const SimulationOptions& options, MakeProgram make)
    : options_(options),
      may_lose_frames_(options.drop > 0 || options.duplicate > 0 || options.reorder > 0 ||
                       options.corrupt > 0 || options.partitions_drop),
      make_(std::move(make)),
      random_(seed, core::Purpose::kTest, 0x51),
      now_(kBeginning) {
  for (int number = 0; number < num_processes; ++number) {
    processes_.emplace_back();
    Process& made = processes_.back();
    made.transport = std::make_unique<SimulatedTransport>(*this, number);
    made.control = std::make_unique<SimulatedControl>(*this, number);
  }
}

SimulatedWorld::~SimulatedWorld() {
  for (Process& each : processes_) each.program.reset();
}

void SimulatedWorld::trace(uint64_t what, int a, int b, uint64_t detail) {
  for (const uint64_t word :
       {static_cast<uint64_t>(now_.time_since_epoch().count()), what,
        static_cast<uint64_t>(a), static_cast<uint64_t>(b), detail}) {
    trace_hash_ = (trace_hash_ ^ word) * 1099511628211u;
    trace_hash_ ^= trace_hash_ >> 29;
  }
}

// --- processes ------------------------------------------------------------------------

void SimulatedWorld::start(int number) {
  ENSURE(!is_alive(number), "process " << number << " runs already");
  process(number).is_present = true;
  ++process(number).life;
  make(number);
}

void SimulatedWorld::start_all() {
  // All are there before the first one sends to the others.
  for (Process& each : processes_) {
    each.is_present = true;
    ++each.life;
  }
  for (int number = 0; number < size(); ++number) make(number);
}

void SimulatedWorld::make(int number) {
  Process& starting = process(number);
  starting.busy_until = now_;
  starting.stopped_until = now_;
  starting.slowness = 1;
  trace(kStart, number, 0, starting.life);
  if (number > 0) connect(number);
  starting.program = make_(*starting.transport, *starting.control);
  plan_round(number, now_);
}

Runtime& SimulatedWorld::runtime(int number) {
  ENSURE(process(number).program, "process " << number << " does not run");
  return process(number).program->runtime();
}

void SimulatedWorld::kill(int number) {
  Process& dying = process(number);
  if (!dying.is_present) return;
  ENSURE(running_ != number, "process " << number << " kills itself (use at())");
  trace(kKill, number, 0, dying.life);
  dying.is_present = false;  // nothing leaves it any more
  dying.program.reset();
  ++dying.life;
  counts_.vanished += dying.mailbox.size() + dying.parked.size();
  for (const auto& [from, frame] : dying.parked) --process(from).unfinished;
  dying.mailbox.clear();
  dying.parked.clear();
  dying.next_round = Time::max();
  dying.control_events.clear();
  const auto noticed = Duration(static_cast<int64_t>(
      random_.uniform() * static_cast<double>(options_.longest_eof_delay.count())));
  lose(number, "its connection was closed", noticed);
}

void SimulatedWorld::stop(int number, Duration duration) {
  Process& stopping = process(number);
  trace(kStopped, number, 0, static_cast<uint64_t>(duration.count()));
  stopping.stopped_until = std::max(stopping.stopped_until, now_ + duration);
  if (stopping.next_round != Time::max()) plan_round(number, stopping.next_round);
  if (stopping.stopped_until - now_ > options_.heartbeat_timeout) {
    const uint64_t life = stopping.life;
    schedule(now_ + options_.heartbeat_timeout, [this, number, life] {
      const Process& silent = process(number);
      if (silent.life == life && silent.stopped_until > now_)
        lose(number, "no heartbeat", Duration(0));
    });
  }
  // What arrives meanwhile waits; it is looked at again in the end.
  plan_round(number, stopping.stopped_until);
}

void SimulatedWorld::slow(int number, double factor) {
  process(number).slowness = factor;
}

void SimulatedWorld::partition(int a, int b, Time from, Time to) {
  partitions_.push_back({a, b, from, to});
}

void SimulatedWorld::calm() {
  options_.drop = 0;
  options_.duplicate = 0;
  options_.reorder = 0;
  options_.corrupt = 0;
  for (Partition& each : partitions_) each.to = std::min(each.to, now_);
  for (Process& each : processes_) each.slowness = 1;
}

// --- the clock ------------------------------------------------------------------------

void SimulatedWorld::schedule(Time time, std::function<void()> action) {
  events_.push({std::max(time, now_), next_serial_++, std::move(action)});
}

void SimulatedWorld::at(Time time, std::function<void()> action) {
  schedule(time, [this, action = std::move(action)] {
    action();
    wake_all();
  });
}

void SimulatedWorld::wake_all() {
  for (int number = 0; number < size(); ++number) {
    if (process(number).program) plan_round(number, now_);
  }
}

void SimulatedWorld::plan_round(int number, Time time) {
  Process& planned = process(number);
  time = std::max({time, now_, planned.busy_until, planned.stopped_until});
  // An earlier plan stands: the round will look at everything.
  if (planned.next_round <= time && planned.next_round >= planned.stopped_until) return;
  planned.next_round = time;
  schedule(time, [this, number, time, life = planned.life] {
    Process& due = process(number);
    if (due.life != life || due.next_round != time || !due.program) return;
    due.next_round = Time::max();
    run_round(number);
  });
}

void SimulatedWorld::run_round(int number) {
  Process& runs = process(number);
  if (runs.stopped_until > now_) {
    plan_round(number, runs.stopped_until);
    return;
  }
  Runtime& runtime = runs.program->runtime();
  runs.may_take = true;
  running_ = number;
  const bool busy = runtime.poll();
  running_ = -1;
  runs.may_take = false;
  trace(kRound, number, busy ? 1 : 0, runs.mailbox.size());
  if (busy || !runs.mailbox.empty()) {
    runs.busy_until =
        now_ + Duration(static_cast<int64_t>(
                   static_cast<double>(options_.round_cost.count()) * runs.slowness));
    plan_round(number, runs.busy_until);
  } else if (const auto timer = runtime.next_timer()) {
    plan_round(number, *timer);
  }
}

bool SimulatedWorld::step(Time deadline) {
  if (events_.empty() || events_.top().time > deadline) {
    now_ = std::max(now_, deadline);
    return false;
  }
  // The queue only shows its first element as const; it is taken out at once.
  const auto action = std::move(const_cast<Event&>(events_.top()).action);
  now_ = events_.top().time;
  events_.pop();
  ++counts_.events;
  action();
  if (after_each_) after_each_();
  return true;
}

bool SimulatedWorld::run_until(const std::function<bool()>& done, Time deadline) {
  wake_all();
  while (!done()) {
    if (!step(deadline)) return done();
  }
  return true;
}

void SimulatedWorld::run_for(Duration duration) {
  run_until([] { return false; }, now_ + duration);
}

// --- frames ---------------------------------------------------------------------------

SimulatedWorld::Duration SimulatedWorld::draw_delay() {
  const double factor = std::exp(options_.delay_spread * random_.normal());
  return Duration(
      static_cast<int64_t>(static_cast<double>(options_.median_delay.count()) * factor));
}

void SimulatedWorld::send(int from, int to, Frame frame) {
  if (!is_alive(from)) return;  // it is being killed
  if (!is_alive(to) || (options_.partitions_drop && is_cut(from, to)) ||
      (options_.drop > 0 && random_.uniform() < options_.drop)) {
    ++(is_alive(to) ? counts_.dropped : counts_.vanished);
    trace(kDrop, from, to, frame.size());
    return;
  }
  if (options_.duplicate > 0 && random_.uniform() < options_.duplicate) {
    ++counts_.duplicated;
    put_on_link(from, to, frame);
  }
  if (options_.corrupt > 0 && random_.uniform() < options_.corrupt) {
    ++counts_.corrupted;
    corrupt(frame);
  }
  put_on_link(from, to, std::move(frame));
}

void SimulatedWorld::corrupt(Frame& frame) {
  if (frame.bytes.empty()) return;
  const uint64_t bit = random_.below(frame.bytes.size() * 8);
  if (random_.uniform() < 0.25) {
    frame.bytes.resize(bit / 8);
  } else {
    frame.bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
  }
}

void SimulatedWorld::put_on_link(int from, int to, Frame frame) {
  Link& link = links_[{from, to}];
  const auto transfer = Duration(static_cast<int64_t>(static_cast<double>(frame.size()) /
                                                      options_.bytes_per_second * 1e9));
  link.free = std::max(link.free, now_) + transfer;
  Time arrival = after_partitions(from, to, link.free + draw_delay());
  if (options_.reorder > 0 && random_.uniform() < options_.reorder) {
    ++counts_.reordered;
    arrival += Duration(static_cast<int64_t>(
        random_.uniform() * static_cast<double>(options_.reorder_delay.count())));
  } else {
    arrival = std::max(arrival, link.last_arrival);
    link.last_arrival = arrival;
  }
  Process& receiver = process(to);
  ++receiver.on_the_way;
  ++process(from).unfinished;
  auto moved = std::make_shared<Frame>(std::move(frame));
  schedule(arrival, [this, from, to, life = receiver.life, moved] {
    arrive(from, to, life, std::move(*moved));
  });
}

SimulatedWorld::Time SimulatedWorld::after_partitions(int a, int b, Time arrival) const {
  for (const Partition& each : partitions_) {
    const bool same = std::minmax(a, b) == std::minmax(each.a, each.b);
    if (same && arrival >= each.from && arrival < each.to)
      arrival = each.to + options_.median_delay;
  }
  return arrival;
}

bool SimulatedWorld::is_cut(int a, int b) const {
  return std::any_of(partitions_.begin(), partitions_.end(), [&](const Partition& each) {
    return std::minmax(a, b) == std::minmax(each.a, each.b) && now_ >= each.from &&
           now_ < each.to;
  });
}

void SimulatedWorld::arrive(int from, int to, uint64_t life, Frame frame) {
  Process& receiver = process(to);
  --receiver.on_the_way;
  if (receiver.life != life || !receiver.is_present) {
    --process(from).unfinished;
    ++counts_.vanished;
    return;
  }
  trace(kArrival, from, to, frame.size());
  if (receiver.mailbox.size() >= options_.mailbox_frames) {
    receiver.parked.emplace_back(from, std::move(frame));
    return;
  }
  --process(from).unfinished;
  receiver.mailbox.emplace_back(from, std::move(frame));
  plan_round(to, now_);
}

std::optional<std::pair<int, Frame>> SimulatedWorld::receive(int number) {
  Process& receiver = process(number);
  if (!receiver.may_take || receiver.mailbox.empty()) return std::nullopt;
  receiver.may_take = false;
  std::optional<std::pair<int, Frame>> taken(std::move(receiver.mailbox.front()));
  receiver.mailbox.pop_front();
  ++counts_.delivered;
  if (!receiver.parked.empty()) {
    --process(receiver.parked.front().first).unfinished;
    receiver.mailbox.push_back(std::move(receiver.parked.front()));
    receiver.parked.pop_front();
  }
  return taken;
}

size_t SimulatedWorld::frames_to(int number) const {
  const Process& receiver = process(number);
  return receiver.on_the_way + receiver.mailbox.size() + receiver.parked.size();
}

// --- the control channel --------------------------------------------------------------

void SimulatedWorld::put_control(int to, ControlEvent event, Time time) {
  auto moved = std::make_shared<ControlEvent>(std::move(event));
  schedule(time, [this, to, life = process(to).life, moved] {
    Process& receiver = process(to);
    if (receiver.life != life || !receiver.is_present) return;
    trace(kControl, moved->peer, to, static_cast<uint64_t>(moved->kind));
    receiver.control_events.push_back(std::move(*moved));
    plan_round(to, now_);
  });
}

void SimulatedWorld::connect(int number) {
  if (!is_alive(0)) return;
  process(number).connected = true;
  const Time arrival = after_partitions(0, number, now_ + options_.median_delay);
  links_[{~0, ~number}].last_arrival = arrival;
  put_control(0, {ControlEvent::Kind::kJoined, number, {}, {}}, arrival);
  links_[{~number, ~0}].last_arrival = arrival;
  // Its program is made right after this.
  put_control(number, {ControlEvent::Kind::kJoined, 0, {}, {}}, arrival);
}

void SimulatedWorld::send_control(int from, int to, core::Bytes message) {
  const int other = from == 0 ? to : from;
  ENSURE(from == 0 || to == 0, "control message from " << from << " to " << to);
  if (!process(other).connected) return;
  Link& link = links_[{~from, ~to}];  // a connection of its own, in order
  link.last_arrival =
      std::max(link.last_arrival, after_partitions(from, to, now_ + draw_delay()));
  put_control(to, {ControlEvent::Kind::kMessage, from, std::move(message), {}},
              link.last_arrival);
}

void SimulatedWorld::lose(int number, const std::string& reason, Duration after) {
  const auto tell = [&](int to, int about) {
    Link& link = links_[{~about, ~to}];
    link.last_arrival = std::max(link.last_arrival, now_ + after);
    put_control(to, {ControlEvent::Kind::kLost, about, {}, reason}, link.last_arrival);
  };
  if (number != 0) {
    if (!process(number).connected) return;
    process(number).connected = false;
    tell(0, number);
    return;
  }
  for (int other = 1; other < size(); ++other) {
    if (!process(other).connected) continue;
    process(other).connected = false;
    tell(other, 0);
  }
}

void SimulatedWorld::fence(int number) {
  Process& fenced = process(number);
  fenced.connected = false;
  if (!fenced.is_present) return;
  put_control(number, {ControlEvent::Kind::kLost, 0, {}, "fenced"},
              now_ + options_.median_delay);
}

}  // namespace srpo::actors
