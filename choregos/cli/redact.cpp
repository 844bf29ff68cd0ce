#include "choregos/cli/redact.hpp"

#include <algorithm>
#include <array>

#include "choregos/base/text.hpp"

namespace choregos::cli {
namespace {

constexpr std::string_view kInstead = "(left out)";

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_secret_name(std::string_view name) {
  static constexpr std::array<std::string_view, 11> kStems{"token", "secret", "password", "passwd", "passphrase", "credential", "apikey", "api_key", "api-key", "authorization", "private"};
  const std::string lower = to_lower(name);
  if (lower.ends_with("_file") || lower.ends_with("-file")) return false;
  return std::any_of(kStems.begin(), kStems.end(), [&](std::string_view stem) { return lower.find(stem) != std::string::npos; });
}

/// Where the value that begins at `at` ends: a quoted one at its quote, a bare one at the next blank or sign.
std::size_t end_of_value(std::string_view text, std::size_t at) {
  if (at < text.size() && (text[at] == '"' || text[at] == '\'')) {
    const char quote = text[at];
    std::size_t end = at + 1;
    while (end < text.size() && text[end] != quote && text[end] != '\n') end += text[end] == '\\' && end + 1 < text.size() ? 2u : 1u;
    return std::min(end, text.size());
  }
  return std::min(text.find_first_of(" \t\r\n,;&\"'}])", at), text.size());
}

std::string without_known(std::string_view text, const std::vector<std::string>& known) {
  std::string out(text);
  for (const auto& secret : known) {
    if (secret.size() <= 3) continue;
    for (std::size_t at = 0; (at = out.find(secret, at)) != std::string::npos; at += kInstead.size()) out.replace(at, secret.size(), kInstead);
  }
  return out;
}

}  // namespace

std::string redact(std::string_view given, const std::vector<std::string>& known) {
  const std::string text = without_known(given, known);
  std::string out;
  out.reserve(text.size());
  std::size_t at = 0;
  // Replaces the value that begins at `value`, leaving its quotes, and goes on behind it.
  const auto leave_out = [&](std::size_t value) {
    const bool quoted = value < text.size() && (text[value] == '"' || text[value] == '\'');
    const std::size_t end = end_of_value(text, value);
    out.append(text, at, value - at + (quoted ? 1 : 0));
    if (end > value) out += kInstead;
    at = end;
  };
  while (at < text.size()) {
    if (text.compare(at, 3, "://") == 0) {  // scheme://user:password@host
      const std::size_t from = at + 3;
      const std::size_t end = std::min(text.find_first_of("/?# \t\r\n\"'<>", from), text.size());
      const std::size_t sign = end == from ? std::string::npos : text.rfind('@', end - 1);
      out += "://";
      at = from;
      if (sign != std::string::npos && sign >= from) {
        out += kInstead;
        at = sign;
      }
      continue;
    }
    if (!is_name(text[at])) {
      out += text[at++];
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_name(text[end])) ++end;
    const std::string_view name(text.data() + at, end - at);
    const std::string lower = to_lower(name);
    if ((lower == "bearer" || lower == "basic") && end < text.size() && is_blank(text[end])) {
      std::size_t value = end;
      while (value < text.size() && is_blank(text[value])) ++value;
      leave_out(value);
      continue;
    }
    if (is_secret_name(name)) {
      std::size_t value = end;
      if (value < text.size() && (text[value] == '"' || text[value] == '\'')) ++value;
      while (value < text.size() && is_blank(text[value])) ++value;
      if (value < text.size() && (text[value] == '=' || text[value] == ':')) {
        ++value;
        while (value < text.size() && is_blank(text[value])) ++value;
        if (value < text.size() && text[value] != '{' && text[value] != '[' && text.compare(value, 2, "//") != 0) {
          const std::size_t scheme = end_of_value(text, value);  // "Authorization: Bearer xyz" has its secret behind a word
          const std::string word = to_lower(std::string_view(text).substr(value, scheme - value));
          if (word != "bearer" && word != "basic") {
            leave_out(value);
            continue;
          }
        }
      }
    }
    out.append(name);
    at = end;
  }
  return out;
}

}  // namespace choregos::cli
