// Which trees were seen, in memory that grows with steps and gaps, not with trees.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "storage/tree_key.h"

namespace srpo::storage {

/// Slots of a step are kept as ranges: a step whose slots are all there takes one.
/// Thread-compatible.
class KeySet {
 public:
  /// False when it was there already.
  bool insert(const TreeKey& key);
  bool contains(const TreeKey& key) const;
  uint64_t size() const { return size_; }
  /// How many ranges there are: what the memory is proportional to.
  size_t num_ranges() const { return ranges_.size(); }

 private:
  using Place = std::pair<uint64_t, uint32_t>;  // step and kind, first slot
  static Place place_of(const TreeKey& key) {
    return {(uint64_t{key.step} << 1) | (key.validation ? 1 : 0), key.slot};
  }

  std::map<Place, uint32_t> ranges_;  // to the last slot
  uint64_t size_ = 0;
};

}  // namespace srpo::storage
