#include "learner/learner.h"

#include <fstream>

#include "core/error.h"
#include "core/files.h"
#include "learner_checks.h"
#include "model/hf_folder.h"
#include "model/safetensors.h"

namespace srpo::learner {
namespace {

namespace fs = std::filesystem;

void train_three_batches(Learner& learner, comm::ProcessGroup&) {
  for (uint64_t batch = 0; batch < 3; ++batch) learner.train(random_trees(10, batch), {});
}

class LearnerOf : public testing::TestWithParam<bool> {};

TEST_P(LearnerOf, AnyNumberOfRanksLearnsTheSame) {
  const LearnerConfig config = tiny_learner(GetParam());
  const model::TensorMap one = train_on(1, config, train_three_batches);
  const model::TensorMap initial =
      train_on(1, config, [](Learner&, comm::ProcessGroup&) {});
  EXPECT_GT(largest_difference(one, initial), 1e-3);
  for (const int num_ranks : {2, 3, 4}) {
    const model::TensorMap many = train_on(num_ranks, config, train_three_batches);
    EXPECT_LT(largest_difference(one, many), 1e-6) << num_ranks;
  }
}

TEST_P(LearnerOf, RepeatsARunToTheBit) {
  const LearnerConfig config = tiny_learner(GetParam());
  EXPECT_EQ(largest_difference(train_on(3, config, train_three_batches),
                               train_on(3, config, train_three_batches)),
            0);
}

TEST_P(LearnerOf, CheckpointingActivationsChangesNoBit) {
  LearnerConfig config = tiny_learner(GetParam());
  const model::TensorMap without = train_on(1, config, train_three_batches);
  config.activation_checkpointing = true;
  EXPECT_EQ(largest_difference(without, train_on(1, config, train_three_batches)), 0);
}

TEST_P(LearnerOf, SequencesOfZeroAdvantageCostNothingButCount) {
  const LearnerConfig config = tiny_learner(GetParam());
  const auto trees = random_trees(10, 1);
  auto dropped = trees;
  for (auto& tree : dropped) {
    for (auto* sequences : {&tree.fresh, &tree.suffixes}) {
      std::erase_if(*sequences,
                    [](const auto& sequence) { return sequence.advantage == 0; });
    }
  }
  StepStats with;
  StepStats without;
  const auto all = train_on(1, config, [&](Learner& learner, comm::ProcessGroup&) {
    with = learner.train(trees, {});
  });
  const auto some = train_on(1, config, [&](Learner& learner, comm::ProcessGroup&) {
    without = learner.train(dropped, {});
  });
  EXPECT_EQ(largest_difference(all, some), 0);
  EXPECT_EQ(with.sequences, 80);
  EXPECT_EQ(with.tokens, without.tokens);
  EXPECT_LT(with.trained_sequences, 80);
  // Counting fewer changes the gradient.
  for (auto& tree : dropped) tree.num_counted = 4;
  StepStats fewer;
  train_on(1, config, [&](Learner& learner, comm::ProcessGroup&) {
    fewer = learner.train(dropped, {});
  });
  EXPECT_GT(fewer.grad_norm, 1.5 * with.grad_norm);
}

INSTANTIATE_TEST_SUITE_P(Adapter, LearnerOf, testing::Bool());

TEST(Learner, SharedAndReplicatedPackingGiveOneGradient) {
  const model::ModelConfig config = tiny_model();
  model::TensorMap weights = model::make_initial_weights(config, 1);
  for (auto& [name, tensor] : weights) {
    if (tensor.dim() == 2) tensor.mul_(10);
  }
  const auto trees = random_trees(6, 2);
  std::vector<const rl::TrainingTree*> pointers;
  for (const auto& tree : trees) pointers.push_back(&tree);
  std::vector<model::TensorMap> gradients;
  std::vector<int64_t> tokens;
  for (const bool share : {true, false}) {
    rl::PackingOptions options;
    options.share_prefixes = share;
    model::TensorMap sums;
    for (const auto& [name, tensor] : weights) sums[name] = at::zeros_like(tensor);
    tokens.push_back(0);
    for (const auto& batch :
         rl::pack_trees(pointers, {}, rl::count_divisors(trees), options)) {
      tokens.back() += batch.num_tokens();
      model::TokenForest forest{batch.tokens, batch.positions, {}};
      for (const auto& s : batch.segments)
        forest.segments.push_back({s.begin, s.end, s.parent});
      model::Transformer transformer(config, false);
      const auto embedding =
          model::bind_parameter("model.embed_tokens.weight", weights, sums);
      model::HeadParameters head{
          model::bind_parameter("model.norm.weight", weights, sums), embedding};
      transformer.begin(forest, embedding.value);
      std::vector<model::LayerParameters> layers;
      for (int64_t layer = 0; layer < config.num_layers; ++layer) {
        layers.push_back(model::bind_layer(config, layer, weights, sums, nullptr));
        transformer.forward_layer(layer, layers.back());
      }
      transformer.backward_head(
          {batch.hidden_indices, batch.targets}, head,
          [&](int64_t first, std::span<const float> logp, std::span<float> out) {
            for (size_t i = 0; i < logp.size(); ++i) {
              out[i] = -batch.coefficients[static_cast<size_t>(first) + i];
            }
          });
      for (int64_t layer = config.num_layers - 1; layer >= 0; --layer) {
        transformer.backward_layer(layer, layers[static_cast<size_t>(layer)]);
      }
      transformer.backward_embedding(embedding.gradient);
    }
    gradients.push_back(sums);
  }
  EXPECT_LT(static_cast<double>(tokens[0]), 0.7 * static_cast<double>(tokens[1]));
  for (const auto& [name, gradient] : gradients[0]) {
    const double size = gradient.norm().item<double>();
    EXPECT_LT((gradient - gradients[1].at(name)).norm().item<double>(), 1e-5 * size)
        << name;
  }
}

rl::TrainingTree memorised_text(uint64_t number) {
  core::Rng rng(9, core::Purpose::kTest, number);
  rl::TrainingTree tree;
  tree.prompt_tokens = random_tokens(rng, 4);
  tree.fresh.push_back({random_tokens(rng, 12), {}, 0, 1.0});
  tree.num_counted = 1;
  tree.active_tokens_counted = 12;
  return tree;
}

TEST(Learner, MemorisesASmallCorpus) {
  for (const bool lora : {false, true}) {
    LearnerConfig config = tiny_learner(lora);
    config.learning_rate = lora ? 5e-2 : 1e-2;
    config.updates_per_batch = 1;
    config.micro_batch_tokens = 1000;
    comm::SelfProcessGroup group;
    model::TensorMap weights = model::make_initial_weights(tiny_model(), 1);
    // An adapter cannot enlarge the head: give it one that can be certain.
    if (lora) weights.at("model.embed_tokens.weight").mul_(30);
    Learner learner(config, tiny_model(), weights, group);
    std::vector<rl::TrainingTree> corpus;
    for (uint64_t i = 0; i < 4; ++i) corpus.push_back(memorised_text(i));
    rl::LossRule rule;
    rule.temperature = 1;
    const StepStats first = learner.train(corpus, rule);
    EXPECT_GT(first.loss, 3);
    StepStats last;
    for (int step = 0; step < 150; ++step) last = learner.train(corpus, rule);
    EXPECT_LT(last.loss, lora ? 0.3 * first.loss : 0.1)
        << (lora ? "adapter" : "all parameters");
    EXPECT_NEAR(last.mean_logp, -last.loss, 1e-5);
    EXPECT_EQ(learner.num_updates(), 151U);
  }
}

TEST(Learner, MeasuresTheGapToSampling) {
  comm::SelfProcessGroup group;
  LearnerConfig config = tiny_learner();
  config.learning_rate = 0;
  Learner learner(config, tiny_model(), model::make_initial_weights(tiny_model(), 1),
                  group);
  const StepStats stats = learner.train(random_trees(4, 1), {});
  EXPECT_GT(stats.mean_logprob_gap, 0.01);
  EXPECT_GT(stats.max_logprob_gap, stats.mean_logprob_gap);
  EXPECT_LT(stats.max_logprob_gap, 1);
  EXPECT_EQ(stats.updates, 2);
}

TEST(Learner, SkipsAnUpdateThatIsNotFinite) {
  comm::SelfProcessGroup group;
  Learner learner(tiny_learner(), tiny_model(),
                  model::make_initial_weights(tiny_model(), 1), group);
  auto trees = random_trees(4, 1);
  trees[0].fresh[0].advantage = std::numeric_limits<double>::infinity();
  const StepStats stats = learner.train(trees, {});
  EXPECT_EQ(stats.skipped_updates, 1);
  EXPECT_EQ(stats.updates, 1);
  EXPECT_EQ(learner.num_updates(), 1U);
  learner.trainable_weights();
}

TEST(Learner, NeverPublishesWhatIsNotFinite) {
  comm::SelfProcessGroup group;
  Learner learner(tiny_learner(), tiny_model(),
                  model::make_initial_weights(tiny_model(), 1), group);
  learner.train(random_trees(4, 1), {}, 1e300);
  EXPECT_THROW(learner.trainable_weights(), core::Error);
}

TEST(Learner, WarmsUpItsLearningRate) {
  LearnerConfig config = tiny_learner();
  config.updates_per_batch = 1;
  const auto one_update = [](Learner& learner, comm::ProcessGroup&) {
    learner.train(random_trees(4, 1), {});
  };
  const auto initial = train_on(1, config, [](Learner&, comm::ProcessGroup&) {});
  const double full = largest_difference(train_on(1, config, one_update), initial);
  config.schedule.warmup = 4;
  EXPECT_NEAR(largest_difference(train_on(1, config, one_update), initial), full / 4,
              0.02 * full);
}

TEST(Learner, ExportsAModelThatLoads) {
  const fs::path folder = fs::path(testing::TempDir()) / "exported_model";
  const fs::path source = fs::path(testing::TempDir()) / "exported_model_source";
  fs::remove_all(folder);
  fs::create_directories(source);
  core::write_file(source / "tokenizer.json", std::string("{}"));
  const auto weights =
      train_on(2, tiny_learner(), [&](Learner& learner, comm::ProcessGroup&) {
        learner.train(random_trees(6, 1), {});
        learner.export_model(folder, source);
      });
  EXPECT_EQ(largest_difference(model::load_weights(folder), weights), 0);
  EXPECT_EQ(model::ModelConfig::load(folder).hidden_size, 16);
  EXPECT_EQ(core::read_file(folder / "tokenizer.json"), "{}");
}

TEST(Learner, ExportsAnAdapterForPeft) {
  const fs::path folder = fs::path(testing::TempDir()) / "exported_adapter";
  fs::remove_all(folder);
  const auto weights =
      train_on(2, tiny_learner(true), [&](Learner& learner, comm::ProcessGroup&) {
        learner.train(random_trees(6, 1), {});
        learner.export_model(folder, "models/base");
      });
  EXPECT_EQ(largest_difference(
                model::read_safetensors(folder / "adapter_model.safetensors"), weights),
            0);
  EXPECT_THAT(core::read_file(folder / "adapter_config.json"),
              testing::HasSubstr("models/base"));
}

TEST(LearnerConfig, ReadsTheJobFile) {
  const auto table = core::ConfigTable::parse(
      "learner: {learning_rate: 1e-4, updates_per_batch: 2, micro_batch_tokens: 512}\n"
      "model: {adapter: {rank: 8}}\n",
      "job.yaml");
  const auto config = LearnerConfig::read(table.section("learner"),
                                          table.section("model").section("adapter"));
  EXPECT_TRUE(config.lora);
  EXPECT_EQ(config.lora_rank, 8);
  EXPECT_EQ(config.lora_alpha, 8);
  EXPECT_EQ(config.learning_rate, 1e-4);
  EXPECT_EQ(config.updates_per_batch, 2);
  EXPECT_EQ(config.clip_norm, 1);
  EXPECT_FALSE(LearnerConfig::read(table.section("learner"), table.section("none")).lora);
}

}  // namespace
}  // namespace srpo::learner
