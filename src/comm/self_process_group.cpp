#include "comm/self_process_group.h"

#include <cstring>

#include "core/error.h"

namespace srpo::comm {

void SelfProcessGroup::all_gather(std::span<const float> send, std::span<float> receive) {
  ENSURE(send.size() == receive.size(),
         "all_gather of " << send.size() << " floats into " << receive.size());
  if (!send.empty()) std::memmove(receive.data(), send.data(), send.size_bytes());
}

void SelfProcessGroup::reduce_scatter_sum(std::span<const float> send,
                                          std::span<float> receive) {
  ENSURE(send.size() == receive.size(),
         "reduce_scatter_sum of " << send.size() << " floats into " << receive.size());
  if (!send.empty()) std::memmove(receive.data(), send.data(), send.size_bytes());
}

void SelfProcessGroup::broadcast(std::span<std::byte>, int root) {
  ENSURE(root == 0, "broadcast from rank " << root << " of a group of 1");
}

}  // namespace srpo::comm
