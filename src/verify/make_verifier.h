// Which verifier judges which kind of problem.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "verify/verifier.h"

namespace srpo::verify {

/// The verifier of problems of this kind. Throws kBadInput for an unknown kind, listing
/// the known ones.
std::unique_ptr<Verifier> make_verifier(const std::string& kind);

/// In the order of the table.
std::vector<std::string> verifier_kinds();

}  // namespace srpo::verify
