#include "evaluation/evaluation_config.h"

#include <charconv>
#include <limits>
#include <set>
#include <sstream>

#include "core/error.h"
#include "verify/make_verifier.h"

namespace srpo::evaluation {
namespace {

using core::ConfigTable;

constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
constexpr uint32_t kMostSeeds = 64;
/// What the ids of corrections have room for.
constexpr uint32_t kMostCorrectedSamples = 16;

/// "1, 5,10" to numbers.
template <class T>
std::vector<T> read_numbers(const ConfigTable& table, const std::string& key,
                            const std::string& otherwise) {
  const std::string text = table.text(key, otherwise);
  std::vector<T> numbers;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    std::erase(word, ' ');
    T number = 0;
    const char* end = word.data() + word.size();
    const auto read = std::from_chars(word.data(), end, number);
    REQUIRE(read.ec == std::errc() && read.ptr == end, kBadConfig,
            table.place(key) << " = " << text
                             << " (expected whole numbers divided by commas)");
    numbers.push_back(number);
  }
  return numbers;
}

/// What stands in `key`, or else in the preset.
std::string text_or(const ConfigTable& table, const std::string& key,
                    const TaskPreset* preset, const char* TaskPreset::*field,
                    const std::optional<std::string>& otherwise) {
  return table.text(
      key, preset == nullptr ? otherwise : std::optional<std::string>(preset->*field));
}

void read_filter(const ConfigTable& table, const std::string& filter, TaskConfig& task) {
  if (filter.empty()) return;
  const size_t at = filter.find('=');
  REQUIRE(at != std::string::npos && at > 0, kBadConfig,
          table.place("filter") << " = " << filter << " (expected field=value)");
  task.filter_field = filter.substr(0, at);
  task.filter_value = filter.substr(at + 1);
}

std::string layout_name(TaskLayout layout) {
  static constexpr const char* kNames[] = {"question", "choice", "yes_no", "science",
                                           "code"};
  return kNames[static_cast<int>(layout)];
}

void read_sampling(const ConfigTable& table, const ConfigTable& all,
                   const TaskPreset* preset, TaskConfig& task) {
  // The task wins over the section, the section over the preset.
  const auto common = [&](const char* key, double preset_value, double high) {
    return all.has(key) ? all.number(key, {}, 0, high) : preset_value;
  };
  task.samples = static_cast<uint32_t>(
      table.integer("samples",
                    all.has("samples") ? all.integer("samples", {}, 1, 4095)
                                       : (preset == nullptr ? 1 : preset->samples),
                    1, 4095));
  task.sampling.temperature = table.number(
      "temperature",
      common("temperature", preset == nullptr ? 0 : preset->temperature, 100), 0, 100);
  task.sampling.top_p = table.number("top_p", common("top_p", 0.95, 1), 1e-6, 1);
  task.sampling.top_k = static_cast<int32_t>(table.integer("top_k", 0, 0, kMost));
  REQUIRE(task.sampling.temperature > 0 || task.samples == 1, kBadConfig,
          table.place("samples") << " = " << task.samples << " of task " << task.name
                                 << " at temperature 0 are all the same (expected 1, or "
                                    "a temperature)");
}

TaskConfig read_task(const ConfigTable& table, const ConfigTable& all) {
  TaskConfig task;
  const TaskPreset* preset = nullptr;
  if (table.has("preset")) preset = &find_preset(table.text("preset", {}));
  task.name = text_or(table, "name", preset, &TaskPreset::name, {});
  task.title = text_or(table, "title", preset, &TaskPreset::title, task.name);
  const std::filesystem::path folder = all.text("data_folder", ".");
  task.path = folder / text_or(table, "path", preset, &TaskPreset::file, {});
  task.layout = parse_layout(
      table.choice("layout", preset == nullptr ? "question" : layout_name(preset->layout),
                   {"question", "choice", "yes_no", "science", "code"}));
  task.kind = table.choice("kind", preset == nullptr ? "math" : preset->kind,
                           verify::verifier_kinds());
  task.hint = text_or(table, "hint", preset, &TaskPreset::hint, "");
  read_filter(table, text_or(table, "filter", preset, &TaskPreset::filter, ""), task);
  task.group = text_or(table, "group", preset, &TaskPreset::group, "");
  task.skip = static_cast<uint64_t>(table.integer("skip", 0, 0, kMost));
  task.limit = static_cast<uint64_t>(table.integer(
      "limit", all.has("limit") ? all.integer("limit", {}, 0, kMost) : 0, 0, kMost));
  read_sampling(table, all, preset, task);
  return task;
}

CorrectionConfig read_correction(const ConfigTable& section) {
  CorrectionConfig config;
  const ConfigTable table = section.section("correction");
  config.iterations = static_cast<uint32_t>(table.integer("iterations", 10, 1, 15));
  config.stop_when_correct = table.boolean("stop_when_correct", true);
  config.belief_votes = static_cast<uint32_t>(table.integer("belief_votes", 0, 0, 16));
  config.belief_rule =
      table.choice("belief_rule", "majority", {"unanimous", "majority", "any"});
  config.belief_temperature = table.number("belief_temperature", 0.3, 0, 100);
  config.localizer = table.choice("localizer", "self", {"self", "random", "oracle"});
  config.localization_votes =
      static_cast<uint32_t>(table.integer("localization_votes", 1, 1, 16));
  config.temperature = table.number("temperature", 0.7, 0, 100);
  config.keep_prefix = table.boolean("keep_prefix", true);
  return config;
}

/// Names and steps of the tasks must not be confused.
void check_tasks(const ConfigTable& section, const EvaluationConfig& config) {
  std::set<std::string> names;
  std::set<uint32_t> steps;
  for (const TaskConfig& task : config.tasks) {
    REQUIRE(names.insert(task.name).second, kBadConfig,
            section.place("tasks") << ": two tasks are named " << task.name
                                   << " (give one of them another `name`)");
    REQUIRE(steps.insert(draw_step(task.name, 0)).second, kBadConfig,
            section.place("tasks") << ": the name " << task.name
                                   << " falls together with another one (expected "
                                      "another `name`)");
    REQUIRE(config.mode != Mode::kCorrection || task.samples <= kMostCorrectedSamples,
            kBadConfig,
            section.place("samples") << " = " << task.samples << " of task " << task.name
                                     << " (expected at most " << kMostCorrectedSamples
                                     << " with mode: correction)");
    REQUIRE(config.mode != Mode::kCorrection || task.kind != "command", kBadConfig,
            section.place("tasks") << ": kind command cannot be corrected");
  }
}

std::string indented(const std::string& yaml) {
  std::istringstream lines(yaml);
  std::string out;
  for (std::string line; std::getline(lines, line);)
    out += line.empty() ? "\n" : "  " + line + "\n";
  return out;
}

}  // namespace

uint32_t draw_step(const std::string& task, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : task)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  const auto place = static_cast<uint32_t>((hash ^ hash >> 32) & 0x3ffff);
  return place * kMostSeeds + static_cast<uint32_t>(seed % kMostSeeds);
}

EvaluationConfig EvaluationConfig::read(const core::ConfigTable& job, uint64_t run_seed) {
  EvaluationConfig config;
  REQUIRE(job.has("evaluation"), kBadConfig,
          job.place("evaluation") << " is missing (expected the tasks to evaluate)");
  const ConfigTable section = job.section("evaluation");
  const std::string mode =
      section.choice("mode", "thoughts", {"single_pass", "thoughts", "correction"});
  config.mode = mode == "single_pass"  ? Mode::kSinglePass
                : mode == "correction" ? Mode::kCorrection
                                       : Mode::kThoughts;
  config.seeds = read_numbers<uint64_t>(section, "seeds", std::to_string(run_seed));
  REQUIRE(!config.seeds.empty() && config.seeds.size() <= kMostSeeds, kBadConfig,
          section.place("seeds") << " has " << config.seeds.size()
                                 << " seeds (expected 1 to " << kMostSeeds << ")");
  std::set<uint32_t> steps;
  for (const uint64_t seed : config.seeds) steps.insert(draw_step("", seed));
  REQUIRE(steps.size() == config.seeds.size(), kBadConfig,
          section.place("seeds")
              << " has a seed twice, or two that differ by a multiple of " << kMostSeeds
              << " (their draws would have the same names)");
  config.pass_at = read_numbers<uint32_t>(section, "pass_at", "1");
  for (const uint32_t k : config.pass_at) {
    REQUIRE(k > 0, kBadConfig, section.place("pass_at") << " = 0 (expected 1 or more)");
  }
  for (const ConfigTable& table : section.sections("tasks"))
    config.tasks.push_back(read_task(table, section));
  REQUIRE(!config.tasks.empty(), kBadConfig,
          section.place("tasks") << " is missing (expected a list such as [{preset: "
                                    "gsm8k, limit: 100}])");
  config.correction = read_correction(section);
  config.adapter = section.text("adapter", "");
  config.resamples =
      static_cast<uint32_t>(section.integer("resamples", 10000, 100, 10'000'000));
  config.shards = section.boolean("shards", true);
  config.verifiers = static_cast<uint32_t>(section.integer("verifiers", 0, 0, 65536));
  config.in_flight = static_cast<uint32_t>(section.integer("in_flight", 0, 0, 65536));
  check_tasks(section, config);
  return config;
}

std::string worker_job(const core::ConfigTable& job, const EvaluationConfig& config) {
  std::string yaml;
  for (const char* name :
       {"run", "algorithm", "supervision", "model", "prompts", "generation",
        "localization", "learner", "verify", "code", "sandbox"}) {
    if (job.has(name)) yaml += name + (":\n" + indented(job.section(name).to_yaml()));
  }
  std::set<std::string> kinds;
  for (const TaskConfig& task : config.tasks) {
    kinds.insert(task.kind);
    if (task.layout == TaskLayout::kScience) kinds.insert("choice");
  }
  yaml += "data:\n  validation:\n";
  for (const std::string& kind : kinds)
    yaml += "    - {path: evaluation, kind: " + kind + "}\n";
  return yaml;
}

}  // namespace srpo::evaluation
