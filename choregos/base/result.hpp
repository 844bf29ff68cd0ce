// Expected failures are values: Result<T> is a value or an Error. The closed list of codes lies here, with the one table
// that maps each to an HTTP status and to a process exit code. Names follow std::expected (C++23).
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace choregos {

enum class ErrorCode {
  invalid,       ///< the input itself is wrong
  not_found,     ///< no such thing
  conflict,      ///< it clashes with what is known (another living agent, a newer fence)
  gone,          ///< it was here and its history is no longer held (a compacted cursor)
  denied,        ///< not authenticated
  forbidden,     ///< authenticated, not allowed; or an address the policy refuses
  too_large,     ///< over a limit of base/limits.hpp
  exhausted,     ///< a quota, rate or queue is full: try later
  unsupported,   ///< a form that we do not speak (media type, version)
  misdirected,   ///< a Host that is not ours
  unavailable,   ///< not ready, or the other side cannot be reached
  timeout,       ///< no answer within the time allowed
  io,            ///< the operating system refused (disk, socket)
  internal,      ///< a fault of ours
};

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;  ///< names what was wrong and what would be right; one sentence, no trailing full stop
};

/// The word used in problem documents and logs: the enumerator's own name.
std::string_view to_string(ErrorCode code);
/// Status code of an HTTP reply that reports this error (RFC 9110).
int http_status(ErrorCode code);
/// Process exit code of the command line: 1 failure, 2 usage, 3 not found, 4 unreachable, 5 denied.
int exit_code(ErrorCode code);

/// A value or an Error. Reading the side that is not there is a fault of the caller and asserts.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { assert(has_value()); return *std::get_if<0>(&state_); }
  const T& value() const& { assert(has_value()); return *std::get_if<0>(&state_); }
  T&& value() && { assert(has_value()); return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { assert(!has_value()); return *std::get_if<1>(&state_); }
  T value_or(T other) const { return has_value() ? value() : std::move(other); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}
  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const { assert(error_); return *error_; }

 private:
  std::optional<Error> error_;
};

/// Shorthand: `return fail(ErrorCode::invalid, "…");`
inline Error fail(ErrorCode code, std::string message) { return Error{code, std::move(message)}; }

}  // namespace choregos
