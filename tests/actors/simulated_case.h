// A world whose processes host what a function says.
#pragma once

#include <functional>
#include <memory>

#include "actors/simulation/simulated_world.h"
#include "actors/supervision/membership.h"

namespace srpo::actors::testing_support {

/// A runtime, what it hosts, and a membership if it is asked for.
class HostedProgram final : public SimulatedProgram {
 public:
  using Host = std::function<void(Runtime&)>;
  HostedProgram(SimulatedTransport& transport, const RuntimeConfig& config,
                const Host& host)
      : runtime_(transport, config) {
    if (host) host(runtime_);
  }
  HostedProgram(SimulatedTransport& transport, SimulatedControl& control,
                const RuntimeConfig& config, const Host& host)
      : HostedProgram(transport, config, host) {
    membership_ = std::make_unique<Membership>(runtime_, control);
  }
  Runtime& runtime() override { return runtime_; }
  Membership& membership() { return *membership_; }

 private:
  Runtime runtime_;
  std::unique_ptr<Membership> membership_;
};

inline MakeProgram hosting(HostedProgram::Host host, RuntimeConfig config = {}) {
  return [=](SimulatedTransport& transport, SimulatedControl&) {
    return std::make_unique<HostedProgram>(transport, config, host);
  };
}

/// Every process with a membership, so that spares are promoted.
inline MakeProgram supervised(HostedProgram::Host host, RuntimeConfig config = {}) {
  return [=](SimulatedTransport& transport, SimulatedControl& control) {
    return std::make_unique<HostedProgram>(transport, control, config, host);
  };
}

}  // namespace srpo::actors::testing_support
