// The control channel over loopback connections and between threads: the same promises.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "actors/control/control_connect.h"
#include "actors/control/local_control.h"
#include "actors/control/tcp_control.h"
#include "core/random.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;
using Kind = ControlEvent::Kind;

core::Bytes bytes_of(const std::string& text) { return core::to_bytes(text); }
std::string text_of(const ControlEvent& event) {
  return core::from_bytes<std::string>(event.message);
}

/// The next event, or nothing in ten seconds; the reactor moves meanwhile.
std::optional<ControlEvent> next(ControlChannel& channel,
                                 std::chrono::milliseconds longest = 10s) {
  const auto deadline = core::Deadline::in(longest);
  while (!deadline.has_passed()) {
    channel.beat();
    if (auto event = channel.poll()) return event;
    std::this_thread::sleep_for(200us);
  }
  return std::nullopt;
}

ControlOptions quick(int processes) {
  ControlOptions options;
  options.processes = processes;
  options.heartbeat.every = 20ms;
  options.heartbeat.suspect_after = 200ms;
  options.heartbeat.dead_after = 500ms;
  options.heartbeat.stuck_after = 300ms;
  options.hello_within = 200ms;
  options.leave_within = 0ms;
  return options;
}

class TcpControlTest : public testing::Test {
 protected:
  std::unique_ptr<TcpControl> join(int process, ControlOptions options = quick(1)) {
    auto control =
        std::make_unique<TcpControl>(hub_->address(), process, 1, std::move(options));
    const auto joined = next(*hub_);
    EXPECT_TRUE(joined && joined->kind == Kind::kJoined && joined->peer == process);
    EXPECT_EQ(next(*control)->kind, Kind::kJoined);
    return control;
  }
  std::unique_ptr<TcpControl> hub_ = std::make_unique<TcpControl>(quick(1));
};

TEST_F(TcpControlTest, CarriesMessagesBothWaysInOrder) {
  const auto spoke = join(1);
  for (int i = 0; i < 100; ++i) {
    hub_->send(1, bytes_of("down " + std::to_string(i)));
    spoke->send(0, bytes_of("up " + std::to_string(i)));
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(text_of(*next(*spoke)), "down " + std::to_string(i));
    EXPECT_EQ(text_of(*next(*hub_)), "up " + std::to_string(i));
  }
}

TEST_F(TcpControlTest, CarriesLargeMessagesAndRefusesLargerOnes) {
  const auto spoke = join(1);
  core::Bytes large(kLongestControlMessage, std::byte{7});
  spoke->send(0, large);
  EXPECT_EQ(next(*hub_)->message, large);
  large.push_back(std::byte{0});
  EXPECT_THROW(spoke->send(0, large), core::Error);
}

TEST_F(TcpControlTest, DeliversToItselfAndDropsWhatGoesNowhere) {
  hub_->send(0, bytes_of("me"));
  hub_->send(9, bytes_of("nobody"));
  const auto event = next(*hub_);
  EXPECT_EQ(text_of(*event), "me");
  EXPECT_EQ(event->peer, 0);
}

TEST_F(TcpControlTest, KeepsMessagesForAProcessThatIsExpected) {
  hub_ = std::make_unique<TcpControl>(quick(2));
  hub_->send(1, bytes_of("early"));
  const auto spoke = join(1);
  EXPECT_EQ(text_of(*next(*spoke)), "early");
}

TEST_F(TcpControlTest, ReportsAProcessThatNeverConnects) {
  ControlOptions options = quick(2);
  options.join_within = 100ms;
  hub_ = std::make_unique<TcpControl>(options);
  const auto event = next(*hub_);
  ASSERT_TRUE(event && event->kind == Kind::kLost);
  EXPECT_EQ(event->peer, 1);
  EXPECT_EQ(event->reason, "it has never connected");
}

TEST_F(TcpControlTest, TellsOfAProcessThatEndsAtOnceAndOnlyOnce) {
  auto spoke = join(1);
  const core::Stopwatch time;
  spoke.reset();
  const auto event = next(*hub_);
  ASSERT_TRUE(event && event->kind == Kind::kLost);
  EXPECT_EQ(event->peer, 1);
  EXPECT_LT(time.seconds(), 2);
  EXPECT_FALSE(next(*hub_, 100ms));
  EXPECT_THROW(TcpControl(hub_->address(), 1, 2, quick(1)), core::Error);
}

TEST_F(TcpControlTest, NoticesAKilledProcessByTheEndOfItsConnection) {
  const ControlAddress address = hub_->address();
  const pid_t child = ::fork();
  if (child == 0) {
    // What another thread held at the fork stays locked: only plain sockets here.
    boost::asio::io_context io;
    Hello hello;
    hello.token = address.token;
    hello.process = 4;
    hello.program = program_version();
    const auto link = connect_control(io, address, hello, 5s);
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  const core::Stopwatch time;
  EXPECT_EQ(next(*hub_)->kind, Kind::kJoined);
  const auto lost = next(*hub_);
  ASSERT_TRUE(lost && lost->kind == Kind::kLost);
  EXPECT_NE(lost->reason.find("its connection"), std::string::npos) << lost->reason;
  EXPECT_LT(time.seconds(), 2);
}

TEST_F(TcpControlTest, DeclaresASilentProcessDead) {
  boost::asio::io_context io;
  Hello hello;
  hello.token = hub_->address().token;
  hello.process = 5;
  hello.program = program_version();
  const auto link = connect_control(io, hub_->address(), hello, 5s);
  EXPECT_EQ(next(*hub_)->kind, Kind::kJoined);
  const auto lost = next(*hub_);
  ASSERT_TRUE(lost && lost->kind == Kind::kLost);
  EXPECT_EQ(lost->peer, 5);
  EXPECT_NE(lost->reason.find("silent"), std::string::npos) << lost->reason;
}

TEST_F(TcpControlTest, TellsEverybodyOfTheLossOfProcessZero) {
  const auto first = join(1);
  const auto second = join(2);
  hub_.reset();
  for (const auto* spoke : {&first, &second}) {
    const auto lost = next(**spoke);
    ASSERT_TRUE(lost && lost->kind == Kind::kLost);
    EXPECT_EQ(lost->peer, 0);
  }
}

TEST_F(TcpControlTest, SendsWhatIsLeftBeforeItLeaves) {
  const auto spoke = join(1);
  for (int i = 0; i < 50; ++i) hub_->send(1, bytes_of(std::string(10'000, 'x')));
  hub_.reset();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(next(*spoke)->kind, Kind::kMessage);
}

TEST_F(TcpControlTest, FencesAProcessForEver) {
  const auto spoke = join(1);
  hub_->fence(1);
  const auto lost = next(*spoke);
  ASSERT_TRUE(lost && lost->kind == Kind::kLost);
  EXPECT_EQ(lost->peer, 0);
  EXPECT_NE(lost->reason.find("declared dead"), std::string::npos) << lost->reason;
  EXPECT_FALSE(next(*hub_, 100ms));  // process 0 knows
  try {
    const TcpControl again(hub_->address(), 1, 2, quick(1));
    FAIL();
  } catch (const core::Error& error) {
    EXPECT_NE(std::string(error.what()).find("process 1 was declared dead"),
              std::string::npos)
        << error.what();
  }
}

TEST_F(TcpControlTest, RefusesASecondConnectionOfOneProcess) {
  const auto spoke = join(1);
  EXPECT_THROW(TcpControl(hub_->address(), 1, 1, quick(1)), core::Error);
  spoke->send(0, bytes_of("still here"));
  EXPECT_EQ(text_of(*next(*hub_)), "still here");
}

TEST_F(TcpControlTest, RefusesAnotherProgramAndNamesBothVersions) {
  ControlOptions options = quick(2);
  options.program = "program of process 0";
  hub_ = std::make_unique<TcpControl>(options);
  options.program = "another program";
  try {
    const TcpControl other(hub_->address(), 1, 1, options);
    FAIL();
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadInput);
    const std::string text = error.what();
    EXPECT_NE(text.find("program of process 0"), std::string::npos) << text;
    EXPECT_NE(text.find("another program"), std::string::npos) << text;
  }
  const auto lost = next(*hub_);
  ASSERT_TRUE(lost && lost->kind == Kind::kLost);
  EXPECT_EQ(lost->peer, 1);
}

TEST_F(TcpControlTest, RefusesWhoDoesNotKnowTheToken) {
  ControlAddress address = hub_->address();
  address.token = make_token();
  EXPECT_THROW(TcpControl(address, 1, 1, quick(1)), core::Error);
}

TEST_F(TcpControlTest, DropsForeignHalfAndForgedHellos) {
  boost::asio::io_context io;
  const boost::asio::ip::tcp::endpoint endpoint(boost::asio::ip::address_v4::loopback(),
                                                hub_->address().port);
  core::Rng random(11, core::Purpose::kTest, 0);
  Hello hello;
  hello.token = hub_->address().token;
  hello.process = 3;
  hello.program = program_version();
  const auto payload = core::to_bytes(hello);
  const auto header = write_control_header(ControlKind::kHello, payload);
  core::Bytes good(header.size() + payload.size());
  std::copy(payload.begin(), payload.end(),
            std::copy(header.begin(), header.end(), good.begin()));
  for (int round = 0; round < 200; ++round) {
    core::Bytes bytes = good;
    const size_t at = random.below(bytes.size());
    const auto bit = static_cast<std::byte>(1U << random.below(8));
    if (round % 4 == 0) bytes = core::Bytes(random.below(300), std::byte{'G'});
    if (round % 4 == 1) bytes.resize(at);
    if (round % 4 >= 2) bytes[at] ^= bit;
    boost::asio::ip::tcp::socket socket(io);
    socket.connect(endpoint);
    boost::system::error_code ignored;
    boost::asio::write(socket, boost::asio::buffer(bytes), ignored);
    if (round % 20 == 1) {  // does not even close: the deadline ends it
      core::Bytes answer(1);
      EXPECT_EQ(boost::asio::read(socket, boost::asio::buffer(answer), ignored), 0u);
    }
  }
  EXPECT_FALSE(next(*hub_, 50ms));
  const auto spoke = join(1);
  spoke->send(0, bytes_of("fine"));
  EXPECT_EQ(text_of(*next(*hub_)), "fine");
}

TEST_F(TcpControlTest, CutsOffAProcessThatForgesFrames) {
  boost::asio::io_context io;
  Hello hello;
  hello.token = hub_->address().token;
  hello.program = program_version();
  core::Rng random(12, core::Purpose::kTest, 0);
  for (int process = 1; process < 40; ++process) {
    hello.process = process;
    const auto link = connect_control(io, hub_->address(), hello, 5s);
    core::Bytes bytes(random.below(40));
    for (auto& byte : bytes) byte = static_cast<std::byte>(random.below(256));
    link->send(static_cast<ControlKind>(process % 3 == 0 ? 5 : 1 + random.below(12)),
               bytes);
    io.run_for(2ms);
    io.restart();
    link->close();
    EXPECT_EQ(next(*hub_)->kind, Kind::kJoined);
    while (next(*hub_)->kind != Kind::kLost) continue;
  }
}

TEST_F(TcpControlTest, NeverTakesMemoryForAClaimedLength) {
  std::array<std::byte, kControlHeaderBytes> header =
      write_control_header(ControlKind::kMessage, {});
  header[7] = std::byte{0x7f};
  EXPECT_THROW(read_control_header(header, kLongestControlMessage), core::Error);
  header[7] = std::byte{0};
  header[8] = std::byte{99};
  EXPECT_THROW(read_control_header(header, kLongestControlMessage), core::Error);
}

[[gnu::noinline]] void stand_still(std::atomic<bool>& go_on) {
  while (!go_on.load()) std::this_thread::sleep_for(1ms);
}

TEST_F(TcpControlTest, TellsWhereAReactorIsWhileItIsStuck) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the thread sanitizer holds signals back, and its frames hide ours";
#endif
  std::atomic<bool> go_on{false};
  std::atomic<bool> ready{false};
  std::thread reactor([&] {
    TcpControl spoke(hub_->address(), 1, 1, quick(1));
    spoke.set_snapshot([] { return std::string("two calls wait"); });
    spoke.beat();
    ready = true;
    stand_still(go_on);
  });
  while (!ready) next(*hub_, 1ms);
  const std::string text = hub_->diagnose(1);
  EXPECT_NE(text.find("stand_still"), std::string::npos) << text;
  EXPECT_NE(text.find("two calls wait"), std::string::npos) << text;
  EXPECT_NE(text.find("pid " + std::to_string(::getpid())), std::string::npos) << text;
  const auto deadline = core::Deadline::in(10s);
  std::string all;
  while (!deadline.has_passed() && all.find("suspect") == std::string::npos) {
    next(*hub_, 20ms);
    all = hub_->diagnose(kEveryProcess);
  }
  EXPECT_NE(all.find("its reactor has not moved"), std::string::npos) << all;
  EXPECT_NE(all.find("stand_still"), std::string::npos) << all;
  EXPECT_EQ(hub_->diagnose(7), "there is no process 7");
  go_on = true;
  reactor.join();
}

TEST_F(TcpControlTest, LetsAProcessAskAboutAnotherOne) {
  const auto first = join(1);
  const auto second = join(2);
  std::string text;
  std::thread asker([&] { text = first->diagnose(2); });
  asker.join();
  EXPECT_NE(text.find("process 2 (pid"), std::string::npos) << text;
}

TEST_F(TcpControlTest, AnswersAShellThatHasTheControlFile) {
  const std::string file = testing::TempDir() + "/control.json";
  ControlOptions options = quick(1);
  options.file = file;
  hub_ = std::make_unique<TcpControl>(options);
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
  const auto spoke = join(1);
  EXPECT_NE(ask_control(file, 1, 5s).find("stack of the reactor's thread"),
            std::string::npos);
  EXPECT_NE(ask_control(file, 0, 5s).find("process 0 on"), std::string::npos);
  EXPECT_NE(ask_control(file, kEveryProcess, 5s).find("process 1 (pid"),
            std::string::npos);
  hub_.reset();
  EXPECT_NE(::stat(file.c_str(), &info), 0);
  EXPECT_THROW(ask_control(file, 0, 1s), core::Error);
}

TEST_F(TcpControlTest, EstimatesTheClockOfProcessZero) {
  const auto spoke = join(1);
  const auto deadline = core::Deadline::in(5s);
  while (spoke->round_trip() == 0ns && !deadline.has_passed()) next(*spoke, 5ms);
  EXPECT_GT(spoke->round_trip(), 0ns);
  EXPECT_LE(std::abs(spoke->offset().count()), spoke->round_trip().count() / 2 + 1);
}

TEST_F(TcpControlTest, LetsOthersLiveWhileOneDoesNotRead) {
  boost::asio::io_context io;
  ControlOptions options = quick(1);
  options.heartbeat.dead_after = 60s;
  hub_ = std::make_unique<TcpControl>(options);
  Hello hello;
  hello.token = hub_->address().token;
  hello.process = 1;
  hello.program = program_version();
  const auto stopped = connect_control(io, hub_->address(), hello, 5s);
  EXPECT_EQ(next(*hub_)->kind, Kind::kJoined);
  const auto well = join(2, options);
  for (int i = 0; i < 10; ++i)
    hub_->send(1, core::Bytes(kLongestControlMessage, std::byte{1}));
  hub_->send(2, bytes_of("hello"));
  EXPECT_EQ(text_of(*next(*well)), "hello");
  const auto lost = next(*hub_);
  ASSERT_TRUE(lost && lost->kind == Kind::kLost);
  EXPECT_EQ(lost->peer, 1);
  EXPECT_NE(lost->reason.find("does not read"), std::string::npos) << lost->reason;
}

TEST(ControlAddress, IsTheSameAfterATripThroughText) {
  const ControlAddress address{{"node7", "10.0.0.7"}, 4711, make_token()};
  const ControlAddress same = ControlAddress::parse(address.to_text());
  EXPECT_EQ(same.hosts, address.hosts);
  EXPECT_EQ(same.port, address.port);
  EXPECT_EQ(same.token, address.token);
  for (const char* bad :
       {"", "x", "t@h", "t@:1", "t@h:0", "t@h:65536", "t@h:1x", "h:1@t"})
    EXPECT_THROW(ControlAddress::parse(bad), core::Error) << bad;
}

TEST(ProgramVersion, NamesTheProgramAndItsBuild) {
  EXPECT_EQ(program_version().rfind("actors_tests ", 0), 0u) << program_version();
  EXPECT_GT(program_version().size(), 20u);
}

TEST(LocalControl, CarriesMessagesAndReportsEmulatedDeaths) {
  LocalControlStar star(3);
  LocalControl root(star, 0);
  LocalControl first(star, 1);
  LocalControl second(star, 2);
  EXPECT_EQ(next(root)->peer, 1);
  EXPECT_EQ(next(root)->peer, 2);
  EXPECT_EQ(next(first)->kind, Kind::kJoined);
  EXPECT_EQ(next(second)->kind, Kind::kJoined);
  first.send(0, bytes_of("up"));
  EXPECT_EQ(text_of(*next(root)), "up");
  first.send(2, bytes_of("not a spoke"));
  root.send(2, bytes_of("down"));
  EXPECT_EQ(text_of(*next(second)), "down");

  star.kill(1);
  star.kill(1);
  const auto lost = next(root);
  EXPECT_TRUE(lost->kind == Kind::kLost && lost->peer == 1);
  EXPECT_FALSE(root.poll());
  first.send(0, bytes_of("from the grave"));
  EXPECT_FALSE(root.poll());

  root.fence(2);
  EXPECT_EQ(next(second)->kind, Kind::kLost);
  second.send(0, bytes_of("from a zombie"));
  EXPECT_FALSE(root.poll());

  star.add(7);
  LocalControl seventh(star, 7);
  EXPECT_EQ(next(root)->peer, 7);
  EXPECT_EQ(next(seventh)->kind, Kind::kJoined);
  star.kill(0);
  EXPECT_TRUE(next(seventh)->kind == Kind::kLost);
}

}  // namespace
}  // namespace srpo::actors
