#include "choregos/api/http/reply.hpp"

#include <algorithm>

#include "choregos/base/text.hpp"
#include "choregos/wire/problem.hpp"

namespace choregos::api {

Reply json_reply(std::string body, int status) {
  Reply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

Reply problem_reply(const Error& error, std::string_view path, std::optional<int> status) {
  Reply reply;
  reply.status = status.value_or(http_status(error.code));
  reply.content_type = wire::kProblemMediaType;
  reply.body = wire::problem_json(error, path, reply.status);
  return reply;
}

Reply retry_reply(const Error& error, std::string_view path, Duration retry_after) {
  const auto seconds = std::max<std::int64_t>(1, (retry_after.count() + 999'999'999) / 1'000'000'000);
  return problem_reply(error, path).with("Retry-After", std::to_string(seconds));
}

bool none_match_hits(std::string_view if_none_match, std::string_view etag) {
  const auto strong = [](std::string_view tag) { return tag.substr(0, 2) == "W/" ? tag.substr(2) : tag; };
  const auto trimmed = [](std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
  };
  if (etag.empty()) return false;
  while (!if_none_match.empty()) {
    // Our own tags hold no comma, so a split at commas finds them whole whatever the others are.
    const auto comma = if_none_match.find(',');
    const auto tag = trimmed(if_none_match.substr(0, comma));
    if (tag == "*" || (!tag.empty() && strong(tag) == strong(etag))) return true;
    if (comma == std::string_view::npos) break;
    if_none_match.remove_prefix(comma + 1);
  }
  return false;
}

bool accepts_gzip(std::string_view accept_encoding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    const auto comma = accept_encoding.find(',');
    std::string item = to_lower(accept_encoding.substr(0, comma));
    accept_encoding = comma == std::string_view::npos ? std::string_view{} : accept_encoding.substr(comma + 1);
    std::erase_if(item, [](char c) { return c == ' ' || c == '\t'; });
    const auto semicolon = item.find(';');
    const std::string_view coding = std::string_view(item).substr(0, semicolon);
    // q=0, q=0.0, q=0.00, q=0.000: not acceptable.
    const std::string_view weight = semicolon == std::string::npos ? "q=1" : std::string_view(item).substr(semicolon + 1);
    const bool refused = weight.starts_with("q=0") && weight.find_first_not_of("0.", 2) == std::string_view::npos;
    if (coding == "gzip") return !refused;
    if (coding == "*") any = !refused;
  }
  return any;
}

}  // namespace choregos::api
