#include "actors/node.h"

#include "actors/factory.h"
#include "core/log.h"

namespace srpo::actors {

void Node::start_actor(ActorSpec spec) {
  try {
    find_factory(spec.factory)(runtime_, spec.name, spec.arguments);
  } catch (const std::exception& error) {
    LOG(warn) << "actor_not_started name=" << spec.name << " reason=" << error.what();
    auto cell = std::make_shared<ActorCell>();
    cell->name = spec.name;
    cell->hash = name_hash(spec.name);
    cell->failure = error.what();
    runtime_.actors().add(cell);
    throw;
  }
}

void Node::stop_actor(const std::string& name, const std::string& why) {
  runtime_.actors().remove(name, why);
}

void Node::add_spec(ActorSpec spec) {
  if (supervisor_ != nullptr) supervisor_->add(spec);
  const std::string name = spec.name;
  specs_[name] = std::move(spec);
}

ActorSpec Node::look_up(const std::string& name) {
  const auto at = specs_.find(name);
  REQUIRE(at != specs_.end(), kBadInput, "nobody has spawned an actor named " << name);
  return at->second;
}

void Node::forgive(int32_t slot, int32_t losses) {
  if (supervisor_ != nullptr) supervisor_->forgive(slot, losses);
}

void Node::set_supervisor(Supervisor* supervisor) {
  supervisor_ = supervisor;
  if (supervisor == nullptr) return;
  for (const auto& [name, spec] : specs_) supervisor_->add(spec);
}

}  // namespace srpo::actors
