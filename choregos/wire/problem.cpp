#include "choregos/wire/problem.hpp"

#include <array>
#include <optional>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/fields.hpp"
#include "choregos/wire/json.hpp"
#include "choregos/wire/utf8.hpp"

namespace choregos::wire {
namespace {

constexpr std::array<std::pair<ErrorCode, std::string_view>, 14> kTitles{{{ErrorCode::invalid, "Invalid request"},
                                                                          {ErrorCode::not_found, "Not found"},
                                                                          {ErrorCode::conflict, "Conflict"},
                                                                          {ErrorCode::gone, "No longer held"},
                                                                          {ErrorCode::denied, "Not authenticated"},
                                                                          {ErrorCode::forbidden, "Not allowed"},
                                                                          {ErrorCode::too_large, "Too large"},
                                                                          {ErrorCode::exhausted, "Too many for now"},
                                                                          {ErrorCode::unsupported, "Not supported"},
                                                                          {ErrorCode::misdirected, "Not this host"},
                                                                          {ErrorCode::unavailable, "Not available"},
                                                                          {ErrorCode::timeout, "Took too long"},
                                                                          {ErrorCode::io, "Input or output failed"},
                                                                          {ErrorCode::internal, "Internal fault"}}};

std::string_view title(ErrorCode code) {
  for (const auto& [known, text] : kTitles)
    if (known == code) return text;
  return "Error";
}

std::optional<ErrorCode> parse_code(std::string_view word) {
  for (const auto& [code, text] : kTitles)
    if (to_string(code) == word) return code;
  return std::nullopt;
}

/// The nearest code for a status that came without one.
ErrorCode code_of_status(int status) {
  for (const auto& [code, text] : kTitles)
    if (http_status(code) == status) return code;
  switch (status) {
    case 405:
    case 406:
    case 426: return ErrorCode::unsupported;
    case 408: return ErrorCode::timeout;
    case 414:
    case 431: return ErrorCode::too_large;
    case 507: return ErrorCode::io;
    case 502: return ErrorCode::unavailable;
    default: return status >= 400 && status < 500 ? ErrorCode::invalid : ErrorCode::internal;
  }
}

}  // namespace

void write_problem(JsonWriter& out, const Error& error, std::string_view instance, int status) {
  out.member("type", "urn:choregos:problem:" + std::string(to_string(error.code)));
  out.member("title", title(error.code)).member("status", status).member("detail", error.message);
  if (!instance.empty()) out.member("instance", instance);
  out.member("code", to_string(error.code));
}

std::string problem_json(const Error& error, std::string_view instance, int status) {
  JsonWriter out;
  out.begin_object();
  write_problem(out, error, instance, status);
  out.end_object();
  return std::move(out).take();
}

std::string problem_json(const Error& error, std::string_view instance) { return problem_json(error, instance, http_status(error.code)); }

Error read_problem(int status, std::string_view body) {
  Error out{code_of_status(status), {}};
  JsonRules rules;
  rules.text = JsonText::any;
  const auto tree = parse_json(body, rules);
  if (const auto* object = tree ? tree.value().if_object() : nullptr) {
    std::string code, detail, title_text;
    Fields(*object).text("code", code).text("detail", detail).text("title", title_text);
    if (const auto known = parse_code(code)) out.code = *known;
    out.message = printable(cut_utf8(detail.empty() ? title_text : detail, limits::text_bytes_max * 4));
  }
  if (out.message.empty()) out.message = "the server answered with status " + std::to_string(status);
  return out;
}

}  // namespace choregos::wire
