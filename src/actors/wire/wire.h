// Frames between slots: numbered, put into order, checked, and refused when they come
// from a process that was replaced.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/wire/peer.h"
#include "actors/wire/transport.h"

namespace srpo::actors {

/// Counts of what the wire refused or missed.
struct WireCounts {
  uint64_t sent_frames = 0;
  uint64_t sent_bytes = 0;
  uint64_t received_frames = 0;
  uint64_t received_bytes = 0;
  uint64_t damaged = 0;     ///< frames that did not pass their checks
  uint64_t duplicates = 0;  ///< seen before
  uint64_t lost = 0;        ///< given up after a gap in the numbers
  uint64_t fenced = 0;      ///< from a process that was declared dead

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("sent_frames", self.sent_frames);
    visit("sent_bytes", self.sent_bytes);
    visit("received_frames", self.received_frames);
    visit("received_bytes", self.received_bytes);
    visit("damaged", self.damaged);
    visit("duplicates", self.duplicates);
    visit("lost", self.lost);
    visit("fenced", self.fenced);
  }
};

/// Borrows the transport. One thread only: the reactor.
class Wire {
 public:
  using Deliver = std::function<void(int slot, const OpenFrame&, Frame&)>;

  /// Slots 0 .. num_slots-1 are filled by the processes of the same number; this process
  /// fills its own, or none yet if it is a spare.
  Wire(Transport& transport, int num_slots, std::chrono::nanoseconds gap_timeout);

  int slot() const { return slot_; }
  int num_slots() const { return static_cast<int>(peers_.size()); }
  uint32_t incarnation() const { return incarnation_; }
  Peer& peer(int slot) { return peers_[static_cast<size_t>(slot)]; }
  const Peer& peer(int slot) const { return peers_[static_cast<size_t>(slot)]; }
  bool is_slot(int slot) const { return slot >= 0 && slot < num_slots(); }

  /// Seals and sends. To a slot without a process: nothing happens.
  void send(int slot, FrameHeader header, core::Bytes bytes,
            std::vector<core::Buffer> buffers);
  /// Delivers what has arrived, at most `limit` frames; true if there was any.
  bool receive(int limit, const Deliver& deliver);
  /// Carries transfers on; frames that have not left.
  size_t progress() { return transport_.unfinished_sends(); }

  /// This process fills a slot now (a spare that was promoted, or a replacement).
  void take_slot(int slot, uint32_t incarnation);
  /// Another process fills a slot; earlier ones are refused from now on. What the new one
  /// has sent before this was known is delivered by the next receive().
  void fill(int slot, int process, uint32_t incarnation);
  /// The process of a slot is lost.
  void lose(int slot, Peer::State state);

  Transport& transport() { return transport_; }
  core::Clock::time_point now() const { return transport_.now(); }
  WireCounts counts() const;
  /// When the oldest missing frame will be given up; nothing without a gap that may stay.
  std::optional<core::Clock::time_point> gap_ends() const;

 private:
  int slot_of(int process) const;
  void accept(int process, Frame frame, const Deliver& deliver);
  bool may_have_gaps(const Peer& from) const {
    return from.loses_frames || transport_.may_lose_frames();
  }
  OpenFrame open_now(const Frame& frame, int process) const;
  void deliver_in_order(int slot, Frame frame, const OpenFrame& open,
                        const Deliver& deliver);
  bool skip_gaps(const Deliver& deliver);
  void keep_early(int process, Frame frame);
  void deliver_early(const Deliver& deliver);

  Transport& transport_;
  std::chrono::nanoseconds gap_timeout_;
  std::deque<Peer> peers_;
  std::vector<int> slot_of_process_;
  int slot_ = -1;
  uint32_t incarnation_ = 1;
  std::deque<Frame> to_self_;
  int burst_ = 1;  ///< frames that the next round takes at most
  WireCounts counts_;
  bool any_gaps_ = false;
  std::set<int> dead_processes_;
  std::deque<std::pair<int, Frame>> early_;  // of processes that fill no slot yet
  size_t early_bytes_ = 0;
  bool early_may_go_ = false;
};

}  // namespace srpo::actors
