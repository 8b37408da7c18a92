// The process group of one rank: every collective is a copy.
#pragma once

#include "comm/process_group.h"

namespace srpo::comm {

/// A group of size 1. Thread-compatible.
class SelfProcessGroup : public ProcessGroup {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  std::string backend() const override { return "self"; }

  void all_gather(std::span<const float> send, std::span<float> receive) override;
  void reduce_scatter_sum(std::span<const float> send, std::span<float> receive) override;
  void all_reduce_sum(std::span<double>) override {}
  void broadcast(std::span<std::byte>, int root) override;
  void barrier() override {}
};

}  // namespace srpo::comm
