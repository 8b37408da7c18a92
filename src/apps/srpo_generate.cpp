// srpo_generate: JSON lines of prompts to continuations, or of texts to their
// log-probabilities.
#include <algorithm>
#include <iostream>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/generate_request.h"
#include "core/error.h"
#include "engine/cpu_decoder.h"
#include "engine/generation_engine.h"
#include "engine/memory_plan.h"
#include "engine/model_info.h"
#include "engine/scorer.h"
#include "model/hf_folder.h"

namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using srpo::core::Error;
using srpo::core::ErrorKind;
using srpo::generate::Lines;
using srpo::generate::Options;
using srpo::generate::RequestReader;
using srpo::model::ModelConfig;
using srpo::records::GenerationRequest;
using srpo::records::Trajectory;

/// Says what is wrong with a line, on standard error and as its answer.
class Complaints {
 public:
  void add(const Error& error, const std::string& place) {
    const std::string sentence = place + error.what();
    std::cerr << "srpo_generate: " << sentence << '\n';
    any_ = true;
    last_ = sentence;
  }
  ordered_json answer() const { return {{"error", last_}}; }
  int exit_code() const { return any_ ? srpo::core::exit_code(ErrorKind::kBadInput) : 0; }

 private:
  bool any_ = false;
  std::string last_;
};

/// Prints a continuation's text while it is drawn, whole characters at a time.
class Streamer {
 public:
  explicit Streamer(const srpo::text::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  void add(int32_t token) {
    tokens_.push_back(token);
    const std::string text = tokenizer_.decode(tokens_, true);
    const bool broken = text.ends_with("\xEF\xBF\xBD");  // maybe half a character
    if (!broken) print(text);
  }

  void end() {
    print(tokenizer_.decode(tokens_, true));
    std::cout << '\n' << std::flush;
    tokens_.clear();
    printed_ = 0;
  }

 private:
  void print(const std::string& text) {
    std::cout << text.substr(std::min(printed_, text.size())) << std::flush;
    printed_ = text.size();
  }

  const srpo::text::Tokenizer& tokenizer_;
  std::vector<int32_t> tokens_;
  size_t printed_ = 0;
};

/// Keeps the batch full from standard input and prints in the order of the lines.
class Generation {
 public:
  Generation(const Options& options, const ModelConfig& config)
      : options_(options),
        requests_(options, config.max_positions),
        streamer_(requests_.tokenizer()),
        engine_(config, srpo::model::load_weights(options.model),
                engine_config(options, config), [this](int32_t token) {
                  return requests_.tokenizer().token_bytes(token);
                }) {
    if (options.stream) {
      engine_.set_listener([this](const auto&, int32_t token) { streamer_.add(token); });
    }
  }

  int run() {
    const int64_t most = options_.stream ? 1 : int64_t{2} * options_.batch;
    while (true) {
      while (!ended_ && engine_.num_unfinished() < most) submit_next();
      const bool worked = engine_.step();
      for (Trajectory& chain : engine_.take_finished())
        finished_[chain.id.slot].push_back(std::move(chain));
      print_ready();
      if (ended_ && !worked) return complaints_.exit_code();
    }
  }

 private:
  static srpo::engine::EngineConfig engine_config(const Options& options,
                                                  const ModelConfig& config) {
    srpo::engine::EngineConfig made;
    made.max_sequences = options.batch;
    made.threads = options.threads;
    made.weight_dtype = options.dtype;
    // A thousand tokens for each sequence, less where memory is short: one of full
    // length has to fit, the others wait or are computed again.
    made.cache_tokens = int64_t{1024} * options.batch;
    const auto plan = plan_memory(config, made);
    const int64_t left =
        srpo::engine::available_memory() / 4 * 3 - plan.weights - plan.activations;
    const int64_t fitting = left / (plan.cache / made.cache_tokens);
    made.cache_tokens = std::max<int64_t>(config.max_positions + 64,
                                          std::min(made.cache_tokens, fitting));
    return made;
  }

  void submit_next() {
    const auto line = lines_.next();
    if (!line) {
      ended_ = true;
      return;
    }
    const uint32_t slot = submitted_++;
    try {
      GenerationRequest request = requests_.read(srpo::generate::parse_object(*line));
      request.id.slot = slot;
      for (int i = 0; i < options_.drawn(); ++i) {
        request.id.index = static_cast<uint16_t>(i);
        engine_.submit(request);
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) throw;
      complaints_.add(error, lines_.place());
      refused_[slot] = complaints_.answer();
    }
  }

  void print_ready() {
    while (true) {
      if (const auto refused = refused_.find(next_); refused != refused_.end()) {
        std::cout << refused->second.dump() << '\n' << std::flush;
        refused_.erase(refused);
      } else if (const auto done = finished_.find(next_);
                 done != finished_.end() &&
                 done->second.size() == static_cast<size_t>(options_.drawn())) {
        print(done->second);
        finished_.erase(done);
      } else {
        return;
      }
      ++next_;
    }
  }

  static double total_logprob(const Trajectory& chain) {
    return std::accumulate(chain.logprobs.begin(), chain.logprobs.end(), 0.0);
  }

  /// In order of drawing; of more than are wanted, the likeliest first.
  void print(std::vector<Trajectory>& chains) {
    if (options_.stream) return streamer_.end();
    std::sort(chains.begin(), chains.end(),
              [](const auto& a, const auto& b) { return a.id.index < b.id.index; });
    if (options_.drawn() > options_.n) {
      std::stable_sort(chains.begin(), chains.end(), [](const auto& a, const auto& b) {
        return total_logprob(a) > total_logprob(b);
      });
    }
    for (int i = 0; i < options_.n; ++i) {
      const Trajectory& chain = chains[static_cast<size_t>(i)];
      const ordered_json line = {
          {"text", requests_.tokenizer().decode(chain.tokens, true)},
          {"ids", chain.tokens},
          {"logprobs", chain.logprobs},
          {"truncated_logprobs", chain.truncated_logprobs},
          {"finish", name_of(chain.finish)}};
      std::cout << line.dump() << '\n' << std::flush;
    }
  }

  const Options& options_;
  RequestReader requests_;
  Streamer streamer_;
  srpo::engine::GenerationEngine engine_;
  Lines lines_;
  Complaints complaints_;
  bool ended_ = false;
  uint32_t submitted_ = 0;
  uint32_t next_ = 0;
  std::map<uint32_t, std::vector<Trajectory>> finished_;  ///< by line
  std::map<uint32_t, ordered_json> refused_;
};

int score(const Options& options, const ModelConfig& config) {
  RequestReader requests(options, config.max_positions);
  srpo::engine::CpuDecoder decoder(config, srpo::model::load_weights(options.model),
                                   srpo::model::parse_weight_type(options.dtype),
                                   options.threads);
  Lines lines;
  Complaints complaints;
  while (const auto line = lines.next()) {
    ordered_json answer;
    try {
      const auto ids = requests.read_tokens(srpo::generate::parse_object(*line));
      ordered_json logprobs = ordered_json::array();
      if (!ids.empty()) logprobs.push_back(nullptr);
      for (const float value : srpo::engine::score_tokens(decoder, ids))
        logprobs.push_back(value);
      answer = {{"ids", ids}, {"logprobs", logprobs}};
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) throw;
      complaints.add(error, lines.place());
      answer = complaints.answer();
    }
    std::cout << answer.dump() << '\n' << std::flush;
  }
  return complaints.exit_code();
}

void add_sampling_options(CLI::App& app, Options& options) {
  auto& sampling = options.sampling;
  app.add_option("--temperature", sampling.temperature, "0: greedy");
  app.add_option("--top-p", sampling.top_p,
                 "draw from the likeliest tokens of this mass");
  app.add_option("--top-k", sampling.top_k,
                 "draw from this many likeliest tokens; 0: off");
  app.add_option("--min-p", sampling.min_p,
                 "draw from tokens at least this share as likely as the likeliest");
  app.add_option("--repetition-penalty", sampling.repetition_penalty,
                 "divides positive logits of tokens seen so far and multiplies others; "
                 "1: off");
  app.add_option("--presence-penalty", sampling.presence_penalty,
                 "taken from the logits of tokens drawn so far");
  app.add_option("--frequency-penalty", sampling.frequency_penalty,
                 "taken once for each time a token was drawn");
  app.add_option("--logit-bias", options.biases, "ID=BIAS, added to a token's logit")
      ->allow_extra_args(false);
  app.add_option("--seed", sampling.seed,
                 "the draws depend on it, the line and the continuation alone");
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
  app.add_option("--best-of", options.best_of,
                 "draw this many of each prompt and print the n likeliest")
      ->check(CLI::Range(1, 4095));
  app.add_option("--max-tokens", options.max_tokens, "tokens of a continuation, at most")
      ->check(CLI::Range(1, 1 << 24));
  add_sampling_options(app, options);
  app.add_option("--stop", options.stops, "end after this string; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--batch", options.batch, "sequences at once")
      ->check(CLI::Range(1, 4096));
  app.add_option("--threads", options.threads, "processor cores to use")
      ->check(CLI::Range(1, 1024));
  app.add_option("--dtype", options.dtype,
                 "float32, or bfloat16: of weights and products, added in float32");
  app.add_option("--device", options.device, "cpu")->check(CLI::IsMember({"cpu"}));
  app.add_flag("--stream", options.stream,
               "print texts while they are drawn, one prompt after another");
  app.add_flag("--score", options.score,
               "print log p(ids[i] | ids[< i]) instead; the first is null");
}

int run(const Options& options) {
  REQUIRE(options.best_of == 0 || options.best_of >= options.n, kBadInput,
          "--best-of " << options.best_of << " is fewer than --n " << options.n);
  REQUIRE(!options.stream || options.drawn() == 1, kBadInput,
          "--stream prints one continuation of each prompt (leave out --n and "
          "--best-of)");
  const ModelConfig config = ModelConfig::load(options.model);
  if (options.score) return score(options, config);
  return Generation(options, config).run();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Continues prompts: JSON lines {\"prompt\"}, {\"messages\"} or {\"ids\"} on "
      "standard input become\n"
      "{\"text\",\"ids\",\"logprobs\",\"truncated_logprobs\",\"finish\"} on standard "
      "output, in order. A line may hold its own\n"
      "\"temperature\", \"top_p\", \"top_k\", \"min_p\", \"repetition_penalty\", "
      "\"presence_penalty\", \"frequency_penalty\",\n"
      "\"logit_bias\", \"seed\", \"stop\", \"max_tokens\" and \"priority\". A line that "
      "cannot be answered becomes {\"error\"}, and the\n"
      "program ends with 64 after the others.");
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
    return run(options);
  } catch (const Error& error) {
    std::cerr << "srpo_generate: " << error.what() << '\n';
    return srpo::core::exit_code(error.kind());
  } catch (const std::exception& error) {
    std::cerr << "srpo_generate: " << error.what() << '\n';
    return srpo::core::exit_code(ErrorKind::kBug);
  }
}
