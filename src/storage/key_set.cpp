#include "storage/key_set.h"

#include <iterator>

namespace srpo::storage {

bool KeySet::contains(const TreeKey& key) const {
  const Place place = place_of(key);
  const auto behind = ranges_.upper_bound(place);
  if (behind == ranges_.begin()) return false;
  const auto& [first, last] = *std::prev(behind);
  return first.first == place.first && key.slot <= last;
}

bool KeySet::insert(const TreeKey& key) {
  if (contains(key)) return false;
  ++size_;
  const Place place = place_of(key);
  auto next = ranges_.upper_bound(place);
  const bool joins_next = next != ranges_.end() && next->first.first == place.first &&
                          next->first.second == uint64_t{key.slot} + 1;
  auto before = next == ranges_.begin() ? ranges_.end() : std::prev(next);
  const bool joins_before = before != ranges_.end() &&
                            before->first.first == place.first &&
                            uint64_t{before->second} + 1 == key.slot;
  const uint32_t last = joins_next ? next->second : key.slot;
  if (joins_next) ranges_.erase(next);
  if (joins_before) {
    before->second = last;
  } else {
    ranges_.emplace(place, last);
  }
  return true;
}

}  // namespace srpo::storage
