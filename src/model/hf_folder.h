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

/// Throws kBadFile (with `where`) naming the missing and surplus tensors, or the first of
/// a wrong shape.
void check_weights(const ModelConfig& config, const TensorMap& weights,
                   const std::string& where);

/// The weights of FOLDER/config.json from model.safetensors, or from the shards of
/// model.safetensors.index.json, in the file's types; private views of the files.
/// Rotary buffers of old exports and a tied head stored twice are left out.
TensorMap load_weights(const std::filesystem::path& folder);

/// Writes config.json and model.safetensors with all weights as `type`. Makes the folder;
/// each file is renamed into place.
void save_model(const std::filesystem::path& folder, const ModelConfig& config,
                const TensorMap& weights, at::ScalarType type);

}  // namespace srpo::model
