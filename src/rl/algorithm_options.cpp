#include "rl/algorithm_options.h"

#include <string>
#include <vector>

#include "core/error.h"

namespace srpo::rl {
namespace {

using core::ConfigTable;
using Weighting = LossRule::Weighting;

const char* name_of(Weighting weighting) {
  static constexpr const char* kNames[] = {"sequence", "token", "constant"};
  return kNames[static_cast<int>(weighting)];
}

void read_weighting(const ConfigTable& options, const LossRule& otherwise,
                    LossRule& rule) {
  const std::string name = options.choice("weighting", name_of(otherwise.weighting),
                                          {"sequence", "token", "constant"});
  rule.weighting = name == "sequence" ? Weighting::kSequence
                   : name == "token"  ? Weighting::kToken
                                      : Weighting::kConstant;
  if (rule.weighting != Weighting::kConstant) return;
  const int64_t length = otherwise.constant_length > 0 ? otherwise.constant_length : 5120;
  rule.constant_length =
      static_cast<uint32_t>(options.integer("constant_length", length, 1, 1 << 24));
}

void read_clip(const ConfigTable& options, const LossRule& otherwise, LossRule& rule) {
  rule.clip = options.number("clip", otherwise.clip, 0, 1);
  rule.clip_high = options.number("clip_high", otherwise.clip_high, 0, 100);
  const bool clips = rule.clip > 0 || rule.clip_high > 0;
  rule.dual_clip = options.number("dual_clip", clips ? otherwise.dual_clip : 0, 0, 1000);
  REQUIRE(rule.dual_clip == 0 || (clips && rule.dual_clip > 1), kBadConfig,
          options.place("dual_clip")
              << " = " << rule.dual_clip
              << " (expected 0, or more than 1 together with a clip)");
}

void read_off_policy(const ConfigTable& options, LossRule& rule) {
  const std::string name = options.choice("off_policy", "none", {"none", "truncated"});
  if (name == "none") return;
  REQUIRE(!rule.has_ratio(), kBadConfig,
          options.place("off_policy")
              << " = truncated (expected none where the loss has a ratio already: "
                 "clip = 0 and clip_high = 0 take it away)");
  rule.importance_cap = options.number("importance_cap", 2.0, 1e-3, 1000);
}

}  // namespace

LossRule read_loss_rule(const ConfigTable& options, const LossRule& otherwise) {
  LossRule rule = otherwise;
  read_weighting(options, otherwise, rule);
  rule.temperature = options.number("loss_temperature", otherwise.temperature, 0.01, 100);
  read_clip(options, otherwise, rule);
  read_off_policy(options, rule);
  const bool squares = otherwise.divergence == LossRule::Divergence::kSquared;
  rule.divergence = options.choice("kl_kind", squares ? "squared" : "low_variance",
                                   {"low_variance", "squared"}) == "squared"
                        ? LossRule::Divergence::kSquared
                        : LossRule::Divergence::kLowVariance;
  return rule;
}

CreditRule read_credit_rule(const ConfigTable& options, const CreditRule& otherwise) {
  static const std::vector<std::string> kDeviations = {"population", "sample", "none"};
  CreditRule rule = otherwise;
  const std::string name = options.choice(
      "std", kDeviations[static_cast<size_t>(otherwise.advantage.deviation)],
      kDeviations);
  rule.advantage.deviation = name == "population" ? Deviation::kPopulation
                             : name == "sample"   ? Deviation::kSample
                                                  : Deviation::kNone;
  if (rule.advantage.deviation != Deviation::kNone) {
    rule.advantage.std_floor =
        options.number("std_floor", otherwise.advantage.std_floor, 0, 1);
    rule.advantage.epsilon =
        options.number("std_epsilon", otherwise.advantage.epsilon, 0, 1);
  }
  rule.binary_rewards =
      options.choice("rewards", "graded", {"graded", "binary"}) == "binary";
  rule.dilution = options.boolean("dilution", otherwise.dilution);
  rule.kl = options.number("kl", otherwise.kl, 0, 100);
  return rule;
}

double read_failed_below(const ConfigTable& options) {
  return options.number("failed_below", 1.0, 0, 1);
}

uint32_t read_count(const ConfigTable& options, const std::string& key, int64_t otherwise,
                    int64_t lowest, int64_t highest) {
  return static_cast<uint32_t>(options.integer(key, otherwise, lowest, highest));
}

}  // namespace srpo::rl
