// The document of a run: columns of numbers, and the sampled trees.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "analysis/run_collector.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

constexpr size_t kMostMetricNames = 64;

/// Of the tree's texts when none is longer than `most`.
size_t text_bytes(const TreeDigest& tree, size_t most) {
  size_t sum = std::min(tree.question.size(), 2 * most);
  if (tree.localization) sum += std::min(tree.localization->reply.size(), most);
  for (const auto* chains : {&tree.fresh, &tree.suffixes}) {
    for (const ChainDigest& chain : *chains) {
      for (const std::string& thought : chain.thoughts)
        sum += std::min(thought.size(), most);
    }
  }
  return sum;
}

/// What one text may hold so that all of them fit into `room` bytes.
size_t most_text_for(const std::vector<const TreeDigest*>& trees, size_t room) {
  size_t most = DigestLimits{}.thought;
  const auto needed = [&] {
    size_t sum = 0;
    for (const TreeDigest* tree : trees) sum += text_bytes(*tree, most);
    return sum;
  };
  while (most > 60 && needed() > room) most /= 2;
  return most;
}

json chain_json(const ChainDigest& chain, size_t most_text) {
  json thoughts = json::array();
  for (const std::string& thought : chain.thoughts)
    thoughts.push_back(shortened(thought, most_text));
  return {{"use", records::name_of(chain.use)},
          {"index", chain.index},
          {"finish", records::name_of(chain.finish)},
          {"verdict", records::name_of(chain.verdict)},
          {"reward", json_rounded(chain.reward)},
          {"answer", chain.answer},
          {"tokens", chain.tokens},
          {"kept_tokens", chain.kept_tokens},
          {"num_thoughts", chain.num_thoughts},
          {"kept_thoughts", chain.kept_thoughts},
          {"version", chain.policy_version},
          {"generator", chain.generator},
          {"prefilled", chain.prefilled_tokens},
          {"seconds", json_rounded(chain.seconds)},
          {"whole", chain.is_whole},
          {"thoughts", std::move(thoughts)}};
}

json tree_json_of(const TreeDigest& tree, size_t most_text) {
  json result = {
      {"step", tree.step},
      {"slot", tree.slot},
      {"validation", tree.validation},
      {"outcome", name_of(outcome_of(tree))},
      {"problem", tree.problem},
      {"question", shortened(tree.question, 2 * most_text)},
      {"reference", tree.reference},
      {"base", json_rounded(mean_reward(tree.fresh, records::Use::kBase))},
      {"endings", json_rounded(mean_reward(tree.suffixes, records::Use::kSuffix))},
      {"gain", tree.localization ? json_rounded(tree.reset_gain()) : json()}};
  json chains = json::array();
  for (const auto* list : {&tree.fresh, &tree.suffixes}) {
    for (const ChainDigest& chain : *list) chains.push_back(chain_json(chain, most_text));
  }
  result["chains"] = std::move(chains);
  if (tree.localization) {
    const records::Localization& place = *tree.localization;
    result["reset"] = {{"localizer", place.localizer},
                       {"thought", place.thought},
                       {"num_thoughts", place.num_thoughts},
                       {"status", records::name_of(place.status)},
                       {"reply", shortened(place.reply, most_text)}};
  }
  return result;
}

json interval_columns() {
  return {{"version", json::array()},
          {"share", json::array()},
          {"low", json::array()},
          {"high", json::array()},
          {"n", json::array()}};
}

void push_moments(json& out, const std::string& name, const Moments& moments) {
  out[name].push_back(json_rounded(moments.mean()));
  out[name + "_half"].push_back(json_rounded(moments.half_width()));
}

}  // namespace

json json_rounded(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  if (*value == std::floor(*value) && std::fabs(*value) < 9e15)
    return static_cast<int64_t>(*value);
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", *value);
  return std::strtod(text, nullptr);
}

json RunCollector::totals() const {
  StepTotals all;
  for (const auto& [step, totals] : steps_) all.merge(totals);
  json outcomes = json::object();
  for (size_t i = 0; i < kNumTreeOutcomes; ++i)
    outcomes[name_of(static_cast<TreeOutcome>(i))] = sample_.seen()[i];
  json verdicts = json::object();
  for (size_t i = 0; i < all.verdicts.size(); ++i) {
    if (all.verdicts[i] > 0)
      verdicts[records::name_of(static_cast<records::VerdictKind>(i))] = all.verdicts[i];
  }
  json finishes = json::object();
  for (size_t i = 0; i < all.finishes.size(); ++i) {
    if (all.finishes[i] > 0)
      finishes[records::name_of(static_cast<records::FinishReason>(i))] = all.finishes[i];
  }
  return {{"trees", num_trees_},
          {"training_trees", all.trees},
          {"trajectories", num_trajectories_},
          {"steps", steps_.size()},
          {"resets", all.resets},
          {"unclear_replies", all.unclear_replies},
          {"base", json_rounded(all.base.mean())},
          {"suffix", json_rounded(all.suffix.mean())},
          {"gain", json_rounded(all.gain.mean())},
          {"gain_half", json_rounded(all.gain.half_width())},
          {"flat_groups", json_rounded(all.flat_groups.share())},
          {"thoughts", json_rounded(all.thoughts.value())},
          {"length", json_rounded(all.length.value())},
          {"kept", json_rounded(all.kept.value())},
          {"decoded_tokens", all.decoded_tokens},
          {"prefilled_tokens", all.prefilled_tokens},
          {"outcomes", outcomes},
          {"verdicts", verdicts},
          {"finishes", finishes}};
}

json RunCollector::steps() const {
  uint32_t width = 1;
  const auto bins = binned(limits_.most_bins, &width);
  json out = json::object();
  out["width"] = width;
  for (const char* name : {"step", "trees", "trajectories", "base", "base_half", "suffix",
                           "suffix_half", "gain", "gain_half", "resets", "flat",
                           "thoughts", "length", "kept", "decoded", "correct"})
    out[name] = json::array();
  for (const auto& [step, totals] : bins) {
    out["step"].push_back(step);
    out["trees"].push_back(totals.trees);
    out["trajectories"].push_back(totals.trajectories);
    push_moments(out, "base", totals.base);
    push_moments(out, "suffix", totals.suffix);
    push_moments(out, "gain", totals.gain);
    out["resets"].push_back(totals.resets);
    out["flat"].push_back(json_rounded(totals.flat_groups.share()));
    out["thoughts"].push_back(json_rounded(totals.thoughts.value()));
    out["length"].push_back(json_rounded(totals.length.value()));
    out["kept"].push_back(json_rounded(totals.kept.value()));
    out["decoded"].push_back(totals.decoded_tokens);
    out["correct"].push_back(
        totals.verdicts[static_cast<size_t>(records::VerdictKind::kCorrect)]);
  }
  return out;
}

json RunCollector::validation() const {
  json out = interval_columns();
  // Evenly over the versions, the last one among them.
  const size_t stride = validation_.size() / (limits_.most_bins + 1) + 1;
  size_t left = validation_.size();
  for (const auto& [version, share] : validation_) {
    --left;
    if (left % stride != 0) continue;
    const Interval interval = share.interval();
    out["version"].push_back(version);
    out["share"].push_back(json_rounded(share.share()));
    out["low"].push_back(json_rounded(interval.low));
    out["high"].push_back(json_rounded(interval.high));
    out["n"].push_back(share.total);
  }
  return out;
}

json RunCollector::resets() const {
  uint32_t width = 1;
  const auto bins = binned(limits_.most_heat_columns, &width);
  size_t rows = 0;
  for (const auto& [step, totals] : bins) rows = std::max(rows, totals.chosen.size());
  json out = {{"width", width},
              {"thoughts", rows},
              {"last_is_rest", rows == kMostThoughts},
              {"step", json::array()},
              {"count", json::array()},
              {"gain", json::array()}};
  for (const auto& [step, totals] : bins) {
    json counts = json::array();
    json gains = json::array();
    for (const ResetCell& cell : totals.chosen) {
      counts.push_back(cell.count);
      gains.push_back(cell.count == 0
                          ? json()
                          : json_rounded(cell.gain / static_cast<double>(cell.count)));
    }
    out["step"].push_back(step);
    out["count"].push_back(std::move(counts));
    out["gain"].push_back(std::move(gains));
  }
  return out;
}

json RunCollector::metrics() const {
  // Means over as many neighbouring lines as make at most most_bins points.
  const size_t stride =
      metrics_.empty() ? 1 : (metrics_.size() - 1) / limits_.most_bins + 1;
  std::map<std::string, size_t> names;
  for (const auto& [step, row] : metrics_) {
    for (const auto& [name, value] : row) {
      if (names.size() < kMostMetricNames) names.emplace(name, 0);
    }
  }
  json out = json::object();
  for (const auto& [name, unused] : names) {
    json steps = json::array();
    json values = json::array();
    double sum = 0;
    size_t count = 0;
    size_t place = 0;
    for (const auto& [step, row] : metrics_) {
      ++place;
      const auto at = row.find(name);
      if (at != row.end() && std::isfinite(at->second)) {
        sum += at->second;
        ++count;
      }
      const bool ends = place % stride == 0 || place == metrics_.size();
      if (!ends || count == 0) continue;
      steps.push_back(step);
      values.push_back(json_rounded(sum / static_cast<double>(count)));
      sum = 0;
      count = 0;
    }
    out[name] = {{"step", std::move(steps)}, {"value", std::move(values)}};
  }
  return out;
}

json RunCollector::generators() const {
  json out = json::array();
  for (const auto& [rank, totals] : generators_) {
    if (out.size() >= 256) break;
    out.push_back({{"rank", rank},
                   {"trajectories", totals.trajectories},
                   {"tokens", totals.tokens},
                   {"seconds", json_rounded(totals.seconds)}});
  }
  return out;
}

json RunCollector::trees() const {
  const std::vector<const TreeDigest*> trees = sample_.trees();
  const size_t most_text = most_text_for(trees, limits_.text_bytes);
  json out = json::array();
  for (const TreeDigest* tree : trees) out.push_back(tree_json_of(*tree, most_text));
  return out;
}

}  // namespace srpo::analysis
