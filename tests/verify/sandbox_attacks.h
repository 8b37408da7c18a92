// Programs that try to get out, to stay, to starve others, or to be paid for nothing.
// Where the right verdict is "correct", the program prints the answer only if everything
// that it tried was refused.
#pragma once

#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "records/verdict.h"

namespace srpo::verify {

struct Attack {
  std::string name;
  std::string code;
  std::set<records::VerdictKind> right;  ///< verdicts that are right
  std::string language = "python";
};

inline std::ostream& operator<<(std::ostream& out, const Attack& attack) {
  return out << attack.name;
}

/// Against the machine: processes, memory, output, files, the network, the kernel.
std::vector<Attack> attacks_on_the_machine();
/// Against the verdict.
std::vector<Attack> attacks_on_the_verdict();
/// By what the compiler does.
std::vector<Attack> attacks_in_cpp();

}  // namespace srpo::verify
