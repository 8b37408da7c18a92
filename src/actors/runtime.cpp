#include "actors/runtime.h"

#include <algorithm>
#include <thread>

#include "core/log.h"

namespace srpo::actors {

core::Bytes encode_error(core::ErrorKind cause, const std::string& message) {
  return core::to_bytes(std::make_tuple(cause, message));
}

CallError decode_error(const core::Bytes& payload) {
  auto [cause, message] =
      core::from_bytes<std::tuple<core::ErrorKind, std::string>>(payload);
  const auto kind = cause == core::ErrorKind::kTimeout ? CallError::Kind::kTimeout
                                                       : CallError::Kind::kApplication;
  return CallError{kind, cause, std::move(message)};
}

Runtime::Runtime(Transport& transport, RuntimeConfig config)
    : transport_(transport), config_(config) {}

void Runtime::start_call(int rank, uint32_t actor, uint16_t method, core::Bytes arguments,
                         std::chrono::nanoseconds timeout, Receive receive) {
  if (rank < 0 || rank >= size()) {
    receive(FrameKind::kError,
            encode_error(core::ErrorKind::kBug, "no rank " + std::to_string(rank)));
    return;
  }
  if (timeout.count() == 0) timeout = config_.call_timeout;
  const uint64_t call = next_call_++;
  const auto deadline = core::Clock::now() + timeout;
  calls_.emplace(call, PendingCall{std::move(receive), deadline, rank,
                                   "method " + std::to_string(method) + " of rank " +
                                       std::to_string(rank)});
  deadlines_.emplace(deadline, call);
  transport_.send(
      rank, seal(Envelope{FrameKind::kCall, actor, method, call, std::move(arguments)}));
}

void Runtime::answer(int to, uint64_t call, FrameKind kind, core::Bytes payload) {
  transport_.send(to, seal(Envelope{kind, 0, 0, call, std::move(payload)}));
}

void Runtime::handle(int from, const core::Bytes& frame) {
  const Envelope envelope = open(frame, from);
  switch (envelope.kind) {
    case FrameKind::kStop:
      stopping_ = true;
      return;
    case FrameKind::kReply:
    case FrameKind::kError:
      handle_reply(envelope);
      return;
    case FrameKind::kCall: {
      const auto actor = actors_.find(envelope.actor);
      if (actor == actors_.end()) {
        answer(from, envelope.call, FrameKind::kError,
               encode_error(core::ErrorKind::kPeerLost,
                            "no such actor on rank " + std::to_string(rank())));
      } else {
        actor->second(from, envelope);
      }
      return;
    }
  }
  throw core::Error(core::ErrorKind::kPeerLost,
                    "frame of unknown kind from rank " + std::to_string(from));
}

void Runtime::handle_reply(const Envelope& envelope) {
  const auto at = calls_.find(envelope.call);
  if (at == calls_.end()) {  // its deadline has passed
    ++late_replies_;
    LOG(warn) << "late_reply call=" << envelope.call << " total=" << late_replies_;
    return;
  }
  const PendingCall call = std::move(at->second);
  deadlines_.erase({call.deadline, envelope.call});
  calls_.erase(at);
  call.receive(envelope.kind, envelope.payload);
}

void Runtime::expire_calls() {
  const auto now = core::Clock::now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto at = calls_.find(deadlines_.begin()->second);
    const PendingCall call = std::move(at->second);
    deadlines_.erase(deadlines_.begin());
    calls_.erase(at);
    call.receive(FrameKind::kError, encode_error(core::ErrorKind::kTimeout,
                                                 call.what + " did not answer in time"));
  }
}

bool Runtime::poll() {
  bool busy = false;
  while (auto frame = transport_.receive()) {
    handle(frame->first, frame->second);
    busy = true;
  }
  if (io_.poll() > 0) busy = true;
  for (Actor* actor : workers_) busy = actor->work() || busy;
  if (!deadlines_.empty()) expire_calls();
  transport_.unfinished_sends();
  return busy;
}

void Runtime::rest_unless(bool busy) {
  if (busy) {
    idle_rounds_ = 0;
    return;
  }
  ++idle_rounds_;
  const int beyond = idle_rounds_ - config_.polls_before_sleep;
  if (beyond < 0) {
    std::this_thread::yield();
    return;
  }
  const auto sleep = std::chrono::microseconds(50) * (1 << std::min(beyond / 16, 10));
  std::this_thread::sleep_for(
      std::min<std::chrono::microseconds>(sleep, config_.longest_sleep));
}

void Runtime::run() {
  while (!stopping_) turn();
}

void Runtime::stop_all() {
  for (int to = 0; to < size(); ++to) {
    if (to != rank()) transport_.send(to, seal(Envelope{FrameKind::kStop, 0, 0, 0, {}}));
  }
  const auto deadline = core::Deadline::in(std::chrono::seconds(5));
  while (transport_.unfinished_sends() > 0 && !deadline.has_passed()) {
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  stopping_ = true;
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

std::vector<std::string> Runtime::pending_calls() const {
  std::vector<std::string> calls;
  for (const auto& [deadline, call] : deadlines_) calls.push_back(calls_.at(call).what);
  return calls;
}

}  // namespace srpo::actors
