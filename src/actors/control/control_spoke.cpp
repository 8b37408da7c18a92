#include "actors/control/control_spoke.h"

#include <cstdio>
#include <unistd.h>

#include "actors/control/control_connect.h"
#include "core/log.h"

namespace srpo::actors {
namespace {

constexpr int kStoppedEarly = 75;
/// Process 0 has said farewell: whoever is told to stop over another way gets the time.
constexpr std::chrono::seconds kFarewell{2};
/// Pings one after the other at the start; later one with each beat.
constexpr int kFirstPings = 8;

int64_t now_ns() { return core::Clock::now().time_since_epoch().count(); }

Hello make_hello(const ControlOptions& options, const ControlAddress& address,
                 int process, uint32_t incarnation) {
  Hello hello;
  hello.token = address.token;
  hello.process = process;
  hello.incarnation = incarnation;
  hello.program = options.program;
  hello.pid = ::getpid();
  hello.host = this_host();
  return hello;
}

}  // namespace

ControlSpoke::ControlSpoke(boost::asio::io_context& io, ReactorDoor& door,
                           ControlOptions options, const ControlAddress& address,
                           int process, uint32_t incarnation)
    : door_(door),
      options_(std::move(options)),
      process_(process),
      link_(connect_control(io, address,
                            make_hello(options_, address, process, incarnation),
                            options_.join_within)),
      timer_(io),
      grace_(io),
      watch_(options_.heartbeat) {
  link_->set_events(
      {[this](ControlKind kind, core::Bytes bytes) { on_frame(kind, std::move(bytes)); },
       [this](const std::string& reason) { lose(reason); }});
  watch_.add(0, core::Clock::now());
  door_.put({ControlEvent::Kind::kJoined, 0, {}, ""});
  ping();
  tick();
}

void ControlSpoke::on_frame(ControlKind kind, core::Bytes bytes) {
  switch (kind) {
    case ControlKind::kMessage:
      if (!door_.put({ControlEvent::Kind::kMessage, 0, std::move(bytes), ""}))
        lose("its messages are not read by this process");
      return;
    case ControlKind::kBeat: {
      const auto beat = core::from_bytes<Beat>(bytes);
      watch_.on_beat(0, beat.progress, beat.activity, core::Clock::now());
      return;
    }
    case ControlKind::kPong:
      on_pong(bytes);
      return;
    case ControlKind::kAsk: {
      const auto ask = core::from_bytes<ControlAsk>(bytes);
      link_->send_record(ControlKind::kAnswer, ControlAnswer{ask.id, door_.diagnose()});
      return;
    }
    case ControlKind::kAnswer: {
      auto answer = core::from_bytes<ControlAnswer>(bytes);
      const auto at = questions_.find(answer.id);
      if (at == questions_.end()) return;
      const auto reply = std::move(at->second);
      questions_.erase(at);
      reply(std::move(answer.text));
      return;
    }
    case ControlKind::kRefused:
      refusal_ = core::from_bytes<std::string>(bytes);
      return;
    case ControlKind::kBye:
      hub_has_left_ = true;
      return;
    case ControlKind::kHello:
    case ControlKind::kWelcome:
    case ControlKind::kPing:
      lose("it breaks the control protocol");
      return;
  }
}

void ControlSpoke::ping() {
  link_->send_record(ControlKind::kPing, Ping{now_ns(), 0, 0});
}

void ControlSpoke::on_pong(const core::Bytes& bytes) {
  const auto pong = core::from_bytes<Ping>(bytes);
  clock_.add(pong.sent, pong.received, pong.answered, now_ns());
  offset_ns_.store(clock_.offset().count(), std::memory_order_relaxed);
  round_trip_ns_.store(clock_.round_trip().count(), std::memory_order_relaxed);
  if (++pongs_ < kFirstPings) ping();
}

void ControlSpoke::lose(const std::string& reason) {
  if (lost_) return;
  lost_ = true;
  link_->close();
  timer_.cancel();
  for (const auto& [id, answer] : std::exchange(questions_, {}))
    answer("process 0 is lost: " + reason);
  if (hub_has_left_) {
    grace_.expires_after(kFarewell);
    grace_.async_wait([this](const boost::system::error_code& error) {
      if (!error) report_loss("it has left");
    });
    return;
  }
  report_loss(refusal_.empty() ? reason : "it refuses this process: " + refusal_);
}

void ControlSpoke::report_loss(const std::string& reason) {
  door_.put({ControlEvent::Kind::kLost, 0, {}, reason});
  if (options_.leave_within.count() == 0) return;
  grace_.expires_after(options_.leave_within);
  grace_.async_wait([this, reason](const boost::system::error_code& error) {
    if (error) return;
    std::fprintf(stderr,
                 "process %d (pid %d): process 0 is lost (%s) and the work of this one "
                 "does not end by itself: leaving with exit code %d\n",
                 process_, static_cast<int>(::getpid()), reason.c_str(), kStoppedEarly);
    ::_exit(kStoppedEarly);
  });
}

void ControlSpoke::send(int to, core::Bytes message) {
  if (to == process_) {
    door_.put({ControlEvent::Kind::kMessage, process_, std::move(message), ""});
  } else if (to == 0) {
    link_->send(ControlKind::kMessage, std::move(message));
  } else {
    LOG(warn) << "control_message_dropped to=" << to
              << " reason=only process 0 reaches every process";
  }
}

void ControlSpoke::fence(int process) {
  if (process == 0) lose("fenced by this process");
}

void ControlSpoke::diagnose(int process, std::function<void(std::string)> answer) {
  if (process == process_) {
    answer(door_.diagnose());
  } else if (lost_) {
    answer("process 0 is lost");
  } else {
    const uint64_t id = next_question_++;
    questions_.emplace(id, std::move(answer));
    link_->send_record(ControlKind::kAsk, ControlAsk{id, process});
  }
}

void ControlSpoke::tick() {
  if (lost_) return;
  const auto now = core::Clock::now();
  link_->send_record(ControlKind::kBeat,
                     door_.make_beat(now, options_.heartbeat.stuck_after));
  if (pongs_ >= kFirstPings) ping();
  watch_.on_heard(0, link_->last_heard());
  for (const auto& finding : watch_.check(now)) {
    if (finding.kind == HeartbeatFinding::Kind::kDead) {
      lose(finding.text);
      return;
    }
    if (finding.kind == HeartbeatFinding::Kind::kSilent)
      LOG(warn) << "process_suspect process=0 reason=" << finding.text;
  }
  timer_.expires_after(options_.heartbeat.every);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

void ControlSpoke::leave() {
  timer_.cancel();
  grace_.cancel();
  lost_ = true;
  link_->send(ControlKind::kBye, {});
  link_->close_when_sent();
}

}  // namespace srpo::actors
