// Where golden vectors and public data stand, and the digest both sides compute.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "core/files.h"

namespace srpo::text {

inline std::filesystem::path golden_folder() {
  return std::filesystem::path(SRPO_SOURCE_DIR) / "tests" / "golden";
}

inline std::filesystem::path data_folder() {
  if (const char* folder = std::getenv("SRPO_DATA")) return folder;
  return std::filesystem::path(SRPO_SOURCE_DIR) / ".." / "shared" / "data";
}

/// The folder that scripts/fetch_smollm2 writes.
inline std::filesystem::path smollm2_folder() {
  if (const char* folder = std::getenv("SRPO_SMOLLM2")) return folder;
  return std::filesystem::path(SRPO_SOURCE_DIR) / "models" / "SmolLM2-135M-Instruct";
}

inline nlohmann::json read_golden(const std::string& name) {
  return nlohmann::json::parse(core::read_file(golden_folder() / name));
}

/// FNV-1a of lists of numbers, as tests/golden/tokenizer/make.py computes it.
class Digest {
 public:
  template <class T>
  void add_list(std::span<const T> numbers) {
    add(static_cast<int32_t>(numbers.size()));
    for (T number : numbers) add(static_cast<int32_t>(number));
  }
  std::string hex() const {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value_));
    return text;
  }

 private:
  void add(int32_t number) {
    for (int shift = 0; shift < 32; shift += 8) {
      value_ =
          (value_ ^ ((static_cast<uint32_t>(number) >> shift) & 0xFF)) * 0x100000001B3u;
    }
  }
  uint64_t value_ = 0xCBF29CE484222325u;
};

}  // namespace srpo::text
