#include "model/hf_folder.h"

#include <array>
#include <cstdio>
#include <sstream>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "model/json_section.h"
#include "model/lora.h"
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

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

ShardMap read_index(const fs::path& path) {
  const auto json = parse_json_object(core::read_file(path), path.string());
  const JsonSection map = JsonSection(json, path.string()).inner("weight_map");
  ShardMap shards;
  for (const auto& [name, file] : map.json().items()) {
    REQUIRE(file.is_string(), kBadFile,
            map.file() << ": " << name << ": not a file name");
    const auto shard = file.get<std::string>();
    REQUIRE(!shard.empty() && shard.find('\0') == std::string::npos &&
                fs::path(shard).filename() == shard && shard != "." && shard != "..",
            kBadFile,
            map.file() << ": " << name << ": '" << shard
                       << "' (expected a file of the same folder)");
    shards[name] = shard;
  }
  return shards;
}

TensorMap read_shards(const fs::path& folder, const ShardMap& shards) {
  std::map<std::string, TensorMap> files;
  TensorMap weights;
  for (const auto& [name, shard] : shards) {
    if (!files.contains(shard)) files[shard] = read_safetensors(folder / shard);
    const auto found = files[shard].find(name);
    REQUIRE(found != files[shard].end(), kBadFile,
            (folder / shard).string()
                << ": no tensor " << name << ", which " << kIndex << " places there");
    weights[name] = found->second;
  }
  return weights;
}

const char* name_of(at::ScalarType type) {
  return type == at::kFloat ? "float32" : type == at::kBFloat16 ? "bfloat16" : "float16";
}

int64_t bytes_of(const at::Tensor& tensor, at::ScalarType type) {
  return tensor.numel() * (type == at::kFloat ? 4 : 2);
}

void write_shards(const fs::path& folder, const TensorMap& weights, at::ScalarType type,
                  const ShardMap& shards) {
  std::map<std::string, TensorMap> files;
  int64_t bytes = 0;
  for (const auto& [name, tensor] : weights) {
    const auto shard = shards.find(name);
    REQUIRE(shard != shards.end(), kBadInput, "no shard is named for " << name);
    files[shard->second][name] = tensor;
    bytes += bytes_of(tensor, type);
  }
  for (const auto& [file, tensors] : files)
    write_safetensors(folder / file, tensors, {{"format", "pt"}}, type);
  nlohmann::ordered_json index;
  index["metadata"]["total_size"] = bytes;
  for (const auto& [name, tensor] : weights) index["weight_map"][name] = shards.at(name);
  core::write_file(folder / kIndex, index.dump(2) + "\n");
}

}  // namespace

std::map<std::string, std::vector<int64_t>> weight_shapes(const ModelConfig& config) {
  const int64_t hidden = config.hidden_size;
  std::map<std::string, std::vector<int64_t>> shapes;
  shapes["model.embed_tokens.weight"] = {config.vocab_size, hidden};
  shapes["model.norm.weight"] = {hidden};
  if (!config.tie_embeddings) shapes["lm_head.weight"] = {config.vocab_size, hidden};
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    const LayerNorms norms = layer_norms(config, layer);
    shapes[norms.attention] = {hidden};
    shapes[norms.mlp] = {hidden};
    if (config.query_key_norm != QueryKeyNorm::kNone) {
      const bool of_head = config.query_key_norm == QueryKeyNorm::kHead;
      shapes[norms.query] = {of_head ? config.head_dim : config.query_width()};
      shapes[norms.key] = {of_head ? config.head_dim : config.key_width()};
    }
    for (const std::string& linear : linear_names()) {
      const auto [out, in] = linear_shape(config, linear);
      const std::string path = linear_path(layer, linear);
      shapes[path + ".weight"] = {out, in};
      if (has_bias(config, linear)) shapes[path + ".bias"] = {out};
    }
  }
  return shapes;
}

LayerNorms layer_norms(const ModelConfig& config, int64_t layer) {
  const std::string prefix = "model.layers." + std::to_string(layer) + ".";
  const bool before = config.norm_place == NormPlace::kBefore;
  const char* first = before ? "input_layernorm" : "post_attention_layernorm";
  const char* second = before ? "post_attention_layernorm" : "post_feedforward_layernorm";
  return {prefix + first + ".weight", prefix + second + ".weight",
          prefix + "self_attn.q_norm.weight", prefix + "self_attn.k_norm.weight"};
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

ShardMap read_shard_map(const fs::path& folder) {
  if (fs::exists(folder / kSingle)) return {};
  REQUIRE(fs::exists(folder / kIndex), kBadFile,
          folder.string() << ": neither " << kSingle << " nor " << kIndex);
  ShardMap shards = read_index(folder / kIndex);
  REQUIRE(!shards.empty(), kBadFile,
          (folder / kIndex).string() << ": weight_map names no tensor");
  return shards;
}

ShardMap plan_shards(const ModelConfig& config, at::ScalarType type, int64_t most_bytes) {
  std::map<std::string, size_t> numbers;
  int64_t bytes = 0;
  size_t number = 1;
  for (const auto& [name, shape] : weight_shapes(config)) {
    int64_t own = type == at::kFloat ? 4 : 2;
    for (const int64_t size : shape) own *= size;
    if (bytes > 0 && bytes + own > most_bytes) {
      ++number;
      bytes = 0;
    }
    bytes += own;
    numbers[name] = number;
  }
  ShardMap shards;
  if (number == 1) return shards;
  for (const auto& [name, of] : numbers) {
    std::array<char, 64> file{};
    std::snprintf(file.data(), file.size(), "model-%05zu-of-%05zu.safetensors", of,
                  number);
    shards[name] = file.data();
  }
  return shards;
}

TensorMap load_weights(const fs::path& folder) {
  const ModelConfig config = ModelConfig::load(folder);
  const ShardMap shards = read_shard_map(folder);
  const fs::path source = folder / (shards.empty() ? kSingle : kIndex);
  TensorMap weights =
      shards.empty() ? read_safetensors(source) : read_shards(folder, shards);
  for (auto it = weights.begin(); it != weights.end();) {
    const bool rotary = it->first.ends_with(".rotary_emb.inv_freq");
    const bool tied = config.tie_embeddings && it->first == "lm_head.weight";
    it = rotary || tied ? weights.erase(it) : std::next(it);
  }
  check_weights(config, weights, source.string());
  return weights;
}

void save_model(const fs::path& folder, const ModelConfig& config,
                const TensorMap& weights, at::ScalarType type, const ShardMap& shards) {
  check_weights(config, weights, "weights to be saved in " + folder.string());
  fs::create_directories(folder);
  auto json = nlohmann::ordered_json::parse(config.to_json());
  json["torch_dtype"] = name_of(type);
  if (shards.empty()) {
    write_safetensors(folder / kSingle, weights, {{"format", "pt"}}, type);
  } else {
    write_shards(folder, weights, type, shards);
  }
  core::write_file(folder / "config.json", json.dump(2) + "\n");
}

}  // namespace srpo::model
