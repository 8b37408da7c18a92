#include "model/model_config.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "model/json_section.h"

namespace srpo::model {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMost = int64_t{1} << 24;
constexpr size_t kMostBytes = size_t{1} << 24;

/// Whether a value asks for nothing: an option that is switched off.
bool is_neutral(const Json& value) {
  return value.is_null() || (value.is_boolean() && !value.get<bool>()) ||
         (value.is_number() && value.get<double>() == 0) ||
         ((value.is_array() || value.is_object()) && value.empty());
}

/// Options of other models that would change the numbers: soft caps, multipliers,
/// experts, packed weights.
void refuse_other_options(const JsonSection& section) {
  constexpr std::array<std::string_view, 15> kMarks{
      "softcap",        "soft_cap", "_multiplier",  "logit_scale",    "logits_scal",
      "expert",         "clip_qkv", "quantization", "sparse",         "per_layer_input",
      "query_pre_attn", "kv_lora",  "q_lora",       "attention_sink", "interleaved"};
  for (const auto& [key, value] : section.json().items()) {
    if (is_neutral(value)) continue;
    for (const std::string_view mark : kMarks) {
      REQUIRE(key.find(mark) == std::string::npos, kBadFile,
              section.file() << ": '" << key.substr(0, 60) << "' is "
                             << section.shown(key.c_str())
                             << ", which is not implemented (expected none)");
    }
  }
  const double rotated = section.positive_or("partial_rotary_factor", 1);
  REQUIRE(rotated == 1, kBadFile,
          section.file() << ": 'partial_rotary_factor' is " << rotated
                         << ", which is not implemented (expected 1)");
  const std::string activation = section.text_or("hidden_act", "silu");
  REQUIRE(activation == "silu", kBadFile,
          section.file() << ": hidden_act '" << activation
                         << "' is not implemented (expected silu)");
}

const ModelFamily& read_family(const JsonSection& section) {
  const std::string type = section.text_or("model_type", "");
  const ModelFamily* family = find_family(type);
  REQUIRE(family != nullptr, kBadFile,
          section.file() << ": model_type '" << type.substr(0, 60)
                         << "' is not implemented (expected one of " << family_names()
                         << ")");
  return *family;
}

void read_sizes(const JsonSection& section, const ModelFamily& family,
                ModelConfig& config) {
  const std::string& file = section.file();
  config.vocab_size = section.size("vocab_size", kMost);
  config.hidden_size = section.size("hidden_size", int64_t{1} << 20);
  config.intermediate_size = section.size("intermediate_size", int64_t{1} << 22);
  config.num_layers = section.size("num_hidden_layers", 4096);
  config.num_heads = section.size("num_attention_heads", 1 << 14);
  config.num_kv_heads = section.size_or("num_key_value_heads", 1 << 14, config.num_heads);
  REQUIRE(config.num_heads % config.num_kv_heads == 0, kBadFile,
          file << ": num_attention_heads " << config.num_heads
               << " is not a multiple of num_key_value_heads " << config.num_kv_heads);
  const int64_t otherwise = family.default_head_dim > 0
                                ? family.default_head_dim
                                : config.hidden_size / config.num_heads;
  REQUIRE(section.has("head_dim") || family.default_head_dim > 0 ||
              config.hidden_size % config.num_heads == 0,
          kBadFile,
          file << ": hidden_size " << config.hidden_size
               << " is not a multiple of num_attention_heads " << config.num_heads
               << ", and head_dim is not given");
  config.head_dim = section.size_or("head_dim", 1 << 12, otherwise);
  REQUIRE(config.head_dim % 2 == 0 && config.head_dim > 0, kBadFile,
          file << ": head_dim " << config.head_dim << " (expected an even number)");
  config.max_positions = section.size_or("max_position_embeddings", kMost, 2048);
  config.rms_norm_eps = section.positive_or("rms_norm_eps", family.default_rms_norm_eps);
  config.tie_embeddings = section.flag_or("tie_word_embeddings", false);
}

void read_biases(const JsonSection& section, const ModelFamily& family,
                 ModelConfig& config) {
  const bool all = family.attention_bias_key && section.flag_or("attention_bias", false);
  config.qkv_bias = family.always_qkv_bias || all;
  config.output_bias = all;
  config.mlp_bias = family.mlp_bias_key && section.flag_or("mlp_bias", false);
}

/// `rope_parameters` of one kind of layers, or of all.
RopeScaling read_rope_parameters(const JsonSection& section, ModelConfig& config) {
  config.rope_theta = section.positive_or("rope_theta", config.rope_theta);
  const double rotated = section.positive_or("partial_rotary_factor", 1);
  REQUIRE(rotated == 1, kBadFile,
          section.file() << ": 'partial_rotary_factor' is " << rotated
                         << ", which is not implemented (expected 1)");
  return read_rope_scaling(section, config.max_positions);
}

/// The spelling of transformers 5: one object, or one for each kind of layers.
void read_rope_by_layers(const JsonSection& section, ModelConfig& config) {
  if (!section.has("full_attention")) {
    config.rope_scaling = read_rope_parameters(section, config);
    return;
  }
  config.rope_scaling = read_rope_parameters(section.inner("full_attention"), config);
  if (!section.has("sliding_attention")) return;
  const double theta = config.rope_theta;
  const JsonSection sliding = section.inner("sliding_attention");
  const RopeScaling spared = read_rope_parameters(sliding, config);
  REQUIRE(config.rope_theta == theta, kBadFile,
          sliding.file() << ": 'rope_theta' is " << config.rope_theta << " (expected "
                         << theta << " as on full layers)");
  REQUIRE(spared == RopeScaling() || spared == config.rope_scaling, kBadFile,
          sliding.file() << ": another scaling than on full layers is not implemented "
                            "(expected the same or none)");
  config.scaling_spares_windows = spared != config.rope_scaling;
}

void read_rope(const JsonSection& section, const ModelFamily& family,
               ModelConfig& config) {
  config.rope_theta = section.positive_or("rope_theta", 10000);
  config.scaling_spares_windows = family.scaling_spares_windows;
  if (section.has("rope_scaling")) {
    const JsonSection scaling = section.inner("rope_scaling");
    config.rope_scaling = read_rope_parameters(scaling, config);
  }
  if (section.has("rope_parameters"))
    read_rope_by_layers(section.inner("rope_parameters"), config);
  const RopeScaling& scaling = config.rope_scaling;
  if (scaling.kind != RopeScaling::Kind::kYarn) return;
  REQUIRE(config.rope_theta > 1, kBadFile,
          section.file() << ": 'rope_theta' is " << config.rope_theta
                         << " (expected more than 1 with yarn)");
  // A file that was stretched by hand still has the length before.
  const double stretched =
      scaling.factor * static_cast<double>(scaling.original_positions);
  config.max_positions =
      std::max(config.max_positions,
               static_cast<int64_t>(std::min(stretched, static_cast<double>(kMost))));
}

std::vector<bool> read_layer_types(const JsonSection& section,
                                   const ModelConfig& config) {
  std::vector<bool> windowed;
  for (const std::string& type : section.texts("layer_types")) {
    REQUIRE(type == "full_attention" || type == "sliding_attention", kBadFile,
            section.file() << ": layer_types: '" << type.substr(0, 60)
                           << "' is not implemented (expected full_attention or "
                              "sliding_attention)");
    windowed.push_back(type == "sliding_attention");
  }
  REQUIRE(static_cast<int64_t>(windowed.size()) == config.num_layers, kBadFile,
          section.file() << ": layer_types names " << windowed.size()
                         << " layers (expected num_hidden_layers = " << config.num_layers
                         << ")");
  return windowed;
}

void read_windows(const JsonSection& section, const ModelFamily& family,
                  ModelConfig& config) {
  const std::string& file = section.file();
  std::vector<bool> windowed(static_cast<size_t>(config.num_layers), false);
  if (family.window_rule == WindowRule::kThreeOfFour) {
    config.sliding_window = section.size_or("sliding_window", kMost, 4096);
    for (size_t i = 0; i < windowed.size(); ++i) windowed[i] = (i + 1) % 4 != 0;
  } else if (family.window_rule == WindowRule::kFlag) {
    if (section.flag_or("use_sliding_window", false)) {
      config.sliding_window = section.size_or("sliding_window", kMost, 4096);
      const int64_t first = section.json().value("max_window_layers", Json()) == 0
                                ? 0
                                : section.size_or("max_window_layers", kMost, 28);
      for (size_t i = 0; i < windowed.size(); ++i)
        windowed[i] = static_cast<int64_t>(i) >= first;
    }
  } else {
    REQUIRE(!section.has("sliding_window"), kBadFile,
            file << ": 'sliding_window' is " << section.shown("sliding_window")
                 << ", which is not implemented for " << family.type
                 << " (expected none)");
  }
  if (section.has("layer_types")) windowed = read_layer_types(section, config);
  if (std::find(windowed.begin(), windowed.end(), true) == windowed.end()) {
    config.sliding_window = 0;
    return;
  }
  REQUIRE(config.sliding_window > 0, kBadFile,
          file << ": layer_types has sliding_attention, but there is no sliding window");
  config.windowed_layers = windowed;
}

void write_windows(const ModelConfig& config, const ModelFamily& family,
                   nlohmann::ordered_json& json) {
  if (family.window_rule == WindowRule::kNone) return;
  if (family.window_rule == WindowRule::kFlag)
    json["use_sliding_window"] = config.sliding_window > 0;
  if (config.sliding_window > 0) json["sliding_window"] = config.sliding_window;
  if (config.windowed_layers.empty() && family.window_rule == WindowRule::kFlag) return;
  auto& types = json["layer_types"] = nlohmann::ordered_json::array();
  for (int64_t i = 0; i < config.num_layers; ++i)
    types.push_back(config.window_of(i) > 0 ? "sliding_attention" : "full_attention");
}

void write_rope(const ModelConfig& config, const ModelFamily& family,
                nlohmann::ordered_json& json) {
  json["rope_theta"] = config.rope_theta;
  const auto scaling = rope_scaling_json(config.rope_scaling);
  if (config.scaling_spares_windows == family.scaling_spares_windows) {
    json["rope_scaling"] = scaling;
    return;
  }
  // Only the newer spelling can say that a family departs from its habit.
  auto full = scaling;
  if (full.is_null()) full["rope_type"] = "default";
  full["rope_theta"] = config.rope_theta;
  auto sliding = full;
  if (config.scaling_spares_windows)
    sliding = {{"rope_type", "default"}, {"rope_theta", config.rope_theta}};
  json["rope_parameters"] = {{"full_attention", full}, {"sliding_attention", sliding}};
}

}  // namespace

ModelConfig ModelConfig::parse(const std::string& json, const std::string& file_name) {
  REQUIRE(json.size() <= kMostBytes, kBadFile,
          file_name << ": " << json.size() << " bytes (expected at most " << kMostBytes
                    << ")");
  const Json object = parse_json_object(json, file_name);
  const JsonSection section(object, file_name);
  const ModelFamily& family = read_family(section);
  refuse_other_options(section);
  ModelConfig config;
  config.model_type = family.type;
  config.norm_place = family.norm_place;
  config.query_key_norm = family.query_key_norm;
  read_sizes(section, family, config);
  read_biases(section, family, config);
  read_windows(section, family, config);
  read_rope(section, family, config);
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
    const Json object =
        parse_json_object(core::read_file(generation), generation.string());
    const auto ids = JsonSection(object, generation.string())
                         .token_ids("eos_token_id", config.vocab_size);
    for (const int32_t id : ids) {
      auto& known = config.end_of_text_ids;
      if (std::find(known.begin(), known.end(), id) == known.end()) known.push_back(id);
    }
  }
  return config;
}

std::string ModelConfig::to_json() const {
  const ModelFamily* family = find_family(model_type);
  ENSURE(family != nullptr, "model_type " << model_type);
  nlohmann::ordered_json json;
  json["architectures"] = {family->architecture};
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
  write_rope(*this, *family, json);
  write_windows(*this, *family, json);
  json["tie_word_embeddings"] = tie_embeddings;
  json["hidden_act"] = "silu";
  if (family->attention_bias_key) json["attention_bias"] = output_bias;
  if (family->mlp_bias_key) json["mlp_bias"] = mlp_bias;
  if (begin_of_text_id >= 0) json["bos_token_id"] = begin_of_text_id;
  if (end_of_text_ids.size() == 1) json["eos_token_id"] = end_of_text_ids[0];
  if (end_of_text_ids.size() > 1) json["eos_token_id"] = end_of_text_ids;
  return json.dump(2) + "\n";
}

int64_t ModelConfig::num_parameters() const {
  const int64_t q = query_width();
  const int64_t kv = key_width();
  const int64_t linears =
      2 * hidden_size * (q + kv) + 3 * hidden_size * intermediate_size;
  const int64_t biases = (qkv_bias ? q + 2 * kv : 0) + (output_bias ? hidden_size : 0) +
                         (mlp_bias ? 2 * intermediate_size + hidden_size : 0);
  const int64_t query_key_norms = query_key_norm == QueryKeyNorm::kNone   ? 0
                                  : query_key_norm == QueryKeyNorm::kHead ? 2 * head_dim
                                                                          : q + kv;
  const int64_t layer = linears + biases + query_key_norms + 2 * hidden_size;
  const int64_t tables = (tie_embeddings ? 1 : 2) * vocab_size * hidden_size;
  return tables + num_layers * layer + hidden_size;
}

int64_t ModelConfig::window_of(int64_t layer) const {
  const auto index = static_cast<size_t>(layer);
  return index < windowed_layers.size() && windowed_layers[index] ? sliding_window : 0;
}

bool ModelConfig::is_scaled(int64_t layer) const {
  return rope_scaling.kind != RopeScaling::Kind::kNone &&
         !(scaling_spares_windows && window_of(layer) > 0);
}

}  // namespace srpo::model
