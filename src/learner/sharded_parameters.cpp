#include "learner/sharded_parameters.h"

#include <algorithm>
#include <cmath>

#include "core/deadline.h"
#include "learner/bfloat16.h"
#include "model/layer_kernels.h"

namespace srpo::learner {

namespace {

void resize_exactly(std::vector<float>& buffer, size_t count) {
  buffer.reserve(count);
  buffer.resize(count);
}

}  // namespace

ShardedParameters::ShardedParameters(const std::vector<model::TensorMap>& units,
                                     const std::vector<int>& slots,
                                     comm::ProcessGroup& group, bool bf16)
    : group_(group), bf16_(bf16), slots_(slots) {
  const bool alone = group.size() == 1;
  const bool copies_weights = !alone || bf16;
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
    const size_t needed = std::max(slot_weights_[slot].size(), flat.size());
    if (copies_weights) resize_exactly(slot_weights_[slot], needed);
    if (!alone) resize_exactly(slot_gradients_[slot], needed);
  }
  for (size_t unit = 0; unit < units.size(); ++unit) {
    const auto slot = static_cast<size_t>(slots_[unit]);
    weights_.push_back(layouts_[unit].views(copies_weights ? slot_weights_[slot].data()
                                                           : slices_[unit].value.data()));
    gradients_.push_back(layouts_[unit].views(alone ? gradient_slices_[unit].data()
                                                    : slot_gradients_[slot].data()));
  }
}

void ShardedParameters::gather(size_t unit) {
  const auto slot = static_cast<size_t>(slots_[unit]);
  if (slot_weights_[slot].empty() || gathered_[slot] == static_cast<int64_t>(unit))
    return;
  const core::Stopwatch watch;
  const std::span whole(slot_weights_[slot].data(),
                        static_cast<size_t>(layouts_[unit].size()));
  if (bf16_) {
    gather_bf16(unit, whole);
  } else if (!whole.empty()) {
    group_.all_gather(slices_[unit].value, whole);
  }
  gathered_[slot] = static_cast<int64_t>(unit);
  collective_seconds_ += watch.seconds();
}

/// Each rank rounds its own slice once; what travels is two numbers in a float.
void ShardedParameters::gather_bf16(size_t unit, std::span<float> whole) {
  if (whole.empty()) return;
  const int64_t slice = layouts_[unit].slice();
  rounded_.resize(static_cast<size_t>(slice / 2));
  gathered_rounded_.resize(whole.size() / 2);
  pack_bf16(slices_[unit].value.data(), slice, rounded_.data());
  group_.all_gather(rounded_, gathered_rounded_);
  unpack_bf16(gathered_rounded_.data(), layouts_[unit].size(), whole.data());
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
  if (group_.size() == 1 || layouts_[unit].size() == 0) return;
  const core::Stopwatch watch;
  const FlatUnit& layout = layouts_[unit];
  reduced_.resize(static_cast<size_t>(layout.slice()));
  group_.reduce_scatter_sum(
      std::span(slot_gradients_[slots_[unit]].data(), static_cast<size_t>(layout.size())),
      reduced_);
  model::add_to(gradient_slices_[unit].data(), reduced_.data(), layout.slice());
  collective_seconds_ += watch.seconds();
}

std::vector<double> ShardedParameters::gradient_norms() {
  std::vector<double> norms;
  for (const auto& gradient : gradient_slices_) {
    norms.push_back(
        sum_of_squares(gradient.data(), static_cast<int64_t>(gradient.size())));
  }
  const core::Stopwatch watch;
  group_.all_reduce_sum(norms);
  collective_seconds_ += watch.seconds();
  for (double& norm : norms) norm = std::sqrt(norm);
  return norms;
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
      const double rate =
          learning_rate * (tensor.is_lora_b() ? optimizer.lora_b_rate : 1);
      apply_adamw(optimizer, rate, number, gradient_scale,
                  {own.value.data() + begin, gradient_slices_[unit].data() + begin,
                   own.mean.data() + begin, own.square.data() + begin, end - begin,
                   tensor.decays()});
    }
  }
  forget_gathered();
}

model::TensorMap ShardedParameters::copy_all() {
  return copy_slices([this](size_t unit) { return std::span(slices_[unit].value); });
}

model::TensorMap ShardedParameters::copy_gradients() {
  return copy_slices([this](size_t unit) { return std::span(gradient_slices_[unit]); });
}

model::TensorMap ShardedParameters::copy_slices(
    const std::function<std::span<const float>(size_t)>& of) {
  model::TensorMap copies;
  std::vector<float> whole;
  for (size_t unit = 0; unit < layouts_.size(); ++unit) {
    if (layouts_[unit].size() == 0) continue;
    whole.resize(static_cast<size_t>(layouts_[unit].size()));
    group_.all_gather(of(unit), whole);
    for (const auto& [name, tensor] : layouts_[unit].views(whole.data()))
      copies[name] = tensor.clone();
  }
  return copies;
}

int64_t ShardedParameters::held_bytes() const {
  size_t floats =
      reduced_.capacity() + rounded_.capacity() + gathered_rounded_.capacity();
  for (size_t unit = 0; unit < slices_.size(); ++unit) {
    floats += slices_[unit].value.capacity() + slices_[unit].mean.capacity() +
              slices_[unit].square.capacity() + gradient_slices_[unit].capacity();
  }
  for (const int slot : {0, 1})
    floats += slot_weights_[slot].capacity() + slot_gradients_[slot].capacity();
  return static_cast<int64_t>(floats * sizeof(float));
}

}  // namespace srpo::learner
