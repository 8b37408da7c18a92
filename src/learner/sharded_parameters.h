// Trained parameters, each rank owning 1/N of every unit with its gradient and Adam
// moments.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "comm/process_group.h"
#include "learner/adamw.h"
#include "learner/flat_unit.h"
#include "model/tensor_map.h"

namespace srpo::learner {

/// One rank's slices of a unit, [slice()] floats each.
struct UnitSlices {
  std::vector<float> value;
  std::vector<float> mean;
  std::vector<float> square;
};

/// A unit is gathered before use into memory that units of the same slot share, so at
/// most one unit a slot is complete at a time; its gradient is computed into memory of
/// the slot and then summed, in fp32, into the owners' slices. With bf16 what is gathered
/// is rounded, and travels at half the size; slices stay fp32. With one rank there is
/// nothing to copy: views go to the slices themselves (of weights only without bf16).
/// Methods marked collective are called by all ranks in one order. One thread only.
class ShardedParameters {
 public:
  /// `units` hold the tensors to train; `slots[u]` is the slot of unit u (0 or 1).
  ShardedParameters(const std::vector<model::TensorMap>& units,
                    const std::vector<int>& slots, comm::ProcessGroup& group,
                    bool bf16 = false);
  ShardedParameters(const ShardedParameters&) = delete;
  ShardedParameters& operator=(const ShardedParameters&) = delete;

  size_t num_units() const { return layouts_.size(); }
  const FlatUnit& layout(size_t unit) const { return layouts_[unit]; }
  /// Views of a unit; weights hold its values after gather(unit).
  const model::TensorMap& weights(size_t unit) const { return weights_[unit]; }
  const model::TensorMap& gradients(size_t unit) const { return gradients_[unit]; }

  /// Collective.
  void gather(size_t unit);
  /// Forgets the gradients of the last update.
  void clear_gradients();
  /// The unit's gradient views are zero, or hold the sum of earlier passes when there is
  /// one rank.
  void begin_gradient(size_t unit);
  /// Adds the gradient of all ranks to the slices. Collective.
  void reduce_gradient(size_t unit);
  /// L2 norm of each unit's gradient; the same on every rank. Collective.
  std::vector<double> gradient_norms();
  void update(const AdamW& optimizer, double learning_rate, uint32_t number,
              float gradient_scale);

  /// Copies of all tensors, as they are trained. Collective.
  model::TensorMap copy_all();
  /// Copies of their gradients. Collective.
  model::TensorMap copy_gradients();
  int64_t held_bytes() const;

  UnitSlices& slices(size_t unit) { return slices_[unit]; }
  /// Must be called after slices were changed from outside.
  void forget_gathered() { gathered_ = {-1, -1}; }
  double collective_seconds() const { return collective_seconds_; }

 private:
  void gather_bf16(size_t unit, std::span<float> whole);
  model::TensorMap copy_slices(const std::function<std::span<const float>(size_t)>& of);

  comm::ProcessGroup& group_;
  bool bf16_;
  std::vector<FlatUnit> layouts_;
  std::vector<int> slots_;
  std::vector<UnitSlices> slices_;
  std::vector<std::vector<float>> gradient_slices_;
  std::vector<float> slot_weights_[2];    // empty with one rank and without bf16
  std::vector<float> slot_gradients_[2];  // empty with one rank
  std::vector<float> reduced_;
  std::vector<float> rounded_, gathered_rounded_;  // bf16, two in a float
  std::vector<model::TensorMap> weights_;
  std::vector<model::TensorMap> gradients_;
  std::array<int64_t, 2> gathered_ = {-1, -1};  // unit in each slot
  double collective_seconds_ = 0;
};

}  // namespace srpo::learner
