// Two evaluations of the same problems, compared problem by problem.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/statistics.h"
#include "analysis/table.h"
#include "evaluation/exact_statistics.h"
#include "evaluation/sample.h"

namespace srpo::evaluation {

struct PairedTask {
  std::string task;
  uint64_t items = 0;  ///< that both have
  double first = 0;    ///< accuracy on them, mean over each item's samples
  double second = 0;
  Estimate difference;  ///< second - first, bootstrap over items
  McNemar test;         ///< of the first sample of each item
};

/// For every task that both have, in the order of the names. Items are matched by the
/// problem's id.
std::vector<PairedTask> compare_samples(const std::vector<Sample>& first,
                                        const std::vector<Sample>& second,
                                        uint32_t resamples, uint64_t seed);

/// The same from the folders of two evaluations. Throws kBadFile, and kBadInput when they
/// share no problem.
analysis::Table compare_folders(const std::filesystem::path& first,
                                const std::filesystem::path& second);

}  // namespace srpo::evaluation
