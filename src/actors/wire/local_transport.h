// Frames between threads of one process, each playing a rank: for tests and for programs
// without mpirun.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "actors/wire/transport.h"

namespace srpo::actors {

/// The mailboxes of all ranks. Thread-safe.
class LocalNetwork {
 public:
  explicit LocalNetwork(int size) : boxes_(static_cast<size_t>(size)) {}
  int size() const { return static_cast<int>(boxes_.size()); }
  void put(int to, int from, Frame frame);
  std::optional<std::pair<int, Frame>> take(int rank);

 private:
  struct Box {
    std::mutex mutex;
    std::deque<std::pair<int, Frame>> frames;
  };
  std::deque<Box> boxes_;
};

/// One rank's end of a network; borrows it.
class LocalTransport final : public Transport {
 public:
  LocalTransport(LocalNetwork& network, int rank) : network_(network), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return network_.size(); }
  void send(int to, Frame frame) override { network_.put(to, rank_, std::move(frame)); }
  std::optional<std::pair<int, Frame>> receive() override { return network_.take(rank_); }
  size_t unfinished_sends() override { return 0; }

 private:
  LocalNetwork& network_;
  int rank_;
};

}  // namespace srpo::actors
