#include "actors/mpi_transport.h"

namespace srpo::actors {

void MpiTransport::send(int to, core::Bytes frame) {
  if (to == rank()) {
    to_self_.push_back(std::move(frame));
  } else {
    communicator_.start_send(to, std::move(frame));
  }
}

std::optional<std::pair<int, core::Bytes>> MpiTransport::receive() {
  if (!to_self_.empty()) {
    core::Bytes frame = std::move(to_self_.front());
    to_self_.pop_front();
    return std::make_pair(rank(), std::move(frame));
  }
  return communicator_.try_receive();
}

size_t MpiTransport::unfinished_sends() {
  return communicator_.progress_sends() + to_self_.size();
}

}  // namespace srpo::actors
