// Files as the rest of the program needs them: whole, checked, and published by rename.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace srpo::core {

/// The whole file; throws kBadFile naming the path and the reason.
std::string read_file(const std::filesystem::path& path);

/// Writes beside the target, syncs, and renames: a reader sees the old file or the new
/// one, whole. Throws kNoSpace when the disk is full, kBadFile otherwise.
void write_file(const std::filesystem::path& path, std::span<const std::byte> content);
void write_file(const std::filesystem::path& path, const std::string& content);

/// Makes a rename or a new file in `folder` durable.
void sync_folder(const std::filesystem::path& folder);

/// Throws kNoSpace (ENOSPC, EDQUOT) or kBadFile: "<action> <path>: <reason>".
[[noreturn]] void throw_file_error(const std::string& action,
                                   const std::filesystem::path& path, int error_number);

}  // namespace srpo::core
