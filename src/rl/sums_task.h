// Sums of two small numbers in words: a task that a small instruct model solves now and
// then.
#pragma once

#include <cstdint>

#include "records/problem.h"
#include "rl/arithmetic_task.h"

namespace srpo::rl {

/// Operands, both included: 0 <= lowest <= highest <= 999.
struct OperandRange {
  int lowest = 0;
  int highest = 9;
};

/// "What is 7 + 5?" with reference 12. A pure function of its arguments. A pair of
/// operands belongs to one of the two sets by its hash, one in four to the held-out set.
/// Throws kBadConfig for a bad range, or one in which a set is empty.
records::Problem make_sum(uint64_t seed, uint64_t number, OperandRange operands,
                          ProblemSet set);

}  // namespace srpo::rl
