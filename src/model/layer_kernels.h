// The element-wise parts of a decoder layer, forward and backward, over row-major fp32
// memory.
#pragma once

#include <cstdint>
#include <span>

namespace srpo::model {

/// y = x / rms(x) * weight over each of `rows` rows of `width`; keeps 1 / rms of each
/// row.
void rms_norm(const float* x, const float* weight, float epsilon, int64_t rows,
              int64_t width, float* y, float* inverse_rms);
/// The same from a kept inverse_rms.
void rms_norm_again(const float* x, const float* weight, const float* inverse_rms,
                    int64_t rows, int64_t width, float* y);
/// Adds to dx; adds to dweight unless it is null.
void rms_norm_backward(const float* x, const float* weight, const float* inverse_rms,
                       const float* dy, int64_t rows, int64_t width, float* dx,
                       float* dweight);

/// Rotates the halves of each of `heads` heads in place. Row i lies at x + i * stride and
/// has position positions[i]; row p of `cosines` and `sines` is position p, head_dim / 2
/// numbers. `direction` is 1, or -1 to undo (the backward pass).
void rotate_heads(std::span<const int64_t> positions, const float* cosines,
                  const float* sines, int64_t heads, int64_t head_dim, float* x,
                  int64_t stride, int direction);

/// y = silu(gate) * up over `count` numbers.
void swiglu(const float* gate, const float* up, int64_t count, float* y);
/// Writes the gradients of gate and up; dgate and dup may be gate and up themselves.
void swiglu_backward(const float* gate, const float* up, const float* dy, int64_t count,
                     float* dgate, float* dup);

/// y += x.
void add_to(float* y, const float* x, int64_t count);

}  // namespace srpo::model
