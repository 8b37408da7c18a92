#include "model/packed_linear.h"

#include <algorithm>
#include <cstring>

#include <ATen/ATen.h>

#include "core/error.h"
#include "model/packed_linear_kernels.h"

namespace srpo::model {
namespace {

/// Rows first .. of the panels from a contiguous [rows, in] array.
template <class T>
void pack(const T* weight, int64_t rows, int64_t in, int64_t first, T* panels) {
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row = first + r;
    T* target = panels + (row / kPanelColumns) * kPanelColumns * in + row % kPanelColumns;
    const T* source = weight + r * in;
    for (int64_t k = 0; k < in; ++k) target[k * kPanelColumns] = source[k];
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

WeightType parse_weight_type(const std::string& name) {
  if (name == "float32") return WeightType::kFloat32;
  REQUIRE(name == "bfloat16", kBadConfig,
          "weight type '" << name << "' (expected float32 or bfloat16)");
  return WeightType::kBfloat16;
}

PackedLinear::PackedLinear(int64_t out, int64_t in, WeightType type)
    : out_(out), in_(in), type_(type) {
  ENSURE(out > 0 && in > 0, "a linear layer of " << out << " x " << in);
  const int64_t columns = (out + kPanelColumns - 1) / kPanelColumns * kPanelColumns;
  const int64_t width = type == WeightType::kFloat32 ? 4 : 2;
  panels_ = AlignedBuffer(static_cast<size_t>(columns * in * width));
  // Only the columns that no row fills have to be zero.
  const int64_t last = (columns - kPanelColumns) * in * width;
  std::memset(static_cast<char*>(panels_.data()) + last, 0, panels_.size() - last);
}

void PackedLinear::set_rows(int64_t first, const at::Tensor& weight) {
  ENSURE(weight.dim() == 2 && weight.size(1) == in_ && first >= 0 &&
             first + weight.size(0) <= out_,
         "rows from " << first << " of a tensor " << weight.sizes() << " into a layer of "
                      << out_ << " x " << in_);
  if (type_ == WeightType::kFloat32) {
    const at::Tensor source = weight.to(at::kFloat).contiguous();
    pack(source.const_data_ptr<float>(), weight.size(0), in_, first,
         static_cast<float*>(panels_.data()));
  } else {
    const at::Tensor source = weight.to(at::kBFloat16).contiguous();
    pack(reinterpret_cast<const uint16_t*>(source.const_data_ptr<at::BFloat16>()),
         weight.size(0), in_, first, static_cast<uint16_t*>(panels_.data()));
  }
}

void PackedLinear::copy_row(int64_t row, float* out) const {
  const int64_t place = (row / kPanelColumns) * kPanelColumns * in_ + row % kPanelColumns;
  if (type_ == WeightType::kFloat32) {
    const float* source = static_cast<const float*>(panels_.data()) + place;
    for (int64_t k = 0; k < in_; ++k) out[k] = source[k * kPanelColumns];
    return;
  }
  const auto* source = static_cast<const at::BFloat16*>(panels_.data()) + place;
  for (int64_t k = 0; k < in_; ++k)
    out[k] = static_cast<float>(source[k * kPanelColumns]);
}

void PackedLinear::apply(const float* x, int64_t rows, float* y, WorkerPool& pool) const {
  static const PackedLinearKernels& kernels = packed_linear_kernels(instruction_set());
  if (rows == 0) return;
  // Parts of two panels: every tile width starts on a part's edge, and edges do not
  // change results.
  constexpr int64_t kPart = 2 * kPanelColumns;
  pool.run((out_ + kPart - 1) / kPart, [&](int64_t begin, int64_t end) {
    const LinearSpan span{x,   y,    panels_.data(), rows,
                          in_, out_, begin * kPart,  std::min(end * kPart, out_)};
    (type_ == WeightType::kFloat32 ? kernels.float32 : kernels.bfloat16)(span);
  });
}

}  // namespace srpo::model
