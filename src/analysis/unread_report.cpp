#include "analysis/unread_report.h"

namespace srpo::analysis {

Table unread_table(const RunScan& scan) {
  Table table("unread", {"what", "count", "reason"});
  for (const auto& file : scan.damaged)
    table.add_row({file.name, uint64_t{1}, file.reason});
  const auto add = [&](const char* what, uint64_t count, const char* reason) {
    if (count > 0) table.add_row({std::string(what), count, std::string(reason)});
  };
  add("trees", scan.num_lost_trees, "accepted, and in shards that cannot be read");
  add("journal records", scan.num_lost_records, "damaged");
  add("repeated trees", scan.num_repeated, "in two shards, counted once");
  return table;
}

bool is_complete(const RunScan& scan) {
  return scan.damaged.empty() && scan.num_lost_trees == 0 && scan.num_lost_records == 0 &&
         scan.num_repeated == 0;
}

std::string nothing_sentence(const RunScan& scan) {
  const Tally total = scan.total();
  if (total.training_trees + total.validation_trees > 0) return "";
  if (scan.damaged.empty())
    return scan.replay.string() + " holds no tree: nothing has been recorded yet";
  return scan.replay.string() +
         " holds no tree that can be read: " + std::to_string(scan.damaged.size()) +
         " files are damaged";
}

}  // namespace srpo::analysis
