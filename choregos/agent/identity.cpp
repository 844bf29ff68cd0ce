#include "choregos/agent/identity.hpp"

#include <cstdlib>

#include "choregos/base/text.hpp"

namespace choregos::agent {

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (!value || !*value) return std::nullopt;
    return std::string(value);
  };
}

Result<std::string> default_id(const Environment& environment, const std::string& host_name) {
  for (const char* variable : {"CHOREGOS_TASK_NAME", "CHOREGOS_TASK_ID"})
    if (auto value = environment(variable); value && is_word(*value)) return *value;
  // Every minimal system is called localhost: as an id it would make two strangers one agent.
  if (host_name != "localhost" && is_word(host_name)) return host_name;
  return fail(ErrorCode::invalid, "the host name '" + printable(host_name) + "' cannot serve as an id; give one with --id or CHOREGOS_ID");
}

}  // namespace choregos::agent
