// Collectives among the ranks of one role, over memory on the host.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

namespace srpo::comm {

/// Every rank of the group calls the same methods in the same order with the same sizes.
/// A call returns when this rank's part is complete, and throws kPeerLost naming the
/// operation when its time limit passes. Sums are taken in rank order, so the result has
/// the same bits on every back end and in every run. One thread only: its owner's.
class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// "self", "local", "mpi" or "nccl".
  virtual std::string backend() const = 0;

  /// send: n floats; receive: size() * n floats, in rank order.
  virtual void all_gather(std::span<const float> send, std::span<float> receive) = 0;
  /// send: size() * n floats; receive: n floats, the sum over ranks of the part with this
  /// rank's number.
  virtual void reduce_scatter_sum(std::span<const float> send,
                                  std::span<float> receive) = 0;
  /// In place.
  virtual void all_reduce_sum(std::span<double> values) = 0;
  /// In place, from `root`.
  virtual void broadcast(std::span<std::byte> bytes, int root) = 0;
  virtual void barrier() = 0;
};

}  // namespace srpo::comm
