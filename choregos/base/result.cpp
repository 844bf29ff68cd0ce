#include "choregos/base/result.hpp"

namespace choregos {
namespace {

struct Row {
  ErrorCode code;
  std::string_view word;
  int http;
  int exit;
};

constexpr Row kRows[] = {
    {ErrorCode::invalid, "invalid", 400, 2},
    {ErrorCode::not_found, "not_found", 404, 3},
    {ErrorCode::conflict, "conflict", 409, 1},
    {ErrorCode::gone, "gone", 410, 1},
    {ErrorCode::denied, "denied", 401, 5},
    {ErrorCode::forbidden, "forbidden", 403, 5},
    {ErrorCode::too_large, "too_large", 413, 1},
    {ErrorCode::exhausted, "exhausted", 429, 1},
    {ErrorCode::unsupported, "unsupported", 415, 1},
    {ErrorCode::misdirected, "misdirected", 421, 1},
    {ErrorCode::unavailable, "unavailable", 503, 4},
    {ErrorCode::timeout, "timeout", 504, 4},
    {ErrorCode::io, "io", 500, 1},
    {ErrorCode::internal, "internal", 500, 1},
};

const Row& row(ErrorCode code) {
  for (const Row& r : kRows)
    if (r.code == code) return r;
  return kRows[std::size(kRows) - 1];
}

}  // namespace

std::string_view to_string(ErrorCode code) { return row(code).word; }
int http_status(ErrorCode code) { return row(code).http; }
int exit_code(ErrorCode code) { return row(code).exit; }

}  // namespace choregos
