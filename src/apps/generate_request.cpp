#include "apps/generate_request.h"

#include <charconv>
#include <iostream>
#include <set>

#include "core/error.h"

namespace srpo::generate {

using nlohmann::json;
using records::GenerationRequest;
using records::LogitBias;

namespace {

std::string text_of(const json& object, const char* key) {
  REQUIRE(object.is_object() && object.contains(key) && object[key].is_string(),
          kBadInput,
          "no \"" << key
                  << "\" string (a line is {\"prompt\"}, {\"messages\"} or {\"ids\"})");
  return object[key].get<std::string>();
}

std::vector<int32_t> read_ids(const json& list) {
  REQUIRE(list.is_array(), kBadInput, "\"ids\" is not a list");
  std::vector<int32_t> ids;
  for (const json& id : list) {
    REQUIRE(id.is_number_unsigned() && id.get<uint64_t>() < (uint64_t{1} << 31),
            kBadInput, "\"ids\" holds something that is not a token id");
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

std::vector<text::Message> read_messages(const json& list) {
  REQUIRE(list.is_array(), kBadInput, "\"messages\" is not a list");
  std::vector<text::Message> messages;
  for (const json& message : list) {
    messages.push_back({text_of(message, "role"), text_of(message, "content")});
  }
  return messages;
}

template <class T>
void read_number(const json& line, const char* key, T& value) {
  if (!line.contains(key)) return;
  const json& given = line[key];
  constexpr bool kWhole = std::is_integral_v<T>;
  REQUIRE(kWhole ? given.is_number_integer() : given.is_number(), kBadInput,
          "\"" << key << "\" is " << given << " (expected a "
               << (kWhole ? "whole number" : "number") << ")");
  if constexpr (kWhole) {
    const auto wide = given.get<int64_t>();
    value = static_cast<T>(wide);
    REQUIRE(static_cast<int64_t>(value) == wide, kBadInput,
            "\"" << key << "\" is " << given << ", which is out of range");
  } else {
    value = given.get<T>();
  }
}

int32_t token_of(std::string_view text) {
  int32_t token = 0;
  const auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), token);
  REQUIRE(problem == std::errc() && end == text.data() + text.size(), kBadInput,
          "logit bias for '" << text << "' (expected a token id)");
  return token;
}

LogitBias parse_bias(const std::string& text) {
  const size_t equals = text.find('=');
  REQUIRE(equals != std::string::npos, kBadInput,
          "logit bias '" << text << "' (expected ID=BIAS)");
  const char* begin = text.c_str() + equals + 1;
  char* end = nullptr;
  const float bias = std::strtof(begin, &end);
  REQUIRE(end != begin && *end == '\0', kBadInput,
          "logit bias '" << text << "' (expected ID=BIAS)");
  return {token_of(std::string_view(text).substr(0, equals)), bias};
}

void read_biases(const json& line, std::vector<LogitBias>& biases) {
  if (!line.contains("logit_bias")) return;
  const json& given = line["logit_bias"];
  REQUIRE(given.is_object(), kBadInput,
          "\"logit_bias\" is " << given << " (expected {\"ID\": BIAS})");
  biases.clear();
  for (const auto& [token, bias] : given.items()) {
    REQUIRE(bias.is_number(), kBadInput,
            "logit bias of token " << token << " is " << bias << " (expected a number)");
    biases.push_back({token_of(token), bias.get<float>()});
  }
}

void read_stops(const json& line, std::vector<std::string>& stops) {
  if (!line.contains("stop")) return;
  const json& given = line["stop"];
  stops.clear();
  for (const json& stop : given.is_array() ? given : json::array({given})) {
    REQUIRE(stop.is_string(), kBadInput,
            "\"stop\" is " << given << " (expected a string or a list of strings)");
    stops.push_back(stop.get<std::string>());
  }
}

}  // namespace

std::optional<std::string> Lines::next() {
  std::string line;
  while (std::getline(std::cin, line)) {
    ++number_;
    if (line.find_first_not_of(" \t\r") != std::string::npos) return line;
  }
  return std::nullopt;
}

json parse_object(const std::string& line) {
  json parsed = json::parse(line, nullptr, false);
  REQUIRE(parsed.is_object(), kBadInput, "not a JSON object (expected one a line)");
  return parsed;
}

RequestReader::RequestReader(const Options& options, int64_t max_positions)
    : folder_(options.model), tokenizer_(text::Tokenizer::load(options.model)) {
  defaults_.sampling = options.sampling;
  for (const std::string& text : options.biases)
    defaults_.sampling.logit_bias.push_back(parse_bias(text));
  defaults_.limits.thoughts = false;
  defaults_.limits.stops = options.stops;
  defaults_.limits.response_tokens = options.max_tokens;
  defaults_.limits.context_tokens = static_cast<int32_t>(max_positions);
}

GenerationRequest RequestReader::read(const json& line) {
  GenerationRequest request = defaults_;
  request.prompt_tokens = read_tokens(line);
  records::Sampling& sampling = request.sampling;
  read_number(line, "temperature", sampling.temperature);
  read_number(line, "top_p", sampling.top_p);
  read_number(line, "top_k", sampling.top_k);
  read_number(line, "min_p", sampling.min_p);
  read_number(line, "repetition_penalty", sampling.repetition_penalty);
  read_number(line, "presence_penalty", sampling.presence_penalty);
  read_number(line, "frequency_penalty", sampling.frequency_penalty);
  read_number(line, "seed", sampling.seed);
  read_number(line, "max_tokens", request.limits.response_tokens);
  read_number(line, "priority", request.priority);
  read_biases(line, sampling.logit_bias);
  read_stops(line, request.limits.stops);
  return request;
}

std::vector<int32_t> RequestReader::read_tokens(const json& line) {
  if (line.contains("ids")) return read_ids(line["ids"]);
  if (line.contains("messages")) {
    return tokenizer_.encode(
        chat_template().render(read_messages(line["messages"]), true), false);
  }
  return tokenizer_.encode(text_of(line, "prompt"));
}

const text::ChatTemplate& RequestReader::chat_template() {
  if (!template_) template_ = text::ChatTemplate::load(folder_);
  return *template_;
}

}  // namespace srpo::generate
