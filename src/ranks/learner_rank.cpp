#include "ranks/learner_rank.h"

#include "core/log.h"
#include "model/hf_folder.h"
#include "model/initialization.h"
#include "ranks/generator_rank.h"
#include "ranks/localization_rank.h"
#include "ranks/step_recorder.h"
#include "rl/localizer.h"
#include "rl/sft.h"

namespace srpo::ranks {
namespace {

constexpr int64_t kSequencesOfATree = 8;

/// A learner tells the recorder what it does while this lives.
class Watching {
 public:
  Watching(learner::Learner& learner, StepRecorder& recorder) : learner_(learner) {
    learner_.set_observer(&recorder);
  }
  ~Watching() { learner_.set_observer(nullptr); }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;

 private:
  learner::Learner& learner_;
};

model::TensorMap initial_weights(const RunConfig& config) {
  const ModelFolder folder = model_folder(config);
  if (folder.has_weights) return model::load_weights(folder.path);
  return model::make_initial_weights(model::ModelConfig::load(folder.path), config.seed);
}

}  // namespace

LearnerRank::LearnerRank(const RunConfig& config,
                         std::unique_ptr<rl::Algorithm> algorithm,
                         const RankLayout& layout, comm::ProcessGroup& group,
                         actors::Runtime& runtime)
    : config_(config),
      algorithm_(std::move(algorithm)),
      layout_(layout),
      group_(group),
      runtime_(runtime),
      learner_(config.learner, model::ModelConfig::load(model_folder(config).path),
               initial_weights(config), group) {
  plan_memory();
}

/// Says what the largest micro-batch will take; throws kBadConfig when there is less.
void LearnerRank::plan_memory() const {
  const auto model = model::ModelConfig::load(model_folder(config_).path);
  const int64_t longest =
      std::min<int64_t>(config_.limits.context_tokens, model.max_positions);
  // No more than all sequences of an update, each at its longest.
  const int64_t trees = config_.prompts_per_step / config_.learner.updates_per_batch;
  const int64_t most = trees * kSequencesOfATree * longest;
  const int64_t tokens =
      std::max(longest, std::min(config_.learner.micro_batch_tokens, most));
  const learner::PassSize size{tokens, tokens, longest};
  const auto taken = learner_.plan_memory({});
  const auto plan = learner_.plan_memory(size);
  if (group_.rank() == 0) LOG(info) << plan.to_text() << ", for " << tokens << " tokens";
  const int64_t limit = config_.learner.memory_limit_mb > 0
                            ? config_.learner.memory_limit_mb * 1'000'000
                            : learner::free_memory_bytes() + learner_.held_bytes();
  learner::require_memory(taken, config_.learner, model, size, limit);
}

learner::StepStats LearnerRank::train(std::vector<records::RolloutTree> trees) {
  const std::vector<rl::TrainingTree> batch = algorithm_->learn_all(trees);
  if (trees.empty() || trees.front().step != config_.dump_step)
    return learner_.train(batch, algorithm_->loss_rule(),
                          config_.learner.updates_per_batch);
  StepRecorder recorder(trees.front().step, static_cast<uint32_t>(group_.rank()));
  const Watching watching(learner_, recorder);
  auto stats =
      learner_.train(batch, algorithm_->loss_rule(), config_.learner.updates_per_batch);
  recorder.write(config_.folder);
  return stats;
}

learner::StepStats LearnerRank::train_demonstrations(std::vector<Demonstration> batch,
                                                     double learning_rate_factor) {
  std::vector<rl::TrainingTree> trees;
  trees.reserve(batch.size());
  for (Demonstration& demonstration : batch) {
    trees.push_back(rl::learn_demonstration(std::move(demonstration.prompt_tokens),
                                            std::move(demonstration.response_tokens)));
  }
  return learner_.train(trees, rl::demonstration_loss_rule(), learning_rate_factor,
                        /*num_updates=*/1);
}

void LearnerRank::publish(uint32_t version, std::vector<int32_t> ranks,
                          actors::Reply<actors::Done> reply) {
  const model::TensorMap weights = learner_.trainable_weights();
  if (group_.rank() != 0) {
    reply({});
    return;
  }
  // The learner computes with rounded weights, too: nothing is lost on the way.
  published_ = pack_weights(weights, version, config_.learner.bf16);
  send(ranks, /*must_arrive=*/false, reply);
}

void LearnerRank::publish_to(std::vector<int32_t> ranks,
                             actors::Reply<actors::Done> reply) {
  REQUIRE(group_.rank() == 0, kBug, "the first learner alone keeps what was published");
  if (published_) {
    send(ranks, /*must_arrive=*/true, reply);
  } else {
    reply({});
  }
}

void LearnerRank::send(const std::vector<int32_t>& ranks, bool must_arrive,
                       const actors::Reply<actors::Done>& reply) {
  // One more than there are calls, so that no answer but the last one ends it.
  auto left = std::make_shared<size_t>(1);
  const auto acknowledged = [reply, left,
                             must_arrive](actors::CallResult<actors::Done>& result) {
    if (!result.has_value()) {
      using Kind = actors::CallError::Kind;
      const Kind kind = result.error().kind;
      const bool is_lost = kind == Kind::kNotSent || kind == Kind::kUnknownOutcome;
      if (must_arrive || !is_lost) {
        reply.fail(result.error().cause,
                   "weights were not installed: " + result.error().message);
        return;
      }
    }
    if (--*left == 0) reply({});
  };
  const bool asks_localizers = rl::asks_policy(algorithm_->draw_plan().localizer);
  for (const int rank : ranks) {
    if (plays(layout_.generators, rank)) {
      ++*left;
      runtime_.find<GeneratorRank>(rank, "generator")
          .call<&GeneratorRank::load_weights>(*published_)
          .then(acknowledged);
    }
    if (asks_localizers && plays(layout_.localizers, rank)) {
      ++*left;
      runtime_.find<LocalizationRank>(rank, "localization")
          .call<&LocalizationRank::load_weights>(*published_)
          .then(acknowledged);
    }
  }
  if (--*left == 0) reply({});
}

void LearnerRank::save(std::string folder, std::string metadata) {
  learner_.begin_save(folder, metadata);
}

std::string LearnerRank::restore(std::string folder) { return learner_.load(folder); }

void LearnerRank::export_model(std::string folder) {
  learner_.finish_save();
  learner_.export_model(folder, model_folder(config_).path);
}

RankUsage LearnerRank::usage() {
  return measure_usage(runtime_.rank(), layout_.role_of(runtime_.rank()));
}

}  // namespace srpo::ranks
