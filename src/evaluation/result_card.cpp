#include "evaluation/result_card.h"

#include <cstdio>

#include <nlohmann/json.hpp>

namespace srpo::evaluation {
namespace {

using nlohmann::ordered_json;

ordered_json estimate_json(const Estimate& estimate) {
  return {{"value", estimate.value}, {"low", estimate.low}, {"high", estimate.high}};
}

ordered_json proportion_json(const analysis::Proportion& part) {
  ordered_json json = {{"count", part.successes}, {"of", part.total}};
  if (part.total == 0) return json;
  const analysis::Interval interval = part.interval();
  json["share"] = *part.share();
  json["low"] = interval.low;
  json["high"] = interval.high;
  return json;
}

ordered_json mean_json(const analysis::Mean& mean) {
  return mean.value() ? ordered_json(*mean.value()) : ordered_json();
}

ordered_json correction_json(const CorrectionMetrics& metrics) {
  ordered_json iterations = ordered_json::array();
  for (const auto& at : metrics.iterations) {
    iterations.push_back({{"correct", proportion_json(at.correct)},
                          {"best_so_far", proportion_json(at.best)},
                          {"corrected_just_then", proportion_json(at.edited_correct)}});
  }
  return {{"accuracy_by_iteration", iterations},
          {"transitions",
           {{"wrong_to_wrong", metrics.wrong_to_wrong},
            {"wrong_to_correct", metrics.wrong_to_correct},
            {"correct_to_wrong", metrics.correct_to_wrong},
            {"correct_to_correct", metrics.correct_to_correct}}},
          {"belief",
           {{"true_positive", metrics.true_positive},
            {"false_positive", metrics.false_positive},
            {"true_negative", metrics.true_negative},
            {"false_negative", metrics.false_negative},
            {"precision", proportion_json(metrics.precision())},
            {"recall", proportion_json(metrics.recall())},
            {"specificity", proportion_json(metrics.specificity())}}},
          {"stopping",
           {{"before_cap", proportion_json(metrics.stopped_early)},
            {"premature", proportion_json(metrics.premature)},
            {"continued_after_correct", proportion_json(metrics.kept_on)}}},
          {"convergence",
           {{"immediate", metrics.at_once},
            {"iterations_1_to_3", metrics.within_three},
            {"later", metrics.later},
            {"never", metrics.never},
            {"oscillating", proportion_json(metrics.oscillating)}}},
          {"corrections_per_sample", mean_json(metrics.corrections)},
          {"kept_share_of_chain", mean_json(metrics.kept_share)}};
}

ordered_json task_json(const TaskScore& score) {
  ordered_json json = {
      {"task", score.name},       {"title", score.title},
      {"kind", score.kind},       {"items", score.items},
      {"samples", score.samples}, {"accuracy", estimate_json(score.accuracy)},
      {"by_seed", score.by_seed}};
  if (score.over_seeds.has_interval) {
    json["over_seeds"] = estimate_json(score.over_seeds.mean);
    json["over_seeds"]["deviation"] = score.over_seeds.deviation;
  }
  for (const AtK& at : score.at_k) {
    json["pass_at"][std::to_string(at.k)] = estimate_json(at.pass);
    json["majority_at"][std::to_string(at.k)] = estimate_json(at.majority);
  }
  json["mean_reward"] = score.mean_reward;
  json["mean_tokens"] = score.mean_tokens;
  json["mean_thoughts"] = score.mean_thoughts;
  json["verdicts"] = score.verdicts;
  json["endings"] = score.endings;
  for (const auto& [group, correct] : score.groups)
    json["groups"][group] = proportion_json(correct);
  if (score.correction) json["correction"] = correction_json(*score.correction);
  return json;
}

double average_of(const std::vector<TaskScore>& scores) {
  double sum = 0;
  for (const TaskScore& score : scores) sum += score.accuracy.value;
  return scores.empty() ? 0 : sum / static_cast<double>(scores.size());
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", 100 * share);
  return text;
}

std::string with_interval(const Estimate& estimate) {
  return percent(estimate.value) + " [" + percent(estimate.low) + ", " +
         percent(estimate.high) + "]";
}

/// A title as a cell of a table.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '`' || c == '<') out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

std::string seeds_cell(const TaskScore& score) {
  if (!score.over_seeds.has_interval) return "–";
  return percent(score.over_seeds.mean.value) + " ± " +
         percent(score.over_seeds.mean.high - score.over_seeds.mean.value);
}

std::string at_k_table(const std::vector<TaskScore>& scores) {
  std::string rows;
  for (const TaskScore& score : scores) {
    for (const AtK& at : score.at_k) {
      if (at.k == 1) continue;
      rows += "| " + cell(score.title) + " | " + std::to_string(at.k) + " | " +
              with_interval(at.pass) + " | " + with_interval(at.majority) + " |\n";
    }
  }
  if (rows.empty()) return "";
  return "\n## Several samples\n\n| task | k | pass@k | maj@k |\n|---|---|---|---|\n" +
         rows;
}

std::string groups_table(const TaskScore& score) {
  if (score.groups.size() < 2) return "";
  std::string out =
      "\n## " + cell(score.title) +
      ", by group\n\n| group | right | of | % [95 %] |\n|---|---|---|---|\n";
  for (const auto& [group, correct] : score.groups) {
    const analysis::Interval interval = correct.interval();
    out += "| " + cell(group) + " | " + std::to_string(correct.successes) + " | " +
           std::to_string(correct.total) + " | " +
           with_interval({*correct.share(), interval.low, interval.high}) + " |\n";
  }
  return out;
}

std::string part(const analysis::Proportion& proportion) {
  if (proportion.total == 0) return "–";
  return percent(*proportion.share()) + " % of " + std::to_string(proportion.total);
}

std::string correction_part(const TaskScore& score) {
  if (!score.correction) return "";
  const CorrectionMetrics& metrics = *score.correction;
  std::string out =
      "\n## " + cell(score.title) +
      ", correction by correction\n\n| corrections | right, % | best so "
      "far, % | just corrected | of them right, % |\n|---|---|---|---|---|\n";
  for (size_t i = 0; i < metrics.iterations.size(); ++i) {
    const auto& at = metrics.iterations[i];
    out += "| " + std::to_string(i) + " | " + percent(*at.correct.share()) + " | " +
           percent(*at.best.share()) + " | " + std::to_string(at.edited_correct.total) +
           " | " +
           (at.edited_correct.total > 0 ? percent(*at.edited_correct.share()) : "–") +
           " |\n";
  }
  out += "\n- wrong → right " + std::to_string(metrics.wrong_to_correct) +
         ", wrong → wrong " + std::to_string(metrics.wrong_to_wrong) +
         ", right → wrong " + std::to_string(metrics.correct_to_wrong) +
         ", right → right " + std::to_string(metrics.correct_to_correct) + "\n";
  out += "- right at once " + std::to_string(metrics.at_once) + ", within 3 " +
         std::to_string(metrics.within_three) + ", later " +
         std::to_string(metrics.later) + ", never " + std::to_string(metrics.never) +
         "; oscillating " + part(metrics.oscillating) + "\n";
  out += "- stopped before the cap " + part(metrics.stopped_early) + ", of them wrong " +
         part(metrics.premature) + "; went on from a right answer " +
         part(metrics.kept_on) + "\n";
  out += "- belief: precision " + part(metrics.precision()) + ", recall " +
         part(metrics.recall()) + ", specificity " + part(metrics.specificity()) + "\n";
  return out;
}

}  // namespace

std::string card_json(const CardHeader& header, const std::vector<TaskScore>& scores) {
  ordered_json json = {{"name", header.name},           {"model", header.model},
                       {"adapter", header.adapter},     {"mode", header.mode},
                       {"seeds", header.seeds},         {"average", average_of(scores)},
                       {"tasks", ordered_json::array()}};
  for (const TaskScore& score : scores) json["tasks"].push_back(task_json(score));
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string card_markdown(const CardHeader& header,
                          const std::vector<TaskScore>& scores) {
  std::string out = "# " + cell(header.name) + "\n\nModel `" + header.model + "`" +
                    (header.adapter.empty() ? "" : " with `" + header.adapter + "`") +
                    ", mode " + header.mode + ", seeds";
  for (const uint64_t seed : header.seeds) out += " " + std::to_string(seed);
  out +=
      ".\n\n| task | items | samples | right, % [95 % over items] | over seeds | no "
      "answer | tokens |\n|---|---|---|---|---|---|---|\n";
  for (const TaskScore& score : scores) {
    const auto unparsable = score.verdicts.find("unparsable");
    const uint64_t none = unparsable == score.verdicts.end() ? 0 : unparsable->second;
    char tokens[32];
    std::snprintf(tokens, sizeof tokens, "%.0f", score.mean_tokens);
    out += "| " + cell(score.title) + " | " + std::to_string(score.items) + " | " +
           std::to_string(score.samples) + " | " + with_interval(score.accuracy) + " | " +
           seeds_cell(score) + " | " + std::to_string(none) + " | " + tokens + " |\n";
  }
  out += "| **average** | | | " + percent(average_of(scores)) + " | | | |\n";
  out += at_k_table(scores);
  for (const TaskScore& score : scores) out += groups_table(score);
  for (const TaskScore& score : scores) out += correction_part(score);
  return out;
}

}  // namespace srpo::evaluation
