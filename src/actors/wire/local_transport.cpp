#include "actors/wire/local_transport.h"

namespace srpo::actors {

void LocalNetwork::put(int to, int from, Frame frame) {
  Box& box = boxes_.at(static_cast<size_t>(to));
  const std::lock_guard lock(box.mutex);
  box.frames.emplace_back(from, std::move(frame));
}

std::optional<std::pair<int, Frame>> LocalNetwork::take(int rank) {
  Box& box = boxes_.at(static_cast<size_t>(rank));
  const std::lock_guard lock(box.mutex);
  if (box.frames.empty()) return std::nullopt;
  auto frame = std::move(box.frames.front());
  box.frames.pop_front();
  return frame;
}

}  // namespace srpo::actors
