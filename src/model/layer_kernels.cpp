#include "model/layer_kernels.h"

#include <cmath>

#include "model/vector_math.h"

namespace srpo::model {

SRPO_VECTOR_CODE
void rms_norm(const float* x, const float* weight, float epsilon, int64_t rows,
              int64_t width, float* y, float* inverse_rms) {
  for (int64_t row = 0; row < rows; ++row, x += width, y += width) {
    Lanes squares{};
    int64_t i = 0;
    for (; i + kLanes <= width; i += kLanes) squares += load(x + i) * load(x + i);
    float sum = sum_of(squares);
    for (; i < width; ++i) sum += x[i] * x[i];
    const float inverse = 1.0F / std::sqrt(sum / static_cast<float>(width) + epsilon);
    inverse_rms[row] = inverse;
    for (i = 0; i < width; ++i) y[i] = x[i] * inverse * weight[i];
  }
}

SRPO_VECTOR_CODE
void rms_norm_again(const float* x, const float* weight, const float* inverse_rms,
                    int64_t rows, int64_t width, float* y) {
  for (int64_t row = 0; row < rows; ++row, x += width, y += width) {
    const float inverse = inverse_rms[row];
    for (int64_t i = 0; i < width; ++i) y[i] = x[i] * inverse * weight[i];
  }
}

SRPO_VECTOR_CODE
void rms_norm_backward(const float* x, const float* weight, const float* inverse_rms,
                       const float* dy, int64_t rows, int64_t width, float* dx,
                       float* dweight) {
  for (int64_t row = 0; row < rows; ++row, x += width, dy += width, dx += width) {
    const float inverse = inverse_rms[row];
    Lanes products{};
    int64_t i = 0;
    for (; i + kLanes <= width; i += kLanes) {
      products += load(dy + i) * load(weight + i) * load(x + i);
    }
    float sum = sum_of(products);
    for (; i < width; ++i) sum += dy[i] * weight[i] * x[i];
    const float shrink = sum * inverse * inverse * inverse / static_cast<float>(width);
    for (i = 0; i < width; ++i) dx[i] += dy[i] * weight[i] * inverse - x[i] * shrink;
    if (dweight == nullptr) continue;
    for (i = 0; i < width; ++i) dweight[i] += dy[i] * x[i] * inverse;
  }
}

namespace {

SRPO_VECTOR_CODE
void rotate_row(const float* cosines, const float* sines, float sign, int64_t heads,
                int64_t half, float* x) {
  for (int64_t head = 0; head < heads; ++head, x += 2 * half) {
    float* low = x;
    float* high = x + half;
    for (int64_t i = 0; i < half; ++i) {
      const float a = low[i];
      const float b = high[i];
      const float s = sign * sines[i];
      low[i] = a * cosines[i] - b * s;
      high[i] = b * cosines[i] + a * s;
    }
  }
}

}  // namespace

void rotate_heads(std::span<const int64_t> positions, const float* cosines,
                  const float* sines, int64_t heads, int64_t head_dim, float* x,
                  int64_t stride, int direction) {
  const int64_t half = head_dim / 2;
  const auto sign = static_cast<float>(direction);
  for (const int64_t position : positions) {
    rotate_row(cosines + position * half, sines + position * half, sign, heads, half, x);
    x += stride;
  }
}

namespace {

SRPO_INLINE Lanes sigmoid_of(const Lanes& x) { return 1.0F / (1.0F + exp_of(-x)); }

}  // namespace

SRPO_VECTOR_CODE
void swiglu(const float* gate, const float* up, int64_t count, float* y) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Lanes g = load(gate + i);
    store(y + i, g * sigmoid_of(g) * load(up + i));
  }
  if (i < count) {
    const Lanes g = load_some(gate + i, count - i, 0);
    store_some(y + i, g * sigmoid_of(g) * load_some(up + i, count - i, 0), count - i);
  }
}

SRPO_VECTOR_CODE
void swiglu_backward(const float* gate, const float* up, const float* dy, int64_t count,
                     float* dgate, float* dup) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t some = count - i < kLanes ? count - i : kLanes;
    const Lanes g = some == kLanes ? load(gate + i) : load_some(gate + i, some, 0);
    const Lanes u = some == kLanes ? load(up + i) : load_some(up + i, some, 0);
    const Lanes d = some == kLanes ? load(dy + i) : load_some(dy + i, some, 0);
    const Lanes s = sigmoid_of(g);
    const Lanes dg = d * u * s * (1.0F + g * (1.0F - s));
    const Lanes du = d * g * s;
    if (some == kLanes) {
      store(dgate + i, dg);
      store(dup + i, du);
    } else {
      store_some(dgate + i, dg, some);
      store_some(dup + i, du, some);
    }
  }
}

SRPO_VECTOR_CODE
void add_to(float* y, const float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] += x[i];
}

}  // namespace srpo::model
