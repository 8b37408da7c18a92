#include "model/rope_scaling.h"

#include <array>
#include <cmath>
#include <sstream>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "model/json_section.h"

namespace srpo::model {
namespace {

using Kind = RopeScaling::Kind;

constexpr int64_t kMostPositions = int64_t{1} << 24;

struct KindName {
  Kind kind;
  const char* name;
};
constexpr std::array<KindName, 4> kKindNames{{{Kind::kNone, "default"},
                                              {Kind::kLinear, "linear"},
                                              {Kind::kLlama3, "llama3"},
                                              {Kind::kYarn, "yarn"}}};

const char* name_of(Kind kind) { return kKindNames[static_cast<size_t>(kind)].name; }

Kind read_kind(const JsonSection& section) {
  const char* key = section.has("rope_type") ? "rope_type" : "type";
  const std::string name = section.text_or(key, "default");
  for (const KindName& known : kKindNames) {
    if (name == known.name) return known.kind;
  }
  REQUIRE(false, kBadFile,
          section.file() << ": " << key << " '" << name
                         << "' is not implemented (expected default, linear, llama3 or "
                            "yarn)");
  return Kind::kNone;
}

/// A key that nobody reads would change the numbers unseen.
void refuse_unknown_keys(const JsonSection& section) {
  constexpr std::array<std::string_view, 15> kKnown{"rope_type",
                                                    "type",
                                                    "rope_theta",
                                                    "factor",
                                                    "low_freq_factor",
                                                    "high_freq_factor",
                                                    "beta_fast",
                                                    "beta_slow",
                                                    "attention_factor",
                                                    "mscale",
                                                    "mscale_all_dim",
                                                    "truncate",
                                                    "finetuned",
                                                    "original_max_position_embeddings",
                                                    "partial_rotary_factor"};
  for (const auto& [key, value] : section.json().items()) {
    bool known = value.is_null();
    for (const std::string_view name : kKnown) known = known || key == name;
    REQUIRE(known, kBadFile,
            section.file() << ": '" << key.substr(0, 60)
                           << "' is not a key that is implemented here");
  }
}

double magnitude(double factor, double scale) {
  return factor <= 1 ? 1 : 0.1 * scale * std::log(factor) + 1;
}

void read_yarn(const JsonSection& section, RopeScaling& scaling) {
  scaling.beta_fast = section.positive_or("beta_fast", 32);
  scaling.beta_slow = section.positive_or("beta_slow", 1);
  scaling.truncate = section.flag_or("truncate", true);
  const bool both = section.has("mscale") && section.has("mscale_all_dim");
  const double inferred =
      both ? magnitude(scaling.factor, section.positive("mscale")) /
                 magnitude(scaling.factor, section.positive("mscale_all_dim"))
           : magnitude(scaling.factor, 1);
  scaling.attention_factor = section.positive_or("attention_factor", inferred);
}

void read_llama3(const JsonSection& section, RopeScaling& scaling) {
  scaling.low_frequency_factor = section.positive("low_freq_factor");
  scaling.high_frequency_factor = section.positive("high_freq_factor");
  REQUIRE(scaling.low_frequency_factor < scaling.high_frequency_factor, kBadFile,
          section.file() << ": 'low_freq_factor' is " << section.shown("low_freq_factor")
                         << " (expected less than high_freq_factor = "
                         << section.shown("high_freq_factor") << ")");
}

}  // namespace

RopeScaling read_rope_scaling(const JsonSection& section, int64_t max_positions) {
  refuse_unknown_keys(section);
  RopeScaling scaling;
  scaling.kind = read_kind(section);
  if (scaling.kind == Kind::kNone) return scaling;
  scaling.factor = section.positive("factor");
  REQUIRE(scaling.factor >= 1 && scaling.factor <= 1e6, kBadFile,
          section.file() << ": 'factor' is " << section.shown("factor")
                         << " (expected 1 to 1e6)");
  if (scaling.kind == Kind::kLinear) return scaling;
  constexpr const char* kOriginal = "original_max_position_embeddings";
  scaling.original_positions =
      scaling.kind == Kind::kLlama3
          ? section.size(kOriginal, kMostPositions)
          : section.size_or(kOriginal, kMostPositions, max_positions);
  if (scaling.kind == Kind::kLlama3) read_llama3(section, scaling);
  if (scaling.kind == Kind::kYarn) read_yarn(section, scaling);
  return scaling;
}

nlohmann::ordered_json rope_scaling_json(const RopeScaling& scaling) {
  nlohmann::ordered_json json;
  if (scaling.kind == Kind::kNone) return json;
  json["rope_type"] = name_of(scaling.kind);
  json["factor"] = scaling.factor;
  if (scaling.kind == Kind::kLinear) return json;
  json["original_max_position_embeddings"] = scaling.original_positions;
  if (scaling.kind == Kind::kLlama3) {
    json["low_freq_factor"] = scaling.low_frequency_factor;
    json["high_freq_factor"] = scaling.high_frequency_factor;
    return json;
  }
  json["beta_fast"] = scaling.beta_fast;
  json["beta_slow"] = scaling.beta_slow;
  json["attention_factor"] = scaling.attention_factor;
  if (!scaling.truncate) json["truncate"] = false;
  return json;
}

std::string describe(const RopeScaling& scaling) {
  if (scaling.kind == Kind::kNone) return "none";
  std::ostringstream text;
  text << name_of(scaling.kind) << " x " << scaling.factor;
  if (scaling.original_positions > 0) text << " of " << scaling.original_positions;
  return text.str();
}

}  // namespace srpo::model
