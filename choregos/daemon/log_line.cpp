#include "choregos/daemon/log_line.hpp"

#include <algorithm>
#include <array>

#include "choregos/base/text.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::daemon {
namespace {

constexpr std::array<std::string_view, 4> kWords{"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 4> kColors{"\033[2m", "\033[32m", "\033[33m", "\033[31m"};

bool is_plain(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f; });
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string shown(const LogField& field) {
  if (const auto* text = std::get_if<std::string>(&field.value)) return is_plain(*text) ? *text : quoted(printable(*text));
  if (const auto* truth = std::get_if<bool>(&field.value)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&field.value)) return std::to_string(*number);
  return std::to_string(std::get<std::uint64_t>(field.value));
}

}  // namespace

std::string_view to_string(LogLevel level) { return kWords[static_cast<std::size_t>(level)]; }

std::optional<LogLevel> parse_log_level(std::string_view word) {
  const auto it = std::find(kWords.begin(), kWords.end(), word);
  return it == kWords.end() ? std::nullopt : std::optional(static_cast<LogLevel>(it - kWords.begin()));
}

std::string json_line(WallTime time, LogLevel level, std::string_view event, std::span<const LogField> fields) {
  wire::JsonWriter out;
  out.begin_object().member("time", to_rfc3339(time)).member("level", to_string(level)).member("event", event);
  for (const LogField& field : fields)
    if (!field.empty()) std::visit([&](const auto& value) { out.member(field.key, value); }, field.value);
  out.end_object();
  return std::move(out).take() + "\n";
}

std::string text_line(WallTime time, LogLevel level, std::string_view event, std::span<const LogField> fields, bool color) {
  const auto index = static_cast<std::size_t>(level);
  std::string out = to_rfc3339(time).substr(11, 12) + " ";
  std::string word(kWords[index]);
  word.resize(5, ' ');
  out += color ? std::string(kColors[index]) + word + "\033[0m" : word;
  out += "  " + std::string(event);
  bool first = true;
  for (const LogField& field : fields) {
    if (field.empty()) continue;
    out += first ? "  " : " ";
    first = false;
    out += std::string(field.key) + "=" + shown(field);
  }
  return out + "\n";
}

}  // namespace choregos::daemon
