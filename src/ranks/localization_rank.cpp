#include "ranks/localization_rank.h"

#include <algorithm>

#include "rl/algorithm.h"
#include "rl/reset.h"
#include "text/thoughts.h"

namespace srpo::ranks {
namespace {

records::DrawPlan plan_of(const std::string& job_yaml) {
  const auto job = core::ConfigTable::parse(job_yaml, "job");
  return rl::make_algorithm(algorithm_section(job))->draw_plan();
}

}  // namespace

LocalizationRank::LocalizationRank(actors::Runtime& runtime, const std::string& job_yaml)
    : self_(identify_rank(runtime, job_yaml)),
      plan_(plan_of(job_yaml)),
      tokenizer_(text::Tokenizer::load(model_folder(self_.config).path)) {
  if (!plan_.revises) {
    localizer_ = rl::make_localizer(
        plan_.localizer,
        {self_.config.seed, self_.config.localization_sampling.temperature});
  }
  if (rl::asks_policy(plan_.localizer)) {
    PolicyEngine engine(self_.config,
                        [this](int32_t id) { return tokenizer_.token_bytes(id); });
    policy_ = std::make_unique<Policy>(std::move(engine));
  }
  const std::filesystem::path folder = model_folder(self_.config).path;
  if (text::ChatTemplate::exists(folder))
    chat_template_ = text::ChatTemplate::load(folder);
}

void LocalizationRank::load_weights(WeightUpdate update,
                                    actors::Reply<actors::Done> reply) {
  if (!policy_) return PolicyGate::pass_by(reply);
  policy_->gate.load(std::move(update), std::move(reply));
}

std::vector<int32_t> LocalizationRank::encode_turn(const std::string& text) const {
  if (!chat_template_) return tokenizer_.encode(text);
  return tokenizer_.encode(
      chat_template_->render({{"user", text}}, /*add_generation_prompt=*/true),
      /*add_special_tokens=*/false);
}

rl::FailedChain LocalizationRank::failed_chain(const records::Problem& problem,
                                               const records::Trajectory& seed) const {
  return {seed.id, problem,
          text::split_thoughts(tokenizer_, seed.tokens, seed.thought_ends)};
}

ResetPoint LocalizationRank::reset_at(const records::Trajectory& seed,
                                      records::Localization localization) const {
  const uint32_t kept = rl::prefix_length(seed.thought_ends, localization.thought);
  return {std::move(localization), kept, {}};
}

/// The first attempt as it was drawn, without its end of text; its end is left out where
/// prompt and response would not fit.
std::vector<int32_t> LocalizationRank::revision_prompt(
    const records::Problem& problem, const records::Trajectory& first) const {
  const bool correct = first.verdict.reward >= plan_.failed_below;
  const auto wording =
      rl::revision_wording(plan_.localizer, self_.config.prompt_style, problem.question,
                           self_.config.prompt_examples, correct);
  std::vector<int32_t> prompt = tokenizer_.encode(wording.before);
  const auto behind = tokenizer_.encode(wording.behind, /*add_special_tokens=*/false);
  const records::ChainLimits& limits = self_.config.limits;
  const int64_t response = std::min(limits.response_tokens, limits.context_tokens / 2);
  const int64_t room =
      std::max<int64_t>(0, limits.context_tokens - response -
                               static_cast<int64_t>(prompt.size() + behind.size()));
  auto num_tokens = static_cast<int64_t>(first.tokens.size());
  if (num_tokens > 0 && first.tokens.back() == tokenizer_.eos_id()) --num_tokens;
  const auto begin = first.tokens.begin();
  prompt.insert(prompt.end(), begin, begin + std::min(num_tokens, room));
  prompt.insert(prompt.end(), behind.begin(), behind.end());
  return prompt;
}

void LocalizationRank::localize(records::Problem problem, records::Trajectory seed,
                                actors::Reply<ResetPoint> reply) {
  if (plan_.revises) {
    reply(ResetPoint{{}, 0, revision_prompt(problem, seed)});
    return;
  }
  const rl::FailedChain chain = failed_chain(problem, seed);
  const auto prompt = localizer_->prompt(self_.config.prompt_style, chain);
  if (!prompt) {
    reply(reset_at(seed, localizer_->choose(chain, "")));
    return;
  }
  REQUIRE(policy_ && policy_->engine.is_ready(), kBug,
          "localization was asked for before any weights had come");
  if (localizer_->candidates(chain.num_thoughts()).empty()) {
    ask(chain, seed, *prompt, std::move(reply));
  } else {
    reply(score(chain, seed, *prompt));
  }
}

ResetPoint LocalizationRank::score(const rl::FailedChain& chain,
                                   const records::Trajectory& seed,
                                   const std::string& prompt) {
  const core::Stopwatch watch;
  const std::vector<int32_t> prompt_tokens = encode_turn(prompt);
  std::vector<std::vector<int32_t>> replies;
  for (const std::string& candidate : localizer_->candidates(chain.num_thoughts()))
    replies.push_back(tokenizer_.encode(candidate, /*add_special_tokens=*/false));
  const std::vector<double> logprobs =
      policy_->engine.engine().score_replies(prompt_tokens, replies);
  ResetPoint point = reset_at(seed, localizer_->choose_scored(chain, logprobs));
  point.localization.prompt_tokens = static_cast<uint32_t>(prompt_tokens.size());
  point.localization.seconds = watch.seconds();
  return point;
}

void LocalizationRank::ask(const rl::FailedChain& chain, const records::Trajectory& seed,
                           const std::string& prompt, actors::Reply<ResetPoint> reply) {
  records::GenerationRequest request;
  request.id = seed.id;
  request.id.kind = records::DrawKind::kLocalization;
  request.prompt_tokens = encode_turn(prompt);
  request.sampling = self_.config.localization_sampling;
  request.limits.thoughts = false;
  request.limits.response_tokens = self_.config.localization_tokens;
  request.limits.context_tokens = self_.config.limits.context_tokens;
  const std::string stop = rl::localization_stop(self_.config.prompt_style);
  if (!stop.empty()) request.limits.stops = {stop};
  const auto prompt_tokens = static_cast<uint32_t>(request.prompt_tokens.size());
  const records::TrajectoryId id = request.id;
  policy_->gate.submit(std::move(request));
  waiting_.insert_or_assign(id, Waiting{chain, seed, prompt_tokens, std::move(reply)});
}

bool LocalizationRank::work() {
  if (!policy_ || !policy_->engine.is_ready()) return false;
  engine::GenerationEngine& engine = policy_->engine.engine();
  const bool busy = engine.step();
  for (const records::Trajectory& answer : engine.take_finished()) {
    const auto at = waiting_.find(answer.id);
    ENSURE(at != waiting_.end(), "nobody waits for " << answer.id.to_string());
    const Waiting waiting = std::move(at->second);
    waiting_.erase(at);
    ResetPoint point =
        reset_at(waiting.seed,
                 localizer_->choose(waiting.chain, tokenizer_.decode(answer.tokens)));
    point.localization.prompt_tokens = waiting.prompt_tokens;
    point.localization.reply_tokens = static_cast<uint32_t>(answer.tokens.size());
    point.localization.seconds = answer.seconds;
    waiting.reply(std::move(point));
  }
  return policy_->gate.install() || busy;
}

}  // namespace srpo::ranks
