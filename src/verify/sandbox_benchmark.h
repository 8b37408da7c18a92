// What the sandbox costs, and what an attack on one slot costs its neighbours.
#pragma once

#include <string>
#include <vector>

#include "verify/sandbox.h"

namespace srpo::verify {

struct SandboxFigures {
  double bare_python_ms = 0;   ///< median of `python3 -S -c pass`, fork to exit
  double warm_run_ms = 0;      ///< the same in a slot whose sandbox waits
  double back_to_back_ms = 0;  ///< the same, asked for without a pause
  double runs_per_s = 0;       ///< all slots busy
  double quiet_ms = 0;         ///< a run of a small program, nothing else going on
  double neighbour_ms = 0;     ///< the same while another slot is under attack
  std::string attack;          ///< the attack that hurt most
};

/// Each figure is a median of `num_runs`. The sandbox needs two slots or more, and nobody
/// else may use it meanwhile.
SandboxFigures measure_sandbox(Sandbox& sandbox, int num_runs);

struct HumanEvalFigures {
  int num_problems = 0;
  int num_runs = 0;
  int num_correct = 0;  ///< of num_runs
  double seconds = 0;
  std::vector<std::string> refused;  ///< task and reason, once each
};

/// Judges the canonical solution of every `every`-th line of a HumanEval JSONL file (gzip
/// or plain) `times` times, as many at once as there are slots. Throws kBadFile,
/// kBadInput.
HumanEvalFigures measure_human_eval(Sandbox& sandbox, const std::string& path, int times,
                                    int every = 1);

}  // namespace srpo::verify
