#include "actors/objects/object_store.h"

#include <thread>

#include <gtest/gtest.h>

#include "actors/runtime.h"
#include "actors/wire/local_transport.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;

struct Table {
  std::string name;
  core::Buffer rows;
  std::vector<double> weights;
  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("rows", self.rows);
    visit("weights", self.weights);
  }
};

class Reader : public Actor {
 public:
  Task<double> sum(Ref<Table> table) {
    auto value = co_await table.get();
    double sum = 0;
    for (const double each : (*value)->rows.as<double>()) sum += each;
    co_return sum;
  }
  double sum_on_pool(Ref<Table> table) { return static_cast<double>(table.bytes()); }
  void keep(Ref<Table> table) { kept = std::move(table); }
  Ref<Table> kept_one() { return kept; }
  void drop() { kept = {}; }
  using Methods = MethodList<method<&Reader::sum>({.concurrency = 8}),
                             method<&Reader::sum_on_pool>({.on_pool = true}),
                             &Reader::keep, &Reader::kept_one, &Reader::drop>;
  Ref<Table> kept;
};

Table make_table(size_t rows) {
  return {"table", core::Buffer::of(std::vector<double>(rows, 0.5)), {1, 2, 3}};
}

/// Three ranks in one thread.
class ObjectStoreTest : public testing::Test {
 protected:
  ObjectStoreTest() {
    for (auto* reader : {&readers_[0], &readers_[1], &readers_[2]}) {
      auto& rank = ranks_.emplace_back(
          std::make_unique<Rank>(network_, static_cast<int>(ranks_.size())));
      rank->runtime.host("reader", *reader);
    }
  }
  struct Rank {
    Rank(LocalNetwork& network, int rank)
        : transport(network, rank), runtime(transport, {.object_bytes = 1 << 20}) {}
    LocalTransport transport;
    Runtime runtime;
  };
  Runtime& rank(size_t i) { return ranks_[i]->runtime; }
  ObjectCounts counts(size_t i) { return rank(i).objects().counts(); }
  void poll(int rounds = 30) {
    for (int i = 0; i < rounds; ++i) {
      for (const auto& each : ranks_) {
        if (each) each->runtime.poll();
      }
    }
  }
  template <class R>
  CallResult<R>& result(const Future<R>& future) {
    for (int i = 0; i < 1000 && !future.is_ready(); ++i) {
      poll(1);
      if (i > 20) std::this_thread::sleep_for(1ms);
    }
    EXPECT_TRUE(future.is_ready());
    return future.result();
  }
  Handle<Reader> reader(size_t from, int to) {
    return rank(from).find<Reader>(to, "reader");
  }

  LocalNetwork network_{3};
  Reader readers_[3];
  std::vector<std::unique_ptr<Rank>> ranks_;
};

TEST_F(ObjectStoreTest, GivesItsOwnerTheValueAtOnceAndUncopied) {
  const auto value = std::make_shared<const Table>(make_table(10));
  const Ref<Table> ref = rank(0).put(value);
  const auto future = ref.get();
  ASSERT_TRUE(future.is_ready());
  EXPECT_EQ(future.result().value(), value);
}

TEST_F(ObjectStoreTest, FetchesOnceARankWithoutCopyingBuffers) {
  const auto value = std::make_shared<const Table>(make_table(1000));
  const Ref<Table> ref = rank(0).put(value);
  result(reader(0, 1).call<&Reader::keep>(ref));
  std::vector<Future<std::shared_ptr<const Table>>> gets;
  for (int i = 0; i < 5; ++i) gets.push_back(readers_[1].kept.get());
  auto first = result(gets[0]).value();
  for (auto& get : gets) EXPECT_EQ(result(get).value(), first);
  EXPECT_EQ(first->rows.data(), value->rows.data());  // one process: the very memory
  EXPECT_EQ(first->name, "table");
  EXPECT_EQ(first->weights, value->weights);
  EXPECT_EQ(result(reader(0, 1).call<&Reader::sum>(ref)).value(), 500);
  EXPECT_EQ(counts(1).fetches, 1u);
  EXPECT_EQ(counts(0).served, 1u);
  EXPECT_EQ(counts(1).cached_bytes, ref.bytes());
}

TEST_F(ObjectStoreTest, DropsTheCopyWithTheRanksLastRefAndTheObjectWithTheLastOfAll) {
  Ref<Table> ref = rank(0).put(make_table(1000));
  const ObjectId id = ref.id();
  result(reader(0, 1).call<&Reader::keep>(ref));
  result(reader(0, 2).call<&Reader::keep>(ref));
  result(readers_[1].kept.get());
  ref = {};
  poll();
  EXPECT_TRUE(rank(0).objects().keeps(id));
  readers_[1].kept = {};
  EXPECT_EQ(counts(1).held, 0u);
  EXPECT_EQ(counts(1).cached_bytes, 0u);
  poll();
  EXPECT_TRUE(rank(0).objects().keeps(id));
  EXPECT_EQ(result(readers_[2].kept.get()).value()->name, "table");
  readers_[2].kept = {};
  poll();
  EXPECT_FALSE(rank(0).objects().keeps(id));
  EXPECT_EQ(counts(0).owned_bytes, 0u);
}

TEST_F(ObjectStoreTest, PassesReferencesOnBetweenOthersAndInResults) {
  readers_[0].kept = rank(0).put(make_table(600));
  const ObjectId id = readers_[0].kept.id();
  Ref<Table> at_two = result(reader(2, 0).call<&Reader::kept_one>()).value();
  EXPECT_EQ(at_two.id(), id);
  readers_[0].kept = {};
  result(reader(2, 1).call<&Reader::keep>(at_two));
  at_two = {};
  poll();
  EXPECT_TRUE(rank(0).objects().keeps(id));
  EXPECT_EQ(result(readers_[1].kept.get()).value()->rows.size(), 4800u);
  Ref<Table> home = result(reader(0, 1).call<&Reader::kept_one>()).value();
  result(reader(0, 1).call<&Reader::drop>());
  poll();
  EXPECT_TRUE(home.get().is_ready());
  home = {};
  poll();
  EXPECT_FALSE(rank(0).objects().keeps(id));
}

TEST_F(ObjectStoreTest, CountsWhatCallsCarryThatNeverRan) {
  Ref<Table> ref = rank(0).put(make_table(10));
  const ObjectId id = ref.id();
  auto refused = rank(0).find<Reader>(1, "nobody").call<&Reader::keep>(ref);
  auto expired = reader(0, 1).call_within<&Reader::keep>(-1ns, ref);
  auto unknown_rank = rank(0).find<Reader>(9, "reader").call<&Reader::keep>(ref);
  ref = {};
  EXPECT_EQ(result(refused).error().kind, CallError::Kind::kNotSent);
  EXPECT_EQ(result(expired).error().kind, CallError::Kind::kTimeout);
  EXPECT_FALSE(result(unknown_rank).has_value());
  readers_[1].kept = {};  // time is counted from the arrival: it may have run
  poll();
  EXPECT_FALSE(rank(0).objects().keeps(id));
}

TEST_F(ObjectStoreTest, MayBeDroppedOnAThreadOfThePool) {
  Ref<Table> ref = rank(0).put(make_table(10));
  const ObjectId id = ref.id();
  EXPECT_EQ(result(reader(0, 1).call<&Reader::sum_on_pool>(ref)).value(), ref.bytes());
  ref = {};
  for (int i = 0; i < 1000 && rank(0).objects().keeps(id); ++i) {
    poll();
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_FALSE(rank(0).objects().keeps(id));
}

TEST_F(ObjectStoreTest, FailsPendingAndLaterGetsWhenTheOwnerIsLost) {
  readers_[0].kept = rank(0).put(make_table(1000));
  result(reader(0, 1).call<&Reader::keep>(readers_[0].kept));
  result(reader(0, 2).call<&Reader::keep>(readers_[0].kept));
  EXPECT_EQ(result(readers_[2].kept.get()).value()->name, "table");
  const auto pending = readers_[1].kept.get();
  readers_[0].kept = {};
  ranks_[0].reset();
  rank(1).slot_lost(0, "killed", true);
  rank(2).slot_lost(0, "killed", false);
  EXPECT_EQ(result(pending).error().kind, CallError::Kind::kObjectLost);
  EXPECT_EQ(result(readers_[1].kept.get()).error().kind, CallError::Kind::kObjectLost);
  // A copy that is there goes on being there.
  EXPECT_EQ(result(readers_[2].kept.get()).value()->name, "table");
}

TEST_F(ObjectStoreTest, RefusesWhatHasNoRoomBeforeItTakesMemory) {
  const Ref<Table> first = rank(0).put(make_table(100000));
  try {
    rank(0).put(make_table(100000));
    FAIL();
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kNoSpace);
    const std::string said = error.what();
    EXPECT_NE(said.find("800"), std::string::npos) << said;
    EXPECT_NE(said.find("1048576"), std::string::npos) << said;
  }
  const Ref<Table> mine = rank(1).put(make_table(100000));
  result(reader(0, 1).call<&Reader::keep>(first));
  const auto fetched = result(readers_[1].kept.get());  // a copy: the future goes
  EXPECT_EQ(fetched.error().kind, CallError::Kind::kOverloaded);
  EXPECT_EQ(fetched.error().cause, core::ErrorKind::kNoSpace);
  EXPECT_EQ(counts(1).fetches, 0u);
  EXPECT_EQ(counts(1).refused, 1u);
}

TEST_F(ObjectStoreTest, TravelsInMessagesOnly) {
  const Ref<Table> ref = rank(0).put(make_table(10));
  EXPECT_THROW(core::to_bytes(ref), core::Error);
  EXPECT_FALSE(result(Ref<Table>().get()).has_value());
}

TEST_F(ObjectStoreTest, EndsWithItsRuntime) {
  Ref<Table> ref = rank(0).put(make_table(10));
  ranks_[0].reset();
  EXPECT_EQ(ref.get().result().error().kind, CallError::Kind::kObjectLost);
}

TEST_F(ObjectStoreTest, KeepsToTheDeadlineOfTheCaller) {
  result(reader(0, 1).call<&Reader::keep>(rank(0).put(make_table(1000))));
  auto sum = [](Ref<Table> table) -> Task<std::string> {
    auto got = co_await table.get();
    co_return got.has_value() ? "value" : to_string(got.error().kind);
  };
  // Rank 0 does not answer.
  CallContext context;
  context.deadline = rank(1).now() + 5ms;
  const ContextScope scope(&context);
  const auto got = readers_[1].kept.get();
  for (int i = 0; i < 2000 && !got.is_ready(); ++i) {
    rank(1).poll();
    std::this_thread::sleep_for(1ms);
  }
  ASSERT_TRUE(got.is_ready());
  EXPECT_EQ(got.result().error().kind, CallError::Kind::kTimeout);
}

TEST(Size, CountsWhatTheWriterWrites) {
  std::vector<core::Buffer> attached;
  core::ByteWriter writer(attached);
  const auto value = std::make_tuple(make_table(1000), std::optional<int>(3),
                                     std::vector<std::string>{"a", "bc"});
  writer.write(value);
  SizeCounter size;
  size.add(value);
  EXPECT_EQ(size.attached(), 8000u);
  EXPECT_EQ(size.total(), writer.take().size() + 8000);
}

}  // namespace
}  // namespace srpo::actors
