#include "choregos/daemon/token_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "choregos/api/http/credentials.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/net/sockets.hpp"

namespace choregos::daemon {
namespace {


}  // namespace

Result<std::vector<std::string>> load_tokens(const std::string& path) {
  const std::string name = "the token file " + printable(path);
  // Without blocking: a named pipe there must not stop the start.
  const net::FdGuard file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    if (errno == ENOENT) return fail(ErrorCode::not_found, name + " does not exist; make it with: (umask 077; head -c 32 /dev/urandom | base64 > " + printable(path) + ")");
    return fail(ErrorCode::io, "cannot open " + name + ": " + std::strerror(errno));
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail(ErrorCode::io, "cannot look at " + name + ": " + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid, name + " is no regular file");
  if ((info.st_mode & 0077) != 0) return fail(ErrorCode::forbidden, name + " can be read or written by others; run: chmod 600 " + printable(path));
  std::string text(limits::token_file_bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::io, "cannot read " + name + ": " + std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > limits::token_file_bytes_max) return fail(ErrorCode::too_large, name + " is over " + std::to_string(limits::token_file_bytes_max / 1024) + " KiB");

  std::vector<std::string> tokens;
  std::string_view rest(text.data(), size);
  for (int number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    if (line.empty() || line.front() == '#') continue;
    if (auto fits = api::TokenSet::create({std::string(line)}); !fits)
      return fail(ErrorCode::invalid, name + ", line " + std::to_string(number) + ": a token has at least " + std::to_string(api::kTokenBytesMin) +
                                          " characters, all of them printable ASCII without blanks");
    tokens.emplace_back(line);
  }
  if (tokens.empty()) return fail(ErrorCode::invalid, name + " holds no token; put one in, on a line of its own");
  return tokens;
}

}  // namespace choregos::daemon
