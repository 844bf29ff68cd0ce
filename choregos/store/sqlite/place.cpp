#include "choregos/store/sqlite/place.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace choregos::store {

std::string system_words() { return std::strerror(errno); }

Result<void> make_file(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::filesystem::path made;
  for (const auto& part : folder) {
    made /= part;
    if (::mkdir(made.c_str(), 0700) != 0 && errno != EEXIST && !std::filesystem::is_directory(made))
      return fail(ErrorCode::io, "the folder " + made.string() + " cannot be made: " + system_words() + "; make it, or choose another place for the state");
  }
  const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) return fail(ErrorCode::io, path + " cannot be opened: " + system_words() + "; it must be readable and writable for this user");
  // The file's name must survive power loss, too, or everything in it is lost with it.
  const Fd above(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (above.get() >= 0) (void)::fsync(above.get());
  return {};
}

Result<Fd> lock_file(const std::string& path) {
  Fd lock(::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.get() < 0) return fail(ErrorCode::io, path + ".lock cannot be opened: " + system_words());
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorCode::conflict, path + " is in use by another process; stop that one, or give this one a state folder of its own");
  return lock;
}

}  // namespace choregos::store
