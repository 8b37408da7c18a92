#include "actors/sight/rank_services.h"

#include "actors/runtime.h"

namespace srpo::actors {

std::optional<ObjectParts> RankServices::fetch(ObjectId id) {
  return runtime_.objects().serve(id);
}

RankReport RankServices::inspect() { return actors::inspect(runtime_); }

std::string RankServices::inspect_text() { return to_text(inspect()); }

int64_t RankServices::clock() { return runtime_.now().time_since_epoch().count(); }

void RankServices::start_trace(uint64_t events) { runtime_.trace().start(events); }

RankTrace RankServices::take_trace(int64_t clock_offset) {
  runtime_.trace().set_clock_offset(clock_offset);
  return runtime_.trace().take();
}

}  // namespace srpo::actors
