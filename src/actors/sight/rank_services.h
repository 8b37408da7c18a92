// The actor that every runtime has for its own ends: gives objects out and tells what the
// rank is doing.
#pragma once

#include <optional>

#include "actors/actor.h"
#include "actors/objects/object_store.h"
#include "actors/sight/inspection.h"
#include "actors/sight/trace_recorder.h"

namespace srpo::actors {

constexpr std::string_view kServicesName = "services";

/// Borrows the runtime. One thread only: the reactor.
class RankServices final : public Actor {
 public:
  explicit RankServices(Runtime& runtime) : runtime_(runtime) {}

  /// Nothing when the object is not here.
  std::optional<ObjectParts> fetch(ObjectId id);
  /// What the rank is doing.
  RankReport inspect();
  /// The same as text.
  std::string inspect_text();
  /// Nanoseconds of this process's clock.
  int64_t clock();
  /// Begins to trace into a ring of so many events; 0: ends it.
  void start_trace(uint64_t events);
  /// The ring, which is emptied. `clock_offset` is process 0's clock minus this one's, in
  /// nanoseconds.
  RankTrace take_trace(int64_t clock_offset);

  using Methods =
      MethodList<method<&RankServices::fetch>({.concurrency = 64}),
                 method<&RankServices::inspect>({.idempotent = true, .concurrency = 4}),
                 method<&RankServices::inspect_text>(
                     {.idempotent = true, .concurrency = 4}),
                 method<&RankServices::clock>({.idempotent = true, .concurrency = 64}),
                 &RankServices::start_trace, &RankServices::take_trace>;

 private:
  Runtime& runtime_;
};

}  // namespace srpo::actors
