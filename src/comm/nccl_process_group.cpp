#include "comm/nccl_process_group.h"

#include <cstring>
#include <thread>
#include <vector>

#include "comm/nccl_loader.h"
#include "core/deadline.h"
#include "core/error.h"

namespace srpo::comm {

NcclProcessGroup::NcclProcessGroup(ProcessGroup& rendezvous, int device,
                                   std::chrono::milliseconds timeout)
    : rank_(rendezvous.rank()), size_(rendezvous.size()), timeout_(timeout) {
  check(cudaSetDevice(device), "cudaSetDevice");
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  ncclUniqueId id{};
  if (rank_ == 0) check(ncclGetUniqueId(&id), "ncclGetUniqueId");
  rendezvous.broadcast(std::as_writable_bytes(std::span(&id, 1)), 0);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  const ncclResult_t code =
      ncclCommInitRankConfig(&communicator_, size_, id, rank_, &config);
  if (code != ncclInProgress) check(code, "ncclCommInitRank");
  settle("ncclCommInitRank");
}

NcclProcessGroup::~NcclProcessGroup() {
  if (communicator_ != nullptr) ncclCommAbort(communicator_);
  cudaFree(send_.data);
  cudaFree(receive_.data);
  if (stream_ != nullptr) cudaStreamDestroy(stream_);
}

void NcclProcessGroup::check(cudaError_t code, const char* operation) const {
  REQUIRE(code == cudaSuccess, kPeerLost,
          operation << " on rank " << rank_ << " of " << size_
                    << " (nccl): " << cudaGetErrorString(code));
}

void NcclProcessGroup::check(ncclResult_t code, const char* operation) const {
  REQUIRE(code == ncclSuccess, kPeerLost,
          operation << " on rank " << rank_ << " of " << size_
                    << " (nccl): " << ncclGetErrorString(code));
}

void NcclProcessGroup::give_up(const char* operation, const std::string& reason) {
  if (communicator_ != nullptr) ncclCommAbort(communicator_);
  communicator_ = nullptr;
  throw core::Error(core::ErrorKind::kPeerLost,
                    std::string(operation) + " on rank " + std::to_string(rank_) +
                        " of " + std::to_string(size_) + " (nccl): " + reason);
}

void NcclProcessGroup::settle(const char* operation) {
  const auto deadline = core::Deadline::in(timeout_);
  ncclResult_t state = ncclInProgress;
  while (state == ncclInProgress) {
    check(ncclCommGetAsyncError(communicator_, &state), operation);
    if (deadline.has_passed()) give_up(operation, "a peer did not come in time");
    if (state == ncclInProgress)
      std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  if (state != ncclSuccess) give_up(operation, ncclGetErrorString(state));
}

void NcclProcessGroup::finish(const char* operation) {
  const auto deadline = core::Deadline::in(timeout_);
  settle(operation);
  for (;;) {
    const cudaError_t done = cudaStreamQuery(stream_);
    if (done == cudaSuccess) return;
    if (done != cudaErrorNotReady) check(done, operation);
    ncclResult_t state = ncclSuccess;
    check(ncclCommGetAsyncError(communicator_, &state), operation);
    if (state != ncclSuccess && state != ncclInProgress) {
      give_up(operation, ncclGetErrorString(state));
    }
    if (deadline.has_passed()) give_up(operation, "a peer did not come in time");
    std::this_thread::yield();
  }
}

void* NcclProcessGroup::reserve(DeviceBuffer& buffer, size_t bytes) {
  REQUIRE(communicator_ != nullptr, kPeerLost,
          "rank " << rank_ << " of " << size_ << " (nccl): the group was aborted before");
  if (buffer.size < bytes) {
    check(cudaFree(buffer.data), "cudaFree");
    buffer = {};
    check(cudaMalloc(&buffer.data, bytes), "cudaMalloc");
    buffer.size = bytes;
  }
  return buffer.data;
}

namespace {

ncclResult_t done_or_pending(ncclResult_t code) {
  return code == ncclInProgress ? ncclSuccess : code;
}

}  // namespace

void NcclProcessGroup::all_gather(std::span<const float> send, std::span<float> receive) {
  ENSURE(receive.size() == send.size() * static_cast<size_t>(size_),
         "all_gather of " << send.size() << " floats a rank into " << receive.size());
  if (send.empty()) return;
  void* source = reserve(send_, send.size_bytes());
  void* target = reserve(receive_, receive.size_bytes());
  check(cudaMemcpyAsync(source, send.data(), send.size_bytes(), cudaMemcpyHostToDevice,
                        stream_),
        "all_gather");
  check(done_or_pending(ncclAllGather(source, target, send.size(), ncclFloat,
                                      communicator_, stream_)),
        "all_gather");
  finish("all_gather");
  check(cudaMemcpyAsync(receive.data(), target, receive.size_bytes(),
                        cudaMemcpyDeviceToHost, stream_),
        "all_gather");
  finish("all_gather");
}

void NcclProcessGroup::reduce_scatter_sum(std::span<const float> send,
                                          std::span<float> receive) {
  const size_t count = receive.size();
  ENSURE(
      send.size() == count * static_cast<size_t>(size_),
      "reduce_scatter_sum of " << send.size() << " floats into " << count << " a rank");
  if (count == 0) return;
  auto* source = static_cast<float*>(reserve(send_, send.size_bytes()));
  auto* target = static_cast<float*>(reserve(receive_, send.size_bytes()));
  check(cudaMemcpyAsync(source, send.data(), send.size_bytes(), cudaMemcpyHostToDevice,
                        stream_),
        "reduce_scatter_sum");
  check(done_or_pending(ncclGroupStart()), "reduce_scatter_sum");
  for (int peer = 0; peer < size_; ++peer) {
    const size_t begin = count * static_cast<size_t>(peer);
    check(done_or_pending(
              ncclSend(source + begin, count, ncclFloat, peer, communicator_, stream_)),
          "reduce_scatter_sum");
    check(done_or_pending(
              ncclRecv(target + begin, count, ncclFloat, peer, communicator_, stream_)),
          "reduce_scatter_sum");
  }
  check(done_or_pending(ncclGroupEnd()), "reduce_scatter_sum");
  finish("reduce_scatter_sum");
  std::vector<float> parts(send.size());
  check(cudaMemcpyAsync(parts.data(), target, send.size_bytes(), cudaMemcpyDeviceToHost,
                        stream_),
        "reduce_scatter_sum");
  finish("reduce_scatter_sum");
  std::memcpy(receive.data(), parts.data(), receive.size_bytes());
  for (size_t i = count; i < parts.size(); ++i) receive[i % count] += parts[i];
}

void NcclProcessGroup::all_reduce_sum(std::span<double> values) {
  if (values.empty()) return;
  const size_t bytes = values.size_bytes() * static_cast<size_t>(size_);
  void* source = reserve(send_, values.size_bytes());
  void* target = reserve(receive_, bytes);
  check(cudaMemcpyAsync(source, values.data(), values.size_bytes(),
                        cudaMemcpyHostToDevice, stream_),
        "all_reduce_sum");
  check(done_or_pending(ncclAllGather(source, target, values.size(), ncclDouble,
                                      communicator_, stream_)),
        "all_reduce_sum");
  finish("all_reduce_sum");
  std::vector<double> parts(values.size() * static_cast<size_t>(size_));
  check(cudaMemcpyAsync(parts.data(), target, bytes, cudaMemcpyDeviceToHost, stream_),
        "all_reduce_sum");
  finish("all_reduce_sum");
  std::memcpy(values.data(), parts.data(), values.size_bytes());
  for (size_t i = values.size(); i < parts.size(); ++i)
    values[i % values.size()] += parts[i];
}

void NcclProcessGroup::broadcast(std::span<std::byte> bytes, int root) {
  ENSURE(root >= 0 && root < size_, "broadcast from rank " << root << " of " << size_);
  if (bytes.empty()) return;
  void* data = reserve(send_, bytes.size());
  check(
      cudaMemcpyAsync(data, bytes.data(), bytes.size(), cudaMemcpyHostToDevice, stream_),
      "broadcast");
  check(done_or_pending(ncclBroadcast(data, data, bytes.size(), ncclUint8, root,
                                      communicator_, stream_)),
        "broadcast");
  finish("broadcast");
  check(
      cudaMemcpyAsync(bytes.data(), data, bytes.size(), cudaMemcpyDeviceToHost, stream_),
      "broadcast");
  finish("broadcast");
}

void NcclProcessGroup::barrier() {
  double nothing = 0;
  all_reduce_sum(std::span(&nothing, 1));
}

}  // namespace srpo::comm

extern "C" srpo::comm::ProcessGroup* srpo_make_nccl_process_group(
    srpo::comm::ProcessGroup& rendezvous, int device, std::chrono::milliseconds timeout) {
  return new srpo::comm::NcclProcessGroup(rendezvous, device, timeout);
}
