// The result of an evaluation on one page: for programs and for people.
#pragma once

#include <string>
#include <vector>

#include "evaluation/task_score.h"

namespace srpo::evaluation {

struct CardHeader {
  std::string name;
  std::string model;
  std::string adapter;  ///< "" for none
  std::string mode;
  std::vector<uint64_t> seeds;
};

/// An object: header, `tasks`, `average` (of the tasks' accuracies). Ends with a line
/// feed.
std::string card_json(const CardHeader& header, const std::vector<TaskScore>& scores);
std::string card_markdown(const CardHeader& header, const std::vector<TaskScore>& scores);

}  // namespace srpo::evaluation
