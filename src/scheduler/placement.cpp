#include "scheduler/placement.h"

#include "core/error.h"

namespace srpo::scheduler {

Placement::Placement(uint32_t num_workers) {
  for (uint32_t worker = 0; worker < num_workers; ++worker) join(worker);
}

std::optional<uint32_t> Placement::best() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front();
}

std::optional<uint32_t> Placement::best_other(uint32_t not_this) const {
  if (heap_.size() < 2 || heap_.front() != not_this) return best();
  if (heap_.size() == 2) return heap_[1];
  return less(heap_[1], heap_[2]) ? heap_[1] : heap_[2];
}

void Placement::join(uint32_t worker) {
  if (worker >= load_.size()) {
    load_.resize(worker + 1, 0);
    slowness_.resize(worker + 1, 1);
    place_.resize(worker + 1, kNowhere);
    alive_.resize(worker + 1, 0);
  }
  if (is_alive(worker)) return;
  alive_[worker] = 1;
  ++num_alive_;
  load_[worker] = 0;
  slowness_[worker] = 1;
  open(worker);
}

void Placement::lose(uint32_t worker) {
  if (!is_alive(worker)) return;
  close(worker);
  alive_[worker] = 0;
  --num_alive_;
  load_[worker] = 0;
}

void Placement::open(uint32_t worker) {
  if (!is_alive(worker) || is_open(worker)) return;
  heap_.push_back(worker);
  place_[worker] = static_cast<uint32_t>(heap_.size() - 1);
  restore_order(worker);
}

void Placement::close(uint32_t worker) {
  if (!is_open(worker)) return;
  const uint32_t last = heap_.back();
  const uint32_t place = place_[worker];
  heap_.pop_back();
  place_[worker] = kNowhere;
  if (last == worker) return;
  put(last, place);
  restore_order(last);
}

void Placement::set_slowness(uint32_t worker, double factor) {
  ENSURE(factor > 0, "slowness " << factor);
  slowness_[worker] = factor;
  if (is_open(worker)) restore_order(worker);
}

void Placement::change(uint32_t worker, int64_t load) {
  ENSURE(is_alive(worker) && load >= 0,
         "worker " << worker << " cannot hold " << load << " pieces");
  load_[worker] = load;
  if (is_open(worker)) restore_order(worker);
}

void Placement::put(uint32_t worker, size_t place) {
  heap_[place] = worker;
  place_[worker] = static_cast<uint32_t>(place);
}

void Placement::restore_order(uint32_t worker) {
  size_t place = place_[worker];
  while (place > 0 && less(worker, heap_[(place - 1) / 2])) {
    put(heap_[(place - 1) / 2], place);
    place = (place - 1) / 2;
  }
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && less(heap_[child + 1], heap_[child])) ++child;
    if (!less(heap_[child], worker)) break;
    put(heap_[child], place);
    place = child;
  }
  put(worker, place);
}

}  // namespace srpo::scheduler
