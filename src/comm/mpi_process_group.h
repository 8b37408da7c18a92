// A process group over an MPI communicator.
#pragma once

#include <chrono>
#include <vector>

#include <mpi.h>

#include "comm/process_group.h"

namespace srpo::comm {

/// Borrows the communicator, on which nothing else may call collectives meanwhile; its
/// error handler is set to return errors. Waiting never spins: it yields, then sleeps.
/// All ranks' bytes are exchanged and summed here in rank order, so sums have the bits of
/// LocalProcessGroup. After kPeerLost the communicator is in an unknown state: end the
/// process, or give the group another communicator. Thread-compatible
/// (MPI_THREAD_FUNNELED: MPI's thread).
class MpiProcessGroup : public ProcessGroup {
 public:
  MpiProcessGroup(MPI_Comm communicator, std::chrono::milliseconds timeout);

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string backend() const override { return "mpi"; }

  void all_gather(std::span<const float> send, std::span<float> receive) override;
  void reduce_scatter_sum(std::span<const float> send, std::span<float> receive) override;
  void all_reduce_sum(std::span<double> values) override;
  void broadcast(std::span<std::byte> bytes, int root) override;
  void barrier() override;

  /// Elements a single MPI call may carry; larger operations are done in pieces. Tests
  /// make it small.
  void set_largest_message(size_t elements);

 private:
  void wait(MPI_Request request, const char* operation);
  void check(int code, const char* operation) const;
  /// Elements a rank contributes to one call when `size_` blocks of them meet in one
  /// buffer.
  size_t block_limit() const;

  MPI_Comm communicator_;
  std::chrono::milliseconds timeout_;
  int rank_ = 0;
  int size_ = 1;
  size_t largest_message_;
  std::vector<float> pieces_;
  std::vector<float> blocks_;
};

}  // namespace srpo::comm
