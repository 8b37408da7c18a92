#include "actors/control/control_hub.h"

#include <algorithm>
#include <fcntl.h>
#include <sstream>

#include "actors/control/control_connect.h"
#include "core/log.h"

namespace srpo::actors {
namespace {

using boost::asio::ip::tcp;

constexpr int kMostProcesses = 1 << 20;
constexpr size_t kMostStrangers = 256;
/// For the last words to somebody whose connection ends.
constexpr std::chrono::seconds kFarewell{1};

int64_t now_ns() { return core::Clock::now().time_since_epoch().count(); }

/// Takes the same time wherever the two differ.
bool is_same_secret(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned>(a[i]) ^ static_cast<unsigned>(b[i]);
  return difference == 0;
}

}  // namespace

std::string find_fault(const Hello& hello, const std::string& token,
                       const std::string& program) {
  if (!is_same_secret(hello.token, token)) return "it does not know this job's token";
  std::ostringstream fault;
  if (hello.version != kControlVersion) {
    fault << "it speaks version " << hello.version
          << " of the control protocol, process 0 "
          << "version " << kControlVersion;
  } else if (hello.process == Hello::kAsker) {
    return "";
  } else if (hello.program != program) {
    fault << "process " << hello.process << " runs '" << hello.program
          << "' and process 0 runs '" << program << "' (expected one program everywhere)";
  } else if (hello.process < 1 || hello.process >= kMostProcesses) {
    fault << "process number " << hello.process << " (expected 1 .. "
          << kMostProcesses - 1 << ")";
  }
  return fault.str();
}

ControlHub::ControlHub(boost::asio::io_context& io, ReactorDoor& door,
                       ControlOptions options)
    : io_(io),
      door_(door),
      options_(std::move(options)),
      acceptor_(io),
      timer_(io),
      watch_(options_.heartbeat) {
  const auto where = options_.one_host ? boost::asio::ip::address_v4::loopback()
                                       : boost::asio::ip::address_v4::any();
  boost::system::error_code error;
  acceptor_.open(tcp::v4(), error);
  if (!error) acceptor_.bind({where, 0}, error);
  if (!error) acceptor_.listen(4096, error);
  REQUIRE(!error, kBadInput,
          "process 0 cannot listen on " << where.to_string() << ": " << error.message());
  ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
  address_.hosts =
      options_.one_host ? std::vector<std::string>{"127.0.0.1"} : names_of_this_host();
  address_.port = acceptor_.local_endpoint().port();
  address_.token = make_token();
  if (!options_.file.empty()) address_.save(options_.file);
  for (int process = 1; process < options_.processes; ++process) processes_[process];
  tick();
}

void ControlHub::accept_next() {
  accepting_ = true;
  acceptor_.async_accept(
      [this](const boost::system::error_code& error, tcp::socket socket) {
        accepting_ = false;
        if (leaving_ || error == boost::asio::error::operation_aborted) return;
        if (!error) on_stranger(std::move(socket));
        // Without a free descriptor the next try is left to the timer.
        if (error != boost::asio::error::no_descriptors) accept_next();
      });
}

void ControlHub::on_stranger(tcp::socket socket) {
  if (strangers_.size() >= kMostStrangers) return;  // closes it
  const auto link = std::make_shared<ControlLink>(std::move(socket));
  const uint64_t id = next_id_++;
  strangers_[id] = {link, core::Clock::now() + options_.hello_within};
  link->start({[this, id](ControlKind kind, const core::Bytes& bytes) {
                 REQUIRE(kind == ControlKind::kHello, kPeerLost, "no hello");
                 on_hello(id, bytes);
               },
               [this, id](const std::string& /*reason*/) { strangers_.erase(id); }});
}

void ControlHub::on_hello(uint64_t stranger, const core::Bytes& bytes) {
  const LinkPointer link = strangers_.at(stranger).link;
  const auto hello = core::from_bytes<Hello>(bytes);
  strangers_.erase(stranger);
  std::string fault = find_fault(hello, address_.token, options_.program);
  const bool is_ours = is_same_secret(hello.token, address_.token);
  if (fault.empty() && hello.process == Hello::kAsker) {
    serve_asker(link);
    return;
  }
  if (fault.empty()) {
    const auto known = processes_.find(hello.process);
    if (known != processes_.end() && known->second.state == State::kUp)
      fault = "process " + std::to_string(hello.process) + " is connected already";
    if (known != processes_.end() && known->second.state == State::kLost)
      fault = "process " + std::to_string(hello.process) + " was declared dead";
  }
  if (fault.empty()) {
    join(link, hello);
    return;
  }
  LOG(warn) << "control_refused host=" << hello.host << " pid=" << hello.pid
            << " reason=" << fault;
  refuse(link, fault);
  const auto known = is_ours ? processes_.find(hello.process) : processes_.end();
  if (known != processes_.end() && known->second.state == State::kExpected)
    lose(hello.process, fault);
}

void ControlHub::refuse(const LinkPointer& link, const std::string& fault) {
  link->send_record(ControlKind::kRefused, fault);
  link->close_when_sent();
  strangers_[next_id_++] = {link, core::Clock::now() + kFarewell};
}

void ControlHub::join(const LinkPointer& link, const Hello& hello) {
  Process& process = processes_[hello.process];
  process.state = State::kUp;
  process.link = link;
  process.hello = hello;
  const int number = hello.process;
  watch_.add(number, core::Clock::now());
  link->allow_long_frames();
  // Later: this is called from within the events of the link.
  boost::asio::post(io_, [this, link, number] {
    link->set_events(
        {[this, number](ControlKind kind, core::Bytes bytes) {
           on_frame(number, kind, std::move(bytes));
         },
         [this, number](const std::string& reason) { lose(number, reason); }});
  });
  link->send(ControlKind::kWelcome, {});
  for (core::Bytes& message : std::exchange(process.waiting, {}))
    link->send(ControlKind::kMessage, std::move(message));
  door_.put({ControlEvent::Kind::kJoined, number, {}, ""});
}

void ControlHub::serve_asker(const LinkPointer& link) {
  askers_.push_back(link);
  const std::weak_ptr<ControlLink> back = link;
  boost::asio::post(io_, [this, link, back] {
    link->set_events(
        {[this, back](ControlKind kind, const core::Bytes& bytes) {
           REQUIRE(kind == ControlKind::kAsk, kPeerLost, "no question");
           const auto ask = core::from_bytes<ControlAsk>(bytes);
           diagnose(ask.process, [back, id = ask.id](std::string text) {
             if (const auto to = back.lock())
               to->send_record(ControlKind::kAnswer, ControlAnswer{id, std::move(text)});
           });
         },
         [](const std::string&) {}});
  });
  link->send(ControlKind::kWelcome, {});
}

void ControlHub::on_frame(int number, ControlKind kind, core::Bytes bytes) {
  Process& process = processes_.at(number);
  switch (kind) {
    case ControlKind::kMessage:
      if (!door_.put({ControlEvent::Kind::kMessage, number, std::move(bytes), ""}))
        lose(number, "its messages are not read by process 0");
      return;
    case ControlKind::kBeat: {
      const auto beat = core::from_bytes<Beat>(bytes);
      process.progress = beat.progress;
      watch_.on_beat(number, beat.progress, beat.activity, core::Clock::now());
      return;
    }
    case ControlKind::kPing: {
      auto ping = core::from_bytes<Ping>(bytes);
      ping.received = now_ns();
      ping.answered = now_ns();
      process.link->send_record(ControlKind::kPong, ping);
      return;
    }
    case ControlKind::kAsk: {
      const auto ask = core::from_bytes<ControlAsk>(bytes);
      diagnose(ask.process, [back = std::weak_ptr(process.link),
                             id = ask.id](std::string text) {
        if (const auto to = back.lock())
          to->send_record(ControlKind::kAnswer, ControlAnswer{id, std::move(text)});
      });
      return;
    }
    case ControlKind::kAnswer: {
      auto answer = core::from_bytes<ControlAnswer>(bytes);
      const auto at = questions_.find(answer.id);
      if (at == questions_.end() || at->second.process != number) return;
      const auto reply = std::move(at->second.answer);
      questions_.erase(at);
      reply(describe(number) + "\n" + answer.text);
      return;
    }
    case ControlKind::kBye:
      lose(number, "it has left");
      return;
    case ControlKind::kHello:
    case ControlKind::kWelcome:
    case ControlKind::kRefused:
    case ControlKind::kPong:
      lose(number, "it breaks the control protocol");
      return;
  }
}

void ControlHub::cut(Process& process) {
  process.state = State::kLost;
  process.waiting.clear();
  if (const LinkPointer link = std::exchange(process.link, nullptr)) link->close();
}

void ControlHub::lose(int number, const std::string& reason) {
  Process& process = processes_.at(number);
  if (process.state == State::kLost) return;
  cut(process);
  watch_.remove(number);
  answer_for_the_lost(number, reason);
  if (leaving_) return;
  std::string text = reason;
  if (process.hello.pid != 0) {
    text +=
        " (pid " + std::to_string(process.hello.pid) + " on " + process.hello.host + ")";
  }
  door_.put({ControlEvent::Kind::kLost, number, {}, text});
}

void ControlHub::send(int to, core::Bytes message) {
  if (to == 0) {
    door_.put({ControlEvent::Kind::kMessage, 0, std::move(message), ""});
    return;
  }
  const auto at = processes_.find(to);
  if (at == processes_.end()) return;
  if (at->second.state == State::kExpected) {
    at->second.waiting.push_back(std::move(message));
  } else if (at->second.state == State::kUp) {
    at->second.link->send(ControlKind::kMessage, std::move(message));
  }
}

void ControlHub::fence(int number) {
  if (number == 0) return;
  Process& process = processes_[number];
  if (process.link != nullptr) {
    const LinkPointer link = std::exchange(process.link, nullptr);
    refuse(link, "process " + std::to_string(number) + " was declared dead");
  }
  cut(process);
  watch_.remove(number);
  answer_for_the_lost(number, "it was declared dead");
}

void ControlHub::expect(int process) { processes_.try_emplace(process); }

void ControlHub::diagnose(int number, std::function<void(std::string)> answer) {
  if (number == kEveryProcess) {
    answer(describe_all());
    return;
  }
  if (number == 0) {
    answer("process 0 on " + this_host() + "\n" + door_.diagnose());
    return;
  }
  const auto at = processes_.find(number);
  if (at == processes_.end() || at->second.state != State::kUp) {
    answer(describe(number));
    return;
  }
  const uint64_t id = next_id_++;
  questions_[id] = {number, std::move(answer),
                    core::Clock::now() + options_.answer_within};
  at->second.link->send_record(ControlKind::kAsk, ControlAsk{id, number});
}

void ControlHub::answer_for_the_lost(int number, const std::string& reason) {
  std::vector<std::function<void(std::string)>> answers;
  for (auto at = questions_.begin(); at != questions_.end();) {
    if (at->second.process != number) {
      ++at;
      continue;
    }
    answers.push_back(std::move(at->second.answer));
    at = questions_.erase(at);
  }
  for (const auto& answer : answers) answer(describe(number) + ": " + reason);
}

void ControlHub::expire_questions(core::Clock::time_point now) {
  std::vector<Question> late;
  for (auto at = questions_.begin(); at != questions_.end();) {
    if (at->second.until > now) {
      ++at;
      continue;
    }
    late.push_back(std::move(at->second));
    at = questions_.erase(at);
  }
  for (const Question& question : late) {
    question.answer(describe(question.process) +
                    "\nits control thread does not answer (stopped, or no CPU)");
  }
}

void ControlHub::close_late_ones(core::Clock::time_point now) {
  for (auto at = strangers_.begin(); at != strangers_.end();) {
    if (at->second.until > now && at->second.link->is_open()) {
      ++at;
      continue;
    }
    at->second.link->close();
    at = strangers_.erase(at);
  }
  std::erase_if(askers_, [](const auto& asker) { return asker.expired(); });
}

void ControlHub::tick() {
  const auto now = core::Clock::now();
  if (!accepting_) accept_next();
  close_late_ones(now);
  expire_questions(now);
  const Beat beat = door_.make_beat(now, options_.heartbeat.stuck_after);
  if (!beat.activity.empty() && !said_stuck_) {
    LOG(warn) << "process_suspect process=0 reason=its reactor does not move; it is in "
              << beat.activity;
  }
  said_stuck_ = !beat.activity.empty();
  for (auto& [number, process] : processes_) {
    if (process.state != State::kUp) continue;
    watch_.on_heard(number, process.link->last_heard());
    process.link->send_record(ControlKind::kBeat, beat);
  }
  for (const auto& finding : watch_.check(now)) {
    if (finding.kind == HeartbeatFinding::Kind::kDead) {
      lose(finding.peer, finding.text);
    } else {
      LOG(warn) << (finding.kind == HeartbeatFinding::Kind::kWell ? "process_well"
                                                                  : "process_suspect")
                << " process=" << finding.peer << " reason=" << finding.text;
    }
  }
  for (auto& [number, process] : processes_) {
    const bool is_late = now - process.expected_since > options_.join_within;
    if (process.state == State::kExpected && is_late)
      lose(number, "it has never connected");
  }
  timer_.expires_after(options_.heartbeat.every);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !leaving_) tick();
  });
}

void ControlHub::leave() {
  leaving_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  timer_.cancel();
  std::error_code no_file;
  if (!options_.file.empty()) std::filesystem::remove(options_.file, no_file);
  for (auto& [number, process] : processes_) {
    if (process.state != State::kUp) continue;
    process.link->send(ControlKind::kBye, {});
    process.link->close_when_sent();
  }
  for (auto& [id, stranger] : strangers_) stranger.link->close();
  for (const auto& asker : askers_) {
    if (const auto link = asker.lock()) link->close_when_sent();
  }
}

std::string ControlHub::describe(int number) const {
  const auto at = processes_.find(number);
  if (at == processes_.end()) return "there is no process " + std::to_string(number);
  const Process& process = at->second;
  std::ostringstream text;
  text << "process " << number;
  if (process.hello.pid != 0)
    text << " (pid " << process.hello.pid << " on " << process.hello.host << ")";
  if (process.state == State::kExpected) text << " has not connected yet";
  if (process.state == State::kLost) text << " is lost";
  if (process.state == State::kUp) {
    const std::chrono::duration<double> silence =
        core::Clock::now() - process.link->last_heard();
    text << " is up, heard " << silence.count() << " s ago, reactor round "
         << process.progress;
  }
  const auto suspects = watch_.suspects();
  const auto suspect = suspects.find(number);
  if (suspect != suspects.end()) text << "; suspect: " << suspect->second;
  return text.str();
}

std::string ControlHub::describe_all() const {
  std::ostringstream text;
  text << "process 0 is up, reactor round " << door_.progress() << "\n";
  for (const auto& [number, process] : processes_) text << describe(number) << "\n";
  return text.str();
}

}  // namespace srpo::actors
