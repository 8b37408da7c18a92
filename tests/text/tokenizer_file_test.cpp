#include "text/tokenizer_file.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "golden.h"
#include "text/tokenizer.h"
#include "text/tokenizer_builder.h"

namespace srpo::text {
namespace {

using nlohmann::json;

json small_file() {
  return json::parse(make_character_tokenizer({"</thought>"}, {"<|end|>"}));
}

void expect_refused(const json& file, const std::string& part_of_message) {
  try {
    Tokenizer::parse(file.dump(), "tokenizer.json");
    ADD_FAILURE() << "accepted, expected: " << part_of_message;
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadFile);
    EXPECT_THAT(error.what(), testing::HasSubstr("tokenizer.json"));
    EXPECT_THAT(error.what(), testing::HasSubstr(part_of_message));
  }
}

TEST(TokenizerFile, RefusesByNameWhatItDoesNotKnow) {
  const std::vector<std::tuple<std::string, json, std::string>> changes = {
      {"/model/type", "WordPiece", "model.type 'WordPiece'"},
      {"/model/dropout", 0.1, "model.dropout"},
      {"/model/byte_fallback", true, "model.byte_fallback"},
      {"/model/end_of_word_suffix", "</w>", "model.end_of_word_suffix"},
      {"/model/novelty", 1, "model.novelty"},
      {"/normalizer", {{"type", "Lowercase"}}, "normalizer.type 'Lowercase'"},
      {"/pre_tokenizer", {{"type", "Metaspace"}}, "pre_tokenizer.type 'Metaspace'"},
      {"/pre_tokenizer", nullptr, "pre_tokenizer has no ByteLevel"},
      {"/pre_tokenizer/novelty", 1, "pre_tokenizer.novelty"},
      {"/post_processor",
       {{"type", "BertProcessing"}},
       "post_processor.type 'BertProcessing'"},
      {"/decoder", {{"type", "Metaspace"}}, "decoder.type 'Metaspace'"},
      {"/decoder", nullptr, "decoder is missing"},
      {"/truncation", {{"max_length", 3}}, "truncation"},
      {"/padding", {{"pad_id", 3}}, "padding"},
      {"/version", "2.0", "version"},
      {"/novelty", 1, "tokenizer.json: novelty"},
      {"/added_tokens/0/single_word", true, "single_word"},
      {"/added_tokens/0/id", 3, "id 3"},
      {"/added_tokens/0/id", -1, "added_tokens[0].id is -1"},
      {"/added_tokens/0/id", 2000000000, "the highest id is 2000000000"},
      {"/added_tokens/0/content", "", "content is empty"},
      {"/model/merges", {"a b c"}, "merges[0]"},
      {"/model/merges", {"a b"}, "'ab' is not in the vocabulary"},
      {"/model/vocab/a", "x", "model.vocab.a"},
      {"/model/unk_token", "<unk>", "unk_token"}};
  for (const auto& [pointer, value, message] : changes) {
    json file = small_file();
    file[json::json_pointer(pointer)] = value;
    expect_refused(file, message);
  }
}

TEST(TokenizerFile, RefusesWhatIsNotJson) {
  EXPECT_THROW(Tokenizer::parse("{", "x"), core::Error);
  EXPECT_THROW(Tokenizer::parse("[]", "x"), core::Error);
  EXPECT_THROW(Tokenizer::parse("\"\xff\"", "x"), core::Error);
}

TEST(TokenizerFile, RefusesAKeyThatStandsTwiceAndNestingWithoutEnd) {
  const auto expect_text_refused = [](const std::string& content,
                                      const std::string& message) {
    try {
      Tokenizer::parse(content, "tokenizer.json");
      ADD_FAILURE() << message;
    } catch (const core::Error& error) {
      EXPECT_EQ(error.kind(), core::ErrorKind::kBadFile);
      EXPECT_THAT(error.what(), testing::HasSubstr(message));
    }
  };
  std::string twice = small_file().dump();
  twice.insert(twice.find("\"vocab\":{") + 9, "\"a\":3,");
  expect_text_refused(twice, "tokenizer.json: the key 'a' stands twice");
  expect_text_refused(std::string(200000, '['), "nested deeper than 64");
  std::string nested = R"({"type":"NFC"})";
  for (int i = 0; i < 60; ++i)
    nested = R"({"type":"Sequence","normalizers":[)" + nested + "]}";
  std::string file = small_file().dump();
  file.replace(file.find("\"normalizer\":null"), 17, "\"normalizer\":" + nested);
  expect_text_refused(file, "nested deeper than 64");
}

TEST(TokenizerFile, RefusesMoreThanItCanHold) {
  json file = small_file();
  file["added_tokens"] = json::array();
  for (int i = 0; i < 70000; ++i)
    file["added_tokens"].push_back(
        {{"id", 1000 + i}, {"content", "<" + std::to_string(i)}});
  expect_refused(file, "added_tokens has 70000 tokens");
  file = small_file();
  file["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers",
                            {{{"type", "Split"},
                              {"pattern", {{"Regex", std::string(100000, 'a')}}},
                              {"behavior", "Isolated"},
                              {"invert", false}},
                             file["pre_tokenizer"]}}};
  expect_refused(file, "pattern.Regex has 100000 bytes");
}

/// Broken files end in a core::Error or in a tokenizer, never in anything else.
TEST(TokenizerFile, SurvivesRandomDamage) {
  const json tiny = read_golden("tokenizer/tiny.json");
  json file = tiny["base"];
  file.update(tiny["variants"]["added"]);
  const std::string whole = file.dump();
  std::mt19937 random(1);
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::string damaged = whole;
    for (size_t i = 0; i < 1 + random() % 3; ++i) {
      const size_t at = random() % damaged.size();
      switch (random() % 3) {
        case 0:
          damaged[at] = static_cast<char>(random());
          break;
        case 1:
          damaged.erase(at, 1 + random() % 20);
          break;
        default:
          damaged.insert(at, whole, random() % whole.size(), random() % 20);
          break;
      }
    }
    try {
      Tokenizer::parse(damaged, "damaged").encode("the box 12 <L>");
    } catch (const core::Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace srpo::text
