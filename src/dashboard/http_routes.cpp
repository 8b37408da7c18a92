#include "dashboard/http_routes.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include <nlohmann/json.hpp>

#include "analysis/dashboard_page.h"

namespace srpo::dashboard {

extern const char* const kOpenApi;

namespace {

using nlohmann::json;

constexpr const char* kJson = "application/json";
constexpr const char* kCookie = "srpo_token=";
constexpr std::streamoff kMostLogBytes = 65536;

HttpAnswer refuse(int status, const std::string& sentence) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = sentence + "\n";
  return answer;
}

HttpAnswer as_json(std::string body) {
  HttpAnswer answer;
  answer.type = kJson;
  answer.body = std::move(body);
  return answer;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      plain += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      plain += text[i] == '+' ? ' ' : text[i];
    }
  }
  return plain;
}

std::string cookie_token(const std::string& cookies) {
  size_t begin = 0;
  while (begin < cookies.size()) {
    size_t end = cookies.find(';', begin);
    if (end == std::string::npos) end = cookies.size();
    while (begin < end && cookies[begin] == ' ') ++begin;
    const std::string one = cookies.substr(begin, end - begin);
    if (one.rfind(kCookie, 0) == 0) return one.substr(std::string(kCookie).size());
    begin = end + 1;
  }
  return "";
}

std::string host_name(const std::string& host) {
  if (!host.empty() && host[0] == '[') return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

}  // namespace

std::string query_value(const std::string& query, const std::string& name) {
  size_t begin = 0;
  while (begin < query.size()) {
    size_t end = query.find('&', begin);
    if (end == std::string::npos) end = query.size();
    const std::string pair = query.substr(begin, end - begin);
    const size_t middle = pair.find('=');
    if (middle != std::string::npos && pair.substr(0, middle) == name)
      return decoded(pair.substr(middle + 1));
    begin = end + 1;
  }
  return "";
}

bool are_equal_secrets(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

bool HttpRoutes::has_token(const HttpQuestion& question,
                           const std::string& query_token) const {
  if (config_.token.empty()) return true;
  const std::string bearer = "Bearer ";
  const std::string& authorization = question.authorization;
  if (authorization.rfind(bearer, 0) == 0 &&
      are_equal_secrets(authorization.substr(bearer.size()), config_.token))
    return true;
  return are_equal_secrets(cookie_token(question.cookie), config_.token) ||
         are_equal_secrets(query_token, config_.token);
}

/// A page of somebody else that has taught the browser that its name is this machine's
/// address still sends its own name.
bool HttpRoutes::is_our_name(const std::string& host) const {
  const std::string name = host_name(host);
  const std::vector<std::string> ours = {"localhost", "127.0.0.1", "[::1]", config_.host,
                                         "[" + config_.host + "]"};
  return std::find(ours.begin(), ours.end(), name) != ours.end();
}

HttpAnswer HttpRoutes::answer(const HttpQuestion& question, const ServerCounts& counts) {
  const size_t mark = question.target.find('?');
  const std::string path = question.target.substr(0, mark);
  const std::string query =
      mark == std::string::npos ? "" : question.target.substr(mark + 1);
  if (config_.token.empty() && !is_our_name(question.host))
    return refuse(403, "this server does not answer to that host name");
  const std::string query_token = query_value(query, "token");
  if (!has_token(question, query_token))
    return refuse(401,
                  "a token is needed: open /?token=TOKEN, or send it as Authorization: "
                  "Bearer TOKEN (dashboard.token of the job)");
  if (question.method == "POST") return post(path, question);
  if (question.method != "GET" && question.method != "HEAD") {
    HttpAnswer answer = refuse(405, "expected GET, HEAD or POST");
    answer.headers.emplace_back("Allow", "GET, HEAD, POST");
    return answer;
  }
  if (path == "/" && !query_token.empty() && !config_.token.empty()) {
    // The token leaves the address line, and with it history and referrers.
    HttpAnswer answer = refuse(303, "see /");
    answer.headers.emplace_back("Location", "/");
    answer.headers.emplace_back(
        "Set-Cookie", kCookie + config_.token + "; HttpOnly; SameSite=Strict; Path=/");
    return answer;
  }
  return get(path, query, counts);
}

HttpAnswer HttpRoutes::get(const std::string& path, const std::string& query,
                           const ServerCounts& counts) {
  if (path == "/") return page();
  if (path == "/why") {
    HttpAnswer answer;
    for (const std::string& line : content_.state().why) answer.body += line + "\n";
    return answer;
  }
  if (path == "/metrics") {
    HttpAnswer answer;
    answer.type = "text/plain; version=0.0.4; charset=utf-8";
    answer.body = prometheus_text(content_, counts);
    return answer;
  }
  if (path == "/api/v1/status")
    return as_json(content_.status_json(feed_.drain_is_asked_for()));
  if (path == "/api/v1/why")
    return as_json(
        json(content_.state().why).dump(-1, ' ', false, json::error_handler_t::replace));
  if (path == "/api/v1/document") return as_json(content_.document_text());
  if (path == "/api/v1/part") return part(query_value(query, "name"));
  if (path == "/api/v1/logs") return log_of(query_value(query, "rank"));
  if (path == "/api/v1/openapi.json") return as_json(kOpenApi);
  if (path == "/api/v1/events") {
    HttpAnswer answer;
    answer.type = "text/event-stream";
    answer.streams_events = true;
    return answer;
  }
  return refuse(404, "nothing is here; /api/v1/openapi.json lists what there is");
}

HttpAnswer HttpRoutes::post(const std::string& path, const HttpQuestion& question) {
  if (path != "/api/v1/drain") return refuse(404, "expected /api/v1/drain");
  const bool has_key = are_equal_secrets(question.action_key, action_key_);
  const bool is_bearer =
      !config_.token.empty() && question.authorization == "Bearer " + config_.token;
  if (!has_key && !is_bearer)
    return refuse(403,
                  "X-SRPO-Action is not the key of this page (it stands in "
                  "dashboard.json of the run's folder)");
  feed_.ask_for_drain();
  HttpAnswer answer = as_json("{\"draining\":true}");
  answer.status = 202;
  return answer;
}

HttpAnswer HttpRoutes::page() {
  analysis::PageOptions options;
  options.live = true;
  options.action_key = action_key_;
  options.nonce = analysis::random_key();
  HttpAnswer answer;
  answer.type = "text/html; charset=utf-8";
  json runs = json::array();
  runs.push_back(content_.document());
  answer.body = analysis::dashboard_page(runs, options);
  answer.headers.emplace_back("Content-Security-Policy",
                              analysis::content_security_policy(options.nonce, true) +
                                  "; frame-ancestors 'none'");
  return answer;
}

HttpAnswer HttpRoutes::part(const std::string& name) {
  static constexpr const char* kParts[] = {"totals",     "steps",   "validation",
                                           "resets",     "metrics", "timeline",
                                           "generators", "trees",   "notes"};
  for (const char* known : kParts) {
    if (name == known)
      return as_json(
          content_.document()[name].dump(-1, ' ', false, json::error_handler_t::replace));
  }
  return refuse(400,
                "expected name=totals, steps, validation, resets, metrics, timeline, "
                "generators, trees or notes");
}

/// The file's name is made of a number only.
HttpAnswer HttpRoutes::log_of(const std::string& rank) const {
  uint32_t number = 0;
  const char* end = rank.data() + rank.size();
  const auto read = std::from_chars(rank.data(), end, number);
  const bool is_rank = !rank.empty() && read.ec == std::errc() && read.ptr == end &&
                       number < content_.num_ranks();
  if (!is_rank)
    return refuse(400, "expected rank=0.." + std::to_string(content_.num_ranks() - 1));
  std::ifstream file(
      content_.folder() / "logs" / ("rank-" + std::to_string(number) + ".log"),
      std::ios::binary | std::ios::ate);
  if (!file) return refuse(404, "rank " + std::to_string(number) + " has no log here");
  const std::streamoff size = file.tellg();
  const std::streamoff from = std::max<std::streamoff>(0, size - kMostLogBytes);
  file.seekg(from);
  HttpAnswer answer;
  answer.body.resize(static_cast<size_t>(size - from));
  file.read(answer.body.data(), static_cast<std::streamsize>(answer.body.size()));
  answer.body.resize(static_cast<size_t>(file.gcount()));
  if (from > 0) answer.body.erase(0, answer.body.find('\n') + 1);
  return answer;
}

}  // namespace srpo::dashboard
