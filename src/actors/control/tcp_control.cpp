#include "actors/control/tcp_control.h"

#include <csignal>

#include <boost/asio/post.hpp>

namespace srpo::actors {

TcpControl::TcpControl(ControlOptions options)
    : hub_(std::make_unique<ControlHub>(io_, door_, std::move(options))) {
  address_ = hub_->address();
  start_thread();
}

TcpControl::TcpControl(const ControlAddress& address, int process, uint32_t incarnation,
                       ControlOptions options)
    : address_(address),
      spoke_(std::make_unique<ControlSpoke>(io_, door_, std::move(options), address,
                                            process, incarnation)) {
  start_thread();
}

void TcpControl::start_thread() {
  // Signals are for the reactor: the new thread takes none.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] {
    io_.restart();
    io_.run();
    ended_.set_value();
  });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

template <class Action>
void TcpControl::on_thread(Action action) {
  boost::asio::post(io_, [this, action = std::move(action)]() mutable {
    if (hub_) {
      action(*hub_);
    } else {
      action(*spoke_);
    }
  });
}

TcpControl::~TcpControl() {
  on_thread([](auto& side) { side.leave(); });
  if (ended_.get_future().wait_for(std::chrono::seconds(1)) != std::future_status::ready)
    io_.stop();
  thread_.join();
}

void TcpControl::send(int to, core::Bytes message) {
  ENSURE(message.size() <= kLongestControlMessage,
         "a control message of " << message.size() << " bytes");
  on_thread([to, message = std::move(message)](auto& side) mutable {
    side.send(to, std::move(message));
  });
}

void TcpControl::fence(int peer) {
  on_thread([peer](auto& side) { side.fence(peer); });
}

void TcpControl::expect(int process) {
  ENSURE(hub_ != nullptr, "only process 0 expects others");
  boost::asio::post(io_, [this, process] { hub_->expect(process); });
}

std::string TcpControl::diagnose(int peer) {
  const auto answer = std::make_shared<std::promise<std::string>>();
  auto future = answer->get_future();
  on_thread([peer, answer](auto& side) {
    side.diagnose(peer,
                  [answer](std::string text) { answer->set_value(std::move(text)); });
  });
  if (future.wait_for(std::chrono::seconds(10)) != std::future_status::ready)
    return "the control thread of this process does not answer";
  return future.get();
}

}  // namespace srpo::actors
