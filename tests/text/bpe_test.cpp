#include "text/bpe.h"

#include <random>

#include <gtest/gtest.h>

#include "core/error.h"
#include "text/byte_alphabet.h"

namespace srpo::text {
namespace {

/// The definition, word for word: merge the neighbours of lowest rank, leftmost first,
/// until none merge.
std::vector<int32_t> merge_slowly(const BpeModel& model, const std::string& word) {
  std::vector<std::string> parts;
  for (char c : word) parts.push_back(letters_of_bytes(std::string_view(&c, 1)));
  while (true) {
    size_t best_rank = model.merges.size();
    size_t best = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      for (size_t rank = 0; rank < best_rank; ++rank) {
        if (model.merges[rank] == std::make_pair(parts[i], parts[i + 1])) {
          best_rank = rank;
          best = i;
        }
      }
    }
    if (best_rank == model.merges.size()) break;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  std::vector<int32_t> tokens;
  for (const std::string& part : parts) tokens.push_back(model.vocabulary.at(part));
  return tokens;
}

/// Letters a..d and random merges of what is there.
BpeModel random_model(std::mt19937& random) {
  BpeModel model;
  std::vector<std::string> tokens = {"a", "b", "c", "d"};
  for (const std::string& token : tokens) {
    model.vocabulary.emplace(token, static_cast<int32_t>(model.vocabulary.size()));
  }
  while (model.merges.size() < 40) {
    const std::string left = tokens[random() % tokens.size()];
    const std::string right = tokens[random() % tokens.size()];
    const auto pair = std::make_pair(left, right);
    if (std::find(model.merges.begin(), model.merges.end(), pair) != model.merges.end())
      continue;
    model.merges.push_back(pair);
    if (model.vocabulary
            .emplace(left + right, static_cast<int32_t>(model.vocabulary.size()))
            .second) {
      tokens.push_back(left + right);
    }
  }
  return model;
}

TEST(BytePairEncoder, EqualsItsDefinitionForShortAndLongWords) {
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    const BpeModel model = random_model(random);
    const BytePairEncoder encoder(model, "test");
    for (size_t length : {1, 2, 3, 8, 31, 63, 64, 65, 66, 150}) {
      std::string word;
      for (size_t i = 0; i < length; ++i) word += static_cast<char>('a' + random() % 4);
      std::vector<int32_t> tokens;
      encoder.encode(word, tokens);
      EXPECT_EQ(tokens, merge_slowly(model, word)) << word;
    }
  }
}

TEST(BytePairEncoder, LeavesOutBytesWithoutAToken) {
  BpeModel model;
  model.vocabulary = {{"a", 0}, {"b", 1}, {"ab", 2}, {"?", 3}};
  model.merges = {{"a", "b"}};
  std::vector<int32_t> tokens;
  BytePairEncoder(model, "test").encode("axxb", tokens);
  EXPECT_EQ(tokens, (std::vector<int32_t>{2}));
  model.unknown_token = "?";
  tokens.clear();
  BytePairEncoder(model, "test").encode("axxb", tokens);
  EXPECT_EQ(tokens, (std::vector<int32_t>{0, 3, 3, 1}));
  model.fuse_unknown = true;
  tokens.clear();
  BytePairEncoder(model, "test").encode("axxb", tokens);
  EXPECT_EQ(tokens, (std::vector<int32_t>{0, 3, 1}));
}

TEST(BytePairEncoder, RefusesAMergeIntoNoToken) {
  BpeModel model;
  model.vocabulary = {{"a", 0}, {"b", 1}};
  model.merges = {{"a", "b"}};
  EXPECT_THROW(BytePairEncoder(model, "test"), core::Error);
}

}  // namespace
}  // namespace srpo::text
