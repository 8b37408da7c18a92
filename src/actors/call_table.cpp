#include "actors/call_table.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "core/log.h"

namespace srpo::actors {
namespace {

/// So many lost callees in a row are the call's doing, not theirs.
constexpr int kPoisonAfter = 3;

/// An empty message body, for frames that carry nothing.
core::Bytes no_arguments() { return core::Bytes(kHeaderBytes); }

}  // namespace

CallTable::CallTable(Wire& wire, TimerWheel& timers, const Limits& limits, Post post)
    : wire_(wire),
      timers_(timers),
      limits_(limits),
      post_(std::move(post)),
      load_(static_cast<size_t>(wire.num_slots()), 0) {}

CallTable::Pending& CallTable::take_free() {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(table_.size()));
    table_.emplace_back();
  }
  const uint32_t index = free_.back();
  free_.pop_back();
  Pending& pending = table_[index];
  pending.generation = (pending.generation + 1) & 0x1FFFFFFF;
  pending.id = (uint64_t{pending.generation} << 32) | (index + 1);
  ++used_;
  return pending;
}

const CallTable::Pending* CallTable::find(uint64_t call) const {
  const auto index = static_cast<uint32_t>(call) - 1;
  if (index >= table_.size() || table_[index].id != call) return nullptr;
  return &table_[index];
}

CallTable::Pending* CallTable::find(uint64_t call) {
  return const_cast<Pending*>(std::as_const(*this).find(call));
}

uint64_t CallTable::start(CallRequest request) {
  const auto refuse = [&](CallError::Kind kind, core::ErrorKind cause,
                          const std::string& why) {
    const CallError error{kind, cause, std::string(request.name) + ": " + why};
    request.receive(Answer{FrameKind::kError, {}, {}, &error, {}});
    return uint64_t{0};
  };
  const int slot = request.slot;
  if (!wire_.is_slot(slot)) {
    return refuse(CallError::Kind::kNotSent, core::ErrorKind::kBug,
                  "no rank " + std::to_string(slot));
  }
  Peer& peer = wire_.peer(slot);
  if (peer.state == Peer::State::kGone) {
    return refuse(CallError::Kind::kNotSent, core::ErrorKind::kPeerLost,
                  "rank " + std::to_string(slot) + " is gone");
  }
  if (request.buffers.size() > kMaxBuffers) {
    return refuse(CallError::Kind::kNotSent, core::ErrorKind::kBug,
                  std::to_string(request.buffers.size()) + " buffers in one message");
  }
  size_t bytes = request.bytes.size();
  for (const core::Buffer& buffer : request.buffers) bytes += buffer.size();
  CreditLine& credit = peer.credit_at(request.actor, limits_.credits);
  const bool now = peer.state == Peer::State::kUp && credit.can_send(bytes);
  if (!now && (!request.options.wait_for_credit || !credit.can_wait(bytes))) {
    ++overloaded_;
    return refuse(CallError::Kind::kOverloaded, core::ErrorKind::kPeerLost,
                  "rank " + std::to_string(slot) + " has " +
                      std::to_string(credit.calls()) + " calls under way and " +
                      std::to_string(credit.num_waiting()) + " waiting");
  }
  if (request.options.stop.stop_requested()) {
    return refuse(CallError::Kind::kCancelled, core::ErrorKind::kTimeout, "cancelled");
  }
  Pending& pending = take_free();
  const uint64_t id = pending.id;
  pending.request = std::move(request);
  pending.bytes = bytes;
  pending.sent = false;
  pending.items = 0;
  pending.abandoned = false;
  pending.lost_callees = 0;
  const MethodOptions& options = pending.request.method_options;
  pending.repeats_left = options.idempotent ? options.retries : 0;
  auto timeout = pending.request.options.timeout;
  if (timeout.count() == 0) timeout = std::chrono::milliseconds(options.timeout_ms);
  if (timeout.count() == 0) timeout = limits_.call_timeout;
  timeout = std::min<std::chrono::nanoseconds>(timeout, kLongestWait);
  pending.started = wire_.transport().now();
  pending.deadline = pending.started + timeout;
  const CallContext* context = current_context();
  if (context != nullptr && context->deadline)
    pending.deadline = std::min(pending.deadline, *context->deadline);
  pending.timer = timers_.add(pending.deadline, id);
  pending.header = {FrameKind::kCall,
                    pending.request.flags,
                    0,
                    pending.request.actor,
                    pending.request.method,
                    id,
                    0,
                    0};
  ++load_[static_cast<size_t>(slot)];
  if (pending.request.options.stop.stop_possible()) {
    pending.stop =
        std::make_unique<StopCallback>(pending.request.options.stop, [this, id] {
          post_([this, id] {
            cancel(id, {CallError::Kind::kCancelled, core::ErrorKind::kTimeout,
                        "cancelled by the caller"});
          });
        });
  }
  if (now) {
    credit.sent(bytes);
    transmit(pending, pending.started);
  } else {
    credit.wait(id, bytes);
  }
  return id;
}

void CallTable::transmit(Pending& pending, core::Clock::time_point now) {
  pending.sent = true;
  pending.header.time_left = (pending.deadline - now).count();
  CallRequest& request = pending.request;
  announce_references(request.slot, request.references);
  trace(TraceKind::kSent, pending, false);
  const int64_t again = request.method_options.retry_after_ms;
  if (pending.repeats_left > 0) {
    if (again > 0 && pending.repeat_timer == 0) {
      pending.repeat_timer =
          timers_.add(now + std::chrono::milliseconds(again), pending.id | kRepeatKey);
    }
    wire_.send(request.slot, pending.header, request.bytes, request.buffers);
  } else {
    wire_.send(request.slot, pending.header, std::move(request.bytes),
               std::move(request.buffers));
  }
}

void CallTable::trace(TraceKind kind, const Pending& pending, bool failed) {
  if (trace_ == nullptr || !trace_->is_on()) return;
  trace_->add({kind, pending.request.name, pending.id, pending.request.slot, 0,
               pending.bytes, failed});
}

void CallTable::finish(Pending& pending, const Answer& answer, bool callee_has_it) {
  if (pending.timer != 0) timers_.remove(std::exchange(pending.timer, 0));
  if (pending.repeat_timer != 0) timers_.remove(std::exchange(pending.repeat_timer, 0));
  if (answer.kind == FrameKind::kReply)
    round_trips_.add(answer.arrived - pending.started);
  const int slot = pending.request.slot;
  --load_[static_cast<size_t>(slot)];
  --used_;
  if (pending.sent)
    trace(TraceKind::kAnswered, pending, answer.kind == FrameKind::kError);
  const CallRequest request = std::move(pending.request);
  pending.request = {};
  pending.request.slot = slot;
  pending.request.actor = request.actor;
  pending.stop.reset();
  if (callee_has_it && pending.sent && wire_.peer(slot).state == Peer::State::kUp) {
    pending.abandoned = true;
    ++abandoned_;
    pending.timer =
        timers_.add(wire_.transport().now() + limits_.credit_hold, pending.id);
  } else {
    release(pending);
  }
  request.receive(answer);
}

void CallTable::release(Pending& pending) {
  if (pending.timer != 0) timers_.remove(std::exchange(pending.timer, 0));
  const int slot = pending.request.slot;
  const uint32_t actor = pending.request.actor;
  CreditLine& credit = wire_.peer(slot).credit_at(actor, limits_.credits);
  if (pending.sent) {
    credit.answered(pending.bytes);
  } else {
    credit.forget(pending.id);
  }
  if (std::exchange(pending.abandoned, false)) --abandoned_;
  free_.push_back(static_cast<uint32_t>(pending.id) - 1);
  pending.id = 0;
  send_waiting(slot, actor);
}

void CallTable::fail(Pending& pending, CallError::Kind kind, core::ErrorKind cause,
                     const std::string& why, bool callee_has_it) {
  const CallError error{kind, cause,
                        std::string(pending.request.name) + " of rank " +
                            std::to_string(pending.request.slot) + ": " + why};
  finish(pending, Answer{FrameKind::kError, {}, {}, &error, {}}, callee_has_it);
}

void CallTable::send_waiting(int slot, uint32_t actor) {
  Peer& peer = wire_.peer(slot);
  if (peer.state != Peer::State::kUp) return;
  CreditLine& credit = peer.credit_at(actor, limits_.credits);
  while (const uint64_t call = credit.next_ready()) {
    Pending* pending = find(call);
    credit.sent(pending->bytes);
    transmit(*pending, wire_.transport().now());
  }
}

void CallTable::on_answer(int slot, const OpenFrame& open, const Frame& frame) {
  Pending* pending = find(open.header.call);
  const bool expected =
      pending != nullptr && pending->request.slot == slot && pending->sent;
  if (!expected || pending->abandoned) {
    ++late_replies_;  // its deadline has passed, or it was repeated
    if (expected && open.header.kind != FrameKind::kStreamItem) release(*pending);
    LOG(debug) << "late_reply slot=" << slot << " total=" << late_replies_;
    return;
  }
  if (!open.arguments_are_whole) {
    fail(*pending, CallError::Kind::kUnknownOutcome, core::ErrorKind::kPeerLost,
         "the answer came damaged");
    return;
  }
  Answer answer{open.header.kind, open.arguments, frame.buffers, nullptr, open.arrived};
  if (pending->request.streams && answer.kind != FrameKind::kError &&
      open.header.time_left != pending->items) {
    send_cancel(*pending);
    fail(*pending, CallError::Kind::kUnknownOutcome, core::ErrorKind::kPeerLost,
         "elements of the stream were lost", answer.kind == FrameKind::kStreamItem);
    return;
  }
  if (answer.kind == FrameKind::kStreamItem) {
    ++pending->items;
    trace(TraceKind::kItemArrived, *pending, false);
    const auto receive = pending->request.receive;  // it may finish the call
    receive(answer);
    return;
  }
  if (answer.kind == FrameKind::kReply) {
    finish(*pending, answer);
    return;
  }
  try {
    const auto error = core::from_bytes<CallError>(open.arguments);
    answer.error = &error;
    finish(*pending, answer);
  } catch (const core::Error& error) {
    fail(*pending, CallError::Kind::kUnknownOutcome, core::ErrorKind::kPeerLost,
         error.what());
  }
}

void CallTable::on_timer(uint64_t key) {
  Pending* pending = find(key & ~kRepeatKey);
  if (pending == nullptr) return;
  if ((key & kRepeatKey) != 0) {
    pending->repeat_timer = 0;
    if (pending->repeats_left <= 0 || !pending->sent) return;
    if (wire_.peer(pending->request.slot).state != Peer::State::kUp) return;
    --pending->repeats_left;
    ++repeated_;
    // The last repetition gives its memory away as a first call does.
    transmit(*pending, wire_.transport().now());
    return;
  }
  pending->timer = 0;  // it has fired
  if (pending->abandoned) {
    release(*pending);
    return;
  }
  send_cancel(*pending);
  fail(*pending, CallError::Kind::kTimeout, core::ErrorKind::kTimeout,
       pending->sent ? "no answer in time" : "no credit in time", true);
}

void CallTable::send_cancel(const Pending& pending) {
  if (!pending.sent) return;
  FrameHeader header;
  header.kind = FrameKind::kCancel;
  header.actor = pending.request.actor;
  header.call = pending.id;
  wire_.send(pending.request.slot, header, no_arguments(), {});
}

void CallTable::cancel(uint64_t call, const CallError& error) {
  Pending* pending = find(call);
  if (pending == nullptr || pending->abandoned) return;
  send_cancel(*pending);
  finish(*pending, Answer{FrameKind::kError, {}, {}, &error, {}}, true);
}

void CallTable::grow_window(uint64_t call, uint32_t count) {
  const Pending* pending = find(call);
  if (pending == nullptr || pending->abandoned) return;
  FrameHeader header;
  header.kind = FrameKind::kStreamWindow;
  header.actor = pending->request.actor;
  header.call = call;
  std::vector<core::Buffer> none;
  core::ByteWriter writer = begin_frame(none);
  writer.write(count);
  wire_.send(pending->request.slot, header, writer.take(), {});
}

void CallTable::on_slot_lost(int slot, const std::string& reason) {
  for (size_t i = 0; i < table_.size(); ++i) {
    Pending& pending = table_[i];
    if (pending.id == 0 || pending.request.slot != slot || !pending.sent) continue;
    if (pending.abandoned) {
      release(pending);
      continue;
    }
    ++pending.lost_callees;
    if (pending.repeats_left > 0 && !pending.request.streams &&
        pending.lost_callees < kPoisonAfter) {
      --pending.repeats_left;
      pending.sent = false;
      if (pending.repeat_timer != 0)
        timers_.remove(std::exchange(pending.repeat_timer, 0));
      CreditLine& credit =
          wire_.peer(slot).credit_at(pending.request.actor, limits_.credits);
      credit.answered(pending.bytes);
      credit.wait(pending.id, pending.bytes);
      continue;
    }
    if (pending.lost_callees >= kPoisonAfter && poison_)
      poison_(slot, pending.lost_callees);
    fail(pending, CallError::Kind::kUnknownOutcome, core::ErrorKind::kPeerLost,
         pending.lost_callees >= kPoisonAfter
             ? std::to_string(pending.lost_callees) +
                   " callees were lost while they ran it: " + reason
             : reason);
  }
}

void CallTable::on_slot_filled(int slot) {
  std::vector<uint32_t> actors;
  for (auto& [actor, credit] : wire_.peer(slot).credit) actors.push_back(actor);
  std::sort(actors.begin(), actors.end());
  for (const uint32_t actor : actors) send_waiting(slot, actor);
}

void CallTable::on_slot_gone(int slot, const std::string& reason) {
  for (size_t i = 0; i < table_.size(); ++i) {
    Pending& pending = table_[i];
    if (pending.id == 0 || pending.request.slot != slot) continue;
    if (pending.abandoned) {
      release(pending);
      continue;
    }
    fail(pending,
         pending.sent ? CallError::Kind::kUnknownOutcome : CallError::Kind::kNotSent,
         core::ErrorKind::kPeerLost, reason);
  }
}

size_t CallTable::load(int slot) const {
  return wire_.is_slot(slot) ? load_[static_cast<size_t>(slot)] : 0;
}

std::string CallTable::describe(const Pending& pending) const {
  std::ostringstream text;
  const std::chrono::duration<double> age = wire_.transport().now() - pending.started;
  text << pending.request.name << " of rank " << pending.request.slot << ", "
       << (pending.sent ? "sent " : "waits for credit since ") << std::fixed
       << std::setprecision(1) << age.count() << (pending.sent ? " s ago" : " s");
  return text.str();
}

std::string CallTable::describe(uint64_t call) const {
  const Pending* pending = find(call);
  return pending == nullptr || pending->abandoned ? "nothing" : describe(*pending);
}

std::vector<std::string> CallTable::describe() const {
  std::vector<const Pending*> pending;
  for (const Pending& each : table_) {
    if (each.id != 0 && !each.abandoned) pending.push_back(&each);
  }
  std::sort(pending.begin(), pending.end(), [](const Pending* a, const Pending* b) {
    return std::pair(a->started, a->id) < std::pair(b->started, b->id);
  });
  std::vector<std::string> lines;
  lines.reserve(pending.size());
  for (const Pending* each : pending) lines.push_back(describe(*each));
  return lines;
}

}  // namespace srpo::actors
