#include "verify/slot_landlock.h"

#include <cstdint>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include "verify/sandbox_descriptor.h"
#include "verify/seccomp_filter.h"

namespace srpo::verify {
namespace {

// Of versions newer than the system's header.
constexpr uint64_t kTruncate = 1ULL << 14;     // version 3
constexpr uint64_t kIoctlDevice = 1ULL << 15;  // version 5
constexpr uint64_t kBothTcp = 3;               // version 4: bind and connect
constexpr uint64_t kBothScopes = 3;            // version 6: abstract sockets and signals

struct RulesetOfVersion6 {
  uint64_t files;
  uint64_t network;
  uint64_t scopes;
};

constexpr uint64_t kReading = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                              LANDLOCK_ACCESS_FS_READ_DIR;

/// Other rights make sense of folders only, and are refused for a file.
constexpr uint64_t kOfFiles = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                              LANDLOCK_ACCESS_FS_WRITE_FILE;

uint64_t all_file_rights(int version) {
  uint64_t rights = (1ULL << 13) - 1;
  if (version >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) rights |= kTruncate;
  if (version >= 5) rights |= kIoctlDevice;
  return rights;
}

bool allow(int ruleset, const std::string& path, uint64_t rights, bool must_exist) {
  const Descriptor folder(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!folder) return !must_exist;
  struct stat status {};
  if (::fstat(folder.get(), &status) != 0) return false;
  if (!S_ISDIR(status.st_mode)) rights &= kOfFiles;
  const landlock_path_beneath_attr rule{rights, folder.get()};
  return ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule,
                   0) == 0;
}

}  // namespace

int landlock_version() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version < 0 ? 0 : static_cast<int>(version);
}

bool enter_landlock(const std::vector<std::string>& read_only,
                    const std::string& scratch) {
  const int version = landlock_version();
  if (version < 1) return false;
  RulesetOfVersion6 rules{};
  rules.files = all_file_rights(version);
  size_t size = sizeof rules.files;
  if (version >= 4) {
    rules.network = kBothTcp;
    size = sizeof rules.files + sizeof rules.network;
  }
  if (version >= 6) {
    rules.scopes = kBothScopes;
    size = sizeof rules;
  }
  const Descriptor ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, size, 0)));
  if (!ruleset) return false;
  for (const std::string& path : read_only) {
    if (!allow(ruleset.get(), path, kReading, false)) return false;
  }
  for (const char* device : {"/dev/null", "/dev/zero", "/dev/full"}) {
    allow(ruleset.get(), device,
          LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE, false);
  }
  for (const char* device : {"/dev/urandom", "/dev/random"}) {
    allow(ruleset.get(), device, LANDLOCK_ACCESS_FS_READ_FILE, false);
  }
  // Executing from the scratch folder is what compiled programs need.
  if (!allow(ruleset.get(), scratch, rules.files & ~kIoctlDevice, true)) return false;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0;
}

bool enter_bare_seccomp() {
  std::vector<sock_filter> program = seccomp_program(SeccompProfile::kBare);
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

}  // namespace srpo::verify
