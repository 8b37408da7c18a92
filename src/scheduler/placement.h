// Which worker of a role gets the next piece of work: the one with the least of it.
#pragma once

#include <cstdint>
#include <vector>

namespace srpo::scheduler {

/// Counts what each worker holds. Ties go to the lowest number. Thread-compatible.
class Placement {
 public:
  explicit Placement(uint32_t num_workers) : load_(num_workers, 0) {}

  /// The least loaded worker, which now holds one piece more.
  uint32_t take() {
    const uint32_t worker = least_loaded();
    ++load_[worker];
    return worker;
  }
  /// As take(), but another worker than `not_this` if there is one.
  uint32_t take_other(uint32_t not_this) {
    if (load_.size() == 1) return take();
    uint32_t best = not_this == 0 ? 1 : 0;
    for (uint32_t i = 0; i < load_.size(); ++i) {
      if (i != not_this && load_[i] < load_[best]) best = i;
    }
    ++load_[best];
    return best;
  }
  void give_back(uint32_t worker) { --load_[worker]; }

  int64_t load(uint32_t worker) const { return load_[worker]; }
  uint32_t num_workers() const { return static_cast<uint32_t>(load_.size()); }

 private:
  uint32_t least_loaded() const {
    uint32_t best = 0;
    for (uint32_t i = 1; i < load_.size(); ++i) {
      if (load_[i] < load_[best]) best = i;
    }
    return best;
  }

  std::vector<int64_t> load_;
};

/// The workers of each role that a problem passes through.
struct Workers {
  Placement generators;
  Placement verifiers;
  Placement localizers;
};

}  // namespace srpo::scheduler
