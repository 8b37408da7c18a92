#include "analysis/audit_report.h"

#include <algorithm>
#include <sstream>

#include <nlohmann/json.hpp>

#include "analysis/tree_audit.h"
#include "core/config_table.h"
#include "core/error.h"
#include "core/files.h"

namespace srpo::analysis {
namespace {

constexpr size_t kMostSentences = 1000;

template <class... Parts>
void violate(RunAudit& audit, const Parts&... parts) {
  ++audit.num_violations;
  if (audit.violations.size() >= kMostSentences) return;
  std::ostringstream out;
  (out << ... << parts);
  audit.violations.push_back(out.str());
}

/// What status.json says.
struct Status {
  std::string state;
  uint64_t steps = 0;
  uint64_t accepted = 0;
  uint64_t dropped = 0;
};

std::optional<Status> read_status(const std::filesystem::path& replay) {
  const std::filesystem::path path = replay.parent_path() / "status.json";
  if (!std::filesystem::exists(path)) return std::nullopt;
  const auto json = nlohmann::json::parse(core::read_file(path), nullptr, false);
  if (!json.is_object()) return std::nullopt;
  Status status;
  status.state = json.value("state", "");
  status.steps = json.value("steps", uint64_t{0});
  status.accepted = json.value("accepted", uint64_t{0});
  status.dropped = json.value("dropped", uint64_t{0});
  return status;
}

uint64_t readable(const RunScan& scan) {
  const Tally total = scan.total();
  return total.training_trees + total.validation_trees;
}

void check_sum(RunAudit& audit) {
  const RunScan& scan = audit.scan;
  const auto status = read_status(scan.replay);
  const uint64_t gone = scan.num_lost_trees + scan.num_lost_records + scan.num_retired;
  if (status && status->state == "complete" && status->accepted > readable(scan) + gone) {
    violate(audit, "status.json says that ", status->accepted,
            " trees were accepted; shards and journal have ", readable(scan), ", ", gone,
            " are lost or retired");
  }
  if (!scan.metadata || !status) return;
  const auto job = core::ConfigTable::parse(scan.metadata->job_yaml, "job_yaml");
  const auto learner = job.section("learner");
  if (!learner.has("prompts_per_step")) return;
  const auto prompts =
      static_cast<uint64_t>(learner.integer("prompts_per_step", {}, 1, 1 << 20));
  audit.assigned = prompts * status->steps;
  uint64_t found = 0;
  for (const auto& [step, slots] : scan.training_slots) {
    if (step < status->steps) found += std::min<uint64_t>(slots.size(), prompts);
  }
  const uint64_t dropped = std::max<uint64_t>(scan.num_dropped, status->dropped);
  if (audit.assigned > found + dropped + gone) {
    violate(audit, "of ", audit.assigned, " problems of ", status->steps,
            " finished steps ", found, " are accepted, ", dropped, " dropped and ", gone,
            " lost or retired: ", audit.assigned - found - dropped - gone,
            " are not accounted for");
  }
}

}  // namespace

RunAudit audit_run(const std::filesystem::path& run) {
  RunAudit audit;
  audit.scan = scan_run(
      run, [&](const records::RolloutTree& tree, const storage::ReplayReader& reader) {
        audit.num_trajectories += tree.fresh.size() + tree.suffixes.size();
        const uint64_t* seed = reader.metadata() ? &reader.metadata()->seed : nullptr;
        for (const std::string& sentence : audit_tree(tree, seed))
          violate(audit, sentence);
      });
  for (const storage::DamagedFile& file : audit.scan.damaged)
    violate(audit, file.name, ": ", file.reason);
  if (audit.scan.num_lost_trees > 0)
    violate(audit, audit.scan.num_lost_trees,
            " accepted trees are in shards that cannot be read");
  if (audit.scan.num_repeated > 0)
    violate(audit, audit.scan.num_repeated, " trees are stored twice");
  check_sum(audit);
  return audit;
}

std::vector<Table> audit_report(const RunAudit& audit) {
  const RunScan& scan = audit.scan;
  const uint64_t found = readable(scan);
  Table ledger("ledger",
               {"assigned", "accepted", "readable", "in_shards", "in_journal", "lost",
                "retired", "dropped", "repeated", "lost_records", "trajectories",
                "violations", "shards", "damaged_files", "job_digest"});
  ledger.add_row({audit.assigned, found + scan.num_lost_trees + scan.num_retired, found,
                  found - scan.num_from_journal, scan.num_from_journal,
                  scan.num_lost_trees, scan.num_retired, scan.num_dropped,
                  scan.num_repeated, scan.num_lost_records, audit.num_trajectories,
                  audit.num_violations, scan.num_shards,
                  static_cast<uint64_t>(scan.damaged.size()), scan.job_digest});
  Table violations("violations", {"sentence"});
  for (const std::string& sentence : audit.violations) violations.add_row({sentence});
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
  return {ledger, violations, damaged, steps};
}

bool is_intact(const RunAudit& audit) { return audit.num_violations == 0; }

}  // namespace srpo::analysis
