// Making actors on other ranks, and finding those that others have made.
#pragma once

#include <tuple>

#include "actors/factory.h"
#include "actors/handle.h"
#include "actors/node.h"

namespace srpo::actors {

/// The arguments of an actor's constructor.
template <class... Args>
std::tuple<std::decay_t<Args>...> args(Args&&... values) {
  return {std::forward<Args>(values)...};
}

template <class A, class... Args>
Group<A> Runtime::spawn(const std::string& name, const std::vector<int>& ranks,
                        const std::tuple<Args...>& arguments,
                        const Supervision& supervision) {
  static_assert(std::is_base_of_v<Actor, A>, "actors derive from actors::Actor");
  ENSURE((detail::FactoryOf<A, Args...>::kAdded), "no factory");
  ActorSpec spec;
  spec.name = name;
  spec.slots.assign(ranks.begin(), ranks.end());
  spec.factory = detail::FactoryOf<A, Args...>::number();
  spec.class_name = class_name<A>();
  spec.arguments = core::to_bytes(arguments);
  spec.supervision = supervision;
  find<Node>(0, kNodeName).template tell<&Node::add_spec>(spec);
  std::vector<Handle<A>> members;
  std::vector<Future<Done>> started;
  for (const int rank : ranks) {
    started.push_back(
        find<Node>(rank, kNodeName).template call<&Node::start_actor>(spec));
    members.push_back(find<A>(rank, name));
  }
  return Group<A>(std::move(members), when_all(started));
}

template <class A>
Future<Group<A>> Runtime::look_up(const std::string& name) {
  Future<Group<A>> group;
  find<Node>(0, kNodeName)
      .template call<&Node::look_up>(name)
      .then([this, group, name](CallResult<ActorSpec>& spec) {
        if (!spec.has_value()) {
          group.complete(CallResult<Group<A>>(spec.error()));
        } else if (spec->class_name != class_name<A>()) {
          group.complete(CallResult<Group<A>>(
              CallError{CallError::Kind::kApplication, core::ErrorKind::kBadInput,
                        name + " is a " + spec->class_name + ", not a " +
                            std::string(class_name<A>())}));
        } else {
          std::vector<Handle<A>> members;
          for (const int slot : spec->slots) members.push_back(find<A>(slot, name));
          group.complete(CallResult<Group<A>>(Group<A>(std::move(members))));
        }
      });
  return group;
}

}  // namespace srpo::actors
