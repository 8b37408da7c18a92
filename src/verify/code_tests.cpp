#include "verify/code_tests.h"

#include <algorithm>
#include <cctype>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "verify/bounded_json.h"

namespace srpo::verify {
namespace {

using nlohmann::json;

template <class Kind>
struct Name {
  const char* text;
  Kind kind;
};

constexpr Name<CheckerKind> kCheckers[] = {{"lines", CheckerKind::kLines},
                                           {"exact", CheckerKind::kExact},
                                           {"tokens", CheckerKind::kTokens},
                                           {"tolerance", CheckerKind::kTolerance},
                                           {"program", CheckerKind::kProgram}};
constexpr Name<CodeReward> kRewards[] = {{"fraction", CodeReward::kFraction},
                                         {"lcb_compat", CodeReward::kLcbCompat},
                                         {"all", CodeReward::kAll}};
constexpr Name<CodeExtraction> kExtractions[] = {
    {"markdown", CodeExtraction::kMarkdown},
    {"last_fences", CodeExtraction::kLastFences},
    {"whole", CodeExtraction::kWhole}};

template <class Kind, size_t kCount>
Kind kind_named(const std::string& text, const char* what,
                const Name<Kind> (&names)[kCount]) {
  std::string known;
  for (const Name<Kind>& name : names) {
    if (text == name.text) return name.kind;
    known += (known.empty() ? "" : ", ") + std::string(name.text);
  }
  throw core::Error(core::ErrorKind::kBadInput, std::string("tests: ") + what + " '" +
                                                    text + "' (expected " + known + ")");
}

std::string text_of(const json& object, const char* key) {
  const auto at = object.find(key);
  REQUIRE(at != object.end() && at->is_string(), kBadInput,
          "tests: \"" << key << "\" is "
                      << (at == object.end() ? "missing" : at->type_name())
                      << " (expected a string)");
  return at->get<std::string>();
}

const json& list_of(const json& object, const char* key) {
  const auto at = object.find(key);
  REQUIRE(at != object.end() && at->is_array(), kBadInput,
          "tests: \"" << key << "\" is "
                      << (at == object.end() ? "missing" : at->type_name())
                      << " (expected a list)");
  return *at;
}

bool has_text(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() &&
         !at->get_ref<const std::string&>().empty();
}

/// A value that published files hold either as JSON or as the text of JSON.
json unfolded(const json& value, const char* key) {
  if (!value.is_string()) return value;
  json inner = parse_bounded_json_or_none(value.get_ref<const std::string&>());
  REQUIRE(!inner.is_discarded(), kBadInput, "tests: \"" << key << "\" is not JSON");
  return inner;
}

/// `f(1)\n[2]` of LiveCodeBench: one argument a line, to a JSON list.
std::string arguments_of_lines(const std::string& text) {
  std::string list;
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string line = text.substr(start, end - start);
    start = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    REQUIRE(json::accept(line), kBadInput,
            "tests: the argument '" << line.substr(0, 80) << "' is not JSON");
    list += (list.empty() ? "" : ",") + line;
  }
  // Not parsed and dumped again: a number keeps its digits.
  return "[" + list + "]";
}

void add_test(CodeTests& tests, const json& item) {
  CodeTest test;
  if (item.contains("args")) {
    test.input = list_of(item, "args").dump();
    REQUIRE(item.contains("result"), kBadInput, "tests: \"result\" is missing");
    test.expected = item["result"].dump();
  } else {
    test.input = text_of(item, "input");
    test.expected = text_of(item, "output");
    if (tests.form == TestForm::kCall) test.input = arguments_of_lines(test.input);
  }
  tests.tests.push_back(std::move(test));
}

void read_own(const json& object, CodeTests& tests) {
  if (has_text(object, "function")) {
    tests.form = TestForm::kCall;
    tests.function = text_of(object, "function");
  }
  for (const json& item : list_of(object, "tests")) {
    REQUIRE(item.is_object(), kBadInput, "tests: a test is no object");
    add_test(tests, item);
  }
}

std::string stdin_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string text;  // APPS: a list of lines
  for (const json& line : value) {
    text += (line.is_string() ? line.get<std::string>() : line.dump()) + "\n";
  }
  return text;
}

void read_apps(const json& object, CodeTests& tests) {
  if (has_text(object, "fn_name")) {
    tests.form = TestForm::kCall;
    tests.function = text_of(object, "fn_name");
  }
  const json& inputs = list_of(object, "inputs");
  const json& outputs = list_of(object, "outputs");
  REQUIRE(inputs.size() == outputs.size(), kBadInput,
          "tests: " << inputs.size() << " inputs and " << outputs.size() << " outputs");
  for (size_t i = 0; i < inputs.size(); ++i) {
    CodeTest test;
    if (tests.form == TestForm::kStdin) {
      test.input = stdin_text(inputs[i]);
      test.expected = stdin_text(outputs[i]);
    } else if (inputs[i].is_string()) {
      test.input = arguments_of_lines(inputs[i].get<std::string>());
      test.expected =
          outputs[i].is_string() ? outputs[i].get<std::string>() : outputs[i].dump();
    } else {
      test.input =
          inputs[i].is_array() ? inputs[i].dump() : json::array({inputs[i]}).dump();
      test.expected = outputs[i].dump();
      test.or_first_item = outputs[i].is_array() && !outputs[i].empty();
    }
    tests.tests.push_back(std::move(test));
  }
  tests.with_imports = true;
}

json test_cases(const json& object, const char* key) {
  if (!object.contains(key)) return json::array();
  const json& value = object[key];
  if (!value.is_string()) return value;
  const auto& text = value.get_ref<const std::string&>();
  json cases = parse_bounded_json_or_none(text);
  if (cases.is_discarded()) cases = parse_bounded_json_or_none(unpack_test_cases(text));
  REQUIRE(cases.is_array(), kBadInput, "tests: \"" << key << "\" holds no list");
  return cases;
}

void read_live_code_bench(const json& object, CodeTests& tests) {
  const json metadata =
      object.contains("metadata") ? unfolded(object["metadata"], "metadata") : json();
  if (metadata.is_object() && has_text(metadata, "func_name")) {
    tests.form = TestForm::kCall;
    tests.function = text_of(metadata, "func_name");
  }
  for (const char* key : {"public_test_cases", "private_test_cases"}) {
    for (const json& item : test_cases(object, key)) {
      REQUIRE(item.is_object(), kBadInput, "tests: a test case is no object");
      add_test(tests, item);
    }
  }
  tests.with_imports = true;
}

void read_human_eval(const json& object, CodeTests& tests) {
  tests.form = TestForm::kCheck;
  tests.function = text_of(object, "entry_point");
  tests.prompt = object.contains("prompt") ? text_of(object, "prompt") : "";
  tests.checks.push_back(text_of(object, "test") + "\ncheck(" + tests.function + ")\n");
}

/// `assert set(similar((1, 2))) == ..`: the first called name that Python does not know.
std::string function_called(const std::string& check) {
  static constexpr const char* kKnown[] = {
      "assert", "set", "sorted",  "list", "tuple", "round", "abs",  "str", "int", "float",
      "len",    "sum", "isclose", "math", "dict",  "not",   "bool", "max", "min"};
  size_t start = 0;
  for (size_t i = 0; i < check.size(); ++i) {
    const auto c = static_cast<unsigned char>(check[i]);
    if (std::isalnum(c) || c == '_') continue;
    std::string word = check.substr(start, i - start);
    start = i + 1;
    if (c != '(' || word.empty() || std::isdigit(static_cast<unsigned char>(word[0]))) {
      continue;
    }
    if (std::find(std::begin(kKnown), std::end(kKnown), word) == std::end(kKnown)) {
      return word;
    }
  }
  throw core::Error(core::ErrorKind::kBadInput, "tests: no function is called in '" +
                                                    check.substr(0, 80) +
                                                    "' (\"function\" can name it)");
}

void read_mbpp(const json& object, CodeTests& tests) {
  tests.form = TestForm::kCheck;
  const std::string setup = has_text(object, "test_setup_code")
                                ? text_of(object, "test_setup_code") + "\n"
                                : "";
  for (const json& check : list_of(object, "test_list")) {
    REQUIRE(check.is_string(), kBadInput, "tests: a check is no string");
    tests.checks.push_back(setup + check.get<std::string>());
  }
  REQUIRE(!tests.checks.empty(), kBadInput, "tests: no checks");
  tests.function = has_text(object, "function")
                       ? text_of(object, "function")
                       : function_called(object["test_list"][0].get<std::string>());
}

void read_checker(const json& value, Checker& checker) {
  if (value.is_string()) {
    checker.kind = kind_named(value.get<std::string>(), "checker", kCheckers);
    return;
  }
  REQUIRE(value.is_object(), kBadInput, "tests: \"checker\" is no name and no object");
  checker.kind = kind_named(text_of(value, "kind"), "checker", kCheckers);
  checker.absolute = value.value("absolute", checker.absolute);
  checker.relative = value.value("relative", checker.relative);
  if (checker.kind == CheckerKind::kProgram) checker.program = text_of(value, "program");
}

void read_options(const json& object, CodeTests& tests) {
  if (object.contains("language")) tests.language = text_of(object, "language");
  if (object.contains("checker")) read_checker(object["checker"], tests.checker);
  if (object.contains("reward")) {
    tests.reward = kind_named(text_of(object, "reward"), "reward", kRewards);
    if (tests.reward == CodeReward::kLcbCompat) {
      tests.extraction = CodeExtraction::kLastFences;
    }
  }
  if (object.contains("extraction")) {
    tests.extraction =
        kind_named(text_of(object, "extraction"), "extraction", kExtractions);
  }
  tests.with_imports = object.value("imports", tests.with_imports);
  tests.time_limit_s = object.value("time_limit_s", tests.time_limit_s);
  tests.memory_mb = object.value("memory_mb", tests.memory_mb);
  REQUIRE(tests.time_limit_s > 0 && tests.time_limit_s <= 3600, kBadInput,
          "tests: time_limit_s=" << tests.time_limit_s << " (expected 0 .. 3600)");
  REQUIRE(tests.form == TestForm::kStdin || tests.language == "python", kBadInput,
          "tests: a function of language '" << tests.language
                                            << "' cannot be called (expected python)");
}

CodeTests read_tests(const json& object) {
  REQUIRE(object.is_object(), kBadInput, "tests: no JSON object");
  CodeTests tests;
  if (object.contains("public_test_cases") || object.contains("private_test_cases")) {
    read_live_code_bench(object, tests);
  } else if (object.contains("entry_point")) {
    read_human_eval(object, tests);
  } else if (object.contains("test_list")) {
    read_mbpp(object, tests);
  } else if (object.contains("inputs")) {
    read_apps(object, tests);
  } else {
    read_own(object, tests);
  }
  read_options(object, tests);
  REQUIRE(tests.size() > 0, kBadInput, "tests: there are none");
  return tests;
}

}  // namespace

CodeTests parse_code_tests(const std::string& reference) {
  try {
    const json object = parse_bounded_json(reference);
    // The method's side files: {"input_output": "{\"inputs\": ..}"}.
    if (object.is_object() && object.contains("input_output")) {
      json inner = unfolded(object["input_output"], "input_output");
      for (const auto& [key, value] : object.items()) {
        if (key != "input_output" && inner.is_object()) inner[key] = value;
      }
      return read_tests(inner);
    }
    return read_tests(object);
  } catch (const json::exception& error) {
    throw core::Error(core::ErrorKind::kBadInput, std::string("tests: ") + error.what());
  }
}

}  // namespace srpo::verify
