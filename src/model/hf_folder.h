// A model as a Hugging Face folder: config.json and safetensors files.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "model/model_config.h"
#include "model/tensor_map.h"

namespace srpo::model {

/// Name and shape of every weight of a model; `lm_head.weight` only where the head is not
/// tied.
std::map<std::string, std::vector<int64_t>> weight_shapes(const ModelConfig& config);

/// Names of a layer's norms. The same name means another place in another family:
/// `post_attention_layernorm` stands before the MLP where branches are normalised at
/// their input, and behind attention where they are at their output.
struct LayerNorms {
  std::string attention;
  std::string mlp;
  std::string query;
  std::string key;
};
LayerNorms layer_norms(const ModelConfig& config, int64_t layer);

/// Throws kBadFile (with `where`) naming the missing and surplus tensors, or the first of
/// a wrong shape.
void check_weights(const ModelConfig& config, const TensorMap& weights,
                   const std::string& where);

/// The file of each tensor, as `weight_map` of model.safetensors.index.json has it.
using ShardMap = std::map<std::string, std::string>;

/// The folder's index; empty where there is one model.safetensors. Throws kBadFile where
/// there is neither, or for an index that is damaged, names a tensor twice, or leads out
/// of the folder.
ShardMap read_shard_map(const std::filesystem::path& folder);

/// `model-00001-of-00003.safetensors` ... in name order, none larger than `most_bytes`
/// unless one tensor is; empty if all fit into one file.
ShardMap plan_shards(const ModelConfig& config, at::ScalarType type,
                     int64_t most_bytes = 5'000'000'000);

/// The weights of FOLDER/config.json from model.safetensors, or from the shards of
/// model.safetensors.index.json, in the file's types; private views of the files, whose
/// pages all processes of a host share. Rotary buffers of old exports and a tied head
/// stored twice are left out.
TensorMap load_weights(const std::filesystem::path& folder);

/// Writes config.json and all weights as `type`: into model.safetensors, or where
/// `shards` is not empty into those files and their index. Makes the folder; each file is
/// renamed into place, and one tensor at a time is converted.
void save_model(const std::filesystem::path& folder, const ModelConfig& config,
                const TensorMap& weights, at::ScalarType type,
                const ShardMap& shards = {});

}  // namespace srpo::model
