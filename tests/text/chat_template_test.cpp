#include "text/chat_template.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "golden.h"

namespace srpo::text {
namespace {

using nlohmann::json;

TokenizerConfig golden_config() {
  TokenizerConfig config;
  config.bos_token = "<s>";
  config.eos_token = "</s>";
  return config;
}

std::vector<Message> messages_of(const json& list) {
  std::vector<Message> messages;
  for (const json& message : list) {
    messages.push_back(
        {message["role"].get<std::string>(), message["content"].get<std::string>()});
  }
  return messages;
}

std::string render(const std::string& source, const std::vector<Message>& messages = {}) {
  return ChatTemplate(source, golden_config(), "chat_template.jinja")
      .render(messages, true);
}

TEST(ChatTemplate, WritesWhatJinja2Writes) {
  const json cases = read_golden("tokenizer_chat/cases.json");
  ASSERT_GT(cases.size(), 300u);
  for (const json& golden : cases) {
    const auto run = [&] {
      return ChatTemplate(golden["template"].get<std::string>(), golden_config(),
                          "golden")
          .render(messages_of(golden["messages"]), golden["prompt"].get<bool>());
    };
    if (golden["expected"].is_null()) {
      EXPECT_THROW(run(), core::Error) << golden["template"];
      continue;
    }
    try {
      EXPECT_EQ(run(), golden["expected"])
          << golden["name"] << ": " << golden["template"];
    } catch (const core::Error& error) {
      ADD_FAILURE() << golden["template"] << ": " << error.what();
    }
  }
}

void expect_refused(const std::string& source, const std::string& message) {
  try {
    render(source);
    ADD_FAILURE() << source << " was accepted";
  } catch (const core::Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(message));
  }
}

TEST(ChatTemplate, NamesPlaceAndLineOfWhatItDoesNotKnow) {
  expect_refused("a\n\n{% call f() %}", "chat_template.jinja:3: the tag 'call'");
  expect_refused("{{ 'a' | wordwrap }}", "chat_template.jinja:1: the filter 'wordwrap'");
  expect_refused("{{ strftime_now('%Q') }}", "the time format '%Q'");
  expect_refused("{{ joiner(',') }}", "the function 'joiner'");
  expect_refused("{{ 1 is divisibleby(3) }}", "the test 'divisibleby'");
  expect_refused("{{ 'a'.__class__ .x }}", "'__class__' is undefined");
  expect_refused("{{ 'a'.format(1) }}", "the method 'format'");
  expect_refused("{% include 'x' %}", "the tag 'include'");
  expect_refused("{{ missing.role }}", "'missing' is undefined");
  expect_refused("{{ 'a' + {'b': 1}['content'] }}", "'content' is undefined");
  expect_refused("{{ [1]|join(sep='x') }}", "'join' has no argument 'sep'");
}

TEST(ChatTemplate, PassesOnWhatTheTemplateRefuses) {
  try {
    render("{{ raise_exception('only users') }}");
    FAIL();
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), testing::HasSubstr("only users"));
  }
}

TEST(ChatTemplate, StopsWhatRunsTooLongOrTooLarge) {
  const std::string loop = "{% for a in range(100000) %}";
  const std::string end = "{% endfor %}";
  expect_refused(loop + loop + "x" + end + end, "runs too long");
  expect_refused("{{ 'x' * 1000000000 }}", "too long");
  expect_refused("{% set ns = namespace(s='xxxxxxxx') %}" + loop +
                     "{% set ns.s = ns.s ~ ns.s %}" + end,
                 "too long");
  expect_refused(
      "{% set ns = namespace(l=[]) %}" + loop + "{% set ns.l = [ns.l] %}" + end,
      "nested deeper");
  expect_refused("{% set ns = namespace() %}{% set ns.self = ns %}",
                 "a namespace inside");
  expect_refused(
      "{{ " + std::string(100000, '(') + "1" + std::string(100000, ')') + " }}",
      "too deeply");
  std::string sum = "{{ 1";
  for (int i = 0; i < 10000; ++i) sum += " + 1";
  expect_refused(sum + " }}", "too deeply");
  std::string blocks;
  for (int i = 0; i < 10000; ++i) blocks += "{% if 1 %}";
  expect_refused(blocks, "too deeply");
}

TEST(ChatTemplate, StopsWorkThatHidesInOneCall) {
  const std::string list = "{% set l = range(100000)|list %}";
  const std::string text = "{% set t = 'x' * 10000000 %}";
  expect_refused(
      "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = "
      "[ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
      "a value of more than");
  expect_refused(text + list + "{{ l|join(t) }}", "too long");
  expect_refused(text + "{{ t|replace('x', t) }}", "too long");
  expect_refused("{% set t = '\n' * 1000000 %}{{ t|indent(1000, true, true) }}",
                 "too long");
  expect_refused(text + list + "{{ l|map('string')|map('replace', '1', t)|list|length }}",
                 "long");
  expect_refused(list + "{% for i in l %}{{ i in l }}{% endfor %}", "runs too long");
  expect_refused("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "too deeply");
  expect_refused("{% macro f(x) %}{{ f(x) }}{{ f(x) }}{% endmacro %}{{ f(1) }}",
                 "too deeply");
  expect_refused(
      "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = "
      "ns.l + ns.l %}{% endfor %}",
      "chat_template.jinja:1: ");
}

TEST(ChatTemplate, RunsMacrosWithDefaultsAndNamedArguments) {
  EXPECT_EQ(
      render("{% set g = 'G' %}{% macro f(a, b='B', c=a) %}{{ a }}{{ b }}{{ c }}{{ g "
             "}}{% endmacro %}{{ f(1) }} {{ f(1, c=3) }} {{ f('x', 'y', 'z') }}"),
      "1B1G 1B3G xyzG");
  EXPECT_EQ(
      render("{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro "
             "%}{{ f(3) }}"),
      "3210");
  EXPECT_EQ(
      render("{% macro f(n) %}{{ i }}{% endmacro %}{% for i in [1] %}[{{ f(2) }}]{% "
             "endfor %}"),
      "[]");
  expect_refused("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "too many arguments");
  expect_refused("{% macro f(a=1, b) %}{% endmacro %}", "expected a default");
}

TEST(ChatTemplate, TellsTheTimeItIsGiven) {
  const ChatTemplate chat("{{ strftime_now('%d %b %Y') if strftime_now is defined }}", {},
                          "t");
  EXPECT_EQ(chat.at_time(1'700'000'000).render({}, true), "14 Nov 2023");
}

TEST(ChatTemplate, KeepsTheOrderOfToolsAndTakesFurtherVariables) {
  const ChatTemplate chat("{{ tools|tojson }} {{ messages[0].tool_calls }} {{ x.y }}", {},
                          "t");
  const auto request = nlohmann::ordered_json::parse(
      R"({"messages": [{"role": "user", "tool_calls": [{"b": 1, "a": null}]}],
          "tools": [{"z": 1.5, "a": [true]}], "x": {"y": "\u00e9"}})");
  EXPECT_EQ(chat.render(request),
            "[{\"z\": 1.5, \"a\": [true]}] [{'b': 1, 'a': None}] \u00e9");
}

TEST(ChatTemplate, SaysWhatIsWrongWithARequest) {
  const ChatTemplate chat("x", {}, "t");
  const auto expect_wrong = [&](const std::string& request, const std::string& message) {
    try {
      chat.render(nlohmann::ordered_json::parse(request));
      ADD_FAILURE() << request;
    } catch (const core::Error& error) {
      EXPECT_EQ(error.kind(), core::ErrorKind::kBadInput);
      EXPECT_THAT(error.what(), testing::HasSubstr(message));
    }
  };
  expect_wrong("[]", "expected an object");
  expect_wrong("{}", "without a list \"messages\"");
  expect_wrong(R"({"messages": [1]})", "\"messages\" has number");
  expect_wrong(R"({"messages": [], "n": 18446744073709551615})", "\"n\" is 184");
  expect_wrong(
      R"({"messages": [], "n": )" + std::string(100, '[') + std::string(100, ']') + "}",
      "\"n\" is nested deeper");
}

/// Damaged templates end in a core::Error or in a text, never in anything else.
TEST(ChatTemplate, SurvivesRandomDamage) {
  const json cases = read_golden("tokenizer_chat/cases.json");
  std::mt19937 random(4);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    const json& golden = cases[random() % cases.size()];
    std::string source = golden["template"];
    const std::string donor = cases[random() % cases.size()]["template"];
    for (size_t i = 0; i < 1 + random() % 3; ++i) {
      const size_t at = random() % (source.size() + 1);
      if (random() % 2 == 0) {
        source.erase(at, 1 + random() % 6);
      } else {
        source.insert(at, donor, random() % (donor.size() + 1), random() % 12);
      }
    }
    try {
      render(source, messages_of(golden["messages"]));
    } catch (const core::Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 300);
}

class TemplateFolder : public testing::Test {
 protected:
  TemplateFolder() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~TemplateFolder() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& content) {
    core::write_file(folder_ / name, content);
  }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / "srpo_template_folder";
};

TEST_F(TemplateFolder, PrefersTheFileOfItsOwn) {
  EXPECT_FALSE(ChatTemplate::exists(folder_));
  EXPECT_THROW(ChatTemplate::load(folder_), core::Error);
  write("tokenizer_config.json",
        R"({"chat_template": "config {{ eos_token }}", "eos_token": "<e>"})");
  EXPECT_EQ(ChatTemplate::load(folder_).render({}, true), "config <e>");
  write("chat_template.jinja", "file {{ eos_token }}\n");
  EXPECT_TRUE(ChatTemplate::exists(folder_));
  EXPECT_EQ(ChatTemplate::load(folder_).render({}, true), "file <e>");
}

TEST_F(TemplateFolder, TakesTheDefaultOfSeveral) {
  write(
      "tokenizer_config.json",
      R"({"chat_template": [{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}]})");
  EXPECT_EQ(ChatTemplate::load(folder_).render({}, true), "d");
}

}  // namespace
}  // namespace srpo::text
