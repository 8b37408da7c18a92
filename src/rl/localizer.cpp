#include "rl/localizer.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/error.h"
#include "core/random.h"

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

class SelfLocalizer : public Localizer {
 public:
  explicit SelfLocalizer(uint64_t /*seed*/) {}

  std::optional<std::string> prompt(
      PromptStyle style, const std::string& question,
      const std::vector<std::string>& thoughts) const override {
    return localization_prompt(style, question, thoughts);
  }

  records::Localization choose(const records::TrajectoryId& /*chain*/,
                               uint32_t num_thoughts,
                               const std::string& reply) const override {
    const ParsedReply parsed = parse_localization(reply, num_thoughts);
    records::Localization localization;
    localization.localizer = "self";
    localization.thought = parsed.thought;
    localization.num_thoughts = num_thoughts;
    localization.status = parsed.status;
    localization.reply = reply;
    return localization;
  }
};

class RandomLocalizer : public Localizer {
 public:
  explicit RandomLocalizer(uint64_t seed) : seed_(seed) {}

  std::optional<std::string> prompt(
      PromptStyle /*style*/, const std::string& /*question*/,
      const std::vector<std::string>& /*thoughts*/) const override {
    return std::nullopt;
  }

  records::Localization choose(const records::TrajectoryId& chain, uint32_t num_thoughts,
                               const std::string& /*reply*/) const override {
    records::Localization localization;
    localization.localizer = "random";
    localization.thought = random_thought(seed_, chain, num_thoughts);
    localization.num_thoughts = num_thoughts;
    return localization;
  }

 private:
  uint64_t seed_;
};

struct Entry {
  const char* name;
  std::unique_ptr<Localizer> (*make)(uint64_t seed);
};

template <class Kind>
std::unique_ptr<Localizer> make(uint64_t seed) {
  return std::make_unique<Kind>(seed);
}

constexpr Entry kLocalizers[] = {
    {"self", make<SelfLocalizer>},
    {"random", make<RandomLocalizer>},
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

std::unique_ptr<Localizer> make_localizer(const std::string& name, uint64_t seed) {
  std::string known;
  for (const Entry& entry : kLocalizers) {
    if (name == entry.name) return entry.make(seed);
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
