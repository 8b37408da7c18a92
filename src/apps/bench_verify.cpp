// Checks of mathematical answers a second, by kind of answer.
#include <string>
#include <utility>
#include <vector>

#include "apps/bench.h"
#include "core/error.h"
#include "verify/math_benchmark.h"

namespace srpo::bench {
namespace {

using verify::AnswerPair;

struct Kind {
  std::string name;
  std::vector<AnswerPair> pairs;
};

/// What models write, and what it is compared with.
std::vector<Kind> kinds() {
  return {
      {"whole numbers",
       {{"42", "42", true},
        {"1,234", "1234", true},
        {"17", "-17", false},
        {"72", "73", false}}},
      {"fractions and decimals",
       {{"\\frac{1}{2}", "0.5", true},
        {"3/4", "\\frac{6}{8}", true},
        {"50\\%", "0.5", true},
        {"\\frac{1}{3}", "0.25", false}}},
      {"roots and powers",
       {{"2\\sqrt{2}", "\\sqrt{8}", true},
        {"\\frac{1}{\\sqrt{2}}", "\\frac{\\sqrt{2}}{2}", true},
        {"2^{10}", "1024", true},
        {"\\sqrt{3}", "\\sqrt{2}", false}}},
      {"polynomials",
       {{"(x+1)^2", "x^2+2x+1", true},
        {"(a-b)(a+b)", "a^2-b^2", true},
        {"x^3-1", "(x-1)(x^2+x+1)", true},
        {"x^2+1", "x^2-1", false}}},
      {"trigonometry and logarithms",
       {{"\\sin^2 x+\\cos^2 x", "1", true},
        {"\\ln 8", "3\\ln 2", true},
        {"\\cos\\frac{\\pi}{3}", "\\frac12", true},
        {"\\ln 3", "\\ln 2", false}}},
      {"intervals, sets and tuples",
       {{"(1,2]", "\\left(1, 2\\right]", true},
        {"\\{1,2,3\\}", "\\{3,2,1\\}", true},
        {"(3,4)", "(3, 4)", true},
        {"[0,1]", "(0,1)", false}}},
  };
}

int run_verify(const Options& options, int*, char***) {
  Report report("verify", options);
  size_t wrong = 0;
  for (const Kind& kind : kinds()) {
    if (!report.wants(kind.name)) continue;
    std::vector<AnswerPair> pairs;
    while (pairs.size() < 200)
      pairs.insert(pairs.end(), kind.pairs.begin(), kind.pairs.end());
    const auto speed = verify::measure_verification(pairs, {}, options.repeats);
    wrong += speed.num_false_correct + speed.num_false_wrong;
    const std::string note = std::to_string(speed.num_false_correct) +
                             " false correct, " + std::to_string(speed.num_false_wrong) +
                             " false wrong";
    report.add({kind.name, "/s", speed.checks_per_second, 0, note});
    report.add({kind.name + ": median", "us", speed.p50_us, 0, ""});
    report.add({kind.name + ": p99", "us", speed.p99_us, 0, ""});
  }
  report.finish();
  REQUIRE(wrong == 0, kBug, wrong << " decisions of the benchmark are wrong");
  return 0;
}

const Registration verify_benchmark("verify",
                                    "mathematical answers on one thread, without a cache",
                                    run_verify);

}  // namespace
}  // namespace srpo::bench
