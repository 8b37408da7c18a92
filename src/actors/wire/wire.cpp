#include "actors/wire/wire.h"

#include <algorithm>

#include "core/log.h"

namespace srpo::actors {
namespace {

constexpr size_t kMaxEarlyBytes = size_t{64} << 20;

}  // namespace

Wire::Wire(Transport& transport, int num_slots, std::chrono::nanoseconds gap_timeout)
    : transport_(transport),
      gap_timeout_(gap_timeout),
      peers_(static_cast<size_t>(num_slots)),
      slot_of_process_(static_cast<size_t>(transport.size()), -1) {
  for (int slot = 0; slot < num_slots; ++slot) {
    peer(slot).process = slot;
    slot_of_process_[static_cast<size_t>(slot)] = slot;
  }
  if (transport.rank() < num_slots) slot_ = transport.rank();
}

int Wire::slot_of(int process) const {
  const auto index = static_cast<size_t>(process);
  return index < slot_of_process_.size() ? slot_of_process_[index] : -1;
}

void Wire::send(int slot, FrameHeader header, core::Bytes bytes,
                std::vector<core::Buffer> buffers) {
  Peer& to = peer(slot);
  if (to.state != Peer::State::kUp) return;
  header.incarnation = incarnation_;
  header.sequence = to.sent + 1;
  Frame frame = seal(header, std::move(bytes), std::move(buffers));
  ++to.sent;
  ++counts_.sent_frames;
  counts_.sent_bytes += frame.size();
  if (slot == slot_) {
    to_self_.push_back(std::move(frame));
  } else {
    transport_.send(to.process, std::move(frame));
  }
}

bool Wire::receive(int limit, const Deliver& deliver) {
  bool any = false;
  if (early_may_go_) deliver_early(deliver);
  for (int i = 0; i < limit && !to_self_.empty(); ++i) {
    Frame frame = std::move(to_self_.front());
    to_self_.pop_front();
    const OpenFrame opened = open_now(frame, slot_);
    deliver_in_order(slot_, std::move(frame), opened, deliver);
    any = true;
  }
  // A look that finds nothing costs as much as a message: one follows only when more
  // came in the last round.
  const int burst = std::min(limit, burst_);
  int taken = 0;
  for (; taken < burst; ++taken) {
    auto arrived = transport_.receive();
    if (!arrived) break;
    accept(arrived->first, std::move(arrived->second), deliver);
  }
  burst_ = taken == burst ? std::min(2 * burst, limit) : std::max(taken, 1);
  any = any || taken > 0;
  if (any_gaps_) any = skip_gaps(deliver) || any;
  return any;
}

OpenFrame Wire::open_now(const Frame& frame, int process) const {
  OpenFrame opened = open(frame, process);
  opened.arrived = transport_.now();
  return opened;
}

void Wire::accept(int process, Frame frame, const Deliver& deliver) {
  const int slot = slot_of(process);
  if (slot < 0) {
    keep_early(process, std::move(frame));
    return;
  }
  Peer& from = peer(slot);
  OpenFrame opened;
  try {
    opened = open_now(frame, process);
  } catch (const core::Error& error) {
    // Its number cannot be trusted, so there will be a gap that nothing fills.
    ++counts_.damaged;
    from.loses_frames = true;
    LOG(warn) << "frame_refused process=" << process << " reason=" << error.what();
    return;
  }
  if (opened.header.incarnation != from.incarnation) {
    ++counts_.fenced;
    return;
  }
  if (!opened.arguments_are_whole) ++counts_.damaged;
  deliver_in_order(slot, std::move(frame), opened, deliver);
}

void Wire::keep_early(int process, Frame frame) {
  const size_t size = frame.size();
  if (dead_processes_.contains(process) || early_bytes_ + size > kMaxEarlyBytes) {
    ++counts_.fenced;
    LOG(warn) << "frame_refused process=" << process << " reason=fills no slot";
    return;
  }
  early_bytes_ += size;
  early_.emplace_back(process, std::move(frame));
}

void Wire::deliver_early(const Deliver& deliver) {
  early_may_go_ = false;
  auto early = std::move(early_);
  early_.clear();
  early_bytes_ = 0;
  for (auto& [process, frame] : early) accept(process, std::move(frame), deliver);
}

void Wire::deliver_in_order(int slot, Frame frame, const OpenFrame& opened,
                            const Deliver& deliver) {
  Peer& from = peer(slot);
  const auto verdict = from.order.accept(opened.header.sequence, frame, opened.arrived);
  if (verdict == FrameOrder::Verdict::kTooFar) {
    ++counts_.damaged;
    from.loses_frames = true;
  }
  if (verdict != FrameOrder::Verdict::kNext) {
    any_gaps_ = any_gaps_ || from.order.num_early() > 0;
    return;
  }
  ++counts_.received_frames;
  counts_.received_bytes += frame.size();
  deliver(slot, opened, frame);
  transport_.recycle(std::move(frame));
  while (auto next = from.order.take()) {
    ++counts_.received_frames;
    counts_.received_bytes += next->size();
    const OpenFrame again = open_now(*next, from.process);
    deliver(slot, again, *next);
    transport_.recycle(std::move(*next));
  }
}

bool Wire::skip_gaps(const Deliver& deliver) {
  const auto since = transport_.now() - gap_timeout_;
  any_gaps_ = false;
  bool any = false;
  for (int slot = 0; slot < num_slots(); ++slot) {
    Peer& from = peer(slot);
    if (may_have_gaps(from)) {
      while (from.order.skip_gap(since)) {
        while (auto next = from.order.take()) {
          ++counts_.received_frames;
          counts_.received_bytes += next->size();
          const OpenFrame again = open_now(*next, from.process);
          deliver(slot, again, *next);
          transport_.recycle(std::move(*next));
          any = true;
        }
      }
    }
    any_gaps_ = any_gaps_ || from.order.num_early() > 0;
  }
  return any;
}

void Wire::take_slot(int slot, uint32_t incarnation) {
  slot_ = slot;
  incarnation_ = incarnation;
}

void Wire::fill(int slot, int process, uint32_t incarnation) {
  Peer fresh;
  fresh.process = process;
  fresh.incarnation = incarnation;
  for (int& each : slot_of_process_) {
    if (each == slot) each = -1;
  }
  if (slot_of_process_.size() <= static_cast<size_t>(process))
    slot_of_process_.resize(static_cast<size_t>(process) + 1, -1);
  slot_of_process_[static_cast<size_t>(process)] = slot;
  fresh.credit = std::move(peer(slot).credit);  // what waits for the slot goes on waiting
  peer(slot) = std::move(fresh);
  early_may_go_ = !early_.empty();
}

void Wire::lose(int slot, Peer::State state) {
  Peer& lost = peer(slot);
  counts_.duplicates += lost.order.duplicates();
  counts_.lost += lost.order.lost();
  if (lost.state == Peer::State::kUp) {
    transport_.forget(lost.process);
    dead_processes_.insert(lost.process);
  }
  lost.state = state;
  lost.order = FrameOrder();
  for (int& each : slot_of_process_) {
    if (each == slot) each = -1;
  }
}

std::optional<core::Clock::time_point> Wire::gap_ends() const {
  std::optional<core::Clock::time_point> first;
  if (!any_gaps_) return first;
  for (const Peer& from : peers_) {
    const auto since = from.order.gap_since();
    if (since && may_have_gaps(from) && (!first || *since + gap_timeout_ < *first))
      first = *since + gap_timeout_;
  }
  return first;
}

WireCounts Wire::counts() const {
  WireCounts counts = counts_;
  for (const Peer& each : peers_) {
    counts.duplicates += each.order.duplicates();
    counts.lost += each.order.lost();
  }
  return counts;
}

}  // namespace srpo::actors
