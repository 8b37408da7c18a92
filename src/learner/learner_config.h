// Options of the learner, from the job file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config_table.h"
#include "learner/adamw.h"
#include "learner/learning_schedule.h"
#include "model/lora.h"

namespace srpo::learner {

struct LearnerConfig {
  bool lora = false;  ///< train an adapter, and leave the weights as they are
  int64_t lora_rank = 64;
  double lora_alpha = 64;
  bool rank_stabilized = false;           ///< rsLoRA
  double lora_b_rate = 1;                 ///< LoRA+: times the learning rate for B
  std::vector<std::string> lora_targets;  ///< linear layers; empty: all
  double learning_rate = 5e-5;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;  ///< not on norms
  double clip_norm = 1.0;      ///< of the whole gradient; 0: never clipped
  LearningSchedule schedule;
  std::vector<std::string> frozen;  ///< names of tensors that stay, `*` for anything
  bool bf16 =
      false;  ///< compute with weights rounded to bf16; what is trained stays fp32
  int64_t micro_batch_tokens = 16384;
  bool share_prefixes = true;  ///< false: every sequence is computed as a whole
  int64_t updates_per_batch = 4;
  bool activation_checkpointing = false;
  int64_t head_chunk_rows = 2048;
  int64_t roll_back_after = 3;  ///< skipped updates in a row; 0: never
  int64_t memory_limit_mb = 0;  ///< of a learner; 0: what is free at start
  uint64_t seed = 0;            ///< of a fresh adapter

  /// Reads `learner: {...}` and `model: {adapter: {rank, alpha, ...}}`; without a rank
  /// all parameters are trained.
  static LearnerConfig read(const core::ConfigTable& learner,
                            const core::ConfigTable& adapter);

  model::LoraConfig adapter() const {
    return {lora_rank, lora_alpha, rank_stabilized, lora_targets};
  }
  AdamW optimizer() const { return {beta1, beta2, eps, weight_decay, lora_b_rate}; }
};

}  // namespace srpo::learner
