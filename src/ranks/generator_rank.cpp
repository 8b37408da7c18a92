#include "ranks/generator_rank.h"

namespace srpo::ranks {

GeneratorRank::GeneratorRank(actors::Runtime& runtime, const std::string& job_yaml)
    : self_(identify_rank(runtime, job_yaml)),
      tokenizer_(text::Tokenizer::load(model_folder(self_.config).path)),
      policy_(self_.config, [this](int32_t id) { return tokenizer_.token_bytes(id); }),
      gate_(policy_, self_.config.schedule.partial_rollouts
                         ? PolicyGate::Install::kInFlight
                         : PolicyGate::Install::kBetweenChains) {}

void GeneratorRank::generate(records::GenerationRequest request,
                             actors::Reply<records::Trajectory> reply) {
  REQUIRE(policy_.is_ready(), kBug, "a chain was asked for before any weights had come");
  const records::TrajectoryId id = request.id;
  gate_.submit(std::move(request));
  waiting_.insert_or_assign(id, std::move(reply));
}

void GeneratorRank::release(std::vector<records::TrajectoryId> ids) {
  if (!policy_.is_ready()) return;  // they were drawn by the process before this one
  for (const records::TrajectoryId& id : ids) policy_.engine().release(id);
}

void GeneratorRank::cancel(std::vector<records::TrajectoryId> ids) {
  for (const records::TrajectoryId& id : ids) {
    gate_.cancel(id);
    const auto waiting = waiting_.find(id);
    if (waiting == waiting_.end()) continue;
    waiting->second.fail(core::ErrorKind::kBadInput, kCancelled);
    waiting_.erase(waiting);
  }
}

bool GeneratorRank::work() {
  if (!policy_.is_ready()) return false;
  const bool busy = policy_.engine().step();
  for (records::Trajectory& chain : policy_.engine().take_finished()) {
    chain.text = tokenizer_.decode(chain.tokens);
    chain.generator = static_cast<uint32_t>(self_.rank);
    const auto waiting = waiting_.find(chain.id);
    ENSURE(waiting != waiting_.end(), "nobody waits for " << chain.id.to_string());
    waiting->second(std::move(chain));
    waiting_.erase(waiting);
  }
  return gate_.install() || busy;
}

}  // namespace srpo::ranks
