#include "ranks/evaluation_rank.h"

#include <csignal>
#include <cstdio>
#include <map>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"
#include "ranks/evaluation_results.h"
#include "rl/reset.h"
#include "storage/run_folder.h"
#include "verify/text_verifier.h"

namespace srpo::ranks {
namespace {

using evaluation::Attempt;
using evaluation::Belief;
using evaluation::Mode;
using evaluation::Sample;
using evaluation::StopCause;

constexpr int kMostTries = 30;
constexpr uint32_t kSlots = 16;  // iterations of a sample, votes of an iteration

/// Whether a call may be made again: its rank was lost, or has no weights yet.
bool is_passing(const actors::CallError& error) {
  return error.kind != actors::CallError::Kind::kApplication ||
         error.cause == core::ErrorKind::kBug;
}

[[noreturn]] void give_up(const actors::CallError& error) {
  throw core::Error(error.cause, error.message);
}

bool believed(const evaluation::CorrectionConfig& config, uint32_t right) {
  if (config.belief_rule == "unanimous") return right == config.belief_votes;
  if (config.belief_rule == "any") return right > 0;
  return 2 * right > config.belief_votes;
}

uint16_t vote_index(uint32_t sample, uint32_t iteration, uint32_t vote) {
  return static_cast<uint16_t>((sample * kSlots + iteration) * kSlots + vote);
}

}  // namespace

EvaluationRank::EvaluationRank(actors::Runtime& runtime, const EvaluationSetup& setup)
    : runtime_(runtime),
      setup_(setup),
      turns_(setup.run.model.path, setup.run.prompt_style, setup.run.prompt_examples),
      localizer_(
          rl::make_localizer(setup.evaluation.correction.localizer,
                             {setup.run.seed, setup.evaluation.correction.temperature})),
      started_(std::chrono::steady_clock::now()),
      reported_(started_) {}

std::optional<EvaluationRank::Work> EvaluationRank::next_work(
    const evaluation::SampleJournal& journal) {
  const auto& tasks = setup_.evaluation.tasks;
  if (!cursor_) cursor_ = Work{0, {tasks[0].name, 0, 0, 0}};
  while (cursor_->task < tasks.size()) {
    const Work work = *cursor_;
    evaluation::SampleKey& key = cursor_->key;
    // Samples of an item follow each other, then items, then seeds.
    if (++key.index == tasks[work.task].samples) {
      key.index = 0;
      ++key.item;
    }
    if (key.item == setup_.items[work.task].size()) {
      key.item = 0;
      ++key.seed;
    }
    if (key.seed == setup_.evaluation.seeds.size()) {
      ++cursor_->task;
      if (cursor_->task < tasks.size()) key = {tasks[cursor_->task].name, 0, 0, 0};
    }
    if (!journal.contains(work.key)) return work;
  }
  return std::nullopt;
}

actors::Task<> EvaluationRank::start_ranks() {
  const auto layout =
      EvaluationLayout::plan(runtime_.size(), setup_.evaluation.verifiers);
  const auto rule = actors::Supervision::one_for_one();
  generators_ = runtime_.spawn<GeneratorRank>("generator", layout.generators,
                                              actors::args(setup_.worker_job), rule);
  verifiers_ = runtime_.spawn<VerifierRank>("verifier", layout.verifiers,
                                            actors::args(setup_.worker_job), rule);
  auto started = co_await generators_.started();
  for (const auto& each : *started)
    if (!each.has_value()) give_up(each.error());
  auto judging = co_await verifiers_.started();
  for (const auto& each : *judging)
    if (!each.has_value()) give_up(each.error());
  auto loaded =
      co_await generators_.broadcast<&GeneratorRank::load_weights>(setup_.weights);
  for (const auto& each : *loaded)
    if (!each.has_value()) give_up(each.error());
  // A process that takes the place of a lost one knows the job, and not the adapter.
  runtime_.on_membership(
      [this, alive = std::weak_ptr(alive_)](int slot, actors::Peer::State state) {
        if (alive.expired() || state != actors::Peer::State::kUp) return;
        for (const auto& generator : generators_) {
          if (generator.rank() == slot)
            generator.tell<&GeneratorRank::load_weights>(setup_.weights);
        }
      });
}

actors::Task<> EvaluationRank::draw_all(evaluation::SampleJournal& journal) {
  num_done_ = num_found_ = journal.size();
  if (num_done_ == setup_.num_samples()) co_return;
  co_await start_ranks();
  started_ = reported_ = std::chrono::steady_clock::now();
  const auto batch = static_cast<size_t>(setup_.run.engine.max_sequences);
  const size_t wanted = setup_.evaluation.in_flight;
  const size_t each = wanted > 0 ? wanted : batch + batch / 2 + 1;
  std::vector<actors::Future<actors::Done>> lanes;
  for (size_t i = 0; i < each * generators_.size(); ++i)
    lanes.push_back(runtime_.start("sample", work(journal)));
  auto ended = co_await actors::when_all(lanes);
  for (const auto& lane : *ended)
    if (!lane.has_value()) give_up(lane.error());
  report(/*is_last=*/true);
}

actors::Task<> EvaluationRank::work(evaluation::SampleJournal& journal) {
  while (const auto next = next_work(journal)) {
    const Sample sample = co_await draw(*next);
    journal.accept(sample);
    ++num_done_;
    for (const Attempt& attempt : sample.attempts)
      num_tokens_ += attempt.chain.decoded_tokens;
    report(/*is_last=*/false);
  }
}

records::GenerationRequest EvaluationRank::fresh_request(const Work& work) const {
  const evaluation::TaskConfig& task = setup_.evaluation.tasks[work.task];
  const uint64_t seed = setup_.evaluation.seeds[work.key.seed];
  records::GenerationRequest request;
  request.id = {evaluation::draw_step(task.name, seed), work.key.item,
                records::DrawKind::kValidation, static_cast<uint16_t>(work.key.index)};
  request.prompt_tokens = turns_.solve(setup_.evaluation.mode, problem_of(work));
  request.sampling = task.sampling;
  request.sampling.seed = seed;
  request.limits = setup_.run.limits;
  request.limits.thoughts = setup_.evaluation.mode != Mode::kSinglePass;
  return request;
}

records::GenerationRequest EvaluationRank::turn_request(
    const Work& work, std::vector<int32_t> prompt) const {
  records::GenerationRequest request = fresh_request(work);
  request.prompt_tokens = std::move(prompt);
  request.sampling = setup_.run.localization_sampling;
  request.sampling.seed = setup_.evaluation.seeds[work.key.seed];
  request.limits.thoughts = false;
  request.limits.response_tokens = setup_.run.localization_tokens;
  return request;
}

actors::Task<Sample> EvaluationRank::draw(Work work) {
  Sample sample;
  sample.key = work.key;
  sample.problem = problem_of(work).id;
  Attempt first;
  first.chain = co_await attempt(problem_of(work), fresh_request(work));
  sample.attempts.push_back(std::move(first));
  if (setup_.evaluation.mode == Mode::kCorrection) co_await correct(work, sample);
  co_return sample;
}

actors::Task<> EvaluationRank::correct(const Work& work, Sample& sample) {
  const evaluation::CorrectionConfig& config = setup_.evaluation.correction;
  for (uint32_t iteration = 0;; ++iteration) {
    if (config.stop_when_correct && sample.last().is_correct()) {
      sample.stop = StopCause::kOracle;
      co_return;
    }
    if (config.belief_votes > 0) {
      co_await ask_belief(work, sample.attempts.back(), iteration);
      if (sample.last().belief == Belief::kRight) {
        sample.stop = StopCause::kBelief;
        co_return;
      }
    }
    const records::Trajectory& chain = sample.last().chain;
    const bool is_empty = chain.thought_ends.empty();
    if (iteration == config.iterations || is_empty) {
      sample.stop = is_empty ? StopCause::kNoThought : StopCause::kCap;
      co_return;
    }
    Attempt next;
    next.localization = co_await localize(work, chain, iteration);
    records::GenerationRequest request = fresh_request(work);
    if (config.keep_prefix) {
      const auto base = request;
      request = rl::suffix_request(chain, base.prompt_tokens, next.localization->thought);
      request.sampling = base.sampling;
      request.limits = base.limits;
      request.id = base.id;
    }
    request.sampling.temperature = config.temperature;
    request.id.kind = records::DrawKind::kSuffix;
    request.id.index = static_cast<uint16_t>(work.key.index * kSlots + iteration + 1);
    next.chain = co_await attempt(problem_of(work), std::move(request));
    sample.attempts.push_back(std::move(next));
  }
}

actors::Task<records::Localization> EvaluationRank::localize(
    const Work& work, const records::Trajectory& chain, uint32_t iteration) {
  const rl::FailedChain failed{chain.id, problem_of(work), turns_.thoughts(chain)};
  const auto prompt = localizer_->prompt(turns_.style(), failed);
  if (!prompt) co_return localizer_->choose(failed, "");
  records::GenerationRequest request = turn_request(
      work, turns_.style() == rl::PromptStyle::kTerse ? turns_.tokenizer().encode(*prompt)
                                                      : turns_.turn(*prompt));
  const std::string stop = rl::localization_stop(turns_.style());
  if (!stop.empty()) request.limits.stops = {stop};
  request.id.kind = records::DrawKind::kLocalization;
  std::vector<records::Localization> votes;
  std::map<uint32_t, uint32_t> counts;
  for (uint32_t vote = 0; vote < setup_.evaluation.correction.localization_votes;
       ++vote) {
    request.id.index = vote_index(work.key.index, iteration, vote);
    const records::Trajectory reply = co_await generate(request);
    votes.push_back(localizer_->choose(failed, turns_.tokenizer().decode(reply.tokens)));
    votes.back().prompt_tokens = static_cast<uint32_t>(request.prompt_tokens.size());
    votes.back().reply_tokens = static_cast<uint32_t>(reply.tokens.size());
    votes.back().seconds = reply.seconds;
    ++counts[votes.back().thought];
  }
  // The thought that most name; of equals the one that was named first.
  size_t best = 0;
  for (size_t i = 1; i < votes.size(); ++i) {
    if (counts[votes[i].thought] > counts[votes[best].thought]) best = i;
  }
  co_return votes[best];
}

actors::Task<> EvaluationRank::ask_belief(const Work& work, Attempt& attempt,
                                          uint32_t iteration) {
  const evaluation::CorrectionConfig& config = setup_.evaluation.correction;
  records::GenerationRequest request = turn_request(
      work, turns_.belief(problem_of(work).question, turns_.thoughts(attempt.chain)));
  request.sampling.temperature = config.belief_temperature;
  request.id.kind = records::DrawKind::kFresh;
  attempt.votes = config.belief_votes;
  for (uint32_t vote = 0; vote < config.belief_votes; ++vote) {
    request.id.index = vote_index(work.key.index, iteration, vote);
    const records::Trajectory reply = co_await generate(request);
    const std::string words = turns_.tokenizer().decode(reply.tokens);
    attempt.votes_right += verify::last_yes_or_no(words) == "yes" ? 1 : 0;
  }
  attempt.belief =
      believed(config, attempt.votes_right) ? Belief::kRight : Belief::kWrong;
}

actors::Task<records::Trajectory> EvaluationRank::attempt(
    records::Problem problem, records::GenerationRequest request) {
  records::Trajectory chain = co_await generate(std::move(request));
  chain.use = records::Use::kValidation;
  chain.verdict = co_await verify(std::move(problem), chain.text);
  co_return chain;
}

actors::Task<records::Trajectory> EvaluationRank::generate(
    records::GenerationRequest request) {
  for (int tries = 1;; ++tries) {
    const auto& generator = generators_.pick(actors::Pick::kLeastLoaded);
    auto chain = co_await generator.call<&GeneratorRank::generate>(request);
    if (chain.has_value()) co_return std::move(chain.value());
    if (tries == kMostTries || !is_passing(chain.error())) give_up(chain.error());
    LOG(warn) << request.id.to_string()
              << " is asked for again: " << chain.error().message;
    co_await runtime_.sleep_for(std::chrono::seconds(1));
  }
}

actors::Task<records::Verdict> EvaluationRank::verify(records::Problem problem,
                                                      std::string response) {
  for (int tries = 1;; ++tries) {
    const auto& verifier = verifiers_.pick(actors::Pick::kLeastLoaded);
    auto verdict = co_await verifier.call<&VerifierRank::verify>(problem, response);
    if (verdict.has_value()) co_return std::move(verdict.value());
    if (tries == kMostTries || !is_passing(verdict.error())) give_up(verdict.error());
    co_await runtime_.sleep_for(std::chrono::seconds(1));
  }
}

void EvaluationRank::report(bool is_last) {
  static const bool is_terminal = ::isatty(STDERR_FILENO) != 0;
  const auto now = std::chrono::steady_clock::now();
  const auto pause = is_terminal ? std::chrono::seconds(1) : std::chrono::seconds(30);
  if (!is_last && now - reported_ < pause) return;
  reported_ = now;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const double rate = static_cast<double>(num_done_ - num_found_) / seconds;
  const double left =
      static_cast<double>(setup_.num_samples() - num_done_) / std::max(rate, 1e-9);
  std::fprintf(stderr, "%s%zu of %zu samples, %.1f/s, %.0f tokens/s, %.0f s left%s",
               is_terminal ? "\r" : "", num_done_, setup_.num_samples(), rate,
               static_cast<double>(num_tokens_) / seconds, left,
               is_terminal && !is_last ? "\033[K" : "\n");
}

void print_evaluation_plan(const EvaluationOptions& options) {
  const EvaluationSetup setup = EvaluationSetup::read(options);
  std::printf("%zu samples\n", setup.num_samples());
  const evaluation::ModelTurns turns(setup.run.model.path, setup.run.prompt_style,
                                     setup.run.prompt_examples);
  for (size_t i = 0; i < setup.items.size(); ++i) {
    const auto& task = setup.evaluation.tasks[i];
    const records::Problem& first = setup.items[i].front().problem;
    std::printf(
        "\n== %s: %zu items of %s, kind %s, %u samples, %zu seeds, temperature %g\n%s\n"
        "-- answer: %.80s\n",
        task.title.c_str(), setup.items[i].size(), task.path.c_str(), task.kind.c_str(),
        task.samples, setup.evaluation.seeds.size(), task.sampling.temperature,
        turns.tokenizer().decode(turns.solve(setup.evaluation.mode, first)).c_str(),
        first.reference.c_str());
  }
}

actors::Task<int> evaluate(actors::Runtime& runtime, EvaluationOptions options) {
  const EvaluationSetup setup = EvaluationSetup::read(options);
  core::start_log("evaluation/0", core::parse_log_level(setup.run.log_level));
  runtime.on_signal({SIGTERM, SIGINT}, [&runtime](int) { runtime.stop(); });
  const auto folder =
      storage::RunFolder::open(setup.run.folder, setup.resolved_job, {"trace"});
  evaluation::SampleJournal journal(folder.path() / "samples.journal",
                                    folder.job_digest());
  EvaluationRank rank(runtime, setup);
  co_await rank.draw_all(journal);
  write_evaluation_results(setup, folder);
  co_return 0;
}

}  // namespace srpo::ranks
