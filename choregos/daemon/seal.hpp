// Gives up, for good, every system call that choregosd has no use for once it serves: above all starting another program. A fault that
// lets a stranger run code in this process then finds no shell to start, no file system to mount, no process to trace.
#pragma once

#include <string>

#include "choregos/base/result.hpp"

namespace choregos::daemon {

/// Applies to every thread of the process, now and later; cannot be undone. What is not allowed fails with EPERM (seccomp(2)), so that a
/// library which tries has its ordinary error path. Errors: unsupported (this kernel or container does not let us; nothing was given up).
Result<void> seal_process();

/// Builds with sanitizers need more than a sealed process may do, so they do not seal themselves.
bool can_be_sealed();

}  // namespace choregos::daemon
