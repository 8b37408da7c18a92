#include "learner/sharded_parameters.h"

#include <algorithm>
#include <cmath>

#include "core/deadline.h"
#include "core/error.h"
#include "model/layer_kernels.h"

namespace srpo::learner {

ShardedParameters::ShardedParameters(const std::vector<model::TensorMap>& units,
                                     const std::vector<int>& slots,
                                     comm::ProcessGroup& group)
    : group_(group), slots_(slots) {
  const bool alone = group.size() == 1;
  for (const model::TensorMap& tensors : units)
    layouts_.emplace_back(tensors, group.size());
  slices_.resize(units.size());
  for (size_t unit = 0; unit < units.size(); ++unit) {
    const FlatUnit& layout = layouts_[unit];
    const auto slice = static_cast<size_t>(layout.slice());
    std::vector<float> flat(static_cast<size_t>(layout.size()));
    layout.pack(units[unit], flat.data());
    const auto begin = flat.begin() + static_cast<int64_t>(slice) * group.rank();
    slices_[unit].value.assign(begin, begin + static_cast<int64_t>(slice));
    slices_[unit].mean.assign(slice, 0);
    slices_[unit].square.assign(slice, 0);
    gradient_slices_.emplace_back(slice, 0.0F);
    const auto slot = static_cast<size_t>(slots_[unit]);
    if (!alone && slot_weights_[slot].size() < flat.size()) {
      slot_weights_[slot].resize(flat.size());
      slot_gradients_[slot].resize(flat.size());
    }
  }
  for (size_t unit = 0; unit < units.size(); ++unit) {
    const auto slot = static_cast<size_t>(slots_[unit]);
    weights_.push_back(layouts_[unit].views(alone ? slices_[unit].value.data()
                                                  : slot_weights_[slot].data()));
    gradients_.push_back(layouts_[unit].views(alone ? gradient_slices_[unit].data()
                                                    : slot_gradients_[slot].data()));
  }
}

void ShardedParameters::gather(size_t unit) {
  const auto slot = static_cast<size_t>(slots_[unit]);
  if (group_.size() == 1 || gathered_[slot] == static_cast<int64_t>(unit)) return;
  const core::Stopwatch watch;
  group_.all_gather(
      slices_[unit].value,
      std::span(slot_weights_[slot].data(), static_cast<size_t>(layouts_[unit].size())));
  gathered_[slot] = static_cast<int64_t>(unit);
  collective_seconds_ += watch.seconds();
}

void ShardedParameters::clear_gradients() {
  for (auto& gradient : gradient_slices_)
    std::fill(gradient.begin(), gradient.end(), 0.0F);
}

void ShardedParameters::begin_gradient(size_t unit) {
  if (group_.size() == 1) return;
  std::fill_n(slot_gradients_[slots_[unit]].begin(), layouts_[unit].size(), 0.0F);
}

void ShardedParameters::reduce_gradient(size_t unit) {
  if (group_.size() == 1) return;
  const core::Stopwatch watch;
  const FlatUnit& layout = layouts_[unit];
  reduced_.resize(static_cast<size_t>(layout.slice()));
  group_.reduce_scatter_sum(
      std::span(slot_gradients_[slots_[unit]].data(), static_cast<size_t>(layout.size())),
      reduced_);
  model::add_to(gradient_slices_[unit].data(), reduced_.data(), layout.slice());
  collective_seconds_ += watch.seconds();
}

double ShardedParameters::gradient_norm() {
  double sum = 0;
  for (const auto& gradient : gradient_slices_) {
    sum += sum_of_squares(gradient.data(), static_cast<int64_t>(gradient.size()));
  }
  const core::Stopwatch watch;
  group_.all_reduce_sum(std::span(&sum, 1));
  collective_seconds_ += watch.seconds();
  return std::sqrt(sum);
}

void ShardedParameters::update(const AdamW& optimizer, double learning_rate,
                               uint32_t number, float gradient_scale) {
  for (size_t unit = 0; unit < layouts_.size(); ++unit) {
    const FlatUnit& layout = layouts_[unit];
    const int64_t first = layout.slice() * group_.rank();
    UnitSlices& own = slices_[unit];
    for (const FlatTensor& tensor : layout.tensors()) {
      const int64_t begin = std::max(tensor.offset, first) - first;
      const int64_t end =
          std::min(tensor.offset + tensor.count, first + layout.slice()) - first;
      if (begin >= end) continue;
      apply_adamw(optimizer, learning_rate, number, gradient_scale,
                  {own.value.data() + begin, gradient_slices_[unit].data() + begin,
                   own.mean.data() + begin, own.square.data() + begin, end - begin,
                   tensor.decays()});
    }
  }
  forget_gathered();
}

model::TensorMap ShardedParameters::copy_all() {
  model::TensorMap copies;
  for (size_t unit = 0; unit < layouts_.size(); ++unit) {
    gather(unit);
    for (const auto& [name, tensor] : weights_[unit]) copies[name] = tensor.clone();
  }
  return copies;
}

}  // namespace srpo::learner
