// The experiments of srpo_cpi: each gives tables and a picture.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "analysis/table.h"
#include "plot_svg.h"

namespace srpo::apps {

struct CpiSettings {
  uint64_t seed = 1;
  uint32_t trials = 600;       ///< at each point of a search
  uint32_t processes = 10000;  ///< random decision processes of `theorem`
  uint32_t sampled = 100;      ///< of them, on which the algorithm is run with samples
  double constant = 1;         ///< C of the theorem's number of samples
  double delta = 0.1;          ///< chance of failure that the theorem allows
  uint32_t horizon = 1;
  uint32_t actions = 4;
  double coverage = 0.125;  ///< p
  uint32_t iterations = 200;
  double error = 0.1;  ///< chance of a wrong thought
  /// Called now and then: what is done of how much.
  std::function<void(uint64_t done, uint64_t all)> progress = [](uint64_t, uint64_t) {};
};

struct CpiResult {
  std::vector<analysis::Table> tables;
  Plot plot;
  bool holds = true;  ///< false when an inequality of the theory was violated
};

struct CpiExperiment {
  const char* name;
  const char* what;
  CpiResult (*run)(const CpiSettings& settings);
};

/// theorem, separation, controls, horizon, localization, chain, iterations.
const std::vector<CpiExperiment>& cpi_experiments();

}  // namespace srpo::apps
