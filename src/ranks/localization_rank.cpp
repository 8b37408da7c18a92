#include "ranks/localization_rank.h"

#include "rl/algorithm.h"
#include "rl/reset.h"
#include "text/thoughts.h"

namespace srpo::ranks {
namespace {

std::string localizer_of(const std::string& job_yaml) {
  const auto job = core::ConfigTable::parse(job_yaml, "job");
  return rl::make_algorithm(algorithm_section(job))->draw_plan().localizer;
}

}  // namespace

LocalizationRank::LocalizationRank(actors::Runtime& runtime, const std::string& job_yaml)
    : self_(identify_rank(runtime, job_yaml)),
      localizer_(rl::make_localizer(localizer_of(job_yaml), self_.config.seed)),
      tokenizer_(text::Tokenizer::load(model_folder(self_.config).path)),
      policy_(self_.config, [this](int32_t id) { return tokenizer_.token_bytes(id); }),
      gate_(policy_, PolicyGate::Install::kBetweenChains) {
  const std::filesystem::path folder = model_folder(self_.config).path;
  if (text::ChatTemplate::exists(folder))
    chat_template_ = text::ChatTemplate::load(folder);
}

std::vector<int32_t> LocalizationRank::encode_turn(const std::string& text) const {
  if (!chat_template_) return tokenizer_.encode(text);
  return tokenizer_.encode(
      chat_template_->render({{"user", text}}, /*add_generation_prompt=*/true),
      /*add_special_tokens=*/false);
}

ResetPoint LocalizationRank::choose(const records::Trajectory& seed,
                                    const std::string& reply) const {
  ResetPoint point;
  point.localization =
      localizer_->choose(seed.id, static_cast<uint32_t>(seed.thought_ends.size()), reply);
  point.prefix_length = rl::prefix_length(seed.thought_ends, point.localization.thought);
  return point;
}

void LocalizationRank::localize(records::Problem problem, records::Trajectory seed,
                                actors::Reply<ResetPoint> reply) {
  const auto prompt = localizer_->prompt(
      self_.config.prompt_style, problem.question,
      text::split_thoughts(tokenizer_, seed.tokens, seed.thought_ends));
  if (!prompt) {
    reply(choose(seed, ""));
    return;
  }
  REQUIRE(policy_.is_ready(), kBug,
          "localization was asked for before any weights had come");
  records::GenerationRequest request;
  request.id = seed.id;
  request.id.kind = records::DrawKind::kLocalization;
  request.prompt_tokens = encode_turn(*prompt);
  request.sampling = self_.config.localization_sampling;
  request.limits.thoughts = false;
  request.limits.response_tokens = self_.config.localization_tokens;
  request.limits.context_tokens = self_.config.limits.context_tokens;
  const std::string stop = rl::localization_stop(self_.config.prompt_style);
  if (!stop.empty()) request.limits.stops = {stop};
  const auto prompt_tokens = static_cast<uint32_t>(request.prompt_tokens.size());
  const records::TrajectoryId id = request.id;
  gate_.submit(std::move(request));
  waiting_.insert_or_assign(id,
                            Waiting{std::move(seed), prompt_tokens, std::move(reply)});
}

bool LocalizationRank::work() {
  if (!policy_.is_ready()) return false;
  const bool busy = policy_.engine().step();
  for (const records::Trajectory& answer : policy_.engine().take_finished()) {
    const auto at = waiting_.find(answer.id);
    ENSURE(at != waiting_.end(), "nobody waits for " << answer.id.to_string());
    const Waiting waiting = std::move(at->second);
    waiting_.erase(at);
    ResetPoint point = choose(waiting.seed, tokenizer_.decode(answer.tokens));
    point.localization.prompt_tokens = waiting.prompt_tokens;
    point.localization.reply_tokens = static_cast<uint32_t>(answer.tokens.size());
    point.localization.seconds = answer.seconds;
    waiting.reply(std::move(point));
  }
  return gate_.install() || busy;
}

}  // namespace srpo::ranks
