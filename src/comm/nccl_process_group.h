// A process group over NCCL, one GPU a rank. Only in libsrpo_nccl.so.
#pragma once

#include <chrono>
#include <cuda_runtime_api.h>

#include <nccl.h>

#include "comm/process_group.h"

namespace srpo::comm {

/// Host memory is staged through buffers on the GPU. Sums are taken in rank order from
/// gathered parts, as on every other back end. A call that fails or passes the time limit
/// aborts the NCCL communicator. Thread-compatible.
class NcclProcessGroup : public ProcessGroup {
 public:
  NcclProcessGroup(ProcessGroup& rendezvous, int device,
                   std::chrono::milliseconds timeout);
  ~NcclProcessGroup() override;
  NcclProcessGroup(const NcclProcessGroup&) = delete;
  NcclProcessGroup& operator=(const NcclProcessGroup&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string backend() const override { return "nccl"; }

  void all_gather(std::span<const float> send, std::span<float> receive) override;
  void reduce_scatter_sum(std::span<const float> send, std::span<float> receive) override;
  void all_reduce_sum(std::span<double> values) override;
  void broadcast(std::span<std::byte> bytes, int root) override;
  void barrier() override;

 private:
  struct DeviceBuffer {
    void* data = nullptr;
    size_t size = 0;
  };

  void check(cudaError_t code, const char* operation) const;
  void check(ncclResult_t code, const char* operation) const;
  /// Waits for the communicator to leave ncclInProgress.
  void settle(const char* operation);
  /// Waits for the stream.
  void finish(const char* operation);
  [[noreturn]] void give_up(const char* operation, const std::string& reason);
  void* reserve(DeviceBuffer& buffer, size_t bytes);

  int rank_;
  int size_;
  std::chrono::milliseconds timeout_;
  ncclComm_t communicator_ = nullptr;
  cudaStream_t stream_ = nullptr;
  DeviceBuffer send_;
  DeviceBuffer receive_;
};

}  // namespace srpo::comm
