// What a program writes, up to a bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace srpo::verify {

/// Keeps the first bytes of a stream and counts the rest. Thread-compatible.
class OutputCapture {
 public:
  explicit OutputCapture(uint64_t most_kept) : most_kept_(most_kept) {}

  /// Reads all that a non-blocking descriptor has, at most 1 MiB of it at once. False:
  /// the stream has ended.
  bool read_from(int descriptor);

  const std::string& kept() const { return kept_; }
  uint64_t num_dropped() const { return num_dropped_; }
  /// Empties it and starts again; what was kept.
  std::string take();

 private:
  void append(const char* data, size_t size);

  uint64_t most_kept_;
  std::string kept_;
  uint64_t num_dropped_ = 0;
};

}  // namespace srpo::verify
