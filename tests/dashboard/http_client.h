// A plain blocking HTTP client for tests: sends bytes, reads bytes.
#pragma once

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace srpo::test {

class HttpClient {
 public:
  explicit HttpClient(uint16_t port, int seconds = 5) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{seconds, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_open_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&place), sizeof place) == 0;
  }
  ~HttpClient() { ::close(socket_); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  bool is_open() const { return is_open_; }

  bool send(const std::string& bytes) const {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }

  /// What has come when `part` is in it, the other side closes, or nothing comes.
  std::string read_until(const std::string& part) const {
    std::string text;
    char bytes[65536];
    while (part.empty() || text.find(part) == std::string::npos) {
      const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
      if (count <= 0) break;
      text.append(bytes, static_cast<size_t>(count));
    }
    return text;
  }

  /// The whole answer to a request that asks for the connection to be closed.
  static std::string ask(uint16_t port, const std::string& method,
                         const std::string& target, const std::string& headers = "",
                         const std::string& host = "127.0.0.1") {
    const HttpClient client(port);
    client.send(method + " " + target + " HTTP/1.1\r\nHost: " + host +
                "\r\nConnection: close\r\n" + headers + "\r\n");
    return client.read_until("");
  }
  static std::string get(uint16_t port, const std::string& target,
                         const std::string& headers = "") {
    return ask(port, "GET", target, headers);
  }

 private:
  int socket_ = -1;
  bool is_open_ = false;
};

/// The status code of an answer; 0 when it is none.
inline int status_of(const std::string& answer) {
  return answer.rfind("HTTP/1.1 ", 0) == 0 ? std::atoi(answer.c_str() + 9) : 0;
}

/// What stands behind the headers.
inline std::string body_of(const std::string& answer) {
  const size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

}  // namespace srpo::test
