// Tagged byte messages on a communicator or an intercommunicator, without waiting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <mpi.h>

namespace srpo::comm {

/// Borrows an MPI_Comm, whose errors it makes return. One thread only: the one that
/// initialised MPI. Throws kPeerLost when MPI refuses; a dead receiver is no error.
class Channel {
 public:
  explicit Channel(MPI_Comm handle);

  /// Ranks that can be reached: of the communicator, or of the other side of an
  /// intercommunicator.
  int num_peers() const { return num_peers_; }
  MPI_Comm handle() const { return handle_; }

  /// A message that was matched by probe() and is not read yet.
  struct Arrival {
    int from = 0;
    size_t bytes = 0;
    MPI_Message message = MPI_MESSAGE_NULL;
  };

  /// The bytes must stay until the request has finished; MPI_REQUEST_NULL when it has
  /// already. At most 2 GiB - 1.
  MPI_Request start_send(int to, int tag, std::span<const std::byte> bytes);
  /// Receives the next message of one sender into memory that must stay.
  MPI_Request start_receive(int from, int tag, std::span<std::byte> into);
  /// The next message with the tag from anybody.
  std::optional<Arrival> probe(int tag);
  /// Reads a matched message; what does not fit into `into` is cut off. MPI_REQUEST_NULL
  /// when it is there already.
  MPI_Request start_receive(Arrival& arrival, std::span<std::byte> into);
  /// The same, and waits: for a message small enough to be there already.
  void receive(Arrival& arrival, std::span<std::byte> into);

 private:
  MPI_Comm handle_;
  int num_peers_ = 0;
};

/// Requests under way, each with a number that means something to its owner. One thread
/// only, as Channel.
class RequestSet {
 public:
  struct Finished {
    uint64_t owner = 0;
    size_t bytes = 0;     ///< that arrived, of a receive
    bool failed = false;  ///< MPI gave an error: the peer is lost or sent too much
  };

  void add(MPI_Request request, uint64_t owner);
  size_t size() const { return requests_.size(); }
  bool empty() const { return requests_.empty(); }

  /// Those of the next few requests that have finished: one look costs the same however
  /// many are under way. Valid until the next call.
  const std::vector<Finished>& poll();

  /// Forgets the requests of owners for which `is_lost(owner)`; MPI may go on writing to
  /// or reading from their memory for ever.
  template <class IsLost>
  void abandon(IsLost&& is_lost) {
    for (size_t i = 0; i < requests_.size();) {
      if (is_lost(owners_[i])) {
        remove(i);
      } else {
        ++i;
      }
    }
  }

 private:
  void remove(size_t index);

  std::vector<MPI_Request> requests_;
  std::vector<uint64_t> owners_;
  std::vector<Finished> finished_;
  size_t cursor_ = 0;
};

}  // namespace srpo::comm
