// Bytes that no honest rank has sent: nothing crashes, memory stays bounded.
#include <cstring>

#include <gtest/gtest.h>

#include "actors/runtime.h"
#include "core/checksum.h"
#include "core/log.h"
#include "core/random.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;

/// Gives the frames that a test puts into it, as rank 1's; drops what is sent.
class ScriptedTransport final : public Transport {
 public:
  int rank() const override { return 0; }
  int size() const override { return 2; }
  void send(int, Frame frame) override {
    ++sent;
    sent_bytes += frame.size();
  }
  std::optional<std::pair<int, Frame>> receive() override {
    if (frames.empty()) return std::nullopt;
    std::optional<std::pair<int, Frame>> next(std::in_place, 1,
                                              std::move(frames.front()));
    frames.pop_front();
    return next;
  }
  size_t unfinished_sends() override { return 0; }
  core::Clock::time_point now() const override { return time; }
  bool is_simulated() const override { return true; }

  std::deque<Frame> frames;
  size_t sent = 0;
  size_t sent_bytes = 0;
  core::Clock::time_point time{1000h};
};

struct Parcel {
  bool is_fragile = false;
  std::string label;
  std::vector<std::vector<float>> rows;
  std::optional<std::pair<int32_t, std::string>> note;
  core::Buffer content;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("is_fragile", self.is_fragile);
    visit("label", self.label);
    visit("rows", self.rows);
    visit("note", self.note);
    visit("content", self.content);
  }
};

class Post : public Actor {
 public:
  explicit Post(Runtime& runtime) : runtime_(runtime) {}
  Parcel deliver(Parcel parcel) { return parcel; }
  Task<Parcel> later(Parcel parcel, int32_t) {
    co_await runtime_.sleep_for(1ms);
    co_return parcel;
  }
  Stream<int32_t> count(int32_t last) {
    for (int32_t i = 0; i < last; ++i) co_yield i;
  }
  void keep(std::vector<std::string>, Reply<Done> reply) {
    kept_.push_back(reply);
    if (kept_.size() > 20) kept_.clear();
  }
  using Methods = MethodList<&Post::deliver, method<&Post::later>({.concurrency = 8}),
                             method<&Post::count>({.concurrency = 8}), &Post::keep>;

 private:
  Runtime& runtime_;
  std::vector<Reply<Done>> kept_;
};

class Forged : public testing::Test {
 protected:
  Forged() {
    core::start_log("forged", core::LogLevel::error);
    runtime_.host("post", std::make_unique<Post>(runtime_));
  }
  ~Forged() override { core::start_log("tests", core::LogLevel::warn); }

  Parcel parcel() {
    Parcel parcel;
    parcel.label = std::string(random_.below(20), 'x');
    parcel.rows.resize(random_.below(4), std::vector<float>(3, 1.5f));
    if (random_.below(2) != 0) parcel.note.emplace(1, "note");
    parcel.content =
        core::Buffer::of(std::vector<std::byte>(random_.below(2) * 5000 + 3));
    return parcel;
  }
  FrameHeader header() {
    FrameHeader header;
    header.kind = static_cast<FrameKind>(1 + random_.below(6));  // not kStop
    header.flags = static_cast<uint8_t>(random_.below(3));
    header.incarnation = random_.below(20) == 0 ? 7 : 1;
    header.actor = random_.below(10) == 0 ? 99 : name_hash("post");
    header.method = static_cast<uint16_t>(random_.below(5));
    header.call = random_.below(3) == 0
                      ? last_call_
                      : (uint64_t{random_.below(4)} << 32) | random_.below(200);
    header.sequence = ++sequence_;
    const auto odd = random_.below(12);
    if (odd == 0) header.sequence = sequence_ + random_.below(5);
    if (odd == 1) header.sequence = random_.below(uint64_t{1} << 63) * 2;
    header.time_left = static_cast<int64_t>(random_.below(2'000'000'000));
    if (odd == 2) header.time_left = std::numeric_limits<int64_t>::max();
    if (odd == 3) header.time_left = std::numeric_limits<int64_t>::min();
    return header;
  }
  /// Well-formed around arguments that need not be.
  Frame frame() {
    std::vector<core::Buffer> buffers;
    core::ByteWriter writer = begin_frame(buffers);
    if (random_.below(4) != 0) {
      writer.write(parcel());
      writer.write(static_cast<int32_t>(random_.below(100)));
    } else {
      for (uint64_t left = random_.below(40); left > 0; --left)
        writer.write(static_cast<uint8_t>(random_.below(256)));
    }
    core::Bytes bytes = writer.take();
    for (uint64_t flips = random_.below(3); flips > 0 && bytes.size() > kHeaderBytes;
         --flips) {
      const size_t at = kHeaderBytes + random_.below(bytes.size() - kHeaderBytes);
      bytes[at] = static_cast<std::byte>(random_.below(256));
    }
    if (random_.below(8) == 0) buffers.clear();
    return seal(header(), std::move(bytes), std::move(buffers));
  }

  core::Rng random_{20261124, core::Purpose::kTest, 1};
  ScriptedTransport transport_;
  Runtime runtime_{transport_};
  uint64_t sequence_ = 0;
  uint64_t last_call_ = 0;
};

TEST_F(Forged, BytesAreRefused) {
  for (int i = 0; i < 5'000; ++i) {
    Frame noise;
    noise.bytes.resize(random_.below(200));
    for (std::byte& byte : noise.bytes) byte = static_cast<std::byte>(random_.below(256));
    transport_.frames.push_back(std::move(noise));
    runtime_.poll();
  }
  EXPECT_EQ(runtime_.wire().counts().damaged, 5'000u);
  EXPECT_EQ(runtime_.wire().counts().received_frames, 0u);
}

TEST_F(Forged, HalfFramesAndFlippedBitsAreRefused) {
  for (int i = 0; i < 5'000; ++i) {
    Frame half = frame();
    if (random_.below(2) == 0) {
      half.bytes.resize(random_.below(half.bytes.size()));
    } else {
      half.bytes[random_.below(kHeaderBytes)] ^=
          static_cast<std::byte>(1 + random_.below(255));
    }
    transport_.frames.push_back(std::move(half));
    runtime_.poll();
  }
  EXPECT_EQ(runtime_.wire().counts().damaged, 5'000u);
}

TEST_F(Forged, FramesWithTrueChecksumsDoNoHarm) {
  std::vector<Future<Parcel>> calls;
  std::vector<StreamReader<int32_t>> readers;
  const auto post = runtime_.find<Post>(1, "post");
  for (int i = 0; i < 30'000; ++i) {
    transport_.frames.push_back(frame());
    runtime_.poll();
    transport_.time += 100us;
    if (i % 50 == 0) {
      if (calls.size() > 30) calls.clear();
      calls.push_back(post.call_within<&Post::deliver>(50ms, parcel()));
      last_call_ = (uint64_t{1} << 32) | (1 + random_.below(40));
      if (readers.size() > 4) readers.clear();
      readers.push_back(post.call_within<&Post::count>(50ms, 5));
    }
  }
  // The sender's numbers went wild, and still its calls were read and answered.
  EXPECT_GT(runtime_.wire().counts().received_frames, 1000u);
  EXPECT_GT(transport_.sent, 1000u);
  EXPECT_LE(runtime_.wire().peer(1).order.num_early(), FrameOrder::kMaxEarly);
}

TEST_F(Forged, NumbersFarAheadTakeBoundedMemory) {
  core::Bytes large(kHeaderBytes + (1 << 20));
  for (int i = 0; i < 400; ++i) {
    FrameHeader ahead;
    ahead.incarnation = 1;
    ahead.kind = FrameKind::kCancel;
    ahead.sequence = 10 + static_cast<uint64_t>(i);
    transport_.frames.push_back(seal(ahead, large, {}));
    runtime_.poll();
  }
  const FrameOrder& order = runtime_.wire().peer(1).order;
  EXPECT_LE(order.num_early() * large.size(), FrameOrder::kMaxEarlyBytes);
  EXPECT_GT(runtime_.wire().counts().damaged, 100u);
  transport_.time += 10s;  // the gap is given up, and what waited is let go
  runtime_.poll();
  EXPECT_EQ(order.num_early(), 0u);
}

TEST_F(Forged, FramesOfAnotherVersionAreRefusedWithASentence) {
  Frame other = frame();
  other.bytes[4] = std::byte{77};
  const uint32_t crc =
      core::crc32c(std::span(other.bytes).first(kHeaderBytes - sizeof(uint32_t)));
  std::memcpy(other.bytes.data() + kHeaderBytes - sizeof crc, &crc, sizeof crc);
  try {
    open(other, 1);
    FAIL();
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kPeerLost);
    EXPECT_STREQ(error.what(),
                 "frame from rank 1 has version 77 (expected 2): the ranks run different "
                 "programs");
  }
}

}  // namespace
}  // namespace srpo::actors
