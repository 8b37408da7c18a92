#include "storage/manifest.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fcntl.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"

namespace srpo::storage {
namespace {

using nlohmann::json;

std::string numbered(const char* before, uint32_t number, const char* after) {
  char text[64];
  std::snprintf(text, sizeof text, "%s%06" PRIu32 "%s", before, number, after);
  return text;
}

std::string to_line(const ManifestEntry& entry) {
  nlohmann::ordered_json line;
  uint32_t first = entry.keys.empty() ? 0 : entry.keys.front().step;
  uint32_t last = first;
  std::vector<std::string> keys;
  for (const TreeKey& key : entry.keys) {
    first = std::min(first, key.step);
    last = std::max(last, key.step);
    keys.push_back(key.to_string());
  }
  line["shard"] = entry.number;
  line["name"] = entry.name();
  line["bytes"] = entry.mark.bytes;
  line["crc32c"] = entry.mark.crc32c;
  line["num_trees"] = keys.size();
  line["first_step"] = first;
  line["last_step"] = last;
  line["trees"] = keys;
  return line.dump() + "\n";
}

ManifestEntry parse_line(const std::string& text, const std::string& place) {
  try {
    const json line = json::parse(text);
    ManifestEntry entry;
    entry.number = line.at("shard").get<uint32_t>();
    entry.mark.bytes = line.at("bytes").get<uint64_t>();
    entry.mark.crc32c = line.at("crc32c").get<uint32_t>();
    for (const json& key : line.at("trees")) {
      entry.keys.push_back(TreeKey::parse(key.get<std::string>()));
    }
    REQUIRE(line.at("name") == entry.name(), kBadFile,
            place << ": shard " << entry.number << " is named " << line.at("name")
                  << " (expected " << entry.name() << ")");
    return entry;
  } catch (const json::exception& error) {
    throw core::Error(core::ErrorKind::kBadFile,
                      place + ": not a line of a manifest (" + error.what() +
                          "); remove the file to have it made anew from the shards");
  }
}

}  // namespace

std::string shard_name(uint32_t number) { return numbered("shard-", number, ".h5"); }
std::string journal_name(uint32_t number) { return numbered("journal-", number, ".wal"); }

std::vector<ManifestEntry> read_manifest(const std::filesystem::path& path,
                                         uint64_t* good_bytes) {
  std::vector<ManifestEntry> entries;
  const std::string text = std::filesystem::exists(path) ? core::read_file(path) : "";
  size_t begin = 0;
  for (size_t end = 0; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const std::string place = path.string() + ":" + std::to_string(entries.size() + 1);
    entries.push_back(parse_line(text.substr(begin, end - begin), place));
  }
  if (good_bytes != nullptr) *good_bytes = begin;
  return entries;
}

Manifest::Manifest(const std::filesystem::path& path) {
  uint64_t good_bytes = 0;
  entries_ = read_manifest(path, &good_bytes);
  const bool is_new = !std::filesystem::exists(path);
  file_ = FileHandle(path, O_WRONLY | O_CREAT);
  if (file_.bytes() != good_bytes) file_.cut(good_bytes);
  file_.seek(good_bytes);
  file_.sync();
  if (is_new) core::sync_folder(path.has_parent_path() ? path.parent_path() : ".");
}

void Manifest::append(const ManifestEntry& entry) {
  const std::string line = to_line(entry);
  const uint64_t before = file_.bytes();
  try {
    file_.write_all(std::as_bytes(std::span(line)));
    file_.sync_data();
  } catch (const core::Error&) {
    file_.cut(before);
    throw;
  }
  entries_.push_back(entry);
}

const ManifestEntry* Manifest::find(uint32_t number) const {
  const auto at =
      std::find_if(entries_.begin(), entries_.end(),
                   [&](const ManifestEntry& entry) { return entry.number == number; });
  return at == entries_.end() ? nullptr : &*at;
}

}  // namespace srpo::storage
