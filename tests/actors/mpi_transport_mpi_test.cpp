// What the transport must do with frames of every size, between every pair of processes.
#include <map>
#include <numeric>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/wire/mpi_transport.h"
#include "comm/mpi_session.h"
#include "comm/spawned_processes.h"
#include "mpi_world.h"

namespace srpo::actors {
namespace {

using std::chrono::seconds;

/// Bytes that tell frame and place.
core::Buffer pattern(size_t size, uint32_t seed) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<uint8_t>(seed * 31 + i * 7 + (i >> 8));
  return core::Buffer::of(std::move(bytes));
}

Frame make_frame(uint64_t sequence, const std::vector<size_t>& sizes,
                 size_t inline_bytes) {
  std::vector<core::Buffer> buffers;
  core::ByteWriter writer = begin_frame(buffers);
  for (size_t i = 0; i < sizes.size(); ++i)
    buffers.push_back(pattern(sizes[i], static_cast<uint32_t>(sequence + i)));
  const std::vector<uint8_t> inline_data(inline_bytes, static_cast<uint8_t>(sequence));
  writer.raw(inline_data.data(), inline_data.size());
  FrameHeader header;
  header.sequence = sequence;
  return seal(header, writer.take(), std::move(buffers));
}

void expect_frame(const Frame& frame, int from, uint64_t sequence,
                  const std::vector<size_t>& sizes, size_t inline_bytes) {
  const OpenFrame opened = open(frame, from);
  EXPECT_EQ(opened.header.sequence, sequence);
  EXPECT_EQ(opened.arguments.size(), inline_bytes);
  EXPECT_TRUE(opened.arguments_are_whole);
  ASSERT_EQ(frame.buffers.size(), sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    const core::Buffer expected = pattern(sizes[i], static_cast<uint32_t>(sequence + i));
    ASSERT_EQ(frame.buffers[i].size(), sizes[i]);
    EXPECT_EQ(std::memcmp(frame.buffers[i].data(), expected.data(), sizes[i]), 0);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(frame.buffers[i].data()) % 16, 0u);
  }
}

/// Frames until `count` have come, by sender and sequence.
std::map<std::pair<int, uint64_t>, Frame> receive_all(MpiTransport& transport,
                                                      size_t count) {
  std::map<std::pair<int, uint64_t>, Frame> frames;
  const auto deadline = core::Deadline::in(seconds(60));
  while (frames.size() < count || transport.unfinished_sends() > 0) {
    if (auto arrived = transport.receive()) {
      const uint64_t sequence = open(arrived->second, arrived->first).header.sequence;
      frames.insert({{arrived->first, sequence}, std::move(arrived->second)});
    } else {
      std::this_thread::yield();
    }
    if (deadline.has_passed()) {
      ADD_FAILURE() << frames.size() << " of " << count << " frames in a minute, "
                    << transport.unfinished_sends() << " not sent";
      break;
    }
  }
  return frames;
}

struct Shape {
  std::vector<size_t> buffers;
  size_t inline_bytes;
};

/// Every process sends every shape to every process, all at once.
void exchange_all(const MpiTransportConfig& config, const std::vector<Shape>& shapes) {
  MpiTransport transport(*world, config);
  const int size = transport.size();
  for (size_t i = 0; i < shapes.size(); ++i) {
    for (int to = 0; to < size; ++to)
      transport.send(to, make_frame(i + 1, shapes[i].buffers, shapes[i].inline_bytes));
  }
  const auto frames = receive_all(transport, shapes.size() * static_cast<size_t>(size));
  for (const auto& [key, frame] : frames) {
    const Shape& shape = shapes.at(key.second - 1);
    expect_frame(frame, key.first, key.second, shape.buffers, shape.inline_bytes);
  }
  EXPECT_EQ(frames.size(), shapes.size() * static_cast<size_t>(size));
  EXPECT_EQ(transport.counts().refused, 0u);
  EXPECT_EQ(transport.quarantined_bytes(), 0u);
  meet(transport);
}

TEST(MpiTransport, CarriesFramesOfEverySizeBothWaysAtOnce) {
  exchange_all({}, {{{}, 0},
                    {{}, 8},
                    {{}, 5000},
                    {{}, 3'000'000},
                    {{4096}, 16},
                    {{70'000, 0, 4097}, 100},
                    {{5'000'000}, 0},
                    {{1 << 20, 1 << 20, 9000, 1 << 18}, 200'000}});
}

TEST(MpiTransport, CarriesManyBuffersInOneFrame) {
  exchange_all({}, {{std::vector<size_t>(1000, 4096), 10}, {{}, 1}, {{20'000}, 0}});
}

TEST(MpiTransport, CutsBuffersIntoPieces) {
  MpiTransportConfig config;
  config.piece_bytes = 1000;
  exchange_all(config, {{{999, 1000, 1001, 123'456}, 3}, {{5000, 4000}, 0}});
}

TEST(MpiTransport, LetsBuffersWaitAtTheSenderWhenMuchIsArriving) {
  MpiTransportConfig config;
  config.max_arriving_bytes = 300'000;
  exchange_all(config, std::vector<Shape>(12, Shape{{200'000, 100'000}, 0}));
}

TEST(MpiTransport, LetsASmallFrameOvertakeALargeOne) {
  MpiTransport transport(*world);
  if (transport.size() < 2) GTEST_SKIP() << "needs two ranks";
  if (transport.rank() == 0) {
    transport.send(1, make_frame(1, {64 << 20}, 0));
    transport.send(1, make_frame(2, {}, 8));
    receive_all(transport, 0);
  } else if (transport.rank() == 1) {
    const auto frames = receive_all(transport, 2);
    expect_frame(frames.at({0, 1}), 0, 1, {64 << 20}, 0);
    expect_frame(frames.at({0, 2}), 0, 2, {}, 8);
  }
  meet(transport);
}

TEST(MpiTransport, ReusesTheMemoryOfBuffers) {
  MpiTransport transport(*world);
  if (transport.size() < 2) GTEST_SKIP() << "needs two ranks";
  for (uint64_t round = 1; round <= 20; ++round) {
    if (transport.rank() == 0) {
      transport.send(1, make_frame(round, {500'000}, 0));
      receive_all(transport, 1);  // the answer
    } else if (transport.rank() == 1) {
      receive_all(transport, 1);
      transport.send(0, make_frame(round, {}, 0));
      receive_all(transport, 0);
    }
  }
  if (transport.rank() == 1) {
    EXPECT_EQ(transport.pool().counts().taken, 20u);
    EXPECT_EQ(transport.pool().counts().reused, 19u);
    EXPECT_EQ(transport.pool().counts().used_bytes, 0u);
  }
  meet(transport);
}

TEST(MpiTransport, ReceivesIntoRegisteredMemory) {
  MpiTransport transport(*world);
  if (transport.size() < 2) GTEST_SKIP() << "needs two ranks";
  if (transport.rank() == 0) {
    transport.send(1, make_frame(1, {100'000}, 0));
    receive_all(transport, 0);
  } else if (transport.rank() == 1) {
    const std::shared_ptr<std::byte> memory(
        static_cast<std::byte*>(std::aligned_alloc(64, 1 << 18)),
        [](std::byte* block) { std::free(block); });
    transport.pool().register_region(memory, {memory.get(), 1 << 18}, 1 << 17);
    const auto frames = receive_all(transport, 1);
    const std::byte* data = frames.at({0, 1}).buffers[0].data();
    EXPECT_GE(data, memory.get());
    EXPECT_LT(data, memory.get() + (1 << 18));
    expect_frame(frames.at({0, 1}), 0, 1, {100'000}, 0);
  }
  meet(transport);
}

TEST(MpiTransport, RefusesToSendWhatNobodyAccepts) {
  MpiTransportConfig config;
  config.max_buffer_bytes = 10'000;
  config.max_frame_bytes = 15'000;
  MpiTransport transport(*world, config);
  const int to = (transport.rank() + 1) % transport.size();
  if (to == transport.rank()) GTEST_SKIP() << "needs two ranks";
  EXPECT_THROW(transport.send(to, make_frame(1, {10'001}, 0)), core::Error);
  EXPECT_THROW(transport.send(to, make_frame(1, {9000, 9000}, 0)), core::Error);
  EXPECT_EQ(transport.unfinished_sends(), 0u);
  meet(transport);
}

TEST(MpiTransport, SendsUpWhatIsForgedWithoutTakingMemoryForIt) {
  constexpr int kHeadTag = 3;
  MpiTransport transport(*world);
  if (transport.size() < 2) GTEST_SKIP() << "needs two ranks";
  std::vector<core::Bytes> forged;
  forged.emplace_back(3);                                  // no header
  forged.push_back(make_frame(1, {5000, 6000}, 9).bytes);  // sizes cut off
  forged.back().resize(70);
  forged.push_back(make_frame(1, {5000}, 9).bytes);  // an impossible size, CRC wrong
  forged.back().back() = std::byte{0x7F};
  Frame huge = make_frame(1, {}, 0);  // an impossible size, CRC right
  huge.buffers.push_back(core::Buffer::wrap(
      nullptr, {static_cast<const std::byte*>(nullptr), size_t{1} << 60}));
  forged.push_back(seal({}, core::Bytes(kHeaderBytes), std::move(huge.buffers)).bytes);
  core::Bytes relayed = make_frame(1, {}, 20).bytes;  // relayed by one who may not
  std::memcpy(relayed.data(), "RLAY", 4);
  if (transport.rank() == 1) {
    forged.push_back(relayed);
    for (const core::Bytes& bytes : forged) {
      MPI_Send(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, 0, kHeadTag,
               world->handle());
    }
    // A good one after them, whose buffer has the tag of the sixth frame.
    const Frame good = make_frame(7, {5000}, 9);
    MPI_Send(good.bytes.data(), static_cast<int>(good.bytes.size()), MPI_BYTE, 0,
             kHeadTag, world->handle());
    MPI_Send(good.buffers[0].data(), 5000, MPI_BYTE, 0, 1024 + 6, world->handle());
  } else if (transport.rank() == 0) {
    std::vector<Frame> frames;
    while (frames.size() < forged.size() + 2) {  // and the relayed one
      if (auto arrived = transport.receive())
        frames.push_back(std::move(arrived->second));
    }
    for (size_t i = 0; i <= forged.size(); ++i)
      EXPECT_THROW(open(frames[i], 1), core::Error) << i;
    EXPECT_EQ(open(frames.back(), 1).header.sequence, 7u);
    // The first one is for the runtime to refuse; the others were refused here.
    EXPECT_EQ(transport.counts().refused, 4u);
    EXPECT_LT(transport.pool().counts().used_bytes, 10'000u);
  }
  meet(transport);
}

TEST(MpiTransport, SurvivesBuffersThatAreNotAsLongAsTheirFrameSays) {
  constexpr int kHeadTag = 3;
  constexpr int kFirstBufferTag = 1024 + 1;  // of the first frame
  MpiTransport transport(*world);
  if (transport.size() < 2) GTEST_SKIP() << "needs two ranks";
  if (transport.rank() == 1) {
    for (int i = 0; i < 2; ++i) {
      const Frame frame = make_frame(1, {6000}, 0);
      const int bytes = i == 0 ? 5000 : 8000;
      const std::vector<char> wrong(8000);
      MPI_Request requests[2];
      MPI_Isend(frame.bytes.data(), static_cast<int>(frame.bytes.size()), MPI_BYTE, 0,
                kHeadTag, world->handle(), &requests[0]);
      MPI_Isend(wrong.data(), bytes, MPI_BYTE, 0, kFirstBufferTag + i, world->handle(),
                &requests[1]);
      MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
    }
  } else if (transport.rank() == 0) {
    int count = 0;
    while (count < 2) {
      const auto arrived = transport.receive();
      if (!arrived) continue;
      ++count;
      EXPECT_THROW(open(arrived->second, 1), core::Error);
    }
    EXPECT_EQ(transport.counts().refused, 2u);
  }
  meet(transport);
}

TEST(MpiTransport, SetsMemoryAsideThatAStoppedPeerMayStillTouch) {
  MpiTransport transport(*world);
  if (transport.size() < 2) GTEST_SKIP() << "needs two ranks";
  // Rank 1 receives nothing until rank 0 has given it up.
  if (transport.rank() == 0) {
    for (uint64_t i = 1; i <= 50; ++i) transport.send(1, make_frame(i, {1'000'000}, 0));
    for (int i = 0; i < 100; ++i) {
      transport.receive();
      transport.unfinished_sends();
    }
    const size_t stuck = transport.unfinished_sends();
    EXPECT_GT(stuck, 0u);
    transport.forget(1);
    EXPECT_EQ(transport.unfinished_sends(), 0u);
    EXPECT_GE(transport.quarantined_bytes(), stuck * 1'000'000);
    transport.send(1, make_frame(51, {}, 0));
    EXPECT_EQ(transport.counts().dropped, 1u);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  if (transport.rank() == 1) {
    // The memory is whole, so a zombie reads what was sent.
    const auto frames = receive_all(transport, 50);
    expect_frame(frames.at({0, 50}), 0, 50, {1'000'000}, 0);
  } else if (transport.rank() == 0) {
    receive_all(transport, 0);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

}  // namespace
}  // namespace srpo::actors
