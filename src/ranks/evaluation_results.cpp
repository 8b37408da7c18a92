#include "ranks/evaluation_results.h"

#include <cstdio>
#include <fstream>
#include <map>

#include "core/error.h"
#include "core/files.h"
#include "evaluation/model_turns.h"
#include "evaluation/result_card.h"
#include "evaluation/sample_journal.h"
#include "storage/replay_writer.h"

namespace srpo::ranks {
namespace {

using evaluation::Attempt;
using evaluation::Sample;
using evaluation::SampleKey;
using evaluation::TaskConfig;

/// The samples of one item and seed as a tree: first attempts, and all corrections.
using Trees = std::map<std::pair<uint32_t, uint32_t>, records::RolloutTree>;

/// Of one evaluation, a writer for each seed: shards are of one seed.
class ShardWriters {
 public:
  ShardWriters(const EvaluationSetup& setup, const storage::RunFolder& folder)
      : setup_(setup),
        turns_(setup.run.model.path, setup.run.prompt_style, setup.run.prompt_examples) {
    const std::string tokenizer =
        storage::digest_of(core::read_file(setup.run.model.path / "tokenizer.json"));
    for (const uint64_t seed : setup.evaluation.seeds) {
      const bool is_only = setup.evaluation.seeds.size() == 1;
      const auto path = is_only
                            ? folder.replay()
                            : folder.path() / ("seed_" + std::to_string(seed)) / "replay";
      std::filesystem::create_directories(path);
      storage::ReplayOptions options;
      options.shard_trees = setup.run.shard_trees;
      writers_.push_back(std::make_unique<storage::ReplayWriter>(
          path, options,
          storage::ReplayMetadata{setup.resolved_job, folder.job_digest(), seed,
                                  tokenizer}));
    }
  }

  void add(size_t task, const Sample& sample, Trees& trees) const {
    const uint64_t seed = setup_.evaluation.seeds[sample.key.seed];
    records::RolloutTree& tree = trees[{sample.key.seed, sample.key.item}];
    if (tree.fresh.empty()) {
      tree.step = evaluation::draw_step(sample.key.task, seed);
      tree.slot = sample.key.item;
      tree.validation = true;
      tree.problem = setup_.items[task][sample.key.item].problem;
      tree.prompt_tokens = turns_.solve(setup_.evaluation.mode, tree.problem);
    }
    tree.fresh.push_back(sample.attempts.front().chain);
    for (size_t i = 1; i < sample.attempts.size(); ++i) {
      const Attempt& attempt = sample.attempts[i];
      if (!tree.localization) {
        tree.localization = attempt.localization;
        tree.prefix_length = attempt.chain.prefix_length;
      }
      tree.suffixes.push_back(attempt.chain);
    }
  }

  void write(const Trees& trees) {
    std::vector<std::vector<records::RolloutTree>> of_seed(writers_.size());
    for (const auto& [key, tree] : trees) of_seed[key.first].push_back(tree);
    for (size_t i = 0; i < writers_.size(); ++i) {
      writers_[i]->accept(of_seed[i]);
      writers_[i]->seal();
    }
  }

 private:
  const EvaluationSetup& setup_;
  evaluation::ModelTurns turns_;
  std::vector<std::unique_ptr<storage::ReplayWriter>> writers_;
};

/// What the counting does not look at.
void lighten(Sample& sample) {
  for (Attempt& attempt : sample.attempts) {
    attempt.chain.tokens = {};
    attempt.chain.logprobs = {};
    attempt.chain.text = {};
  }
}

/// Of one task, in the order of their keys.
std::vector<Sample> samples_of(const TaskConfig& task,
                               const std::filesystem::path& journal) {
  std::map<SampleKey, Sample> found;
  evaluation::read_samples(journal, [&](Sample&& sample) {
    if (sample.key.task == task.name) found.emplace(sample.key, std::move(sample));
  });
  std::vector<Sample> samples;
  for (auto& [key, sample] : found) samples.push_back(std::move(sample));
  return samples;
}

}  // namespace

void write_evaluation_results(const EvaluationSetup& setup,
                              const storage::RunFolder& folder) {
  static constexpr const char* kModes[] = {"single_pass", "thoughts", "correction"};
  const auto draft = folder.path() / "samples.jsonl.tmp";
  std::ofstream out(draft, std::ios::binary | std::ios::trunc);
  std::unique_ptr<ShardWriters> shards;
  if (setup.evaluation.shards) shards = std::make_unique<ShardWriters>(setup, folder);
  std::vector<evaluation::TaskScore> scores;
  for (size_t i = 0; i < setup.items.size(); ++i) {
    const TaskConfig& task = setup.evaluation.tasks[i];
    auto samples = samples_of(task, folder.path() / "samples.journal");
    Trees trees;
    for (Sample& sample : samples) {
      out << evaluation::sample_json(sample) << '\n';
      if (shards) shards->add(i, sample, trees);
      lighten(sample);
    }
    if (shards) shards->write(trees);
    std::vector<std::string> groups;
    for (const auto& item : setup.items[i]) groups.push_back(item.group);
    scores.push_back(
        evaluation::score_task(task, setup.evaluation, groups, std::move(samples)));
  }
  out.close();
  REQUIRE(out.good(), kNoSpace, "cannot write " << draft.string());
  std::filesystem::rename(draft, folder.path() / "samples.jsonl");
  const evaluation::CardHeader header = {
      setup.run.name, setup.run.model.path.string(), setup.evaluation.adapter.string(),
      kModes[static_cast<int>(setup.evaluation.mode)], setup.evaluation.seeds};
  const std::string card = evaluation::card_markdown(header, scores);
  core::write_file(folder.path() / "card.json", evaluation::card_json(header, scores));
  core::write_file(folder.path() / "card.md", card);
  std::fputs(card.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace srpo::ranks
