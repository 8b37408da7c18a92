// A parameter server: rank 1 holds the weights of a linear model, the ranks after it
// compute gradients on data of their own: mpirun -np 4 parameter_server [rounds]
#include <cstdio>
#include <random>

#include "actors/program.h"

using namespace srpo::actors;
using Vector = std::vector<double>;

class Server : public Actor {
 public:
  explicit Server(uint64_t size) : weights_(size, 0.0) {}
  Vector pull() { return weights_; }
  void push(const Vector& gradient) {
    for (size_t i = 0; i < weights_.size(); ++i) weights_[i] -= 0.1 * gradient[i];
  }
  using Methods = MethodList<&Server::pull, &Server::push>;

 private:
  Vector weights_;
};

class Worker : public Actor {
 public:
  Worker(Vector truth, uint64_t seed) : truth_(std::move(truth)), random_(seed) {}

  /// Pulls, computes, pushes, again and again; the mean squared error of the last round.
  Task<double> train(Handle<Server> server, int64_t rounds) {
    double error = 0;
    for (int64_t round = 0; round < rounds; ++round) {
      auto weights = co_await server.call<&Server::pull>();
      Vector gradient(truth_.size(), 0.0);
      error = compute(*weights, gradient);
      (co_await server.call<&Server::push>(gradient)).value();  // throws if it failed
    }
    co_return error;
  }
  using Methods = MethodList<&Worker::train>;

 private:
  double compute(const Vector& weights, Vector& gradient) {
    std::uniform_real_distribution<double> uniform(-1, 1);
    Vector x(truth_.size());
    double squared = 0;
    for (int sample = 0; sample < 32; ++sample) {
      double residual = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        x[i] = uniform(random_);
        residual += x[i] * (weights[i] - truth_[i]);
      }
      for (size_t i = 0; i < x.size(); ++i) gradient[i] += residual * x[i] / 32;
      squared += residual * residual / 32;
    }
    return squared;
  }

  Vector truth_;
  std::mt19937_64 random_;
};
Task<int> run(Runtime& runtime, std::vector<std::string> arguments) {
  REQUIRE(runtime.size() >= 3, kBadInput, "start it with mpirun -np 3 or more");
  const int64_t rounds = arguments.empty() ? 200 : std::stoll(arguments[0]);
  const Vector truth = {1.5, -2.0, 0.5, 3.0};
  const auto server = runtime.spawn<Server>("server", {1}, args(uint64_t{truth.size()}));
  std::vector<Future<double>> errors;
  for (int rank = 2; rank < runtime.size(); ++rank) {
    const auto worker =
        runtime.spawn<Worker>("worker", {rank}, args(truth, static_cast<uint64_t>(rank)));
    errors.push_back(worker[0].call<&Worker::train>(server[0], rounds));
  }
  for (auto& error : *co_await when_all(errors)) std::printf("error %.2e\n", *error);
  const auto weights = co_await server[0].call<&Server::pull>();
  std::printf("weights");
  for (const double weight : *weights) std::printf(" %.3f", weight);
  co_return std::puts("") < 0;
}

int main(int argc, char** argv) { return run_program(argc, argv, {}, run); }
