#include "choregos/source/beacon/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"

namespace choregos::source::beacon {
namespace {


struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Error broken(const std::string& name, int error) {
  return fail(error == ENOENT ? ErrorCode::not_found : ErrorCode::io, "cannot read the key file " + name + ": " + std::strerror(error));
}

std::string octal(unsigned mode) {
  std::string out = "0";
  for (int shift = 6; shift >= 0; shift -= 3) out += static_cast<char>('0' + (mode >> shift & 7));
  return out;
}

}  // namespace

Result<KeyRing> load_keys(const std::string& path) {
  const std::string name = printable(path);
  // Without waiting, should it be a pipe. What is judged is what was opened, not what lies there a moment later.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return broken(name, errno);
  struct stat about {};
  if (::fstat(file.fd, &about) != 0) return broken(name, errno);
  if (!S_ISREG(about.st_mode)) return fail(ErrorCode::invalid, "the key file " + name + " is no regular file");
  if (about.st_uid != ::geteuid() && about.st_uid != 0)
    return fail(ErrorCode::forbidden, "the key file " + name + " belongs to another user; run: chown " + std::to_string(::geteuid()) + " " + name);
  if ((about.st_mode & 077) != 0)
    return fail(ErrorCode::forbidden, "others may read the key file " + name + " (mode " + octal(about.st_mode & 0777) + "); run: chmod 600 " + name);

  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t n = ::read(file.fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return broken(name, errno);
    if (n == 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > limits::key_file_bytes_max) return fail(ErrorCode::too_large, "the key file " + name + " has over " + std::to_string(limits::key_file_bytes_max / 1024) + " KiB");
  }
  auto keys = KeyRing::parse(text);
  if (!keys) return fail(keys.error().code, "key file " + name + ", " + keys.error().message);
  return keys;
}

}  // namespace choregos::source::beacon
