// Which thought of a failed chain to go back to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "records/ids.h"
#include "records/localization.h"
#include "rl/prompts.h"

namespace srpo::rl {

/// What a reply to the localization prompt says.
struct ParsedReply {
  /// As the rules read it: 0 is possible, more than the number of thoughts is not.
  uint32_t step = 1;
  uint32_t thought = 1;  ///< `step` clamped to 1 .. number of thoughts
  records::ParseStatus status = records::ParseStatus::kDefault;
};

/// The last `\boxed{...}` with balanced braces if it holds an integer 0 .. num_thoughts;
/// else the last "Step N" or "step N" if N is in 1 .. num_thoughts; else 1 (method §2.4).
/// Any bytes, linear time; num_thoughts >= 1.
ParsedReply parse_localization(std::string_view reply, uint32_t num_thoughts);

/// Uniform over 1 .. num_thoughts: a pure function of its arguments. num_thoughts >= 1.
uint32_t random_thought(uint64_t seed, const records::TrajectoryId& chain,
                        uint32_t num_thoughts);

/// Immutable after construction. Thread-safe.
class Localizer {
 public:
  virtual ~Localizer() = default;

  /// What the model is asked about a failed chain; nothing when no reply is needed.
  virtual std::optional<std::string> prompt(
      PromptStyle style, const std::string& question,
      const std::vector<std::string>& thoughts) const = 0;

  /// The thought to go back to, all fields set but prompt_tokens, reply_tokens and
  /// seconds. `reply` is what the model answered to `prompt`, "" when it was not asked;
  /// num_thoughts >= 1.
  virtual records::Localization choose(const records::TrajectoryId& chain,
                                       uint32_t num_thoughts,
                                       const std::string& reply) const = 0;
};

/// "self" asks the model; "random" draws with the run's seed. Throws kBadConfig for
/// another name, listing these.
std::unique_ptr<Localizer> make_localizer(const std::string& name, uint64_t seed);

/// In the order of the table.
std::vector<std::string> localizer_names();

}  // namespace srpo::rl
