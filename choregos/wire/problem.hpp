// Errors as RFC 9457 problem details (application/problem+json), and back.
//   {"type":"urn:choregos:problem:not_found","title":"Not found","status":404,"detail":"…","instance":"/api/v1/agents/x","code":"not_found"}
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "choregos/base/result.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::wire {

inline constexpr std::string_view kProblemMediaType = "application/problem+json";

/// `instance` is the path that was asked for; "" leaves it out.
std::string problem_json(const Error& error, std::string_view instance = {});
/// The same with another status than http_status(error.code), such as 405 or 431.
std::string problem_json(const Error& error, std::string_view instance, int status);

/// Appends the members without the braces around them, so that a reply may add its own (RFC 9457 section 3.2).
void write_problem(JsonWriter& out, const Error& error, std::string_view instance, int status);

/// The error that a reply with this status and body means: ours, anybody's problem document, or neither. Never fails.
Error read_problem(int status, std::string_view body);

}  // namespace choregos::wire
