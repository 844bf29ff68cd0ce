// The file that a store lives in: what it is called inside, how it is made, and who holds it. For store/sqlite alone.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>

#include "choregos/base/result.hpp"

namespace choregos::store {

inline constexpr std::int64_t kApplicationId = 0x43485247;  ///< "CHRG", PRAGMA application_id
inline constexpr std::int64_t kSchema = 2;                  ///< the newest form that this choregos writes, PRAGMA user_version

/// A file descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// errno in words.
std::string system_words();
/// Folders above the file with mode 0700, the file with 0600. SQLite gives its log the mode of the file. Errors: io.
Result<void> make_file(const std::string& path);
/// One choregosd for one file, until the descriptor closes; readers such as the sqlite3 shell are not kept out. Errors: io, conflict.
Result<Fd> lock_file(const std::string& path);

}  // namespace choregos::store
