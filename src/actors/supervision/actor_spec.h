// How an actor is made, and what happens when its process is lost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/archive.h"

namespace srpo::actors {

/// What the supervisor does for the actors of one spawn().
struct Supervision {
  enum class Strategy {
    kNone,       ///< the loss of its process is the end of the actor
    kOneForOne,  ///< the lost one is made again
    kOneForAll,  ///< all of the group are stopped and made again
  };
  enum class WhenSpent {
    kDegrade,  ///< go on with fewer
    kStop,     ///< end the job with exit code 75
  };
  Strategy strategy = Strategy::kNone;
  int32_t max_restarts = 5;      ///< of the group ...
  int64_t within_seconds = 600;  ///< ... in so much time; then `when_spent`
  WhenSpent when_spent = WhenSpent::kDegrade;
  int32_t min_healthy = 1;  ///< members; with fewer the job ends with exit code 75

  static Supervision none() { return {}; }
  static Supervision one_for_one() {
    Supervision supervision;
    supervision.strategy = Strategy::kOneForOne;
    return supervision;
  }
  static Supervision one_for_all() {
    Supervision supervision;
    supervision.strategy = Strategy::kOneForAll;
    return supervision;
  }

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("strategy", self.strategy);
    visit("max_restarts", self.max_restarts);
    visit("within_seconds", self.within_seconds);
    visit("when_spent", self.when_spent);
    visit("min_healthy", self.min_healthy);
  }
};

/// One spawn(): a class, the arguments of its constructor, and where.
struct ActorSpec {
  std::string name;
  std::vector<int32_t> slots;
  uint64_t factory = 0;  ///< number of the constructor; the same in every process
  std::string class_name;
  core::Bytes arguments;
  Supervision supervision;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("slots", self.slots);
    visit("factory", self.factory);
    visit("class_name", self.class_name);
    visit("arguments", self.arguments);
    visit("supervision", self.supervision);
  }
};

}  // namespace srpo::actors
