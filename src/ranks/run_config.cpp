#include "ranks/run_config.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/error.h"
#include "core/log.h"
#include "dashboard/dashboard_config.h"
#include "rl/algorithm.h"
#include "rl/task_oracle.h"
#include "verify/make_verifier.h"

namespace srpo::ranks {
namespace {

using core::ConfigTable;

constexpr int64_t kMost = std::numeric_limits<int32_t>::max();

RoleCounts read_ranks(const ConfigTable& job) {
  RoleCounts counts;
  if (!job.has("ranks")) return counts;
  const ConfigTable ranks = job.section("ranks");
  counts.spares = static_cast<int>(ranks.integer("spares", 0, 0, 65536));
  const bool has_roles = ranks.has("scheduler") || ranks.has("generator") ||
                         ranks.has("localization") || ranks.has("verifier") ||
                         ranks.has("learner") || !ranks.has("spares");
  if (!has_roles) return counts;
  counts.scheduler = static_cast<int>(ranks.integer("scheduler", 1, 1, 1));
  counts.generator = static_cast<int>(ranks.integer("generator", {}, 1, 65536));
  counts.localization = static_cast<int>(ranks.integer("localization", {}, 1, 65536));
  counts.verifier = static_cast<int>(ranks.integer("verifier", {}, 1, 65536));
  counts.learner = static_cast<int>(ranks.integer("learner", {}, 1, 65536));
  return counts;
}

SupervisionLimits read_supervision(const ConfigTable& job) {
  SupervisionLimits limits;
  const ConfigTable table = job.section("supervision");
  limits.max_restarts =
      static_cast<int32_t>(table.integer("max_restarts", limits.max_restarts, 0, kMost));
  limits.within_seconds =
      table.integer("within_seconds", limits.within_seconds, 1, kMost);
  limits.dead_after = table.number("dead_after", limits.dead_after, 0.5, 86400);
  limits.suspect_after = table.number(
      "suspect_after", std::min(limits.suspect_after, limits.dead_after / 3), 0.1, 86400);
  limits.min_healthy =
      static_cast<int32_t>(table.integer("min_healthy", limits.min_healthy, 1, 65536));
  REQUIRE(limits.suspect_after < limits.dead_after, kBadConfig,
          table.place("suspect_after")
              << " = " << limits.suspect_after
              << " (expected less than dead_after = " << limits.dead_after << ")");
  return limits;
}

rl::ArithmeticRange read_arithmetic(const ConfigTable& table) {
  rl::ArithmeticRange range;
  range.lowest_level = static_cast<int>(table.integer("lowest_level", 2, 1, 16));
  range.highest_level =
      static_cast<int>(table.integer("highest_level", 6, range.lowest_level, 16));
  range.highest_value = static_cast<int>(table.integer("highest_value", 999, 20, 999));
  range.highest_operand = static_cast<int>(table.integer("highest_operand", 99, 2, 99));
  return range;
}

rl::CountdownRange read_countdown(const ConfigTable& table) {
  rl::CountdownRange range;
  range.lowest_numbers = static_cast<int>(table.integer("lowest_numbers", 3, 2, 6));
  range.highest_numbers =
      static_cast<int>(table.integer("highest_numbers", 4, range.lowest_numbers, 6));
  range.highest_number = static_cast<int>(table.integer("highest_number", 9, 2, 99));
  range.highest_value = static_cast<int>(table.integer("highest_value", 99, 10, 999));
  return range;
}

DataSource read_task(const ConfigTable& table) {
  DataSource source;
  source.task = table.choice("task", {}, {"arithmetic", "countdown", "sums"});
  if (source.task == "arithmetic") {
    source.arithmetic = read_arithmetic(table);
  } else if (source.task == "countdown") {
    source.kind = "countdown";
    source.countdown = read_countdown(table);
  } else {
    source.sums.lowest = static_cast<int>(table.integer("lowest", 0, 0, 999));
    source.sums.highest =
        static_cast<int>(table.integer("highest", 9, source.sums.lowest, 999));
  }
  source.held_out = table.boolean("held_out", false);
  source.limit = table.integer("limit", 0, 0, kMost);
  return source;
}

DataSource read_source(const ConfigTable& table) {
  const int kinds = (table.has("path") ? 1 : 0) + (table.has("task") ? 1 : 0) +
                    (table.has("replay") ? 1 : 0);
  REQUIRE(kinds == 1, kBadConfig,
          table.place("path") << " (expected either path, a JSONL file, or task, a "
                                 "built-in one, or replay, a run folder)");
  if (table.has("task")) return read_task(table);
  DataSource source;
  if (table.has("replay")) {
    source.replay = table.text("replay", {});
    source.limit = table.integer("limit", 0, 0, kMost);
    source.skip = table.integer("skip", 0, 0, kMost);
    return source;
  }
  source.path = table.text("path", {});
  source.kind = table.choice("kind", "math", verify::verifier_kinds());
  source.limit = table.integer("limit", 0, 0, kMost);
  source.skip = table.integer("skip", 0, 0, kMost);
  return source;
}

std::vector<DataSource> read_sources(const ConfigTable& data, const std::string& key) {
  std::vector<DataSource> sources;
  for (const ConfigTable& table : data.sections(key)) {
    sources.push_back(read_source(table));
    REQUIRE(sources.back().task.empty() || sources.back().limit > 0, kBadConfig,
            table.place("limit")
                << " is missing (expected how many problems the task makes)");
  }
  return sources;
}

ModelSource read_model(const ConfigTable& job) {
  const ConfigTable table = job.section("model");
  ModelSource source;
  REQUIRE(table.has("path") != table.has("from_nothing"), kBadConfig,
          table.place("path") << " (expected either path, a Hugging Face folder, or "
                                 "from_nothing, the sizes of a fresh decoder)");
  table.choice("dtype", "float32", {"float32"});
  if (table.has("path")) source.path = table.text("path", {});
  if (table.has("from_nothing")) {
    const ConfigTable sizes = table.section("from_nothing");
    model::ModelConfig& config = source.from_nothing;
    config.hidden_size = sizes.integer("hidden_size", {}, 8, 1 << 16);
    config.intermediate_size = sizes.integer("intermediate_size", {}, 8, 1 << 18);
    config.num_layers = sizes.integer("num_layers", {}, 1, 1024);
    config.num_heads = sizes.integer("num_heads", {}, 1, 1024);
    config.num_kv_heads =
        sizes.integer("num_kv_heads", config.num_heads, 1, config.num_heads);
    config.max_positions = sizes.integer("max_positions", 512, 16, 1 << 20);
    config.rope_theta = sizes.number("rope_theta", 10000, 1, 1e9);
    config.tie_embeddings = sizes.boolean("tie_embeddings", true);
    REQUIRE(config.hidden_size % config.num_heads == 0 &&
                (config.hidden_size / config.num_heads) % 2 == 0 &&
                config.num_heads % config.num_kv_heads == 0,
            kBadConfig,
            sizes.place("num_heads")
                << " (expected hidden_size / num_heads to be a whole even number, and "
                   "num_kv_heads to divide num_heads)");
    config.head_dim = config.hidden_size / config.num_heads;
  }
  if (table.has("adapter")) {
    const ConfigTable adapter = table.section("adapter");
    source.has_adapter = true;
    source.adapter_rank = adapter.integer("rank", 64, 1, 4096);
    source.adapter_alpha = adapter.number("alpha", 64, 1e-3, 1e6);
    REQUIRE(!source.path.empty(), kBadConfig,
            table.place("adapter")
                << " (an adapter needs a model with weights: model.path)");
  }
  return source;
}

void read_generation(const ConfigTable& job, RunConfig& config) {
  const ConfigTable table = job.section("generation");
  config.limits.max_thoughts =
      static_cast<int32_t>(table.integer("max_thoughts", 20, 1, 1000));
  config.limits.thought_tokens =
      static_cast<int32_t>(table.integer("thought_tokens", 256, 1, 1 << 20));
  config.limits.response_tokens =
      static_cast<int32_t>(table.integer("response_tokens", 5120, 1, 1 << 20));
  config.limits.context_tokens =
      static_cast<int32_t>(table.integer("context_tokens", 8192, 2, 1 << 20));
  config.sampling.temperature = table.number("temperature", 0.7, 0, 100);
  config.sampling.top_p = table.number("top_p", 0.95, 1e-6, 1);
  config.sampling.top_k = static_cast<int32_t>(table.integer("top_k", 0, 0, kMost));
  config.sampling.min_p = table.number("min_p", 0, 0, 1);
  config.sampling.repetition_penalty = table.number("repetition_penalty", 1, 1e-6, 1e6);
  config.sampling.presence_penalty = table.number("presence_penalty", 0, -1e6, 1e6);
  config.sampling.frequency_penalty = table.number("frequency_penalty", 0, -1e6, 1e6);
  config.sampling.seed = config.seed;
  config.engine.weight_dtype = table.choice("dtype", "float32", {"float32", "bfloat16"});
  config.engine.order =
      engine::parse_order(table.choice("order", "parallel", {"parallel", "serial"}));
  config.engine.max_sequences = table.integer("max_sequences", 64, 1, 65536);
  config.engine.cache_tokens = table.integer("cache_tokens", 32768, 64, int64_t{1} << 32);
  config.engine.prefill_tokens_per_step =
      table.integer("prefill_tokens_per_step", 256, 1, 65536);
  config.engine.threads = static_cast<int>(table.integer("threads", 1, 1, 256));
  REQUIRE(config.limits.thought_tokens <= config.limits.response_tokens, kBadConfig,
          table.place("thought_tokens")
              << " is larger than response_tokens=" << config.limits.response_tokens);

  const ConfigTable localization = job.section("localization");
  config.localization_sampling.temperature =
      localization.number("temperature", 0.3, 0, 100);
  config.localization_sampling.top_p = localization.number("top_p", 0.95, 1e-6, 1);
  config.localization_sampling.seed = config.seed;
  config.localization_tokens =
      static_cast<int32_t>(localization.integer("max_tokens", 4096, 1, 1 << 20));
}

WarmStart read_warm_start(const ConfigTable& job) {
  WarmStart warm;
  if (!job.has("warm_start")) return warm;
  const ConfigTable table = job.section("warm_start");
  table.choice("algorithm", "sft", {"sft"});
  warm.batches = static_cast<uint32_t>(table.integer("batches", {}, 1, kMost));
  warm.batch_size = static_cast<uint32_t>(table.integer("batch_size", 128, 1, 65536));
  warm.learning_rate = table.number("learning_rate", 1e-3, 0, 1);
  warm.final_learning_rate = table.number("final_learning_rate", 1e-4, 0, 1);
  warm.localization_share = table.number("localization_share", 0.2, 0, 1);
  warm.hasty_share = table.number("hasty_share", 0, 0, 1);
  const ConfigTable data = table.section("data");
  REQUIRE(data.has("task") || data.has("replay"), kBadConfig,
          data.place("task")
              << " is missing (demonstrations are made by a task: "
                 "arithmetic or countdown, or are the good trajectories of another "
                 "run: replay, a run folder)");
  warm.data = read_source(data);
  REQUIRE(warm.data.task.empty() || rl::has_oracle(warm.data.task), kBadConfig,
          data.place("task") << " = " << warm.data.task
                             << " (expected arithmetic or countdown, which have worked "
                                "solutions)");
  if (data.has("replay")) warm.data.min_reward = data.number("min_reward", 1, 0, 1);
  return warm;
}

void read_run(const ConfigTable& job, RunConfig& config) {
  const ConfigTable run = job.section("run");
  config.name = run.text("name", {});
  config.folder = run.text("folder", "runs/" + config.name);
  config.seed = static_cast<uint64_t>(run.integer("seed", 42, 0, kMost));
  config.log_level = run.choice("log", "info", {"debug", "info", "warn", "error"});
  config.steps = static_cast<uint32_t>(run.integer("steps", {}, 0, 1 << 23));
  config.call_seconds = run.integer("call_seconds", 3600, 1, 86400);
  config.drain_seconds = run.number("drain_seconds", 20, 0, 86400);
}

/// `all`, or `N steps`: 0 for all.
uint32_t read_kept_steps(const ConfigTable& replay, const RunConfig& config) {
  const std::string text = replay.text("keep", "all");
  if (text == "all") return 0;
  uint32_t steps = 0;
  const char* end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, steps);
  const std::string unit(number.ptr, end);
  REQUIRE(number.ec == std::errc() && (unit == " steps" || unit == " step") && steps > 0,
          kBadConfig,
          replay.place("keep") << " = " << text << " (expected all, or N steps)");
  // A resumed run reads the steps behind its oldest checkpoint again.
  const uint64_t least = uint64_t{config.checkpoint_every} * config.checkpoints_kept;
  REQUIRE(steps >= least, kBadConfig,
          replay.place("keep") << " = " << text << " (expected at least " << least
                               << " steps: checkpoint.every_steps * checkpoint.keep, "
                                  "which a resumed run may need again)");
  return steps;
}

void read_learner(const ConfigTable& job, RunConfig& config) {
  const ConfigTable learner = job.section("learner");
  config.prompts_per_step =
      static_cast<uint32_t>(learner.integer("prompts_per_step", 32, 1, 1 << 20));
  config.trees_in_flight =
      static_cast<uint32_t>(learner.integer("prompts_in_flight", 0, 0, 1 << 20));
  const ConfigTable adapter = config.model.has_adapter
                                  ? job.section("model").section("adapter")
                                  : ConfigTable::parse("", "none");
  config.learner = learner::LearnerConfig::read(learner, adapter);
  config.learner.lora = config.model.has_adapter;
  config.learner.lora_rank = config.model.adapter_rank;
  config.learner.lora_alpha = config.model.adapter_alpha;
  config.learner.seed = config.seed;
  learner::LearningSchedule& schedule = config.learner.schedule;
  schedule.first = config.warm_start.batches;
  if (schedule.total == 0)
    schedule.total = config.steps * config.learner.updates_per_batch;
  REQUIRE(
      config.prompts_per_step % static_cast<uint32_t>(config.learner.updates_per_batch) ==
          0,
      kBadConfig,
      learner.place("updates_per_batch") << " = " << config.learner.updates_per_batch
                                         << " (expected a divisor of prompts_per_step = "
                                         << config.prompts_per_step << ")");
}

void read_trace(const ConfigTable& job, RunConfig& config) {
  const ConfigTable trace = job.section("trace");
  const std::string file = trace.text("file", "");
  const int64_t events = trace.integer("events", 1 << 20, 1, 1 << 28);
  if (file.empty()) return;
  config.trace_file = config.folder / file;  // an absolute one stays what it is
  config.trace_events = static_cast<uint32_t>(events);
}

void read_schedule(const ConfigTable& job, RunConfig& config) {
  const ConfigTable table = job.section("schedule");
  Schedule& schedule = config.schedule;
  const std::string mode =
      table.choice("mode", "sync", {"sync", "one_step_off", "async"});
  schedule.mode = mode == "async"          ? scheduler::Mode::kAsync
                  : mode == "one_step_off" ? scheduler::Mode::kOneStepOff
                                           : scheduler::Mode::kSync;
  if (schedule.mode == scheduler::Mode::kAsync) {
    schedule.max_staleness =
        static_cast<uint32_t>(table.integer("max_staleness", 1, 0, 1000));
    schedule.partial_rollouts = table.boolean("partial_rollouts", true);
  }
  schedule.dynamic_sampling =
      static_cast<uint32_t>(table.integer("dynamic_sampling", 0, 0, 64));
  schedule.hedge_seconds = table.number("hedge_seconds", 60, 0, 86400);
  schedule.generator_slots =
      static_cast<uint32_t>(table.integer("generator_slots", 0, 0, 1 << 20));
  schedule.verifier_slots =
      static_cast<uint32_t>(table.integer("verifier_slots", 0, 0, 1 << 20));
  if (!table.has("curriculum")) return;
  const ConfigTable curriculum = table.section("curriculum");
  schedule.curriculum.pool_factor =
      static_cast<uint32_t>(curriculum.integer("pool", 4, 1, 64));
  schedule.curriculum.target = curriculum.number("target", 0.5, 0, 1);
  schedule.curriculum.memory = curriculum.number("memory", 0.7, 0, 1);
}

/// Recorded steps are what they are: nothing chooses, orders or replaces their problems.
void check_replay(const ConfigTable& data, const RunConfig& config) {
  if (config.replay_of.empty()) return;
  REQUIRE(config.train.empty(), kBadConfig,
          data.place("replay") << " stands beside data.train (expected one of them)");
  const Schedule& schedule = config.schedule;
  REQUIRE(schedule.mode == scheduler::Mode::kSync && schedule.dynamic_sampling == 0 &&
              schedule.curriculum.pool_factor <= 1,
          kBadConfig,
          data.place("replay") << " needs schedule.mode = sync without "
                                  "dynamic_sampling and curriculum: recorded steps "
                                  "are trained on as they are");
}

/// What an algorithm wants of the rest of the job.
void check_algorithm(const ConfigTable& job, const RunConfig& config) {
  const ConfigTable section = algorithm_section(job);
  const auto algorithm = rl::make_algorithm(section);
  if (algorithm->needs_reference()) {
    REQUIRE(
        !config.model.path.empty() &&
            (config.warm_start.batches == 0 || config.model.has_adapter),
        kBadConfig,
        section.place("kl")
            << " (a divergence from the reference model needs a model with weights, "
               "model.path, and no warm_start but that of an adapter; kl = 0 takes it "
               "away)");
  }
  if (algorithm->draw_plan().localizer != "oracle") return;
  for (const DataSource& source : config.train) {
    REQUIRE(
        rl::has_oracle(source.task), kBadConfig,
        section.place("localizer")
            << " = oracle, which knows the tasks arithmetic and countdown alone (found "
            << (source.task.empty() ? "other problems" : source.task)
            << " in data.train)");
  }
}

}  // namespace

core::ConfigTable algorithm_section(const core::ConfigTable& job) {
  return job.section("algorithm");
}

RunConfig RunConfig::read(const core::ConfigTable& job) {
  RunConfig config;
  read_run(job, config);
  const auto algorithm = rl::make_algorithm(algorithm_section(job));
  config.ranks = read_ranks(job);
  config.supervision = read_supervision(job);
  config.model = read_model(job);
  const ConfigTable prompts = job.section("prompts");
  config.prompt_style =
      rl::parse_prompt_style(prompts.choice("style", "method", {"method", "terse"}));
  config.prompt_examples = prompts.text("examples", "");
  read_generation(job, config);
  const ConfigTable data = job.section("data");
  config.train = read_sources(data, "train");
  config.validation = read_sources(data, "validation");
  config.validate_every = static_cast<uint32_t>(
      data.integer("validate_every", config.validation.empty() ? 0 : 8, 0, 1 << 23));
  config.validation_temperature = data.number("validation_temperature", 0, 0, 100);
  config.replay_of = data.text("replay", "");
  REQUIRE(!config.train.empty() || !config.replay_of.empty() || config.steps == 0,
          kBadConfig,
          data.place("train") << " is missing (expected a list of problem sources, or "
                                 "replay: the folder of a run whose steps are trained "
                                 "on as they were recorded)");
  config.warm_start = read_warm_start(job);
  read_learner(job, config);
  config.learner.keeps_reference = algorithm->needs_reference();
  read_schedule(job, config);
  config.verify = verify::VerifyConfig::read(job);
  check_replay(data, config);
  const ConfigTable replay = job.section("replay");
  config.shard_trees =
      static_cast<uint32_t>(replay.integer("shard_groups", 256, 1, 1 << 20));
  config.compression = replay.choice("compression", "none", {"none", "gzip"});
  const ConfigTable checkpoint = job.section("checkpoint");
  config.checkpoint_every =
      static_cast<uint32_t>(checkpoint.integer("every_steps", 8, 1, 1 << 23));
  config.checkpoints_kept = static_cast<uint32_t>(checkpoint.integer("keep", 3, 1, 1000));
  config.best_checkpoints_kept =
      static_cast<uint32_t>(checkpoint.integer("keep_best", 0, 0, 1000));
  REQUIRE(config.best_checkpoints_kept == 0 || !config.validation.empty(), kBadConfig,
          checkpoint.place("keep_best") << " needs data.validation, which says what is "
                                           "best");
  const ConfigTable debug = job.section("debug");
  if (debug.has("dump_step"))
    config.dump_step = static_cast<uint32_t>(debug.integer("dump_step", {}, 0, 1 << 30));
  config.keep_steps = read_kept_steps(replay, config);
  config.export_format =
      checkpoint.choice("export", "auto", {"auto", "huggingface", "peft", "none"});
  REQUIRE(config.export_format != "peft" || config.model.has_adapter, kBadConfig,
          checkpoint.place("export")
              << " = peft (only a model with an adapter has one to export)");
  check_algorithm(job, config);
  read_trace(job, config);
  dashboard::DashboardConfig::read(job);  // rank 0 reads it again
  job.refuse_unknown_keys();
  return config;
}

std::set<std::string> RunConfig::problem_kinds() const {
  std::set<std::string> kinds;
  for (const auto* sources : {&train, &validation}) {
    for (const DataSource& source : *sources) {
      if (source.replay.empty()) kinds.insert(source.kind);
    }
  }
  return kinds;
}

}  // namespace srpo::ranks
