#include "model/packed_linear.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "core/error.h"
#include "model/packed_linear_kernels.h"

namespace srpo::model {
namespace {

constexpr int64_t kItemBytes = 4;  ///< a float, or two bfloat16 numbers

/// Where weight [row, k] lies in panels of floats.
int64_t float_place(int64_t row, int64_t k, int64_t steps) {
  return ((row / kPanelColumns) * steps + k) * kPanelColumns + row % kPanelColumns;
}

/// The same in panels of pairs, counted in bfloat16 numbers.
int64_t pair_place(int64_t row, int64_t k, int64_t steps) {
  return 2 * float_place(row, k / 2, steps) + k % 2;
}

template <class T, class Place>
void pack(const T* weight, int64_t rows, int64_t in, int64_t first, T* panels,
          int64_t steps, Place place) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < in; ++k) panels[place(first + r, k, steps)] = *weight++;
  }
}

}  // namespace

const PackedLinearKernels& packed_linear_kernels(InstructionSet set) {
#if defined(__x86_64__)
  if (set == InstructionSet::kAvx512) return avx512::kPackedLinear;
  if (set == InstructionSet::kAvx2) return avx2::kPackedLinear;
#endif
  REQUIRE(set == InstructionSet::kPortable, kBadConfig,
          "this build has no vector kernels");
  return portable::kPackedLinear;
}

const PackedLinearKernels& packed_linear_kernels() {
#if defined(__x86_64__)
  const char* wanted = std::getenv("SRPO_BFLOAT16_PRODUCTS");
  const bool refused = wanted != nullptr && std::string(wanted) == "0";
  if (instruction_set() == InstructionSet::kAvx512 && !refused &&
      has_bfloat16_products()) {
    return avx512bf16::kPackedLinear;
  }
#endif
  return packed_linear_kernels(instruction_set());
}

WeightType parse_weight_type(const std::string& name) {
  if (name == "float32") return WeightType::kFloat32;
  REQUIRE(name == "bfloat16", kBadConfig,
          "weight type '" << name << "' (expected float32 or bfloat16)");
  return WeightType::kBfloat16;
}

PackedLinear::PackedLinear(int64_t out, int64_t in, WeightType type)
    : out_(out),
      in_(in),
      steps_(type == WeightType::kFloat32 ? in : (in + 1) / 2),
      type_(type) {
  ENSURE(out > 0 && in > 0, "a linear layer of " << out << " x " << in);
  const int64_t panels = (out + kPanelColumns - 1) / kPanelColumns;
  const int64_t panel_bytes = kPanelColumns * steps_ * kItemBytes;
  panels_ = AlignedBuffer(static_cast<size_t>(panels * panel_bytes));
  // What no weight fills has to be zero: columns of the last panel, the last k of pairs.
  const bool padded = type == WeightType::kBfloat16 && in % 2 != 0;
  const int64_t from = padded ? 0 : (panels - 1) * panel_bytes;
  std::memset(static_cast<char*>(panels_.data()) + from, 0,
              panels_.size() - static_cast<size_t>(from));
}

int64_t PackedLinear::bytes() const { return static_cast<int64_t>(panels_.size()); }

void PackedLinear::set_rows(int64_t first, const at::Tensor& weight) {
  ENSURE(weight.dim() == 2 && weight.size(1) == in_ && first >= 0 &&
             first + weight.size(0) <= out_,
         "rows from " << first << " of a tensor " << weight.sizes() << " into a layer of "
                      << out_ << " x " << in_);
  if (type_ == WeightType::kFloat32) {
    const at::Tensor source = weight.to(at::kFloat).contiguous();
    pack(source.const_data_ptr<float>(), weight.size(0), in_, first,
         static_cast<float*>(panels_.data()), steps_, float_place);
  } else {
    const at::Tensor source = weight.to(at::kBFloat16).contiguous();
    pack(source.const_data_ptr<at::BFloat16>(), weight.size(0), in_, first,
         static_cast<at::BFloat16*>(panels_.data()), steps_, pair_place);
  }
}

void PackedLinear::copy_row(int64_t row, float* out) const {
  if (type_ == WeightType::kFloat32) {
    const float* source = static_cast<const float*>(panels_.data());
    for (int64_t k = 0; k < in_; ++k) out[k] = source[float_place(row, k, steps_)];
    return;
  }
  const auto* source = static_cast<const at::BFloat16*>(panels_.data());
  for (int64_t k = 0; k < in_; ++k)
    out[k] = static_cast<float>(source[pair_place(row, k, steps_)]);
}

void PackedLinear::apply(const float* x, int64_t rows, float* y, WorkerPool& pool) const {
  static const PackedLinearKernels& kernels = packed_linear_kernels();
  if (rows == 0) return;
  const void* items = x;
  if (type_ == WeightType::kBfloat16) {
    thread_local std::vector<uint32_t> rounded;
    if (static_cast<int64_t>(rounded.size()) < rows * steps_)
      rounded.resize(static_cast<size_t>(rows * steps_));
    uint32_t* pairs = rounded.data();
    const auto round_rows = [&](int64_t begin, int64_t end) {
      kernels.round(x + begin * in_, end - begin, in_, pairs + begin * steps_);
    };
    constexpr int64_t kWorthSharing = 16;
    if (rows < kWorthSharing) {
      round_rows(0, rows);
    } else {
      pool.run(rows, round_rows);
    }
    items = pairs;
  }
  // Edges of parts lie on those of panels and do not change results. More parts than
  // threads: one that another process has sent to sleep does not hold up the others.
  const int64_t panels = (out_ + kPanelColumns - 1) / kPanelColumns;
  constexpr int64_t kManyPanels = 64;
  const auto multiply = [&](int64_t begin, int64_t end) {
    const LinearSpan span{
        items,  y,    panels_.data(),        rows,
        steps_, out_, begin * kPanelColumns, std::min(end * kPanelColumns, out_)};
    (type_ == WeightType::kFloat32 ? kernels.float32 : kernels.bfloat16)(span);
  };
  pool.run(panels, multiply, panels >= kManyPanels ? 4 : 2);
}

}  // namespace srpo::model
