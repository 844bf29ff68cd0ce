#include "choregos/daemon/seal.hpp"

#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <memory>

namespace choregos::daemon {
namespace {

// By what they are for. Names that an architecture does not have are passed over.
constexpr std::initializer_list<const char*> kMemory = {"brk", "mmap", "munmap", "mremap", "madvise", "mprotect", "membarrier", "mlock", "munlock"};
constexpr std::initializer_list<const char*> kFiles = {
    "openat", "open", "close", "close_range", "read", "write", "pread64", "pwrite64", "readv", "writev", "lseek", "fstat", "stat", "lstat", "newfstatat", "statx",
    "fsync", "fdatasync", "sync_file_range", "ftruncate", "fallocate", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "fchmod", "fchmodat", "chmod", "fchown",
    "utimensat", "getdents64", "fcntl", "flock", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getcwd", "umask", "statfs", "fstatfs", "dup", "dup2", "dup3",
    "ioctl", "inotify_init1", "inotify_add_watch", "inotify_rm_watch", "copy_file_range", "sendfile"};
constexpr std::initializer_list<const char*> kNetwork = {"bind", "listen", "accept", "accept4", "connect", "getsockname", "getpeername", "setsockopt", "getsockopt", "sendto",
                                                         "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown", "socketpair"};
constexpr std::initializer_list<const char*> kWaiting = {"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "timerfd_create", "timerfd_settime",
                                                         "timerfd_gettime", "poll", "ppoll", "select", "pselect6", "pipe2", "futex", "nanosleep", "clock_nanosleep", "restart_syscall",
                                                         "sched_yield"};
constexpr std::initializer_list<const char*> kThreads = {"set_robust_list", "rseq", "exit", "exit_group", "gettid", "set_tid_address", "prctl", "arch_prctl", "sched_getaffinity",
                                                         "sched_getparam", "sched_getscheduler", "get_robust_list"};
constexpr std::initializer_list<const char*> kSignals = {"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack", "tgkill", "alarm", "setitimer"};
constexpr std::initializer_list<const char*> kFacts = {"clock_gettime", "clock_getres", "gettimeofday", "time", "times", "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid",
                                                       "uname", "sysinfo", "getrusage", "getrlimit", "prlimit64", "getrandom", "getcpu"};

/// The families that we speak: local ones, TCP/IP, and the kernel's own telling of addresses and links.
constexpr std::initializer_list<int> kFamilies = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

using Filter = std::unique_ptr<void, void (*)(void*)>;

bool allow(void* filter, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || number < 0) continue;
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) != 0) return false;
  }
  return true;
}

/// A thread, which shares our memory, but no process.
bool allow_threads_only(void* filter) {
  constexpr std::uint64_t kThread = CLONE_THREAD | CLONE_VM;
  // Its flags lie in memory, where a filter cannot look; without it the C library takes clone, whose flags are an argument.
  return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
         seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, kThread, kThread)) == 0;
}

bool allow_families(void* filter) {
  for (const int family : kFamilies)
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family))) != 0) return false;
  return true;
}

}  // namespace

bool can_be_sealed() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#else
  return true;
#endif
}

Result<void> seal_process() {
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release);
  if (!filter) return fail(ErrorCode::unsupported, "no filter of system calls could be made");
  // All threads at once: some run already.
  if (seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1) != 0) return fail(ErrorCode::unsupported, "this kernel cannot filter the system calls of several threads");
  for (const auto& group : {kMemory, kFiles, kNetwork, kWaiting, kThreads, kSignals, kFacts})
    if (!allow(filter.get(), group)) return fail(ErrorCode::unsupported, "the filter of system calls was refused");
  if (!allow_threads_only(filter.get()) || !allow_families(filter.get())) return fail(ErrorCode::unsupported, "the filter of system calls was refused");
  if (const int code = seccomp_load(filter.get()); code != 0)
    return fail(ErrorCode::unsupported, std::string("the filter of system calls could not be loaded: ") + std::strerror(-code));
  return {};
}

}  // namespace choregos::daemon
