#include "choregos/daemon/seal.hpp"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

namespace choregos::daemon {
namespace {

/// What `check` says in a process that sealed itself; -1 when it did not end by itself. A child, since there is no way back.
int sealed(const std::function<int()>& check) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(seal_process() ? check() : 99);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct Seal : testing::Test {
  void SetUp() override {
    if (!can_be_sealed()) GTEST_SKIP() << "a build with sanitizers does not seal itself";
    if (sealed([] { return 0; }) != 99) return;
    const char* forced = std::getenv("CHOREGOS_NO_SKIP");
    if (forced && std::string(forced) == "1") FAIL() << "this machine lets nobody filter system calls";
    GTEST_SKIP() << "this machine lets nobody filter system calls";
  }
};

TEST_F(Seal, StartsNoOtherProgram) {
  EXPECT_EQ(sealed([] {
              char name[] = "/bin/true";
              char* arguments[] = {name, nullptr};
              ::execv(name, arguments);
              return errno;
            }),
            EPERM);
  EXPECT_EQ(sealed([] { return ::fork() == -1 ? errno : 0; }), EPERM);
  EXPECT_EQ(sealed([] { return ::vfork() == -1 ? errno : 0; }), EPERM);
  EXPECT_NE(sealed([] { return std::system("true") == 0 ? 0 : 1; }), 0);
  EXPECT_NE(sealed([] {
              char name[] = "/bin/true";
              char* arguments[] = {name, nullptr};
              pid_t pid = 0;
              return ::posix_spawn(&pid, name, nullptr, nullptr, arguments, nullptr);
            }),
            0);
}

TEST_F(Seal, TouchesNoOtherProcessAndNoMount) {
  EXPECT_EQ(sealed([] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == -1 ? errno : 0; }), EPERM);
  EXPECT_EQ(sealed([] { return ::mount("none", "/mnt", "tmpfs", 0, nullptr) == -1 ? errno : 0; }), EPERM);
  EXPECT_EQ(sealed([] { return ::kill(::getppid(), 0) == -1 ? errno : 0; }), EPERM);
  EXPECT_EQ(sealed([] { return ::setuid(0) == -1 ? errno : 0; }), EPERM);
}

TEST_F(Seal, SpeaksTheFamiliesThatWeSpeak) {
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK})
    EXPECT_EQ(sealed([family] { return ::socket(family, SOCK_DGRAM, 0) >= 0 || errno == EAFNOSUPPORT ? 0 : errno; }), 0) << family;
  EXPECT_EQ(sealed([] { return ::socket(AF_PACKET, SOCK_RAW, 0) >= 0 ? 0 : errno; }), EPERM);
}

TEST_F(Seal, StillMakesThreads) {
  EXPECT_EQ(sealed([] {
              int made = 0;
              std::thread([&] { made = 1; }).join();
              return made == 1 ? 0 : 1;
            }),
            0);
}

TEST_F(Seal, HoldsForThreadsThatRanBefore) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::atomic<bool> go = false;
    int said = 0;
    std::thread before([&] {
      while (!go) std::this_thread::yield();
      said = ::fork() == -1 ? errno : 0;
    });
    if (!seal_process()) ::_exit(99);
    go = true;
    before.join();
    ::_exit(said);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), EPERM);
}

}  // namespace
}  // namespace choregos::daemon
