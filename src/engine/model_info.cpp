#include "engine/model_info.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "core/error.h"
#include "engine/generation_engine.h"
#include "engine/kv_cache.h"
#include "model/hf_folder.h"

namespace srpo::engine {
namespace {

using model::ModelConfig;
using model::WeightType;

constexpr int64_t kFloat = 4;

/// 1234567 -> 1,234,567.
std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<int64_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<size_t>(at), ",");
  return text;
}

std::string gigabytes(int64_t bytes) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.2f GB", static_cast<double>(bytes) / 1e9);
  return text.data();
}

int64_t windowed_layers(const ModelConfig& config) {
  return std::count(config.windowed_layers.begin(), config.windowed_layers.end(), true);
}

std::string norms_of(const ModelConfig& config) {
  std::string text = config.norm_place == model::NormPlace::kBefore
                         ? "before attention and MLP"
                         : "behind attention and MLP";
  if (config.query_key_norm == model::QueryKeyNorm::kHead)
    text += "; queries and keys by head";
  if (config.query_key_norm == model::QueryKeyNorm::kProjection)
    text += "; queries and keys whole";
  return text;
}

std::string biases_of(const ModelConfig& config) {
  std::string text;
  const auto add = [&](bool has, const char* name) {
    if (has) text += (text.empty() ? "" : ", ") + std::string(name);
  };
  add(config.qkv_bias, "queries, keys, values");
  add(config.output_bias, "attention's output");
  add(config.mlp_bias, "MLP");
  return text.empty() ? "none" : text;
}

void describe_architecture(const ModelConfig& config, std::ostream& out) {
  const int64_t windowed = windowed_layers(config);
  out << "family          " << config.model_type << " ("
      << model::find_family(config.model_type)->architecture << ")\n"
      << "parameters      " << grouped(config.num_parameters()) << "\n"
      << "layers          " << config.num_layers;
  if (windowed > 0) {
    out << " (" << windowed << " see " << config.sliding_window << " tokens, "
        << config.num_layers - windowed << " all)";
  }
  out << "\nwidths          " << config.hidden_size << ", MLP "
      << config.intermediate_size << "\nheads           " << config.num_heads << " of "
      << config.head_dim << ", " << config.num_kv_heads
      << " for keys and values (groups of " << config.num_heads / config.num_kv_heads
      << ")\n"
      << "vocabulary      " << config.vocab_size << ", "
      << (config.tie_embeddings ? "head tied to the embedding" : "head of its own")
      << "\n"
      << "norms           " << norms_of(config) << "\n"
      << "biases          " << biases_of(config) << "\n"
      << "positions       " << config.max_positions << ", theta " << config.rope_theta
      << ", scaling " << model::describe(config.rope_scaling)
      << (config.scaling_spares_windows && windowed > 0 &&
                  config.rope_scaling.kind != model::RopeScaling::Kind::kNone
              ? " on layers that see all"
              : "")
      << "\n";
}

/// What the files hold; a folder without them can still be planned.
void describe_weights(const std::filesystem::path& folder, std::ostream& out) {
  out << "weight files    ";
  try {
    const model::ShardMap shards = model::read_shard_map(folder);
    std::set<std::string> files;
    for (const auto& [name, file] : shards) files.insert(file);
    std::map<std::string, int64_t> bytes;
    int64_t total = 0;
    for (const auto& [name, tensor] : model::load_weights(folder)) {
      const auto size = static_cast<int64_t>(tensor.nbytes());
      bytes[toString(tensor.scalar_type())] += size;
      total += size;
    }
    out << std::max<size_t>(1, files.size()) << ", " << gigabytes(total);
    for (const auto& [type, size] : bytes)
      out << (size == total ? ", all " : ", ") << type;
    out << ", complete\n";
  } catch (const core::Error& error) {
    out << "not usable: " << error.what() << "\n";
  }
}

std::string fits(int64_t bytes, int64_t available) {
  return bytes <= available
             ? "fits"
             : "DOES NOT FIT, " + gigabytes(bytes - available) + " too much";
}

void describe_plan(const ModelConfig& config, WeightType type, int64_t context,
                   int64_t batch, int64_t available, std::ostream& out) {
  const ModelMemory plan = model_memory(config, type, context, batch);
  out << (type == WeightType::kFloat32 ? "  float32       " : "  bfloat16      ")
      << gigabytes(plan.weights) << " weights + " << gigabytes(plan.cache) << " cache + "
      << gigabytes(plan.activations) << " step = " << gigabytes(plan.total()) << ": "
      << fits(plan.total(), available);
  if (plan.total() > available) {
    const int64_t left = available - plan.weights - plan.activations;
    if (plan.weights > available) {
      out << "; the weights alone do not fit";
    } else if (left < plan.cache_of_token) {
      out << "; no token of the cache fits";
    } else {
      out << "; " << left / plan.cache_of_token << " cached tokens would fit";
    }
  }
  out << "\n";
}

/// A product that stops at a size no machine has.
int64_t product(int64_t a, int64_t b) {
  constexpr int64_t kMost = int64_t{1} << 61;
  int64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? kMost : std::min(result, kMost);
}

}  // namespace

ModelMemory model_memory(const ModelConfig& config, WeightType type, int64_t context,
                         int64_t batch) {
  const int64_t width = type == WeightType::kFloat32 ? 4 : 2;
  constexpr int64_t kPanel = 32;  // rows are stored in panels
  const auto panels = [](int64_t rows) { return (rows + kPanel - 1) / kPanel * kPanel; };
  ModelMemory plan;
  const int64_t hidden = config.hidden_size;
  const int64_t ff = config.intermediate_size;
  const int64_t q = config.query_width();
  const int64_t kv = config.key_width();
  const int64_t matrices = panels(q + 2 * kv) * hidden + panels(hidden) * q +
                           panels(2 * ff) * hidden + panels(hidden) * ff;
  const int64_t tables = (config.tie_embeddings ? 1 : 2) * panels(config.vocab_size);
  plan.weights = width * (config.num_layers * matrices + tables * hidden);
  for (const auto& [name, shape] : model::weight_shapes(config))
    if (shape.size() == 1) plan.weights += kFloat * shape[0];
  const int64_t value_dim = (config.head_dim + 15) / 16 * 16;
  plan.cache_of_token =
      kFloat * config.num_layers * config.num_kv_heads * (config.head_dim + value_dim);
  plan.cache = product(plan.cache_of_token * batch,
                       KvCache::blocks_for(context) * KvCache::kBlockTokens);
  const int64_t rows = batch + EngineConfig().prefill_tokens_per_step;
  plan.activations = kFloat * (rows * (4 * hidden + 2 * (q + kv) + 3 * ff) +
                               batch * config.vocab_size + 2 * context * config.head_dim);
  return plan;
}

std::string describe_model(const std::filesystem::path& folder, int64_t context,
                           int64_t batch, int64_t available) {
  const ModelConfig config = ModelConfig::load(folder);
  if (context == 0) context = config.max_positions;
  REQUIRE(context <= config.max_positions, kBadInput,
          "a context of " << context << " tokens (expected at most "
                          << config.max_positions << ", which is how far "
                          << folder.string() << " goes)");
  std::ostringstream out;
  describe_architecture(config, out);
  describe_weights(folder, out);
  const ModelMemory plan = model_memory(config, WeightType::kFloat32, context, batch);
  out << "cache           " << grouped(plan.cache_of_token) << " bytes a token\n"
      << "memory for " << batch << (batch == 1 ? " sequence" : " sequences") << " of "
      << context << " tokens, " << gigabytes(available) << " available here:\n";
  for (const WeightType type : {WeightType::kFloat32, WeightType::kBfloat16})
    describe_plan(config, type, context, batch, available, out);
  return out.str();
}

}  // namespace srpo::engine
