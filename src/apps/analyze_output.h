// What the verbs of srpo_analyze share: their arguments, and where they write.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "analysis/run_scan.h"
#include "analysis/table.h"

namespace srpo::analyze {

struct Arguments {
  std::string run;
  std::string format;
  std::string out;
  std::string title;
  std::string table;  ///< only the table of this name
  bool per_step = false;
  std::optional<uint32_t> step;
  std::optional<uint32_t> slot;
  bool failed = false;
  bool with_reset = false;
  std::optional<uint64_t> limit;
  std::string where;
  std::vector<std::string> diff;
  bool fields = false;
  std::string known;
  bool all_places = false;
  std::string prompts;
  std::string continuations;
  uint32_t min_words = 0;
  std::vector<std::string> others;
  std::string verifier;
  uint32_t shard_trees = 4096;
  std::string compression = "none";
};

/// Standard output, or the file of --out, published whole.
class Output {
 public:
  /// Throws kBadInput when the file cannot be created.
  explicit Output(const std::string& path);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  std::ostream& stream();
  bool is_terminal() const;
  /// Throws kNoSpace or kBadInput when not everything could be written.
  void publish();

 private:
  std::string draft() const { return path_ + ".tmp"; }

  std::string path_;
  std::ofstream file_;
};

analysis::OutputFormat format_of(const Arguments& arguments);

/// Writes the tables, or the one of --table, as asked. What could not be read goes into
/// one more table; where a form has no room for that, to standard error. A run without a
/// tree is a sentence.
void write_report(const Arguments& arguments, const analysis::RunScan& scan,
                  std::vector<analysis::Table> tables);

/// The same of a picture.
void write_picture(const Arguments& arguments, const analysis::RunScan& scan,
                   const std::string& svg);

// The verbs.
void run_summary(const Arguments& arguments);
void run_rewards(const Arguments& arguments);
void run_resets(const Arguments& arguments);
void run_localization(const Arguments& arguments);
void run_efficiency(const Arguments& arguments);
void run_gradient_signal(const Arguments& arguments);
void run_advantages(const Arguments& arguments);
void run_compare(const Arguments& arguments);
void run_curve(const Arguments& arguments);
void run_step(const Arguments& arguments);
void run_dashboard(const Arguments& arguments);
void run_audit(const Arguments& arguments);
void run_rescore(const Arguments& arguments);
void run_compact(const Arguments& arguments);
void run_trajectories(const Arguments& arguments);
void run_export(const Arguments& arguments);
void run_grading_prompts(const Arguments& arguments);
void run_grade(const Arguments& arguments);

}  // namespace srpo::analyze
