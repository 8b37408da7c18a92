// The named tasks: which file, how its lines are read, what judges the answers, and how
// many samples are drawn.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace srpo::evaluation {

/// How a line of a task's file becomes a problem.
enum class TaskLayout {
  kQuestion,  ///< a question and its answer, under any of the usual names
  kChoice,    ///< a question, its options, and a letter, number or text as the answer
  kYesNo,     ///< a question whose answer is true or false, yes or no
  kScience,   ///< SciKnowEval: options and a letter, or free text
  kCode,      ///< a program and its tests: HumanEval, LiveCodeBench, MBPP, APPS
};
/// "question", "choice", "yes_no", "science", "code"; throws kBadConfig otherwise.
TaskLayout parse_layout(const std::string& name);

struct TaskPreset {
  const char* name;
  const char* title;  ///< for people
  const char* file;   ///< name of the file, in the job's data folder
  TaskLayout layout;
  const char* kind;    ///< of the verifier; kScience: of free text
  const char* hint;    ///< added to the question; "" for none
  const char* filter;  ///< `field=value` of the lines that count; "" for all
  const char* group;   ///< field by which the card breaks the result down; "" for none
  uint32_t samples;    ///< of each item and seed
  double temperature;  ///< 0: greedy
};

const std::vector<TaskPreset>& task_presets();
/// Throws kBadConfig for an unknown name, with all known ones.
const TaskPreset& find_preset(const std::string& name);

}  // namespace srpo::evaluation
