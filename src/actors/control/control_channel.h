// The second way between processes: small messages that get through, and the news of a
// death, while the first one is stuck.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/buffer.h"

namespace srpo::actors {

/// What the control channel reports.
struct ControlEvent {
  enum class Kind {
    kMessage,  ///< `message` from `peer`
    kJoined,   ///< `peer` is connected
    kLost,     ///< `peer` is dead or silent; `reason` says how it was noticed
  };
  Kind kind = Kind::kMessage;
  int peer = 0;
  core::Bytes message;
  std::string reason;
};

/// A star: rank 0 reaches everybody, everybody reaches rank 0. Messages of one peer keep
/// their order; each peer is lost at most once. Calls never block. One thread only: the
/// reactor's.
class ControlChannel {
 public:
  virtual ~ControlChannel() = default;
  /// A lost receiver is not an error. At most 16 MiB.
  virtual void send(int to, core::Bytes message) = 0;
  virtual std::optional<ControlEvent> poll() = 0;
  /// Cuts the connection of a peer that is declared dead: a zombie notices and leaves.
  virtual void fence(int peer) = 0;
  /// The reactor is alive: call it once a round. Cheap.
  virtual void beat() {}
};

}  // namespace srpo::actors
