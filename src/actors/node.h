// The actor that every process has: makes and stops the others. On slot 0 it also knows
// who is where.
#pragma once

#include <string>

#include "actors/reactor.h"
#include "actors/supervision/actor_spec.h"
#include "actors/supervision/supervisor.h"

namespace srpo::actors {

constexpr std::string_view kNodeName = "node";

/// Borrows the runtime. One thread only: the reactor.
class Node final : public Actor {
 public:
  explicit Node(Runtime& runtime) : runtime_(runtime) {}

  /// Makes the actor of a spec here. Throws what its constructor throws; calls to it fail
  /// with those words then.
  void start_actor(ActorSpec spec);
  void stop_actor(const std::string& name, const std::string& why);

  // Of slot 0:
  void add_spec(ActorSpec spec);
  /// Throws kBadInput for a name that nobody has spawned.
  ActorSpec look_up(const std::string& name);
  /// So many losses of a slot were the doing of one call.
  void forgive(int32_t slot, int32_t losses);

  /// Watches the specs; made by a Membership on slot 0.
  void set_supervisor(Supervisor* supervisor);

  using Methods = MethodList<&Node::start_actor, &Node::stop_actor, &Node::add_spec,
                             &Node::look_up, &Node::forgive>;

 private:
  Runtime& runtime_;
  std::map<std::string, ActorSpec> specs_;
  Supervisor* supervisor_ = nullptr;
};

}  // namespace srpo::actors
