// The name of an object that is kept by one process and referred to by others.
#pragma once

#include <compare>
#include <cstdint>

namespace srpo::actors {

/// One process in one slot: the same slot with another incarnation is somebody else.
struct Place {
  int32_t slot = -1;
  uint32_t incarnation = 0;
  auto operator<=>(const Place&) const = default;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("slot", self.slot);
    visit("incarnation", self.incarnation);
  }
};

/// Unique in the job. Number 0: no object.
struct ObjectId {
  Place owner;
  uint64_t number = 0;
  auto operator<=>(const ObjectId&) const = default;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("owner", self.owner);
    visit("number", self.number);
  }
};

}  // namespace srpo::actors
