#include "evaluation/task_score.h"

#include <algorithm>

#include "core/error.h"

namespace srpo::evaluation {
namespace {

/// The samples of one item, seeds one after another.
struct ItemAnswers {
  std::vector<std::string> answers;
  std::vector<bool> correct;
  uint64_t num_correct() const {
    return static_cast<uint64_t>(std::count(correct.begin(), correct.end(), true));
  }
};

using Items = std::map<uint32_t, ItemAnswers>;

Estimate estimate(const std::vector<double>& values, const EvaluationConfig& config) {
  return bootstrap_mean(values, config.resamples, config.seeds.front()).value();
}

std::vector<AtK> scores_at_k(const Items& items, const EvaluationConfig& config) {
  size_t least = SIZE_MAX;
  for (const auto& [number, item] : items) least = std::min(least, item.correct.size());
  std::vector<AtK> scores;
  for (const uint32_t k : config.pass_at) {
    if (k > least) continue;
    std::vector<double> pass;
    std::vector<double> most;
    for (const auto& [number, item] : items) {
      pass.push_back(pass_at_k(item.correct.size(), item.num_correct(), k));
      most.push_back(majority_at_k(item.answers, item.correct, k));
    }
    scores.push_back({k, estimate(pass, config), estimate(most, config)});
  }
  return scores;
}

void count_sample(const Sample& sample, const std::vector<std::string>& groups,
                  TaskScore& score) {
  const Attempt& last = sample.last();
  ++score.verdicts[name_of(last.chain.verdict.kind)];
  ++score.endings[name_of(last.chain.finish)];
  for (const Attempt& attempt : sample.attempts)
    score.mean_tokens += attempt.chain.decoded_tokens;
  score.mean_thoughts += static_cast<double>(last.chain.thought_ends.size());
  score.mean_reward += last.chain.verdict.reward;
  const uint32_t item = sample.key.item;
  if (item < groups.size() && !groups[item].empty())
    score.groups[groups[item]].add(last.is_correct());
}

void score_seeds(const std::vector<Sample>& samples, TaskScore& score) {
  std::map<uint32_t, analysis::Proportion> seeds;
  for (const Sample& sample : samples)
    seeds[sample.key.seed].add(sample.last().is_correct());
  for (const auto& [number, correct] : seeds) score.by_seed.push_back(*correct.share());
  score.over_seeds = mean_over_seeds(score.by_seed);
}

}  // namespace

double majority_at_k(const std::vector<std::string>& answers,
                     const std::vector<bool>& correct, uint32_t k) {
  REQUIRE(k >= 1 && k <= answers.size() && answers.size() == correct.size(), kBadInput,
          "maj@" << k << " of " << answers.size() << " answers");
  const size_t blocks = answers.size() / k;
  size_t right = 0;
  for (size_t block = 0; block < blocks; ++block) {
    const auto begin = answers.begin() + static_cast<ptrdiff_t>(block * k);
    const auto most = majority(std::vector<std::string>(begin, begin + k));
    if (most && correct[block * k + *most]) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(blocks);
}

TaskScore score_task(const TaskConfig& task, const EvaluationConfig& config,
                     const std::vector<std::string>& groups,
                     std::vector<Sample> samples) {
  REQUIRE(!samples.empty(), kBadInput, "task " << task.name << " has no samples");
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.key < b.key; });
  TaskScore score;
  score.name = task.name;
  score.title = task.title;
  score.kind = task.kind;
  Items items;
  for (const Sample& sample : samples) {
    items[sample.key.item].answers.push_back(sample.last().chain.verdict.answer);
    items[sample.key.item].correct.push_back(sample.last().is_correct());
    count_sample(sample, groups, score);
  }
  const auto count = static_cast<double>(samples.size());
  score.mean_tokens /= count;
  score.mean_thoughts /= count;
  score.mean_reward /= count;
  score.items = items.size();
  score.samples = samples.size();
  std::vector<double> shares;
  for (const auto& [number, item] : items) {
    shares.push_back(static_cast<double>(item.num_correct()) /
                     static_cast<double>(item.correct.size()));
  }
  score.accuracy = estimate(shares, config);
  score.at_k = scores_at_k(items, config);
  score_seeds(samples, score);
  if (config.mode == Mode::kCorrection) score.correction = correction_metrics(samples);
  return score;
}

}  // namespace srpo::evaluation
