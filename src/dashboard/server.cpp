#include "dashboard/server.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <list>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "analysis/dashboard_page.h"
#include "core/error.h"
#include "core/log.h"
#include "dashboard/session.h"

namespace srpo::dashboard {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr int kPortsTried = 10;
constexpr auto kTick = std::chrono::milliseconds(250);
constexpr double kSecondsBetweenEvents = 0.95;
constexpr double kSecondsOfSilence = 15;  // then an event shows that we are there
constexpr double kSecondsOfHistory = 0.05;
constexpr auto kLastEvents = std::chrono::milliseconds(200);

/// Programs that the rank starts, a sandbox say, get no hold of it.
void close_on_exec(int descriptor) { ::fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

tcp::acceptor bind_to(asio::io_context& io, const DashboardConfig& config) {
  boost::system::error_code error;
  for (int i = 0; i < kPortsTried; ++i) {
    const tcp::endpoint place(
        asio::ip::make_address(config.host),
        static_cast<uint16_t>(config.port == 0 ? 0 : config.port + i));
    tcp::acceptor acceptor(io);
    acceptor.open(place.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(place, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) {
      close_on_exec(acceptor.native_handle());
      return acceptor;
    }
    if (error != asio::error::address_in_use) break;
  }
  throw core::Error(core::ErrorKind::kBadInput,
                    "the page cannot listen at " + config.host + ", port " +
                        std::to_string(config.port) + " or the " +
                        std::to_string(kPortsTried - 1) +
                        " behind it: " + error.message());
}

/// Signals are for the run's own thread, and its work goes first.
void become_a_side_thread() {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  constexpr int kNicer = 5;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNicer);
}

}  // namespace

class Server::Loop final : public SessionOwner {
 public:
  Loop(const DashboardConfig& config, const RunNames& names, RunFeed& feed,
       const ServerLimits& limits)
      : config_(config),
        limits_(limits),
        feed_(feed),
        acceptor_(bind_to(io_, config_)),
        timer_(io_),
        port_(acceptor_.local_endpoint().port()),
        action_key_(analysis::random_key()),
        content_(names),
        routes_(config_, port_, action_key_, content_, feed_) {
    accept();
    tick();
    thread_ = std::thread([this] { run(); });
  }

  ~Loop() override {
    asio::post(io_, [this] { finish(); });
    thread_.join();
  }

  uint16_t port() const { return port_; }
  const DashboardConfig& config() const { return config_; }
  const std::string& action_key() const { return action_key_; }

  HttpAnswer answer(const HttpQuestion& question) override {
    ++counts_.requests;
    counts_.connections = sessions_.size();
    counts_.listeners = num_listeners();
    if (content_.take(feed_)) is_news_ = true;
    return routes_.answer(question, counts_);
  }

  void listen(Session& session) override {
    // A browser whose connection closes asks again; one that is dead does not.
    while (num_listeners() >= limits_.listeners) {
      ++counts_.refused;
      const auto oldest = std::find_if(sessions_.begin(), sessions_.end(),
                                       [](const auto& one) { return one->listens(); });
      const std::shared_ptr<Session> held = *oldest;
      held->close();
    }
    session.offer(event());
  }

  void count_event(bool sent) override { ++(sent ? counts_.events : counts_.skipped); }

  void touched(Session& session) override {
    const auto at = find(session);
    if (at != sessions_.end()) sessions_.splice(sessions_.end(), sessions_, at);
  }

  void closed(Session& session) override {
    const auto at = find(session);
    if (at == sessions_.end()) return;
    // Handlers that still run hold it.
    sessions_.erase(at);
  }

 private:
  using Sessions = std::list<std::shared_ptr<Session>>;

  Sessions::iterator find(Session& session) {
    return std::find_if(sessions_.begin(), sessions_.end(),
                        [&](const auto& one) { return one.get() == &session; });
  }

  size_t num_listeners() const {
    size_t count = 0;
    for (const auto& session : sessions_) count += session->listens() ? 1 : 0;
    return count;
  }

  void run() {
    become_a_side_thread();
    for (bool ends = false; !ends;) {
      try {
        io_.run();
        ends = true;
      } catch (const std::exception& error) {
        LOG(warn) << "the page: " << error.what();
      }
    }
  }

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        // No file descriptors are left, say: not at once again.
        auto pause =
            std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds(100));
        pause->async_wait([this, pause](boost::system::error_code) { accept(); });
        return;
      }
      close_on_exec(socket.native_handle());
      if (make_room()) {
        sessions_.push_back(std::make_shared<Session>(std::move(socket), *this));
        sessions_.back()->start();
      }
      accept();
    });
  }

  bool make_room() {
    if (sessions_.size() < limits_.connections) return true;
    ++counts_.refused;
    for (const auto& session : sessions_) {
      if (!session->is_idle()) continue;
      const auto held = session;
      held->close();
      return true;
    }
    return false;
  }

  std::shared_ptr<const std::string> event() const {
    return std::make_shared<const std::string>(
        "event: status\ndata: " + content_.status_json(feed_.drain_is_asked_for()) +
        "\n\n");
  }

  void broadcast() {
    const auto news = event();
    const Sessions listeners = sessions_;  // one may close and leave the list
    for (const auto& session : listeners) {
      if (session->listens()) session->offer(news);
    }
    is_news_ = false;
    since_event_.restart();
  }

  void tick() {
    timer_.expires_after(kTick);
    timer_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      const core::Stopwatch watch;
      while (content_.read_history() && watch.seconds() < kSecondsOfHistory)
        is_news_ = true;
      if (content_.take(feed_)) is_news_ = true;
      const double silence = since_event_.seconds();
      const bool is_due = is_news_ && silence >= kSecondsBetweenEvents;
      if (is_due || silence >= kSecondsOfSilence) broadcast();
      tick();
    });
  }

  void finish() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    content_.take(feed_);
    broadcast();
    timer_.expires_after(sessions_.empty() ? std::chrono::milliseconds(0) : kLastEvents);
    timer_.async_wait([this](boost::system::error_code) { io_.stop(); });
  }

  const DashboardConfig config_;
  const ServerLimits limits_;
  RunFeed& feed_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  const uint16_t port_;
  const std::string action_key_;
  PageContent content_;
  HttpRoutes routes_;
  ServerCounts counts_;
  Sessions sessions_;
  bool is_news_ = false;
  core::Stopwatch since_event_;
  std::thread thread_;
};

Server::Server(const DashboardConfig& config, const RunNames& names, RunFeed& feed,
               const ServerLimits& limits)
    : loop_(std::make_unique<Loop>(config, names, feed, limits)) {}

Server::~Server() = default;

uint16_t Server::port() const { return loop_->port(); }
const std::string& Server::action_key() const { return loop_->action_key(); }

std::string Server::url() const {
  const std::string& host = loop_->config().host;
  const bool is_six = host.find(':') != std::string::npos;
  return "http://" + (is_six ? "[" + host + "]" : host) + ":" + std::to_string(port()) +
         "/";
}

}  // namespace srpo::dashboard
