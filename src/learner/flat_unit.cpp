#include "learner/flat_unit.h"

#include <algorithm>
#include <cstring>

#include <ATen/ops/from_blob.h>

namespace srpo::learner {

namespace {

constexpr int64_t kAlignment = 16;  // floats: a cache line

int64_t rounded_up(int64_t count, int64_t to) { return (count + to - 1) / to * to; }

}  // namespace

FlatUnit::FlatUnit(const model::TensorMap& tensors, int num_ranks) {
  for (const auto& [name, tensor] : tensors) {
    FlatTensor flat;
    flat.name = name;
    flat.shape = tensor.sizes().vec();
    flat.offset = used_;
    flat.count = tensor.numel();
    used_ += rounded_up(flat.count, kAlignment);
    tensors_.push_back(std::move(flat));
  }
  slice_ = rounded_up((used_ + num_ranks - 1) / num_ranks, kAlignment);
  size_ = slice_ * num_ranks;
}

void FlatUnit::pack(const model::TensorMap& tensors, float* flat) const {
  std::fill_n(flat, size_, 0.0F);
  for (const FlatTensor& tensor : tensors_) {
    const at::Tensor source = tensors.at(tensor.name).to(at::kFloat).contiguous();
    std::memcpy(flat + tensor.offset, source.const_data_ptr<float>(),
                static_cast<size_t>(tensor.count) * sizeof(float));
  }
}

model::TensorMap FlatUnit::views(float* flat) const {
  model::TensorMap views;
  for (const FlatTensor& tensor : tensors_) {
    views[tensor.name] = at::from_blob(flat + tensor.offset, tensor.shape, at::kFloat);
  }
  return views;
}

}  // namespace srpo::learner
