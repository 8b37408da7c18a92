// Tensors that are gathered together lie one after another in flat memory, of which each
// rank owns a slice.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/tensor_map.h"

namespace srpo::learner {

struct FlatTensor {
  std::string name;
  std::vector<int64_t> shape;
  int64_t offset = 0;  // floats from the beginning of the unit
  int64_t count = 0;

  /// Norms and other vectors are not decayed.
  bool decays() const { return shape.size() > 1; }
  bool is_lora_b() const { return name.ends_with(".lora_B.weight"); }
};

/// The layout of one unit: a decoder layer, or what stands outside of the layers. Offsets
/// do not depend on the number of ranks; the padding behind the last tensor does.
class FlatUnit {
 public:
  FlatUnit(const model::TensorMap& tensors, int num_ranks);

  const std::vector<FlatTensor>& tensors() const { return tensors_; }
  /// Floats without padding.
  int64_t used() const { return used_; }
  /// Floats a rank owns: rank r has [r * slice, (r + 1) * slice).
  int64_t slice() const { return slice_; }
  /// Floats of all slices.
  int64_t size() const { return size_; }

  /// Copies tensors to flat memory [size()], the padding zero.
  void pack(const model::TensorMap& tensors, float* flat) const;
  /// The tensors as views of flat memory, which must outlive them.
  model::TensorMap views(float* flat) const;

 private:
  std::vector<FlatTensor> tensors_;
  int64_t used_ = 0;
  int64_t slice_ = 0;
  int64_t size_ = 0;
};

}  // namespace srpo::learner
