// A process group of threads: ranks read each other's memory, and sums are taken in rank
// order.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "comm/process_group.h"

namespace srpo::comm {

class LocalMeetingPoint;

/// One rank of a group of threads in this process. Each object belongs to one thread.
///
/// A collective throws kPeerLost when not every rank has come within the time limit, or
/// when a peer was destroyed; the group is then broken, and every later call on any of
/// its ranks throws too.
class LocalProcessGroup : public ProcessGroup {
 public:
  LocalProcessGroup(std::shared_ptr<LocalMeetingPoint> meeting_point, int rank);
  ~LocalProcessGroup() override;
  LocalProcessGroup(const LocalProcessGroup&) = delete;
  LocalProcessGroup& operator=(const LocalProcessGroup&) = delete;

  int rank() const override { return rank_; }
  int size() const override;
  std::string backend() const override { return "local"; }

  void all_gather(std::span<const float> send, std::span<float> receive) override;
  void reduce_scatter_sum(std::span<const float> send, std::span<float> receive) override;
  void all_reduce_sum(std::span<double> values) override;
  void broadcast(std::span<std::byte> bytes, int root) override;
  void barrier() override;

 private:
  std::shared_ptr<LocalMeetingPoint> meeting_point_;
  int rank_;
};

/// The ranks 0 .. size-1 of a new group, one for each thread to own.
std::vector<std::unique_ptr<LocalProcessGroup>> make_local_group(
    int size, std::chrono::milliseconds timeout = std::chrono::minutes(5));

}  // namespace srpo::comm
