// The verbs of srpo_analyze that hand out trees: to read, and for other programs.
#include <algorithm>
#include <functional>
#include <iostream>

#include "analysis/continuation_grading.h"
#include "analysis/ending_diff.h"
#include "analysis/json_text.h"
#include "analysis/trajectory_tree.h"
#include "analysis/tree_export.h"
#include "analysis/tree_filter.h"
#include "analysis/unread_report.h"
#include "apps/analyze_output.h"
#include "core/error.h"
#include "storage/replay_reader.h"

namespace srpo::analyze {
namespace {

using analysis::OutputFormat;
using records::RolloutTree;
using records::Trajectory;

/// What the command line asks for: short options and --where together.
class Wanted {
 public:
  explicit Wanted(const Arguments& arguments)
      : arguments_(arguments), filter_(analysis::TreeFilter::parse(arguments.where)) {}

  bool tree(const RolloutTree& tree) const {
    if (arguments_.step && tree.step != *arguments_.step) return false;
    if (arguments_.slot && tree.slot != *arguments_.slot) return false;
    if (arguments_.with_reset && !tree.localization) return false;
    if (arguments_.failed && std::none_of(tree.fresh.begin(), tree.fresh.end(), failed))
      return false;
    return filter_.wants(tree);
  }
  bool chain(const RolloutTree& tree, const Trajectory& chain) const {
    return filter_.wants(tree, chain);
  }

 private:
  static bool failed(const Trajectory& chain) { return chain.verdict.reward < 1; }

  const Arguments& arguments_;
  analysis::TreeFilter filter_;
};

/// Hands out the wanted trees; what could not be read is told at the end, on standard
/// error. Returns how many there were.
uint64_t for_each_tree(const Arguments& arguments, const Wanted& wanted,
                       const std::function<void(const RolloutTree&)>& use) {
  storage::ReplayReader reader(analysis::replay_folder_of(arguments.run));
  uint64_t count = 0;
  while (!arguments.limit || count < *arguments.limit) {
    const auto tree = reader.next();
    if (!tree) break;
    if (!wanted.tree(*tree)) continue;
    use(*tree);
    ++count;
  }
  for (const auto& file : reader.damaged())
    std::cerr << "left out: " << analysis::printable(file.reason) << "\n";
  if (reader.num_lost_trees() > 0)
    std::cerr << "left out: " << reader.num_lost_trees()
              << " trees in files that cannot be read\n";
  return count;
}

void write_csv(const Arguments& arguments, const Wanted& wanted, std::ostream& out) {
  out << analysis::trajectory_table().to_csv();
  for_each_tree(arguments, wanted, [&](const RolloutTree& tree) {
    analysis::Table table = analysis::trajectory_table();
    analysis::add_trajectories(
        table, tree, [&](const Trajectory& chain) { return wanted.chain(tree, chain); });
    const std::string csv = table.to_csv();
    out << csv.substr(csv.find('\n') + 1);
  });
}

void write_jsonl(const Arguments& arguments, const Wanted& wanted, std::ostream& out) {
  for_each_tree(arguments, wanted, [&](const RolloutTree& tree) {
    out << analysis::tree_json(tree) << "\n";
  });
}

void write_fields(const Arguments& arguments) {
  analysis::Table table("fields", {"field", "type", "about"});
  for (const auto& field : analysis::filter_fields())
    table.add_row({field.name, field.type, field.about});
  std::cout << analysis::write_tables({table}, format_of(arguments));
}

}  // namespace

void run_trajectories(const Arguments& arguments) {
  if (arguments.fields) return write_fields(arguments);
  const Wanted wanted(arguments);
  const OutputFormat format = format_of(arguments);
  Output output(arguments.out);
  analysis::TreeStyle style;
  style.colour = output.is_terminal();
  uint64_t count = 1;
  if (!arguments.diff.empty()) {
    Arguments first = arguments;
    first.limit = 1;
    count = for_each_tree(first, wanted, [&](const RolloutTree& tree) {
      analysis::print_diff(output.stream(), tree, arguments.diff[0], arguments.diff[1],
                           style);
    });
  } else if (format == OutputFormat::kJson) {
    write_jsonl(arguments, wanted, output.stream());
  } else if (format == OutputFormat::kCsv) {
    write_csv(arguments, wanted, output.stream());
  } else {
    count = for_each_tree(arguments, wanted, [&](const RolloutTree& tree) {
      analysis::print_tree(output.stream(), tree, style);
    });
  }
  if (count == 0) output.stream() << "no tree matches\n";
  output.publish();
}

void run_grading_prompts(const Arguments& arguments) {
  const auto places = arguments.all_places ? analysis::GradedPlaces::kAll
                                           : analysis::GradedPlaces::kNamed;
  Output output(arguments.out);
  Arguments resets = arguments;
  resets.with_reset = true;
  for_each_tree(resets, Wanted(resets), [&](const RolloutTree& tree) {
    analysis::write_grading_prompts(output.stream(), tree, places);
  });
  output.publish();
}

void run_grade(const Arguments& arguments) {
  const auto grading =
      analysis::ContinuationGrading::read(arguments.prompts, arguments.continuations);
  if (!arguments.known.empty()) {
    Output known(arguments.known);
    grading.write_known(known.stream());
    known.publish();
  }
  Output output(arguments.out);
  output.stream() << analysis::write_tables(analysis::grading_tables(grading),
                                            format_of(arguments));
  output.publish();
}

void run_export(const Arguments& arguments) {
  const Wanted wanted(arguments);
  Output output(arguments.out);
  if (arguments.format == "csv") {
    write_csv(arguments, wanted, output.stream());
  } else {
    write_jsonl(arguments, wanted, output.stream());
  }
  output.publish();
}

}  // namespace srpo::analyze
