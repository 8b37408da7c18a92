#include "storage/manifest.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fcntl.h>
#include <fstream>

#include <nlohmann/json.hpp>

#include "core/checksum.h"
#include "core/error.h"
#include "core/log.h"
#include "storage/file_handle.h"
#include "storage/file_layer.h"

namespace srpo::storage {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kFormat = "srpo-manifest";
constexpr uint32_t kVersion = 2;
constexpr auto kLockPatience = std::chrono::minutes(5);

std::string numbered(const std::string& kind, const std::string& writer, uint32_t number,
                     const char* after) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%06" PRIu32, number);
  return kind + "-" + (writer.empty() ? "" : writer + "-") + digits + after;
}

std::string check_of(const std::string& text) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%08x",
                core::crc32c(std::as_bytes(std::span(text))));
  return digits;
}

/// `{...,"check":"89abcdef"}`: the sum of the line without this last field.
std::string checked_line(const ordered_json& object) {
  std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
  const std::string sum = check_of(text);
  text.pop_back();
  return text + ",\"check\":\"" + sum + "\"}\n";
}

void require_check(const std::string& text, const std::string& place) {
  const std::string mark = ",\"check\":\"";
  const size_t at = text.rfind(mark);
  REQUIRE(at != std::string::npos, kBadFile, place << ": the line has no check");
  const std::string sum = check_of(text.substr(0, at) + "}");
  REQUIRE(text.substr(at) == mark + sum + "\"}", kBadFile,
          place << ": the line is damaged (its check does not match)");
}

ordered_json describe(const ManifestEntry& entry) {
  ordered_json line;
  std::vector<std::string> keys;
  keys.reserve(entry.keys.size());
  for (const TreeKey& key : entry.keys) keys.push_back(key.to_string());
  line["shard"] = entry.number;
  line["name"] = entry.name();
  if (!entry.writer.empty()) line["writer"] = entry.writer;
  line["bytes"] = entry.mark.bytes;
  line["crc32c"] = entry.mark.crc32c;
  line["num_trees"] = keys.size();
  line["first_step"] = entry.first_step;
  line["last_step"] = entry.last_step;
  if (!entry.replaces.empty()) line["replaces"] = entry.replaces;
  line["trees"] = std::move(keys);
  return line;
}

ManifestEntry parse_entry(const json& line, const std::string& place) {
  ManifestEntry entry;
  entry.number = line.at("shard").get<uint32_t>();
  entry.writer = line.value("writer", "");
  entry.mark.bytes = line.at("bytes").get<uint64_t>();
  entry.mark.crc32c = line.at("crc32c").get<uint32_t>();
  entry.first_step = line.at("first_step").get<uint32_t>();
  entry.last_step = line.at("last_step").get<uint32_t>();
  entry.replaces = line.value("replaces", std::vector<std::string>());
  for (const json& key : line.at("trees"))
    entry.keys.push_back(TreeKey::parse(key.get_ref<const std::string&>()));
  entry.num_trees = entry.keys.size();
  REQUIRE(line.at("name") == entry.name(), kBadFile,
          place << ": shard " << entry.number << " is named " << line.at("name")
                << " (expected " << entry.name() << ")");
  return entry;
}

void set_state(ManifestContent& content, const std::string& name, ShardState state) {
  if (ManifestEntry* entry = content.find(name)) entry->state = state;
}

/// Folds one line into the content.
void take_line(ManifestContent& content, const json& line, const std::string& place,
               bool keep_keys) {
  if (line.contains("shard")) {
    ManifestEntry entry = parse_entry(line, place);
    entry.line_offset = content.good_bytes;
    if (!keep_keys) entry.keys = {};
    for (const std::string& name : entry.replaces)
      set_state(content, name, ShardState::kReplaced);
    content.put(std::move(entry));
  } else if (line.contains("quarantined")) {
    set_state(content, line["quarantined"].get<std::string>(), ShardState::kQuarantined);
  } else if (line.contains("retired")) {
    set_state(content, line["retired"].get<std::string>(), ShardState::kRetired);
  } else if (line.contains("dropped")) {
    content.dropped[TreeKey::parse(line["dropped"].get<std::string>())] =
        line.at("reason").get<std::string>();
  } else if (line.contains("journal")) {
    content.num_lost_records += line.at("lost_records").get<uint64_t>();
  } else {
    REQUIRE(line.at("format") == kFormat && line.at("version") == kVersion, kBadFile,
            place << ": format " << line.at("format") << " version " << line.at("version")
                  << " (this program reads " << kFormat << " 1.." << kVersion << ")");
    content.job_digest = line.at("job_digest").get<std::string>();
  }
}

/// Lines of version 1 carry no check; there, no header came before them.
void read_line(ManifestContent& content, const std::string& text,
               const std::string& place, bool keep_keys) {
  try {
    const json line = json::parse(text);
    if (line.contains("check") || !content.job_digest.empty()) require_check(text, place);
    take_line(content, line, place, keep_keys);
  } catch (const json::exception& error) {
    throw core::Error(core::ErrorKind::kBadFile,
                      place + ": not a line of a manifest (" + error.what() +
                          "); remove the file to have it made anew from the shards");
  }
}

/// Goes on from content.good_bytes.
void read_lines(ManifestContent& content, const std::filesystem::path& path,
                const ManifestReading& reading) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return;
  file.seekg(static_cast<std::streamoff>(content.good_bytes));
  for (std::string text; std::getline(file, text) && !file.eof();) {
    const std::string place = path.string() + ":" + std::to_string(++content.num_lines);
    try {
      read_line(content, text, place, reading.keep_keys);
    } catch (const core::Error& error) {
      if (!reading.on_damage) throw;
      reading.on_damage(error.what());
    }
    content.good_bytes += text.size() + 1;
  }
}

std::string header_line(const std::string& job_digest) {
  return checked_line(ordered_json{
      {"format", kFormat}, {"version", kVersion}, {"job_digest", job_digest}});
}

std::filesystem::path quarantine_name(const std::filesystem::path& file) {
  const std::filesystem::path folder = folder_of(file) / "quarantine";
  make_folder(folder);
  const std::string name = file.filename().string();
  std::filesystem::path target = folder / (name + ".bad");
  for (int i = 2; std::filesystem::exists(target); ++i)
    target = folder / (name + "." + std::to_string(i) + ".bad");
  return target;
}

void tell(const std::filesystem::path& target, const std::string& reason) {
  LOG(error) << reason << "; see " << target.string();
  const std::string text = reason + "\n";
  write_file(target.string() + ".txt", std::as_bytes(std::span(text)));
}

}  // namespace

std::string shard_name(uint32_t number, const std::string& writer) {
  return numbered("shard", writer, number, ".h5");
}
std::string journal_name(uint32_t number, const std::string& writer) {
  return numbered("journal", writer, number, ".wal");
}

ManifestEntry entry_of(const ReplayShard& shard, const FileMark& mark) {
  ManifestEntry entry;
  entry.number = shard.number;
  entry.writer = shard.writer;
  entry.replaces = shard.replaces;
  entry.mark = mark;
  entry.num_trees = shard.trees.size();
  if (!shard.trees.empty()) entry.first_step = shard.trees.front().step;
  for (const auto& tree : shard.trees) {
    entry.keys.push_back(key_of(tree));
    entry.first_step = std::min(entry.first_step, tree.step);
    entry.last_step = std::max(entry.last_step, tree.step);
  }
  return entry;
}

const ManifestEntry* ManifestContent::find(const std::string& name) const {
  const auto at = places_.find(name);
  return at == places_.end() ? nullptr : &entries[at->second];
}
ManifestEntry* ManifestContent::find(const std::string& name) {
  return const_cast<ManifestEntry*>(std::as_const(*this).find(name));
}

void ManifestContent::put(ManifestEntry entry) {
  const auto [at, is_new] = places_.try_emplace(entry.name(), entries.size());
  if (is_new) {
    entries.push_back(std::move(entry));
  } else {
    entries[at->second] = std::move(entry);
  }
}

ManifestContent read_manifest(const std::filesystem::path& path,
                              const ManifestReading& reading) {
  ManifestContent content;
  read_lines(content, path, reading);
  return content;
}

std::vector<TreeKey> keys_of(const std::filesystem::path& path,
                             const ManifestEntry& entry) {
  if (!entry.keys.empty()) return entry.keys;
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(entry.line_offset));
  std::string text;
  REQUIRE(std::getline(file, text), kBadFile,
          path.string() << ": the line of " << entry.name() << " is gone");
  ManifestContent one;
  read_line(one, text, path.string(), true);
  REQUIRE(one.entries.size() == 1 && one.entries[0].name() == entry.name(), kBadFile,
          path.string() << ": the line of " << entry.name() << " is another one now");
  return std::move(one.entries[0].keys);
}

Manifest::Manifest(const std::filesystem::path& folder, const std::string& job_digest)
    : path_(folder / kManifestName) {
  std::string damage;
  content_ = read_manifest(path_, {true, [&](const std::string& reason) {
                                     if (damage.empty()) damage = reason;
                                   }});
  REQUIRE(content_.job_digest.empty() || content_.job_digest == job_digest, kBadFile,
          path_.string() << " belongs to another run: its job has digest "
                         << content_.job_digest << " (expected " << job_digest << ")");
  content_.job_digest = job_digest;
  if (!std::filesystem::exists(path_)) {
    const std::string header = header_line(job_digest);
    write_file(path_, std::as_bytes(std::span(header)));
    content_.good_bytes = header.size();
    return;
  }
  if (!damage.empty()) {
    link_to_quarantine(path_, damage);
    is_spoiled_ = true;
    append_line("");
    return;
  }
  FileHandle file(path_, O_RDWR);
  if (file.bytes() != content_.good_bytes) file.cut(content_.good_bytes);
  file.sync();
}

size_t Manifest::refresh() {
  const size_t before = content_.entries.size();
  if (!is_spoiled_) read_lines(content_, path_, {});
  return before;
}

void Manifest::append_line(const std::string& line) {
  if (is_spoiled_) {
    // Of what is known, a new file.
    std::string text = header_line(content_.job_digest);
    for (ManifestEntry& entry : content_.entries) {
      entry.line_offset = text.size();
      text += checked_line(describe(entry));
      if (entry.state == ShardState::kQuarantined)
        text += checked_line({{"quarantined", entry.name()}, {"reason", "as before"}});
      if (entry.state == ShardState::kRetired)
        text += checked_line({{"retired", entry.name()}});
    }
    for (const auto& [key, reason] : content_.dropped)
      text += checked_line({{"dropped", key.to_string()}, {"reason", reason}});
    if (content_.num_lost_records > 0)
      text += checked_line(
          {{"journal", "several"}, {"lost_records", content_.num_lost_records}});
    text += line;
    write_file(path_, std::as_bytes(std::span(text)));
    content_.good_bytes = text.size();
    is_spoiled_ = false;
    return;
  }
  FileHandle file(path_, O_WRONLY);
  file.seek(content_.good_bytes);
  try {
    file.write_all(std::as_bytes(std::span(line)));
  } catch (const core::Error&) {
    file.cut(content_.good_bytes);
    throw;
  }
  is_spoiled_ = true;  // until the sync has succeeded
  file.sync_data();
  is_spoiled_ = false;
  content_.good_bytes += line.size();
}

void Manifest::append(const ManifestEntry& entry) {
  const std::string line = checked_line(describe(entry));
  const uint64_t offset = content_.good_bytes;
  append_line(line);
  ManifestEntry added = entry;
  added.state = ShardState::kLive;
  added.line_offset = offset;
  for (const std::string& name : entry.replaces)
    set_state(content_, name, ShardState::kReplaced);
  content_.put(std::move(added));
}

void Manifest::quarantine(const std::string& shard, const std::string& reason) {
  append_line(checked_line({{"quarantined", shard}, {"reason", reason}}));
  set_state(content_, shard, ShardState::kQuarantined);
}

void Manifest::retire(const std::string& shard) {
  append_line(checked_line({{"retired", shard}}));
  set_state(content_, shard, ShardState::kRetired);
}

void Manifest::drop(const DroppedTree& tree) {
  append_line(checked_line({{"dropped", tree.key.to_string()}, {"reason", tree.reason}}));
  content_.dropped[tree.key] = tree.reason;
}

void Manifest::lose_records(const std::string& journal, uint64_t count,
                            const std::string& reason) {
  append_line(
      checked_line({{"journal", journal}, {"lost_records", count}, {"reason", reason}}));
  content_.num_lost_records += count;
}

ManifestLock::ManifestLock(const std::filesystem::path& folder)
    : lock_(folder, ".manifest.lock", kLockPatience) {}

std::filesystem::path move_to_quarantine(const std::filesystem::path& file,
                                         const std::string& reason) {
  std::filesystem::path target = quarantine_name(file);
  tell(target, reason);
  if (!std::filesystem::exists(file)) return target;
  publish_file(file, target);
  sync_folder(folder_of(file));
  return target;
}

std::filesystem::path link_to_quarantine(const std::filesystem::path& file,
                                         const std::string& reason) {
  std::filesystem::path target = quarantine_name(file);
  tell(target, reason);
  if (file_layer().link(file.c_str(), target.c_str()) != 0) {
    write_file(target, read_file(file));  // a file system without links
  }
  sync_folder(folder_of(target));
  return target;
}

}  // namespace srpo::storage
