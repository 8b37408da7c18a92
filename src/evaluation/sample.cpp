#include "evaluation/sample.h"

#include <nlohmann/json.hpp>

namespace srpo::evaluation {
namespace {

using nlohmann::ordered_json;

ordered_json attempt_json(const Attempt& attempt) {
  const records::Trajectory& chain = attempt.chain;
  ordered_json json = {{"id", chain.id.to_string()},
                       {"verdict", name_of(chain.verdict.kind)},
                       {"reward", chain.verdict.reward},
                       {"answer", chain.verdict.answer},
                       {"finish", name_of(chain.finish)},
                       {"tokens", chain.tokens.size()},
                       {"prefix_tokens", chain.prefix_length},
                       {"thoughts", chain.thought_ends.size()},
                       {"text", chain.text}};
  if (attempt.belief != Belief::kNotAsked) {
    json["believed_right"] = attempt.belief == Belief::kRight;
    json["votes_right"] = attempt.votes_right;
    json["votes"] = attempt.votes;
  }
  if (attempt.localization) {
    json["reset"] = {{"thought", attempt.localization->thought},
                     {"of", attempt.localization->num_thoughts},
                     {"parsed", name_of(attempt.localization->status)},
                     {"reply", attempt.localization->reply}};
  }
  return json;
}

}  // namespace

const char* name_of(StopCause cause) {
  static constexpr const char* kNames[] = {"single_pass", "oracle", "belief", "cap",
                                           "no_thought"};
  return kNames[static_cast<int>(cause)];
}

std::string sample_json(const Sample& sample) {
  ordered_json json = {
      {"task", sample.key.task},      {"problem", sample.problem},
      {"item", sample.key.item},      {"seed", sample.key.seed},
      {"sample", sample.key.index},   {"correct", sample.last().is_correct()},
      {"stop", name_of(sample.stop)}, {"attempts", ordered_json::array()}};
  for (const Attempt& attempt : sample.attempts)
    json["attempts"].push_back(attempt_json(attempt));
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace srpo::evaluation
