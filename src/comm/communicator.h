// Byte messages between the ranks of one MPI communicator.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <utility>
#include <vector>

#include <mpi.h>

namespace srpo::comm {

/// Owns an MPI_Comm and the sends under way on it. One thread only: the one that
/// initialised MPI.
class Communicator {
 public:
  using Bytes = std::vector<std::byte>;

  /// A private copy of MPI_COMM_WORLD. Collective.
  static Communicator world();
  /// The ranks of equal colour, ordered by key; nothing for a negative colour.
  /// Collective, for start-up only.
  std::optional<Communicator> split(int color, int key) const;

  Communicator(Communicator&& other) noexcept;
  Communicator& operator=(Communicator&&) = delete;
  /// Frees the communicator; sends that have not completed are left to MPI.
  ~Communicator();

  int rank() const { return rank_; }
  int size() const { return size_; }
  MPI_Comm handle() const { return handle_; }

  /// Starts a send and keeps the bytes until it is done. At most 2 GiB - 1.
  void start_send(int to, Bytes bytes);
  /// Gives back the memory of finished sends; returns how many are still under way.
  size_t progress_sends();

  /// The next message that has arrived, if any: source and bytes. Matched probe, so the
  /// size is known before memory is taken; messages of one source keep their order.
  std::optional<std::pair<int, Bytes>> try_receive();

  /// Start-up only: the bytes of `root`, on every rank.
  Bytes broadcast(Bytes bytes, int root);

 private:
  explicit Communicator(MPI_Comm handle);

  struct Send {
    Bytes bytes;
    MPI_Request request;
  };

  MPI_Comm handle_;
  int rank_ = 0;
  int size_ = 0;
  std::list<Send> sends_;
};

}  // namespace srpo::comm
