#include "storage/replay_benchmark.h"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "storage/file_handle.h"
#include "storage/journal.h"
#include "storage/replay_reader.h"
#include "storage/replay_writer.h"

namespace srpo::storage {
namespace {

using Clock = std::chrono::steady_clock;
using records::RolloutTree;
using records::Trajectory;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double megabytes_per_second(uint64_t bytes, double seconds) {
  return static_cast<double>(bytes) / 1e6 / seconds;
}

Trajectory make_chain(const RolloutTree& tree, uint32_t index, uint32_t tokens,
                      core::Rng& rng) {
  Trajectory chain;
  chain.id = {tree.step, tree.slot, records::DrawKind::kFresh,
              static_cast<uint16_t>(index)};
  chain.seed = 1;
  chain.stream = chain.id.key();
  for (uint32_t i = 0; i < tokens; ++i) {
    const uint64_t bits = rng.below(uint64_t{1} << 32);
    chain.tokens.push_back(static_cast<int32_t>(bits % 49152));
    chain.logprobs.push_back(-static_cast<float>(bits >> 16) / 65536.0F);
    chain.text += static_cast<char>('a' + bits % 26);
    chain.text += static_cast<char>('a' + bits / 26 % 26);
    chain.text += ' ';
    if (i % 50 == 49) chain.thought_ends.push_back(i + 1);
  }
  if (tokens > 0) chain.version_spans = {{0, 0}};
  chain.verdict = {records::VerdictKind::kCorrect, 1, "42", 0.1};
  return chain;
}

/// 32 trees a step.
std::vector<RolloutTree> make_trees(const ReplayBenchmarkOptions& options, uint32_t first,
                                    uint32_t count) {
  std::vector<RolloutTree> trees(count);
  for (uint32_t i = 0; i < count; ++i) {
    RolloutTree& tree = trees[i];
    tree.step = (first + i) / 32;
    tree.slot = (first + i) % 32;
    tree.problem = {"benchmark:" + std::to_string(first + i), "math", "What is 6 * 7?",
                    "42"};
    tree.prompt_tokens.assign(60, 7);
    core::Rng rng(1, core::Purpose::kTest, first + i);
    for (uint32_t chain = 0; chain < options.chains_per_tree; ++chain)
      tree.fresh.push_back(make_chain(tree, chain, options.tokens_per_chain, rng));
  }
  return trees;
}

/// The bytes of each batch as the journal has them, written and synced by the plainest
/// loop.
double write_plainly(const std::filesystem::path& path,
                     const std::vector<core::Bytes>& batches) {
  FileHandle file(path, O_WRONLY | O_CREAT | O_TRUNC);
  const auto start = Clock::now();
  for (const core::Bytes& batch : batches) {
    file.write_all(batch);
    file.sync_data();
  }
  const double seconds = seconds_since(start);
  file.close();
  remove_file(path);
  return seconds;
}

void measure_append(const std::filesystem::path& folder,
                    const ReplayBenchmarkOptions& options, ReplayBenchmark& result) {
  ReplayWriter writer(folder / "replay", {options.shard_trees, options.compression},
                      {"", "benchmark", 1, ""});
  for (uint32_t first = 0; first < options.trees; first += options.shard_trees) {
    const uint32_t count = std::min(options.shard_trees, options.trees - first);
    std::vector<core::Bytes> batches;
    const std::vector<RolloutTree> trees = make_trees(options, first, count);
    // All but the last tree, so that the shard is sealed by the last.
    for (uint32_t at = 0; at + 1 < count; at += options.batch_trees) {
      const uint32_t size = std::min(options.batch_trees, count - 1 - at);
      core::Bytes batch;
      for (uint32_t i = at; i < at + size; ++i) {
        const core::Bytes record = core::to_bytes(trees[i]);
        batch.resize(batch.size() + 24);
        batch.insert(batch.end(), record.begin(), record.end());
      }
      result.journal_bytes += batch.size();
      batches.push_back(std::move(batch));
      const auto start = Clock::now();
      writer.accept(std::span(trees).subspan(at, size));
      result.append_seconds += seconds_since(start);
    }
    // Right after, while the disk is as busy as it was.
    result.raw_seconds += write_plainly(folder / "plain", batches);
    const auto start = Clock::now();
    writer.accept(trees.back());
    writer.seal();
    result.seal_seconds += seconds_since(start);
    for (const RolloutTree& tree : trees) result.trajectories += tree.fresh.size();
  }
}

}  // namespace

double ReplayBenchmark::append_megabytes_per_second() const {
  return megabytes_per_second(journal_bytes, append_seconds);
}
double ReplayBenchmark::raw_megabytes_per_second() const {
  return megabytes_per_second(journal_bytes, raw_seconds);
}
double ReplayBenchmark::read_megabytes_per_second() const {
  return megabytes_per_second(shard_bytes, read_seconds);
}

ReplayBenchmark measure_replay(const std::filesystem::path& folder,
                               const ReplayBenchmarkOptions& options) {
  REQUIRE(!std::filesystem::exists(folder) || std::filesystem::is_empty(folder),
          kBadInput, folder.string() << " is not empty (expected an empty folder)");
  make_folder(folder);
  ReplayBenchmark result;
  measure_append(folder, options, result);
  for (const auto& entry : std::filesystem::directory_iterator(folder / "replay")) {
    if (entry.path().extension() == ".h5") result.shard_bytes += entry.file_size();
  }
  auto start = Clock::now();
  ReplayReader reader(folder / "replay");
  uint64_t trees = 0;
  while (reader.next()) ++trees;
  result.read_seconds = seconds_since(start);
  ENSURE(trees == options.trees && reader.damaged().empty(),
         trees << " trees came back of " << options.trees);
  start = Clock::now();
  const ReplayWriter writer(folder / "replay", {options.shard_trees, options.compression},
                            {"", "benchmark", 1, ""});
  result.recover_seconds = seconds_since(start);
  ENSURE(writer.num_accepted() == options.trees,
         writer.num_accepted() << " trees were recovered of " << options.trees);
  return result;
}

}  // namespace srpo::storage
