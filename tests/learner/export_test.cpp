// What a learner exports, loaded by transformers and peft.
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "learner_checks.h"
#include "model/hf_folder.h"

namespace srpo::learner {
namespace {

namespace fs = std::filesystem;

class LastLogprobs : public StepObserver {
 public:
  void see_micro_batch(const rl::PackedBatch&, std::span<const float> found,
                       std::span<const double>) override {
    logprobs.assign(found.begin(), found.end());
  }
  void see_gradient(std::span<const UnitNorm>, bool) override {}

  std::vector<float> logprobs;
};

/// Trains, exports, and asks the script for the same log-probabilities.
void check_export(const std::string& name, const LearnerConfig& config) {
  const char* python = std::getenv("SRPO_PEERS_PYTHON");
  if (python == nullptr) {
    GTEST_SKIP() << "SRPO_PEERS_PYTHON does not name a Python with torch, transformers "
                    "and peft";
  }
  const fs::path folder =
      fs::path(testing::TempDir()) / (name + "_" + std::to_string(::getpid()));
  fs::remove_all(folder);
  fs::create_directories(folder);
  model::TensorMap weights = model::make_initial_weights(tiny_model(), 1);
  for (auto& [tensor_name, tensor] : weights) {
    if (tensor.dim() == 2) tensor.mul_(10);
  }
  model::save_model(folder / "base", tiny_model(), weights, at::kFloat);
  comm::SelfProcessGroup group;
  Learner learner(config, tiny_model(), weights, group);
  for (uint64_t batch = 0; batch < 3; ++batch) learner.train(random_trees(6, batch), {});
  const fs::path exported = folder / "export";
  learner.export_model(exported, config.lora ? folder / "base" : fs::path());
  // The log-probabilities of one text, at learning rate 0.
  core::Rng rng(3, core::Purpose::kTest, 0);
  rl::TrainingTree tree;
  tree.prompt_tokens = random_tokens(rng, 5);
  tree.fresh.push_back({random_tokens(rng, 20), {}, 0, 1.0});
  tree.num_counted = 1;
  rl::LossRule rule;
  rule.temperature = 1;
  LastLogprobs last;
  learner.set_observer(&last);
  learner.train({tree}, rule, 0, 1);
  std::vector<int32_t> tokens = tree.prompt_tokens;
  tokens.insert(tokens.end(), tree.fresh[0].tokens.begin(), tree.fresh[0].tokens.end());
  const nlohmann::json test_case = {
      {"model", (config.lora ? folder / "base" : exported).string()},
      {"adapter", config.lora ? exported.string() : ""},
      {"tokens", tokens},
      {"first", tree.prompt_tokens.size()},
      {"logprobs", last.logprobs}};
  core::write_file(folder / "case.json", test_case.dump());
  const std::string command = std::string(python) +
                              " " SRPO_SOURCE_DIR "/tests/learner/check_export.py " +
                              (folder / "case.json").string() + " 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

TEST(Export, IsLoadedByTransformers) { check_export("export_full", tiny_learner()); }

TEST(Export, IsLoadedByPeft) {
  LearnerConfig config = tiny_learner(true);
  config.learning_rate = 0.02;
  check_export("export_adapter", config);
}

TEST(Export, OfARankStabilizedAdapterOnSomeLayersIsLoadedByPeft) {
  LearnerConfig config = tiny_learner(true);
  config.learning_rate = 0.02;
  config.rank_stabilized = true;
  config.lora_targets = {"q_proj", "v_proj", "down_proj"};
  check_export("export_rs_adapter", config);
}

}  // namespace
}  // namespace srpo::learner
