// A reply before it becomes bytes, and the few ways in which replies are made.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"

namespace choregos::api {

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;  ///< beyond those that every reply carries
  std::string body;

  Reply& with(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
};

Reply json_reply(std::string body, int status = 200);
/// An RFC 9457 problem. `path` is what was asked for; a status other than the error's own may be given.
Reply problem_reply(const Error& error, std::string_view path, std::optional<int> status = std::nullopt);
/// A problem that is worth another try: with Retry-After in whole seconds, at least 1.
Reply retry_reply(const Error& error, std::string_view path, Duration retry_after);

/// Whether Accept-Encoding (RFC 9110 section 12.5.3) lets in gzip: named, or "*", without q=0.
bool accepts_gzip(std::string_view accept_encoding);
/// If-None-Match of RFC 9110 section 13.1.2: weak comparison against a list of tags, or "*".
bool none_match_hits(std::string_view if_none_match, std::string_view etag);

}  // namespace choregos::api
