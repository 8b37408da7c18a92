#include <fstream>

#include <gtest/gtest.h>

#include "golden.h"
#include "text/tokenizer.h"

namespace srpo::text {
namespace {

using nlohmann::json;

json apply_variant(json whole, const json& changes) {
  for (const auto& [key, value] : changes.items()) {
    if (key == "model") {
      whole["model"].update(value);
    } else {
      whole[key] = value;
    }
  }
  return whole;
}

std::string decoded_digest(const Tokenizer& tokenizer, const json& rows,
                           bool skip_special) {
  Digest digest;
  for (const json& row : rows) {
    const auto ids = row.get<std::vector<int32_t>>();
    const std::string text = tokenizer.decode(ids, skip_special);
    const std::vector<uint8_t> bytes(text.begin(), text.end());
    digest.add_list(std::span<const uint8_t>(bytes));
  }
  return digest.hex();
}

void expect_equal(const Tokenizer& tokenizer, const json& texts, const json& expected,
                  const std::string& name) {
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(tokenizer.encode(texts[i].get<std::string>()),
              expected["ids"][i].get<std::vector<int32_t>>())
        << name << ": " << texts[i];
  }
  EXPECT_EQ(decoded_digest(tokenizer, expected["ids"], false), expected["decoded"])
      << name;
  EXPECT_EQ(decoded_digest(tokenizer, expected["ids"], true),
            expected["decoded_without_special"])
      << name;
}

TEST(TokenizerGolden, GivesTheIdsAndTextsOfHuggingFaceForEveryKindOfFile) {
  const json tiny = read_golden("tokenizer/tiny.json");
  const json cases = read_golden("tokenizer/cases.json");
  ASSERT_GE(tiny["variants"].size(), 20u);
  for (const auto& [name, changes] : tiny["variants"].items()) {
    const auto tokenizer =
        Tokenizer::parse(apply_variant(tiny["base"], changes).dump(), name);
    expect_equal(tokenizer, cases["texts"], cases[name], name);
  }
}

TEST(TokenizerGolden, ReadsMergesAsPairsOfStrings) {
  const json tiny = read_golden("tokenizer/tiny.json");
  const json cases = read_golden("tokenizer/cases.json");
  json whole = apply_variant(tiny["base"], tiny["variants"]["gpt2"]);
  for (json& merge : whole["model"]["merges"]) {
    if (merge.is_string()) {
      const std::string both = merge;
      const size_t space = both.find(' ');
      merge = {both.substr(0, space), both.substr(space + 1)};
    } else {
      merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    }
  }
  expect_equal(Tokenizer::parse(whole.dump(), "other merges"), cases["texts"],
               cases["gpt2"], "other merges");
}

/// Every line of the public problem sets.
void expect_equal_corpora(const Tokenizer& tokenizer, const std::string& name) {
  const json corpora = read_golden("tokenizer/corpora.json");
  for (const auto& [file, expected] : corpora.items()) {
    const std::string content = core::read_file(data_folder() / "problems" / file);
    Digest digest;
    size_t lines = 0;
    for (size_t begin = 0; begin <= content.size(); ++lines) {
      const size_t end = std::min(content.find('\n', begin), content.size());
      const auto ids =
          tokenizer.encode(std::string_view(content).substr(begin, end - begin));
      digest.add_list(std::span<const int32_t>(ids));
      begin = end + 1;
    }
    EXPECT_EQ(lines, expected["lines"].get<size_t>()) << file;
    EXPECT_EQ(digest.hex(), expected[name]) << file;
  }
}

TEST(TokenizerGolden, GivesHuggingFacesIdsForOlmosFileOnEveryLineOfTheProblemSets) {
  const auto path = data_folder() / "tokenizers" / "dolma2_tokenizer.json";
  if (!std::filesystem::exists(path))
    GTEST_SKIP() << path << " is absent (set SRPO_DATA)";
  const Tokenizer tokenizer = Tokenizer::load(path);
  const json cases = read_golden("tokenizer/cases.json");
  expect_equal(tokenizer, cases["texts"], cases["dolma2_file"], "dolma2");
  expect_equal_corpora(tokenizer, "dolma2_file");
}

TEST(TokenizerGolden, GivesHuggingFacesIdsForSmolLM2) {
  const auto folder = smollm2_folder();
  if (!std::filesystem::exists(folder / "tokenizer.json")) {
    GTEST_SKIP() << folder
                 << " is absent (run scripts/fetch_smollm2, or set SRPO_SMOLLM2)";
  }
  const Tokenizer tokenizer = Tokenizer::load(folder);
  const json cases = read_golden("tokenizer/cases.json");
  expect_equal(tokenizer, cases["texts"], cases["smollm2_file"], "smollm2");
  EXPECT_EQ(tokenizer.bos_id(), 1);
  EXPECT_EQ(tokenizer.eos_id(), 2);
  EXPECT_EQ(tokenizer.encode("2024").size(), 4u);
  if (std::filesystem::exists(data_folder()))
    expect_equal_corpora(tokenizer, "smollm2_file");
}

}  // namespace
}  // namespace srpo::text
