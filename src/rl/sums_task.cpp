#include "rl/sums_task.h"

#include <string>

#include "core/error.h"
#include "core/random.h"

namespace srpo::rl {
namespace {

constexpr int kMostDraws = 10000;

/// The split must not depend on the seed: a pair that one run trains on is never held out
/// in another.
bool is_held_out(uint64_t a, uint64_t b) {
  return core::philox(/*key=*/0x53554D53, a, b)[0] % 4 == 0;
}

records::Problem problem_of(uint64_t number, uint64_t a, uint64_t b) {
  const std::string left = std::to_string(a);
  const std::string right = std::to_string(b);
  records::Problem problem;
  problem.id = "sums/" + std::to_string(number) + "/" + left + "+" + right;
  problem.kind = "math";
  problem.question = "What is " + left + " + " + right + "?";
  problem.reference = std::to_string(a + b);
  return problem;
}

}  // namespace

records::Problem make_sum(uint64_t seed, uint64_t number, OperandRange operands,
                          ProblemSet set) {
  REQUIRE(0 <= operands.lowest && operands.lowest <= operands.highest &&
              operands.highest <= 999,
          kBadConfig,
          "operands " << operands.lowest << " .. " << operands.highest
                      << " (expected 0 <= lowest <= highest <= 999)");
  core::Rng rng(seed, core::Purpose::kProblemMaking, number);
  const auto count = static_cast<uint64_t>(operands.highest - operands.lowest) + 1;
  for (int draw = 0; draw < kMostDraws; ++draw) {
    const uint64_t a = static_cast<uint64_t>(operands.lowest) + rng.below(count);
    const uint64_t b = static_cast<uint64_t>(operands.lowest) + rng.below(count);
    if (is_held_out(a, b) != (set == ProblemSet::kHeldOut)) continue;
    return problem_of(number, a, b);
  }
  throw core::Error(core::ErrorKind::kBadConfig,
                    "no sum of operands " + std::to_string(operands.lowest) + " .. " +
                        std::to_string(operands.highest) +
                        " belongs to this set of problems");
}

}  // namespace srpo::rl
