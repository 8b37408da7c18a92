// The small tokenizers of tests/golden/tokenizer_families against Hugging Face's digests.
#include <gtest/gtest.h>

#include "golden.h"
#include "text/streaming_decoder.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace srpo::text {
namespace {

using nlohmann::json;

/// The generator of make.py.
class Draws {
 public:
  explicit Draws(uint64_t seed) : state_(seed) {}
  uint64_t below(uint64_t limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (state_ >> 33) % limit;
  }

 private:
  uint64_t state_;
};

std::vector<std::string> plane_texts() {
  std::vector<std::string> texts;
  for (char32_t begin = 0; begin < 0x110000; begin += 64) {
    const char32_t plane = begin >> 16;
    const char32_t step = plane <= 3 || plane == 14 ? 1 : 61;
    std::string text;
    for (char32_t c = begin; c < begin + 64; c += step) {
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      append_utf8(text, c);
      if (c % 7 == 0) text += ' ';
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

std::vector<std::string> mixed_texts(const json& expected) {
  const auto fragments = expected["fragments"].get<std::vector<std::string>>();
  const auto ranges = expected["ranges"].get<std::vector<std::pair<int, int>>>();
  Draws draws(1);
  std::vector<std::string> texts(expected["mixed"].get<size_t>());
  for (std::string& text : texts) {
    for (uint64_t left = 1 + draws.below(14); left > 0; --left) {
      const uint64_t kind = draws.below(3);
      if (kind < 2) {
        text += fragments[draws.below(fragments.size())] + (kind == 1 ? " " : "");
      } else {
        const auto [low, high] = ranges[draws.below(ranges.size())];
        append_utf8(text,
                    static_cast<char32_t>(low + static_cast<int>(draws.below(
                                                    static_cast<uint64_t>(high - low)))));
      }
    }
  }
  return texts;
}

std::vector<std::string> byte_texts(const json& expected) {
  Draws draws(2);
  std::vector<std::string> texts(expected["bytes"].get<size_t>());
  for (std::string& text : texts) {
    std::string bytes;
    for (uint64_t left = 1 + draws.below(120); left > 0; --left)
      bytes += static_cast<char>(draws.below(256));
    text = repair_utf8(bytes);
  }
  return texts;
}

void add_text(Digest& digest, const std::string& text) {
  const std::vector<uint8_t> bytes(text.begin(), text.end());
  digest.add_list(std::span<const uint8_t>(bytes));
}

class TokenizerFamily : public testing::TestWithParam<const char*> {
 protected:
  TokenizerFamily()
      : expected_(read_golden("tokenizer_families/expected.json")),
        rows_(expected_[GetParam()]),
        tokenizer_(Tokenizer::parse(
            read_golden("tokenizer_families/families.json")[GetParam()].dump(),
            GetParam())) {}

  void expect_equal(const std::vector<std::string>& texts, const std::string& kind) {
    Digest ids_digest;
    Digest text_digest;
    for (const std::string& text : texts) {
      const auto ids = tokenizer_.encode(text);
      ids_digest.add_list(std::span<const int32_t>(ids));
      add_text(text_digest, tokenizer_.decode(ids, /*skip_special=*/true));
    }
    EXPECT_EQ(ids_digest.hex(), rows_[kind]);
    EXPECT_EQ(text_digest.hex(), rows_[kind + "_decoded"]);
  }

  json expected_;
  json rows_;
  Tokenizer tokenizer_;
};

TEST_P(TokenizerFamily, GivesHuggingFacesIdsForCharactersOfAllPlanes) {
  expect_equal(plane_texts(), "planes");
}

TEST_P(TokenizerFamily, GivesHuggingFacesIdsForWordsMarksEmojiAndCode) {
  expect_equal(mixed_texts(expected_), "mixed");
}

TEST_P(TokenizerFamily, GivesHuggingFacesIdsForRandomBytesRepaired) {
  expect_equal(byte_texts(expected_), "bytes");
}

TEST_P(TokenizerFamily, DecodesAnyIdsAsHuggingFaceDoesInOnePieceAndInMany) {
  Draws draws(3);
  Digest digest;
  const auto limit = rows_["size"].get<uint64_t>() + 3;
  for (size_t i = 0; i < expected_["lists"].get<size_t>(); ++i) {
    std::vector<int32_t> ids;
    for (uint64_t left = 1 + draws.below(40); left > 0; --left)
      ids.push_back(static_cast<int32_t>(draws.below(limit)));
    const std::string whole = tokenizer_.decode(ids);
    add_text(digest, whole);
    StreamingDecoder stream(tokenizer_);
    std::string joined;
    for (int32_t id : ids) {
      const std::string piece = stream.push(id);
      ASSERT_FALSE(find_invalid_utf8(piece)) << "a piece ends within a character";
      joined += piece;
    }
    ASSERT_EQ(joined + stream.finish(), whole);
  }
  EXPECT_EQ(digest.hex(), rows_["lists"]);
}

INSTANTIATE_TEST_SUITE_P(All, TokenizerFamily,
                         testing::Values("gpt2", "llama3", "qwen2.5", "qwen3", "olmo",
                                         "smollm2"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '.');
                           return name;
                         });

}  // namespace
}  // namespace srpo::text
