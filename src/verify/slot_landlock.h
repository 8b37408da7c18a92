// The walls of rung C, where the machine gives no namespaces.
#pragma once

#include <string>
#include <vector>

namespace srpo::verify {

/// The kernel's Landlock version, 0 without one.
int landlock_version();

/// For this process and its children, for good: reading and executing below `read_only`,
/// everything below `scratch`, no other file, no TCP, and (where the kernel knows how) no
/// signal to processes outside. False when the kernel refused.
bool enter_landlock(const std::vector<std::string>& read_only,
                    const std::string& scratch);

/// Installs the seccomp filter of SeccompProfile::kBare; false when the kernel refused.
bool enter_bare_seccomp();

}  // namespace srpo::verify
