// The system calls that a sandboxed program may make, as a BPF program for the kernel.
#pragma once

#include <linux/filter.h>
#include <vector>

namespace srpo::verify {

enum class SeccompProfile {
  kNamespaced,  ///< inside namespaces of its own: may signal what it sees, talk AF_UNIX
  kBare,        ///< no namespaces (rung C): no sockets, no signals to others
};

/// An allow-list. What is not on it answers ENOSYS; namespaces, mounts, ptrace, bpf,
/// keys, io_uring, sockets other than AF_UNIX answer EPERM; loading kernel code, kexec,
/// reboot and system calls of another architecture end the process. Native words, as
/// `bwrap --seccomp` and prctl(PR_SET_SECCOMP) read them.
std::vector<sock_filter> seccomp_program(SeccompProfile profile);

}  // namespace srpo::verify
