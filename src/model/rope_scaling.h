// How a model stretches its rotary positions beyond the length it was trained on.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace srpo::model {

class JsonSection;

/// The numbers of `rope_scaling` in config.json.
struct RopeScaling {
  enum class Kind : uint8_t { kNone, kLinear, kLlama3, kYarn };

  Kind kind = Kind::kNone;
  double factor = 1;
  int64_t original_positions = 0;                              ///< llama3 and yarn
  double low_frequency_factor = 1, high_frequency_factor = 4;  ///< llama3
  double beta_fast = 32, beta_slow = 1;                        ///< yarn
  double attention_factor = 1;  ///< yarn: cosines and sines are multiplied by it
  bool truncate = true;         ///< yarn: the ramp begins and ends on whole numbers

  bool operator==(const RopeScaling&) const = default;
};

/// Reads a `rope_scaling` or `rope_parameters` object; `max_positions` stands in for a
/// missing original length as in transformers. Throws kBadFile naming file and key for a
/// type, a key or a value that is not implemented.
RopeScaling read_rope_scaling(const JsonSection& section, int64_t max_positions);

/// `rope_scaling` as Hugging Face writes it; null for none.
nlohmann::ordered_json rope_scaling_json(const RopeScaling& scaling);

/// "none", "linear x 4", ...
std::string describe(const RopeScaling& scaling);

}  // namespace srpo::model
