#include "analysis/trajectory_tree.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <sstream>

#include "analysis/json_text.h"
#include "analysis/run_scan.h"
#include "analysis/statistics.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;
using records::Use;

constexpr const char* kMark = "</thought>";

enum class Colour { kPlain, kBold, kGrey, kGreen, kRed, kYellow };

const char* code_of(Colour colour) {
  static constexpr const char* kCodes[] = {"0", "1", "90", "32", "31", "33"};
  return kCodes[static_cast<int>(colour)];
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// Lines of at most `width` columns, broken at spaces where there are some.
std::vector<std::string> wrapped(const std::string& text, size_t width) {
  std::vector<std::string> lines;
  std::istringstream stream(printable(text));
  std::string line;
  while (std::getline(stream, line)) {
    while (line.size() > width) {
      size_t end = line.rfind(' ', width);
      if (end == std::string::npos || end == 0) {
        for (end = width; end > 1 && (line[end] & 0xC0) == 0x80;) --end;
      }
      lines.push_back(line.substr(0, end));
      line.erase(0, line[end] == ' ' ? end + 1 : end);
    }
    lines.push_back(line);
  }
  return lines;
}

std::string number_text(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// `1 thought`, `3 thoughts`
std::string counted(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

class TreePrinter {
 public:
  TreePrinter(std::ostream& out, const TreeStyle& style) : out_(out), style_(style) {}

  void print(const RolloutTree& tree) {
    print_problem(tree);
    print_group("base", tree.fresh, Use::kBase, advantages(base_rewards(tree)));
    print_group("surplus", tree.fresh, Use::kSurplus, {});
    print_group("validation", tree.fresh, Use::kValidation, {});
    print_seeds(tree);
    if (tree.localization) print_localization(*tree.localization);
    for (const records::Localization& each : tree.further) print_localization(each);
    print_group("ending", tree.suffixes, Use::kSuffix, ending_advantages(tree));
    out_ << "\n";
  }

 private:
  std::string paint(const std::string& text, Colour colour) const {
    if (!style_.colour) return text;
    return std::string("\x1b[") + code_of(colour) + "m" + text + "\x1b[0m";
  }

  void print_text(const std::string& text, const std::string& indent,
                  Colour colour = Colour::kPlain) {
    const size_t room =
        std::max<size_t>(20, style_.width - std::min(style_.width, indent.size()));
    const std::vector<std::string> lines = wrapped(text, room);
    const size_t shown = std::min(lines.size(), style_.most_lines);
    for (size_t i = 0; i < shown; ++i) out_ << indent << paint(lines[i], colour) << "\n";
    if (shown < lines.size()) {
      out_ << indent
           << paint("... " + std::to_string(lines.size() - shown) + " more lines",
                    Colour::kGrey)
           << "\n";
    }
  }

  void print_problem(const RolloutTree& tree) {
    const std::string name = "step " + std::to_string(tree.step) + ", slot " +
                             std::to_string(tree.slot) +
                             (tree.validation ? ", validation" : "");
    const std::string title = "== " + name + ": " + printable(tree.problem.id) + " ";
    const size_t rule = style_.width > title.size() ? style_.width - title.size() : 0;
    out_ << paint(title + std::string(rule, '='), Colour::kBold) << "\n";
    print_text(tree.problem.question, "  ");
    out_ << "  reference: " << paint(printable(tree.problem.reference), Colour::kBold)
         << "\n";
  }

  static std::map<size_t, double> advantages(const std::vector<double>& rewards) {
    const std::vector<double> values = group_advantages(rewards);
    std::map<size_t, double> by_place;
    for (size_t i = 0; i < values.size(); ++i) by_place[i] = values[i];
    return by_place;
  }

  /// Endings are compared with those of the same seed.
  static std::map<size_t, double> ending_advantages(const RolloutTree& tree) {
    std::map<size_t, double> by_place;
    for (size_t begin = 0; begin < tree.suffixes.size();) {
      const Trajectory* seed = tree.seed_of(tree.suffixes[begin]);
      std::vector<double> rewards;
      size_t end = begin;
      for (; end < tree.suffixes.size() && tree.seed_of(tree.suffixes[end]) == seed;
           ++end)
        rewards.push_back(tree.suffixes[end].verdict.reward);
      const std::vector<double> values = group_advantages(rewards);
      for (size_t i = 0; i < values.size(); ++i) by_place[begin + i] = values[i];
      begin = end;
    }
    return by_place;
  }

  static std::string facts_of(const Trajectory& chain) {
    const size_t sampled = chain.tokens.size() - chain.prefix_length;
    std::string facts = std::string(name_of(chain.verdict.kind)) + ", finish " +
                        name_of(chain.finish) + ", " +
                        counted(chain.thought_ends.size(), "thought") + ", " +
                        counted(sampled, "token");
    if (chain.prefix_length > 0)
      facts += " behind " + std::to_string(chain.prefix_length) + " kept";
    if (!chain.verdict.answer.empty())
      facts += ", answer " + printable(chain.verdict.answer);
    return facts;
  }

  void print_chain(const std::string& name, const Trajectory& chain,
                   const double* advantage) {
    const Colour colour = chain.verdict.reward >= 1 ? Colour::kGreen : Colour::kRed;
    out_ << "  " << paint(name, Colour::kBold) << "  "
         << paint("reward " + number_text("%.2f", chain.verdict.reward), colour);
    if (advantage != nullptr) out_ << "  advantage " << number_text("%+.3f", *advantage);
    out_ << "  " << paint(facts_of(chain), Colour::kGrey) << "\n";
  }

  void print_group(const std::string& name, const std::vector<Trajectory>& chains,
                   Use use, const std::map<size_t, double>& advantages) {
    size_t place = 0;
    for (const Trajectory& chain : chains) {
      if (chain.use != use) continue;
      const auto advantage = advantages.find(place);
      if (place == 0) out_ << "\n";
      print_chain(name + " " + std::to_string(place + 1), chain,
                  advantage == advantages.end() ? nullptr : &advantage->second);
      print_thoughts(chain, chain.prefix_length > 0 ? kept_thoughts(chain) : 0, 0);
      ++place;
    }
  }

  static size_t kept_thoughts(const Trajectory& chain) {
    return static_cast<size_t>(
        std::count_if(chain.thought_ends.begin(), chain.thought_ends.end(),
                      [&](uint32_t end) { return end <= chain.prefix_length; }));
  }

  /// Thoughts from the one behind `skipped`; `chosen` (1-based, 0 for none) is marked.
  /// Where the text does not show as many thoughts as the tokens have (one was cut at its
  /// limit and has no mark), the text stands as it is.
  void print_thoughts(const Trajectory& chain, size_t skipped, size_t chosen) {
    const std::vector<std::string> thoughts = thoughts_of(chain.text);
    if (thoughts.size() != chain.thought_ends.size() || thoughts.empty()) {
      print_text(trimmed(chain.text), "      ", Colour::kGrey);
      return;
    }
    if (skipped > 0)
      out_ << "      "
           << paint("(1.." + std::to_string(skipped) + " kept)", Colour::kGrey) << "\n";
    for (size_t i = skipped; i < thoughts.size(); ++i) {
      const bool is_chosen = i + 1 == chosen;
      const Colour colour = is_chosen ? Colour::kYellow : Colour::kPlain;
      const std::string number = number_text("%3.0f", static_cast<double>(i + 1));
      out_ << paint((is_chosen ? "  -> " : "     ") + number + ". ", colour);
      print_behind_number(thoughts[i], colour);
    }
  }

  void print_behind_number(const std::string& thought, Colour colour) {
    std::ostringstream lines;
    TreePrinter(lines, style_).print_text(thought, std::string(10, ' '), colour);
    const std::string text = lines.str();
    out_ << (text.empty() ? "\n" : text.substr(10));
  }

  void print_seed(const Trajectory& seed, size_t chosen) {
    out_ << "\n";
    print_chain("failed chain", seed, nullptr);
    print_thoughts(seed, 0, chosen);
  }

  /// Every chain that was gone back into, with the place.
  void print_seeds(const RolloutTree& tree) {
    size_t number = 0;
    for (const Trajectory& chain : tree.fresh) {
      if (chain.use != Use::kSeed) continue;
      const uint32_t chosen =
          number > 0 && number <= tree.further.size() ? tree.further[number - 1].thought
          : number == 0 && tree.localization          ? tree.localization->thought
                                                      : 0;
      print_seed(chain, chosen);
      ++number;
    }
  }

  void print_localization(const records::Localization& place) {
    out_ << "\n  " << paint("localization", Colour::kBold) << " by "
         << printable(place.localizer) << ": thought " << place.thought << " of "
         << place.num_thoughts << ", parsed: " << name_of(place.status) << "\n";
    if (!place.reply.empty()) print_text(trimmed(place.reply), "      | ");
  }

  std::ostream& out_;
  const TreeStyle& style_;
};

}  // namespace

std::vector<std::string> thoughts_of(const std::string& text) {
  std::vector<std::string> thoughts;
  size_t begin = 0;
  for (size_t end = 0; (end = text.find(kMark, begin)) != std::string::npos;
       begin = end + std::string(kMark).size()) {
    thoughts.push_back(trimmed(text.substr(begin, end - begin)));
  }
  const std::string rest = trimmed(text.substr(begin));
  if (!rest.empty()) thoughts.push_back(rest);
  return thoughts;
}

void print_tree(std::ostream& out, const RolloutTree& tree, const TreeStyle& style) {
  TreePrinter(out, style).print(tree);
}

}  // namespace srpo::analysis
