#include "choregos/agent/status_word.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "choregos/base/text.hpp"

namespace choregos::agent {

StatusReading read_status_file(const std::string& path) {
  // Non-blocking, so that a named pipe in its place cannot hold us up.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return {std::nullopt, "cannot read " + path + ": " + std::strerror(errno)};
  char buffer[64];
  const ssize_t got = read(fd, buffer, sizeof buffer);
  const int error = errno;
  close(fd);
  if (got < 0) return {std::nullopt, "cannot read " + path + ": " + std::strerror(error)};

  constexpr std::string_view kBlank = " \t\r\n";
  std::string_view text(buffer, static_cast<std::size_t>(got));
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == text.npos) return {std::nullopt, path + " is empty; it should hold online, idle or working"};
  text = text.substr(begin, text.find_first_of(kBlank, begin) - begin);
  if (auto status = parse_status(text)) return {status, ""};
  return {std::nullopt, path + " says '" + printable(text) + "'; it should say online, idle or working"};
}

}  // namespace choregos::agent
