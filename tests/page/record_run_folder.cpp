// Makes a run folder of synthetic trees for the browser test: record_run_folder FOLDER
// STEPS SLOTS VALIDATIONS. What a model may say, and worse, stands in one of them.
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "analysis/activity.h"
#include "support/recorded_run.h"

namespace {

using namespace srpo;

constexpr const char* kHostile =
    "</script><script>window.pwned = 1</script><img src=x onerror=\"window.pwned = 2\">"
    "<svg onload=\"window.pwned = 3\">\" onmouseover=\"window.pwned = 4\" javascript:0";

void add_hostile_tree(storage::ReplayWriter& writer, uint32_t step, uint32_t slot) {
  records::RolloutTree tree = test::RandomTrees(7).training(step, slot);
  for (uint32_t next = slot + 1; !tree.localization; ++next)
    tree = test::RandomTrees(7).training(step, next);
  tree.problem.id = tree.problem.question = tree.problem.reference = kHostile;
  tree.localization->reply = kHostile;
  for (auto* chains : {&tree.fresh, &tree.suffixes}) {
    for (records::Trajectory& chain : *chains) {
      chain.text = std::string(kHostile) + chain.text;
      chain.verdict.answer = kHostile;
    }
  }
  writer.accept(tree);
}

void write_side_files(const std::filesystem::path& run, uint32_t steps) {
  std::ofstream metrics(run / "metrics.jsonl");
  std::ofstream activity(run / "activity.jsonl");
  activity << analysis::activity_line(analysis::RunStart{
      1e9, {"scheduler", "generator", "generator", "verifier", "learner"}, {}, {}});
  for (uint32_t step = 0; step < steps; ++step) {
    metrics << "{\"step\":" << step << ",\"train/loss\":" << std::exp(-0.1 * step)
            << ",\"draw/seconds\":2,\"train/seconds\":1}\n";
    const double at = 1e9 + 3.0 * step;
    activity
        << analysis::activity_line(analysis::StageMark{at, "drawing", step})
        << analysis::activity_line(analysis::StageMark{at + 2, "training", step})
        << analysis::activity_line(analysis::BusySpan{at, at + 2, {0, 95, 80, 30, 0}})
        << analysis::activity_line(analysis::BusySpan{at + 2, at + 3, {0, 5, 0, 0, 100}});
  }
  std::ofstream(run / "status.json") << "{\"state\":\"complete\",\"reason\":\"\"}";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 64;
  const std::filesystem::path run = argv[1];
  const auto number = [&](int i) { return static_cast<uint32_t>(std::atoi(argv[i])); };
  {
    const auto trees = test::RandomTrees(number(2)).run(number(2), number(3), number(4));
    storage::ReplayWriter writer(
        run / "replay", {512, storage::Compression::kNone},
        {"run: {name: synthetic}\n", "0123456789abcdef", 7, "feedbeef"});
    writer.accept(std::span(trees));
    // Many, so that some are in the sample.
    for (uint32_t slot = 0; slot < 40; ++slot)
      add_hostile_tree(writer, number(2), slot * 100);
    writer.seal();
  }
  write_side_files(run, number(2));
  return 0;
}
