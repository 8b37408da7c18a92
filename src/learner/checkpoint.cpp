#include "learner/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include <nlohmann/json.hpp>

#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"

namespace srpo::learner {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "srpo learner checkpoint 1";
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

uint32_t write_slices(const fs::path& path, ShardedParameters& parameters) {
  std::vector<std::byte> content;
  for (size_t unit = 0; unit < parameters.num_units(); ++unit) {
    for (const auto* part : parts_of(parameters.slices(unit))) {
      const auto bytes = std::as_bytes(std::span(*part));
      content.insert(content.end(), bytes.begin(), bytes.end());
    }
  }
  core::write_file(path, content);
  return core::crc32c(content);
}

void write_manifest(const fs::path& folder, const CheckpointHeader& header,
                    const ShardedParameters& parameters,
                    const std::vector<double>& digests) {
  Json manifest;
  manifest["format"] = kFormat;
  manifest["num_updates"] = header.num_updates;
  manifest["metadata"] = header.metadata;
  manifest["files"] = Json::array();
  for (size_t rank = 0; rank < digests.size(); ++rank) {
    manifest["files"].push_back({{"name", slice_file(static_cast<int>(rank))},
                                 {"crc32c", static_cast<uint32_t>(digests[rank])}});
  }
  manifest["slices"] = Json::array();
  for (size_t unit = 0; unit < parameters.num_units(); ++unit) {
    manifest["slices"].push_back(parameters.layout(unit).slice());
  }
  manifest["units"] = describe_units(parameters);
  core::write_file(folder / "manifest.json", manifest.dump(1) + "\n");
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
    REQUIRE(slice > 0 && slice < (int64_t{1} << 40) &&
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

void save_checkpoint(const fs::path& folder, const CheckpointHeader& header,
                     ShardedParameters& parameters, comm::ProcessGroup& group) {
  const fs::path written = folder.string() + ".tmp";
  if (group.rank() == 0) {
    fs::remove_all(written);
    fs::create_directories(written);
  }
  group.barrier();
  // A digest of 32 bits is exact in a double.
  std::vector<double> digests(static_cast<size_t>(group.size()), 0);
  digests[static_cast<size_t>(group.rank())] =
      write_slices(written / slice_file(group.rank()), parameters);
  group.all_reduce_sum(digests);
  if (group.rank() == 0) {
    write_manifest(written, header, parameters, digests);
    core::sync_folder(written);
    publish(written, folder);
  }
  group.barrier();
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
