// Where process 0 can be reached, who may, and which program this is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace srpo::actors {

/// As text, for a broadcast or a command line: `token@host1,host2:port`.
struct ControlAddress {
  std::vector<std::string> hosts;  ///< names and numbers of one machine: try in order
  uint16_t port = 0;
  std::string token;  ///< of the job: who does not know it is not let in

  std::string to_text() const;
  /// Throws kBadInput.
  static ControlAddress parse(const std::string& text);
  /// For `srpo_run --ask`: a file that only the user can read. Throws like write_file.
  void save(const std::filesystem::path& path) const;
  /// Throws kBadFile.
  static ControlAddress load(const std::filesystem::path& path);
};

/// 128 random bits in hexadecimal.
std::string make_token();

/// `srpo_cluster 3f2a...`: name and build id of this program (a checksum of its file
/// where it has no build id).
std::string program_version();

std::string this_host();
/// This machine's name and its addresses, without the loopback.
std::vector<std::string> names_of_this_host();

}  // namespace srpo::actors
