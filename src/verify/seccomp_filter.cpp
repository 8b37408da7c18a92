#include "verify/seccomp_filter.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/error.h"

namespace srpo::verify {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "the sandbox knows the system calls of x86-64 and AArch64"
#endif

constexpr uint32_t kRefuse = SECCOMP_RET_ERRNO | EPERM;
constexpr uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;
constexpr uint32_t kNamespaceFlags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                     CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                                     CLONE_NEWNET | CLONE_NEWTIME;

// Of every architecture.
constexpr int kAllowed[] = {
    // files
    __NR_read,
    __NR_write,
    __NR_readv,
    __NR_writev,
    __NR_pread64,
    __NR_pwrite64,
    __NR_preadv,
    __NR_pwritev,
    __NR_preadv2,
    __NR_pwritev2,
    __NR_openat,
    __NR_close,
    __NR_lseek,
    __NR_fstat,
    __NR_newfstatat,
    __NR_statx,
    __NR_statfs,
    __NR_fstatfs,
    __NR_getdents64,
    __NR_fcntl,
    __NR_flock,
    __NR_fsync,
    __NR_fdatasync,
    __NR_truncate,
    __NR_ftruncate,
    __NR_fallocate,
    __NR_getcwd,
    __NR_chdir,
    __NR_fchdir,
    __NR_mkdirat,
    __NR_unlinkat,
    __NR_renameat,
    __NR_renameat2,
    __NR_linkat,
    __NR_symlinkat,
    __NR_readlinkat,
    __NR_faccessat,
    __NR_faccessat2,
    __NR_fchmod,
    __NR_fchmodat,
    __NR_fchown,
    __NR_fchownat,
    __NR_utimensat,
    __NR_umask,
    __NR_dup,
    __NR_dup3,
    __NR_pipe2,
    __NR_close_range,
    __NR_copy_file_range,
    __NR_sendfile,
    __NR_splice,
    __NR_tee,
    __NR_fadvise64,
    __NR_readahead,
    __NR_sync_file_range,
    __NR_memfd_create,
    __NR_ioctl,
    __NR_getxattr,
    __NR_lgetxattr,
    __NR_fgetxattr,
    __NR_listxattr,
    __NR_inotify_init1,
    __NR_inotify_add_watch,
    __NR_inotify_rm_watch,
    // memory
    __NR_mmap,
    __NR_munmap,
    __NR_mprotect,
    __NR_mremap,
    __NR_madvise,
    __NR_brk,
    __NR_msync,
    __NR_mincore,
    __NR_mlock,
    __NR_munlock,
    __NR_membarrier,
    __NR_get_mempolicy,
    // waiting
    __NR_ppoll,
    __NR_pselect6,
    __NR_epoll_create1,
    __NR_epoll_ctl,
    __NR_epoll_pwait,
    __NR_epoll_pwait2,
    __NR_eventfd2,
    __NR_signalfd4,
    __NR_timerfd_create,
    __NR_timerfd_settime,
    __NR_timerfd_gettime,
    __NR_futex,
    __NR_nanosleep,
    __NR_clock_nanosleep,
    __NR_clock_gettime,
    __NR_clock_getres,
    __NR_gettimeofday,
    __NR_getitimer,
    __NR_setitimer,
    __NR_timer_create,
    __NR_timer_settime,
    __NR_timer_gettime,
    __NR_timer_getoverrun,
    __NR_timer_delete,
    __NR_times,
    __NR_recvmsg,
    // processes
    __NR_execve,
    __NR_execveat,
    __NR_exit,
    __NR_exit_group,
    __NR_wait4,
    __NR_waitid,
    __NR_getpid,
    __NR_getppid,
    __NR_gettid,
    __NR_getpgid,
    __NR_setpgid,
    __NR_getsid,
    __NR_setsid,
    __NR_getuid,
    __NR_geteuid,
    __NR_getgid,
    __NR_getegid,
    __NR_getgroups,
    __NR_getresuid,
    __NR_getresgid,
    __NR_set_tid_address,
    __NR_set_robust_list,
    __NR_get_robust_list,
    __NR_rseq,
    __NR_sched_yield,
    __NR_sched_getaffinity,
    __NR_sched_setaffinity,
    __NR_sched_getparam,
    __NR_sched_getscheduler,
    __NR_sched_get_priority_max,
    __NR_sched_get_priority_min,
    __NR_getpriority,
    __NR_setpriority,
    __NR_getrusage,
    __NR_getrlimit,
    __NR_setrlimit,
    __NR_prlimit64,
    __NR_prctl,
    __NR_capget,
    __NR_getcpu,
    __NR_uname,
    __NR_sysinfo,
    __NR_getrandom,
    __NR_personality,
    __NR_restart_syscall,
    // signals to oneself
    __NR_rt_sigaction,
    __NR_rt_sigprocmask,
    __NR_rt_sigreturn,
    __NR_rt_sigpending,
    __NR_rt_sigsuspend,
    __NR_rt_sigtimedwait,
    __NR_sigaltstack,
#if defined(__x86_64__)
    __NR_open,
    __NR_creat,
    __NR_stat,
    __NR_lstat,
    __NR_access,
    __NR_mkdir,
    __NR_rmdir,
    __NR_unlink,
    __NR_rename,
    __NR_link,
    __NR_symlink,
    __NR_readlink,
    __NR_chmod,
    __NR_chown,
    __NR_lchown,
    __NR_utime,
    __NR_utimes,
    __NR_futimesat,
    __NR_getdents,
    __NR_pipe,
    __NR_dup2,
    __NR_poll,
    __NR_select,
    __NR_epoll_create,
    __NR_epoll_wait,
    __NR_eventfd,
    __NR_signalfd,
    __NR_inotify_init,
    __NR_alarm,
    __NR_pause,
    __NR_time,
    __NR_fork,
    __NR_vfork,
    __NR_getpgrp,
    __NR_arch_prctl,
#endif
};

constexpr int kAllowedInNamespaces[] = {
    __NR_kill,
    __NR_tkill,
    __NR_tgkill,
    __NR_rt_sigqueueinfo,
    __NR_rt_tgsigqueueinfo,
    __NR_pidfd_open,
    __NR_pidfd_send_signal,
    __NR_bind,
    __NR_listen,
    __NR_accept,
    __NR_accept4,
    __NR_connect,
    __NR_getsockname,
    __NR_getpeername,
    __NR_sendto,
    __NR_recvfrom,
    __NR_sendmsg,
    __NR_setsockopt,
    __NR_getsockopt,
    __NR_shutdown,
};

constexpr int kRefused[] = {
    __NR_unshare,
    __NR_setns,
    __NR_mount,
    __NR_umount2,
    __NR_pivot_root,
    __NR_chroot,
    __NR_move_mount,
    __NR_open_tree,
    __NR_fsopen,
    __NR_fsconfig,
    __NR_fsmount,
    __NR_fspick,
    __NR_mount_setattr,
    __NR_ptrace,
    __NR_process_vm_readv,
    __NR_process_vm_writev,
    __NR_process_madvise,
    __NR_pidfd_getfd,
    __NR_kcmp,
    __NR_bpf,
    __NR_perf_event_open,
    __NR_userfaultfd,
    __NR_io_uring_setup,
    __NR_io_uring_enter,
    __NR_io_uring_register,
    __NR_keyctl,
    __NR_add_key,
    __NR_request_key,
    __NR_seccomp,
    __NR_quotactl,
    __NR_syslog,
    __NR_name_to_handle_at,
    __NR_open_by_handle_at,
    __NR_fanotify_init,
    __NR_mknodat,
    __NR_sethostname,
    __NR_setdomainname,
    __NR_settimeofday,
    __NR_clock_settime,
    __NR_adjtimex,
    __NR_acct,
    __NR_swapon,
    __NR_swapoff,
    __NR_setuid,
    __NR_setgid,
    __NR_setreuid,
    __NR_setregid,
    __NR_setresuid,
    __NR_setresgid,
    __NR_setgroups,
    __NR_capset,
    __NR_shmget,
    __NR_shmat,
    __NR_shmctl,
    __NR_semget,
    __NR_msgget,
    __NR_mq_open,
    __NR_kill,
    __NR_tkill,
    __NR_tgkill,
    __NR_rt_sigqueueinfo,
    __NR_rt_tgsigqueueinfo,
    __NR_pidfd_open,
    __NR_pidfd_send_signal,
    __NR_socket,
    __NR_socketpair,
#if defined(__x86_64__)
    __NR_mknod,
#endif
};

constexpr int kDeadly[] = {
    __NR_kexec_load,    __NR_init_module, __NR_finit_module,
    __NR_delete_module, __NR_reboot,
#if defined(__x86_64__)
    __NR_iopl,          __NR_ioperm,      __NR_kexec_file_load,
#endif
};

constexpr uint32_t offset_of_argument(int index) {
  return static_cast<uint32_t>(offsetof(seccomp_data, args)) +
         8U * static_cast<uint32_t>(index);
}

class ProgramBuilder {
 public:
  void load(uint32_t offset) {
    program_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
  }
  void answer(uint32_t action) { program_.push_back(BPF_STMT(BPF_RET | BPF_K, action)); }
  /// The answer if the loaded word equals `value`, else the next instruction.
  void answer_if(uint32_t value, uint32_t action) {
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    answer(action);
  }
  void answer_unless(uint32_t value, uint32_t action) {
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0));
    answer(action);
  }
  template <size_t kCount>
  void answer_each(const int (&numbers)[kCount], uint32_t action) {
    for (const int number : numbers) answer_if(static_cast<uint32_t>(number), action);
  }
  /// For one system call: `bits` set in an argument or a value of it decides. Leaves no
  /// way past.
  void answer_by_bits(int number, int argument, uint32_t bits, uint32_t if_any) {
    program_.push_back(
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 4));
    load(offset_of_argument(argument));
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    answer(if_any);
    answer(SECCOMP_RET_ALLOW);
  }
  void allow_only_value(int number, int argument, uint32_t value) {
    program_.push_back(
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 4));
    load(offset_of_argument(argument));
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    answer(SECCOMP_RET_ALLOW);
    answer(kRefuse);
  }
  std::vector<sock_filter> take() { return std::move(program_); }

 private:
  std::vector<sock_filter> program_;
};

}  // namespace

std::vector<sock_filter> seccomp_program(SeccompProfile profile) {
  ProgramBuilder builder;
  builder.load(offsetof(seccomp_data, arch));
  builder.answer_unless(kArchitecture, SECCOMP_RET_KILL_PROCESS);
  builder.load(offsetof(seccomp_data, nr));
  builder.answer_each(kAllowed, SECCOMP_RET_ALLOW);
  builder.answer_by_bits(__NR_clone, 0, kNamespaceFlags, kRefuse);
  // clone3 passes its flags by pointer, which a filter cannot read: libc falls back to
  // clone.
  builder.answer_if(__NR_clone3, kUnknown);
  if (profile == SeccompProfile::kNamespaced) {
    builder.answer_each(kAllowedInNamespaces, SECCOMP_RET_ALLOW);
    builder.allow_only_value(__NR_socket, 0, AF_UNIX);
  }
  builder.allow_only_value(__NR_socketpair, 0, AF_UNIX);
  builder.answer_each(kDeadly, SECCOMP_RET_KILL_PROCESS);
  builder.answer_each(kRefused, kRefuse);
  builder.answer(kUnknown);
  std::vector<sock_filter> program = builder.take();
  ENSURE(program.size() <= BPF_MAXINSNS,
         "the filter has " << program.size() << " instructions");
  return program;
}

}  // namespace srpo::verify
