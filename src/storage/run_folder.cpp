#include "storage/run_folder.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <sstream>

#include "core/error.h"
#include "core/files.h"
#include "storage/file_handle.h"

namespace srpo::storage {
namespace {

struct NumberedLine {
  size_t number = 0;
  std::string text;
};

const std::filesystem::path& made_folder(const std::filesystem::path& path) {
  make_folder(path);
  return path;
}

/// The lines of a job file without the sections that may differ.
std::vector<NumberedLine> compared_lines(const std::string& yaml,
                                         const std::vector<std::string>& may_differ) {
  std::vector<NumberedLine> lines;
  std::istringstream stream(yaml);
  std::string text;
  bool is_left_out = false;
  for (size_t number = 1; std::getline(stream, text); ++number) {
    const bool is_top =
        !text.empty() && text[0] != ' ' && text[0] != '-' && text[0] != '#';
    if (is_top) {
      const std::string key = text.substr(0, text.find(':'));
      is_left_out =
          std::find(may_differ.begin(), may_differ.end(), key) != may_differ.end();
    }
    if (!is_left_out) lines.push_back({number, text});
  }
  return lines;
}

std::string text_of(const std::vector<NumberedLine>& lines) {
  std::string text;
  for (const NumberedLine& line : lines) text += line.text + "\n";
  return text;
}

void require_same_job(const std::filesystem::path& path,
                      const std::vector<NumberedLine>& stored,
                      const std::vector<NumberedLine>& given) {
  for (size_t i = 0; i < std::max(stored.size(), given.size()); ++i) {
    const std::string was = i < stored.size() ? stored[i].text : "(end of file)";
    const std::string now = i < given.size() ? given[i].text : "(end of file)";
    const size_t number = i < stored.size() ? stored[i].number : given[i].number;
    REQUIRE(was == now, kBadConfig,
            "run folder " << path.string() << " was made by another job file: job.yaml:"
                          << number << " has '" << was << "', this job has '" << now
                          << "' (expected the same job, or another run.folder)");
  }
}

bool has_content(const std::filesystem::path& folder) {
  return std::filesystem::is_directory(folder) && !std::filesystem::is_empty(folder);
}

}  // namespace

std::string digest_of(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  char digits[20];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, hash);
  return digits;
}

RunFolder::RunFolder(const std::filesystem::path& path)
    : path_(path), lock_(made_folder(path)) {}

RunFolder RunFolder::open(const std::filesystem::path& path,
                          const std::string& resolved_job_yaml,
                          const std::vector<std::string>& may_differ) {
  RunFolder folder(path);
  const std::vector<NumberedLine> given = compared_lines(resolved_job_yaml, may_differ);
  folder.job_digest_ = digest_of(text_of(given));
  folder.is_new_ = !std::filesystem::exists(folder.job_file());
  if (folder.is_new_) {
    REQUIRE(!has_content(folder.replay()) && !has_content(folder.checkpoints()),
            kBadConfig,
            "run folder " << path.string()
                          << " holds a run but no job.yaml (expected the one it was made "
                             "with, or another run.folder)");
    core::write_file(folder.job_file(), resolved_job_yaml);
  } else {
    require_same_job(path, compared_lines(core::read_file(folder.job_file()), may_differ),
                     given);
  }
  for (const auto& part : {folder.replay(), folder.checkpoints(), folder.exports()})
    make_folder(part);
  return folder;
}

}  // namespace srpo::storage
