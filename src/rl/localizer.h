// Which thought of a failed chain to go back to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "records/ids.h"
#include "records/localization.h"
#include "records/problem.h"
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

/// A chain that is to be gone back into.
struct FailedChain {
  records::TrajectoryId id;
  records::Problem problem;
  std::vector<std::string> thoughts;  ///< as the chain has them, at least one

  uint32_t num_thoughts() const { return static_cast<uint32_t>(thoughts.size()); }
};

/// Immutable after construction. Thread-safe. All fields of a Localization are set but
/// prompt_tokens, reply_tokens and seconds.
class Localizer {
 public:
  virtual ~Localizer() = default;

  /// What the model is asked about a failed chain; nothing when it is not asked.
  virtual std::optional<std::string> prompt(PromptStyle /*style*/,
                                            const FailedChain& /*chain*/) const {
    return std::nullopt;
  }

  /// The replies whose log-probabilities behind the prompt it wants to know, one for each
  /// thought; empty when it wants a reply to be drawn.
  virtual std::vector<std::string> candidates(uint32_t /*num_thoughts*/) const {
    return {};
  }

  /// `reply` is what the model answered to `prompt`, "" when it was not asked.
  virtual records::Localization choose(const FailedChain& chain,
                                       const std::string& reply) const = 0;

  /// `logprobs` of the candidates.
  virtual records::Localization choose_scored(const FailedChain& chain,
                                              std::span<const double> logprobs) const;
};

struct LocalizerSettings {
  uint64_t seed = 0;         ///< the run's
  double temperature = 0.3;  ///< of "distributional"
};

/// "self" asks the model for the number. "distributional" reads how probable each number
/// is, and draws from that at its temperature (0: the most probable). "random" draws
/// uniformly. "oracle" knows the built-in tasks (task_oracle.h). Throws kBadConfig for
/// another name, listing these.
std::unique_ptr<Localizer> make_localizer(const std::string& name,
                                          const LocalizerSettings& settings);

/// In the order of the table.
std::vector<std::string> localizer_names();

/// Whether a localizer, or what words a second attempt, needs the policy's weights.
bool asks_policy(const std::string& name);

}  // namespace srpo::rl
