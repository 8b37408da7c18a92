#include "analysis/audit_report.h"

namespace srpo::analysis {

std::vector<Table> audit_report(const RunScan& scan) {
  const Tally total = scan.total();
  const uint64_t readable = total.training_trees + total.validation_trees;
  Table ledger("ledger", {"accepted", "readable", "in_shards", "in_journal", "lost",
                          "repeated", "shards", "damaged_files", "job_digest"});
  ledger.add_row({readable + scan.num_lost_trees, readable,
                  readable - scan.num_from_journal, scan.num_from_journal,
                  scan.num_lost_trees, scan.num_repeated, scan.num_shards,
                  static_cast<uint64_t>(scan.damaged.size()), scan.job_digest});
  Table damaged("damaged", {"file", "reason"});
  for (const storage::DamagedFile& file : scan.damaged)
    damaged.add_row({file.name, file.reason});
  Table steps("steps", {"step", "training_trees", "validation_trees", "trajectories",
                        "missing_slots"});
  for (const auto& [step, tally] : scan.steps) {
    const auto slots = scan.training_slots.find(step);
    const bool has_slots = slots != scan.training_slots.end();
    const uint64_t missing =
        has_slots ? *slots->second.rbegin() + 1ULL - slots->second.size() : 0;
    uint64_t trajectories = 0;
    for (const uint64_t count : tally.uses) trajectories += count;
    steps.add_row({static_cast<uint64_t>(step), tally.training_trees,
                   tally.validation_trees, trajectories, missing});
  }
  return {ledger, damaged, steps};
}

bool is_intact(const RunScan& scan) {
  return scan.damaged.empty() && scan.num_repeated == 0;
}

}  // namespace srpo::analysis
