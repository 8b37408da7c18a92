// Which worker of a role gets the next piece of work: the one where it costs least.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace srpo::scheduler {

/// Counts what each worker holds; a worker's cost is (pieces + 1) x its slowness. An
/// indexed heap over the workers that are open: picks are O(1), changes O(log workers).
/// Ties go to the lowest number. Thread-compatible.
class Placement {
 public:
  explicit Placement(uint32_t num_workers);

  /// The worker of least cost; nothing when none is open.
  std::optional<uint32_t> best() const;
  /// As best(), but another worker than `not_this` if there is one.
  std::optional<uint32_t> best_other(uint32_t not_this) const;

  void take(uint32_t worker) { change(worker, load_[worker] + 1); }
  void give_back(uint32_t worker) { change(worker, load_[worker] - 1); }
  /// Adds a worker, or brings one back, with nothing on it.
  void join(uint32_t worker);
  /// Takes it out; its load is 0 from now on.
  void lose(uint32_t worker);
  void set_slowness(uint32_t worker, double factor);

  /// Keeps a living worker out of all picks, whatever it holds; and lets it in again.
  void close(uint32_t worker);
  void open(uint32_t worker);

  bool is_alive(uint32_t worker) const {
    return worker < alive_.size() && alive_[worker] != 0;
  }
  /// Alive, and not closed.
  bool is_open(uint32_t worker) const {
    return worker < place_.size() && place_[worker] != kNowhere;
  }
  uint32_t num_alive() const { return num_alive_; }
  /// Alive or lost.
  uint32_t num_known() const { return static_cast<uint32_t>(load_.size()); }
  int64_t load(uint32_t worker) const { return load_[worker]; }
  double cost(uint32_t worker) const {
    return static_cast<double>(load_[worker] + 1) * slowness_[worker];
  }
  double slowness(uint32_t worker) const { return slowness_[worker]; }

 private:
  static constexpr uint32_t kNowhere = ~uint32_t{0};

  bool less(uint32_t a, uint32_t b) const {
    const double x = cost(a);
    const double y = cost(b);
    return x != y ? x < y : a < b;
  }
  void change(uint32_t worker, int64_t load);
  void put(uint32_t worker, size_t place);
  void restore_order(uint32_t worker);

  std::vector<int64_t> load_;
  std::vector<double> slowness_;
  std::vector<uint8_t> alive_;
  uint32_t num_alive_ = 0;
  std::vector<uint32_t> place_;  // in heap_
  std::vector<uint32_t> heap_;
};

}  // namespace srpo::scheduler
