#include "analysis/continuation_grading.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "analysis/json_text.h"
#include "analysis/trajectory_tree.h"
#include "core/error.h"
#include "verify/make_verifier.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;
using records::RolloutTree;
using records::Trajectory;

constexpr const char* kMark = "</thought>";

/// Text of the first thoughts; empty when the text does not show as many thoughts as the
/// tokens have, which only a verifier that looks for more than an answer would miss.
std::string kept_text(const Trajectory& seed, uint32_t kept) {
  const std::vector<std::string> thoughts = thoughts_of(seed.text);
  std::string text;
  if (thoughts.size() != seed.thought_ends.size()) return text;
  for (uint32_t i = 0; i < kept; ++i) text += thoughts[i] + kMark;
  return text;
}

void write_prompt(std::ostream& out, const RolloutTree& tree, const Trajectory& seed,
                  uint32_t kept) {
  out << "{\"step\":" << tree.step << ",\"slot\":" << tree.slot << ",\"kept\":" << kept
      << ",\"named\":" << tree.localization->thought
      << ",\"thoughts\":" << seed.thought_ends.size()
      << ",\"kind\":" << json_string(tree.problem.kind)
      << ",\"problem\":" << json_string(tree.problem.id)
      << ",\"question\":" << json_string(tree.problem.question)
      << ",\"reference\":" << json_string(tree.problem.reference)
      << ",\"prefix\":" << json_string(kept_text(seed, kept)) << ",\"ids\":[";
  bool is_first = true;
  const auto write = [&](int32_t id) {
    out << (is_first ? "" : ",") << id;
    is_first = false;
  };
  for (const int32_t id : tree.prompt_tokens) write(id);
  const uint32_t end = kept == 0 ? 0 : seed.thought_ends[kept - 1];
  for (uint32_t i = 0; i < end && i < seed.tokens.size(); ++i) write(seed.tokens[i]);
  out << "]}\n";
}

/// What a chain would have been: up to the end of the first thought with a box.
std::string ended_at_box(const std::string& text) {
  const size_t box = text.find("\\boxed{");
  if (box == std::string::npos) return text;
  const size_t mark = text.find(kMark, box);
  return mark == std::string::npos ? text : text.substr(0, mark);
}

/// Objects of a file of JSON lines, one after another.
class JsonLines {
 public:
  explicit JsonLines(const std::filesystem::path& path)
      : path_(path), file_(path, std::ios::binary) {
    REQUIRE(file_.is_open(), kBadFile, path.string() << " cannot be read");
  }

  std::optional<json> next() {
    std::string line;
    while (std::getline(file_, line)) {
      ++number_;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      json parsed = json::parse(line, nullptr, /*allow_exceptions=*/false);
      REQUIRE(parsed.is_object(), kBadFile, place() << ": no JSON object");
      return parsed;
    }
    return std::nullopt;
  }
  std::string place() const { return path_.string() + ":" + std::to_string(number_); }

  uint32_t number(const json& object, const char* key) const {
    const auto found = object.find(key);
    REQUIRE(found != object.end() && found->is_number_unsigned() &&
                found->get<uint64_t>() <= UINT32_MAX,
            kBadFile, place() << ": no whole number under '" << key << "'");
    return found->get<uint32_t>();
  }
  std::string text(const json& object, const char* key) const {
    const auto found = object.find(key);
    REQUIRE(found != object.end() && found->is_string(), kBadFile,
            place() << ": no text under '" << key << "'");
    return found->get<std::string>();
  }

 private:
  std::filesystem::path path_;
  std::ifstream file_;
  uint64_t number_ = 0;
};

uint64_t lines_in(const std::filesystem::path& path) {
  JsonLines lines(path);
  uint64_t count = 0;
  while (lines.next()) ++count;
  return count;
}

class Grader {
 public:
  explicit Grader(ContinuationGrading& grading) : grading_(grading) {}

  void grade(JsonLines& prompts, JsonLines& continuations) {
    while (const auto prompt = prompts.next()) {
      const records::Problem problem = {
          prompts.text(*prompt, "problem"), prompts.text(*prompt, "kind"),
          prompts.text(*prompt, "question"), prompts.text(*prompt, "reference")};
      const std::string prefix = prompts.text(*prompt, "prefix");
      GradedChain& chain =
          grading_
              .chains[{prompts.number(*prompt, "step"), prompts.number(*prompt, "slot")}];
      chain.named = prompts.number(*prompt, "named");
      chain.thoughts = prompts.number(*prompt, "thoughts");
      Proportion& place = chain.by_kept[prompts.number(*prompt, "kept")];
      for (uint64_t i = 0; i < grading_.draws; ++i) {
        const auto line = continuations.next();
        REQUIRE(line, kBadFile, continuations.place() << ": a continuation is missing");
        const std::string response =
            prefix + ended_at_box(continuations.text(*line, "text"));
        place.add(verifier_of(problem.kind).verify(problem, response).reward >= 1);
      }
    }
  }

 private:
  const verify::Verifier& verifier_of(const std::string& kind) {
    auto& verifier = verifiers_[kind];
    if (!verifier) verifier = verify::make_verifier(kind);
    return *verifier;
  }

  ContinuationGrading& grading_;
  std::map<std::string, std::unique_ptr<verify::Verifier>> verifiers_;
};

/// value, low, high, chains
std::vector<Cell> row_of(const std::string& name, const Moments& values) {
  const auto interval = values.interval();
  return {name, cell(values.mean()), interval ? Cell(interval->low) : Cell(),
          interval ? Cell(interval->high) : Cell(), values.count()};
}

Table grading_table(const ContinuationGrading& grading) {
  Moments before;
  Moments behind;
  Moments drop;
  Proportion falls;
  Proportion steepest;
  for (const auto& [key, chain] : grading.chains) {
    const auto first = chain.value(chain.named - 1);
    const auto second = chain.value(chain.named);
    if (!first || !second) continue;
    before.add(*first);
    behind.add(*second);
    drop.add(*first - *second);
    falls.add(*first > *second);
    if (const auto worst = chain.steepest()) steepest.add(*worst == chain.named);
  }
  Table table("grading", {"measure", "value", "low_95", "high_95", "chains"});
  table.add_row(row_of("success from before the named thought", before));
  table.add_row(row_of("success from behind it", behind));
  table.add_row(row_of("drop", drop));
  const auto add = [&](const char* name, const Proportion& share) {
    const Interval interval = share.interval();
    table.add_row({std::string(name), cell(share.share()), interval.low, interval.high,
                   share.total});
  };
  add("the named thought makes success rarer", falls);
  add("and no other thought as much", steepest);
  table.add_row({std::string("draws of a place"), Cell(), Cell(), Cell(), grading.draws});
  return table;
}

Table profile_table(const ContinuationGrading& grading) {
  std::map<int64_t, Proportion> places;
  for (const auto& [key, chain] : grading.chains) {
    for (const auto& [kept, share] : chain.by_kept)
      places[static_cast<int64_t>(kept) - (static_cast<int64_t>(chain.named) - 1)].merge(
          share);
  }
  Table table("profile", {"thoughts_kept_beyond_the_reset", "success", "low_95",
                          "high_95", "draws"});
  for (const auto& [beyond, share] : places) {
    const Interval interval = share.interval();
    table.add_row({std::to_string(beyond), cell(share.share()), interval.low,
                   interval.high, share.total});
  }
  return table;
}

}  // namespace

uint64_t write_grading_prompts(std::ostream& out, const RolloutTree& tree,
                               GradedPlaces places) {
  const Trajectory* seed = tree.seed();
  if (tree.validation || !tree.localization || seed == nullptr) return 0;
  const auto thoughts = static_cast<uint32_t>(seed->thought_ends.size());
  const uint32_t named = tree.localization->thought;
  uint64_t count = 0;
  for (uint32_t kept = 0; kept < thoughts; ++kept) {
    if (places == GradedPlaces::kNamed && kept + 1 != named && kept != named) continue;
    write_prompt(out, tree, *seed, kept);
    ++count;
  }
  return count;
}

std::optional<double> GradedChain::value(uint32_t kept) const {
  if (kept == thoughts) return 0;
  const auto found = by_kept.find(kept);
  return found == by_kept.end() ? std::nullopt : found->second.share();
}

std::optional<uint32_t> GradedChain::steepest() const {
  std::optional<uint32_t> worst;
  double most = 0;
  for (uint32_t thought = 1; thought <= thoughts; ++thought) {
    const auto before = value(thought - 1);
    const auto behind = value(thought);
    if (!before || !behind) return std::nullopt;
    if (*before - *behind <= most) continue;
    most = *before - *behind;
    worst = thought;
  }
  return worst;
}

ContinuationGrading ContinuationGrading::read(
    const std::filesystem::path& prompts, const std::filesystem::path& continuations) {
  ContinuationGrading grading;
  const uint64_t num_prompts = lines_in(prompts);
  const uint64_t num_continuations = lines_in(continuations);
  REQUIRE(
      num_prompts > 0 && num_continuations > 0 && num_continuations % num_prompts == 0,
      kBadFile,
      continuations.string() << " has " << num_continuations << " continuations of "
                             << num_prompts << " prompts in " << prompts.string()
                             << " (expected as many of each)");
  grading.draws = num_continuations / num_prompts;
  JsonLines prompt_lines(prompts);
  JsonLines continuation_lines(continuations);
  Grader(grading).grade(prompt_lines, continuation_lines);
  return grading;
}

void ContinuationGrading::write_known(std::ostream& out) const {
  for (const auto& [key, chain] : chains) {
    const auto thought = chain.steepest();
    out << "{\"step\":" << key.first << ",\"slot\":" << key.second
        << ",\"thought\":" << thought.value_or(0);
    if (thought)
      out << ",\"before\":" << json_number(*chain.value(*thought - 1))
          << ",\"behind\":" << json_number(*chain.value(*thought));
    out << ",\"draws\":" << draws << "}\n";
  }
}

std::vector<Table> grading_tables(const ContinuationGrading& grading) {
  return {grading_table(grading), profile_table(grading)};
}

}  // namespace srpo::analysis
