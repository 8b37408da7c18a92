// The safetensors file format: named tensors behind a JSON header.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "model/tensor_map.h"

namespace srpo::model {

/// All tensors of a file, in the file's types (F32, BF16, F16). They are views of one
/// private mapping of the file, which lives as long as any of them; writing to them does
/// not change the file. Throws kBadFile as `file: key: what is wrong` for a header that
/// is not JSON, offsets outside the file or overlapping, or a size that does not follow
/// from type and shape.
TensorMap read_safetensors(const std::filesystem::path& path);

/// Writes F32, BF16 and F16 tensors as Hugging Face's writer lays them out (byte for
/// byte), converted to `type` if given; one tensor at a time is held, and the file is
/// renamed when it is whole. Throws kBadInput for another type.
void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata = {{"format",
                                                                              "pt"}},
                       std::optional<at::ScalarType> type = std::nullopt);

}  // namespace srpo::model
