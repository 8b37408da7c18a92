#include "model/model_config.h"

#include <cmath>
#include <filesystem>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "model/rotary.h"
#include "support/golden_families.h"

namespace srpo::model {
namespace {

const std::string kSmolLm2 =
    R"({"architectures":["LlamaForCausalLM"],"attention_bias":false,"bos_token_id":1,
  "eos_token_id":2,"hidden_act":"silu","hidden_size":576,"intermediate_size":1536,"max_position_embeddings":8192,
  "model_type":"llama","num_attention_heads":9,"num_hidden_layers":30,"num_key_value_heads":3,"rms_norm_eps":1e-05,
  "rope_scaling":null,"rope_theta":100000,"tie_word_embeddings":true,"torch_dtype":"bfloat16","vocab_size":49152})";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return text.replace(place, from.size(), to);
}

std::string complaint(const std::string& json) {
  try {
    ModelConfig::parse(json, "config.json");
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadFile);
    return error.what();
  }
  return "";
}

TEST(ModelConfig, ReadsSmolLm2) {
  const auto config = ModelConfig::parse(kSmolLm2, "config.json");
  EXPECT_EQ(config.head_dim, 64);
  EXPECT_EQ(config.num_kv_heads, 3);
  EXPECT_EQ(config.rope_theta, 100000);
  EXPECT_EQ(config.end_of_text_ids, std::vector<int32_t>{2});
  EXPECT_EQ(config.begin_of_text_id, 1);
  EXPECT_TRUE(config.tie_embeddings);
  EXPECT_EQ(config.num_parameters(), 134'515'008);
}

TEST(ModelConfig, ReadsTheNewerSpellingOfRotaryParameters) {
  const auto json = replaced(
      replaced(kSmolLm2, R"("rope_scaling":null,)", ""), R"("rope_theta":100000)",
      R"("rope_parameters":{"rope_theta":5000.0,"rope_type":"default"})");
  EXPECT_EQ(ModelConfig::parse(json, "config.json").rope_theta, 5000);
}

TEST(ModelConfig, ReadsWhatItWrites) {
  auto config = ModelConfig::parse(kSmolLm2, "config.json");
  config.end_of_text_ids = {2, 7};
  config.head_dim = 32;
  const auto again = ModelConfig::parse(config.to_json(), "config.json");
  EXPECT_EQ(again.to_json(), config.to_json());
  EXPECT_EQ(again.end_of_text_ids, config.end_of_text_ids);
  EXPECT_EQ(again.head_dim, 32);
}

TEST(ModelConfig, RefusesWhatIsNotImplementedByName) {
  using testing::HasSubstr;
  const auto with = [](const std::string& extra) {
    return replaced(kSmolLm2, R"("rope_scaling":null)", extra);
  };
  const auto scaled = [&](const std::string& scaling) {
    return complaint(with(R"("rope_scaling":{)" + scaling + "}"));
  };
  EXPECT_THAT(complaint(replaced(kSmolLm2, R"("model_type":"llama")",
                                 R"("model_type":"gemma2")")),
              HasSubstr("config.json: model_type 'gemma2' is not implemented (expected "
                        "one of llama, qwen2, qwen3, olmo2, olmo3)"));
  EXPECT_THAT(complaint(replaced(kSmolLm2, "silu", "gelu")),
              HasSubstr("hidden_act 'gelu'"));
  for (const char* option :
       {R"("final_logit_softcapping":30.0)", R"("attn_logit_softcapping":50.0)",
        R"("embedding_multiplier":12)", R"("num_local_experts":8)",
        R"("quantization_config":{"bits":4})", R"("clip_qkv":8)",
        R"("partial_rotary_factor":0.5)"}) {
    const std::string name =
        std::string(option).substr(1, std::string(option).find(':') - 2);
    EXPECT_THAT(complaint(with(option)),
                testing::AllOf(HasSubstr("config.json: '" + name),
                               HasSubstr("which is not implemented (expected")));
  }
  EXPECT_EQ(complaint(with(R"("final_logit_softcapping":null)")), "");
  EXPECT_EQ(complaint(with(R"("quantization_config":{})")), "");
  EXPECT_THAT(complaint(with(R"("sliding_window":4096)")),
              HasSubstr("'sliding_window' is 4096, which is not implemented for llama"));
  EXPECT_THAT(scaled(R"("rope_type":"longrope")"), HasSubstr("rope_type 'longrope'"));
  EXPECT_THAT(scaled(R"("type":"dynamic","factor":2)"), HasSubstr("type 'dynamic'"));
  EXPECT_THAT(scaled(R"("type":"linear")"), HasSubstr("rope_scaling: no key 'factor'"));
  EXPECT_THAT(scaled(R"("type":"linear","factor":0.5)"), HasSubstr("'factor' is 0.5"));
  EXPECT_THAT(scaled(R"("type":"linear","factor":2,"short_factor":[1])"),
              HasSubstr("'short_factor' is not a key"));
  EXPECT_THAT(
      scaled(R"("rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4,
                "original_max_position_embeddings":8192)"),
      HasSubstr("'low_freq_factor' is 4 (expected less than high_freq_factor = 4)"));
  EXPECT_THAT(scaled(R"("rope_type":"llama3","factor":8,"low_freq_factor":1,
                        "high_freq_factor":4)"),
              HasSubstr("no key 'original_max_position_embeddings'"));
}

TEST(ModelConfig, ReadsYarnAsTransformersDoes) {
  const auto config =
      ModelConfig::parse(replaced(kSmolLm2, R"("rope_scaling":null)",
                                  R"("rope_scaling":{"type":"yarn","factor":4.0,
                  "original_max_position_embeddings":32768})"),
                         "config.json");
  EXPECT_EQ(config.rope_scaling.beta_fast, 32);
  EXPECT_NEAR(config.rope_scaling.attention_factor, 0.1 * std::log(4.0) + 1, 1e-12);
  EXPECT_EQ(config.max_positions, 131072);
}

/// The numbers of OLMo-3's full layers, computed apart (theta 5e5, 128, x 8 of 8192).
TEST(Rotary, StretchesByYarn) {
  ModelConfig config;
  config.head_dim = 128;
  config.rope_theta = 5e5;
  config.rope_scaling.kind = RopeScaling::Kind::kYarn;
  config.rope_scaling.factor = 8;
  config.rope_scaling.original_positions = 8192;
  const at::Tensor stretched = rotary_frequencies(config, true);
  const at::Tensor plain = rotary_frequencies(config, false);
  const auto at = [](const at::Tensor& x, int64_t i) {
    return static_cast<double>(x.const_data_ptr<float>()[i]);
  };
  EXPECT_NEAR(at(stretched, 17) / 3.063452089e-2, 1, 1e-6);
  EXPECT_EQ(at(stretched, 17), at(plain, 17));
  EXPECT_NEAR(at(stretched, 19) / 1.928275494e-2, 1, 1e-6);
  EXPECT_NEAR(at(plain, 19) / 2.032910598e-2, 1, 1e-6);
  EXPECT_NEAR(at(stretched, 26) / 2.846718439e-3, 1, 1e-6);
  EXPECT_NEAR(at(stretched, 34) / 1.656130359e-4, 1, 1e-6);
  EXPECT_NEAR(at(stretched, 63) / 3.068925989e-7, 1, 1e-6);
  EXPECT_NEAR(at(plain, 63) / 2.455140791e-6, 1, 1e-6);
}

TEST(ModelConfig, ReadsEveryFamilyThatTransformersWrites) {
  for (const std::string& name : golden::families()) {
    const golden::Family family(name);
    const ModelConfig& config = family.config;
    std::map<std::string, std::vector<int64_t>> expected;
    for (const auto& [tensor, shape] : family.json["shapes"].items())
      expected[tensor] = shape.get<std::vector<int64_t>>();
    EXPECT_EQ(weight_shapes(config), expected) << name;
    int64_t parameters = 0;
    for (const auto& [tensor, weight] : family.weights) parameters += weight.numel();
    EXPECT_EQ(config.num_parameters(), parameters) << name;
    const ModelConfig again = ModelConfig::parse(config.to_json(), name);
    EXPECT_EQ(again.to_json(), config.to_json()) << name;
    EXPECT_EQ(again.rope_scaling, config.rope_scaling) << name;
    EXPECT_EQ(again.windowed_layers, config.windowed_layers) << name;
    EXPECT_EQ(weight_shapes(again), expected) << name;
  }
  const ModelConfig olmo = golden::Family("olmo3").config;
  EXPECT_EQ(olmo.window_of(2), 64);
  EXPECT_EQ(olmo.window_of(3), 0);
  EXPECT_FALSE(olmo.is_scaled(2));
  EXPECT_TRUE(olmo.is_scaled(3));
  const ModelConfig qwen = golden::Family("qwen2_yarn_windows").config;
  EXPECT_EQ(qwen.window_of(1), 0);
  EXPECT_EQ(qwen.window_of(2), 37);
  EXPECT_TRUE(qwen.is_scaled(2));
}

TEST(ModelConfig, ReadsRotaryParametersOfEachKindOfLayers) {
  auto json = golden::Family("olmo3").json["config"];
  const auto expected = ModelConfig::parse(json.dump(), "config.json");
  const double theta = json["rope_theta"];
  auto scaling = json["rope_scaling"];
  scaling["rope_theta"] = theta;
  const nlohmann::json plain = {{"rope_type", "default"}, {"rope_theta", theta}};
  json.erase("rope_theta");
  json.erase("rope_scaling");
  json["rope_parameters"] = {{"full_attention", scaling}, {"sliding_attention", plain}};
  EXPECT_EQ(ModelConfig::parse(json.dump(), "config.json").to_json(), expected.to_json());
  json["rope_parameters"]["sliding_attention"] = scaling;
  const auto all = ModelConfig::parse(json.dump(), "config.json");
  EXPECT_TRUE(all.is_scaled(0));
  EXPECT_TRUE(ModelConfig::parse(all.to_json(), "config.json").is_scaled(0));
  json["rope_parameters"]["sliding_attention"]["rope_theta"] = 1e4;
  EXPECT_THAT(complaint(json.dump()),
              testing::HasSubstr("sliding_attention: 'rope_theta'"));
}

TEST(ModelConfig, RefusesWindowsThatMakeNoSense) {
  using testing::HasSubstr;
  auto json = golden::Family("olmo3").json["config"];
  json["layer_types"][1] = "linear_attention";
  EXPECT_THAT(complaint(json.dump()), HasSubstr("layer_types: 'linear_attention'"));
  json["layer_types"].erase(1);
  EXPECT_THAT(complaint(json.dump()),
              HasSubstr("names 7 layers (expected num_hidden_layers = 8)"));
  json = golden::Family("qwen2_yarn_windows").json["config"];
  json["use_sliding_window"] = false;
  EXPECT_THAT(complaint(json.dump()), HasSubstr("there is no sliding window"));
}

TEST(ModelConfig, SaysWhichKeyIsWrong) {
  using testing::HasSubstr;
  EXPECT_THAT(complaint("{"), HasSubstr("not a JSON object"));
  EXPECT_THAT(complaint(replaced(kSmolLm2, R"("vocab_size":49152)",
                                 R"("vocab_size":49152,"vocab_size":7)")),
              HasSubstr(R"("vocab_size" stands twice in one object)"));
  EXPECT_THAT(
      complaint(replaced(kSmolLm2, "null", std::string(40, '[') + std::string(40, ']'))),
      HasSubstr("nested more than 16 deep"));
  EXPECT_THAT(complaint(replaced(kSmolLm2, R"("vocab_size":49152)", R"("vocab":49152)")),
              HasSubstr("no key 'vocab_size'"));
  EXPECT_THAT(complaint(replaced(kSmolLm2, "49152", "-1")),
              HasSubstr("'vocab_size' is -1 (expected 1 to"));
  EXPECT_THAT(complaint(replaced(kSmolLm2, "49152", "\"many\"")),
              HasSubstr("'vocab_size' is \"many\""));
  EXPECT_THAT(complaint(replaced(kSmolLm2, "49152", "1e30")), HasSubstr("'vocab_size'"));
  EXPECT_THAT(complaint(replaced(kSmolLm2, R"("num_key_value_heads":3)",
                                 R"("num_key_value_heads":4)")),
              HasSubstr("not a multiple"));
  EXPECT_THAT(
      complaint(replaced(kSmolLm2, R"("eos_token_id":2)", R"("eos_token_id":[2,99999])")),
      HasSubstr("99999"));
  EXPECT_THAT(complaint(replaced(kSmolLm2, "1e-05", "-1")), HasSubstr("positive number"));
}

TEST(ModelConfig, AddsTheEndOfTextIdsOfTheGenerationConfig) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("srpo_config_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  core::write_file(folder / "config.json", kSmolLm2);
  core::write_file(folder / "generation_config.json", R"({"eos_token_id":[2,0]})");
  EXPECT_EQ(ModelConfig::load(folder).end_of_text_ids, (std::vector<int32_t>{2, 0}));
  EXPECT_THROW(ModelConfig::load(folder / "missing"), core::Error);
}

}  // namespace
}  // namespace srpo::model
