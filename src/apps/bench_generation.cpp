// The generation engine on a real model: prefill, decoding, an SRPO group in parallel and
// in serial order, memory against plan.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <malloc.h>
#include <map>
#include <memory>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include "apps/bench.h"
#include "core/error.h"
#include "core/random.h"
#include "engine/cpu_decoder.h"
#include "engine/generation_engine.h"
#include "engine/scorer.h"
#include "model/aligned_buffer.h"
#include "model/hf_folder.h"
#include "model/transformer.h"
#include "model/worker_pool.h"
#include "text/tokenizer.h"

namespace srpo::bench {
namespace {

using engine::EngineConfig;
using engine::GenerationEngine;
using records::GenerationRequest;
using records::Trajectory;
using records::TrajectoryId;
using Clock = std::chrono::steady_clock;

constexpr int64_t kPromptTokens = 128;
constexpr int64_t kNewTokens = 64;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Bytes a second that `threads` threads read from memory together.
double memory_bandwidth(int threads, int repeats) {
  constexpr int64_t kWords = int64_t{1} << 25;  // 256 MB: more than any cache
  const model::AlignedBuffer buffer(kWords * sizeof(uint64_t));
  auto* words = static_cast<uint64_t*>(buffer.data());
  std::fill(words, words + kWords, uint64_t{1});
  model::WorkerPool pool(threads);
  double best = 0;
  for (int i = 0; i < repeats; ++i) {
    std::atomic<uint64_t> total{0};
    const auto start = Clock::now();
    pool.run(kWords / 64, [&](int64_t begin, int64_t end) {
      uint64_t sums[8] = {};
      for (int64_t w = begin * 64; w < end * 64; w += 8) {
        for (int j = 0; j < 8; ++j) sums[j] += words[w + j];
      }
      for (const uint64_t sum : sums) total += sum;
    });
    const double rate = kWords * sizeof(uint64_t) / seconds_since(start);
    REQUIRE(total == kWords, kBug, "the sum of memory is " << total);
    best = std::max(best, rate);
  }
  return best;
}

/// Resident memory of this process in bytes, without pages of files.
int64_t resident_bytes() {
  std::ifstream in("/proc/self/status");
  std::string word;
  int64_t kilobytes = 0;
  while (in >> word && word != "RssAnon:") {
  }
  in >> kilobytes;
  return kilobytes * 1024;
}

/// A model in memory and what engines on it share.
struct Subject {
  model::ModelConfig config;
  model::TensorMap weights;
  text::Tokenizer tokenizer;
  EngineConfig engine;

  explicit Subject(const Options& options)
      : config(model::ModelConfig::load(options.model)),
        weights(model::load_weights(options.model)),
        tokenizer(text::Tokenizer::load(options.model)) {
    engine.threads = options.threads;
    engine.weight_dtype = options.dtype;
  }

  /// Chains of the engine run to their limits if `endless`.
  std::unique_ptr<GenerationEngine> make(const EngineConfig& settings,
                                         bool endless) const {
    model::ModelConfig used = config;
    if (endless) used.end_of_text_ids.clear();
    return std::make_unique<GenerationEngine>(
        used, weights, settings,
        [this](int32_t token) { return tokenizer.token_bytes(token); });
  }
};

/// Prompts of random tokens that share nothing.
GenerationRequest random_request(const Subject& subject, uint32_t number,
                                 int64_t prompt_tokens, int64_t new_tokens) {
  core::Rng rng(9, core::Purpose::kTest, number);
  GenerationRequest request;
  request.id.slot = number;
  for (int64_t i = 0; i < prompt_tokens; ++i) {
    request.prompt_tokens.push_back(static_cast<int32_t>(
        100 + rng.below(static_cast<uint64_t>(subject.config.vocab_size) - 100)));
  }
  request.limits.thoughts = false;
  request.limits.response_tokens = static_cast<int32_t>(new_tokens);
  return request;
}

struct Speeds {
  double prefill = 0;  ///< tokens a second
  double decode = 0;
  int64_t planned = 0;
  int64_t resident = 0;
};

/// The first step that only decodes begins the second measurement.
Speeds measure_batch(const Subject& subject, int64_t batch, int64_t prompt_tokens,
                     int64_t new_tokens, uint32_t salt) {
  EngineConfig settings = subject.engine;
  settings.max_sequences = batch;
  settings.prefill_tokens_per_step = 512;
  settings.cache_tokens = batch * (prompt_tokens + new_tokens + 48);
  malloc_trim(0);  // what the engine before this one has left
  const int64_t before = resident_bytes();
  const auto engine = subject.make(settings, true);
  for (int64_t i = 0; i < batch; ++i) {
    engine->submit(random_request(subject, salt + static_cast<uint32_t>(i), prompt_tokens,
                                  new_tokens));
  }
  Speeds speeds;
  const auto start = Clock::now();
  const auto& counts = engine->statistics();
  const auto all = static_cast<uint64_t>(batch * (prompt_tokens - 1));
  while (counts.prefilled_tokens < all) engine->step();
  // The chains that could already decode beside the last prompts did so.
  const double tokens = static_cast<double>(all + counts.decoded_tokens);
  speeds.prefill = tokens / seconds_since(start);
  const uint64_t decoded = counts.decoded_tokens;
  const auto middle = Clock::now();
  while (engine->take_finished().empty() && engine->step()) {
  }
  speeds.decode =
      static_cast<double>(counts.decoded_tokens - decoded) / seconds_since(middle);
  speeds.planned = engine->memory_plan().total();
  speeds.resident = resident_bytes() - before;
  return speeds;
}

double peer_speed(const Options& options, int64_t batch, const char* what) {
  if (options.peers.empty()) return 0;
  std::ifstream in(options.peers);
  REQUIRE(in.good(), kBadInput, options.peers << " cannot be read");
  double best = 0;
  std::string line;
  while (std::getline(in, line)) {
    const auto row = nlohmann::json::parse(line, nullptr, false);
    if (!row.is_object() || row.value("batch", int64_t{0}) != batch) continue;
    best = std::max(best, row.value(what, 0.0));
  }
  return best;
}

void measure_batches(const Subject& subject, const Options& options, Report& report) {
  const double bandwidth = memory_bandwidth(options.threads, options.repeats) / 1e9;
  report.add({"memory read", "GB/s", bandwidth, 0,
              std::to_string(options.threads) + " threads"});
  const int64_t kv = 2 * subject.config.num_layers * subject.config.num_kv_heads *
                     subject.config.head_dim * static_cast<int64_t>(sizeof(float));
  for (const int64_t batch : {1, 4, 16, 64}) {
    const std::string name = "batch " + std::to_string(batch) + ": ";
    if (!report.wants(name)) continue;
    std::vector<double> prefill;
    std::vector<double> decode;
    Speeds last;
    for (int i = 0; i < options.repeats; ++i) {
      last = measure_batch(subject, batch, kPromptTokens, kNewTokens,
                           static_cast<uint32_t>(1000 * i));
      prefill.push_back(last.prefill);
      decode.push_back(last.decode);
    }
    report.add({name + "prefill", "tokens/s", best("/s", prefill),
                peer_speed(options, batch, "prefill"), ""});
    const double rate = best("/s", decode);
    report.add(
        {name + "decode", "tokens/s", rate, peer_speed(options, batch, "decode"), ""});
    EngineConfig settings = subject.engine;
    const double weights =
        static_cast<double>(plan_memory(subject.config, settings).weights);
    const double bytes = weights / static_cast<double>(batch) +
                         static_cast<double>(kv * (kPromptTokens + kNewTokens / 2));
    report.add({name + "read a token", "MB", bytes / 1e6, 0, "weights and cache"});
    report.add({name + "read while decoding", "GB/s", bytes * rate / 1e9, bandwidth,
                "of the memory's"});
    report.add({name + "memory", "MB", static_cast<double>(last.resident) / 1e6,
                static_cast<double>(last.planned) / 1e6, "of the plan"});
  }
}

void measure_scaling(const Subject& subject, Report& report) {
  for (const int64_t sequences : {1, 8, 64, 512}) {
    const std::string name = std::to_string(sequences) + " sequences: decode";
    if (!report.wants(name)) continue;
    const Speeds speeds = measure_batch(subject, sequences, 16, 32, 7);
    report.add({name, "tokens/s", speeds.decode, 0, "contexts of 16 to 48"});
  }
  for (const int64_t context : {256, 1024, 4096, 8000}) {
    const std::string name = "context " + std::to_string(context) + ": ";
    if (!report.wants(name) || context + 32 > subject.config.max_positions) continue;
    const Speeds speeds = measure_batch(subject, 1, context, 32, 7);
    report.add({name + "prefill", "tokens/s", speeds.prefill, 0, ""});
    report.add({name + "decode", "tokens/s", speeds.decode, 0, ""});
  }
}

using Chains = std::map<TrajectoryId, Trajectory>;

struct GroupRun {
  double seconds = 0;
  uint64_t decoded = 0;
  uint64_t prefilled = 0;
  uint64_t again = 0;  ///< fed for chains that continue another one
  Chains chains;
};

std::vector<std::string> read_questions(const std::string& path, size_t count) {
  std::ifstream in(path);
  REQUIRE(in.good(), kBadInput, path << " cannot be read (expected GSM8K as JSON lines)");
  std::vector<std::string> questions;
  std::string line;
  while (questions.size() < count && std::getline(in, line))
    questions.push_back(nlohmann::json::parse(line).at("question"));
  return questions;
}

/// What a coordinator asks for: base chains, then endings of the first one from its
/// middle thought. Both orders ask for the same.
GenerationRequest ending_of(const GenerationRequest& from, const Trajectory& base,
                            uint16_t index) {
  GenerationRequest request = from;
  request.id.kind = records::DrawKind::kSuffix;
  request.id.index = index;
  request.retain = false;
  request.parent = base.id;
  const size_t thoughts = base.thought_ends.size() / 2;
  const int64_t length = thoughts == 0 ? 0 : base.thought_ends[thoughts - 1];
  request.prefix_tokens.assign(base.tokens.begin(), base.tokens.begin() + length);
  request.prefix_logprobs.assign(base.logprobs.begin(), base.logprobs.begin() + length);
  request.prefix_thought_ends.assign(
      base.thought_ends.begin(),
      base.thought_ends.begin() + static_cast<int64_t>(thoughts));
  return request;
}

constexpr uint16_t kChains = 4;

GroupRun run_groups(const Subject& subject, engine::Order order,
                    const std::vector<std::string>& questions) {
  EngineConfig settings = subject.engine;
  settings.order = order;
  settings.max_sequences = 64;
  settings.cache_tokens = 65536;
  const auto engine = subject.make(settings, false);
  std::map<TrajectoryId, GenerationRequest> asked;
  const auto start = Clock::now();
  for (uint32_t slot = 0; slot < questions.size(); ++slot) {
    for (uint16_t i = 0; i < kChains; ++i) {
      GenerationRequest request;
      request.id = {0, slot, records::DrawKind::kFresh, i};
      request.prompt_tokens = subject.tokenizer.encode(
          "Solve the problem step by step. End each thought with </thought> and give "
          "the answer in \\boxed{}.\nProblem: " +
          questions[slot] + "\nSolution:\n");
      request.sampling.seed = 3;
      request.limits.max_thoughts = 6;
      request.limits.thought_tokens = 32;
      request.limits.response_tokens = 192;
      request.retain = i == 0;
      asked[request.id] = request;
      engine->submit(request);
    }
  }
  GroupRun run;
  bool working = true;
  while (working) {
    working = engine->step();
    for (Trajectory& chain : engine->take_finished()) {
      const GenerationRequest& request = asked[chain.id];
      if (request.retain) {
        for (uint16_t i = 0; i < kChains; ++i)
          engine->submit(ending_of(request, chain, i));
        engine->release(chain.id);
        working = true;
      }
      if (chain.id.kind == records::DrawKind::kSuffix)
        run.again += chain.prefilled_tokens;
      const TrajectoryId id = chain.id;
      run.chains.emplace(id, std::move(chain));
    }
  }
  run.seconds = seconds_since(start);
  run.decoded = engine->statistics().decoded_tokens;
  run.prefilled = engine->statistics().prefilled_tokens;
  return run;
}

bool same_chains(const Chains& a, const Chains& b) {
  const auto same = [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.tokens == y.second.tokens &&
           x.second.logprobs == y.second.logprobs &&
           x.second.thought_ends == y.second.thought_ends;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

void measure_groups(const Subject& subject, const Options& options, Report& report) {
  for (const size_t groups : {1, 8}) {
    const std::string name = std::to_string(groups) + " groups: ";
    if (!report.wants(name)) continue;
    const auto questions = read_questions(options.problems, groups);
    const GroupRun parallel = run_groups(subject, engine::Order::kParallel, questions);
    const GroupRun serial = run_groups(subject, engine::Order::kSerial, questions);
    REQUIRE(same_chains(parallel.chains, serial.chains), kBug,
            "serial order drew other chains than parallel order");
    report.add({name + "decoded", "tokens", static_cast<double>(parallel.decoded), 0,
                std::to_string(parallel.chains.size()) + " chains"});
    report.add({name + "prefilled", "tokens", static_cast<double>(parallel.prefilled), 0,
                "each prompt once"});
    report.add({name + "prefilled again", "tokens", static_cast<double>(parallel.again),
                0, "for chains that go on from the middle of another"});
    REQUIRE(parallel.again == 0 && serial.again == 0, kBug,
            "a reset prefilled " << parallel.again << " tokens again");
    report.add({name + "chains", "/s",
                static_cast<double>(parallel.chains.size()) / parallel.seconds,
                static_cast<double>(serial.chains.size()) / serial.seconds,
                "against serial order; bit-equal"});
  }
}

/// log p of each token after the first, as the learner computes it.
std::vector<float> learner_logprobs(const Subject& subject,
                                    const std::vector<int32_t>& tokens) {
  model::TensorMap weights;
  for (const auto& [name, tensor] : subject.weights)
    weights[name] = tensor.to(at::kFloat).contiguous();
  model::TokenForest forest;
  std::vector<int64_t> rows;
  std::vector<int64_t> targets;
  for (size_t t = 0; t < tokens.size(); ++t) {
    forest.tokens.push_back(tokens[t]);
    forest.positions.push_back(static_cast<int64_t>(t));
    if (t == 0) continue;
    rows.push_back(static_cast<int64_t>(t) - 1);
    targets.push_back(tokens[t]);
  }
  forest.segments.push_back({0, forest.num_tokens(), -1});
  const auto bound = [&](const char* name) {
    return model::bind_parameter(name, weights, {});
  };
  const auto embedding = bound("model.embed_tokens.weight");
  model::Transformer transformer(subject.config, false);
  transformer.begin(forest, embedding.value);
  for (int64_t layer = 0; layer < subject.config.num_layers; ++layer) {
    transformer.forward_layer(
        layer, model::bind_layer(subject.config, layer, weights, {}, nullptr));
  }
  const model::HeadParameters head{
      bound("model.norm.weight"),
      subject.config.tie_embeddings ? embedding : bound("lm_head.weight")};
  return transformer.score({rows, targets}, head);
}

void measure_gap(const Subject& subject, const Options& options, Report& report) {
  if (!report.wants("gap to the learner")) return;
  std::string text;
  for (const std::string& question : read_questions(options.problems, 6))
    text += question + "\n";
  const std::vector<int32_t> tokens = subject.tokenizer.encode(text);
  const auto expected = learner_logprobs(subject, tokens);
  for (const char* dtype : {"float32", "bfloat16"}) {
    engine::CpuDecoder decoder(subject.config, subject.weights,
                               model::parse_weight_type(dtype), options.threads);
    const auto found = engine::score_tokens(decoder, tokens);
    double largest = 0;
    double sum = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      const double gap = std::abs(static_cast<double>(found[i]) - expected[i]);
      largest = std::max(largest, gap);
      sum += gap;
    }
    const std::string name = std::string("gap to the learner, ") + dtype;
    report.add({name + ": max", "1e-6 nats", largest * 1e6, 0,
                std::to_string(found.size()) + " tokens"});
    report.add({name + ": mean", "1e-6 nats",
                sum / static_cast<double>(found.size()) * 1e6, 0, ""});
  }
}

int run_generation(const Options& options, int*, char***) {
  at::set_num_threads(1);
  Report report("generation", options);
  const Subject subject(options);
  measure_batches(subject, options, report);
  measure_scaling(subject, report);
  measure_groups(subject, options, report);
  measure_gap(subject, options, report);
  report.finish();
  return 0;
}

const Registration generation_benchmark(
    "generation",
    "prefill, decoding, an SRPO group in both orders, memory against plan (--model)",
    run_generation);

}  // namespace
}  // namespace srpo::bench
