// How frames get from rank to rank: MPI between processes, queues between threads.
#pragma once

#include <optional>
#include <utility>

#include "core/archive.h"

namespace srpo::actors {

/// Frames of one sender arrive in the order they were sent. Never blocks. One thread
/// only: the rank's reactor.
class Transport {
 public:
  virtual ~Transport() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Takes the frame; a send to the own rank is delivered by the next receive.
  virtual void send(int to, core::Bytes frame) = 0;
  /// The next frame that has arrived, with its sender.
  virtual std::optional<std::pair<int, core::Bytes>> receive() = 0;
  /// Frames that were sent and may not have left yet.
  virtual size_t unfinished_sends() = 0;
};

}  // namespace srpo::actors
