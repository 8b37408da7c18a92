#include "analysis/step_report.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "storage/step_dump.h"

namespace srpo::analysis {

namespace {

using storage::DumpedBatch;
using storage::StepDump;

struct SequenceSums {
  uint64_t rows = 0;
  double loss = 0;
  double logprob = 0;
  double coefficient = 0;
  double largest_gap = 0;
  uint64_t not_finite = 0;
};

std::vector<SequenceSums> sums_of(const DumpedBatch& batch) {
  std::vector<SequenceSums> sums(batch.sequence_trees.size());
  for (size_t row = 0; row < batch.targets.size(); ++row) {
    SequenceSums& own = sums[static_cast<size_t>(batch.row_sequences[row])];
    ++own.rows;
    own.loss += batch.losses[row];
    own.logprob += double{batch.logprobs[row]};
    own.coefficient += double{batch.coefficients[row]};
    if (!std::isfinite(batch.losses[row])) ++own.not_finite;
    const double gap =
        std::abs(double{batch.logprobs[row]} - double{batch.sampled_logprobs[row]});
    if (!std::isnan(gap)) own.largest_gap = std::max(own.largest_gap, gap);
  }
  return sums;
}

void add_updates(const StepDump& dump, Table& table) {
  for (size_t update = 0; update < dump.updates.size(); ++update) {
    const auto& own = dump.updates[update];
    for (size_t unit = 0; unit < dump.units.size(); ++unit) {
      table.add_row({uint64_t{dump.step}, uint64_t{update}, dump.units[unit],
                     own.norms[unit],
                     std::string(own.is_applied ? "applied" : "skipped")});
    }
  }
}

void add_batches(const StepDump& dump, Table& batches, Table& sequences) {
  for (size_t index = 0; index < dump.batches.size(); ++index) {
    const DumpedBatch& batch = dump.batches[index];
    double loss = 0;
    for (const double each : batch.losses) loss += each;
    batches.add_row({uint64_t{dump.step}, uint64_t{dump.learner}, uint64_t{batch.update},
                     uint64_t{index}, uint64_t{batch.tokens.size()},
                     uint64_t{batch.segment_begins.size()},
                     uint64_t{batch.sequence_trees.size()},
                     uint64_t{batch.targets.size()}, loss});
    const auto sums = sums_of(batch);
    for (size_t s = 0; s < sums.size(); ++s) {
      const auto rows = static_cast<double>(std::max<uint64_t>(1, sums[s].rows));
      sequences.add_row({uint64_t{dump.step}, uint64_t{dump.learner},
                         uint64_t{batch.update},
                         static_cast<uint64_t>(batch.sequence_trees[s]),
                         static_cast<uint64_t>(batch.sequence_numbers[s]), sums[s].rows,
                         sums[s].loss, sums[s].logprob / rows, sums[s].coefficient,
                         sums[s].largest_gap, sums[s].not_finite});
    }
  }
}

/// What is not finite comes first.
void add_tokens(const std::vector<StepDump>& dumps, uint64_t most, Table& table) {
  struct Place {
    const StepDump* dump = nullptr;
    const DumpedBatch* batch = nullptr;
    size_t row = 0;
    double size = 0;
  };
  std::vector<Place> places;
  for (const StepDump& dump : dumps) {
    for (const DumpedBatch& batch : dump.batches) {
      for (size_t row = 0; row < batch.losses.size(); ++row) {
        const double loss = batch.losses[row];
        places.push_back(
            {&dump, &batch, row, std::isfinite(loss) ? std::abs(loss) : HUGE_VAL});
      }
    }
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.size > b.size; });
  if (places.size() > most) places.resize(most);
  for (const Place& place : places) {
    const DumpedBatch& batch = *place.batch;
    const auto sequence = static_cast<size_t>(batch.row_sequences[place.row]);
    const auto hidden = static_cast<size_t>(batch.hidden_indices[place.row]);
    table.add_row({uint64_t{place.dump->step}, uint64_t{batch.update},
                   static_cast<uint64_t>(batch.sequence_trees[sequence]),
                   static_cast<uint64_t>(batch.sequence_numbers[sequence]),
                   static_cast<uint64_t>(batch.positions[hidden]) + 1,
                   static_cast<uint64_t>(batch.targets[place.row]),
                   double{batch.logprobs[place.row]},
                   double{batch.sampled_logprobs[place.row]},
                   double{batch.coefficients[place.row]}, batch.losses[place.row]});
  }
}

}  // namespace

std::vector<Table> step_report(const std::filesystem::path& run_folder,
                               const StepReportOptions& options) {
  std::vector<StepDump> dumps;
  for (const auto& file : storage::list_step_dumps(run_folder)) {
    StepDump dump = storage::read_step_dump(file);
    if (!options.step || dump.step == *options.step) dumps.push_back(std::move(dump));
  }
  REQUIRE(!dumps.empty(), kBadInput,
          (run_folder / "debug").string()
              << " has no dump"
              << (options.step ? " of step " + std::to_string(*options.step) : "")
              << " (debug.dump_step: N in the job file writes one)");
  Table updates("updates", {"step", "update", "unit", "gradient_norm", "outcome"});
  Table batches("micro_batches", {"step", "learner", "update", "batch", "tokens",
                                  "segments", "sequences", "rows", "loss"});
  Table sequences("sequences",
                  {"step", "learner", "update", "tree", "sequence", "rows", "loss",
                   "mean_logprob", "advantage_share", "largest_gap", "not_finite"});
  for (const StepDump& dump : dumps) {
    if (dump.learner == 0) add_updates(dump, updates);  // the same on every learner
    add_batches(dump, batches, sequences);
  }
  std::vector<Table> tables{updates, batches, sequences};
  if (options.most_tokens > 0) {
    Table tokens("tokens", {"step", "update", "tree", "sequence", "position", "token",
                            "logprob", "sampled_logprob", "coefficient", "loss"});
    add_tokens(dumps, options.most_tokens, tokens);
    tables.push_back(std::move(tokens));
  }
  return tables;
}

}  // namespace srpo::analysis
