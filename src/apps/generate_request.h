// What srpo_generate is asked for: options of the command line, and lines that may say
// otherwise for themselves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "records/generation_request.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace srpo::generate {

struct Options {
  std::string model;
  std::string device = "cpu";
  std::string dtype = "float32";
  std::vector<std::string> stops;
  std::vector<std::string> biases;  ///< ID=BIAS
  int n = 1;
  int best_of = 0;  ///< drawn of each prompt; 0: n
  int max_tokens = 256;
  records::Sampling sampling{1, 1, 0, 0};
  int batch = 16;
  int threads = 1;
  bool score = false;
  bool stream = false;
  std::string info;     ///< folder to describe instead
  int64_t context = 0;  ///< for that; 0: as long as the model goes

  int drawn() const { return best_of > 0 ? best_of : n; }
};

/// Lines of standard input that are not blank.
class Lines {
 public:
  /// The next one, not parsed yet; nothing at the end.
  std::optional<std::string> next();
  std::string place() const { return "stdin:" + std::to_string(number_) + ": "; }

 private:
  int64_t number_ = 0;
};

/// Throws kBadInput unless `line` is a JSON object.
nlohmann::json parse_object(const std::string& line);

/// Requests of lines {"ids"}, {"messages"} or {"prompt"}. Any of "temperature", "top_p",
/// "top_k", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty",
/// "logit_bias" ({"ID": BIAS}), "seed", "stop" (a string or a list), "max_tokens" and
/// "priority" beside them counts instead of the option. Thread-compatible.
class RequestReader {
 public:
  /// Throws kBadInput for a bias that is not ID=BIAS.
  RequestReader(const Options& options, int64_t max_positions);

  const text::Tokenizer& tokenizer() const { return tokenizer_; }

  /// All but the id. Throws kBadInput by a sentence.
  records::GenerationRequest read(const nlohmann::json& line);
  std::vector<int32_t> read_tokens(const nlohmann::json& line);

 private:
  const text::ChatTemplate& chat_template();

  std::string folder_;
  records::GenerationRequest defaults_;
  text::Tokenizer tokenizer_;
  std::optional<text::ChatTemplate> template_;
};

}  // namespace srpo::generate
