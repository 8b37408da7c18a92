// Named tensors: the weights of a model or of an adapter, under the names their files
// use.
#pragma once

#include <map>
#include <string>

#include <ATen/core/Tensor.h>

namespace srpo::model {

/// Keys are Hugging Face names (`model.layers.0.self_attn.q_proj.weight`) or PEFT names.
/// Tensors are contiguous, on the CPU.
using TensorMap = std::map<std::string, at::Tensor>;

}  // namespace srpo::model
