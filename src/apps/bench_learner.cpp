// A training step beside replicated prefixes and beside plain LibTorch, at equal
// gradients.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <malloc.h>
#include <optional>
#include <thread>
#include <unistd.h>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "apps/bench.h"
#include "comm/local_process_group.h"
#include "comm/self_process_group.h"
#include "core/deadline.h"
#include "core/error.h"
#include "learner/eager_decoder.h"
#include "learner/learner.h"
#include "learner/learner_benchmark.h"
#include "model/initialization.h"

namespace srpo::bench {
namespace {

using learner::BatchShape;
using learner::Learner;
using learner::LearnerConfig;
using learner::ResetDraw;
using Trees = std::vector<rl::TrainingTree>;

constexpr double kMegabyte = 1e6;
constexpr int64_t kEagerSequences = 2;  // as the method's runs have them on one device

struct Measured {
  double seconds = 0;
  double megabytes = 0;  // the most that was resident, above what was before
  model::TensorMap gradients;
};

/// Kilobytes behind a name in /proc/self/status.
double status_megabytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    double kilobytes = 0;
    if (word == name && status >> kilobytes) return kilobytes * 1024 / kMegabyte;
  }
  return 0;
}

/// The best of several runs, and the peak of the first.
Measured measure(int repeats, const std::function<model::TensorMap()>& work) {
  Measured result;
  for (int i = 0; i < repeats; ++i) {
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts again from here
    const double before = status_megabytes("VmRSS:");
    const core::Stopwatch watch;
    auto gradients = work();
    const double seconds = watch.seconds();
    if (i == 0) {
      result.megabytes = status_megabytes("VmHWM:") - before;
      result.gradients = std::move(gradients);
    }
    result.seconds = i == 0 ? seconds : std::min(result.seconds, seconds);
  }
  return result;
}

/// Largest |a - b| / |b| of a tensor.
double difference(const model::TensorMap& a, const model::TensorMap& b) {
  double largest = 0;
  for (const auto& [name, tensor] : b) {
    const double size = tensor.norm().item<double>();
    if (size > 0)
      largest = std::max(largest, (a.at(name) - tensor).norm().item<double>() / size);
  }
  return largest;
}

int64_t count_tokens(const Trees& trees, bool share) {
  int64_t tokens = 0;
  for (const auto& tree : trees) tokens += rl::count_packed_tokens(tree, share);
  return tokens;
}

rl::LossRule plain_rule() { return {}; }

Measured run_ours(const LearnerConfig& config, const model::ModelConfig& model,
                  const model::TensorMap& weights, const Trees& trees, int repeats) {
  return measure(repeats, [&] {
    comm::SelfProcessGroup group;
    Learner learner(config, model, weights, group);
    return learner.gradients(trees, plain_rule());
  });
}

Measured run_eager(const model::ModelConfig& model, const model::TensorMap& weights,
                   const Trees& trees, int repeats) {
  return measure(repeats, [&] {
    learner::EagerDecoder eager(model, weights, at::kFloat);
    return eager.gradients(trees, plain_rule(), kEagerSequences);
  });
}

std::string text(const char* format, double value) {
  char line[96];
  std::snprintf(line, sizeof line, format, value);
  return line;
}

void compare_packing(Report& report, const std::string& name,
                     const model::ModelConfig& model, const model::TensorMap& weights,
                     const Trees& trees, int repeats) {
  LearnerConfig config;
  const auto useful = static_cast<double>(count_tokens(trees, false));
  const auto computed = static_cast<double>(count_tokens(trees, true));
  const Measured packed = run_ours(config, model, weights, trees, repeats);
  config.share_prefixes = false;
  const Measured replicated = run_ours(config, model, weights, trees, repeats);
  report.add({name + ": tokens saved", "x", useful / computed, 0,
              text("%.0f tokens a step", useful)});
  report.add({name + ": against replicated", "/s", useful / packed.seconds,
              useful / replicated.seconds,
              text("gradients differ by %.1e",
                   difference(packed.gradients, replicated.gradients))});
  report.add({name + ": MB", "MB", packed.megabytes, replicated.megabytes, ""});
  const Measured eager = run_eager(model, weights, trees, repeats);
  report.add(
      {name + ": against eager", "/s", useful / packed.seconds, useful / eager.seconds,
       text("gradients differ by %.1e", difference(packed.gradients, eager.gradients))});
  report.add({name + ": MB against eager", "MB", packed.megabytes, eager.megabytes, ""});
  config.share_prefixes = true;
  config.activation_checkpointing = true;
  const Measured lean = run_ours(config, model, weights, trees, 1);
  report.add({name + ": with checkpointing", "/s", useful / lean.seconds,
              useful / packed.seconds, text("%.0f MB", lean.megabytes)});
}

/// One update of `num_ranks` learners as threads; seconds of the slowest, and of them in
/// exchanges.
learner::StepStats run_ranks(int num_ranks, const model::ModelConfig& model,
                             const model::TensorMap& weights, const Trees& trees,
                             int repeats) {
  auto groups = comm::make_local_group(num_ranks, std::chrono::seconds(600));
  std::vector<learner::StepStats> results(groups.size());
  LearnerConfig config;
  config.updates_per_batch = 1;
  {
    std::vector<std::jthread> threads;
    for (auto& group : groups) {
      threads.emplace_back([&, own = group.get()] {
        Learner learner(config, model, weights, *own);
        auto& best = results[static_cast<size_t>(own->rank())];
        for (int i = 0; i < repeats; ++i) {
          const auto stats = learner.train(trees, plain_rule());
          if (i == 0 || stats.seconds < best.seconds) best = stats;
        }
      });
    }
  }
  return *std::max_element(
      results.begin(), results.end(),
      [](const auto& a, const auto& b) { return a.seconds < b.seconds; });
}

void compare_ranks(Report& report, const model::ModelConfig& model,
                   const model::TensorMap& weights, const Trees& trees, int repeats) {
  const auto useful = static_cast<double>(count_tokens(trees, false));
  const auto one = run_ranks(1, model, weights, trees, repeats);
  const auto two = run_ranks(2, model, weights, trees, repeats);
  report.add(
      {"2 ranks against 1", "/s", useful / two.seconds, useful / one.seconds,
       text("%.1f %% of it in exchanges", 100 * two.collective_seconds / two.seconds)});
}

void measure_plan(Report& report, const model::ModelConfig& model,
                  const model::TensorMap& weights, const Trees& trees) {
  comm::SelfProcessGroup group;
  LearnerConfig config;
  config.updates_per_batch = 1;
  std::optional<Learner> learner;
  learner::PassSize size;
  const Measured taken = measure(1, [&] {
    learner.emplace(config, model, weights, group);
    const auto stats = learner->train(trees, plain_rule());
    size = {stats.tokens, stats.loss_rows, 0};
    return learner->trainable_weights();
  });
  for (const auto& tree : trees) {
    for (const auto* sequences : {&tree.fresh, &tree.suffixes}) {
      for (const auto& sequence : *sequences) {
        size.longest_text = std::max(
            size.longest_text,
            static_cast<int64_t>(tree.prompt_tokens.size() + sequence.tokens.size()));
      }
    }
  }
  const auto plan = learner->plan_memory(size);
  report.add({"memory plan against resident", "MB",
              static_cast<double>(plan.total()) / kMegabyte, taken.megabytes,
              plan.to_text()});
}

void measure_checkpoint(Report& report, const model::ModelConfig& model,
                        const model::TensorMap& weights, int repeats) {
  comm::SelfProcessGroup group;
  Learner learner({}, model, weights, group);
  const auto folder =
      std::filesystem::temp_directory_path() / ("srpo_bench_" + std::to_string(getpid()));
  double whole = 0;
  for (int i = 0; i < repeats; ++i) {
    const core::Stopwatch watch;
    learner.save(folder, "");
    whole = i == 0 ? watch.seconds() : std::min(whole, watch.seconds());
  }
  std::filesystem::remove_all(folder);
  report.add({"checkpoint", "us", whole * 1e6, 0, "the step waits so long"});
}

int run_learner(const Options& options, int*, char***) {
  at::set_num_threads(1);  // one core against one core
  Report report("learner", options);
  BatchShape shape;
  const model::ModelConfig model = learner::benchmark_model(256, 6, shape.vocab_size);
  const model::TensorMap weights = model::make_initial_weights(model, 1);
  const int repeats = std::min(options.repeats, 3);
  const std::pair<const char*, ResetDraw> draws[] = {
      {"uniform resets", ResetDraw::kUniform}, {"early resets", ResetDraw::kEarly}};
  for (const auto& [name, draw] : draws) {
    if (!report.wants(name)) continue;
    compare_packing(report, name, model, weights,
                    learner::make_srpo_batch(shape, draw, 1), repeats);
  }
  const Trees trees = learner::make_srpo_batch(shape, ResetDraw::kUniform, 1);
  if (report.wants("ranks")) compare_ranks(report, model, weights, trees, repeats);
  if (report.wants("memory plan")) measure_plan(report, model, weights, trees);
  if (report.wants("checkpoint")) measure_checkpoint(report, model, weights, repeats);
  report.finish();
  return 0;
}

const Registration learner_benchmark(
    "learner", "training steps against replicated prefixes and plain LibTorch",
    run_learner);

}  // namespace
}  // namespace srpo::bench
