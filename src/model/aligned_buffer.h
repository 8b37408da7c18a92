// Memory of one size, aligned for vector loads and on huge pages where it is large.
#pragma once

#include <cstddef>
#include <memory>

namespace srpo::model {

/// Owns `bytes` bytes, 64-byte aligned (2 MiB when at least that large). Pages cost
/// nothing until they are touched.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  /// Throws kBadInput naming the size when there is no memory for it.
  explicit AlignedBuffer(size_t bytes);

  void* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(void* p) const;
  };
  std::unique_ptr<void, Free> data_;
  size_t size_ = 0;
};

}  // namespace srpo::model
