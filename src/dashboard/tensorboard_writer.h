// Scalars as TensorBoard reads them: `events.out.tfevents.*`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace srpo::dashboard {

/// One event with scalar summaries in the encoding of tensorflow.Event (protocol
/// buffers).
std::string encode_scalar_event(double wall_time, int64_t step,
                                const std::map<std::string, double>& values);

/// A record of a TFRecord file: length, masked CRC-32C of it, payload, masked CRC-32C.
std::string tf_record(const std::string& payload);

/// A file of its own in `folder` for each writer. A disk that is full ends the file with
/// a warning, never the run. One thread only.
class TensorboardWriter {
 public:
  explicit TensorboardWriter(const std::filesystem::path& folder);

  /// Values that are not finite stay what they are: TensorBoard shows them.
  void write(int64_t step, const std::map<std::string, double>& values);
  const std::filesystem::path& path() const { return path_; }

 private:
  void append(const std::string& event);

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace srpo::dashboard
