#include "model/hf_folder.h"

#include <sstream>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "model/safetensors.h"

namespace srpo::model {
namespace {

namespace fs = std::filesystem;

std::string joined(const std::vector<std::string>& names) {
  std::ostringstream text;
  constexpr size_t kShown = 5;
  for (size_t i = 0; i < names.size() && i < kShown; ++i)
    text << (i > 0 ? ", " : "") << names[i];
  if (names.size() > kShown) text << " and " << names.size() - kShown << " more";
  return text.str();
}

/// Shard file of each tensor.
std::map<std::string, std::string> read_index(const fs::path& path) {
  const auto json = nlohmann::json::parse(core::read_file(path), nullptr, false);
  REQUIRE(
      json.is_object() && json.contains("weight_map") && json["weight_map"].is_object(),
      kBadFile, path.string() << ": no 'weight_map' object");
  std::map<std::string, std::string> shards;
  for (const auto& [name, file] : json["weight_map"].items()) {
    REQUIRE(file.is_string(), kBadFile,
            path.string() << ": weight_map: " << name << ": not a file name");
    const auto shard = file.get<std::string>();
    REQUIRE(!shard.empty() && fs::path(shard).filename() == shard && shard != "..",
            kBadFile,
            path.string() << ": weight_map: " << name << ": '" << shard
                          << "' (expected a file of the same folder)");
    shards[name] = shard;
  }
  return shards;
}

TensorMap read_shards(const fs::path& folder, const fs::path& index) {
  const auto shards = read_index(index);
  std::map<std::string, TensorMap> files;
  TensorMap weights;
  for (const auto& [name, shard] : shards) {
    if (!files.contains(shard)) files[shard] = read_safetensors(folder / shard);
    const auto found = files[shard].find(name);
    REQUIRE(found != files[shard].end(), kBadFile,
            (folder / shard).string() << ": no tensor " << name << ", which "
                                      << index.filename().string() << " places there");
    weights[name] = found->second;
  }
  return weights;
}

}  // namespace

std::map<std::string, std::vector<int64_t>> weight_shapes(const ModelConfig& config) {
  const int64_t hidden = config.hidden_size;
  const int64_t q = config.num_heads * config.head_dim;
  const int64_t kv = config.num_kv_heads * config.head_dim;
  std::map<std::string, std::vector<int64_t>> shapes;
  shapes["model.embed_tokens.weight"] = {config.vocab_size, hidden};
  shapes["model.norm.weight"] = {hidden};
  if (!config.tie_embeddings) shapes["lm_head.weight"] = {config.vocab_size, hidden};
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    shapes[prefix + "input_layernorm.weight"] = {hidden};
    shapes[prefix + "post_attention_layernorm.weight"] = {hidden};
    shapes[prefix + "self_attn.q_proj.weight"] = {q, hidden};
    shapes[prefix + "self_attn.k_proj.weight"] = {kv, hidden};
    shapes[prefix + "self_attn.v_proj.weight"] = {kv, hidden};
    shapes[prefix + "self_attn.o_proj.weight"] = {hidden, q};
    shapes[prefix + "mlp.gate_proj.weight"] = {config.intermediate_size, hidden};
    shapes[prefix + "mlp.up_proj.weight"] = {config.intermediate_size, hidden};
    shapes[prefix + "mlp.down_proj.weight"] = {hidden, config.intermediate_size};
  }
  return shapes;
}

void check_weights(const ModelConfig& config, const TensorMap& weights,
                   const std::string& where) {
  const auto shapes = weight_shapes(config);
  std::vector<std::string> missing;
  std::vector<std::string> surplus;
  for (const auto& [name, shape] : shapes) {
    if (!weights.contains(name)) missing.push_back(name);
  }
  for (const auto& [name, tensor] : weights) {
    if (!shapes.contains(name)) surplus.push_back(name);
  }
  REQUIRE(missing.empty() && surplus.empty(), kBadFile,
          where << ":" << (missing.empty() ? "" : " missing " + joined(missing))
                << (missing.empty() || surplus.empty() ? "" : ";")
                << (surplus.empty() ? "" : " not of this model: " + joined(surplus)));
  for (const auto& [name, shape] : shapes) {
    const at::Tensor& tensor = weights.at(name);
    REQUIRE(tensor.sizes() == at::IntArrayRef(shape), kBadFile,
            where << ": " << name << ": shape " << tensor.sizes() << " (expected "
                  << at::IntArrayRef(shape) << ")");
    REQUIRE(at::isFloatingType(tensor.scalar_type()), kBadFile,
            where << ": " << name << ": not floating point");
  }
}

TensorMap load_weights(const fs::path& folder) {
  const ModelConfig config = ModelConfig::load(folder);
  const fs::path single = folder / "model.safetensors";
  const fs::path index = folder / "model.safetensors.index.json";
  REQUIRE(
      fs::exists(single) || fs::exists(index), kBadFile,
      folder.string() << ": neither model.safetensors nor model.safetensors.index.json");
  const fs::path& source = fs::exists(single) ? single : index;
  TensorMap weights =
      source == single ? read_safetensors(single) : read_shards(folder, index);
  for (auto it = weights.begin(); it != weights.end();) {
    const bool rotary = it->first.ends_with(".rotary_emb.inv_freq");
    const bool tied = config.tie_embeddings && it->first == "lm_head.weight";
    it = rotary || tied ? weights.erase(it) : std::next(it);
  }
  check_weights(config, weights, source.string());
  return weights;
}

void save_model(const fs::path& folder, const ModelConfig& config,
                const TensorMap& weights, at::ScalarType type) {
  check_weights(config, weights, "weights to be saved in " + folder.string());
  fs::create_directories(folder);
  TensorMap converted;
  for (const auto& [name, tensor] : weights)
    converted[name] = tensor.to(type).contiguous();
  auto json = nlohmann::ordered_json::parse(config.to_json());
  json["torch_dtype"] = type == at::kFloat      ? "float32"
                        : type == at::kBFloat16 ? "bfloat16"
                                                : "float16";
  write_safetensors(folder / "model.safetensors", converted);
  core::write_file(folder / "config.json", json.dump(2) + "\n");
}

}  // namespace srpo::model
