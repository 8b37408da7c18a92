// srpo_generate: JSON lines of prompts to continuations, or of texts to their
// log-probabilities.
#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "engine/cpu_decoder.h"
#include "engine/generation_engine.h"
#include "engine/model_info.h"
#include "engine/scorer.h"
#include "model/hf_folder.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using srpo::core::Error;
using srpo::core::ErrorKind;
using srpo::model::ModelConfig;
using srpo::records::GenerationRequest;
using srpo::records::Trajectory;

struct Options {
  std::string model;
  std::string device = "cpu";
  std::string dtype = "float32";
  std::string stop;
  int n = 1;
  int max_tokens = 256;
  int top_k = 0;
  double temperature = 1;
  double top_p = 1;
  uint64_t seed = 0;
  int batch = 16;
  int threads = 1;
  bool score = false;
  std::string info;
  int64_t context = 0;
};

/// The next line that is not blank, parsed; nothing at the end.
class Lines {
 public:
  std::optional<json> next() {
    std::string line;
    while (std::getline(std::cin, line)) {
      ++number_;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      json parsed = json::parse(line, nullptr, false);
      REQUIRE(parsed.is_object(), kBadInput,
              place() << "not a JSON object (expected one a line)");
      return parsed;
    }
    return std::nullopt;
  }
  std::string place() const { return "stdin:" + std::to_string(number_) + ": "; }

 private:
  int64_t number_ = 0;
};

/// Token ids of {"ids"}, {"messages"} or {"prompt"}. Thread-compatible.
class PromptReader {
 public:
  explicit PromptReader(const std::string& folder)
      : folder_(folder), tokenizer_(srpo::text::Tokenizer::load(folder)) {}

  const srpo::text::Tokenizer& tokenizer() const { return tokenizer_; }

  std::vector<int32_t> read(const json& line) {
    if (line.contains("ids")) return read_ids(line["ids"]);
    if (line.contains("messages")) {
      return tokenizer_.encode(
          chat_template().render(read_messages(line["messages"]), true), false);
    }
    return tokenizer_.encode(text_of(line, "prompt"));
  }

 private:
  static std::string text_of(const json& object, const char* key) {
    REQUIRE(object.is_object() && object.contains(key) && object[key].is_string(),
            kBadInput,
            "no \"" << key
                    << "\" string (a line is {\"prompt\"}, {\"messages\"} or {\"ids\"})");
    return object[key].get<std::string>();
  }

  static std::vector<int32_t> read_ids(const json& list) {
    REQUIRE(list.is_array(), kBadInput, "\"ids\" is not a list");
    std::vector<int32_t> ids;
    for (const json& id : list) {
      REQUIRE(id.is_number_unsigned() && id.get<uint64_t>() < (uint64_t{1} << 31),
              kBadInput, "\"ids\" holds something that is not a token id");
      ids.push_back(id.get<int32_t>());
    }
    return ids;
  }

  static std::vector<srpo::text::Message> read_messages(const json& list) {
    REQUIRE(list.is_array(), kBadInput, "\"messages\" is not a list");
    std::vector<srpo::text::Message> messages;
    for (const json& message : list) {
      messages.push_back({text_of(message, "role"), text_of(message, "content")});
    }
    return messages;
  }

  const srpo::text::ChatTemplate& chat_template() {
    if (!template_) template_ = srpo::text::ChatTemplate::load(folder_);
    return *template_;
  }

  std::string folder_;
  srpo::text::Tokenizer tokenizer_;
  std::optional<srpo::text::ChatTemplate> template_;
};

/// Keeps the batch full from standard input and prints in the order of the lines.
class Generation {
 public:
  Generation(const Options& options, const ModelConfig& config)
      : options_(options),
        max_positions_(config.max_positions),
        prompts_(options.model),
        engine_(config, srpo::model::load_weights(options.model),
                engine_config(options, config), [this](int32_t token) {
                  return prompts_.tokenizer().token_bytes(token);
                }) {}

  void run() {
    while (true) {
      while (!ended_ && engine_.num_unfinished() < int64_t{2} * options_.batch)
        submit_next();
      const bool worked = engine_.step();
      for (Trajectory& chain : engine_.take_finished()) {
        const auto key = std::pair(chain.id.slot, chain.id.index);
        finished_.emplace(key, std::move(chain));
      }
      print_ready();
      if (ended_ && !worked) return;
    }
  }

 private:
  static srpo::engine::EngineConfig engine_config(const Options& options,
                                                  const ModelConfig& config) {
    srpo::engine::EngineConfig made;
    made.max_sequences = options.batch;
    made.cache_tokens =
        std::max<int64_t>(config.max_positions + 64, int64_t{1024} * options.batch);
    made.threads = options.threads;
    made.weight_dtype = options.dtype;
    return made;
  }

  void submit_next() {
    const auto line = lines_.next();
    if (!line) {
      ended_ = true;
      return;
    }
    try {
      GenerationRequest request;
      request.prompt_tokens = prompts_.read(*line);
      request.sampling = {options_.temperature, options_.top_p, options_.top_k,
                          options_.seed};
      request.limits.thoughts = false;
      request.limits.stop = options_.stop;
      request.limits.response_tokens = options_.max_tokens;
      request.limits.context_tokens = static_cast<int32_t>(max_positions_);
      request.id.slot = submitted_;
      for (int i = 0; i < options_.n; ++i) {
        request.id.index = static_cast<uint16_t>(i);
        engine_.submit(request);
      }
      ++submitted_;
    } catch (const Error& error) {
      throw Error(error.kind(), lines_.place() + error.what());
    }
  }

  void print_ready() {
    while (!finished_.empty() && finished_.begin()->first == next_) {
      const Trajectory& chain = finished_.begin()->second;
      const ordered_json line = {
          {"text", prompts_.tokenizer().decode(chain.tokens, true)},
          {"ids", chain.tokens},
          {"logprobs", chain.logprobs},
          {"finish", name_of(chain.finish)}};
      std::cout << line.dump() << '\n' << std::flush;
      finished_.erase(finished_.begin());
      const bool last = next_.second + 1 == options_.n;
      next_ = last ? std::pair<uint32_t, uint16_t>(next_.first + 1, 0)
                   : std::pair<uint32_t, uint16_t>(next_.first, next_.second + 1);
    }
  }

  const Options& options_;
  int64_t max_positions_;
  PromptReader prompts_;
  srpo::engine::GenerationEngine engine_;
  Lines lines_;
  bool ended_ = false;
  uint32_t submitted_ = 0;
  std::pair<uint32_t, uint16_t> next_{0, 0};
  std::map<std::pair<uint32_t, uint16_t>, Trajectory> finished_;
};

void score(const Options& options, const ModelConfig& config) {
  PromptReader prompts(options.model);
  srpo::engine::CpuDecoder decoder(config, srpo::model::load_weights(options.model),
                                   srpo::model::parse_weight_type(options.dtype),
                                   options.threads);
  Lines lines;
  while (const auto line = lines.next()) {
    try {
      const auto ids = prompts.read(*line);
      ordered_json logprobs = ordered_json::array();
      if (!ids.empty()) logprobs.push_back(nullptr);
      for (const float value : srpo::engine::score_tokens(decoder, ids))
        logprobs.push_back(value);
      const ordered_json answer = {{"ids", ids}, {"logprobs", logprobs}};
      std::cout << answer.dump() << '\n' << std::flush;
    } catch (const Error& error) {
      throw Error(error.kind(), lines.place() + error.what());
    }
  }
}

void add_options(CLI::App& app, Options& options) {
  auto* model =
      app.add_option("--model", options.model, "Hugging Face folder of the model");
  auto* info = app.add_option(
      "--info", options.info,
      "say what this model folder holds and what memory it takes, then stop");
  app.add_option("--context", options.context,
                 "tokens of a sequence for --info; 0: as long as the model goes")
      ->needs(info)
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 24));
  info->excludes(model);
  app.add_option("--n", options.n, "continuations of each prompt")
      ->check(CLI::Range(1, 4095));
  app.add_option("--max-tokens", options.max_tokens, "tokens of a continuation, at most")
      ->check(CLI::Range(1, 1 << 24));
  app.add_option("--temperature", options.temperature, "0: greedy");
  app.add_option("--top-p", options.top_p, "draw from the likeliest tokens of this mass");
  app.add_option("--top-k", options.top_k,
                 "draw from this many likeliest tokens; 0: off");
  app.add_option("--seed", options.seed,
                 "the draws depend on it, the line and the continuation alone");
  app.add_option("--stop", options.stop, "end after this string");
  app.add_option("--batch", options.batch, "sequences at once")
      ->check(CLI::Range(1, 4096));
  app.add_option("--threads", options.threads, "processor cores to use")
      ->check(CLI::Range(1, 1024));
  app.add_option("--dtype", options.dtype, "of the stored weights: float32 or bfloat16");
  app.add_option("--device", options.device, "cpu")->check(CLI::IsMember({"cpu"}));
  app.add_flag("--score", options.score,
               "print log p(ids[i] | ids[< i]) instead; the first is null");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Continues prompts: JSON lines {\"prompt\"}, {\"messages\"} or {\"ids\"} on "
      "standard input become\n"
      "{\"text\",\"ids\",\"logprobs\",\"finish\"} on standard output, in order.");
  Options options;
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  try {
    std::ios::sync_with_stdio(false);
    at::set_num_threads(1);
    if (!options.info.empty()) {
      std::cout << srpo::engine::describe_model(
          options.info, options.context, options.batch, srpo::engine::available_memory());
      return 0;
    }
    REQUIRE(!options.model.empty(), kBadInput,
            "no model (expected --model FOLDER or --info FOLDER)");
    const ModelConfig config = ModelConfig::load(options.model);
    if (options.score) {
      score(options, config);
    } else {
      Generation(options, config).run();
    }
    return 0;
  } catch (const Error& error) {
    std::cerr << "srpo_generate: " << error.what() << '\n';
    return srpo::core::exit_code(error.kind());
  } catch (const std::exception& error) {
    std::cerr << "srpo_generate: " << error.what() << '\n';
    return srpo::core::exit_code(ErrorKind::kBug);
  }
}
