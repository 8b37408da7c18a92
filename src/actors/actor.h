// What an actor is: an object whose listed methods other ranks may call.
//
//   class Counter : public actors::Actor {
//    public:
//     int64_t add(int64_t amount) { return total_ += amount; }
//     actors::Task<int64_t> add_elsewhere(Handle<Counter> other, int64_t amount);
//     void wait_for(int64_t total, actors::Reply<int64_t> reply);  // answers later
//     actors::Stream<int64_t> count_to(int64_t last);              // answers many times
//     using Methods = actors::MethodList<&Counter::add, &Counter::add_elsewhere,
//                                        &Counter::wait_for, &Counter::count_to>;
//   };
#pragma once

#include "actors/method.h"

namespace srpo::actors {

/// Methods and work() run on the reactor thread of their rank, one at a time, unless the
/// method's options say otherwise.
class Actor {
 public:
  virtual ~Actor() = default;
  /// One slice of the actor's own work between messages; true if there is more at once.
  virtual bool work() { return false; }
};

}  // namespace srpo::actors
