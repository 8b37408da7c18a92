// Damaged and hostile files of a model folder: every one is read or refused with a
// sentence, none ends the program. SRPO_FUZZ_SECONDS: how long each test goes on.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/random.h"
#include "model/lora.h"
#include "model/safetensors.h"
#include "support/golden_families.h"
#include "support/scratch_folder.h"

namespace srpo::model {
namespace {

using core::Rng;

double seconds_to_run() {
  const char* text = std::getenv("SRPO_FUZZ_SECONDS");
  return text == nullptr ? 1.0 : std::strtod(text, nullptr);
}

const std::vector<std::string>& hostile_words() {
  static const std::vector<std::string> kWords{
      "0",
      "-1",
      "1",
      "2",
      "18446744073709551615",
      "9223372036854775807",
      "-0.0",
      "1e308",
      "1e-320",
      "1e999",
      "null",
      "true",
      "[]",
      "{}",
      "[0]",
      "\"\"",
      "\"\\u0000\"",
      "\"\xff\xfe\"",
      "4294967296",
      "16777216",
      "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]",
      "{\"factor\":1}",
      "{\"rope_type\":\"yarn\",\"factor\":1e5}",
      "{\"full_attention\":{\"rope_type\":\"yarn\",\"factor\":2},\"sliding_attention\":"
      "1}",
      "\"sliding_attention\"",
      "\"qwen3\"",
      "\"olmo3\"",
      "\"../x\""};
  return kWords;
}

/// Start of a random JSON scalar: behind a colon, comma or bracket.
size_t random_value(const std::string& text, Rng& rng) {
  for (int i = 0; i < 50; ++i) {
    const size_t at = rng.below(text.size());
    if (text[at] == ':' || text[at] == ',' || text[at] == '[') return at + 1;
  }
  return text.size();
}

/// One thing changed: bytes, the length, a value, or a piece of another file.
std::string damaged(std::string text, const std::string& other, Rng& rng) {
  if (text.empty()) return other;
  switch (rng.below(7)) {
    case 0:
      text[rng.below(text.size())] ^= static_cast<char>(1U << rng.below(8));
      break;
    case 1:
      text[rng.below(text.size())] = static_cast<char>(rng.below(256));
      break;
    case 2:
      text.resize(rng.below(text.size()));
      break;
    case 3: {
      const size_t at = rng.below(text.size());
      text.erase(at, rng.below(20));
      break;
    }
    case 4: {
      const size_t at = rng.below(other.size());
      text.insert(rng.below(text.size()), other.substr(at, rng.below(60)));
      break;
    }
    default: {
      const size_t at = random_value(text, rng);
      const size_t end = text.find_first_of(",]}\n", at);
      if (end == std::string::npos) break;
      text.replace(at, end - at, hostile_words()[rng.below(hostile_words().size())]);
    }
  }
  return text;
}

/// Damages texts of the corpus, one to four times each, and gives them to `read`, which
/// may throw core::Error and nothing else. Counts what was accepted.
void read_damaged(const std::vector<std::string>& corpus, uint64_t stream,
                  const std::function<void(const std::string&)>& read) {
  Rng rng(static_cast<uint64_t>(seconds_to_run() * 1000), core::Purpose::kTest, stream);
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds_to_run());
  int64_t accepted = 0;
  int64_t refused = 0;
  while (std::chrono::steady_clock::now() < end) {
    std::string text = corpus[rng.below(corpus.size())];
    for (uint64_t times = 1 + rng.below(4); times > 0; --times)
      text = damaged(text, corpus[rng.below(corpus.size())], rng);
    try {
      read(text);
      ++accepted;
    } catch (const core::Error& error) {
      ++refused;
      ASSERT_NE(error.kind(), core::ErrorKind::kBug) << error.what() << "\n" << text;
      ASSERT_LT(std::string(error.what()).size(), 2000U) << error.what();
    }
  }
  std::cout << accepted << " accepted, " << refused << " refused\n";
  EXPECT_GT(refused, 10);
}

std::vector<std::string> config_corpus() {
  std::vector<std::string> corpus;
  for (const std::string& name : golden::families())
    corpus.push_back(golden::Family(name).json["config"].dump(1));
  const std::string folder = std::string(SRPO_SOURCE_DIR) + "/tests/golden/configs";
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".json")
      corpus.push_back(core::read_file(entry.path()));
  return corpus;
}

TEST(DamagedFile, ConfigIsReadOrRefused) {
  read_damaged(config_corpus(), 1, [](const std::string& text) {
    const ModelConfig config = ModelConfig::parse(text, "config.json");
    // What was accepted holds together, and stands when it is written and read again.
    EXPECT_GT(config.num_parameters(), 0);
    const std::string written = config.to_json();
    EXPECT_EQ(ModelConfig::parse(written, "again").to_json(), written) << text;
    if (config.num_layers > 64) return;
    int64_t parameters = 0;
    for (const auto& [name, shape] : weight_shapes(config))
      parameters += shape.size() == 1 ? shape[0] : shape[0] * shape[1];
    EXPECT_EQ(parameters, config.num_parameters()) << text;
  });
}

TEST(DamagedFile, SafetensorsIsReadOrRefused) {
  const test::ScratchFolder folder;
  const auto path = folder / "a.safetensors";
  write_safetensors(path, {{"a", at::ones({4})}, {"b", at::ones({2, 2}).to(at::kHalf)}});
  std::vector<std::string> corpus{core::read_file(path)};
  write_safetensors(path, {{"c", at::ones({3, 1, 5}).to(at::kBFloat16)},
                           {"d", at::zeros({0, 7})},
                           {"e", at::ones({1})}});
  corpus.push_back(core::read_file(path));
  read_damaged(corpus, 2, [&](const std::string& text) {
    {
      std::ofstream file(path, std::ios::binary);
      file << text;
    }
    for (const auto& [name, tensor] : read_safetensors(path)) {
      // Every byte of what was accepted can be read.
      EXPECT_GE(tensor.to(at::kFloat).contiguous().numel(), 0);
      EXPECT_LE(tensor.nbytes(), text.size());
    }
  });
}

TEST(DamagedFile, ShardIndexIsReadOrRefused) {
  const test::ScratchFolder folder;
  const auto path = folder / "model.safetensors.index.json";
  const std::vector<std::string> corpus{
      R"({"metadata":{"total_size":1},"weight_map":{"a":"x.safetensors","b":"y.safetensors"}})",
      R"({"weight_map":{"model.norm.weight":"model-00001-of-00002.safetensors"}})"};
  read_damaged(corpus, 3, [&](const std::string& text) {
    {
      std::ofstream file(path, std::ios::binary);
      file << text;
    }
    for (const auto& [name, file] : read_shard_map(folder.path())) {
      EXPECT_EQ(std::filesystem::path(file).filename().string(), file);
      EXPECT_NE(file, "..");
    }
  });
}

TEST(DamagedFile, AdapterConfigIsReadOrRefused) {
  const ModelConfig config = golden::Family("qwen2").config;
  const test::ScratchFolder folder;
  write_safetensors(folder / "adapter_model.safetensors",
                    make_adapter(config, {4, 8}, 1));
  read_damaged({adapter_config_json({4, 8}, "base")}, 4, [&](const std::string& text) {
    {
      std::ofstream file(folder / "adapter_config.json", std::ios::binary);
      file << text;
    }
    EXPECT_EQ(load_adapter(folder.path(), config).config.rank, 4);
  });
}

}  // namespace
}  // namespace srpo::model
