// The actor that every runtime has for its own ends: gives objects out and tells what the
// rank is doing.
#pragma once

#include <optional>

#include "actors/actor.h"
#include "actors/object_store.h"

namespace srpo::actors {

constexpr std::string_view kServicesName = "services";

/// Borrows the runtime. One thread only: the reactor.
class RankServices final : public Actor {
 public:
  explicit RankServices(Runtime& runtime) : runtime_(runtime) {}

  /// Nothing when the object is not here.
  std::optional<ObjectParts> fetch(ObjectId id);

  using Methods = MethodList<&RankServices::fetch>;

 private:
  Runtime& runtime_;
};

}  // namespace srpo::actors
