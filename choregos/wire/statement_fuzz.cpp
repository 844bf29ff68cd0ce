// Any body: a health body never fails and yields only claims within bounds; a registration that is taken reads back to an
// equal one; a record of an agent that is taken is written as valid JSON that reads back to an equal one.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/text.hpp"
#include "choregos/wire/agent_json.hpp"
#include "choregos/wire/statement.hpp"

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

void check_agent(std::string_view body) {
  using namespace choregos;
  const auto tree = wire::parse_json(body);
  const auto* object = tree ? tree->if_object() : nullptr;
  if (object == nullptr) return;
  const auto read = wire::read_agent(*object);
  if (!read) return;
  auto vitals = std::make_shared<Vitals>();
  vitals->last_seen_ms = read->last_seen.ms;
  const AgentRecord record{read->agent, read->revision, vitals};
  const auto again = wire::read_agent(wire::parse_json(wire::agent_json(record, Instant{0}), std::size_t{1} << 24)->as_object());
  require(again.has_value());
  require(again->agent == read->agent && again->last_seen == read->last_seen && again->revision == read->revision);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace choregos;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> notes;
  const wire::Statement health = wire::read_health_body(body, &notes);
  require(check(health.claims).has_value());
  require(health.id.empty() || is_word(health.id));
  for (const auto& note : notes) require(is_utf8(note) && !has_hidden_characters(note) && note.size() < 1000);

  if (const auto registration = wire::read_registration(body)) {
    require(is_word(registration->id) && check(registration->claims).has_value());
    const auto again = wire::read_registration(wire::write_registration(*registration));
    require(again.has_value() && *again == *registration);
  } else {
    require(is_utf8(registration.error().message) && !has_hidden_characters(registration.error().message));
  }
  if (const auto renewal = wire::read_renewal(body, "a")) require(renewal->id == "a" && renewal->ttl == Duration{});
  check_agent(body);
  return 0;
}
