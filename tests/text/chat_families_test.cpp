// The chat templates of the families against digests of transformers.apply_chat_template.
#include <gtest/gtest.h>

#include "core/error.h"
#include "golden.h"
#include "text/chat_template.h"

namespace srpo::text {
namespace {

using nlohmann::ordered_json;

std::string digest_of(const std::string& text) {
  uint64_t value = 0xCBF29CE484222325u;
  for (char c : text) value = (value ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(value));
  return hex;
}

class ChatFamily : public testing::TestWithParam<const char*> {};

TEST_P(ChatFamily, WritesWhatTransformersWritesForSeededConversations) {
  const std::filesystem::path folder = golden_folder() / "chat_families";
  const auto cases = ordered_json::parse(core::read_file(folder / "cases.json"));
  TokenizerConfig config;
  config.bos_token = "<s>";
  config.eos_token = "</s>";
  const std::string file = std::string(GetParam()) + ".jinja";
  const ChatTemplate chat(core::read_file(folder / file), config, file);
  const auto& expected = cases["expected"][GetParam()];
  ASSERT_EQ(expected.size(), 200u);
  size_t rendered = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto& request = cases["requests"][i];
    if (expected[i].is_null()) {
      EXPECT_THROW(chat.render(request), core::Error) << "request " << i;
      continue;
    }
    ++rendered;
    try {
      const std::string text = chat.render(request);
      EXPECT_EQ(digest_of(text), expected[i]) << "request " << i << ": " << text;
    } catch (const core::Error& error) {
      ADD_FAILURE() << "request " << i << ": " << error.what();
    }
  }
  EXPECT_GT(rendered, 100u);
}

INSTANTIATE_TEST_SUITE_P(All, ChatFamily,
                         testing::Values("llama3_like", "macros_like", "olmo2", "olmo3",
                                         "qwen2.5", "qwen3", "smollm2"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '.');
                           return name;
                         });

}  // namespace
}  // namespace srpo::text
