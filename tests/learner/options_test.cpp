// Options of the learner: what is trained, how fast, and what it takes.
#include "core/error.h"
#include "learner/bfloat16.h"
#include "learner/memory_plan.h"
#include "learner_checks.h"
#include "model/lora.h"

namespace srpo::learner {
namespace {

using testing::HasSubstr;

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const core::Error& error) {
    return error.what();
  }
  return "";
}

model::TensorMap after_one_batch(const LearnerConfig& config, int num_ranks = 1) {
  return train_on(num_ranks, config, [](Learner& learner, comm::ProcessGroup&) {
    learner.train(random_trees(8, 1), {});
  });
}

TEST(LearningSchedule, RisesAndFalls) {
  LearningSchedule schedule;
  EXPECT_EQ(schedule.factor(0), 1);
  schedule.warmup = 4;
  schedule.total = 14;
  EXPECT_EQ(schedule.factor(0), 0.25);
  EXPECT_EQ(schedule.factor(3), 1);
  EXPECT_EQ(schedule.factor(1000), 1);
  schedule.kind = LearningSchedule::Kind::kLinear;
  EXPECT_EQ(schedule.factor(1), 0.5);
  EXPECT_EQ(schedule.factor(4), 1);
  EXPECT_DOUBLE_EQ(schedule.factor(9), 0.5);
  EXPECT_EQ(schedule.factor(14), 0);
  EXPECT_EQ(schedule.factor(99), 0);
  schedule.kind = LearningSchedule::Kind::kCosine;
  schedule.final_factor = 0.1;
  EXPECT_DOUBLE_EQ(schedule.factor(9), 0.55);
  EXPECT_DOUBLE_EQ(schedule.factor(14), 0.1);
  schedule.first = 100;  // after a hundred updates on demonstrations
  EXPECT_EQ(schedule.factor(0), 0.25);
  EXPECT_EQ(schedule.factor(99), 1);
  EXPECT_EQ(schedule.factor(100), 1);
  EXPECT_DOUBLE_EQ(schedule.factor(107), 0.55);
  EXPECT_DOUBLE_EQ(schedule.factor(114), 0.1);
}

TEST(LearnerOptions, FrozenPartsStay) {
  LearnerConfig config = tiny_learner();
  config.frozen = {"model.embed_tokens.*", "*layernorm*", "model.layers.0.*"};
  const auto nothing = [](Learner&, comm::ProcessGroup&) {};
  const auto initial = train_on(1, config, nothing);
  for (const int num_ranks : {1, 2}) {
    for (const auto& [name, tensor] : after_one_batch(config, num_ranks)) {
      const bool stays = name.find("layernorm") != std::string::npos ||
                         name.starts_with("model.layers.0.") ||
                         name.starts_with("model.embed_tokens.");
      EXPECT_EQ(tensor.equal(initial.at(name)), stays) << name;
    }
  }
  config = tiny_learner(true);
  config.frozen = {"*lora_A*"};
  const auto fresh = train_on(1, config, nothing);
  for (const auto& [name, tensor] : after_one_batch(config)) {
    EXPECT_EQ(tensor.equal(fresh.at(name)), name.find("lora_A") != std::string::npos)
        << name;
  }
}

TEST(LearnerOptions, RefusesToFreezeEverythingOrNothing) {
  comm::SelfProcessGroup group;
  const auto weights = model::make_initial_weights(tiny_model(), 1);
  LearnerConfig config = tiny_learner();
  const auto make = [&] { Learner learner(config, tiny_model(), weights, group); };
  config.frozen = {"*"};
  EXPECT_THAT(message_of(make), HasSubstr("leaves nothing to train"));
  config.frozen = {"model.layer.0.*"};
  EXPECT_THAT(message_of(make),
              HasSubstr("no tensor that would be trained is called so"));
}

TEST(LearnerOptions, AdaptsChosenLayersOnly) {
  LearnerConfig config = tiny_learner(true);
  config.lora_targets = {"q_proj", "v_proj"};
  const auto adapter = after_one_batch(config, 2);
  EXPECT_EQ(adapter.size(), 2U * 2U * 2U);
  EXPECT_TRUE(
      adapter.contains("base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight"));
  EXPECT_THAT(model::adapter_config_json(config.adapter(), "base"),
              testing::Not(HasSubstr("gate_proj")));
}

TEST(LearnerOptions, LoraPlusMovesBFaster) {
  LearnerConfig config = tiny_learner(true);
  config.updates_per_batch = 1;
  config.clip_norm = 0;
  const auto plain = after_one_batch(config);
  config.lora_b_rate = 8;
  const auto plus = after_one_batch(config);
  for (const auto& [name, tensor] : plain) {
    const auto scaled = name.ends_with("lora_B.weight") ? tensor * 8 : tensor;  // B was 0
    EXPECT_TRUE(at::allclose(plus.at(name), scaled, 1e-5, 1e-7)) << name;
  }
}

TEST(LearnerOptions, RankStabilizedScaleIsAlphaByRoot) {
  EXPECT_FLOAT_EQ((model::LoraConfig{16, 32, false}).scale(), 2);
  EXPECT_FLOAT_EQ((model::LoraConfig{16, 32, true}).scale(), 8);
  EXPECT_THAT(model::adapter_config_json({16, 32, true}, "base"),
              HasSubstr("\"use_rslora\": true"));
}

TEST(LearnerOptions, RoundsToBf16AsLibTorchDoes) {
  core::Rng rng(1, core::Purpose::kTest, 0);
  at::Tensor values = at::empty({1000}, at::kFloat);
  for (int64_t i = 0; i < 1000; ++i)
    values[i] = rng.normal() * std::pow(10.0, static_cast<double>(rng.below(60)) - 30);
  values[0] = INFINITY;
  values[1] = 1.00390625;  // halfway: to even
  values[2] = 3.3895e38;   // rounds to infinity
  const at::Tensor expected = values.to(at::kBFloat16).to(at::kFloat);
  std::vector<float> packed(500);
  std::vector<float> back(1000);
  pack_bf16(values.const_data_ptr<float>(), 1000, packed.data());
  unpack_bf16(packed.data(), 1000, back.data());
  for (int64_t i = 0; i < 1000; ++i)
    EXPECT_EQ(back[static_cast<size_t>(i)], expected[i].item<float>());
  EXPECT_TRUE(std::isnan(rounded_to_bf16(std::nanf(""))));
}

TEST(LearnerOptions, Bf16TrainsMastersInFullPrecision) {
  LearnerConfig config = tiny_learner();
  config.bf16 = true;
  config.learning_rate = 1e-6;  // far below what bf16 could add to a weight
  const auto initial = train_on(1, config, [](Learner&, comm::ProcessGroup&) {});
  for (const int num_ranks : {1, 2}) {
    const auto trained = after_one_batch(config, num_ranks);
    for (const auto& [name, tensor] : trained)
      EXPECT_FALSE(tensor.equal(initial.at(name))) << name;
  }
}

class MemoryPlanOf : public testing::TestWithParam<std::tuple<bool, bool, int>> {};

TEST_P(MemoryPlanOf, IsWithinFivePercent) {
  const auto [lora, checkpointing, num_ranks] = GetParam();
  LearnerConfig config = tiny_learner(lora);
  config.activation_checkpointing = checkpointing;
  config.micro_batch_tokens = 100'000;
  config.updates_per_batch = 1;
  config.head_chunk_rows = 64;
  model::ModelConfig model = tiny_model();
  model.hidden_size = 64;
  model.head_dim = 16;
  model.intermediate_size = 160;
  const auto weights = model::make_initial_weights(model, 1);
  auto groups = comm::make_local_group(num_ranks, std::chrono::seconds(60));
  std::vector<std::jthread> threads;
  for (auto& group : groups) {
    threads.emplace_back([&, own = group.get()] {
      Learner learner(config, model, weights, *own);
      // The same trees for every rank, so that the share of each is known.
      auto trees = random_trees(1, 1);
      for (auto& sequence : trees[0].fresh) sequence.advantage = 1;
      trees.resize(static_cast<size_t>(num_ranks), trees[0]);
      int64_t rows = 0;
      int64_t longest = 0;
      for (const auto* sequences : {&trees[0].fresh, &trees[0].suffixes}) {
        for (const auto& sequence : *sequences) {
          rows += static_cast<int64_t>(sequence.tokens.size()) - sequence.active_begin;
          longest = std::max(longest, static_cast<int64_t>(trees[0].prompt_tokens.size() +
                                                           sequence.tokens.size() - 1));
        }
      }
      learner.train(trees, {});
      const PassSize size{rl::count_packed_tokens(trees[0], true), rows, longest};
      MemoryPlan plan = learner.plan_memory(size);
      for (auto& part : plan.parts) {
        if (part.what == "published copy") part.bytes = 0;  // not held by the learner
      }
      const auto planned = static_cast<double>(plan.total());
      const auto held = static_cast<double>(learner.held_bytes());
      EXPECT_NEAR(planned / held, 1, 0.05) << plan.to_text();
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, MemoryPlanOf,
                         testing::Combine(testing::Bool(), testing::Bool(),
                                          testing::Values(1, 2)));

TEST(MemoryPlan, SaysWhatToChange) {
  comm::SelfProcessGroup group;
  const auto weights = model::make_initial_weights(tiny_model(), 1);
  LearnerConfig config = tiny_learner();
  Learner learner(config, tiny_model(), weights, group);
  const MemoryPlan parameters = learner.plan_memory({});
  const PassSize size{4096, 4096, 100};
  const auto refusal = [&](int64_t limit) {
    return message_of(
        [&] { require_memory(parameters, config, tiny_model(), size, limit); });
  };
  EXPECT_EQ(refusal(1'000'000'000), "");
  const std::string some = refusal(6'000'000);
  EXPECT_THAT(some, HasSubstr("activation_checkpointing: true needs"));
  EXPECT_THAT(some, HasSubstr("micro_batch_tokens: 2048 needs"));
  EXPECT_THAT(refusal(50'000), HasSubstr("use more learners"));
  config.memory_limit_mb = 1;
  config.micro_batch_tokens = 100'000;
  EXPECT_THAT(message_of([&] { Learner(config, tiny_model(), weights, group); }),
              HasSubstr("but there are 1 MB"));
  EXPECT_GT(free_memory_bytes(), 1'000'000);
}

}  // namespace
}  // namespace srpo::learner
