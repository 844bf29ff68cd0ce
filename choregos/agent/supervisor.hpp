// Supervisor: starts one command, passes signals on to it, reaps whatever ends, and says how it ended. It is what a
// container's PID 1 must do, and does the same anywhere else.
//
// One object a process, made on the main thread before any other thread exists: signals are taken by signalfd, so every
// thread must be born with them blocked. Used from that thread alone.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"

namespace choregos::agent {

class Supervisor {
 public:
  /// Blocks the signals that are passed on. Errors: io.
  static Result<Supervisor> create();
  Supervisor(Supervisor&& other) noexcept;
  Supervisor& operator=(Supervisor&&) = delete;
  ~Supervisor();

  /// Runs the command, found in PATH, with the signal mask and dispositions that we were started with.
  /// Errors: not_found (no such command; exit code 127 by custom), forbidden (cannot be executed; 126), io.
  Result<void> spawn(const std::vector<std::string>& command);
  bool has_child() const { return child_ > 0; }
  pid_t child() const { return child_; }

  struct Happening {
    enum class Kind {
      nothing,        ///< the time is over
      asked_to_stop,  ///< SIGTERM, SIGINT or SIGQUIT; with a child it was passed on
      child_ended,    ///< exit_code holds
      reload,         ///< SIGHUP; with a child it was passed on
    };
    Kind kind = Kind::nothing;
    int signal = 0;
    int exit_code = 0;  ///< of the child: its own, or 128 + the signal that ended it
  };
  /// Waits for one thing to happen, for at most `timeout`. Zombies are reaped by the way.
  Happening wait(Duration timeout);

 private:
  Supervisor(int fd, sigset_t original) : fd_(fd), original_mask_(original) {}
  std::optional<Happening> take_signal();
  void reap();

  int fd_ = -1;
  sigset_t original_mask_;
  pid_t child_ = -1;
  std::optional<int> ended_;
};

}  // namespace choregos::agent
