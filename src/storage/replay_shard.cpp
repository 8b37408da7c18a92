#include "storage/replay_shard.h"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <iterator>
#include <sstream>
#include <unistd.h>

#include "core/archive.h"
#include "core/checksum.h"
#include "core/error.h"
#include "storage/file_handle.h"
#include "storage/file_layer.h"
#include "storage/format_v1.h"
#include "storage/replay_columns.h"
#include "storage/replay_schema.h"
#include "storage/tree_key.h"

namespace srpo::storage {
namespace {

using records::RolloutTree;

std::string hex(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

template <class Tree>
std::string content_digest(const std::vector<Tree>& trees) {
  uint32_t crc = 0;
  for (const Tree& tree : trees) crc = core::crc32c(core::to_bytes(tree), crc);
  return hex(crc);
}

struct Totals {
  uint64_t trajectories = 0;
  uint64_t tokens = 0;
  uint32_t first_step = 0;
  uint32_t last_step = 0;
};

Totals count(const std::vector<RolloutTree>& trees) {
  Totals totals;
  if (!trees.empty()) totals.first_step = totals.last_step = trees.front().step;
  for (const RolloutTree& tree : trees) {
    totals.first_step = std::min(totals.first_step, tree.step);
    totals.last_step = std::max(totals.last_step, tree.step);
    totals.trajectories += tree.fresh.size() + tree.suffixes.size();
    for (const auto& chain : tree.fresh) totals.tokens += chain.tokens.size();
    for (const auto& chain : tree.suffixes) totals.tokens += chain.tokens.size();
  }
  return totals;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

/// Fills what the trees of a shard say of themselves.
void read_trees(const Hdf5File& file, const std::string& name, ReplayShard& shard) {
  if (shard.version == 1) {
    std::vector<RolloutTreeV1> trees = trees_of_v1(file, name);
    shard.content_digest = content_digest(trees);
    for (RolloutTreeV1& tree : trees)
      shard.trees.push_back(upgraded(std::move(tree), shard.metadata.seed));
  } else if (shard.version == 2) {
    std::vector<RolloutTreeV2> trees = trees_of_v2(file, name);
    shard.content_digest = content_digest(trees);
    for (RolloutTreeV2& tree : trees) shard.trees.push_back(upgraded(std::move(tree)));
  } else {
    shard.trees = trees_of(file, name);
    shard.content_digest = content_digest(shard.trees);
  }
  for (const RolloutTree& tree : shard.trees) require_sound(tree, name);
}

void write_draft(const std::filesystem::path& draft, std::span<const std::byte> bytes) {
  FileHandle file(draft, O_WRONLY | O_CREAT | O_TRUNC);
  file.write_all(bytes);
  file.sync();
  file.close();
}

}  // namespace

FileMark mark_of(std::span<const std::byte> bytes) {
  return {bytes.size(), core::crc32c(bytes)};
}

core::Bytes encode_shard(const ReplayShard& shard, Compression compression) {
  Hdf5File file =
      Hdf5File::create("shard " + std::to_string(shard.number), compression, kSealBytes);
  const Totals totals = count(shard.trees);
  file.write_attribute("format", kShardFormat.name);
  file.write_attribute("format_version", kShardFormat.version);
  file.write_attribute("shard", shard.number);
  file.write_attribute("writer", shard.writer);
  file.write_attribute("replaces", joined(shard.replaces));
  file.write_attribute("seed", shard.metadata.seed);
  file.write_attribute("job_digest", shard.metadata.job_digest);
  file.write_attribute("job_yaml", shard.metadata.job_yaml);
  file.write_attribute("tokenizer_digest", shard.metadata.tokenizer_digest);
  file.write_attribute("num_trees", shard.trees.size());
  file.write_attribute("num_trajectories", totals.trajectories);
  file.write_attribute("num_tokens", totals.tokens);
  file.write_attribute("first_step", totals.first_step);
  file.write_attribute("last_step", totals.last_step);
  file.write_attribute("content_digest", content_digest(shard.trees));
  for (const auto& [path, column] : columns_of(shard.trees)) {
    std::visit([&, &name = path](const auto& values) { file.write(name, values); },
               column);
  }
  core::Bytes bytes = file.take_bytes();
  seal(bytes, kShardFormat);
  return bytes;
}

ReplayShard decode_shard(std::span<const std::byte> bytes, const std::string& name) {
  ReplayShard shard;
  shard.version = check_seal(bytes, kShardFormat, kOldestShardVersion, name);
  const Hdf5File file = Hdf5File::open(name, bytes);
  const std::string format = file.read_text_attribute("format");
  const uint64_t version = file.read_integer_attribute("format_version");
  REQUIRE(format == kShardFormat.name && version == shard.version, kBadFile,
          name << ": attributes say format '" << format << "' version " << version
               << " (expected '" << kShardFormat.name << "' version " << shard.version
               << ", as its seal)");
  shard.number = static_cast<uint32_t>(file.read_integer_attribute("shard"));
  shard.metadata.seed = file.read_integer_attribute("seed");
  shard.metadata.job_digest = file.read_text_attribute("job_digest");
  shard.metadata.job_yaml = file.read_text_attribute("job_yaml");
  shard.metadata.tokenizer_digest = file.read_text_attribute("tokenizer_digest");
  if (shard.version >= 2) {
    shard.writer = file.read_text_attribute("writer");
    shard.replaces = split(file.read_text_attribute("replaces"));
  }
  read_trees(file, name, shard);
  const uint64_t num_trees = file.read_integer_attribute("num_trees");
  REQUIRE(num_trees == shard.trees.size(), kBadFile,
          name << ": holds " << shard.trees.size()
               << " trees (its attribute num_trees says " << num_trees << ")");
  const std::string expected = file.read_text_attribute("content_digest");
  REQUIRE(shard.content_digest == expected, kBadFile,
          name << ": its trees have digest " << shard.content_digest
               << " (its attribute content_digest says " << expected << ")");
  return shard;
}

FileMark write_shard(const std::filesystem::path& path, const ReplayShard& shard,
                     Compression compression) {
  const std::filesystem::path draft =
      path.string() + kDraftMark + std::to_string(::getpid());
  const core::Bytes bytes = encode_shard(shard, compression);
  try {
    write_draft(draft, bytes);
  } catch (const core::Error&) {
    file_layer().unlink(draft.c_str());  // frees the room of a draft that found none
    throw;
  }
  const core::Bytes stored = read_file(draft);
  const ReplayShard again = decode_shard(stored, draft.string());
  REQUIRE(again.content_digest == content_digest(shard.trees), kBadFile,
          draft.string() << " reads back other trees than were written");
  publish_file(draft, path);
  return mark_of(stored);
}

void require_sealed(const std::filesystem::path& path) {
  const FileHandle file(path, O_RDONLY);
  core::Bytes begin(kSealBytes);
  begin.resize(file.read_at(begin, 0));
  const Seal seal = read_seal(begin, kShardFormat, kOldestShardVersion, path.string());
  REQUIRE(seal.bytes == file.bytes(), kBadFile,
          path.string() << " is truncated or grown: " << file.bytes()
                        << " bytes (expected " << seal.bytes << ")");
}

ReplayShard read_shard(const std::filesystem::path& path) {
  return decode_shard(read_file(path), path.string());
}

}  // namespace srpo::storage
