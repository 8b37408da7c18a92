#include "model/hf_folder.h"

#include <unistd.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "model/safetensors.h"

namespace srpo::model {
namespace {

const std::filesystem::path kGolden =
    std::string(SRPO_SOURCE_DIR) + "/tests/golden/llama_tiny";

std::filesystem::path scratch(const std::string& name) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("srpo_hf_folder_" + std::to_string(::getpid())) / name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

std::string complaint(const std::filesystem::path& folder) {
  try {
    load_weights(folder);
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadFile);
    return error.what();
  }
  return "";
}

TEST(HfFolder, LoadsAModelOfTransformers) {
  const auto config = ModelConfig::load(kGolden);
  const auto weights = load_weights(kGolden);
  int64_t parameters = 0;
  for (const auto& [name, tensor] : weights) parameters += tensor.numel();
  EXPECT_EQ(parameters, config.num_parameters());
}

TEST(HfFolder, LoadsWhatItSaved) {
  const auto folder = scratch("saved");
  const auto config = ModelConfig::load(kGolden);
  const auto weights = load_weights(kGolden);
  save_model(folder, config, weights, at::kBFloat16);
  EXPECT_EQ(ModelConfig::load(folder).to_json(), config.to_json());
  for (const auto& [name, tensor] : load_weights(folder)) {
    EXPECT_TRUE(at::equal(tensor, weights.at(name).to(at::kBFloat16))) << name;
  }
}

TEST(HfFolder, LoadsShardsByTheirIndex) {
  const auto folder = scratch("shards");
  std::filesystem::copy_file(kGolden / "config.json", folder / "config.json");
  TensorMap shards[2];
  std::string map;
  size_t number = 0;
  for (const auto& [name, tensor] : load_weights(kGolden)) {
    map += (map.empty() ? "" : ",") +
           ("\"" + name + "\":\"part" + std::to_string(number % 2) + ".safetensors\"");
    shards[number++ % 2][name] = tensor;
  }
  core::write_file(folder / "model.safetensors.index.json",
                   "{\"weight_map\":{" + map + "}}");
  write_safetensors(folder / "part0.safetensors", shards[0]);
  EXPECT_NE(complaint(folder), "") << "a shard is missing";
  write_safetensors(folder / "part1.safetensors", shards[1]);
  EXPECT_EQ(load_weights(folder).size(), number);
  core::write_file(folder / "model.safetensors.index.json",
                   R"({"weight_map":{"a":"../part0.safetensors"}})");
  EXPECT_THAT(complaint(folder),
              testing::HasSubstr("expected a file of the same folder"));
  core::write_file(folder / "model.safetensors.index.json",
                   R"({"weight_map":{"a":"x","a":"y"}})");
  EXPECT_THAT(complaint(folder), testing::HasSubstr("\"a\" stands twice"));
  core::write_file(folder / "model.safetensors.index.json", R"({"weight_map":{}})");
  EXPECT_THAT(complaint(folder), testing::HasSubstr("names no tensor"));
}

TEST(HfFolder, LoadsFilesThatMixTypes) {
  const auto folder = scratch("mixed");
  std::filesystem::copy_file(kGolden / "config.json", folder / "config.json");
  auto weights = load_weights(kGolden);
  size_t number = 0;
  for (auto& [name, tensor] : weights) {
    const at::ScalarType types[] = {at::kFloat, at::kBFloat16, at::kHalf};
    tensor = tensor.to(types[number++ % 3]);
  }
  write_safetensors(folder / "model.safetensors", weights);
  const auto loaded = load_weights(folder);
  for (const auto& [name, tensor] : weights) {
    EXPECT_EQ(loaded.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(loaded.at(name), tensor)) << name;
  }
}

TEST(HfFolder, SavesTheBytesThatTransformersSaved) {
  const auto folder = scratch("bytes");
  save_model(folder, ModelConfig::load(kGolden), load_weights(kGolden), at::kFloat);
  EXPECT_EQ(core::read_file(folder / "model.safetensors"),
            core::read_file(kGolden / "model.safetensors"));
}

TEST(HfFolder, SavesShardsAndTheirIndexAsTheyWere) {
  const auto config = ModelConfig::load(kGolden);
  const auto weights = load_weights(kGolden);
  EXPECT_TRUE(plan_shards(config, at::kFloat).empty());
  const ShardMap shards = plan_shards(config, at::kBFloat16, 30'000);
  EXPECT_EQ(shards.at("lm_head.weight"), "model-00001-of-00004.safetensors");
  EXPECT_EQ(shards.at("model.norm.weight"), "model-00004-of-00004.safetensors");
  const auto first = scratch("first");
  const auto second = scratch("second");
  save_model(first, config, weights, at::kBFloat16, shards);
  EXPECT_EQ(read_shard_map(first), shards);
  const auto loaded = load_weights(first);
  for (const auto& [name, tensor] : loaded)
    EXPECT_TRUE(at::equal(tensor, weights.at(name).to(at::kBFloat16))) << name;
  save_model(second, ModelConfig::load(first), loaded, at::kBFloat16,
             read_shard_map(first));
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(first)) {
    const auto name = entry.path().filename();
    EXPECT_EQ(core::read_file(second / name), core::read_file(first / name)) << name;
    EXPECT_LE(std::filesystem::file_size(entry.path()), 34'000U) << name;
    ++files;
  }
  EXPECT_EQ(files, 6U);
}

TEST(HfFolder, NamesMissingSurplusAndMisshapenTensors) {
  const auto folder = scratch("bad");
  EXPECT_NE(complaint(folder), "");
  std::filesystem::copy_file(kGolden / "config.json", folder / "config.json");
  EXPECT_THAT(complaint(folder), testing::HasSubstr("neither model.safetensors nor"));
  auto weights = load_weights(kGolden);
  const at::Tensor norm = weights.at("model.norm.weight");
  weights.erase("model.norm.weight");
  weights["model.layers.0.self_attn.q_proj.bias"] = at::zeros({72});
  write_safetensors(folder / "model.safetensors", weights);
  EXPECT_THAT(
      complaint(folder),
      testing::AllOf(
          testing::HasSubstr("missing model.norm.weight"),
          testing::HasSubstr("not of this model: model.layers.0.self_attn.q_proj.bias")));
  weights.erase("model.layers.0.self_attn.q_proj.bias");
  weights["model.norm.weight"] = at::cat({norm, norm});
  write_safetensors(folder / "model.safetensors", weights);
  EXPECT_THAT(complaint(folder),
              testing::HasSubstr("model.norm.weight: shape [72] (expected [36])"));
}

}  // namespace
}  // namespace srpo::model
