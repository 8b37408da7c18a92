// Judges responses: JSONL in, JSONL out in the same order.
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "records/problem.h"
#include "records/verdict.h"
#include "verify/make_verifier.h"

namespace {

using nlohmann::json;
using srpo::core::Error;
using srpo::core::ErrorKind;

constexpr char kHelp[] = R"(Judges responses to problems with checkable answers.

Reads one JSON object a line from standard input:
  {"kind":"math", "reference":"42", "response":"... \\boxed{42}"}
and writes one for each, in the same order, to standard output:
  {"verdict":"correct","reward":1.0,"answer":"42","took_ms":0.004}
verdict is one of correct, wrong, unparsable. Other keys are ignored.
The only kind there is: math (the last \boxed{...}, normalised as by the Hendrycks
MATH scorer, must equal the reference so normalised; no algebra, no tolerance).

A line that cannot be read ends the program with `stdin:LINE: reason` and status 64,
after the verdicts of all lines before it.)";

std::string string_field(const json& object, const char* key) {
  const auto at = object.find(key);
  REQUIRE(at != object.end() && at->is_string(), kBadInput,
          '"' << key << "\" is " << (at == object.end() ? "missing" : at->type_name())
              << " (expected a string)");
  return at->get<std::string>();
}

struct Task {
  size_t number = 0;  // place in the input, from 0
  const srpo::verify::Verifier* verifier = nullptr;
  srpo::records::Problem problem;
  std::string response;
};

/// Reads lines into tasks. Owns one verifier for each kind.
class TaskReader {
 public:
  TaskReader() {
    for (const std::string& kind : srpo::verify::verifier_kinds()) {
      verifiers_[kind] = srpo::verify::make_verifier(kind);
    }
  }

  /// Throws kBadInput for a line that is no task.
  Task read(const std::string& line) const {
    const json object = json::parse(line);
    REQUIRE(object.is_object(), kBadInput, "expected a JSON object");
    Task task;
    task.problem.kind = string_field(object, "kind");
    const auto at = verifiers_.find(task.problem.kind);
    REQUIRE(
        at != verifiers_.end(), kBadInput,
        "unknown kind '" << task.problem.kind << "' (expected " << known_kinds() << ")");
    task.verifier = at->second.get();
    task.problem.reference = string_field(object, "reference");
    task.response = string_field(object, "response");
    return task;
  }

 private:
  std::string known_kinds() const {
    std::string names;
    for (const auto& [kind, verifier] : verifiers_)
      names += (names.empty() ? "" : ", ") + kind;
    return names;
  }

  std::map<std::string, std::unique_ptr<srpo::verify::Verifier>> verifiers_;
};

std::string judge(const Task& task) {
  const auto verdict = task.verifier->verify(task.problem, task.response);
  nlohmann::ordered_json line;
  line["verdict"] = name_of(verdict.kind);
  line["reward"] = verdict.reward;
  line["answer"] = verdict.answer;
  line["took_ms"] = verdict.took_ms;
  return line.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace) +
         "\n";
}

/// Judges tasks on threads of its own and prints the verdicts in the order in which the
/// tasks came. Thread-safe.
class OrderedJudges {
 public:
  explicit OrderedJudges(size_t num_threads) : most_waiting_(64 * num_threads) {
    for (size_t i = 0; i < num_threads; ++i) threads_.emplace_back([this] { work(); });
  }

  /// Waits for all verdicts.
  ~OrderedJudges() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  OrderedJudges(const OrderedJudges&) = delete;
  OrderedJudges& operator=(const OrderedJudges&) = delete;

  /// Waits while too many verdicts are due, so that memory stays bounded.
  void add(Task task) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return num_added_ - num_printed_ < most_waiting_; });
    task.number = num_added_++;
    tasks_.push_back(std::move(task));
    changed_.notify_all();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const Task task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      std::string line = judge(task);
      lock.lock();
      finished_[task.number] = std::move(line);
      print_finished();
      changed_.notify_all();
    }
  }

  /// Everything that has nothing unfinished before it. The mutex is held.
  void print_finished() {
    for (auto next = finished_.find(num_printed_); next != finished_.end();
         next = finished_.find(num_printed_)) {
      std::fwrite(next->second.data(), 1, next->second.size(), stdout);
      finished_.erase(next);
      ++num_printed_;
    }
    if (num_printed_ == num_added_) std::fflush(stdout);
  }

  const size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::map<size_t, std::string> finished_;
  size_t num_added_ = 0;
  size_t num_printed_ = 0;
  bool closed_ = false;
  std::vector<std::thread> threads_;  // last: they use all of the above
};

/// Judges all of standard input; what is wrong with the first bad line, if one is.
std::optional<std::string> judge_input(size_t num_threads) {
  const TaskReader reader;
  OrderedJudges judges(num_threads);
  std::string line;
  for (size_t number = 1; std::getline(std::cin, line); ++number) {
    const std::string place = "stdin:" + std::to_string(number) + ": ";
    try {
      judges.add(reader.read(line));
    } catch (const json::exception& error) {
      return place + "not a line of JSON: " + error.what();
    } catch (const Error& error) {
      return place + error.what();
    }
  }
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(kHelp, "srpo_verify");
  size_t num_threads = 1;
  app.add_option("--jobs", num_threads, "Threads that judge")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : srpo::core::exit_code(ErrorKind::kBadInput);
  }
  std::ios::sync_with_stdio(false);
  if (const auto fault = judge_input(num_threads)) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", fault->c_str());
    return srpo::core::exit_code(ErrorKind::kBadInput);
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::perror("stdout");
    return srpo::core::exit_code(ErrorKind::kNoSpace);
  }
  return 0;
}
