#include "learner/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/checksum.h"
#include "core/deadline.h"
#include "core/files.h"
#include "core/log.h"

namespace srpo::learner {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "srpo learner checkpoint 1";
constexpr std::chrono::minutes kLongestWrite{30};
constexpr size_t kParts = 3;  // value, mean, square of each unit, in this order

std::array<std::vector<float>*, kParts> parts_of(UnitSlices& slices) {
  return {&slices.value, &slices.mean, &slices.square};
}

std::string slice_file(int rank) {
  char name[32];
  std::snprintf(name, sizeof name, "slices_%05d.bin", rank);
  return name;
}

Json describe_units(const ShardedParameters& parameters) {
  Json units = Json::array();
  for (size_t unit = 0; unit < parameters.num_units(); ++unit) {
    Json tensors = Json::array();
    for (const FlatTensor& tensor : parameters.layout(unit).tensors()) {
      tensors.push_back(
          {{"name", tensor.name}, {"shape", tensor.shape}, {"offset", tensor.offset}});
    }
    units.push_back(tensors);
  }
  return units;
}

std::vector<std::byte> collect_slices(ShardedParameters& parameters) {
  size_t size = 0;
  for (size_t unit = 0; unit < parameters.num_units(); ++unit) {
    size += kParts * parameters.slices(unit).value.size() * sizeof(float);
  }
  std::vector<std::byte> content;
  content.reserve(size);
  for (size_t unit = 0; unit < parameters.num_units(); ++unit) {
    for (const auto* part : parts_of(parameters.slices(unit))) {
      const auto bytes = std::as_bytes(std::span(*part));
      content.insert(content.end(), bytes.begin(), bytes.end());
    }
  }
  return content;
}

/// All but the files and their digests.
Json begin_manifest(const CheckpointHeader& header, const ShardedParameters& parameters) {
  Json manifest;
  manifest["format"] = kFormat;
  manifest["num_updates"] = header.num_updates;
  manifest["metadata"] = header.metadata;
  manifest["files"] = Json::array();
  manifest["slices"] = Json::array();
  for (size_t unit = 0; unit < parameters.num_units(); ++unit) {
    manifest["slices"].push_back(parameters.layout(unit).slice());
  }
  manifest["units"] = describe_units(parameters);
  return manifest;
}

/// What a rank tells the first one of its part.
fs::path word_of(const fs::path& written, int rank) {
  return written / (slice_file(rank) + ".json");
}

void report_part(const fs::path& written, int rank, uint32_t digest) {
  core::write_file(word_of(written, rank), Json{{"crc32c", digest}}.dump());
}

void report_failure(const fs::path& written, int rank, const core::Error& error) {
  const bool is_full = error.kind() == core::ErrorKind::kNoSpace;
  try {
    core::write_file(word_of(written, rank),
                     Json{{"error", error.what()}, {"no_space", is_full}}.dump());
  } catch (const core::Error& again) {
    // The first rank then gives up when its time is over.
    LOG(error) << again.what();
  }
}

core::Error error_of(const fs::filesystem_error& error) {
  const bool is_full = error.code() == std::errc::no_space_on_device;
  return {is_full ? core::ErrorKind::kNoSpace : core::ErrorKind::kBadFile, error.what()};
}

/// Waits for a rank's word and returns the digest of its file.
uint32_t await_part(const fs::path& written, int rank, const core::Deadline& deadline) {
  const fs::path path = word_of(written, rank);
  while (!fs::exists(path)) {
    REQUIRE(!deadline.has_passed(), kBadFile,
            path.string() << ": learner " << rank << " has not written its part in time");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const Json word = Json::parse(core::read_file(path));
  if (word.contains("error")) {
    const std::string message = word.at("error");
    if (word.at("no_space").get<bool>()) REQUIRE(false, kNoSpace, message);
    REQUIRE(false, kBadFile, message);
  }
  fs::remove(path);
  return word.at("crc32c");
}

/// FOLDER.tmp becomes FOLDER; at no moment is there neither the old nor the new one under
/// a known name.
void publish(const fs::path& written, const fs::path& folder) {
  const fs::path old = folder.string() + ".old";
  fs::remove_all(old);
  if (fs::exists(folder)) fs::rename(folder, old);
  fs::rename(written, folder);
  core::sync_folder(fs::absolute(folder).parent_path());
  fs::remove_all(old);
}

struct Manifest {
  CheckpointHeader header;
  std::vector<std::string> files;
  std::vector<uint32_t> digests;
  std::vector<int64_t> slices;
};

Manifest read_manifest(const fs::path& path, const ShardedParameters& parameters) {
  const Json json = Json::parse(core::read_file(path), nullptr, false);
  Manifest manifest;
  try {
    REQUIRE(json.at("format") == kFormat, kBadFile,
            path.string() << ": format '" << json.at("format") << "' (expected '"
                          << kFormat << "')");
    json.at("num_updates").get_to(manifest.header.num_updates);
    json.at("metadata").get_to(manifest.header.metadata);
    json.at("slices").get_to(manifest.slices);
    for (const Json& file : json.at("files")) {
      manifest.files.push_back(file.at("name"));
      manifest.digests.push_back(file.at("crc32c"));
    }
    REQUIRE(json.at("units") == describe_units(parameters), kBadFile,
            path.string() << ": holds other tensors than this model's trained ones");
  } catch (const Json::exception& error) {
    REQUIRE(false, kBadFile, path.string() << ": not a manifest: " << error.what());
  }
  REQUIRE(manifest.slices.size() == parameters.num_units() && !manifest.files.empty(),
          kBadFile,
          path.string() << ": " << manifest.slices.size() << " slice lengths in "
                        << manifest.files.size() << " files for "
                        << parameters.num_units() << " units");
  for (size_t unit = 0; unit < manifest.slices.size(); ++unit) {
    const auto num_files = static_cast<int64_t>(manifest.files.size());
    const int64_t slice = manifest.slices[unit];
    REQUIRE(slice >= 0 && slice < (int64_t{1} << 40) &&
                slice * num_files >= parameters.layout(unit).used(),
            kBadFile,
            path.string() << ": slices of " << slice << " numbers in " << num_files
                          << " files (expected to cover "
                          << parameters.layout(unit).used() << ")");
  }
  return manifest;
}

/// Copies what the two slices have in common.
void copy_overlap(const float* source, int64_t source_first, int64_t source_count,
                  float* target, int64_t target_first, int64_t target_count) {
  const int64_t begin = std::max(source_first, target_first);
  const int64_t end = std::min(source_first + source_count, target_first + target_count);
  if (begin >= end) return;
  std::memcpy(target + (begin - target_first), source + (begin - source_first),
              static_cast<size_t>(end - begin) * sizeof(float));
}

std::string read_slices(const fs::path& path, uint32_t digest,
                        const std::vector<int64_t>& slices) {
  std::string content = core::read_file(path);
  const uint32_t found = core::crc32c(std::as_bytes(std::span(content)));
  REQUIRE(found == digest, kBadFile,
          path.string() << ": damaged: its digest is " << found << ", the manifest says "
                        << digest);
  int64_t numbers = 0;
  for (const int64_t slice : slices) numbers += slice * static_cast<int64_t>(kParts);
  REQUIRE(content.size() == static_cast<size_t>(numbers) * sizeof(float), kBadFile,
          path.string() << ": " << content.size() << " bytes (expected " << numbers
                        << " numbers)");
  return content;
}

}  // namespace

CheckpointWriter::~CheckpointWriter() {
  if (thread_.joinable()) thread_.join();
  if (error_) LOG(error) << "the last checkpoint was not written: " << error_->what();
}

void CheckpointWriter::begin(const fs::path& folder, const CheckpointHeader& header,
                             ShardedParameters& parameters) {
  finish();
  const fs::path written = folder.string() + ".tmp";
  std::optional<core::Error> own;
  try {
    if (group_.rank() == 0) {
      fs::remove_all(written);
      fs::create_directories(written);
    }
  } catch (const fs::filesystem_error& error) {
    own = error_of(error);
  }
  fail_together(own);
  content_ = collect_slices(parameters);
  std::string manifest = begin_manifest(header, parameters).dump();
  thread_ = std::thread([this, written, folder, text = std::move(manifest)] {
    run(written, folder, text);
  });
}

void CheckpointWriter::run(const fs::path& written, const fs::path& folder,
                           const std::string& manifest) {
  try {
    core::write_file(written / slice_file(group_.rank()), content_);
    report_part(written, group_.rank(), core::crc32c(content_));
    if (group_.rank() != 0) return;
    Json whole = Json::parse(manifest);
    const auto deadline = core::Deadline::in(kLongestWrite);
    for (int rank = 0; rank < group_.size(); ++rank) {
      whole["files"].push_back(
          {{"name", slice_file(rank)}, {"crc32c", await_part(written, rank, deadline)}});
    }
    core::write_file(written / "manifest.json", whole.dump(1) + "\n");
    core::sync_folder(written);
    publish(written, folder);
  } catch (const core::Error& error) {
    error_ = error;
    report_failure(written, group_.rank(), error);
  } catch (const fs::filesystem_error& error) {
    error_ = error_of(error);
    report_failure(written, group_.rank(), *error_);
  } catch (const std::exception& error) {
    error_.emplace(core::ErrorKind::kBug, written.string() + ": " + error.what());
    report_failure(written, group_.rank(), *error_);
  }
}

void CheckpointWriter::finish() {
  if (thread_.joinable()) thread_.join();
  content_ = {};
  fail_together(std::exchange(error_, std::nullopt));
}

void CheckpointWriter::fail_together(const std::optional<core::Error>& own) {
  const bool is_full = own && own->kind() == core::ErrorKind::kNoSpace;
  double failures[2] = {own ? 1.0 : 0.0, is_full ? 1.0 : 0.0};
  group_.all_reduce_sum(failures);
  if (own) throw core::Error(*own);
  REQUIRE(failures[1] == 0, kNoSpace, "another learner's disk is full");
  REQUIRE(failures[0] == 0, kBadFile,
          "another learner could not write its part of a checkpoint");
}

void save_checkpoint(const fs::path& folder, const CheckpointHeader& header,
                     ShardedParameters& parameters, comm::ProcessGroup& group) {
  CheckpointWriter writer(group);
  writer.begin(folder, header, parameters);
  writer.finish();
}

CheckpointHeader load_checkpoint(const fs::path& folder, ShardedParameters& parameters,
                                 const comm::ProcessGroup& group) {
  const Manifest manifest = read_manifest(folder / "manifest.json", parameters);
  std::vector<UnitSlices> loaded;
  for (size_t unit = 0; unit < parameters.num_units(); ++unit) {
    const auto slice = static_cast<size_t>(parameters.layout(unit).slice());
    loaded.push_back({std::vector<float>(slice), std::vector<float>(slice),
                      std::vector<float>(slice)});
  }
  for (size_t file = 0; file < manifest.files.size(); ++file) {
    const std::string content = read_slices(folder / manifest.files[file],
                                            manifest.digests[file], manifest.slices);
    const auto* numbers = reinterpret_cast<const float*>(content.data());
    for (size_t unit = 0; unit < loaded.size(); ++unit) {
      const int64_t count = manifest.slices[unit];
      const int64_t slice = parameters.layout(unit).slice();
      for (auto* part : parts_of(loaded[unit])) {
        copy_overlap(numbers, count * static_cast<int64_t>(file), count, part->data(),
                     slice * group.rank(), slice);
        numbers += count;
      }
    }
  }
  for (size_t unit = 0; unit < loaded.size(); ++unit) {
    // Element by element: views point into these vectors.
    const auto targets = parts_of(parameters.slices(unit));
    const auto sources = parts_of(loaded[unit]);
    for (size_t part = 0; part < kParts; ++part) {
      std::copy(sources[part]->begin(), sources[part]->end(), targets[part]->begin());
    }
  }
  parameters.forget_gathered();
  return manifest.header;
}

}  // namespace srpo::learner
