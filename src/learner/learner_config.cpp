#include "learner/learner_config.h"

namespace srpo::learner {

LearnerConfig LearnerConfig::read(const core::ConfigTable& learner,
                                  const core::ConfigTable& adapter) {
  LearnerConfig config;
  config.lora = adapter.has("rank");
  if (config.lora) {
    config.lora_rank = adapter.integer("rank", std::nullopt, 1, 4096);
    config.lora_alpha =
        adapter.number("alpha", static_cast<double>(config.lora_rank), 1e-6, 1e6);
  }
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
  config.warmup_steps = learner.integer("warmup_steps", config.warmup_steps, 0, 1 << 30);
  return config;
}

}  // namespace srpo::learner
