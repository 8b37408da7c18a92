#include "model/model_config.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"

namespace srpo::model {
namespace {

using Json = nlohmann::json;

/// One JSON object of a file; every complaint names file, key, what was found and what
/// was expected.
class Section {
 public:
  Section(const Json& json, std::string file) : json_(json), file_(std::move(file)) {}

  bool has(const char* key) const { return json_.contains(key) && !json_[key].is_null(); }

  int64_t size(const char* key, int64_t most) const {
    REQUIRE(has(key), kBadFile, file_ << ": no key '" << key << "'");
    const Json& value = json_[key];
    REQUIRE(value.is_number_integer() && value.get<int64_t>() >= 1 &&
                value.get<int64_t>() <= most,
            kBadFile,
            file_ << ": '" << key << "' is " << shown(value) << " (expected 1 to " << most
                  << ")");
    return value.get<int64_t>();
  }
  int64_t size_or(const char* key, int64_t most, int64_t otherwise) const {
    return has(key) ? size(key, most) : otherwise;
  }
  double positive_or(const char* key, double otherwise) const {
    if (!has(key)) return otherwise;
    const Json& value = json_[key];
    REQUIRE(value.is_number() && value.get<double>() > 0 &&
                std::isfinite(value.get<double>()),
            kBadFile,
            file_ << ": '" << key << "' is " << shown(value)
                  << " (expected a positive number)");
    return value.get<double>();
  }
  bool flag_or(const char* key, bool otherwise) const {
    if (!has(key)) return otherwise;
    REQUIRE(json_[key].is_boolean(), kBadFile,
            file_ << ": '" << key << "' is " << shown(json_[key])
                  << " (expected true or false)");
    return json_[key].get<bool>();
  }
  std::string text_or(const char* key, const std::string& otherwise) const {
    if (!has(key)) return otherwise;
    REQUIRE(
        json_[key].is_string(), kBadFile,
        file_ << ": '" << key << "' is " << shown(json_[key]) << " (expected a string)");
    return json_[key].get<std::string>();
  }
  Section inner(const char* key) const {
    REQUIRE(
        json_[key].is_object(), kBadFile,
        file_ << ": '" << key << "' is " << shown(json_[key]) << " (expected an object)");
    return Section(json_[key], file_ + ": " + key);
  }
  /// A token id, a list of them, or nothing.
  std::vector<int32_t> token_ids(const char* key, int64_t vocab_size) const {
    std::vector<int32_t> ids;
    if (!has(key)) return ids;
    const Json list = json_[key].is_array() ? json_[key] : Json::array({json_[key]});
    for (const Json& id : list) {
      REQUIRE(id.is_number_integer() && id.get<int64_t>() >= 0 &&
                  id.get<int64_t>() < vocab_size,
              kBadFile,
              file_ << ": '" << key << "' has " << shown(id) << " (expected 0 to "
                    << vocab_size - 1 << ")");
      ids.push_back(static_cast<int32_t>(id.get<int64_t>()));
    }
    return ids;
  }

  const std::string& file() const { return file_; }

 private:
  static std::string shown(const Json& value) {
    const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    return text.size() <= 60 ? text : text.substr(0, 57) + "...";
  }

  const Json& json_;
  std::string file_;
};

Json parse_object(const std::string& text, const std::string& file) {
  Json json = Json::parse(text, nullptr, false);
  REQUIRE(json.is_object(), kBadFile, file << ": not a JSON object");
  return json;
}

void refuse_what_is_not_implemented(const Section& section) {
  const std::string& file = section.file();
  const std::string type = section.text_or("model_type", "");
  REQUIRE(type == "llama", kBadFile,
          file << ": model_type '" << type << "' is not implemented (expected llama)");
  const std::string activation = section.text_or("hidden_act", "silu");
  REQUIRE(
      activation == "silu", kBadFile,
      file << ": hidden_act '" << activation << "' is not implemented (expected silu)");
  for (const char* key : {"attention_bias", "mlp_bias"}) {
    REQUIRE(!section.flag_or(key, false), kBadFile,
            file << ": " << key << " is true, which is not implemented (expected false)");
  }
}

void refuse_scaling(const Section& rope, const char* type_key) {
  const std::string type = rope.text_or(type_key, "default");
  REQUIRE(type == "default", kBadFile,
          rope.file() << ": " << type_key << " '" << type
                      << "' is not implemented (expected default)");
}

double read_rope_theta(const Section& section) {
  double theta = section.positive_or("rope_theta", 10000);
  if (section.has("rope_scaling")) {
    const Section scaling = section.inner("rope_scaling");
    refuse_scaling(scaling, scaling.has("rope_type") ? "rope_type" : "type");
  }
  if (section.has("rope_parameters")) {
    const Section parameters = section.inner("rope_parameters");
    refuse_scaling(parameters, "rope_type");
    theta = parameters.positive_or("rope_theta", theta);
  }
  return theta;
}

}  // namespace

ModelConfig ModelConfig::parse(const std::string& json, const std::string& file_name) {
  const Json object = parse_object(json, file_name);
  const Section section(object, file_name);
  refuse_what_is_not_implemented(section);
  constexpr int64_t kMost = int64_t{1} << 24;
  ModelConfig config;
  config.vocab_size = section.size("vocab_size", kMost);
  config.hidden_size = section.size("hidden_size", kMost);
  config.intermediate_size = section.size("intermediate_size", kMost);
  config.num_layers = section.size("num_hidden_layers", 4096);
  config.num_heads = section.size("num_attention_heads", 65536);
  config.num_kv_heads = section.size_or("num_key_value_heads", 65536, config.num_heads);
  REQUIRE(config.num_heads % config.num_kv_heads == 0, kBadFile,
          file_name << ": num_attention_heads " << config.num_heads
                    << " is not a multiple of num_key_value_heads "
                    << config.num_kv_heads);
  REQUIRE(section.has("head_dim") || config.hidden_size % config.num_heads == 0, kBadFile,
          file_name << ": hidden_size " << config.hidden_size
                    << " is not a multiple of num_attention_heads " << config.num_heads
                    << ", and head_dim is not given");
  config.head_dim =
      section.size_or("head_dim", 65536, config.hidden_size / config.num_heads);
  REQUIRE(config.head_dim % 2 == 0, kBadFile,
          file_name << ": head_dim " << config.head_dim << " (expected an even number)");
  config.max_positions = section.size_or("max_position_embeddings", kMost, 2048);
  config.rms_norm_eps = section.positive_or("rms_norm_eps", 1e-6);
  config.rope_theta = read_rope_theta(section);
  config.tie_embeddings = section.flag_or("tie_word_embeddings", false);
  config.end_of_text_ids = section.token_ids("eos_token_id", config.vocab_size);
  const std::vector<int32_t> begin = section.token_ids("bos_token_id", config.vocab_size);
  if (!begin.empty()) config.begin_of_text_id = begin[0];
  return config;
}

ModelConfig ModelConfig::load(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  ModelConfig config = parse(core::read_file(path), path.string());
  const std::filesystem::path generation = folder / "generation_config.json";
  if (std::filesystem::exists(generation)) {
    const Json object = parse_object(core::read_file(generation), generation.string());
    const auto ids =
        Section(object, generation.string()).token_ids("eos_token_id", config.vocab_size);
    for (const int32_t id : ids) {
      auto& known = config.end_of_text_ids;
      if (std::find(known.begin(), known.end(), id) == known.end()) known.push_back(id);
    }
  }
  return config;
}

std::string ModelConfig::to_json() const {
  nlohmann::ordered_json json;
  json["architectures"] = {"LlamaForCausalLM"};
  json["model_type"] = model_type;
  json["vocab_size"] = vocab_size;
  json["hidden_size"] = hidden_size;
  json["intermediate_size"] = intermediate_size;
  json["num_hidden_layers"] = num_layers;
  json["num_attention_heads"] = num_heads;
  json["num_key_value_heads"] = num_kv_heads;
  json["head_dim"] = head_dim;
  json["max_position_embeddings"] = max_positions;
  json["rms_norm_eps"] = rms_norm_eps;
  json["rope_theta"] = rope_theta;
  json["tie_word_embeddings"] = tie_embeddings;
  json["hidden_act"] = "silu";
  json["attention_bias"] = false;
  json["mlp_bias"] = false;
  if (begin_of_text_id >= 0) json["bos_token_id"] = begin_of_text_id;
  if (end_of_text_ids.size() == 1) json["eos_token_id"] = end_of_text_ids[0];
  if (end_of_text_ids.size() > 1) json["eos_token_id"] = end_of_text_ids;
  return json.dump(2) + "\n";
}

int64_t ModelConfig::num_parameters() const {
  const int64_t attention = 2 * hidden_size * (num_heads + num_kv_heads) * head_dim;
  const int64_t mlp = 3 * hidden_size * intermediate_size;
  const int64_t tables = (tie_embeddings ? 1 : 2) * vocab_size * hidden_size;
  return tables + num_layers * (attention + mlp + 2 * hidden_size) + hidden_size;
}

}  // namespace srpo::model
