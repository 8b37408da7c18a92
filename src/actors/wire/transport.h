// How frames get from process to process: MPI between processes, queues between threads,
// a seeded world in one thread for tests.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "actors/wire/frame.h"
#include "core/deadline.h"

namespace srpo::actors {

/// Moves whole frames. A frame arrives at most once and unchanged, or not at all; the
/// runtime puts them into order and checks them, so a transport may deliver a frame with
/// large buffers after a small one that was sent later. Never blocks. One thread only:
/// the reactor's.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Of this process among all processes, spares included.
  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Takes the frame; its buffers are read from where they lie until it has left. A send
  /// to the own rank is delivered by a later receive. A dead receiver is not an error.
  virtual void send(int to, Frame frame) = 0;

  /// The next frame that has arrived, with its sender.
  virtual std::optional<std::pair<int, Frame>> receive() = 0;

  /// Carries sends and receives on; the number of frames that have not left yet.
  virtual size_t unfinished_sends() = 0;

  /// The peer is dead: whatever is under way from or to it may never finish. Its memory
  /// is set aside, never reused, and counted by quarantined_bytes().
  virtual void forget(int /*peer*/) {}
  virtual size_t quarantined_bytes() const { return 0; }

  /// Gives memory of a frame back that is not needed any more.
  virtual void recycle(Frame&& /*frame*/) {}

  /// True if frames can be lost, repeated or reordered on the way.
  virtual bool may_lose_frames() const { return false; }

  /// The time that deadlines are measured in.
  virtual core::Clock::time_point now() const { return core::Clock::now(); }
  /// True where time is simulated: nobody may sleep or start threads.
  virtual bool is_simulated() const { return false; }
};

}  // namespace srpo::actors
