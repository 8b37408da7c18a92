// The calls of `srpo_bench actors` in the C++ Actor Framework 0.17: two processes over TCP on the loopback device.
// Without an argument it serves and prints its port; with a port it calls and prints "NAME VALUE UNIT".
#include <algorithm>
#include <chrono>
#include <iostream>

#include <caf/all.hpp>
#include <caf/io/all.hpp>

namespace {

using Clock = std::chrono::steady_clock;
using Payload = std::vector<char>;

struct Config : caf::actor_system_config {
  Config() {
    load<caf::io::middleman>();
    add_message_type<Payload>("payload");
  }
};

caf::behavior echo(caf::event_based_actor*) {
  return {[](int64_t value) { return value; },
          [](const Payload& payload) { return static_cast<int64_t>(payload.size()); }};
}

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void serve(caf::actor_system& system) {
  const auto port = system.middleman().publish(system.spawn(echo), 0, "127.0.0.1");
  std::cout << *port << std::endl;
  std::string line;
  std::getline(std::cin, line);  // until the caller hangs up
  std::exit(0);
}

template <class Message>
double calls_a_second(caf::scoped_actor& self, const caf::actor& server, const Message& message, int window,
                      double seconds) {
  int under_way = 0;
  double done = 0;
  const auto start = Clock::now();
  while (since(start) < seconds) {
    for (; under_way < window; ++under_way) self->send(server, message);
    self->receive([](int64_t) {});
    --under_way;
    ++done;
  }
  const double rate = done / since(start);
  for (; under_way > 0; --under_way) self->receive([](int64_t) {});
  return rate;
}

void call(caf::actor_system& system, uint16_t port) {
  const auto server = system.middleman().remote_actor("127.0.0.1", port);
  caf::scoped_actor self{system};
  std::vector<double> times;
  for (int i = 0; i < 3000; ++i) {
    const auto start = Clock::now();
    self->request(*server, caf::infinite, int64_t{7}).receive([](int64_t) {}, [](const caf::error&) { std::exit(1); });
    times.push_back(1e6 * since(start));
  }
  std::nth_element(times.begin(), times.begin() + 1500, times.end());
  std::cout << "round_trip_8 " << times[1500] << " us\n";
  std::cout << "calls_64 " << calls_a_second(self, *server, int64_t{7}, 64, 2) << " /s\n";
  const Payload payload(1 << 20);
  std::cout << "buffers_1M " << 1.048576e-3 * calls_a_second(self, *server, payload, 16, 2) << " GB/s\n";
}

}  // namespace

int main(int argc, char** argv) {
  Config config;
  caf::actor_system system{config};
  if (argc < 2) {
    serve(system);
  } else {
    call(system, static_cast<uint16_t>(std::atoi(argv[1])));
  }
}
