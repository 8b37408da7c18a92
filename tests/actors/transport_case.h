// The same small program on every transport: threads, the simulator, and MPI in the
// program that runs under mpirun.
#pragma once

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "actors/runtime.h"

namespace srpo::actors::testing_support {

/// TransportCase is instantiated once for each way of this program.
class TransportCase : public testing::TestWithParam<std::string> {
 protected:
  using Host = std::function<void(Runtime&)>;
  using Main = std::function<Task<>(Runtime&)>;

  /// Every rank hosts its actors with `host`, then rank 0 runs `main` to its end; what it
  /// throws fails the test. Ranks share no memory: look at them by calls. The simulator
  /// runs it once for each of a few seeds.
  void run(int ranks, const Host& host, const Main& main, RuntimeConfig config = {});
};

/// Threads and simulator, or MPI.
std::vector<std::string> ways();

}  // namespace srpo::actors::testing_support

/// TEST_P(Fixture, Name) on every transport.
#define ON_EVERY_TRANSPORT(Fixture)                                            \
  INSTANTIATE_TEST_SUITE_P(                                                    \
      Over, Fixture, testing::ValuesIn(srpo::actors::testing_support::ways()), \
      [](const testing::TestParamInfo<std::string>& way) { return way.param; })
