#include "verify/output_capture.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>
#include <utility>

namespace srpo::verify {

bool OutputCapture::read_from(int descriptor) {
  static constexpr int kMostReads = 16;
  static thread_local char buffer[65536];
  for (int i = 0; i < kMostReads; ++i) {
    const ssize_t got = ::read(descriptor, buffer, sizeof buffer);
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    append(buffer, static_cast<size_t>(got));
  }
  return true;
}

std::string OutputCapture::take() {
  num_dropped_ = 0;
  return std::exchange(kept_, {});
}

void OutputCapture::append(const char* data, size_t size) {
  const size_t room = most_kept_ - std::min<uint64_t>(kept_.size(), most_kept_);
  kept_.append(data, std::min(room, size));
  num_dropped_ += size - std::min(room, size);
}

}  // namespace srpo::verify
