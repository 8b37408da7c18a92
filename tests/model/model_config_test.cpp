#include "model/model_config.h"

#include <filesystem>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"

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
  EXPECT_THAT(
      complaint(replaced(kSmolLm2, R"("model_type":"llama")", R"("model_type":"qwen2")")),
      HasSubstr("model_type 'qwen2' is not implemented"));
  EXPECT_THAT(complaint(replaced(kSmolLm2, "silu", "gelu")),
              HasSubstr("hidden_act 'gelu'"));
  EXPECT_THAT(complaint(replaced(kSmolLm2, R"("attention_bias":false)",
                                 R"("attention_bias":true)")),
              HasSubstr("attention_bias"));
  EXPECT_THAT(complaint(replaced(kSmolLm2, R"("rope_scaling":null)",
                                 R"("rope_scaling":{"rope_type":"llama3"})")),
              HasSubstr("rope_type 'llama3'"));
  EXPECT_THAT(complaint(replaced(kSmolLm2, R"("rope_scaling":null)",
                                 R"("rope_scaling":{"type":"yarn"})")),
              HasSubstr("type 'yarn'"));
}

TEST(ModelConfig, SaysWhichKeyIsWrong) {
  using testing::HasSubstr;
  EXPECT_THAT(complaint("{"), HasSubstr("not a JSON object"));
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
