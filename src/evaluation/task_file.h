// The problems of a task, from the files that public sets come as.
#pragma once

#include <string>
#include <vector>

#include "evaluation/evaluation_config.h"
#include "records/problem.h"

namespace srpo::evaluation {

struct TaskItem {
  records::Problem problem;
  std::string group;  ///< value of the task's group field, "" without one
};

/// Reads JSON lines, gzipped or not; lines that the filter refuses do not count for skip
/// and limit. The id is `<task>:<id>`, or `<task>:<line>` where the file gives none.
/// Throws kBadFile "file:line: ..." saying what was found and what was expected.
std::vector<TaskItem> read_task_file(const TaskConfig& task);

}  // namespace srpo::evaluation
