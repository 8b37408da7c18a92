#include "analysis/tree_export.h"

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <type_traits>

#include "analysis/json_text.h"
#include "analysis/run_scan.h"
#include "analysis/statistics.h"
#include "core/archive.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;
using records::Use;

using ChainFilter = std::function<bool(const Trajectory&)>;

const char* name_of_draw(records::DrawKind kind) {
  static constexpr const char* kNames[] = {"fresh", "suffix", "localization",
                                           "validation"};
  return kNames[static_cast<int>(kind)];
}

/// Follows the field list of each record.
class JsonWriter {
 public:
  std::string take() { return std::move(json_); }

  void write(const std::string& value) { json_ += json_string(value); }
  void write(bool value) { json_ += value ? "true" : "false"; }
  void write(records::DrawKind value) { write(std::string(name_of_draw(value))); }
  template <core::Scalar T>
  void write(T value) {
    if constexpr (std::is_enum_v<T>) {
      write(std::string(name_of(value)));
    } else if constexpr (std::is_floating_point_v<T>) {
      // A float's shortest text, not that of the double it widens to.
      json_ += std::is_same_v<T, float> ? float_text(static_cast<float>(value))
                                        : json_number(value);
    } else {
      json_ += std::to_string(value);
    }
  }
  template <class T>
  void write(const std::vector<T>& values) {
    json_ += "[";
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) json_ += ",";
      write(values[i]);
    }
    json_ += "]";
  }
  template <class T>
  void write(const std::optional<T>& value) {
    if (value) {
      write(*value);
    } else {
      json_ += "null";
    }
  }
  template <core::Record T>
  void write(const T& value) {
    json_ += "{";
    bool is_first = true;
    T::visit_fields(value, [&](const char* name, const auto& field) {
      if (!is_first) json_ += ",";
      is_first = false;
      json_ += json_string(name) + ":";
      write(field);
    });
    json_ += "}";
  }

 private:
  static std::string float_text(float value);
  std::string json_;
};

std::string JsonWriter::float_text(float value) {
  const double wide = value;
  if (json_number(wide) == "null") return "null";
  char text[32];
  for (int digits = 6; digits <= 9; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, wide);
    if (std::strtof(text, nullptr) == value) break;
  }
  return text;
}

std::vector<Cell> row_of(const RolloutTree& tree, const Trajectory& chain,
                         const std::optional<double>& advantage) {
  const auto whole = [](auto value) { return Cell(static_cast<uint64_t>(value)); };
  return {whole(tree.step),
          whole(tree.slot),
          std::string(tree.validation ? "yes" : "no"),
          tree.problem.id,
          std::string(name_of_draw(chain.id.kind)),
          whole(chain.id.index),
          std::string(name_of(chain.use)),
          whole(chain.policy_version),
          chain.verdict.reward,
          cell(advantage),
          std::string(name_of(chain.verdict.kind)),
          chain.verdict.answer,
          tree.problem.reference,
          std::string(name_of(chain.finish)),
          whole(chain.thought_ends.size()),
          whole(chain.tokens.size()),
          whole(chain.prefix_length),
          whole(chain.decoded_tokens),
          whole(chain.prefilled_tokens),
          chain.seconds};
}

void add_chains(Table& table, const RolloutTree& tree,
                const std::vector<Trajectory>& chains, Use trained,
                const std::vector<double>& rewards, const ChainFilter& wanted) {
  const std::vector<double> advantages = group_advantages(rewards);
  size_t place = 0;
  for (const Trajectory& chain : chains) {
    std::optional<double> advantage;
    if (chain.use == trained) advantage = advantages[place++];
    if (!wanted || wanted(chain)) table.add_row(row_of(tree, chain, advantage));
  }
}

}  // namespace

std::string tree_json(const RolloutTree& tree) {
  JsonWriter writer;
  writer.write(tree);
  return writer.take();
}

Table trajectory_table() {
  return Table(
      "trajectories",
      {"step",    "slot",          "validation",     "problem",          "kind",
       "index",   "use",           "policy_version", "reward",           "advantage",
       "verdict", "answer",        "reference",      "finish",           "thoughts",
       "tokens",  "prefix_length", "decoded_tokens", "prefilled_tokens", "seconds"});
}

void add_trajectories(Table& table, const RolloutTree& tree, const ChainFilter& wanted) {
  add_chains(table, tree, tree.fresh, Use::kBase, base_rewards(tree), wanted);
  add_chains(table, tree, tree.suffixes, Use::kSuffix, suffix_rewards(tree), wanted);
}

}  // namespace srpo::analysis
