// What every process group must do; the same checks run over self, local and mpi.
#pragma once

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comm/process_group.h"

namespace srpo::comm {

/// A value that does not add up exactly, different for each rank and element.
inline float sample(int rank, size_t element) {
  return std::sin(static_cast<float>(1 + rank * 7919 + static_cast<int>(element) * 31)) /
         static_cast<float>(1 + rank);
}

inline void check_all_gather(ProcessGroup& group, size_t count) {
  std::vector<float> send(count);
  for (size_t i = 0; i < count; ++i) send[i] = sample(group.rank(), i);
  std::vector<float> receive(count * static_cast<size_t>(group.size()), -1);
  group.all_gather(send, receive);
  for (int peer = 0; peer < group.size(); ++peer) {
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(receive[static_cast<size_t>(peer) * count + i], sample(peer, i));
    }
  }
  // In place: the rank's own part already lies where it belongs.
  std::fill(receive.begin(), receive.end(), -1.0F);
  auto own = std::span(receive).subspan(static_cast<size_t>(group.rank()) * count, count);
  std::copy(send.begin(), send.end(), own.begin());
  group.all_gather(own, receive);
  for (int peer = 0; peer < group.size(); ++peer) {
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(receive[static_cast<size_t>(peer) * count + i], sample(peer, i));
    }
  }
}

inline void check_sums(ProcessGroup& group, size_t count) {
  const auto num_ranks = static_cast<size_t>(group.size());
  std::vector<float> send(count * num_ranks);
  for (size_t i = 0; i < send.size(); ++i) send[i] = sample(group.rank(), i);
  std::vector<float> receive(count, -1);
  group.reduce_scatter_sum(send, receive);
  for (size_t i = 0; i < count; ++i) {
    const size_t element = static_cast<size_t>(group.rank()) * count + i;
    float expected = sample(0, element);
    for (int peer = 1; peer < group.size(); ++peer) expected += sample(peer, element);
    ASSERT_EQ(receive[i], expected) << "element " << i << ": not the sum in rank order";
  }
  std::vector<double> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = sample(group.rank(), i) / 3.0;
  group.all_reduce_sum(values);
  for (size_t i = 0; i < count; ++i) {
    double expected = sample(0, i) / 3.0;
    for (int peer = 1; peer < group.size(); ++peer) expected += sample(peer, i) / 3.0;
    ASSERT_EQ(values[i], expected);
  }
}

inline void check_broadcast(ProcessGroup& group, size_t count) {
  for (int root = 0; root < group.size(); ++root) {
    std::vector<std::byte> bytes(count);
    for (size_t i = 0; i < count; ++i) {
      bytes[i] = static_cast<std::byte>(group.rank() == root ? (i * 7 + 1) & 0xff : 0);
    }
    group.broadcast(bytes, root);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(bytes[i], static_cast<std::byte>((i * 7 + 1) & 0xff));
    }
  }
}

/// Everything, for sizes around the interesting ones.
inline void check_process_group(ProcessGroup& group) {
  for (size_t count : {0, 1, 3, 1000}) {
    check_all_gather(group, count);
    check_sums(group, count);
    check_broadcast(group, count);
    group.barrier();
  }
}

}  // namespace srpo::comm
