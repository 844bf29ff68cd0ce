#include "choregos/source/swarm_dns/task_name.hpp"

#include <algorithm>
#include <string>

namespace choregos::source {
namespace {

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_docker_id(std::string_view text) { return text.size() == 25 && std::all_of(text.begin(), text.end(), is_lower_or_digit); }

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 9 && text[0] != '0' && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_name_character(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; }

/// Takes the text up to the next dot off `rest`; empty when there is none.
std::string_view take_label(std::string_view& rest) {
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view label = rest.substr(0, dot);
  rest.remove_prefix(dot + 1);
  return label;
}

}  // namespace

std::optional<SwarmTask> parse_task_name(std::string_view name) {
  if (name.size() > 255) return std::nullopt;
  if (name.ends_with('.')) name.remove_suffix(1);
  const std::string_view service = take_label(name), slot = take_label(name), task = take_label(name);
  if (service.empty() || service.size() > 63 || !std::all_of(service.begin(), service.end(), is_name_character)) return std::nullopt;
  if (service.front() == '-' || service.front() == '_') return std::nullopt;
  if (!is_number(slot) && !is_docker_id(slot)) return std::nullopt;
  if (!is_docker_id(task)) return std::nullopt;
  const bool network = !name.empty() && name.front() != '.' && name.back() != '.' && std::all_of(name.begin(), name.end(), [](char c) { return is_name_character(c) || c == '.'; });
  if (!network) return std::nullopt;
  return SwarmTask{std::string(service), std::string(slot), std::string(task)};
}

bool is_task_of(const SwarmTask& task, std::string_view asked) {
  return task.service == asked || (task.service.size() > asked.size() && task.service.ends_with(asked) && task.service[task.service.size() - asked.size() - 1] == '_');
}

}  // namespace choregos::source
