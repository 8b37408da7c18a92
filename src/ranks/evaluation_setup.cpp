#include "ranks/evaluation_setup.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "model/safetensors.h"
#include "ranks/start_up.h"
#include "verify/verifier_set.h"

namespace srpo::ranks {
namespace {

/// Rank and scale of a PEFT folder go into the job: workers merge it into the weights.
void adopt_adapter(const std::filesystem::path& folder, core::ConfigTable& job) {
  const auto path = folder / "adapter_config.json";
  const auto json = nlohmann::json::parse(core::read_file(path), nullptr, false);
  REQUIRE(json.is_object() && json.contains("r") && json["r"].is_number_integer() &&
              json.contains("lora_alpha") && json["lora_alpha"].is_number(),
          kBadFile, path.string() << " (expected r and lora_alpha, as PEFT writes them)");
  job.set("model.adapter.rank=" + json["r"].dump());
  job.set("model.adapter.alpha=" + json["lora_alpha"].dump());
}

/// A training job's keys that an evaluation need not have.
void fill_in(core::ConfigTable& job) {
  job.set("run.steps=0");
  if (!job.has("algorithm")) job.set("algorithm.name=srpo");
  REQUIRE(job.section("model").has("path"), kBadConfig,
          job.place("model") << ".path is missing (expected the Hugging Face folder of "
                                "the model, such as a run's export)");
  const auto evaluation = job.section("evaluation");
  const std::filesystem::path adapter =
      evaluation.has("adapter") ? evaluation.text("adapter", "") : "";
  if (!adapter.empty()) {
    adopt_adapter(adapter, job);
  } else if (!job.section("model").has("adapter")) {
    // An adapter that changes nothing: every rank reads the weights from the disk.
    job.set("model.adapter.rank=1");
    job.set("model.adapter.alpha=1");
  }
}

void check_kinds(const EvaluationSetup& setup) {
  for (const auto& task : setup.items) {
    std::set<std::string> kinds;
    for (const auto& item : task) kinds.insert(item.problem.kind);
    for (const std::string& kind : kinds) verify::check_kind(setup.run.verify, kind);
  }
}

}  // namespace

EvaluationLayout EvaluationLayout::plan(int size, uint32_t verifiers) {
  EvaluationLayout layout;
  if (size == 1) return {{0}, {0}};
  int judges = static_cast<int>(verifiers);
  if (judges == 0) judges = size < 4 ? 0 : std::max(1, size / 8);
  REQUIRE(judges + 1 < size, kBadConfig,
          "evaluation.verifiers = " << judges << " of " << size
                                    << " ranks leave none to draw");
  for (int rank = 1; rank < size - judges; ++rank) layout.generators.push_back(rank);
  for (int rank = size - judges; rank < size; ++rank) layout.verifiers.push_back(rank);
  if (judges == 0) layout.verifiers.push_back(0);
  return layout;
}

EvaluationSetup EvaluationSetup::read(const EvaluationOptions& options) {
  core::ConfigTable job = load_job(options.job_file, options.assignments);
  fill_in(job);
  EvaluationSetup setup;
  const auto seed =
      static_cast<uint64_t>(job.section("run").integer("seed", 42, 0, INT32_MAX));
  setup.evaluation = evaluation::EvaluationConfig::read(job, seed);
  setup.run = RunConfig::read(job);
  check_job(setup.run, RankLayout::plan({}, 1));
  for (const auto& task : setup.evaluation.tasks)
    setup.items.push_back(evaluation::read_task_file(task));
  check_kinds(setup);
  if (!setup.evaluation.adapter.empty()) {
    setup.weights = pack_weights(
        model::read_safetensors(setup.evaluation.adapter / "adapter_model.safetensors"),
        0);
  }
  setup.resolved_job = job.to_yaml();
  setup.worker_job = evaluation::worker_job(job, setup.evaluation);
  return setup;
}

size_t EvaluationSetup::num_samples() const {
  size_t count = 0;
  for (size_t i = 0; i < items.size(); ++i)
    count += items[i].size() * evaluation.tasks[i].samples * evaluation.seeds.size();
  return count;
}

}  // namespace srpo::ranks
