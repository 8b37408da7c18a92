// srpo_tokenize: JSON lines of text to token ids and back.
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace {

using nlohmann::ordered_json;
using srpo::core::Error;
using srpo::core::ErrorKind;

struct Options {
  std::string tokenizer;
  std::string file = "-";
  bool decode = false;
  bool chat = false;
  bool no_generation_prompt = false;
  bool no_special = false;
  bool skip_special = false;
};

/// The field of a line; throws kBadInput when it is missing or `is_right` says no.
const ordered_json& field(const ordered_json& line, const char* key,
                          bool (ordered_json::*is_right)() const noexcept,
                          const char* expected) {
  REQUIRE(line.is_object(), kBadInput,
          line.type_name() << " found (expected an object with \"" << key << "\")");
  const auto found = line.find(key);
  REQUIRE(found != line.end(), kBadInput,
          "no \"" << key << "\" (expected {\"" << key << "\": " << expected << "})");
  REQUIRE(
      ((*found).*is_right)(), kBadInput,
      "\"" << key << "\" is " << found->type_name() << " (expected " << expected << ")");
  return *found;
}

std::vector<int32_t> read_ids(const ordered_json& line, int32_t vocab_size) {
  std::vector<int32_t> ids;
  for (const ordered_json& id :
       field(line, "ids", &ordered_json::is_array, "a list of token ids")) {
    REQUIRE(
        id.is_number_unsigned() && id.get<uint64_t>() < static_cast<uint64_t>(vocab_size),
        kBadInput, "token id " << id.dump() << " (expected 0.." << vocab_size - 1 << ")");
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

/// Answers one line at a time. One thread only.
class LineTokenizer {
 public:
  explicit LineTokenizer(const Options& options)
      : options_(options), tokenizer_(srpo::text::Tokenizer::load(options.tokenizer)) {
    if (options_.chat) template_ = srpo::text::ChatTemplate::load(options_.tokenizer);
  }

  ordered_json answer(const ordered_json& line) const {
    if (options_.decode) {
      return {{"text", tokenizer_.decode(read_ids(line, tokenizer_.vocab_size()),
                                         options_.skip_special)}};
    }
    if (options_.chat) {
      ordered_json request = line;
      if (request.is_object() && !request.contains("add_generation_prompt"))
        request["add_generation_prompt"] = !options_.no_generation_prompt;
      const std::string text = template_->render(request);
      // The template writes the special tokens itself.
      return {{"text", text}, {"ids", tokenizer_.encode(text, false)}};
    }
    const ordered_json& text = field(line, "text", &ordered_json::is_string, "a string");
    return {{"ids", tokenizer_.encode(text.get_ref<const std::string&>(),
                                      !options_.no_special)}};
  }

 private:
  const Options& options_;
  srpo::text::Tokenizer tokenizer_;
  std::optional<srpo::text::ChatTemplate> template_;
};

void run(const Options& options) {
  const LineTokenizer tokenizer(options);
  std::ifstream file;
  const bool from_stdin = options.file == "-";
  if (!from_stdin) {
    file.open(options.file, std::ios::binary);
    REQUIRE(file.good(), kBadInput, "cannot read " << options.file);
  }
  std::istream& input = from_stdin ? std::cin : file;
  const std::string name = from_stdin ? "stdin" : options.file;
  std::string line;
  for (int64_t number = 1; std::getline(input, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = name + ":" + std::to_string(number) + ": ";
    ordered_json parsed = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    REQUIRE(!parsed.is_discarded(), kBadInput,
            place << "not JSON (expected one object a line)");
    try {
      std::cout << tokenizer.answer(parsed).dump() << '\n';
    } catch (const Error& error) {
      throw Error(error.kind(), place + error.what());
    }
  }
  std::cout.flush();
  REQUIRE(std::cout.good(), kNoSpace, "cannot write to standard output");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{
      "Reads JSON lines {\"text\": ...} and writes {\"ids\": [...]}, in order.\n"
      "With --decode: {\"ids\"} to {\"text\"}. With --chat: {\"messages\": [{\"role\", "
      "\"content\"}, ...]}\nto {\"text\", \"ids\"} by the model's chat template; a line "
      "may also hold "
      "\"tools\", \"documents\",\n\"add_generation_prompt\" and any other variable of "
      "the template."};
  app.name("srpo_tokenize");
  app.add_option("--tokenizer", options.tokenizer, "tokenizer.json or the model's folder")
      ->required();
  app.add_option("file", options.file, "JSON lines; - or nothing for standard input");
  auto* decode = app.add_flag("--decode", options.decode, "token ids to text");
  app.add_flag("--chat", options.chat, "render messages first")->excludes(decode);
  app.add_flag("--no-generation-prompt", options.no_generation_prompt,
               "with --chat: do not open the assistant's turn");
  app.add_flag("--no-special-tokens", options.no_special,
               "do not put the tokenizer's special tokens around a text");
  app.add_flag("--skip-special", options.skip_special,
               "with --decode: leave special tokens out");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : srpo::core::exit_code(ErrorKind::kBadInput);
  }
  std::ios::sync_with_stdio(false);
  try {
    run(options);
  } catch (const Error& error) {
    std::cout.flush();
    std::cerr << "srpo_tokenize: " << error.what() << '\n';
    return srpo::core::exit_code(error.kind());
  }
  return 0;
}
