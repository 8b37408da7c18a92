#include "model/aligned_buffer.h"

#include <cstdlib>
#include <sys/mman.h>

#include "core/error.h"

namespace srpo::model {

void AlignedBuffer::Free::operator()(void* p) const { std::free(p); }

AlignedBuffer::AlignedBuffer(size_t bytes) : size_(bytes) {
  constexpr size_t kHuge = size_t{1} << 21;
  const size_t alignment = bytes >= kHuge ? kHuge : 64;
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  data_.reset(std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded));
  REQUIRE(data_ != nullptr, kBadInput, "no memory for a buffer of " << bytes << " bytes");
  if (bytes >= kHuge) madvise(data_.get(), rounded, MADV_HUGEPAGE);
}

}  // namespace srpo::model
