// Random schedules of submissions, cancellations, releases and weight swaps in little
// memory: no block is leaked, no chain lost, and each chain is what it is alone.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "core/random.h"
#include "engine/generation_engine.h"
#include "scripted_decoder.h"

namespace srpo::engine {
namespace {

using records::GenerationRequest;
using records::Trajectory;
using records::TrajectoryId;

/// Depends on the whole history, so that a wrong block or a lost token shows.
int32_t scrambled(const std::vector<int32_t>& history) {
  uint64_t state = 77;
  for (const int32_t token : history) {
    state = (state ^ static_cast<uint64_t>(token)) * 0x9E3779B97F4A7C15ULL;
    state ^= state >> 29;
  }
  const uint64_t pick = state % 64;
  if (pick < 8) return 1;  // the end of a thought
  if (pick == 8) return 2;
  return pick == 9 ? 0 : 3 + static_cast<int32_t>(state % 37);
}

std::unique_ptr<Decoder> scrambled_decoder() {
  return std::make_unique<ScriptedDecoder>(scrambled);
}

/// What one schedule does, and what must come of it.
class Schedule {
 public:
  explicit Schedule(uint64_t seed)
      : rng_(seed, core::Purpose::kTest, 8),
        blocks_(static_cast<int64_t>(9 + rng_.below(40))),
        engine_(scrambled_decoder(), settings(), scripted_bytes) {}

  void run(int events) {
    for (int i = 0; i < events; ++i) {
      act();
      engine_.check_blocks();
      take();
    }
    while (engine_.step()) {
      engine_.check_blocks();
      take();
    }
    take();
    check_end();
  }

 private:
  EngineConfig settings() {
    EngineConfig made;
    made.cache_tokens = 16 * blocks_;
    made.max_sequences = static_cast<int64_t>(1 + rng_.below(12));
    made.prefill_tokens_per_step = static_cast<int64_t>(1 + rng_.below(40));
    made.order = rng_.below(4) == 0 ? Order::kSerial : Order::kParallel;
    return made;
  }

  void act() {
    const uint64_t choice = rng_.below(20);
    if (choice < 5) return submit_fresh();
    if (choice < 7) return submit_ending();
    if (choice == 7) return cancel_one();
    if (choice == 8) return release_one();
    if (choice == 9 && rng_.below(4) == 0) return engine_.swap_weights({}, ++version_);
    engine_.step();
  }

  void submit(const GenerationRequest& request) {
    asked_[request.id] = request;
    engine_.submit(request);
  }

  void submit_fresh() {
    GenerationRequest request;
    request.id.slot = static_cast<uint32_t>(rng_.below(6));
    request.id.index = number_++;
    core::Rng prompt(1, core::Purpose::kTest, request.id.slot);
    request.prompt_tokens.assign(5, 9);
    for (uint64_t i = 0; i < prompt.below(40); ++i)
      request.prompt_tokens.push_back(static_cast<int32_t>(3 + prompt.below(37)));
    request.sampling.temperature = 0;
    request.limits = {true, 6, 10, 50, 110, {}};
    request.retain = rng_.below(3) == 0;
    request.priority = static_cast<int32_t>(rng_.below(3)) - 1;
    submit(request);
  }

  void submit_ending() {
    if (finished_.empty()) return;
    auto from = finished_.begin();
    std::advance(from, rng_.below(finished_.size()));
    const Trajectory& base = from->second;
    const size_t thoughts = rng_.below(base.thought_ends.size() + 1);
    const uint32_t length = thoughts == 0 ? 0 : base.thought_ends[thoughts - 1];
    GenerationRequest request = asked_[base.id];
    request.id.kind = records::DrawKind::kSuffix;
    request.id.index = number_++;
    request.parent = base.id;
    request.retain = false;
    request.prefix_tokens.assign(base.tokens.begin(), base.tokens.begin() + length);
    request.prefix_logprobs.assign(length, 0.0F);
    request.prefix_thought_ends.assign(
        base.thought_ends.begin(),
        base.thought_ends.begin() + static_cast<int64_t>(thoughts));
    submit(request);
  }

  void cancel_one() {
    if (asked_.empty()) return;
    auto place = asked_.begin();
    std::advance(place, rng_.below(asked_.size()));
    if (!finished_.contains(place->first)) cancelled_.insert(place->first);
    engine_.cancel(place->first);
  }

  void release_one() {
    if (finished_.empty()) return;
    auto place = finished_.begin();
    std::advance(place, rng_.below(finished_.size()));
    engine_.release(place->first);
  }

  void take() {
    for (Trajectory& chain : engine_.take_finished()) {
      const TrajectoryId id = chain.id;
      EXPECT_FALSE(cancelled_.contains(id)) << id.to_string() << " was cancelled";
      EXPECT_TRUE(finished_.emplace(id, std::move(chain)).second)
          << id.to_string() << " ended twice";
    }
  }

  void check_end() {
    EXPECT_EQ(engine_.num_unfinished(), 0);
    for (const auto& [id, request] : asked_) {
      EXPECT_NE(finished_.contains(id), cancelled_.contains(id))
          << id.to_string() << " is lost";
    }
    engine_.swap_weights({}, ++version_);
    EXPECT_EQ(engine_.num_free_blocks(), blocks_) << "blocks are leaked";
    GenerationEngine calm(scrambled_decoder(), {}, scripted_bytes);
    for (const auto& [id, chain] : finished_) {
      calm.submit(asked_[id]);
      while (calm.step()) {
      }
      const Trajectory expected = calm.take_finished().at(0);
      EXPECT_EQ(chain.tokens, expected.tokens) << id.to_string();
      EXPECT_EQ(chain.thought_ends, expected.thought_ends) << id.to_string();
      EXPECT_EQ(chain.finish, expected.finish) << id.to_string();
      calm.release(id);
    }
  }

  core::Rng rng_;
  int64_t blocks_;
  GenerationEngine engine_;
  uint16_t number_ = 0;
  uint32_t version_ = 0;
  std::map<TrajectoryId, GenerationRequest> asked_;
  std::map<TrajectoryId, Trajectory> finished_;
  std::set<TrajectoryId> cancelled_;
};

/// SRPO_SCHEDULES: how many, instead of a second's worth.
TEST(RandomSchedule, LeaksNoBlockAndLosesNoChain) {
  const char* wanted = std::getenv("SRPO_SCHEDULES");
  const uint64_t schedules = wanted == nullptr ? 60 : std::strtoull(wanted, nullptr, 10);
  for (uint64_t seed = 0; seed < schedules && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("schedule " + std::to_string(seed));
    Schedule(seed).run(300);
  }
}

int64_t resident_kilobytes() {
  std::ifstream in("/proc/self/statm");
  int64_t pages = 0;
  in >> pages >> pages;
  return pages * 4;
}

/// SRPO_SOAK_SECONDS: how long, instead of one second.
TEST(Soak, MemoryStaysFlatUnderAnEndlessLoad) {
  const char* wanted = std::getenv("SRPO_SOAK_SECONDS");
  const std::chrono::duration<double> length(wanted == nullptr ? 1.0 : std::atof(wanted));
  GenerationEngine engine(scrambled_decoder(),
                          {.max_sequences = 16, .cache_tokens = 16 * 64}, scripted_bytes);
  core::Rng rng(3, core::Purpose::kTest, 9);
  const auto start = std::chrono::steady_clock::now();
  int64_t settled = 0;
  uint64_t submitted = 0;
  uint64_t finished = 0;
  while (std::chrono::steady_clock::now() - start < length) {
    while (engine.num_unfinished() < 40) {
      GenerationRequest request;
      request.id.step = static_cast<uint32_t>(submitted >> 12);
      request.id.index = static_cast<uint16_t>(submitted++ & 4095);
      request.prompt_tokens.assign(1 + rng.below(60),
                                   3 + static_cast<int32_t>(rng.below(37)));
      request.sampling = {0.8, 0.95, 0, submitted};
      request.limits = {true, 6, 10, 50, 110, {}};
      request.retain = rng.below(4) == 0;
      request.priority = static_cast<int32_t>(rng.below(2));
      engine.submit(request);
    }
    engine.step();
    finished += engine.take_finished().size();
    if (settled == 0 && std::chrono::steady_clock::now() - start > length / 4)
      settled = resident_kilobytes();
  }
  engine.check_blocks();
  EXPECT_EQ(finished + static_cast<uint64_t>(engine.num_unfinished()), submitted);
  EXPECT_GT(engine.statistics().preemptions + engine.statistics().evictions, 0U);
  EXPECT_LE(resident_kilobytes(), settled + 2048) << "after " << finished << " chains";
}

}  // namespace
}  // namespace srpo::engine
