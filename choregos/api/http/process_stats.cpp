#include "choregos/api/http/process_stats.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace choregos::api {
namespace {

std::uint64_t count_fds() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (!directory) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(directory)) count += entry->d_name[0] != '.';
  ::closedir(directory);
  return count > 0 ? count - 1 : 0;  // the listing's own
}

double boot_seconds() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double value = 0;
    if (word == "btime" && file >> value) return value;
  }
  return 0;
}

}  // namespace

ProcessStats read_process_stats() {
  ProcessStats stats;
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  // The second field is the program's name in parentheses and may hold anything, so counting begins behind it (proc(5)).
  if (const auto name_end = text.rfind(')'); name_end != std::string::npos) {
    std::istringstream fields(text.substr(name_end + 1));
    std::string skipped;
    for (int i = 3; i <= 13; ++i) fields >> skipped;
    double user = 0, system = 0, started = 0;
    std::uint64_t pages = 0;
    fields >> user >> system;                                // 14, 15
    for (int i = 16; i <= 19; ++i) fields >> skipped;
    fields >> stats.threads >> skipped >> started;           // 20, 21, 22
    fields >> stats.virtual_bytes >> pages;                  // 23, 24
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    stats.cpu_seconds = (user + system) / ticks;
    static const double booted = boot_seconds();
    stats.start_seconds = booted + started / ticks;
    stats.resident_bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  stats.open_fds = count_fds();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = limit.rlim_cur;
  return stats;
}

}  // namespace choregos::api
