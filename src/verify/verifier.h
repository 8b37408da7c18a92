// A verifier: judges a response to a problem.
#pragma once

#include <string>

#include "records/problem.h"
#include "records/verdict.h"

namespace srpo::verify {

/// Immutable after construction. Thread-safe.
class Verifier {
 public:
  virtual ~Verifier() = default;

  /// `response` is the whole decoded response, special tokens visible. It is hostile: any
  /// bytes of any length give a verdict, never an exception.
  virtual records::Verdict verify(const records::Problem& problem,
                                  const std::string& response) const = 0;
};

}  // namespace srpo::verify
