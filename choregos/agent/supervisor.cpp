#include "choregos/agent/supervisor.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

extern char** environ;

namespace choregos::agent {
namespace {

/// Everything that somebody may send a program on purpose. Left out: what the kernel raises for faults of our own, and the
/// stops of job control, which reach the child through its process group.
sigset_t passed_on() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT, SIGIO}) sigaddset(&set, signal);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) sigaddset(&set, signal);
  return set;
}

Error os_error(const std::string& what, int number) {
  const auto code = number == ENOENT ? ErrorCode::not_found : number == EACCES || number == ENOEXEC ? ErrorCode::forbidden : ErrorCode::io;
  return fail(code, what + ": " + std::strerror(number));
}

}  // namespace

Result<Supervisor> Supervisor::create() {
  sigset_t set = passed_on();
  sigaddset(&set, SIGCHLD);
  sigset_t original;
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, &original)) return os_error("cannot block signals", error);
  const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return os_error("cannot receive signals", errno);
  return Supervisor(fd, original);
}

Supervisor::Supervisor(Supervisor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), original_mask_(other.original_mask_), child_(other.child_), ended_(other.ended_) {}

Supervisor::~Supervisor() {
  if (fd_ >= 0) close(fd_);
}

Result<void> Supervisor::spawn(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // We ignore SIGPIPE; a command must not inherit that.
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setsigmask(&attributes, &original_mask_);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error = posix_spawnp(&child_, argv[0], nullptr, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (error) {
    child_ = -1;
    return os_error("cannot run '" + command[0] + "'", error);
  }
  return {};
}

void Supervisor::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != child_) continue;
    ended_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

std::optional<Supervisor::Happening> Supervisor::take_signal() {
  using Kind = Happening::Kind;
  signalfd_siginfo info;
  while (read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) {
      reap();
      if (ended_) return Happening{Kind::child_ended, 0, *ended_};
      continue;
    }
    // A terminal signals its whole foreground group: the child has it already.
    const bool from_terminal = info.ssi_code == SI_KERNEL;
    if (child_ > 0 && !ended_ && !from_terminal) kill(child_, signal);
    if (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT) return Happening{Kind::asked_to_stop, signal, 0};
    if (signal == SIGHUP) return Happening{Kind::reload, signal, 0};
  }
  return std::nullopt;
}

Supervisor::Happening Supervisor::wait(Duration timeout) {
  timespec left{};
  const auto total = std::max<std::int64_t>(timeout.count(), 0);
  left.tv_sec = total / 1'000'000'000;
  left.tv_nsec = total % 1'000'000'000;
  if (auto happening = take_signal()) return *happening;
  pollfd poll_on{fd_, POLLIN, 0};
  ppoll(&poll_on, 1, &left, nullptr);
  return take_signal().value_or(Happening{});
}

}  // namespace choregos::agent
