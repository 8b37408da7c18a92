// Judges responses: JSONL in, JSONL out in the same order.
#include <algorithm>
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

#include "core/config_table.h"
#include "core/error.h"
#include "core/log.h"
#include "records/problem.h"
#include "records/verdict.h"
#include "verify/bounded_json.h"
#include "verify/make_verifier.h"
#include "verify/sandbox.h"
#include "verify/verifier_set.h"

namespace {

using nlohmann::json;
using srpo::core::Error;
using srpo::core::ErrorKind;

constexpr char kHelp[] = R"(Judges responses to problems with checkable answers.

Reads one JSON object a line from standard input:
  {"kind":"math", "reference":"42", "response":"... \\boxed{42}"}
  {"kind":"code", "tests":[{"input":"1\n", "output":"2\n"}], "response":"```python..."}
and writes one for each, in the same order, to standard output:
  {"verdict":"correct","reward":1.0,"answer":"42","took_ms":0.004}
verdict is one of correct, wrong, unparsable, timeout, resource_limit, error. "tests"
stands for "reference"; of code both may be text or JSON. Other keys are ignored, but for "id" and
"question", which lists the options of a choice.

Kinds:
  math              the last \boxed{...}, normalised as by the Hendrycks MATH scorer, must
                    equal the reference so normalised; no algebra, no tolerance
  math_equivalence  the final answer must be the same mathematics (docs/verification.md)
  math_both         either of the two
  choice            the letter of an option, or its text
  yes_no            the last whole word yes or no
  free_text         the reference stands somewhere in the response
  code              a program passes the tests, run in a sandbox (docs/verification_code.md)
  command           a command of yours says so: --command
  and whatever else `--kinds` lists.

--config reads the sections verify, code and sandbox of a job file; --set lays keys over
them, as in --set sandbox.rung=A. Where the machine offers less confinement than is asked
for, no program is run: status 64.

A line that cannot be read ends the program with `srpo_verify: stdin:LINE: reason` and
status 64, after the verdicts of all lines before it.)";

/// What the command line asks for.
struct Settings {
  size_t num_threads = 1;
  bool explain = false;
  bool stats = false;
  bool kinds = false;
  std::string config_file;
  std::vector<std::string> assignments;

  /// The sections of the job file that concern verdicts, with the options laid over them.
  srpo::verify::VerifyConfig read_config() const {
    using srpo::core::ConfigTable;
    ConfigTable job = config_file.empty() ? ConfigTable::parse("", "options")
                                          : ConfigTable::load(config_file);
    for (const std::string& assignment : assignments) job.set(assignment);
    auto config = srpo::verify::VerifyConfig::read(job);
    for (const char* section : {"verify", "code", "sandbox"}) {
      if (job.has(section)) job.section(section).refuse_unknown_keys();
    }
    if (config.workers == 0) config.workers = static_cast<uint32_t>(num_threads);
    return config;
  }
};

std::string string_field(const json& object, const char* key) {
  const auto at = object.find(key);
  REQUIRE(at != object.end() && at->is_string(), kBadInput,
          '"' << key << "\" is " << (at == object.end() ? "missing" : at->type_name())
              << " (expected a string)");
  return at->get<std::string>();
}

std::string optional_field(const json& object, const char* key) {
  return object.contains(key) ? string_field(object, key) : "";
}

/// A text, or JSON as it stands.
std::string text_or_json(const json& object, const char* key) {
  const json& value = object.at(key);
  if (value.is_string()) return value.get<std::string>();
  REQUIRE(value.is_structured(), kBadInput,
          '"' << key << "\" is " << value.type_name()
              << " (expected a string, or an object or list)");
  return value.dump();
}

std::string reference_of(const json& object) {
  if (object.contains("tests")) {
    const json& tests = object.at("tests");
    return tests.is_array() ? json{{"tests", tests}}.dump()
                            : text_or_json(object, "tests");
  }
  if (object.value("kind", "") == "code" && object.contains("reference")) {
    return text_or_json(object, "reference");
  }
  return string_field(object, "reference");
}

struct Task {
  size_t number = 0;  // place in the input, from 0
  const srpo::verify::Verifier* verifier = nullptr;
  srpo::records::Problem problem;
  std::string response;
};

/// Throws kBadInput for a line that is no task, kBadConfig for one of a kind that cannot
/// be judged here.
Task read_task(const std::string& line, srpo::verify::VerifierSet& verifiers) {
  const json object = srpo::verify::parse_bounded_json(line);
  REQUIRE(object.is_object(), kBadInput, "expected a JSON object");
  Task task;
  task.problem.kind = string_field(object, "kind");
  task.problem.reference = reference_of(object);
  task.problem.id = object.contains("id") ? object["id"].dump() : "";
  task.problem.question = optional_field(object, "question");
  task.response = string_field(object, "response");
  task.verifier = &verifiers.of_kind(task.problem.kind);
  return task;
}

struct Judged {
  std::string line;
  double took_ms = 0;
  bool correct = false;
};

Judged judge(const Task& task, bool explain) {
  srpo::verify::Explanation told;
  const auto verdict =
      explain ? task.verifier->verify_explained(task.problem, task.response, told)
              : task.verifier->verify(task.problem, task.response);
  nlohmann::ordered_json line;
  line["verdict"] = name_of(verdict.kind);
  line["reward"] = verdict.reward;
  line["answer"] = verdict.answer;
  line["took_ms"] = verdict.took_ms;
  if (explain) {
    line["found_by"] = told.found_by;
    line["parsed_answer"] = told.answer_form;
    line["parsed_reference"] = told.reference_form;
    line["reason"] = told.reason;
    for (const auto& test : told.tests) {
      line["tests"].push_back({{"verdict", name_of(test.kind)}, {"reason", test.reason}});
    }
  }
  return {
      line.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace) + "\n",
      verdict.took_ms, verdict.kind == srpo::records::VerdictKind::kCorrect};
}

/// Judges tasks on threads of its own and prints the verdicts in the order in which the
/// tasks came. Thread-safe.
class OrderedJudges {
 public:
  explicit OrderedJudges(const Settings& settings)
      : explain_(settings.explain), most_waiting_(64 * settings.num_threads) {
    for (size_t i = 0; i < settings.num_threads; ++i)
      threads_.emplace_back([this] { work(); });
  }

  ~OrderedJudges() { finish(); }
  OrderedJudges(const OrderedJudges&) = delete;
  OrderedJudges& operator=(const OrderedJudges&) = delete;

  /// Waits for all verdicts; nothing can be added afterwards.
  void finish() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  /// Times of all checks in ms, and how many were correct; after finish().
  std::vector<double>& times() { return times_; }
  size_t num_correct() const { return num_correct_; }

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
      Judged judged = judge(task, explain_);
      lock.lock();
      times_.push_back(judged.took_ms);
      num_correct_ += judged.correct ? 1 : 0;
      finished_[task.number] = std::move(judged.line);
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

  const bool explain_;
  const size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::map<size_t, std::string> finished_;
  size_t num_added_ = 0;
  size_t num_printed_ = 0;
  bool closed_ = false;
  std::vector<double> times_;
  size_t num_correct_ = 0;
  std::vector<std::thread> threads_;  // last: they use all of the above
};

/// One line on standard error about all checks.
void print_stats(OrderedJudges& judges, const srpo::verify::CacheCounts& cache) {
  std::vector<double>& times = judges.times();
  std::sort(times.begin(), times.end());
  const auto at = [&times](double part) {
    return times.empty()
               ? 0.0
               : times[static_cast<size_t>(part * static_cast<double>(times.size() - 1))];
  };
  double total_ms = 0;
  for (const double time : times) total_ms += time;
  const double hit_rate = cache.lookups == 0 ? 0
                                             : static_cast<double>(cache.hits) /
                                                   static_cast<double>(cache.lookups);
  std::fprintf(stderr,
               "srpo_verify: %zu checks, %zu correct, %.1f ms in all, p50 %.4f ms, p99 "
               "%.4f ms, longest %.4f ms, cache hit rate %.3f\n",
               times.size(), judges.num_correct(), total_ms, at(0.5), at(0.99), at(1),
               hit_rate);
}

/// Judges all of standard input; what is wrong with the first bad line, if one is.
std::optional<std::string> judge_input(const Settings& settings) {
  srpo::verify::VerifierSet verifiers(settings.read_config());
  OrderedJudges judges(settings);
  std::string line;
  for (size_t number = 1; std::getline(std::cin, line); ++number) {
    const std::string place = "stdin:" + std::to_string(number) + ": ";
    try {
      judges.add(read_task(line, verifiers));
    } catch (const json::exception& error) {
      return place + "not a line of JSON: " + error.what();
    } catch (const Error& error) {
      return place + error.what();
    }
  }
  judges.finish();
  if (settings.stats) print_stats(judges, verifiers.cache_counts());
  return std::nullopt;
}

void add_options(CLI::App& app, Settings& settings) {
  app.add_option("--jobs", settings.num_threads, "Threads that judge")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--explain", settings.explain,
               "Add found_by, parsed_answer, parsed_reference and reason to each line");
  app.add_flag("--stats", settings.stats,
               "A line on standard error at the end: checks, times, cache hit rate");
  app.add_flag("--kinds", settings.kinds, "List the kinds of problems and end");
  // A JSON string is one of YAML.
  const auto set_text = [&settings](const char* key) {
    return [&settings, key](const std::string& text) {
      settings.assignments.push_back(std::string(key) + "=" + json(text).dump());
    };
  };
  app.add_option_function<std::string>("--command", set_text("verify.command.run"),
                                       "Shell line that judges problems of kind command");
  app.add_option_function<std::string>("--command-files",
                                       set_text("verify.command.files"),
                                       "Files for it, with spaces between them");
  app.add_option("--config", settings.config_file,
                 "Job file (YAML) whose sections verify, code and sandbox count");
  app.add_option("--set", settings.assignments,
                 "key=value, laid over them; may be repeated")
      ->allow_extra_args(false);
  const auto set = [&settings](const char* assignment) {
    return [&settings, assignment] { settings.assignments.emplace_back(assignment); };
  };
  app.add_option_function<int>(
         "--decimal-places",
         [&settings](int places) {
           settings.assignments.push_back("verify.decimal_places=" +
                                          std::to_string(places));
         },
         "Equivalence: digits behind the point from which a decimal stands for what it "
         "rounds (6)")
      ->check(CLI::Range(1, 1000000));
  app.add_flag_callback("--last-expression", set("verify.last_expression=true"),
                        "Equivalence: without a box or an announced answer, take the "
                        "last formula or number");
  app.add_flag_callback("--decimal-comma", set("verify.decimal_comma=true"),
                        "Equivalence: 1,5 is a number, not a list");
  app.add_flag_callback("--percent-is-value", set("verify.percent_is_unit=false"),
                        "Equivalence: 50% is 0.5 and not 50");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(kHelp, "srpo_verify");
  Settings settings;
  add_options(app, settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : srpo::core::exit_code(ErrorKind::kBadInput);
  }
  if (settings.kinds) {
    for (const auto& kind : srpo::verify::verifier_kinds()) std::puts(kind.c_str());
    return 0;
  }
  std::ios::sync_with_stdio(false);
  srpo::core::start_log("verify", srpo::core::LogLevel::info);
  std::optional<std::string> fault;
  try {
    fault = judge_input(settings);
  } catch (const Error& error) {
    fault = error.what();
  }
  if (fault) {
    std::fflush(stdout);
    std::fprintf(stderr, "srpo_verify: %s\n", fault->c_str());
    return srpo::core::exit_code(ErrorKind::kBadInput);
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::perror("srpo_verify: stdout");
    return srpo::core::exit_code(ErrorKind::kNoSpace);
  }
  return 0;
}
