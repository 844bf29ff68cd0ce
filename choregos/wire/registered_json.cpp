#include "choregos/wire/registered_json.hpp"

#include "choregos/wire/fields.hpp"

namespace choregos::wire {

std::string registered_json(const RegisterReply& reply, Instant now) {
  JsonWriter out(1024);
  out.begin_object();
  if (reply.record) {
    out.key("agent");
    write_agent(out, *reply.record, now);
  }
  out.member("created", reply.created).member("ttl_ms", reply.ttl.count() / 1'000'000);
  out.member("beacon_interval_ms", reply.beacon_interval.count() / 1'000'000);
  out.end_object();
  return std::move(out).take();
}

Result<RegisteredDocument> read_registered(std::string_view body) {
  const auto tree = parse_json(body);
  if (!tree) return tree.error();
  const auto* object = tree.value().if_object();
  if (object == nullptr) return fail(ErrorCode::invalid, "the answer to a registration is not a JSON object");
  RegisteredDocument out;
  Fields from(*object);
  from.truth("created", out.created).millis("ttl_ms", out.ttl).millis("beacon_interval_ms", out.beacon_interval);
  const auto* agent = from.find("agent");
  if (agent == nullptr || !agent->is_object()) from.wrong("agent", "there as an object");
  if (from.error()) return *from.error();
  auto read = read_agent(agent->get_object());
  if (!read) return read.error();
  out.agent = std::move(read).value();
  return out;
}

}  // namespace choregos::wire
