#include "learner/memory_plan.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/error.h"
#include "core/free_memory.h"

namespace srpo::learner {

namespace {

constexpr int64_t kFloat = sizeof(float);
constexpr double kMegabyte = 1e6;
constexpr int64_t kQueryBlock = 64;  // of the attention

int64_t megabytes(int64_t bytes) {
  return static_cast<int64_t>(std::llround(static_cast<double>(bytes) / kMegabyte));
}

/// Floats that a layer keeps of each token from its forward to its backward pass.
int64_t kept_floats(const model::ModelConfig& model) {
  const int64_t query = model.num_heads * model.head_dim;
  const int64_t key = model.num_kv_heads * model.head_dim;
  return (query + 2 * key) + query + model.num_heads + model.hidden_size + 2 +
         2 * model.intermediate_size;
}

/// Floats of each token that all layers share.
int64_t shared_floats(const LearnerConfig& config, const model::ModelConfig& model) {
  const int64_t query = model.num_heads * model.head_dim;
  const int64_t key = model.num_kv_heads * model.head_dim;
  const int64_t low_rank = config.lora ? 2 * config.lora_rank : 0;
  return 4 * model.hidden_size + model.intermediate_size +
         std::max(model.intermediate_size, query) + (query + 2 * key) + low_rank;
}

}  // namespace

int64_t MemoryPlan::total() const {
  int64_t sum = 0;
  for (const Part& part : parts) sum += part.bytes;
  return sum;
}

std::string MemoryPlan::to_text() const {
  std::ostringstream text;
  text << "learner memory: " << megabytes(total()) << " MB =";
  const char* plus = " ";
  for (const Part& part : parts) {
    if (megabytes(part.bytes) == 0) continue;
    text << plus << part.what << " " << megabytes(part.bytes);
    plus = " + ";
  }
  return text.str();
}

MemoryPlan plan_parameters(const ShardedParameters& parameters, int64_t frozen_bytes) {
  int64_t trained = 0;
  for (size_t unit = 0; unit < parameters.num_units(); ++unit)
    trained += parameters.layout(unit).size() * kFloat;
  MemoryPlan plan;
  plan.parts.push_back({"weights, moments, gradients", parameters.held_bytes()});
  plan.parts.push_back({"frozen weights", frozen_bytes});
  plan.parts.push_back({"published copy", trained});
  return plan;
}

MemoryPlan plan_pass(MemoryPlan plan, const LearnerConfig& config,
                     const model::ModelConfig& model, const PassSize& size) {
  const int64_t inputs = model.num_layers * model.hidden_size;
  const int64_t sets = config.activation_checkpointing ? 1 : model.num_layers;
  plan.parts.push_back(
      {"activations", size.tokens * (inputs + sets * kept_floats(model)) * kFloat});
  // Normalised rows of the head lie in the layers' memory where there are fewer of them.
  const int64_t more_rows = std::max<int64_t>(0, size.rows - size.tokens);
  plan.parts.push_back({"work space", (size.tokens * shared_floats(config, model) +
                                       2 * more_rows * model.hidden_size +
                                       size.rows * (model.hidden_size + 1)) *
                                          kFloat});
  const int64_t chunk = std::min(config.head_chunk_rows, size.rows);
  plan.parts.push_back({"logits", chunk * (model.vocab_size + 1) * kFloat});
  const int64_t block = std::min(kQueryBlock, size.tokens);
  plan.parts.push_back({"attention scores", 2 * block * size.longest_text * kFloat});
  return plan;
}

void require_memory(const MemoryPlan& parameters, const LearnerConfig& config,
                    const model::ModelConfig& model, const PassSize& size,
                    int64_t limit_bytes) {
  const MemoryPlan plan = plan_pass(parameters, config, model, size);
  if (limit_bytes <= 0 || plan.total() <= limit_bytes) return;
  std::ostringstream ways;
  const auto offer = [&](const std::string& what, const LearnerConfig& changed,
                         const PassSize& smaller) {
    const int64_t total = plan_pass(parameters, changed, model, smaller).total();
    if (total <= limit_bytes) ways << "; " << what << " needs " << megabytes(total);
    return total <= limit_bytes;
  };
  LearnerConfig changed = config;
  changed.activation_checkpointing = true;
  if (!config.activation_checkpointing)
    offer("learner.activation_checkpointing: true", changed, size);
  changed = config;
  changed.head_chunk_rows = std::min<int64_t>(256, config.head_chunk_rows);
  if (config.head_chunk_rows > 256) offer("learner.head_chunk_rows: 256", changed, size);
  // No micro-batch is smaller than the longest text.
  PassSize smaller = size;
  while (smaller.tokens / 2 >= std::max<int64_t>(1, size.longest_text)) {
    smaller.tokens /= 2;
    smaller.rows = std::max<int64_t>(1, smaller.rows / 2);
    changed = config;
    changed.micro_batch_tokens = smaller.tokens;
    if (offer("learner.micro_batch_tokens: " + std::to_string(smaller.tokens), changed,
              smaller))
      break;
  }
  if (ways.str().empty()) {
    ways << "; no option of a pass is enough: use more learners (each holds its part), "
         << (config.lora ? "a smaller model" : "model.adapter") << " or shorter texts";
  }
  REQUIRE(false, kBadConfig,
          plan.to_text() << ", but there are " << megabytes(limit_bytes) << " MB"
                         << ways.str());
}

int64_t free_memory_bytes() { return core::free_memory().value_or(0); }

}  // namespace srpo::learner
