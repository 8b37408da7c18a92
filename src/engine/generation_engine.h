// Draws chains: many at a time, each the same as if it were alone.
#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/chain_rules.h"
#include "engine/decoder.h"
#include "engine/memory_plan.h"
#include "engine/prefix_store.h"
#include "engine/sampler.h"
#include "model/model_config.h"
#include "model/tensor_map.h"
#include "records/generation_request.h"
#include "records/trajectory.h"

namespace srpo::engine {

enum class Order : uint8_t {
  kParallel,  ///< whatever can go on goes on
  /// One chain of a group (a step's slot) after another in order of arrival: how a
  /// coordinator works that awaits each chain before it asks for the next. The same
  /// chains come out.
  kSerial,
};

/// "parallel" or "serial"; throws kBadConfig otherwise.
Order parse_order(const std::string& name);

struct EngineConfig {
  int64_t max_sequences = 64;  ///< chains that decode at once
  int64_t cache_tokens =
      65536;  ///< keys and values that fit; memory is touched as it is used
  int64_t prefill_tokens_per_step = 256;  ///< fed beside the decoding chains
  int threads = 1;
  std::string weight_dtype = "float32";  ///< or "bfloat16": of products, added in fp32
  Order order = Order::kParallel;
};

struct EngineStatistics {
  uint64_t steps = 0;
  uint64_t decoded_tokens = 0;    ///< drawn
  uint64_t prefilled_tokens = 0;  ///< fed without drawing after them
  uint64_t forked_tokens = 0;     ///< taken over from another chain's or prompt's cache
  uint64_t preemptions = 0;
  uint64_t evictions = 0;
};

/// Continuous batching over paged caches. A chain's tokens and log-probabilities are a
/// pure function of weights and request: not of the batch, of chunks, of forks,
/// preemptions and evictions, nor of the number of threads. Memory: when the cache is
/// full, idle prompts and retained chains go first (least recently used; a later suffix
/// is then prefilled), then prompts that chains wait for, then running chains, the lowest
/// priority and of these the youngest first; they are computed again later. A waiting
/// chain takes the seat of a running one of lower priority. One thread only.
class GenerationEngine {
 public:
  using TokenBytes = std::function<std::string(int32_t)>;
  using TokenListener = std::function<void(const records::TrajectoryId&, int32_t token)>;

  GenerationEngine(const model::ModelConfig& model, const model::TensorMap& weights,
                   const EngineConfig& config, TokenBytes token_bytes);
  GenerationEngine(std::unique_ptr<Decoder> decoder, const EngineConfig& config,
                   TokenBytes token_bytes);

  /// Queues. The context is the smaller of limits.context_tokens and the model's
  /// positions. A suffix whose parent is retained here is forked from it at the end of
  /// its prefix; otherwise chains of equal beginnings share one prefill. Throws kBadInput
  /// for tokens outside the vocabulary, an empty prompt, a prefix that is not the
  /// parent's, impossible sampling settings, stop strings that no tokens can spell,
  /// limits that could outgrow the whole cache, and an id that is in flight already.
  /// Nothing else is disturbed.
  void submit(records::GenerationRequest request);

  /// One step of the batch; false when no chain is left.
  bool step();

  /// Finished chains in order of finishing: tokens, logprobs, thought_ends, finish,
  /// prefix_length, policy_version, counts and seconds; `text`, `use` and `verdict` are
  /// the caller's. prefilled_tokens counts tokens fed without drawing after them, of a
  /// shared prompt by the chain that was first to use it: 0 for a fork.
  std::vector<records::Trajectory> take_finished();

  /// Called for each token as it is drawn; must not call the engine.
  void set_listener(TokenListener listener) { listener_ = std::move(listener); }

  /// Lets a retained chain's cache go, once the suffixes queued behind it have started.
  void release(const records::TrajectoryId& id);
  /// Drops a queued or running chain without a trajectory.
  void cancel(const records::TrajectoryId& id);

  /// New weights by Hugging Face name, between two steps. Throws kBadInput, with the
  /// place, when one is not a finite number. Chains under way keep what they
  /// have drawn and go on under the new weights, which compute their caches again: a new
  /// version span begins. Drops retained chains and shared prompts.
  void swap_weights(const model::TensorMap& changed, uint32_t policy_version);

  /// log p(reply | prompt) of each reply, between two steps, in a cache of its own
  /// (scorer.h).
  std::vector<double> score_replies(std::span<const int32_t> prompt,
                                    std::span<const std::vector<int32_t>> replies);

  int64_t num_unfinished() const {
    return static_cast<int64_t>(waiting_.size() + running_.size());
  }
  int64_t num_free_blocks() const { return cache_.num_free(); }
  const EngineStatistics& statistics() const { return statistics_; }
  const MemoryPlan& memory_plan() const { return plan_; }
  /// Bytes of weights a step reads.
  int64_t weight_bytes() const { return plan_.weights; }
  /// Throws kBug unless every block of the cache is used exactly as often as chains and
  /// prompts hold it. Slow; for tests.
  void check_blocks() const;

 private:
  /// First come the high priorities, of these the oldest.
  struct Place {
    int64_t after = 0;  ///< minus the priority
    uint64_t arrival = 0;
    auto operator<=>(const Place&) const = default;
  };
  struct Chain {
    records::GenerationRequest request;
    uint64_t arrival = 0;
    std::vector<int32_t> tokens;            ///< prompt and response
    std::vector<float> logprobs;            ///< of the response
    std::vector<float> truncated_logprobs;  ///< of its sampled part
    std::vector<records::VersionSpan> spans;
    int64_t prompt_length = 0;
    std::vector<int32_t> base;  ///< prompt and kept prefix
    ChainRules rules;
    CachedSequence cache;
    SharedPrompt* awaited = nullptr;  ///< counted in its `waiting`
    uint32_t decoded = 0;
    uint32_t prefilled = 0;
    std::chrono::steady_clock::time_point submitted;

    Chain(records::GenerationRequest from, int64_t context_tokens);
    Place place() const { return {-int64_t{request.priority}, arrival}; }
    int64_t unfed() const { return static_cast<int64_t>(tokens.size()) - cache.length; }
  };
  /// A piece of the step: of a chain, or of a shared prompt.
  struct Piece {
    Chain* chain = nullptr;
    SharedPrompt* prompt = nullptr;
    DecoderItem item;
  };
  using Chains = std::map<Place, std::unique_ptr<Chain>>;

  void check_request(const records::GenerationRequest& request) const;
  void check_fits(const Chain& chain) const;
  void check_stops(const records::GenerationRequest& request) const;
  std::vector<const CachedSequence*> sequences() const;
  int64_t context_tokens(const records::GenerationRequest& request) const;
  enum class Start { kStarted, kAwaitsPrompt, kNoMemory };

  void admit();
  int64_t num_seats() const;
  bool may_sit(const Chain& chain) const;
  bool outranks_last(const Chain& chain) const;
  bool must_await_group(const Chain& chain) const;
  void note_running_groups();
  Start start(Chain& chain);
  bool take_over(Chain& chain, const CachedSequence& source);
  void await_prompt(Chain& chain);
  void stop_awaiting(Chain& chain);
  void drop_released_chains();

  void plan_running();
  void plan_chain(Chain& chain);
  void plan_prompts();
  bool plan_prompt(const std::vector<int32_t>& tokens, SharedPrompt& prompt);
  bool make_room(CachedSequence& sequence, int64_t length, int64_t spare);
  bool make_room_for_running(const Chain& chain, CachedSequence& sequence,
                             int64_t length);
  bool evict(const CachedSequence* kept);
  void preempt(Chain& chain);
  void run_step();
  void draw(Chain& chain, std::span<const float> logits);
  void finish(Chain& chain, records::FinishReason reason);

  EngineConfig config_;
  std::unique_ptr<Decoder> decoder_;
  KvCache cache_;
  PrefixStore store_;
  Sampler sampler_;
  TokenBytes token_bytes_;
  TokenListener listener_;
  MemoryPlan plan_;
  mutable std::bitset<256> token_alphabet_;  ///< bytes of tokens; found when first needed
  std::set<std::pair<uint32_t, uint32_t>> running_groups_;  ///< in serial order
  Chains waiting_;
  Chains running_;
  std::set<records::TrajectoryId> in_flight_;
  std::vector<records::Trajectory> finished_;
  std::vector<Piece> pieces_;
  std::vector<DecoderItem> items_;
  int64_t prefill_left_ = 0;
  uint64_t arrivals_ = 0;
  uint32_t policy_version_ = 0;
  EngineStatistics statistics_;
};

}  // namespace srpo::engine
