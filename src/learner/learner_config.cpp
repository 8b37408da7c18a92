#include "learner/learner_config.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "model/lora.h"

namespace srpo::learner {

namespace {

/// `a, b` -> a and b.
std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : list + ",") {
    if (c == ',') {
      if (!word.empty()) words.push_back(std::exchange(word, {}));
    } else if (c != ' ') {
      word += c;
    }
  }
  return words;
}

void read_adapter(const core::ConfigTable& adapter, LearnerConfig& config) {
  config.lora_rank = adapter.integer("rank", std::nullopt, 1, 4096);
  config.lora_alpha =
      adapter.number("alpha", static_cast<double>(config.lora_rank), 1e-6, 1e6);
  config.rank_stabilized = adapter.boolean("rank_stabilized", config.rank_stabilized);
  config.lora_b_rate = adapter.number("b_rate", config.lora_b_rate, 1e-3, 1e3);
  config.lora_targets = words_of(adapter.text("targets", ""));
  const auto& known = model::linear_names();
  for (const std::string& target : config.lora_targets) {
    REQUIRE(std::find(known.begin(), known.end(), target) != known.end(), kBadConfig,
            adapter.place("targets") << " names '" << target
                                     << "' (expected some of q_proj, k_proj, v_proj, "
                                        "o_proj, gate_proj, up_proj, down_proj)");
  }
}

void read_schedule(const core::ConfigTable& learner, LearningSchedule& schedule) {
  using Kind = LearningSchedule::Kind;
  const std::string kind =
      learner.choice("schedule", "constant", {"constant", "linear", "cosine"});
  schedule.kind = kind == "linear"   ? Kind::kLinear
                  : kind == "cosine" ? Kind::kCosine
                                     : Kind::kConstant;
  schedule.warmup = learner.integer("warmup_steps", schedule.warmup, 0, 1 << 30);
  schedule.total = learner.integer("schedule_updates", 0, 0, 1 << 30);
  schedule.final_factor =
      learner.number("final_learning_rate_factor", schedule.final_factor, 0, 1);
}

}  // namespace

LearnerConfig LearnerConfig::read(const core::ConfigTable& learner,
                                  const core::ConfigTable& adapter) {
  LearnerConfig config;
  config.lora = adapter.has("rank");
  if (config.lora) read_adapter(adapter, config);
  config.learning_rate = learner.number("learning_rate", config.learning_rate, 0, 10);
  config.beta1 = learner.number("beta1", config.beta1, 0, 0.9999999);
  config.beta2 = learner.number("beta2", config.beta2, 0, 0.9999999);
  config.eps = learner.number("eps", config.eps, 1e-30, 1);
  config.weight_decay = learner.number("weight_decay", config.weight_decay, 0, 10);
  config.clip_norm = learner.number("clip_norm", config.clip_norm, 0, 1e9);
  config.micro_batch_tokens = learner.integer(
      "micro_batch_tokens", config.micro_batch_tokens, 1, int64_t{1} << 30);
  config.updates_per_batch =
      learner.integer("updates_per_batch", config.updates_per_batch, 1, 1 << 20);
  config.activation_checkpointing =
      learner.boolean("activation_checkpointing", config.activation_checkpointing);
  config.head_chunk_rows =
      learner.integer("head_chunk_rows", config.head_chunk_rows, 1, 1 << 20);
  read_schedule(learner, config.schedule);
  config.frozen = words_of(learner.text("frozen", ""));
  config.bf16 = learner.choice("precision", "fp32", {"fp32", "bf16"}) == "bf16";
  config.share_prefixes = learner.boolean("share_prefixes", config.share_prefixes);
  config.roll_back_after =
      learner.integer("roll_back_after", config.roll_back_after, 0, 1 << 20);
  config.memory_limit_mb =
      learner.integer("memory_limit_mb", config.memory_limit_mb, 0, int64_t{1} << 30);
  return config;
}

}  // namespace srpo::learner
