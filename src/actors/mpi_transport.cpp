#include "actors/mpi_transport.h"

namespace srpo::actors {

void MpiTransport::send(int to, Frame frame) {
  if (to == rank()) {
    to_self_.push_back(std::move(frame));
  } else {
    ENSURE(frame.buffers.empty(), "buffers over MPI");
    communicator_.start_send(to, std::move(frame.bytes));
  }
}

std::optional<std::pair<int, Frame>> MpiTransport::receive() {
  if (!to_self_.empty()) {
    Frame frame = std::move(to_self_.front());
    to_self_.pop_front();
    return std::make_pair(rank(), std::move(frame));
  }
  auto message = communicator_.try_receive();
  if (!message) return std::nullopt;
  return std::make_pair(message->first, Frame{std::move(message->second), {}});
}

size_t MpiTransport::unfinished_sends() {
  return communicator_.progress_sends() + to_self_.size();
}

}  // namespace srpo::actors
