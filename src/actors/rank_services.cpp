#include "actors/rank_services.h"

#include "actors/runtime.h"

namespace srpo::actors {

std::optional<ObjectParts> RankServices::fetch(ObjectId id) {
  return runtime_.objects().serve(id);
}

}  // namespace srpo::actors
