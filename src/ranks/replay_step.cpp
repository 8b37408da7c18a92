#include "ranks/replay_step.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <numbers>
#include <thread>
#include <unistd.h>
#include <vector>

#include <ATen/Parallel.h>

#include "comm/local_process_group.h"
#include "core/config_table.h"
#include "core/error.h"
#include "core/files.h"
#include "learner/learner.h"
#include "model/hf_folder.h"
#include "model/initialization.h"
#include "ranks/checkpoint_folder.h"
#include "ranks/problem_source.h"
#include "ranks/run_config.h"
#include "ranks/weight_sync.h"
#include "rl/algorithm.h"
#include "rl/sft.h"
#include "storage/replay_source.h"

namespace srpo::ranks {
namespace {

namespace fs = std::filesystem;

/// What all learners are told.
struct Plan {
  core::ConfigTable job;
  RunConfig config;
  std::optional<CheckpointFolder> from;
  CheckpointFolder target;
  std::vector<std::vector<records::RolloutTree>> batches;  // of the steps between
  fs::path scratch;
};

/// A folder beside nothing of the run, removed at the end.
class Scratch {
 public:
  Scratch()
      : path_(fs::temp_directory_path() /
              ("srpo_replay_step_" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::vector<fs::path> slice_files(const fs::path& checkpoint) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(checkpoint)) {
    if (entry.path().extension() == ".bin") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Plan make_plan(const fs::path& run, uint32_t step) {
  core::ConfigTable job = core::ConfigTable::load(run / "job.yaml");
  job.set("run.folder=" + fs::absolute(run).string());
  Plan plan{job, RunConfig::read(job), {}, {}, {}, {}};
  bool has_target = false;
  for (const CheckpointFolder& each : list_checkpoints(run / "checkpoints")) {
    if (each.progress.steps == step && !has_target) {
      plan.target = each;
      has_target = true;
    } else if (each.progress.steps < step && has_target && !plan.from) {
      plan.from = each;
    }
  }
  REQUIRE(has_target && step > 0, kBadInput,
          run.string() << " has no checkpoint of " << step
                       << " steps (expected one behind the step to be executed again)");
  storage::RecordedSteps recorded(run);
  const uint32_t first = plan.from ? plan.from->progress.steps : 0;
  for (uint32_t each = first; each < step; ++each)
    plan.batches.push_back(recorded.of_step(each));
  return plan;
}

model::TensorMap initial_weights(const RunConfig& config) {
  const ModelFolder folder = model_folder(config);
  if (folder.has_weights) return model::load_weights(folder.path);
  return model::make_initial_weights(model::ModelConfig::load(folder.path), config.seed);
}

double warm_start_rate(const WarmStart& warm, uint32_t batch) {
  const double progress = static_cast<double>(batch) / warm.batches;
  return warm.final_learning_rate + (warm.learning_rate - warm.final_learning_rate) *
                                        0.5 * (1 + std::cos(progress * std::numbers::pi));
}

void warm_start(const Plan& plan, learner::Learner& learner) {
  const ProblemSource problems(plan.config);
  const auto tokenizer = text::Tokenizer::load(model_folder(plan.config).path);
  for (uint32_t batch = 0; batch < plan.config.warm_start.batches; ++batch) {
    std::vector<rl::TrainingTree> trees;
    for (Demonstration& each : problems.demonstrations(batch, tokenizer))
      trees.push_back(rl::learn_demonstration(std::move(each.prompt_tokens),
                                              std::move(each.response_tokens)));
    learner.train(trees, rl::demonstration_loss_rule(),
                  warm_start_rate(plan.config.warm_start, batch) /
                      plan.config.learner.learning_rate,
                  1);
  }
}

/// One learner's part; the same calls as in a run.
void learn(const Plan& plan, comm::ProcessGroup& group) {
  const auto algorithm = rl::make_algorithm(algorithm_section(plan.job));
  learner::Learner learner(plan.config.learner,
                           model::ModelConfig::load(model_folder(plan.config).path),
                           initial_weights(plan.config), group);
  if (plan.from) {
    learner.load(plan.from->path);
  } else {
    warm_start(plan, learner);
  }
  for (const auto& trees : plan.batches) {
    learner.train(algorithm->learn_all(trees), algorithm->loss_rule(),
                  plan.config.learner.updates_per_batch);
  }
  learner.save(plan.scratch, checkpoint_name(plan.target.progress));
}

void learn_as_threads(const Plan& plan, int num_learners) {
  auto groups = comm::make_local_group(num_learners, std::chrono::hours(1));
  std::vector<std::exception_ptr> failures(groups.size());
  std::vector<std::thread> threads;
  for (size_t rank = 0; rank < groups.size(); ++rank) {
    threads.emplace_back([&, rank] {
      try {
        learn(plan, *groups[rank]);
      } catch (...) {
        failures[rank] = std::current_exception();
        groups[rank].reset();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

void compare(const std::string& name, const std::string& again,
             const std::string& recorded, ReplayStepResult& result) {
  REQUIRE(again.size() == recorded.size(), kBadFile,
          name << ": " << recorded.size() << " bytes (the step again gives "
               << again.size() << ")");
  result.bytes += recorded.size();
  for (size_t i = 0; i < recorded.size(); ++i) {
    if (again[i] == recorded[i]) continue;
    if (result.different++ == 0)
      result.first_different = name + " at byte " + std::to_string(i);
  }
}

}  // namespace

ReplayStepResult replay_step(const fs::path& run, uint32_t step) {
  at::set_num_threads(1);
  const Scratch scratch;
  Plan plan = make_plan(run, step);
  plan.scratch = scratch.path() / "again";
  const std::vector<fs::path> files = slice_files(plan.target.path);
  REQUIRE(!files.empty(), kBadFile,
          plan.target.path.string() << " has no slices (expected slices_*.bin)");
  learn_as_threads(plan, static_cast<int>(files.size()));
  ReplayStepResult result;
  result.step = step;
  result.from = plan.from ? plan.from->path.filename().string() : "nothing";
  for (const auto& batch : plan.batches) result.trees += batch.size();
  for (const fs::path& file : files)
    compare(file.filename().string(), core::read_file(plan.scratch / file.filename()),
            core::read_file(file), result);
  return result;
}

int replay_step_main(const fs::path& run, uint32_t step) {
  try {
    const ReplayStepResult result = replay_step(run, step);
    std::printf(
        "step %u from %s: %llu trees, %llu bytes of weights and optimizer state, "
        "%llu differ%s%s\n",
        result.step, result.from.c_str(), static_cast<unsigned long long>(result.trees),
        static_cast<unsigned long long>(result.bytes),
        static_cast<unsigned long long>(result.different),
        result.first_different.empty() ? "" : ", the first: ",
        result.first_different.c_str());
    return result.different == 0 ? 0 : 64;
  } catch (const core::Error& error) {
    std::fprintf(stderr, "srpo_cluster: %s\n", error.what());
    return core::exit_code(error.kind());
  }
}

}  // namespace srpo::ranks
