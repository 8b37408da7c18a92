// Options of the learner, from the job file.
#pragma once

#include <cstdint>

#include "core/config_table.h"
#include "learner/adamw.h"
#include "model/lora.h"

namespace srpo::learner {

struct LearnerConfig {
  bool lora = false;  ///< train an adapter, and leave the weights as they are
  int64_t lora_rank = 64;
  double lora_alpha = 64;
  double learning_rate = 5e-5;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;  ///< not on norms
  double clip_norm = 1.0;      ///< of the whole gradient; 0: never clipped
  int64_t micro_batch_tokens = 16384;
  int64_t updates_per_batch = 4;
  bool activation_checkpointing = false;
  int64_t head_chunk_rows = 2048;
  int64_t warmup_steps = 0;  ///< updates over which the learning rate rises linearly
  uint64_t seed = 0;         ///< of a fresh adapter
  /// Rows may be compared with the initial weights: without an adapter every rank keeps a
  /// copy of them.
  bool keeps_reference = false;

  /// Reads `learner: {...}` and `model: {adapter: {rank, alpha}}`; without a rank all
  /// parameters are trained.
  static LearnerConfig read(const core::ConfigTable& learner,
                            const core::ConfigTable& adapter);

  model::LoraConfig adapter() const { return {lora_rank, lora_alpha}; }
  AdamW optimizer() const { return {beta1, beta2, eps, weight_decay}; }
};

}  // namespace srpo::learner
