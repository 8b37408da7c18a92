#include "evaluation/comparison.h"

#include <map>

#include "core/error.h"
#include "evaluation/sample_journal.h"

namespace srpo::evaluation {
namespace {

struct ItemResult {
  analysis::Proportion correct;
  SampleKey earliest;
  bool earliest_correct = false;
};
using Results = std::map<std::string, std::map<std::string, ItemResult>>;  // task, id

Results results_of(const std::vector<Sample>& samples) {
  Results results;
  for (const Sample& sample : samples) {
    ItemResult& item = results[sample.key.task][sample.problem];
    if (item.correct.total == 0 || sample.key < item.earliest) {
      item.earliest = sample.key;
      item.earliest_correct = sample.last().is_correct();
    }
    item.correct.add(sample.last().is_correct());
  }
  return results;
}

std::vector<Sample> slim_samples(const std::filesystem::path& folder) {
  std::vector<Sample> samples;
  read_samples(folder / "samples.journal", [&](Sample&& sample) {
    Attempt last = std::move(sample.attempts.back());
    last.chain.tokens.clear();
    last.chain.logprobs.clear();
    last.chain.text.clear();
    sample.attempts.assign(1, std::move(last));
    samples.push_back(std::move(sample));
  });
  return samples;
}

}  // namespace

std::vector<PairedTask> compare_samples(const std::vector<Sample>& first,
                                        const std::vector<Sample>& second,
                                        uint32_t resamples, uint64_t seed) {
  const Results ours = results_of(first);
  const Results theirs = results_of(second);
  std::vector<PairedTask> tasks;
  for (const auto& [name, items] : ours) {
    const auto other = theirs.find(name);
    if (other == theirs.end()) continue;
    PairedTask task;
    task.task = name;
    std::vector<double> differences;
    uint64_t only_first = 0;
    uint64_t only_second = 0;
    for (const auto& [id, item] : items) {
      const auto match = other->second.find(id);
      if (match == other->second.end()) continue;
      task.first += *item.correct.share();
      task.second += *match->second.correct.share();
      differences.push_back(*match->second.correct.share() - *item.correct.share());
      const bool a = item.earliest_correct;
      const bool b = match->second.earliest_correct;
      only_first += a && !b;
      only_second += b && !a;
    }
    if (differences.empty()) continue;
    task.items = differences.size();
    task.first /= static_cast<double>(task.items);
    task.second /= static_cast<double>(task.items);
    task.difference = bootstrap_mean(differences, resamples, seed).value();
    task.test = mcnemar(only_first, only_second);
    tasks.push_back(std::move(task));
  }
  return tasks;
}

analysis::Table compare_folders(const std::filesystem::path& first,
                                const std::filesystem::path& second) {
  constexpr uint32_t kResamples = 10000;
  const auto tasks =
      compare_samples(slim_samples(first), slim_samples(second), kResamples, 1);
  REQUIRE(!tasks.empty(), kBadInput,
          first.string() << " and " << second.string()
                         << " have no problem in common (expected evaluations of the "
                            "same tasks)");
  analysis::Table table(
      first.string() + " and " + second.string(),
      {"task", "items", "first", "second", "difference", "low", "high", "only_first",
       "only_second", "mcnemar_exact_p", "chi_square", "chi_square_p"});
  for (const PairedTask& task : tasks) {
    table.add_row({task.task, task.items, task.first, task.second, task.difference.value,
                   task.difference.low, task.difference.high, task.test.only_first,
                   task.test.only_second, task.test.exact_p, task.test.chi_square,
                   task.test.chi_square_p});
  }
  return table;
}

}  // namespace srpo::evaluation
