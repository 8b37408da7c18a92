// Encoding, decoding and chat rendering on one thread, beside Hugging Face's.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "apps/bench.h"
#include "core/error.h"
#include "core/files.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace srpo::bench {
namespace {

using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr size_t kMaxCorpusBytes = size_t{12} << 20;

std::string variable(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

std::vector<std::string> parts_of(const std::string& list, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin < list.size();) {
    const size_t end = std::min(list.find(separator, begin), list.size());
    if (end > begin) parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// The problem sets line by line, or the files of SRPO_BENCH_TEXT whole.
std::vector<std::string> read_corpus(const fs::path& data) {
  std::vector<std::string> documents;
  const std::string files = variable("SRPO_BENCH_TEXT", "");
  for (const std::string& file : parts_of(files, ':'))
    documents.push_back(core::read_file(file));
  if (!documents.empty()) return documents;
  REQUIRE(fs::is_directory(data / "problems"), kBadInput,
          data.string() << " has no problems/ (set SRPO_DATA to the folder of public data, "
                           "or SRPO_BENCH_TEXT to files of text, separated by colons)");
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(data / "problems")) {
    if (entry.path().extension() == ".jsonl") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  size_t bytes = 0;
  for (const fs::path& path : paths) {
    for (std::string& line : parts_of(core::read_file(path), '\n')) {
      if ((bytes += line.size()) < kMaxCorpusBytes) documents.push_back(std::move(line));
    }
  }
  return documents;
}

/// Calls pass() as often as `seconds` allow, and returns the seconds of one; the best of
/// `repeats`.
template <class Pass>
double seconds_of(const Options& options, const Pass& pass) {
  pass();  // fills the caches
  double least = 1e30;
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    const auto start = Clock::now();
    int passes = 0;
    double passed = 0;
    do {
      pass();
      ++passes;
      passed = std::chrono::duration<double>(Clock::now() - start).count();
    } while (passed < options.seconds);
    least = std::min(least, passed / passes);
  }
  return least;
}

/// What the peer measured in this run: row name to value; empty without a peer.
std::map<std::string, double> run_peer(const ordered_json& task) {
  const std::string command = variable("SRPO_TEXT_PEER", "");
  if (command.empty()) return {};
  const fs::path file =
      fs::temp_directory_path() / ("srpo_bench_text_" + std::to_string(::getpid()));
  core::write_file(file, task.dump());
  const std::string line = command + " '" + file.string() + "'";
  FILE* pipe = ::popen(line.c_str(), "r");
  REQUIRE(pipe != nullptr, kBadInput, "cannot run " << line);
  std::string answer;
  char buffer[4096];
  for (size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    answer.append(buffer, got);
  const int status = ::pclose(pipe);
  fs::remove(file);
  REQUIRE(status == 0, kBadInput, line << " ended with status " << status);
  std::map<std::string, double> rows;
  const auto parsed = nlohmann::json::parse(answer);
  for (const auto& [name, value] : parsed.items())
    rows[name] = value.get<double>();
  return rows;
}

/// A template with the constructs of the public ones: tools, turns, tool answers.
constexpr const char* kTemplate = R"({%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\n\n' }}
    {%- endif %}
    {{- "# Tools\n\n<tools>" }}
    {%- for tool in tools %}
        {{- "\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\n</tools><|im_end|>\n" }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == "user" or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- for call in message.tool_calls %}
            {{- '\n<tool_call>\n{"name": "' }}
            {{- call.function.name }}
            {{- '", "arguments": ' }}
            {{- call.function.arguments | tojson }}
            {{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {{- '<|im_start|>user\n<tool_response>\n' }}
        {{- message.content }}
        {{- '\n</tool_response><|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
)";

ordered_json one_question() {
  return {{"messages",
           {{{"role", "user"}, {"content", "Natalia sold clips to 48 friends. How many?"}}}},
          {"add_generation_prompt", true}};
}

ordered_json long_conversation() {
  const ordered_json parameters = {
      {"type", "object"},
      {"properties", {{"city", {{"type", "string"}, {"description", "the town's name"}}}}},
      {"required", {"city"}}};
  const ordered_json tool = {{"type", "function"},
                             {"function",
                              {{"name", "weather"},
                               {"description", "The weather of a town"},
                               {"parameters", parameters}}}};
  ordered_json messages = ordered_json::array();
  messages.push_back({{"role", "system"}, {"content", "You answer briefly."}});
  for (int turn = 0; turn < 8; ++turn) {
    const ordered_json call = {
        {"type", "function"},
        {"function", {{"name", "weather"}, {"arguments", {{"city", "Lund"}}}}}};
    messages.push_back({{"role", "user"}, {"content", "What is the weather in Lund?"}});
    messages.push_back({{"role", "assistant"},
                        {"content", ""},
                        {"tool_calls", ordered_json::array({call})}});
    messages.push_back({{"role", "tool"}, {"content", "{\"sky\": \"grey\"}"}});
    messages.push_back({{"role", "assistant"}, {"content", "It is grey, as ever."}});
  }
  return {{"messages", messages},
          {"tools", ordered_json::array({tool, tool})},
          {"add_generation_prompt", true}};
}

class TextBenchmark {
 public:
  TextBenchmark(const Options& options, std::vector<std::string> tokenizers,
                std::vector<std::string> documents)
      : options_(options),
        tokenizers_(std::move(tokenizers)),
        documents_(std::move(documents)) {
    for (const std::string& document : documents_) bytes_ += document.size();
    task_ = {{"tokenizers", tokenizers_},
             {"documents", documents_},
             {"template", kTemplate},
             {"conversations",
              {{"one question", one_question()}, {"long, with tools", long_conversation()}}},
             {"repeats", options.repeats},
             {"seconds", options.seconds}};
  }

  void run() {
    const auto peer = run_peer(task_);
    Report report("text", options_);
    const auto add = [&](const std::string& name, const std::string& unit, double value,
                         const std::string& note) {
      if (!report.wants(name)) return;
      const auto found = peer.find(name);
      report.add({name, unit, value, found == peer.end() ? 0 : found->second, note});
    };
    for (const std::string& path : tokenizers_) measure_tokenizer(path, add);
    const text::ChatTemplate chat(kTemplate, {}, "benchmark");
    for (const auto& [name, conversation] : task_["conversations"].items()) {
      const double seconds = seconds_of(options_, [&] { chat.render(conversation); });
      add("chat: " + name, "/s", 1 / seconds, "");
    }
    report.finish();
  }

 private:
  template <class Add>
  void measure_tokenizer(const std::string& path, const Add& add) const {
    const std::string name = fs::path(path).parent_path().filename().string() + "/" +
                             fs::path(path).filename().string();
    const auto start = Clock::now();
    const auto tokenizer = text::Tokenizer::load(path);
    const double load = std::chrono::duration<double>(Clock::now() - start).count();
    std::vector<std::vector<int32_t>> ids(documents_.size());
    size_t num_ids = 0;
    const double encode = seconds_of(options_, [&] {
      num_ids = 0;
      for (size_t i = 0; i < documents_.size(); ++i) {
        ids[i] = tokenizer.encode(documents_[i], false);
        num_ids += ids[i].size();
      }
    });
    const double decode = seconds_of(options_, [&] {
      for (size_t i = 0; i < documents_.size(); ++i) {
        REQUIRE(tokenizer.decode(ids[i]).size() >= documents_[i].size() / 2, kBug,
                "decoding lost text of document " << i);
      }
    });
    const double megabytes = static_cast<double>(bytes_) / 1e6;
    const std::string note = std::to_string(num_ids) + " tokens of " +
                             std::to_string(bytes_) + " bytes";
    add("load: " + name, "us", load * 1e6, "");
    add("encode: " + name, "MB/s", megabytes / encode, note);
    add("decode: " + name, "MB/s", megabytes / decode, "");
  }

  const Options& options_;
  std::vector<std::string> tokenizers_;
  std::vector<std::string> documents_;
  size_t bytes_ = 0;
  ordered_json task_;
};

int run_text(const Options& options, int*, char***) {
  const fs::path data = variable("SRPO_DATA", "../shared/data");
  const std::string named = variable(
      "SRPO_BENCH_TOKENIZERS", (data / "tokenizers" / "dolma2_tokenizer.json").string());
  const auto tokenizers = parts_of(named, ':');
  for (const std::string& path : tokenizers) {
    REQUIRE(fs::exists(path), kBadInput,
            path << " is absent (set SRPO_DATA, or SRPO_BENCH_TOKENIZERS to tokenizer.json "
                    "files, separated by colons)");
  }
  TextBenchmark(options, tokenizers, read_corpus(data)).run();
  return 0;
}

const Registration text_benchmark(
    "text",
    "tokens and chat templates on one thread; SRPO_TEXT_PEER=\"python "
    "bench/tokenizers_peer.py\" puts Hugging Face beside it",
    run_text);

}  // namespace
}  // namespace srpo::bench
