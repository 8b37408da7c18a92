#include "model/tree_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "model/matrix_product.h"
#include "model/vector_math.h"

namespace srpo::model {

namespace {

constexpr int64_t kQueryBlock = 64;

struct KeyRange {
  int64_t begin = 0;  // token
  int64_t length = 0;
  int64_t column = 0;  // of the scores
};

SRPO_VECTOR_CODE
float softmax_row(float* scores, int64_t count) {
  Lanes highest = load_some(scores, std::min(count, kLanes - 1), scores[0]);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) highest = larger_of(highest, load(scores + i));
  if (i < count)
    highest = larger_of(highest, load_some(scores + i, count - i, scores[0]));
  float top = highest[0];
  for (int64_t lane = 1; lane < kLanes; ++lane)
    top = highest[lane] > top ? highest[lane] : top;
  Lanes sums{};
  for (i = 0; i + kLanes <= count; i += kLanes) {
    const Lanes e = exp_of(load(scores + i) - top);
    store(scores + i, e);
    sums += e;
  }
  float rest = 0;
  if (i < count) {
    const Lanes e = exp_of(load_some(scores + i, count - i, top) - top);
    store_some(scores + i, e, count - i);
    for (int64_t lane = 0; lane < count - i; ++lane) rest += e[lane];
  }
  const float sum = sum_of(sums) + rest;
  const float scale = 1.0F / sum;
  for (i = 0; i < count; ++i) scores[i] *= scale;
  return top + std::log(sum);
}

/// scores -> probabilities, and gradient of probabilities -> gradient of scores.
SRPO_VECTOR_CODE
void softmax_row_backward(float* scores, float* gradients, float log_sum_exp, float delta,
                          float scale, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t some = std::min(count - i, kLanes);
    if (some == kLanes) {
      const Lanes p = exp_of(load(scores + i) - log_sum_exp);
      store(scores + i, p);
      store(gradients + i, p * (load(gradients + i) - delta) * scale);
    } else {
      const Lanes p = exp_of(load_some(scores + i, some, log_sum_exp) - log_sum_exp);
      store_some(scores + i, p, some);
      store_some(gradients + i, p * (load_some(gradients + i, some, 0) - delta) * scale,
                 some);
    }
  }
}

SRPO_VECTOR_CODE
float dot(const float* a, const float* b, int64_t count) {
  Lanes sums{};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) sums += load(a + i) * load(b + i);
  float sum = sum_of(sums);
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

/// Old contents are lost.
void reserve(std::vector<float>& buffer, size_t count) {
  if (buffer.size() >= count) return;
  std::vector<float>().swap(buffer);
  buffer.resize(count);
}

std::vector<KeyRange> ancestors_of(std::span<const Segment> segments,
                                   const Segment& segment) {
  std::vector<KeyRange> ranges;
  for (int64_t s = segment.parent; s >= 0; s = segments[static_cast<size_t>(s)].parent) {
    const Segment& ancestor = segments[static_cast<size_t>(s)];
    if (ancestor.length() > 0) ranges.push_back({ancestor.begin, ancestor.length(), 0});
  }
  std::reverse(ranges.begin(), ranges.end());
  int64_t column = 0;
  for (KeyRange& range : ranges) {
    range.column = column;
    column += range.length;
  }
  return ranges;
}

}  // namespace

/// Some queries of one segment and all keys they see; the last range is the segment's
/// own.
struct TreeAttention::Block {
  int64_t query_begin = 0;
  int64_t num_queries = 0;
  int64_t num_keys = 0;  // of the last query
  std::vector<KeyRange> ranges;

  /// Keys that query `row` of the block sees.
  int64_t keys_of(int64_t row) const { return num_keys - num_queries + 1 + row; }

  /// Scores of the block that has the most.
  static size_t largest(std::span<const Segment> segments) {
    int64_t most = 0;
    for_each(segments, [&](const Block& block) {
      most = std::max(most, block.num_queries * block.num_keys);
    });
    return static_cast<size_t>(most);
  }

  template <class Visit>
  static void for_each(std::span<const Segment> segments, const Visit& visit) {
    for (const Segment& segment : segments) {
      if (segment.length() == 0) continue;
      Block block;
      block.ranges = ancestors_of(segments, segment);
      const int64_t before =
          block.ranges.empty() ? 0
                               : block.ranges.back().column + block.ranges.back().length;
      block.ranges.push_back({segment.begin, 0, before});
      for (int64_t begin = segment.begin; begin < segment.end; begin += kQueryBlock) {
        block.query_begin = begin;
        block.num_queries = std::min(kQueryBlock, segment.end - begin);
        block.ranges.back().length = begin + block.num_queries - segment.begin;
        block.num_keys = before + block.ranges.back().length;
        visit(block);
      }
    }
  }
};

void TreeAttention::forward(std::span<const Segment> segments,
                            const AttentionLayout& layout, const AttentionInput& input,
                            float* output, float* log_sum_exp) {
  const int64_t num_tokens = segments.empty() ? 0 : segments.back().end;
  const int64_t dim = layout.head_dim;
  const float scale = 1.0F / std::sqrt(static_cast<float>(dim));
  const int64_t group = layout.num_heads / layout.num_kv_heads;
  reserve(scores_, Block::largest(segments));
  Block::for_each(segments, [&](const Block& block) {
    float* scores = scores_.data();
    for (int64_t head = 0; head < layout.num_heads; ++head) {
      const int64_t kv_column = head / group * dim;
      const float* query = input.query + block.query_begin * layout.stride + head * dim;
      for (const KeyRange& range : block.ranges) {
        multiply(
            block.num_queries, range.length, dim, scale, {query, layout.stride},
            {input.key + range.begin * layout.stride + kv_column, layout.stride, true}, 0,
            scores + range.column, block.num_keys);
      }
      for (int64_t row = 0; row < block.num_queries; ++row) {
        float* line = scores + row * block.num_keys;
        const int64_t seen = block.keys_of(row);
        log_sum_exp[head * num_tokens + block.query_begin + row] =
            softmax_row(line, seen);
        std::fill(line + seen, line + block.num_keys, 0.0F);
      }
      float* out = output + block.query_begin * layout.output_stride + head * dim;
      for (const KeyRange& range : block.ranges) {
        multiply(block.num_queries, dim, range.length, 1,
                 {scores + range.column, block.num_keys},
                 {input.value + range.begin * layout.stride + kv_column, layout.stride},
                 range.column == 0 ? 0.0F : 1.0F, out, layout.output_stride);
      }
    }
  });
}

void TreeAttention::backward(std::span<const Segment> segments,
                             const AttentionLayout& layout, const AttentionInput& input,
                             const float* output, const float* log_sum_exp,
                             const float* output_gradient,
                             const AttentionGradients& gradients) {
  const int64_t num_tokens = segments.empty() ? 0 : segments.back().end;
  const int64_t dim = layout.head_dim;
  const int64_t stride = layout.stride;
  const float scale = 1.0F / std::sqrt(static_cast<float>(dim));
  const int64_t group = layout.num_heads / layout.num_kv_heads;
  reserve(scores_, Block::largest(segments));
  reserve(score_gradients_, Block::largest(segments));
  const size_t kv_bytes = static_cast<size_t>(layout.num_kv_heads * dim) * sizeof(float);
  for (int64_t t = 0; t < num_tokens; ++t) {
    std::memset(gradients.key + t * stride, 0, kv_bytes);
    std::memset(gradients.value + t * stride, 0, kv_bytes);
  }
  Block::for_each(segments, [&](const Block& block) {
    float* p = scores_.data();
    float* ds = score_gradients_.data();
    for (int64_t head = 0; head < layout.num_heads; ++head) {
      const int64_t kv_column = head / group * dim;
      const MatrixView query{input.query + block.query_begin * stride + head * dim,
                             stride};
      const int64_t out_offset = block.query_begin * layout.output_stride + head * dim;
      const MatrixView dout{output_gradient + out_offset, layout.output_stride};
      for (const KeyRange& range : block.ranges) {
        const int64_t key_offset = range.begin * stride + kv_column;
        multiply(block.num_queries, range.length, dim, scale, query,
                 {input.key + key_offset, stride, true}, 0, p + range.column,
                 block.num_keys);
        multiply(block.num_queries, range.length, dim, 1, dout,
                 {input.value + key_offset, stride, true}, 0, ds + range.column,
                 block.num_keys);
      }
      for (int64_t row = 0; row < block.num_queries; ++row) {
        const int64_t seen = block.keys_of(row);
        const int64_t line = row * block.num_keys;
        const float delta = dot(output + out_offset + row * layout.output_stride,
                                dout.data + row * layout.output_stride, dim);
        softmax_row_backward(p + line, ds + line,
                             log_sum_exp[head * num_tokens + block.query_begin + row],
                             delta, scale, seen);
        std::fill(p + line + seen, p + line + block.num_keys, 0.0F);
        std::fill(ds + line + seen, ds + line + block.num_keys, 0.0F);
      }
      float* dquery = gradients.query + block.query_begin * stride + head * dim;
      for (const KeyRange& range : block.ranges) {
        const int64_t key_offset = range.begin * stride + kv_column;
        multiply(block.num_queries, dim, range.length, 1,
                 {ds + range.column, block.num_keys}, {input.key + key_offset, stride},
                 range.column == 0 ? 0.0F : 1.0F, dquery, stride);
        multiply(range.length, dim, block.num_queries, 1,
                 {ds + range.column, block.num_keys, true}, query, 1,
                 gradients.key + key_offset, stride);
        multiply(range.length, dim, block.num_queries, 1,
                 {p + range.column, block.num_keys, true}, dout, 1,
                 gradients.value + key_offset, stride);
      }
    }
  });
}

}  // namespace srpo::model
