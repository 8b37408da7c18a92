// Objects in a simulated world: delays, late frames, slow processes, kills with
// replacements, and nothing that is freed early or left.
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "actors/runtime.h"
#include "actors/simulation/simulated_world.h"
#include "core/log.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;

struct Item {
  int64_t value = 0;
  core::Buffer bytes;
  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("value", self.value);
    visit("bytes", self.bytes);
  }
};

class Shelf : public Actor {
 public:
  void keep(Ref<Item> item) { items.push_back(std::move(item)); }
  std::vector<Ref<Item>> give() {
    return items.empty() ? items : std::vector<Ref<Item>>{items.back()};
  }
  Task<int64_t> read(Ref<Item> item) {
    auto value = co_await item.get();
    co_return (*value)->value;
  }
  using Methods =
      MethodList<&Shelf::keep, &Shelf::give, method<&Shelf::read>({.concurrency = 16})>;
  std::vector<Ref<Item>> items;
};

class Program final : public SimulatedProgram {
 public:
  explicit Program(SimulatedTransport& transport) : runtime_(transport, config()) {
    runtime_.host("shelf", shelf);
  }
  Runtime& runtime() override { return runtime_; }
  static RuntimeConfig config() {
    RuntimeConfig config;
    config.call_timeout = 5s;
    return config;
  }
  Shelf shelf;

 private:
  Runtime runtime_;
};

/// Four processes that put, pass, read and drop at random.
class Case {
 public:
  static constexpr int kProcesses = 4;

  explicit Case(uint64_t seed)
      : rng_(seed, core::Purpose::kTest, 1),
        incarnations_(kProcesses, 1),
        world_(seed, kProcesses, options(),
               [this](SimulatedTransport& transport, SimulatedControl&) {
                 auto program = std::make_unique<Program>(transport);
                 programs_[static_cast<size_t>(transport.rank())] = program.get();
                 return program;
               }) {
    world_.start_all();
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      act(static_cast<int>(rng_.below(kProcesses)));
      world_.run_for(std::chrono::microseconds(rng_.below(60)));
      check();
      if (rng_.below(200) == 0) replace(static_cast<int>(rng_.below(kProcesses)));
      if (rng_.below(200) == 0)
        world_.stop(static_cast<int>(rng_.below(kProcesses)), 2ms);
    }
  }
  void finish() {
    for (int i = 0; i < 3; ++i) {  // an answer may come with a reference
      world_.run_for(20s);
      for (Program* program : programs_) program->shelf.items.clear();
    }
    world_.run_for(1s);
    for (int i = 0; i < kProcesses; ++i) {
      const ObjectCounts counts = world_.runtime(i).objects().counts();
      EXPECT_EQ(counts.owned, 0u) << "process " << i;
      EXPECT_EQ(counts.held, 0u) << "process " << i;
      EXPECT_EQ(counts.unsettled, 0u) << "process " << i;
      EXPECT_EQ(counts.strays, 0u) << "process " << i;
    }
  }
  uint64_t reads() const { return reads_; }

 private:
  static SimulationOptions options() {
    SimulationOptions options;
    options.reorder = 0.05;
    options.reorder_delay = 1ms;
    return options;
  }
  Shelf& shelf(int process) { return programs_[static_cast<size_t>(process)]->shelf; }

  void act(int process) {
    Runtime& runtime = world_.runtime(process);
    auto& items = shelf(process).items;
    const int other = static_cast<int>(rng_.below(kProcesses));
    const auto to = runtime.find<Shelf>(other, "shelf");
    const uint64_t what = rng_.below(6);
    if (what == 0 || items.empty()) {
      const auto value = static_cast<int64_t>(rng_.below(1000));
      items.push_back(runtime.put(
          Item{value, core::Buffer::of(std::vector<int64_t>(1 + 999 * rng_.below(2)))}));
    } else if (what == 1) {
      to.call<&Shelf::keep>(items[rng_.below(items.size())]);
    } else if (what == 2) {
      to.call<&Shelf::read>(items[rng_.below(items.size())]).then([this](auto&) {
        ++reads_;
      });
    } else if (what == 3) {
      to.call<&Shelf::give>().then([this, process](auto& given) {
        if (!given.has_value()) return;
        for (auto& item : given.value()) shelf(process).items.push_back(item);
      });
    } else {
      items.erase(items.begin() + static_cast<std::ptrdiff_t>(rng_.below(items.size())));
    }
  }

  /// Kills a process; the others hear of it one after the other, and then of the new one.
  void replace(int process) {
    world_.kill(process);
    for (int other = 0; other < kProcesses; ++other) {
      if (other == process) continue;
      world_.runtime(other).slot_lost(process, "killed", true);
      world_.run_for(std::chrono::microseconds(rng_.below(300)));
    }
    world_.run_for(3ms);  // whatever it had sent has come
    const uint32_t incarnation = ++incarnations_[static_cast<size_t>(process)];
    world_.start(process);
    for (int slot = 0; slot < kProcesses; ++slot) {
      if (slot != process)
        world_.runtime(process).slot_filled(slot, slot,
                                            incarnations_[static_cast<size_t>(slot)]);
    }
    world_.runtime(process).take_slot(process, incarnation);
    world_.runtime(process).slot_filled(process, process, incarnation);
    for (int other = 0; other < kProcesses; ++other) {
      if (other != process)
        world_.runtime(other).slot_filled(process, process, incarnation);
    }
  }

  void check() {
    for (int process = 0; process < kProcesses; ++process) {
      for (const Ref<Item>& item : shelf(process).items) {
        const Place owner = item.id().owner;
        if (incarnations_[static_cast<size_t>(owner.slot)] != owner.incarnation) continue;
        ASSERT_TRUE(world_.runtime(owner.slot).objects().keeps(item.id()))
            << "object " << item.id().number << " of " << owner.slot << " is gone";
      }
    }
  }

  core::Rng rng_;
  std::vector<uint32_t> incarnations_;
  std::array<Program*, kProcesses> programs_{};
  SimulatedWorld world_;
  uint64_t reads_ = 0;
};

TEST(ObjectSimulation, FreesWhatNobodyHoldsAndNothingElse) {
  core::start_log("", core::LogLevel::error);
  const char* more = std::getenv("SRPO_OBJECT_SEEDS");
  const uint64_t seeds = more == nullptr ? 50 : std::stoull(more);
  uint64_t reads = 0;
  for (uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Case run(seed);
    run.run(1000);
    run.finish();
    reads += run.reads();
  }
  EXPECT_GT(reads, seeds * 10);
}

}  // namespace
}  // namespace srpo::actors
