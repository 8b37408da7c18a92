#include "engine/generation_engine.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "core/error.h"
#include "core/random.h"
#include "engine/cpu_decoder.h"
#include "engine/scorer.h"

namespace srpo::engine {
namespace {

void check_config(const EngineConfig& config) {
  REQUIRE(config.max_sequences >= 1, kBadConfig,
          "max_sequences is " << config.max_sequences << " (expected at least 1)");
  REQUIRE(config.prefill_tokens_per_step >= 1, kBadConfig,
          "prefill_tokens_per_step is " << config.prefill_tokens_per_step
                                        << " (expected at least 1)");
  REQUIRE(config.cache_tokens >= KvCache::kBlockTokens, kBadConfig,
          "cache_tokens is " << config.cache_tokens << " (expected at least "
                             << KvCache::kBlockTokens << ")");
}

/// Refuses what does not fit or cannot be before anything is allocated.
std::unique_ptr<Decoder> make_decoder(const model::ModelConfig& model,
                                      const model::TensorMap& weights,
                                      const EngineConfig& config) {
  check_config(config);
  require_memory(plan_memory(model, config));
  check_finite(weights);
  return std::make_unique<CpuDecoder>(
      model, weights, model::parse_weight_type(config.weight_dtype), config.threads);
}

}  // namespace

using records::GenerationRequest;
using records::Trajectory;
using records::TrajectoryId;

GenerationEngine::Chain::Chain(GenerationRequest from, int64_t context_tokens)
    : request(std::move(from)),
      tokens(request.prompt_tokens),
      logprobs(request.prefix_logprobs),
      prompt_length(static_cast<int64_t>(request.prompt_tokens.size())),
      rules(request, context_tokens),
      submitted(std::chrono::steady_clock::now()) {
  tokens.insert(tokens.end(), request.prefix_tokens.begin(), request.prefix_tokens.end());
  base = tokens;
}

Order parse_order(const std::string& name) {
  if (name == "parallel") return Order::kParallel;
  REQUIRE(name == "serial", kBadConfig,
          "generation order '" << name << "' (expected parallel or serial)");
  return Order::kSerial;
}

GenerationEngine::GenerationEngine(const model::ModelConfig& model,
                                   const model::TensorMap& weights,
                                   const EngineConfig& config, TokenBytes token_bytes)
    : GenerationEngine(make_decoder(model, weights, config), config,
                       std::move(token_bytes)) {
  plan_ = plan_memory(model, config);
}

GenerationEngine::GenerationEngine(std::unique_ptr<Decoder> decoder,
                                   const EngineConfig& config, TokenBytes token_bytes)
    : config_(config),
      decoder_(std::move(decoder)),
      cache_(decoder_->cache_shape(), config.cache_tokens / KvCache::kBlockTokens),
      store_(cache_),
      token_bytes_(std::move(token_bytes)) {
  check_config(config);
}

int64_t GenerationEngine::context_tokens(const GenerationRequest& request) const {
  return std::min<int64_t>(request.limits.context_tokens, decoder_->max_positions());
}

void GenerationEngine::check_request(const GenerationRequest& request) const {
  const std::string name = "request " + request.id.to_string();
  check_sampling(request.sampling, decoder_->vocab_size());
  check_stops(request);
  REQUIRE(!request.prompt_tokens.empty(), kBadInput, name << ": the prompt is empty");
  for (const auto* tokens : {&request.prompt_tokens, &request.prefix_tokens}) {
    for (const int32_t token : *tokens) {
      REQUIRE(token >= 0 && token < decoder_->vocab_size(), kBadInput,
              name << ": token " << token << " (expected 0 to "
                   << decoder_->vocab_size() - 1 << ")");
    }
  }
  REQUIRE(request.prefix_logprobs.size() == request.prefix_tokens.size(), kBadInput,
          name << ": " << request.prefix_logprobs.size() << " log-probabilities for "
               << request.prefix_tokens.size() << " prefix tokens");
  const auto& ends = request.prefix_thought_ends;
  const bool rising =
      std::adjacent_find(ends.begin(), ends.end(), std::greater_equal<>()) == ends.end();
  const size_t last = ends.empty() ? 0 : ends.back();
  REQUIRE(
      rising && (ends.empty() || ends.front() > 0) &&
          (request.limits.thoughts ? last == request.prefix_tokens.size() : ends.empty()),
      kBadInput, name << ": the kept thoughts do not end where the prefix does");
  REQUIRE(request.limits.thought_tokens >= 1, kBadInput,
          name << ": thought_tokens is " << request.limits.thought_tokens
               << " (expected at least 1)");
  REQUIRE(!in_flight_.contains(request.id), kBadInput, name << " is in flight already");
}

void GenerationEngine::check_stops(const GenerationRequest& request) const {
  const std::string name = "request " + request.id.to_string();
  const auto& stops = request.limits.stops;
  REQUIRE(stops.empty() || !request.limits.thoughts, kBadInput,
          name << ": stop strings end plain text (a chain of thoughts ends by itself)");
  if (!stops.empty() && token_alphabet_.none()) {
    for (int64_t id = 0; id < decoder_->vocab_size(); ++id) {
      for (const char byte : token_bytes_(static_cast<int32_t>(id)))
        token_alphabet_.set(static_cast<unsigned char>(byte));
    }
  }
  for (const std::string& stop : stops) {
    REQUIRE(!stop.empty(), kBadInput, name << ": a stop string is empty");
    for (const char byte : stop) {
      const auto value = static_cast<unsigned char>(byte);
      REQUIRE(token_alphabet_.test(value), kBadInput,
              name << ": stop string '" << stop << "' holds byte " << int{value}
                   << ", which no token of the model has");
    }
  }
}

void GenerationEngine::check_fits(const Chain& chain) const {
  const GenerationRequest& request = chain.request;
  const int64_t longest = std::min(chain.prompt_length + request.limits.response_tokens,
                                   context_tokens(request));
  REQUIRE(KvCache::blocks_for(longest) + 1 <= cache_.num_blocks(), kBadInput,
          "request " << request.id.to_string() << " may need "
                     << KvCache::blocks_for(longest) + 1
                     << " blocks of cache (expected at most " << cache_.num_blocks()
                     << ": raise cache_tokens or lower its limits)");
}

void GenerationEngine::submit(GenerationRequest request) {
  check_request(request);
  const int64_t context = context_tokens(request);
  auto chain = std::make_unique<Chain>(std::move(request), context);
  chain->arrival = arrivals_++;
  if (const auto ended = chain->rules.before_first_token()) return finish(*chain, *ended);
  check_fits(*chain);
  if (chain->request.parent) {
    const RetainedChain* parent = store_.find_chain(*chain->request.parent);
    REQUIRE(parent == nullptr || (parent->tokens.size() >= chain->base.size() &&
                                  std::equal(chain->base.begin(), chain->base.end(),
                                             parent->tokens.begin())),
            kBadInput,
            "request " << chain->request.id.to_string()
                       << ": its prompt and prefix are not the beginning of "
                       << chain->request.parent->to_string());
  }
  in_flight_.insert(chain->request.id);
  const Place place = chain->place();
  waiting_.emplace(place, std::move(chain));
}

bool GenerationEngine::step() {
  if (waiting_.empty() && running_.empty()) return false;
  // A prompt that begins like another one may be complete without a piece in the step:
  // then its chains start at once.
  for (int attempt = 0; attempt < 3 && pieces_.empty(); ++attempt) {
    prefill_left_ = config_.prefill_tokens_per_step;
    admit();
    plan_running();
    plan_prompts();
  }
  ENSURE(!pieces_.empty(), waiting_.size() << " chains wait and none can go on");
  run_step();
  drop_released_chains();
  return true;
}

/// There is a free seat, or one that a chain of lower priority has.
bool GenerationEngine::may_sit(const Chain& chain) const {
  return static_cast<int64_t>(running_.size()) < config_.max_sequences ||
         outranks_last(chain);
}

/// The chain that would be stopped first has a lower priority.
bool GenerationEngine::outranks_last(const Chain& chain) const {
  return !running_.empty() && running_.rbegin()->first.after > chain.place().after;
}

/// In serial order: another chain of its group is under way.
bool GenerationEngine::must_await_group(const Chain& chain) const {
  return running_groups_.contains({chain.request.id.step, chain.request.id.slot});
}

int64_t GenerationEngine::num_seats() const {
  int64_t seats = config_.max_sequences - static_cast<int64_t>(running_.size());
  if (waiting_.empty()) return seats;
  for (auto it = running_.rbegin(); it != running_.rend(); ++it) {
    if (it->first.after <= waiting_.begin()->first.after) break;
    ++seats;
  }
  return seats;
}

void GenerationEngine::note_running_groups() {
  running_groups_.clear();
  if (config_.order != Order::kSerial) return;
  for (const auto& [place, chain] : running_)
    running_groups_.emplace(chain->request.id.step, chain->request.id.slot);
}

void GenerationEngine::admit() {
  note_running_groups();
  int64_t seats = num_seats();
  for (auto it = waiting_.begin(); it != waiting_.end() && seats > 0;) {
    Chain& chain = *it->second;
    if (!may_sit(chain)) return;
    if (must_await_group(chain)) {
      ++it;
      continue;
    }
    --seats;
    Start outcome = start(chain);
    while (outcome == Start::kNoMemory && outranks_last(chain)) {
      preempt(*running_.rbegin()->second);
      outcome = start(chain);
    }
    if (outcome == Start::kNoMemory) return;
    if (config_.order == Order::kSerial)
      running_groups_.emplace(chain.request.id.step, chain.request.id.slot);
    if (outcome == Start::kAwaitsPrompt) {
      ++it;
      continue;
    }
    if (static_cast<int64_t>(running_.size()) >= config_.max_sequences)
      preempt(*running_.rbegin()->second);
    running_.insert(waiting_.extract(it++));
  }
}

GenerationEngine::Start GenerationEngine::start(Chain& chain) {
  const auto target = static_cast<int64_t>(chain.base.size()) - 1;
  if (target == 0) return Start::kStarted;
  RetainedChain* parent =
      chain.request.parent ? store_.find_chain(*chain.request.parent) : nullptr;
  if (parent != nullptr && parent->cache.length >= target) {
    store_.touch(*parent);
    if (take_over(chain, parent->cache)) {
      stop_awaiting(chain);
      return Start::kStarted;
    }
    if (!running_.empty()) return Start::kNoMemory;
    store_.drop_chain(*chain.request.parent);
  }
  await_prompt(chain);
  SharedPrompt& prompt = *chain.awaited;
  if (!prompt.complete()) return Start::kAwaitsPrompt;
  if (!take_over(chain, prompt.cache)) return Start::kNoMemory;
  chain.prefilled += static_cast<uint32_t>(prompt.computed);
  prompt.computed = 0;
  stop_awaiting(chain);
  return Start::kStarted;
}

/// Forks `source` at the last token that the chain need not feed; keeps a block for each
/// running chain.
bool GenerationEngine::take_over(Chain& chain, const CachedSequence& source) {
  const auto target = static_cast<int64_t>(chain.base.size()) - 1;
  const auto total = static_cast<int64_t>(chain.tokens.size());
  const bool alone = running_.empty();
  const int64_t tail = target % KvCache::kBlockTokens == 0 ? 0 : 1;
  const int64_t own = KvCache::blocks_for(total) - target / KvCache::kBlockTokens;
  const int64_t needed = alone ? tail : own + static_cast<int64_t>(running_.size()) + 1;
  while (cache_.num_free() < needed) {
    if (evict(&source)) continue;
    if (!alone || !store_.evict_awaited(&source)) return false;
    ++statistics_.evictions;
  }
  auto fork = cache_.fork(source, target);
  if (!fork) return false;
  chain.cache = std::move(*fork);
  statistics_.forked_tokens += static_cast<uint64_t>(target);
  return true;
}

void GenerationEngine::await_prompt(Chain& chain) {
  if (chain.awaited == nullptr) {
    chain.awaited = &store_.prompt(chain.base);
    ++chain.awaited->waiting;
  }
  store_.touch(*chain.awaited);
}

void GenerationEngine::stop_awaiting(Chain& chain) {
  if (chain.awaited == nullptr) return;
  --chain.awaited->waiting;
  chain.awaited = nullptr;
}

void GenerationEngine::plan_running() {
  for (auto it = running_.begin(); it != running_.end();) {
    Chain& chain = *it->second;
    const Place place = it->first;
    plan_chain(chain);
    it = running_.upper_bound(place);
  }
}

void GenerationEngine::plan_chain(Chain& chain) {
  const int64_t unfed = chain.unfed();
  const int64_t count = unfed == 1 ? 1 : std::min(unfed, prefill_left_);
  if (count == 0) return;
  const int64_t length = chain.cache.length + count;
  if (!make_room_for_running(chain, chain.cache, length)) {
    ENSURE(running_.size() > 1,
           "no room for the only chain " << chain.request.id.to_string());
    return preempt(chain);
  }
  if (unfed > 1) prefill_left_ -= count;
  DecoderItem item;
  item.tokens =
      std::span(chain.tokens)
          .subspan(static_cast<size_t>(chain.cache.length), static_cast<size_t>(count));
  item.first = chain.cache.length;
  item.blocks = chain.cache.blocks;
  item.logits = count == unfed ? LogitRows::kLast : LogitRows::kNone;
  pieces_.push_back({&chain, nullptr, item});
}

/// Shared prompts of the chains that are next to start, oldest first.
void GenerationEngine::plan_prompts() {
  int64_t seats = num_seats();
  for (auto it = waiting_.begin(); it != waiting_.end() && seats > 0; ++it) {
    const Chain& chain = *it->second;
    if (prefill_left_ == 0 || !may_sit(chain)) return;
    if (chain.awaited == nullptr) continue;
    --seats;
    if (chain.awaited->planned || chain.awaited->complete()) continue;
    if (!plan_prompt(chain.base, *chain.awaited)) return;
  }
}

bool GenerationEngine::plan_prompt(const std::vector<int32_t>& tokens,
                                   SharedPrompt& prompt) {
  if (prompt.cache.length == 0 && prompt.cache.blocks.empty() &&
      store_.borrow_beginning(tokens, prompt)) {
    statistics_.forked_tokens += static_cast<uint64_t>(prompt.cache.length);
    if (prompt.complete()) return true;
  }
  const int64_t spare = pieces_.empty() ? 0 : static_cast<int64_t>(running_.size()) + 1;
  while (!make_room(prompt.cache, prompt.target, spare)) {
    if (!pieces_.empty() || !store_.evict_awaited(&prompt.cache)) return false;
    ++statistics_.evictions;
  }
  const int64_t count = std::min(prefill_left_, prompt.target - prompt.cache.length);
  prefill_left_ -= count;
  prompt.planned = true;
  DecoderItem item;
  item.tokens = std::span(tokens).subspan(static_cast<size_t>(prompt.cache.length),
                                          static_cast<size_t>(count));
  item.first = prompt.cache.length;
  item.blocks = prompt.cache.blocks;
  pieces_.push_back({nullptr, &prompt, item});
  return true;
}

bool GenerationEngine::make_room(CachedSequence& sequence, int64_t length,
                                 int64_t spare) {
  const int64_t more =
      KvCache::blocks_for(length) - static_cast<int64_t>(sequence.blocks.size());
  while (cache_.num_free() < more + spare) {
    if (!evict(&sequence)) return false;
  }
  return cache_.reserve(sequence, length);
}

/// False when only the chain itself, the last, could still be stopped.
bool GenerationEngine::make_room_for_running(const Chain& chain, CachedSequence& sequence,
                                             int64_t length) {
  while (!cache_.reserve(sequence, length)) {
    if (evict(nullptr)) continue;
    if (store_.evict_awaited(nullptr)) {
      ++statistics_.evictions;
      continue;
    }
    Chain& last = *running_.rbegin()->second;
    if (&last == &chain) return false;
    preempt(last);
  }
  return true;
}

bool GenerationEngine::evict(const CachedSequence* kept) {
  const bool evicted = store_.evict_idle(kept);
  statistics_.evictions += evicted ? 1 : 0;
  return evicted;
}

/// Back to the queue, in its old place; what it has drawn stays and is fed again.
void GenerationEngine::preempt(Chain& chain) {
  cache_.release(chain.cache);
  ++statistics_.preemptions;
  waiting_.insert(running_.extract(chain.place()));
}

void GenerationEngine::run_step() {
  // Sequences that share their beginning lie side by side: its keys and values stay in
  // the processor's cache.
  std::stable_sort(pieces_.begin(), pieces_.end(), [](const Piece& a, const Piece& b) {
    return a.item.blocks.front() < b.item.blocks.front();
  });
  items_.clear();
  for (const Piece& piece : pieces_) items_.push_back(piece.item);
  std::span<const float> logits = decoder_->forward(items_, cache_);
  const auto vocab = static_cast<size_t>(decoder_->vocab_size());
  for (const Piece& piece : pieces_) {
    const auto fed = static_cast<int64_t>(piece.item.tokens.size());
    const bool draws = piece.item.logits == LogitRows::kLast;
    statistics_.prefilled_tokens += static_cast<uint64_t>(fed - (draws ? 1 : 0));
    if (piece.prompt != nullptr) {
      piece.prompt->cache.length += fed;
      piece.prompt->computed += fed;
      piece.prompt->planned = false;
      continue;
    }
    Chain& chain = *piece.chain;
    chain.cache.length += fed;
    chain.prefilled += static_cast<uint32_t>(fed - (draws ? 1 : 0));
    if (!draws) continue;
    draw(chain, logits.first(vocab));
    logits = logits.subspan(vocab);
  }
  pieces_.clear();
  ++statistics_.steps;
}

void GenerationEngine::draw(Chain& chain, std::span<const float> logits) {
  const GenerationRequest& request = chain.request;
  const auto position = static_cast<uint32_t>(static_cast<int64_t>(chain.tokens.size()) -
                                              chain.prompt_length);
  const double uniform = core::uniform(request.sampling.seed, core::Purpose::kSampling,
                                       request.id.key(), position);
  const std::span<const int32_t> tokens(chain.tokens);
  const auto prompt = static_cast<size_t>(chain.prompt_length);
  const SampledToken drawn = sampler_.sample(
      logits, request.sampling, uniform, {tokens.first(prompt), tokens.subspan(prompt)});
  if (chain.spans.empty() || chain.spans.back().version != policy_version_) {
    chain.spans.push_back({position, policy_version_});
  }
  chain.tokens.push_back(drawn.token);
  chain.logprobs.push_back(drawn.logprob);
  chain.truncated_logprobs.push_back(drawn.truncated_logprob);
  ++chain.decoded;
  ++statistics_.decoded_tokens;
  if (listener_) listener_(request.id, drawn.token);
  const auto ended =
      chain.rules.add(token_bytes_(drawn.token), decoder_->ends_text(drawn.token));
  if (!ended) return;
  finish(chain, *ended);
  running_.erase(chain.place());
}

void GenerationEngine::finish(Chain& chain, records::FinishReason reason) {
  Trajectory trajectory;
  trajectory.id = chain.request.id;
  trajectory.tokens.assign(chain.tokens.begin() + chain.prompt_length,
                           chain.tokens.end());
  trajectory.logprobs = std::move(chain.logprobs);
  trajectory.truncated_logprobs = std::move(chain.truncated_logprobs);
  trajectory.thought_ends = chain.rules.thought_ends();
  trajectory.prefix_length = static_cast<uint32_t>(chain.request.prefix_tokens.size());
  trajectory.finish = reason;
  trajectory.policy_version = policy_version_;
  trajectory.version_spans = std::move(chain.spans);
  trajectory.parent = chain.request.parent;
  trajectory.seed = chain.request.sampling.seed;
  trajectory.stream = chain.request.id.key();
  trajectory.decoded_tokens = chain.decoded;
  trajectory.prefilled_tokens = chain.prefilled;
  trajectory.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - chain.submitted)
          .count();
  finished_.push_back(std::move(trajectory));
  in_flight_.erase(chain.request.id);
  if (chain.request.retain && chain.cache.length > 0) {
    store_.retain(chain.request.id,
                  {std::move(chain.tokens), std::move(chain.cache), 0, false});
  } else {
    cache_.release(chain.cache);
  }
}

std::vector<Trajectory> GenerationEngine::take_finished() {
  return std::exchange(finished_, {});
}

void GenerationEngine::release(const TrajectoryId& id) {
  for (Chains* chains : {&waiting_, &running_}) {
    for (auto& [arrival, chain] : *chains) {
      if (chain->request.id == id) chain->request.retain = false;
    }
  }
  if (RetainedChain* chain = store_.find_chain(id)) chain->released = true;
  drop_released_chains();
}

void GenerationEngine::drop_released_chains() {
  std::vector<TrajectoryId> dropped;
  for (const auto& [id, retained] : store_.chains()) {
    const auto needs_it = [&id = id](const auto& entry) {
      return entry.second->request.parent == id;
    };
    if (retained.released && std::none_of(waiting_.begin(), waiting_.end(), needs_it)) {
      dropped.push_back(id);
    }
  }
  for (const TrajectoryId& id : dropped) store_.drop_chain(id);
}

void GenerationEngine::cancel(const TrajectoryId& id) {
  for (Chains* chains : {&waiting_, &running_}) {
    for (auto it = chains->begin(); it != chains->end(); ++it) {
      if (it->second->request.id != id) continue;
      stop_awaiting(*it->second);
      cache_.release(it->second->cache);
      in_flight_.erase(id);
      chains->erase(it);
      return drop_released_chains();
    }
  }
}

std::vector<double> GenerationEngine::score_replies(
    std::span<const int32_t> prompt, std::span<const std::vector<int32_t>> replies) {
  return engine::score_replies(*decoder_, prompt, replies);
}

std::vector<const CachedSequence*> GenerationEngine::sequences() const {
  std::vector<const CachedSequence*> all;
  for (const Chains* chains : {&waiting_, &running_}) {
    for (const auto& [place, chain] : *chains) all.push_back(&chain->cache);
  }
  store_.add_sequences(all);
  return all;
}

void GenerationEngine::check_blocks() const {
  std::vector<int32_t> users(static_cast<size_t>(cache_.num_blocks()), 0);
  for (const CachedSequence* sequence : sequences()) {
    ENSURE(KvCache::blocks_for(sequence->length) <=
               static_cast<int64_t>(sequence->blocks.size()),
           "a sequence of " << sequence->length << " tokens has "
                            << sequence->blocks.size() << " blocks");
    for (const int32_t block : sequence->blocks) ++users[static_cast<size_t>(block)];
  }
  for (size_t block = 0; block < users.size(); ++block) {
    const int32_t counted = cache_.users(static_cast<int32_t>(block));
    ENSURE(counted == users[block], "block " << block << " has " << users[block]
                                             << " users but counts " << counted);
  }
}

void GenerationEngine::swap_weights(const model::TensorMap& changed,
                                    uint32_t policy_version) {
  check_finite(changed);
  // What old weights have cached is computed again with the new ones.
  while (!running_.empty()) preempt(*running_.begin()->second);
  decoder_->swap_weights(changed);
  store_.clear();
  policy_version_ = policy_version;
}

}  // namespace srpo::engine
