#include "rl/localizer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <utility>

#include "core/error.h"
#include "core/random.h"
#include "rl/task_oracle.h"

namespace srpo::rl {
namespace {

constexpr std::string_view kBox = "\\boxed{";
constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";

/// What stands in the box that begins last, of those that close.
std::optional<std::string_view> last_box(std::string_view text) {
  struct Brace {
    size_t inside;
    bool of_box;
  };
  std::vector<Brace> open;
  std::optional<std::pair<size_t, size_t>> last;  // where its content begins and ends
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') {
      open.push_back({i + 1, text.substr(0, i + 1).ends_with(kBox)});
    } else if (text[i] == '}' && !open.empty()) {
      const Brace brace = open.back();
      open.pop_back();
      if (brace.of_box && (!last || brace.inside > last->first)) last = {brace.inside, i};
    }
  }
  if (!last) return std::nullopt;
  return text.substr(last->first, last->second - last->first);
}

/// An integer with blanks around it and nothing else.
std::optional<int64_t> parse_integer(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kWhiteSpace), text.size()));
  text = text.substr(0, text.find_last_not_of(kWhiteSpace) + 1);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  int64_t value = 0;
  const auto [stop, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The number behind the last "Step" or "step" that has one.
std::optional<int64_t> last_step_word(std::string_view text) {
  constexpr std::string_view kWord = "tep";
  for (size_t at = text.rfind(kWord); at != std::string_view::npos && at > 0;
       at = text.rfind(kWord, at - 1)) {
    const std::string_view rest = text.substr(at + kWord.size());
    const size_t begin = rest.find_first_not_of(kWhiteSpace);
    const bool is_step = text[at - 1] == 's' || text[at - 1] == 'S';
    if (!is_step || begin == 0 || begin == std::string_view::npos) continue;
    const std::string_view digits =
        rest.substr(begin, rest.find_first_not_of("0123456789", begin) - begin);
    if (digits.empty()) continue;
    return parse_integer(digits);
  }
  return std::nullopt;
}

records::Localization localization_of(const char* name, const FailedChain& chain,
                                      uint32_t thought) {
  records::Localization localization;
  localization.localizer = name;
  localization.thought = thought;
  localization.num_thoughts = chain.num_thoughts();
  return localization;
}

class SelfLocalizer : public Localizer {
 public:
  explicit SelfLocalizer(const LocalizerSettings& /*settings*/) {}

  std::optional<std::string> prompt(PromptStyle style,
                                    const FailedChain& chain) const override {
    return localization_prompt(style, chain.problem.question, chain.thoughts);
  }

  records::Localization choose(const FailedChain& chain,
                               const std::string& reply) const override {
    const ParsedReply parsed = parse_localization(reply, chain.num_thoughts());
    auto localization = localization_of("self", chain, parsed.thought);
    localization.status = parsed.status;
    localization.reply = reply;
    return localization;
  }
};

class RandomLocalizer : public Localizer {
 public:
  explicit RandomLocalizer(const LocalizerSettings& settings) : seed_(settings.seed) {}

  records::Localization choose(const FailedChain& chain,
                               const std::string& /*reply*/) const override {
    return localization_of("random", chain,
                           random_thought(seed_, chain.id, chain.num_thoughts()));
  }

 private:
  uint64_t seed_;
};

/// The model's whole distribution over the numbers, at the place where it would write
/// one.
class DistributionalLocalizer : public Localizer {
 public:
  explicit DistributionalLocalizer(const LocalizerSettings& settings)
      : settings_(settings) {}

  std::optional<std::string> prompt(PromptStyle style,
                                    const FailedChain& chain) const override {
    return localization_prompt(style, chain.problem.question, chain.thoughts);
  }

  std::vector<std::string> candidates(uint32_t num_thoughts) const override {
    std::vector<std::string> replies;
    for (uint32_t i = 1; i <= num_thoughts; ++i)
      replies.push_back(std::string(kBox) + std::to_string(i) + "}");
    return replies;
  }

  records::Localization choose(const FailedChain& chain,
                               const std::string& /*reply*/) const override {
    ENSURE(false, chain.id.to_string() << " was localized without its candidates");
  }

  records::Localization choose_scored(const FailedChain& chain,
                                      std::span<const double> logprobs) const override {
    ENSURE(logprobs.size() == chain.num_thoughts(),
           logprobs.size() << " log-probabilities for " << chain.num_thoughts()
                           << " thoughts");
    const std::vector<double> shares = softmax(logprobs, 1);
    auto localization = localization_of("distributional", chain, draw(chain, logprobs));
    std::ostringstream reply;
    reply.precision(4);
    for (size_t i = 0; i < shares.size(); ++i)
      reply << (i == 0 ? "p = " : " ") << shares[i];
    localization.reply = reply.str();
    return localization;
  }

 private:
  static std::vector<double> softmax(std::span<const double> logits, double temperature) {
    const double largest = *std::max_element(logits.begin(), logits.end());
    std::vector<double> shares;
    double sum = 0;
    for (const double logit : logits) {
      shares.push_back(std::exp((logit - largest) / temperature));
      sum += shares.back();
    }
    for (double& share : shares) share /= sum;
    return shares;
  }

  uint32_t draw(const FailedChain& chain, std::span<const double> logprobs) const {
    if (settings_.temperature == 0) {
      const auto best = std::max_element(logprobs.begin(), logprobs.end());
      return static_cast<uint32_t>(best - logprobs.begin()) + 1;
    }
    const std::vector<double> shares = softmax(logprobs, settings_.temperature);
    core::Rng rng(settings_.seed, core::Purpose::kResetIndex, chain.id.key());
    double left = rng.uniform();
    for (uint32_t i = 0; i + 1 < shares.size(); ++i) {
      left -= shares[i];
      if (left < 0) return i + 1;
    }
    return chain.num_thoughts();
  }

  LocalizerSettings settings_;
};

class OracleLocalizer : public Localizer {
 public:
  explicit OracleLocalizer(const LocalizerSettings& /*settings*/) {}

  records::Localization choose(const FailedChain& chain,
                               const std::string& /*reply*/) const override {
    return localization_of("oracle", chain,
                           first_wrong_thought(chain.problem, chain.thoughts));
  }
};

struct Entry {
  const char* name;
  bool asks_policy;
  std::unique_ptr<Localizer> (*make)(const LocalizerSettings& settings);
};

template <class Kind>
std::unique_ptr<Localizer> make(const LocalizerSettings& settings) {
  return std::make_unique<Kind>(settings);
}

constexpr Entry kLocalizers[] = {
    {"self", true, make<SelfLocalizer>},
    {"random", false, make<RandomLocalizer>},
    {"distributional", true, make<DistributionalLocalizer>},
    {"oracle", false, make<OracleLocalizer>},
};

}  // namespace

ParsedReply parse_localization(std::string_view reply, uint32_t num_thoughts) {
  ENSURE(num_thoughts >= 1, "a chain without thoughts has no wrong one");
  const int64_t most = num_thoughts;
  if (const auto box = last_box(reply)) {
    const auto step = parse_integer(*box);
    if (step && *step >= 0 && *step <= most) {
      const auto found = static_cast<uint32_t>(*step);
      return {found, std::max(found, 1U), records::ParseStatus::kBoxed};
    }
  }
  const auto step = last_step_word(reply);
  if (step && *step >= 1 && *step <= most) {
    const auto found = static_cast<uint32_t>(*step);
    return {found, found, records::ParseStatus::kStepWord};
  }
  return {};
}

uint32_t random_thought(uint64_t seed, const records::TrajectoryId& chain,
                        uint32_t num_thoughts) {
  ENSURE(num_thoughts >= 1, "a chain without thoughts has none to go back to");
  core::Rng rng(seed, core::Purpose::kResetIndex, chain.key());
  return static_cast<uint32_t>(rng.below(num_thoughts)) + 1;
}

records::Localization Localizer::choose_scored(
    const FailedChain& chain, std::span<const double> /*logprobs*/) const {
  ENSURE(false, chain.id.to_string() << " was scored, which nobody asked for");
}

bool asks_policy(const std::string& name) {
  return std::any_of(
      std::begin(kLocalizers), std::end(kLocalizers),
      [&](const Entry& entry) { return entry.name == name && entry.asks_policy; });
}

std::unique_ptr<Localizer> make_localizer(const std::string& name,
                                          const LocalizerSettings& settings) {
  std::string known;
  for (const Entry& entry : kLocalizers) {
    if (name == entry.name) return entry.make(settings);
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw core::Error(core::ErrorKind::kBadConfig,
                    "localizer '" + name + "' (expected one of " + known + ")");
}

std::vector<std::string> localizer_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kLocalizers) names.emplace_back(entry.name);
  return names;
}

}  // namespace srpo::rl
