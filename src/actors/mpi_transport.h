// Frames over an MPI communicator.
#pragma once

#include <deque>

#include "actors/transport.h"
#include "comm/communicator.h"

namespace srpo::actors {

/// Borrows the communicator. One thread only: the one that owns MPI.
class MpiTransport final : public Transport {
 public:
  explicit MpiTransport(comm::Communicator& communicator) : communicator_(communicator) {}

  int rank() const override { return communicator_.rank(); }
  int size() const override { return communicator_.size(); }
  void send(int to, Frame frame) override;
  std::optional<std::pair<int, Frame>> receive() override;
  size_t unfinished_sends() override;

 private:
  comm::Communicator& communicator_;
  std::deque<Frame> to_self_;
};

}  // namespace srpo::actors
