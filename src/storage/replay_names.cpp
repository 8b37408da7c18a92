#include "storage/replay_names.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "core/error.h"
#include "storage/manifest.h"

namespace srpo::storage {

std::optional<ReplayFileName> ReplayFileName::parse(const std::string& name) {
  ReplayFileName out;
  out.kind = name.rfind("journal-", 0) == 0 ? Kind::kJournal : Kind::kShard;
  const size_t begin = out.kind == Kind::kJournal ? 8 : 6;
  const size_t dash = name.rfind('-');
  const size_t dot = name.rfind('.');
  if (name.size() < begin || dash == std::string::npos || dot == std::string::npos ||
      dash + 1 < begin || dot < dash)
    return std::nullopt;
  if (dash + 1 > begin) out.writer = name.substr(begin, dash - begin);
  std::from_chars(name.data() + dash + 1, name.data() + dot, out.number);
  const bool is_journal = out.kind == Kind::kJournal;
  const std::string expected = is_journal ? journal_name(out.number, out.writer)
                                          : shard_name(out.number, out.writer);
  if (name != expected) return std::nullopt;
  return out;
}

std::vector<ReplayFileName> list_files(const std::filesystem::path& folder,
                                       ReplayFileName::Kind kind) {
  std::vector<ReplayFileName> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto name = ReplayFileName::parse(entry.path().filename().string());
    if (name && name->kind == kind) files.push_back(*name);
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return std::tie(a.writer, a.number) < std::tie(b.writer, b.number);
  });
  return files;
}

std::string lock_name(const std::string& writer) {
  return writer.empty() ? ".lock" : ".lock-" + writer;
}

void require_writer_name(const std::string& name) {
  const bool good = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  REQUIRE(good && name.size() <= 32, kBadConfig,
          "writer name '" << name << "' (expected up to 32 of a-z, 0-9 and _)");
}

}  // namespace srpo::storage
