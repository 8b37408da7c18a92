#include "actors/runtime.h"

#include <algorithm>
#include <thread>

#include "actors/node.h"
#include "actors/sight/rank_services.h"
#include "core/log.h"

namespace srpo::actors {
namespace {

thread_local Runtime* current_runtime = nullptr;

/// Frames that are handled before anything else gets its turn.
constexpr int kFramesARound = 256;
/// Signals and sockets are looked at once in so many busy rounds: a look costs as much as
/// a small message.
constexpr uint64_t kRoundsBetweenLooks = 64;

/// Empty rounds before the core is offered to others: an answer is often as near.
constexpr int kPollsBeforeYield = 64;

/// Makes a runtime the thread's current one for a scope.
class CurrentScope {
 public:
  explicit CurrentScope(Runtime* runtime)
      : previous_(std::exchange(current_runtime, runtime)) {}
  ~CurrentScope() { current_runtime = previous_; }
  CurrentScope(const CurrentScope&) = delete;
  CurrentScope& operator=(const CurrentScope&) = delete;

 private:
  Runtime* previous_;
};

}  // namespace

void log_dropped_error(std::string_view method, int rank, const CallError& error) {
  LOG(warn) << "tell_failed method=" << method << " rank=" << rank
            << " reason=" << error.message;
}

Runtime* Runtime::current() { return current_runtime; }

Runtime::Runtime(Transport& transport, RuntimeConfig config)
    : config_(config),
      call_limits_{config.credits, config.call_timeout, config.credit_hold},
      wire_(transport, config.num_slots > 0 ? config.num_slots : transport.size(),
            config.gap_timeout),
      objects_(*this, wire_, config.object_bytes),
      trace_(wire_),
      calls_(wire_, timers_, call_limits_,
             [this](std::function<void()> action) { post(std::move(action)); }),
      host_(*this, wire_, {config.mailbox_calls, config.patience}),
      node_(std::make_unique<Node>(*this)),
      services_(std::make_unique<RankServices>(*this)),
      pool_(config.pool_threads) {
  host(kNodeName, *node_);
  host(kServicesName, *services_);
  trace_.start(config.trace_events);
  calls_.set_trace(&trace_);
  calls_.on_poison([this](int slot, int losses) {
    find<Node>(0, kNodeName).tell<&Node::forgive>(slot, losses);
  });
}

Runtime::~Runtime() {
  const CurrentScope scope(this);
  host_.close();
  pool_.end();  // before the coroutines whose variables its jobs use
  auto tasks = std::move(tasks_);
  tasks_.clear();
  for (auto& [id, task] : tasks) task->coroutine.destroy();
}

void Runtime::deliver(int slot, const OpenFrame& sealed, Frame& frame) {
  OpenFrame open = sealed;
  References arrived = objects_.arrive(slot, open);
  const auto outer = std::exchange(arrived_, &arrived);
  deliver_opened(slot, open, frame);
  arrived_ = outer;
}

void Runtime::deliver_opened(int slot, const OpenFrame& open, Frame& frame) {
  switch (open.header.kind) {
    case FrameKind::kStop:
      stopping_ = true;
      return;
    case FrameKind::kReply:
    case FrameKind::kError:
    case FrameKind::kStreamItem:
      calls_.on_answer(slot, open, frame);
      return;
    case FrameKind::kReferences:
      objects_.on_news(slot, open);
      return;
    case FrameKind::kCall:
    case FrameKind::kCancel:
    case FrameKind::kStreamWindow:
      host_.on_frame(slot, open, frame);
      return;
  }
}

bool Runtime::poll() {
  const CurrentScope scope(this);
  objects_.set_reactor_thread();
  bool busy =
      wire_.receive(kFramesARound, [this](int slot, const OpenFrame& open, Frame& frame) {
        deliver(slot, open, frame);
      });
  busy = inbox_.run() || busy;
  // While the thread spins it looks at the rest now and then, before it sleeps always.
  const bool look = rounds_done_ % kRoundsBetweenLooks == 0 ||
                    (!busy && (idle_rounds_ >= config_.polls_before_sleep ||
                               wire_.transport().is_simulated()));
  if (look) {
    if (io_.poll() > 0) busy = true;
    io_.restart();
    for (const auto& action : rounds_) busy = action() || busy;
    report();
  }
  busy = host_.work() || busy;
  if (look) host_.expire();
  if (look && timers_.size() > 0)
    timers_.expire(wire_.now(), [this, &busy](uint64_t key) {
      busy = true;  // it may have called an actor of this rank
      on_timer(key);
    });
  wire_.progress();
  ++rounds_done_;
  return busy;
}

void Runtime::report() {
  if (config_.report_every.count() == 0 || wire_.transport().is_simulated()) return;
  const auto time = now();
  if (time < next_report_) return;
  next_report_ = time + config_.report_every;
  snapshot_.publish(inspect(*this), time);
}

std::string Runtime::snapshot_text() const {
  return snapshot_.text(running_now_, core::Clock::now());
}

void Runtime::on_timer(uint64_t key) {
  if ((key & kSleepKey) == 0) {
    calls_.on_timer(key);
    return;
  }
  const auto at = sleeps_.find(key);
  const Future<Done> future = at->second.future;
  sleeps_.erase(at);
  future.complete(CallResult<Done>(Done{}));
}

Future<Done> Runtime::sleep_for(std::chrono::nanoseconds duration) {
  return begin_sleep(duration).second;
}

std::pair<uint64_t, Future<Done>> Runtime::begin_sleep(
    std::chrono::nanoseconds duration) {
  const uint64_t key = next_sleep_++ | kSleepKey;
  const auto time =
      wire_.now() + std::min<std::chrono::nanoseconds>(duration, kLongestWait);
  Future<Done> future;
  sleeps_.emplace(key, Sleep{future, timers_.add(time, key)});
  return {key, future};
}

void Runtime::end_sleep(uint64_t key) {
  const auto at = sleeps_.find(key);
  if (at == sleeps_.end()) return;
  timers_.remove(at->second.timer);
  sleeps_.erase(at);
}

std::optional<core::Clock::time_point> Runtime::next_timer() const {
  const auto timer = timers_.next();
  const auto earlier = [](auto a, auto b) { return !a || (b && *b < *a) ? b : a; };
  return earlier(earlier(timer, wire_.gap_ends()), host_.next_timer());
}

void Runtime::rest_unless(bool busy) {
  if (busy) {
    idle_rounds_ = 0;
    return;
  }
  ++idle_rounds_;
  if (config_.progress == Progress::kSpin) return;
  const int beyond = idle_rounds_ - config_.polls_before_sleep;
  if (beyond < 0) {
    if (idle_rounds_ > kPollsBeforeYield) std::this_thread::yield();
    return;
  }
  const auto sleep = std::chrono::microseconds(50) * (1 << std::min(beyond / 16, 10));
  inbox_.rest(std::min<std::chrono::microseconds>(sleep, config_.longest_sleep));
}

void Runtime::run() {
  while (!stopping_) turn();
}

void Runtime::stop_all() {
  FrameHeader header;
  header.kind = FrameKind::kStop;
  for (int to = 0; to < size(); ++to) {
    if (to != rank()) wire_.send(to, header, core::Bytes(kHeaderBytes), {});
  }
  stopping_ = true;
  if (wire_.transport().is_simulated()) return;
  const auto deadline = core::Deadline::in(std::chrono::seconds(5));
  while (wire_.progress() > 0 && !deadline.has_passed()) {
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

void Runtime::slot_lost(int slot, const std::string& reason, bool will_be_filled) {
  const CurrentScope scope(this);
  const auto state = will_be_filled ? Peer::State::kReplacing : Peer::State::kGone;
  if (wire_.peer(slot).state == Peer::State::kGone) return;
  wire_.lose(slot, state);
  objects_.on_slot_lost(slot);
  host_.on_slot_lost(slot);
  if (will_be_filled) {
    calls_.on_slot_lost(slot, reason);
  } else {
    calls_.on_slot_gone(slot, reason);
  }
  for (const auto& action : membership_) action(slot, state);
}

void Runtime::slot_filled(int slot, int process, uint32_t incarnation,
                          const std::function<void()>& first) {
  const CurrentScope scope(this);
  wire_.fill(slot, process, incarnation);
  if (first) first();
  objects_.on_slot_filled(slot);
  calls_.on_slot_filled(slot);
  for (const auto& action : membership_) action(slot, Peer::State::kUp);
}

void Runtime::on_signal(const std::vector<int>& signals,
                        const std::function<void(int)>& action) {
  signals_ = std::make_unique<boost::asio::signal_set>(io_);
  for (const int signal : signals) signals_->add(signal);
  wait_for_signal(action);
}

void Runtime::wait_for_signal(const std::function<void(int)>& action) {
  signals_->async_wait(
      [this, action](const boost::system::error_code& error, int signal) {
        if (error) return;
        action(signal);
        wait_for_signal(action);
      });
}

std::vector<const CallContext*> Runtime::task_contexts() const {
  std::vector<const CallContext*> contexts;
  for (const auto& [id, task] : tasks_) contexts.push_back(&task->context);
  return contexts;
}

}  // namespace srpo::actors
