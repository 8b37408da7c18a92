// Many runtimes in one thread whose frames are delivered in a random order, whose
// processes are killed and replaced, and a model of which objects must be alive.
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "actors/runtime.h"
#include "actors/wire/transport.h"
#include "core/log.h"
#include "core/random.h"

namespace srpo::actors {
namespace {

struct Blob {
  int64_t value = 0;
  core::Buffer bytes;
  std::vector<Ref<Blob>> parts;
  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("value", self.value);
    visit("bytes", self.bytes);
    visit("parts", self.parts);
  }
};

/// Queues between all pairs of processes; each keeps its order, nothing else does.
struct ShuffledNetwork {
  ShuffledNetwork(uint64_t seed, int size)
      : rng(seed, core::Purpose::kTest, 0), num_processes(size) {}
  core::Rng rng;
  int num_processes;
  std::map<std::pair<int, int>, std::deque<Frame>> queues;  // to, from
  core::Clock::time_point now{std::chrono::seconds(1000)};
  size_t below(size_t count) { return static_cast<size_t>(rng.below(count)); }
  bool one_in(size_t count) { return below(count) == 0; }
};

class ShuffledTransport final : public Transport {
 public:
  ShuffledTransport(ShuffledNetwork& network, int rank)
      : network_(network), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return network_.num_processes; }
  void send(int to, Frame frame) override {
    if (!is_dead) network_.queues[{to, rank_}].push_back(std::move(frame));
  }
  std::optional<std::pair<int, Frame>> receive() override {
    std::vector<int> from;
    for (auto& [key, queue] : network_.queues) {
      if (key.first == rank_ && !queue.empty()) from.push_back(key.second);
    }
    if (from.empty() || (!deliver_all && network_.one_in(3))) return std::nullopt;
    const int chosen = from[network_.below(from.size())];
    auto& queue = network_.queues[{rank_, chosen}];
    Frame frame = std::move(queue.front());
    queue.pop_front();
    return std::make_pair(chosen, std::move(frame));
  }
  size_t unfinished_sends() override { return 0; }
  core::Clock::time_point now() const override { return network_.now; }
  bool is_simulated() const override { return true; }

  bool is_dead = false;
  bool deliver_all = false;

 private:
  ShuffledNetwork& network_;
  int rank_;
};

/// Keeps, gives and forgets references.
class Keeper : public Actor {
 public:
  void keep(Ref<Blob> ref) { refs.push_back(std::move(ref)); }
  void keep_again(Ref<Blob> ref) { refs.push_back(std::move(ref)); }
  void ignore(const std::vector<Ref<Blob>>&) {}
  std::vector<Ref<Blob>> give(uint64_t which) {
    if (refs.empty()) return {};
    return {refs[which % refs.size()]};
  }
  Task<int64_t> read(Ref<Blob> ref) {
    auto blob = co_await ref.get();
    co_return (*blob)->value;
  }
  void later(Ref<Blob> ref, Reply<Ref<Blob>> reply) { waiting.emplace_back(ref, reply); }
  using Methods =
      MethodList<&Keeper::keep,
                 method<&Keeper::keep_again>(
                     {.idempotent = true, .retries = 3, .retry_after_ms = 1}),
                 &Keeper::ignore, &Keeper::give, &Keeper::read, &Keeper::later>;
  std::vector<Ref<Blob>> refs;
  std::vector<std::pair<Ref<Blob>, Reply<Ref<Blob>>>> waiting;
};

struct MembershipEvent {
  bool filled = false;
  Place place;
  int process = 0;  ///< that fills the slot
  bool will_be_filled = false;
};

struct Process {
  Process(ShuffledNetwork& network, int rank, const RuntimeConfig& config)
      : transport(network, rank), runtime(transport, config) {
    runtime.host("keeper", keeper);
  }
  bool has_slot() const { return place.slot >= 0 && !declared_dead; }

  ShuffledTransport transport;
  Keeper keeper;
  std::vector<Ref<Blob>> refs;  ///< the program's own
  Runtime runtime;
  std::deque<MembershipEvent> news;
  bool declared_dead = false;
  Place place{-1, 1};
};

/// What happens, by chance, and what must hold all the time.
class World {
 public:
  static constexpr int kSlots = 4;
  static constexpr int kSpares = 4;

  explicit World(uint64_t seed) : network_(seed, kSlots + kSpares) {
    RuntimeConfig config;
    config.num_slots = kSlots;
    config.call_timeout = std::chrono::seconds(30);
    for (int rank = 0; rank < kSlots + kSpares; ++rank) {
      processes_.push_back(std::make_unique<Process>(network_, rank, config));
      if (rank < kSlots) processes_.back()->place.slot = rank;
    }
    for (int slot = 0; slot < kSlots; ++slot) places_.push_back({slot, 1});
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      step();
      check_alive();
    }
  }
  void finish();
  uint64_t num_gets() const { return gets_; }
  uint64_t num_lost() const { return lost_; }
  uint64_t num_kills() const { return kills_; }

 private:
  void step();
  void act(Process& process);
  void send(Process& process, const Ref<Blob>& ref);
  void put(Process& process);
  void ask(Process& process);
  void read(Process& process, const Ref<Blob>& ref);
  void kill();
  void tell(const MembershipEvent& event);
  void hear(Process& process);
  void poll(Process& process) {
    network_.now += std::chrono::microseconds(50);
    process.runtime.poll();
  }
  void check_alive();
  bool is_current(const Place& place) const {
    return places_[static_cast<size_t>(place.slot)] == place;
  }
  Process* owner_of(const ObjectId& id);
  Handle<Keeper> other(Process& process) {
    return process.runtime.find<Keeper>(static_cast<int>(network_.below(kSlots)),
                                        network_.one_in(12) ? "nobody" : "keeper");
  }

  ShuffledNetwork network_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<Place> places_;  // who fills the slots, or will
  std::map<ObjectId, std::vector<ObjectId>> contents_;
  int64_t next_value_ = 1;
  std::map<ObjectId, int64_t> values_;
  int next_spare_ = kSlots;
  uint64_t gets_ = 0;
  uint64_t lost_ = 0;
  uint64_t kills_ = 0;
};

Process* World::owner_of(const ObjectId& id) {
  if (!is_current(id.owner)) return nullptr;
  for (const auto& process : processes_) {
    if (process && process->has_slot() && process->place == id.owner)
      return process.get();
  }
  return nullptr;
}

/// Everything that a Ref of a living process leads to is kept by its living owner.
void World::check_alive() {
  std::set<ObjectId> seen;
  std::vector<ObjectId> front;
  for (const auto& process : processes_) {
    if (!process || !process->has_slot()) continue;
    for (const auto& ref : process->refs) front.push_back(ref.id());
    for (const auto& ref : process->keeper.refs) front.push_back(ref.id());
    for (const auto& [ref, reply] : process->keeper.waiting) front.push_back(ref.id());
  }
  while (!front.empty()) {
    const ObjectId id = front.back();
    front.pop_back();
    if (!seen.insert(id).second) continue;
    Process* owner = owner_of(id);
    if (owner == nullptr) continue;
    ASSERT_TRUE(owner->runtime.objects().keeps(id))
        << "object " << id.number << " of slot " << id.owner.slot
        << " was freed while somebody holds it";
    for (const ObjectId& part : contents_[id]) front.push_back(part);
  }
}

void World::put(Process& process) {
  Blob blob;
  blob.value = next_value_++;
  blob.bytes =
      core::Buffer::of(std::vector<int64_t>(network_.one_in(2) ? 1000 : 1, blob.value));
  while (!process.refs.empty() && network_.one_in(3))
    blob.parts.push_back(process.refs[network_.below(process.refs.size())]);
  const int64_t value = blob.value;
  std::vector<ObjectId> parts;
  for (const auto& part : blob.parts) parts.push_back(part.id());
  process.refs.push_back(process.runtime.put(std::move(blob)));
  contents_[process.refs.back().id()] = parts;
  values_[process.refs.back().id()] = value;
}

void World::send(Process& process, const Ref<Blob>& ref) {
  const Handle<Keeper> to = other(process);
  switch (network_.below(6)) {
    case 0:
      to.tell<&Keeper::keep>(ref);
      break;
    case 1:
      to.call<&Keeper::keep_again>(ref);
      break;
    case 2:
      to.call<&Keeper::ignore>(std::vector<Ref<Blob>>{ref, ref});
      break;
    case 3:
      to.call_within<&Keeper::keep>(std::chrono::nanoseconds(1), ref);  // expires
      break;
    case 4:
      to.call<&Keeper::read>(ref);
      break;
    default:
      to.call_within<&Keeper::later>(std::chrono::milliseconds(20), ref)
          .then([&process](CallResult<Ref<Blob>>& got) {
            if (got.has_value()) process.refs.push_back(got.value());
          });
  }
}

void World::ask(Process& process) {
  const auto timeout = network_.one_in(3) ? std::chrono::nanoseconds(1)
                                          : std::chrono::nanoseconds(1000000000);
  other(process)
      .call_within<&Keeper::give>(timeout, uint64_t{network_.below(100)})
      .then([&process](CallResult<std::vector<Ref<Blob>>>& got) {
        if (!got.has_value()) return;
        for (auto& ref : got.value()) process.refs.push_back(ref);
      });
}

void World::read(Process& process, const Ref<Blob>& ref) {
  const ObjectId id = ref.id();
  ref.get().then([this, id, &process](CallResult<std::shared_ptr<const Blob>>& got) {
    ++gets_;
    if (got.has_value()) {
      EXPECT_EQ(got.value()->value, values_.at(id));
      EXPECT_EQ(got.value()->bytes.as<int64_t>().back(), values_.at(id));
      for (const auto& part : got.value()->parts) process.refs.push_back(part);
      return;
    }
    ++lost_;
    EXPECT_EQ(got.error().kind, CallError::Kind::kObjectLost) << got.error().message;
    EXPECT_FALSE(is_current(id.owner)) << got.error().message;
  });
}

void World::act(Process& process) {
  auto& refs = process.refs;
  auto& kept = process.keeper.refs;
  const auto drop = [&](std::vector<Ref<Blob>>& from) {
    if (from.empty()) return;
    std::swap(from[network_.below(from.size())], from.back());
    from.pop_back();
  };
  switch (network_.below(9)) {
    case 0:
      put(process);
      break;
    case 1:
    case 2:
      if (!refs.empty()) send(process, refs[network_.below(refs.size())]);
      break;
    case 3:
    case 4:
      drop(refs);
      break;
    case 5:
      drop(kept);
      break;
    case 6:
      ask(process);
      break;
    case 7:
      if (!refs.empty()) read(process, refs[network_.below(refs.size())]);
      break;
    default:
      if (process.keeper.waiting.empty()) break;
      auto [ref, reply] = process.keeper.waiting.front();
      process.keeper.waiting.erase(process.keeper.waiting.begin());
      if (network_.one_in(2)) reply(ref);
  }
}

void World::tell(const MembershipEvent& event) {
  for (const auto& process : processes_) {
    if (process && !process->declared_dead) process->news.push_back(event);
  }
}

void World::kill() {
  const auto slot = static_cast<int>(network_.below(kSlots));
  const Place lost = places_[static_cast<size_t>(slot)];
  if (lost.incarnation == 0) return;  // gone
  Process* victim = nullptr;
  for (const auto& process : processes_) {
    if (process && process->has_slot() && process->place == lost) victim = process.get();
  }
  if (victim == nullptr) return;  // it does not know its slot yet
  ++kills_;
  victim->declared_dead = true;
  const bool refill = next_spare_ < kSlots + kSpares;
  tell({false, lost, 0, refill});
  if (refill) {
    places_[static_cast<size_t>(slot)].incarnation = lost.incarnation + 1;
    // The replacement takes its slot before the others hear of it.
    const int spare = next_spare_++;
    processes_[static_cast<size_t>(spare)]->news.push_back(
        {true, {slot, lost.incarnation + 1}, spare, false});
  } else {
    places_[static_cast<size_t>(slot)] = {slot, 0};
  }
  if (network_.one_in(3)) return;  // it goes on as a zombie
  const auto index = static_cast<size_t>(victim->transport.rank());
  victim->transport.is_dead = true;
  processes_[index].reset();
}

void World::hear(Process& process) {
  if (process.news.empty()) return;
  const MembershipEvent event = process.news.front();
  process.news.pop_front();
  Runtime& runtime = process.runtime;
  if (!event.filled) {
    runtime.slot_lost(event.place.slot, "killed", event.will_be_filled);
    return;
  }
  if (event.process == process.transport.rank()) {
    runtime.take_slot(event.place.slot, event.place.incarnation);
    process.place = event.place;
    for (const auto& other : processes_) {
      if (other && !other->declared_dead && other.get() != &process)
        other->news.push_back(event);
    }
  }
  runtime.slot_filled(event.place.slot, event.process, event.place.incarnation);
}

void World::step() {
  const auto index = network_.below(processes_.size());
  Process* process = processes_[index].get();
  if (process == nullptr) return;
  if (network_.one_in(150)) {
    kill();
    return;
  }
  if (!process->declared_dead && network_.one_in(4)) hear(*process);
  if (process->place.slot >= 0 && network_.one_in(2)) {
    act(*process);
  } else {
    poll(*process);
  }
}

/// Everybody hears everything and drops everything: nothing is left.
void World::finish() {
  const auto poll_all = [&](int rounds) {
    for (int i = 0; i < rounds; ++i) {
      network_.now += std::chrono::milliseconds(50);
      for (const auto& process : processes_) {
        if (!process || process->declared_dead) continue;
        process->transport.deliver_all = true;
        while (!process->news.empty()) hear(*process);
        poll(*process);
      }
      check_alive();
    }
  };
  poll_all(50);
  for (int i = 0; i < 3; ++i) {
    for (const auto& process : processes_) {
      if (!process || process->declared_dead) continue;
      process->refs.clear();
      process->keeper.refs.clear();
      process->keeper.waiting.clear();
    }
    poll_all(1000);  // longer than any deadline
  }
  for (const auto& process : processes_) {
    if (!process || !process->has_slot()) continue;
    const ObjectCounts counts = process->runtime.objects().counts();
    EXPECT_EQ(process->runtime.calls().size(), 0u);
    EXPECT_EQ(counts.owned, 0u) << "slot " << process->place.slot;
    EXPECT_EQ(counts.owned_bytes, 0u);
    EXPECT_EQ(counts.held, 0u);
    EXPECT_EQ(counts.cached_bytes, 0u);
    EXPECT_EQ(counts.unsettled, 0u);
    EXPECT_EQ(counts.strays, 0u);
    EXPECT_EQ(counts.put, counts.freed);
  }
}

TEST(ObjectWorld, FreesWhatNobodyHoldsAndNothingElse) {
  core::start_log("", core::LogLevel::error);
  const char* more = std::getenv("SRPO_OBJECT_SEEDS");
  const uint64_t seeds = more == nullptr ? 150 : std::stoull(more);
  uint64_t gets = 0;
  uint64_t lost = 0;
  uint64_t kills = 0;
  for (uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    world.run(1500);
    world.finish();
    gets += world.num_gets();
    lost += world.num_lost();
    kills += world.num_kills();
  }
  EXPECT_GT(gets, seeds * 10);
  EXPECT_GT(lost, seeds / 10);
  EXPECT_GT(kills, seeds);
}

}  // namespace
}  // namespace srpo::actors
